"""Where things go: states on the page, arrows between them, labels on the arrows.

Lengths are in points (1/72 inch), y upward. A state is drawn as a circle of radius r where its name is short, and else
as a box with round corners, as wide and as high as its name needs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from babygpt.draw.labels import place_labels
from babygpt.draw.text import FONT_SIZE, LINE_HEIGHT, text_width, wrapped

Points = NDArray[np.float64]  # (n, 2)

RADIUS = 22.0
CORNER = 12.0  # radius of a box's corners
MAX_DODGING = 64  # with more states than this, arrows do not look for a way around them
ARROW = 9.0  # length of an arrow head
GAP = 8.0  # at least, between two states

# (along, across) of every state, each in −1 … 1 and y downward, for two symbols and K = 1, 2, 3: exchanging the two
# symbols turns the drawing by half a circle, reading contexts backward mirrors it. The screen is built with this file.
SYMMETRIC: dict[str, list[list[float]]] = json.loads(Path(__file__).with_name("symmetric.json").read_text("utf-8"))
REACH = np.array([296.0, -170.0])  # how far along and, upward, across such a drawing goes from its middle

# How far, as a share of its length, an arrow may bow to keep clear of states and of its own counterpart.
BENDS = (0.0, 0.08, -0.08, 0.16, -0.16, 0.24, -0.24, 0.34, -0.34)
# How far, in degrees, a loop may turn from where it points away from the middle.
TURNS = (0, 30, -30, 60, -60, 90, -90, 120, -120, 150, -150, 180)
LOOP = 34.0  # how far a loop reaches out of its state
# A layout in which something covers something is drawn out by this much, more sideways since texts are wide.
STRETCH, MAX_STRETCHES = np.array([1.12, 1.06]), 31
WORTH_A_CROSSING = (
    6  # stretches; beyond them an arrow may pass behind a state, since what is large is small on a screen
)


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


def ring_start(vocab_size: int) -> float:
    """Return where on a ring its first state stands, in radians counterclockwise from the right.

    Two symbols: at the left, so that 00… and 11… stand as on the drawing of eight states. Else: at the top.
    The studio's screen follows the same rule; ``tests/draw/rings.json`` holds both to it.
    """
    return np.pi if vocab_size == 2 else np.pi / 2


def symmetric(vocab_size: int, context_length: int) -> Points | None:
    """Return the places (N, 2) of the drawing in which the chain's symmetries are the picture's, or None without one.

    >>> symmetric(2, 1).tolist(), symmetric(3, 1)
    ([[-230.88, 0.0], [230.88, 0.0]], None)
    """
    places = SYMMETRIC.get(str(context_length)) if vocab_size == 2 else None
    return None if places is None else np.array(places) * REACH + 0.0  # no −0


def ring(order: list[int], half_widths: Points, gap: float, start: float = np.pi / 2) -> Points:
    """Return positions (n, 2) on a circle, clockwise from ``start`` in the given order, ``gap`` apart."""
    widths = 2 * half_widths[order] + gap
    radius = max(90.0, float(widths.sum()) / (2 * np.pi))
    # each takes a share of the circle according to its width
    middle = np.cumsum(widths) - widths / 2 - widths[0] / 2
    angle = start - 2 * np.pi * middle / widths.sum()
    positions = np.empty((len(order), 2))
    positions[order] = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    return positions


def label_size(lines: Sequence[str]) -> tuple[float, float]:
    """Return width and height of the box of an arrow's label."""
    return max(map(text_width, lines)) + 4, LINE_HEIGHT * FONT_SIZE * len(lines) + 0.8


@dataclass(frozen=True, eq=False)
class Arrow:
    """One arrow on the page: a cubic Bézier curve, the tip of its head, and where its label goes."""

    curve: Points  # (4, 2) or, for a loop, (7, 2): control points as Graphviz takes them
    tip: Points  # (2,)
    label: Points  # (2,)


