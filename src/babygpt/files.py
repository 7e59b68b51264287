"""Files that appear whole or not at all.

What is written goes to an unfinished file beside its place, which takes that place once it is whole and on the disk.
Whatever stops the writing before (an error, Ctrl-C, a full disk) leaves what was there, and nothing else. A file that
is replaced keeps its permissions, a new one has those of any new file; a symbolic link stays, and what it points to is
written. What is no file, such as ``/dev/stdout`` or a named pipe, is written to at the end.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from babygpt.errors import FileError
from babygpt.leftovers import UNFINISHED, abandoned, claim, leftovers, release, unfinished

# What may be there and is no file.
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}

_OWN_STREAM = re.compile(r"/dev/(stdout|stderr|fd/\d+)|/proc/self/fd/\d+")


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, down to the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def read_file(path: Path) -> bytes:
    """Return the bytes of a file; what is none, such as a named pipe, a device or a folder, is an OSError, no wait."""
    _check_regular(path.stat())
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123  # a number
        _check_regular(os.fstat(descriptor))  # it may have been changed for another
        return file.read()


def _check_regular(there: os.stat_result) -> None:
    for kind, name in _KINDS.items():
        if stat.S_IFMT(there.st_mode) == kind:
            raise OSError(errno.EINVAL, f"it is {name}, no file")


def sync_folder(path: Path) -> None:
    """Bring what a folder lists down to the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_file(path: str | Path, data: bytes, what: str = "file", replace: bool = True) -> Path:
    """Write ``data`` to a file, whole or not at all, and return its path; ``what`` it is stands in the errors.

    Raises
    ------
    FileError
        It cannot be written, or is there and not to be replaced; what was there is untouched.
    """
    with file_errors(path, what), whole_file(path, what, replace) as part:
        part.write_bytes(data)
    return Path(path)


@contextmanager
def whole_file(path: str | Path, what: str = "file", replace: bool = True) -> Iterator[Path]:
    """Give an empty file to write to, which takes the place of ``path`` when the block ends, unless it raises.

    Raises
    ------
    FileError
        There can be no file at ``path``, or one is there and not to be replaced. What the block itself raises passes.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "a.txt") as part:
    ...         print(part.write_text("whole"), (Path(folder) / "a.txt").exists())
    ...     print((Path(folder) / "a.txt").read_text())
    5 False
    whole
    """
    with whole_files([path], what, replace) as (part,):
        yield part


@contextmanager
def whole_files(paths: Sequence[str | Path], what: str = "file", replace: bool = True) -> Iterator[list[Path]]:
    """Do as :func:`whole_file` for files that belong together: none takes its place without the others."""
    shown = " and ".join(map(str, paths))
    parts: list[Path] = []
    claims: list[int | None] = []
    try:
        with file_errors(shown, what):
            places = [_place(Path(path), replace) for path in paths]
            for place in places:
                _clear(place)
                parts.append(place.unfinished())
                _create(parts[-1])
                with suppress(OSError):
                    claims.append(claim(parts[-1]))
        yield parts
        with file_errors(shown, what):
            for part, place in zip(parts, places, strict=True):
                _finish(part, place.mode)
            _put(parts, places, replace)
    finally:
        for claimed in claims:
            release(claimed)
        for part in parts:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def check_place(path: str | Path, what: str = "file", replace: bool = True) -> None:
    """Raise :class:`FileError` unless a file can be written now: asked before the work whose result it will hold."""
    with file_errors(path, what):
        place = _place(Path(path), replace)
        if place.is_file:
            _try_out(place.unfinished())
        elif place.stream is None and not os.access(place.path, os.W_OK):
            raise _error(errno.EACCES)


def check_folder(path: str | Path) -> None:
    """Raise :class:`FileError` unless ``path`` is a folder to write files in, or one can be made there."""
    place = Path(path).absolute()
    nearest = next(folder for folder in (place, *place.parents) if os.path.lexists(folder))
    try:
        _try_out(unfinished(nearest / place.name))
    except OSError as error:
        what = "written to" if nearest == place else "made"
        raise FileError(f"The folder {path} cannot be {what}: {error.strerror}.") from error


