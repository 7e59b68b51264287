"""A scene in Graphviz' language, and as SVG; and a text as Graphviz takes it for plain."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from babygpt.draw.layout import label_size
from babygpt.draw.scene import FAINT, INK, PAPER, Scene
from babygpt.draw.text import FONT_SIZE, NODE_FONT_SIZE
from babygpt.errors import BabyGPTError, MissingPackageError
from babygpt.extras import package_errors
from babygpt.gpt.signs import harmless, visible

if TYPE_CHECKING:
    import pygraphviz

_NO_SHAPE = re.compile("[\x00-\x08\n-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
FONT = "Helvetica,Arial,sans-serif"


def empty_graph() -> pygraphviz.AGraph:
    """Return a directed graph of Graphviz' that may have several arrows from one node to another.

    Raises
    ------
    MissingPackageError
        It is not installed.
    BabyGPTError
        It cannot be loaded: its wheel needs GLib, which a bare system may lack.
    """
    try:
        with package_errors():
            import pygraphviz
    except MissingPackageError:
        raise
    except ImportError as error:
        raise BabyGPTError(
            f"Graphviz, which draws graphs, cannot be loaded ({error}). On Debian and Ubuntu: sudo apt install "
            "libglib2.0-0; everything but pictures of graphs works without."
        ) from error
    return pygraphviz.AGraph(directed=True, strict=False)


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
    r"""Return a text as Graphviz takes it for plain: backslashes and entities mean nothing, and <…> is no HTML.

    What ends a line or has no shape at all is shown as the visible sign that stands for it.

    >>> print(escape(r"\N < &lt;"))
    \\N &lt; &amp;lt;
    """
    text = harmless(_NO_SHAPE.sub(lambda match: visible(match[0]), text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\\", "\\\\")


def write(scene: Scene, format: str) -> bytes:  # noqa: A002
    """Return a scene as ``"svg"`` or ``"dot"``."""
    graph = _graph(scene)
    return graph.to_string().encode() if format == "dot" else graph.draw(format=format, prog="nop2")


def _graph(scene: Scene) -> pygraphviz.AGraph:
    """Return a scene as a graph: its states are the nodes 0, 1, …, whatever they are called."""
    graph = empty_graph()
    graph.graph_attr.update(bgcolor=PAPER, outputorder="edgesfirst", splines="true", pad="0.15", fontname=FONT)
    if scene.title:
        graph.graph_attr.update(label=escape(scene.title), labelloc="t", fontsize="14", fontcolor=INK)
    graph.node_attr.update(
        fontname=FONT, fontsize=f"{NODE_FONT_SIZE:g}", fontcolor=INK, style="filled", color=INK, fillcolor=FAINT
    )
    graph.edge_attr.update(fontname=FONT, fontsize=f"{FONT_SIZE:g}", arrowsize="0.8")
    for i, state in enumerate(scene.states):
        styles = ["filled", *(["rounded"] * (not state.round)), *(["dashed"] * state.dashed)]
        graph.add_node(
            i,
            label=_lines(state.lines),
            shape="circle" if state.round else "box",
            fixedsize="true",
            width=f"{2 * state.half[0] / 72:.3f}",
            height=f"{2 * state.half[1] / 72:.3f}",
            style=",".join(styles),
            pos=_point(state.at),
            **({"fillcolor": PAPER} if state.dashed else {}),
        )
    for i, arrow in enumerate(scene.arrows):
        graph.add_edge(
            arrow.tail,
            arrow.head,
            key=str(i),
            pos=" ".join([f"e,{_point(arrow.tip)}", *map(_point, arrow.curve)]),
            color=arrow.colour + ("B0" if arrow.label is None else ""),
            penwidth=f"{arrow.width:.2f}",
            style="dashed" if arrow.dashed else "solid",
            tooltip=escape(arrow.tooltip),
        )
        if arrow.label is not None:  # a node of its own, so that it lies above every arrow
            width, height = label_size(arrow.label)
            graph.add_node(
                f"label{i}",
                label=_lines(arrow.label),
                shape="box",
                style="filled,rounded",
                color=PAPER,
                fillcolor=PAPER,
                fontcolor=arrow.colour,
                fontsize=f"{FONT_SIZE:g}",
                fixedsize="true",
                width=f"{width / 72:.3f}",
                height=f"{height / 72:.3f}",
                pos=_point(arrow.label_at),
            )
    return graph


def _lines(lines: Iterable[str]) -> str:
    return "\\n".join(map(escape, lines))


def _point(at: Iterable[float]) -> str:
    return ",".join(f"{value:.2f}" for value in at)
