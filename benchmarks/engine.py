"""The page's engine in node: a training step, others' beside it, a large chain read once, and how many bytes it has."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Comparison, Growth

HERE = Path(__file__).parent
FRONTEND = HERE.parent / "frontend"
ESBUILD = FRONTEND / "node_modules" / ".bin" / "esbuild"
PEERS = {"tensorflow": "TensorFlow.js on the CPU", "jax": "jax-js in WebAssembly"}
REQUIRE = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);'


def measure(full: bool) -> Iterator[Comparison | Growth]:
    if not shutil.which("node") or not ESBUILD.exists():
        print("The engine is not measured: that needs Node, and make check-screen to have run once.", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        engine, bench = Path(folder) / "engine.js", Path(folder) / "bench.mjs"
        _bundle(FRONTEND / "src" / "engine" / "index.ts", engine, "--minify")
        _bundle(HERE / "engine.ts", bench, "--platform=node")
        ran = subprocess.run(["node", bench, engine], check=True, capture_output=True, text=True)
    told = json.loads(ran.stdout)
    for name, goal, seconds in (
        ("Engine in node: a step of the article's GPT, with every frame of the chain", "1 ms", told["framed"]),
        ("Engine in node: a step of the article's GPT", "1 ms", told["bare"]),
        ("Engine in node: 4,096 contexts of 12 tokens read once", "250 ms", told["read"]),
    ):
        yield Comparison(name, f"nothing; the goal is {goal}", seconds, [])
    yield from _beside_others()
    yield Growth(
        "Engine: its size, minified and as gzip packs it", "all of it", "bytes", [("there is", told["packed"])]
    )


def _beside_others() -> Iterator[Comparison]:
    """Measure the same training step by others, in turns in one process."""
    if not (HERE / "peers" / "node_modules").exists():
        print("No other is measured beside the engine: npm ci in benchmarks/peers brings them.", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        bench = Path(folder) / "bench.mjs"
        _bundle(
            HERE / "peers" / "peers.ts", bench, "--platform=node", "--main-fields=module,main", f"--banner:js={REQUIRE}"
        )
        ran = subprocess.run(["node", bench], check=True, capture_output=True, text=True)
    told = json.loads(ran.stdout.splitlines()[-1])
    for name, who in PEERS.items():
        off = max(abs(a - b) for a, b in zip(told["losses"]["ours"], told["losses"][name], strict=True))
        assert off < 1e-4, "it is not the same training"
        step = "Engine in node: a step of the article's GPT, with every frame of the chain"
        yield Comparison(step, who, told["seconds"]["ours"], told["seconds"][name])


def _bundle(source: Path, to: Path, *options: str) -> None:
    command = [ESBUILD, source, "--bundle", "--format=esm", "--target=es2022", "--log-level=warning", *options]
    subprocess.run([*command, f"--outfile={to}"], check=True)
