from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from witnesses import chain_of, dense, noisy_parity, random_chain, random_probs, sparse_chain
from witnesses import exact_stationary as exact

import babygpt as bg
from babygpt.chain import solve, stationary
from babygpt.chain.elimination import MAX_ELIMINATION, gth
from babygpt.chain.stationary import power_iteration
from babygpt.errors import ConvergenceError


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
    np.testing.assert_allclose(bg.MarkovChain(np.log(probs)).advance(pi), pi, atol=1e-14)


@given(st.integers(0, 10**6), st.sampled_from([(2, 1), (2, 4), (3, 2), (4, 3)]))
def test_advancing_is_multiplying_by_the_transition_matrix(seed, size):
    probs = random_probs(seed, *size)
    start = np.random.default_rng(seed + 1).dirichlet(np.ones(len(probs)))
    np.testing.assert_allclose(bg.MarkovChain(np.log(probs)).advance(start), start @ dense(probs), atol=1e-15)


@pytest.mark.parametrize(("V", "K"), [(2, 5), (3, 4), (7, 2)])
def test_iteration_reaches_what_elimination_finds(V, K):
    probs = random_probs(2, V, K)
    chain = bg.MarkovChain(np.log(probs))
    start = np.full(len(probs), 1 / len(probs))
    np.testing.assert_allclose(power_iteration(chain, start), gth(dense(probs)), atol=1e-12)


def test_a_chain_too_large_for_elimination_is_iterated_to_the_same_answer():
    probs = random_probs(3, 2, 11)
    assert len(probs) > MAX_ELIMINATION
    pi = bg.MarkovChain(np.log(probs)).stationary_distribution()
    A = dense(probs).T - np.eye(len(probs))
    A[0] = 1  # one equation follows from the others; in its place: the shares sum to 1
    np.testing.assert_allclose(pi, np.linalg.solve(A, np.eye(len(probs))[0]), atol=1e-12)


def test_iteration_that_does_not_settle_says_how_far_it_is_off():
    # after 20 steps the walk has found its parity, and would need 10¹² to leave it
    chain = bg.MarkovChain(np.log(noisy_parity(1e-12)))
    start = np.arange(1, 9) / 36
    with pytest.raises(ConvergenceError, match=r"8 states did not settle: one step still moves it by \S+, and") as e:
        power_iteration(chain, start, max_steps=20)
    assert "slowly" in str(e.value)
    residual = float(str(e.value).split("moves it by ")[1].split(",")[0])
    assert 0 < residual < 1


@pytest.mark.parametrize("noise", [1e-2, 1e-3, 1e-4, 1e-6])
def test_a_chain_that_steps_hardly_move_is_left_to_arnoldi_and_comes_out_right(noise):
    probs = np.vstack([noisy_parity(noise)[:4], random_probs(0)[4:]])
    pi = power_iteration(bg.MarkovChain(np.log(probs)), np.arange(1, 9) / 36, max_steps=20)
    np.testing.assert_allclose(pi, exact(dense(probs)), atol=1e-8)


def stubborn(noise, K):
    """Return a chain that repeats its last token but with probability ``noise``, 3 · noise after a 0, and its π.

    A run of equal tokens ends, with more in a row, as often as it began: π of a context is that of its first token,
    times the arrows between its tokens.
    """
    digits = np.array(list(np.ndindex(*[2] * K)))
    change = np.where(digits[:, -1] == 0, 3 * noise, noise)
    probs = np.where(digits[:, [-1]] == np.arange(2), 1 - change[:, None], change[:, None])
    pi = np.where(digits[:, 0] == 0, 0.25, 0.75)
    for a, b in zip(digits.T[:-1], digits.T[1:], strict=True):
        rate = np.where(a == 0, 3 * noise, noise)
        pi = pi * np.where(a == b, 1 - rate, rate)
    return chain_of(probs), pi


@pytest.mark.parametrize(("K", "memory"), [(11, 0), (13, 2**22)])
def test_a_large_chain_that_is_too_slow_to_be_iterated_is_solved_directly(monkeypatch, K, memory):
    monkeypatch.setattr(stationary, "MAX_STEPS", 50)
    monkeypatch.setattr(stationary, "ROUNDS", 1)
    monkeypatch.setattr(solve, "MAX_FACTORS", memory)  # 2¹¹ states are eliminated, and need none
    chain, expected = stubborn(1e-5, K)
    np.testing.assert_allclose(chain.stationary_distribution(), expected, atol=1e-10)


