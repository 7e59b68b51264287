"""Comparing: two chains with each other, a chain with its data.

The *Kullback–Leibler divergence* of q from p in a state is Σ_t p(t) ln(p(t)/q(t)), in nats: the extra surprise of
one who believes q where p holds; infinite if q rules out what p predicts. The *total variation* is half the sum of
absolute differences. Weighted means take each state as often as the first chain visits it.

On a corpus the loss splits exactly: it is the floor, which the data itself sets, plus for each context its weight
times the divergence of the model from the data there, and that is a sum over arrows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.stationary import stationary_distribution
from babygpt.chain.table import ContextTable
from babygpt.errors import SettingError
from babygpt.frames import Tabular
from babygpt.gpt.corpus import Corpus
from babygpt.picture import Drawn


@dataclass(frozen=True, eq=False)
class Comparison(Drawn, Tabular):
    """How a chain q differs from a chain p.

    Attributes
    ----------
    arrows
        float64 (N, V): each arrow's part of the divergence, p ln(p/q), in nats.
    differences
        float64 (N, V): p − q.
    weights
        float64 (N,): how often p visits each state.
    p, q
        The two.
    """

    _drawn_as = "Comparison"

    arrows: NDArray[np.float64]
    differences: NDArray[np.float64]
    weights: NDArray[np.float64]
    p: ContextTable
    q: ContextTable

    @property
    def kl(self) -> NDArray[np.float64]:
        """float64 (N,): the divergence in each state, in nats."""
        return np.maximum(self.arrows.sum(axis=1), 0.0)

    @property
    def total_variation(self) -> NDArray[np.float64]:
        """float64 (N,): the total variation in each state."""
        return np.abs(self.differences).sum(axis=1) / 2

    @property
    def weighted(self) -> NDArray[np.float64]:
        """float64 (N, V): the differences, each as often as p is in its state."""
        return np.asarray(self.weights[:, None] * self.differences)

    def ranked(self) -> NDArray[np.int64]:
        """Return the arrows, int64 (N·V, 2) of states and tokens, the largest weighted difference first."""
        order = np.argsort(-np.abs(self.weighted).ravel(), kind="stable")
        return np.stack(np.unravel_index(order, self.differences.shape), axis=1).astype(np.int64)

    def __repr__(self) -> str:
        N, V = self.differences.shape
        apart = f"{self.mean_kl:.4f} nats per token, total variation {self.mean_total_variation:.4f}"
        return f"Comparison({N * V:,} arrows, {apart})"

    def rows(self) -> dict[str, NDArray[Any]]:
        """Return the arrows as columns, N·V rows, ranked: what each chain gives them, their difference and weight."""
        states, tokens = self.ranked().T
        vocabulary = self.p.vocabulary
        contexts = np.array(list(self.p.contexts()), dtype=object)
        return {
            "state": states, "context": contexts[states], "token": np.array(vocabulary.symbols, dtype=object)[tokens],
            "first": self.p.probs[states, tokens], "second": self.q.probs[states, tokens],
            "difference": self.differences[states, tokens], "weight": self.weights[states],
            "weighted": self.weighted[states, tokens],
        }  # fmt: skip

    @property
    def mean_kl(self) -> float:
        """The divergence per token in the long run of p, in nats."""
        return _weighted(self.weights, self.kl)

    @property
    def mean_total_variation(self) -> float:
        """The mean total variation in the long run of p."""
        return _weighted(self.weights, self.total_variation)


@dataclass(frozen=True, eq=False)
class LossDecomposition:
    """A loss as the floor plus what each arrow adds to it, all in nats per token.

    Attributes
    ----------
    floor
        The entropy of the next token in the data.
    contexts
        int64 (M, K): the corpus' distinct contexts.
    weights
        float64 (M,): the share of the examples that have each.
    terms
        float64 (M, V): weight · p̂ ln(p̂/p) of each arrow, p̂ the data's share and p the model's probability.
    """

    floor: float
    contexts: NDArray[np.int64]
    weights: NDArray[np.float64]
    terms: NDArray[np.float64]

    @property
    def loss(self) -> float:
        """The model's mean loss on the corpus: floor + sum of all terms."""
        return self.floor + float(self.terms.sum())


