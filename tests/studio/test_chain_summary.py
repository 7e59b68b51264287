from __future__ import annotations

import math

import numpy as np
import pytest

import babygpt as bg
from babygpt.chain import stationary
from babygpt.errors import ConvergenceError
from babygpt.studio import chain_summary as module
from babygpt.studio.chain_summary import ChainSummary, CorpusLoss

TERNARY = "012021102210012200112"


@pytest.mark.parametrize("positions", ["last", "all"])
@pytest.mark.parametrize(("sequence", "K"), [("111101111011110", 3), (TERNARY, 2), (TERNARY, 1)])
def test_the_loss_is_the_mean_surprise_over_every_example(sequence, K, positions):
    run = bg.train(sequence, context_length=K, steps=3, n_layer=1, n_head=1, n_embd=4, positions=positions)
    surprise = []
    for at in range(K, len(sequence)):  # by hand: every window, every prefix
        window = sequence[at - K : at + 1]
        lengths = range(1, K + 1) if positions == "all" else [K]
        surprise += [-math.log(run.chain[window[:n]][window[n]]) for n in lengths]
    expected = CorpusLoss(run.corpus, positions, run.floor)
    assert expected.loss(run.chain) == pytest.approx(np.mean(surprise), rel=1e-12)
    assert expected.floor == run.floor


def shown(probs, sequence="0110"):
    with np.errstate(divide="ignore"):
        chain = bg.MarkovChain(np.log(probs))
    corpus = bg.Corpus.from_text(sequence, chain.context_length, chain.vocabulary)
    return ChainSummary(chain, CorpusLoss(corpus, "last", corpus.floor))


def test_a_chain_that_ends_in_one_of_two_places_has_both_in_its_long_run():
    # 00 and 11 are kept for ever; 01 and 10 lead to each with 1/4 and 3/4, or to each other
    probs = [[1, 0], [0.25, 0.75], [0.25, 0.75], [0, 1]]
    pi = shown(probs, "01100").long_run(passing=False)
    ends = np.linalg.solve([[1, -0.25], [-0.75, 1]], [0, 0.25])  # of 01 and of 10 in 00
    assert pi.tolist() == pytest.approx([(1 + ends.sum()) / 4, 0, 0, (3 - ends.sum()) / 4])


def test_a_rhythm_never_mixes():
    numbers = shown([[0, 1], [1, 0]]).numbers(passing=False)
    assert (numbers["mixing"], numbers["mixing_time"], numbers["entropy_rate"]) == ("infinite", None, 0)


def fails(*_, **__):
    raise ConvergenceError("It does not settle.")
    yield


def test_a_long_run_that_does_not_settle_is_not_known(monkeypatch):
    monkeypatch.setattr(module, "stationary_steps", fails)
    chain = shown([[0.5, 0.5], [0.5, 0.5]])
    assert chain.long_run(passing=False) is None
    numbers = chain.numbers(passing=False)
    assert (numbers["entropy_rate"], numbers["long_run"]) == (None, "unknown")
    assert (numbers["mixing_time"], numbers["mixing"]) == (None, "unknown")
    assert numbers["loss"] == pytest.approx(math.log(2))


def test_a_mixing_time_that_does_not_settle_is_not_known(monkeypatch):
    monkeypatch.setattr(module, "mixing_steps", fails)
    numbers = shown([[0.5, 0.5], [0.5, 0.5]]).numbers(passing=False)
    assert (numbers["long_run"], numbers["mixing_time"], numbers["mixing"]) == ("exact", None, "unknown")


def gives(result):
    def steps(*_, **__):
        return result
        yield

    return steps


@pytest.mark.parametrize(("time", "kind"), [(math.inf, "infinite"), (math.nan, "unknown")])
def test_a_number_that_is_none_is_not_shown_as_one(monkeypatch, time, kind):
    monkeypatch.setattr(module, "mixing_steps", gives(time))
    numbers = shown([[0.5, 0.5], [0.5, 0.5]]).numbers(passing=False)
    assert (numbers["mixing_time"], numbers["mixing"]) == (None, kind)


