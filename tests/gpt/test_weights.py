"""Corpora made by hand: what is not in order is put in order, weights are kept exactly, and the rest is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import babygpt as bg
from babygpt.errors import InputError, SequenceError
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.vocabulary import Vocabulary

ARTICLE = "111101111011110"
AB = Vocabulary("ab")

tables = st.integers(1, 3).flatmap(
    lambda K: st.integers(1, 6).flatmap(
        lambda M: st.tuples(
            hnp.arrays(np.int64, (M, K), elements=st.integers(0, 2)),
            st.one_of(
                hnp.arrays(np.int64, (M, 3), elements=st.integers(0, 5)),
                hnp.arrays(np.float64, (M, 3), elements=st.floats(0, 5, width=16)),
            ).filter(lambda counts: counts.any()),
        )
    )
)


def table_of(contexts, counts):
    """Return what each context is followed by, as a dict, added up one by one."""
    found = {}
    for context, row in zip(contexts.tolist(), counts.tolist(), strict=True):
        if any(row):
            was = found.get(tuple(context), [0] * len(row))
            found[tuple(context)] = [a + b for a, b in zip(was, row, strict=True)]
    return found


@given(tables)
def test_contexts_come_in_order_once_with_what_follows_added_up(table):
    contexts, counts = table
    corpus = Corpus(Vocabulary("abc"), contexts.shape[1], contexts, counts)
    expected = table_of(contexts, counts)
    assert [tuple(c) for c in corpus.contexts.tolist()] == sorted(expected)
    np.testing.assert_allclose(corpus.counts, [expected[c] for c in sorted(expected)], rtol=1e-15)
    assert corpus.counts.dtype == counts.dtype
    assert corpus.n_examples == pytest.approx(counts.sum())


def test_what_is_in_order_is_kept_bit_for_bit():
    weights = np.array([[0.1, 0.2], [1e-300, 1e300]])
    corpus = Corpus(AB, 1, np.array([[0], [1]]), weights)
    np.testing.assert_array_equal(corpus.counts, weights)
    weights[0] = 7  # nobody else's array
    assert corpus.counts[0, 0] == 0.1


@pytest.mark.parametrize(
    ("contexts", "counts", "match"),
    [
        ([[0], [1]], [[1, 2]], r"shape \(1, 2\).*need \(2, 2\)"),
        ([[0, 1]], [[1, 2]], r"shape \(1, 2\).*contexts of 1 tokens"),
        ([0, 1], [[1, 2], [1, 2]], r"shape \(2,\)"),
        ([[0], [0, 1]], [[1, 2], [1, 2]], "not all 1 tokens long"),
        ([[0], [2]], [[1, 2], [1, 2]], r"Token 2 is not in 0 … 1"),
        ([[0], [-1]], [[1, 2], [1, 2]], r"Token -1"),
        ([[0.0], [1.0]], [[1, 2], [1, 2]], "float64"),
        ([[False], [True]], [[1, 2], [1, 2]], "bool"),
        ([[0], [1]], [[1, 2], [1, 2, 3]], "no table"),
        ([[0], [1]], [[1, 2, 3], [1, 2, 3]], r"shape \(2, 3\)"),
        ([[0], [1]], [[1, -2], [1, 2]], "negative"),
        ([[0], [1]], [[1, np.nan], [1, 2]], "NaN"),
        ([[0], [1]], [[1, np.inf], [1, 2]], "infinite"),
        ([[0], [1]], [[0, 0], [0, 0]], "all 0"),
        ([[0], [1]], [[0.0, 0.0], [0.0, 0.0]], "all 0"),
        ([[0], [1]], [[True, False], [True, True]], "bool"),
        ([[0], [1]], [["1", "2"], ["1", "2"]], "not numbers"),
        ([[0], [1]], [[1j, 2], [1, 2]], "not numbers"),
        ([[0], [1]], [[2**70, 1], [1, 2]], "2⁶³"),
        ([[0], [1]], [[2**62, 2**62], [1, 2]], "2⁶³"),
        ([[0], [1]], np.array([[2**64 - 1, 1], [1, 2]], dtype=np.uint64), "2⁶³"),
        ([[0], [1]], [[1e308, 1e308], [1, 2]], "more than a float64 holds"),
        ([[0], [1]], [[1e-320, 0], [0, 0]], "too little"),
        (np.zeros((0, 1), dtype=int), np.zeros((0, 2), dtype=int), "all 0"),
    ],
)
def test_what_is_no_table_of_counts_is_refused_in_a_sentence(contexts, counts, match):
    if not isinstance(counts, np.ndarray):
        counts = counts if match == "no table" else np.array(counts, dtype=object if match == "2⁶³" else None)
    with pytest.raises(SequenceError, match=match):
        Corpus(AB, 1, contexts, counts)


def test_counts_up_to_the_limit_are_counted_exactly():
    corpus = Corpus(AB, 1, [[0], [1]], [[2**62, 2**61], [1, 2]])
    assert corpus.n_examples == 2**62 + 2**61 + 3
    assert corpus.floor == pytest.approx(np.log(3) - 2 / 3 * np.log(2))


def test_small_integers_and_floats_of_any_width_are_taken():
    for kind, kept in ((np.uint8, np.int64), (np.int32, np.int64), (np.float16, np.float64), (np.float32, np.float64)):
        corpus = Corpus(AB, 1, np.array([[0], [1]], dtype=np.uint8), np.array([[1, 2], [200, 200]], dtype=kind))
        assert corpus.counts.dtype == kept
        assert corpus.contexts.dtype == np.int64
        assert corpus.n_examples == 403


@given(st.text("abc", min_size=8, max_size=40).filter(lambda text: len(set(text)) == 3), st.integers(1, 3))
def test_shares_have_the_floors_probabilities_and_ngrams_of_the_counts(text, K):
    counted = Corpus.from_text(text, K)
    shares = Corpus(counted.vocabulary, K, counted.contexts, counted.counts / counted.n_examples)
    assert shares.weighted
    assert shares.n_examples == pytest.approx(1)
    for positions in ("last", "all"):
        assert shares.loss_floor(positions) == pytest.approx(counted.loss_floor(positions), abs=1e-14)
    np.testing.assert_allclose(shares.probs, counted.probs, rtol=1e-14)
    assert shares.never_left.tolist() == counted.never_left.tolist()


def losses(corpus, **settings):
    return bg.train(corpus, steps=8, n_layer=2, n_head=2, n_embd=8, **settings)


@settings(max_examples=12, deadline=None)
@given(st.floats(1e-200, 1e200), st.sampled_from(["last", "all"]))
def test_scaling_all_weights_changes_nothing_in_a_full_batch_training(scale, positions):
    counted = Corpus.from_text(ARTICLE, 2)
    scaled = Corpus(counted.vocabulary, 2, counted.contexts, counted.counts * scale)
    a, b = losses(counted, positions=positions), losses(scaled, positions=positions)
    np.testing.assert_allclose(a.losses, b.losses, rtol=1e-6)
    np.testing.assert_allclose(a.chain.probs, b.chain.probs, atol=1e-5)
    assert a.floor == pytest.approx(b.floor)


def test_weights_train_as_the_exact_expected_loss_says():
    corpus = Corpus(Vocabulary("01"), 1, [[0], [1]], [[0.125, 2.5], [0.3, 1e-9]])
    run = bg.train(corpus, steps=1)
    untrained = run.chain_at(0)
    expected = -(corpus.counts * untrained.log_probs).sum() / corpus.counts.sum()
    assert run.losses[0] == pytest.approx(expected, abs=1e-6)


def test_an_ensemble_on_weights_trains_each_as_alone():
    corpus = Corpus(Vocabulary("01"), 2, [[0, 0], [0, 1], [1, 1]], [[0.5, 2.5], [0.25, 0], [1e-3, 7]])
    for batch_size in (None, 4):
        together = bg.Ensemble.train(corpus, range(3), steps=6, batch_size=batch_size)
        for seed in range(3):
            alone = bg.train(corpus, steps=6, seed=seed, batch_size=batch_size)
            np.testing.assert_allclose(together.losses[seed], alone.losses, rtol=1e-5)


def test_batches_are_drawn_in_proportion_to_the_weights():
    from babygpt.gpt.train import Batches

    weights = np.array([[0.0, 0.125], [0.5, 0.375]])
    drawn = np.zeros((2, 2))
    for step in range(40):
        rows, shares = Batches(weights, 1000).draw(seed=1, step=step)
        drawn[rows] += shares
    np.testing.assert_allclose(drawn / 40, weights, atol=0.01)
    assert drawn[0, 0] == 0


def test_batches_of_counts_draw_what_they_always_drew():
    from babygpt.gpt.train import Batches

    rows, shares = Batches(np.array([[3, 0], [1, 6]]), 50).draw(seed=7, step=3)
    drawn = np.random.default_rng((7, 3)).integers(10, size=50)
    assert shares[rows.tolist().index(0), 0] == pytest.approx((drawn < 3).mean())


def test_a_run_on_weights_is_saved_and_goes_on_exactly(tmp_path):
    corpus = Corpus(Vocabulary(["New York", "Rome"]), 1, [[0], [1]], [[0.1, 2.5], [0.3, 1e-9]])
    run = bg.train(corpus, steps=4)
    run.save(tmp_path / "run")
    loaded = bg.Run.load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.corpus.counts, corpus.counts)
    assert loaded.corpus.vocabulary == corpus.vocabulary
    assert loaded.corpus.vocabulary.separator == ", "
    assert loaded.floor == run.floor


def test_a_distribution_is_a_corpus():
    for contexts in (["ab", "ba"], [[0, 1], [1, 0]], np.array([[0, 1], [1, 0]], dtype=np.uint8)):
        corpus = Corpus.from_distribution(contexts, [[0.25, 0.5], [0.25, 0]], "ab")
        assert (corpus.context_length, corpus.contexts.tolist()) == (2, [[0, 1], [1, 0]])
        assert corpus.floor == pytest.approx(0.75 * (np.log(3) - 2 / 3 * np.log(2)))
    named = Corpus.from_distribution([["Rome", "New York"]], [[0.0, 1.0]], ["New York", "Rome"])
    assert named.contexts.tolist() == [[1, 0]]
    for ones in ([1, 0], np.array([1, 0]), ["b", "a"], [[1], [0]]):
        single = Corpus.from_distribution(ones, [[0.1, 0.2], [0.3, 0.4]], "ab")
        assert (single.context_length, single.counts.tolist()) == (1, [[0.3, 0.4], [0.1, 0.2]])
    assert Corpus.from_distribution(["New York"], [[0, 1]], ["New York", "Rome"]).counts.dtype == np.int64


@pytest.mark.parametrize("contexts", [["ab", "a"], [], [""], ["ac"], [[0, 2]], 5, [[0.5, 1.0]], [0.5, 1.0], [True]])
def test_contexts_that_are_none_are_refused(contexts):
    with pytest.raises(InputError):
        Corpus.from_distribution(contexts, [[1.0, 1.0]] * 2, "ab")
