from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import babygpt as bg
from babygpt.chain.ngram import ngram_table
from babygpt.errors import SettingError, SizeError

ARTICLE = "111101111011110"


def counted_by_hand(text, K, order, context):
    """Return the next-token shares after the longest end of ``context``, at most ``order`` long, in the examples."""
    examples = [(text[i : i + K], text[i + K]) for i in range(len(text) - K)]
    for length in range(min(order, len(context)), -1, -1):
        end = context[len(context) - length :]
        follows = Counter(after for before, after in examples if before.endswith(end))
        if follows:
            return {s: n / sum(follows.values()) for s, n in follows.items()}
    raise AssertionError


@pytest.mark.parametrize("order", [0, 1, 2, 3, None])
@pytest.mark.parametrize("text", [ARTICLE, "abcabbacbcaacbabcbcab", "aaaaab"])
def test_ngrams_are_shares_counted_by_hand_with_the_longest_end_that_occurs(text, order):
    chain = bg.MarkovChain.from_corpus(bg.Corpus.from_text(text, context_length=3), order, never_left="backoff")
    for context in chain.contexts(short=True):
        expected = counted_by_hand(text, 3, 3 if order is None else order, context)
        for symbol, p in chain[context].items():
            assert p == pytest.approx(expected.get(symbol, 0.0), abs=1e-14)


def test_the_article_ladder_is_the_oracles_through_the_loss():
    corpus = bg.Corpus.from_text(ARTICLE, context_length=3)
    uniform = bg.MarkovChain(np.full((8, 2), -np.log(2)), corpus.vocabulary)
    losses = [chain.loss_decomposition(corpus).loss for chain in [uniform, *bg.MarkovChain.ngrams(corpus)]]
    np.testing.assert_allclose(losses, [0.693147, 0.562335, 0.509054, 0.441042, 0.346574], atol=5e-7)


@given(st.text("ab", min_size=8, max_size=60), st.integers(1, 3))
def test_each_rung_of_the_ladder_is_no_worse_and_the_last_is_the_floor(text, K):
    corpus = bg.Corpus.from_text(text, context_length=K, vocabulary="ab")
    losses = [chain.loss_decomposition(corpus).loss for chain in bg.MarkovChain.ngrams(corpus)]
    assert len(losses) == K + 1
    assert all(later <= sooner + 1e-12 for sooner, later in pairwise(losses))
    assert losses[-1] == pytest.approx(corpus.floor, abs=1e-12)


def test_an_ngram_looks_no_further_back_than_its_order():
    corpus = bg.Corpus.from_text("abcabbacbcaacbabcbcab", context_length=3)
    for order, chain in enumerate(bg.MarkovChain.ngrams(corpus)):
        rows = chain.probs.reshape(-1, 3**order, 3)
        np.testing.assert_array_equal(rows, np.broadcast_to(rows[:1], rows.shape))


def test_the_full_order_is_the_data_on_seen_contexts():
    corpus = bg.Corpus.from_text(ARTICLE, context_length=4)
    chain = bg.MarkovChain.from_corpus(corpus)
    np.testing.assert_allclose(chain.probs[corpus.states], corpus.probs, atol=1e-15)
    assert chain.vocabulary == corpus.vocabulary
    assert chain.context_length == 4
    # all of 1111, 1110, 1101, 1011, 0111 are seen, and they go round
    assert chain.recurrent_classes()[0].tolist() == corpus.states.tolist()
    assert chain.period() == 5


def test_tables_have_a_row_for_every_context():
    corpus = bg.Corpus.from_text(ARTICLE, context_length=3)
    table = ngram_table(corpus, 2)
    assert table.shape == (14, 2)
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-15)


@pytest.mark.parametrize("order", [-1, 4, 1.5, True, "2"])
def test_orders_that_there_are_not_are_refused(order):
    with pytest.raises(SettingError, match="order="):
        bg.MarkovChain.from_corpus(bg.Corpus.from_text(ARTICLE, context_length=3), order)


def test_a_corpus_with_too_many_states_is_refused():
    with pytest.raises(SizeError, match="context_length=40"):
        bg.MarkovChain.from_corpus(bg.Corpus.from_text(ARTICLE * 5, context_length=40))


# -- a last state that is never left -------------------------------------------------------------------------------

