"""The command line: the library's own words, thinly dressed.

Results go to standard output, progress and remarks to standard error. Exit status: 0 done, 1 a check failed
(``reproduce``, ``check``) or trainings did (``sweep``), 2 something given cannot be used or standard output cannot be
written to, 130 stopped with Ctrl-C, 141 whoever read standard output has gone (``| head``).

Modules that need torch, Graphviz or matplotlib are imported by the commands that use them, so that ``--help`` and
``sizes`` answer at once.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields
from typing import Annotated, Any, Literal

import typer
import typer.main

import babygpt
from babygpt.chain.decoding import Decoding
from babygpt.cli import console
from babygpt.cli.arguments import LearnsOne
from babygpt.cli.commands.analyse import analyse
from babygpt.cli.commands.attribute import attribute
from babygpt.cli.commands.chain import chain
from babygpt.cli.commands.check import check
from babygpt.cli.commands.compare import compare
from babygpt.cli.commands.export import export
from babygpt.cli.commands.input_devices import input_devices
from babygpt.cli.commands.reproduce import reproduce
from babygpt.cli.commands.runs import runs
from babygpt.cli.commands.sample import sample
from babygpt.cli.commands.seeds import seeds
from babygpt.cli.commands.sizes import sizes
from babygpt.cli.commands.sources import sources
from babygpt.cli.commands.studio import studio
from babygpt.cli.commands.sweep import sweep
from babygpt.cli.commands.train import train
from babygpt.cli.language import choose_language, current_language, set_language, translated
from babygpt.cli.meant import Command, Commands
from babygpt.cli.streams import standard_streams
from babygpt.cli.usage import translate_help, usage_errors
from babygpt.errors import BabyGPTError, MissingGlyphWarning, SettingError
from babygpt.extras import package_errors
from babygpt.settings import SCREEN, SETTINGS


class BabyGPT(Commands):
    """Turns the library's errors into one sentence and exit status 2."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the command line."""
        with usage_errors():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", MissingGlyphWarning)
                warnings.showwarning = _remark(warnings.showwarning)
                with package_errors(), usage_errors():
                    return super().invoke(ctx)
        except BabyGPTError as error:
            console.say(in_options(translated(f"error: {error}")))
            raise typer.Exit(2) from None
        except MemoryError:
            console.say("error: The memory does not suffice. Use a shorter context or fewer symbols.")
            raise typer.Exit(2) from None


def _remark(otherwise: Callable[..., None]) -> Callable[..., None]:
    """Return what shows a warning: the library's own in one line, others as before."""

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, MissingGlyphWarning):
            console.say(f"warning: {message}")
        else:
            otherwise(message, category, *where, **more)

    return show


# The library's name of each setting as an option: the table's, the rules of decoding, and those of single commands.
_OPTION = {
    "block_size": "--context",
    "n_tokens": "--tokens",
    **{name: f"--{setting.option}" for name, setting in SETTINGS.items() if setting not in SCREEN},
    **{name: "--" + name.replace("_", "-") for name in (
        *(rule.name for rule in fields(Decoding)), "layout", "seeds", "mark", "at", "by", "within", "step", "host",
        "port", "backend", "jobs", "scheduler", "limit", "encoding", "column", "replace", "frames",
    )},
}  # fmt: skip
_SETTING = re.compile(rf"\b({'|'.join(_OPTION)})=(?!n\b)([^\s;,)，。；：、）？]*[^\s;,).，。；：、）？])", re.ASCII)


def in_options(message: str) -> str:
    """Return a message of the library in the command line's words.

    >>> in_options("n_embd=15 cannot be divided. Try n_embd=16.")
    '--width 15 cannot be divided. Try --width 16.'
    """
    return _SETTING.sub(lambda match: _OPTION[match[1]] + ("" if match[2] == "True" else f" {match[2]}"), message)


app = typer.Typer(
    cls=BabyGPT,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train GPTs small enough to be known completely, and see every state and every arrow.",
    epilog="Start with:  babygpt train 111101111011110",
)


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version and exit.")] = False,
    lang: Annotated[
        Literal["en", "zh"] | None,
        typer.Option(help="The language: en or zh.", envvar="BABYGPT_LANG", show_default="the system's"),
    ] = None,  # heeded before anything is read (babygpt.cli.language.choose_language)
) -> None:
    if version:
        console.line(f"babygpt {babygpt.__version__}")
        raise typer.Exit


def help_with(
    names: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]…", help="A command.")] = None,
) -> None:
    """Say what babygpt, or one of its commands, takes: the same as --help behind it.

    babygpt help

    babygpt help train
    """
    run([*(names or ()), "--help"])


PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Train": (studio, train),
    "Inspect": (runs, chain, sample, export),
    "Analyse": (analyse, input_devices),
    "Compare": (compare, seeds, attribute, sources),
    "Reference": (check, sizes, reproduce),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(cls=LearnsOne if command in (train, seeds, attribute) else Command, rich_help_panel=panel)(command)
app.command("help", cls=Command, rich_help_panel="Reference")(help_with)
app.add_typer(sweep, name="sweep", rich_help_panel="Compare")  # it has a command of its own: babygpt sweep plot


def run(arguments: Sequence[str]) -> None:
    """Run the command line with these arguments, in the chosen language."""
    command = typer.main.get_command(app)
    if current_language() != "en":
        translate_help(command)
    command(list(arguments), prog_name="babygpt")


def main() -> None:
    """Run the command line."""
    try:
        with standard_streams():
            try:
                language, arguments = choose_language(sys.argv[1:])
            except SettingError as error:
                console.say(f"error: {error}")
                sys.exit(2)
            set_language(language)
            run(arguments)
    except KeyboardInterrupt:
        sys.exit(130)


def program() -> None:
    """Run the command line, and end with it.

    Where no thread is left the process ends at once: to take torch down piece by piece takes longer than to train a
    small GPT. What was registered for the end is done before.
    """
    status: object = None
    try:
        main()
    except SystemExit as error:
        status = error.code
    if threading.active_count() > 1 or not isinstance(status, int | None):
        sys.exit(status)  # type: ignore[arg-type]  # whatever was given to it before
    atexit._run_exitfuncs()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError, ValueError):  # closed, or its reader has gone
            stream.flush()
    os._exit(status or 0)
