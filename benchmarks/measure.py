"""Measure ways to do one thing in turns: so that a machine that slows down slows them all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

# What torch takes by default; the benchmarks themselves run on one thread unless a row says otherwise.
THREADS = torch.get_num_threads()

Way = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Seconds of two ways to do the same, round by round."""

    name: str
    against: str
    seconds: list[float]
    others: list[float]
    amount: float = 1.0
    other_amount: float = 1.0
    unit: str = "s"

    @property
    def ratios(self) -> list[float]:
        """Ours / theirs, round by round: seconds for the same amount, so below 1 is faster."""
        scale = self.other_amount / self.amount
        return [scale * a / b for a, b in zip(self.seconds, self.others, strict=False)]

    @property
    def ratio(self) -> float | None:
        """The median ratio, if there is another."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def rate(self) -> float:
        """What our way does in a second, or its seconds where nothing is counted."""
        return self._value(self.seconds, self.amount)

    @property
    def other_rate(self) -> float:
        """What the other does in a second, or its seconds."""
        return self._value(self.others, self.other_amount)

    def _value(self, seconds: list[float], amount: float) -> float:
        median = statistics.median(seconds)
        return median if self.unit == "s" else amount / median


@dataclass(frozen=True)
class Growth:
    """What something costs as one thing grows: a row for each size."""

    name: str
    grows: str
    unit: str
    rows: list[tuple[str, float]] = field(default_factory=list)


def rounds(ways: dict[str, Way], count: int) -> dict[str, list[float]]:
    """Return the seconds of each way in ``count`` rounds of all of them, after one that is not counted."""
    for run in ways.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for i in range(count):
        names = list(ways) if i % 2 else list(reversed(ways))
        for name in names:
            start = time.perf_counter()
            ways[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def compare(name: str, ours: Way, against: str, theirs: Way | None, pairs: int = 9) -> Comparison:
    """Return the times of ``pairs`` alternating runs of both, after one of each that is not counted.

    Where there is nothing to measure against, ``theirs`` is None.
    """
    seconds = rounds({"ours": ours} | ({} if theirs is None else {"theirs": theirs}), pairs)
    return Comparison(name, against, seconds["ours"], seconds.get("theirs", []))


def once(run: Way) -> float:
    """Return the seconds of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
