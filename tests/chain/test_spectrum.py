from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import eye_array
from scipy.sparse.linalg import splu
from witnesses import (
    chain_of,
    dense,
    exact_kemeny,
    matrix,
    noisy_parity,
    random_chain,
    random_probs,
    sparse_chain,
    uniform_chain,
)

import babygpt as bg
from babygpt.chain import mixing, spectrum, stationary
from babygpt.errors import ConvergenceError, SettingError, SizeError

SIZES = [(2, 1), (2, 3), (3, 2), (2, 5), (4, 3), (5, 2)]


def same_values(found, expected, atol):
    """Match two multisets of complex numbers, each to its nearest, no partner twice."""
    left = list(expected)
    for value in found:
        nearest = min(range(len(left)), key=lambda i: abs(left[i] - value))
        assert abs(left.pop(nearest) - value) < atol
    assert not left


def worst_distance(P, n):
    """Return d(n) with π as the limit of P's powers."""
    limit = np.linalg.matrix_power(P, 2**14)
    return np.abs(np.linalg.matrix_power(P, n) - limit).sum(axis=1).max() / 2


# -- the article's chain ------------------------------------------------------------------------------------


def test_article_forgets_as_fast_as_the_oracle_says(article_run):
    chain = article_run.chain
    values = chain.eigenvalues()
    assert values[0] == pytest.approx(1, abs=1e-12)
    assert abs(values[1]) == pytest.approx(0.6175, abs=5e-5)
    assert chain.spectral_gap == pytest.approx(1 - 0.6175, abs=5e-5)
    distances = [chain.distance_to_stationary(n) for n in (1, 2, 3, 4)]
    np.testing.assert_allclose(distances, [0.9288, 0.6931, 0.2517, 0.1728], atol=5e-5)
    assert chain.mixing_time() == 4
    assert chain.kemeny_constant() == pytest.approx(6.2496, abs=5e-5)


def test_the_period_of_the_article_string_shows_as_eigenvalues_of_a_long_training():
    run = bg.train("111101111011110", context_length=4, steps=600, seed=1337, n_layer=1, n_head=2, n_embd=16)
    values = run.chain.eigenvalues(3)
    assert run.losses[-1] < 5e-3
    same_values(values[1:], np.exp([2j * np.pi / 5, -2j * np.pi / 5]), 5e-3)


def test_the_limit_of_k_three_has_the_article_strings_shares():
    corpus = bg.Corpus.from_text("111101111011110", context_length=3)
    chain = bg.MarkovChain.from_corpus(corpus)
    seen = {"111": 0.4, "011": 0.2, "101": 0.2, "110": 0.2}
    for context, share in zip(chain.contexts(), chain.stationary_distribution(), strict=True):
        assert share == pytest.approx(seen.get(context, 0.0), abs=1e-14)
    assert chain.entropy_rate() == pytest.approx(0.4 * np.log(2), rel=1e-13)


# -- spectra known beforehand -------------------------------------------------------------------------------


@pytest.mark.parametrize(("V", "K"), SIZES)
def test_a_uniform_chain_has_the_spectrum_one_and_zeros_and_kemeny_n_minus_one(V, K):
    chain = uniform_chain(V, K)
    np.testing.assert_allclose(chain.eigenvalues(), [1] + [0] * (V**K - 1), atol=1e-14)
    assert chain.kemeny_constant() == pytest.approx(V**K - 1, rel=1e-12)
    assert chain.spectral_gap == pytest.approx(1, abs=1e-14)
    assert chain.distance_to_stationary(K) == pytest.approx(0, abs=1e-14)
    assert chain.distance_to_stationary(K - 1) == pytest.approx(1 - 1 / V, abs=1e-14)


@pytest.mark.parametrize("K", [1, 2, 3, 6, 10])
def test_a_source_of_order_one_keeps_its_two_eigenvalues_at_every_context_length(K):
    p, q = 0.15, 0.35  # 0 → 1 with p, 1 → 0 with q
    chain = chain_of([[1 - p, p] if s % 2 == 0 else [q, 1 - q] for s in range(2**K)])
    np.testing.assert_allclose(chain.eigenvalues(), [1, 1 - p - q] + [0] * (2**K - 2), atol=1e-13)


