"""The long run: how often each state is visited by a walk that never ends.

The *stationary distribution* π of a recurrent class is the distribution over its states that one step leaves as it
is: π P = π. A chain with one recurrent class, such as any GPT's, has one π; with several, where a walk ends up
depends on where it begins, and each class has its own.

Classes of up to 1,024 states are solved by elimination (:mod:`babygpt.chain.elimination`), to full precision.
Larger ones are iterated, matrix-free, from two different starts until the steps are negligible and both have arrived
at the same π; if steps are too slow, an Arnoldi iteration [1]_ takes over, and if that does not agree either, a direct
solution (:mod:`babygpt.chain.solve`). If that does not fit, you are told. A share too small for a float64 is 0.

.. [1] Lehoucq, Sorensen, Yang, "ARPACK Users' Guide", SIAM, 1998.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import linalg
from threadpoolctl import threadpool_limits

from babygpt.chain import structure
from babygpt.chain.elimination import MAX_DENSE, MAX_ELIMINATION, gth
from babygpt.chain.solve import TransientSystem
from babygpt.errors import ConvergenceError

if TYPE_CHECKING:
    from babygpt.chain.finite import FiniteChain

# Stepping stops when the steps still to come are estimated to add up to this; two starts must agree to AGREEMENT.
TOLERANCE = 1e-11
AGREEMENT = 1e-8
MAX_STEPS = 3_000
HOMING = 64  # steps after which a likely state is known
ROUNDS = 200  # restarts of the Arnoldi iteration


def stationary_distributions(chain: FiniteChain) -> list[NDArray[np.float64]]:
    """Return π of each recurrent class as a distribution over all states: a list of (N,)."""
    return [_of_class(chain, states) for states in structure.recurrent_classes(chain)]


def _of_class(chain: FiniteChain, states: NDArray[np.int64]) -> NDArray[np.float64]:
    pi = np.zeros(chain.n_states)
    if len(states) == 1:
        pi[states] = 1.0
        return pi
    if len(states) <= MAX_ELIMINATION:
        pi[states] = gth(chain.arrows.among(states))
        return pi
    pi[states] = 1 / len(states)
    try:
        # A periodic class never settles; the average of two steps has the same π and does.
        return power_iteration(chain, pi, lazy=structure.period(chain.arrows, states) > 1)
    except ConvergenceError as unsettled:
        try:
            pi[states] = _directly(chain, states)
        except ConvergenceError as error:
            raise ConvergenceError(f"{unsettled} {error}") from error
        return pi


def _directly(chain: FiniteChain, states: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return π of a large class (n,) without iterating: πP − π = 0, solved from one of its states outwards."""
    arrows = chain.arrows
    if len(states) <= MAX_DENSE and not arrows.rare(states):
        return gth(arrows.among(states))
    # One likely state is taken as home; π is the number of visits to each between two of its own, in proportion.
    P = arrows.matrix(states)[:, states]
    pi = np.full(len(states), 1 / len(states))
    for _ in range(HOMING):
        pi = (pi + pi @ P) / 2
    home = int(np.argmax(pi))
    rest = np.delete(np.arange(len(states)), home)
    system = TransientSystem(arrows, states[rest])
    pi[home], pi[rest] = 1.0, system.solve(P[[home]][:, rest].toarray().T, transposed=True)[:, 0]
    pi /= pi.sum()
    # what one step still moves can add up, over the time it takes to come home, to twice as much
    residual = float(np.abs(pi @ P - pi).sum() + np.finfo(np.float64).eps)
    if not 2 * residual * system.longest < AGREEMENT:
        raise ConvergenceError(
            f"A factorisation in bounded memory is off by {residual:.2g} with state {states[home]} left out, to which "
            f"the way may take {system.longest:.2g} tokens."
        )
    return np.asarray(pi)


def power_iteration(
    chain: FiniteChain, start: NDArray[np.float64], lazy: bool = False, max_steps: int = MAX_STEPS
) -> NDArray[np.float64]:
    """Return π by stepping from ``start`` (N,) and from one state of it, until both arrive at the same.

    One start is not enough: where two groups of states hardly communicate, each start settles at once on its own
    mixture of them, and hardly moves any more.

    Raises
    ------
    ConvergenceError
        Neither steps nor an Arnoldi iteration settled; the message states the residual, ‖πP − π‖₁.
    """
    elsewhere = np.zeros(len(start))
    elsewhere[np.flatnonzero(start)[-1]] = 1.0
    apart = np.inf
    for method in (partial(_step, lazy=lazy, max_steps=max_steps), _arnoldi):
        found = [method(chain, v) for v in (start, elsewhere)]
        apart = min(apart, float(np.abs(found[0] - found[1]).sum()))
        if apart < AGREEMENT:
            return found[0]
    residual = float(np.abs(chain.advance(found[0]) - found[0]).sum())
    raise ConvergenceError(
        f"The stationary distribution of {chain.n_states:,} states did not settle: one step still moves it by "
        f"{residual:.2g}, and two starts come out {apart:.2g} apart (sums over states). This chain forgets "
        f"too slowly to be iterated; up to {MAX_DENSE:,} states it would be solved exactly."
    )


def _step(chain: FiniteChain, pi: NDArray[np.float64], lazy: bool, max_steps: int) -> NDArray[np.float64]:
    residuals, pi = [np.inf], pi.copy()
    for _ in range(max_steps):
        moved = chain.advance(pi)
        if lazy:
            moved = (moved + pi) / 2
        moved /= moved.sum()
        pi -= moved
        residuals.append(float(np.abs(pi, out=pi).sum()))
        pi = moved
        # Steps shrink by a factor r each; those to come add up to r / (1 − r) times the last.
        r = (residuals[-1] / residuals[-9]) ** (1 / 8) if len(residuals) > 9 else 1.0
        if residuals[-1] == 0 or (r < 1 and residuals[-1] * r / (1 - r) < TOLERANCE):
            break
    return pi


def _arnoldi(chain: FiniteChain, start: NDArray[np.float64]) -> NDArray[np.float64]:
    N = chain.n_states
    operator = linalg.LinearOperator((N, N), matvec=lambda v: chain.advance(v.ravel()), dtype=np.float64)
    try:
        with threadpool_limits(1, "blas"):
            # a periodic chain has other eigenvalues of magnitude 1, none of real part 1
            _, vectors = linalg.eigs(operator, k=1, which="LR", v0=start, ncv=min(N - 1, 40), maxiter=ROUNDS)
    except linalg.ArpackError:
        return start
    pi = np.real(vectors[:, 0] / vectors[:, 0].sum())
    return np.maximum(pi, 0) / np.maximum(pi, 0).sum()
