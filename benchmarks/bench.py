"""make bench: every measurement, as ratios within one run; the figures are kept as JSON.

One part alone: python benchmarks/bench.py extraction; everything, for as long as it takes: --full.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

import analysis
import counting
import engine
import ensemble
import extraction
import fairness
import page
import screen
import start
import sweeps
import torch
import training
from measure import THREADS, Comparison, Growth

import lab
import studio

PARTS = {
    "start": start,
    "training": training,
    "ensemble": ensemble,
    "extraction": extraction,
    "counting": counting,
    "analysis": analysis,
    "studio": studio,
    "fairness": fairness,
    "screen": screen,
    "engine": engine,
    "page": page,
    "lab": lab,
    "sweeps": sweeps,
}


def main() -> None:
    full = "--full" in sys.argv
    chosen = [name for name in sys.argv[1:] if name != "--full"] or list(PARTS)
    if unknown := [name for name in chosen if name not in PARTS]:
        sys.exit(f"There is no part {unknown[0]!r}. The parts are: {', '.join(PARTS)}.")
    results: list[Comparison | Growth] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stop, however it comes, keeps what there is
    torch.set_num_threads(1)
    try:
        for name in chosen:
            start = time.perf_counter()
            for result in PARTS[name].measure(full):
                results.append(result)
                print("\n".join(lines(result)), flush=True)
            print(f"  ({name}: {time.perf_counter() - start:.0f} s)\n", flush=True)
    except KeyboardInterrupt:
        print("Stopped.")
    finally:  # whatever ends it
        if results:
            path = kept(results)
            print(f"kept in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


def lines(result: Comparison | Growth) -> list[str]:
    """Return a result as lines: what was measured, and beneath it how much, against what, how many times as fast."""
    if isinstance(result, Growth):
        values = "  ".join(f"{result.grows}={size}: {value:,.4g}" for size, value in result.rows)
        return [f"{result.name} ({result.unit})", f"    {values}"]
    first = f"    {result.rate:,.4g} {result.unit}"
    if result.ratio is None:
        return [result.name, f"{first}; against {result.against}"]
    times = [1 / ratio for ratio in result.ratios]
    return [
        result.name,
        f"{first}, {1 / result.ratio:,.3g} times as fast as {result.against}: {result.other_rate:,.4g} "
        f"({min(times):,.3g} … {max(times):,.3g})",
    ]


def processor() -> str:
    """Return the processor's own name where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def kept(results: list[Comparison | Growth]) -> Path:
    """Write everything measured, and on what, to a file of its own."""
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    machine = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": THREADS,
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
    }
    kinds = {"comparisons": Comparison, "growth": Growth}
    content = {key: [asdict(r) for r in results if isinstance(r, kind)] for key, kind in kinds.items()}
    path.write_text(json.dumps({"machine": machine} | content, indent=1))
    return path


if __name__ == "__main__":
    main()
