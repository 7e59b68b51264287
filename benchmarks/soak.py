"""make soak: fifteen minutes of attacks on the studio's server, on files and on processes, all on this machine.

Each part prints what it did and what it saw as soon as it has; what must hold and does not ends the whole with status
1, when all parts are done. The figures of docs/reliability.md come from here. ``make soak MINUTES=3`` takes less time;
python benchmarks/soak.py bits callers runs these parts alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fairness
import numpy as np
import psutil
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

import babygpt as bg
from babygpt.lab.store import part_files, read_results
from babygpt.studio.commands import COMMANDS

CAP = 1_500_000_000  # bytes for all sessions of the class that opens one link together
CLASS = 50
SERVER = """
import sys
from babygpt.studio.limits import Limits
from babygpt.studio.server.app import run_studio, studio_app
from babygpt.studio.server.serving import listen
listener, limits = listen("127.0.0.1", 0), Limits.for_a_class()
say = lambda: print(listener.getsockname()[1], flush=True)
run_studio(listener, studio_app(limits, 200, [], memory=int(sys.argv[1])), limits, say)
"""


@dataclass
class Server:
    """A studio in a process of its own."""

    port: int
    process: psutil.Process
    log: Path

    @property
    def memory(self) -> float:
        """What its process takes, in MiB."""
        return float(self.process.memory_info().rss / 2**20)

    def healthy(self) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=30) as answer:
            return answer.status == 200


@contextmanager
def studio(memory: int = 8 * 2**30) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            started = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(memory)], stdout=subprocess.PIPE, stderr=out, text=True
            )
        try:
            assert started.stdout is not None
            yield Server(int(started.stdout.readline()), psutil.Process(started.pid), log)
        finally:
            started.terminate()
            started.wait(20)


@dataclass
class Part:
    """What a part saw, and what of it should not be."""

    figures: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def must(self, holds: bool, what: str) -> None:
        if not holds:
            self.broken.append(what)


def p99(waits: list[float]) -> float:
    return statistics.quantiles(waits, n=100)[98] if len(waits) > 1 else float("nan")


def clicked(waits: list[float]) -> dict[str, float]:
    return {"clicks": len(waits), "p50 ms": statistics.median(waits), "p99 ms": p99(waits)}


async def clicking(port: int, until: float, name: str) -> list[float]:
    """Click on states until then; return what each click waited for, in milliseconds."""
    waits = []
    async with fairness.screen(port, name) as one:
        state = 0
        while (start := time.perf_counter()) < until:
            state = (state + 3) % 8
            await one.say(command="select", state=state)
            await one.until(lambda views: (views["selected"] or {}).get("state") == state)  # noqa: B023  # awaited here
            waits.append(1e3 * (time.perf_counter() - start))
            await asyncio.sleep(0.1)
    return waits


# -- the server ---------------------------------------------------------------------------------------------------


def strangers(seconds: float) -> Part:
    """Half requests, wrong ones, other protocols and noise, while one person clicks."""
    part, rng = Part(), random.Random(1)
    beginnings = [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST /ws HTTP/1.1\r\nContent-Length: 9e99\r\n\r\n",
        b"GET /ws?session=" + b"a" * 32 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000,
        b"",
    ]

    def attack(port: int, until: float) -> int:
        sent, lines = 0, []
        while time.perf_counter() < until:
            with suppress(OSError):
                line = socket.create_connection(("127.0.0.1", port), 5)
                line.settimeout(5)
                line.sendall(rng.choice(beginnings) + rng.randbytes(rng.randrange(300)))
                sent += 1
                lines.append(line)
            if len(lines) >= 400:  # so many are left open, half said
                lines.pop(rng.randrange(len(lines))).close()
            time.sleep(0.002)
        for line in lines:
            line.close()
        return sent

    async def scene(port: int) -> tuple[int, list[float]]:
        until = time.perf_counter() + seconds
        sent, waits = await asyncio.gather(
            asyncio.to_thread(attack, port, until), clicking(port, until, "beside-strangers")
        )
        return sent, waits

    with studio() as server:
        sent, waits = asyncio.run(scene(server.port))
        log = server.log.read_text(errors="replace")
        part.must(server.healthy(), "the server does not answer any more")
    part.must("Traceback" not in log, "a traceback in the log")
    part.must(len(log) < 2**20, f"{len(log):,} bytes of log")
    part.figures = {"requests": sent, "log bytes": len(log)} | clicked(waits)
    return part


def anything(rng: random.Random, depth: int = 0) -> Any:
    simple = [None, True, 0, -1, 3, 10**30, 1e308, -0.5, "", "01", "é晴\u2028", "\x00\x1b[2J", "graph", "A"]
    if depth < 2 and rng.random() < 0.2:
        return [anything(rng, depth + 1) for _ in range(rng.randrange(4))]
    if depth < 2 and rng.random() < 0.1:
        return {rng.choice(["command", "x", "step"]): anything(rng, depth + 1)}
    return rng.choice(simple)


def messages(seconds: float) -> Part:
    """Messages that no screen sends, to sessions of their own, while one person clicks."""
    part, rng = Part(), random.Random(2)
    names = sorted(COMMANDS)
    counts = {"messages": 0, "connections": 0}

    def message() -> str | bytes:
        fields = ["state", "step", "sequence", "seed", "on", "speed", "position", "name", "view", "temperature", "slot"]
        said = {"command": rng.choice(names)} | {rng.choice(fields): anything(rng) for _ in range(rng.randrange(4))}
        text = json.dumps(said)
        chance = rng.random()
        if chance < 0.1:
            return text[: rng.randrange(len(text))]
        if chance < 0.15:
            return rng.randbytes(rng.randrange(100))
        return json.dumps(anything(rng)) if chance < 0.2 else text

    async def fuzz(port: int, until: float, number: int) -> None:
        while time.perf_counter() < until:
            counts["connections"] += 1
            address = f"ws://127.0.0.1:{port}/ws?session=soak-messages-{number:04}-{counts['connections']:06}"
            with suppress(ConnectionClosed, InvalidHandshake):
                async with connect(address, proxy=None, max_size=None) as one:
                    for _ in range(40):
                        await one.send(message())
                        counts["messages"] += 1
                        with suppress(TimeoutError):
                            async with asyncio.timeout(0.05):
                                answer = json.loads(await one.recv())
                                if "seq" in answer:
                                    await one.send(json.dumps({"ack": answer["seq"]}))

    async def scene(port: int) -> list[float]:
        until = time.perf_counter() + seconds
        _, _, _, waits = await asyncio.gather(
            *(fuzz(port, until, n) for n in range(3)), clicking(port, until, "beside-messages")
        )
        return list(waits)

    with studio() as server:
        waits = asyncio.run(scene(server.port))
        log = server.log.read_text(errors="replace")
        part.must(server.healthy(), "the server does not answer any more")
    part.must("Traceback" not in log, f"a traceback in the log: {log[-500:]}")
    part.figures = counts | clicked(waits)
    return part


def together(seconds: float) -> Part:
    """Let a class open one link of a large chain at once, under a cap of memory."""
    part = Part()

    async def one(port: int, number: int, until: float) -> str:
        try:
            async with fairness.screen(port, f"together-{number:03}") as screen:
                await screen.say(
                    command="configure", sequence=fairness.TEXT, context_length=fairness.STATES, steps=40, n_layer=1
                )
                await screen.say(command="train")
                while time.perf_counter() < until:
                    await asyncio.sleep(0.5)
                refused = screen.views.get("notice") or screen.views["setup"]["n_states"] != 2**fairness.STATES
                return "told" if refused else "admitted"
        except (ConnectionClosed, InvalidHandshake):
            return "told"

    async def scene(server: Server) -> tuple[list[str], float]:
        until, most = time.perf_counter() + seconds, 0.0
        all_of_them = asyncio.gather(*(one(server.port, n, until) for n in range(CLASS)))
        while not all_of_them.done():
            most = max(most, server.memory)
            await asyncio.sleep(0.2)
        return await all_of_them, most

    with studio(CAP) as server:
        found, most = asyncio.run(scene(server))
        part.must(server.healthy(), "the server does not answer any more")
    part.must(most * 2**20 <= CAP, f"{most:,.0f} MiB of memory, above the cap")
    part.must(found.count("admitted") > 0, "nobody was admitted")
    part.figures = {name: found.count(name) for name in ("admitted", "told")} | {"screens": CLASS, "peak MiB": most}
    return part


def come_and_go(seconds: float) -> Part:
    """Fifteen who come, train and go, again and again: what they leave behind."""
    part, plateaus = Part(), []

    async def one(port: int, name: str) -> None:
        async with fairness.screen(port, name) as screen:
            await screen.say(command="configure", sequence="0110100110010110" * 6, context_length=6, steps=50)
            await screen.say(command="train")
            await screen.until(lambda views: views["player"]["trained"] == 50)

    async def scene(server: Server) -> None:
        until, rounds = time.perf_counter() + seconds, 0
        while time.perf_counter() < until:
            rounds += 1
            await asyncio.gather(*(one(server.port, f"come-and-go-{rounds:04}-{n:02}") for n in range(15)))
            plateaus.append(server.memory)

    with studio() as server:
        begin = server.memory
        asyncio.run(scene(server))
    later = plateaus[len(plateaus) // 2 :]
    part.must(max(later) <= 1.25 * max(plateaus[: len(plateaus) // 2 + 1]), f"memory grows: {plateaus}")
    part.figures = {"rounds of 15": len(plateaus), "MiB before": begin, "after one": plateaus[0], "at most": max(later)}
    return part


def two_who_are_busy(seconds: float) -> Part:
    """Two sessions of 65,536 states that are kept busy, beside one who clicks."""
    part = Part()
    with studio() as server:
        waits = asyncio.run(fairness.scene(server.port, 2))
    part.must(p99([1e3 * wait for wait in waits]) < 200, "a click waits 200 ms or longer")
    part.figures = clicked([1e3 * wait for wait in waits])
    return part


def reconnects(seconds: float) -> Part:
    """Fifty whose lines break in the same moment, and who all come back at once."""
    part, waits = Part(), list[float]()

    async def again(port: int, number: int) -> None:
        start = time.perf_counter()
        async with fairness.screen(port, f"reconnect-{number:02}") as screen:
            waits.append(1e3 * (time.perf_counter() - start))
            part.must(screen.views["selected"]["state"] == number % 8, "a session is not as it was left")

    async def first(port: int, number: int) -> None:
        async with fairness.screen(port, f"reconnect-{number:02}") as screen:
            await screen.say(command="select", state=number % 8)
            await screen.until(lambda views: (views["selected"] or {}).get("state") == number % 8)

    async def scene(port: int) -> int:
        until, rounds = time.perf_counter() + seconds, 0
        await asyncio.gather(*(first(port, n) for n in range(CLASS)))
        while time.perf_counter() < until:
            rounds += 1
            await asyncio.gather(*(again(port, n) for n in range(CLASS)))
        return rounds

    with studio() as server:
        rounds = asyncio.run(scene(server.port))
    part.figures = {"rounds of 50": rounds, "back after p50 ms": statistics.median(waits), "p99 ms": p99(waits)}
    return part


# -- files --------------------------------------------------------------------------------------------------------

SAVING = """
import sys
import babygpt as bg
runs = [bg.Run.load(f"{sys.argv[1]}/{name}") for name in "ab"]
print("ready", flush=True)
while True:
    for run in runs:
        run.save(f"{sys.argv[1]}/run", replace=True)
