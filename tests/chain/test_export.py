from __future__ import annotations

import networkx
import pytest

from babygpt.chain.export import to_networkx


@pytest.mark.parametrize("short", [False, True])
def test_graph_has_every_context_and_every_arrow(article_run, short):
    chain = article_run.chain
    graph = to_networkx(chain, short)
    assert list(graph) == list(chain.contexts(short))
    assert graph.number_of_edges() == (28 if short else 16)
    for tail, head, data in graph.edges(data=True):
        assert (tail + data["token"])[-3:] == head
        assert data["probability"] == pytest.approx(chain[tail][data["token"]], abs=1e-15)
    for context, state in graph.nodes(data="state"):
        assert state == (chain.state(context) if len(context) == 3 else -1)


def test_networkx_finds_one_recurrent_class_and_period_one(article_run):
    graph = article_run.chain.to_networkx(short=True)
    (recurrent,) = networkx.attracting_components(graph)
    assert recurrent == set(article_run.chain.contexts())
    assert networkx.is_aperiodic(graph.subgraph(recurrent))
