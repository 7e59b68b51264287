"""Systems of many states: eliminated where they fit, factorised where they are sparse, judged in any case.

A walk among *transient* states, those that it leaves sooner or later, obeys (I − Q) X = B, with Q the probabilities
among them. Up to 1,024 states this is solved by elimination, exactly. Above, whoever asks may try an iteration of
their own first; where that does not settle there is a direct road:

* up to 4,096 states elimination in blocks, without subtraction, so that nothing is lost however rarely the states
  are left;
* above, a sparse LU factorisation [1]_ that is given a bounded memory. Where its factors would not fit it drops what
  is too much, and is then the preconditioner of an iteration [2]_. What comes out is judged by its residual r: no entry
  is off by more than ‖r‖_∞ times the longest time until the states are left, because that is ‖(I − Q)⁻¹‖_∞.

.. [1] Li, "An overview of SuperLU", ACM Transactions on Mathematical Software 31 (2005), 302–325.
.. [2] Saad, "Iterative Methods for Sparse Linear Systems", 2nd ed., SIAM, 2003, chapter 10.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg
from threadpoolctl import threadpool_limits

from babygpt.chain.arrows import Arrows
from babygpt.chain.elimination import MAX_DENSE, MAX_ELIMINATION, absorbing_steps
from babygpt.chain.steps import Steps, finish
from babygpt.chain.wide import Wide
from babygpt.errors import ConvergenceError

# Residuals are brought to AIM if rounding lets them; answers are accepted up to ACCEPT times the largest.
AIM, ACCEPT = 1e-9, 1e-6
# Numbers in the two factors, of 12 bytes each.
MAX_FACTORS = 2**24
REFINEMENTS = 3
EPS = float(np.finfo(np.float64).eps)


def solve_transient(arrows: Arrows, states: NDArray[np.int64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return X with (I − Q) X = B for transient states: (n, m) → (n, m), B not negative.

    Raises
    ------
    ConvergenceError
        The states are too many for elimination, and no factorisation in bounded memory is near enough.
    """
    return finish(transient_steps(arrows, states, B))


def transient_steps(arrows: Arrows, states: NDArray[np.int64], B: NDArray[np.float64]) -> Steps[NDArray[np.float64]]:
    """Do what :func:`solve_transient` does, in steps: wide numbers state by state, all else in one."""
    if len(states) <= MAX_DENSE:
        X = yield from absorbing_steps(arrows.among(states), leaving(arrows, states), B)
        return X.floats() if isinstance(X, Wide) else X
    system = TransientSystem(arrows, states)
    X = system.solve(B)
    off = system.error(X, B) * system.longest
    if off > ACCEPT * np.abs(X).max():
        raise ConvergenceError(
            f"The equations of {len(states):,} transient states are too large to be factorised in memory and do not "
            f"settle otherwise: answers may be off by {off:.2g}. hitting_probability(target, within=n) is exact at any "
            "size."
        )
    return X


def leaving(arrows: Arrows, states: NDArray[np.int64]) -> Any:
    """Return how likely one step leads out of a set of states, from each of them: (n,), floats or wide numbers."""
    inside = np.zeros(arrows.n_states, dtype=bool)
    inside[states] = True
    return arrows.leaving(states, inside)


class TransientSystem:
    """I − Q of many transient states, factorised within bounded memory.

    Attributes
    ----------
    longest
        The longest expected time until the states are left, as computed.
    """

    def __init__(self, arrows: Arrows, states: NDArray[np.int64]) -> None:
        if arrows.rare(states):
            raise ConvergenceError(
                f"Some arrows among {len(states):,} states are too rare for a float64. Up to {MAX_ELIMINATION:,} "
                "states wider numbers would take them along; here take a higher temperature."
            )
        self._Q = arrows.matrix(states)[:, states].tocsr()
        self._Q.setdiag(0.0)
        # on the diagonal what leaves a state: summed up, because 1 minus what stays would lose digits
        self._out = self._Q.sum(axis=1) + np.asarray(leaving(arrows, states))
        A = (sparse.diags_array(self._out) - self._Q).tocsc()
        A.eliminate_zeros()
        try:
            with threadpool_limits(1, "blas"):
                self._factors = linalg.spilu(
                    A, drop_tol=0.0, fill_factor=max(1.0, MAX_FACTORS / A.nnz), diag_pivot_thresh=0.0
                )
        except (RuntimeError, MemoryError) as error:
            raise ConvergenceError(
                f"The equations of {len(states):,} states could not be factorised ({error}): the states are left too "
                "rarely for floats."
            ) from error
        ones = np.ones((len(states), 1))
        times = self.solve(ones)
        self.longest = float(times.max()) if self.error(times, ones) < ACCEPT else np.inf

    def solve(self, B: NDArray[np.float64], transposed: bool = False) -> NDArray[np.float64]:
        """Return X with (I − Q) X = B, or (I − Qᵀ) X = B: (n, m), as near as it comes."""
        X = np.column_stack([self._column(b, transposed) for b in B.T])
        return np.maximum(X, 0.0)

    def error(self, X: NDArray[np.float64], B: NDArray[np.float64]) -> float:
        """Return by how much the equations are off at most, rounding included."""
        if not np.isfinite(X).all():
            return np.inf
        return float(np.abs(B - self._apply(X, False)).max() + EPS * (self._out[:, None] * X).max())

    def _apply(self, X: NDArray[np.float64], transposed: bool) -> NDArray[np.float64]:
        out = self._out if X.ndim == 1 else self._out[:, None]
        return np.asarray(out * X - (self._Q.T if transposed else self._Q) @ X)

    def _column(self, b: NDArray[np.float64], transposed: bool) -> NDArray[np.float64]:
        solve_factors: Any = self._factors.solve

        def by_factors(r: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(solve_factors(r.ravel(), "T" if transposed else "N"))

        x = by_factors(b)
        for _ in range(REFINEMENTS):
            x = x + by_factors(b - self._apply(x, transposed))
        residual = float(np.abs(b - self._apply(x, transposed)).max())
        if residual <= AIM * max(1.0, EPS / AIM * float(np.abs(x).max())):
            return x
        n = len(b)
        operator = linalg.LinearOperator((n, n), matvec=lambda v: self._apply(v.ravel(), transposed), dtype=np.float64)
        factors = linalg.LinearOperator((n, n), matvec=by_factors, dtype=np.float64)
        solve: Any = linalg.gmres
        start = x if residual < np.abs(b).max() else np.zeros(n)
        with threadpool_limits(1, "blas"):
            return np.asarray(
                solve(operator, b, x0=start, M=factors, rtol=0.0, atol=AIM * np.sqrt(n) / 4, restart=40, maxiter=10)[0]
            )
