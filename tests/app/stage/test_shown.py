from __future__ import annotations

import math

import numpy as np
import pytest

import babygpt as bg
from babygpt.app.stage.shown import Expected, Shown
from babygpt.errors import ConvergenceError

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
    expected = Expected(run.corpus, positions, run.floor)
    assert expected.loss(run.chain) == pytest.approx(np.mean(surprise), rel=1e-12)
    assert expected.floor == run.floor


def shown(probs, sequence="0110"):
    with np.errstate(divide="ignore"):
        chain = bg.MarkovChain(np.log(probs))
    corpus = bg.Corpus.from_text(sequence, chain.context_length, chain.vocabulary)
    return Shown(chain, Expected(corpus, "last", corpus.floor))


def test_a_chain_that_ends_in_one_of_two_places_has_both_in_its_long_run():
    # 00 and 11 are kept for ever; 01 and 10 lead to each with 1/4 and 3/4, or to each other
    probs = [[1, 0], [0.25, 0.75], [0.25, 0.75], [0, 1]]
    pi = shown(probs, "01100").long_run(passing=False)
    ends = np.linalg.solve([[1, -0.25], [-0.75, 1]], [0, 0.25])  # of 01 and of 10 in 00
    assert pi.tolist() == pytest.approx([(1 + ends.sum()) / 4, 0, 0, (3 - ends.sum()) / 4])


def test_a_rhythm_never_mixes():
    numbers = shown([[0, 1], [1, 0]]).numbers(passing=False)
    assert (numbers["mixing"], numbers["mixing_time"], numbers["entropy_rate"]) == ("infinite", None, 0)


def test_a_long_run_that_does_not_settle_is_not_known(monkeypatch):
    def fails(*_):
        raise ConvergenceError("It does not settle.")

    monkeypatch.setattr(bg.MarkovChain, "stationary_distribution", fails)
    monkeypatch.setattr(bg.MarkovChain, "mixing_time", fails)
    chain = shown([[0.5, 0.5], [0.5, 0.5]])
    assert chain.long_run(passing=False) is None
    numbers = chain.numbers(passing=False)
    assert (numbers["entropy_rate"], numbers["mixing_time"], numbers["mixing"]) == (None, None, "unknown")
    assert numbers["loss"] == pytest.approx(math.log(2))


@pytest.mark.parametrize(("time", "kind"), [(math.inf, "infinite"), (math.nan, "unknown")])
def test_a_number_that_is_none_is_not_shown_as_one(monkeypatch, time, kind):
    monkeypatch.setattr(bg.MarkovChain, "stationary_distribution", lambda _: np.full(2, math.nan))
    monkeypatch.setattr(bg.MarkovChain, "mixing_time", lambda _: time)
    chain = shown([[0.5, 0.5], [0.5, 0.5]])
    assert chain.long_run(passing=False) is None
    numbers = chain.numbers(passing=False)
    assert (numbers["entropy_rate"], numbers["mixing_time"], numbers["mixing"]) == (None, None, kind)


@pytest.mark.parametrize("sharpness", [0.1, 1, 1000])
def test_the_long_run_of_many_states_is_the_librarys(sharpness):
    probs = np.random.default_rng(0).dirichlet([1 / sharpness] * 2, size=512) * (1 - 1e-9) + 5e-10
    many = shown(probs, "0110" * 5)
    np.testing.assert_allclose(many.long_run(passing=False), many.chain.stationary_distribution(), atol=1e-8)


def test_more_states_than_can_be_followed_have_no_long_run():
    chain = shown(np.full((2**17, 2), 0.5), "01" * 40)
    assert chain.long_run(passing=False) is None
    assert chain.numbers(passing=False)["mixing"] == "unknown"