JOURNEYS = [["start", "look", "look", "buy"], ["start", "look", "ask", "buy"], ["start", "ask", "look", "ask"]]


def test_what_comes_after_a_token_that_is_never_followed_must_be_said():
    corpus = bg.Corpus.from_sequences(JOURNEYS, 1)
    with pytest.raises(SettingError, match=r"ends in 'buy', and no example goes on.*'absorbing'.*'backoff'"):
        bg.MarkovChain.from_corpus(corpus)
    assert bg.MarkovChain.from_corpus(corpus, 0)["buy"]["look"] == pytest.approx(4 / 9)  # the unigram was asked for
    with pytest.raises(SettingError, match="never_left='gone'"):
        bg.MarkovChain.from_corpus(corpus, never_left="gone")


def test_absorbed_journeys_are_those_of_the_fundamental_matrix():
    corpus = bg.Corpus.from_sequences(JOURNEYS, 1)
    chain = bg.MarkovChain.from_corpus(corpus, never_left="absorbing")
    assert chain["buy"] == {"ask": 0.0, "buy": 1.0, "look": 0.0, "start": 0.0}
    # by hand, ask -> buy 1/2, ask -> look 1/2; look -> look 1/4, look -> ask 1/2, look -> buy 1/4; start -> ask 1/3
    Q = np.array([[0, 1 / 2, 0], [1 / 2, 1 / 4, 0], [1 / 3, 2 / 3, 0]])
    expected = np.linalg.solve(np.eye(3) - Q, np.ones(3))
    times = chain.hitting_times("buy")
    np.testing.assert_allclose(times[[0, 2, 3]], expected)
    assert [chain.context(states[0]) for states in chain.recurrent_classes()] == ["buy"]


def test_backing_off_gives_the_shares_of_all_tokens():
    corpus = bg.Corpus.from_sequences(JOURNEYS, 1)
    chain = bg.MarkovChain.from_corpus(corpus, never_left="backoff")
    np.testing.assert_allclose(list(chain["buy"].values()), corpus.counts.sum(axis=0) / 9)


@pytest.mark.parametrize("K", [2, 3])
def test_a_token_that_is_never_followed_repeats_for_ever_whatever_came_before(K):
    corpus = bg.Corpus.from_sequences(["aab", "aaab", "aaaa", "abab"[:2]], K, "abc")
    chain = bg.MarkovChain.from_corpus(corpus, never_left="absorbing")
    for context in chain.contexts(short=True):
        if context.endswith("b"):
            assert chain[context]["b"] == 1
        else:
            assert chain[context]["b"] < 1


def test_a_constant_context_that_is_never_left_stays_and_its_ends_do_not():
    # after "aaa" nothing follows; after "baa" and "aa" it does
    corpus = bg.Corpus.from_text("abaaa", 3)
    chain = bg.MarkovChain.from_corpus(corpus, never_left="absorbing")
    assert chain["aaa"] == {"a": 1.0, "b": 0.0}
    assert bg.MarkovChain.from_corpus(corpus, 2, "absorbing")["aaa"] == {"a": 1.0, "b": 0.0}
    assert bg.MarkovChain.from_corpus(corpus)["aaa"]["a"] == 1  # backed off to "a" or "aa"


def test_a_context_that_cannot_stay_is_named_with_the_reason():
    corpus = bg.Corpus.from_text("abaacb", 2)  # nothing follows "cb", but after "ab" comes "a"
    with pytest.raises(SettingError, match=r"2 tokens can stay only where all are alike.*'cb'.*backoff"):
        bg.MarkovChain.from_corpus(corpus, never_left="absorbing")
    assert bg.MarkovChain.from_corpus(corpus)["cb"]["a"] == 1


def test_a_corpus_made_by_hand_has_states_that_are_never_left_too():
    corpus = bg.Corpus(bg.Vocabulary(["rain", "sun"]), 1, [[0]], [[0.5, 0.5]])
    assert corpus.never_left.tolist() == [[1]]
    with pytest.raises(SettingError, match="'sun'"):
        bg.MarkovChain.from_corpus(corpus)


def test_ladders_back_off():
    corpus = bg.Corpus.from_sequences(JOURNEYS, 1)
    assert len(bg.MarkovChain.ngrams(corpus)) == 2
    assert bg.train(corpus, steps=1).chain.nearest_ngram(corpus).order in (-1, 0, 1)