@contextmanager
def file_errors(path: str | Path, what: str = "file") -> Iterator[None]:
    """Turn what the system says of writing into a :class:`FileError` of one sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise FileError(f"The {what} cannot be written to {path}: {reason}.") from error


@dataclass(frozen=True)
class _Place:
    """Where a file goes: its path without links, the permissions to keep, or an open stream to write to instead."""

    path: Path
    is_file: bool = True
    mode: int | None = None
    stream: int | None = None

    def unfinished(self) -> Path:
        if self.is_file:
            return unfinished(self.path)
        return Path(tempfile.gettempdir()) / f"babygpt-{uuid.uuid4().hex}{UNFINISHED}"


def _place(path: Path, replace: bool) -> _Place:
    if "\0" in str(path):
        raise _error(errno.EINVAL)
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise _error(errno.EILSEQ) from None
    stream = _own_stream(path)
    if stream is not None:
        os.fstat(stream)
        return _Place(path, is_file=False, stream=stream)
    target = Path(os.path.realpath(path))
    try:
        there = target.stat()
    except FileNotFoundError:
        return _Place(target)
    if stat.S_ISDIR(there.st_mode):
        raise _error(errno.EISDIR)
    if not stat.S_ISREG(there.st_mode):
        return _Place(target, is_file=False)
    if not replace:
        raise _taken(path)
    if not os.access(target, os.W_OK):
        raise _error(errno.EACCES)
    return _Place(target, mode=stat.S_IMODE(there.st_mode))


def _own_stream(path: Path) -> int | None:
    """Return the open stream that a path such as /dev/stdout names: opened anew it would begin at its beginning."""
    for _ in range(8):  # links to links
        if (found := _OWN_STREAM.fullmatch(str(path))) is not None:
            return {"stdout": 1, "stderr": 2}.get(found[1] or "") or int(path.name)
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return None


def _clear(place: _Place) -> None:
    """Remove what a process that was killed while it wrote to the same place has left there."""
    for left in leftovers(place.path) if place.is_file else ():
        if left.is_file() and abandoned(left):
            with suppress(OSError):
                left.unlink(missing_ok=True)


def _create(part: Path) -> None:
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))  # less what the umask takes


def _try_out(part: Path) -> None:
    try:
        _create(part)
    finally:
        with suppress(OSError):  # where it could not be made it cannot be removed either
            part.unlink(missing_ok=True)


def _finish(part: Path, mode: int | None) -> None:
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    if mode is not None:
        part.chmod(mode)


def _put(parts: Sequence[Path], places: Sequence[_Place], replace: bool) -> None:
    before: list[tuple[Path, Path | None]] = []
    try:
        for part, place in zip(parts, places, strict=True):
            if not place.is_file:
                _pass_on(part, place)
                continue
            aside = None
            if len(places) > 1 and replace and os.path.lexists(place.path):
                aside = unfinished(place.path)
                _keep(place.path, aside)
                before.append((place.path, aside))
            _take_place(part, place.path, replace)
            if aside is None:
                before.append((place.path, None))
    except BaseException:
        for path, aside in before if len(places) > 1 else ():
            if aside is None:
                path.unlink(missing_ok=True)
            else:
                aside.replace(path)
                aside.unlink(missing_ok=True)  # two names of one file: replacing did nothing
        raise
    for folder in dict.fromkeys(place.path.parent for place in places if place.is_file):
        sync_folder(folder)
    for _, aside in before:
        if aside is not None:
            aside.unlink(missing_ok=True)


def _keep(path: Path, aside: Path) -> None:
    """Give a file a second name, so that the first never stands for nothing."""
    try:
        aside.hardlink_to(path)
    except OSError:  # a file system without links
        path.rename(aside)


def _take_place(part: Path, path: Path, replace: bool) -> None:
    if replace:
        part.replace(path)
        return
    try:
        path.hardlink_to(part)  # unlike a renaming this never replaces
    except FileExistsError:
        raise _taken(path) from None
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise _taken(path) from None
        part.rename(path)


def _pass_on(part: Path, place: _Place) -> None:
    target = place.path if place.stream is None else os.dup(place.stream)
    with part.open("rb") as whole, open(target, "wb") as stream:  # noqa: PTH123  # or a number
        shutil.copyfileobj(whole, stream)


def _taken(path: Path) -> FileError:
    return FileError(f"{path} exists already. Choose another name, or replace it on purpose: replace=True.")


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
