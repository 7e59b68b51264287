r"""One column of a table as a sequence: what stands in it, row by row, is a name.

A table is a text as :mod:`csv` reads it: fields between commas, semicolons, tabs or bars, with blanks of their own,
in double quotes where they hold a separator. The first row is the names of the columns if one of them is asked for by
name; if a column is asked for by number, 1 the first, then if it looks like names: see :func:`_are_names`. A field
with nothing in it is not known, and so nothing is learnt across it: there one sequence ends and another begins.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from babygpt.errors import FileError, SettingError

DELIMITERS = (",", ";", "\t", "|")
# Rows that are looked at to tell what stands between fields, and what the first row is.
LOOKED_AT = 1000
_NUMBER = re.compile(r"[-+]?[\d.,:/\- ]*\d[\d.,:/\- %]*|")  # also a date, a time, nothing at all


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    pieces
        Returns the table's text from its beginning, a piece at a time.
    delimiter
        What stands between two fields.
    at
        Which column: 0 the first.
    name
        Its name, if the first row is names, else None.
    """

    pieces: Callable[[], Iterable[str]]
    delimiter: str
    at: int
    name: str | None

    @classmethod
    def of(cls, pieces: Callable[[], Iterable[str]], column: str, delimiter: str | None = None) -> Column:
        r"""Return the column of a name, or of a number from 1 on, of a table whose text ``pieces`` returns.

        Raises
        ------
        SettingError
            There is no such column, or there are several.
        FileError
            The text is no table.

        >>> Column.of(lambda: ["day;sky\n1;sun\n2;heavy rain"], "sky").name
        'sky'
        """
        delimiter = delimiter or _delimiter_of(list(islice(_with_ends(pieces()), LOOKED_AT)))
        rows = list(islice(_rows(pieces(), delimiter), LOOKED_AT))
        if not rows:
            raise FileError("The table is empty. Give one with a row of names and rows of data below it.")
        names = [field.strip() for field in rows[0]]
        places = [at for at, name in enumerate(names) if name == column.strip()]
        if len(places) > 1:
            numbers = " or ".join(str(at + 1) for at in places)
            raise SettingError(f"column={column} is the name of {len(places)} columns. Name one by number: {numbers}.")
        if places:
            return cls(pieces, delimiter, places[0], names[places[0]])
        width = max(map(len, rows))
        if re.fullmatch(r"\d{1,9}", column.strip()) and 1 <= int(column) <= width:
            at = int(column) - 1
            return cls(pieces, delimiter, at, _field(rows[0], at) if _are_names(rows) else None)
        close = difflib.get_close_matches(column.lower(), [name.lower() for name in names], 1)
        near = [name for name in names if close and name.lower() == close[0]]
        listed = ", ".join(names[:20]) + " …" * (len(names) > 20)
        hint = f" Did you mean {near[0]}?" if near else f" Or give a number, 1 to {width}."
        raise SettingError(f"column={column} is none of the table's {width}: {listed}.{hint}")

    def sequences(self) -> Iterator[list[str]]:
        """Yield the fields of the column in the order of the rows, as many as follow each other without a gap."""
        run: list[str] = []
        names: dict[str, str] = {}  # each kept once, however often it comes
        for field in self.fields():
            if field:
                run.append(names.setdefault(field, field))
            elif run:
                yield run
                run = []
        if run:
            yield run

    def fields(self) -> Iterator[str]:
        """Yield the fields of the column, row by row, "" where there is nothing."""
        rows = _rows(self.pieces(), self.delimiter)
        if self.name is not None:
            next(rows)
        return (_field(row, self.at) for row in rows)


def _field(row: list[str], at: int) -> str:
    return " ".join(row[at].split()) if at < len(row) else ""


def _rows(pieces: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the rows that have a field at all."""
    reader = csv.reader(_with_ends(pieces), delimiter=delimiter)
    try:
        for row in reader:
            if row:
                yield row
    except csv.Error as error:
        raise FileError(f"The table cannot be read at line {reader.line_num:,}: {error}.") from error


def _with_ends(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a text with their line breaks, which a field in quotes may have."""
    held = ""
    for piece in pieces:
        *lines, last = (held + piece).split("\n") if "\n" in piece else [held + piece]
        for line in lines:
            yield line + "\n"
        held = last
    if held:
        yield held


def _delimiter_of(lines: list[str]) -> str:
    """Return what parts all rows into equally many fields, as many as can be; a comma where nothing does."""
    best, fields = DELIMITERS[0], (False, 1)
    for delimiter in DELIMITERS:
        widths = [len(row) for row in _rows(lines, delimiter)]
        found = (len(set(widths)) == 1, min(widths, default=1))
        if found[1] > 1 and found > fields:
            best, fields = delimiter, found
    return best


def _are_names(rows: list[list[str]]) -> bool:
    """Whether the first row is names: it has no number, and all below one of them are numbers, or none comes again."""
    first, rest = rows[0], rows[1:]
    if not rest or any(_NUMBER.fullmatch(name.strip()) for name in first):
        return False
    columns = [[_field(row, at) for row in rest] for at in range(len(first))]
    if any(all(_NUMBER.fullmatch(field) for field in column) for column in columns):
        return True
    return all(name.strip() not in column for name, column in zip(first, columns, strict=True))
