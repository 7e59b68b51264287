"""The picture of a sweep: an outcome over a setting."""

from __future__ import annotations

import difflib
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from babygpt.draw.figure import figure_picture
from babygpt.errors import SettingError
from babygpt.picture import Picture

if TYPE_CHECKING:
    import pyarrow
    from numpy.typing import NDArray

# Okabe and Ito's colours, told apart with any eyes, and with none of them by dash and marker.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# More lines than this are a tangle.
MAX_LINES = 12
# A setting that spans more than this factor, and is never 0, is drawn on a logarithmic axis.
WIDE = 50
# More different numbers than this are no steps of a grid but draws: they get no line through their medians.
MAX_STEPS = 40


def draw_sweep(table: pyarrow.Table, x: str, y: str, by: str | None = None) -> Picture:
    """Return an outcome ``y`` over a setting ``x``: a dot a training, a line through medians, a band with half of all.

    Parameters
    ----------
    table
        The results of a sweep (:func:`babygpt.lab.store.read_results`).
    x, y, by
        Names of columns; ``y`` of numbers. ``by`` draws a line for each of its values.

    Trainings without a number, such as those that diverged, are left out, and the picture says how many.

    Raises
    ------
    SettingError
        There is no such column, ``y`` has no numbers, or ``by`` has more values than lines can be told apart.
    """
    names = [name for name in table.column_names if name not in ("key", "remark")]
    for name in (x, y, *([by] if by else [])):
        if name not in names:
            close = difflib.get_close_matches(name, names, 1)
            hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(names)}."
            raise SettingError(f"The sweep has no column {name!r}. {hint}")
    unit = (table.schema.field(y).metadata or {}).get(b"unit", b"").decode()
    xs, ys, groups = (table[name].to_pylist() if name else [None] * len(table) for name in (x, y, by))
    if any(not isinstance(value, (int, float, type(None))) for value in ys):
        raise SettingError(f"The column {y!r} holds no single numbers, so it cannot go up an axis.")
    if any(isinstance(value, list) for value in (*xs, *groups)):
        raise SettingError("The columns losses and probs hold many numbers a training. Name a setting.")
    points: dict[Any, list[tuple[Any, float]]] = {}
    for group, across, value in zip(groups, xs, ys, strict=True):
        if value is not None and np.isfinite(value):
            points.setdefault(group, []).append((across, float(value)))
    if not points:
        raise SettingError(f"No training of the sweep has a number for {y!r}, so there is nothing to draw.")
    if len(points) > MAX_LINES:
        raise SettingError(f"{by!r} has {len(points):,} values; up to {MAX_LINES} lines can be told apart.")
    n_drawn = sum(map(len, points.values()))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        numeric, place = _axis([across for group in points.values() for across, _ in group])
        for group, colour, dash, marker in zip(_ordered(points), cycle(COLOURS), cycle(DASHES), cycle(MARKERS)):
            at = np.array([place[across] for across, _ in points[group]])
            values = np.array([value for _, value in points[group]])
            label = None if by is None else f"{_short(group)}"
            style: dict[str, Any] = {"color": colour, "marker": marker}
            steps = np.unique(at)
            lined = len(steps) <= MAX_STEPS and (numeric or len(steps) > 1)
            axes.plot(
                at, values, linestyle="", markersize=3.5, alpha=0.35 if lined else 0.7, markeredgewidth=0,
                label=None if lined else label, **style,
            )  # fmt: skip
            if lined:
                low, middle, high = _quartiles(at, values, steps)
                axes.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
                axes.plot(steps, middle, linestyle=dash, linewidth=1.8, markersize=5, label=label, **style)
        if numeric:
            positions = np.array(sorted(place.values()))
            if positions[0] > 0 and positions[-1] > WIDE * positions[0]:
                axes.set_xscale("log")
            elif len(positions) <= 12 and all(isinstance(value, int) for value in place):
                axes.set_xticks(positions)
                axes.xaxis.set_minor_locator(NullLocator())
        else:
            axes.set_xticks(list(place.values()), [_short(value) for value in place], rotation=20, ha="right")
        axes.set(xlabel=x, ylabel=f"{y}\n{unit}" if unit else y)
        axes.margins(x=0.04, y=0.08)
        axes.spines[["top", "right"]].set_visible(False)
        if by is not None:
            axes.legend(title=by, frameon=False, fontsize=9, title_fontsize=9)
        left_out = len(table) - n_drawn
        said = f"{n_drawn:,} trainings" + f"; {left_out:,} without a number left out" * bool(left_out)
        axes.set_title(said, fontsize=9, color="#555555", loc="left")

    return figure_picture(draw, (6.4, 4.0))


def _axis(values: list[Any]) -> tuple[bool, dict[Any, float]]:
    """Return whether values are numbers, and where each goes: itself, or its turn."""
    distinct = _ordered(dict.fromkeys(values))
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in distinct):
        return True, {value: float(value) for value in distinct}
    return False, {value: float(turn) for turn, value in enumerate(distinct)}


def _ordered(values: dict[Any, Any]) -> list[Any]:
    """Return values in order, None first; texts in the order they came."""
    some = [value for value in values if value is not None]
    if not any(isinstance(value, str) for value in some):
        some.sort()
    return [None] * (None in values) + some


def _quartiles(
    at: NDArray[np.float64], values: NDArray[np.float64], steps: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Return the quartiles of the values at each step: three arrays (steps,)."""
    return tuple(np.array([np.quantile(values[at == step], (0.25, 0.5, 0.75)) for step in steps]).T)


def _short(value: Any) -> str:
    if value is None:
        return "none"
    text = f"{value:g}" if isinstance(value, float) else str(value).removeprefix("source:")
    return text if len(text) <= 32 else text[:31] + "…"