@pytest.mark.parametrize(("V", "r", "K"), [(2, 1, 3), (2, 2, 5), (3, 1, 3), (3, 2, 4), (2, 3, 4)])
def test_a_source_of_lower_order_keeps_its_spectrum_padded_with_zeros(V, r, K):
    probs = random_probs(r, V, r)
    lifted = chain_of(np.tile(probs, (V ** (K - r), 1)))  # the last r tokens are s mod V^r
    expected = np.concatenate([np.linalg.eigvals(dense(probs)), np.zeros(V**K - V**r)])
    same_values(lifted.eigenvalues(), expected, 1e-11)


@pytest.mark.parametrize(("V", "K"), SIZES)
def test_numpy_finds_the_same_eigenvalues(V, K):
    chain = random_chain(V, K, seed=4)
    found = chain.eigenvalues()
    same_values(found, np.linalg.eigvals(matrix(chain)), 1e-9)
    assert (np.diff(np.abs(found)) <= 1e-11).all()
    np.testing.assert_array_equal(chain.eigenvalues(2), found[:2])


@pytest.mark.parametrize("K", [1, 2, 3, 5])
def test_the_product_of_all_eigenvalues_is_what_the_oldest_token_changes(K):
    chain = random_chain(2, K, seed=K)
    by_words = 1.0
    for tail in map("".join, product("01", repeat=K - 1)):
        by_words *= abs(chain["0" + tail]["0"] - chain["1" + tail]["0"])
    assert abs(np.prod(chain.eigenvalues())) == pytest.approx(by_words, rel=1e-8)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_sums_of_powers_of_eigenvalues_are_the_chances_of_round_trips(n):
    chain = random_chain(3, 2, seed=n)
    trace = np.trace(np.linalg.matrix_power(matrix(chain), n))
    assert (chain.eigenvalues() ** n).sum() == pytest.approx(trace, abs=1e-12)


def test_short_contexts_add_only_zeros(article_run):
    P = article_run.chain.transition_matrix(short=True).toarray()
    expected = np.concatenate([article_run.chain.eigenvalues(), np.zeros(6)])
    # zeros of a defective matrix are smeared by finite precision, to about the cube root of 1e-16
    same_values(np.linalg.eigvals(P), expected, 1e-4)


@given(st.integers(0, 10**6), st.permutations(range(3)))
def test_renaming_tokens_changes_no_scalar(seed, order):
    K = 2
    chain = random_chain(3, K, seed)
    digits = np.array(list(product(range(3), repeat=K)))
    new = np.array(order)[digits] @ [3, 1]
    renamed = np.empty_like(chain.probs)
    renamed[new[:, None], np.array(order)] = chain.probs
    again = chain_of(renamed)
    np.testing.assert_allclose(again.stationary_distribution()[new], chain.stationary_distribution(), rtol=1e-12)
    same_values(again.eigenvalues(), chain.eigenvalues(), 1e-7)
    assert again.kemeny_constant() == pytest.approx(chain.kemeny_constant(), rel=1e-11)
    assert again.mixing_time() == chain.mixing_time()
    assert again.entropy_rate() == pytest.approx(chain.entropy_rate(), rel=1e-12)


