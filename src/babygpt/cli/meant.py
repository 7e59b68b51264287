"""A command line that is almost one, answered with the one that was meant."""

# ruff: noqa: PTH110, PTH112, PTH113  # a Path refuses to be asked about a text that is too long for a name

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from os.path import exists, isdir, isfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from babygpt.cli.language import translated
from babygpt.cli.options import runs_folder
from babygpt.errors import RunError, SettingError
from babygpt.gpt.paths import looks_like_path

if TYPE_CHECKING:
    from babygpt.run.run import Run

# Words that name no command, and what they may ask for; RUN gives way to what followed the word.
_WORDS = {
    ("plot", "draw", "picture", "graph", "show", "view"): (
        "babygpt chain RUN --out chain.svg draws a chain, babygpt analyse RUN --plot training.svg its training, "
        "and babygpt sweep plot FOLDER a sweep."
    ),
    ("save", "convert", "write"): (
        "babygpt chain RUN --out chain.csv writes a chain, in many formats; babygpt export RUN page.html a page."
    ),
    ("page", "html", "share"): "babygpt export RUN page.html writes a run as a page that anyone can open.",
    ("generate", "predict", "walk", "complete", "say"): "babygpt sample RUN draws tokens, from --start CONTEXT.",
    ("print", "table", "states"): "babygpt chain RUN prints a chain.",
    ("list", "ls"): "babygpt runs FOLDER lists the runs in a folder.",
    ("diff", "difference"): "babygpt compare RUN RUN says where two chains differ.",
    ("evaluate", "eval", "stats", "info", "loss"): "babygpt analyse RUN tells all about a chain.",
    ("judge",): "babygpt sources even --judge RUN holds a chain against a source.",
    ("resume", "continue"): "babygpt train --resume RUN goes on with a training.",
    ("fit", "learn", "new"): "babygpt train 111101111011110 trains.",
    ("serve", "web", "ui", "gui", "open", "start"): "babygpt studio opens the studio.",
    ("commands",): "babygpt --help lists the commands, babygpt train --help one's options.",
    ("version",): "babygpt --version prints the version.",
}

# What a second argument may be, for each command that takes one: a test, and the option that takes it.
_SECOND: dict[str, list[tuple[Callable[[str], bool], str]]] = {
    "chain": [(lambda text: "." in text and not isdir(text), "--out")],
    "sample": [(lambda text: not isdir(text), "--start")],
    "analyse": [(lambda text: text.endswith((".svg", ".png", ".pdf")), "--plot"), (lambda text: True, "--target")],
    "input-devices": [(lambda text: "=" in text, "--lookup")],
    "sources": [(str.isdigit, "--tokens"), (isdir, "--judge")],
}


