"""Files that a screen hands over, as bytes: read as the command line reads them, or as they likely are."""

from __future__ import annotations

import binascii
import io
import json
import re
from base64 import b64decode

from babygpt.errors import EncodingError, FileError
from babygpt.gpt.encodings import in_question
from babygpt.gpt.texts import decoded
from babygpt.studio.limits import Limits, RefusedError


def text_of_file(name: str, data: str, limits: Limits, encoding: str = "") -> tuple[str, str | None]:
    """Return the text of a file that comes as base64, and its encoding where that had to be guessed, or was said.

    See :func:`babygpt.gpt.texts.decoded`. Where the command line proposes an encoding, it is taken: the screen shows
    the symbols, and says which it was.

    Raises
    ------
    RefusedError
        It is no text, or more than the studio takes.
    """
    try:
        content = b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError("The file did not arrive whole. Try again.", "command") from None
    if encoding not in ("", *in_question()):
        raise RefusedError(f"The studio reads no encoding {encoding!r:.60}.", "command")
    if encoding:
        try:
            return _read(name, content, encoding, limits), encoding
        except FileError:
            told = f"{name} cannot be read as {encoding}."
            raise RefusedError(told, "not_in", name=name, encoding=encoding) from None
    try:
        return _read(name, content, None, limits), None
    except EncodingError as error:
        if error.likely is None:
            raise _no_text(name, error) from None
        likely = error.likely
    except FileError as error:
        raise _no_text(name, error) from None
    try:
        return _read(name, content, likely, limits), likely
    except FileError as error:
        raise _no_text(name, error) from None


def as_read_from_file(text: str) -> str:
    """Return a text as the command line reads it from the file it is from."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


def link_of_page(data: str) -> dict[str, str] | None:
    """Return what a page begins with (:mod:`babygpt.studio.page`), its link, if a file as base64 is one."""
    try:
        content = b64decode(data, validate=True)
        found = re.search(rb'<script type="application/json" id="beginning">(.*?)</script>', content, re.DOTALL)
        link = json.loads(found[1])["link"] if found else None
    except (binascii.Error, ValueError, LookupError, TypeError, RecursionError):
        return None
    return link if isinstance(link, dict) and all(isinstance(word, str) for word in link.values()) else None


def _read(name: str, content: bytes, encoding: str | None, limits: Limits) -> str:
    pieces, length = [], 0
    for piece in decoded(io.BytesIO(content), name, encoding):
        pieces.append(piece)
        length += len(piece)
        if length > limits.text:  # what is packed may be a thousand times as long
            raise RefusedError(
                f"{name} is too large for the studio, whose limit is {limits.text:,} characters. Use a shorter text, "
                "or babygpt train FILE, which has no limit.",
                "too_large", name=name, limit=limits.text,
            )  # fmt: skip
    return "".join(pieces)


def _no_text(name: str, error: FileError) -> RefusedError:
    return RefusedError(str(error), "not_text", name=name)
