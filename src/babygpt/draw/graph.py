"""The chain as a graph: states as nodes, each arrow labelled with its token and how likely it is.

Colours tell the tokens apart (Okabe and Ito's palette, which colour-blind readers can tell apart too), width
says how likely an arrow is, and dashes mark contexts that never occur in the training data. Up to 16 states and
100 arrows every arrow carries its label; up to 64 states the labels are tooltips; up to 256 arrows below a
threshold are left out; beyond that a graph is no picture any more and the chain is drawn as a map.

Graphviz, through pygraphviz, finds the ``circo`` positions.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import all_contexts, count_short
from babygpt.draw.graphviz import _quiet_graphviz, empty_graph, write
from babygpt.draw.layout import RADIUS, Points, arrange, de_bruijn_order, ring, ring_start, symmetric
from babygpt.draw.plots import draw_map
from babygpt.draw.scene import DrawnArrow, DrawnState, Scene
from babygpt.draw.text import FONT_SIZE, LINE_HEIGHT, NODE_FONT_SIZE, text_width, wrapped
from babygpt.errors import SettingError
from babygpt.picture import Picture

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain

Layout = Literal["symmetric", "circo", "ring"]

TOKEN_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A6D00", "#56B4E9", "#E69F00", "#555555")

MAX_LABELLED, MAX_GRAPH = 16, 256  # states
MAX_LABELS, MAX_CIRCO = 100, 160  # arrows
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
        ``"symmetric"``: the studio's drawing of two symbols and at most three tokens of context, whose symmetries are
        the chain's. ``"circo"``: Graphviz's circular layout, as the article draws it. ``"ring"``: a circle on which
        every state stands beside a successor. By default symmetric where there is one, else circo up to 16 states,
        ring above.
    seen
        The states that occur in the training data; the others are then dashed.
    short
        Draw the short contexts too.
    title
        A line above the picture.

    Raises
    ------
    SettingError
        An unknown layout, circo for more than 160 arrows, or symmetric for a chain that has no such drawing.
    ContextError
        Short contexts are asked for and the chain has none.
    """
    n = chain.n_states
    if layout is not None and layout not in get_args(Layout):
        raise SettingError(f"layout={layout!r} is not known. Use 'symmetric', 'circo' or 'ring'.")
    has_symmetric = not short and symmetric(len(chain.vocabulary), chain.context_length) is not None
    if layout == "symmetric" and not has_symmetric:
        raise SettingError(
            "The symmetric layout is for two symbols and at most three tokens of context, without short contexts. "
            "Use layout='circo' or layout='ring'."
        )
    if n > MAX_GRAPH:
        return draw_map(chain, title)
    n_arrows = (
        chain.n_arrows + (count_short(len(chain.vocabulary), chain.context_length) * len(chain.vocabulary)) * short
    )
    if layout == "circo" and n_arrows > MAX_CIRCO:
        raise SettingError(
            f"The circo layout takes minutes for {n_arrows} arrows; its limit is {MAX_CIRCO}. Use layout='ring'."
        )
    few = n <= MAX_LABELLED and n_arrows <= MAX_CIRCO
    chosen = layout or ("symmetric" if has_symmetric else "circo" if few else "ring")

    unseen = None if seen is None else frozenset(seen)

    @cache
    def scene() -> Scene:  # laid out once, for whichever formats are asked for
        return _scene(chain, chosen, unseen, short, title)

    def draw(format: str) -> bytes:  # noqa: A002
        with _quiet_graphviz():
            if format in ("svg", "dot"):
                return write(scene(), format)
            laid_out = scene()
        from babygpt.draw.paint import paint  # it loads matplotlib

        return paint(laid_out).render(format)

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


