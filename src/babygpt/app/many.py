"""What the commands share that train GPTs: the text they learn from, and how far many at once are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from babygpt.app import screen

if TYPE_CHECKING:
    from babygpt.app.options import Tokens
    from babygpt.gpt.corpus import Corpus


def corpus_of(
    sequence: str, context_length: int, vocabulary: str | None, tokens: Tokens, encoding: str | None, command: str
) -> Corpus:
    """Return the counts of what a command was given: a text, a file's name, or ``-`` for standard input."""
    from babygpt.app.source import named_by
    from babygpt.gpt.corpus import Corpus
    from babygpt.gpt.vocabulary import Vocabulary

    symbols = None if vocabulary is None else Vocabulary(vocabulary, tokens.value)
    named = named_by(sequence, command, encoding)
    if isinstance(named, Path):
        return Corpus.from_file(named, context_length, symbols, tokens.value, encoding)
    return Corpus.from_text(named, context_length, symbols, tokens.value)


def text_of(sequence: str, encoding: str | None, command: str) -> str:
    """Return the text that a command was given itself, by a file's name, or as ``-`` for standard input."""
    from babygpt.app.source import named_by
    from babygpt.gpt.texts import file_pieces

    named = named_by(sequence, command, encoding)
    return "".join(file_pieces(named, encoding)) if isinstance(named, Path) else named


@contextmanager
def training_shown(what: str) -> Iterator[Callable[[int, int], object]]:
    """Show, on standard error, how far a training of many is; yield what it is to call with steps done and in all."""
    display = Progress(
        TextColumn("training {task.description}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(compact=True),
        console=screen.err(),
    )
    task = display.add_task(what, total=None)

    def show(done: int, total: int) -> None:
        display.start()  # with the first call: what is refused has not begun
        display.update(task, completed=done, total=total)

    try:
        yield show
    finally:
        if display.live.is_started:
            display.stop()
