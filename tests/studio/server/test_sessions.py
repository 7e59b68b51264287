from __future__ import annotations

import asyncio
import threading
import time

import pytest
from studios import GIVEN_UP, Puppet

from babygpt.studio.server import scheduler as scheduler_module
from babygpt.studio.server import sessions as module
from babygpt.studio.server.scheduler import DRAWN, Scheduler
from babygpt.studio.server.sessions import BESIDES, NEWCOMER, FullError, GoneError, Hosted, Sessions

A, B, C, D = (f"the-session-of-{name}" for name in "abcd")
PLENTY = 2**40  # bytes


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


@pytest.fixture
def no_moment(monkeypatch):
    """Let who goes count as away at once, and keep what it has as long as there is memory."""
    monkeypatch.setattr(module, "MOMENT", 0.0)
    monkeypatch.setattr(module, "AWAY", PLENTY)


def test_a_sessions_clock_stands_still_while_nobody_looks(clock):
    async def scene():
        scheduler, puppet, screen = Scheduler(), Puppet(), Looker()
        hosted = Hosted(lambda room: puppet, scheduler)
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
        scheduler.close()

    asyncio.run(scene())


def test_a_training_goes_on_while_nobody_looks_and_then_the_session_rests(clock):
    async def scene():
        scheduler, puppet, screen = Scheduler(), Puppet(), Looker()
        hosted = Hosted(lambda room: puppet, scheduler)
        hosted.enter(screen)
        await hosted.handle({"command": "wander", "on": True})
        await hosted.handle({"command": "train", "steps": 20})
        hosted.leave(screen, 3600.0)
        clock[0] = 500.0
        await until(lambda: puppet.step == 20 and not scheduler.in_use)
        assert max(puppet.clock) == 100.0
        assert scheduler.training == set()
        assert hosted._wait() is None  # nothing wakes it by itself
        rested = puppet.advances
        await asyncio.sleep(0.05)
        assert puppet.advances == rested
        hosted.drop(1001, "")
        scheduler.close()

    asyncio.run(scene())


def test_what_is_trained_to_be_looked_at_waits_while_nobody_looks(clock):
    async def scene():
        scheduler, puppet, screen = Scheduler(), Puppet(), Looker()
        puppet.beside = True
        hosted = Hosted(lambda room: puppet, scheduler)
        hosted.enter(screen)
        await hosted.handle({"command": "train", "steps": 10**6})
        await until(lambda: puppet.step > 3)
        hosted.leave(screen, 3600.0)
        await until(lambda: not scheduler.in_use)
        await asyncio.sleep(0.02)
        rested = puppet.step
        await asyncio.sleep(0.05)
        assert puppet.step == rested < 10**6
        assert scheduler.training == set()
        hosted.enter(screen)
        await until(lambda: puppet.step > rested)
        hosted.drop(1001, "")
        scheduler.close()

    asyncio.run(scene())


def test_what_can_wait_is_done_only_while_no_other_session_trains(clock):
    async def scene():
        scheduler, patient, other = Scheduler(), Puppet(), Puppet()
        patient.patient = True
        both = [Hosted(lambda room, of=puppet: of, scheduler) for puppet in (patient, other)]
        for hosted in both:
            hosted.enter(Looker())
        await both[0].handle({"command": "train", "steps": 10**6})
        await until(lambda: patient.step > 3)
        assert scheduler.training == set()  # nobody's share gets smaller by it
        await both[1].handle({"command": "train", "steps": 200})
        await until(lambda: other.step > 3)
        begun = patient.step
        await until(lambda: other.step > 100)
        assert patient.step <= begun + 1
        await until(lambda: other.step == 200)
        await until(lambda: patient.step > begun + 3)
        for hosted in both:
            hosted.drop(1001, "")
        scheduler.close()

    asyncio.run(scene())


