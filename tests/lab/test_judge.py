from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import random_source

import babygpt as bg
from babygpt.lab import sources
from babygpt.lab.judge import judge

MESS3 = sources.mess3()


def random_chain(source, K, seed):
    V = len(source.vocabulary)
    table = np.random.default_rng(seed).dirichlet(np.ones(V), size=V**K)
    return bg.MarkovChain(np.log(table), source.vocabulary)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(2, 3), st.integers(1, 3), st.booleans())
def test_the_cross_entropy_is_the_optimal_loss_plus_the_mean_divergence_exactly(seed, V, K, sparse):
    source = random_source(V, 2, seed, sparse)
    chain = random_chain(source, K, seed)
    told = judge(chain, source)
    joint = source.context_weights(K + 1).reshape(-1, V)  # contexts with the token after: by another road
    assert told.cross_entropy == pytest.approx(-(joint * chain.log_probs).sum(), abs=1e-12)
    assert told.cross_entropy == pytest.approx(told.optimal_loss + told.excess, abs=1e-12)
    assert told.excess >= 0
    assert told.optimal_loss == source.optimal_loss(K)


@pytest.mark.parametrize("source", [MESS3, sources.even_process(), sources.rrxor()], ids=repr)
@pytest.mark.parametrize("K", [1, 3])
def test_the_best_chain_has_no_excess(source, K):
    told = judge(source.chain(K), source)
    assert told.excess == pytest.approx(0, abs=1e-14)
    assert told.cross_entropy == pytest.approx(told.optimal_loss, abs=1e-14)
    assert told.entropy_rate == source.entropy_bounds


def test_a_long_sample_is_lost_at_the_rate_that_was_judged():
    chain = random_chain(MESS3, 2, seed=5)
    surprise = chain.surprisal(MESS3.sample(30_000, seed=2))[2:]
    blocks = surprise[: len(surprise) // 100 * 100].reshape(100, -1).mean(axis=1)
    error = blocks.std(ddof=1) / 10
    assert judge(chain, MESS3).cross_entropy == pytest.approx(surprise.mean(), abs=4 * error)
    assert error < 0.02


def test_the_excess_over_a_source_that_a_chain_can_be_is_the_comparison_of_two_chains():
    source = sources.markov([[0.9, 0.1], [0.3, 0.7]])
    chain = random_chain(source, 1, seed=3)
    assert judge(chain, source).excess == pytest.approx(source.chain(1).compare(chain).mean_kl, abs=1e-14)


def test_the_worst_contexts_come_first_and_add_up():
    chain = random_chain(MESS3, 2, seed=1)
    told = judge(chain, MESS3)
    worst = told.worst(100)
    assert len(worst) == 9
    assert [part.excess for part in worst] == sorted((part.excess for part in worst), reverse=True)
    assert sum(part.excess for part in worst) == pytest.approx(told.excess)
    first = worst[0]
    state = chain.state(first.context)
    p, q = MESS3.context_probs(2)[state], chain.probs[state]
    assert first.kl == pytest.approx((p * np.log(p / q)).sum())
    assert first.weight == pytest.approx(MESS3.context_weights(2)[state])
    assert told.worst(1) == worst[:1]


def test_what_the_source_never_says_is_not_held_against_a_chain():
    golden = sources.golden_mean()
    table = np.exp(golden.chain(2).log_probs)
    table[0b00] = [0.5, 0.5]
    with np.errstate(divide="ignore"):
        told = judge(bg.MarkovChain(np.log(table), "01"), golden)
    assert told.excess == 0.0
    assert np.isnan(told.kl[0b00])
    assert "00" not in [part.context for part in told.worst(9)]


def test_a_chain_that_rules_out_what_is_said_loses_without_end():
    with np.errstate(divide="ignore"):
        told = judge(bg.MarkovChain(np.log([[1.0, 0.0], [0.5, 0.5]]), "01"), sources.coin(0.5))
    assert told.cross_entropy == told.excess == np.inf
    assert told.worst(1)[0].context == "0"


def test_a_run_is_judged_by_its_trained_chain_and_training_brings_it_nearer():
    source = sources.golden_mean()
    run = bg.train(source.sample(400), 2, 60, n_layer=1, n_head=2, n_embd=8, learning_rate=1e-2)
    told = judge(run, source)
    assert told.cross_entropy == judge(run.chain, source).cross_entropy
    assert told.excess < 0.05 < judge(run.chain_at(0), source).excess
    assert repr(told).startswith(f"Judgement(cross-entropy {told.cross_entropy:.4f} = optimal 0.4621 + excess")


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.2])
@pytest.mark.parametrize("length", [2, 3])
def test_beyond_its_length_a_parity_is_learnt_first_as_a_copy(length, noise):
    source, flipped = sources.parity(length, noise), 2 * noise * (1 - noise)

    def toss(p):
        return -p * np.log(p) - (1 - p) * np.log(1 - p)

    plateau = toss(flipped) - toss(noise)
    if noise == 0.1:
        assert plateau == pytest.approx(0.1463, abs=5e-5)
    for K in (length, length + 1, length + 2):
        told = judge(random_chain(source, K, seed=1), source)
        if length == K:
            np.testing.assert_allclose(told.lag_losses, np.log(2), atol=1e-12)
            assert not told.has_shortcut
            assert told.copy_excess == pytest.approx(np.log(2) - toss(noise))
        else:
            assert told.best_lag == length + 1
            assert told.has_shortcut
            assert told.copy_excess == pytest.approx(plateau)
    # a chain that copies is exactly there
    oldest = np.arange(2 ** (length + 1)) >> length
    copier = bg.MarkovChain(np.log(np.where(oldest[:, None] == [0, 1], 1 - flipped, flipped)), "01")
    assert judge(copier, source).excess == pytest.approx(plateau)


@given(st.integers(0, 10**6), st.integers(2, 3), st.integers(1, 3))
def test_one_token_alone_is_worth_what_all_contexts_say_of_it(seed, V, K):
    source = random_source(V, 2, seed, sparse=False)
    joint = source.context_weights(K + 1).reshape((V,) * (K + 1))
    losses = source.lag_losses(K)
    for lag in range(1, K + 1):
        pairs = joint.sum(axis=tuple(i for i in range(K + 1) if i not in (K - lag, K)))
        expected = -(pairs * np.log(pairs / pairs.sum(axis=1, keepdims=True))).sum()
        assert losses[lag - 1] == pytest.approx(expected, abs=1e-12)
        assert losses[lag - 1] >= source.optimal_loss(K) - 1e-12


def test_only_like_is_judged_by_like():
    with pytest.raises(bg.SettingError, match="chain has the symbols a b, the source 0 1"):
        judge(bg.MarkovChain(np.log([[0.5, 0.5], [0.5, 0.5]]), "ab"), sources.coin())
    with pytest.raises(bg.SettingError, match="judge takes a chain or a run"):
        judge("0101", sources.coin())
    with pytest.raises(bg.SettingError, match="n=0 is not a whole number"):
        judge(sources.coin().chain(1), sources.coin()).worst(0)
