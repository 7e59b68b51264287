"""Automata: how much of a text stands already, while token after token is drawn.

What matters is the longest beginning of the text that the tokens so far end in; each token makes it one longer, or
sends it back to a shorter one. For one text this is the automaton of Knuth, Morris and Pratt [1]_, for several that of
Aho and Corasick [2]_: one node for each different beginning, the empty one included.

.. [1] Knuth, Morris, Pratt, "Fast pattern matching in strings", SIAM Journal on Computing 6 (1977), 323–350.
.. [2] Aho, Corasick, "Efficient string matching", Communications of the ACM 18 (1975), 333–340.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import MAX_ARROWS, human_bytes
from babygpt.errors import SizeError


@dataclass(frozen=True, eq=False)
class Automaton:
    """Which beginning of some texts is the longest that what was drawn ends in.

    >>> of = Automaton.of([[1, 0, 1, 1]], labels=[0], n_labels=1, V=2, K=1)
    >>> [of.read([1, 0, 1, 0, 1][:n]) for n in range(6)]  # 10101 ends in 101
    [0, 1, 2, 3, 2, 3]

    Attributes
    ----------
    go
        int64 (nodes, V): the node after each token; node 0 is the empty beginning.
    depth
        int64 (nodes,): how many tokens a beginning has.
    ends
        int64 (nodes,): the lowest label among the texts that a node's beginning ends in; the number of labels if none.
    context
        int64 (nodes,): the number of its last K tokens, where it has as many.
    """

    go: NDArray[np.int64]
    depth: NDArray[np.int64]
    ends: NDArray[np.int64]
    context: NDArray[np.int64]

    @classmethod
    def of(cls, words: Sequence[Sequence[int]], labels: Sequence[int], n_labels: int, V: int, K: int) -> Automaton:
        """Return the automaton of texts, given as tokens; texts may share a label.

        Raises
        ------
        SizeError
            The texts have too many beginnings.
        """
        most = 1 + sum(map(len, words))
        if most * V > MAX_ARROWS:
            raise SizeError(
                f"Texts of {most - 1:,} tokens in all over {V:,} symbols need a table of up to "
                f"{human_bytes(8 * most * V)}; the limit is {human_bytes(8 * MAX_ARROWS)}. Ask for shorter texts, or "
                "fewer at a time."
            )
        children: list[dict[int, int]] = [{}]
        depth, ends, context = [0], [n_labels], [0]
        for word, label in zip(words, labels, strict=True):
            at = 0
            for token in word:
                if token not in children[at]:
                    children[at][token] = len(children)
                    children.append({})
                    depth.append(depth[at] + 1)
                    ends.append(n_labels)
                    context.append((context[at] * V + token) % V**K)
                at = children[at][token]
            ends[at] = min(ends[at], label)
        go = np.zeros((len(children), V), dtype=np.int64)
        falls = [0] * len(children)  # the node of the longest end that is a beginning too
        queue = [0]
        for at in queue:  # shorter beginnings first
            if at:
                go[at] = go[falls[at]]
                ends[at] = min(ends[at], ends[falls[at]])
            for token, child in children[at].items():
                falls[child] = int(go[at, token])
                go[at, token] = child
                queue.append(child)
        return cls(go, np.array(depth), np.array(ends), np.array(context))

    def read(self, tokens: Iterable[int], node: int = 0) -> int:
        """Return the node after ``tokens``."""
        for token in tokens:
            node = int(self.go[node, token])
        return node

    def contexts(self, K: int) -> NDArray[np.int64]:
        """Return the node after each context of K tokens: int64 (V^K,)."""
        V = self.go.shape[1]
        nodes = np.zeros(1, dtype=np.int64)
        for _ in range(K):
            nodes = self.go[nodes].ravel()
        assert len(nodes) == V**K
        return nodes
