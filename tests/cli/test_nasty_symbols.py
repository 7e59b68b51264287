"""Exports of chains over symbols that mean something to a format: as many nodes as states, and right labels."""

from __future__ import annotations

import html
import re
import unicodedata
import xml.etree.ElementTree as ET

import networkx
import numpy as np
import pygraphviz
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import babygpt as bg
from babygpt.draw import formats
from babygpt.gpt.vocabulary import visible

NASTY = "\"\\<>&\n\r\t {}|[];:=,->#/%'0123NGlnr"
NASTY += "\x00\x01\x1b\x7f\x85\u2028\u200d\ufe0f\ufffe\udcff" + "é\u0301אع床😀⏎␣"
WORDS = [
    "\\N",
    "\\G",
    "\\l",
    "\\n",
    "\\\\",
    "a\\",
    "\\x01",
    "\x01",
    '\\"',
    "<b>",
    "<b>x</b>",
    "&lt;",
    "&#10;",
    "&",
    "1",
]
WORDS += ["01", "1.0", "-1", "node", "edge", "graph", "label0", "short0", "0", "{a|b}", "//", "/*", "#", "true"]
WORDS += ["\ufffe", "\\xfffe"]


def chain_over(symbols, K, tokens, seed=0):
    V = len(symbols)
    table = np.random.default_rng(seed).dirichlet(np.ones(V), sum(V**k for k in range(1, K + 1)))
    return bg.MarkovChain.from_table(np.log(table), bg.Vocabulary(list(symbols), tokens))


def some_of(symbols):
    return st.lists(st.sampled_from(symbols), min_size=2, max_size=4, unique=True)


chains = st.one_of(
    st.builds(chain_over, some_of(NASTY), st.integers(1, 3), st.just("chars")),
    st.builds(chain_over, some_of(WORDS), st.integers(1, 2), st.just("words")),
)


def as_shown(label):
    """Return what Graphviz shows for a label that holds neither a line break nor an escape of Graphviz' own."""
    assert not re.search(r"(?<!\\)(\\\\)*\\([^\\]|$)", label), label
    return html.unescape(label).replace("\\\\", "\\")


def expected(text):
    """Return a text with the characters that end a line or have no shape as visible signs."""
    return "".join(
        visible(c)
        if (unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") and c != "\t") or ord(c) in (0xFFFE, 0xFFFF)
        else c
        for c in text
    )


def arrows(chain, short):
    """Return (number, token, probability, number) of every arrow, from the definition."""
    V, K = len(chain.vocabulary), chain.context_length
    rows = []
    for length in range(1 if short else K, K + 1):
        for state in range(V**length):
            tokens = [state // V ** (length - 1 - i) % V for i in range(length)]
            for token, p in enumerate(np.exp(chain.row(tokens))):
                rows.append((tuple(tokens), token, p, tuple([*tokens, token][-K:])))
    return rows


@given(chains, st.booleans())
@settings(max_examples=60, deadline=None)
@example(chain_over(["\n", "\\", "0", "1"], 2, "chars"), False)
@example(chain_over("\\n", 2, "chars"), True)
@example(chain_over(["\x01", "\\x01"], 1, "words"), False)
@example(chain_over(["short0", "0"], 2, "words"), True)
@example(chain_over(['"', "%"], 1, "chars"), False)
def test_dot_has_a_node_for_each_state_and_shows_its_context(chain, short):
    text = formats.export(chain, "dot", short).decode()
    graph = pygraphviz.AGraph(string=text)
    contexts = list(chain.contexts(short))
    nodes = graph.nodes()
    assert len(nodes) == len(contexts)
    labels = [node.attr["label"] for node in nodes]
    assert len(set(labels)) == len(contexts)
    if len({*map(expected, contexts)}) == len(contexts):
        assert list(map(as_shown, labels)) == list(map(expected, contexts))
    rows = arrows(chain, short)
    order = dict(zip(dict.fromkeys(tail for tail, *_ in rows), nodes, strict=True))
    read = {}
    for tail, head, key in graph.edges(keys=True):
        edge = graph.get_edge(tail, head, key)
        read.setdefault((tail, head), []).append((float(edge.attr["probability"]), as_shown(edge.attr["label"])))
    told = {}
    for tail, token, p, head in rows:
        symbol = expected(chain.vocabulary.symbols[token])
        told.setdefault((order[tail], order[head]), []).append((p, symbol))
    assert set(read) == set(told)
    for pair, found in read.items():
        for (p, label), (q, symbol) in zip(sorted(found), sorted(told[pair]), strict=True):
            assert p == pytest.approx(q, rel=1e-15)
            assert label.startswith(symbol + "(")


@given(chains, st.booleans())
@settings(max_examples=60, deadline=None)
@example(chain_over(["\x01", "\\x01"], 1, "words"), False)
@example(chain_over(["\x01", "\\", "x", "0", "1"], 5, "chars"), False)
@example(chain_over("\r\n", 2, "chars"), True)
def test_graphml_has_a_node_for_each_state_and_tells_its_context(chain, short):
    graph = networkx.parse_graphml(formats.export(chain, "graphml", short).decode())
    contexts = list(chain.contexts(short))
    assert len(graph) == len(contexts)
    nodes = list(graph)
    for node, context in zip(nodes, contexts, strict=True):
        told = graph.nodes[node]["context"]
        assert len(told) >= len(context)
        if context.isprintable():
            assert told == context
    rows = arrows(chain, short)
    order = dict(zip(dict.fromkeys(tail for tail, *_ in rows), nodes, strict=True))
    read = {(tail, head): data["probability"] for tail, head, data in graph.edges(data=True)}
    assert read == {(order[tail], order[head]): pytest.approx(p, rel=1e-15) for tail, _, p, head in rows}


@pytest.mark.slow
@given(chains)
@settings(max_examples=25, deadline=None)
@example(chain_over(["<b>", "&lt;", "\\N", "label0"], 1, "words"))
def test_a_picture_has_a_node_for_each_state_and_shows_its_context(chain):
    picture = chain.plot("ring")
    labels = [chain.vocabulary.label(chain.vocabulary.encode(context)) for context in chain.contexts()]
    graph = pygraphviz.AGraph(string=picture.render("dot").decode())
    states = [node for node in graph.nodes() if not node.startswith("label")]
    assert states == [str(i) for i in range(chain.n_states)]
    root = ET.fromstring(picture.svg)
    groups = [g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("class") == "node"]
    titles = {g[0].text: "".join(t.text for t in g.iter("{http://www.w3.org/2000/svg}text")) for g in groups}
    assert [titles[str(i)].replace("\xa0", " ") for i in range(chain.n_states)] == labels


@pytest.mark.parametrize("name", ["001", "1", "-1.5", "graph"])
def test_names_that_are_numbers_or_words_of_the_language_stay_names(name):
    graph = pygraphviz.AGraph(string=formats.export(chain_over([name, "x"], 1, "words"), "dot").decode())
    assert [node.attr["label"] for node in graph.nodes()] == [name, "x"]
    assert len(graph.edges()) == 4
