from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import babygpt as bg
from babygpt.chain.contexts import all_contexts, successors
from babygpt.chain.stationary import MAX_ELIMINATION, advance, gth, power_iteration
from babygpt.errors import ConvergenceError


def dense(probs):
    """(N, V) → (N, N)."""
    N, V = probs.shape
    P = np.zeros((N, N))
    np.put_along_axis(P, successors(V, round(np.log(N) / np.log(V))), probs, axis=1)
    return P


def noisy_parity(noise, K=3):
    """Return the source whose next token is the parity of the context, except with probability ``noise``."""
    parity = all_contexts(2, K).sum(axis=1) % 2
    return np.where(parity[:, None] == np.arange(2), 1 - noise, noise)


def exact(P):
    """π by 60-digit elimination with pivoting; what leaves a state is the sum of its other entries."""
    n = len(P)
    with mp.workdps(60):
        A = mp.matrix(n, n)
        for i in range(n):
            for j in range(n):
                if i != j:
                    A[j, i] = mp.mpf(float(P[i, j]))
            A[i, i] = -mp.fsum(mp.mpf(float(P[i, j])) for j in range(n) if j != i)
        for j in range(n):
            A[n - 1, j] = mp.mpf(1)
        b = mp.matrix(n, 1)
        b[n - 1] = 1
        pi = mp.lu_solve(A, b)
        return np.array([float(p) for p in pi])


def random_probs(seed, V=2, K=3, concentration=1.0):
    return np.random.default_rng(seed).dirichlet(np.full(V, concentration), size=V**K)


def test_a_two_state_chain_has_the_distribution_solved_by_hand():
    p, q = 0.1, 0.3
    np.testing.assert_allclose(gth(np.array([[1 - p, p], [q, 1 - q]])), [q / (p + q), p / (p + q)], rtol=1e-15)


def test_a_chain_of_one_state_stays_there():
    assert gth(np.array([[1.0]])).tolist() == [1.0]


def test_the_input_matrix_is_not_changed():
    P = dense(random_probs(0))
    before = P.copy()
    gth(P)
    np.testing.assert_array_equal(P, before)


@pytest.mark.parametrize("noise", [1e-3, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12])
@pytest.mark.parametrize("K", [2, 3, 4])
def test_nearly_reducible_parity_is_solved_to_the_last_digits(noise, K):
    P = dense(noisy_parity(noise, K))
    np.testing.assert_allclose(gth(P), exact(P), rtol=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_cold_random_chains_are_solved_to_the_last_digits(seed):
    logits = np.random.default_rng(seed).normal(size=(8, 2)) * 30
    probs = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    assert 0 < probs.min() < 1e-10
    P = dense(probs)
    np.testing.assert_allclose(gth(P), exact(P), rtol=1e-13)


def test_uncoupling_as_in_courtois_keeps_the_small_components():
    e = 1e-13
    P = np.array([[0.5 - e, 0.5, e, 0], [0.25, 0.75, 0, 0], [0, e, 0.1, 0.9 - e], [0, 0, 0.6, 0.4]])
    np.testing.assert_allclose(gth(P), exact(P), rtol=1e-14)


@pytest.mark.parametrize(("V", "K", "concentration"), [(2, 3, 1.0), (3, 3, 0.1), (5, 2, 0.05), (2, 7, 0.3)])
def test_quantecon_finds_the_same_distribution(V, K, concentration):
    from quantecon.markov.gth_solve import gth_solve

    P = dense(np.maximum(random_probs(1, V, K, concentration), 1e-12))
    np.testing.assert_allclose(gth(P), gth_solve(P, use_jit=False), rtol=1e-12)


@given(st.integers(0, 10**6), st.sampled_from([(2, 1), (2, 4), (3, 2), (4, 3)]))
def test_one_step_leaves_the_stationary_distribution_as_it_is(seed, size):
    probs = random_probs(seed, *size)
    pi = gth(dense(probs))
    assert pi.sum() == pytest.approx(1, abs=1e-14)
    assert (pi > 0).all()
    np.testing.assert_allclose(pi @ dense(probs), pi, atol=1e-14)
    np.testing.assert_allclose(advance(pi, probs), pi, atol=1e-14)


@given(st.integers(0, 10**6), st.sampled_from([(2, 1), (2, 4), (3, 2), (4, 3)]))
def test_advancing_is_multiplying_by_the_transition_matrix(seed, size):
    probs = random_probs(seed, *size)
    start = np.random.default_rng(seed + 1).dirichlet(np.ones(len(probs)))
    np.testing.assert_allclose(advance(start, probs), start @ dense(probs), atol=1e-15)


@pytest.mark.parametrize(("V", "K"), [(2, 5), (3, 4), (7, 2)])
def test_iteration_reaches_what_elimination_finds(V, K):
    probs = random_probs(2, V, K)
    np.testing.assert_allclose(power_iteration(probs), gth(dense(probs)), atol=1e-12)


def test_a_chain_too_large_for_elimination_is_iterated_to_the_same_answer():
    probs = random_probs(3, 2, 11)
    assert len(probs) > MAX_ELIMINATION
    pi = bg.MarkovChain(np.log(probs)).stationary_distribution()
    A = dense(probs).T - np.eye(len(probs))
    A[0] = 1  # one equation follows from the others; in its place: the shares sum to 1
    np.testing.assert_allclose(pi, np.linalg.solve(A, np.eye(len(probs))[0]), atol=1e-12)


def test_iteration_that_does_not_settle_says_how_far_it_is_off():
    # the parity walk with noise 1e-3 needs hundreds of steps to forget its start
    with pytest.raises(ConvergenceError, match=r"8 states had not settled after 20 steps.*by \S+, above 1e-13") as e:
        power_iteration(np.vstack([noisy_parity(1e-3)[:4], random_probs(0)[4:]]), max_steps=20)
    assert "slowly" in str(e.value)
    residual = float(str(e.value).split("moves it by ")[1].split(",")[0])
    assert 1e-13 < residual < 1


def test_a_large_chain_that_mixes_too_slowly_raises_rather_than_answers(monkeypatch):
    from babygpt.chain import stationary

    monkeypatch.setattr(stationary.power_iteration, "__defaults__", (1e-13, 50))
    probs = noisy_parity(1e-6, K=11)
    probs[: len(probs) // 2] = random_probs(0, 2, 11)[: len(probs) // 2]
    with pytest.raises(ConvergenceError, match="2,048 states had not settled after 50 steps"):
        bg.MarkovChain(np.log(probs)).stationary_distribution()


@pytest.mark.parametrize("probs", [[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.0, 1.0]]])
def test_zero_arrows_that_cut_the_chain_apart_give_a_distribution_or_an_error_but_never_nan(probs):
    with np.errstate(divide="ignore"):
        chain = bg.MarkovChain(np.log(probs))
    try:
        pi = chain.stationary_distribution()
    except bg.BabyGPTError:
        return
    np.testing.assert_allclose(pi @ np.array(probs), pi, atol=1e-14)
    assert pi.sum() == pytest.approx(1)


def test_a_state_that_is_only_left_has_no_share():
    with np.errstate(divide="ignore"):
        chain = bg.MarkovChain(np.log([[1.0, 0.0], [0.5, 0.5]]))
    assert chain.stationary_distribution().tolist() == [1.0, 0.0]
