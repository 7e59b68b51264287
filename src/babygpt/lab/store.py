"""The results of a sweep on disk: a folder of Parquet files.

::

    sweeps/first/
      results.parquet      every result in one table, once the sweep is complete
      parts/…parquet       one file for each batch, as it arrived

Each row is one training: its key, its settings, how it ended (``status``, ``remark``), and what was asked of it. Files
appear whole or not at all, and a part that cannot be read (a disk that broke, a power cut) counts as missing: the next
run computes it again. A part that was written before a setting was added is as good: it was trained with its default.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from babygpt.errors import FileError, SettingError
from babygpt.files import UNFINISHED, check_folder, check_place
from babygpt.lab.settings import SETTINGS, UNITS
from babygpt.lab.tables import write_table
from babygpt.lab.task import Batch, Row

_TYPES: dict[type, Any] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
_LISTS = ("losses", "probs")


def schema_of(outcomes: Sequence[str]) -> pa.Schema:
    r"""Return the columns of a sweep that asks for ``outcomes``; each outcome carries its unit as metadata.

    >>> schema_of(["gap"]).field("gap").metadata
    {b'unit': b'nats per token, last loss \xe2\x88\x92 floor'}
    """
    fields = [pa.field("key", pa.string(), nullable=False)]
    fields += [pa.field(name, _TYPES[kind]) for name, (kind, _) in SETTINGS.items()]
    fields += [pa.field("status", pa.string(), nullable=False), pa.field("remark", pa.string())]
    for name in outcomes:
        kind = pa.list_(pa.float64()) if name in _LISTS else pa.float64()
        fields.append(pa.field(name, kind, metadata={"unit": UNITS[name]}))
    return pa.schema(fields)


@dataclass(frozen=True)
class SweepFolder:
    """Where a sweep's results are, and what they are.

    Attributes
    ----------
    path
        The folder; made when the first results arrive.
    outcomes
        What every result in it holds.
    """

    path: Path
    outcomes: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        """The columns of every file in the folder."""
        return schema_of(self.outcomes)

    @property
    def results(self) -> Path:
        """The one table of all results."""
        return self.path / "results.parquet"

    @property
    def _parts(self) -> Path:
        return self.path / "parts"

    def check(self) -> None:
        """Raise :class:`FileError` unless results can be written to the folder now, there or not."""
        check_folder(self._parts)
        if self.path.exists():
            check_place(self.results, "table")

    def done(self) -> set[str]:
        """Return the keys of the tasks that need not be done again; those that failed are tried once more.

        Raises
        ------
        FileError
            The folder is a file.
        SettingError
            It holds the results of a sweep that asked for something else.
        """
        if self.path.exists() and not self.path.is_dir():
            raise FileError(f"{self.path} is a file. Name a folder for the results.")
        for ending in (UNFINISHED, ".part"):  # of a driver that was killed, now or in version 0.1
            for unfinished in self._parts.glob(f".*{ending}"):
                unfinished.unlink(missing_ok=True)
        keys: set[str] = set()
        for part in self._files():
            table = self._read(part, ["key", "status"])
            if table is not None:
                rows = zip(table["key"].to_pylist(), table["status"].to_pylist(), strict=True)
                keys.update(key for key, status in rows if status != "failed")
        return keys

    def add(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Write the results of a batch, in the order of its seeds, as a part.

        Raises
        ------
        FileError
            They cannot be written; the parts before are untouched.
        """
        keys = batch.keys
        content = [
            {"key": key, **batch.settings, "seed": seed, **row}
            for key, seed, row in zip(keys, batch.seeds, rows, strict=True)
        ]
        columns = [pa.array([row.get(f.name) for row in content], f.type, from_pandas=True) for f in self.schema]
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"The folder {self._parts} cannot be made: {error.strerror}.") from error
        name = hashlib.sha256(" ".join(keys).encode()).hexdigest()[:20]
        self._write(self._parts / f"{name}.parquet", pa.Table.from_arrays(columns, schema=self.schema))

    def gather(self, order: Iterable[str]) -> pa.Table:
        """Write all parts as one table and return it: tasks in ``order`` first, then any others by their keys.

        Raises
        ------
        FileError
            The table cannot be written.
        """
        tables = [table for part in self._files() if (table := self._read(part)) is not None]
        table = pa.concat_tables(tables) if tables else self.schema.empty_table()
        place: dict[str, int] = {}
        for i, (key, status) in enumerate(zip(table["key"].to_pylist(), table["status"].to_pylist(), strict=True)):
            if key not in place or status != "failed":  # what failed once and then did not is done
                place[key] = i
        first = [key for key in order if key in place]
        rest = sorted(place.keys() - set(first))
        table = table.take([place[key] for key in (*first, *rest)])
        self._write(self.results, table)
        return table

    def _write(self, path: Path, table: pa.Table) -> None:
        try:
            write_table(path, table)
        except FileError as error:
            raise FileError(f"{error} The results so far are kept, and the same sweep goes on from them.") from error

    def _files(self) -> list[Path]:
        return sorted(self._parts.glob("*.parquet"))

    def _read(self, part: Path, columns: list[str] | None = None) -> pa.Table | None:
        try:
            with part.open("rb") as file:
                content = parquet.ParquetFile(file)
                self._check(content.schema_arrow)
                table = content.read(columns)
                return table if columns else completed(table).select(self.schema.names)
        except (OSError, pa.ArrowException):
            return None

    def _check(self, schema: pa.Schema) -> None:
        """Raise :class:`SettingError` unless a part's columns are these, or were before some setting was added."""
        if unknown := [name for name in schema.names if name not in self.schema.names and name not in UNITS]:
            raise SettingError(
                f"{self.path} holds a sweep over {unknown[0]}, a setting that this version of BabyGPT does not have. "
                "Update it, or name another folder."
            )
        later = {name for name in SETTINGS if name not in schema.names}
        expected = pa.schema([field for field in self.schema if field.name not in later])
        if not expected.equals(pa.schema([schema.field(name) for name in expected.names if name in schema.names])) or (
            len(schema) != len(expected)
        ):
            raise SettingError(
                f"{self.path} holds a sweep with the outcomes {_outcomes(schema)}, and this one "
                f"asks for {', '.join(self.outcomes)}. Name another folder."
            )


