"""Curves and maps: the loss of a training, and chains too large to be drawn as graphs.

The *map* gives each state a pixel. Tokens of the context choose, the most recent first, a column and a row in
turn, so states that end alike lie together; for two symbols this is the quadtree that genomics calls chaos game
representation [1]_.

.. [1] Jeffrey, "Chaos game representation of gene structure", Nucleic Acids Research 18 (1990), 2163–2170.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.information import entropies
from babygpt.draw.losses import losses_svg
from babygpt.picture import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from babygpt.chain.chain import MarkovChain
    from babygpt.run.run import Run
    from babygpt.run.trace import Trace

# No larger map is drawn pixel by pixel; above it a pixel is the mean of a block of states.
MAX_MAP_SIDE = 1024


def draw_losses(run: Run) -> Picture:
    """Return the loss curve of a run, with lines at ln V (guessing) and at the floor (all the data allows)."""
    guess = float(np.log(run.config.vocab_size))
    levels = ((guess, f"ln {run.config.vocab_size}: guessing", ":"), (run.floor, "floor", "--"))

    def render(format: str) -> bytes:  # noqa: A002
        if format == "svg":
            dashes = {":": "1 2", "--": "4 2"}
            return losses_svg(run.losses, [(name, level, dashes[style]) for level, name, style in levels])
        from babygpt.draw.figure import figure_picture

        return figure_picture(draw, (6.4, 3.6)).render(format)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        steps = np.arange(run.steps)
        axes.plot(steps, run.losses, color="#0072B2", linewidth=2, marker="." if run.steps == 1 else "")
        for level, name, style in levels:
            axes.axhline(level, color="#555555", linestyle=style, linewidth=1)
            axes.annotate(
                f"{name} = {level:.4f}", (1, level), xycoords=("axes fraction", "data"),
                xytext=(-4, 4), textcoords="offset points", ha="right", fontsize=9, color="#555555",
            )  # fmt: skip
        axes.set(xlabel="step", ylabel="loss, nats per token", xlim=(-0.02 * run.steps, max(1, run.steps - 1)))
        axes.margins(y=0.12)
        axes.spines[["top", "right"]].set_visible(False)

    return Picture(render)


def draw_traces(run: Run, names: Sequence[str]) -> Picture:
    """Return scalars of a run's chain over training, one above the other; the loss with its floor."""
    traces = [run.trace(name) for name in names]

    def draw(figure: Figure) -> None:
        rows = figure.subplots(len(traces), 1, sharex=True, squeeze=False)[:, 0]
        for axes, trace in zip(rows, traces, strict=True):
            _follow(axes, trace)
            if trace.name == "loss":
                axes.axhline(run.corpus.floor, color="#555555", linestyle="--", linewidth=1)
                axes.annotate(
                    f"floor = {run.corpus.floor:.4f}", (1, run.corpus.floor), xycoords=("axes fraction", "data"),
                    xytext=(-4, 4), textcoords="offset points", ha="right", fontsize=9, color="#555555",
                )  # fmt: skip
        rows[-1].set_xlabel("step")

    from babygpt.draw.figure import figure_picture

    return figure_picture(draw, (6.4, 0.6 + 1.9 * len(traces)))


def draw_trace(trace: Trace) -> Picture:
    """Return a scalar over training."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _follow(axes, trace)
        axes.set_xlabel("step")

    from babygpt.draw.figure import figure_picture

    return figure_picture(draw, (6.4, 2.5))


def _follow(axes: Axes, trace: Trace) -> None:
    whole = trace.name in ("nearest_ngram", "causal_states", "greedy_cycles", "period", "mixing_time")
    style = "steps-post" if whole else "default"
    axes.plot(trace.steps, trace.values, color="#0072B2", linewidth=1.8, drawstyle=style)
    axes.set_ylabel(f"{trace.name.replace('_', ' ')}\n{trace.unit}", fontsize=9)
    axes.margins(x=0.01, y=0.12)
    axes.spines[["top", "right"]].set_visible(False)


def draw_map(chain: MarkovChain, title: str | None = None) -> Picture:
    """Return the map of a chain: one pixel a state.

    With two symbols the colour is the probability of the second; with more, the entropy of the next token.
    """
    V = len(chain.vocabulary)
    values: NDArray[np.float64]
    if V == 2:
        values, low, high, colours = chain.probs[:, 1], 0.0, 1.0, "cividis"
        name = f"probability of {chain.vocabulary.label([1])}"
    else:
        values = entropies(chain.probs, chain.log_probs)
        low, high, colours, name = 0.0, float(np.log(V)), "viridis", "entropy of the next token, nats"
    image = block_means(suffix_map(values, V, chain.context_length), MAX_MAP_SIDE)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        shown = axes.imshow(image, vmin=low, vmax=high, cmap=colours, interpolation="nearest")
        figure.colorbar(shown, ax=axes, label=name, shrink=0.85)
        ticks = range(V) if V <= 40 else []
        for axis, cells, which in (
            (axes.xaxis, image.shape[1], "last token"),
            (axes.yaxis, image.shape[0], "one before"),
        ):
            axis.set_ticks([(i + 0.5) * cells / V - 0.5 for i in ticks], [chain.vocabulary.label([i]) for i in ticks])
            axis.set_label_text(which)
        axes.tick_params(length=0, labelsize=8)
        axes.set_title(title or f"{chain.n_states:,} states")

    from babygpt.draw.figure import figure_picture

    return figure_picture(draw, (7.2, 6.0))


def suffix_map(values: NDArray[np.float64], vocab_size: int, context_length: int) -> NDArray[np.float64]:
    """Return the values (N,) of all states as an image: (V^⌊K/2⌋, V^⌈K/2⌉).

    >>> suffix_map(np.arange(4.0), vocab_size=2, context_length=2).tolist()  # columns: last token
    [[0.0, 1.0], [2.0, 3.0]]
    """
    cube = values.reshape((vocab_size,) * context_length)  # axis K−1 is the most recent token
    columns = list(range(context_length - 1, -1, -2))  # most recent first: it chooses the coarsest column
    rows = list(range(context_length - 2, -1, -2))
    return cube.transpose(rows + columns).reshape(vocab_size ** len(rows), -1)


def block_means(image: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Return the image with neighbouring pixels averaged until neither side is longer than ``side``."""
    for axis in (0, 1):
        factor = -(-image.shape[axis] // side)
        if factor > 1:
            starts = np.arange(0, image.shape[axis], factor)
            sums = np.add.reduceat(image, starts, axis=axis)
            sizes = np.diff([*starts, image.shape[axis]])
            image = sums / (sizes[:, None] if axis == 0 else sizes)
    return image
