from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import babygpt as bg
from babygpt.errors import ContextError, SettingError, VocabularyError


def zero_chain():
    """Context length 2 over abc; some arrows are not there, first, middle and last ones among them."""
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(3), size=9)
    probs[0] = [0.0, 0.5, 0.5]
    probs[1] = [0.5, 0.0, 0.5]
    probs[2] = [0.5, 0.5, 0.0]
    probs[4] = [0.0, 0.0, 1.0]
    with np.errstate(divide="ignore"):
        return bg.MarkovChain(np.log(probs), "abc")


def test_a_walk_appends_each_token_and_drops_the_oldest(article_run):
    walk = article_run.chain.walk("101", 40, seed=1)
    assert walk.contexts[0] == (1, 0, 1)
    assert len(walk.contexts) == 41
    for before, token, after in zip(walk.contexts, walk.tokens, walk.contexts[1:], strict=False):
        assert after == (*before[1:], token)
    assert walk.text == "".join(map(str, walk.tokens))


def test_each_token_comes_with_its_probability_in_the_chain(article_run):
    chain = article_run.chain
    walk = chain.walk("1", 30, seed=2)
    for context, token, p in zip(walk.contexts, walk.tokens, walk.probs, strict=False):
        assert p == pytest.approx(chain["".join(map(str, context))][str(token)], abs=1e-15)


def test_frequencies_of_a_long_walk_are_the_arrows(article_run):
    chain = article_run.chain
    walk = chain.walk("101", 20_000, seed=0)
    visits, ones = Counter(walk.contexts[:-1]), Counter()
    for context, token in zip(walk.contexts, walk.tokens, strict=False):
        ones[context] += int(token)
    chi_square = 0.0
    for state in range(8):
        context = tuple(map(int, f"{state:03b}"))
        p, n = chain.probs[state, 1], visits[context]
        chi_square += (ones[context] - n * p) ** 2 / (n * p * (1 - p))
        # standard errors of visit frequencies are below 0.01 here
        assert n / 20_000 == pytest.approx(chain.stationary_distribution()[state], abs=0.03)
    assert chi_square < 30  # 8 degrees of freedom: exceeded once in 5,000


def test_the_same_seed_draws_the_same_walk_and_another_seed_another(article_run):
    chain = article_run.chain
    assert chain.sample("101", 60, seed=4) == chain.sample("101", 60, seed=4)
    assert chain.sample("101", 60, seed=4) != chain.sample("101", 60, seed=5)


def test_a_longer_walk_begins_like_the_shorter_one(article_run):
    chain = article_run.chain
    assert chain.sample("101", 60, seed=4)[:20] == chain.sample("101", 20, seed=4)


def test_article_sample_has_twenty_tokens(article_run):
    text = article_run.chain.sample("101", 20, seed=0)
    assert len(text) == 20
    assert set(text) <= {"0", "1"}


def test_arrows_that_are_not_there_are_never_taken():
    chain = zero_chain()
    walk = chain.walk("aa", 5000, seed=0)
    assert len(walk.tokens) == 5000
    assert (walk.probs > 0).all()
    taken = Counter((c[0] * 3 + c[1], int(t)) for c, t in zip(walk.contexts, walk.tokens, strict=False))
    for state, token in np.argwhere(chain.probs == 0).tolist():
        assert taken[state, token] == 0
    assert {state for state, _ in taken} >= {0, 1, 2, 4}


@pytest.mark.parametrize("u", [0.0, 0.25, 0.5, np.nextafter(1.0, 0.0)])
def test_the_extreme_draws_take_real_arrows_too(monkeypatch, u):
    class Draws:
        def random(self, n):
            return np.full(n, u)

    chain = zero_chain()
    monkeypatch.setattr(np.random, "default_rng", lambda seed: Draws())
    for start in ("aa", "ab", "ac", "bb", "cc"):
        assert (chain.walk(start, 6, seed=0).probs > 0).all()


def test_a_short_prompt_grows_to_a_full_context(article_run):
    walk = article_run.chain.walk("1", 5, seed=0)
    assert [len(context) for context in walk.contexts] == [1, 2, 3, 3, 3, 3]


def test_a_prompt_longer_than_the_context_is_seen_from_its_end(article_run):
    chain = article_run.chain
    assert chain.sample("000000101", 30, seed=3) == chain.sample("101", 30, seed=3)
    assert chain.walk("000000101", 1, seed=3).contexts[0] == (1, 0, 1)


def test_a_walk_of_no_tokens_stays_where_it_is(article_run):
    walk = article_run.chain.walk("101", 0)
    assert walk.text == ""
    assert walk.contexts == ((1, 0, 1),)
    assert walk.tokens.shape == walk.probs.shape == (0,)


def test_words_are_sampled_with_spaces_between():
    run = bg.train("sun rain sun sun rain sun", context_length=1, steps=2, tokens="words", n_layer=1, n_embd=8)
    text = run.chain.sample("sun", 10, seed=0)
    assert len(text.split(" ")) == 10
    assert set(text.split(" ")) <= {"sun", "rain"}


def test_sampling_leaves_the_global_generator_alone(article_run):
    before = np.random.get_state()  # noqa: NPY002
    article_run.chain.sample("101", 10)
    np.testing.assert_equal(np.random.get_state(), before)  # noqa: NPY002


def test_an_empty_prompt_is_refused(article_run):
    with pytest.raises(ContextError, match=r"empty.*at least 1 token"):
        article_run.chain.sample("", 5)


def test_a_short_prompt_needs_a_chain_that_knows_short_contexts():
    chain = bg.MarkovChain(np.log(np.full((8, 2), 0.5)))
    with pytest.raises(ContextError, match=r"1 token, .*only contexts of 3"):
        chain.sample("1", 5)


def test_unknown_symbols_in_a_prompt_are_refused(article_run):
    with pytest.raises(VocabularyError, match="'2'"):
        article_run.chain.sample("12", 5)


@pytest.mark.parametrize("n", [-1, 2.0, True, None, float("nan")])
def test_token_counts_that_are_no_counts_are_refused(article_run, n):
    with pytest.raises(SettingError, match="tokens="):
        article_run.chain.sample("101", n)


@pytest.mark.parametrize("seed", [-1, 0.5, None, 2**63])
def test_seeds_that_are_no_seeds_are_refused(article_run, seed):
    with pytest.raises(SettingError, match="seed="):
        article_run.chain.sample("101", 5, seed=seed)


def test_a_long_walk_is_the_same_draw_by_draw(monkeypatch):
    monkeypatch.setattr("babygpt.chain.walk.MAX_DICE", 3)  # fewer than there are states
    table = np.random.default_rng(3).dirichlet([0.5] * 3, size=9)
    table[4] = [0.0, 1.0, 0.0]
    with np.errstate(divide="ignore"):
        chain = bg.MarkovChain(np.log(table), "abc")
    walk = chain.walk("ab", 2000, seed=11)
    state = 1
    for u, token, p in zip(np.random.default_rng(11).random(2000), walk.tokens, walk.probs, strict=True):
        sums = np.cumsum(chain.probs[state])
        assert (sums[token - 1] if token else 0.0) <= u < sums[token]
        assert p == chain.probs[state, token] > 0
        state = state % 3 * 3 + token
