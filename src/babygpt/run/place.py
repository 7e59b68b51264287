"""The place of a saved run: how a whole folder takes it in one act, and what a killed program leaves beside it.

A run is written to a folder ``.NAME.….partial`` beside its place and renamed once it is whole. Where a run stands there
already, the two change places in one act (Linux, macOS), so that at every moment one of them is there; the old one is
then called ``.NAME.….replaced``, gives back what others had put into it, and is removed. Elsewhere it steps aside under
that name first; a program killed in between leaves it there, for the next save to put back and for loading to name.

Who writes holds a lock on the unfinished folder, which ends with the process, so that leftovers can be told from what
is still being written. The folder above is locked for the moment of the renaming, so that of many writers one wins.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from babygpt.files import sync_folder
from babygpt.leftovers import UNFINISHED, abandoned, claim, leftovers, release, unfinished

# The end of the name of a run that another has replaced.
REPLACED = ".replaced"

# Seconds to wait for another who renames in the same folder.
PATIENCE = 5.0


@contextmanager
def unfinished_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside ``path`` to write to; what is left of it at the end of the block is removed."""
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in made:
        sync_folder(folder.parent)
    partial, claimed = _claimed_folder(path)
    try:
        yield partial
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        release(claimed)


def _claimed_folder(path: Path) -> tuple[Path, int | None]:
    for _ in range(10):
        partial = unfinished(path)
        partial.mkdir()
        with suppress(OSError):  # someone who clears up took it for abandoned before it was claimed
            claimed = claim(partial)
            if partial.is_dir():
                return partial, claimed
            release(claimed)
    return partial, None


def put(partial: Path, path: Path, own: Collection[str], check: Callable[[], None]) -> None:
    """Let a whole folder take the place of ``path``, and clear up what was left beside it.

    Parameters
    ----------
    partial
        From :func:`unfinished_folder`.
    path
        The place.
    own
        The names of a run's files; others in the folder that is replaced are handed on.
    check
        Called when nobody else can take the place any more; raises what is wrong with taking it.
    """
    sync_folder(partial)
    with _locked(path.parent):
        _put_back(path)
        check()
        if not os.path.lexists(path):
            partial.rename(path)
        else:
            _change_places(partial, path)
        sync_folder(path.parent)
        for left in (*leftovers(path, REPLACED), *leftovers(path, UNFINISHED)):
            if left != partial and (left.name.endswith(REPLACED) or abandoned(left)):
                _hand_on(left, path, own)
    sync_folder(path.parent)


def _change_places(partial: Path, path: Path) -> None:
    aside = unfinished(path, REPLACED)
    if exchange(partial, path):
        try:
            partial.rename(aside)
        except OSError:
            exchange(partial, path)
            raise
        return
    path.rename(aside)
    try:
        partial.rename(path)
    except OSError:
        aside.rename(path)
        raise


def _put_back(path: Path) -> None:
    """Put back the run that a program killed between two renamings had moved aside."""
    aside = leftovers(path, REPLACED)
    if aside and not os.path.lexists(path):
        max(aside, key=lambda folder: folder.lstat().st_mtime_ns).rename(path)


def _hand_on(left: Path, path: Path, own: Collection[str]) -> None:
    """Remove a leftover; what its owner put beside the run stays."""
    if left.is_symlink():
        left.unlink()
        return
    with suppress(OSError):
        for entry in list(left.iterdir()):
            if entry.name not in own and not os.path.lexists(path / entry.name):
                entry.rename(path / entry.name)
    shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    claimed, late = None, time.monotonic() + PATIENCE
    while time.monotonic() < late:
        try:
            claimed = claim(folder)
            break
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:  # a folder that may be written to and not be read
            break
    try:
        yield
    finally:
        release(claimed)


def exchange(a: Path, b: Path) -> bool:
    """Let two paths change places in one act, and return whether the system could."""
    try:
        system = ctypes.CDLL(None, use_errno=True)
        names = os.fsencode(a), os.fsencode(b)
        if sys.platform == "darwin":
            return bool(system.renamex_np(*names, 2) == 0)  # RENAME_SWAP
        here = -100  # AT_FDCWD: paths are as any others
        return bool(system.renameat2(here, names[0], here, names[1], 2) == 0)  # RENAME_EXCHANGE
    except (OSError, TypeError, AttributeError):  # Windows, an old libc
        return False
