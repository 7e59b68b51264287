"""A batch: the tasks of a sweep that one worker does at a time.

Tasks that differ in their seeds alone are trained together, as one :class:`babygpt.Ensemble`. How tasks fall into
batches depends on the tasks and on nothing else, neither on how many workers there are nor on who they are, so that
every way to do a sweep gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import scipy.linalg  # noqa: F401
from threadpoolctl import ThreadpoolController

from babygpt.chain.contexts import count_short, count_states
from babygpt.errors import BabyGPTError
from babygpt.gpt.config import shape_of, training_of
from babygpt.gpt.corpus import Corpus
from babygpt.lab.judge import judge
from babygpt.lab.settings import TRUTHS, Settings, corpus_of, key_of, source_of
from babygpt.lab.spec import Group
from babygpt.run.ensemble import Ensemble
from babygpt.run.trace import SCALARS

# One training's outcomes by name, with "status" (done, diverged or failed) and "remark" (why; else None).
Row = dict[str, Any]

# Few enough that results stream and that a lost worker costs little; more together are hardly faster.
MAX_SEEDS = 64
# Numbers that a batch keeps: weights, AdamW's memory, gradients, chains. 128 MiB.
BATCH_NUMBERS = 2**25


@dataclass(frozen=True)
class Batch:
    """Trainings that differ in their seeds alone, and what is asked of each.

    Attributes
    ----------
    settings
        All settings but the seed.
    seeds
        Each once.
    outcomes
        The names of what is asked.
    """

    settings: Settings
    seeds: tuple[int, ...]
    outcomes: tuple[str, ...]

    @property
    def keys(self) -> list[str]:
        """The tasks' names in the results."""
        return [key_of(self.settings, seed) for seed in self.seeds]


def batches_of(groups: Iterable[Group], outcomes: tuple[str, ...], done: Container[str] = ()) -> list[Batch]:
    """Return the batches in which to do the tasks of ``groups``, those left out whose keys are in ``done``.

    >>> shape = {"context_length": 3, "n_layer": 4, "n_head": 4, "n_embd": 16, "bias": False}
    >>> [len(batch.seeds) for batch in batches_of([Group(shape, tuple(range(100)), vocab_size=2)], ("gap",))]
    [50, 50]
    """
    batches = []
    for group in groups:
        config = shape_of(group.settings, group.vocab_size)
        V, K = config.vocab_size, config.block_size
        each = 4 * config.n_parameters + 2 * V * (count_short(V, K) + count_states(V, K))  # a float64 is two numbers
        most = max(1, min(MAX_SEEDS, BATCH_NUMBERS // each))
        # as equal as can be, and cut before the done are left out: what is resumed falls into the same batches
        for part in np.array_split(np.array(group.seeds, dtype=np.int64), -(-len(group.seeds) // most)):
            seeds = tuple(seed for seed in part.tolist() if key_of(group.settings, seed) not in done)
            if seeds:
                batches.append(Batch(group.settings, seeds, outcomes))
    return batches


def compute(batch: Batch, threads: int = 1) -> list[Row]:
    """Train a batch, on as many threads, and return what its trainings gave, in the order of its seeds.

    Nothing that goes wrong in a training ends a sweep: a training that diverges is told in its ``status``, and so is
    whatever else fails, with the reason in ``remark``.

    >>> from babygpt.lab.spec import SweepSpec
    >>> spec = SweepSpec.of({"fixed": {"sequence": "111101111011110"}, "outcomes": ["last_loss", "entropy_rate"]})
    >>> [batch] = batches_of(spec.groups(), spec.outcomes)
    >>> [row] = compute(batch)
    >>> row["status"], round(row["last_loss"], 4), round(row["entropy_rate"], 4)
    ('done', 0.47, 0.5682)
    """
    try:
        # one thread each, for BLAS too: sums come out the same whatever the number of cores
        with _libraries().limit(limits=1):
            return _compute(batch, threads)
    except MemoryError:
        why = "The memory ran out for this training. Try a smaller n_embd, a shorter context, or fewer jobs at a time."
    except Exception as error:
        why = str(error) if isinstance(error, BabyGPTError) else f"{type(error).__name__}: {error}"
    return [{"status": "failed", "remark": why} for _ in batch.seeds]


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()  # looking for them takes milliseconds, so once; SciPy has brought its own by now


def _compute(batch: Batch, threads: int) -> list[Row]:
    settings = batch.settings
    corpus = corpus_of(settings)
    config = shape_of(settings, len(corpus.vocabulary))
    how = training_of({**settings, "seed": batch.seeds[0]})
    ensemble = Ensemble.of(corpus, batch.seeds, config, how, threads=threads)
    floor = corpus.loss_floor(settings["positions"])
    diverged = ensemble.diverged
    return [_row(ensemble, corpus, floor, batch, place, bool(broken)) for place, broken in enumerate(diverged)]


def _row(ensemble: Ensemble, corpus: Corpus, floor: float, batch: Batch, place: int, diverged: bool) -> Row:
    losses = ensemble.losses[place]
    row: Row = {"status": "done", "remark": None, "floor": floor, "first_loss": float(losses[0]), "losses": losses}
    if diverged:
        good = int(np.argmin(np.isfinite(losses))) if not np.isfinite(losses).all() else len(losses)
        row["status"] = "diverged"
        row["remark"] = f"The loss was no longer a finite number after step {good}."
    else:
        row |= {"last_loss": float(losses[-1]), "gap": float(losses[-1]) - floor}
        if "probs" in batch.outcomes:
            row["probs"] = ensemble.probs[place].ravel()
        if {*batch.outcomes} & (SCALARS.keys() | TRUTHS.keys()):
            chain = ensemble.chain(batch.seeds[place])
            remarks = []
            for name in (name for name in batch.outcomes if name in SCALARS):
                try:
                    row[name] = float(SCALARS[name][1](chain, corpus))
                except (BabyGPTError, ArithmeticError) as error:  # too many states for it, or it did not settle
                    remarks.append(f"{name}: {error}")
            row["remark"] = " ".join(remarks) or None
            source = source_of(batch.settings)
            if source is not None and {*batch.outcomes} & TRUTHS.keys():
                judgement = judge(chain, source)
                row |= {name: float(getattr(judgement, name)) for name in TRUTHS}
    return {name: row.get(name) for name in ("status", "remark", *batch.outcomes)}
