"""The files that commands are told to write: asked for before the work whose result they will hold."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from babygpt.errors import FileError, SettingError
from babygpt.files import check_place

PICTURES = (".svg", ".png", ".pdf")


def check_out(out: Path, endings: Sequence[str], replace: bool) -> None:
    """Raise an error unless a command can write its result to the file ``out`` now.

    Raises
    ------
    SettingError
        Its name has none of the ``endings``.
    FileError
        It has no folder, nothing can be written there, or it is there and not to be replaced.
    """
    if out.suffix.lower() not in endings:
        raise SettingError(f"The name {out} does not end in {', '.join(endings[:-1])} or {endings[-1]}.")
    check_free(out, "picture" if is_picture(out) else "table", replace)


def check_free(out: Path, what: str, replace: bool) -> None:
    """Raise :class:`FileError` unless a file can be written now; ``what`` it will be stands in the message."""
    if str(out) == "-":
        raise FileError(
            "A dash names no file to write. Give a name; what a command prints goes on with > FILE or | too."
        )
    if not out.parent.is_dir():
        raise FileError(f"There is no folder {out.parent} to write {out.name} to. Make it, or name another.")
    check_place(out, what, replace)


def is_picture(out: Path) -> bool:
    """Return whether a name ends as a picture's."""
    return out.suffix.lower() in PICTURES


def format_of(known: type[StrEnum], asked: StrEnum | None, out: Path | None, others: Sequence[str] = ()) -> str:
    """Return the format that is asked for, that a file's name ends in, or ``table``, which is for the screen alone.

    ``others`` are endings that would do too, if nothing is asked for.

    Raises
    ------
    SettingError
        The name ends in none of the ``known`` formats, or in another one than is asked for.
    """
    names = [each.value for each in known]
    ending = "" if out is None else out.suffix.removeprefix(".").lower()
    if asked is not None:
        if asked.value == "table" and out is not None:
            better = " or ".join([", ".join(names[1:3]), "another format"])
            raise SettingError(f"A table is for reading on the screen. For a file use {better}.")
        if ending in names and ending != asked.value:
            raise SettingError(f"{out} ends as {ending} does, and --format asks for {asked.value}. Give one of them.")
        return str(asked.value)
    if out is None:
        return "table"
    if ending not in names[1:]:
        endings = ", ".join([*names[1:], *(other.removeprefix(".") for other in others)])
        raise SettingError(
            f"The name {out} does not end in a known format. Use one of {endings}, or say which with --format."
        )
    return ending
