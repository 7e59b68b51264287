"""The loss curve as SVG, written by itself: every training draws one, and matplotlib takes longer to load than that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 460.8, 259.2  # points: what matplotlib has for 6.4 by 3.6 inches
LEFT, RIGHT, TOP, BOTTOM = 52.0, 452.0, 8.0, 216.0  # of the plot
TICKS = 6  # about so many
MOST_POINTS = 4000  # of a curve; of a longer one the least and the greatest of each stretch
BLUE, GREY, DARK = "#0072b2", "#555555", "#000000"


def losses_svg(losses: NDArray[np.float64], levels: Sequence[tuple[str, float, str]]) -> bytes:
    """Return a curve over its steps, and lines across it: each with its name, its height and its dashes."""
    steps, values = _thinned(losses)
    heights = np.concatenate([values, [height for _, height, _ in levels]])
    heights = heights[np.isfinite(heights)]
    low, high = (float(heights.min()), float(heights.max())) if len(heights) else (0.0, 1.0)
    pad = 0.12 * (high - low) or 0.05
    low, high = low - pad, high + pad
    first, last = -0.02 * len(losses), max(1.0, len(losses) - 1.0)

    def x(step: float) -> float:
        return LEFT + (RIGHT - LEFT) * (step - first) / (last - first)

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)

    parts = [_line(LEFT, TOP, LEFT, BOTTOM), _line(LEFT, BOTTOM, RIGHT, BOTTOM)]
    for step in ticks(max(0.0, first), last, TICKS, whole=True):
        parts += [_line(x(step), BOTTOM, x(step), BOTTOM + 3.5), _text(x(step), BOTTOM + 15, f"{step:,.0f}", "middle")]
    for value in ticks(low, high, TICKS):
        parts += [_line(LEFT - 3.5, y(value), LEFT, y(value)), _text(LEFT - 7, y(value) + 3.5, f"{value:.10g}", "end")]
    parts.append(_text((LEFT + RIGHT) / 2, HEIGHT - 8, "step", "middle"))
    turned = f' transform="rotate(-90 12 {(TOP + BOTTOM) / 2:g})"'
    parts.append(_text(12, (TOP + BOTTOM) / 2, "loss, nats per token", "middle", more=turned))
    for name, height, dashes in levels:
        if math.isfinite(height):
            parts.append(_line(LEFT, y(height), RIGHT, y(height), f"stroke:{GREY};stroke-dasharray:{dashes}"))
            parts.append(_text(RIGHT - 4, y(height) - 4, f"{name} = {height:.4f}", "end", 9, GREY))
    points = [f"{x(step):.2f} {y(value):.2f}" for step, value in zip(steps, values, strict=True) if np.isfinite(value)]
    if len(points) == 1:
        at = points[0].split()
        parts.append(f'<circle cx="{at[0]}" cy="{at[1]}" r="3" style="fill:{BLUE}"/>')
    elif points:
        look = f"fill:none;stroke:{BLUE};stroke-width:2;stroke-linejoin:round"
        parts.append(f'<path d="M{"L".join(points)}" style="{look}"/>')
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}pt" height="{HEIGHT}pt" viewBox="0 0 {WIDTH} {HEIGHT}" '
        "font-family=\"'DejaVu Sans', sans-serif\">"
    )
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>', *parts, "</svg>\n"]).encode()


def ticks(low: float, high: float, about: int, whole: bool = False) -> list[float]:
    """Return round numbers between two, about so many, evenly spaced; with ``whole`` no fractions.

    >>> ticks(0, 49, 6), ticks(0.41, 0.72, 6)
    ([0.0, 10.0, 20.0, 30.0, 40.0], [0.45, 0.5, 0.55, 0.6, 0.65, 0.7])
    """
    wanted = (high - low) / about
    size = 10.0 ** math.floor(math.log10(wanted))
    spaces = [size * factor for factor in (1, 2, 2.5, 5, 10) if not whole or (size * factor >= 1 and factor != 2.5)]
    space = min(spaces or [1.0], key=lambda each: abs(math.log(each / wanted)))
    first, last = math.ceil(low / space - 1e-9), math.floor(high / space + 1e-9)
    return [float(f"{i * space:.12g}") for i in range(first, last + 1)]


def _thinned(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the steps and values of a curve that looks the same."""
    n, steps = len(values), np.arange(len(values), dtype=np.float64)
    if n <= MOST_POINTS:
        return steps, values
    parts = np.array_split(np.arange(n), MOST_POINTS // 2)
    chosen = sorted({0, n - 1} | {int(part[pick(values[part])]) for part in parts for pick in (np.argmin, np.argmax)})
    return steps[chosen], values[chosen]


def _line(x1: float, y1: float, x2: float, y2: float, style: str = f"stroke:{DARK};stroke-width:0.8") -> str:
    return f'<line x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}" style="{style}"/>'


def _text(x: float, y: float, text: str, anchor: str, size: float = 10, colour: str = DARK, more: str = "") -> str:
    at = f'x="{x:.2f}" y="{y:.2f}" text-anchor="{anchor}" font-size="{size:g}" fill="{colour}"'
    return f"<text {at}{more}>{escape(text)}</text>"
