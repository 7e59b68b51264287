"""The studio: WebSocket clients that all train the article's run at once, and what each of them has to wait for.

And one client that watches a training: how many different frames a second arrive.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil
from measure import Comparison, Growth, once
from training import SEQUENCE
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

import babygpt as bg

DRAWN = 1 / 60  # seconds that a screen takes to draw, before it acknowledges
MOST = 120.0  # seconds for one measurement
PLAYED, WATCHED = 2_000, 4.0  # steps that are played, and seconds for which it is watched
SELECTING = 2.0  # seconds between two clicks of one person on a state

SERVER = """
from babygpt.studio.server.serving import listen
from babygpt.studio.limits import Limits
from babygpt.studio.server.app import run_studio, studio_app
listener, limits = listen("127.0.0.1", 0), Limits.for_a_class()
say = lambda: print(listener.getsockname()[1], flush=True)
run_studio(listener, studio_app(limits, 200, []), limits, say)
"""


@dataclass
class Waits:
    """What one client waited for, in seconds."""

    frame: float = 0.0  # from the click on Train to the first frame of a trained GPT
    trained: float = 0.0  # to the end of training
    frames: int = 0
    gaps: list[float] = field(default_factory=list)  # from an acknowledgement to the next message, while training
    selects: list[float] = field(default_factory=list)  # from a click on a state to its view, while training


async def client(port: int, name: str, ready: asyncio.Barrier) -> Waits:
    waits, views, asked = Waits(), {}, {}
    async with connect(f"ws://127.0.0.1:{port}/ws?session=benchmark-client-{name}", proxy=None) as socket:

        async def say(**command: object) -> None:
            await socket.send(json.dumps(command))

        async def acknowledge(seq: int) -> None:
            nonlocal acknowledged
            await asyncio.sleep(DRAWN)
            acknowledged = time.perf_counter()
            with suppress(ConnectionClosed):  # nobody waits for the last one
                await say(ack=seq)

        async def click_states() -> None:
            state = 0
            while True:
                await asyncio.sleep(random.uniform(0.0, 2 * SELECTING))
                if "state" not in asked:
                    state = (state + 3) % 8
                    asked.update(state=state, at=time.perf_counter())
                    await say(command="select", state=state)

        acknowledged = start = 0.0
        acknowledging = set()
        clicking: asyncio.Task[None] | None = None
        async for text in socket:
            now = time.perf_counter()
            message = json.loads(text)
            if "hello" in message:
                continue
            views |= message["views"]
            task = asyncio.create_task(acknowledge(message["seq"]))
            acknowledging.add(task)
            task.add_done_callback(acknowledging.discard)
            if not start:
                await ready.wait()
                start = time.perf_counter()
                await say(command="train")
                clicking = asyncio.create_task(click_states())
                continue
            if acknowledged > start:
                waits.gaps.append(now - acknowledged)
            waits.frames += "frame" in message["views"]
            if not waits.frame and views["frame"]["step"] > 0:
                waits.frame = now - start
            if "state" in asked and (views["selected"] or {}).get("state") == asked["state"]:
                waits.selects.append(now - asked["at"])
                asked.clear()
            playhead = views["player"]
            if playhead["trained"] == 50 and not playhead["training"] and waits.frame:
                waits.trained = now - start
                break
        if clicking is not None:
            clicking.cancel()
        return waits


async def all_at_once(port: int, clients: int, name: str) -> list[Waits]:
    ready = asyncio.Barrier(clients)
    async with asyncio.timeout(MOST):
        return await asyncio.gather(*(client(port, f"{name}-{number}", ready) for number in range(clients)))


@contextmanager
def studio() -> Iterator[tuple[int, int]]:
    """Run a studio in a process of its own; give its port and the process's number."""
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        yield int(server.stdout.readline()), server.pid
    finally:
        server.terminate()
        server.wait(10)


async def playback(port: int, context_length: int, speed: float) -> float:
    """Return how many different frames a second arrive while a training plays at so many steps a second."""
    views, arrivals = {}, {}
    name = f"benchmark-film-{context_length}-{speed:g}"
    async with asyncio.timeout(MOST), connect(f"ws://127.0.0.1:{port}/ws?session={name}", proxy=None) as socket:

        async def say(**command: object) -> None:
            await socket.send(json.dumps(command))

        async def acknowledge(seq: int) -> None:
            await asyncio.sleep(DRAWN)
            with suppress(ConnectionClosed):
                await say(ack=seq)

        async def take() -> None:
            message = json.loads(await socket.recv())
            if "views" in message:
                views.update(message["views"])
                acknowledging.add(task := asyncio.create_task(acknowledge(message["seq"])))
                task.add_done_callback(acknowledging.discard)

        acknowledging = set()
        await say(command="configure", sequence=SEQUENCE, context_length=context_length, steps=PLAYED)
        for command in ("train", "pause"):
            await say(command=command)
        while not views or views["player"]["trained"] < PLAYED or views["player"]["training"]:
            await take()
        await say(command="wander", on=False)
        await say(command="seek", step=0)
        await say(command="speed", speed=speed)
        await say(command="play")
        while not views["player"]["playing"]:
            await take()
        start = time.perf_counter()
        while time.perf_counter() < start + WATCHED and views["player"]["playing"]:
            await take()
            arrivals.setdefault(views["frame"]["step"], time.perf_counter())
    times = list(arrivals.values())
    return (len(times) - 1) / (times[-1] - times[0])


def films() -> Growth:
    watched = Growth(
        "Studio, a training of 2,000 steps is played: different frames that arrive", "states, steps/s", "1/s"
    )
    with studio() as (port, _):
        for context_length in (3, 6):
            for speed in (100, 400):
                frames = asyncio.run(playback(port, context_length, speed))
                watched.rows.append((f"{2**context_length}, {speed}", frames))
    return watched


def measure(full: bool) -> list[Comparison | Growth]:
    alone = statistics.median(once(lambda: bg.train(SEQUENCE)) for _ in range(5))
    grown = {
        name: Growth(f"Studio, N screens train the article's run at once: {name}", "N", unit)
        for name, unit in (
            ("all have trained", "seconds"),
            ("that time against N trainings one after the other, without a studio", "ratio"),
            ("first trained frame after the click, median", "milliseconds"),
            ("first trained frame after the click, worst", "milliseconds"),
            ("a click on a state until it is shown, median", "milliseconds"),
            ("a click on a state until it is shown, worst", "milliseconds"),
            ("from an acknowledgement to the next message, worst", "milliseconds"),
            ("frames until the end of training, fewest", "frames"),
            ("memory of the studio's process", "MiB"),
        )
    }
    for clients in (1, 10, 50) + (100,) * full:
        with studio() as (port, process):
            asyncio.run(all_at_once(port, 1, "first"))  # what is slow only once
            waits = asyncio.run(all_at_once(port, clients, "all"))
            memory = psutil.Process(process).memory_info().rss
        frames = [w.frame for w in waits]
        selects = [s for w in waits for s in w.selects]
        last = max(w.trained for w in waits)
        values = (
            last, last / (clients * alone), 1e3 * statistics.median(frames), 1e3 * max(frames),
            1e3 * statistics.median(selects or [float("nan")]), 1e3 * max(selects, default=float("nan")),
            1e3 * max((gap for w in waits for gap in w.gaps), default=float("nan")),
            min(w.frames for w in waits), memory / 2**20,
        )  # fmt: skip
        for growth, value in zip(grown.values(), values, strict=True):
            growth.rows.append((str(clients), value))
    return [*grown.values(), films()]
