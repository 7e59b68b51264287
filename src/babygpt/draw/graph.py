"""The chain as a graph: states as nodes, each arrow labelled with its token and how likely it is.

Colours tell the tokens apart (Okabe and Ito's palette, which colour-blind readers can tell apart too), width
says how likely an arrow is, and dashes mark contexts that never occur in the training data. Up to 16 states
every arrow carries its label; up to 64 the labels are tooltips; up to 256 arrows below a threshold are left
out; beyond that a graph is no picture any more and the chain is drawn as a map.

Graphviz, through pygraphviz, finds the ``circo`` positions and draws every format.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pygraphviz
from numpy.typing import NDArray

from babygpt.chain.contexts import all_contexts, count_short
from babygpt.draw.layout import FONT_SIZE, RADIUS, Points, de_bruijn_order, ring, route, text_width
from babygpt.draw.picture import Picture
from babygpt.draw.plots import draw_map
from babygpt.errors import SettingError

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain

Layout = Literal["circo", "ring"]

TOKEN_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A6D00", "#56B4E9", "#E69F00", "#555555")
INK, PAPER, FAINT = "#222222", "#FFFFFF", "#F4F2EC"
FONT = "Helvetica,Arial,sans-serif"

MAX_LABELLED, MAX_GRAPH = 16, 256  # states
MAX_LABELS, MAX_CIRCO = 64, 160  # arrows
MAX_DRAWN_ARROWS = 1024


def draw_chain(
    chain: MarkovChain,
    layout: str | None = None,
    seen: Iterable[int] | None = None,
    short: bool = False,
    title: str | None = None,
) -> Picture:
    """Return the picture of a chain.

    Parameters
    ----------
    chain
        The chain.
    layout
        ``"circo"``: Graphviz's circular layout, as the article draws it. ``"ring"``: a circle on which every state
        stands beside a successor. By default circo up to 16 states, ring above.
    seen
        The states that occur in the training data; the others are then dashed.
    short
        Draw the short contexts too.
    title
        A line above the picture.

    Raises
    ------
    SettingError
        An unknown layout, or circo for more than 160 arrows.
    ContextError
        Short contexts are asked for and the chain has none.
    """
    n = chain.n_states
    if layout is not None and layout not in get_args(Layout):
        raise SettingError(f"layout={layout!r} is not known. Use 'circo' or 'ring'.")
    if n > MAX_GRAPH:
        return draw_map(chain, title)
    n_arrows = (
        chain.n_arrows + (count_short(len(chain.vocabulary), chain.context_length) * len(chain.vocabulary)) * short
    )
    if layout == "circo" and n_arrows > MAX_CIRCO:
        raise SettingError(
            f"The circo layout takes minutes for {n_arrows} arrows; its limit is {MAX_CIRCO}. Use layout='ring'."
        )
    chosen = layout or ("circo" if n <= MAX_LABELLED and n_arrows <= MAX_CIRCO else "ring")

    def draw(format: str) -> bytes:  # noqa: A002
        with _quiet_graphviz():
            graph = _graph(chain, chosen, None if seen is None else set(seen), short, title)
            if format == "png":
                graph.graph_attr["dpi"] = "144" if chain.n_states <= MAX_LABELLED else "72"
            if format == "dot":
                return graph.to_string().encode()
            return graph.draw(format=format, prog="nop2")

    return Picture(draw, formats=("svg", "png", "pdf", "dot"))


def arrow_label(symbol: str, probability: float) -> str:
    """Return an arrow's label, ``token(percent%)``; what is not zero is never shown as 0.

    >>> arrow_label("1", 0.7928), arrow_label("0", 0.0004)
    ('1(79%)', '0(<1%)')
    """
    percent = 100 * probability
    if 0 < percent < 0.5:
        return f"{symbol}(<1%)"
    if 99.5 <= percent < 100:
        return f"{symbol}(>99%)"
    return f"{symbol}({percent:.0f}%)"


@contextmanager
def _quiet_graphviz() -> Iterator[None]:
    """Hold back what Graphviz and the fontconfig inside its wheel say of fonts.

    It writes straight to file descriptor 2; whatever else was written there meanwhile is passed on.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held.read().splitlines():
                # the second: a text may be a little wider than Graphviz' own fonts make it
                if line and b"Fontconfig" not in line and b"too small for label" not in line:
                    sys.stderr.write(line.decode(errors="replace") + "\n")


