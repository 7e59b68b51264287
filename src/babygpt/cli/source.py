"""Where the training text comes from, the command line itself, a file, or standard input, and how it is read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from babygpt.chain.contexts import check_size
from babygpt.cli.peculiar import peculiar
from babygpt.errors import FileError, SequenceError, SettingError
from babygpt.gpt.checks import check_count
from babygpt.gpt.paths import looks_like_path
from babygpt.gpt.texts import PIECE, decoded, file_pieces
from babygpt.settings import TokenKind

if TYPE_CHECKING:
    from babygpt.gpt.corpus import Corpus
    from babygpt.gpt.reading import Reading
    from babygpt.gpt.vocabulary import Vocabulary

# As many symbols are named.
MOST_NAMED = 20
# What tables are called.
TABLES = {".csv", ".tsv", ".tab"}


def named_by(source: str, command: str, encoding: str | None = None) -> Path | str:
    """Return the file that ``source`` names, or a text: that of standard input for ``-``, else the source itself.

    ``command`` is the one in use, such as ``"train"``, for what a message advises; ``encoding`` that of the text.

    Raises
    ------
    FileError
        There is no such file, it is a folder, or what is given is not text in its encoding.
    SettingError
        There is no such encoding.
    """
    if source == "-":
        return "".join(decoded(sys.stdin.buffer, "Standard input", encoding))
    try:
        path = Path(source).expanduser() if len(source) < 4096 and "\0" not in source else None
        if path is not None and path.is_dir() and source not in ("", "."):
            raise FileError(f"{source} is a folder. Name a text file in it.")
        if path is not None and path.is_file():
            return path
    except RuntimeError:  # "~nobody/poem.txt": there is no such home
        pass
    except OSError as error:
        if error.strerror == "File name too long":
            return source
        raise FileError(f"The file {source} cannot be read: {error.strerror}.") from error
    if looks_like_path(source):
        raise FileError(
            f"There is no file {source}. Check the name; to train on these very characters, {_piped(source, command)}"
        )
    if any("\ud800" <= c <= "\udfff" for c in source):
        raise FileError("The sequence is not UTF-8 text. Type it in a UTF-8 terminal, or give it as a file in UTF-8.")
    return source


def _piped(source: str, command: str) -> str:
    """Return how one trains on the characters of ``source`` themselves."""
    if sys.platform == "win32":  # there is no printf, and cmd and PowerShell quote in two ways
        return f"save them in a text file and give its name: babygpt {command} FILE"
    quoted = source.replace("'", "'\"'\"'")  # always in quotes, so that blanks are seen to belong to it
    return f"pipe them in: printf %s '{quoted}' | babygpt {command} -"


@dataclass(frozen=True)
class HowRead:
    """How a text is read, as the options say: see :class:`babygpt.gpt.reading.Reading`.

    Attributes
    ----------
    tokens, vocabulary, separator, lines
        As for :meth:`babygpt.gpt.reading.Reading.of`.
    column
        A table's column to read instead, by name or number; ``separator`` is then what stands between its fields.
    encoding
        Of the file.
    """

    tokens: TokenKind = "chars"
    vocabulary: str | None = None
    separator: str | None = None
    lines: bool | None = None
    column: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Learnt:
    """What a command learns from, and what is to be said of how it was read.

    Attributes
    ----------
    reading
        The symbols and the sequences.
    said
        Sentences, one a line; the first names the symbols.
    unasked
        Whether lines were taken for sequences though nobody said so.
    """

    reading: Reading
    said: tuple[str, ...]
    unasked: bool = False

    def corpus(self, context_length: int) -> Corpus:
        """Return the counts, at a context length; see :meth:`babygpt.gpt.reading.Reading.corpus`.

        Nothing is counted for a chain that would be too large: see :func:`babygpt.chain.contexts.check_size`.
        """
        check_count("context_length", context_length)
        n = 0
        for sequence in self.reading.sequences():
            parts = self.reading.vocabulary.split(sequence) if isinstance(sequence, str) else list(sequence)
            n = n + len(parts) if self.reading.joined else len(parts)
            if n > context_length:  # what is too short for the context says so itself
                check_size(len(self.reading.vocabulary), context_length)
                break
        try:
            return self.reading.corpus(context_length)
        except SequenceError as error:
            if not self.unasked:
                raise
            raise SequenceError(f"{error} Each line was read as a sequence; --no-lines joins them.") from None


def learnt(source: str, command: str, how: HowRead) -> Learnt:
    """Return what ``source`` gives a command to learn from: see :func:`named_by`.

    Raises
    ------
    InputError
        It is empty or says a single symbol, or a setting cannot be used.
    FileError
        There is no such file, or it is not text in its encoding, or no table.
    """
    named = named_by(source, command, how.encoding)
    if source != "-" and isinstance(named, str):
        for option, value in (("encoding", how.encoding), ("column", how.column)):
            if value is not None:
                raise SettingError(
                    f"{option}={value} is for a file or for standard input, and {source!r:.40} is a text."
                )

    def pieces() -> Iterator[str]:
        return file_pieces(named, how.encoding) if isinstance(named, Path) else _slices(named)

    if how.separator == "":
        raise SettingError("separator='' parts no names. Give a sign, such as --separator , or leave it out.")
    separator = None if how.separator is None else how.separator.replace("\\t", "\t")
    if how.column is not None:
        return _column(pieces, how.column, separator, how)
    from babygpt.gpt.reading import Reading
    from babygpt.gpt.sequences import lines_of

    reading = Reading.of(pieces, how.tokens, how.vocabulary, separator, how.lines)
    said = [symbols_line(reading.vocabulary)]
    unasked = how.lines is None and not reading.joined
    if not reading.joined:
        n_lines = sum(1 for _ in lines_of(pieces()))
        joins = "; --no-lines joins them" * unasked
        said.append(f"{n_lines:,} line{'s' * (n_lines != 1)}, each a sequence of its own{joins}.")
    said += peculiar(reading.vocabulary)
    if isinstance(named, Path) and TABLES & {ending.lower() for ending in named.suffixes[-2:]}:
        said.append(f"{named} looks like a table. --column NAME, or a column's number, reads one column of it.")
    return Learnt(reading, tuple(said), unasked)


def _slices(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def _column(pieces: Callable[[], Iterable[str]], name: str, separator: str | None, how: HowRead) -> Learnt:
    """Return what a table's column gives to learn from."""
    from babygpt.gpt.cells import Column
    from babygpt.gpt.reading import Reading
    from babygpt.gpt.separators import core
    from babygpt.gpt.sequences import check_symbols
    from babygpt.gpt.vocabulary import Vocabulary

    if how.lines is not None:
        raise SettingError(f"column={name} is one sequence, row by row, so --lines and --no-lines mean nothing there.")
    if separator is not None and len(core(separator)) != 1:
        raise SettingError(f"separator={separator} is no single sign, which is what stands between a table's fields.")
    column = Column.of(pieces, name, None if separator is None else core(separator))
    fields = [*dict.fromkeys(column.fields())]
    found = sorted(field for field in fields if field)
    if how.vocabulary is None:
        check_symbols(found)
    vocabulary = Vocabulary.of(how.vocabulary or found, "words")
    called = f"column {column.at + 1}" + f", {column.name}" * (column.name is not None)
    rows = sum(1 for _ in column.fields())
    empty = rows - sum(map(len, column.sequences()))
    said = f"{called}: {rows:,} rows"
    said += f", {empty:,} of them empty; no step is counted across those" * (empty > 0)
    reading = Reading(vocabulary, column.sequences, joined=False)
    return Learnt(reading, (symbols_line(vocabulary), f"{said}.", *peculiar(vocabulary)))


def symbols_line(vocabulary: Vocabulary) -> str:
    r"""Return the line that names the symbols, at most :data:`MOST_NAMED` of them.

    >>> from babygpt.gpt.vocabulary import Vocabulary
    >>> symbols_line(Vocabulary(["0", "1", "\n"])), symbols_line(Vocabulary(["New York", "Rome"]))
    ('symbols: 0 1 ⏎', 'symbols: New York, Rome')
    """
    from babygpt.gpt.separators import core

    sign = core(vocabulary.separator).strip() if vocabulary.tokens == "words" else ""
    named = f"{sign} ".join(vocabulary.label([token]) for token in range(min(len(vocabulary), MOST_NAMED)))
    return f"symbols: {named}" + f" … ({len(vocabulary):,} in all)" * (len(vocabulary) > MOST_NAMED)
