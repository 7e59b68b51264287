"""``babygpt compare``: which arrows of two runs differ, and by how much."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from babygpt.cli import console
from babygpt.cli.meant import load
from babygpt.cli.options import Replace
from babygpt.cli.rows import AsRows, OutRowsOrPicture, RowFormat, what_to_write, write_rows
from babygpt.errors import SettingError

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain
    from babygpt.chain.compare import Comparison

MOST_SHOWN = 20  # rows of a table; a file has all


def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.", show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of another.", show_default=False)],
    format: AsRows = None,  # noqa: A002  # the option's name
    out: OutRowsOrPicture = None,
    replace: Replace = False,
) -> None:
    """Compare the chains of two runs arrow by arrow: where the first spends its time, there a difference weighs most.

    babygpt compare runs/seed-1 runs/seed-2

    babygpt compare runs/seed-1 runs/seed-2 --out differences.svg

    A row is an arrow: state, context, token, the probabilities that the first and the second give it, their difference,
    and its weight: how often the first is in that state. What differs most by weight comes first.
    """
    chosen = what_to_write(format, out, replace)
    p, q = load(first).chain, load(second).chain
    try:
        found = p.compare(q)
    except SettingError as error:
        raise SettingError(f"{first} and {second} cannot be compared. {error}") from None
    if chosen == "picture":
        console.say(f"written: {found.plot().save(out, replace)}")  # type: ignore[arg-type]  # it is one
    elif chosen == RowFormat.table:
        _show(p, q, found)
    else:
        write_rows(found.rows(), chosen, out, replace)
    console.say(
        f"In the long run of {first} the other differs by {found.mean_total_variation:.2%} of the next token's "
        f"probability (total variation), by {found.mean_kl:.4f} nats per token (Kullback–Leibler)."
    )


def _show(p: MarkovChain, q: MarkovChain, found: Comparison) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("context", "token", "first", "second", "difference", "weight"):
        table.add_column(name, justify="left" if name in ("context", "token") else "right", no_wrap=True)
    ranked = found.ranked().tolist()
    for state, token in ranked[:MOST_SHOWN]:
        table.add_row(
            Text(p.label(state)), Text(p.vocabulary.label([token])), f"{p.probs[state, token]:.1%}",
            f"{q.probs[state, token]:.1%}", f"{100 * found.differences[state, token]:+.1f}",
            f"{found.weights[state]:.1%}",
        )  # fmt: skip
    console.show(table)
    if len(ranked) > MOST_SHOWN:
        console.say(f"{len(ranked) - MOST_SHOWN:,} arrows that differ less are not shown: add --out differences.csv")
