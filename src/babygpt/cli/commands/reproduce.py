"""``babygpt reproduce``: the article's numbers beside those measured now."""

from __future__ import annotations

from dataclasses import fields

import typer

from babygpt.cli import console
from babygpt.cli.language import translated
from babygpt.cli.options import Replace
from babygpt.cli.progress import busy
from babygpt.cli.rows import AsRows, OutRows, RowFormat, rows_to_write, write_rows


def reproduce(
    format: AsRows = None,  # noqa: A002  # the option's name
    out: OutRows = None,
    replace: Replace = False,
) -> None:
    """Measure every number the article states and compare; exits with 1 if one is off.

    babygpt reproduce
    """
    from rich.table import Table
    from rich.text import Text

    from babygpt.cli.reproduce import Claim, check_article  # torch comes after --help

    chosen = rows_to_write(format, out, replace)
    with busy("measuring"):
        claims = check_article()
    off = sum(not claim.holds for claim in claims)
    if chosen != RowFormat.table:
        names = [field.name for field in fields(Claim)]
        write_rows({name: [getattr(claim, name) for claim in claims] for name in names}, chosen, out, replace)
        if off:
            raise typer.Exit(1)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("row")
    table.add_column("what")
    for name in ("the article", "measured"):
        table.add_column(name, justify="right")
    table.add_column("")
    for claim in claims:
        verdict = (
            Text(translated("✓ holds"), style="green")
            if claim.holds
            else Text(translated("✗ is off"), style="bold red")
        )
        table.add_row(claim.row, translated(claim.what), claim.stated, claim.measured, verdict)
    console.show(table)
    console.say(f"{len(claims) - off} of {len(claims)} numbers hold.")
    if off:
        raise typer.Exit(1)
