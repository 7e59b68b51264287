from __future__ import annotations

import numpy as np
import pytest
from driving import SMALL

import babygpt as bg
from babygpt.studio.limits import Limits
from babygpt.studio.playback import CHAINS_AT_HAND, Playback

ARTICLE = "111101111011110"
SHAPE = bg.GPTConfig(3, 2, 1, 2, 8)


def film_of(limits=None, context_length=3, **settings):
    corpus = bg.Corpus.from_text(ARTICLE + "0011", context_length)
    config = bg.GPTConfig(context_length, 2, 1, 2, 8)
    return Playback(corpus, config, bg.TrainConfig(**settings), limits or Limits())


def finished(playback):
    while not playback.done:
        playback.advance(1.0, playback.total)
    playback.settle()
    return playback


def weights_of(run):
    return np.concatenate([weight.ravel() for weight in run.weights.values()])


def test_each_step_has_the_weights_of_a_training_that_ended_there():
    playback = finished(film_of(steps=6))
    for step in range(7):
        kept, weights = playback.weights_at(step)
        assert kept == step
        expected = bg.train(ARTICLE + "0011", steps=max(step, 1), **SMALL)
        if step:
            np.testing.assert_array_equal(weights, weights_of(expected))
    np.testing.assert_array_equal(playback.weights_at(0)[1], playback.initial)


def test_where_few_weights_fit_the_nearest_before_stand_in():
    playback = finished(film_of(Limits(memory=2**19), steps=300))
    held = [playback.weights_at(step)[0] for step in range(301)]
    assert all(kept <= step for step, kept in enumerate(held))
    assert held[:3] == [0, 1, 2]
    assert held[300] == 300
    assert len(set(held)) < 25
    assert (
        len(set(held)) * playback.initial.nbytes <= 2**19 // 8 + 2 * playback.initial.nbytes
    )  # and the first and the last


def test_a_gpt_has_the_weights_it_is_given_in_the_order_of_its_parameters():
    playback = film_of(steps=2)
    weights = np.arange(len(playback.initial), dtype=np.float32)
    gpt = playback.gpt(weights)
    for name, (start, shape) in playback.tensors().items():
        parameter = dict(gpt.named_parameters())[name]
        assert tuple(parameter.shape) == shape
        np.testing.assert_array_equal(parameter.detach().numpy().ravel(), weights[start : start + parameter.numel()])
    assert playback.training.trainer.gpt is not gpt  # the training's own is left alone
    np.testing.assert_array_equal(playback.weights_at(0)[1], playback.initial)


def test_the_newest_step_is_shown_once_the_training_rests():
    playback = film_of(steps=9)
    playback.advance(0.0, 9)
    playback.advance(0.0, 9)
    assert list(playback.recorded) == [0, 1]
    playback.settle()
    assert list(playback.recorded) == [0, 1, 2]
    assert (playback.after(1), playback.after(2)) == (2, None)
    playback.advance(0.0, 9)
    assert list(playback.recorded) == [0, 1, 2]


def test_a_goal_is_not_trained_past():
    playback = film_of(steps=9)
    playback.advance(10.0, 4)
    assert (playback.trained, playback.done) == (4, False)
    playback.advance(10.0, 4)
    assert playback.trained == 4


def test_nearest_is_the_last_one_before_and_closest_the_nearest_of_all():
    playback = finished(film_of(context_length=12, steps=40))
    recorded = list(playback.recorded)
    assert len(recorded) < 41
    for step in range(-2, 44):
        before = [s for s in recorded if s <= step] or [0]
        assert playback.nearest(step) == before[-1]
        assert abs(playback.closest(step) - step) == min(abs(s - step) for s in recorded)


def test_a_chain_is_made_once_while_it_is_at_hand_and_not_all_are():
    playback = finished(film_of(context_length=12, steps=40))
    steps = [step for step in playback.recorded if step < 40]
    assert playback.chain(steps[0]) is playback.chain(steps[0])
    for step in steps:
        playback.chain(step)
    room = CHAINS_AT_HAND // (16 * playback.chain(0).n_arrows)
    assert len(playback._chains) <= room + 1
    assert playback.chain(40) is playback.chain(40)


def test_a_film_that_goes_on_is_as_if_it_had_never_stopped():
    playback = finished(film_of(steps=4))
    playback.extend(9)
    assert (playback.trained, playback.total, playback.done) == (4, 9, False)
    finished(playback)
    np.testing.assert_array_equal(playback.weights_at(9)[1], weights_of(bg.train(ARTICLE + "0011", steps=9, **SMALL)))
    assert list(playback.recorded) == list(range(10))
    assert playback.weights_at(2)[0] == 2


@pytest.mark.parametrize("rate", [1e2, 1e20])
def test_what_broke_is_never_shown(rate):
    playback = film_of(steps=60, learning_rate=rate)
    while not playback.done:
        playback.advance(0.0, 60)
        for step in playback.recorded:
            assert np.isfinite(playback.chain(step).log_probs).all()
    playback.settle()
    assert playback.stopped == "diverged"
    assert "learning_rate" in str(playback.failure)
    assert playback.recorded[-1] == playback.trained
    assert np.isfinite(playback.weights_at(playback.trained)[1]).all()
    assert playback.run().steps == playback.trained


def test_the_last_update_of_all_is_looked_at_too():
    playback = finished(film_of(steps=1, learning_rate=1e20))
    assert (playback.stopped, playback.trained) == ("diverged", 0)
