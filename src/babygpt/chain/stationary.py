"""The long run: how often each state is visited by a walk that never ends.

The *stationary distribution* π is the distribution that one step leaves as it is: π P = π. A GPT's softmax
gives every arrow a positive probability, so every state can be reached from every other in K tokens, and
there is exactly one π.

Small chains are solved by the elimination of Grassmann, Taksar and Heyman [1]_. It never subtracts, so it keeps
all digits even where states hardly communicate, which is where eigenvector routines lose all of theirs.
Larger chains are iterated with one matrix-free step, a reshape and a sum, until π stands still.

.. [1] Grassmann, Taksar, Heyman, "Regenerative analysis and steady state distributions for Markov chains",
   Operations Research 33 (1985), 1107–1116.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from babygpt.errors import ConvergenceError

# Elimination is O(N³) work and N² memory: half a second at this size.
MAX_ELIMINATION = 1024


def gth(P: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return π of an irreducible transition matrix: float64 (N, N) → (N,).

    Diagonal entries are never read: the escape from a state is the sum of the others.

    >>> gth(np.array([[0.9, 0.1], [0.3, 0.7]])).round(12).tolist()
    [0.75, 0.25]
    """
    A = np.array(P, dtype=np.float64)
    n = len(A)
    for k in range(n - 1, 0, -1):  # remove state k, routing its visits past it
        A[:k, k] /= A[k, :k].sum()
        A[:k, :k] += np.outer(A[:k, k], A[k, :k])
    pi = np.ones(n)
    for k in range(1, n):
        pi[k] = pi[:k] @ A[:k, k]
    return pi / pi.sum()


def recurrent_classes(P: sparse.csr_array[np.float64, tuple[int, int]]) -> list[NDArray[np.int64]]:
    """Return the recurrent classes of a chain: each an array of states that, once entered, is never left.

    The classes are the strongly connected components without an arrow out, in order of their first state.
    """
    P = P.copy()
    P.eliminate_zeros()
    n, component = csgraph.connected_components(P, directed=True, connection="strong")
    tails = np.repeat(np.arange(P.shape[0]), np.diff(P.indptr))
    leaky = np.unique(component[tails[component[tails] != component[P.indices]]])
    closed = np.setdiff1d(np.arange(n), leaky)
    order = np.argsort(component, kind="stable")
    bounds = np.searchsorted(component[order], [closed, closed + 1])
    classes = [np.sort(order[a:b]).astype(np.int64) for a, b in bounds.T]
    return sorted(classes, key=lambda states: int(states[0]))


def advance(distribution: NDArray[np.float64], probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where a distribution over states is after one more token: (N,), (N, V) → (N,).

    States that differ only in their oldest token have the same successors, so the flow is summed over it.
    """
    N, V = probs.shape
    flow = distribution[:, None] * probs  # (N, V)
    return flow.reshape(V, N).sum(axis=0)


def power_iteration(
    probs: NDArray[np.float64], tolerance: float = 1e-13, max_steps: int = 100_000
) -> NDArray[np.float64]:
    """Return π by repeated :func:`advance` from the uniform distribution: (N, V) → (N,).

    Raises
    ------
    ConvergenceError
        After ``max_steps`` steps a step still moves π by more than ``tolerance`` (summed over states).
    """
    pi = np.full(len(probs), 1 / len(probs))
    residual = np.inf
    for _ in range(max_steps):
        moved = advance(pi, probs)
        moved /= moved.sum()
        residual = float(np.abs(moved - pi).sum())
        pi = moved
        if residual <= tolerance:
            return pi
    raise ConvergenceError(
        f"The stationary distribution of {len(probs):,} states had not settled after {max_steps:,} steps: one step "
        f"still moves it by {residual:.2g}, above {tolerance:.2g}. The chain mixes too slowly to be iterated."
    )
