from __future__ import annotations

import pytest
from driving import SMALL

import babygpt as bg
from babygpt.studio.limits import Limits
from babygpt.studio.playback import Playback
from babygpt.studio.playhead import Playhead


@pytest.fixture(scope="module")
def playback():
    corpus = bg.Corpus.from_text("111101111011110", 3)
    config = bg.GPTConfig(3, 2, *SMALL.values())
    playback = Playback(corpus, config, bg.TrainConfig(steps=40), Limits())
    playback.advance(10.0, 40)
    playback.settle()
    return playback


def test_it_says_when_it_moves_next_and_moves_then(playback):
    playhead = Playhead()
    playhead.choose_speed(8)
    playhead.play()
    now, times = 5.0, []
    while (due := playhead.due(now, playback)) is not None:
        now = due
        playhead.advance(now, playback, training=False)
        times.append((now, playhead.step))
    assert times[:4] == [(5.0, 1), (5.125, 2), (5.25, 3), (5.375, 4)]
    assert [step for _, step in times] == list(range(1, 41))


@pytest.mark.parametrize("speed", [0.1, 3.0, 7.7, 1000.0])
def test_the_step_shown_is_the_time_gone_by_whatever_the_pace_of_the_host(playback, speed):
    playhead = Playhead()
    playhead.choose_speed(speed)
    playhead.play()
    for tick in range(200):
        now = 0.013 * tick
        playhead.advance(now, playback, training=False)
        least, most = (min(40, int(1 + speed * seconds)) for seconds in (now - 1e-9, now + 2e-4))
        assert least <= playhead.step <= most


def test_a_clock_whose_digits_are_lost_to_rounding_does_not_hold_it_up(playback):
    playhead = Playhead()
    playhead.choose_speed(60)
    playhead.play()
    now, calls = 2.0**33 + 0.1, 0
    while (due := playhead.due(now, playback)) is not None and calls < 200:
        now = due
        playhead.advance(now, playback, training=False)
        calls += 1
    assert playhead.step == 40
    assert calls < 100


def test_a_speed_that_someone_chose_stays(playback):
    playhead = Playhead()
    playhead.suit(4000)
    assert playhead.speed == 1000
    playhead.choose_speed(20)
    playhead.suit(4000)
    assert playhead.speed == 20
    playhead.choose_speed(1e300)
    assert playhead.speed == 1e6
    playhead.choose_speed(None)
    playhead.suit(4000)
    assert playhead.speed is None


def test_a_change_of_speed_keeps_the_place(playback):
    playhead = Playhead()
    playhead.choose_speed(10)
    playhead.play()
    playhead.advance(0.0, playback, training=False)
    playhead.advance(1.0, playback, training=False)
    assert playhead.step == 11
    playhead.choose_speed(1)
    playhead.advance(2.0, playback, training=False)
    assert playhead.step == 12


def test_a_playhead_moved_again_and_again_is_dragged_until_it_rests(playback):
    playhead = Playhead()
    playhead.drag_to(3)
    assert not playhead.dragged  # one click: all of that step can be shown
    assert playhead.due(7.0, playback) == 7.0
    playhead.advance(7.0, playback, training=False)
    assert playhead.due(7.1, playback) == 7.25
    playhead.drag_to(5)
    assert (playhead.step, playhead.dragged) == (5, True)
    playhead.advance(7.2, playback, training=False)
    playhead.advance(7.3, playback, training=False)
    assert playhead.dragged
    playhead.advance(playhead.due(7.3, playback), playback, training=False)
    assert not playhead.dragged
    assert playhead.due(8.0, playback) is None
    playhead.drag_to(9)
    assert not playhead.dragged
