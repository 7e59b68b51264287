"""What a command has to say as rows: a table to read, or JSON, NDJSON, CSV or Parquet for whatever comes after it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from babygpt.cli import console
from babygpt.cli.outputs import PICTURES, check_free, format_of, is_picture
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

OutRowsOrPicture = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="A file; its ending chooses: .json, .ndjson, .csv, .parquet; .svg, .png, .pdf."),
]

OutRows = Annotated[Path | None, typer.Option("--out", "-o", help="A file; its ending chooses the format.")]


def rows_to_write(asked: RowFormat | None, out: Path | None, replace: bool, others: Sequence[str] = ()) -> str:
    """Return the format to write rows in, of which a table is for the screen; asked for before the work.

    ``others`` are endings that would do too, if nothing is asked for.

    Raises
    ------
    SettingError
        The name ends in no known format, or in another one than is asked for.
    FileError
        The file cannot be written, or is there and not to be replaced.
    """
    chosen = format_of(RowFormat, asked, out, others)
    if out is not None:
        check_free(out, "table", replace)
    _check_terminal(chosen, out)
    return chosen


def what_to_write(asked: RowFormat | None, out: Path | None, replace: bool) -> str:
    """Return what to write a result as that has a picture: ``"picture"``, or a format of rows.

    It raises what :func:`rows_to_write` does.
    """
    if out is None or asked is not None or not is_picture(out):
        return rows_to_write(asked, out, replace, PICTURES)
    check_free(out, "picture", replace)
    return "picture"


def write_rows(columns: Columns, chosen: str, out: Path | None, replace: bool) -> None:
    """Write columns of one length in a format other than a table, to a file or to standard output."""
    from babygpt.cli import terminal  # NumPy comes after --help

    if out is None:
        _check_terminal(chosen, out)
        terminal.write(_bytes(columns, chosen))
        return
    if chosen in (RowFormat.csv, RowFormat.parquet) and out.suffix.lower() == f".{chosen}":
        from babygpt.lab.tables import write_table

        write_table(out, columns, replace)  # as it goes, however many rows there are
    else:
        write_file(out, _bytes(columns, chosen), "table", replace)
    console.say(f"written: {out}")


def _check_terminal(chosen: str, out: Path | None) -> None:
    if out is None and chosen == RowFormat.parquet and sys.stdout.isatty():
        raise SettingError("parquet is not text and would garble the terminal. Add --out rows.parquet")


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
