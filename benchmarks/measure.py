"""Measure one thing against another: in turns, so that a machine that slows down slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Seconds of two ways to do the same, pair by pair."""

    name: str
    against: str
    seconds: list[float]
    others: list[float]

    @property
    def ratio(self) -> float:
        """Median of ours / theirs over the pairs: below 1 is faster."""
        return statistics.median(a / b for a, b in zip(self.seconds, self.others, strict=True))

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the largest ratio of a pair."""
        ratios = [a / b for a, b in zip(self.seconds, self.others, strict=True)]
        return min(ratios), max(ratios)


def compare(
    name: str, ours: Callable[[], object], against: str, theirs: Callable[[], object], pairs: int = 9
) -> Comparison:
    """Return the times of ``pairs`` alternating runs of both, after one of each that is not counted."""
    ours(), theirs()
    seconds: list[float] = []
    others: list[float] = []
    for i in range(pairs):
        order = ((ours, seconds), (theirs, others))
        for run, times in order if i % 2 else reversed(order):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
    return Comparison(name, against, seconds, others)
