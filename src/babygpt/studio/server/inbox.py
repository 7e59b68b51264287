"""Commands that wait to be handled: in order, bounded, and only the last of those that replace each other."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import fields

from babygpt.chain.decoding import Decoding
from babygpt.errors import SettingError
from babygpt.studio.commands import LARGEST

# A slider sends many of these, each saying where it stands: what came before is of no interest any more.
LATEST_WINS = frozenset({"turn", "nudge", "seek", "decode", "rows", "speed", "select", "attribute", "place"})
# A key that is held sends many of these. So many of a kind wait, enough for who presses it again and again; of more,
# only the last counts, so that it ends soon after the key is let go.
REPEATED = frozenset({"step", "skip", "walk", "select", "seek", "place", "attribute", "rows"})
HELD = 32

MOST = 256  # commands

_SLIDERS = {rule.name for rule in fields(Decoding)}
_TYPING = {"command", "sequence", "name"}  # the parts of a command that someone's typing sends


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
        self._let_go(command)
        freed, joined = 0, None
        if self._waiting:
            earlier, freed = self._waiting[-1]
            joined = join(earlier, command)
        if joined is None:
            freed = 0
        elif joined is not command:
            size = max(size, freed)  # a few numbers of both
        waits = len(self._waiting) - (joined is not None)
        if waits >= MOST or (waits and self._bytes - freed + size > self._most_bytes):
            raise FloodError
        if joined is not None:
            self._waiting.pop()
        self._waiting.append((command if joined is None else joined, size))
        self._bytes += size - freed
        self._filled.set()

    def _let_go(self, command: object) -> None:
        """Drop the last command of a kind that is repeated, if as many wait as may."""
        name = command.get("command") if isinstance(command, dict) else None
        if not isinstance(name, str) or name not in REPEATED:
            return
        waiting = [entry for entry in self._waiting if isinstance(entry[0], dict) and entry[0].get("command") == name]
        if len(waiting) >= HELD:
            place = max(i for i, entry in enumerate(self._waiting) if entry is waiting[-1])
            self._bytes -= waiting[-1][1]
            del self._waiting[place]

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
    >>> join({"command": "skip", "by": 1}, {"command": "skip", "by": 10})
    {'command': 'skip', 'by': 11}
    >>> join({"command": "nudge", "place": 1, "by": 1}, {"command": "nudge", "place": 2, "by": 1})
    >>> join({"command": "configure", "sequence": "01"}, {"command": "configure", "sequence": "011"})
    {'command': 'configure', 'sequence': '011'}
    """
    if not isinstance(earlier, dict) or not isinstance(later, dict):
        return None
    name = earlier.get("command")
    if not isinstance(name, str) or name != later.get("command"):
        return None
    if name == "configure":
        typed = "sequence" in later and earlier.keys() <= _TYPING and later.keys() <= _TYPING
        return later if typed else None
    if name == "skip":
        return _skipped(earlier, later)
    if name not in LATEST_WINS or earlier.get("place") != later.get("place"):
        return None  # of different places: two numbers, each with its own change
    if name == "decode":
        return {**earlier, **later} if _moves_sliders(earlier) and _moves_sliders(later) else None
    return later


def _skipped(earlier: dict[str, object], later: dict[str, object]) -> dict[str, object] | None:
    """Return both ways in one, if they go in the same direction: there and back again may end elsewhere."""
    first, second = (skip.get("by") if skip.keys() == {"command", "by"} else None for skip in (earlier, later))
    if type(first) is not int or type(second) is not int or first * second <= 0 or abs(first + second) > LARGEST:
        return None
    return {"command": "skip", "by": first + second}


def _moves_sliders(decode: dict[str, object]) -> bool:
    """Return whether a command to decode can be obeyed: one that cannot must not spoil another."""
    parts = {key: value for key, value in decode.items() if key != "command"}
    if not parts.keys() <= _SLIDERS:
        return False
    try:
        Decoding(**parts)  # type: ignore[arg-type]  # it checks
    except SettingError:
        return False
    return True
