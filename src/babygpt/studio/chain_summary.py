"""The model's chain as it is shown at a moment, and what it amounts to, each computed when it is first asked for."""

from __future__ import annotations

import math
import time
from functools import cached_property
from typing import Generic, Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import count_short, count_states
from babygpt.chain.elimination import MAX_ELIMINATION
from babygpt.chain.information import entropies
from babygpt.chain.mixing import mixing_steps
from babygpt.chain.stationary import stationary_steps
from babygpt.chain.steps import Steps
from babygpt.chain.structure import absorption_steps
from babygpt.errors import ConvergenceError
from babygpt.gpt.corpus import Corpus
from babygpt.studio.figures import finite
from babygpt.studio.limits import LONG_RUN
from babygpt.studio.protocol import MixingStanding, Numbers, Standing

# Of how many states the long run, and the mixing time, are computed while frames pass by; and the latter at all.
FOLLOWED = 64
FOLLOWED_MIXING, MIXING = 16, 256
# Up to so many states the long run, and the mixing time, are computed at once: within a frame.
FEW, AT_ONCE_MIXING = 256, 128
# Numbers that the long runs of several recurrent classes may take together.
MAX_PARTS = 2**22

T = TypeVar("T")


class CorpusLoss:
    """What the training data asks of a chain: how often each token follows each context that is trained on.

    Attributes
    ----------
    floor
        The lowest loss that it allows.
    """

    def __init__(self, corpus: Corpus, positions: str, floor: float) -> None:
        V, K = len(corpus.vocabulary), corpus.context_length
        self.floor = floor
        self._parts: list[tuple[int, NDArray[np.int64], NDArray[np.float64]]] = []  # length, rows, shares
        lengths = range(1 if positions == "all" else K, K + 1)
        for length in lengths:
            prefixes = np.unique(corpus.states // count_states(V, K - length))
            shares = corpus.prefix_counts(length) / (corpus.n_examples * len(lengths))
            self._parts.append((length, prefixes, shares))
        self._context_length, self._vocab_size = K, V

    def loss(self, chain: MarkovChain) -> float:
        """Return the mean loss of a chain, in nats per token; infinite if it rules out what occurs."""
        total = 0.0
        for length, prefixes, shares in self._parts:
            if length == self._context_length:
                log_probs = chain.log_probs[prefixes]
            else:
                assert chain.short_log_probs is not None  # a GPT's chain has them
                log_probs = chain.short_log_probs[count_short(self._vocab_size, length) + prefixes]
            asked = shares > 0
            total -= float(shares[asked] @ log_probs[asked])
        return total


class Sliced(Generic[T]):
    """Something that is computed a slice at a time.

    Attributes
    ----------
    known
        Whether it is done.
    value
        What came out; None before.
    """

    def __init__(self, steps: Steps[T]) -> None:
        self.known, self.value = False, cast("T | None", None)
        self._steps = steps

    def step(self) -> None:
        """Do one step, if there is one left."""
        if self.known:
            return
        try:
            next(self._steps)
        except StopIteration as end:
            self.known, self.value = True, end.value
            self._steps.close()  # with all that it held

    def work(self, until: float) -> None:
        """Work until that time of :func:`time.perf_counter`, a step at least, or to the end."""
        while not self.known:
            self.step()
            if time.perf_counter() >= until:
                return


class ChainSummary:
    """A chain on the screen.

    The long run of few states is there at once. Of more it is computed in slices, once someone has asked for it: see
    :attr:`computing`.

    Parameters
    ----------
    chain
        The chain, decoding and knobs included.
    expected
        What the data asks of it.
    """

    def __init__(self, chain: MarkovChain, expected: CorpusLoss) -> None:
        self.chain, self._expected = chain, expected
        N = chain.n_states
        # products too rare for floats are computed with wide numbers, many times slower
        self._at_once = N <= FOLLOWED or (N <= FEW and not chain.arrows.rare(np.arange(N)))
        self._asked = False
        self._pi = Sliced(self._ending())
        self._mixing = Sliced(self._mixing_time())

    # -- what is computed in slices -------------------------------------------------------------------------

    @property
    def computing(self) -> bool:
        """Whether there is something to compute that someone asked for."""
        wanted = self._mixing if self.chain.n_states <= MIXING else self._pi
        return self._asked and not wanted.known

    @property
    def known(self) -> tuple[bool, bool]:
        """Whether the long run, and the mixing time, are known or need no waiting for."""
        few = self._at_once and self.chain.n_states <= AT_ONCE_MIXING
        return self._at_once or self._pi.known, few or self._mixing.known

    def work(self, until: float) -> None:
        """Compute until that time of :func:`time.perf_counter`, a step at least."""
        (self._mixing if self._pi.known else self._pi).work(until)

    # -- what there is to show ------------------------------------------------------------------------------

    def long_run(self, passing: bool) -> NDArray[np.float64] | None:
        """Return the share of each state in the long run; None if it is not known: see :meth:`standing`."""
        if self._standing(passing, FOLLOWED, LONG_RUN):
            return None
        if self._at_once:
            self._pi.work(math.inf)
        self._asked = True
        return self._pi.value

    def standing(self, passing: bool) -> Standing:
        """Return what there is of the long run: "exact", or why it is not known.

        "large": too many states; "moving": frames pass by; "computing": it comes; "unknown": it does not settle.
        """
        pi = self.long_run(passing)
        missing: Standing = "unknown" if self._pi.known else "computing"
        return self._standing(passing, FOLLOWED, LONG_RUN) or (missing if pi is None else "exact")

    def numbers(self, passing: bool) -> Numbers:
        """Return what the chain amounts to, as far as it is known."""
        loss, standing = self._loss, self.standing(passing)
        mixing = self._standing(passing, FOLLOWED_MIXING, MIXING)
        time, kind = self._mixed() if not mixing else (None, mixing)
        return {
            "loss": finite(loss),
            "gap": finite(loss - self._expected.floor),
            "entropy_rate": finite(self._entropy_rate) if standing == "exact" else None,
            "long_run": standing,
            "mixing_time": time,
            "mixing": kind,
        }

    def _standing(self, passing: bool, followed: int, most: int) -> Literal["", "large", "moving"]:
        N = self.chain.n_states
        return "large" if most < N else "moving" if passing and followed < N else ""

    def _mixed(self) -> tuple[float | None, MixingStanding]:
        if self._at_once and self.chain.n_states <= AT_ONCE_MIXING:
            self._mixing.work(math.inf)
        return self._mixing.value or (None, "computing")

    @cached_property
    def _loss(self) -> float:
        return self._expected.loss(self.chain)

    @cached_property
    def _entropy_rate(self) -> float:
        assert self._pi.value is not None
        return float(self._pi.value @ entropies(self.chain.probs, self.chain.log_probs))

    # -- how it is computed ---------------------------------------------------------------------------------

    def _ending(self) -> Steps[NDArray[np.float64] | None]:
        """Where there are several recurrent classes: begun in a state drawn evenly."""
        chain = self.chain
        try:
            classes = chain.recurrent_classes()
            yield
            if len(classes) > 1 and (
                chain.n_states - sum(map(len, classes)) > MAX_ELIMINATION or len(classes) * chain.n_states > MAX_PARTS
            ):
                return None
            pi = np.zeros(chain.n_states)
            shares = [1.0]
            if len(classes) > 1:
                shares = (yield from absorption_steps(chain, classes)).mean(axis=0).tolist()
            for share, states in zip(shares, classes, strict=True):
                # what can only be solved directly takes a minute in one step: not here
                pi += share * (yield from stationary_steps(chain, states, direct=False))
                yield
        except ConvergenceError:
            return None
        return pi if np.isfinite(pi).all() else None

    def _mixing_time(self) -> Steps[tuple[float | None, MixingStanding]]:
        while not self._pi.known:
            self._pi.step()
            yield
        if self._pi.value is None:
            return None, "unknown"
        if len(self.chain.recurrent_classes()) > 1:
            return None, "infinite"
        try:
            time = yield from mixing_steps(self.chain, self._pi.value, 0.25)
        except ConvergenceError:
            return None, "unknown"
        if math.isinf(time):
            return None, "infinite"
        return (time, "exact") if math.isfinite(time) else (None, "unknown")
