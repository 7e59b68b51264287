"""Sweeps: what a task costs beyond its training, and two Dask workers against one."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from measure import Comparison, compare, rounds
from training import SEQUENCE

import babygpt as bg

OUTCOMES = ["first_loss", "last_loss", "floor", "gap"]
BATCH = 64


def overhead(
    folder: Path, name: str, grid: dict[str, object], settings: list[dict[str, float]], seeds: range
) -> Comparison:
    """Compare a sweep, in this process, with the bare trainings of the same batches."""
    numbers = count()

    def sweep() -> None:
        spec = {"fixed": {"sequence": SEQUENCE}, "grid": grid, "outcomes": OUTCOMES}
        bg.sweep(spec, folder / f"{name}-{next(numbers)}", jobs=1)

    def train() -> None:
        for setting in settings:
            for start in range(0, len(seeds), BATCH):
                bg.Ensemble.train(SEQUENCE, seeds[start : start + BATCH], threads=1, **setting)

    return compare(f"a sweep of {name}", sweep, "the trainings alone, in the same batches", train, 7)


@contextmanager
def cluster(folder: Path, n_workers: int) -> Iterator[str]:
    """Start a scheduler and workers of one thread each, on loopback; yield the scheduler's address."""
    file = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    loopback = ["--host", "127.0.0.1", "--no-dashboard"]
    processes = [subprocess.Popen([*dask, "scheduler", *loopback, "--port", "0", "--scheduler-file", file], **quiet)]
    try:
        while not (file.exists() and file.read_text().endswith("}")):
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        for number in range(n_workers):
            own = ["--nthreads", "1", "--no-nanny", "--local-directory", folder / str(number)]
            processes.append(subprocess.Popen([*dask, "worker", address, *loopback, *own], **quiet))
        from distributed import Client

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(n_workers)
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def counting(n_processes: int) -> None:
    """Count to a hundred million, shared among processes."""
    code = f"for _ in range({100_000_000 // n_processes}): pass"
    for process in [subprocess.Popen([sys.executable, "-c", code]) for _ in range(n_processes)]:
        process.wait()


def two_workers(folder: Path) -> list[Comparison]:
    """Compare a sweep of 768 seeds on two Dask workers with the same on one.

    On a machine that others use too, a second worker may find no second core: what two processes that only count gain
    over one, in the same rounds, is the most that can be hoped for.
    """
    numbers = count()

    def sweep(address: str) -> None:
        spec = {"fixed": {"sequence": SEQUENCE}, "grid": {"seed": "0..767"}, "outcomes": OUTCOMES}
        bg.sweep(spec, folder / f"dask-{next(numbers)}", backend="dask", scheduler=address)

    with ExitStack() as stack:
        addresses = []
        for n in (1, 2):
            (folder / f"cluster-{n}").mkdir()
            addresses.append(stack.enter_context(cluster(folder / f"cluster-{n}", n)))
        ways = {name: partial(sweep, address) for name, address in zip(("one", "two"), addresses, strict=True)}
        seconds = rounds(ways | {"count 1": partial(counting, 1), "count 2": partial(counting, 2)}, 5)
    return [
        Comparison("768 seeds on two Dask workers", "on one", seconds["two"], seconds["one"]),
        Comparison(
            "counting in two processes: the most a second can bring", "in one", seconds["count 2"], seconds["count 1"]
        ),
    ]


def measure(full: bool) -> Iterator[Comparison]:
    rates = [1e-3 * (1 + i / 64) for i in range(16)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield overhead(folder, "512 seeds", {"seed": "0..511"}, [{}], range(512))
        yield overhead(
            folder,
            "16 rates, one seed each",
            {"learning_rate": rates},
            [{"learning_rate": r} for r in rates],
            range(1337, 1338),
        )
        yield from two_workers(folder)
