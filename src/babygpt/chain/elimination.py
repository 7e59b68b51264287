"""Linear systems of chains, solved by removing one state after another and never subtracting.

Removing a state routes its visits past it: what went through it goes on, in proportion, to where it would have
gone. Every number stays a sum or product of probabilities, so no digits cancel, and the results keep all theirs
even where states hardly communicate; routines for general matrices lose all of theirs there. For the stationary
distribution this is the algorithm of Grassmann, Taksar and Heyman [1]_; the same idea solves absorbing systems [2]_.

.. [1] Grassmann, Taksar, Heyman, "Regenerative analysis and steady state distributions for Markov chains",
   Operations Research 33 (1985), 1107–1116.
.. [2] O'Cinneide, "Entrywise perturbation theory and error analysis for Markov chains", Numerische Mathematik 65
   (1993), 109–120.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# O(N³) work and N² memory: about a second at this size.
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


def absorbing_solve(P: NDArray[np.float64], leave: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return X with (I − P) X = B for states that are sooner or later left.

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
    A, out, X = np.array(P, dtype=np.float64), np.array(leave, dtype=np.float64), np.array(B, dtype=np.float64)
    n = len(A)
    escape = np.empty(n)
    for k in range(n - 1, -1, -1):
        escape[k] = out[k] + A[k, :k].sum()
        share = A[:k, k] / escape[k]
        A[:k, :k] += np.outer(share, A[k, :k])
        out[:k] += share * out[k]
        X[:k] += np.outer(share, X[k])
    for k in range(n):
        X[k] = (X[k] + A[k, :k] @ X[:k]) / escape[k]
    return X
