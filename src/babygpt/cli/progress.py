"""What the commands share that train many GPTs: they show how far they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from babygpt.cli import console
from babygpt.cli.language import told


@contextmanager
def training_shown(what: str, said: Iterable[str] = ()) -> Iterator[Callable[[int, int], object]]:
    """Show, on standard error, how far a training of many is; yield what it is to call with steps done and in all.

    Before it begins, ``said`` is said of it, line by line.
    """
    display = Progress(
        TextColumn(told("training {task.description}")),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(compact=True),
        console=console.err(),
    )
    task = display.add_task(told(what), total=None)

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
