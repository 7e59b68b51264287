"""``babygpt runs``: what is in a folder of runs."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from babygpt.cli import console
from babygpt.cli.options import Replace, runs_folder
from babygpt.cli.outputs import check_free, format_of
from babygpt.cli.rows import AsRows, OutRows, RowFormat, write_rows
from babygpt.errors import FileError, RunError

if TYPE_CHECKING:
    from babygpt.run.summary import RunSummary

LONGEST = 28  # characters of a text in the table


def runs(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="Where runs are kept.", show_default="BABYGPT_RUNS, or runs"),
    ] = None,
    format: AsRows = None,  # noqa: A002  # the option's name
    out: OutRows = None,
    replace: Replace = False,
) -> None:
    """List the runs in a folder: what each learnt, how far, and how near to the floor it came.

    babygpt runs

    babygpt runs sweeps/first --format csv
    """
    folder = runs_folder() if folder is None else folder
    chosen = format_of(RowFormat, format, out)
    if out is not None:
        check_free(out, "table", replace)
    if not folder.is_dir():
        raise FileError(f"There is no folder {folder}. babygpt train keeps its runs in runs, or where --out says.")
    if (folder / "run.json").is_file():
        raise FileError(f"{folder} is a run itself. Look at it with: babygpt chain {folder}")
    from babygpt.run.summary import RunSummary, summaries  # NumPy comes after --help

    found: list[RunSummary] = []
    broken: list[RunError] = []
    for each in summaries(folder):
        if isinstance(each, RunError):
            broken.append(each)
        else:
            found.append(each)
    for error in broken:
        console.say(f"warning: {error}")
    if chosen != RowFormat.table:
        names = [field.name for field in fields(RunSummary)]
        write_rows({name: [getattr(each, name) for each in found] for name in names}, chosen, out, replace)
    elif found:
        _show(found)
    else:
        console.say(f"There are no runs in {folder}.")


def _show(found: list[RunSummary]) -> None:
    from rich.table import Table
    from rich.text import Text

    from babygpt.gpt.signs import visible

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("run", "text", "K", "states", "parameters", "seed", "steps", "loss", "floor"):
        table.add_column(name, justify="left" if name in ("run", "text") else "right", no_wrap=name != "run")
    for each in found:
        text = "" if each.text is None else visible(each.text, blanks=False)
        table.add_row(
            Text(each.run), Text(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"),
            f"{each.context_length:,}", f"{each.states:,}", f"{each.parameters:,}", str(each.seed), f"{each.steps:,}",
            f"{each.loss:.4f}", f"{each.floor:.4f}",
        )  # fmt: skip
    console.show(table)
    console.say("Loss and floor in nats per token; the loss is that of the last step, before it.")
