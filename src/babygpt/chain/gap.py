"""The spectral gap: the share of what is remembered that is lost with each token in the long run, 1 − |λ₂|.

Where a chain forgets slowly, |λ₂| is nearly 1, and 1 minus it has few digits or none. The gap is therefore not
taken from the eigenvalues of P but from those of inverses, which slow modes make large instead of small:

* whether it is exactly 0 is a matter of structure: several recurrent classes, or a period;
* in a recurrent class the *deviation matrix* D (the group inverse of I − P [1]_), built as for Kemeny's constant by
  elimination without subtraction, has the eigenvalues 1 / (1 − λ). With μ = 1 − λ the gap is
  1 − |λ| = (2 Re μ − |μ|²) / (1 + |1 − μ|). For a slow rhythm, λ near a p-th root of 1, the same is done with P^p;
* transient states that reach each other have (I − Q)⁻¹ ≥ 0, whose largest eigenvalue is 1 / (1 − ρ), ρ that of Q.

Eigenvalues further than an eighth from the unit circle lose nothing, and are taken as they are. Above 1,024 states
an Arnoldi iteration finds λ₂, and its residual decides how far it is believed.

.. [1] Meyer, "The role of the group generalized inverse in the theory of finite Markov chains", SIAM Review 17 (1975).
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import linalg
from threadpoolctl import threadpool_limits

from babygpt.chain import structure
from babygpt.chain.arrows import RARE, Arrows, Dense
from babygpt.chain.causal_states import same_arrows
from babygpt.chain.elimination import MAX_ELIMINATION, absorbing_numbers, gth
from babygpt.chain.solve import leaving
from babygpt.chain.states import States
from babygpt.chain.wide import Wide
from babygpt.errors import ConvergenceError

# Eigenvalues nearer to the unit circle than this are computed through an inverse.
NEAR = 1 / 8
# By how much of itself a gap may be off above 1,024 states.
ACCEPT = 1e-6
# The eigenvalues of an inverse are good for so many orders below the largest.
RESOLVED = 1e3
# How far an eigenvalue of P, computed as such, may be off; one whose gap is above SEEN has digits enough as it is.
ROUNDING, SEEN = 1e-12, 1e-6
ROUNDS = 300
# Powers of matrices of wide numbers take seconds at this size, and minutes at twice as many states.
MAX_WIDE_POWER = 256
EPS = float(np.finfo(np.float64).eps)


def spectral_gap(chain: States) -> float:
    """Return 1 − |λ₂|: 0 exactly if some eigenvalue other than the 1 lies on the unit circle, 1 if all others are 0.

    Raises
    ------
    ConvergenceError
        More than 1,024 states with different arrows, and the iteration did not settle or is too coarse for the gap; or
        more than 256 that keep a rhythm with arrows too rare for a float.
    """
    classes = structure.recurrent_classes(chain)
    if len(classes) > 1 or structure.period(chain) > 1:
        return 0.0
    arrows = same_arrows(chain.arrows)
    parts = structure.components(arrows)
    if max(len(states) for states, _ in parts) > MAX_ELIMINATION:
        return _iterated(arrows)
    gaps = [1.0]
    alone = np.array([states[0] for states, closed in parts if len(states) == 1 and not closed], dtype=np.int64)
    if len(alone):
        gaps.append(_lowest_escape(arrows, alone))
    for states, closed in parts:
        if closed and len(states) > 1:
            gaps.append(_of_class(arrows.among(states)))
        elif len(states) > 1:
            visits = absorbing_numbers(arrows.among(states), leaving(arrows, states), np.eye(len(states)))
            values, e = _scaled(visits)
            gaps.append(float(np.ldexp(1 / np.abs(np.linalg.eigvals(values)).max(), -e)))
    return min(gaps)


def deviation(P: Dense) -> tuple[Dense, NDArray[np.float64], NDArray[np.int64]]:
    """Return (I − P)⁻¹ without one state, π and the states left, of an irreducible P: (n − 1, n − 1), (n,), (n − 1,).

    With M the inverse and π̂ the shares of the states left, the eigenvalues of M (I − 1 π̂) are those of the deviation
    matrix but its 0: 1 / (1 − λ) for every other eigenvalue of P.
    """
    pi = gth(P)
    home = int(np.argmax(pi))
    rest = np.delete(np.arange(len(pi)), home)
    return absorbing_numbers(P[rest][:, rest], P[rest, home], np.eye(len(rest))), pi, rest


def _lowest_escape(arrows: Arrows, states: NDArray[np.int64]) -> float:
    """Return the least 1 − P(s, s) over states, none of which comes back once it is left."""
    onward = arrows.heads[states] != states[:, None]
    return float(np.where(onward, np.exp(arrows.log_probs[states]), 0.0).sum(axis=1).min())


def _of_class(P: Dense) -> float:
    """Return 1 − |λ₂| of an irreducible aperiodic matrix."""
    n = len(P)
    values = np.linalg.eigvals(P.floats() if isinstance(P, Wide) else P)
    values = np.delete(values, np.argmin(np.abs(values - 1)))
    lost = 1 - np.abs(values)
    if lost.min() > NEAR:
        return float(lost.min())
    slow = values[lost <= 1.5 * lost.min() + 1e-10]  # λ₂ is one of these, as far as rounding lets it be seen
    turned = 1 - slow[:, None] ** np.arange(1, n + 1)
    far = np.abs(turned)
    # the least power that brings each nearly as close to 1 as any does; the longest rhythm first, others divide it
    powers = 1 + np.argmax(far <= 2 * far.min(axis=1, keepdims=True) + ROUNDING, axis=1)
    gaps: list[float] = []
    modes: dict[int, tuple[NDArray[np.complex128], int]] = {}
    for i in np.argsort(-powers, kind="stable"):
        p = int(powers[i])
        p = next((q for q in modes if far[i, q - 1] <= 2 * q / p * far[i, p - 1] + ROUNDING), p)
        if p not in modes:
            modes[p] = _modes(_power(P, p))
        mu, e = modes[p]
        here = np.abs(mu * 2.0 ** -min(e, 1000) - turned[i, p - 1]) <= 1e-3 * far[i, p - 1] + ROUNDING
        here &= np.abs(mu) <= RESOLVED * np.abs(mu).min()
        if here.any():
            gaps += [_gap(value, e, p) for value in mu[here].tolist()]
        elif 1 - abs(slow[i]) > SEEN:
            gaps.append(float(1 - abs(slow[i])))
    if not gaps or not min(gaps) >= 0:
        raise ConvergenceError(
            f"The spectral gap of {n:,} states is smaller than rounding lets it be known: an eigenvalue comes out "
            f"{lost.min():.2g} from the unit circle, at {values[np.argmin(lost)]:.6g}. mixing_time() may tell more."
        )
    return min(gaps)


def _gap(mu: complex, e: int, p: int) -> float:
    """Return 1 − |λ| where 1 − λ^p = μ · 2⁻ᵉ."""
    if e > 60:  # |1 − μ|² is 1 − 2 Re μ, to the last digit
        return float(np.ldexp(mu.real / p, -e))
    m = mu * 2.0**-e
    gap = (2 * m.real - abs(m) ** 2) / (1 + abs(1 - m))
    return float(-np.expm1(np.log1p(-gap) / p))


def _modes(P: Dense) -> tuple[NDArray[np.complex128], int]:
    """Return μ · 2ᵉ and e, where μ = 1 − λ for every eigenvalue λ of an irreducible P but the 1: (n − 1,)."""
    M, pi, rest = deviation(P)
    values, e = _scaled(M)
    nu = np.linalg.eigvals(values - values.sum(axis=1, keepdims=True) * pi[rest]).astype(np.complex128)
    return np.asarray(1 / np.where(nu == 0, 1e-300, nu), dtype=np.complex128), e


def _scaled(values: Dense) -> tuple[NDArray[np.float64], int]:
    return values.scaled() if isinstance(values, Wide) else (values, 0)


def _power(P: Dense, p: int) -> Dense:
    """Return P to the power of p, wide if a product of p arrows may be too small for a float."""
    if not isinstance(P, Wide) and p * np.log(P.min(where=P > 0, initial=1.0)) < RARE:
        P = Wide.of(P)
    if p > 1 and isinstance(P, Wide) and len(P) > MAX_WIDE_POWER:
        raise ConvergenceError(
            f"{len(P):,} states keep a rhythm of {p:,} tokens with arrows too rare for a float64. The gap of such "
            f"a chain is computed up to {MAX_WIDE_POWER:,} states; a higher temperature makes arrows less rare."
        )
    result: Dense | None = None
    square: Any = P
    while p:
        if p & 1:
            result = square if result is None else result @ square
        p >>= 1
        if p:
            square = square @ square
    assert result is not None
    return result


def _iterated(arrows: Arrows) -> float:
    """Return the gap of many states with one aperiodic class, from an Arnoldi iteration for λ₂."""
    n, P, eigs = arrows.n_states, arrows.matrix(), cast(Any, linalg.eigs)

    def settle(right: bool) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        # P − 1q, with q any shares that sum to 1, has the eigenvalues of P but 0 for 1 (Brauer)
        def apply(v: NDArray[np.float64]) -> NDArray[np.float64]:
            v = v.ravel()
            return P @ v - v.mean() if right else P.T @ v - v.sum() / n

        operator = linalg.LinearOperator((n, n), matvec=apply, dtype=np.float64)
        start = np.random.default_rng(0).random(n)  # the same chain gives the same digits
        basis = min(n - 1, max(24, min(96, 2**25 // n)))
        try:
            with threadpool_limits(1, "blas"):
                values, vectors = eigs(operator, k=3, v0=start, tol=0, ncv=basis, maxiter=ROUNDS)
        except linalg.ArpackNoConvergence as error:
            values, vectors = error.eigenvalues, error.eigenvectors
            if not len(values):
                raise ConvergenceError(
                    f"The second eigenvalue of {n:,} states did not settle in {ROUNDS} rounds of Arnoldi's iteration: "
                    "too many are nearly as large. distance_to_stationary(n, start=…) works at any size."
                ) from error
        order = np.argsort(-np.abs(values), kind="stable")
        return values[order], vectors[:, order]

    values, vectors = settle(right=True)
    first, x = complex(values[0]), vectors[:, 0]
    residual = float(np.linalg.norm(P @ x - x.mean() - first * x) / np.linalg.norm(x))
    gap = 1 - abs(first)
    if residual + 8 * EPS <= ACCEPT * gap:
        return gap
    off = residual + 8 * EPS
    if abs(first.imag) < off and first.real > 0.5 and not arrows.rare(np.arange(n)):
        # One slow mode: y (I − P) x / y x with both eigenvectors, where I − P sums differences, is off by the product
        # of their errors.
        others, left = settle(right=False)
        x, y = np.real(x / x[np.argmax(np.abs(x))]), np.real(left[:, 0] / left[np.argmax(np.abs(left[:, 0])), 0])
        apart = min(abs(values[0] - v) for v in (*values[1:], 0.0))
        tails = np.repeat(np.arange(n), np.diff(P.indptr))
        flows = y[tails] * P.data * (x[tails] - x[P.indices])
        scale = float(y @ x)
        gap = float(flows.sum()) / scale
        missed = float(np.linalg.norm(P.T @ y - y.sum() / n - others[0].real * y) / np.linalg.norm(y))
        norms = float(np.linalg.norm(x) * np.linalg.norm(y)) / abs(scale)
        off = norms * (residual / apart) * (missed / apart) + 8 * EPS * float(np.abs(flows).sum()) / abs(scale)
        if gap > 0 and off <= ACCEPT * gap:
            return gap
    raise ConvergenceError(
        f"The spectral gap of {n:,} states is not known: λ₂ comes out {gap:.2g} from the unit circle, and may be off "
        f"by {off:.2g}. Up to {MAX_ELIMINATION:,} states it would be computed without subtraction."
    )
