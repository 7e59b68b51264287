"""``babygpt reproduce``: the article's numbers beside those measured now."""

from __future__ import annotations

import typer


def reproduce() -> None:
    """Measure every number the article states and compare; exits with 1 if one is off."""
    from rich.table import Table
    from rich.text import Text

    from babygpt.cli import console
    from babygpt.cli.language import told
    from babygpt.cli.reproduce import check_article

    claims = check_article()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("row")
    table.add_column("what")
    for name in ("the article", "measured"):
        table.add_column(name, justify="right")
    table.add_column("")
    for claim in claims:
        verdict = Text(told("✓ holds"), style="green") if claim.holds else Text(told("✗ is off"), style="bold red")
        table.add_row(claim.row, told(claim.what), claim.stated, claim.measured, verdict)
    console.show(table)
    off = sum(not claim.holds for claim in claims)
    console.say(f"{len(claims) - off} of {len(claims)} numbers hold.")
    if off:
        raise typer.Exit(1)
