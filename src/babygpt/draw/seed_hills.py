"""What many seeds say, as hills: for every arrow the distribution of its probability over the seeds.

A row is a context, a column a step (with more than two symbols: a next token). A hill is as high as any other, so what
tells is where it stands and how wide it is. It is a kernel estimate [1]_, reflected at 0 and 1.

.. [1] Silverman, "Density estimation for statistics and data analysis", 1986, equation 3.31 for the width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from babygpt.chain.contexts import contexts_between
from babygpt.draw.figure import figure_picture, mono
from babygpt.errors import SettingError
from babygpt.lab.seed_study import some_states
from babygpt.picture import Picture
from babygpt.settings import default

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from babygpt.lab.seed_study import Mark, SeedStudy

# No more rows or columns of hills are drawn.
MAX_ROWS, MAX_COLUMNS = 32, 8

_EDGE = [withStroke(linewidth=4, foreground="#999999")]
_BINS = 1000  # a tenth of a percent each
_SEEN, _UNSEEN, _MARK = "#0072B2", "#D55E00", "#111111"
_HEIGHT = 0.86  # of a hill, in rows


def draw_seeds(study: SeedStudy, at: Sequence[int] | None = None, mark: int | Mark | None = default("seed")) -> Picture:
    """Return the hills of a study's arrows, seen and unseen contexts told apart, one run marked in them.

    Parameters
    ----------
    study
        What many seeds say.
    at
        The recorded steps to draw; by default the last. With more than two symbols, one.
    mark
        The run to mark, or its seed, by default the article's; None for no mark.

    With two symbols each context has one hill, that of the second token, since the other is its mirror image. Of more
    than 32 contexts the 16 most frequent in the data and the first 16 that it lacks are drawn.

    Raises
    ------
    SettingError
        There are more columns than fit, or a step was not recorded.
    """
    vocabulary = study.corpus.vocabulary
    V = len(vocabulary)
    steps = [int(study.steps[-1])] if at is None else list(at)
    check_columns(V, len(steps))
    frames = [study.frame(step) for step in steps]
    columns = [(frame, 1) for frame in frames] if V == 2 else [(frames[0], token) for token in range(V)]
    marked = study.mark(mark) if isinstance(mark, int) else mark
    states = some_states(study.corpus, MAX_ROWS)
    steps_said = " and ".join(filter(None, [", ".join(map(str, steps[:-1])), str(steps[-1])]))
    what = f"{len(study):,} seeds, step{'s' * (len(steps) > 1)} {steps_said}"

    def draw(figure) -> None:  # type: ignore[no-untyped-def]
        rows = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
        for axes, (frame, token) in zip(rows, columns, strict=True):
            _draw_column(axes, study, states, frame, token, marked)
            if len(columns) > 1:
                name = f"step {study.steps[frame]}" if V == 2 else f"next {vocabulary.label([token])}"
                axes.set_title(name, fontsize=10)
            axes.set_xticks([0, 0.25, 0.5, 0.75, 1] if len(columns) == 1 else [0, 0.5, 1])
        labels = [vocabulary.label(contexts_between(s, s + 1, V, study.config.block_size)[0]) for s in states]
        rows[0].set_yticks(range(len(states)), labels, family=mono(), fontsize=11, verticalalignment="bottom")
        rows[0].set_ylim(len(states) - 0.75, -_HEIGHT - 0.08)
        for label, state in zip(rows[0].get_yticklabels(), states, strict=True):
            label.set_color(_SEEN if study.seen[state] else _UNSEEN)
        asked = "how likely each token is next" if V > 2 else f"how likely {vocabulary.label([1])} is next"
        figure.suptitle(f"{what}: {asked}", fontsize=12)
        figure.legend(
            handles=_legend(study, marked, states), loc="outside lower center", ncols=3, frameon=False, fontsize=8.5
        )

    return figure_picture(draw, (1.6 + 2.5 * max(2, len(columns)), 1.7 + 0.5 * len(states)))


def check_columns(vocab_size: int, n_steps: int) -> None:
    """Raise :class:`SettingError` unless hills of so many symbols, at so many steps, fit side by side."""
    if vocab_size > 2 and n_steps > 1:
        raise SettingError(f"With {vocab_size} symbols the columns are next tokens, so one step fits, not {n_steps}.")
    n, what = (vocab_size, "symbols") if vocab_size > 2 else (n_steps, "steps")
    if n > MAX_COLUMNS:
        raise SettingError(f"{n} {what} make {n} columns of hills; the limit is {MAX_COLUMNS}. Write a .csv.")


def density(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how densely probabilities (S,) lie in each of 1,000 equal bins from 0 to 1, the densest as 1.

    >>> density(np.full(100, 0.25)).argmax()  # the bin that begins at 0.25
    np.int64(250)
    """
    counts = np.histogram(values, bins=_BINS, range=(0, 1))[0].astype(float)
    low, high = np.quantile(values, [0.25, 0.75])
    width = 0.9 * min(values.std(), (high - low) / 1.34) * len(values) ** -0.2
    # at least two bins wide: thinner than that is not seen
    smooth = gaussian_filter1d(counts, max(2.0, width * _BINS), mode="reflect")
    return smooth / smooth.max()


