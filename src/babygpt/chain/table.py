"""The table of a chain: the log-probabilities after every context, which are all its states and all its arrows.

A :class:`ContextTable` is the states of a model with a finite context: the context of K tokens is the state, so that
what each token leads to follows from the numbers alone (:mod:`babygpt.chain.contexts`). What the model predicts after
fewer tokens is kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from babygpt.chain.contexts import (
    all_contexts,
    contexts_between,
    count_short,
    count_states,
    number_of,
    row_of,
    successors,
)
from babygpt.chain.flow import Flow
from babygpt.chain.states import States
from babygpt.errors import ContextError, InputError, SettingError
from babygpt.gpt.checks import check_count, check_places, check_vector
from babygpt.gpt.kinds import explained
from babygpt.gpt.vocabulary import Context, Vocabulary

# How far from 1 the probabilities of a given row may sum before it is refused rather than renormalised.
ROW_TOLERANCE = 1e-6
# How many rows are checked at a time.
CHECKED_ROWS = 2**16


@explained
class ContextTable(States):
    """The log-probabilities after every context, of K tokens and perhaps of fewer.

    Attributes
    ----------
    log_probs
        float64 (N, V), read-only: a row for each context of K tokens, in order of number.
    short_log_probs
        float64 (n_short, V), the same for contexts of 1 … K−1 tokens; None if they are unknown.
    """

    def __init__(
        self,
        log_probs: NDArray[np.floating] | Sequence[Sequence[float]],
        vocabulary: Vocabulary | Sequence[str] | None = None,
        short_log_probs: NDArray[np.floating] | None = None,
        copy: bool = True,
    ) -> None:
        table = _checked(log_probs, "log_probs", copy)
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
            self.short_log_probs = _checked(short_log_probs, "short_log_probs", copy)
            if self.short_log_probs.shape != (count_short(V, K), V):
                raise SettingError(
                    f"short_log_probs has shape {self.short_log_probs.shape}; contexts of 1 to {K - 1} tokens over "
                    f"{V} symbols need {(count_short(V, K), V)}."
                )

    # -- states ------------------------------------------------------------------------------------------

    def state(self, context: Context) -> int:
        """Return the number of a state, given as a text, as K tokens, or as a list of K symbols.

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
        return self.vocabulary.decode(self._digits(self.check_state(state)))

    def label(self, state: int) -> str:
        """Return the text of a state's context for the screen: blanks and control characters made visible."""
        return self.vocabulary.label(self._digits(self.check_state(state)))

    def contexts(self, short: bool = False) -> Iterator[str]:
        """Iterate over the texts of all states in order; with ``short`` over the short contexts before them."""
        for length in range(1 if short else self.context_length, self.context_length + 1):
            for digits in all_contexts(len(self.vocabulary), length):
                yield self.vocabulary.decode(digits)

    # -- arrows ------------------------------------------------------------------------------------------

    def row(self, context: Context) -> NDArray[np.float64]:
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
        return np.asarray(self.short_log_probs[row_of(tokens, len(self.vocabulary))])

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

    def __getitem__(self, context: Context) -> dict[str, float]:
        """Return the probability of each symbol after a context of 1 to K tokens."""
        probs = np.exp(self.row(context))
        return {symbol: float(p) for symbol, p in zip(self.vocabulary.symbols, probs, strict=True)}

    def successors(self) -> NDArray[np.int64]:
        """Return the state that each token leads to from each state: int64 (N, V)."""
        return successors(len(self.vocabulary), self.context_length)

    def transition_matrix(self, short: bool = False) -> sparse.csr_array[np.float64, tuple[int, int]]:
        """Return P with P[s, s′] the probability that state s is followed by s′: sparse (N, N).

        The matrix is the caller's own. With ``short`` the contexts of fewer than K tokens come first, in the order
        of :meth:`contexts`; each leads to contexts one token longer: (n_short + N, n_short + N). An arrow of
        probability 0.0 stays as a stored zero.
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

    def _advance_into(self, out: NDArray[np.float64], distribution: NDArray[np.float64]) -> None:
        """Write where a distribution (N,) is one token later to ``out`` (N,), another array.

        States that differ only in their oldest token have the same successors, so the flow is summed over it.
        """
        self._flow(distribution, out)

    @cached_property
    def _flow(self) -> Flow:
        return Flow(self.probs)

    def pull(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the expected value, one token later, of a function of the state: P f, (N,) → (N,)."""
        N, V = self.log_probs.shape
        # row w: the states that begin with the last K − 1 tokens w
        ahead = check_vector("values", values, N).reshape(-1, V)
        return np.einsum("awt,wt->aw", self.probs.reshape(V, -1, V), ahead).reshape(N)

    def context_numbers(self) -> NDArray[np.int64]:
        """Return the number of each state's context, which is the state's own: int64 (N,)."""
        return np.arange(self.n_states)

    def follow(self, go: NDArray[np.int64], nodes: NDArray[np.int64], states: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where an automaton ``go`` (nodes, V) at ``nodes`` (n,) is after each token: int64 (n, V)."""
        check_places("nodes", nodes, len(go))
        return go[nodes]

    def short_contexts(self, start: str) -> Callable[[int], NDArray[np.float64]]:
        """Return the logarithms of :meth:`short_probs`, if ``start`` is a context that the chain knows.

        Raises
        ------
        ContextError
            It is none, or the chain knows no short contexts.
        """
        self.row(start)  # tells what is wrong with it
        return self._short_logs

    @property
    def all_reachable(self) -> bool:
        """Whether positive arrows alone make every state reachable from every other: in K tokens, they do."""
        return True

    def matching(self, pattern: str) -> NDArray[np.bool_]:
        """Return the states a text stands for: the one it spells, or, if it is shorter, all that end in it.

        Raises
        ------
        ContextError
            The text is empty or longer than a context.
        """
        tokens, V = self._tokens(pattern), len(self.vocabulary)
        if not 1 <= len(tokens) <= self.context_length:
            raise ContextError(
                f"{pattern!r} has {len(tokens)} token{'s' * (len(tokens) != 1)}; a text that means states has 1 to "
                f"{self.context_length}. hitting_times, hitting_probability and first_of take longer ones too."
            )
        return np.arange(self.n_states) % V ** len(tokens) == number_of(tokens, V)

    def short_probs(self, length: int) -> NDArray[np.float64]:
        """Return the probabilities after every context of ``length`` < K tokens: (V^length, V)."""
        if check_count("length", length) >= self.context_length:
            raise SettingError(f"length={length} is no short context; here they have 1 to {self.context_length - 1}.")
        return np.exp(self._short_logs(length))

    def _short_logs(self, length: int) -> NDArray[np.float64]:
        V = len(self.vocabulary)
        return self._short()[count_short(V, length) : count_short(V, length + 1)]

    def _digits(self, state: int) -> NDArray[np.int64]:
        digits = contexts_between(int(state), int(state) + 1, len(self.vocabulary), self.context_length)
        return np.asarray(digits[0])

    def _short(self) -> NDArray[np.float64]:
        if self.short_log_probs is None:
            raise ContextError("This chain knows only full contexts; it was made without short ones.")
        return self.short_log_probs

    def _tokens(self, context: Context) -> NDArray[np.int64]:
        return self.vocabulary.tokens_of(context)


def _checked(log_probs: NDArray[np.floating] | Sequence[Sequence[float]], name: str, copy: bool) -> NDArray[np.float64]:
    try:
        table = np.array(log_probs, dtype=np.float64, copy=True if copy else None)
    except (TypeError, ValueError):
        raise SettingError(
            f"{name} is not a table of numbers, one row per context and one column per symbol."
        ) from None
    if table.ndim != 2 or table.shape[0] < 1 or table.shape[1] < 2:
        raise SettingError(f"{name} has shape {table.shape}; a chain needs (states, symbols) with at least 2 symbols.")
    for start in range(0, len(table), CHECKED_ROWS):
        rows = table[start : start + CHECKED_ROWS]
        with np.errstate(over="ignore"):
            sums = np.einsum("nv->n", np.exp(rows))
        off = np.abs(sums - 1)
        if not (off <= ROW_TOLERANCE).all():  # catches NaN too
            worst = int(np.argmax(np.nan_to_num(off, nan=np.inf)))
            raise SettingError(
                f"Row {start + worst} of {name} is no distribution: its probabilities sum to {sums[worst]:.6g}, not 1. "
                "Give natural logarithms of probabilities."
            )
        # Rows that are off by float32 rounding are put right; exact ones stay as they are.
        if off.max() > 1e-14:
            rows -= np.log(sums)[:, None]
    table.flags.writeable = False
    return table