def completed(table: pa.Table) -> pa.Table:
    """Return results with a column for every setting: one that was added since had its default then."""
    for name, (kind, default) in SETTINGS.items():
        if name not in table.column_names:
            values = pa.array([default] * len(table), _TYPES[kind])
            table = table.append_column(pa.field(name, _TYPES[kind]), values)
    return table


def read_results(path: str | Path) -> pa.Table:
    """Return the results of a sweep: all in the folder, or of a Parquet file.

    Raises
    ------
    FileError
        There are none, or they cannot be read.
    """
    path = Path(path)
    whole = path / "results.parquet" if path.is_dir() else path
    files = [whole] if whole.exists() else []
    parts = sorted((path / "parts").glob("*.parquet"))
    if not files or any(part.stat().st_mtime_ns > whole.stat().st_mtime_ns for part in parts):
        files = parts or files  # of a sweep that was stopped, the first one or a longer one
    if not files:
        raise FileError(f"There are no results of a sweep in {path}. Make some: babygpt sweep SPEC.toml --out {path}")
    try:
        tables = [completed(parquet.read_table(file)) for file in files]
        return pa.concat_tables([table.select(tables[0].column_names) for table in tables])
    except (OSError, KeyError, pa.ArrowException) as error:
        raise FileError(f"The results in {path} cannot be read: they are no whole Parquet files.") from error


def _outcomes(schema: pa.Schema) -> str:
    return ", ".join(name for name in schema.names if name in UNITS) or "of another version"
