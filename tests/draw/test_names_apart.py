"""Whatever the symbols are, each state has a name of its own in every format."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET

import networkx
import numpy as np
import pygraphviz
import pytest

import babygpt as bg
from babygpt.chain.chain import MarkovChain
from babygpt.draw.formats import export
from babygpt.draw.graph import draw_chain

# Vocabularies whose signs mean something to a format, or look like what makes another sign visible.
HOSTILE = [
    ("\n\\n01", 2), (" ␣", 3), ("\n⏎ ", 2), ("\x1b\\x1b", 5), ("\u0890\x890", 3), ("\t⇥\\t", 3), ("<>&;lt", 2),
    ('"\\', 4), ('"%', 3), ("{}[]:|", 2), ("\u2028\\u208", 2), ("é\u0301e", 2), ("\u3000␣ \u00a0", 2),
    (["1", "11", "111"], 3), (["\x1b", "\\x1b"], 2), (["__proto__", "constructor"], 2), (["a\x1b", "a\\x1b", "a"], 2),
]  # fmt: skip


def chain_of(symbols, K):
    symbols = list(dict.fromkeys(symbols))
    V = len(symbols)
    rows = np.random.default_rng(0).dirichlet(np.ones(V), V**K)
    return MarkovChain(np.log(rows), bg.Vocabulary(symbols))


@pytest.mark.parametrize(("symbols", "K"), HOSTILE)
def test_no_two_states_are_shown_alike(symbols, K):
    chain = chain_of(symbols, K)
    labels = [chain.label(state) for state in range(chain.n_states)]
    assert len(set(labels)) == chain.n_states
    assert all(label.isprintable() for label in labels)


@pytest.mark.parametrize(("symbols", "K"), HOSTILE)
def test_dot_has_a_node_for_each_state_and_labels_apart(symbols, K):
    chain = chain_of(symbols, K)
    graph = pygraphviz.AGraph(string=export(chain, "dot").decode())
    nodes = graph.nodes()  # in the order of the states
    assert len(nodes) == chain.n_states
    assert len({node.attr["label"] for node in nodes}) == chain.n_states
    for tail, heads in zip(nodes, chain.successors(), strict=True):
        assert set(graph.successors(tail)) == {nodes[head] for head in heads}


@pytest.mark.parametrize(("symbols", "K"), HOSTILE)
def test_the_other_formats_keep_the_states_apart(symbols, K):
    chain = chain_of(symbols, K)
    contexts = list(chain.contexts())
    assert list(json.loads(export(chain, "json"))["contexts"]) == contexts
    graph = networkx.parse_graphml(export(chain, "graphml").decode())
    assert [state for _, state in graph.nodes(data="state")] == list(range(chain.n_states))
    rows = list(csv.DictReader(io.StringIO(export(chain, "csv").decode(), newline="")))
    assert [int(row["state"]) for row in rows[:: len(chain.vocabulary)]] == list(range(chain.n_states))


@pytest.mark.parametrize(("symbols", "K"), [(symbols, K) for symbols, K in HOSTILE if len(set(symbols)) ** K <= 64])
def test_a_picture_names_each_state_by_its_number_and_its_own_label(symbols, K):
    chain = chain_of(symbols, K)
    svg = "{http://www.w3.org/2000/svg}"
    shown = {}
    for group in ET.fromstring(draw_chain(chain).render("svg")).iter(f"{svg}g"):
        title = group.findtext(f"{svg}title") or ""
        if group.get("class") == "node" and title.isdigit():
            shown[int(title)] = "".join(text.text for text in group.iter(f"{svg}text"))
    assert sorted(shown) == list(range(chain.n_states))
    assert len(set(shown.values())) == chain.n_states
