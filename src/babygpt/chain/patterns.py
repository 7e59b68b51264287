"""Patterns: when a text first comes, however long, and which of several comes first.

A chain's state tells the last K tokens. A longer text comes bit by bit, so what matters beside the state is how much
of it stands already, which an automaton keeps count of (:mod:`babygpt.chain.automaton`). Chain and automaton together
are a finite chain again (:class:`babygpt.chain.joined.JoinedChain`), so that the answers are exact.

Where a walk begins in a state, nothing but its own K tokens has come, and the automaton begins in the longest
beginning of a text that they end in: from 101 the text 10111 has a head start of three tokens. A longer start tells the
automaton more. The waits of textbooks are counted from before the first token, where a GPT predicts nothing. Of a
source that draws its tokens independently, that wait is the one from any state that gives no head start. Of any chain
it is K + Σ first(s)·h(s), where ``first`` is how likely the first K tokens are s, h the times from the states, and the
text longer than K. A fair coin takes 62 tosses to HHHHH: 62 from T, 60 from H, and 1 + (62 + 60)/2 from nothing.

Which of several texts comes first is Penney's game; Conway's odds are its answer for a fair coin [1]_.

.. [1] Guibas, Odlyzko, "String overlaps, pattern matching, and nontransitive games", Journal of Combinatorial Theory A
   30 (1981), 183–208.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from babygpt.chain import hitting
from babygpt.chain.automaton import Automaton
from babygpt.chain.contexts import number_of
from babygpt.chain.elimination import absorbing_numbers
from babygpt.chain.joined import JoinedChain
from babygpt.chain.solve import leaving, solve_transient
from babygpt.chain.states import States, Target, plain
from babygpt.chain.structure import MAX_ABSORPTION, reaching
from babygpt.chain.wide import Wide
from babygpt.errors import ContextError, SizeError
from babygpt.gpt.checks import check_count


@dataclass(frozen=True, eq=False)
class Aims:
    """Several targets of a chain: what reaches each, the first of them counting where two are reached at once.

    Attributes
    ----------
    n
        How many targets there are.
    of_state
        int64 (N,): the target that a state is in, or n.
    short, long
        (text as tokens, target) of the texts that are given: up to K tokens, and more.
    """

    n: int
    of_state: NDArray[np.int64]
    short: list[tuple[list[int], int]]
    long: list[tuple[list[int], int]]

    @classmethod
    def at(cls, chain: States, targets: Sequence[Target]) -> Aims:
        """Return ``targets`` as aims.

        Raises
        ------
        ContextError
            One of them means no state and no text.
        """
        n = len(targets)
        aims = cls(n, np.full(chain.n_states, n), [], [])
        for number, target in enumerate(targets):
            aims._add(chain, target, number)
        return aims

    def _add(self, chain: States, target: Target, number: int) -> None:
        target = plain(target)
        if isinstance(target, str):
            tokens = chain.vocabulary.encode(target).tolist()
            if not tokens:
                raise ContextError(f"{target!r} has 0 tokens; a target has at least 1.")
            if len(tokens) > chain.context_length:
                self.long.append((tokens, number))
                return
            self.short.append((tokens, number))
        elif isinstance(target, Iterable) and not (isinstance(target, np.ndarray) and target.dtype == bool):
            parts = list(target)
            for part in parts:
                self._add(chain, part, number)
            if parts:
                return
        mask = chain.target(target)
        self.of_state[mask] = np.minimum(self.of_state[mask], number)


@dataclass(frozen=True, eq=False)
class Question:
    """A chain, what is aimed at, and the chain in which every aim is a set of states.

    Attributes
    ----------
    chain
        The chain that was asked.
    aims
        Its targets.
    whole
        The chain itself or, if a text is longer than K, the chain joined to the automaton; its first N states are the
        chain's own.
    reached
        int64 (states of ``whole``,): the target that each is in, or the number of targets.
    begin
        Which state of ``whole`` a state of the chain is after a longer start: (state, tokens) → state.
    """

    chain: States
    aims: Aims
    whole: States
    reached: NDArray[np.int64]
    begin: Callable[[int, Sequence[int]], int]

    @classmethod
    def of(cls, chain: States, targets: Sequence[Target]) -> Question:
        """Return the question about ``targets``."""
        aims = Aims.at(chain, targets)
        if not aims.long:
            return cls(chain, aims, chain, aims.of_state, lambda state, _: state)
        words, labels = zip(*aims.long, strict=True)
        automaton = Automaton.of(words, labels, aims.n, len(chain.vocabulary), chain.context_length)
        whole = JoinedChain(chain, automaton)
        reached = np.minimum(aims.of_state[whole.inner], automaton.ends[whole.nodes])
        return cls(chain, aims, whole, reached, whole.begin)

    def answer(
        self,
        values: Callable[[int], NDArray[np.float64]],
        at_target: NDArray[np.float64],
        start: str | int | None,
        each: float = 0.0,
        within: int | None = None,
    ) -> NDArray[np.float64]:
        """Return the values of something in every state of the chain (N, m), or at one start (m,).

        ``values(n)`` are those in every state of ``whole`` after n tokens. In target i the value is ``at_target[i]``
        (m,), elsewhere ``each`` more than the mean of the values one token later: by this rule, for ``within`` tokens,
        those of a start of fewer than K tokens are found.
        """
        K = self.chain.context_length
        if start is None:
            return values(0)[: self.chain.n_states]
        start = self.chain.vocabulary.as_text(start)
        if not isinstance(start, str):
            return values(0)[self.chain.start_state(start)]
        tokens = self.chain.vocabulary.encode(start).tolist()
        if len(tokens) > K and not self.aims.long:
            raise ContextError(
                f"{start!r} has {len(tokens)} tokens; a start has 1 to {K}. More of the past matters only to a target "
                "that is longer than that."
            )
        if len(tokens) >= K:
            state = self.chain.state(self.chain.vocabulary.decode(tokens[-K:]))
            return values(0)[self.begin(state, tokens)]
        return self._from_short(values, at_target, start, tokens, each, within)

    def _from_short(
        self,
        values: Callable[[int], NDArray[np.float64]],
        at_target: NDArray[np.float64],
        start: str,
        tokens: list[int],
        each: float,
        within: int | None,
    ) -> NDArray[np.float64]:
        # The contexts that continue the start are taken together, length by length, from the longest back.
        chain, V, K, length = self.chain, len(self.chain.vocabulary), self.chain.context_length, len(tokens)
        logs_after = chain.short_contexts(start)
        longest = K if within is None else min(K, length + within)

        def continued(n: int) -> slice:  # the numbers of the contexts of n tokens that begin with the start
            first = number_of(tokens, V) * V ** (n - length)
            return slice(first, first + V ** (n - length))

        def in_target(n: int, ahead: NDArray[np.float64]) -> NDArray[np.float64]:
            numbers = np.arange(continued(n).start, continued(n).stop)
            reached = np.full(len(numbers), self.aims.n)
            for word, target in self.aims.short:
                if len(word) <= n:
                    ends = numbers % V ** len(word) == number_of(word, V)
                    reached[ends] = np.minimum(reached[ends], target)
            return np.where((reached < self.aims.n)[:, None], np.vstack([at_target, at_target[:1]])[reached], ahead)

        if longest == K:
            found = values(K - length)[continued(K)]
        else:
            found = in_target(longest, np.zeros((V ** (longest - length), at_target.shape[1])))
        for n in range(longest - 1, length - 1, -1):
            logs = logs_after(n)[continued(n)][:, :, None]
            ahead = np.where(logs > -np.inf, found.reshape(len(logs), V, -1), 0.0)
            # infinity ahead is infinite however rare the arrow is that leads there
            mean = np.where(np.isinf(ahead), ahead, np.exp(logs) * np.where(np.isinf(ahead), 0.0, ahead)).sum(axis=1)
            found = in_target(n, each + mean)
        return found[0]


def hitting_times(chain: States, target: Target, start: str | int | None = None) -> NDArray[np.float64] | float:
    """Return the expected number of tokens until a target is reached: from every state (N,), or from ``start``."""
    question = Question.of(chain, [target])
    times = hitting.hitting_times(question.whole, question.reached == 0)[:, None]
    found = question.answer(lambda _: times, np.zeros((1, 1)), start, each=1.0)
    return found[:, 0] if start is None else float(found[0])


def hitting_probability(
    chain: States, target: Target, within: int, start: str | int | None = None
) -> NDArray[np.float64] | float:
    """Return how likely a target is reached within so many tokens: from every state (N,), or from ``start``."""
    check_count("within", within, least=0)
    question = Question.of(chain, [target])

    def values(gone: int) -> NDArray[np.float64]:
        return hitting.hitting_probability(question.whole, question.reached == 0, within - gone)[:, None]

    found = np.minimum(question.answer(values, np.ones((1, 1)), start, within=within), 1.0)
    return found[:, 0] if start is None else float(found[0])


def first_of(chain: States, targets: Sequence[Target], start: str | int | None = None) -> NDArray[np.float64]:
    """Return how likely each target is reached before the others: (N, targets), or from ``start`` (targets,).

    Raises
    ------
    SizeError
        More states times targets than fit.
    ConvergenceError
        Above 4,096 states: the equations could neither be factorised in memory nor iterated.
    """
    if isinstance(targets, str) or not isinstance(targets, Sequence) or not targets:
        raise ContextError(f"first_of takes a list of targets, such as ['11', '00']; {targets!r} is none.")
    question = Question.of(chain, targets)
    whole, n = question.whole, len(targets)
    if n * whole.n_states > MAX_ABSORPTION:
        raise SizeError(
            f"{n:,} targets from {whole.n_states:,} states are more numbers than the limit of {MAX_ABSORPTION:,}. "
            "Ask about fewer targets."
        )
    there = question.reached < n
    result = np.zeros((whole.n_states, n))
    result[there, question.reached[there]] = 1.0
    before = np.flatnonzero(reaching(whole, there) & ~there)
    if len(before):
        arrows = whole.arrows
        into: list[Any] = [arrows.leaving(before, question.reached != target) for target in range(n)]
        if arrows.rare(before):
            P, out = arrows.among(before), leaving(arrows, before)
            for target, step in enumerate(into):
                found = absorbing_numbers(P, out, step[:, None])
                result[before, target] = (found.floats() if isinstance(found, Wide) else found)[:, 0]
        else:
            result[before] = solve_transient(arrows, before, np.column_stack(into))
    return question.answer(lambda _: result, np.eye(n), start)
