from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import random_source

import babygpt as bg
from babygpt.lab import sources
from babygpt.lab.entropy_rate import enclose
from babygpt.lab.hidden_markov import Source

EVEN = sources.even_process()


def by_all_paths(source, text):
    """Return the probability of saying a text and then being in each state, summed over all hidden paths: (S,)."""
    total, tokens = np.zeros(source.n_states), source.vocabulary.encode(text)
    for path in product(range(source.n_states), repeat=len(text) + 1):
        p = source.stationary()[path[0]]
        for token, before, after in zip(tokens, path[:-1], path[1:], strict=True):
            p *= source.transitions[token, before, after]
        total[path[-1]] += p
    return total


def texts(source, length):
    return ["".join(letters) for letters in product(source.vocabulary, repeat=length)]


def block_entropy(source, length):
    """Return the entropy of a text of ``length`` tokens, its probability by matrix products one text at a time."""
    total = 0.0
    for text in texts(source, length):
        row = source.stationary()
        for token in source.vocabulary.encode(text):
            row = row @ source.transitions[token]
        if row.sum() > 0:
            total -= row.sum() * np.log(row.sum())
    return total


# -- beliefs and contexts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [random_source(2, 3, 1), random_source(3, 2, 2), random_source(2, 3, 3, sparse=True), EVEN, sources.mess3()],
    ids=["dense", "three symbols", "sparse", "even", "mess3"],
)
@pytest.mark.parametrize("K", [0, 1, 3])
def test_beliefs_weights_and_probabilities_are_those_of_bayes_rule_over_all_hidden_paths(source, K):
    reached = np.array([by_all_paths(source, text) for text in texts(source, K)])
    weights = reached.sum(axis=1)
    np.testing.assert_allclose(source.context_weights(K), weights, atol=1e-15)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(source.belief_states(K), reached / weights[:, None], atol=1e-13)
        longer = np.array(
            [[by_all_paths(source, text + x).sum() for x in source.vocabulary] for text in texts(source, K)]
        )
        np.testing.assert_allclose(source.context_probs(K), longer / weights[:, None], atol=1e-13)


def test_what_is_never_said_is_nan_and_only_that():
    impossible = [text for text, p in zip(texts(EVEN, 3), EVEN.context_probs(3), strict=True) if np.isnan(p).any()]
    assert impossible == ["010"]  # a single 1 between 0s
    assert np.isnan(EVEN.belief_states(3)[0b010]).all()
    assert EVEN.context_weights(3)[0b010] == 0.0


def test_beliefs_after_very_unlikely_contexts_are_exact_although_their_weight_underflows():
    rare = 1e-120
    source = sources.markov([[1 - rare, rare], [1 - rare, rare]])
    assert source.context_weights(3)[0b111] == 0.0  # 1e-360
    np.testing.assert_allclose(source.context_probs(3)[0b111], [1.0, rare], rtol=1e-12)


def test_an_observer_of_a_unifilar_source_who_knows_its_state_keeps_knowing_it():
    beliefs = EVEN.belief_states(4)
    for text, belief in zip(texts(EVEN, 4), beliefs, strict=True):
        if "0" in text and not np.isnan(belief).any():
            assert sorted(belief) == [0.0, 1.0]
    np.testing.assert_allclose(beliefs[0b1111], [2 / 3, 1 / 3], atol=1e-15)


def test_states_that_are_left_for_good_are_never_believed_in():
    T = np.zeros((2, 3, 3))
    T[0, 0, 1], T[0, 1, 2], T[1, 2, 1] = 1.0, 1.0, 1.0  # state 0 leads into 1 ⇄ 2
    source = Source(T)
    np.testing.assert_array_equal(source.stationary(), [0.0, 0.5, 0.5])
    assert (source.belief_states(1)[:, 0] == 0.0).all()
    assert source.optimal_loss(1) == 0.0


