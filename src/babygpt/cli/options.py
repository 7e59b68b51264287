"""What several commands ask for in the same words."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from babygpt.chain.decoding import Decoding
from babygpt.settings import READING, SHAPE, TRAINING, Setting

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain
    from babygpt.run.run import Run


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or its zip.", show_default=False)]
AtStep = Annotated[int | None, typer.Option("--step", help="An earlier step; 0 is untrained.", show_default="the last")]
ShortContexts = Annotated[bool, typer.Option("--short-contexts", help="Include the contexts of fewer tokens.")]

Sequence = Annotated[
    str, typer.Argument(metavar="SEQUENCE|FILE|-", help="What to learn: a text, a text file, or - for standard input.")
]
Column = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Read this column of a CSV or TSV table, row by row.", show_default=False),
]
Encoding = Annotated[
    str | None, typer.Option(help="The file's encoding, such as gb18030.", show_default="UTF-8, or what its mark says")
]
Replace = Annotated[bool, typer.Option("--replace", help="Replace a file that is already there.")]


def runs_folder() -> Path:
    """Return where runs are kept unless someone says otherwise: the folder that BABYGPT_RUNS names, else ``runs``."""
    return Path(os.environ.get("BABYGPT_RUNS") or "runs")


def chain_at(run: Run, step: int | None) -> MarkovChain:
    """Return the chain of a run at a step, by default the last."""
    return run.chain if step is None else run.chain_at(step)


def decodes(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has, in place of its parameter ``decoding``, an option for each rule of decoding."""
    rules = [
        Setting(rule.name, default=rule.default, unsaid="all" if rule.default is None else None, **rule.metadata)
        for rule in fields(Decoding)
    ]
    return _with_options(command, "decoding", [_setting(rule) for rule in rules], Decoding)


def learns(command: Callable[..., None], leave_out: tuple[str, ...] = ()) -> Callable[..., None]:
    """Return a command that has options for what is learnt and how, but for those left out, in place of two parameters.

    ``settings`` are those of the GPT's shape and of its training, by the library's names; ``how`` is how the text is
    read (:class:`babygpt.cli.source.HowRead`).
    """
    trained = [_setting(setting) for setting in (*SHAPE, *TRAINING) if setting.name not in leave_out]
    read = [
        *map(_setting, READING),
        Parameter("column", Parameter.KEYWORD_ONLY, default=None, annotation=Column),
        Parameter("encoding", Parameter.KEYWORD_ONLY, default=None, annotation=Encoding),
    ]
    return _with_options(_with_options(command, "settings", trained, dict), "how", read, dict)


def _with_options(
    command: Callable[..., None], name: str, options: list[Parameter], gathered: Callable[..., Any]
) -> Callable[..., None]:
    """Return a command with ``options`` in place of a parameter, which is then what gathers them."""
    own = signature(command, eval_str=True)
    parameters: list[Parameter] = []
    for parameter in own.parameters.values():
        parameters += options if parameter.name == name else [parameter.replace(kind=Parameter.KEYWORD_ONLY)]

    @wraps(command)
    def call(**given: Any) -> None:
        values = {option.name: given.pop(option.name) for option in options}
        command(**given, **{name: gathered(**values)})

    call.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call


def _setting(setting: Setting) -> Parameter:
    names = [f"--{setting.option}"]
    if setting.kind is bool and setting.default is None:
        names = [f"--{setting.option}/--no-{setting.option}"]
    option = typer.Option(*names, help=setting.help, metavar=setting.metavar, show_default=setting.unsaid or True)
    kind: Any = Literal[setting.choices] if setting.choices else setting.kind
    annotation = Annotated[kind | None, option] if setting.default is None else Annotated[kind, option]
    return Parameter(setting.name, Parameter.KEYWORD_ONLY, default=setting.default, annotation=annotation)
