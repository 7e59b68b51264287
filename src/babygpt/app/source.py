"""Where the training text comes from: the command line itself, a file, or standard input."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from babygpt.errors import FileError

# "poem.txt", "./x", "../x", "/x", "~/x": what nobody types as a sequence to learn from.
_LOOKS_LIKE_A_PATH = re.compile(r"^(\.{1,2}/|/|~/)|^[^\s]*\.[A-Za-z][A-Za-z0-9]{0,4}$")


def read_text(source: str) -> str:
    """Return the text that ``source`` names: ``-`` is standard input, a path is its file, else the text itself.

    One line break at the end of a file or of standard input is not part of the text.

    Raises
    ------
    FileError
        The file is missing, a folder, unreadable, or not UTF-8 text.
    """
    if source == "-":
        return _decode(sys.stdin.buffer.read(), "Standard input")
    path = Path(source).expanduser() if len(source) < 4096 and "\0" not in source else None
    try:
        if path is not None and path.is_dir() and source not in ("", "."):
            raise FileError(f"{source} is a folder. Name a text file in it.")
        if path is not None and path.is_file():
            return _decode(path.read_bytes(), str(path))
    except OSError as error:
        if error.strerror == "File name too long":
            return source
        raise FileError(f"The file {source} cannot be read: {error.strerror}.") from error
    if _LOOKS_LIKE_A_PATH.search(source):
        raise FileError(
            f"There is no file {source}. Check the name; to train on these very characters, "
            f"pipe them in: printf %s '{source}' | babygpt train -"
        )
    if any("\ud800" <= c <= "\udfff" for c in source):
        raise FileError("The sequence is not UTF-8 text. Type it in a UTF-8 terminal, or give it as a file in UTF-8.")
    return source


def _decode(data: bytes, name: str) -> str:
    if b"\0" in data[:65536]:
        raise FileError(f"{name} is a binary file, not text. Give a text file in UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{name} is not UTF-8 text (byte {error.start:,} is {data[error.start]:#04x}). "
            "Save it as UTF-8 and try again."
        ) from None
    return re.sub(r"\r\n?", "\n", text).removesuffix("\n")
