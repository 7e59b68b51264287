"""The chain in other tools' own objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx

    from babygpt.chain.chain import MarkovChain


def to_networkx(chain: MarkovChain, short: bool = False) -> networkx.DiGraph:
    """Return the chain as a directed graph.

    Nodes are contexts (texts) with their ``state`` number (−1 for a short context); edges carry the ``token`` and
    its ``probability``.
    """
    import networkx  # only those who export wait for it

    graph = networkx.DiGraph()
    contexts = list(chain.contexts(short))
    n_short = len(contexts) - chain.n_states
    graph.add_nodes_from((context, {"state": max(-1, i - n_short)}) for i, context in enumerate(contexts))
    matrix = chain.transition_matrix(short)
    V, symbols = len(chain.vocabulary), chain.vocabulary.symbols
    for i, (heads, probs) in enumerate(
        zip(matrix.indices.reshape(-1, V).tolist(), matrix.data.reshape(-1, V).tolist(), strict=True)
    ):
        for symbol, head, probability in zip(symbols, heads, probs, strict=True):
            graph.add_edge(contexts[i], contexts[head], token=symbol, probability=probability)
    return graph
