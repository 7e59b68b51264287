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
    def ratios(self) -> list[float]:
        """Ours / theirs, pair by pair: below 1 is faster."""
        return [a / b for a, b in zip(self.seconds, self.others, strict=False)]

    @property
    def ratio(self) -> float | None:
        """The median ratio, if there is another."""
        return statistics.median(self.ratios) if self.ratios else None


def compare(
    name: str, ours: Callable[[], object], against: str, theirs: Callable[[], object] | None, pairs: int = 9
) -> Comparison:
    """Return the times of ``pairs`` alternating runs of both, after one of each that is not counted.

    Where there is nothing to measure against, ``theirs`` is None.
    """
    ours()
    if theirs is not None:
        theirs()
    seconds: list[float] = []
    others: list[float] = []
    for i in range(pairs):
        order = ((ours, seconds), (theirs, others))
        for run, times in order if i % 2 else reversed(order):
            if run is None:
                continue
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
    return Comparison(name, against, seconds, others)
