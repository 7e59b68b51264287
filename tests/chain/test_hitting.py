from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from witnesses import (
    chain_of,
    dense,
    exact_hitting_times,
    matrix,
    noisy_parity,
    random_chain,
    sparse_chain,
    uniform_chain,
    word_probability,
    words,
)

from babygpt.chain import hitting, stationary
from babygpt.errors import ContextError, ConvergenceError, SettingError, VocabularyError


def leading_number(a, b, V):
    """Return Conway's (a:b): Σ V^k over the lengths k at which the end of a is the beginning of b."""
    return sum(V**k for k in range(1, len(a) + 1) if a[-k:] == b[:k])


def ends_in_one_of(said, targets):
    return any(said.endswith(target) for target in targets)


def by_all_paths(chain, start, targets, within):
    """Add up the probabilities of all words of ``within`` tokens that bring the text to end in a target."""
    total = 0.0
    for word in words(chain.vocabulary.symbols, within):
        said = [(start + word)[: len(start) + i] for i in range(within + 1)]
        if any(ends_in_one_of(text, targets) for text in said):
            total += word_probability(chain, start, word)
    return total


# -- expected times -----------------------------------------------------------------------------------------


def test_articles_longest_expected_wait_is_from_101_to_000(article_run):
    chain = article_run.chain
    times = {(u, v): t for v in chain.contexts() for u, t in zip(chain.contexts(), chain.hitting_times(v), strict=True)}
    assert max(times, key=times.get) == ("101", "000")
    assert times["101", "000"] == pytest.approx(73.44, abs=5e-3)


@pytest.mark.parametrize(("V", "K"), [(2, 1), (2, 2), (2, 3), (2, 4), (3, 2), (4, 2), (5, 1)])
def test_uniform_hitting_times_are_conways_leading_numbers(V, K):
    chain = uniform_chain(V, K)
    for v in chain.contexts():
        expected = [leading_number(v, v, V) - leading_number(u, v, V) for u in chain.contexts()]
        np.testing.assert_allclose(chain.hitting_times(v), expected, rtol=1e-12)
    if (V, K) == (2, 3):
        assert chain.hitting_times("111")[0] == pytest.approx(14)
        assert chain.hitting_times("101")[0] == pytest.approx(10)


@pytest.mark.parametrize("pattern", ["0", "1", "01", "11", "001"])
def test_shorter_patterns_are_hit_as_conway_says_too(pattern):
    chain = uniform_chain(2, 4)
    for start, time in zip(chain.contexts(), chain.hitting_times(pattern), strict=True):
        # an end of the start that is a beginning of the pattern is a head start
        wait = leading_number(pattern, pattern, 2) - sum(
            2**k for k in range(1, len(pattern) + 1) if start[-k:] == pattern[:k]
        )
        assert time == pytest.approx(wait, abs=1e-12)


@given(st.integers(0, 10**6), st.sampled_from([(2, 1), (2, 4), (3, 2), (4, 2)]), st.data())
def test_numpy_solves_the_same_hitting_times(seed, size, data):
    chain = random_chain(*size, seed)
    N = chain.n_states
    targets = sorted(data.draw(st.sets(st.integers(0, N - 1), min_size=1, max_size=3)))
    inside = np.setdiff1d(np.arange(N), targets)
    expected = np.zeros(N)
    A = np.eye(len(inside)) - matrix(chain)[np.ix_(inside, inside)]
    expected[inside] = np.linalg.solve(A, np.ones(len(inside)))
    np.testing.assert_allclose(chain.hitting_times(targets), expected, rtol=1e-8)


@pytest.mark.parametrize("seed", range(10))
def test_times_are_infinite_exactly_where_the_target_may_be_missed(seed):
    chain = sparse_chain(2, 4, seed, 0.35)
    P = matrix(chain)
    for target in range(16):
        # in the chain that stays in its target, the probability to be there in the end
        stopped = P.copy()
        stopped[target] = np.eye(16)[target]
        arrives = np.linalg.matrix_power(stopped, 2**20)[:, target]
        times = chain.hitting_times(target)
        np.testing.assert_array_equal(np.isfinite(times), arrives > 1 - 1e-9)
        finite = np.isfinite(times)
        again = np.where(np.arange(16) == target, 0, 1 + P[:, finite] @ times[finite])
        np.testing.assert_allclose(times[finite], again[finite], rtol=1e-9)


