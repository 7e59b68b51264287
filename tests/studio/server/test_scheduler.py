from __future__ import annotations

import asyncio
import threading
import time

import pytest
import torch

from babygpt.studio.server import scheduler as module
from babygpt.studio.server.scheduler import DRAWN, FEW, HANDS, HURRIES, LONGEST, PROVEN, SHORTEST, Scheduler

GIVEN_UP = 30


class Gate:
    """A job that says when it begins and waits until it may end."""

    def __init__(self):
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self):
        self.begun.set()
        assert self.open.wait(GIVEN_UP)


async def begun(gate):
    assert await asyncio.to_thread(gate.begun.wait, GIVEN_UP)


def scene(play, clock=time.monotonic):
    """Run a scene in a scheduler."""

    async def run():
        scheduler = Scheduler(clock)
        try:
            await asyncio.wait_for(play(scheduler), GIVEN_UP)
        finally:
            scheduler.close()

    asyncio.run(run())


def test_a_job_gives_what_it_returns_and_raises_what_it_raises():
    async def play(scheduler):
        assert await scheduler.hands.run("a", lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            await scheduler.hands.run("a", lambda: 1 / 0)
        assert await scheduler.hands.run("a", lambda: 8) == 8  # and the session is free again

    scene(play)


def test_a_session_is_used_by_one_thread_at_a_time_whatever_the_crew():
    async def play(scheduler):
        used = threading.Lock()

        def use():
            assert used.acquire(blocking=False)
            threading.Event().wait(0.001)
            used.release()

        crews = [scheduler.hands, scheduler.trainers, scheduler.press]
        await asyncio.gather(*(crews[i % 3].run("a", use, hurry=i % 2 == 0) for i in range(60)))

    scene(play)


def test_several_sessions_are_used_at_once():
    async def play(scheduler):
        gates = [Gate() for _ in range(HANDS)]
        jobs = [asyncio.create_task(scheduler.hands.run(i, gate)) for i, gate in enumerate(gates)]
        for gate in gates:
            await begun(gate)
        for gate in gates:
            gate.open.set()
        await asyncio.gather(*jobs)

    scene(play)


def busy(scheduler):
    """Occupy every hand; return the gates and the jobs."""
    gates = [Gate() for _ in range(HANDS)]
    return gates, [asyncio.create_task(scheduler.hands.run(("busy", i), gate)) for i, gate in enumerate(gates)]


def test_those_in_a_hurry_go_first_but_not_for_ever():
    async def play(scheduler):
        gates, jobs = busy(scheduler)
        for gate in gates:
            await begun(gate)
        order = []
        for i in range(2):
            jobs.append(asyncio.create_task(scheduler.hands.run(f"calm {i}", lambda i=i: order.append(f"calm {i}"))))
        for i in range(HURRIES + 2):
            job = scheduler.hands.run(f"hurry {i}", lambda i=i: order.append(f"hurry {i}"), hurry=True)
            jobs.append(asyncio.create_task(job))
        await asyncio.sleep(0)
        gates[0].open.set()  # one hand does them all, one after the other
        await asyncio.gather(*jobs[:1], *jobs[HANDS:])
        assert order == [
            *(f"hurry {i}" for i in range(HURRIES)), "calm 0",
            *(f"hurry {i}" for i in range(HURRIES, HURRIES + 2)), "calm 1",
        ]  # fmt: skip
        gates[1].open.set()
        await jobs[1]

    scene(play)


def test_who_waits_for_a_session_in_use_keeps_no_thread_from_others():
    async def play(scheduler):
        gate = Gate()
        training = asyncio.create_task(scheduler.trainers.run("a", gate))
        await begun(gate)
        waiting = [asyncio.create_task(scheduler.hands.run("a", lambda: None)) for _ in range(2 * HANDS)]
        assert await scheduler.hands.run("b", lambda: "served") == "served"
        assert not any(job.done() for job in waiting)
        gate.open.set()
        await asyncio.gather(training, *waiting)

    scene(play)


class Clock:
    """A time that goes where it is told."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


async def found_slow(scheduler, sessions, kind="look"):
    """Have a job of a kind be slow in some sessions."""
    for session in sessions:
        await scheduler.hands.run(session, lambda: None, kind=kind)
        scheduler.note(session, kind, 1.0)


def test_slow_sessions_leave_a_thread_for_the_others():
    async def play(scheduler):
        slow = [f"slow {i}" for i in range(HANDS + 1)]
        await found_slow(scheduler, slow)
        gates = [Gate() for _ in slow]
        jobs = [
            asyncio.create_task(scheduler.hands.run(s, gate, kind="look")) for s, gate in zip(slow, gates, strict=True)
        ]
        for gate in gates[: HANDS - 1]:
            await begun(gate)
        assert await scheduler.hands.run("quick", lambda: "served") == "served"
        assert not gates[HANDS - 1].begun.is_set()
        for gate in gates:
            gate.open.set()
        await asyncio.gather(*jobs)

    scene(play)


def test_a_job_that_took_long_is_measured_to_have():
    async def play(scheduler):
        def compute():
            end = time.thread_time() + 2 * module.SLOW
            while time.thread_time() < end:
                pass

        await scheduler.hands.run("a", compute, kind="look")
        await scheduler.hands.run("b", lambda: None, kind="look")
        assert (scheduler.slow("a", "look"), scheduler.slow("b", "look")) == (True, False)

    scene(play)


def test_a_slow_session_stays_one_for_a_while_however_quick_its_next_jobs_are():
    async def play(scheduler):
        hands, slow, clock = scheduler.hands, scheduler.slow, scheduler._clock
        await found_slow(scheduler, ["a"])
        for _ in range(100):
            clock.now += 0.1
            await hands.run("a", lambda: None, kind="look")
        assert slow("a", "look")
        clock.now += 100
        assert not slow("a", "look")

    scene(play, Clock())


def test_who_is_slow_to_look_is_not_slow_to_click():
    async def play(scheduler):
        hands, slow = scheduler.hands, scheduler.slow
        for _ in range(PROVEN):
            await hands.run("a", lambda: None, kind="select")
        await hands.run("a", lambda: None, kind="step")
        await found_slow(scheduler, ["a"])
        assert (slow("a", "look"), slow("a", "select")) == (True, False)
        assert slow("a", "turn")  # of this kind nothing is known yet
        assert slow("a", "step")  # and little of this
        assert not slow("b", "look")
        scheduler.forget("a")
        assert not slow("a", "look")

    scene(play, Clock())


def test_who_gives_up_waiting_makes_room():
    async def play(scheduler):
        gates, jobs = busy(scheduler)
        for gate in gates:
            await begun(gate)
        given_up = asyncio.create_task(scheduler.hands.run("a", lambda: pytest.fail("was given up")))
        await asyncio.sleep(0)
        given_up.cancel()
        for gate in gates:
            gate.open.set()
        await asyncio.gather(*jobs)
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert await scheduler.hands.run("a", lambda: 7) == 7
        assert scheduler.in_use == set()

    scene(play)


def test_a_job_under_way_keeps_its_session_to_the_end_even_if_nobody_wants_it_any_more():
    async def play(scheduler):
        gate = Gate()
        unwanted = asyncio.create_task(scheduler.hands.run("a", gate))
        await begun(gate)
        for _ in range(3):
            unwanted.cancel()
            await asyncio.sleep(0)
        following = asyncio.create_task(scheduler.trainers.run("a", lambda: gate.open.is_set()))
        await asyncio.sleep(0)
        assert "a" in scheduler.in_use
        gate.open.set()
        assert await following  # it ran after the gate was opened
        with pytest.raises(asyncio.CancelledError):
            await unwanted

    scene(play)


def test_each_thread_computes_on_one_thread_of_torch(three_threads):
    async def play(scheduler):
        for workers in (scheduler.hands, scheduler.trainers, scheduler.press):
            assert await workers.run("a", torch.get_num_threads) == 1

    scene(play)


def test_where_many_train_screens_are_sent_fewer_frames():
    async def play(scheduler):
        intervals = []
        for n in (0, 1, FEW, 10, 50):
            scheduler.training = set(range(n))
            intervals.append(scheduler.interval)
        assert intervals[0] == intervals[1] == intervals[2] == DRAWN
        assert intervals[3:] == [pytest.approx(0.1), pytest.approx(0.9)]

    scene(play)


def test_slices_are_shorter_where_more_train():
    async def play(scheduler):
        lengths = []
        for n in (0, 1, 10, 20, 50, 200):
            scheduler.training = set(range(n))
            lengths.append(scheduler.slice)
        assert lengths == sorted(lengths, reverse=True)
        assert (lengths[1], lengths[-1]) == (LONGEST, SHORTEST)
        assert lengths[3] == pytest.approx(0.01)

    scene(play)