"""


def saves(seconds: float) -> Part:
    """Programs that save without end and are killed at any moment."""
    part, rng, found = Part(), random.Random(3), {"killed": 0, "old or new": 0}
    with tempfile.TemporaryDirectory() as home:
        expected = {}
        for name, steps in (("a", 2), ("b", 3)):
            run = bg.train("0110101", context_length=1, steps=steps, n_layer=1, n_head=1, n_embd=2)
            run.save(Path(home) / name)
            expected[steps] = run.losses
        shutil.copytree(Path(home) / "a", Path(home) / "run")
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            program = subprocess.Popen([sys.executable, "-c", SAVING, home], stdout=subprocess.PIPE, text=True)
            assert program.stdout is not None
            program.stdout.readline()
            time.sleep(rng.random() * 0.3)
            program.kill()
            program.wait()
            found["killed"] += 1
            try:
                run = bg.Run.load(Path(home) / "run")
                whole = np.array_equal(run.losses, expected[run.steps])
            except bg.RunError as error:
                whole = False
                part.broken.append(str(error))
            found["old or new"] += whole
        bg.Run.load(Path(home) / "a").save(Path(home) / "run", replace=True)
        found["left beside"] = len({path.name for path in Path(home).iterdir()} - {"a", "b", "run"})
    part.must(found["killed"] == found["old or new"], "a save that was killed left neither the old run nor the new")
    part.must(found["left beside"] == 0, "leftovers stay beside a saved run")
    part.figures = found
    return part


def bits(seconds: float) -> Part:
    """Flipped bits in a run's files and in a sweep's parts: each is noticed, or changes nothing."""
    part, rng = Part(), random.Random(4)
    found = {"run: flipped": 0, "run: refused": 0, "sweep: flipped": 0, "sweep: told": 0}
    spec = {"fixed": {"sequence": "111101111011110", "steps": 2}, "grid": {"learning_rate": [0.001, 0.01]}}
    spec |= {"outcomes": ["gap", "losses"]}
    with tempfile.TemporaryDirectory() as home, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        path = bg.train("0110101", context_length=1, steps=3, n_layer=1, n_head=1, n_embd=2).save(Path(home) / "run")
        sound = bg.Run.load(path)
        swept = bg.sweep(spec, Path(home) / "sweep", jobs=1)
        rows = {row["key"]: json.dumps(row, sort_keys=True) for row in swept.table.to_pylist()}
        (Path(home) / "sweep" / "results.parquet").unlink()
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for files, of in ((sorted(path.iterdir()), "run"), (part_files(Path(home) / "sweep"), "sweep")):
                file = rng.choice([file for file in files if file.is_file()])
                data = file.read_bytes()
                place = rng.randrange(8 * len(data))
                damaged = bytearray(data)
                damaged[place // 8] ^= 1 << place % 8
                file.write_bytes(damaged)
                found[f"{of}: flipped"] += 1
                told.clear()
                if of == "run":
                    try:
                        run = bg.Run.load(path)
                        same = np.array_equal(run.losses, sound.losses)
                        same &= np.array_equal(run.chain.log_probs, sound.chain.log_probs)
                        same &= run.train_config == sound.train_config
                        part.must(bool(same), f"bit {place} of {file.name} changed a run")
                    except bg.RunError:
                        found["run: refused"] += 1
                else:
                    seen = read_results(Path(home) / "sweep").to_pylist()
                    wrong = [row for row in seen if rows[row["key"]] != json.dumps(row, sort_keys=True)]
                    part.must(not wrong, f"bit {place} of {file.name} changed a result")
                    found["sweep: told"] += bool(told)
                file.write_bytes(data)
    part.figures = found
    return part


# -- processes ----------------------------------------------------------------------------------------------------


def callers(seconds: float) -> Part:
    """Every public function, from forked and spawned processes and from threads: the same answers."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from test_processes import answer_of

    part, answers = Part(), set()
    until, rounds = time.perf_counter() + seconds, 0
    with tempfile.TemporaryDirectory() as folder:
        while time.perf_counter() < until or not rounds:
            rounds += 1
            script = "print(everything(), *map(in_a_process, ('fork', 'spawn')))"
            answers |= set(answer_of(Path(folder), script).split())
    part.must(len(answers) == 1, f"answers differ: {answers}")
    part.figures = {"rounds": rounds, "different answers": len(answers)}
    return part


