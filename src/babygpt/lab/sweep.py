"""Sweeps: the same question asked of many trainings.

Which of the architecture, the training, the data and the seed makes the difference? A spec (:mod:`babygpt.lab.spec`)
names what to vary and what to ask; a sweep trains every combination, on one machine or many, and keeps the answers as
Parquet, so that whatever is already known is never computed again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babygpt.errors import SizeError
from babygpt.gpt.checks import check_count
from babygpt.gpt.kinds import explained
from babygpt.gpt.room import YEAR, in_digits
from babygpt.lab.settings import check_room, key_of
from babygpt.lab.spec import SweepSpec
from babygpt.lab.store import SweepFolder, read_results
from babygpt.lab.task import batches_of
from babygpt.lab.workers import Backend, WorkerPool

if TYPE_CHECKING:
    import pyarrow

Progress = Callable[[int, int], object]

# More trainings than this take hours to do and minutes to plan: whoever asks for them says so.
LIMIT = 100_000


@explained
@dataclass(frozen=True)
class Sweep:
    """What a sweep left behind.

    Attributes
    ----------
    path
        Its folder; ``results.parquet`` in it is :attr:`table`.
    n_tasks
        Trainings that the spec asks for, equal ones once.
    n_known
        How many of them were there already.
    damaged
        A sentence for each file of results that was not as it was written; what it held was not known.
    """

    path: Path
    n_tasks: int
    n_known: int
    damaged: tuple[str, ...] = ()

    @cached_property
    def table(self) -> pyarrow.Table:
        """One row for each training in the folder: key, settings, status, remark, outcomes; the spec's first."""
        return read_results(self.path)

    @property
    def statuses(self) -> dict[str, int]:
        """How many of the spec's trainings are ``done``, ``diverged`` or ``failed``."""
        return dict(Counter(self.table["status"].to_pylist()[: self.n_tasks]))

    @property
    def failures(self) -> set[str]:
        """Why some of the spec's trainings failed, each reason once; the same sweep tries them again."""
        own = self.table[: self.n_tasks]
        rows = zip(own["status"].to_pylist(), own["remark"].to_pylist(), strict=True)
        return {remark for status, remark in rows if status == "failed"}

    def __repr__(self) -> str:
        counts = ", ".join(f"{count:,} {status}" for status, count in self.statuses.items())
        return f"Sweep({self.path}: {counts})"


@explained
def sweep(
    spec: SweepSpec | Mapping[str, Any] | str | Path,
    out: str | Path,
    *,
    jobs: int | None = None,
    backend: Backend = "loky",
    scheduler: str | None = None,
    limit: int = LIMIT,
    progress: Progress | None = None,
) -> Sweep:
    """Do every training that ``spec`` asks for and ``out`` lacks, and keep the results there.

    Parameters
    ----------
    spec
        A spec, the path of its TOML file, or what such a file says as a mapping.
    out
        The folder of the results. What it holds already is not computed again, whatever spec asked for it; results
        are written as they arrive, so that a sweep that was stopped goes on where it was.
    jobs, backend, scheduler
        Who does the work: see :class:`babygpt.lab.workers.WorkerPool`.
    limit
        More trainings than this are refused before anything is planned: who means them says so.
    progress
        Called as ``progress(tasks_done, tasks)`` whenever results arrive, first with what was there. What it raises
        ends the sweep, as Ctrl-C does.

    Raises
    ------
    InputError
        The spec asks for what cannot be trained.
    SizeError
        It asks for more trainings than ``limit``, or for years of them.
    FileError
        Results cannot be read or written.
    SweepError
        The workers cannot go on; results so far are kept.

    >>> import tempfile
    >>> spec = {"fixed": {"sequence": "111101111011110", "steps": 5}, "grid": {"n_layer": [1, 2], "seed": "0..2"}}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = sweep(spec, Path(folder) / "first", jobs=1)
    ...     result.statuses, sweep(spec, Path(folder) / "first", jobs=1).n_known
    ({'done': 6}, 6)
    """
    if isinstance(spec, (str, Path)):
        spec = SweepSpec.read(spec)
    elif not isinstance(spec, SweepSpec):
        spec = SweepSpec.of(spec)
    if spec.n_combinations > check_count("limit", limit):
        raise SizeError(
            f"The spec has {spec.n_combinations:,} combinations, each a training; the limit is {limit:,}. Use shorter "
            f"lists, draw some at random, or, if all are meant, try limit={spec.n_combinations}."
        )
    pool = WorkerPool(backend, jobs, scheduler)
    folder = SweepFolder(Path(out), spec.outcomes)
    groups = spec.groups()
    if backend != "dask":  # a cluster's workers may have more memory than this machine
        least = sum(check_room(group.settings, group.vocab_size) * len(group.seeds) for group in groups)
        if least > YEAR:
            n_tasks = sum(len(group.seeds) for group in groups)
            raise SizeError(
                f"{n_tasks:,} trainings take {in_digits(least // YEAR)} years or more on one machine; the limit "
                "is one. Use fewer combinations or steps, or a cluster."
            )
    keys = [key_of(group.settings, seed) for group in groups for seed in group.seeds]
    there, damaged = folder.done()
    folder.check()
    known = sum(key in there for key in keys)
    done = known
    if progress is not None:
        progress(done, len(keys))
    batches = batches_of(groups, spec.outcomes, there)
    if batches:
        with closing(pool.work(batches)) as results:
            for batch, rows in results:
                folder.add(batch, rows)
                done += len(rows)
                if progress is not None:
                    progress(done, len(keys))
    folder.gather(keys)
    return Sweep(Path(out), len(keys), known, tuple(damaged))
