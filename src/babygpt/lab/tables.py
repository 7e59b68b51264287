"""Tables on disk: named columns of one length, as CSV for spreadsheets or Parquet for programs.

A file appears whole or not at all (:mod:`babygpt.files`). Parquet keeps each column's type and floats to the last
bit. CSV is UTF-8; it quotes every text and no number, and writes floats so that they read back to the same number. What
a terminal would obey (escapes, control characters but tabs and ends of lines, marks of direction) CSV shows as signs.

A spreadsheet does not heed the quotes: it reads the context "000" as the number 0, and a text that begins with =, +,
- or @ as a formula. What it cannot lose is the number of the state, which is why every table of contexts has a column
``state``; texts stay what they are if the file is imported with its text columns as text.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from numpy.typing import NDArray

from babygpt.errors import FileError, SettingError
from babygpt.files import file_errors, whole_file
from babygpt.frames import Columns, arrow_table
from babygpt.gpt.signs import harmless

if TYPE_CHECKING:
    import pyarrow

ENDINGS = (".csv", ".parquet")


def write_table(path: str | Path, columns: Columns | pyarrow.Table, replace: bool = True) -> Path:
    """Write a table to a file, in the format its name ends in, and return the path.

    Parameters
    ----------
    path
        Ends in ``.csv`` or ``.parquet``.
    columns
        The columns by name, all of one length: numbers, truth values or texts. Or an Arrow table as it is.
    replace
        Whether a file that is there gives way once the new one is whole.

    Raises
    ------
    SettingError
        The name ends in no known format, or the columns differ in length.
    FileError
        The file cannot be written; what was there before is untouched.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_table(Path(folder) / "arrows.csv", {"context": ["000"], "probability": [0.25]})
    ...     print(path.read_text(), end="")
    "context","probability"
    "000",0.25
    """
    path = Path(path)
    check_ending(path)
    import pyarrow

    table = columns if isinstance(columns, pyarrow.Table) else arrow_table(columns)
    with file_errors(path, "table"), whole_file(path, "table", replace) as part, part.open("wb") as file:
        _write(table, file, path.suffix.lower())
    return path


def table_bytes(columns: Columns | pyarrow.Table, ending: str) -> bytes:
    r"""Return what :func:`write_table` would write to a file whose name has this ending, ".csv" or ".parquet".

    >>> table_bytes({"state": [0], "context": ["000"]}, ".csv")
    b'"state","context"\n0,"000"\n'
    """
    import pyarrow

    out = io.BytesIO()
    _write(columns if isinstance(columns, pyarrow.Table) else arrow_table(columns), out, ending)
    return out.getvalue()


def read_table(path: str | Path) -> dict[str, NDArray[Any]]:
    """Return the columns of a table that :func:`write_table` wrote as Parquet; texts come as objects.

    Raises
    ------
    FileError
        The file is missing, unreadable, or no Parquet.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with Path(path).open("rb") as file:
            table = parquet.ParquetFile(file).read(use_threads=False)  # see store.py: Python may end meanwhile
    except (OSError, pyarrow.ArrowException) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no whole Parquet file"
        raise FileError(f"The table {path} cannot be read: {reason}.") from error
    return {name: table[name].to_numpy() for name in table.column_names}


def check_ending(path: str | Path, also: Sequence[str] = ()) -> None:
    """Raise :class:`SettingError` unless a name ends in ``.csv``, ``.parquet``, or one of ``also`` (".svg", …)."""
    endings = (*ENDINGS, *also)
    if Path(path).suffix.lower() not in endings:
        raise SettingError(f"The name {path} does not end in {', '.join(endings[:-1])} or {endings[-1]}.")


def _write(table: pyarrow.Table, file: IO[bytes], ending: str) -> None:
    from pyarrow import csv, parquet

    if ending == ".csv":
        written = io.BytesIO()
        csv.write_csv(table, written)
        text = written.getvalue().decode()
        file.write("\r".join(map(harmless, text.split("\r"))).encode())
    else:
        parquet.write_table(table, file, compression="zstd")
