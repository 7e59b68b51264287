"""Threads that work on many sessions, so that none waits long for another.

A session is used by one thread at a time. Three kinds of workers take turns at sessions: *hands* do what takes
milliseconds and someone waits for (commands, views), and *trainers* train, a slice at a time. The *press* makes files,
one at a time, of what was taken from a session before: that takes seconds, in which no session is held.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import torch

T = TypeVar("T")

HANDS, TRAINERS = 2, 2  # threads
SLOW = 0.05  # seconds of computing after which a session counts as slow, for jobs of that kind
FORGIVEN = 20.0  # seconds in which what a job cost counts half: a second makes a session slow for 86
SHORTEST, LONGEST = 0.005, 0.02  # seconds of training before another session has its turn
PROVEN = 8  # jobs of a kind by which the next one is judged
HURRIES = 3  # turns in a row for those in a hurry, while others wait
DRAWN = 1 / 60  # seconds between the frames of a screen: more often is never seen
# Frames cost as much as training. More than a few trainings at once therefore show fewer of them, so that all come to
# their end: each adds so many seconds between two frames. Fifty take 11 s of computing then, not 16 to 27.
FEW, SHARE = 5, 0.02
ROUND = 0.2  # seconds in which each training has its turn, unless slices would be shorter than the shortest


@dataclass(frozen=True, eq=False)
class _Turn:
    """Someone who waits for a thread and for a session."""

    session: Hashable
    slow: bool
    called: asyncio.Future[None]


class Workers:
    """A few threads and who waits for them: first come, first served, but for three rules.

    Those in a hurry go first, most of the time. A session in use is passed over until it is free. Slow jobs never
    take the last thread, so that one is left for short work. A job is expected to be slow if one of its kind was, some
    time ago, of the same session; as long as there were few of a kind, if one of any kind was.
    """

    def __init__(self, scheduler: Scheduler, name: str, threads: int) -> None:
        # one thread of torch for each: tiny tensors gain nothing from two, and lose much where all are busy
        self._pool = ThreadPoolExecutor(threads, f"studio-{name}", initializer=torch.set_num_threads, initargs=(1,))
        self._scheduler = scheduler
        self._free, self._free_for_slow = threads, max(1, threads - 1)
        self._hurried, self._waiting = deque[_Turn](), deque[_Turn]()
        self._hurries = 0  # in a row

    async def run(self, session: Hashable, job: Callable[[], T], *, kind: str = "", hurry: bool = False) -> T:
        """Do a job of some kind with a session in a thread, when both are free, and return what it returns.

        Who asked may be cancelled while the job runs; it is waited for all the same, since the session is in use.
        """
        loop = asyncio.get_running_loop()
        turn = _Turn(session, self._scheduler.slow(session, kind), loop.create_future())
        queue = self._hurried if hurry else self._waiting
        queue.append(turn)
        self.call()
        try:
            await turn.called
        except asyncio.CancelledError:
            if turn in queue:
                queue.remove(turn)
            else:
                self._give_back(turn)
            raise
        try:
            return await _whole(loop.run_in_executor(self._pool, self._timed, session, kind, job))
        finally:
            self._give_back(turn)

    def call(self) -> None:
        """Let in whoever may come now."""
        while self._free and (turn := self._next()) is not None:
            self._scheduler.in_use.add(turn.session)
            self._free -= 1
            self._free_for_slow -= turn.slow
            turn.called.set_result(None)

    def _next(self) -> _Turn | None:
        queues = [self._hurried, self._waiting]
        if self._hurries >= HURRIES:
            queues.reverse()
        for queue in queues:
            for turn in queue:
                given_up = turn.called.done()
                free = turn.session not in self._scheduler.in_use
                if free and not given_up and (self._free_for_slow or not turn.slow):
                    queue.remove(turn)
                    self._hurries = self._hurries + 1 if queue is self._hurried else 0
                    return turn
        return None

    def close(self) -> None:
        """Take no more jobs; one under way is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _timed(self, session: Hashable, kind: str, job: Callable[[], T]) -> T:
        start = time.thread_time()  # of this thread alone: on a busy machine, others' work is not the session's fault
        try:
            return job()
        finally:
            self._scheduler.note(session, kind, time.thread_time() - start)

    def _give_back(self, turn: _Turn) -> None:
        self._free += 1
        self._free_for_slow += turn.slow
        self._scheduler.in_use.discard(turn.session)
        self._scheduler.call()


@dataclass(frozen=True)
class _Cost:
    """What a kind of job took, when that was, and how often there was one."""

    seconds: float
    at: float
    times: int

    def left(self, now: float) -> float:
        """Return what is left of it: it is forgiven bit by bit."""
        return self.seconds * 0.5 ** ((now - self.at) / FORGIVEN)


class Scheduler:
    """The threads of a studio, the sessions they use now, and the sessions that train.

    Parameters
    ----------
    clock
        Tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._costs: dict[Hashable, dict[str, _Cost]] = {}  # by session and kind
        self.in_use: set[Hashable] = set()
        self.training: set[Hashable] = set()
        self.hands = Workers(self, "hands", HANDS)
        self.trainers = Workers(self, "trainers", TRAINERS)
        self.press = Workers(self, "press", 1)  # Graphviz draws one picture at a time
        self.pressing = asyncio.Lock()  # whoever has it may take from a session what the press needs

    @property
    def slice(self) -> float:
        """How long a session may train before the next has its turn, in seconds."""
        return min(LONGEST, max(SHORTEST, ROUND / max(1, len(self.training))))

    @property
    def interval(self) -> float:
        """How long a screen waits for its next views, in seconds, if nobody just clicked: longer where many train."""
        return max(DRAWN, SHARE * (len(self.training) - FEW))

    def call(self) -> None:
        """Let in whoever may come now, those first whom someone waits for."""
        for workers in (self.hands, self.trainers, self.press):
            workers.call()

    async def print(self, job: Callable[[], T]) -> T:
        """Have the press make a file, and return what the job returns."""
        file = object()  # in the place of a session
        try:
            return await self.press.run(file, job)
        finally:
            self.forget(file)

    def forget(self, session: Hashable) -> None:
        """Forget a session that is gone."""
        self.training.discard(session)
        self._costs.pop(session, None)

    def slow(self, session: Hashable, kind: str) -> bool:
        """Return whether a session's next job of a kind is expected to be slow."""
        costs, now = self._costs.get(session, {}), self._clock()
        known = kind in costs and costs[kind].times >= PROVEN
        return any(cost.left(now) > SLOW for cost in ([costs[kind]] if known else list(costs.values())))

    def note(self, session: Hashable, kind: str, seconds: float) -> None:
        """Note what a job of a kind cost."""
        costs, now = self._costs.setdefault(session, {}), self._clock()
        before = costs.get(kind, _Cost(0.0, now, 0))
        costs[kind] = _Cost(max(before.left(now), seconds), now, before.times + 1)

    def close(self) -> None:
        """Take no more jobs."""
        for workers in (self.hands, self.trainers, self.press):
            workers.close()


async def _whole(future: asyncio.Future[T]) -> T:
    """Wait for a future to the end, even if whoever waits is cancelled meanwhile."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return future.result()
