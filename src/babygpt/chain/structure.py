"""Structure: which states can be left for good, and which can not.

State v is *reachable* from u if arrows of positive probability lead there. A *recurrent class* is a set of states
that all reach each other and none other: once entered, never left. A state outside every such class is
*transient*: sooner or later it is visited for the last time. A chain is *irreducible* if all states are one
recurrent class. The *period* of a class is the greatest common divisor of the lengths of its round trips; with
period 1 the class is *aperiodic*.

A GPT's softmax makes every arrow positive, so its chain is irreducible, and aperiodic because 000 may follow 000.
Decoding (top-k, top-p, greedy) removes arrows, and then all of this becomes a question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csgraph

from babygpt.chain.elimination import MAX_ELIMINATION, absorbing_solve
from babygpt.errors import SizeError

if TYPE_CHECKING:
    from babygpt.chain.finite import FiniteChain


def recurrent_classes(chain: FiniteChain) -> list[NDArray[np.int64]]:
    """Return the recurrent classes, each a sorted array of states, in order of their first state."""
    if not chain.n_zero_arrows and chain.all_reachable:
        return [np.arange(chain.n_states)]
    P = chain.transition_matrix()
    P.eliminate_zeros()
    n, component = csgraph.connected_components(P, directed=True, connection="strong")
    tails = np.repeat(np.arange(P.shape[0]), np.diff(P.indptr))
    leaky = np.unique(component[tails[component[tails] != component[P.indices]]])
    closed = np.setdiff1d(np.arange(n), leaky)
    order = np.argsort(component, kind="stable")
    bounds = np.searchsorted(component[order], [closed, closed + 1])
    classes = [np.sort(order[a:b]).astype(np.int64) for a, b in bounds.T]
    return sorted(classes, key=lambda states: int(states[0]))


def period(chain: FiniteChain, states: NDArray[np.int64]) -> int:
    """Return the period of one recurrent class, given as an array of its states."""
    heads = chain.successors()
    if ((heads[states] == states[:, None]) & (chain.probs[states] > 0)).any():
        return 1  # a round trip of length 1
    P = chain.transition_matrix()
    P.eliminate_zeros()
    within = P[states][:, states]
    order, before = csgraph.breadth_first_order(within, 0, directed=True)
    depth = np.zeros(len(states), dtype=np.int64)
    for state in order[1:]:
        depth[state] = depth[before[state]] + 1
    tails = np.repeat(np.arange(len(states)), np.diff(within.indptr))
    return int(np.gcd.reduce(np.abs(depth[tails] + 1 - depth[within.indices])))


def absorption_probabilities(chain: FiniteChain) -> NDArray[np.float64]:
    """Return how likely each state ends in each recurrent class: (N, classes); rows sum to 1.

    Raises
    ------
    SizeError
        More transient states than elimination takes on.
    """
    classes = recurrent_classes(chain)
    result = np.zeros((chain.n_states, len(classes)))
    for i, states in enumerate(classes):
        result[states, i] = 1.0
    transient = np.flatnonzero(result.sum(axis=1) == 0)
    if len(transient) > MAX_ELIMINATION:
        raise SizeError(
            f"Absorption is solved for all {len(transient):,} transient states at once; the limit is "
            f"{MAX_ELIMINATION:,}. Use hitting_probability(target, within=n), which has no such limit."
        )
    if len(transient):
        P = chain.transition_matrix()[transient]
        into: NDArray[np.float64] = np.column_stack([P[:, states].sum(axis=1) for states in classes])
        result[transient] = absorbing_solve(P[:, transient].toarray(), into.sum(axis=1), into)
    return result


def reaching(
    chain: FiniteChain, targets: NDArray[np.bool_], avoiding: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Return which states can reach one of ``targets``, without setting out from a state in ``avoiding``: (N,)."""
    P = chain.transition_matrix()
    P.eliminate_zeros()
    backwards = P.T.tocsr()
    reached = targets.copy()
    frontier: NDArray[np.integer] = np.flatnonzero(targets)
    while len(frontier):
        before = np.unique(backwards[frontier].indices)
        new = before[~reached[before]]
        if avoiding is not None:
            new = new[~avoiding[new]]
        reached[new] = True
        frontier = new
    return reached