def _scene(chain: MarkovChain, layout: str, seen: frozenset[int] | None, short: bool, title: str | None) -> Scene:
    V, K, n_states = len(chain.vocabulary), chain.context_length, chain.n_states
    matrix = chain.transition_matrix(short=short)
    n = matrix.shape[0]
    lengths = range(1 if short else K, K + 1)
    names = [chain.vocabulary.label(ids) for length in lengths for ids in all_contexts(V, length)]
    n_short = n - n_states
    lines = [wrapped(name, NODE_FONT_SIZE) for name in names]
    halves = np.array([_half_size(each) for each in lines])

    tails, heads, probs, tokens = _arrows(matrix.indices.reshape(n, V).astype(np.int64), matrix.data.reshape(n, V))
    edges = list(zip(tails.tolist(), heads.tolist(), strict=True))
    symbols = [chain.vocabulary.label([token]) for token in range(V)]
    labels = [arrow_label(symbols[token], p) for token, p in zip(tokens.tolist(), probs.tolist(), strict=True)]
    labelled = n <= MAX_LABELLED and len(edges) <= MAX_LABELS
    # wide states stand where narrow ones would, and the layout is drawn out as far as they need it
    around = _positions(chain, layout, edges, halves[:, 0])
    positions, arrows = arrange(around, halves, edges, labels if labelled else None)

    unseen = [seen is not None and i - n_short not in seen for i in range(n)]
    states = [DrawnState(tuple(lines[i]), positions[i], halves[i], unseen[i]) for i in range(n)]
    drawn = [
        DrawnArrow(
            tail=tail,
            head=head,
            curve=arrow.curve,
            tip=arrow.tip,
            colour=TOKEN_COLOURS[token % len(TOKEN_COLOURS)],
            width=0.5 + 3.5 * p,
            dashed=unseen[tail],
            tooltip=f"{names[tail]} → {names[head]}: {label}",
            label=tuple(wrapped(label, FONT_SIZE)) if labelled else None,
            label_at=arrow.label,
        )
        for (tail, head), arrow, token, p, label in zip(
            edges, arrows, tokens.tolist(), probs.tolist(), labels, strict=True
        )
    ]
    return Scene(states, drawn, title)


def _half_size(lines: list[str]) -> tuple[float, float]:
    """Return half the width and height of a state with such a name: a circle's, where that has room for it."""
    width = max(text_width(line, NODE_FONT_SIZE) for line in lines)
    return max(RADIUS, width / 2 + 8), max(RADIUS, LINE_HEIGHT * NODE_FONT_SIZE * len(lines) / 2 + 6)


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
    chain: MarkovChain, layout: str, edges: list[tuple[int, int]], half_widths: NDArray[np.float64]
) -> Points:
    """Return where the states go, short contexts first if they are among them, if none is much wider than high."""
    n = len(half_widths)
    n_short, few = n - chain.n_states, n <= MAX_LABELLED
    half_widths = np.minimum(half_widths, RADIUS if few else 1.5 * RADIUS)
    V = len(chain.vocabulary)
    if layout == "symmetric" and (places := symmetric(V, chain.context_length)) is not None:
        return places
    if layout == "ring":
        positions = np.empty((n, 2))
        order = de_bruijn_order(V, chain.context_length)
        around = ring(order, half_widths[n_short:], gap=80.0 if few else 10.0, start=ring_start(V))
        positions[n_short:] = around
        reach = np.abs(around[:, 1]).max()
        column = around[:, 0].min() - 120
        # start-up contexts, if they are drawn, stand in columns before the ring
        for length in range(chain.context_length - 1, 0, -1) if n_short else ():
            rows = slice(count_short(V, length), count_short(V, length + 1))
            column -= RADIUS
            positions[rows, 0] = column
            positions[rows, 1] = (np.arange(V**length)[::-1] + 0.5) / V**length * 2 * reach - reach
            column -= RADIUS + 90
        return positions
    plain = empty_graph()
    plain.graph_attr.update(mindist="1.7" if few else "0.5")
    plain.node_attr.update(shape="circle", width=f"{2 * RADIUS / 72:.3f}", fixedsize="true")
    plain.add_nodes_from(range(n))
    plain.add_edges_from(edges)
    plain.layout(prog="circo")
    return np.array([[float(v) for v in plain.get_node(i).attr["pos"].split(",")] for i in range(n)])
