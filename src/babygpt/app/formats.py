"""A chain as a file, in the formats that people and programs read."""

from __future__ import annotations

import csv
import io
import json

import numpy as np

from babygpt.chain.chain import MarkovChain
from babygpt.errors import SizeError

PICTURES = ("svg", "png", "pdf")
DATA = ("json", "csv", "npz", "dot", "graphml")
FORMATS = ("table", *DATA, *PICTURES)
BINARY = ("npz", "png", "pdf")

# A line of text for each arrow: beyond this, npz is the format that anyone would want.
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
    if chain.n_arrows > MAX_TEXT_ARROWS:
        raise SizeError(
            f"{format} takes a line for each of {chain.n_arrows:,} arrows; the limit is {MAX_TEXT_ARROWS:,}. "
            "Use --format npz."
        )
    return {"json": _json, "csv": _csv, "dot": _dot, "graphml": _graphml}[format](chain, short).encode()


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
        "contexts": {
            context: {
                symbol: {"probability": p, "next": head} for symbol, head, p in zip(symbols, heads, probs, strict=True)
            }
            for context, heads, probs in _rows(chain, short)
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _csv(chain: MarkovChain, short: bool) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["context", "token", "probability", "next"])
    for context, heads, probs in _rows(chain, short):
        for symbol, head, p in zip(chain.vocabulary.symbols, heads, probs, strict=True):
            writer.writerow([context, symbol, repr(p), head])
    return out.getvalue()


def _dot(chain: MarkovChain, short: bool) -> str:
    # the graph itself, for Graphviz to lay out: no positions, the article's labels
    from babygpt.draw.graph import arrow_label  # drawing loads Graphviz

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    lines = ["digraph chain {", "  layout=circo;", "  node [shape=circle];"]
    for context, heads, probs in _rows(chain, short):
        for symbol, head, p in zip(chain.vocabulary.symbols, heads, probs, strict=True):
            label = quoted(arrow_label(symbol, p))
            lines.append(f"  {quoted(context)} -> {quoted(head)} [label={label}, probability={p!r}];")
    return "\n".join([*lines, "}", ""])


def _graphml(chain: MarkovChain, short: bool) -> str:
    import networkx

    return "\n".join(networkx.generate_graphml(chain.to_networkx(short))) + "\n"


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