def _draw_column(axes: Axes, study: SeedStudy, states: list[int], frame: int, token: int, marked: Mark | None) -> None:
    middles = (np.arange(_BINS) + 0.5) / _BINS
    data = {int(state): probs for state, probs in zip(study.corpus.states, study.corpus.probs, strict=True)}
    axes.axvline(0.5, color="#999999", linewidth=0.8, linestyle=":", zorder=0)
    for row, state in enumerate(states):
        values = study.probs[:, frame, state, token]
        seen = bool(study.seen[state])
        colour = _SEEN if seen else _UNSEEN
        hill = density(values) * _HEIGHT
        there = hill > 0.004 * _HEIGHT
        start, stop = max(0, int(there.argmax()) - 1), len(there) - int(there[::-1].argmax()) + 1
        x, top = middles[start:stop], row - hill[start:stop]
        order = 2 * row + 1
        axes.fill_between(x, row, top, color=colour, alpha=0.72, linewidth=0, zorder=order)
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        white = min(1.0, 16 * (high - low))  # white lines as wide as a narrow hill would leave nothing of it
        axes.plot(x, top, color="white", linewidth=1.2 + white, zorder=order)
        axes.plot(x, top, color=colour, linewidth=1.2, linestyle="-" if seen else (0, (3, 1.2)), zorder=order)
        axes.plot([0, 1], [row, row], color="#cccccc", linewidth=0.6, zorder=order)
        axes.plot([low, high], [row, row], color=colour, linewidth=3, solid_capstyle="butt", zorder=order)
        peak = hill[min(_BINS - 1, int(middle * _BINS))]
        axes.plot([middle, middle], [row, row - peak], color="white", linewidth=0.4 + white, zorder=order)
        if seen:
            axes.plot(
                data[state][token], row, "o", color="white", markeredgecolor=_SEEN, markersize=5, clip_on=False,
                zorder=1000,
            )  # fmt: skip
        if marked is not None:
            at = float(marked.probs[frame, state, token])
            axes.plot([at, at], [row, row - 0.4], color=_MARK, linewidth=1.3, zorder=1001)
            axes.plot(at, row - 0.42, "D", color=_MARK, markeredgecolor="white", markersize=4.6, zorder=1002)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _legend(study: SeedStudy, marked: Mark | None, states: list[int]) -> list[Patch | Line2D]:
    shown = study.seen[states]
    handles: list[Patch | Line2D] = []
    if shown.any():
        handles.append(Patch(color=_SEEN, alpha=0.72, label="context seen in the data"))
        handles.append(Line2D([], [], ls="", marker="o", color="white", mec=_SEEN, ms=5, label="what the data says"))
    if not shown.all():
        handles.append(Patch(facecolor=_UNSEEN, alpha=0.72, edgecolor=_UNSEEN, ls="--", label="context never seen"))
    handles.append(Line2D([], [], color="#555555", linewidth=3, label="90 % of the seeds"))
    handles.append(Line2D([], [], color="white", linewidth=1.4, path_effects=_EDGE, label="median"))
    if marked is not None:
        handles.append(Line2D([], [], ls="", marker="D", color=_MARK, ms=5, label=f"seed {marked.seed}"))
    return handles
