"""A chain as a file, in the formats that people and programs read."""

from __future__ import annotations

import io
import re
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import all_contexts
from babygpt.errors import SizeError
from babygpt.gpt.signs import harmless, json_text, visible
from babygpt.lab.tables import table_bytes

PICTURES = ("svg", "png", "pdf")
DATA = ("json", "csv", "parquet", "npz", "dot", "graphml")
FORMATS = ("table", *DATA, *PICTURES)
BINARY = ("parquet", "npz", "png", "pdf")

_NOT_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")

# A line of text for each arrow: beyond this, parquet or npz is the format that anyone would want.
MAX_TEXT_ARROWS = 2**20


def export(chain: MarkovChain, format: str, short: bool = False) -> bytes:  # noqa: A002
    """Return the chain in one of the ``DATA`` formats.

    Raises
    ------
    SizeError
        A text format is asked for a chain of millions of arrows.
    """
    if format == "npz":
        return _npz(chain, short)
    if format == "parquet":
        return table_bytes(chain.rows(short), ".parquet")
    if chain.n_arrows > MAX_TEXT_ARROWS:
        raise SizeError(
            f"{format} takes a line for each of {chain.n_arrows:,} arrows; the limit is {MAX_TEXT_ARROWS:,}. "
            "Use --format parquet or npz."
        )
    if format == "csv":
        return table_bytes(chain.rows(short), ".csv")
    return {"json": _json, "dot": _dot, "graphml": _graphml}[format](chain, short).encode(errors="backslashreplace")


def _rows(chain: MarkovChain, short: bool) -> list[tuple[str, list[str], list[float]]]:
    """Return each context with the contexts it leads to and their probabilities, in token order."""
    contexts = list(chain.contexts(short))
    matrix, V = chain.transition_matrix(short), len(chain.vocabulary)
    heads, probs = matrix.indices.reshape(-1, V), matrix.data.reshape(-1, V)
    return [(c, [contexts[h] for h in hs], ps.tolist()) for c, hs, ps in zip(contexts, heads, probs, strict=True)]


def _json(chain: MarkovChain, short: bool) -> str:
    symbols = chain.vocabulary.symbols
    content = {
        "context_length": chain.context_length,
        "vocabulary": list(symbols),
        "tokens": chain.vocabulary.tokens,
        "separator": chain.vocabulary.separator,
        "contexts": {
            context: {
                symbol: {"probability": p, "next": head} for symbol, head, p in zip(symbols, heads, probs, strict=True)
            }
            for context, heads, probs in _rows(chain, short)
        },
    }
    return json_text(content) + "\n"


def _dot(chain: MarkovChain, short: bool) -> str:
    """Return the graph itself, for Graphviz to lay out: no positions, the article's labels.

    A node's name is its context where DOT can write all of them, and else its state's number, or ``short0``,
    ``short1``, … for a short context: never one for some nodes and the other for others, which could be the same. Where
    Graphviz would show two labels alike, they are spelled out.
    """
    from babygpt.draw.graph import arrow_label  # drawing loads Graphviz
    from babygpt.draw.graphviz import escape as escape_dot

    def label(text: str) -> str:
        return '"' + escape_dot(text).replace('"', '\\"') + '"'

    contexts = list(chain.contexts(short))
    n_short = len(contexts) - chain.n_states
    if all(_is_dot_name(context) for context in contexts):
        name = ['"' + context.replace('"', '\\"') + '"' for context in contexts]
    else:
        name = [*(f"short{i}" for i in range(n_short)), *map(str, range(chain.n_states))]
    if len({escape_dot(context) for context in contexts}) < len(contexts):
        V, K = len(chain.vocabulary), chain.context_length
        lengths = range(1 if short else K, K + 1)
        contexts = [chain.vocabulary.label(tokens) for length in lengths for tokens in all_contexts(V, length)]
    matrix, V = chain.transition_matrix(short), len(chain.vocabulary)
    lines = ["digraph chain {", "  layout=circo;", "  node [shape=circle];"]
    lines += [f"  {node} [label={label(context)}];" for node, context in zip(name, contexts, strict=True)]
    arrows = zip(matrix.indices.reshape(-1, V).tolist(), matrix.data.reshape(-1, V).tolist(), strict=True)
    for node, (heads, probs) in zip(name, arrows, strict=True):
        for symbol, head, p in zip(chain.vocabulary.symbols, heads, probs, strict=True):
            # in quotes: DOT knows no number such as 1e-05
            lines.append(f'  {node} -> {name[head]} [label={label(arrow_label(symbol, p))}, probability="{p!r}"];')
    return "\n".join([*lines, "}", ""])


def _is_dot_name(context: str) -> bool:
    """Return whether DOT reads a quoted name as it is written (one of % it keeps), and a terminal shows it."""
    signs = context.replace(" ", "")
    return "\\" not in signs and not context.startswith("%") and visible(signs) == signs


# What GraphML says before nodes and edges: which attributes they have.
_GRAPHML = """<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="state" for="node" attr.name="state" attr.type="long" />
  <key id="context" for="node" attr.name="context" attr.type="string" />
  <key id="token" for="edge" attr.name="token" attr.type="string" />
  <key id="probability" for="edge" attr.name="probability" attr.type="double" />
  <graph edgedefault="directed">"""


def _graphml(chain: MarkovChain, short: bool) -> str:
    """Return the graph as GraphML, written line by line: networkx takes a minute for half a million arrows."""
    shown = [_in_xml(context) for context in chain.contexts(short)]
    # a node's id is its context where XML can tell all of them apart, and else its place in the list
    ids = shown if len(set(shown)) == len(shown) else list(map(str, range(len(shown))))
    quoted = [quoteattr(node) for node in ids]
    tokens = [escape(_in_xml(symbol)) for symbol in chain.vocabulary.symbols]
    n_short = len(shown) - chain.n_states
    lines = [_GRAPHML]
    for i, (node, context) in enumerate(zip(quoted, shown, strict=True)):
        lines.append(
            f'    <node id={node}><data key="state">{max(-1, i - n_short)}</data>'
            f'<data key="context">{escape(context)}</data></node>'
        )
    matrix, V = chain.transition_matrix(short), len(chain.vocabulary)
    arrows = zip(matrix.indices.reshape(-1, V).tolist(), matrix.data.reshape(-1, V).tolist(), strict=True)
    for node, (heads, probs) in zip(quoted, arrows, strict=True):
        lines += [
            f'    <edge source={node} target={quoted[head]}><data key="token">{token}</data>'
            f'<data key="probability">{p!r}</data></edge>'
            for token, head, p in zip(tokens, heads, probs, strict=True)
            if p > 0
        ]
    return "\n".join([*lines, "  </graph>", "</graphml>", ""])


def _in_xml(text: str) -> str:
    """Return a text with what XML has no way to write, would read as a line feed, or could harm, made visible."""
    return harmless(_NOT_XML.sub(lambda match: visible(match[0]), text))


def _npz(chain: MarkovChain, short: bool) -> bytes:
    arrays = {
        "log_probs": chain.log_probs,
        "probs": chain.probs,
        "successors": chain.successors(),
        "vocabulary": np.array(chain.vocabulary.symbols),
    }
    if short and chain.short_log_probs is not None:
        arrays["short_log_probs"] = chain.short_log_probs
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()