# -- optimal loss and entropy rate -----------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(2, 3), st.integers(1, 4), st.booleans())
def test_the_optimal_loss_is_the_difference_of_two_block_entropies(seed, V, S, sparse):
    source = random_source(V, S, seed, sparse)
    H = [block_entropy(source, length) for length in range(5)]
    np.testing.assert_allclose([source.optimal_loss(K) for K in range(4)], np.diff(H), atol=1e-12)


@given(st.integers(0, 10**6), st.booleans())
def test_the_optimal_loss_falls_with_the_context_and_stays_above_the_entropy_rate(seed, sparse):
    source = random_source(2, 3, seed, sparse)
    losses = [source.optimal_loss(K) for K in range(9)]
    assert (np.diff(losses) <= 1e-13).all()
    assert losses[-1] >= enclose(source.transitions, source.stationary(), max_work=5000).lower - 1e-13
    assert losses[0] <= np.log(2) + 1e-13


@pytest.mark.parametrize("source", [EVEN, sources.mess3(), sources.golden_mean()], ids=lambda source: source.name)
def test_the_optimal_loss_comes_down_to_the_entropy_rate(source):
    gaps = [source.optimal_loss(K) - source.entropy_rate() for K in (1, 4, 8, 12)]
    assert gaps[-1] < 5e-3
    assert all(later <= earlier / 2 + 1e-12 for earlier, later in pairwise(gaps))


def test_the_entropy_rate_is_told_in_any_unit():
    assert EVEN.entropy_rate(2) == pytest.approx(EVEN.entropy_rate() / np.log(2), abs=1e-15)
    with pytest.raises(bg.SettingError, match="base=1 measures nothing"):
        EVEN.entropy_rate(1)


def test_unifilar_is_who_is_led_on_by_the_symbol_alone():
    assert EVEN.is_unifilar
    assert not sources.mess3().is_unifilar
    T = np.zeros((2, 3, 3))  # state 2 has two ways with the same symbol, but is left for good
    T[0, 0, 1] = T[1, 1, 0] = 1.0
    T[0, 2, 0] = T[0, 2, 1] = 0.5
    assert Source(T).is_unifilar


# -- the best chain --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source", [EVEN, sources.rrxor(), sources.mess3(), random_source(3, 3, 7), sources.periodic("00101")], ids=repr
)
@pytest.mark.parametrize("K", [1, 2, 4])
def test_the_best_chain_visits_contexts_as_often_as_the_source_and_its_entropy_rate_is_the_optimal_loss(source, K):
    chain = source.chain(K)
    np.testing.assert_allclose(chain.stationary_distribution(), source.context_weights(K), atol=1e-12)
    assert chain.entropy_rate() == pytest.approx(source.optimal_loss(K), abs=1e-12)


def test_the_best_chain_speaks_after_short_contexts_too():
    chain = EVEN.chain(3)
    np.testing.assert_allclose(np.exp(chain.row("0")), EVEN.context_probs(1)[0], atol=1e-15)
    np.testing.assert_allclose(np.exp(chain.row("11")), EVEN.context_probs(2)[0b11], atol=1e-15)


def test_where_the_source_says_nothing_the_longest_end_that_it_says_decides():
    assert EVEN.chain(3)["010"] == pytest.approx(EVEN.chain(2)["10"])
    golden = sources.golden_mean().chain(3)
    assert golden["000"] == golden["100"] == {"0": 0.0, "1": 1.0}


def test_no_other_chain_of_the_order_loses_less():
    source, K = random_source(2, 3, 11), 2
    best, weights = source.chain(K).probs, source.context_weights(K)

    def loss(table):
        return -(weights[:, None] * best * np.log(table)).sum()

    assert loss(best) == pytest.approx(source.optimal_loss(K), abs=1e-14)
    for seed in range(20):
        other = best * np.exp(0.1 * np.random.default_rng(seed).standard_normal(best.shape))
        assert loss(other / other.sum(axis=1, keepdims=True)) > source.optimal_loss(K)


