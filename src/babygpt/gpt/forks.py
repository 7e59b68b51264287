"""What a forked process must not take over as it is: locks that others hold, and pools whose threads stayed behind.

A fork copies the memory of a process and one of its threads. A lock that another thread held stays held in the copy,
with nobody to let it go; a pool believes in threads that are not there, and waits for them. So whoever forks waits
for these locks first, and the copy begins with no pools.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import RLock


def lock_across_forks() -> AbstractContextManager[bool]:
    """Return a lock, reentrant, that a forked process never finds held by a thread it does not have.

    Whoever forks waits until no other thread holds it: what it guards is whole in both processes.
    """
    lock = RLock()
    if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock


def forget_in_forks(forget: Callable[[], object]) -> None:
    """Let every forked process begin with ``forget()``, which lets go of what has no threads there."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)
