"""The Markov chain: all states and all arrows of a GPT, as one table of log-probabilities.

A *state* is a context of K tokens, an *arrow* the probability of one next token there, and the *chain* all of
them. What the next state will be depends on the present state alone, because a GPT with context length K
cannot see further back: that is the Markov property, and here it holds exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from babygpt.chain import export, stationary
from babygpt.chain.contexts import (
    all_contexts,
    contexts_between,
    count_short,
    count_states,
    number_of,
    successors,
)
from babygpt.chain.walk import Walk, walk
from babygpt.errors import ContextError, InputError, SettingError
from babygpt.gpt.checks import check_rate
from babygpt.gpt.vocabulary import Vocabulary

if TYPE_CHECKING:
    import networkx

    from babygpt.draw.picture import Picture
    from babygpt.gpt.model import GPT

# How far from 1 the probabilities of a given row may sum before it is refused rather than renormalised.
ROW_TOLERANCE = 1e-6


class MarkovChain:
    """Every state and every arrow of a model with a finite context.

    Parameters
    ----------
    log_probs
        (N, V) natural logarithms of the next-token probabilities, one row per state in order of number, N a
        power of V. ``-inf`` is a true zero.
    vocabulary
        The V symbols; ``"01"`` will do. By default the symbols are "0", "1", …
    short_log_probs
        (n_short, V), the same for contexts of 1 … K−1 tokens in the order of
        :mod:`babygpt.chain.contexts`, if the model speaks after those too.

    Raises
    ------
    SettingError
        The table has the wrong shape, or a row is not a probability distribution.

    >>> chain = MarkovChain(np.log([[0.9, 0.1], [0.3, 0.7]]), "ab")
    >>> chain.n_states, chain.context_length, chain["b"]
    (2, 1, {'a': 0.3, 'b': 0.7})
    >>> chain.stationary_distribution().round(12).tolist()
    [0.75, 0.25]
    """

    def __init__(
        self,
        log_probs: NDArray[np.floating] | Sequence[Sequence[float]],
        vocabulary: Vocabulary | Sequence[str] | None = None,
        short_log_probs: NDArray[np.floating] | None = None,
    ) -> None:
        table = _checked(log_probs, "log_probs")
        N, V = table.shape
        if vocabulary is None:
            vocabulary = Vocabulary.numbers(V)
        elif not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(tuple(vocabulary))
        if len(vocabulary) != V:
            raise SettingError(
                f"The table has {V} columns and the vocabulary {len(vocabulary)} symbols: give one each."
            )
        K = max(1, round(np.log(N) / np.log(V)))
        if count_states(V, K) != N:
            raise SettingError(f"A chain over {V} symbols has {V}, {V**2}, {V**3}, … states; the table has {N} rows.")
        self.vocabulary = vocabulary
        self.context_length = K
        self.log_probs = table
        self.short_log_probs: NDArray[np.float64] | None = None
        if short_log_probs is not None and np.size(short_log_probs):
            self.short_log_probs = _checked(short_log_probs, "short_log_probs")
            if self.short_log_probs.shape != (count_short(V, K), V):
                raise SettingError(
                    f"short_log_probs has shape {self.short_log_probs.shape}; contexts of 1 to {K - 1} tokens over "
                    f"{V} symbols need {(count_short(V, K), V)}."
                )

    @classmethod
    def from_model(cls, gpt: GPT, vocabulary: Vocabulary | Sequence[str] | None = None) -> MarkovChain:
        """Return the chain that ``gpt`` is: its own answer after every context, of K tokens and fewer.

        Raises
        ------
        SizeError
            More states than fit; the message says how many would.
        """
        from babygpt.chain.extract import context_table  # chains alone need no torch

        return cls.from_table(context_table(gpt), vocabulary)

    @classmethod
    def from_table(
        cls, table: NDArray[np.floating], vocabulary: Vocabulary | Sequence[str] | None = None
    ) -> MarkovChain:
        """Return the chain of a table (n_short + N, V) with a row for every context, short ones first."""
        rows, V = table.shape
        # rows = V + V² + … + V^K, so N = V^K is what remains after the short contexts: (rows·(V − 1) + V) / V
        N = (rows * (V - 1) + V) // V
        return cls(table[rows - N :], vocabulary, table[: rows - N])

    # -- states ------------------------------------------------------------------------------------------

    @property
    def n_states(self) -> int:
        """N = V^K, the number of full contexts."""
        return len(self.log_probs)

    @property
    def n_arrows(self) -> int:
        """N·V, the number of next-token probabilities."""
        return self.log_probs.size

    def state(self, context: str | Sequence[int]) -> int:
        """Return the number of a state, given as a text or as K tokens.

        Raises
        ------
        ContextError
            The context does not have K tokens.
        VocabularyError
            It has a symbol that the vocabulary lacks.
        """
        tokens = self._tokens(context)
        if len(tokens) != self.context_length:
            raise ContextError(
                f"{context!r} has {len(tokens)} token{'s' * (len(tokens) != 1)}; a state of this chain has "
                f"{self.context_length}."
            )
        return number_of(tokens, len(self.vocabulary))

    def context(self, state: int) -> str:
        """Return the text of a state's context.

        Raises
        ------
        ContextError
            There is no such state.
        """
        if isinstance(state, bool) or not isinstance(state, (int, np.integer)) or not 0 <= state < self.n_states:
            raise ContextError(f"There is no state {state!r}; this chain has the states 0 to {self.n_states - 1:,}.")
        digits = contexts_between(int(state), int(state) + 1, len(self.vocabulary), self.context_length)
        return self.vocabulary.decode(digits[0])

    def contexts(self, short: bool = False) -> Iterator[str]:
        """Iterate over the texts of all states in order; with ``short`` over the short contexts before them."""
        for length in range(1 if short else self.context_length, self.context_length + 1):
            for digits in all_contexts(len(self.vocabulary), length):
                yield self.vocabulary.decode(digits)

    # -- arrows ------------------------------------------------------------------------------------------

    @cached_property
    def probs(self) -> NDArray[np.float64]:
        """float64 (N, V): the probability of each next token in each state; rows sum to 1."""
        return np.exp(self.log_probs)

    @property
    def n_zero_arrows(self) -> int:
        """How many arrows have the probability 0.0, by decoding or because a cold softmax underflowed."""
        return int(np.count_nonzero(self.probs == 0.0))

    def row(self, context: str | Sequence[int]) -> NDArray[np.float64]:
        """Return the log-probabilities (V,) after a context of 1 to K tokens.

        Raises
        ------
        ContextError
            The context is empty or longer than K, or shorter than K where the chain has no short contexts.
        """
        tokens, K = self._tokens(context), self.context_length
        if len(tokens) == K:
            return np.asarray(self.log_probs[number_of(tokens, len(self.vocabulary))])
        if not 1 <= len(tokens) < K:
            raise ContextError(
                f"{context!r} has {len(tokens)} token{'s' * (len(tokens) != 1)}; a context of this chain has 1 to {K}."
            )
        if self.short_log_probs is None:
            raise ContextError(
                f"{context!r} has {len(tokens)} token{'s' * (len(tokens) != 1)}, and this chain knows only contexts "
                f"of {K}. Give {K} tokens."
            )
        V = len(self.vocabulary)
        return np.asarray(self.short_log_probs[count_short(V, len(tokens)) + number_of(tokens, V)])

    def __contains__(self, context: object) -> bool:
        """Return whether ``chain[context]`` has an answer."""
        try:
            self.row(context)  # type: ignore[arg-type]  # what is no context is not in the chain
        except (InputError, TypeError):
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return self.contexts()

    def __len__(self) -> int:
        return self.n_states

    def __getitem__(self, context: str | Sequence[int]) -> dict[str, float]:
        """Return the probability of each symbol after a context of 1 to K tokens."""
        probs = np.exp(self.row(context))
        return {symbol: float(p) for symbol, p in zip(self.vocabulary.symbols, probs, strict=True)}

    def successors(self) -> NDArray[np.int64]:
        """Return the state that each token leads to from each state: int64 (N, V)."""
        return successors(len(self.vocabulary), self.context_length)

    def transition_matrix(self, short: bool = False) -> sparse.csr_array[np.float64, tuple[int, int]]:
        """Return P with P[s, s′] the probability that state s is followed by s′: sparse (N, N).

        With ``short`` the contexts of fewer than K tokens come first, in the order of :meth:`contexts`; each leads
        to contexts one token longer: (n_short + N, n_short + N). An arrow of probability 0.0 stays as a stored
        zero.
        """
        V, N = len(self.vocabulary), self.n_states
        targets, probs = self.successors(), self.probs
        if short and self.context_length > 1:
            n_short = count_short(V, self.context_length)
            # The short context in row r leads, with token t, to the one in row V + V·r + t.
            onward = V + np.arange(n_short)[:, None] * V + np.arange(V)
            targets = np.concatenate([onward, targets + n_short])
            probs = np.concatenate([np.exp(self._short()), probs])
            N += n_short
        indptr = np.arange(0, targets.size + 1, V)
        # copies: who changes the matrix does not change the chain
        return sparse.csr_array((probs.flatten(), targets.ravel(), indptr), shape=(N, N))

    # -- questions ---------------------------------------------------------------------------------------

    @cached_property
    def _pi(self) -> NDArray[np.float64]:
        P = self.transition_matrix()
        classes = [np.arange(self.n_states)] if not self.n_zero_arrows else stationary.recurrent_classes(P)
        if len(classes) > 1:
            raise SettingError(
                f"This chain has {len(classes)} recurrent classes, so where an endless walk spends its time depends on "
                "where it begins; there is no single stationary distribution."
            )
        if len(classes[0]) > stationary.MAX_ELIMINATION:
            return stationary.power_iteration(self.probs)
        pi = np.zeros(self.n_states)
        pi[classes[0]] = stationary.gth(P[classes[0]][:, classes[0]].toarray())
        return pi

    def stationary_distribution(self) -> NDArray[np.float64]:
        """Return π (N,), the share of each state in an endless walk.

        Raises
        ------
        ConvergenceError
            A large chain mixes too slowly to be iterated; the message states the residual.
        """
        return self._pi.copy()

    def entropy_rate(self, base: float = np.e) -> float:
        """Return the mean surprise of the next token in the long run: nats per token, or units of log ``base``."""
        if check_rate("base", base) == 1:
            raise SettingError("base=1 measures nothing: log 1 is 0. Use e for nats, 2 for bits.")
        terms = entropies(self.probs, self.log_probs)
        return float(self._pi @ terms / np.log(base))

    def sample(self, start: str, n_tokens: int, seed: int = 0) -> str:
        """Return the text of ``n_tokens`` tokens drawn one after another from the prompt ``start``.

        >>> MarkovChain(np.log([[0.5, 0.5], [0.5, 0.5]]), "ab").sample("a", 8, seed=0)
        'baaabbbb'
        """
        return self.walk(start, n_tokens, seed).text

    def walk(self, start: str, n_tokens: int, seed: int = 0) -> Walk:
        """Return the walk behind :meth:`sample`: every context visited, every token and its probability."""
        return walk(self, start, n_tokens, seed)

    def to_networkx(self, short: bool = False) -> networkx.DiGraph:
        """Return the chain as a networkx graph: contexts as nodes, ``token`` and ``probability`` on edges."""
        return export.to_networkx(self, short)

    # -- showing -----------------------------------------------------------------------------------------

    def plot(self, layout: str | None = None, **options: Any) -> Picture:
        """Return the chain's picture, which notebooks show and ``.save("chain.svg")`` writes.

        The options are those of :func:`babygpt.draw.graph.draw_chain`.
        """
        from babygpt.draw.graph import draw_chain  # drawing loads Graphviz

        return draw_chain(self, layout=layout, **options)

    def _repr_svg_(self) -> str:
        return self.plot().svg

    def __repr__(self) -> str:
        return (
            f"MarkovChain({self.n_states:,} states, {self.n_arrows:,} arrows, {len(self.vocabulary):,} symbols, "
            f"context length {self.context_length})"
        )

    def _short(self) -> NDArray[np.float64]:
        if self.short_log_probs is None:
            raise ContextError("This chain knows only full contexts; it was made without short ones.")
        return self.short_log_probs

    def _tokens(self, context: str | Sequence[int]) -> NDArray[np.int64]:
        return self.vocabulary.encode(context)


def entropies(probs: NDArray[np.float64], log_probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy of each row in nats: (…, V), (…, V) → (…); an arrow of probability 0 adds nothing."""
    return -np.multiply(probs, log_probs, out=np.zeros_like(probs), where=probs > 0).sum(axis=-1)


def _checked(log_probs: NDArray[np.floating] | Sequence[Sequence[float]], name: str) -> NDArray[np.float64]:
    try:
        table = np.array(log_probs, dtype=np.float64)  # a copy: it is this chain's own from here on
    except (TypeError, ValueError):
        raise SettingError(
            f"{name} is not a table of numbers, one row per context and one column per symbol."
        ) from None
    if table.ndim != 2 or table.shape[0] < 1 or table.shape[1] < 2:
        raise SettingError(f"{name} has shape {table.shape}; a chain needs (states, symbols) with at least 2 symbols.")
    with np.errstate(over="ignore"):
        sums = np.exp(table).sum(axis=1)
    off = np.abs(sums - 1)
    if not (off <= ROW_TOLERANCE).all():  # catches NaN too
        worst = int(np.argmax(np.nan_to_num(off, nan=np.inf)))
        raise SettingError(
            f"Row {worst} of {name} is no distribution: its probabilities sum to {sums[worst]:.6g}, not 1. "
            "Give natural logarithms of probabilities."
        )
    # Rows that are off by float32 rounding are put right; exact ones stay as they are.
    if off.max() > 1e-14:
        table -= np.log(sums)[:, None]
    table.flags.writeable = False
    return table
