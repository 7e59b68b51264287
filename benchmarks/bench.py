"""make bench: every measurement, as ratios within one run; the figures are kept as JSON.

One part alone: python benchmarks/bench.py analysis
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path

import analysis
import torch
import training
from rich.console import Console
from rich.table import Table


def main() -> None:
    parts = {"training": training, "analysis": analysis}
    chosen = sys.argv[1:] or list(parts)
    comparisons = [comparison for name in chosen for comparison in parts[name].measure()]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("work", "against", "seconds", "theirs", "ratio", "least … most"):
        table.add_column(name, justify="left" if name in ("work", "against") else "right")
    for c in comparisons:
        compared = ["", "", ""]
        if c.ratio is not None:
            spread = f"{min(c.ratios):.2g} … {max(c.ratios):.2g}"
            compared = [f"{statistics.median(c.others):.4f}", f"{c.ratio:.2g}", spread]
        table.add_row(c.name, c.against, f"{statistics.median(c.seconds):.4f}", *compared)
    Console().print(table)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    path = results / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    machine = {"python": platform.python_version(), "torch": torch.__version__, "processor": platform.machine()}
    path.write_text(json.dumps({"machine": machine, "comparisons": [asdict(c) for c in comparisons]}, indent=1))
    print(f"kept in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main()