def test_what_is_always_due_is_done_no_more_than_twice_a_frame(clock):
    async def scene():
        scheduler, puppet = Scheduler(), Puppet()
        puppet.period = 0.0
        hosted = Hosted(lambda room: puppet, scheduler)
        hosted.enter(Looker())
        await hosted.handle({"command": "wander", "on": True})
        for done in range(1, 5):
            await until(lambda done=done: puppet.advances >= done)
            await asyncio.sleep(0.05)
            assert puppet.advances == done
            clock[0] += 1.01 * DRAWN / 2
        hosted.drop(1001, "")
        scheduler.close()

    asyncio.run(scene())


def test_the_clock_is_read_where_screens_come_and_go_and_in_no_other_thread(monkeypatch):
    readers = set()

    def monotonic():
        readers.add(threading.get_ident())
        return time.monotonic()

    monkeypatch.setattr(module, "monotonic", monotonic)

    async def scene():
        scheduler, puppet, screen = Scheduler(), Puppet(), Looker()
        hosted = Hosted(lambda room: puppet, scheduler)
        hosted.enter(screen)
        await hosted.handle({"command": "train", "steps": 20})
        await until(lambda: puppet.step == 20)
        await hosted.handle({"command": "wander", "on": True})
        await until(lambda: puppet.advances > 25)
        await hosted.look({}, 1)
        hosted.drop(1001, "")
        scheduler.close()

    asyncio.run(scene())
    assert readers == {threading.get_ident()}


def test_a_session_that_was_dropped_does_nothing_more_and_is_forgotten(monkeypatch):
    monkeypatch.setattr(scheduler_module, "SLOW", -1.0)  # what is known of a slow session is forgotten too

    async def scene():
        ended = []
        scheduler, puppet, screen = Scheduler(), Puppet(), Looker()
        hosted = Hosted(lambda room: puppet, scheduler, lambda: ended.append(True))
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
        assert scheduler.training == set()
        assert scheduler._costs == {}
        scheduler.close()

    asyncio.run(scene())


def test_a_session_that_cannot_be_made_is_told_and_its_place_is_free(caplog):
    def fail(room):
        raise MemoryError

    async def scene():
        sessions, screen = Sessions(fail, 1, PLENTY), Looker()
        hosted, new = sessions.enter("the-session-of-a", screen)
        assert new
        await until(lambda: screen.dismissed)
        assert screen.dismissed == [(1011, "failed: The session failed. Load the page again to begin a new one.")]
        assert len(sessions) == 0
        sessions.leave(hosted, screen)
        sessions.close()

    asyncio.run(scene())
    assert "MemoryError" in caplog.text


def test_a_studio_that_is_closing_takes_nobody_in():
    async def scene():
        sessions, screen = Sessions(Puppet, 5, PLENTY), Looker()
        sessions.enter("the-session-of-a", screen)
        sessions.close()
        assert screen.dismissed == [(1001, "closed: The studio was closed.")]
        with pytest.raises(FullError, match=r"^closed: .* closing"):
            sessions.enter("the-session-of-b", Looker())

    asyncio.run(scene())


def test_whoever_returns_in_time_is_not_forgotten():
    async def scene():
        sessions, screen = Sessions(Puppet, 5, PLENTY, kept=0.02), Looker()
        hosted, _ = sessions.enter("the-session-of-a", screen)
        sessions.leave(hosted, screen)
        assert sessions.enter("the-session-of-a", screen) == (hosted, False)
        await asyncio.sleep(0.06)
        assert sessions.find("the-session-of-a") is hosted
        sessions.leave(hosted, screen)
        await until(lambda: sessions.find("the-session-of-a") is None)
        sessions.close()

    asyncio.run(scene())


# -- memory --------------------------------------------------------------------------------------------------

LARGE = 10 * NEWCOMER


class Company:
    """Sessions of puppets, and who looks at each."""

    def __init__(self, memory):
        self.sessions, self.lookers = Sessions(Puppet, 100, memory), {}

    async def enter(self, name, memory=0):
        """Let someone in whose session comes to take so much."""
        self.lookers[name] = Looker()
        hosted, _ = self.sessions.enter(name, self.lookers[name])
        await hosted.handle({"command": "grow", "to": memory - BESIDES})
        return hosted

    def leave(self, name):
        self.sessions.leave(self.sessions.find(name), self.lookers[name])

    @property
    def names(self):
        return {name for name in (A, B, C, D) if self.sessions.find(name) is not None}