def test_a_period_shows_on_the_unit_circle():
    chain = chain_of([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert chain.period() == 2
    same_values(chain.eigenvalues(2), [1, -1], 1e-12)
    assert chain.spectral_gap == pytest.approx(0, abs=1e-12)
    assert chain.mixing_time() == np.inf
    assert chain.distance_to_stationary(1001) == pytest.approx(0.5, abs=1e-12)


def test_a_period_is_no_obstacle_where_half_way_is_near_enough():
    chain = chain_of([[0.0, 1.0], [1.0, 0.0]])
    assert chain.distance_to_stationary(0) == pytest.approx(0.5)
    assert chain.mixing_time(0.6) == 0
    assert chain.mixing_time(0.49) == np.inf


# -- distances and mixing times -----------------------------------------------------------------------------


@pytest.mark.parametrize(("V", "K"), SIZES)
def test_distances_are_those_of_matrix_powers(V, K):
    chain = random_chain(V, K, seed=1)
    P = matrix(chain)
    for n in (0, 1, 2, 3, 7):
        assert chain.distance_to_stationary(n) == pytest.approx(worst_distance(P, n), abs=1e-12)
        pi = chain.stationary_distribution()
        far = np.abs(np.linalg.matrix_power(P, n) - pi).sum(axis=1) / 2
        for start in (0, V**K - 1):
            text = chain.context(start)
            assert chain.distance_to_stationary(n, start=start) == pytest.approx(far[start], abs=1e-12)
            assert chain.distance_to_stationary(n, start=text) == chain.distance_to_stationary(n, start=start)


@given(st.integers(0, 10**6), st.sampled_from([0.01, 0.1, 0.25, 0.5, 0.9]))
def test_the_mixing_time_is_the_first_time_near_enough(seed, epsilon):
    chain = random_chain(2, 3, seed, concentration=0.3)
    t = chain.mixing_time(epsilon)
    assert chain.distance_to_stationary(t) <= epsilon + 1e-12
    if t:
        assert chain.distance_to_stationary(t - 1) > epsilon - 1e-12


def test_noisy_parity_mixes_after_as_many_tokens_as_brute_force_says():
    """With the parity of all three tokens flipped once in a thousand, d crosses ¼ between 1,148 and 1,149 tokens."""
    P = dense(noisy_parity(1e-3))
    rows, distances = np.eye(8), []
    for _ in range(1150):
        distances.append(np.abs(rows - 1 / 8).sum(axis=1).max() / 2)
        rows = rows @ P
    assert distances[1148] > 0.25 >= distances[1149]
    assert min(distances[:1149]) > 0.25
    assert chain_of(noisy_parity(1e-3)).mixing_time() == 1149


@pytest.mark.parametrize("noise", [1e-4, 1e-6, 1e-8])
def test_mixing_takes_ever_longer_in_proportion_to_the_noise(noise):
    # to first order the walk is a jump process of rate noise: its mixing time is 1.148 / noise
    assert chain_of(noisy_parity(noise)).mixing_time() * noise == pytest.approx(1.1486, abs=2e-3)


@pytest.mark.parametrize("exponent", [0, 3, 6, 9, 12, 15, 18, 21])
def test_after_a_very_long_time_everything_is_forgotten(exponent):
    chain = random_chain(2, 3, 0)
    assert chain.distance_to_stationary(10**exponent) == pytest.approx(
        chain.distance_to_stationary(1) if exponent == 0 else 0, abs=1e-10
    )


def test_a_chain_already_there_needs_no_token():
    assert uniform_chain(2, 1).mixing_time(0.5) == 0
    assert uniform_chain(2, 1).mixing_time(0.49) == 1


@pytest.mark.parametrize("seed", range(5))
def test_transient_states_do_not_hinder_mixing(seed):
    chain = sparse_chain(3, 2, seed, 0.3)
    P = matrix(chain)
    if len(chain.recurrent_classes()) > 1 or chain.period() > 1:
        pytest.skip("several classes or a period: no mixing")
    t = chain.mixing_time()
    assert worst_distance(P, t) <= 0.25 < (worst_distance(P, t - 1) if t else 1)


@pytest.mark.parametrize("epsilon", [0, 1, -0.1, 2, float("nan"), float("inf")])
def test_a_distance_that_is_none_is_refused(epsilon):
    with pytest.raises(SettingError, match="epsilon="):
        uniform_chain(2, 2).mixing_time(epsilon)


@pytest.mark.parametrize("n", [-1, 1.5, True, None])
def test_a_number_of_tokens_that_is_none_is_refused(n):
    with pytest.raises(SettingError, match="n="):
        uniform_chain(2, 2).distance_to_stationary(n)


@pytest.mark.parametrize("k", [0, -1, 2.0, 5])
def test_a_number_of_eigenvalues_that_there_is_not_is_refused(k):
    with pytest.raises(SettingError, match="k="):
        uniform_chain(2, 2).eigenvalues(k)


# -- Kemeny -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("V", "K"), SIZES)
def test_kemenys_constant_is_the_trace_of_the_fundamental_matrix_and_the_sum_over_eigenvalues(V, K):
    chain = random_chain(V, K, seed=2)
    P, pi = matrix(chain), chain.stationary_distribution()
    Z = np.linalg.inv(np.eye(len(P)) - P + np.outer(np.ones(len(P)), pi))
    assert chain.kemeny_constant() == pytest.approx(np.trace(Z) - 1, rel=1e-11)
    assert chain.kemeny_constant() == pytest.approx((1 / (1 - chain.eigenvalues()[1:])).sum().real, rel=1e-8)


@given(st.integers(0, 10**6))
def test_kemenys_constant_is_the_same_from_every_start(seed):
    chain = random_chain(3, 2, seed)
    pi = chain.stationary_distribution()
    times = np.column_stack([chain.hitting_times(s) for s in range(9)])
    np.testing.assert_allclose(times @ pi, chain.kemeny_constant(), rtol=1e-11)


@pytest.mark.parametrize("noise", [1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("K", [2, 3, 4])
def test_kemenys_constant_agrees_with_sixty_digits_where_states_hardly_communicate(noise, K):
    chain = chain_of(noisy_parity(noise, K))
    assert chain.kemeny_constant() == pytest.approx(exact_kemeny(matrix(chain)), rel=1e-12)
    lop_sided = noise * np.random.default_rng(K).uniform(0.1, 10, size=(2**K, 1))
    chain = chain_of(np.where(noisy_parity(0.1, K) > 0.5, 1 - lop_sided, lop_sided))
    assert chain.kemeny_constant() == pytest.approx(exact_kemeny(matrix(chain)), rel=1e-12)


@pytest.mark.parametrize("temperature", [0.3, 0.1, 0.05])
def test_kemenys_constant_of_the_cold_article_chain_agrees_with_many_digits(article_run, temperature):
    chain = article_run.chain.with_decoding(temperature=temperature)
    assert chain.kemeny_constant() == pytest.approx(exact_kemeny(matrix(chain), 120), rel=1e-12)


def test_kemenys_constant_is_refused_where_some_state_is_never_reached():
    with pytest.raises(SettingError, match="never reached"):
        chain_of([[1.0, 0.0], [0.5, 0.5]]).kemeny_constant()


def test_a_periodic_chain_has_a_kemeny_constant():
    assert chain_of([[0.0, 1.0], [1.0, 0.0]]).kemeny_constant() == pytest.approx(0.5)


# -- large chains -------------------------------------------------------------------------------------------


def test_the_large_road_gives_the_eigenvalues_of_the_dense_one(monkeypatch):
    chain = random_chain(2, 9, seed=0)
    whole = chain.eigenvalues()
    monkeypatch.setattr(spectrum, "MAX_SPECTRUM", 8)
    found = chain.eigenvalues(4)
    np.testing.assert_allclose(np.abs(found), np.abs(whole[:4]), atol=1e-7)
    same_values(found[:1], [1], 1e-9)


def test_the_large_road_gives_the_distances_of_the_dense_one(monkeypatch):
    for seed in range(3):
        chain = random_chain(2, 6, seed, concentration=0.4)
        starts = (None, 0, 41)
        dense_answers = [chain.distance_to_stationary(n, s) for n in (0, 1, 5, 20) for s in starts]
        times = [chain.mixing_time(epsilon) for epsilon in (0.5, 0.25, 0.01)]
        with monkeypatch.context() as patch:
            patch.setattr(mixing, "WALKED", 2)
            patch.setattr(mixing, "MODES", 3)
            patch.setattr(mixing, "DROPPED", 1e-16)
            patch.setattr(stationary, "MAX_ELIMINATION", 8)
            again = chain_of(chain.probs)
            found = [again.distance_to_stationary(n, s) for n in (0, 1, 5, 20) for s in starts]
            np.testing.assert_allclose(found, dense_answers, atol=1e-10)
            assert [again.mixing_time(epsilon) for epsilon in (0.5, 0.25, 0.01)] == times


@pytest.mark.slow
def test_a_chain_just_above_the_limit_agrees_with_numpy():
    chain = random_chain(2, 11, seed=7)
    P = matrix(chain)
    pi = chain.stationary_distribution()
    np.testing.assert_allclose(pi @ P, pi, atol=1e-13)
    n = 3
    power = np.linalg.matrix_power(P, n)
    expected = np.abs(power - pi).sum(axis=1).max() / 2
    assert chain.distance_to_stationary(n) == pytest.approx(expected, abs=1e-10)
    t = chain.mixing_time()
    far = np.linalg.matrix_power(P, t)
    assert np.abs(far - pi).sum(axis=1).max() / 2 <= 0.25
    before = np.linalg.matrix_power(P, t - 1)
    assert np.abs(before - pi).sum(axis=1).max() / 2 > 0.25


def test_the_largest_eigenvalues_of_a_large_chain_are_eigenvalues():
    chain = random_chain(2, 12, seed=7)
    values = chain.eigenvalues(4)
    assert values[0] == pytest.approx(1, abs=1e-8)
    # where P − λ is nearly singular its inverse is huge
    b = np.random.default_rng(0).normal(size=4096)
    for value in values[1:]:
        solved = splu((chain.transition_matrix() - value * eye_array(4096)).tocsc()).solve(b.astype(complex))
        assert np.linalg.norm(solved) > 1e5 * np.linalg.norm(b)


def test_what_needs_all_pairs_of_states_refuses_large_chains():
    chain = random_chain(2, 12, 0)
    with pytest.raises(SizeError, match=r"4,096 states.*limit is 1,024.*hitting_times"):
        chain.kemeny_constant()
    with pytest.raises(SizeError, match=r"4,096 states with different futures.*limit is 2,048.*eigenvalues\(k=6\)"):
        chain.eigenvalues()
    larger = uniform_chain(2, 13)
    with pytest.raises(SizeError, match=r"8,192 starts.*limit is 4,096.*start=…"):
        larger.mixing_time()
    with pytest.raises(SizeError, match=r"8,192 starts"):
        larger.distance_to_stationary(2)
    assert larger.distance_to_stationary(13, start=0) == pytest.approx(0, abs=1e-12)


def test_all_eigenvalues_of_a_large_chain_with_few_futures_are_known():
    values = uniform_chain(2, 14).eigenvalues()
    assert len(values) == 2**14
    assert abs(values[0]) == pytest.approx(1)
    assert not values[1:].any()


def test_a_large_chain_that_mixes_too_slowly_says_at_once_how_long_it_takes(monkeypatch):
    monkeypatch.setattr(mixing, "MAX_WORK", 2 * 16**3)
    chain = chain_of(noisy_parity(1e-6, 4))
    match = r"spectral gap of 8e-07 it takes at least \d{3},\d{3} tokens.*16 states are followed for 64 at most"
    with pytest.raises(ConvergenceError, match=match):
        chain.mixing_time()
    monkeypatch.setattr(mixing, "_check_patience", lambda *_: None)
    with pytest.raises(
        ConvergenceError, match=r"After 64 tokens the worst start is still more than 0.25 from π: 0\.\d+"
    ):
        chain.mixing_time()
    with pytest.raises(ConvergenceError, match=r"After 128 tokens the worst start is still 0\.\d+ from π"):
        chain.distance_to_stationary(10**6)
    monkeypatch.setattr(mixing, "MAX_STARTS", 8)
    monkeypatch.setattr(mixing, "MAX_TOKENS", 50)
    with pytest.raises(ConvergenceError, match=r"16 states is followed for 50 tokens at most.*Up to 8 states"):
        chain.distance_to_stationary(51, start=0)


# -- rounding -----------------------------------------------------------------------------------------------


def two_states(a, b):
    return chain_of([[1 - a, a], [b, 1 - b]])


@pytest.mark.parametrize(("a", "epsilon"), [(0.45, 0.05), (0.35, 0.15), (0.475, 0.025), (0.4999, 0.0001), (0.05, 0.45)])
def test_a_distance_that_is_exactly_epsilon_is_near_enough(a, epsilon):
    chain = two_states(a, a)  # d(1) = ½ |1 − 2a|
    assert chain.mixing_time(epsilon) == 1
    assert chain.mixing_time(epsilon * (1 - 1e-9)) > 1
    assert chain.mixing_time(0.5 * (1 - 2 * a) ** 3) == 3


def test_ties_of_all_denominators_up_to_forty_add_no_token():
    for n in range(3, 41):
        for i in range(1, (n + 1) // 2):
            chain = two_states(i / n, i / n)
            for tokens in (1, 2, 3):
                epsilon = abs(n - 2 * i) ** tokens / n**tokens / 2
                assert chain.mixing_time(epsilon) == tokens


def test_the_winning_streak_mixes_in_two_tokens_and_its_reversal_in_five():
    """Levin and Peres, section 4.6: the same π, the same eigenvalues, other mixing times."""
    n = 5
    P = np.zeros((n + 1, n + 1))
    P[:, 0] = 0.5
    P[np.arange(n), np.arange(1, n + 1)] = 0.5
    P[n, n] = 0.5
    names = bg.Vocabulary.numbers(n + 1)
    streak = chain_of(P, names)
    pi = streak.stationary_distribution()
    np.testing.assert_allclose(pi, [2.0 ** -(i + 1) for i in range(n)] + [2.0**-n], rtol=1e-14)
    assert streak.mixing_time() == 2
    assert chain_of(P.T * pi / pi[:, None], names).mixing_time() == n


@pytest.mark.parametrize(("a", "b"), [(1e-9, 1e-12), (0.3, 0.1), (1e-3, 1e-5), (0.9, 0.8), (0.2, 0.7)])
def test_distances_of_two_states_keep_their_digits_however_small_or_late(a, b):
    chain = two_states(a, b)
    for n in (0, 1, 5, 31, 32, 33, 64, 65, 100, 999, 10**6, 10**10, 1_383_910_950):
        rate = np.log1p(-(a + b)) if a + b < 1 else np.log(a + b - 1)
        expected = max(a, b) / (a + b) * np.exp(n * rate)
        assert chain.distance_to_stationary(n) == pytest.approx(expected, rel=1e-10, abs=1e-280)
    if a == 1e-9:
        assert chain.mixing_time() == 1_383_910_950


# -- slow chains of many states -----------------------------------------------------------------------------


def repeating(K, e):
    """Return the chain that repeats its last token except with probability e: d(n) = (1 − 2e)^{n−K+1} / 2."""
    return chain_of(np.where(np.arange(2**K)[:, None] % 2 == np.arange(2), 1 - e, e))


@pytest.mark.slow
@pytest.mark.parametrize(("K", "e", "tokens"), [(3, 1e-3, 349), (8, 1e-3, 354), (11, 1e-3, 357), (11, 1e-6, 346_584)])
def test_a_chain_that_repeats_its_last_token_mixes_as_late_as_its_closed_form_says(K, e, tokens):
    chain = repeating(K, e)
    assert tokens == np.ceil(np.log(0.5) / np.log1p(-2 * e)) + K - 1
    assert chain.mixing_time() == tokens
    for n in (1000, 10**7) if K < 11 else (1000,):
        expected = 0.5 * np.exp((n - K + 1) * np.log1p(-2 * e))
        assert chain.distance_to_stationary(n) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("noise", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("seed", range(2))
def test_thin_powers_give_the_times_of_whole_ones(monkeypatch, noise, seed):
    rate = noise * np.random.default_rng(seed).uniform(0.2, 5, size=2**9)[:, None]
    repeat = np.arange(2**9)[:, None] % 2 == np.arange(2)
    chain = chain_of(np.where(repeat, 1 - rate, rate))
    found = [chain.mixing_time(epsilon) for epsilon in (0.4, 0.25, 1e-3)]
    monkeypatch.setattr(mixing, "DROPPED", -1.0)  # none is thin enough
    assert [chain.mixing_time(epsilon) for epsilon in (0.4, 0.25, 1e-3)] == found


def test_a_chain_that_will_not_mix_in_ages_says_so():
    with pytest.raises(ConvergenceError, match=r"still more than 0\.25"):
        chain_of(noisy_parity(1e-25)).mixing_time()


@pytest.mark.parametrize("start", ["0", "1", "01", "10"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 7])
def test_a_short_start_is_followed_until_it_is_a_state(article_run, start, n):
    chain = article_run.chain
    P = chain.transition_matrix(short=True).toarray()
    names = list(chain.contexts(short=True))
    walked = np.linalg.matrix_power(P, n)[names.index(start)]
    pi = np.concatenate([np.zeros(6), chain.stationary_distribution()])
    assert chain.distance_to_stationary(n, start) == pytest.approx(np.abs(walked - pi).sum() / 2, abs=1e-12)
