"""Where a GPT computes: on which device, and with how many threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import torch

from babygpt.errors import SettingError

# Below this many activations per operation a second thread costs more than it brings; on a busy machine,
# a hundred times more.
SMALL_WORK = 2**18


def available_devices() -> list[str]:
    """Return the devices that this machine's torch can use, "cpu" first."""
    devices = ["cpu"]
    if torch.cuda.is_available():
        devices += ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices


def check_device(name: str) -> torch.device:
    """Return the device called ``name``, or raise :class:`SettingError` if this machine lacks it."""
    if name not in available_devices():
        raise SettingError(f"There is no device {name!r} here. This machine has: {', '.join(available_devices())}.")
    return torch.device(name)


@contextmanager
def threads_for(activations: int) -> Iterator[None]:
    """Compute on one thread inside the block if an operation touches few numbers, else on as many as torch has."""
    threads = torch.get_num_threads()
    if activations > SMALL_WORK or threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@cache
def workers(purpose: str, threads: int) -> ThreadPoolExecutor:
    """Return a pool of threads that each compute on one thread of torch, one pool for each purpose.

    Work that falls into independent parts is faster, and on a busy machine much faster, when each part has a thread to
    itself than when all threads share every operation: none waits for a slower one. The pool is kept, so that its
    threads keep the memory they compute in.
    """
    return ThreadPoolExecutor(threads, f"babygpt-{purpose}", initializer=torch.set_num_threads, initargs=(1,))
