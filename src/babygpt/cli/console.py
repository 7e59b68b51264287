"""The two consoles: data goes to standard output, everything else to standard error.

Whatever is printed may be a stranger's, such as the symbols of a run or its folder's name: a terminal obeys none of it.
"""

from __future__ import annotations

from rich.console import Console, RenderableType

from babygpt.cli.language import translated
from babygpt.gpt.signs import harmless


def out() -> Console:
    """Return the console for data; where standard output is no terminal, no line is cut."""
    console = Console(highlight=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, emoji=False, width=10_000)


def err() -> Console:
    """Return the console for progress, remarks and errors."""
    return Console(stderr=True, highlight=False, emoji=False)


def line(text: str) -> None:
    """Print a line of data to standard output, at once."""
    print(harmless(text), flush=True)


def say(text: str) -> None:
    """Print a remark to standard error, in the chosen language."""
    err().print(harmless(translated(text)), markup=False, emoji=False, soft_wrap=True)


def show(what: RenderableType) -> None:
    """Print a table to standard output; where that is no terminal, without blanks at the ends of lines.

    What its headers say is said in the chosen language; one that is data is a ``Text``.
    """
    for column in getattr(what, "columns", ()):
        if isinstance(column.header, str):
            column.header = translated(column.header)
    console = out()
    if console.is_terminal:
        console.print(what)
        return
    with console.capture() as captured:
        console.print(what)
    text = "\n".join(line.rstrip() for line in captured.get().splitlines())
    console.print(text, markup=False, soft_wrap=True)
