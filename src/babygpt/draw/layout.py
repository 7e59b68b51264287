"""Where things go: states on the page, arrows between them, labels on the arrows.

Lengths are in points (1/72 inch), y upward. A state is drawn as a *stadium*: a box of half-height r whose ends
are half circles, which is a circle where its label is short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (n, 2)

RADIUS = 22.0
MAX_DODGING = 64  # with more states than this, arrows do not look for a way around them
ARROW = 9.0  # length of an arrow head
FONT_SIZE = 11.0

# How far, as a share of its length, an arrow may bow to keep clear of states and of its own counterpart.
BENDS = (0.0, 0.08, -0.08, 0.16, -0.16, 0.24, -0.24, 0.34, -0.34)


def de_bruijn_order(vocab_size: int, context_length: int) -> list[int]:
    """Return all N states in an order in which each one, cyclically, is followed by a successor of it.

    The states are read off a de Bruijn sequence, built by joining Lyndon words [1]_.

    .. [1] Fredricksen and Maiorana, "Necklaces of beads in k colors and k-ary de Bruijn sequences", 1978.

    >>> de_bruijn_order(2, 3)
    [0, 1, 2, 5, 3, 7, 6, 4]
    """
    V, K = vocab_size, context_length
    sequence: list[int] = []
    word = [0]
    while word:
        if K % len(word) == 0:
            sequence += word
        # the next Lyndon word: repeat to length K, drop trailing last letters, raise the new last one
        word = [word[i % len(word)] for i in range(K)]
        while word and word[-1] == V - 1:
            word.pop()
        if word:
            word[-1] += 1
    around = sequence + sequence[: K - 1]
    order = []
    for i in range(len(sequence)):
        state = 0
        for token in around[i : i + K]:
            state = state * V + token
        order.append(state)
    return order


def ring(order: list[int], half_widths: Points, gap: float) -> Points:
    """Return positions (n, 2) on a circle, clockwise from the top in the given order, ``gap`` apart."""
    widths = 2 * half_widths[order] + gap
    radius = max(90.0, float(widths.sum()) / (2 * np.pi))
    # each takes a share of the circle according to its width
    middle = np.cumsum(widths) - widths / 2 - widths[0] / 2
    angle = np.pi / 2 - 2 * np.pi * middle / widths.sum()
    positions = np.empty((len(order), 2))
    positions[order] = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    return positions


def text_width(text: str, font_size: float = FONT_SIZE) -> float:
    """Return about how wide a text is drawn: wide (East Asian) characters take twice the room."""
    return font_size * sum(1.15 if ord(c) > 0x2E7F else 0.58 for c in text)


@dataclass(frozen=True, eq=False)
class Arrow:
    """One arrow on the page: a cubic Bézier curve, the tip of its head, and where its label goes."""

    curve: Points  # (4, 2) or, for a loop, (7, 2): control points as Graphviz takes them
    tip: Points  # (2,)
    label: Points  # (2,)


def route(
    positions: Points, half_widths: Points, edges: list[tuple[int, int]], labels: list[str] | None
) -> list[Arrow]:
    """Return an arrow for each edge, bowed around states in its way, with its label clear of others if it can be.

    Parameters
    ----------
    positions, half_widths
        Where the states are (n, 2), and half their width (n,).
    edges
        (tail, head) pairs; a loop has both the same.
    labels
        The text of each arrow's label, or None to leave labels where they fall.
    """
    centre = positions.mean(axis=0)
    pairs = set(edges)
    curves = []
    for tail, head in edges:
        if tail == head:
            curves.append(_loop(positions[tail], half_widths[tail], centre))
        else:
            curves.append(_bow(positions, half_widths, tail, head, both_ways=(head, tail) in pairs))
    traces = [_bezier(curve, 24) for curve, _ in curves]
    if labels is None:
        spots = [trace[len(trace) // 2] for trace in traces]
    else:
        spots = _place_labels(traces, labels, positions, half_widths)
    return [Arrow(curve, tip, spot) for (curve, tip), spot in zip(curves, spots, strict=True)]


def _bow(positions: Points, half_widths: Points, tail: int, head: int, both_ways: bool) -> tuple[Points, Points]:
    a, b = positions[tail], positions[head]
    across = np.array([a[1] - b[1], b[0] - a[0]])  # to the left of the arrow, as long as it is
    others = np.delete(np.arange(len(positions)), [tail, head])
    best, least = None, np.inf
    for bend in BENDS[1::2] if both_ways else BENDS:
        control = (a + b) / 2 + bend * across * 4 / 3
        curve = np.array([a, a + (control - a) * 2 / 3, b + (control - b) * 2 / 3, b])
        if best is None and len(positions) > MAX_DODGING:
            best = curve
            break
        trace = _bezier(curve, 24)
        crowding = _inside(trace, positions[others], half_widths[others], margin=7.0).sum()
        if crowding < least:
            best, least = curve, crowding
        if crowding == 0:
            break
    assert best is not None
    return _clip(best, a, half_widths[tail], b, half_widths[head])


def _clip(curve: Points, a: Points, wide_a: float, b: Points, wide_b: float) -> tuple[Points, Points]:
    """Cut a curve between two states off at their outlines, leaving room for the head."""
    t = np.linspace(0, 1, 401)
    trace = _bezier(curve, 401)
    start = t[_inside(trace, a[None], np.array([wide_a])).sum(axis=1).astype(bool)].max(initial=0.0)
    inside_head = _inside(trace, b[None], np.array([wide_b]), margin=1.5)[:, 0]
    tip_at = int(np.argmax(inside_head)) if inside_head.any() else 400
    tip = trace[tip_at]
    back = np.linalg.norm(trace - tip, axis=1) >= ARROW
    back[tip_at:] = False
    end = t[back].max(initial=start + 1e-3)
    return _part(curve, float(start), float(max(end, start + 1e-3))), tip


def _loop(at: Points, half_width: float, centre: Points) -> tuple[Points, Points]:
    away = at - centre
    distance = float(np.linalg.norm(away))
    out = away / distance if distance > 1e-9 else np.array([0.0, 1.0])
    side = np.array([-out[1], out[0]])
    reach = RADIUS + abs(out[0]) * (half_width - RADIUS)  # about where the outline is in that direction
    leave, tip = at + out * (reach - 4) + side * 11, at + out * (reach - 2) - side * 11
    end = tip + (out * 0.9 - side * 0.44) * ARROW
    top = at + out * (reach + 34)
    curve = np.array([leave, leave + out * 12 + side * 10, top + side * 17, top, top - side * 17, end + out * 10, end])
    return curve, tip


def _place_labels(traces: list[Points], labels: list[str], positions: Points, half_widths: Points) -> list[Points]:
    """Choose a spot on each arrow for its label, so that labels cover neither states, labels nor other arrows."""
    sizes = np.array([[text_width(label) / 2 + 3, FONT_SIZE / 2 + 3] for label in labels])
    spots = [trace[len(trace) // 2] for trace in traces]
    n_points = np.cumsum([0, *(len(trace) for trace in traces)])
    all_points = np.concatenate(traces)
    for _ in range(3):  # later rounds see where the others went
        for i, trace in enumerate(traces):
            candidates = trace[2:-2]
            size = sizes[i]
            near = np.abs(candidates[:, None] - all_points[None]) < size  # (c, points, 2)
            covered = near.all(axis=2)
            covered[:, n_points[i] : n_points[i + 1]] = False
            cost = 1.0 * covered.sum(axis=1)
            overlap = np.abs(candidates[:, None] - np.array(spots)[None]) < size + sizes[None]
            overlap = overlap.all(axis=2)
            overlap[:, i] = False
            cost += 20.0 * overlap.sum(axis=1)
            gap = np.abs(candidates[:, None] - positions[None]) - size  # the label's box against each state's
            on_state = (gap[..., 0] < half_widths + 1) & (gap[..., 1] < RADIUS + 1)
            cost += 30.0 * on_state.sum(axis=1)
            middle = np.abs(np.arange(len(candidates)) / (len(candidates) - 1) - 0.5)
            spots[i] = candidates[int(np.argmin(cost + middle))]
    return spots


def _bezier(curve: Points, n: int) -> Points:
    t = np.linspace(0, 1, n)[:, None]
    pieces = []
    for i in range(0, len(curve) - 1, 3):
        a, b, c, d = curve[i : i + 4]
        pieces.append((1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d)
    return np.concatenate(pieces)


def _part(curve: Points, start: float, end: float) -> Points:
    """Return the control points of the part of one cubic between two parameters (de Casteljau, twice)."""

    def blossom(*t: float) -> Points:
        points = curve
        for u in t:
            points = points[:-1] * (1 - u) + points[1:] * u
        return points[0]

    return np.array([blossom(*t) for t in ((start,) * 3, (start, start, end), (start, end, end), (end,) * 3)])


def _inside(points: Points, centres: Points, half_widths: Points, margin: float = 0.0) -> NDArray[np.bool_]:
    """Return which points (n, 2) lie in which stadiums: (n, states)."""
    away = np.abs(points[:, None] - centres[None])  # (n, states, 2)
    away[..., 0] = np.maximum(away[..., 0] - (half_widths - RADIUS), 0)
    return np.hypot(away[..., 0], away[..., 1]) < RADIUS + margin
