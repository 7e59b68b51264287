"""What several commands ask for in the same words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, fields
from enum import StrEnum
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from babygpt.chain.decoding import Decoding

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain
    from babygpt.run.run import Run


class Tokens(StrEnum):
    """How a text is read."""

    chars = "chars"
    words = "words"


class Positions(StrEnum):
    """Which predictions are trained."""

    last = "last"
    all = "all"


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.", show_default=False)]
AtStep = Annotated[int | None, typer.Option("--step", help="An earlier step; 0 is untrained.", show_default="the last")]
ShortContexts = Annotated[bool, typer.Option("--short-contexts", help="Include the contexts of fewer tokens.")]

# What to learn and how: the settings of a training. Commands give them the article's values.
Sequence = Annotated[
    str, typer.Argument(metavar="SEQUENCE|FILE|-", help="What to learn: a text, a text file, or - for standard input.")
]
ContextLength = Annotated[int, typer.Option("--context", help="Tokens of context, K.")]
Steps = Annotated[int, typer.Option(help="Training steps (updates) in all.")]
Seed = Annotated[int, typer.Option(help="Draws the first weights (and the batches).")]
LearningRate = Annotated[float, typer.Option(help="AdamW's learning rate.")]
WeightDecay = Annotated[float, typer.Option(help="AdamW's weight decay.")]
Layers = Annotated[int, typer.Option(help="Transformer blocks.")]
Heads = Annotated[int, typer.Option(help="Attention heads in each block.")]
Width = Annotated[int, typer.Option(help="Numbers per token, divisible by the heads.")]
Bias = Annotated[bool, typer.Option("--bias", help="Give the linear maps a bias.")]
ReadAs = Annotated[Tokens, typer.Option(help="Read characters or words.")]
Separator = Annotated[
    str | None,
    typer.Option(
        metavar="SIGN", help="Read names with this between them, such as a comma.", show_default="white space"
    ),
]
Lines = Annotated[
    bool | None,
    typer.Option("--lines/--no-lines", help="Read each line as a sequence of its own.", show_default="if of words"),
]
Column = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Read this column of a CSV or TSV table, row by row.", show_default=False),
]
Encoding = Annotated[
    str | None, typer.Option(help="The file's encoding, such as gb18030.", show_default="UTF-8, or what its mark says")
]
Symbols = Annotated[str | None, typer.Option(help="The symbols, such as 01.", show_default="those that occur")]
Trained = Annotated[
    Positions, typer.Option(help="Train the token after each whole context, or after each of its prefixes too.")
]
BatchSize = Annotated[int | None, typer.Option(help="Examples drawn for each step.", show_default="all, every step")]
Replace = Annotated[bool, typer.Option("--replace", help="Replace a file that is already there.")]
OnDevice = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps.")]


def chain_at(run: Run, step: int | None) -> MarkovChain:
    """Return the chain of a run at a step, by default the last."""
    return run.chain if step is None else run.chain_at(step)


def decodes(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has, in place of its parameter ``decoding``, an option for each rule of decoding."""
    own = signature(command, eval_str=True)
    parameters: list[Parameter] = []
    for parameter in own.parameters.values():
        parameters += [_option(rule) for rule in fields(Decoding)] if parameter.name == "decoding" else [parameter]

    @wraps(command)
    def call(**given: Any) -> None:
        decoding = Decoding(**{rule.name: given.pop(rule.name) for rule in fields(Decoding)})
        command(**given, decoding=decoding)

    call.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call


def _option(rule: Field[Any]) -> Parameter:
    kind, everything = rule.metadata["kind"], rule.default is None
    option = typer.Option(help=rule.metadata["help"], show_default="all" if everything else True)
    annotation = Annotated[kind | None, option] if everything else Annotated[kind, option]
    return Parameter(rule.name, Parameter.KEYWORD_ONLY, default=rule.default, annotation=annotation)
