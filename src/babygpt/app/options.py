"""What several commands ask for in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain
    from babygpt.run.run import Run

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.", show_default=False)]
AtStep = Annotated[int | None, typer.Option("--step", help="An earlier step; 0 is untrained.", show_default="the last")]
ShortContexts = Annotated[bool, typer.Option("--short-contexts", help="Include the contexts of fewer tokens.")]

Temperature = Annotated[float, typer.Option(help="Decode with this temperature; 0 is greedy.")]
TopK = Annotated[int | None, typer.Option(help="Keep the k likeliest tokens.", show_default="all")]
TopP = Annotated[float | None, typer.Option(help="Keep the likeliest up to this share.", show_default="all")]
MinP = Annotated[
    float | None, typer.Option(help="Keep tokens this likely, as a share of the likeliest.", show_default="all")
]


def chain_at(run: Run, step: int | None) -> MarkovChain:
    """Return the chain of a run at a step, by default the last."""
    return run.chain if step is None else run.chain_at(step)