# -- samples ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [random_source(3, 4, 5), sources.mess3(), EVEN, sources.rrxor()], ids=repr)
def test_a_long_sample_has_each_context_and_token_as_often_as_it_should(source):
    n, K = 200_000, 3
    corpus = bg.Corpus.from_text(source.sample(n, seed=4), K, source.vocabulary)
    counts = np.zeros((len(source.vocabulary) ** K, len(source.vocabulary)))
    counts[corpus.states] = corpus.counts
    expected = n * source.context_weights(K)[:, None] * np.nan_to_num(source.context_probs(K))
    assert (counts[expected == 0] == 0).all()
    # Neighbouring windows overlap, so counts scatter more than independent ones; six of the latter's widths is ample.
    assert (np.abs(counts - expected) <= 6 * np.sqrt(3 * expected) + 6).all()


def test_the_first_token_is_one_of_a_source_that_has_run_for_ever():
    firsts = [int(sources.golden_mean().tokens(1, seed)[0]) for seed in range(1000)]
    assert np.mean(firsts) == pytest.approx(2 / 3, abs=0.06)  # four standard errors


def test_the_same_seed_says_the_same_and_leaves_the_global_generator_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert EVEN.sample(500, seed=1) == EVEN.sample(500, seed=1) != EVEN.sample(500, seed=2)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_a_shorter_sample_is_the_beginning_of_a_longer_one():
    long = EVEN.tokens(70_000, seed=3)
    assert long.dtype == np.int64
    assert len(long) == 70_000
    np.testing.assert_array_equal(EVEN.tokens(300, seed=3), long[:300])
    assert EVEN.sample(0) == ""


def test_words_are_said_with_spaces_between_them():
    source = Source([[[0.5]], [[0.5]]], bg.Vocabulary("the cat", tokens="words"))
    assert set(source.sample(50).split(" ")) == {"the", "cat"}


# -- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transitions", "message"),
    [
        ("none", "no table of numbers"),
        ([[[1.0]], [[0.0], [0.0]]], "no table of numbers"),
        ([[0.5, 0.5]], r"shape \(1, 2\)"),
        ([[[1.0]]], "two symbols or more"),
        ([[[0.5]], [[0.6]]], "hidden state 0 does sums to 1.1, not 1"),
        ([[[1.5]], [[-0.5]]], "no probability"),
        ([[[np.nan]], [[0.5]]], "no probability"),
        ([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]], "2 sets of hidden states that are never left"),
    ],
)
def test_what_is_no_source_is_refused_with_the_reason(transitions, message):
    with pytest.raises(bg.SettingError, match=message):
        Source(transitions)


def test_one_symbol_for_each_table():
    with pytest.raises(bg.SettingError, match="says 2 symbols and the vocabulary has 3"):
        Source([[[0.5]], [[0.5]]], "abc")


def test_too_much_is_refused_before_it_is_begun():
    with pytest.raises(bg.SizeError, match=r"context_length=40 .* Try context_length=23"):
        EVEN.optimal_loss(40)
    with pytest.raises(bg.SizeError, match="Try context_length=23"):
        EVEN.chain(10**9)
    with pytest.raises(bg.SizeError, match="limit is 134,217,728 tokens"):
        EVEN.tokens(10**12)
    with pytest.raises(bg.SizeError, match="2,000 hidden states over 2 symbols is more than fits"):
        Source(np.broadcast_to(0.0, (2, 2000, 2000)))


@pytest.mark.parametrize("length", [-1, 1.5, "2", True])
def test_context_lengths_are_whole_numbers(length):
    with pytest.raises(bg.SettingError, match="context_length="):
        EVEN.belief_states(length)


def test_a_source_cannot_be_changed_from_outside():
    table = np.array([[[0.5]], [[0.5]]])
    source = Source(table)
    table[0] = 9.0
    assert source.transitions[0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        source.transitions[0] = 1.0
    source.stationary()[0] = 7.0
    assert source.stationary()[0] == 1.0
