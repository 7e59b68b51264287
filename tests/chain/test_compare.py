from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from witnesses import chain_of, random_chain, uniform_chain

import babygpt as bg
from babygpt.chain.compare import check_alike
from babygpt.errors import SettingError

ARTICLE = "111101111011110"


@pytest.fixture(scope="module")
def corpus():
    return bg.Corpus.from_text(ARTICLE, context_length=3)


# -- two chains ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("V", "K"), [(2, 3), (3, 2), (5, 1)])
def test_divergence_and_total_variation_are_their_formulas(V, K):
    p, q = random_chain(V, K, 1), random_chain(V, K, 2)
    found = p.compare(q)
    pi = p.stationary_distribution()
    kl = np.zeros(V**K)
    tv = np.zeros(V**K)
    for s, context in enumerate(p.contexts()):
        kl[s] = sum(a * np.log(a / b) for a, b in zip(p[context].values(), q[context].values(), strict=True))
        tv[s] = max(
            abs(sum(p[context][t] - q[context][t] for t in event))
            for event in [[t for i, t in enumerate(p[context]) if mask >> i & 1] for mask in range(2**V)]
        )
    np.testing.assert_allclose(found.kl, kl, rtol=1e-10)
    np.testing.assert_allclose(found.total_variation, tv, rtol=1e-10)
    np.testing.assert_allclose(found.arrows.sum(axis=1), kl, rtol=1e-10)
    np.testing.assert_array_equal(found.weights, pi)
    assert found.mean_kl == pytest.approx(pi @ kl, rel=1e-12)
    assert found.mean_total_variation == pytest.approx(pi @ tv, rel=1e-12)


@given(st.integers(0, 10**6))
def test_pinsker_and_nonnegativity_hold_and_zero_means_equal(seed):
    p, q = random_chain(3, 2, seed), random_chain(3, 2, seed + 1)
    found = p.compare(q)
    assert (found.kl > 0).all()
    assert (found.total_variation <= np.sqrt(found.kl / 2) + 1e-12).all()
    itself = p.compare(p)
    assert itself.mean_kl == 0
    assert itself.mean_total_variation == 0
    assert not itself.arrows.any()


def test_what_the_other_rules_out_costs_infinitely_much_but_only_where_one_goes():
    p = chain_of([[0.5, 0.5], [0.5, 0.5]])
    q = chain_of([[1.0, 0.0], [0.5, 0.5]])
    found = p.compare(q)
    assert found.kl.tolist() == [np.inf, 0]
    assert found.mean_kl == np.inf
    assert found.total_variation.tolist() == [0.5, 0]
    assert q.compare(p).kl == pytest.approx([np.log(2), 0])
    # q is never in state 1, so what would be ruled out there costs nothing
    r = chain_of([[0.9, 0.1], [1.0, 0.0]])
    assert q.compare(r).kl.tolist() == [pytest.approx(-np.log(0.9)), np.inf]
    assert q.compare(r).mean_kl == pytest.approx(-np.log(0.9))


def test_total_variation_per_row_bounds_how_far_apart_the_chains_get():
    p, q = random_chain(2, 3, 4), random_chain(2, 3, 5)
    most = p.compare(q).total_variation.max()
    at_p = at_q = np.eye(8)[3]
    for n in range(1, 6):
        at_p, at_q = p.advance(at_p), q.advance(at_q)
        assert np.abs(at_p - at_q).sum() / 2 <= n * most + 1e-12


def test_chains_of_different_kind_are_not_compared():
    with pytest.raises(SettingError, match="another vocabulary"):
        random_chain(2, 2).compare(bg.MarkovChain(random_chain(2, 2).log_probs, "ab"))
    with pytest.raises(SettingError, match="context_length=3, the chain 2"):
        random_chain(2, 2).compare(random_chain(2, 3))
    with pytest.raises(SettingError, match="another vocabulary"):
        random_chain(2, 2).compare(random_chain(3, 2))
    check_alike(random_chain(2, 2), ("0", "1"), 2, "chain")


# -- a chain and its data -----------------------------------------------------------------------------------


def test_the_decomposition_adds_up_to_the_cross_entropy_of_the_windows(article_run, corpus):
    chain = article_run.chain
    parts = chain.loss_decomposition(corpus)
    plain = -np.mean([np.log(chain[ARTICLE[i : i + 3]][ARTICLE[i + 3]]) for i in range(12)])
    assert parts.loss == pytest.approx(plain, rel=1e-13)
    assert parts.floor == pytest.approx(np.log(2) / 2, rel=1e-13)
    assert parts.floor + parts.terms.sum() == parts.loss
    assert parts.weights.tolist() == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2])
    assert corpus.vocabulary.decode(parts.contexts[3]) == "111"
    # the divergence of each context from the data, weighted
    kl = parts.terms.sum(axis=1)
    p = chain.probs
    assert kl[0] == pytest.approx(-np.log(p[3, 1]) / 6)
    assert kl[3] == pytest.approx((np.log(0.5 / p[7, 0]) + np.log(0.5 / p[7, 1])) / 4)


