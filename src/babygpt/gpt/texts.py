"""Texts that come a piece at a time: from a file of any size, with the symbols they are made of."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from babygpt.errors import EncodingError, FileError
from babygpt.gpt import encodings
from babygpt.gpt.separators import ListFinder, split_names, whole_names
from babygpt.gpt.vocabulary import code_points
from babygpt.settings import TokenKind

# Bytes read at a time.
PIECE = 2**20
# How far a file is looked at beforehand, and searched for the zero byte that no text has.
LOOKED_AT = 2**16


def file_pieces(path: str | Path, encoding: str | None = None) -> Iterator[str]:
    """Yield the text of a file piece by piece: see :func:`decoded`.

    Raises
    ------
    FileError
        The file is missing, a folder, unreadable, or not text in its encoding.
    SettingError
        There is no such encoding.
    """
    try:
        with Path(path).open("rb") as file:
            yield from decoded(file, str(path), encoding)
    except IsADirectoryError:
        raise FileError(f"{path} is a folder. Name a text file in it.") from None
    except OSError as error:
        raise FileError(f"The file {path} cannot be read: {error.strerror or error}.") from error


def decoded(stream: BinaryIO, name: str, encoding: str | None = None) -> Iterator[str]:
    """Yield the text of a stream of bytes piece by piece; ``name`` is what messages call it.

    The bytes are UTF-8, or whatever a byte order mark says, unless ``encoding`` names another encoding that Python
    knows; gzip is unpacked. The mark and one line break at the end are not part of the text; every line break becomes
    a line feed.

    Raises
    ------
    FileError
        The bytes are not text; an :class:`~babygpt.EncodingError`, if there is an encoding that they are likely in.
    SettingError
        There is no such encoding.
    """
    asked = None if encoding is None else encodings.checked(encoding)
    packed = _Rejoined(stream)
    if packed.head.startswith(encodings.GZIP):
        try:
            yield from _decoded(_Rejoined(gzip.GzipFile(fileobj=io.BufferedReader(packed))), name, asked)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileError(f"{name} is damaged: it cannot be unpacked by gzip ({error}).") from error
    else:
        yield from _decoded(packed, name, asked)


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes, :attr:`head`, have been looked at and are still to come."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile) -> None:
        self.head = stream.read(LOOKED_AT)
        self._left, self._rest = io.BytesIO(self.head), stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._left.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _decoded(stream: _Rejoined, name: str, asked: str | None) -> Iterator[str]:
    mark, length = encodings.marked(stream.head) or (None, 0)
    if mark is not None and asked is not None and not mark.startswith(asked.removesuffix("-sig")):
        raise FileError(f"{name} begins with the mark of {mark.upper()}, not of {asked}. Leave the encoding out.")
    codec = mark or asked or "utf-8"
    if mark is None and (kind := encodings.kind_of_binary(stream.head)):
        raise FileError(f"{name} is a binary file, {kind}, not text. Save what is to be learnt as a text file.")
    if mark is None and asked is None and b"\0" in stream.head:
        raise _with_zero_bytes(name, stream.head)
    stream.read(length)
    decoding = codecs.getincrementaldecoder(codec)()
    decoder = io.IncrementalNewlineDecoder(decoding, translate=True)
    read, held = length, ""
    while True:
        data = stream.read(PIECE)
        pending = decoding.getstate()[0]
        try:
            text = held + decoder.decode(data, final=not data)
        except UnicodeError as error:
            if mark is not None:
                message = f"{name} is not {codec.upper()} text, though it begins with the mark of it. Save it as UTF-8."
                raise EncodingError(message) from None
            data, ends = pending + data, not stream.read(1)
            raise _undecodable(name, codec, error, read - len(pending), data, ends) from None
        if "\0" in text[: max(0, LOOKED_AT - read)]:
            raise FileError(f"{name} is no text in {codec.upper()}: it has zero bytes. Give a text file.")
        read += len(data)
        if not data:
            if text.removesuffix("\n"):
                yield text.removesuffix("\n")
            return
        held = "\n" if text.endswith("\n") else ""  # the last line break may be the end of the file
        if text := text.removesuffix("\n"):
            yield text


def _undecodable(name: str, codec: str, error: UnicodeError, before: int, data: bytes, ends: bool) -> EncodingError:
    """Return the error of bytes that are no text in ``codec``: the stream's from ``before`` on, maybe to its end."""
    start = error.start if isinstance(error, UnicodeDecodeError) else 0
    place = f"byte {before + start:,} is {data[start]:#04x}" if start < len(data) else "it ends too early"
    begin = start if before + start > LOOKED_AT // 2 else 0
    while begin and data[begin - 1] >= 0x80:  # after an ASCII character begins another
        begin -= 1
    sample, whole = data[begin : begin + LOOKED_AT], ends and len(data) - begin <= LOOKED_AT
    likely = encodings.proposed(sample, whole)
    if likely is None or likely == codec:
        advice = "Save it as UTF-8, or name the encoding that it is in."
        return EncodingError(f"{name} is not {codec.upper()} text ({place}). {advice}")
    advice = (
        f"Try encoding={likely}, or save it as UTF-8." if likely != "utf-8" else "Leave the encoding out: it is UTF-8."
    )
    return EncodingError(f"{name} is not {codec.upper()} text ({place}). {advice}", likely)


def _with_zero_bytes(name: str, head: bytes) -> EncodingError:
    """Return the error of a stream that has zero bytes and no mark."""
    likely = encodings.proposed(head, whole=len(head) < LOOKED_AT)
    if likely is None:
        return EncodingError(f"{name} is a binary file, not text. Give a text file in UTF-8.")
    seems = f"{name} has zero bytes and seems to be {likely.upper()} without a mark."
    return EncodingError(f"{seems} Try encoding={likely}, or save it as UTF-8.", likely)


def distinct_symbols(pieces: Iterable[str], tokens: TokenKind, separator: str = " ") -> set[str]:
    """Return the symbols that a text is made of, characters, or words as ``separator`` parts them."""
    if tokens == "words":
        return {name for piece in whole_names(pieces, separator) for name in split_names(piece, separator)}
    seen = np.zeros(0x110000, dtype=bool)
    for piece in pieces:
        seen[code_points(piece)] = True
    return {chr(point) for point in np.flatnonzero(seen)}


def found_vocabulary(
    texts: Callable[[], Iterable[str]], tokens: TokenKind, separator: str | None = None
) -> tuple[list[str], str | None]:
    """Return the sorted distinct symbols of a text that can be gone through more than once, and what parts them."""
    if tokens == "chars":
        return sorted(distinct_symbols(texts(), tokens)), None
    if separator is None:
        finder = ListFinder()
        symbols = distinct_symbols(finder.watch(whole_names(texts())), tokens)
        separator = finder.separator
        if separator == " ":
            return sorted(symbols), separator
    return sorted(distinct_symbols(texts(), tokens, separator)), separator


def whole_words(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the same text in pieces that end where a word does: see :func:`babygpt.gpt.separators.whole_names`."""
    return whole_names(pieces)
