"""Causal states: the smallest machine that predicts the same.

Two states have the *same future* if they give every continuation, of any length, the same probability; nothing drawn
from then on can tell them apart. The classes of this relation are the *causal states* [1]_, and merging each into
one leaves the smallest machine that predicts the same. The *statistical complexity* is the entropy of which of them
the chain is in: what has to be remembered of the past to foresee the future as well as the chain itself.

They are found by partition refinement [2]_: states begin together if their next-token probabilities agree, and
are parted as long as some token leads them to different parts.

.. [1] Crutchfield, Young, "Inferring statistical complexity", Physical Review Letters 63 (1989), 105–108.
.. [2] Moore, "Gedanken-experiments on sequential machines", 1956; Hopcroft, 1971.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from babygpt.chain.arrows import RARE, Arrows
from babygpt.chain.states import States
from babygpt.chain.stationary import stationary_distribution
from babygpt.chain.structure import recurrent_classes
from babygpt.errors import SettingError
from babygpt.gpt.checks import check_rate

# Less than this is never, however tolerant: an arrow is not dropped because others are like it.
NO_ARROW = 1e-9


@dataclass(frozen=True, eq=False)
class CausalStates:
    """The merged machine.

    Attributes
    ----------
    of_state
        int64 (N,): the causal state of each state, numbered 0 … M−1 in order of first occurrence.
    probs
        float64 (M, V): each causal state's next-token probabilities (the mean over its members).
    targets
        int64 (M, V): where each token leads; −1 for an arrow that is not there (at most 10⁻⁹).
    weights
        float64 (M,): how often each is visited in the long run, or NaN where that is not unique.
    """

    of_state: NDArray[np.int64]
    probs: NDArray[np.float64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float64]

    @property
    def n_states(self) -> int:
        """M, the number of causal states."""
        return len(self.probs)

    @property
    def statistical_complexity(self) -> float:
        """The entropy of the causal state in the long run, in nats; NaN where there is no single long run."""
        if np.isnan(self.weights).any():
            return float("nan")
        visited = self.weights[self.weights > 0]
        return max(0.0, float(-(visited * np.log(visited)).sum()))

    def transition_matrix(self) -> sparse.csr_array[np.float64, tuple[int, int]]:
        """Return the probability that one causal state is followed by another: sparse (M, M)."""
        rows, tokens = np.nonzero(self.targets >= 0)
        values = self.probs[rows, tokens]
        shape = (self.n_states, self.n_states)
        return sparse.coo_array((values, (rows, self.targets[rows, tokens])), shape=shape).tocsr()


def causal_states(chain: States, tolerance: float = 1e-9) -> CausalStates:
    """Return the causal states of a chain.

    Parameters
    ----------
    tolerance
        How far apart two probabilities may lie and still count as the same. Probabilities of one token are sorted and
        parted wherever a gap is wider, or where a run of them spans more.

    Raises
    ------
    SettingError
        The tolerance is negative or not a number.
    """
    if not 0 <= check_rate("tolerance", tolerance, zero=True) < 1:
        raise SettingError(f"tolerance={tolerance!r} is no difference of probabilities; it lies from 0 up to 1.")
    part = equivalent_states(chain, tolerance)
    merged = merge(chain, part, tolerance)
    if len(recurrent_classes(chain)) > 1:
        return merged
    weights = np.bincount(part, stationary_distribution(chain), minlength=merged.n_states)
    return replace(merged, weights=weights.astype(np.float64))


def equivalent_states(chain: States, tolerance: float = 0.0) -> NDArray[np.int64]:
    """Return the part of each state (N,) in the coarsest partition into states that no continuation tells apart."""
    probs, heads = _told_apart(chain, tolerance), chain.successors()
    part, n_parts = np.zeros(chain.n_states, dtype=np.int64), 0
    while part.max() + 1 > n_parts:  # a split by one token may open gaps in another's probabilities
        n_parts = int(part.max()) + 1
        for token in range(probs.shape[1]):
            part = _split_at_gaps(part, probs[:, token], tolerance)
    there, n_parts = _there(chain, tolerance), 0
    while part.max() + 1 > n_parts:
        n_parts = int(part.max()) + 1
        led_to = np.where(there, part[heads], -1)
        for token in range(probs.shape[1]):
            part = _renumbered(part * (n_parts + 1) + led_to[:, token] + 1)
    _, first, part = np.unique(part, return_index=True, return_inverse=True)
    rank = np.empty_like(first)
    rank[np.argsort(first)] = np.arange(len(first))  # in order of first occurrence
    return rank[part].astype(np.int64)


def merge(chain: States, part: NDArray[np.int64], tolerance: float = 0.0) -> CausalStates:
    """Return the machine with one state for each part of a partition into equivalent states; its weights are NaN."""
    _, first = np.unique(part, return_index=True)
    sizes = np.bincount(part)
    mean = np.column_stack([np.bincount(part, column) / sizes for column in chain.probs.T])
    targets = np.where(_there(chain, tolerance)[first], part[chain.successors()[first]], -1)
    return CausalStates(part, mean, targets, np.full(len(first), np.nan))


def same_arrows(arrows: Arrows) -> Arrows:
    """Return the chain in which states with the same arrows are one, again and again until no two have the same.

    An eigenvector of an eigenvalue other than 0 has the same entry in states whose arrows are the same; so this chain
    has the eigenvalues of the other, each as often, but for zeros. Contexts with the same future are all merged;
    states that have it without ever meeting are not.
    """
    values = np.where(arrows.log_probs < RARE, arrows.log_probs, np.exp(arrows.log_probs))
    logs, heads = arrows.log_probs, np.where(arrows.there, arrows.heads, -1)
    while True:
        part = np.zeros(len(heads), dtype=np.int64)
        for token in range(heads.shape[1]):
            part = _renumbered(part * (len(heads) + 1) + heads[:, token] + 1)
            part = _renumbered(part * len(heads) + _renumbered(values[:, token]))
        _, first = np.unique(part, return_index=True)
        if len(first) == len(heads):
            return Arrows(logs, np.maximum(heads, 0))
        values, logs, heads = values[first], logs[first], np.where(heads[first] < 0, -1, part[heads[first]])


def _told_apart(chain: States, tolerance: float) -> NDArray[np.float64]:
    """Return the probabilities (N, V); without tolerance those too small for a float stand there as logarithms."""
    if tolerance or not chain.n_underflowed_arrows:
        return chain.probs
    return np.where(chain.log_probs < RARE, np.maximum(chain.log_probs, np.finfo(np.float64).min), chain.probs)


def _there(chain: States, tolerance: float) -> NDArray[np.bool_]:
    """Return which arrows count as such: bool (N, V)."""
    return chain.probs > min(tolerance, NO_ARROW) if tolerance else chain.log_probs > -np.inf


def _split_at_gaps(part: NDArray[np.int64], values: NDArray[np.float64], tolerance: float) -> NDArray[np.int64]:
    """Part each part wherever its sorted values leave a gap wider than the tolerance."""
    order = np.lexsort((values, part))
    ranked = values[order]
    new = np.empty(len(part), dtype=bool)
    new[0] = False
    new[1:] = (np.diff(part[order]) != 0) | (np.diff(ranked) > tolerance)
    # Where many small gaps in a row span more than the tolerance, cut at the widest, until no part does.
    first = np.flatnonzero(np.concatenate([[True], new[1:]]))
    last = np.concatenate([first[1:], [len(part)]])
    wide = ranked[last - 1] - ranked[first] > tolerance
    spans = list(zip(first[wide].tolist(), last[wide].tolist(), strict=True))
    while spans:
        start, stop = spans.pop()
        cut = start + 1 + int(np.argmax(np.diff(ranked[start:stop])))
        new[cut] = True
        spans += [(a, b) for a, b in ((start, cut), (cut, stop)) if ranked[b - 1] - ranked[a] > tolerance]
    result = np.empty_like(part)
    result[order] = np.cumsum(new)
    return result


def _renumbered(part: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.int64]:
    return np.unique(part, return_inverse=True)[1].astype(np.int64)
