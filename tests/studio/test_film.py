from __future__ import annotations

import numpy as np
import pytest
from driving import SMALL

import babygpt as bg
from babygpt.studio.limits import Limits
from babygpt.studio.playback import CHAINS_AT_HAND, Film

ARTICLE = "111101111011110"
SHAPE = bg.GPTConfig(3, 2, 1, 2, 8)


def film_of(limits=None, context_length=3, **settings):
    corpus = bg.Corpus.from_text(ARTICLE + "0011", context_length)
    config = bg.GPTConfig(context_length, 2, 1, 2, 8)
    return Film(corpus, config, bg.TrainConfig(**settings), limits or Limits())


def finished(film):
    while not film.done:
        film.advance(1.0, film.total)
    film.settle()
    return film


def weights_of(run):
    return np.concatenate([weight.ravel() for weight in run.weights.values()])


def test_each_step_has_the_weights_of_a_training_that_ended_there():
    film = finished(film_of(steps=6))
    for step in range(7):
        kept, weights = film.weights_at(step)
        assert kept == step
        expected = bg.train(ARTICLE + "0011", steps=max(step, 1), **SMALL)
        if step:
            np.testing.assert_array_equal(weights, weights_of(expected))
    np.testing.assert_array_equal(film.weights_at(0)[1], film.initial)


def test_where_few_weights_fit_the_nearest_before_stand_in():
    film = finished(film_of(Limits(memory=2**19), steps=300))
    held = [film.weights_at(step)[0] for step in range(301)]
    assert all(kept <= step for step, kept in enumerate(held))
    assert held[:3] == [0, 1, 2]
    assert held[300] == 300
    assert len(set(held)) < 25
    assert len(set(held)) * film.initial.nbytes <= 2**19 // 8 + 2 * film.initial.nbytes  # and the first and the last


def test_a_gpt_has_the_weights_it_is_given_in_the_order_of_its_parameters():
    film = film_of(steps=2)
    weights = np.arange(len(film.initial), dtype=np.float32)
    gpt = film.gpt(weights)
    for name, (start, shape) in film.tensors().items():
        parameter = dict(gpt.named_parameters())[name]
        assert tuple(parameter.shape) == shape
        np.testing.assert_array_equal(parameter.detach().numpy().ravel(), weights[start : start + parameter.numel()])
    assert film.training.trainer.gpt is not gpt  # the training's own is left alone
    np.testing.assert_array_equal(film.weights_at(0)[1], film.initial)


def test_the_newest_step_is_shown_once_the_training_rests():
    film = film_of(steps=9)
    film.advance(0.0, 9)
    film.advance(0.0, 9)
    assert list(film.recorded) == [0, 1]
    film.settle()
    assert list(film.recorded) == [0, 1, 2]
    assert (film.after(1), film.after(2)) == (2, None)
    film.advance(0.0, 9)
    assert list(film.recorded) == [0, 1, 2]


def test_a_goal_is_not_trained_past():
    film = film_of(steps=9)
    film.advance(10.0, 4)
    assert (film.trained, film.done) == (4, False)
    film.advance(10.0, 4)
    assert film.trained == 4


def test_nearest_is_the_last_one_before_and_closest_the_nearest_of_all():
    film = finished(film_of(context_length=12, steps=40))
    recorded = list(film.recorded)
    assert len(recorded) < 41
    for step in range(-2, 44):
        before = [s for s in recorded if s <= step] or [0]
        assert film.nearest(step) == before[-1]
        assert abs(film.closest(step) - step) == min(abs(s - step) for s in recorded)


def test_a_chain_is_made_once_while_it_is_at_hand_and_not_all_are():
    film = finished(film_of(context_length=12, steps=40))
    steps = [step for step in film.recorded if step < 40]
    assert film.chain(steps[0]) is film.chain(steps[0])
    for step in steps:
        film.chain(step)
    room = CHAINS_AT_HAND // (16 * film.chain(0).n_arrows)
    assert len(film._chains) <= room + 1
    assert film.chain(40) is film.chain(40)


def test_a_film_that_goes_on_is_as_if_it_had_never_stopped():
    film = finished(film_of(steps=4))
    film.extend(9)
    assert (film.trained, film.total, film.done) == (4, 9, False)
    finished(film)
    np.testing.assert_array_equal(film.weights_at(9)[1], weights_of(bg.train(ARTICLE + "0011", steps=9, **SMALL)))
    assert list(film.recorded) == list(range(10))
    assert film.weights_at(2)[0] == 2


@pytest.mark.parametrize("rate", [1e2, 1e20])
def test_what_broke_is_never_shown(rate):
    film = film_of(steps=60, learning_rate=rate)
    while not film.done:
        film.advance(0.0, 60)
        for step in film.recorded:
            assert np.isfinite(film.chain(step).log_probs).all()
    film.settle()
    assert film.stopped == "diverged"
    assert "learning_rate" in str(film.failure)
    assert film.recorded[-1] == film.trained
    assert np.isfinite(film.weights_at(film.trained)[1]).all()
    assert film.run().steps == film.trained


def test_the_last_update_of_all_is_looked_at_too():
    film = finished(film_of(steps=1, learning_rate=1e20))
    assert (film.stopped, film.trained) == ("diverged", 0)
