"""Linear systems of chains, solved by removing one state after another and never subtracting.

Removing a state routes its visits past it: what went through it goes on, in proportion, to where it would have
gone. Every number stays a sum or product of probabilities, so no digits cancel, and the results keep all theirs
even where states hardly communicate; routines for general matrices lose all of theirs there. For the stationary
distribution this is the algorithm of Grassmann, Taksar and Heyman [1]_; the same idea solves absorbing systems [2]_.

Many states are removed in blocks: what a walk does within the block until it leaves is solved state by state, the
rest is multiplication of matrices that are not negative.

Products of rare arrows can be too small for a float64. Where one is, or a result too large, everything is done again
with :mod:`babygpt.chain.wide` numbers, up to 1,024 states: many times slower, and as exact. Above, a probability
below 10⁻²⁹⁰ may come out as any other as small, and if a state is left with less, that is an error.

.. [1] Grassmann, Taksar, Heyman, "Regenerative analysis and steady state distributions for Markov chains",
   Operations Research 33 (1985), 1107–1116.
.. [2] O'Cinneide, "Entrywise perturbation theory and error analysis for Markov chains", Numerische Mathematik 65
   (1993), 109–120.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.arrows import Dense
from babygpt.chain.steps import Steps, finish
from babygpt.chain.wide import Wide
from babygpt.errors import ConvergenceError

# O(N³) work and N² memory: up to here every question is solved this way, with wide numbers if it must be.
MAX_ELIMINATION = 1024
# And up to here if an iteration does not settle: half a minute at this size.
MAX_DENSE = 4096
BLOCK = 64
# Products of probabilities above this have all their digits.
SAFE = 1e-290

Numbers = TypeVar("Numbers", NDArray[np.float64], Wide)


def gth(P: Dense) -> NDArray[np.float64]:
    """Return π of an irreducible transition matrix: (N, N) → float64 (N,); 0 for what is too small for a float.

    Diagonal entries are never read: the escape from a state is the sum of the others.

    Raises
    ------
    ConvergenceError
        More than 1,024 states, among them some that are left more rarely than a float can say.

    >>> gth(np.array([[0.9, 0.1], [0.3, 0.7]])).round(12).tolist()
    [0.75, 0.25]
    """
    return finish(gth_steps(P))


def gth_steps(P: Dense) -> Steps[NDArray[np.float64]]:
    """Do what :func:`gth` does, in steps: floats in one, wide numbers state by state."""
    n = len(P)
    if not isinstance(P, Wide):
        try:
            A, pi = np.array(P, dtype=np.float64), np.ones(n)
            with np.errstate(under="raise", over="raise"):
                if n > 2 * BLOCK:
                    _gth_by_blocks(A, pi)
                else:
                    finish(_gth(A, pi))
        except FloatingPointError:
            _check_wide(n)
        else:
            return pi / pi.sum()
    wide = Wide.of(np.ones(n))
    yield from _gth(_widened(P), wide)
    return (wide / wide.sum()).floats()


def absorbing_solve(P: Dense, leave: Dense, B: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return X with (I − P) X = B for states that are sooner or later left; infinity for what no float can hold.

    Parameters
    ----------
    P
        (n, n) probabilities among these states; the diagonal is never read.
    leave
        (n,) the probability of leaving them in one step; P's rows and ``leave`` sum to 1.
    B
        (n, m), not negative.

    Raises
    ------
    ConvergenceError
        More than 1,024 states, among them some that are left more rarely than a float can say.

    >>> absorbing_solve(np.array([[0.5]]), np.array([0.5]), np.array([[1.0]])).item()  # heads, on average
    2.0
    """
    X = absorbing_numbers(P, leave, B)
    return X.floats() if isinstance(X, Wide) else X


def absorbing_numbers(P: Dense, leave: Dense, B: Dense) -> Dense:
    """Return what :func:`absorbing_solve` does, as wide numbers where floats do not reach."""
    return finish(absorbing_steps(P, leave, B))


def absorbing_steps(P: Dense, leave: Dense, B: Dense) -> Steps[Dense]:
    """Do what :func:`absorbing_numbers` does, in steps: floats in one, wide numbers state by state."""
    n = len(P)
    if not (isinstance(P, Wide) or isinstance(leave, Wide) or isinstance(B, Wide)):
        A, out, X = (np.array(part, dtype=np.float64) for part in (P, leave, B))
        try:
            with np.errstate(under="raise", over="raise"):
                if n > 2 * BLOCK:
                    _absorb_by_blocks(A, out, X)
                else:
                    finish(_absorb(A, out, X))
        except FloatingPointError:
            _check_wide(n)
        else:
            return X
    wide = _widened(B)
    yield from _absorb(_widened(P), _widened(leave), wide)
    return wide


