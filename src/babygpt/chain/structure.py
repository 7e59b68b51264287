"""Structure: which states can be left for good, and which can not.

State v is *reachable* from u if arrows of positive probability lead there, however small it is: an arrow that is too
rare for a float64 is an arrow. A *recurrent class* is a set of states
that all reach each other and none other: once entered, never left. A state outside every such class is
*transient*: sooner or later it is visited for the last time. A chain is *irreducible* if all states are one
recurrent class. The *period* of a class is the greatest common divisor of the lengths of its round trips; with
period 1 the class is *aperiodic*.

A GPT's softmax makes every arrow positive, so its chain is irreducible, and aperiodic because 000 may follow 000.
Decoding (top-k, top-p, greedy) removes arrows, and then all of this becomes a question. A low temperature removes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csgraph

from babygpt.chain.solve import transient_steps
from babygpt.chain.states import States, kept
from babygpt.chain.steps import Steps, finish
from babygpt.errors import SettingError, SizeError

if TYPE_CHECKING:
    from babygpt.chain.arrows import Arrows

# Numbers in a table of states by classes.
MAX_ABSORPTION = 2**27


@kept
def recurrent_classes(chain: States) -> list[NDArray[np.int64]]:
    """Return the recurrent classes, each a sorted array of states, in order of their first state."""
    if not chain.n_missing_arrows and chain.all_reachable:
        return [np.arange(chain.n_states)]
    return [states for states, closed in components(chain.arrows) if closed]


def components(arrows: Arrows) -> list[tuple[NDArray[np.int64], bool]]:
    """Return the sets of states that all reach each other, in order of their first state, and whether each is closed.

    A closed one is a recurrent class; the others part the transient states.
    """
    graph = arrows.graph()
    n, component = csgraph.connected_components(graph, directed=True, connection="strong")
    tails = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    closed = np.ones(n, dtype=bool)
    closed[component[tails[component[tails] != component[graph.indices]]]] = False
    order = np.argsort(component, kind="stable").astype(np.int64)  # each component's states in order
    parts = np.split(order, np.cumsum(np.bincount(component))[:-1])
    return sorted(zip(parts, closed.tolist(), strict=True), key=lambda part: int(part[0][0]))


def class_period(arrows: Arrows, states: NDArray[np.int64]) -> int:
    """Return the period of a set of states that all reach each other, given as an array."""
    if ((arrows.heads[states] == states[:, None]) & arrows.there[states]).any():
        return 1  # a round trip of length 1
    within = arrows.graph()[states][:, states]
    order, before = csgraph.breadth_first_order(within, 0, directed=True)
    depth = np.zeros(len(states), dtype=np.int64)
    for state in order[1:]:
        depth[state] = depth[before[state]] + 1
    tails = np.repeat(np.arange(len(states)), np.diff(within.indptr))
    return int(np.gcd.reduce(np.abs(depth[tails] + 1 - depth[within.indices])))


def is_irreducible(chain: States) -> bool:
    """Return whether every state can be reached from every other."""
    return len(recurrent_classes(chain)[0]) == chain.n_states


def transient_states(chain: States) -> NDArray[np.int64]:
    """Return the states outside every recurrent class, each left for good sooner or later."""
    return np.setdiff1d(np.arange(chain.n_states), np.concatenate(recurrent_classes(chain)))


def period(chain: States) -> int:
    """Return the period of a chain: 1 if it is aperiodic.

    Raises
    ------
    SettingError
        There are several recurrent classes.
    """
    classes = recurrent_classes(chain)
    if len(classes) > 1:
        raise SettingError(f"This chain has {len(classes)} recurrent classes; periods() gives one for each.")
    return class_period(chain.arrows, classes[0])


def periods(chain: States) -> list[int]:
    """Return the period of each recurrent class."""
    return [class_period(chain.arrows, states) for states in recurrent_classes(chain)]


def absorption_probabilities(chain: States) -> NDArray[np.float64]:
    """Return how likely each state ends in each recurrent class: (N, classes); rows sum to 1.

    Raises
    ------
    SizeError
        More states times classes than fit.
    ConvergenceError
        Above 4,096 transient states: the equations could neither be factorised in memory nor iterated.
    """
    return finish(absorption_steps(chain, recurrent_classes(chain)))


def absorption_steps(chain: States, classes: list[NDArray[np.int64]]) -> Steps[NDArray[np.float64]]:
    """Do what :func:`absorption_probabilities` does in steps, of a chain whose classes are known."""
    if len(classes) * chain.n_states > MAX_ABSORPTION:
        raise SizeError(
            f"{chain.n_states:,} states can end in {len(classes):,} classes, more numbers than the limit of "
            f"{MAX_ABSORPTION:,}. hitting_probability(target, within=n) is about one target at a time."
        )
    result = np.zeros((chain.n_states, len(classes)))
    for i, states in enumerate(classes):
        result[states, i] = 1.0
    transient = np.flatnonzero(result.sum(axis=1) == 0)
    if len(transient):
        arrows, class_of = chain.arrows, np.full(chain.n_states, -1)
        for i, states in enumerate(classes):
            class_of[states] = i
        ends = class_of[arrows.heads[transient]]  # of each arrow, the class it leads into
        into = np.zeros((len(transient), len(classes)))
        rows, tokens = np.nonzero(ends >= 0)
        np.add.at(into, (rows, ends[rows, tokens]), np.exp(arrows.log_probs[transient[rows], tokens]))
        result[transient] = yield from transient_steps(arrows, transient, into)
    return result


def reaching(chain: States, targets: NDArray[np.bool_], avoiding: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Return which states can reach one of ``targets``, without setting out from a state in ``avoiding``: (N,)."""
    backwards = chain.arrows.graph().T.tocsr()
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
