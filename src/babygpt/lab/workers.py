"""Who does the work of a sweep: this machine's processes or threads, or the workers of a Dask cluster.

A batch is a task, and results are yielded as they arrive. A worker that dies takes with it what it was doing and
nothing else: on this machine (loky's processes) the lost batches are given out again; on a cluster
(:mod:`babygpt.lab.cluster`) its scheduler does so.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Literal, get_args

import loky

from babygpt.errors import SettingError, SweepError
from babygpt.gpt.checks import check_choice, check_count
from babygpt.lab.task import Batch, Row, compute
from babygpt.lab.watchdog import end_with

Backend = Literal["loky", "threading", "dask"]
Results = Generator[tuple[Batch, list[Row]]]

# A batch whose worker dies this often, with no other batch under way, is what the workers die of.
MAX_DEATHS = 2
# After so many such batches, with nothing done in between, it is not the batches.
MAX_BLAMED = 3
# Batches given out beyond those that are being done, for each worker: none waits for its next one.
AHEAD = 1
# What reads how many threads it may use: a worker's torch and BLAS shall not ask for every core of the machine.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


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
        if self.scheduler is not None:
            from babygpt.lab.cluster import work_on_cluster

            return work_on_cluster(self.scheduler, batches)
        return self._here(batches)

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
        """Yield what the workers send back; tell in ``given`` what they were given."""
        jobs = self.jobs or loky.cpu_count()
        if jobs == 1:
            for number, batch in numbered:
                yield number, compute(batch)
            return
        # threads of one process share a pool to train on
        threads = jobs if self.backend == "threading" else 1
        todo, under_way = iter(numbered), dict[Future[list[Row]], int]()
        executor = self._executor(1 if one_at_a_time else jobs)
        try:
            while True:
                for number, batch in islice(todo, (1 if one_at_a_time else (1 + AHEAD) * jobs) - len(under_way)):
                    given.append(number)
                    under_way[executor.submit(compute, batch, threads)] = number
                if not under_way:
                    return
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda future: future.exception() is not None):  # what is done first
                    yield under_way.pop(future), future.result()
        finally:
            for future in under_way:
                future.cancel()
            if isinstance(executor, loky.ProcessPoolExecutor):
                executor.shutdown(kill_workers=bool(under_way))
            else:
                executor.shutdown()

    def _executor(self, jobs: int) -> Executor:
        if self.backend == "threading":
            return ThreadPoolExecutor(jobs, "sweep")
        executor: Executor = loky.ProcessPoolExecutor(
            jobs, env=_ONE_THREAD, initializer=end_with, initargs=(os.getpid(),)
        )
        return executor


_DEADLY: Row = {
    "status": "failed",
    "remark": f"Its worker died, {MAX_DEATHS} times in a row: the memory may not suffice for it.",
}
