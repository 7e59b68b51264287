from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from witnesses import chain_of, random_chain, random_probs, sparse_chain, uniform_chain, words

import babygpt as bg
from babygpt.chain.information import conditional_entropies, entropies


def joint(chain):
    """Return the stationary probability of each text of K + 1 tokens, as a dictionary."""
    pi = chain.stationary_distribution()
    return {
        context + token: pi[state] * p
        for state, context in enumerate(chain.contexts())
        for token, p in chain[context].items()
    }


def entropy_of(table, pick):
    """Return the entropy of a part of the text, picked by a function of it."""
    marginal = {}
    for text, p in table.items():
        marginal[pick(text)] = marginal.get(pick(text), 0.0) + p
    return -sum(p * np.log(p) for p in marginal.values() if p > 0)


def information_at_lag(chain, k):
    """I(next; token k back | the k − 1 tokens between), from four entropies of the joint table."""
    table, K = joint(chain), chain.context_length
    between, older = slice(K - k + 1, K), slice(K - k, K)
    return (
        entropy_of(table, lambda w: w[between] + "|" + w[K])
        - entropy_of(table, lambda w: w[between])
        - entropy_of(table, lambda w: w[older] + "|" + w[K])
        + entropy_of(table, lambda w: w[older])
    )


@pytest.mark.parametrize(("V", "K"), [(2, 1), (2, 3), (2, 4), (3, 2), (4, 2)])
def test_each_lag_adds_its_conditional_mutual_information(V, K):
    chain = random_chain(V, K, seed=5)
    expected = [information_at_lag(chain, k) for k in range(1, K + 1)]
    np.testing.assert_allclose(chain.memory_profile(), expected, atol=1e-13)


@given(st.integers(0, 10**6))
def test_the_lags_add_up_to_all_that_the_past_tells(seed):
    chain = random_chain(2, 4, seed)
    table = joint(chain)
    h0 = entropy_of(table, lambda w: w[-1])
    profile = chain.memory_profile()
    assert profile.shape == (4,)
    assert (profile >= 0).all()
    assert profile.sum() == pytest.approx(h0 - chain.entropy_rate(), abs=1e-12)
    h = conditional_entropies(chain)
    assert (np.diff(h) <= 1e-13).all()
    assert h[-1] == pytest.approx(chain.entropy_rate(), abs=1e-13)


def test_a_source_of_order_one_remembers_one_token():
    p, q = 0.1, 0.4
    chain = chain_of([[1 - p, p] if s % 2 == 0 else [q, 1 - q] for s in range(8)])
    profile = chain.memory_profile()
    np.testing.assert_allclose(profile[1:], 0, atol=1e-14)
    assert profile[0] > 0.1


def test_parity_is_told_by_the_oldest_token_alone():
    """The next token is the exclusive or of the last three: two of them tell nothing, all three everything."""
    parity = np.array([bin(s).count("1") % 2 for s in range(8)])
    chain = chain_of(np.where(parity[:, None] == np.arange(2), 0.99, 0.01))
    noise = -(0.99 * np.log(0.99) + 0.01 * np.log(0.01))
    np.testing.assert_allclose(chain.memory_profile(), [0, 0, np.log(2) - noise], atol=1e-13)


def test_a_uniform_chain_has_no_memory():
    chain = uniform_chain(3, 3)
    np.testing.assert_allclose(chain.memory_profile(), 0, atol=1e-14)
    assert chain.excess_entropy() == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize(("V", "K"), [(2, 1), (2, 4), (3, 2), (5, 2)])
def test_excess_entropy_is_the_entropy_of_the_state_less_k_tokens_worth(V, K):
    chain = random_chain(V, K, seed=8)
    pi = chain.stationary_distribution()
    expected = -(pi * np.log(pi)).sum() - K * chain.entropy_rate()
    assert chain.excess_entropy() == pytest.approx(expected, rel=1e-11)
    # and the sum over block lengths of what each falls short of the limit
    h = conditional_entropies(chain)
    assert chain.excess_entropy() == pytest.approx((h[:-1] - h[-1]).sum(), rel=1e-10)


@pytest.mark.parametrize(("V", "K"), [(2, 2), (3, 2)])
def test_excess_entropy_is_the_information_between_past_and_future(V, K):
    chain = random_chain(V, K, seed=3)
    pi = chain.stationary_distribution()
    both = {}
    for state, past in enumerate(chain.contexts()):
        for future in words(chain.vocabulary.symbols, K):
            p, said = pi[state], past
            for token in future:
                p *= chain[said[-K:]][token]
                said += token
            both[past, future] = p
    mutual = entropy_of(both, lambda w: w[0]) + entropy_of(both, lambda w: w[1]) - entropy_of(both, lambda w: w)
    assert chain.excess_entropy() == pytest.approx(mutual, rel=1e-11)


@pytest.mark.parametrize("p", [1, 2, 3, 4, 5])
def test_a_period_of_p_tells_ln_p_about_its_future(p):
    text = ("1" * (p - 1) + "0") * 8
    chain = bg.MarkovChain.from_corpus(bg.Corpus.from_text(text, context_length=5, vocabulary="01"))
    assert chain.excess_entropy() == pytest.approx(np.log(p), abs=1e-13)
    assert chain.entropy_rate() == 0
    assert (chain.memory_profile() >= 0).all()


def test_the_complexity_is_never_below_the_excess_entropy():
    for seed in range(10):
        chain = chain_of(random_probs(seed, 2, 2)[np.random.default_rng(seed).integers(4, size=16)])
        assert chain.causal_states().statistical_complexity >= chain.excess_entropy() - 1e-12


def test_missing_arrows_add_no_entropy():
    for seed in range(10):
        chain = sparse_chain(3, 2, seed)
        if len(chain.recurrent_classes()) > 1:
            continue
        profile = chain.memory_profile()
        assert np.isfinite(profile).all()
        assert np.isfinite(chain.excess_entropy())
        table = joint(chain)
        h0 = entropy_of(table, lambda w: w[-1])
        assert profile.sum() == pytest.approx(h0 - chain.entropy_rate(), abs=1e-12)


def test_entropies_of_rows_are_as_by_hand():
    probs = np.array([[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]])
    with np.errstate(divide="ignore"):
        found = entropies(probs, np.log(probs))
    np.testing.assert_allclose(found, [0, np.log(2), 2 * np.log(2) - 0.75 * np.log(3)], rtol=1e-14)