def test_the_decomposition_is_the_loss_torch_computes(article_run, corpus):
    contexts = torch.tensor([[int(c) for c in ARTICLE[i : i + 3]] for i in range(12)])
    following = torch.tensor([int(ARTICLE[i + 3]) for i in range(12)])
    with torch.no_grad():
        logits = article_run.gpt(contexts)
        logits = logits[0] if isinstance(logits, tuple) else logits
        logits = logits[:, -1] if logits.ndim == 3 else logits
        loss = torch.nn.functional.cross_entropy(logits, following).item()
    assert article_run.chain.loss_decomposition(corpus).loss == pytest.approx(loss, abs=1e-6)


@given(st.text("abc", min_size=6, max_size=40), st.integers(0, 1000), st.integers(1, 2))
def test_the_decomposition_is_exact_on_any_text(text, seed, K):
    corpus = bg.Corpus.from_text(text, context_length=K, vocabulary="abc")
    chain = bg.MarkovChain(random_chain(3, K, seed).log_probs, "abc")
    parts = chain.loss_decomposition(corpus)
    plain = -np.mean([np.log(chain[text[i : i + K]][text[i + K]]) for i in range(len(text) - K)])
    assert parts.loss == pytest.approx(plain, rel=1e-11)
    assert (parts.terms.sum(axis=1) >= -1e-15).all()
    assert parts.loss >= parts.floor - 1e-12


def test_ruling_out_the_data_is_an_infinite_loss(corpus):
    greedy = bg.MarkovChain.from_corpus(corpus).with_decoding(temperature=0)
    assert greedy.loss_decomposition(corpus).loss == np.inf
    assert bg.MarkovChain.from_corpus(corpus).loss_decomposition(corpus).loss == pytest.approx(corpus.floor)


def test_losses_of_a_history_are_those_of_its_frames(article_run, corpus):
    found = [article_run.chain_at(s).loss_decomposition(corpus).loss for s in range(0, 50, 7)]
    np.testing.assert_allclose(found, article_run.losses[:50:7], atol=1e-6)


def test_a_corpus_of_another_kind_is_refused(article_run):
    chain = article_run.chain
    for ask in (chain.loss_decomposition, chain.nearest_ngram):
        with pytest.raises(SettingError, match=r"corpus has context_length=2, the chain 3"):
            ask(bg.Corpus.from_text(ARTICLE, context_length=2))
        with pytest.raises(SettingError, match="corpus has another vocabulary"):
            ask(bg.Corpus.from_text("abbabaab", context_length=3))


# -- the nearest n-gram -------------------------------------------------------------------------------------


def test_each_ngram_is_nearest_to_itself(corpus):
    for order, chain in enumerate(bg.MarkovChain.ngrams(corpus)):
        nearest = chain.nearest_ngram(corpus)
        assert nearest.order == order
        assert nearest.divergences[order + 1] == pytest.approx(0, abs=1e-14)
        assert nearest.divergences.shape == (5,)
    assert [c.nearest_ngram(corpus).name for c in bg.MarkovChain.ngrams(corpus)] == [
        "unigram", "bigram", "trigram", "order 3",
    ]  # fmt: skip


def test_a_uniform_chain_is_nearest_to_uniform(corpus):
    nearest = uniform_chain(2, 3).nearest_ngram(corpus)
    assert (nearest.order, nearest.name) == (-1, "uniform")
    assert nearest.divergences[0] == pytest.approx(0, abs=1e-15)


def test_divergences_are_as_by_hand(article_run, corpus):
    chain = article_run.chain
    shares = {"011": 1 / 6, "101": 1 / 6, "110": 1 / 6, "111": 1 / 2}

    def jensen_shannon(other):
        return sum(
            w * (p * np.log(p / ((p + other[t]) / 2)) + other[t] * np.log(other[t] / ((p + other[t]) / 2))) / 2
            for c, w in shares.items()
            for t, p in chain[c].items()
        )

    uniform, once = jensen_shannon({"0": 0.5, "1": 0.5}), jensen_shannon({"0": 0.25, "1": 0.75})
    np.testing.assert_allclose(chain.nearest_ngram(corpus).divergences[:2], [uniform, once], rtol=1e-10)


def test_the_article_run_goes_from_uniform_to_the_unigram_plateau_and_on():
    run = bg.train(ARTICLE, context_length=3, steps=300, seed=1337)
    orders = [run.chain_at(step).nearest_ngram(run.corpus).order for step in (0, 20, 300)]
    assert orders[0] == -1
    assert orders[1] == 0
    assert orders[2] == 3


def test_a_chain_infinitely_far_from_all_is_not_called_uniform(corpus):
    # says 0 for ever, which every n-gram of the data contradicts somewhere
    stuck = chain_of(np.tile([1.0, 0.0], (8, 1)))
    try:
        nearest = stuck.nearest_ngram(corpus)
    except bg.BabyGPTError:
        return
    assert np.isfinite(nearest.divergences[nearest.order + 1])