def arrange(
    positions: Points, halves: Points, edges: list[tuple[int, int]], labels: list[str] | None
) -> tuple[Points, list[Arrow]]:
    """Return where states (n, 2) and arrows go, the given layout drawn out until nothing covers anything.

    Parameters
    ----------
    positions, halves
        Where the states would be (n, 2), and half their widths and heights (n, 2).
    edges, labels
        As :func:`route` takes them.

    A layout that has not come apart after all of it (one in which states lie on each other, say) is the best so far.
    """
    tried: dict[int, tuple[tuple[int, int, int], Points, list[Arrow]]] = {}

    def apart(stretches: int) -> bool:
        at = positions * STRETCH**stretches
        touching = _touching(at, halves)
        if touching and stretches < MAX_STRETCHES:
            return False
        arrows, (covering, crossing) = _routed(at, halves, edges, labels)
        if stretches > WORTH_A_CROSSING:
            crossing = 0
        tried[stretches] = (touching, covering, crossing), at, arrows
        return not any(tried[stretches][0])

    low, high = -1, 0
    while not apart(high) and high < MAX_STRETCHES:
        low, high = high, min(2 * high + 1, MAX_STRETCHES)
    while high - low > 1:  # as little as it takes
        middle = (low + high) // 2
        low, high = (low, middle) if apart(middle) else (middle, high)
    return min((tried[stretches] for stretches in sorted(tried)), key=lambda each: each[0])[1:]


