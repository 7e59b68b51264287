"""make bench: every measurement, as ratios within one run; the figures are kept as JSON."""

from __future__ import annotations

import json
import platform
import statistics
import time
from dataclasses import asdict
from pathlib import Path

import torch
import training
from rich.console import Console
from rich.table import Table


def main() -> None:
    comparisons = [comparison for part in (training,) for comparison in part.measure()]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("work", "against", "seconds", "theirs", "ratio", "least … most"):
        table.add_column(name, justify="left" if name in ("work", "against") else "right")
    for c in comparisons:
        least, most = c.spread
        table.add_row(
            c.name,
            c.against,
            f"{statistics.median(c.seconds):.3f}",
            f"{statistics.median(c.others):.3f}",
            f"{c.ratio:.2f}",
            f"{least:.2f} … {most:.2f}",
        )
    Console().print(table)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    path = results / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    machine = {"python": platform.python_version(), "torch": torch.__version__, "processor": platform.machine()}
    path.write_text(json.dumps({"machine": machine, "comparisons": [asdict(c) for c in comparisons]}, indent=1))
    print(f"kept in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main()
