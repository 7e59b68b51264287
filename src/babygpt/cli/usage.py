"""Help, and what is said of a command line that cannot be read, in the chosen language.

Typer writes both, out of texts of ours and of its own: ours are put into the language before it does, its own by the
names that it has for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from typer import BadParameter

from babygpt.cli.language import translated

# Of the Click that Typer uses, which may be its own.
ClickException: Any = next(kind for kind in BadParameter.__mro__ if kind.__name__ == "ClickException")

# What Typer's help says of itself, by its names for that.
_TYPERS = (
    "ARGUMENTS_PANEL_TITLE",
    "OPTIONS_PANEL_TITLE",
    "COMMANDS_PANEL_TITLE",
    "ERRORS_PANEL_TITLE",
    "DEFAULT_STRING",
    "ENVVAR_STRING",
    "REQUIRED_LONG_STRING",
    "RICH_HELP",
)


def translate_help(command: Any) -> None:
    """Put all that is said of a command, its options and its commands into the chosen language."""
    from typer import rich_utils

    for name in _TYPERS:
        if hasattr(rich_utils, name):
            setattr(rich_utils, name, translated(getattr(rich_utils, name)))
    # its tables cut a line that has no blank to be parted at, as Chinese has none
    for name, instead in (("Table", _folding_table()), ("Columns", _one_below_another)):
        setattr(rich_utils, name, instead)
    _translate_command(command)


def _folding_table() -> Any:
    from rich.table import Table

    class FoldingTable(Table):
        def add_row(self, *cells: Any, **options: Any) -> None:
            super().add_row(*cells, **options)
            for column in self.columns:
                column.overflow = "fold"

    return FoldingTable


def _one_below_another(items: Iterable[Any]) -> Any:
    from rich.console import Group

    return Group(*items)


@contextmanager
def usage_errors() -> Iterator[None]:
    """Let what Typer has to say of a command line be said in the chosen language."""
    try:
        yield
    except Exception as error:
        if isinstance(error, ClickException):
            message = translated(error.format_message())
            error.format_message = lambda: message
        raise


def _translate_command(command: Any) -> None:
    command.help = command.help and translated_paragraphs(command.help)
    command.short_help = command.short_help and translated(command.short_help)
    command.epilog = command.epilog and translated(command.epilog)
    _translate_panel(command)
    for param in command.params:
        _translate_panel(param)
        param.help = param.help and translated(param.help)
        if isinstance(getattr(param, "show_default", None), str):
            param.show_default = translated(param.show_default)
    for inner in getattr(command, "commands", {}).values():
        _translate_command(inner)


def translated_paragraphs(text: str) -> str:
    """Return a help text, paragraph by paragraph; what shows a command line stays as it is."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(translated(paragraph) for paragraph in paragraphs)


def _translate_panel(thing: Any) -> None:
    panel = getattr(thing, "rich_help_panel", None)
    if isinstance(panel, str):
        thing.rich_help_panel = translated(panel)
