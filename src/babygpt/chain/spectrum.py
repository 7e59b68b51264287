"""Forgetting: how fast the past stops mattering.

The *eigenvalues* of P lie in the unit disc, and 1 is one of them. What a chain remembers shrinks, in the long run,
by |λ₂| a token, the second largest of them; the *spectral gap* is 1 − |λ₂|. A complex pair e^{±2πi/p} near the
circle is a rhythm of period p.

*Kemeny's constant* is the expected number of tokens to reach a state drawn from π; it is the same from every
start [1]_, tr(Z) − 1 = Σ_{i≥2} 1 / (1 − λᵢ).

Two states with the same arrows have the same entry in every eigenvector of an eigenvalue other than 0. They are
therefore merged first; that removes eigenvalues 0, which finite precision would smear. Eigenvalues are good to about
10⁻¹⁵; how far |λ₂| stays below 1 is better known than that (:mod:`babygpt.chain.gap`).

.. [1] Kemeny, Snell, "Finite Markov Chains", 1960, theorem 4.4.10.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import linalg
from threadpoolctl import threadpool_limits

from babygpt.chain.causal_states import same_arrows
from babygpt.chain.elimination import MAX_ELIMINATION
from babygpt.chain.gap import deviation, spectral_gap
from babygpt.chain.states import States
from babygpt.chain.structure import components, is_irreducible
from babygpt.chain.wide import Wide
from babygpt.errors import ConvergenceError, SettingError, SizeError
from babygpt.gpt.checks import check_count

# Sizes up to which all N² numbers are held.
MAX_SPECTRUM = 2048
# The Arnoldi iteration for the largest eigenvalues restarts until it has touched about this many numbers.
ARNOLDI_WORK = 2**32


def eigenvalues(chain: States, k: int | None = None) -> NDArray[np.complex128]:
    """Return the ``k`` eigenvalues of P largest in magnitude (all N by default), largest first: complex (k,).

    Raises
    ------
    SizeError
        All eigenvalues of a chain with too many different futures.
    ConvergenceError
        The iteration for a large chain did not settle.
    """
    N = chain.n_states
    if k is not None:
        check_count("k", k)
        if k > N:
            raise SettingError(f"k={k} eigenvalues are asked of a chain that has {N}.")
    arrows = same_arrows(chain.arrows)
    n = arrows.n_states
    if n <= MAX_SPECTRUM:
        P = arrows.matrix()
        parts = [states for states, _ in components(arrows)]  # of a triangle of blocks those on the diagonal count
        blocks = [np.linalg.eigvals(P[s][:, s].toarray()) for s in parts if len(s) > 1]
        alone = P.diagonal()[[int(s[0]) for s in parts if len(s) == 1]]
        values = np.concatenate([*blocks, alone, np.zeros(N - n)]).astype(np.complex128)
    elif k is None or k > N // 8:
        raise SizeError(
            f"All or most eigenvalues of {n:,} states with different futures are N³ work; the limit is "
            f"{MAX_SPECTRUM:,}. Ask for the largest: eigenvalues(k=6)."
        )
    else:
        values = _largest(chain, k)
    # ties in magnitude: the positive one first, then the upper of a conjugate pair
    order = np.lexsort((-values.imag, -values.real, -np.abs(values).round(12)))
    return values[order][:k]


def second_eigenvalue(chain: States) -> float:
    """Return |λ₂|: 1 minus the spectral gap, which has more digits."""
    return 1 - spectral_gap(chain)


def kemeny_constant(chain: States) -> float:
    """Return the expected number of tokens from any state to one drawn from π, tr(Z) − 1.

    Raises
    ------
    SizeError
        Too many states for elimination.
    SettingError
        The chain is not irreducible, so that some states are never reached.
    """
    N = chain.n_states
    if N > MAX_ELIMINATION:
        raise SizeError(
            f"Kemeny's constant needs N² numbers and N³ work for {N:,} states; the limit is {MAX_ELIMINATION:,}. "
            "hitting_times(target) works at any size."
        )
    if not is_irreducible(chain):
        raise SettingError("Kemeny's constant is infinite: some states of this chain are never reached from others.")
    M, pi, rest = deviation(chain.arrows.among(np.arange(N)))
    # the trace of the group inverse of I − P, from the inverse of its largest block
    values, e = M.scaled() if isinstance(M, Wide) else (M, 0)
    with np.errstate(over="ignore"):
        return float(np.ldexp(np.trace(values) - pi[rest] @ values.sum(axis=1), e))


def _largest(chain: States, k: int) -> NDArray[np.complex128]:
    N = chain.n_states
    operator = linalg.LinearOperator((N, N), matvec=lambda v: chain.pull(v.ravel()), dtype=np.float64)
    # A larger basis settles sooner; it takes at most 256 MiB.
    basis = min(N - 1, max(3 * k, min(96, max(32, 2**25 // N))))
    rounds = min(300, 10 + ARNOLDI_WORK // (basis**2 * N))
    start = np.random.default_rng(0).random(N)  # the same chain gives the same digits
    try:
        with threadpool_limits(1, "blas"):  # vectors this long gain nothing from threads that wait for each other
            values = linalg.eigs(
                operator,
                k=k,
                v0=start,
                tol=1e-8,
                ncv=basis,
                maxiter=rounds,
                return_eigenvectors=False,
            )
    except linalg.ArpackNoConvergence as error:
        raise ConvergenceError(
            f"Only {len(error.eigenvalues)} of {k} eigenvalues of {N:,} states settled in {rounds} rounds of Arnoldi's "
            "iteration: too many are nearly as large. distance_to_stationary(n, start=…) works at any size."
        ) from error
    return np.asarray(values, dtype=np.complex128)
