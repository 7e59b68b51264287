"""Signals that ask a program to end, noted until it can: no step and no saving is broken off by one.

Ctrl-C (SIGINT), a shutdown or a scheduler (SIGTERM), a terminal that is closed (SIGHUP, where there is one): the first
of them is noted, for whoever works to look at. A second press is answered with a sentence, a third ends the program.
A key that is held is one press.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from babygpt.cli.language import translated

# Seconds without a signal after which the next is another press: a key that is held repeats itself after at most one.
APART = 1.2

ANSWER = (
    "\nWhat was trained is being saved, after the step that is under way. Pressed a third time, this ends at once, and "
    "what is not saved is lost.\n"
)


class Stop:
    """Whether something asked to stop.

    Attributes
    ----------
    signal
        The first signal that did; None so far.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.signal: int | None = None
        self._clock, self._last, self._answered = clock, 0.0, False

    @property
    def status(self) -> int:
        """The exit status of a program that a signal ended: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + (self.signal or 0)

    def __bool__(self) -> bool:
        return self.signal is not None

    def note(self, signum: int, frame: FrameType | None = None) -> None:
        """Note a signal; answer the second press, and end at the third.

        Raises
        ------
        KeyboardInterrupt
            It is the third.
        """
        now = self._clock()
        another, self._last = now - self._last >= APART, now
        if self.signal is None:
            self.signal = signum
        elif another and not self._answered:
            self._answered = True
            with suppress(OSError):  # not print: a signal may come in the middle of one
                os.write(2, translated(ANSWER).encode())
        elif another:
            raise KeyboardInterrupt


@contextmanager
def noted() -> Iterator[Stop]:
    """Note signals inside the block instead of being ended by them; afterwards they do what they did before.

    Only a program's main thread can; elsewhere the block is an ordinary one.
    """
    stop = Stop()
    before: dict[int, object] = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # not every system has the last two
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):  # as nohup asks
                continue
            before[number] = signal.signal(number, stop.note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # type: ignore[arg-type]