def test_a_large_chain_that_nothing_solves_raises_rather_than_answers(monkeypatch):
    monkeypatch.setattr(stationary, "MAX_STEPS", 50)
    monkeypatch.setattr(stationary, "MAX_DENSE", 1024)
    probs = noisy_parity(1e-12, K=11)
    probs[: len(probs) // 2] = np.where(probs[: len(probs) // 2] > 0.5, 1 - 3e-12, 3e-12)
    with pytest.raises(ConvergenceError, match="2,048 states did not settle: one step still moves it by"):
        bg.MarkovChain(np.log(probs)).stationary_distribution()


@pytest.mark.parametrize("noise", [1e-2, 1e-3, 1e-5, 1e-7, 1e-9, 1e-11, 1e-13])
@pytest.mark.parametrize("seed", [0, 1])
def test_iteration_on_a_slow_chain_is_right_or_raises_but_never_silently_wrong(monkeypatch, noise, seed):
    monkeypatch.setattr(stationary, "MAX_ELIMINATION", 2)
    monkeypatch.setattr(stationary, "MAX_STEPS", 300)
    lop_sided = noise * np.random.default_rng(seed).uniform(0.2, 5, size=32)[:, None]
    probs = np.where(noisy_parity(0.1, 5) > 0.5, 1 - lop_sided, lop_sided)
    try:
        pi = bg.MarkovChain(np.log(probs)).stationary_distribution()
    except ConvergenceError as error:
        assert "moves it by" in str(error)  # noqa: PT017
        return
    np.testing.assert_allclose(pi, exact(dense(probs)), atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_periodic_and_reducible_classes_are_iterated_to_what_elimination_finds(monkeypatch, seed):
    chains = [sparse_chain(2, 5, seed), sparse_chain(3, 3, seed, 0.6)]
    solved = [chain.stationary_distributions() for chain in chains]
    monkeypatch.setattr(stationary, "MAX_ELIMINATION", 1)
    for chain, pis in zip(chains, solved, strict=True):
        again = chain_of(chain.probs).stationary_distributions()
        assert len(again) == len(pis)
        np.testing.assert_allclose(again, pis, atol=1e-10)


def test_several_recurrent_classes_have_a_distribution_each_and_none_in_common():
    chain = chain_of([[1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(bg.BabyGPTError, match=r"2 recurrent classes.*stationary_distributions\(\)"):
        chain.stationary_distribution()
    with pytest.raises(bg.BabyGPTError, match="2 recurrent classes"):
        chain.entropy_rate()
    assert [pi.tolist() for pi in chain.stationary_distributions()] == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("temperature", [0.5, 0.1, 0.05, 0.03])
def test_the_article_chain_grown_cold_is_solved_to_the_last_digits(article_run, temperature):
    chain = article_run.chain.with_decoding(temperature=temperature)
    assert chain.n_zero_arrows == 0
    np.testing.assert_allclose(chain.stationary_distribution(), exact(dense(chain.probs), 120), rtol=1e-13)


@pytest.mark.parametrize("noise", [1e-60, 1e-120, 1e-200, 1e-300])
def test_arrows_close_to_the_smallest_float_do_not_make_nan(noise):
    pi = chain_of(noisy_parity(noise)).stationary_distribution()
    np.testing.assert_allclose(pi, np.full(8, 1 / 8), rtol=1e-12)


@pytest.mark.parametrize("K", [3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_arrows_whose_products_are_too_small_for_a_float_are_solved_to_the_last_digits(seed, K):
    apart = np.random.default_rng(seed).normal(size=2**K) * 400
    probs = np.exp(-np.logaddexp(0, np.clip(np.column_stack([apart, -apart]), -700, 700)))
    P = dense(probs)
    np.testing.assert_allclose(gth(P), exact(P, 6000), rtol=1e-13, atol=1e-300)


def test_the_rarest_state_is_in_proportion_even_if_it_comes_first():
    p = 1e-300  # from 0 to 1 and on to 2 at once, back only by two rare arrows
    P = np.array([[0, 1, 0], [p, 0, 1 - p], [0, p, 1 - p]])
    np.testing.assert_allclose(gth(P), [0, p, 1], rtol=1e-15)


def test_every_entropy_rate_is_bounded_by_the_logarithm_of_the_vocabulary():
    for seed in range(10):
        assert 0 <= random_chain(3, 2, seed).entropy_rate() <= np.log(3)


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