@pytest.mark.parametrize("noise", [1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("K", [2, 3, 4])
def test_sixty_digits_give_the_same_hitting_times_where_states_hardly_communicate(noise, K):
    chain = chain_of(noisy_parity(noise, K))
    P = dense(chain.probs)
    for target in (0, 1, 2**K - 2, 2**K - 1):
        np.testing.assert_allclose(chain.hitting_times(target), exact_hitting_times(P, [target]), rtol=1e-13)


@pytest.mark.parametrize("temperature", [0.3, 0.1, 0.05])
def test_many_digits_give_the_same_hitting_times_of_the_cold_article_chain(article_run, temperature):
    chain = article_run.chain.with_decoding(temperature=temperature)
    for target in (0, 3, 7):
        expected = exact_hitting_times(matrix(chain), [target], 120)
        np.testing.assert_allclose(chain.hitting_times(target), expected, rtol=1e-13)


@given(st.integers(0, 10**6), st.data())
def test_a_larger_target_is_hit_no_later(seed, data):
    chain = random_chain(2, 3, seed)
    small = data.draw(st.sets(st.integers(0, 7), min_size=1, max_size=3))
    large = small | data.draw(st.sets(st.integers(0, 7), min_size=1, max_size=3))
    assert (chain.hitting_times(large) <= chain.hitting_times(small) * (1 + 1e-12)).all()
    for n in (0, 1, 4):
        sooner, later = chain.hitting_probability(large, n), chain.hitting_probability(small, n)
        assert (sooner >= later - 1e-12).all()


@given(st.integers(0, 10**6), st.integers(0, 8), st.integers(0, 8), st.integers(0, 8))
def test_a_detour_is_never_shorter(seed, u, v, w):
    chain = random_chain(3, 2, seed)
    to_v, to_w = chain.hitting_times(v), chain.hitting_times(w)
    assert to_w[u] <= (to_v[u] + to_w[v]) * (1 + 1e-12)


@given(st.integers(0, 10**6), st.integers(0, 7))
def test_the_mean_time_to_return_is_one_over_the_share(seed, state):
    """Kac: a lemma that ties hitting times to the stationary distribution."""
    chain = random_chain(2, 3, seed)
    back = 1 + matrix(chain)[state] @ chain.hitting_times(state)
    assert back == pytest.approx(1 / chain.stationary_distribution()[state], rel=1e-10)


def test_expected_times_are_the_sum_of_the_chances_to_be_still_waiting():
    chain = random_chain(2, 3, 0)
    waiting = sum(1 - chain.hitting_probability("01", n) for n in range(200))
    np.testing.assert_allclose(chain.hitting_times("01"), waiting, rtol=1e-9)


# -- probabilities ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("V", "K", "targets"),
    [
        (2, 2, ["11"]), (2, 2, ["0"]), (2, 3, ["101"]), (2, 3, ["11"]), (2, 3, ["1", "000"]),
        (2, 3, ["00", "111"]), (3, 2, ["02"]), (3, 2, ["2"]), (3, 2, ["1", "20"]), (2, 1, ["1"]),
    ],
)  # fmt: skip
def test_all_paths_added_up_give_the_same_probability(V, K, targets):
    chain = random_chain(V, K, seed=K, short=True)
    target = targets[0] if len(targets) == 1 else targets
    starts = [c for c in chain.contexts(short=True) if chain.row(c) is not None]
    for within in range(6 if V == 2 else 5):
        for start in starts:
            expected = by_all_paths(chain, start, targets, within)
            assert chain.hitting_probability(target, within, start=start) == pytest.approx(expected, abs=1e-14)
        everywhere = chain.hitting_probability(target, within)
        for state, text in enumerate(words(chain.vocabulary.symbols, K)):
            assert everywhere[state] == pytest.approx(by_all_paths(chain, text, targets, within), abs=1e-14)


def test_being_there_at_the_start_counts():
    chain = random_chain(2, 3, short=True)
    assert chain.hitting_probability("101", 0, start="101") == 1
    assert chain.hitting_probability("01", 0, start="101") == 1
    assert chain.hitting_probability("1", 0, start="1") == 1
    assert chain.hitting_probability("01", 0, start="01") == 1
    assert chain.hitting_probability("11", 0, start="1") == 0
    assert chain.hitting_probability("11", 0, start="101") == 0
    assert chain.hitting_times("1")[[1, 3, 5, 7]].tolist() == [0, 0, 0, 0]


def test_targets_may_be_told_by_text_by_number_or_by_several():
    chain = random_chain(2, 3, short=True)
    by_text = chain.hitting_times("101")
    np.testing.assert_array_equal(chain.hitting_times(5), by_text)
    np.testing.assert_array_equal(chain.hitting_times(np.int64(5)), by_text)
    np.testing.assert_array_equal(chain.hitting_times([5, "101"]), by_text)
    np.testing.assert_array_equal(chain.hitting_times(np.array([5])), by_text)
    np.testing.assert_array_equal(chain.hitting_times({"01"}), chain.hitting_times([1, 5]))
    np.testing.assert_array_equal(chain.hitting_times(s for s in ("101", 1)), chain.hitting_times("01"))


@pytest.mark.parametrize("target", [5, np.int64(5), [5], np.array([5]), "101", iter(["101"])])
def test_every_kind_of_target_works_from_a_short_start_too(target):
    chain = random_chain(2, 3, short=True)
    assert chain.hitting_probability(target, 4, start="1") == pytest.approx(by_all_paths(chain, "1", ["101"], 4))


@pytest.mark.parametrize("start", ["1", None, "101"])
@pytest.mark.parametrize("target", [None, 2.5, True])
def test_what_is_no_target_is_refused_from_any_start(target, start):
    with pytest.raises(ContextError, match="is no target"):
        random_chain(2, 3, short=True).hitting_probability(target, 4, start=start)


def test_a_target_out_of_reach_has_probability_zero_and_infinite_time():
    chain = chain_of([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.5, 0.5]])
    assert chain.hitting_probability("11", 1000, start="00") == 0
    assert chain.hitting_times("11").tolist() == [np.inf, np.inf, np.inf, 0]
    # h(10) = 1 + h(01) / 2, h(01) = 1 + h(10), h(11) = 1 + h(10) / 2 + h(11) / 2
    assert chain.hitting_times("00").tolist() == [0, 4, 3, 5]


