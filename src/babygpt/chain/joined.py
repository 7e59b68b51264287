"""A chain joined to the automaton of some texts: which state it is in, and how much of a text stands already.

A beginning of up to K tokens is told by the state. A longer one tells the state's context, which is its last K tokens.
So beside the chain's own N states there is one more for each longer beginning (for each state with its context, if
several carry the same), and not N times as many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.automaton import Automaton
from babygpt.chain.contexts import MAX_ARROWS, human_bytes
from babygpt.chain.states import Listed, States
from babygpt.errors import SizeError


class JoinedChain(Listed):
    """A finite chain and the automaton of texts, together a finite chain.

    Attributes
    ----------
    inner
        int64 (states,): the chain's own state in each joint one; the first N are 0 … N − 1.
    nodes
        int64 (states,): the automaton's node in each.
    """

    def __init__(self, chain: States, automaton: Automaton) -> None:
        self.chain, self.vocabulary, self._automaton = chain, chain.vocabulary, automaton
        self.context_length = chain.context_length
        K, N, contexts = chain.context_length, chain.n_states, chain.context_numbers()
        deep = np.flatnonzero(automaton.depth > K)
        # States by context, and the place of each among those with the same.
        order = np.argsort(contexts, kind="stable")
        counts = np.bincount(contexts, minlength=len(self.vocabulary) ** K)
        firsts = np.cumsum(counts) - counts
        self._rank = np.empty(N, dtype=np.int64)
        self._rank[order] = np.arange(N) - firsts[contexts[order]]
        many = counts[automaton.context[deep]]
        self._first = np.zeros(len(automaton.depth), dtype=np.int64)
        self._first[deep] = N + np.cumsum(many) - many
        n_states = N + int(many.sum())
        if n_states * len(self.vocabulary) > 2 * MAX_ARROWS:
            raise SizeError(
                f"Chain and texts together have {n_states:,} states, {n_states * len(self.vocabulary):,} arrows; the "
                f"limit is {human_bytes(16 * MAX_ARROWS)} ({2 * MAX_ARROWS:,} arrows). Ask for shorter texts."
            )
        within = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
        self.inner = np.concatenate([np.arange(N), order[np.repeat(firsts[automaton.context[deep]], many) + within]])
        self.nodes = np.concatenate([automaton.contexts(K)[contexts], np.repeat(deep, many)])
        self.log_probs = chain.log_probs[self.inner]
        self._heads = chain.successors()[self.inner]
        after = chain.follow(automaton.go, self.nodes, self.inner)
        deeper = automaton.depth[after] > K
        self._heads[deeper] = self._first[after[deeper]] + self._rank[self._heads[deeper]]

    def begin(self, state: int, tokens: Sequence[int]) -> int:
        """Return the joint state after ``tokens``, which leave the chain in ``state``."""
        node = self._automaton.read(tokens)
        deep = self._automaton.depth[node] > self.chain.context_length
        return int(self._first[node] + self._rank[state]) if deep else state

    def context_numbers(self) -> NDArray[np.int64]:
        """Return the number of the context that each joint state carries: int64 (states,)."""
        return self.chain.context_numbers()[self.inner]

    def follow(self, go: NDArray[np.int64], nodes: NDArray[np.int64], states: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the node of another automaton after each token: int64 (n, V)."""
        return self.chain.follow(go, nodes, self.inner[states])

    def successors(self) -> NDArray[np.int64]:
        """Return the joint state that each token leads to from each joint state: int64 (states, V)."""
        return self._heads

    def short_contexts(self, start: str) -> Callable[[int], NDArray[np.float64]]:
        """Return what the chain has of contexts of fewer than K tokens."""
        return self.chain.short_contexts(start)

    def state(self, context: str) -> int:
        """Return the joint state of a context of which nothing is known but its own tokens."""
        return self.chain.state(context)

    def matching(self, pattern: str) -> NDArray[np.bool_]:
        """Return the joint states whose context a text stands for: bool (states,)."""
        return self.chain.matching(pattern)[self.inner]

    @property
    def all_reachable(self) -> bool:
        """Whether every joint state is certain to be reachable: a text that stands is not, once it is given up."""
        return False
