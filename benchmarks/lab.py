"""The lab: a thousand seeds with every frame of every chain, and all changes of a text at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from statistics import median

from measure import Comparison, Growth, compare
from training import SEQUENCE

import babygpt as bg

# A process of its own: its peak memory is that of this work alone (and of Python, torch and NumPy).
STUDY = f"""
import json, resource, time
import babygpt as bg
import torch
start, work = time.perf_counter(), time.process_time()
study = bg.study({SEQUENCE!r}, range(1000), threads=THREADS)
seconds = [time.perf_counter() - start, time.process_time() - work]
assert study.probs.shape == (1000, 51, 8, 2)
print(json.dumps([*seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def thousand_seeds() -> list[Growth]:
    """Seconds and peak memory of 1,000 seeds of the article's run with full history; the goals: 15 s, 1 GB."""
    growths = [
        Growth("1,000 seeds with all 51 frames of their chains", "threads", "seconds, median of 3"),
        Growth("Processor time of that, which a busy machine stretches less", "threads", "seconds, median of 3"),
        Growth("Peak memory of that process", "threads", "MiB, most of 3"),
    ]
    for threads in (1, 2):
        command = [sys.executable, "-c", STUDY.replace("THREADS", str(threads))]
        figures = [
            json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in "123"
        ]
        for growth, values, what in zip(growths, zip(*figures, strict=True), (median, median, max), strict=True):
            growth.rows.append((str(threads), what(values)))
    return growths


def one_by_one() -> None:
    """Train on each flipped text with ``bg.train``."""
    for position, symbol in enumerate(SEQUENCE):
        flipped = SEQUENCE[:position] + "10"[int(symbol)] + SEQUENCE[position + 1 :]
        bg.train(flipped, vocabulary="01")


def measure(full: bool) -> Iterator[Comparison | Growth]:
    yield from thousand_seeds()
    yield compare(
        "each of 15 tokens flipped and retrained",
        lambda: bg.attribute(SEQUENCE),
        "bg.train, one text after the other",
        one_by_one,
        5,
    )
