"""The results of a sweep on disk: a folder of Parquet files.

::

    sweeps/first/
      results.parquet          every result in one table, once the sweep is complete
      results.parquet.sha256   its checksum, as sha256sum writes it
      parts/…-….parquet        one file for each batch, as it arrived; the second half of its name is its checksum

Each row is one training: its key, its settings, how it ended (``status``, ``remark``), and what was asked of it. Files
appear whole or not at all. A part that is not as it was written (a disk that broke, a flipped bit, a pipe in its place)
counts as missing, and so do none of the others: the next run computes it again. If the table is not as it was written,
the parts are read. A part that was written before a setting was added is as good: it was trained with its default. So
is one without a checksum in its name, from version 0.1, as far as it can be read.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from babygpt.errors import FileError, SettingError
from babygpt.files import check_folder, check_place, file_errors, read_file, write_file
from babygpt.lab.settings import SETTINGS, UNITS
from babygpt.lab.tables import table_bytes
from babygpt.lab.task import Batch, Row
from babygpt.leftovers import UNFINISHED, abandoned

_TYPES: dict[type, Any] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
_LISTS = ("losses", "probs")

# A part's name: what it holds, and the start of its SHA-256.
_CHECKED = re.compile(r"[0-9a-f]{20}-([0-9a-f]{20})\.parquet")


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
        for path in (self.results, checksum_path(self.results)):
            if self.path.exists():
                check_place(path, "table")
            if path.exists() and not path.is_file():
                raise FileError(f"{path} is no file, so no results can be written to it. Remove it.")

    def done(self) -> tuple[set[str], list[str]]:
        """Return the keys of the tasks that need not be done again, and what is said of parts that cannot be read.

        Tasks that failed are not among them: they are tried once more.

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
                if not unfinished.is_dir() and (ending == ".part" or abandoned(unfinished)):  # not of another's sweep
                    unfinished.unlink(missing_ok=True)
        keys: set[str] = set()
        tables, remarks = self._read(["key", "status"])
        for table in tables:
            rows = zip(table["key"].to_pylist(), table["status"].to_pylist(), strict=True)
            keys.update(key for key, status in rows if status != "failed")
        return keys, remarks

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
        with _kept(self._parts / name):
            data = table_bytes(pa.Table.from_arrays(columns, schema=self.schema), ".parquet")
            while (path := self._parts / f"{name}-{_digest(data)[:20]}.parquet").is_dir():  # somebody's
                name = _digest(name.encode())[:20]
            path.unlink(missing_ok=True)  # damaged, or a pipe or a link that would be written through
            write_file(path, data, "table")
        for other in self._parts.glob(f"{name}*.parquet"):  # the same batch, when it failed or before it was damaged
            if other != path and not other.is_dir():
                other.unlink(missing_ok=True)

    def gather(self, order: Iterable[str]) -> pa.Table:
        """Write all parts as one table and return it: tasks in ``order`` first, then any others by their keys.

        Raises
        ------
        FileError
            The table cannot be written.
        """
        tables, _ = self._read()
        table = pa.concat_tables(tables) if tables else self.schema.empty_table()
        place: dict[str, int] = {}
        for i, (key, status) in enumerate(zip(table["key"].to_pylist(), table["status"].to_pylist(), strict=True)):
            if key not in place or status != "failed":  # what failed once and then did not is done
                place[key] = i
        first = [key for key in order if key in place]
        rest = sorted(place.keys() - set(first))
        table = table.take([place[key] for key in (*first, *rest)])
        with _kept(self.results):
            data = table_bytes(table, ".parquet")
            write_file(self.results, data, "table")  # where this is the last thing done, the parts are read
            write_file(checksum_path(self.results), f"{_digest(data)}  {self.results.name}\n".encode(), "checksum")
        return table

    def _read(self, columns: list[str] | None = None) -> tuple[list[pa.Table], list[str]]:
        """Return the parts that can be read, and a sentence for each that cannot."""
        tables, remarks, misfits = [], [], []
        for part in part_files(self.path):
            try:
                content = _whole_part(part)
                self._check(content.schema)
            except FileError as error:
                remarks.append(str(error))
            except SettingError as error:
                if _CHECKED.fullmatch(part.name):  # as it was written, so this is what it holds
                    raise
                misfits.append((part, error))
            else:
                tables.append(content.select(columns) if columns else completed(content).select(self.schema.names))
        if misfits and not tables:
            raise misfits[0][1]
        return tables, remarks + [str(_missing(part, "is not of this sweep")) for part, _ in misfits]

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

    Of a folder whose ``results.parquet`` is older than a part, or not as it was written, the parts are read. Those that
    are not as they were written are left out, with a :class:`UserWarning` that names them.

    Raises
    ------
    FileError
        There are none, or they cannot be read.
    """
    path = Path(path)
    whole = path / "results.parquet" if path.is_dir() else path
    parts = part_files(path)
    if whole.exists() and not any(_later(part, whole) for part in parts):
        try:
            return completed(_whole_table(whole))
        except FileError:
            if not parts:
                raise
    elif not parts:
        raise FileError(f"There are no results of a sweep in {path}. Make some: babygpt sweep SPEC.toml --out {path}")
    tables: list[pa.Table] = []
    remarks = []
    for part in parts:
        try:
            table = completed(_whole_part(part))
            tables.append(table.select(tables[0].column_names if tables else table.column_names))
        except FileError as error:
            remarks.append(str(error))
        except KeyError:
            remarks.append(str(_missing(part, "is not of the same sweep as the others")))
    if not tables:
        raise FileError(f"The results in {path} cannot be read: none of its parts is as it was written.")
    for remark in remarks:
        warnings.warn(remark, stacklevel=2)
    return pa.concat_tables(tables)


def part_files(path: Path) -> list[Path]:
    """Return the parts of the sweep in a folder, sound or not."""
    return sorted((path / "parts").glob("*.parquet"))


def checksum_path(path: Path) -> Path:
    """Return where the checksum of a table stands."""
    return path.with_name(path.name + ".sha256")


def _later(part: Path, whole: Path) -> bool:
    try:
        return part.stat().st_mtime_ns > whole.stat().st_mtime_ns
    except OSError:  # a link to nothing
        return False


def _whole_part(part: Path) -> pa.Table:
    """Return the table of a part, or raise :class:`FileError` unless it is as it was written."""
    named = _CHECKED.fullmatch(part.name)
    try:
        data = read_file(part)
    except OSError as error:
        raise _missing(part, f"cannot be read ({error.strerror})") from error
    if named is not None and named[1] != _digest(data)[:20]:
        raise _missing(part, "is not as it was written")
    try:
        return _table(data)
    except Exception as error:  # Arrow's own, and what a damaged text or length raises
        raise _missing(part, "is no whole Parquet file") from error


def _whole_table(path: Path) -> pa.Table:
    """Return the table in a file, or raise :class:`FileError` unless it is as its checksum, if there is one, says."""
    try:
        data, checksum = read_file(path), checksum_path(path)
        expected = read_file(checksum).split()[:1] if checksum.exists() else [_digest(data).encode()]
        if expected == [_digest(data).encode()]:
            return _table(data)
    except OSError as error:
        raise FileError(f"The results in {path} cannot be read: {error.strerror}.") from error
    except Exception as error:  # Arrow's own, and what a damaged text or length raises
        raise FileError(f"The results in {path} cannot be read: they are no whole Parquet files.") from error
    raise FileError(f"{path} is not as it was written, by its checksum in {checksum.name}. Run the sweep again.")


def _table(data: bytes) -> pa.Table:
    # In this thread alone: a thread of Arrow's that lets go of the bytes while Python ends would abort the process.
    table = parquet.ParquetFile(pa.BufferReader(data)).read(use_threads=False)
    table.validate(full=True)
    return table


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _missing(part: Path, why: str) -> FileError:
    return FileError(f"{part} {why}, so its trainings count as missing; the same sweep does them again.")


@contextmanager
def _kept(path: Path) -> Iterator[None]:
    """Tell of an error in writing a table that it loses nothing."""
    try:
        with file_errors(path, "table"):
            yield
    except FileError as error:
        raise FileError(f"{error} The results so far are kept, and the same sweep goes on from them.") from error


def _outcomes(schema: pa.Schema) -> str:
    return ", ".join(name for name in schema.names if name in UNITS) or "of another version"