@pytest.mark.usefixtures("no_moment")
def test_where_memory_is_short_those_go_first_who_are_away_for_longest(clock):
    async def scene():
        company = Company(3 * LARGE)
        for name in (B, A, C):
            await company.enter(name, LARGE)
        for name in (A, B):
            clock[0] += 1.0
            company.leave(name)
        await company.enter(D)
        assert company.names == {B, C, D}
        await company.sessions.find(D).handle({"command": "grow", "to": 2 * LARGE - BESIDES})
        assert company.names == {C, D}
        assert all(looker.dismissed == [] for looker in company.lookers.values())
        company.sessions.close()

    asyncio.run(scene())


@pytest.mark.usefixtures("no_moment")
def test_a_newcomer_for_whom_no_memory_is_left_is_told_and_costs_nobody_anything():
    async def scene():
        company = Company(2 * LARGE)
        await company.enter(A, LARGE)
        await company.enter(B, LARGE - NEWCOMER // 2)
        with pytest.raises(FullError, match=r"^full: .* memory"):
            company.sessions.enter(C, Looker())
        assert company.names == {A, B}
        company.leave(A)
        await company.enter(C)
        assert company.names == {B, C}
        company.sessions.close()

    asyncio.run(scene())


def test_nobody_is_sent_away_for_a_newcomer_who_does_not_fit_even_so():
    async def scene():
        company = Company(2 * LARGE)
        await company.enter(A, 2 * LARGE - NEWCOMER - 1)
        await company.enter(B, 2)
        company.leave(B)
        await company.sessions.find(A).handle({"command": "grow", "to": 2 * LARGE - BESIDES - 2})
        with pytest.raises(FullError, match=r"^full: .* memory"):
            company.sessions.enter(C, Looker())
        assert company.names == {A, B}
        company.sessions.close()

    asyncio.run(scene())


@pytest.mark.usefixtures("no_moment")
def test_a_session_hears_what_others_who_are_there_have_left_for_it_and_may_keep_what_it_has():
    async def scene():
        company = Company(4 * LARGE)
        asked, other, _ = [await company.enter(name, LARGE) for name in (A, B, C)]
        assert asked._session.rooms[-1] == 4 * LARGE - BESIDES  # nobody else was there
        company.leave(C)
        await asked.handle({"command": "play"})
        assert asked._session.rooms[-1] == 3 * LARGE - BESIDES
        await other.handle({"command": "grow", "to": 4 * LARGE - BESIDES})
        await asked.handle({"command": "play"})
        assert asked._session.rooms[-1] == LARGE - BESIDES
        company.sessions.close()

    asyncio.run(scene())


@pytest.mark.usefixtures("no_moment")
def test_who_leaves_makes_room_if_there_was_too_little():
    async def scene():
        company = Company(2 * LARGE)
        for name in (A, B):
            await company.enter(name, LARGE)
        await company.sessions.find(B).handle({"command": "grow", "to": 2 * LARGE - BESIDES})
        assert company.names == {A, B}
        company.leave(A)
        assert company.names == {B}
        company.sessions.close()

    asyncio.run(scene())


def test_the_first_session_fits_any_memory():
    async def scene():
        company = Company(1)
        await company.enter(A)
        assert company.names == {A}
        company.sessions.close()

    asyncio.run(scene())


class Grower(Puppet):
    """A session that reserves memory, as the studio's own do."""

    def handle(self, command):
        granted = self.room(command["to"]) >= command["to"]
        self.memory = command["to"] if granted else self.memory
        self.told.append(granted)


def test_fifty_who_want_much_at_the_same_moment_stay_within_the_memory():
    async def scene():
        sessions = Sessions(Grower, 50, 10 * LARGE)
        hosted = [sessions.enter(f"{A}-{n}", Looker())[0] for n in range(50)]
        for one in hosted:
            await one.look({}, 1)
        most = 0

        async def watch():
            nonlocal most
            while True:
                most = max(most, sum(one.need for one in hosted))
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        await asyncio.gather(*(one.handle({"to": LARGE - BESIDES}) for one in hosted))
        watching.cancel()
        told = [one._session.told for one in hosted]
        fit = (10 * LARGE - 50 * BESIDES) // (LARGE - BESIDES)
        assert told.count([True]) == fit
        assert told.count([False]) == 50 - fit
        assert most <= 10 * LARGE
        sessions.close()

    asyncio.run(scene())


def test_what_is_refused_is_not_counted_and_what_is_freed_can_be_had():
    async def scene():
        sessions = Sessions(Grower, 50, 3 * LARGE)
        one, other = (sessions.enter(name, Looker())[0] for name in (A, B))
        await one.handle({"to": 4 * LARGE})
        assert one.need <= NEWCOMER
        await one.handle({"to": 2 * LARGE})
        await other.handle({"to": 2 * LARGE})
        await one.handle({"to": 0})
        await other.handle({"to": 2 * LARGE})
        assert one._session.told == [False, True, True]
        assert other._session.told == [False, True]
        sessions.close()

    asyncio.run(scene())


def test_those_who_are_away_keep_so_much_of_the_memory_and_no_more(clock, monkeypatch):
    monkeypatch.setattr(module, "AWAY", 5 * LARGE // 2)

    async def scene():
        company = Company(8 * LARGE)
        for name in (A, B, C):
            await company.enter(name, LARGE)
        for name in (A, B, C):
            clock[0] += 1.0
            company.leave(name)
        clock[0] += module.MOMENT
        assert company.names == {A, B, C}
        await company.enter(D)
        assert company.names == {B, C, D}
        company.sessions.close()

    asyncio.run(scene())


def test_the_memory_of_a_session_that_ended_goes_back_to_the_system(monkeypatch):
    asked = []
    monkeypatch.setattr(module, "TRIM", 0.0)
    monkeypatch.setattr(module, "give_memory_back", lambda: asked.append(True))

    async def scene():
        company = Company(8 * LARGE)
        hosted = await company.enter(A, LARGE)
        assert asked == []
        hosted.drop(1001, "")
        await until(lambda: asked)
        company.sessions.close()

    asyncio.run(scene())
    module.give_memory_back()


# -- who may come in -----------------------------------------------------------------------------------------


def test_who_is_away_for_a_moment_keeps_the_place(clock):
    async def scene():
        sessions = Sessions(Puppet, 2, PLENTY)
        lookers = {name: Looker() for name in (A, B, C)}
        for name in (A, B):
            sessions.enter(name, lookers[name])
        sessions.leave(sessions.find(A), lookers[A])
        clock[0] += module.MOMENT - 1
        with pytest.raises(FullError, match=r"^full: All 2 places"):
            sessions.enter(C, lookers[C])
        assert sessions.find(A) is not None
        clock[0] += 2
        assert sessions.enter(C, lookers[C])[1]
        assert sessions.find(A) is None
        sessions.close()

    asyncio.run(scene())


def test_one_address_has_so_many_sessions_and_no_more(clock):
    async def scene():
        sessions = Sessions(Puppet, 100, PLENTY, most_of_one=2)
        lookers = {name: Looker() for name in (A, B, C, D)}
        for name in (A, B):
            sessions.enter(name, lookers[name], "192.168.1.7")
        with pytest.raises(FullError, match=r"^address: From your address 2 sessions are open"):
            sessions.enter(C, lookers[C], "192.168.1.7")
        sessions.enter(D, lookers[D], "192.168.1.8")  # another one's place is another one's
        sessions.leave(sessions.find(A), lookers[A])
        sessions.enter(C, lookers[C], "192.168.1.7")  # in the place of one's own that one left
        assert sessions.find(A) is None
        assert {name for name in (B, C, D) if sessions.find(name)} == {B, C, D}
        sessions.close()

    asyncio.run(scene())