PARTS = {  # with their share of the time
    strangers: 0.15, messages: 0.2, together: 0.1, come_and_go: 0.15, two_who_are_busy: 0.0, reconnects: 0.05,
    saves: 0.15, bits: 0.1, callers: 0.05,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(part.__name__ for part in PARTS))
    parser.add_argument("--minutes", type=float, default=15.0)
    given = parser.parse_args()
    chosen = {part: share for part, share in PARTS.items() if part.__name__ in given.parts or not given.parts}
    if unknown := set(given.parts) - {part.__name__ for part in PARTS}:
        parser.error(f"There is no part {', '.join(sorted(unknown))}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    broken, results = list[str](), {}
    for part, share in chosen.items():
        start = time.perf_counter()
        seen = part(60 * given.minutes * (share if not given.parts else 1 / len(chosen)))
        figures = "  ".join(f"{name} {value:,.4g}" for name, value in seen.figures.items())
        print(f"{part.__name__.replace('_', ' ')} ({time.perf_counter() - start:.0f} s): {figures}", flush=True)
        for what in dict.fromkeys(seen.broken):
            print(f"  BROKEN: {what}", flush=True)
        broken += seen.broken
        results[part.__name__] = seen.figures | {"broken": seen.broken}
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"soak-{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps({"cores": os.cpu_count(), "minutes": given.minutes} | results, indent=1))
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