@dataclass(frozen=True, eq=False)
class NearestNgram:
    """Which n-gram a chain is most like on the data's contexts.

    Attributes
    ----------
    order
        Its order; −1 is the uniform distribution.
    divergences
        float64 (K + 2,): the mean Jensen–Shannon divergence, in nats, between the chain and the uniform distribution,
        and the n-grams of order 0, 1, … K. Unlike Kullback and Leibler's it is finite where one of them predicts never.
    """

    order: int
    divergences: NDArray[np.float64]

    @property
    def name(self) -> str:
        """The order in words."""
        return {-1: "uniform", 0: "unigram", 1: "bigram", 2: "trigram"}.get(self.order, f"order {self.order}")


def compare(p: ContextTable, q: ContextTable) -> Comparison:
    """Return how ``q`` differs from ``p``.

    Raises
    ------
    SettingError
        Different vocabularies or context lengths.
    """
    check_alike(p, q.vocabulary.symbols, q.context_length, "other chain")
    return Comparison(_terms(p.probs, p.log_probs, q.log_probs), p.probs - q.probs, stationary_distribution(p), p, q)


def loss_decomposition(chain: ContextTable, corpus: Corpus) -> LossDecomposition:
    """Return the chain's loss on the corpus, split into the floor and each arrow's part."""
    check_alike(chain, corpus.vocabulary.symbols, corpus.context_length, "corpus")
    weights = corpus.counts.sum(axis=1) / corpus.n_examples
    with np.errstate(divide="ignore"):
        data = np.log(corpus.probs)
    terms = weights[:, None] * _terms(corpus.probs, data, chain.log_probs[corpus.states])
    return LossDecomposition(corpus.floor, corpus.contexts, weights, terms)


def nearest_ngram(chain: ContextTable, corpus: Corpus, ngrams: Sequence[ContextTable]) -> NearestNgram:
    """Return which of the n-grams of order 0 … K (or the uniform distribution) the chain is nearest to."""
    check_alike(chain, corpus.vocabulary.symbols, corpus.context_length, "corpus")
    weights, V = corpus.counts.sum(axis=1) / corpus.n_examples, len(corpus.vocabulary)
    own = chain.probs[corpus.states]
    ladder = [np.full_like(own, 1 / V), *(ngram.probs[corpus.states] for ngram in ngrams)]
    divergences = [_weighted(weights, _jensen_shannon(own, other)) for other in ladder]
    return NearestNgram(int(np.argmin(divergences)) - 1, np.array(divergences))


def check_alike(chain: ContextTable, symbols: tuple[str, ...] | object, context_length: int, what: str) -> None:
    """Raise :class:`SettingError` unless a corpus or chain has this chain's vocabulary and context length."""
    if chain.vocabulary.symbols != symbols:
        raise SettingError(f"The {what} has another vocabulary than the chain. Compare like with like.")
    if chain.context_length != context_length:
        raise SettingError(
            f"The {what} has context_length={context_length}, the chain {chain.context_length}. Compare like with like."
        )


def _terms(p: NDArray[np.float64], log_p: NDArray[np.float64], log_q: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.where(p > 0, p * (log_p - log_q), 0.0)


def _jensen_shannon(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean divergence of p and of q from their midpoint, by row: (M, V), (M, V) → (M,), at most ln 2."""
    with np.errstate(divide="ignore"):
        log_p, log_q, log_m = np.log(p), np.log(q), np.log((p + q) / 2)
    return (_terms(p, log_p, log_m) + _terms(q, log_q, log_m)).sum(axis=1) / 2


def _weighted(weights: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    visited = weights > 0  # an infinite divergence where nobody goes costs nothing
    return float(weights[visited] @ values[visited]) + 0.0
