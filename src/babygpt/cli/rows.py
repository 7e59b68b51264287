"""What a command has to say as rows: a table to read, or JSON, NDJSON, CSV or Parquet for whatever comes after it."""

from __future__ import annotations

import json
import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from babygpt.cli import console
from babygpt.errors import SettingError
from babygpt.files import write_file

if TYPE_CHECKING:
    from babygpt.frames import Columns


class RowFormat(StrEnum):
    """What rows are written as."""

    table = "table"
    json = "json"
    ndjson = "ndjson"
    csv = "csv"
    parquet = "parquet"


AsRows = Annotated[
    RowFormat | None, typer.Option("--format", "-f", help="How to write the rows.", show_default="table")
]

OutRows = Annotated[Path | None, typer.Option("--out", "-o", help="A file; its ending chooses the format.")]


def write_rows(columns: Columns, chosen: str, out: Path | None, replace: bool) -> None:
    """Write columns of one length in a format other than a table, to a file or to standard output."""
    from babygpt.cli import terminal  # NumPy comes after --help

    data = _bytes(columns, chosen)
    if out is not None:
        write_file(out, data, "table", replace)
        console.say(f"written: {out}")
    elif chosen == RowFormat.parquet and sys.stdout.isatty():
        raise SettingError("parquet is not text and would garble the terminal. Add --out rows.parquet")
    else:
        terminal.write(data)


def _bytes(columns: Columns, chosen: str) -> bytes:
    if chosen in (RowFormat.csv, RowFormat.parquet):
        from babygpt.lab.tables import table_bytes

        return table_bytes(columns, f".{chosen}")
    from babygpt.gpt.signs import json_text

    names = list(columns)
    rows = [dict(zip(names, map(_plain, row), strict=True)) for row in zip(*columns.values(), strict=True)]
    if chosen == RowFormat.json:
        return (json_text(rows) + "\n").encode()
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()  # escaped: each row is a line, whatever is in it


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, which knows no number that is not finite."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
