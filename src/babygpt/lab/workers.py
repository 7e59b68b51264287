"""Who does the work of a sweep: this machine's processes or threads, or the workers of a Dask cluster.

All go through joblib, a batch a task, and yield results as they arrive. A worker that dies takes with it what it was
doing and nothing else: on this machine the lost batches are given out again, on a cluster the scheduler does so.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Thread
from typing import Any, Literal, get_args

import joblib
import psutil
from joblib.externals.loky.process_executor import BrokenProcessPool

from babygpt.errors import SettingError, SweepError
from babygpt.gpt.checks import check_choice, check_count
from babygpt.lab.task import Batch, Row, compute

Backend = Literal["loky", "threading", "dask"]
Results = Generator[tuple[Batch, list[Row]]]

# A batch whose worker dies this often, with no other batch under way, is what the workers die of.
MAX_DEATHS = 2
# After so many such batches, with nothing done in between, it is not the batches.
MAX_BLAMED = 3
# Seconds that a scheduler, and then its first worker, may take to answer.
PATIENCE = 10


@dataclass(frozen=True)
class WorkerPool:
    """Workers, by where they are.

    Attributes
    ----------
    backend
        ``"loky"``: processes of this machine. ``"threading"``: threads of this process. ``"dask"``: a cluster.
    jobs
        How many on this machine; by default one for each core that this process may use.
    scheduler
        The address of the cluster's scheduler, such as ``"tcp://host:8786"``.

    Raises
    ------
    SettingError
        These do not go together.
    """

    backend: Backend = "loky"
    jobs: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        check_choice("backend", self.backend, get_args(Backend))
        if self.jobs is not None:
            check_count("jobs", self.jobs)
        if self.backend == "dask":
            if self.scheduler is None:
                raise SettingError(
                    "backend=dask has no scheduler to ask. Start one with: dask scheduler; then give its address: "
                    "scheduler=tcp://HOST:8786"
                )
            if self.jobs is not None:
                raise SettingError(
                    f"jobs={self.jobs} is of this machine; a Dask cluster does as many as its workers have threads. "
                    "Leave it out."
                )
        elif self.scheduler is not None:
            raise SettingError(
                f"scheduler={self.scheduler} is of a Dask cluster, and backend={self.backend} of this machine. "
                "Try backend=dask."
            )

    def work(self, batches: Sequence[Batch]) -> Results:
        """Yield each batch with its results as they arrive, in any order.

        Raises
        ------
        SweepError
            The workers cannot go on; what was yielded before is good.
        """
        return self._on_cluster(batches) if self.backend == "dask" else self._here(batches)

    def _here(self, batches: Sequence[Batch]) -> Results:
        """Do the batches on this machine; those that were under way when a worker died are done one at a time.

        So a worker that somebody killed costs what it was doing, and a batch that kills whoever does it is found out.
        """
        left = dict(enumerate(batches))
        suspects: list[int] = []
        deaths = blamed = 0
        while left:
            numbers = suspects or list(left)
            given: list[int] = []
            try:
                with closing(self._given_out([(n, left[n]) for n in numbers], given, bool(suspects))) as results:
                    for number, rows in results:
                        suspects = [n for n in suspects if n != number]
                        deaths = blamed = 0
                        yield left.pop(number), rows
            except BrokenProcessPool as error:
                if not suspects:
                    suspects = [n for n in given if n in left]
                    continue
                deaths += 1
                if deaths == MAX_DEATHS:
                    blamed += 1
                    if blamed == MAX_BLAMED:
                        raise SweepError(
                            f"Workers die of every batch, with {len(left):,} left: the memory may not suffice. The "
                            "results so far are kept. Try smaller settings, or jobs=1."
                        ) from error
                    deaths, number = 0, suspects.pop(0)
                    yield left[number], [dict(_DEADLY) for _ in left.pop(number).seeds]

    def _given_out(
        self, numbered: Sequence[tuple[int, Batch]], given: list[int], one_at_a_time: bool
    ) -> Generator[tuple[int, list[Row]]]:
        """Yield what joblib's workers send back; tell in ``given`` what they were given."""

        def tasks() -> Iterator[Any]:
            for number, batch in numbered:
                given.append(number)
                yield joblib.delayed(_numbered)(number, batch, driver, threads)

        # inner threads: a worker's torch and BLAS shall not ask for every core of the machine
        inner = {"inner_max_num_threads": 1} if self.backend == "loky" else {}
        driver = os.getpid() if self.backend == "loky" else None
        jobs = self.jobs or joblib.cpu_count()
        threads = jobs if self.backend == "threading" else 1  # threads of one process share a pool to train on
        settings = _AS_THEY_ARRIVE | ({"pre_dispatch": 1} if one_at_a_time else {})
        with joblib.parallel_config(self.backend, n_jobs=jobs, **inner):
            results = joblib.Parallel(**settings)(tasks())
        with _closing_quietly(results):
            for result in results:  # noqa: UP028  # yield from would close them itself, and not quietly
                yield result

    def _on_cluster(self, batches: Sequence[Batch]) -> Results:
        try:
            from distributed import Client
        except ImportError as error:
            raise SettingError("A Dask cluster needs Dask. Install it with: pip install distributed") from error

        if not _is_address(str(self.scheduler)):  # a Client of no address waits at exit, and prints a traceback
            raise SettingError(
                f"scheduler={self.scheduler!r} is no address. A Dask scheduler prints its own, such as tcp://HOST:8786"
            )
        with _quiet_logs():
            try:
                client: Any = Client(  # type: ignore[no-untyped-call]
                    self.scheduler, timeout=PATIENCE, set_as_default=False
                )
            except (OSError, ValueError) as error:
                raise SweepError(
                    f"No scheduler answers at {self.scheduler} within {PATIENCE} seconds. Start one with: dask "
                    "scheduler; it prints its address."
                ) from error
            try:
                parallel = joblib.Parallel(backend=_dask_backend(client), **_AS_THEY_ARRIVE)
                results = parallel(joblib.delayed(_numbered)(n, batch) for n, batch in enumerate(batches))
                with _closing_quietly(results):
                    for number, rows in results:
                        yield batches[number], rows
            except SweepError:
                raise
            except TimeoutError as error:
                raise SweepError(
                    f"The scheduler at {self.scheduler} has no workers. Start some with: dask worker {self.scheduler}"
                ) from error
            except Exception as error:
                raise SweepError(_why(error, self.scheduler)) from error
            finally:
                client.close(timeout=1)


