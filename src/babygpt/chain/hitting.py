"""Reaching: how long until the chain says something, and how likely it ever does.

The *hitting time* of a set of states is the number of tokens until the chain is first in it; being there at the
start counts as 0. Expected hitting times solve h = 1 + P h outside the set and h = 0 in it. Where the set may be
missed altogether the expected time is infinite.

A target is a state number, a text, or a list of these. A text of K symbols is that state, a shorter one every
context that ends in it: hitting "11" means having just said 11. Longer texts, and starts that are no state, are in
:mod:`babygpt.chain.patterns`.

Up to 1,024 states the system is solved by elimination, to full precision. Above, it is iterated (BiCGSTAB, GMRES)
and judged by its residual r: the error of any h is at most ‖r‖_∞ times the largest hitting time, because that is
‖(I − P)⁻¹‖_∞. Answers are good to a millionth of the largest time, usually a billionth, or an error says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import linalg
from threadpoolctl import threadpool_limits

from babygpt.chain.elimination import MAX_ELIMINATION, absorbing_solve
from babygpt.chain.structure import reaching
from babygpt.errors import ConvergenceError
from babygpt.gpt.checks import check_count

if TYPE_CHECKING:
    from babygpt.chain.finite import FiniteChain

# Residuals are brought to AIM if rounding lets them, and accepted up to ACCEPT.
AIM, ACCEPT = 1e-9, 1e-6


def hitting_times(chain: FiniteChain, target: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the expected number of tokens from every state until the target (N,) is first reached: (N,).

    Raises
    ------
    ConvergenceError
        A large chain's iteration did not settle; the message states the residual.
    """
    times = np.zeros(chain.n_states)
    if chain.n_zero_arrows or not chain.all_reachable:
        missing = ~reaching(chain, target)
        may_miss = reaching(chain, missing, avoiding=target) if missing.any() else missing
        times[may_miss] = np.inf
    else:
        may_miss = np.zeros(chain.n_states, dtype=bool)
    others = np.flatnonzero(~target & ~may_miss)
    if len(others) == 0:
        return times
    if len(others) <= MAX_ELIMINATION:
        P = chain.transition_matrix()[others]
        leave: NDArray[np.float64] = P[:, np.flatnonzero(target)].sum(axis=1)
        times[others] = absorbing_solve(P[:, others].toarray(), leave, np.ones((len(others), 1)))[:, 0]
        return times
    inside = np.zeros(chain.n_states, dtype=bool)
    inside[others] = True
    times[others] = _iterate(chain, inside)[others]
    return times


def hitting_probability(chain: FiniteChain, target: NDArray[np.bool_], within: int) -> NDArray[np.float64]:
    """Return how likely the target is reached within ``within`` tokens, from every state: (N,)."""
    check_count("within", within, least=0)
    reached = target.astype(np.float64)
    for _ in range(within):
        reached = np.where(target, 1.0, chain.pull(reached))
    return np.minimum(reached, 1.0)


def _iterate(chain: FiniteChain, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    N = chain.n_states

    def apply(v: NDArray[np.float64]) -> NDArray[np.float64]:  # I − P on the inside, the identity elsewhere
        v = v.ravel()
        return v - np.where(inside, chain.pull(np.where(inside, v, 0.0)), 0.0)

    b = inside.astype(np.float64)
    # A walk that misses the target soon forgets where it began, so times are nearly the same from everywhere, and
    # that common part is what an iteration is slow to find. It is put in exactly: (weights · A b) scales it.
    weights = np.where(inside, chain.stationary_distribution() if chain.is_irreducible else 1 / N, 0.0)
    leaving = float(weights @ apply(b))

    def precondition(r: NDArray[np.float64]) -> NDArray[np.float64]:
        return r.ravel() + b * float(weights @ r.ravel()) / leaving

    operator = linalg.LinearOperator((N, N), matvec=apply, dtype=np.float64)
    preconditioner = linalg.LinearOperator((N, N), matvec=precondition, dtype=np.float64)
    x, residual = b, np.inf
    limits: dict[str, Any] = {
        "x0": b / max(leaving, 1e-300),
        "M": preconditioner,
        "rtol": 0.0,
        "atol": AIM * np.sqrt(N) / 4,
    }
    with threadpool_limits(1, "blas"):  # vectors this long gain nothing from threads that wait for each other
        for method, own in ((linalg.bicgstab, {"maxiter": 300}), (linalg.gmres, {"restart": 20, "maxiter": 30})):
            solve: Any = method
            found = np.where(inside, solve(operator, b, **limits, **own)[0], 0.0)
            # the second term: what rounding a probability near 1 does to an equation, which no residual shows
            error = np.inf
            if np.isfinite(found).all():
                error = float(np.abs(b - apply(found)).max() + np.finfo(np.float64).eps * found.max())
            if error < residual:
                x, residual = found, error
            if residual < AIM:
                return x
    if residual < ACCEPT:
        return x
    raise ConvergenceError(
        f"The hitting times of {N:,} states did not settle: the equations are still off by {residual:.2g}, so times "
        f"may be wrong by that share of the largest. hitting_probability(target, within=n) is exact at any size."
    )
