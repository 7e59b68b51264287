"""Commands that wait to be handled: in order, bounded, and only the last of those that replace each other."""

from __future__ import annotations

import asyncio
from collections import deque

# A slider sends many of these, each saying where it stands: what came before is of no interest any more.
LATEST_WINS = frozenset({"turn", "nudge", "seek", "decode", "rows", "speed", "select"})

MOST = 256  # commands


class FloodError(Exception):
    """More waits than a person could have asked for."""


class Inbox:
    """The commands of one connection.

    Parameters
    ----------
    most_bytes
        How large all that waits may be together.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._waiting: deque[tuple[object, int]] = deque()
        self._bytes = 0
        self._closed = False
        self._filled = asyncio.Event()

    def add(self, command: object, size: int) -> None:
        """Add a command that came as so many bytes.

        Raises
        ------
        FloodError
            Too much waits already.
        """
        if self._waiting and (joined := join(self._waiting[-1][0], command)) is not None:
            self._waiting[-1] = (joined, self._waiting[-1][1])
            return
        if len(self._waiting) >= MOST or (self._waiting and self._bytes + size > self._most_bytes):
            raise FloodError
        self._waiting.append((command, size))
        self._bytes += size
        self._filled.set()

    async def take(self) -> object:
        """Return the next command, when there is one.

        Raises
        ------
        EOFError
            The inbox is closed and empty.
        """
        while not self._waiting:
            if self._closed:
                raise EOFError
            self._filled.clear()
            await self._filled.wait()
        command, size = self._waiting.popleft()
        self._bytes -= size
        return command

    def close(self) -> None:
        """Take no more; what came is still handled."""
        self._closed = True
        self._filled.set()

    def clear(self) -> None:
        """Throw away what waits."""
        self._waiting.clear()
        self._bytes = 0


def join(earlier: object, later: object) -> dict[str, object] | None:
    """Return one command that does what two do one after the other, or None if both are needed.

    >>> join({"command": "seek", "step": 3}, {"command": "seek", "step": 4})
    {'command': 'seek', 'step': 4}
    >>> join({"command": "decode", "top_k": 2}, {"command": "decode", "temperature": 0.5})
    {'command': 'decode', 'top_k': 2, 'temperature': 0.5}
    >>> join({"command": "nudge", "place": 1, "by": 1}, {"command": "nudge", "place": 2, "by": 1})
    """
    if not isinstance(earlier, dict) or not isinstance(later, dict):
        return None
    name = earlier.get("command")
    if not isinstance(name, str) or name not in LATEST_WINS or name != later.get("command"):
        return None
    if earlier.get("place") != later.get("place"):
        return None  # two numbers, each with its own change
    return {**earlier, **later}