def test_probabilities_grow_to_the_chance_of_ever_arriving():
    chain = sparse_chain(2, 3, 3, 0.4)
    for target in range(8):
        series = np.array([chain.hitting_probability(target, n) for n in (0, 1, 2, 4, 8, 16, 400)])
        assert (np.diff(series, axis=0) >= -1e-14).all()
        assert series.min() >= 0
        assert series.max() <= 1


def test_a_simulation_says_a_word_as_often_as_computed(article_run):
    chain = article_run.chain
    said = sum("000" in "1" + chain.sample("1", 12, seed=seed) for seed in range(2000))
    p = chain.hitting_probability("000", 12, start="1")
    assert said / 2000 == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 2000))


# -- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["", [], -1, 8, 10**30, None, 1.5, True, [[]], ["101", 9], ["10111", ""]])
def test_targets_that_are_none_are_refused(article_run, target):
    with pytest.raises(ContextError):
        article_run.chain.hitting_times(target)


def test_unknown_symbols_in_a_target_are_refused(article_run):
    with pytest.raises(VocabularyError, match="'2'"):
        article_run.chain.hitting_times("12")
    with pytest.raises(VocabularyError, match="'2'"):
        article_run.chain.hitting_probability("12", 3, start="1")


@pytest.mark.parametrize("start", ["", "1011", 8, -1, 1.5, True, [0, 5], [5]])
def test_starts_that_are_none_are_refused(article_run, start):
    with pytest.raises(ContextError):
        article_run.chain.hitting_probability("101", 3, start=start)