def escape(text: str) -> str:
    """Return a text as Graphviz takes it for plain: backslashes and entities mean nothing, and <…> is no HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\\", "\\\\")


def _graph(chain: MarkovChain, layout: str, seen: set[int] | None, short: bool, title: str | None) -> pygraphviz.AGraph:
    V, K, n_states = len(chain.vocabulary), chain.context_length, chain.n_states
    matrix = chain.transition_matrix(short=short)
    n = matrix.shape[0]
    lengths = range(1 if short else K, K + 1)
    names = [chain.vocabulary.label(ids) for length in lengths for ids in all_contexts(V, length)]
    n_short = n - n_states

    graph = pygraphviz.AGraph(directed=True, strict=False)
    graph.graph_attr.update(bgcolor=PAPER, outputorder="edgesfirst", splines="true", pad="0.15", fontname=FONT)
    if title:
        graph.graph_attr.update(label=escape(title), labelloc="t", fontsize="14", fontcolor=INK)
    graph.node_attr.update(fontname=FONT, fontsize="14", fontcolor=INK, style="filled", color=INK, fillcolor=FAINT)
    graph.edge_attr.update(fontname=FONT, fontsize=str(FONT_SIZE), arrowsize="0.8")

    half_widths = np.array([max(RADIUS, text_width(name, 14) / 2 + 8) for name in names])
    for i, name in enumerate(names):
        styles = ["filled", *(["rounded"] if half_widths[i] > RADIUS else [])]
        if seen is not None and i - n_short not in seen:
            styles.append("dashed")
        graph.add_node(
            i,
            label=escape(name),
            shape="circle" if half_widths[i] <= RADIUS else "box",
            fixedsize="true",
            width=f"{2 * half_widths[i] / 72:.3f}",
            height=f"{2 * RADIUS / 72:.3f}",
            style=",".join(styles),
            **({"fillcolor": PAPER} if seen is not None and i - n_short not in seen else {}),
        )

    tails, heads, probs, tokens = _arrows(matrix.indices.reshape(n, V).astype(np.int64), matrix.data.reshape(n, V))
    edges = list(zip(tails.tolist(), heads.tolist(), strict=True))
    positions = _positions(graph, chain, layout, edges, half_widths)
    labels = [
        arrow_label(chain.vocabulary.label([token]), p)
        for token, p in zip(tokens.tolist(), probs.tolist(), strict=True)
    ]
    labelled = n <= MAX_LABELLED and len(edges) <= MAX_LABELS
    arrows = route(positions, half_widths, edges, labels if labelled else None)
    for i, (x, y) in enumerate(positions):
        graph.get_node(i).attr["pos"] = f"{x:.2f},{y:.2f}"
    for i, ((tail, head), arrow) in enumerate(zip(edges, arrows, strict=True)):
        colour = TOKEN_COLOURS[int(tokens[i]) % len(TOKEN_COLOURS)]
        curve = " ".join(f"{x:.2f},{y:.2f}" for x, y in arrow.curve)
        tip = f"e,{arrow.tip[0]:.2f},{arrow.tip[1]:.2f}"
        unseen = seen is not None and tail - n_short not in seen
        graph.add_edge(
            tail,
            head,
            key=str(i),
            pos=f"{tip} {curve}",
            color=colour + ("" if labelled else "B0"),
            penwidth=f"{0.5 + 3.5 * probs[i]:.2f}",
            style="dashed" if unseen else "solid",
            tooltip=escape(f"{names[tail]} → {names[head]}: {labels[i]}"),
        )
        if labelled:  # a node of its own, so that it lies above every arrow
            graph.add_node(
                f"label{i}",
                label=escape(labels[i]),
                shape="box",
                style="filled,rounded",
                color=PAPER,
                fillcolor=PAPER,
                fontcolor=colour,
                fontsize=str(FONT_SIZE),
                fixedsize="true",
                width=f"{(text_width(labels[i]) + 4) / 72:.3f}",
                height=f"{(FONT_SIZE + 3) / 72:.3f}",
                pos=f"{arrow.label[0]:.2f},{arrow.label[1]:.2f}",
            )
    return graph


def _arrows(
    heads: NDArray[np.int64], probs: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return tail, head, probability and token of every arrow that is drawn: the likeliest, never one of 0."""
    shown = probs > 0
    if len(probs) > MAX_LABELLED and shown.sum() > MAX_DRAWN_ARROWS:
        # the likeliest of each state always, so that none loses its way out
        threshold = np.partition(probs.ravel(), -MAX_DRAWN_ARROWS)[-MAX_DRAWN_ARROWS]
        shown &= (probs >= threshold) | (probs == probs.max(axis=1, keepdims=True))
    tails, tokens = np.nonzero(shown)
    return tails, heads[tails, tokens], probs[tails, tokens], tokens


def _positions(
    graph: pygraphviz.AGraph,
    chain: MarkovChain,
    layout: str,
    edges: list[tuple[int, int]],
    half_widths: Points,
) -> Points:
    n_short = len(half_widths) - chain.n_states
    if layout == "ring":
        V = len(chain.vocabulary)
        order = de_bruijn_order(V, chain.context_length)
        gap = 80.0 if len(half_widths) <= MAX_LABELLED else 10.0
        positions = np.empty((len(half_widths), 2))
        around = ring(order, half_widths[n_short:], gap)
        positions[n_short:] = around
        reach = np.abs(around[:, 1]).max()
        column = around[:, 0].min() - 120
        # start-up contexts, if they are drawn, stand in columns before the ring
        for length in range(chain.context_length - 1, 0, -1) if n_short else ():
            rows = slice(count_short(V, length), count_short(V, length + 1))
            column -= half_widths[rows].max()
            positions[rows, 0] = column
            positions[rows, 1] = (np.arange(V**length)[::-1] + 0.5) / V**length * 2 * reach - reach
            column -= half_widths[rows].max() + 90
        return positions
    plain = pygraphviz.AGraph(directed=True, strict=False)
    plain.graph_attr.update(mindist="1.7" if len(half_widths) <= MAX_LABELLED else "0.5")
    for node in graph.nodes():
        plain.add_node(node, shape="circle", width=node.attr["width"], height=node.attr["width"], fixedsize="true")
    plain.add_edges_from(edges)
    plain.layout(prog="circo")
    return np.array([[float(v) for v in plain.get_node(i).attr["pos"].split(",")] for i in range(len(half_widths))])