def test_shares_that_are_no_numbers_are_not_shown(monkeypatch):
    monkeypatch.setattr(module, "stationary_steps", gives(np.full(2, math.nan)))
    chain = shown([[0.5, 0.5], [0.5, 0.5]])
    assert chain.long_run(passing=False) is None
    numbers = chain.numbers(passing=False)
    assert (numbers["entropy_rate"], numbers["long_run"], numbers["mixing"]) == (None, "unknown", "unknown")


def computed(chain):
    """Compute all that was asked for, and return in how many slices."""
    n = 0
    while chain.computing:
        chain.work(0.0)
        n += 1
    return n


@pytest.mark.parametrize("K", [6, 8])
def test_the_long_run_of_few_states_is_there_at_once(K):
    probs = np.random.default_rng(K).dirichlet([1, 1], size=2**K)
    few = shown(probs, "0110" * 5)
    assert few.known[0]
    np.testing.assert_array_equal(few.long_run(passing=False), few.chain.stationary_distribution())
    few.numbers(passing=False)
    assert (computed(few) == 0) == (K == 6)  # a mixing time of 256 states is a matter of slices
    assert few.numbers(passing=False)["mixing_time"] == few.chain.mixing_time()


@pytest.mark.parametrize(("K", "scale"), [(10, 400), (8, 400)])
def test_arrows_too_rare_for_floats_are_computed_in_as_many_slices_as_there_are_states(K, scale):
    logits = np.random.default_rng(0).normal(size=(2**K, 2)) * scale
    chain = bg.MarkovChain(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    assert chain.n_underflowed_arrows
    corpus = bg.Corpus.from_text("0110" * 5, K, chain.vocabulary)
    rare = ChainSummary(chain, CorpusLoss(corpus, "last", corpus.floor))
    assert rare.long_run(passing=False) is None
    assert rare.standing(passing=False) == "computing"
    for _ in range(50):
        rare.work(0.0)
    assert rare.standing(passing=False) == "computing"
    if K == 8:
        assert computed(rare) > 200
        np.testing.assert_array_equal(rare.long_run(passing=False), chain.stationary_distribution())


def test_a_large_chain_that_forgets_slowly_takes_many_short_slices_and_at_most_so_many(monkeypatch):
    monkeypatch.setattr(stationary, "MAX_STEPS", 30)
    monkeypatch.setattr(stationary, "ROUNDS", 2)
    steps = []
    advance = bg.MarkovChain.advance
    monkeypatch.setattr(bg.MarkovChain, "advance", lambda self, v: (steps.append(1), advance(self, v))[1])
    slow = shown([[1 - 1e-9, 1e-9], [3e-9, 1 - 3e-9]] * 2**11, "0110" * 9)  # it hardly ever says another token
    assert slow.long_run(passing=False) is None
    assert steps == []  # a look computes nothing
    while slow.computing:
        before = len(steps)
        slow.work(0.0)
        assert len(steps) - before <= 2
    assert slow.standing(passing=False) == "unknown"  # and nothing is solved directly
    assert len(steps) <= 2 * 30 + 2 * 2 * stationary.BASIS + 1


def test_where_frames_pass_nothing_is_computed_in_slices():
    many = shown(np.full((512, 2), 0.5), "01" * 20)
    numbers = many.numbers(passing=True)
    assert (numbers["long_run"], numbers["mixing"], many.computing) == ("moving", "large", False)


@pytest.mark.parametrize("sharpness", [0.1, 1, 1000])
def test_the_long_run_of_many_states_is_the_librarys(sharpness):
    probs = np.random.default_rng(0).dirichlet([1 / sharpness] * 2, size=512) * (1 - 1e-9) + 5e-10
    many = shown(probs, "0110" * 5)
    assert many.long_run(passing=False) is None
    computed(many)
    np.testing.assert_array_equal(many.long_run(passing=False), many.chain.stationary_distribution())


def test_more_states_than_can_be_followed_have_no_long_run():
    chain = shown(np.full((2**17, 2), 0.5), "01" * 40)
    assert chain.long_run(passing=False) is None
    numbers = chain.numbers(passing=False)
    assert (numbers["long_run"], numbers["mixing"], chain.computing) == ("large", "large", False)
