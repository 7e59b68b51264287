"""Many seeds beside the one on the screen: what all of them say about each arrow, and what only some do.

They are the seeds 0, 1, 2, …, trained a few at a time as the session has time for it; what is known so far is shown.
The same of a whole study at once: :func:`babygpt.study`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import count_short
from babygpt.chain.decoding import Decoding
from babygpt.run.blocks import blocks_of
from babygpt.run.history import FramePlan
from babygpt.run.many import Trainings
from babygpt.studio.figures import Values
from babygpt.studio.limits import Limits
from babygpt.studio.protocol import StateOfSeeds
from babygpt.studio.setup import Setup
from babygpt.studio.side_by_side import decoded, together, weights_together

# A band holds nine seeds in ten.
LOW, HIGH = 0.05, 0.95
FIRST = 8  # seeds that are trained before the others: something is there to see the sooner
QUICK = 2**18  # numbers whose quantiles are taken while frames pass by
BINS = 20  # of a histogram from 0 to 1
MAX_SHOWN = 64  # tokens of one state whose histograms travel


@dataclass(frozen=True, eq=False)
class Band:
    """What S seeds say at one step: N states, V tokens.

    Attributes
    ----------
    step
        The step.
    seeds
        int64 (S,), S ≥ 1: those whose GPTs stayed finite.
    probs
        float32 (S, N, V): every arrow of every seed.
    """

    step: int
    seeds: NDArray[np.int64]
    probs: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.probs)

    @property
    def median(self) -> Values:
        """float64 (N, V): the median of each arrow."""
        return self._quantiles[1]

    @property
    def edges(self) -> tuple[Values, Values]:
        """float64 (N, V) each: between them lie nine seeds in ten."""
        return self._quantiles[0], self._quantiles[2]

    @cached_property
    def _quantiles(self) -> Values:
        return np.quantile(self.probs, (LOW, 0.5, HIGH), axis=0).astype(np.float64)

    def of_state(self, state: int, own: Values | None, seed: int) -> StateOfSeeds:
        """Return what the seeds say after one state, and where the ``own`` arrows (V,) of a run with ``seed`` lie.

        The tokens are at most 64, those with the largest medians. ``likeliest`` is the share of the seeds that find
        the token likelier than all others, ``below`` the share of the other seeds whose arrow is weaker than the run's
        own, ``histogram`` how many seeds lie in each twentieth from 0 to 1. ``before`` are the medians of the V arrows
        that lead to the state, by the oldest token of where they come from.
        """
        probs = self.probs[:, state].astype(np.float64)
        low, median, high = self._quantiles[:, state]
        tokens = np.sort(np.argsort(-median, kind="stable")[:MAX_SHOWN])
        likeliest = np.bincount(probs.argmax(axis=1), minlength=probs.shape[1]) / len(self)
        others = probs[self.seeds != seed]
        own = None if own is None else own.astype(np.float32)  # as they are kept
        N, V = self.median.shape
        before = self.median[state // V :: N // V, state % V]
        bins = np.minimum((probs * BINS).astype(np.int64), BINS - 1)
        return {
            "tokens": tokens.tolist(),
            "likeliest": likeliest[tokens].tolist(),
            "low": low[tokens].tolist(), "median": median[tokens].tolist(), "high": high[tokens].tolist(),
            "below": None if own is None or not len(others) else (others < own).mean(axis=0)[tokens].tolist(),
            "before": before.tolist(),
            "histogram": [np.bincount(bins[:, token], minlength=BINS).tolist() for token in tokens.tolist()],
        }  # fmt: skip


def check_fits(setup: Setup, asked: int, limits: Limits) -> None:
    """Raise :class:`RefusedError` if so many seeds are too many for so many arrows, or for the memory."""
    limits.check_seeds(setup.config, asked)
    beside = limits.seeds + weights_together(setup.config, setup.corpus)
    limits.check_memory(setup.config, setup.settings.steps, beside)


class ManySeeds:
    """The chains of the seeds 0 … ``asked`` − 1, trained on what a session learns.

    Parameters
    ----------
    setup
        What is learnt, and how.
    asked
        How many seeds.
    total
        For how many steps.
    limits
        What they may take.
    before
        The same for fewer steps: shown where it knows more seeds.
    """

    def __init__(self, setup: Setup, asked: int, total: int, limits: Limits, before: ManySeeds | None = None) -> None:
        V, K, N = setup.config.vocab_size, setup.config.block_size, setup.n_states
        self.asked, self.total = asked, total
        self._before: ManySeeds | None = before
        if before is not None and not before._n_at(-1):  # it knows nothing that those before it do not
            self._before = before._before
        plan = FramePlan.within(limits.seeds, total, asked * N * V, count_short(V, K) + N)
        self._steps = [step for step in range(total + 1) if plan.wants(step) or step == total]
        self._trainings = Trainings(
            setup.corpus, range(asked), setup.config, setup.train_config, self._steps, keep=["probs"],
            blocks=blocks_of(asked, together(setup.config, setup.corpus), FIRST),
        )  # fmt: skip
        self._last: tuple[Any, Band] | None = None

    @property
    def n_bytes(self) -> int:
        """How many bytes the chains take."""
        return self._trainings.results.probs.nbytes + (self._before.n_bytes if self._before else 0)

    @property
    def done(self) -> bool:
        """Whether all seeds are trained."""
        return self._trainings.done

    def advance(self, until: float) -> None:
        """Train until that time of :func:`time.perf_counter`, a step at least."""
        self._trainings.advance(until)
        if self.done:
            self._before = None

    def known(self, step: int) -> tuple[int, int]:
        """Return the last kept step that is not after ``step``, and how many seeds have come that far."""
        here = self._where(step)
        frame = here._frame(step)
        return here._steps[frame], here._n_at(frame)

    def band(self, step: int, decoding: Decoding, passing: bool) -> Band | None:
        """Return what is known at a step, or at the last kept one before; None if nothing is, or nothing finite.

        While frames are ``passing``, what takes long is the last band that was asked for, of whichever step.
        """
        if (here := self._where(step)) is not self:
            return here.band(step, decoding, passing)
        frame = self._frame(step)
        key = frame, self._n_at(frame), decoding
        chains = self._trainings.results.probs[:, frame]
        kept = passing and self._last is not None and chains.size > QUICK
        if self._last is None or (self._last[0] != key and not kept):
            probs = chains[: key[1]]
            finite = np.isfinite(probs).all(axis=(1, 2))
            if not finite.any():
                return None
            probs = decoded(probs if finite.all() else probs[finite], decoding)
            self._last = key, Band(self._steps[frame], np.flatnonzero(finite), probs)
        return self._last[1]

    def _where(self, step: int) -> ManySeeds:
        """Return who knows more of a step: this, or what was there before."""
        known, before = self._n_at(self._frame(step)), self._before
        if before is None or (known and (step > before.total or known >= before.known(step)[1])):
            return self
        return before._where(step)

    def _frame(self, step: int) -> int:
        return max(bisect_right(self._steps, step) - 1, 0)

    def _n_at(self, frame: int) -> int:
        """Return how many seeds, the first ones, have come as far as a frame, or the last one, −1."""
        return int(np.count_nonzero(self._trainings.n_read > frame % len(self._steps)))
