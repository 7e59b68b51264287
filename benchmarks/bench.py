"""make bench: every measurement, as ratios within one run; the figures are kept as JSON.

One part alone: python benchmarks/bench.py extraction; everything, for as long as it takes: --full.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path

import analysis
import counting
import ensemble
import extraction
import fairness
import screen
import sweeps
import torch
import training
from measure import THREADS, Comparison, Growth
from rich.console import Console
from rich.table import Table

import lab
import studio

PARTS = {
    "training": training,
    "ensemble": ensemble,
    "extraction": extraction,
    "counting": counting,
    "analysis": analysis,
    "studio": studio,
    "fairness": fairness,
    "screen": screen,
    "lab": lab,
    "sweeps": sweeps,
}


def main() -> None:
    full = "--full" in sys.argv
    chosen = [name for name in sys.argv[1:] if name != "--full"] or list(PARTS)
    if unknown := [name for name in chosen if name not in PARTS]:
        sys.exit(f"There is no part {unknown[0]!r}. The parts are: {', '.join(PARTS)}.")
    results: list[Comparison | Growth] = []
    console = Console(width=None if sys.stdout.isatty() else 180)
    torch.set_num_threads(1)
    for name in chosen:
        results += PARTS[name].measure(full)
    if comparisons := [r for r in results if isinstance(r, Comparison)]:
        console.print(table_of(comparisons))
    for growth in (r for r in results if isinstance(r, Growth)):
        console.print(f"\n[bold]{growth.name}[/bold] ({growth.unit})")
        console.print("  ".join(f"{growth.grows}={size}: {value:,.4g}" for size, value in growth.rows))
    path = kept(results)
    print(f"\nkept in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


def table_of(comparisons: list[Comparison]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("work", "against", "ours", "theirs", "unit", "times as fast", "least … most"):
        table.add_column(name, justify="left" if name in ("work", "against", "unit") else "right")
    for c in comparisons:
        compared = ["", "", ""]
        if c.ratio is not None:
            faster = sorted(1 / ratio for ratio in c.ratios)
            compared = [f"{c.other_rate:,.4g}", f"{1 / c.ratio:,.3g}", f"{faster[0]:,.3g} … {faster[-1]:,.3g}"]
        table.add_row(c.name, c.against, f"{c.rate:,.4g}", compared[0], c.unit, *compared[1:])
    return table


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
