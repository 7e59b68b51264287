from __future__ import annotations

import asyncio
import json
from itertools import pairwise

import pytest
from studios import GIVEN_UP

from babygpt.studio.server import connection as module
from babygpt.studio.server.connection import Connection
from babygpt.studio.server.scheduler import DRAWN

HOUR = 3600.0  # seconds


class Line:
    """A WebSocket to a screen that acknowledges nothing by itself."""

    def __init__(self):
        self.sent = []

    async def send_text(self, text):
        self.sent.append(json.loads(text))


class Busy:
    """A session of a studio where so many train that frames are an hour apart; during a look, something happens."""

    interval = HOUR

    def __init__(self, meanwhile):
        self.looks, self._meanwhile = 0, meanwhile

    async def look(self, known, seq):
        self.looks += 1
        if self.looks == 1:
            self._meanwhile()
        return json.dumps({"seq": seq}), {}


def test_a_click_that_is_answered_while_views_are_made_is_not_forgotten_until_the_next_frame():
    async def scene():
        line = Line()
        connection = Connection(line, 1000)
        showing = asyncio.create_task(connection._show(Busy(lambda: connection.stir(answer=True))))
        async with asyncio.timeout(GIVEN_UP):
            while len(line.sent) < 2:
                await asyncio.sleep(0.002)
        showing.cancel()

    asyncio.run(scene())


def test_where_nothing_was_answered_the_next_frame_is_waited_for():
    async def scene():
        line = Line()
        connection = Connection(line, 1000)
        showing = asyncio.create_task(connection._show(Busy(lambda: connection.stir())))
        await asyncio.sleep(0.1)
        assert len(line.sent) == 1
        showing.cancel()

    asyncio.run(scene())


def test_frames_keep_their_beat_however_long_views_take_and_however_late_a_sleeper_wakes(monkeypatch):
    # a clock that moves by what is slept, 2 ms late each time, and by 6 ms for each look
    clock, sleep = [1000.0], asyncio.sleep

    async def sleep_late(seconds):
        clock[0] += seconds + 0.002
        await sleep(0)

    class Playback:
        interval = DRAWN

        async def look(self, known, seq):
            clock[0] += 0.006
            return "{}", {}

    class Quick(Line):
        def __init__(self):
            self.sent = []

        async def send_text(self, text):
            self.sent.append(clock[0])
            connection._acknowledge(len(self.sent))
            connection.stir()

    async def scene():
        nonlocal connection
        connection = Connection(line, 1000)
        showing = asyncio.create_task(connection._show(Playback()))
        while len(line.sent) < 61:
            await sleep(0)
        showing.cancel()

    connection, line = None, Quick()
    monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    monkeypatch.setattr(asyncio, "sleep", sleep_late)
    asyncio.run(scene())
    beats = [after - before for before, after in pairwise(line.sent[1:61])]
    assert sum(beats) / len(beats) == pytest.approx(DRAWN)
    assert min(beats) > DRAWN / 2
