from __future__ import annotations

import pytest
from driving import SMALL

import babygpt as bg
from babygpt.studio.limits import Limits
from babygpt.studio.playback import Film
from babygpt.studio.playhead import Player


@pytest.fixture(scope="module")
def film():
    corpus = bg.Corpus.from_text("111101111011110", 3)
    config = bg.GPTConfig(3, 2, *SMALL.values())
    film = Film(corpus, config, bg.TrainConfig(steps=40), Limits())
    film.advance(10.0, 40)
    film.settle()
    return film


def test_it_says_when_it_moves_next_and_moves_then(film):
    player = Player()
    player.choose_speed(8)
    player.play()
    now, times = 5.0, []
    while (due := player.due(now, film)) is not None:
        now = due
        player.advance(now, film, training=False)
        times.append((now, player.step))
    assert times[:4] == [(5.0, 1), (5.125, 2), (5.25, 3), (5.375, 4)]
    assert [step for _, step in times] == list(range(1, 41))


@pytest.mark.parametrize("speed", [0.1, 3.0, 7.7, 1000.0])
def test_the_step_shown_is_the_time_gone_by_whatever_the_pace_of_the_host(film, speed):
    player = Player()
    player.choose_speed(speed)
    player.play()
    for tick in range(200):
        now = 0.013 * tick
        player.advance(now, film, training=False)
        least, most = (min(40, int(1 + speed * seconds)) for seconds in (now - 1e-9, now + 2e-4))
        assert least <= player.step <= most


def test_a_clock_whose_digits_are_lost_to_rounding_does_not_hold_it_up(film):
    player = Player()
    player.choose_speed(60)
    player.play()
    now, calls = 2.0**33 + 0.1, 0
    while (due := player.due(now, film)) is not None and calls < 200:
        now = due
        player.advance(now, film, training=False)
        calls += 1
    assert player.step == 40
    assert calls < 100


def test_a_speed_that_someone_chose_stays(film):
    player = Player()
    player.suit(4000)
    assert player.speed == 1000
    player.choose_speed(20)
    player.suit(4000)
    assert player.speed == 20
    player.choose_speed(1e300)
    assert player.speed == 1e6
    player.choose_speed(None)
    player.suit(4000)
    assert player.speed is None


def test_a_change_of_speed_keeps_the_place(film):
    player = Player()
    player.choose_speed(10)
    player.play()
    player.advance(0.0, film, training=False)
    player.advance(1.0, film, training=False)
    assert player.step == 11
    player.choose_speed(1)
    player.advance(2.0, film, training=False)
    assert player.step == 12


def test_a_playhead_moved_again_and_again_is_dragged_until_it_rests(film):
    player = Player()
    player.drag_to(3)
    assert not player.dragged  # one click: all of that step can be shown
    assert player.due(7.0, film) == 7.0
    player.advance(7.0, film, training=False)
    assert player.due(7.1, film) == 7.25
    player.drag_to(5)
    assert (player.step, player.dragged) == (5, True)
    player.advance(7.2, film, training=False)
    player.advance(7.3, film, training=False)
    assert player.dragged
    player.advance(player.due(7.3, film), film, training=False)
    assert not player.dragged
    assert player.due(8.0, film) is None
    player.drag_to(9)
    assert not player.dragged