def _widened(values: Dense) -> Wide:
    return values.copy() if isinstance(values, Wide) else Wide.of(values)


def _check_wide(n: int) -> None:
    if n > MAX_ELIMINATION:
        raise ConvergenceError(
            f"Some of these {n:,} states are left more rarely than a float64 can say. Up to {MAX_ELIMINATION:,} states "
            "that would be solved still, with wider numbers."
        )


def _gth(A: Numbers, pi: Numbers) -> Steps[None]:
    """Turn (N,) ones into π, not yet divided by its sum."""
    n = len(A)
    for k in range(n - 1, 0, -1):  # remove state k, routing its visits past it
        A[:k, k] = A[:k, k] / A[k, :k].sum()
        A[:k, :k] += A[:k, k, None] * A[k, :k]
        yield
    for k in range(1, n):
        pi[k] = (pi[:k] * A[:k, k]).sum()


def _gth_by_blocks(A: NDArray[np.float64], pi: NDArray[np.float64]) -> None:
    starts = range(BLOCK, len(A), BLOCK)
    for a in reversed(starts):
        block, nothing = slice(a, min(a + BLOCK, len(A))), np.zeros(0)
        through = _through(A, nothing, block)
        A[:a, block] = _product(A[:a, block], through, len(A))
        A[:a, :a] += _product(A[:a, block], A[block, :a], len(A))
    finish(_gth(A[:BLOCK, :BLOCK], pi[:BLOCK]))
    for a in starts:
        pi[a : a + BLOCK] = _product(pi[None, :a], A[:a, a : a + BLOCK], len(A))[0]


def _absorb(A: Numbers, out: Numbers, X: Numbers) -> Steps[None]:
    """Turn B, in ``X``, into X."""
    n = len(A)
    escape = {}
    for k in range(n - 1, -1, -1):
        escape[k] = out[k] + A[k, :k].sum()
        share = A[:k, k] / escape[k]
        A[:k, :k] += share[:, None] * A[k, :k]
        out[:k] += share * out[k]
        X[:k] += share[:, None] * X[k]
        yield
    for k in range(n):
        X[k] = (X[k] + (A[k, :k, None] * X[:k]).sum(axis=0)) / escape[k]


def _absorb_by_blocks(A: NDArray[np.float64], out: NDArray[np.float64], X: NDArray[np.float64]) -> None:
    n, starts, throughs = len(A), range(0, len(A), BLOCK), {}
    for a in reversed(starts):
        block = slice(a, min(a + BLOCK, n))
        throughs[a] = _through(A, out, block)
        share = _product(A[:a, block], throughs[a], n)
        A[:a, :a] += _product(share, A[block, :a], n)
        out[:a] += _product(share, out[block, None], n)[:, 0]
        X[:a] += _product(share, X[block], n)
    for a in starts:
        block = slice(a, min(a + BLOCK, n))
        X[block] = _product(throughs[a], X[block] + _product(A[block, :a], X[:a], n), n)


def _through(A: NDArray[np.float64], out: NDArray[np.float64], block: slice) -> NDArray[np.float64]:
    """Return how often each state of a block is visited from each until the block is left: (block, block)."""
    leave = A[block, : block.start].sum(axis=1) + (out[block] if len(out) else 0.0)
    if not (leave.any() and np.isfinite(leave).all()):
        raise FloatingPointError
    visits = absorbing_solve(A[block, block], leave, np.eye(len(leave)))
    if not visits.max() < 1 / SAFE:
        raise FloatingPointError
    return visits


def _product(a: NDArray[np.float64], b: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return a @ b; where wide numbers can take over, no product in it may be too small or too large for a float."""
    with np.errstate(under="ignore", over="ignore"):
        product = a @ b
        if n <= MAX_ELIMINATION and a.size and b.size:
            smallest = [x.min(where=x > 0, initial=1.0) for x in (a, b)]
            if smallest[0] * smallest[1] < SAFE:
                raise FloatingPointError
        if not np.isfinite(product).all():
            raise FloatingPointError
    return np.asarray(product)
