"""The studio shared with two who keep it busy: what a third person's clicks wait for.

Each of the two has a chain of 65,536 states that forgets slowly, looks at its long run, turns a knob, trains a step and
holds a key down. The third clicks on states of the article's chain.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from measure import Comparison, Growth
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from studio import DRAWN, MOST, studio

CLICKED = 20.0  # seconds for which someone clicks
BETWEEN = 0.1  # seconds between two clicks
HELD = 1 / 30  # seconds between two commands of a key that is held
STATES = 16  # tokens of a context of the two, over two symbols
TEXT = "0110100110010110" * 12 + "1001"


class Screen:
    """A screen that acknowledges what it is sent, and knows the latest views."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.views: dict[str, Any] = {}
        self.came = asyncio.Condition()

    async def say(self, **command: object) -> None:
        await self.socket.send(json.dumps(command))

    async def read(self) -> None:
        with suppress(ConnectionClosed):
            async for text in self.socket:
                message = json.loads(text)
                if "views" in message:
                    async with self.came:
                        self.views |= message["views"]
                        self.came.notify_all()
                    await asyncio.sleep(DRAWN)
                    await self.say(ack=message["seq"])

    async def until(self, seen: Any) -> None:
        async with self.came:
            await self.came.wait_for(lambda: bool(self.views) and seen(self.views))


@asynccontextmanager
async def screen(port: int, name: str) -> AsyncIterator[Screen]:
    address = f"ws://127.0.0.1:{port}/ws?session=benchmark-fair-{name}"
    async with connect(address, proxy=None, max_size=None) as socket:
        shown = Screen(socket)
        reading = asyncio.create_task(shown.read())
        await shown.until(lambda views: "setup" in views)
        yield shown
    await reading


async def heavy(port: int, name: str, ready: asyncio.Barrier) -> None:
    async with screen(port, name) as one:
        await one.say(command="configure", sequence=TEXT, context_length=STATES, steps=3, n_layer=1)
        await one.say(command="train")
        await one.say(command="pause")
        await one.until(lambda views: views["player"]["trained"] == 3 and not views["player"]["training"])
        await ready.wait()
        turn = 0
        while True:
            turn += 1
            await one.say(command="decode", temperature=0.05 + 0.001 * (turn % 10))
            await asyncio.sleep(1.5)
            await one.say(command="turn", position=0.5 + 0.01 * (turn % 10))
            await asyncio.sleep(0.5)
            for _ in range(30):
                await one.say(command="step")
                await one.say(command="select", state=turn)
                await asyncio.sleep(HELD)


async def clicks(port: int, name: str) -> list[float]:
    """Return the seconds from each click on a state until it is shown."""
    waits = []
    async with screen(port, name) as one:
        end, state = time.perf_counter() + CLICKED, 0
        while (start := time.perf_counter()) < end:
            state = (state + 3) % 8
            await one.say(command="select", state=state)
            await one.until(lambda views: (views["selected"] or {}).get("state") == state)  # noqa: B023  # awaited here
            waits.append(time.perf_counter() - start)
            await asyncio.sleep(BETWEEN)
    return waits


async def scene(port: int, others: int) -> list[float]:
    ready = asyncio.Barrier(others + 1)
    async with asyncio.timeout(MOST):
        busy = [asyncio.create_task(heavy(port, f"busy-{number}", ready)) for number in range(others)]
        await ready.wait()
        waits = await clicks(port, "third")
        closed = [task for task in busy if task.done()]
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
    if closed:
        raise RuntimeError("A busy session was closed.") from closed[0].exception()
    return waits


def measure(full: bool) -> list[Comparison | Growth]:
    unit = "milliseconds"
    half = Growth("Studio, a click on a state beside N sessions of 65,536 states that are kept busy: median", "N", unit)
    most = Growth("The same: 99 of 100 take at most", "N", unit)
    for others in (0, 2) + (4,) * full:
        with studio() as (port, _):
            waits = asyncio.run(scene(port, others))
        half.rows.append((str(others), 1e3 * statistics.median(waits)))
        most.rows.append((str(others), 1e3 * statistics.quantiles(waits, n=100)[98]))
    return [half, most]
