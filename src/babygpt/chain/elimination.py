"""Linear systems of chains, solved by removing one state after another and never subtracting.

Removing a state routes its visits past it: what went through it goes on, in proportion, to where it would have
gone. Every number stays a sum or product of probabilities, so no digits cancel, and the results keep all theirs
even where states hardly communicate; routines for general matrices lose all of theirs there. For the stationary
distribution this is the algorithm of Grassmann, Taksar and Heyman [1]_; the same idea solves absorbing systems [2]_.

Products of rare arrows can be too small for a float64. Where one is, or a result too large, everything is done again
with :mod:`babygpt.chain.wide` numbers: many times slower, and as exact.

.. [1] Grassmann, Taksar, Heyman, "Regenerative analysis and steady state distributions for Markov chains",
   Operations Research 33 (1985), 1107–1116.
.. [2] O'Cinneide, "Entrywise perturbation theory and error analysis for Markov chains", Numerische Mathematik 65
   (1993), 109–120.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.wide import Wide

# O(N³) work and N² memory: about a second at this size.
MAX_ELIMINATION = 1024

Numbers = TypeVar("Numbers", NDArray[np.float64], Wide)


def gth(P: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return π of an irreducible transition matrix: float64 (N, N) → (N,).

    Diagonal entries are never read: the escape from a state is the sum of the others.

    >>> gth(np.array([[0.9, 0.1], [0.3, 0.7]])).round(12).tolist()
    [0.75, 0.25]
    """
    A, pi = np.array(P, dtype=np.float64), np.ones(len(P))
    try:
        with np.errstate(under="raise", over="raise"):
            _gth(A, pi)
    except FloatingPointError:
        wide = Wide.of(np.ones(len(P)))
        _gth(Wide.of(P), wide)
        return (wide / wide.sum()).floats()
    return pi / pi.sum()


def _gth(A: Numbers, pi: Numbers) -> None:
    """Turn (N,) ones into π, not yet divided by its sum."""
    n = len(A)
    for k in range(n - 1, 0, -1):  # remove state k, routing its visits past it
        A[:k, k] = A[:k, k] / A[k, :k].sum()
        A[:k, :k] += A[:k, k, None] * A[k, :k]
    for k in range(1, n):
        pi[k] = (pi[:k] * A[:k, k]).sum()


def absorbing_solve(P: NDArray[np.float64], leave: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return X with (I − P) X = B for states that are sooner or later left; infinity for what no float can hold.

    Parameters
    ----------
    P
        (n, n) probabilities among these states; the diagonal is never read.
    leave
        (n,) the probability of leaving them in one step; P's rows and ``leave`` sum to 1.
    B
        (n, m), not negative.

    >>> absorbing_solve(np.array([[0.5]]), np.array([0.5]), np.array([[1.0]])).item()  # heads, on average
    2.0
    """
    A, out, X = (np.array(part, dtype=np.float64) for part in (P, leave, B))
    try:
        with np.errstate(under="raise", over="raise"):
            _absorb(A, out, X)
    except FloatingPointError:
        wide = Wide.of(B)
        _absorb(Wide.of(P), Wide.of(leave), wide)
        return wide.floats()
    return X


def _absorb(A: Numbers, out: Numbers, X: Numbers) -> None:
    """Turn B, in ``X``, into X."""
    n = len(A)
    escape = {}
    for k in range(n - 1, -1, -1):
        escape[k] = out[k] + A[k, :k].sum()
        share = A[:k, k] / escape[k]
        A[:k, :k] += share[:, None] * A[k, :k]
        out[:k] += share * out[k]
        X[:k] += share[:, None] * X[k]
    for k in range(n):
        X[k] = (X[k] + (A[k, :k, None] * X[:k]).sum(axis=0)) / escape[k]
