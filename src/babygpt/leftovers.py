"""Unfinished files and folders: their names beside the place they are for, and whether anybody still works on one.

Who writes holds a lock on what is unfinished, which ends with the process however that ends. What is left without one
is a *leftover* of a process that was killed.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
import uuid
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# The end of an unfinished file's name; what a process that was killed leaves behind.
UNFINISHED = ".partial"

# Seconds after which a leftover is nobody's, where the system cannot tell.
DAY = 24 * 3600


def unfinished(path: Path, ending: str = UNFINISHED) -> Path:
    """Return a name beside ``path`` that nobody uses; short enough wherever that of ``path`` is."""
    return path.with_name(f".{_stem(path.name)}.{uuid.uuid4().hex[:8]}{ending}")


def leftovers(path: Path, ending: str = UNFINISHED) -> list[Path]:
    """Return what stands under names that :func:`unfinished` gave for ``path``, in use or not."""
    name = re.compile(rf"\.{re.escape(_stem(path.name))}\.[0-9a-f]{{8}}{re.escape(ending)}")
    try:
        with os.scandir(path.parent) as entries:
            return sorted(path.parent / entry.name for entry in entries if name.fullmatch(entry.name))
    except (OSError, ValueError):
        return []


def _stem(name: str) -> str:
    digest = hashlib.sha256(name.encode(errors="backslashreplace")).hexdigest()
    return name if len(name) <= 40 else f"{name[:31]}~{digest[:8]}"


def claim(path: Path) -> int | None:
    """Mark a file or folder as in use for as long as this process lives, or until what is returned is closed.

    None where the system has no such marks; an OSError where another has one on it.
    """
    if fcntl is None:
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:  # a file system without locks
        os.close(descriptor)
        return None
    return descriptor


def release(descriptor: int | None) -> None:
    """End a claim."""
    if descriptor is not None:
        os.close(descriptor)


def abandoned(path: Path) -> bool:
    """Return whether nobody uses a leftover: its process is gone, or, where that cannot be told, a day has passed."""
    try:
        there = path.lstat()
        if not (stat.S_ISREG(there.st_mode) or stat.S_ISDIR(there.st_mode)):
            return stat.S_ISLNK(there.st_mode)  # of a link that was replaced
        claimed = claim(path)
    except OSError:
        return False
    release(claimed)
    return claimed is not None or time.time() - there.st_mtime > DAY
