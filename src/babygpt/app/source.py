"""Where the training text comes from: the command line itself, a file, or standard input."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from babygpt.errors import FileError
from babygpt.gpt.texts import decoded

# "poem.txt", "./x", "../x", "/x", "~/x": what nobody types as a sequence to learn from.
LOOKS_LIKE_A_PATH = re.compile(r"^(\.{1,2}/|/|~/)|^[^\s]*\.[A-Za-z][A-Za-z0-9]{0,4}$")


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
    path = Path(source).expanduser() if len(source) < 4096 and "\0" not in source else None
    try:
        if path is not None and path.is_dir() and source not in ("", "."):
            raise FileError(f"{source} is a folder. Name a text file in it.")
        if path is not None and path.is_file():
            return path
    except OSError as error:
        if error.strerror == "File name too long":
            return source
        raise FileError(f"The file {source} cannot be read: {error.strerror}.") from error
    if LOOKS_LIKE_A_PATH.search(source):
        raise FileError(
            f"There is no file {source}. Check the name; to train on these very characters, "
            f"pipe them in: printf %s '{source}' | babygpt {command} -"
        )
    if any("\ud800" <= c <= "\udfff" for c in source):
        raise FileError("The sequence is not UTF-8 text. Type it in a UTF-8 terminal, or give it as a file in UTF-8.")
    return source
