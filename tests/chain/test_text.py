from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from witnesses import chain_of, random_chain, uniform_chain, word_probability, words

import babygpt as bg
from babygpt.errors import ContextError, VocabularyError


def test_a_text_is_as_likely_as_the_product_of_its_arrows(article_run):
    chain = article_run.chain
    expected = chain["1"]["0"] * chain["10"]["1"] * chain["101"]["1"] * chain["011"]["1"] * chain["111"]["0"]
    assert chain.log_probability("101110") == pytest.approx(np.log(expected), rel=1e-13)


@given(st.text("012", min_size=2, max_size=9), st.text("012", max_size=5))
def test_every_arrow_of_a_text_is_counted_once(text, given_text):
    chain = random_chain(3, 3, seed=1, short=True)
    first = given_text or text[0]
    rest = text if given_text else text[1:]
    p = word_probability(chain, first, rest)
    assert chain.log_probability(text, given=given_text) == pytest.approx(np.log(p), rel=1e-12)
    surprisal = chain.surprisal(text, given=given_text)
    assert surprisal.shape == (len(text),)
    assert np.isnan(surprisal[0]) == (not given_text)
    assert np.nansum(surprisal) == pytest.approx(-np.log(p), rel=1e-12)
    n = len(rest)
    assert chain.perplexity(text, given=given_text) == pytest.approx(p ** (-1 / n), rel=1e-12)


def test_each_token_has_the_surprisal_of_its_arrow(article_run):
    chain = article_run.chain
    found = chain.surprisal("10111")
    expected = [-np.log(chain[c][t]) for c, t in [("1", "0"), ("10", "1"), ("101", "1"), ("011", "1")]]
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], expected, rtol=1e-13)


def test_a_chain_without_short_contexts_scores_from_token_k_plus_one():
    chain = random_chain(2, 3, seed=2)
    found = chain.surprisal("101101")
    assert np.isnan(found[:3]).all()
    np.testing.assert_allclose(found[3:], [-np.log(chain[c][t]) for c, t in [("101", "1"), ("011", "0"), ("110", "1")]])
    assert chain.log_probability("101101") == pytest.approx(-found[3:].sum())
    assert chain.perplexity("101101") == pytest.approx(np.exp(found[3:].mean()))


def test_what_came_before_counts_only_as_context():
    chain = random_chain(2, 3, seed=2)
    assert chain.log_probability("1", given="00101") == pytest.approx(np.log(chain["101"]["1"]))
    assert chain.log_probability("11", given="10") == pytest.approx(
        np.log(chain["101"]["1"])
    )  # "1" after 10: no context
    assert np.isnan(chain.surprisal("11", given="10")[0])


@pytest.mark.parametrize("given_text", ["1", "10", "101", "0101"])
def test_all_words_together_have_probability_one(given_text):
    chain = random_chain(2, 3, seed=3, short=True)
    total = sum(np.exp(chain.log_probability(word, given=given_text)) for word in words(("0", "1"), 5))
    assert total == pytest.approx(1, abs=1e-13)


def test_guessing_has_the_perplexity_of_the_vocabulary():
    assert uniform_chain(4, 2).perplexity("01230123") == pytest.approx(4)


def test_certainty_has_perplexity_one_and_the_impossible_is_infinite():
    chain = chain_of([[0.0, 1.0], [1.0, 0.0]])
    assert chain.perplexity("010101") == 1
    assert chain.log_probability("010101") == 0
    assert chain.surprisal("0100")[1:].tolist() == [0, 0, np.inf]
    assert chain.log_probability("0100") == -np.inf
    assert chain.perplexity("0100") == np.inf


def test_a_long_sample_has_the_perplexity_of_the_entropy_rate(article_run):
    chain = article_run.chain
    text = chain.sample("101", 40_000, seed=3)
    assert np.log(chain.perplexity(text)) == pytest.approx(chain.entropy_rate(), abs=0.01)


def test_words_are_scored_as_words():
    vocabulary = bg.Vocabulary("rain sun", tokens="words")
    chain = bg.MarkovChain(np.log([[0.2, 0.8], [0.7, 0.3]]), vocabulary)
    assert chain.log_probability("sun rain sun") == pytest.approx(np.log(0.7 * 0.8))
    assert chain.log_probability("rain", given="sun") == pytest.approx(np.log(0.7))


@pytest.mark.parametrize(
    ("text", "given_text"), [("", ""), ("1", ""), ("", "101"), ("10", ""), ("101", ""), ("1", "10")]
)
def test_a_text_without_a_token_to_score_is_refused(text, given_text):
    chain = random_chain(2, 3)
    for ask in (chain.surprisal, chain.log_probability, chain.perplexity):
        with pytest.raises(ContextError, match=f"has {len(text)} token.*none with a context"):
            ask(text, given=given_text)


def test_with_short_contexts_two_tokens_are_enough_and_one_is_not():
    chain = random_chain(2, 3, short=True)
    assert chain.log_probability("10") == pytest.approx(np.log(chain["1"]["0"]))
    with pytest.raises(ContextError, match="has 1 token, none with a context"):
        chain.log_probability("1")


def test_unknown_symbols_are_refused():
    for text, given_text in [("1012", ""), ("101", "2")]:
        with pytest.raises(VocabularyError, match="'2'"):
            random_chain(2, 3).log_probability(text, given=given_text)
