"""``babygpt check``: whether a run is what it says."""

from __future__ import annotations

from dataclasses import fields

import typer

from babygpt.cli import console
from babygpt.cli.language import translated
from babygpt.cli.meant import load
from babygpt.cli.options import Replace, RunFolder
from babygpt.cli.progress import busy
from babygpt.cli.rows import AsRows, OutRows, RowFormat, rows_to_write, write_rows


def check(
    run: RunFolder,
    format: AsRows = None,  # noqa: A002  # the option's name
    out: OutRows = None,
    replace: Replace = False,
) -> None:
    """Compute anew what follows from a run's weights, seed and data, and compare; exits with 1 if something is off.

    babygpt check runs/run-1
    """
    from rich.table import Table
    from rich.text import Text

    from babygpt.run.check import Finding  # NumPy comes after --help

    chosen = rows_to_write(format, out, replace)
    loaded = load(run)
    with busy("checking"):
        found = loaded.check()
    if chosen != RowFormat.table:
        names = [field.name for field in fields(Finding)]
        write_rows({name: [getattr(each, name) for each in found.findings] for name in names}, chosen, out, replace)
        if not found.holds:
            raise typer.Exit(1)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("what follows from what", "", "off by", "of what"):
        table.add_column(name, justify="right" if name == "off by" else "left")
    verdicts = {
        True: Text(translated("✓ holds"), style="green"),
        False: Text(translated("✗ is off"), style="bold red"),
        None: Text(translated("– cannot be told")),
    }
    for finding in found.findings:
        off = "" if finding.difference is None else f"{finding.difference:.1e}"
        table.add_row(translated(finding.what), verdicts[finding.holds], off, translated(finding.remark))
    console.show(table)
    if not found.holds:
        console.say("The run is not what it says: some of it was changed, or this machine computes otherwise.")
        raise typer.Exit(1)
    console.say("Nothing is off.")
