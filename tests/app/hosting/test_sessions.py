from __future__ import annotations

import asyncio

import pytest
from studios import GIVEN_UP, Puppet

from babygpt.app.hosting import sessions as module
from babygpt.app.hosting import workshop as workshop_module
from babygpt.app.hosting.sessions import FullError, GoneError, Hosted, Sessions
from babygpt.app.hosting.workshop import Workshop


class Looker:
    """A screen that remembers what it heard."""

    def __init__(self):
        self.stirred, self.dismissed = 0, []

    def stir(self, answer=False):
        self.stirred += 1

    def dismiss(self, code, reason):
        self.dismissed.append((code, reason))


async def until(holds):
    async with asyncio.timeout(GIVEN_UP):
        while not holds():
            await asyncio.sleep(0.002)


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that only moves when it is set: its time is its only item."""
    time = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: time[0])
    return time


def test_a_sessions_clock_stands_still_while_nobody_looks(clock):
    async def scene():
        workshop, puppet, screen = Workshop(), Puppet(), Looker()
        hosted = Hosted(lambda: puppet, workshop, lambda: None)
        hosted.enter(screen)
        await hosted.handle({"command": "wander", "on": True})
        clock[0] = 101.0
        await until(lambda: 101.0 in puppet.clock)
        hosted.leave(screen, 3600.0)
        clock[0] = 500.0
        hosted.enter(screen)
        clock[0] = 500.5
        await until(lambda: puppet.clock[-1] == 101.5)
        assert max(puppet.clock) == 101.5
        hosted.drop(1001, "")
        workshop.close()

    asyncio.run(scene())


def test_a_training_goes_on_while_nobody_looks_and_then_the_session_rests(clock):
    async def scene():
        workshop, puppet, screen = Workshop(), Puppet(), Looker()
        hosted = Hosted(lambda: puppet, workshop, lambda: None)
        hosted.enter(screen)
        await hosted.handle({"command": "wander", "on": True})
        await hosted.handle({"command": "train", "steps": 20})
        hosted.leave(screen, 3600.0)
        clock[0] = 500.0
        await until(lambda: puppet.step == 20 and not workshop.in_use)
        assert max(puppet.clock) == 100.0
        assert workshop.training == set()
        assert hosted._wait() is None  # nothing wakes it by itself
        rested = puppet.advances
        await asyncio.sleep(0.05)
        assert puppet.advances == rested
        hosted.drop(1001, "")
        workshop.close()

    asyncio.run(scene())


def test_a_session_that_was_dropped_does_nothing_more_and_is_forgotten(monkeypatch):
    monkeypatch.setattr(workshop_module, "SLOW", -1.0)  # what is known of a slow session is forgotten too

    async def scene():
        ended = []
        workshop, puppet, screen = Workshop(), Puppet(), Looker()
        hosted = Hosted(lambda: puppet, workshop, lambda: ended.append(True))
        hosted.enter(screen)
        await hosted.handle({"command": "train", "steps": 10**9})
        await until(lambda: puppet.step > 2)
        under_way = asyncio.create_task(hosted.handle({"command": "wait"}))
        await until(puppet.at_gate.is_set)
        hosted.drop(1001, "why")
        hosted.drop(1001, "again")
        puppet.gate.set()
        await under_way
        step = puppet.step
        with pytest.raises(GoneError):
            await hosted.handle({"command": "play"})
        with pytest.raises(GoneError):
            await hosted.look({}, 1)
        assert puppet.step == step
        assert screen.dismissed == [(1001, "why")]
        assert ended == [True]
        assert workshop.training == set()
        assert workshop.hands._slow == workshop.trainers._slow == set()
        workshop.close()

    asyncio.run(scene())


def test_a_session_that_cannot_be_made_is_told_and_its_place_is_free(caplog):
    def fail():
        raise MemoryError

    async def scene():
        sessions, screen = Sessions(fail, most=1), Looker()
        hosted, new = sessions.enter("the-session-of-a", screen)
        assert new
        await until(lambda: screen.dismissed)
        assert screen.dismissed[0][0] == 1011
        assert len(sessions) == 0
        sessions.leave(hosted, screen)
        sessions.close()

    asyncio.run(scene())
    assert "MemoryError" in caplog.text


def test_a_studio_that_is_closing_takes_nobody_in():
    async def scene():
        sessions, screen = Sessions(Puppet, most=5), Looker()
        sessions.enter("the-session-of-a", screen)
        sessions.close()
        assert screen.dismissed == [(1001, "The studio was closed.")]
        with pytest.raises(FullError, match="closing"):
            sessions.enter("the-session-of-b", Looker())

    asyncio.run(scene())


def test_whoever_returns_in_time_is_not_forgotten():
    async def scene():
        sessions, screen = Sessions(Puppet, most=5, kept=0.02), Looker()
        hosted, _ = sessions.enter("the-session-of-a", screen)
        sessions.leave(hosted, screen)
        assert sessions.enter("the-session-of-a", screen) == (hosted, False)
        await asyncio.sleep(0.06)
        assert sessions.find("the-session-of-a") is hosted
        sessions.leave(hosted, screen)
        await until(lambda: sessions.find("the-session-of-a") is None)
        sessions.close()

    asyncio.run(scene())
