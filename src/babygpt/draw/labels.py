"""A place on each arrow for its label.

Every label has some places to choose from, along its arrow or, on a loop, further and further out. What a label must
not cover is a state, another label, the head of an arrow, or where its own arrow begins; what it had better not cover
is the line of another arrow. Labels choose in turn, each the best place given all others, until none moves. Where some
still cover what they must not, the places they have stuck to lose their charm (guided local search [1]_).

.. [1] Voudouris and Tsang, "Guided local search and its application to the traveling salesman problem", European
   Journal of Operational Research 113 (1999), 469–499.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (n, 2)

MARGIN = 2.5  # points of paper around a label
COVERED = 1000.0  # what a label costs that covers what it must not, in units of 10 points of another arrow's line
ROUNDS = 60


def place_labels(
    traces: list[Points],
    loops: list[bool],
    heads: NDArray[np.float64],
    sizes: Points,
    positions: Points,
    halves: Points,
    corners: NDArray[np.float64],
) -> tuple[list[Points], int]:
    """Return where each label goes, and how many labels cover what they must not.

    Parameters
    ----------
    traces
        Points (m, 2) along each arrow, without its head.
    loops
        Whether each is a loop.
    heads
        Three points along the head of each arrow (n, 3, 2), the tip first.
    sizes
        Half the width and height of each label's box (n, 2).
    positions, halves, corners
        The states: where they are, half their sizes, and the radius of their corners.
    """
    if not traces:
        return [], 0
    places, owner, taste = _places(traces, loops, sizes)
    size = sizes[owner] + MARGIN
    hidden = _states_covered(places, size, positions, halves, corners)
    hidden += _near(places, heads.reshape(-1, 2), size + 1.5).sum(axis=1)
    starts = np.array([_start(trace) for trace in traces])[owner]  # (places, 2, 2)
    hidden += (np.abs(places[:, None] - starts) < size[:, None]).all(axis=2).sum(axis=1)
    clash = _near(places, places, size, size - MARGIN)
    clash[owner[:, None] == owner[None]] = False

    cost = taste + COVERED * hidden
    bounds = np.searchsorted(owner, np.arange(len(traces) + 1))
    chosen = np.array([start + int(cost[start:stop].argmin()) for start, stop in pairwise(bounds)])
    chosen, covering = _choose(chosen, bounds, cost, hidden, clash)
    if covering == 0:  # what lies under labels matters only in a layout that is kept
        cost += _lines_covered(places, size, owner, traces)
        chosen, covering = _choose(chosen, bounds, cost, hidden, clash)
    return list(places[chosen]), covering


def _choose(
    chosen: NDArray[np.int64],
    bounds: NDArray[np.int64],
    cost: NDArray[np.float64],
    hidden: NDArray[np.int64],
    clash: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], int]:
    """Return the place of each label, and how many of them cover what they must not."""
    mine = [slice(int(start), int(stop)) for start, stop in pairwise(bounds)]
    # those with the least choice first
    order = np.argsort([int((hidden[own] == 0).sum()) for own in mine], kind="stable").tolist()
    penalty = np.zeros_like(cost)
    best, fewest, chosen = chosen, len(mine) + 1, chosen.copy()
    for _ in range(ROUNDS):
        before = chosen.copy()
        for i in order:
            own = mine[i]
            crowding = clash[own][:, chosen].sum(axis=1)
            chosen[i] = own.start + int((cost[own] + penalty[own] + COVERED * crowding).argmin())
        bad = (hidden[chosen] > 0) | clash[np.ix_(chosen, chosen)].any(axis=1)
        if int(bad.sum()) <= fewest:
            best, fewest = chosen.copy(), int(bad.sum())
        if fewest == 0 and (chosen == before).all():
            break
        penalty[chosen[bad]] += COVERED / 2
    return best, fewest


def _places(
    traces: list[Points], loops: list[bool], sizes: Points
) -> tuple[Points, NDArray[np.int64], NDArray[np.float64]]:
    """Return all places (p, 2), whose label each is for (p,), and how little one likes it there (p,)."""
    places, owner, taste = [], [], []
    for i, (trace, loop) in enumerate(zip(traces, loops, strict=True)):
        if loop:  # from its top to clear of it
            top = trace[len(trace) // 2]
            out = top - (trace[0] + trace[-1]) / 2
            out /= np.linalg.norm(out)
            side = np.array([-out[1], out[0]])
            far = np.repeat(np.linspace(0, np.abs(out) @ sizes[i] + 8, 8), 3)
            aside = np.tile([0.0, 12.0, -12.0], 8)
            places.append(top + far[:, None] * out + aside[:, None] * side)
            taste.append(far / 20 + np.abs(aside) / 10)
        else:
            inner = trace[2:-2]
            places.append(inner)
            taste.append(np.abs(np.arange(len(inner)) / (len(inner) - 1) - 0.5))
        owner.append(np.full(len(places[-1]), i))
    return np.concatenate(places), np.concatenate(owner), np.concatenate(taste)


def _start(trace: Points) -> Points:
    """Return the two ends (2, 2) of the first 8 points of an arrow."""
    near = np.linalg.norm(trace - trace[0], axis=1) <= 8
    return trace[[0, max(0, int(np.argmin(near)) - 1)]]


def _near(a: Points, b: Points, size_a: Points, size_b: Points | None = None) -> NDArray[np.bool_]:
    """Return which boxes at ``a`` cover which points ``b``, or overlap which boxes there: (len(a), len(b))."""
    covers = np.ones((len(a), len(b)), dtype=bool)
    for axis in (0, 1):
        reach = size_a[:, None, axis] + (0.0 if size_b is None else size_b[None, :, axis])
        away = a.astype(np.float32)[:, None, axis] - b.astype(np.float32)[None, :, axis]  # of millions of pairs
        covers &= np.abs(away) < reach.astype(np.float32)
    return covers


def _lines_covered(
    places: Points, sizes: Points, owner: NDArray[np.int64], traces: list[Points]
) -> NDArray[np.float64]:
    """Return how much of other arrows' lines is covered, in units of 10 points."""
    counts = [len(trace) for trace in traces]
    lengths = np.array([np.linalg.norm(np.diff(trace, axis=0), axis=1).sum() for trace in traces])
    covered = _near(places, np.concatenate(traces), sizes)
    covered &= np.repeat(np.arange(len(traces)), counts)[None] != owner[:, None]
    each: NDArray[np.float64] = np.repeat(lengths / counts / 10, counts)
    return np.asarray(covered @ each)


def _states_covered(
    places: Points, sizes: Points, positions: Points, halves: Points, corners: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return how many states a box at each place touches: (places,)."""
    away = np.abs(places[:, None] - positions[None]) - sizes[:, None] - (halves - corners[:, None])[None]
    return (np.hypot(*np.moveaxis(np.maximum(away, 0), 2, 0)) < corners).sum(axis=1)