def test_a_short_start_needs_a_chain_with_short_contexts():
    with pytest.raises(ContextError, match="only contexts of 3"):
        random_chain(2, 3).hitting_probability("101", 3, start="1")


@pytest.mark.parametrize("within", [-1, 1.5, None, True])
@pytest.mark.parametrize("start", [None, "1", "101"])
def test_numbers_of_tokens_that_are_none_are_refused(article_run, within, start):
    with pytest.raises(SettingError, match="within="):
        article_run.chain.hitting_probability("101", within, start=start)


# -- large chains -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("concentration", [1.0, 0.2])
def test_iteration_gives_the_hitting_times_of_elimination(monkeypatch, seed, concentration):
    chain = random_chain(2, 7, seed, concentration=concentration)
    targets = ["1011011", "01", ["0000000", 77]]
    solved = [chain.hitting_times(t) for t in targets]
    monkeypatch.setattr(hitting, "MAX_ELIMINATION", 8)
    for target, expected in zip(targets, solved, strict=True):
        try:
            found = chain.hitting_times(target)
        except ConvergenceError as error:
            assert "off by" in str(error)  # noqa: PT017
            continue
        np.testing.assert_allclose(found, expected, atol=1e-6 * expected.max())


@pytest.mark.parametrize("seed", range(5))
def test_iteration_on_chains_with_missing_arrows_is_right_or_raises(monkeypatch, seed):
    chain = sparse_chain(2, 6, seed, 0.3)
    solved = [chain.hitting_times(t) for t in range(0, 64, 9)]
    monkeypatch.setattr(hitting, "MAX_ELIMINATION", 2)
    monkeypatch.setattr(stationary, "MAX_ELIMINATION", 2)
    again = chain_of(chain.probs)
    for target, expected in zip(range(0, 64, 9), solved, strict=True):
        try:
            found = again.hitting_times(target)
        except ConvergenceError:
            continue
        np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
        finite = np.isfinite(expected)
        np.testing.assert_allclose(found[finite], expected[finite], atol=1e-6 * expected[finite].max() + 1e-12)


@pytest.mark.parametrize("noise", [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12])
def test_iteration_on_a_nearly_reducible_chain_is_right_or_raises(monkeypatch, noise):
    chain = chain_of(noisy_parity(noise, 5))
    expected = chain.hitting_times(5)
    monkeypatch.setattr(hitting, "MAX_ELIMINATION", 8)
    try:
        found = chain.hitting_times(5)
    except ConvergenceError as error:
        assert "off by" in str(error)  # noqa: PT017
        return
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())


def test_a_chain_just_above_the_limit_agrees_with_numpy():
    chain = random_chain(2, 11, seed=5)
    target = chain.state("10110111011")
    inside = np.delete(np.arange(2048), target)
    expected = np.zeros(2048)
    A = np.eye(2047) - matrix(chain)[np.ix_(inside, inside)]
    expected[inside] = np.linalg.solve(A, np.ones(2047))
    np.testing.assert_allclose(chain.hitting_times(target), expected, rtol=1e-6)
    uniform = uniform_chain(2, 12)
    for v in ("110110110110", "000000000001"):
        times = uniform.hitting_times(v)
        for u in ("000000000000", "110110110110", "011011011011"):
            expected = leading_number(v, v, 2) - leading_number(u, v, 2)
            assert times[uniform.state(u)] == pytest.approx(expected, rel=1e-6, abs=1e-3)


def test_words_over_three_symbols_are_counted_as_well():
    chain = random_chain(3, 2, seed=9, short=True)
    for start, target in product(["0", "1", "2"], ["0", "12", "21"]):
        expected = by_all_paths(chain, start, [target], 4)
        assert chain.hitting_probability(target, 4, start=start) == pytest.approx(expected, abs=1e-14)