def route(
    positions: Points,
    half_widths: Points,
    edges: list[tuple[int, int]],
    labels: list[str] | None,
    half_heights: Points | None = None,
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
    half_heights
        Half the height of each state (n,), that of a circle by default.
    """
    heights = np.full(len(half_widths), RADIUS) if half_heights is None else half_heights
    return _routed(positions, np.column_stack([half_widths, heights]), edges, labels)[0]


def corners(halves: Points) -> NDArray[np.float64]:
    """Return the radius of each state's corners (n,): a circle's own, or a box's."""
    return np.where(halves.max(axis=-1) <= RADIUS, RADIUS, CORNER)


def _routed(
    positions: Points, halves: Points, edges: list[tuple[int, int]], labels: list[str] | None
) -> tuple[list[Arrow], tuple[int, int]]:
    """Return the arrows, how many labels cover what they must not, and how many arrows cross a state."""
    pairs = set(edges)
    curves: list[tuple[Points, Points] | None] = []
    crossing = 0
    for tail, head in edges:
        if tail == head:
            curves.append(None)  # where there is room for it is seen last
        else:
            curve, crowding = _bow(positions, halves, tail, head, both_ways=(head, tail) in pairs)
            crossing += crowding > 0 and labels is not None  # many arrows cross whatever is done
            curves.append(_clip(curve, positions[[tail, head]], halves[[tail, head]]))
    traces = [np.empty((0, 2)) if curve is None else _bezier(curve[0], 24) for curve in curves]
    for i, (tail, head) in enumerate(edges):
        if tail == head:
            curves[i] = _loop(positions, halves, tail, np.concatenate(traces))
            traces[i] = _bezier(curves[i][0], 24)  # type: ignore[index]
    whole = [curve for curve in curves if curve is not None]
    if labels is None:
        spots, covering = [trace[len(trace) // 2] for trace in traces], 0
    else:
        sizes = np.array([label_size(wrapped(label, FONT_SIZE)) for label in labels]).reshape(-1, 2) / 2
        fine = [_bezier(curve, 17 if len(curve) > 4 else 32) for curve, _ in whole]
        heads = np.array([[tip, (tip + curve[-1]) / 2, curve[-1]] for curve, tip in whole]).reshape(-1, 3, 2)
        spots, covering = place_labels(
            fine, [tail == head for tail, head in edges], heads, sizes, positions, halves, corners(halves)
        )
    arrows = [Arrow(curve, tip, spot) for (curve, tip), spot in zip(whole, spots, strict=True)]
    return arrows, (covering, crossing)


def _touching(positions: Points, halves: Points) -> int:
    """Return how many states come closer than GAP to another."""
    corner = np.where(corners(halves) == RADIUS, RADIUS, 0.0)  # boxes as if theirs were sharp
    straight = halves - corner[:, None]
    away = np.abs(positions[:, None] - positions[None]) - (straight[:, None] + straight[None])
    near = np.hypot(*np.moveaxis(np.maximum(away, 0), 2, 0)) - corner[:, None] - corner[None] < GAP
    np.fill_diagonal(near, False)
    return int(near.any(axis=1).sum())


def _bow(positions: Points, halves: Points, tail: int, head: int, both_ways: bool) -> tuple[Points, int]:
    """Return the curve from middle to middle that other states stand least in the way of, and how much they do."""
    a, b = positions[tail], positions[head]
    across = np.array([a[1] - b[1], b[0] - a[0]])  # to the left of the arrow, as long as it is
    others = np.delete(np.arange(len(positions)), [tail, head])
    best, least = None, 0
    for bend in BENDS[1::2] if both_ways else BENDS:
        control = (a + b) / 2 + bend * across * 4 / 3
        curve = np.array([a, a + (control - a) * 2 / 3, b + (control - b) * 2 / 3, b])
        if len(positions) > MAX_DODGING:
            return curve, 0
        trace = _bezier(curve, 24)
        crowding = int(_inside(trace, positions[others], halves[others], margin=7.0).sum())
        if best is None or crowding < least:
            best, least = curve, crowding
        if crowding == 0:
            break
    assert best is not None
    return best, least


def _clip(curve: Points, ends: Points, halves: Points) -> tuple[Points, Points]:
    """Cut a curve between two states off at their outlines, leaving room for the head."""
    t = np.linspace(0, 1, 401)
    trace = _bezier(curve, 401)
    start = t[_inside(trace, ends[:1], halves[:1]).sum(axis=1).astype(bool)].max(initial=0.0)
    inside_head = _inside(trace, ends[1:], halves[1:], margin=1.5)[:, 0]
    tip_at = int(np.argmax(inside_head)) if inside_head.any() else 400
    tip = trace[tip_at]
    back = np.linalg.norm(trace - tip, axis=1) >= ARROW
    back[tip_at:] = False
    end = t[back].max(initial=start + 1e-3)
    return _part(curve, float(start), float(max(end, start + 1e-3))), tip


def _loop(positions: Points, halves: Points, state: int, others: Points) -> tuple[Points, Points]:
    """Return the loop of a state: away from the middle of the picture, or where the fewest points of others are."""
    at = positions[state]
    away = at - positions.mean(axis=0)
    if np.linalg.norm(away) < 1e-9:
        away = np.array([0.0, 1.0])
    best, least = None, 0
    for turn in np.radians(TURNS):
        out = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ away
        curve, tip = _loop_toward(at, halves[state], out)
        middle = (curve[0] + curve[-1] + 2 * curve[3]) / 4
        crowding = int((np.linalg.norm(others - middle, axis=1) < 0.7 * LOOP).sum())
        elsewhere = np.delete(np.arange(len(positions)), state)
        crowding += int(_inside(_bezier(curve, 24), positions[elsewhere], halves[elsewhere], margin=7.0).sum())
        if best is None or crowding < least:
            best, least = (curve, tip), crowding
        if crowding == 0:
            break
    assert best is not None
    return best


def _loop_toward(at: Points, half: Points, out: Points) -> tuple[Points, Points]:
    outline = _outline(float(half[0]), float(half[1]))
    angle = (outline @ out) / np.linalg.norm(outline, axis=1)
    anchor = int(angle.argmax())
    step = float(np.linalg.norm(outline[1] - outline[0]))
    foot = round(11 / step)
    left, right = (at + outline[(anchor + side * foot) % len(outline)] for side in (1, -1))
    side = (left - right) / np.linalg.norm(left - right)
    out = np.array([side[1], -side[0]])
    leave, tip = left - out, right + out
    end = tip + (out * 0.9 - side * 0.44) * ARROW
    top = at + outline[anchor] + out * LOOP
    curve = np.array([leave, leave + out * 12 + side * 10, top + side * 17, top, top - side * 17, end + out * 10, end])
    return curve, tip


@lru_cache(maxsize=512)
def _outline(half_width: float, half_height: float) -> Points:
    """Return 720 points around a state at the origin, counterclockwise and equally far apart."""
    half = np.array([half_width, half_height])
    corner = float(corners(half))
    turns = np.linspace(0, 2 * np.pi, 721)[:-1]
    arc = np.column_stack([np.cos(turns), np.sin(turns)])
    rough = corner * arc + np.sign(np.round(arc, 9)) * (half - corner)
    rough = np.vstack([rough, rough[:1]])
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(rough, axis=0), axis=1))])
    at = np.linspace(0, along[-1], 721)[:-1]
    return np.column_stack([np.interp(at, along, rough[:, axis]) for axis in (0, 1)])


def _bezier(curve: Points, n: int) -> Points:
    """Return n points along each of the Bézier curves with these control points (1 + 3k, 2)."""
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


def _inside(points: Points, centres: Points, halves: Points, margin: float = 0.0) -> NDArray[np.bool_]:
    """Return which points (n, 2) lie in which states: (n, states)."""
    corner = corners(halves)
    away = np.abs(points[:, None] - centres[None]) - (halves - corner[:, None])  # (n, states, 2)
    return np.hypot(*np.moveaxis(np.maximum(away, 0), 2, 0)) < corner + margin
