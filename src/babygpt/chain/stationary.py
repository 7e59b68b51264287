"""The long run: how often each state is visited by a walk that never ends.

The *stationary distribution* π of a recurrent class is the distribution over its states that one step leaves as it
is: π P = π. A chain with one recurrent class, such as any GPT's, has one π; with several, where a walk ends up
depends on where it begins, and each class has its own.

Classes of up to 1,024 states are solved by elimination (:mod:`babygpt.chain.elimination`), to full precision.
Larger ones are iterated, matrix-free, from two different starts until the steps are negligible and both have arrived
at the same π; if steps are too slow, Arnoldi's iteration takes over, restarted as Krylov and Schur would have it [1]_,
and if that does not agree either, a direct solution (:mod:`babygpt.chain.solve`). If that does not fit, you are told. A
share too small for a float64 is 0.

All but the direct solution can be had a step at a time (:mod:`babygpt.chain.steps`).

.. [1] Stewart, "A Krylov–Schur algorithm for large eigenproblems", SIAM J. Matrix Anal. Appl. 23 (2001), 601–614.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import schur
from scipy.linalg.blas import dasum
from threadpoolctl import threadpool_limits

from babygpt.chain import structure
from babygpt.chain.elimination import MAX_DENSE, MAX_ELIMINATION, gth, gth_steps
from babygpt.chain.solve import TransientSystem
from babygpt.chain.states import States, kept
from babygpt.chain.steps import Steps, finish
from babygpt.errors import ConvergenceError, SettingError

# Stepping stops when the steps still to come are estimated to add up to this; two starts must agree to AGREEMENT.
TOLERANCE = 1e-11
AGREEMENT = 1e-8
MAX_STEPS = 3_000
HOMING = 64  # steps after which a likely state is known
BASIS = 40  # vectors of the Arnoldi iteration
ROUNDS = 200  # restarts
EPS = float(np.finfo(np.float64).eps)


@kept
def stationary_distribution(chain: States) -> NDArray[np.float64]:
    """Return π (N,), the share of each state in an endless walk.

    Raises
    ------
    SettingError
        There are several recurrent classes.
    """
    classes = structure.recurrent_classes(chain)
    if len(classes) > 1:
        raise SettingError(
            f"This chain has {len(classes)} recurrent classes, so where an endless walk spends its time "
            "depends on where it begins. stationary_distributions() gives one for each."
        )
    return stationary_distributions(chain)[0]


def stationary_distributions(chain: States) -> list[NDArray[np.float64]]:
    """Return π of each recurrent class as a distribution over all states: a list of (N,)."""
    with threadpool_limits(1, "blas"):  # vectors this long gain nothing from threads that wait for each other
        return [finish(stationary_steps(chain, states)) for states in structure.recurrent_classes(chain)]


def stationary_steps(chain: States, states: NDArray[np.int64], direct: bool = True) -> Steps[NDArray[np.float64]]:
    """Compute π of one recurrent class, in steps: as a distribution over all states (N,).

    Parameters
    ----------
    states
        The class.
    direct
        Whether a large class that cannot be iterated is solved directly, in a single step that may take a minute.

    Raises
    ------
    ConvergenceError
        Neither settled; the message states the residual.
    """
    pi = np.zeros(chain.n_states)
    if len(states) == 1:
        pi[states] = 1.0
        return pi
    if len(states) <= MAX_ELIMINATION:
        pi[states] = yield from gth_steps(chain.arrows.among(states))
        return pi
    pi[states] = 1 / len(states)
    try:
        # A periodic class never settles; the average of two steps has the same π and does.
        lazy = structure.class_period(chain.arrows, states) > 1
        return (yield from iteration_steps(chain, pi, lazy, MAX_STEPS))
    except ConvergenceError as unsettled:
        if not direct:
            raise
        try:
            pi[states] = _directly(chain, states)
        except ConvergenceError as error:
            raise ConvergenceError(f"{unsettled} {error}") from error
        return pi


def _directly(chain: States, states: NDArray[np.int64]) -> NDArray[np.float64]:
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
    chain: States, start: NDArray[np.float64], lazy: bool = False, max_steps: int = MAX_STEPS
) -> NDArray[np.float64]:
    """Return π by stepping from ``start`` (N,) and from one state of it, until both arrive at the same.

    One start is not enough: where two groups of states hardly communicate, each start settles at once on its own
    mixture of them, and hardly moves any more.

    Raises
    ------
    ConvergenceError
        Neither steps nor an Arnoldi iteration settled; the message states the residual, ‖πP − π‖₁.
    """
    with threadpool_limits(1, "blas"):
        return finish(iteration_steps(chain, start, lazy, max_steps))


def iteration_steps(
    chain: States, start: NDArray[np.float64], lazy: bool, max_steps: int
) -> Steps[NDArray[np.float64]]:
    """Do what :func:`power_iteration` does, in steps: each applies P once."""
    elsewhere = np.zeros(len(start))
    elsewhere[np.flatnonzero(start)[-1]] = 1.0
    first = yield from _step(chain, start, lazy, max_steps)
    second = yield from _step(chain, elsewhere, lazy, max_steps, first)
    apart = _apart(first, second)
    if apart < AGREEMENT:
        return first
    first, second = (yield from _arnoldi(chain, start)), (yield from _arnoldi(chain, elsewhere))
    apart = min(apart, _apart(first, second))
    if apart < AGREEMENT:
        return first
    residual = _apart(chain.advance(first), first)
    raise ConvergenceError(
        f"The stationary distribution of {chain.n_states:,} states did not settle: one step still moves it by "
        f"{residual:.2g}, and two starts come out {apart:.2g} apart (sums over states). This chain forgets "
        f"too slowly to be iterated; up to {MAX_DENSE:,} states it would be solved exactly."
    )


def _step(
    chain: States,
    start: NDArray[np.float64],
    lazy: bool,
    max_steps: int,
    known: NDArray[np.float64] | None = None,
) -> Steps[NDArray[np.float64]]:
    """Step from ``start`` until hardly anything moves; or, on the way to what is ``known``, until that is reached."""
    residuals, pi, moved = [np.inf], start.copy(), np.empty(len(start))
    for n in range(1, max_steps + 1):
        chain._advance_into(moved, pi)
        if lazy:
            moved += pi
            moved /= 2
        pi -= moved
        residuals.append(float(dasum(pi)))
        if known is not None and n % 8 == 0 and dasum(np.subtract(moved, known, out=pi)) < AGREEMENT:
            return moved / moved.sum()
        pi, moved = moved, pi
        # Steps shrink by a factor r each; those to come add up to r / (1 − r) times the last.
        r = (residuals[-1] / residuals[-9]) ** (1 / 8) if len(residuals) > 9 else 1.0
        if residuals[-1] == 0 or (r < 1 and residuals[-1] * r / (1 - r) < TOLERANCE):
            break
        yield
    return pi / pi.sum()  # what rounding left over all steps


def _apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.abs(a - b).sum())


def _arnoldi(chain: States, start: NDArray[np.float64]) -> Steps[NDArray[np.float64]]:
    """Return the vector of the eigenvalue with the largest real part; ``start`` if it does not settle.

    A periodic chain has other eigenvalues of magnitude 1, none of real part 1. The rows of V (m + 1, N) are
    orthonormal, and one step of the chain makes of V[j] the sum of H[i, j] V[i].
    """
    N = chain.n_states
    m = min(N - 1, BASIS)
    V, H, k = np.zeros((m + 1, N)), np.zeros((m + 1, m)), 0
    V[0] = start / np.linalg.norm(start)
    for _ in range(ROUNDS):
        size = m
        for j in range(k, m):
            w = chain.advance(V[j])
            for _ in range(2):  # once more, for what rounding left
                h = V[: j + 1] @ w
                w -= h @ V[: j + 1]
                H[: j + 1, j] += h
            H[j + 1, j] = np.linalg.norm(w)
            if H[j + 1, j] <= EPS:  # nothing new: these vectors hold whole eigenvectors
                size = j + 1
                break
            V[j + 1] = w / H[j + 1, j]
            yield
        values, vectors = np.linalg.eig(H[:size, :size])
        first = int(np.argmax(values.real))
        if size < m or H[m, m - 1] * abs(vectors[-1, first]) <= 4 * EPS * abs(values[first]):
            pi = np.maximum(np.real(vectors[:, first] / (vectors[:, first] @ V[:size].sum(axis=1))) @ V[:size], 0)
            return np.asarray(pi / pi.sum())
        last, (T, Z, k) = H[m, m - 1], _ordered(H[:m, :m], values.real)
        H[:] = 0.0
        if k:
            V[:k], V[k] = Z[:, :k].T @ V[:m], V[m]
            H[:k, :k], H[k, :k] = T[:k, :k], last * Z[-1, :k]
        else:  # begin anew with what is best so far
            V[0] = np.real(vectors[:, first]) @ V[:m]
            V[0] /= np.linalg.norm(V[0])
        yield
    return start


def _ordered(H: NDArray[np.float64], real: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return H = Z T Zᵀ with T (m, m) of real Schur form and how many of its eigenvalues to keep, those ordered first.

    They are about half, with the largest ``real`` parts (m,), cut where these differ most; 0 if LAPACK cannot order
    them.
    """
    m = len(H)
    largest = np.sort(real)[::-1]
    places = np.arange(max(1, m // 2 - m // 20), min(m - 1, m // 2 + m // 20) + 1)
    cut = int(places[np.argmax(largest[places - 1] - largest[places])])
    least = (largest[cut - 1] + largest[cut]) / 2
    sort: Any = lambda re, im=0.0: np.real(re) > least  # noqa: E731  # older SciPy hands over one complex number
    try:
        T, Z, k = schur(H, output="real", sort=sort)
    except np.linalg.LinAlgError:
        return H, np.eye(m), 0
    return T, Z, int(k) if k < m else 0
