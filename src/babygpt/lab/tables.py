"""Tables on disk: named columns of one length, as CSV for spreadsheets or Parquet for programs.

A file appears whole or not at all: it is written under another name beside its place, then renamed. Parquet keeps
each column's type and floats to the last bit; CSV writes floats so that they read back to the same number.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import FileError, SettingError

if TYPE_CHECKING:
    import pyarrow

Columns = Mapping[str, "NDArray[Any] | Sequence[Any]"]

ENDINGS = (".csv", ".parquet")


def write_table(path: str | Path, columns: Columns | pyarrow.Table) -> Path:
    """Write a table to a file, in the format its name ends in, and return the path.

    Parameters
    ----------
    path
        Ends in ``.csv`` or ``.parquet``. A file that is there is replaced once the new one is whole.
    columns
        The columns by name, all of one length: numbers, truth values or texts. Or an Arrow table as it is.

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
    from pyarrow import csv, parquet

    table = columns if isinstance(columns, pyarrow.Table) else _as_arrow(columns)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with unfinished.open("wb") as file:
                if path.suffix.lower() == ".csv":
                    csv.write_csv(table, file)
                else:
                    parquet.write_table(table, file, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"The table cannot be written to {path}: {error.strerror or error}.") from error
    return path


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
            table = parquet.read_table(file)
    except (OSError, pyarrow.ArrowException) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no whole Parquet file"
        raise FileError(f"The table {path} cannot be read: {reason}.") from error
    return {name: table[name].to_numpy() for name in table.column_names}


def check_ending(path: str | Path, also: Sequence[str] = ()) -> None:
    """Raise :class:`SettingError` unless a name ends in ``.csv``, ``.parquet``, or one of ``also`` (".svg", …)."""
    endings = (*ENDINGS, *also)
    if Path(path).suffix.lower() not in endings:
        raise SettingError(f"The name {path} does not end in {', '.join(endings[:-1])} or {endings[-1]}.")


def _as_arrow(columns: Columns) -> pyarrow.Table:
    import pyarrow

    arrays = {
        name: pyarrow.array(values if isinstance(values, np.ndarray) else list(values))
        for name, values in columns.items()
    }
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array):,}" for name, array in arrays.items())
        raise SettingError(f"The columns of a table have one length; these have {lengths}.")
    return pyarrow.table(arrays)
