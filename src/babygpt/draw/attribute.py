"""The effect of each part of the data on each arrow, as a map: a column for each part, a row for each arrow.

Blue raises the arrow, orange lowers it, white leaves it as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from babygpt.chain.contexts import contexts_between
from babygpt.draw.figure import figure_picture, mono
from babygpt.errors import SettingError
from babygpt.lab.attribute import default_arrows
from babygpt.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from babygpt.lab.attribute import Attribution

# No more rows or columns are drawn, and in no more is each number written.
MAX_ROWS, MAX_COLUMNS = 64, 400
MAX_WRITTEN = 24

_COLOURS = LinearSegmentedColormap.from_list(
    "held", ["#A34500", "#D55E00", "#F3B48A", "#FFFFFF", "#8FC3E3", "#0072B2", "#004B76"]
)


def draw_attribution(found: Attribution, arrows: Sequence[tuple[int, int]] | None = None) -> Picture:
    """Return the map of an attribution's effects, in percentage points.

    Parameters
    ----------
    found
        What each part of the data does; of several replacements at a position, the mean.
    arrows
        The (state, token) of each row; by default all, or of very many those of the most frequent contexts and of some
        that the data lacks. With two symbols only arrows to the second, since the others are their mirror image.

    Raises
    ------
    SettingError
        The text is too long to be drawn, or there are too many arrows.
    """
    effects = 100 * found.by_position
    rows = default_arrows(found.corpus, MAX_ROWS) if arrows is None else list(arrows)
    check_map(len(effects), len(rows))
    image = np.array([effects[:, state, token] for state, token in rows])
    vocabulary, K = found.corpus.vocabulary, found.config.block_size
    V = len(vocabulary)
    seen = set(found.corpus.states.tolist())
    columns = image.shape[1]
    contexts = [vocabulary.label(contexts_between(state, state + 1, V, K)[0]) for state, _ in rows]
    names = [
        f"{context if state in seen else f'({context})'} → {vocabulary.label([token])}"
        for context, (state, token) in zip(contexts, rows, strict=True)
    ]
    whose = f"seed {found.seeds[0]}" if len(found.seeds) == 1 else f"mean of {len(found.seeds):,} seeds"
    by_window = found.by == "window"
    what = "window left out" if by_window else "token changed"
    width = min(24.0, max(5.6, 3.2 + 0.42 * columns))  # a title is as wide as the narrowest
    height = 1.5 + 0.34 * len(rows) + 0.05 * by_window * (K + 1)

    def draw(figure) -> None:  # type: ignore[no-untyped-def]
        axes = figure.subplots()
        most = max(float(np.abs(image).max()), 1e-9)
        shown = axes.imshow(image, cmap=_COLOURS, vmin=-most, vmax=most, aspect="auto", interpolation="nearest")
        # of many rows no higher than a hand, and beside few there is no room to say what is coloured
        bar = figure.colorbar(shown, ax=axes, shrink=min(0.8, 5 / height), aspect=20, fraction=0.4 / width, pad=0.02)
        bar.set_label("what it adds to the arrow, " * (height > 3.4) + "percentage points", fontsize=9)
        bar.ax.tick_params(labelsize=8)
        if columns <= MAX_WRITTEN:
            for (row, column), value in np.ndenumerate(image):
                colour = "white" if abs(value) > 0.55 * most else "#222222"
                text = f"{value:+.0f}".replace("-", "−") if abs(value) >= 0.5 else "·"
                axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
        axes.set_yticks(range(len(rows)), names, family=mono(), fontsize=9)
        parts = [
            vocabulary.label(found.tokens[i : i + K + 1] if by_window else found.tokens[i : i + 1])
            for i in np.unique(found.positions).tolist()
        ]
        if columns <= 100:
            axes.set_xticks(
                range(columns), parts, family=mono(), fontsize=11 if not by_window and columns <= 40 else 8,
                rotation=90 if by_window or any(len(part) > 2 for part in parts) else 0,
            )  # fmt: skip
            axes.xaxis.tick_top()
        axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=1.2 if columns <= MAX_WRITTEN else 0.3)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(f"Retrained with each {what}; {whose}, step {found.train_config.steps}", fontsize=11, pad=10)
        says = "blue: this part of the data raises the arrow; orange: lowers it"
        unseen = any(state not in seen for state, _ in rows)
        axes.set_xlabel(says + "\n(in brackets: a context that the data lacks)" * unseen, fontsize=9)

    return figure_picture(draw, (width, height))


def check_map(n_positions: int, n_arrows: int) -> None:
    """Raise :class:`SettingError` if a map of so many columns and rows is too large to read."""
    if n_positions > MAX_COLUMNS or n_arrows > MAX_ROWS:
        raise SettingError(
            f"A map of {n_positions:,} positions and {n_arrows:,} arrows is too large to read; the limits are "
            f"{MAX_COLUMNS} and {MAX_ROWS}. Write a .csv, or use a shorter text."
        )
