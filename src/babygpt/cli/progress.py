"""What commands that take long show meanwhile: how far they are, or, where that is not known, for how long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from babygpt.cli import console
from babygpt.cli.language import translated

MOMENT = 1.0  # seconds that need no explanation


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show, on a terminal's standard error, that something is under way, and for how long, if it takes a while.

    Nothing may be printed meanwhile.
    """
    terminal = console.err()
    if not terminal.is_terminal:
        yield
        return
    display = Progress(
        SpinnerColumn(), TextColumn(translated(what)), TimeElapsedColumn(), console=terminal, transient=True
    )
    display.add_task("", total=None)
    later = threading.Timer(MOMENT, display.start)
    later.daemon = True
    later.start()
    try:
        yield
    finally:
        later.cancel()
        later.join()
        display.stop()


@contextmanager
def training_shown(what: str, said: Iterable[str] = ()) -> Iterator[Callable[[int, int], object]]:
    """Show, on standard error, how far a training of many is; yield what it is to call with steps done and in all.

    Before it begins, ``said`` is said of it, line by line.
    """
    display = Progress(
        TextColumn(translated("training {task.description}")),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(compact=True),
        console=console.err(),
    )
    task = display.add_task(translated(what), total=None)

    def show(done: int, total: int) -> None:
        if not display.live.is_started:  # with the first call: what is refused has not begun
            for line in said:
                console.say(line)
            display.start()
        display.update(task, completed=done, total=total)

    try:
        yield show
    finally:
        if display.live.is_started:
            display.stop()