_AS_THEY_ARRIVE: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1, "pre_dispatch": "2 * n_jobs"}


_DEADLY: Row = {
    "status": "failed",
    "remark": f"Its worker died, {MAX_DEATHS} times in a row: the memory may not suffice for it.",
}


def _numbered(number: int, batch: Batch, driver: int | None = None, threads: int = 1) -> tuple[int, list[Row]]:
    if driver is not None and driver != os.getpid():
        _end_with(driver)
    return number, compute(batch, threads)


@cache
def _end_with(driver: int) -> None:
    """End this worker when its driver is gone: one that is killed tells nobody, and its workers would wait for more."""

    def watch() -> None:
        while os.getppid() == driver and psutil.pid_exists(driver):
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


@contextmanager
def _closing_quietly(results: Generator[tuple[int, list[Row]]]) -> Iterator[None]:
    """Close a generator of joblib's at the end, without its remark that some results were not asked for."""
    try:
        yield
    finally:
        with warnings.catch_warnings(), closing(results):
            warnings.simplefilter("ignore")


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Keep Dask's log of lost connections off the screen: what matters is told in a sentence."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]
    before = {name: logging.getLogger(name).level for name in names}  # Dask gives some a level of their own
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _is_address(text: str) -> bool:
    from distributed.comm.addressing import get_address_host_port

    try:
        _, port = get_address_host_port(text)
    except ValueError:
        return False
    return bool(0 < port < 2**16)


def _why(error: Exception, scheduler: str | None) -> str:
    kind = type(error).__name__
    if kind == "KilledWorker":
        reason = "A batch ended every worker that tried it: the memory may not suffice. Give the workers more"
    elif isinstance(error, ImportError):
        reason = f"The workers cannot do the work: {error}. Install the same babygpt there"
    else:
        reason = f"The scheduler at {scheduler} is gone, or gave the work up ({kind}). Start it and its workers again"
    return f"{reason}; the results so far are kept, and the same command goes on from them."


def _dask_backend(client: Any) -> Any:
    """Return joblib's Dask backend, in a form that neither waits for ever nor works on the driver's machine."""
    from joblib._dask import DaskDistributedBackend

    class Cluster(DaskDistributedBackend):  # type: ignore[misc]
        def effective_n_jobs(self, n_jobs: int) -> int:
            # Parallel takes 1 as "do it here"; a cluster of one worker is still elsewhere
            return max(2, super().effective_n_jobs(n_jobs))

        async def _collect(self) -> None:
            # as joblib has it, except that joblib tells nobody of futures that the cluster gives up, and waits
            import asyncio

            while self._continue:
                async for future, result in self.waiting_futures:
                    done = self._results.pop(future)
                    callback = self._callbacks.pop(future)
                    if future.status == "finished":
                        done.set_result(result)
                        callback(result)
                    else:
                        error = result[1] if isinstance(result, tuple) else result
                        if not isinstance(error, Exception):
                            error = ConnectionError(f"the batch was {future.status}")
                        done.set_exception(error)
                        callback(error)
                await asyncio.sleep(0.01)

    return Cluster(client=client, wait_for_workers_timeout=PATIENCE, retries=2)
