"""Texts that come a piece at a time: from a file of any size, with the symbols they are made of."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from babygpt.errors import FileError
from babygpt.gpt.vocabulary import TokenKind, code_points

# Bytes read at a time.
PIECE = 2**20
# How far a file is searched for the zero byte that no text has.
LOOKED_AT = 2**16


def file_pieces(path: str | Path) -> Iterator[str]:
    """Yield the text of a UTF-8 file piece by piece.

    A byte order mark and one line break at the end are not part of the text; every line break becomes a line feed.

    Raises
    ------
    FileError
        The file is missing, a folder, unreadable, or not UTF-8 text.
    """
    try:
        with Path(path).open("rb") as file:
            yield from decoded(file, str(path))
    except IsADirectoryError:
        raise FileError(f"{path} is a folder. Name a text file in it.") from None
    except OSError as error:
        raise FileError(f"The file {path} cannot be read: {error.strerror}.") from error


def decoded(stream: BinaryIO, name: str) -> Iterator[str]:
    """Yield the text of a stream of UTF-8 bytes piece by piece; ``name`` is what messages call it."""
    utf8 = codecs.getincrementaldecoder("utf-8-sig")()
    decoder = io.IncrementalNewlineDecoder(utf8, translate=True)
    read, held = 0, ""
    while True:
        data = stream.read(PIECE)
        if b"\0" in data[: max(0, LOOKED_AT - read)]:
            raise FileError(f"{name} is a binary file, not text. Give a text file in UTF-8.")
        before = read - len(utf8.getstate()[0])
        try:
            text = held + decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise FileError(
                f"{name} is not UTF-8 text (byte {before + error.start:,} is {error.object[error.start]:#04x}). "
                "Save it as UTF-8 and try again."
            ) from None
        read += len(data)
        if not data:
            if text.removesuffix("\n"):
                yield text.removesuffix("\n")
            return
        held = "\n" if text.endswith("\n") else ""  # the last line break may be the end of the file
        if text := text.removesuffix("\n"):
            yield text


def distinct_symbols(pieces: Iterable[str], tokens: TokenKind) -> set[str]:
    """Return the symbols that a text is made of, characters or words."""
    if tokens == "words":
        return {word for piece in whole_words(pieces) for word in piece.split()}
    seen = np.zeros(0x110000, dtype=bool)
    for piece in pieces:
        seen[code_points(piece)] = True
    return {chr(point) for point in np.flatnonzero(seen)}


def whole_words(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the same text in pieces that end where a word does.

    >>> list(whole_words(["a b", "c d", " e"]))
    ['a', ' bc', ' d', ' e']
    """
    held = ""
    for piece in pieces:
        text = held + piece
        cut = len(text)
        while cut and not text[cut - 1].isspace():
            cut -= 1
        if cut:
            cut -= 1  # the space goes with the word after it
        held = text[cut:]
        if cut:
            yield text[:cut]
    if held:
        yield held
