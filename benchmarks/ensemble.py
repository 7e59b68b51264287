"""Ensembles: model-steps a second of a thousand seeds trained together, against the article's loop."""

from __future__ import annotations

from collections.abc import Iterator

from measure import THREADS, Comparison, Growth, once, rounds
from training import SEQUENCE, plain_loop

import babygpt as bg


def measure(full: bool) -> Iterator[Comparison | Growth]:
    seconds = rounds(
        {
            "loop": plain_loop,
            "one": lambda: bg.Ensemble.train(SEQUENCE, seeds=range(1024), threads=1),
            "all": lambda: bg.Ensemble.train(SEQUENCE, seeds=range(1024), threads=THREADS),
        },
        3,
    )
    loop = "the article's plain loop, one seed after the other"
    for key, n in (("one", 1), ("all", THREADS)):
        name = f"1,024 seeds, {n} thread{'s' * (n > 1)}"
        yield Comparison(name, loop, seconds[key], seconds["loop"], 1024 * 50, 50, "steps/s")
    sizes = [1, 4, 16, 64, 256, 1024] + [4096] * full
    growth = Growth("Training S seeds together, 50 steps", "S", "model-steps per second")
    for S in sizes:
        time = once(lambda S=S: bg.Ensemble.train(SEQUENCE, seeds=range(S), threads=THREADS))
        growth.rows.append((str(S), S * 50 / time))
    yield growth
