"""Where two chains differ: a bar for each of the arrows that differ most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from babygpt.draw.figure import figure_picture, mono

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from babygpt.chain.compare import Comparison
    from babygpt.picture import Picture

MOST = 24  # arrows
MORE, LESS = "#0072B2", "#D55E00"


def draw_differences(found: Comparison) -> Picture:
    """Return p − q, in percentage points, for the arrows that differ most by weight, the largest on top."""
    p = found.p
    ranked = found.ranked()[:MOST]
    values = 100 * found.differences[ranked[:, 0], ranked[:, 1]]
    names = [f"{p.label(state)} → {p.vocabulary.label([token])}" for state, token in ranked.tolist()]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        places = np.arange(len(values))
        axes.barh(places, values, color=[MORE if value > 0 else LESS for value in values])
        axes.set_yticks(places, names, family=mono())
        axes.invert_yaxis()
        axes.axvline(0, color="#555555", linewidth=1)
        axes.set_xlabel("percentage points that the first gives more")
        axes.margins(x=0.12)
        axes.spines[["top", "right", "left"]].set_visible(False)
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                f"{value:+.1f}", (value, place), xytext=(4 if value >= 0 else -4, 0), textcoords="offset points",
                ha="left" if value >= 0 else "right", va="center", fontsize=8, color="#555555",
            )  # fmt: skip

    return figure_picture(draw, (6.4, 1.0 + 0.24 * len(values)))
