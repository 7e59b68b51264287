"""Chains to ask, and second opinions: dense matrices, 60-digit solutions, brute force over words."""

from __future__ import annotations

from functools import cache
from itertools import product

import mpmath as mp
import numpy as np

import babygpt as bg
from babygpt.chain.contexts import all_contexts, successors


def chain_of(probs, vocabulary=None, short=None):
    """Return the chain with these probabilities (N, V), zeros included."""
    with np.errstate(divide="ignore"):
        return bg.MarkovChain(np.log(probs), vocabulary, None if short is None else np.log(short))


def random_probs(seed, V=2, K=3, concentration=1.0):
    return np.random.default_rng(seed).dirichlet(np.full(V, concentration), size=V**K)


def random_chain(V, K, seed=0, short=False, concentration=1.0):
    rng = np.random.default_rng(seed)
    rows = sum(V**t for t in range(1, K)) if short else 0
    table = rng.dirichlet(np.full(V, concentration), size=rows + V**K)
    return chain_of(table[rows:], short=table[:rows] if rows else None)


def sparse_chain(V, K, seed, missing=0.5):
    """Return a chain that lacks each arrow with probability ``missing``; one arrow stays in every state."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.ones(V), size=V**K)
    drop = rng.random(probs.shape) < missing
    drop[np.arange(len(probs)), rng.integers(V, size=len(probs))] = False
    probs[drop] = 0
    return chain_of(probs / probs.sum(axis=1, keepdims=True))


def uniform_chain(V, K):
    return bg.MarkovChain(np.full((V**K, V), -np.log(V)))


def noisy_parity(noise, K=3):
    """Return the source whose next token is the parity of the context, except with probability ``noise``."""
    parity = all_contexts(2, K).sum(axis=1) % 2
    return np.where(parity[:, None] == np.arange(2), 1 - noise, noise)


def dense(probs):
    """Write (N, V) probabilities as a matrix (N, N)."""
    N, V = probs.shape
    P = np.zeros((N, N))
    np.put_along_axis(P, successors(V, round(np.log(N) / np.log(V))), probs, axis=1)
    return P


def matrix(chain):
    return chain.transition_matrix().toarray()


# -- 60 digits ----------------------------------------------------------------------------------------------


def many_digits(chain, digits):
    """Return P as e to the power of the log-probabilities, an mpmath matrix: no arrow is too small for it."""
    with mp.workdps(digits):
        P = mp.zeros(chain.n_states)
        for s, row in enumerate(chain.successors()):
            for token, head in enumerate(row):
                if chain.log_probs[s, token] > -np.inf:
                    P[s, int(head)] += mp.exp(mp.mpf(float(chain.log_probs[s, token])))
        return P


def _generator(P):
    """Return I − P with 60 digits; what leaves a state is the sum of its other entries, whatever the diagonal says."""
    if isinstance(P, np.ndarray):
        P = mp.matrix([[mp.mpf(float(p)) for p in row] for row in P])
    n = P.rows
    A = -P
    for i in range(n):
        A[i, i] = mp.fsum(P[i, j] for j in range(n) if j != i)
    return A


def _exact_stationary(Q):
    n = Q.rows
    A = Q.T
    for j in range(n):
        A[n - 1, j] = mp.mpf(1)
    b = mp.matrix(n, 1)
    b[n - 1] = 1
    return mp.lu_solve(A, b)


def exact_stationary(P, digits=60):
    """π of an irreducible matrix by 60-digit elimination with pivoting."""
    with mp.workdps(digits):
        return np.array([float(p) for p in _exact_stationary(_generator(P))])


def exact_absorbing(P, inside, B, digits=60):
    """X with (I − P) X = B on the states ``inside``, to 60 digits: (n, m)."""
    with mp.workdps(digits):
        Q = _generator(P)
        n = len(inside)
        A = mp.matrix(n, n)
        for i in range(n):
            for j in range(n):
                A[i, j] = Q[int(inside[i]), int(inside[j])]
        columns = [mp.lu_solve(A, mp.matrix([mp.mpf(float(b)) for b in column])) for column in np.asarray(B).T]
        return np.array([[float(x) for x in column] for column in columns]).T


def exact_hitting_times(P, targets, digits=60):
    """Return the expected steps to a set of states that is reached from everywhere, to 60 digits."""
    n = P.rows if isinstance(P, mp.matrix) else len(P)
    inside = np.setdiff1d(np.arange(n), targets)
    times = np.zeros(n)
    times[inside] = exact_absorbing(P, inside, np.ones((len(inside), 1)), digits)[:, 0]
    return times


def exact_kemeny(P, digits=60):
    """Return tr((I − P + 1π)⁻¹) − 1, to 60 digits."""
    with mp.workdps(digits):
        Q = _generator(P)
        n = Q.rows
        pi = _exact_stationary(Q)
        A = mp.matrix(n, n)
        for i in range(n):
            for j in range(n):
                A[i, j] = Q[i, j] + pi[j]
        Z = A**-1
        return float(mp.fsum(Z[i, i] for i in range(n)) - 1)


# -- brute force --------------------------------------------------------------------------------------------


@cache
def words(symbols, length):
    return ["".join(w) for w in product(symbols, repeat=length)]


def word_probability(chain, start, word):
    """Return the probability of ``word`` after the context ``start``, one arrow after another."""
    p, said = 1.0, start
    for symbol in word:
        p *= chain[said[-chain.context_length :]][symbol]
        said += symbol
    return p
