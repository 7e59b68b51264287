"""A scene as PNG or PDF, with fonts that are surely there: matplotlib brings its own, Graphviz none."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Patch, PathPatch, Polygon
from matplotlib.path import Path
from numpy.typing import NDArray

from babygpt.draw.figure import figure_picture
from babygpt.draw.layout import CORNER, _bezier, label_size
from babygpt.draw.scene import FAINT, INK, PAPER, DrawnArrow, DrawnState, Scene
from babygpt.draw.text import FONT_SIZE, LINE_HEIGHT, NODE_FONT_SIZE
from babygpt.picture import Picture

PAD, TITLE = 12.0, 26.0  # points of paper around a picture, and above it for a title
# Dots an inch of a PNG: as many as 3,600 across allow, but at least 72, and in any case 6,000 across at most.
DPI, SMALLEST_DPI, PIXELS, MAX_PIXELS = 144.0, 72.0, 3600, 6000


def paint(scene: Scene) -> Picture:
    """Return the picture of a scene, an inch for 72 of its points."""
    low, high = _extent(scene)
    high[1] += TITLE * bool(scene.title)
    width, height = (high - low) / 72

    def draw(figure: Figure) -> None:
        figure.set_facecolor(PAPER)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        axes.set_axis_off()
        for arrow in scene.arrows:
            _draw_arrow(axes, arrow)
        for state in scene.states:
            _draw_state(axes, state)
        for arrow in scene.arrows:
            if arrow.label is not None:
                half = np.array(label_size(arrow.label)) / 2
                axes.add_patch(_box(arrow.label_at, half, 4.0, facecolor=PAPER, edgecolor="none"))
                _write(axes, arrow.label_at, arrow.label, FONT_SIZE, arrow.colour)
        if scene.title:
            middle = np.array([(low[0] + high[0]) / 2, high[1] - PAD - TITLE / 3])
            _write(axes, middle, (scene.title,), NODE_FONT_SIZE, INK)

    longest = float(max(width, height))
    dpi = min(DPI, max(SMALLEST_DPI, PIXELS / longest), MAX_PIXELS / longest)
    return figure_picture(draw, (width, height), None, dpi)


def _extent(scene: Scene) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower left and the upper right corner of everything, with paper around it."""
    points = [state.at + sign * state.half for state in scene.states for sign in (-1, 1)]
    for arrow in scene.arrows:
        points += list(_bezier(arrow.curve, 24))
        points.append(arrow.tip)
        if arrow.label is not None:
            points += [arrow.label_at + sign * np.array(label_size(arrow.label)) / 2 for sign in (-1, 1)]
    return np.min(points, axis=0) - PAD, np.max(points, axis=0) + PAD


def _codes(arrow: DrawnArrow) -> list[np.uint8]:
    return [Path.MOVETO, *[Path.CURVE4] * (len(arrow.curve) - 1)]


def _draw_arrow(axes: Axes, arrow: DrawnArrow) -> None:
    alpha = 1.0 if arrow.label is not None else 0.69
    axes.add_patch(
        PathPatch(
            Path(arrow.curve, _codes(arrow)), fill=False, edgecolor=arrow.colour, linewidth=arrow.width, alpha=alpha,
            linestyle=_dashes(arrow.width) if arrow.dashed else "solid", capstyle="butt",
        )
    )  # fmt: skip
    back = arrow.curve[-1] - arrow.tip
    across = np.array([-back[1], back[0]]) / max(float(np.linalg.norm(back)), 1e-9) * (2.9 + 0.5 * arrow.width)
    axes.add_patch(
        Polygon([arrow.tip, arrow.tip + back + across, arrow.tip + back - across], closed=True, linewidth=0,
                facecolor=arrow.colour, alpha=alpha)
    )  # fmt: skip


def _dashes(width: float) -> tuple[float, tuple[float, float]]:
    return 0, (5.0 / width, 2.5 / width)  # matplotlib takes them in line widths


def _draw_state(axes: Axes, state: DrawnState) -> None:
    look: dict[str, Any] = {
        "facecolor": PAPER if state.dashed else FAINT, "edgecolor": INK, "linewidth": 1.0,
        "linestyle": _dashes(1.0) if state.dashed else "solid",
    }  # fmt: skip
    at = (float(state.at[0]), float(state.at[1]))
    axes.add_patch(Circle(at, state.half[0], **look) if state.round else _box(state.at, state.half, CORNER, **look))
    _write(axes, state.at, state.lines, NODE_FONT_SIZE, INK)


def _box(at: NDArray[np.float64], half: NDArray[np.float64], corner: float, **look: Any) -> Patch:
    (x, y), (width, height) = at - half, 2 * half
    return FancyBboxPatch((x, y), width, height, f"round,pad=0,rounding_size={corner}", **look)


def _write(axes: Axes, at: NDArray[np.float64], lines: tuple[str, ...], size: float, colour: str) -> None:
    for i, line in enumerate(lines):
        y = at[1] + ((len(lines) - 1) / 2 - i) * LINE_HEIGHT * size
        axes.text(at[0], y, line, fontsize=size, color=colour, ha="center", va="center_baseline")
