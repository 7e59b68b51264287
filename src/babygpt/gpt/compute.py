"""Where a GPT computes: on which device, and with how many threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from threading import Event

import torch

from babygpt.errors import SettingError
from babygpt.gpt.forks import forget_in_forks
from babygpt.gpt.room import free_memory

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


def free_on(device: str) -> int:
    """Return the bytes that an accelerator has free; this machine's where it cannot be asked, or is not here."""
    kind = torch.device(device).type
    if kind == "cuda" and torch.cuda.is_available():
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # torch's, but free
        return int(torch.cuda.mem_get_info(device)[0]) + cached
    if kind == "mps" and torch.backends.mps.is_available():
        return int(torch.mps.recommended_max_memory()) - int(torch.mps.driver_allocated_memory())
    return free_memory()


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


Job = Callable[[], "tuple[int, list[Job]]"]


def side_by_side(purpose: str, threads: int, jobs: Iterable[Job], stopped: Event) -> Generator[int]:
    """Do jobs, and those that they give rise to, on a pool of threads; yield what each of them counts.

    Whoever closes the generator early, or whatever fails, sets ``stopped`` for the jobs under way, and they are waited
    for. One thread is the caller's own: whoever has none to spare is not served by a thread of others.
    """
    if threads == 1:
        waiting = deque(jobs)
        while waiting:
            count, more = waiting.popleft()()
            waiting.extend(more)
            yield count
        return
    pool = workers(purpose, threads)
    under_way = {pool.submit(job) for job in jobs}
    try:
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                count, more = future.result()
                under_way |= {pool.submit(job) for job in more}
                yield count
    finally:
        stopped.set()
        for future in under_way:
            future.cancel()
        wait(under_way)


@cache
def workers(purpose: str, threads: int) -> ThreadPoolExecutor:
    """Return a pool of threads that each compute on one thread of torch, one pool for each purpose.

    Work that falls into independent parts is faster, and on a busy machine much faster, when each part has a thread to
    itself than when all threads share every operation: none waits for a slower one. The pool is kept, so that its
    threads keep the memory they compute in; a forked process, where they are not, has pools of its own.
    """
    return ThreadPoolExecutor(threads, f"babygpt-{purpose}", initializer=torch.set_num_threads, initargs=(1,))


def _alone() -> None:
    """Begin a forked process with no pools, and with torch on one thread: OpenMP's threads are not there either."""
    workers.cache_clear()
    if torch.get_num_threads() > 1:
        torch.set_num_threads(1)


forget_in_forks(_alone)
