"""The model's chain as it is shown at a moment, and what it amounts to, each computed when it is first asked for."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from babygpt.app.stage.figures import finite
from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import count_short, count_states
from babygpt.chain.elimination import MAX_ELIMINATION
from babygpt.chain.information import entropies
from babygpt.chain.stationary import power_iteration
from babygpt.errors import ConvergenceError
from babygpt.gpt.corpus import Corpus

# Of how many states the long run, and the mixing time, are computed while frames pass by, and at all.
FOLLOWED, LONG_RUN = 64, 2**16
FOLLOWED_MIXING, MIXING = 16, 256
# Above so many states the library's elimination takes longer than a playhead that is dragged can wait.
FEW = 256
# Numbers that the long runs of several recurrent classes may take together.
MAX_PARTS = 2**22


class Expected:
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


class Shown:
    """A chain on the screen.

    Parameters
    ----------
    chain
        The chain, decoding and knobs included.
    expected
        What the data asks of it.
    """

    def __init__(self, chain: MarkovChain, expected: Expected) -> None:
        self.chain, self._expected = chain, expected

    def long_run(self, passing: bool) -> NDArray[np.float64] | None:
        """Return the share of each state in the long run; None if it is too much to ask, or is while frames pass by."""
        return None if self.chain.n_states > (FOLLOWED if passing else LONG_RUN) else self._pi

    def numbers(self, passing: bool) -> dict[str, float | str | None]:
        """Return what the chain amounts to, as far as there is time to compute it."""
        loss = self._loss
        mixing = passing and self.chain.n_states > FOLLOWED_MIXING
        time, kind = (None, "unknown") if mixing else self._mixing
        return {
            "loss": finite(loss),
            "gap": finite(loss - self._expected.floor),
            "entropy_rate": None if self.long_run(passing) is None else finite(self._entropy_rate),
            "mixing_time": time,
            "mixing": kind,
        }

    @cached_property
    def _loss(self) -> float:
        return self._expected.loss(self.chain)

    @cached_property
    def _pi(self) -> NDArray[np.float64] | None:
        pi = self._ending()
        return pi if pi is not None and np.isfinite(pi).all() else None

    def _ending(self) -> NDArray[np.float64] | None:
        """Where there are several recurrent classes: begun in a state drawn evenly."""
        try:
            n_classes = len(self.chain.recurrent_classes())
            if n_classes == 1:
                return self._stationary()
            if len(self.chain.transient_states()) > MAX_ELIMINATION or n_classes * self.chain.n_states > MAX_PARTS:
                return None
            ends = self.chain.absorption_probabilities().mean(axis=0)
            return np.asarray(ends @ np.array(self.chain.stationary_distributions()))
        except ConvergenceError:
            return None

    def _stationary(self) -> NDArray[np.float64]:
        N = self.chain.n_states
        if FEW < N <= MAX_ELIMINATION and not self.chain.n_zero_arrows:
            try:
                return power_iteration(self.chain, np.full(N, 1 / N))
            except ConvergenceError:
                pass  # it forgets slowly: elimination takes longer, and always arrives
        return self.chain.stationary_distribution()

    @cached_property
    def _entropy_rate(self) -> float:
        assert self._pi is not None
        return float(self._pi @ entropies(self.chain.probs, self.chain.log_probs))

    @cached_property
    def _mixing(self) -> tuple[float | None, str]:
        if self.chain.n_states > MIXING:
            return None, "unknown"
        if len(self.chain.recurrent_classes()) > 1:
            return None, "infinite"
        try:
            time = self.chain.mixing_time()
        except ConvergenceError:
            return None, "unknown"
        if math.isinf(time):
            return None, "infinite"
        return (time, "exact") if math.isfinite(time) else (None, "unknown")