class Command(TyperCommand):
    """A command that tells what to write instead of an argument that is one too many, or a run instead of a text."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the arguments and options; one that takes no value shows none."""
        return [_without_value(param) for param in super().get_params(ctx)]

    def get_usage(self, ctx: Any) -> str:
        """Return the line that shows how it is used."""
        return _usage(super().get_usage(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line.

        Raises
        ------
        SettingError
            There is an argument too many, or a run's folder in place of a text.
        """
        ctx.allow_extra_args = True
        super().parse_args(ctx, args)
        argument = next((param for param in self.params if param.param_type_name == "argument"), None)
        given = None if argument is None else ctx.params.get(argument.name)
        name = ctx.command_path.removeprefix(ctx.find_root().command_path).strip()
        if ctx.args:
            raise SettingError(_one_too_many(name, argument, given, ctx.args))
        if argument is not None and argument.name == "sequence" and given and _is_run(Path(given)):
            said = f"{given} is a run, which keeps the counts of its text and not the text. Give the text, or its file"
            go_on = f". To go on with the run: babygpt train --resume {shlex.quote(given)}"
            raise SettingError(said + (go_on if name == "train" else f": babygpt {name} 111101111011110"))
        return list(ctx.args)


class Commands(TyperGroup):
    """A group of commands that tells which one was meant by another word."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options; one that takes no value shows none."""
        return [_without_value(param) for param in super().get_params(ctx)]

    def get_usage(self, ctx: Any) -> str:
        """Return the line that shows how it is used."""
        return _usage(super().get_usage(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command.

        Raises
        ------
        SettingError
            There is none, and it is clear what was meant.
        """
        if args and self.get_command(ctx, args[0]) is None and (advice := _instead(args, list(self.commands))):
            raise SettingError(f"There is no command {args[0]}. {advice}")
        return super().resolve_command(ctx, args)


def load(path: Path) -> Run:
    """Return the run in a folder that a command was given.

    Raises
    ------
    RunError
        There is none; the message tells what may have been meant.
    """
    import babygpt

    try:
        return babygpt.Run.load(path)
    except RunError as error:
        advice = None if _is_run(path) else _run_instead(path)
        if advice is None:
            raise
        raise RunError(f"{str(error).partition('. Give the folder')[0].removesuffix('.')}. {advice}") from None


def _usage(line: str) -> str:
    return line.replace("Usage:", translated("Usage:"), 1)


def _without_value(param: Any) -> Any:
    if getattr(param, "is_flag", False):
        param.metavar = ""  # the help of Typer 0.29 shows <bool> otherwise, which nobody can give
    if "--help" in param.opts:
        param.help = translated(param.help)
    return param


def _is_run(path: Path) -> bool:
    return isfile(path / "run.json")


def _one_too_many(command: str, argument: Any, given: Any, more: Sequence[str]) -> str:
    if argument is None:
        return f"{command} takes no argument, and got {_joined(more)}. All options: babygpt {command} --help"
    said = f"{command} takes one {argument.metavar or argument.name}, and got {_joined(more)} beside {given}."
    option = next((option for fits, option in _SECOND.get(command, []) if fits(more[0])), None)
    if option is None or len(more) > 1:
        return f"{said} All options: babygpt {command} --help"
    return f"{said} Did you mean: babygpt {command} {_joined([str(given)])} {option} {_joined(more)}"


def _instead(args: Sequence[str], commands: Sequence[str]) -> str | None:
    word, rest = args[0], [arg for arg in args[1:] if not arg.startswith("-")]
    near = get_close_matches(word.lower(), commands, n=1, cutoff=0.7)
    if near:
        return f"Did you mean: babygpt {near[0]} {_joined(args[1:])}".rstrip()
    for words, advice in _WORDS.items():
        if word.lower() in words:
            return advice.replace("RUN", _joined(rest[:1]) if rest else "RUN")
    if _is_run(Path(word)):
        return f"{word} is a run: babygpt chain {_joined(args[:1])} prints its chain."
    if Path(word).suffix == ".toml":
        return f"Did you mean: babygpt sweep {_joined(args)}"
    if isfile(word) or _is_text(word) or (Path(word).suffix and looks_like_path(word)):
        return f"Did you mean: babygpt train {_joined(args)}"
    return None


def _run_instead(path: Path) -> str | None:
    """Return what a path that leads to no run may have meant, or None if that is not clear."""
    if _is_run(path.parent):
        return f"Its folder is one: {path.parent}"
    if _is_run(kept := runs_folder() / path):
        return f"Did you mean {kept}?"
    around = path if isdir(path) else path.parent
    try:
        runs = sorted(str(folder) for folder in around.iterdir() if _is_run(folder))
    except OSError:
        runs = []
    if isdir(path) and runs:
        return f"There are {', '.join(runs[:5])}{' …' if len(runs) > 5 else ''} in it."
    if near := get_close_matches(str(path), runs, n=1, cutoff=0.8):
        return f"Did you mean {near[0]}?"
    if not exists(path) and _is_text(str(path)):
        return f"If that is a text to learn from, train on it first: babygpt train {_joined([str(path)])}"
    return None


def _is_text(word: str) -> bool:
    """Whether a word is what one would type as a sequence to learn from: few signs, again and again, or blanks."""
    return " " in word.strip() or (len(word) >= 4 and len(set(word)) <= len(word) // 2 and "/" not in word)


def _joined(words: Sequence[str]) -> str:
    return " ".join(map(shlex.quote, words))
