from __future__ import annotations

import asyncio
import json

from studios import GIVEN_UP

from babygpt.app.hosting.connection import Connection

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
