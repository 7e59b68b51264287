"""Reaching: how long until something comes, and how likely it ever does.

The *hitting time* of a set of states is the number of tokens until the chain is first in it; being there at the
start counts as 0. Expected hitting times solve h = 1 + P h outside the set and h = 0 in it. Where the set may be
missed altogether the expected time is infinite.

A target is a state number, a text, or a list of these. A text of K symbols is that state, a shorter one every
context that ends in it: hitting "11" means having just drawn 11. Longer texts, and starts that are no state, are in
:mod:`babygpt.chain.patterns`.

Up to 1,024 states the system is solved by elimination, to full precision. Above, it is iterated (BiCGSTAB, GMRES)
and judged by its residual r: the error of any h is at most ‖r‖_∞ times the largest hitting time, because that is
‖(I − P)⁻¹‖_∞. What does not settle is solved directly (:mod:`babygpt.chain.solve`). Answers are good to a millionth of
the largest time, usually a billionth, or an error says so. A time too long for a float64 is infinity.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import linalg
from threadpoolctl import threadpool_limits

from babygpt.chain.elimination import MAX_ELIMINATION
from babygpt.chain.solve import ACCEPT, AIM, solve_transient
from babygpt.chain.states import States
from babygpt.chain.stationary import stationary_distribution
from babygpt.chain.structure import is_irreducible, reaching
from babygpt.errors import ConvergenceError
from babygpt.gpt.checks import check_count

# Tokens that are followed one by one, whatever the chain; of a large chain as many as pass so many arrows. Whether the
# walk stands still is looked at now and then.
MAX_FOLLOWED = 4096
MAX_WORK = 2**36
CHECKED = 16


def hitting_times(chain: States, target: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the expected number of tokens from every state until the target (N,) is first reached: (N,).

    Raises
    ------
    ConvergenceError
        A large chain's equations neither settled in an iteration nor could be factorised in memory.
    """
    times = np.zeros(chain.n_states)
    if chain.n_missing_arrows or not chain.all_reachable:
        missing = ~reaching(chain, target)
        may_miss = reaching(chain, missing, avoiding=target) if missing.any() else missing
        times[may_miss] = np.inf
    else:
        may_miss = np.zeros(chain.n_states, dtype=bool)
    others = np.flatnonzero(~target & ~may_miss)
    if len(others) == 0:
        return times
    if len(others) > MAX_ELIMINATION:
        inside = np.zeros(chain.n_states, dtype=bool)
        inside[others] = True
        found, residual = _iterate(chain, inside)
        if residual < ACCEPT:
            times[others] = found[others]
            return times
    times[others] = solve_transient(chain.arrows, others, np.ones((len(others), 1)))[:, 0]
    return times


def hitting_probability(chain: States, target: NDArray[np.bool_], within: int) -> NDArray[np.float64]:
    """Return how likely the target is reached within ``within`` tokens, from every state: (N,).

    Few tokens are followed one by one. More are doubled, up to 1,024 states: who walks n + m tokens reaches the target
    within n, or is elsewhere then and reaches it within m. Nothing is subtracted: rare events keep their digits.

    Raises
    ------
    ConvergenceError
        So many tokens of so many states are too much work, and the walk is still moving.
    """
    check_count("within", within, least=0)
    reached, few = target.astype(np.float64), within <= MAX_FOLLOWED
    if not few and chain.n_states <= MAX_ELIMINATION:
        return _doubled(chain, target, within)
    for token in range(within):
        before, reached = reached, np.where(target, 1.0, chain.pull(reached))
        if few or token % CHECKED:
            continue
        still, left = np.array_equal(before, reached), within - token
        # at a standstill a token adds no more than rounding takes away
        if still and (left * np.finfo(np.float64).eps < AIM or reached[reached > 0].min(initial=1.0) > 1 - AIM):
            break
        if still or token * chain.n_arrows > MAX_WORK:
            raise ConvergenceError(
                f"A chain of {chain.n_states:,} states is followed for {token:,} tokens here, and within={within} "
                f"are asked for. Up to {MAX_ELIMINATION:,} states any number will do; hitting_times(target) works at "
                "any size."
            )
    return np.minimum(reached, 1.0)


def _doubled(chain: States, target: NDArray[np.bool_], within: int) -> NDArray[np.float64]:
    """Return what :func:`hitting_probability` does, by doubling the tokens."""
    answer, may = target.astype(np.float64), reaching(chain, target)
    others, never = np.flatnonzero(~target & may), np.flatnonzero(~may)
    P = chain.arrows.matrix(others)
    A = P[:, others].toarray()  # still on the way after so many tokens: 1, 2, 4, …
    arrived: NDArray[np.float64] = np.asarray(P[:, np.flatnonzero(target)].sum(axis=1)).ravel()
    lost: NDArray[np.float64] = np.asarray(P[:, never].sum(axis=1)).ravel()
    found = np.zeros(len(others))
    with threadpool_limits(1, "blas"), np.errstate(under="ignore"):
        while within:
            if within & 1:
                found = arrived + A @ found
            within >>= 1
            more = A @ arrived
            if (more <= np.finfo(np.float64).eps / 4 * arrived).all():  # and even less from now on
                found = arrived if within else found
                break
            arrived, lost, A = arrived + more, lost + A @ lost, A @ A
            # who neither arrived nor got lost is still on the way: rounding shall not add up over so many tokens
            total = A.sum(axis=1)
            rest = np.where(arrived + lost < 0.5, 1 - arrived - lost, total)
            A *= (rest / np.maximum(total, np.finfo(np.float64).tiny))[:, None]
    answer[others] = np.minimum(found, 1.0)
    return answer


def _iterate(chain: States, inside: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Return the times an iteration comes to (N,), and by how much the equations are off then at most."""
    N = chain.n_states
    few = 2 * chain.n_zero_arrows > chain.n_arrows
    P = chain.arrows.matrix() if few else None  # a matrix that is mostly zeros is faster than the table

    def apply(v: NDArray[np.float64]) -> NDArray[np.float64]:  # I − P on the inside, the identity elsewhere
        v = v.ravel()
        kept = np.where(inside, v, 0.0)
        return v - np.where(inside, chain.pull(kept) if P is None else P @ kept, 0.0)

    b = inside.astype(np.float64)
    # A walk that misses the target soon forgets where it began, so times are nearly the same from everywhere, and
    # that common part is what an iteration is slow to find. It is put in exactly: (weights · A b) scales it.
    weights = np.where(inside, stationary_distribution(chain) if is_irreducible(chain) else 1 / N, 0.0)
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
                break
    return x, residual
