"""A source: a finite hidden Markov model, which is known completely, and so judges what learned from it.

A *source* is in one of S hidden states. At each tick it says one of V symbols and moves, with the probability
``transitions[x, i, j]`` of saying x and moving to j from i [1]_. Only the symbols are seen. A source that has run for
ever is in state i with probability π_i; all questions here are asked of it.

After a context of K symbols an observer knows a distribution over the hidden states, the *belief state*; it determines
what comes next. The entropy of the next symbol given the K before it, H(X_{K+1} | X_1 … X_K), is the *optimal loss* at
context length K: the lowest mean loss that any model with that context can have on the source. It falls with K, toward
the *entropy rate*, and only a model without end to its context would get there.

A source is *unifilar* if state and symbol determine the next state. Then the entropy rate is Σ_i π_i H(symbol | i), in
closed form; otherwise it is enclosed between bounds (:mod:`babygpt.lab.entropy_rate`).

.. [1] Rabiner, "A tutorial on hidden Markov models", Proceedings of the IEEE 77 (1989), 257–286, here with symbols said
   on arrows, as in Crutchfield, Feldman, "Regularities unseen, randomness observed", Chaos 13 (2003), 25–54.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import human_bytes
from babygpt.chain.elimination import MAX_ELIMINATION, gth
from babygpt.chain.information import entropies
from babygpt.errors import SettingError, SizeError
from babygpt.gpt.checks import check_count, check_rate, check_seed
from babygpt.gpt.corpus import entropy
from babygpt.gpt.kinds import explained
from babygpt.gpt.room import check_memory, in_digits
from babygpt.gpt.vocabulary import Vocabulary
from babygpt.lab.entropy_rate import EntropyRate, enclose

# The most numbers in a source's table (V, S, S), and in the belief states of all contexts of one length: 128 MiB.
MAX_NUMBERS = 2**24
# The most tokens drawn at once: 1 GiB.
MAX_TOKENS = 2**27
# How far from 1 the probabilities of a hidden state may sum before they are refused rather than renormalised.
ROW_TOLERANCE = 1e-9


@explained
@dataclass(frozen=True, eq=False)
class Source:
    """A finite hidden Markov model with one long run.

    Parameters
    ----------
    transitions
        (V, S, S): ``transitions[x, i, j]`` is the probability of saying symbol x and moving to state j, from state i.
    vocabulary
        The V symbols; ``"01"`` will do. By default "0", "1", …
    name
        How the source is called. Those of :mod:`babygpt.lab.sources` are called by the text that makes them again.

    Raises
    ------
    SettingError
        The table has the wrong shape, a state's probabilities do not sum to 1, or where the source ends up depends on
        where it begins.
    SizeError
        More hidden states than fit.

    >>> flip = Source([[[0.9, 0.0], [0.2, 0.0]], [[0.0, 0.1], [0.0, 0.8]]], "ab")  # says the state that it moves to
    >>> flip.n_states, flip.is_unifilar, flip.stationary().round(12).tolist()
    (2, True, [0.666666666667, 0.333333333333])
    >>> flip.optimal_loss(0) > flip.optimal_loss(1), flip.optimal_loss(1) - flip.entropy_rate() < 1e-15
    (True, True)
    """

    transitions: NDArray[np.float64]
    vocabulary: Vocabulary = None  # type: ignore[assignment]  # always one once made
    name: str = ""
    _stationary: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        table = _checked(self.transitions)
        vocabulary: Vocabulary | Sequence[str] | None = self.vocabulary
        if vocabulary is None:
            vocabulary = Vocabulary.numbers(len(table))
        elif not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(tuple(vocabulary))
        if len(vocabulary) != len(table):
            raise SettingError(
                f"The source says {len(table)} symbols and the vocabulary has {len(vocabulary)}: give one each."
            )
        object.__setattr__(self, "transitions", table)
        object.__setattr__(self, "vocabulary", vocabulary)
        object.__setattr__(self, "_stationary", _long_run(table.sum(axis=0)))

    # -- the machine ---------------------------------------------------------------------------------------

    @property
    def n_states(self) -> int:
        """S, the number of hidden states."""
        return self.transitions.shape[1]

    @cached_property
    def emissions(self) -> NDArray[np.float64]:
        """float64 (S, V): the probability of each symbol in each hidden state; rows sum to 1."""
        emissions = np.ascontiguousarray(self.transitions.sum(axis=2).T)
        emissions.flags.writeable = False
        return emissions

    def stationary(self) -> NDArray[np.float64]:
        """Return π (S,): how often the source is in each hidden state in the long run."""
        return self._stationary.copy()

    @cached_property
    def is_unifilar(self) -> bool:
        """Whether hidden state and symbol determine the next hidden state (in the long run)."""
        ways = np.count_nonzero(self.transitions[:, self._stationary > 0], axis=2)
        return bool(ways.max() <= 1)

    # -- what can be known of what comes next ----------------------------------------------------------------

    def entropy_rate(self, base: float = math.e) -> float:
        """Return the entropy of the next symbol given the whole past: nats per token, or units of log ``base``.

        Exact for a unifilar source; otherwise the middle of :attr:`entropy_bounds`, which say how exact it is.
        """
        if (base := check_rate("base", base)) <= 1:
            raise SettingError(f"base={base:g} measures nothing; a base is above 1. Use e for nats, 2 for bits.")
        return self.entropy_bounds.value / float(np.log(base))

    @cached_property
    def entropy_bounds(self) -> EntropyRate:
        """The entropy rate in nats per token, with bounds: equal where it is known in closed form."""
        if self.is_unifilar:
            with np.errstate(divide="ignore"):
                rate = float(self._stationary @ entropies(self.emissions, np.log(self.emissions)))
            return EntropyRate(rate, rate)
        return enclose(self.transitions, self._stationary)

    def optimal_loss(self, context_length: int) -> float:
        """Return H(X_{K+1} | X_1 … X_K) in nats per token, summed over all V^K contexts; K may be 0.

        Raises
        ------
        SizeError
            More contexts than fit.
        """
        weights, beliefs = self._after(context_length)
        probs = beliefs @ self.emissions
        with np.errstate(divide="ignore"):
            return max(0.0, float(weights @ entropies(probs, np.log(probs))))

    def context_distribution(self, context_length: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the contexts of K tokens that the source says, and how often each token follows each in the long run.

        int64 (M, K), in order, and float64 (M, V): P(context) · P(token | context), which sums to 1. It is what
        :meth:`babygpt.Corpus.from_source` counts with.

        Raises
        ------
        SizeError
            More contexts than fit.
        """
        check_count("context_length", context_length)
        weights, beliefs = self._after(context_length)
        said = np.flatnonzero(weights)
        contexts = said[:, None] // len(self.vocabulary) ** np.arange(context_length - 1, -1, -1) % len(self.vocabulary)
        return contexts, weights[said, None] * (beliefs[said] @ self.emissions)

    def lag_losses(self, context_length: int) -> NDArray[np.float64]:
        """Return the entropy of the next symbol given **one** symbol alone, 1, 2, … K before it: float64 (K,), in nats.

        It is the lowest loss of a model that looks at that one token and no other, whatever its context length.

        >>> Source([[[0.0, 0.5], [0.0, 0.0]], [[0.0, 0.5], [1.0, 0.0]]]).lag_losses(2).round(3).tolist()
        [0.477, 0.511]
        """
        K, V = check_count("context_length", context_length), len(self.vocabulary)
        check_memory(8 * K, f"The losses of {in_digits(K)} lags", "Try a shorter context.")
        moves = self.transitions.sum(axis=0)
        joint = np.einsum("i,xij->xj", self._stationary, self.transitions)  # P(symbol, state after it)
        losses = np.empty(K)
        for lag in range(K):
            pairs = joint @ self.emissions  # P(symbol, symbol lag + 1 after it)
            losses[lag] = entropy(pairs)
            joint = joint @ moves
        assert pairs.shape == (V, V)
        return losses

    def context_weights(self, context_length: int) -> NDArray[np.float64]:
        """Return the probability of each context of K tokens, in order of number: float64 (N,), N = V^K; sums to 1."""
        return self._after(context_length)[0]

    def context_probs(self, context_length: int) -> NDArray[np.float64]:
        """Return the true next-token probabilities after each context of K tokens: float64 (N, V).

        The row of a context that the source never says is NaN.
        """
        return self.belief_states(context_length) @ self.emissions

    def belief_states(self, context_length: int) -> NDArray[np.float64]:
        """Return the distribution over hidden states, given each context of K tokens: float64 (N, S).

        It is that after the context's last token, by Bayes' rule from π before its first. The row of a context that the
        source never says is NaN.

        >>> even = Source([[[0.5, 0.0], [0.0, 0.0]], [[0.0, 0.5], [1.0, 0.0]]])  # an even number of 1s between 0s
        >>> even.belief_states(2).round(4).tolist()  # 00, 01, 10, 11: a 0 tells the state
        [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.6667, 0.3333]]
        """
        _, beliefs = self._after(context_length)
        beliefs[~beliefs.any(axis=1)] = np.nan
        return beliefs

    def chain(self, context_length: int) -> MarkovChain:
        """Return the best chain of order K: the true probabilities after every context, short ones too.

        No model with this context length has a lower loss on the source. After a context that the source never says,
        the longest end of it that it does say decides.
        """
        check_count("context_length", context_length)
        V, tables = len(self.vocabulary), list[NDArray[np.float64]]()
        for _, beliefs in self._levels(context_length):
            probs = beliefs @ self.emissions
            if tables:  # the end of a context, without its oldest token, has the number modulo V^(K−1)
                shorter = tables[-1][np.arange(len(probs)) % (len(probs) // V)]
                probs = np.where(beliefs.any(axis=1, keepdims=True), probs, shorter)
            tables.append(probs)
        with np.errstate(divide="ignore"):  # what is never said has probability 0
            return MarkovChain.from_table(np.log(np.concatenate(tables[1:])), self.vocabulary, copy=False)

    # -- samples -------------------------------------------------------------------------------------------

    def sample(self, n_tokens: int, seed: int = 0) -> str:
        """Return a text of ``n_tokens`` tokens; the same seed says the same.

        >>> Source([[[0.5]], [[0.5]]]).sample(12, seed=0)
        '000111111101'
        """
        return self.vocabulary.decode(self.tokens(n_tokens, seed))

    def tokens(self, n_tokens: int, seed: int = 0) -> NDArray[np.int64]:
        """Return the tokens behind :meth:`sample`: int64 (n_tokens,).

        Raises
        ------
        SizeError
            More than 2²⁷ tokens.
        """
        check_count("n_tokens", n_tokens, least=0)
        if n_tokens > MAX_TOKENS:
            raise SizeError(
                f"n_tokens={n_tokens} would take {human_bytes(8 * n_tokens)}; the limit is {MAX_TOKENS:,} tokens. "
                f"Try n_tokens={MAX_TOKENS}."
            )
        return np.fromiter(self._said(int(n_tokens), check_seed(seed)), dtype=np.int64, count=n_tokens)

    def _said(self, n_tokens: int, seed: int) -> Iterator[int]:
        rng = np.random.default_rng(seed)
        arrows = [_arrows(self.transitions[:, state]) for state in range(self.n_states)]
        starts, _, first = _arrows(self._stationary[None])
        state = first[bisect_right(starts, rng.random())]
        for done in range(0, n_tokens, 2**16):  # lists of Python's own numbers: faster than NumPy one by one
            for u in rng.random(min(2**16, n_tokens - done)).tolist():
                ends, tokens, targets = arrows[state]
                drawn = bisect_right(ends, u)
                yield tokens[drawn]
                state = targets[drawn]

    def __repr__(self) -> str:
        name = self.name if len(self.name) <= 60 else self.name[:59] + "…"
        return f"Source({name}{': ' * bool(name)}{self.n_states:,} hidden states, {len(self.vocabulary):,} symbols)"

    # -- inside --------------------------------------------------------------------------------------------

    def _levels(self, context_length: int) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Yield weights (V^k,) and beliefs (V^k, S) of all contexts of k = 0 … K tokens; impossible ones are zeros.

        Beliefs are made to sum to 1 at every token, so that those after very unlikely contexts stay exact.
        """
        K, V, S = check_count("context_length", context_length, least=0), len(self.vocabulary), self.n_states
        fits = 0
        while fits < K and V ** (fits + 1) * max(V, S) <= MAX_NUMBERS:
            fits += 1
        if fits < K:
            raise SizeError(
                f"context_length={K} over {V:,} symbols gives {V}^{K} contexts, and {S:,} hidden states to know in "
                f"each; the limit is {MAX_NUMBERS:,} numbers. Try context_length={fits}."
            )
        weights, beliefs = np.ones(1), self._stationary[None]
        yield weights, beliefs
        for _ in range(K):
            joint = np.moveaxis(np.matmul(beliefs, self.transitions), 0, 1).reshape(-1, S)
            likely = joint.sum(axis=1)
            weights = np.repeat(weights, V) * likely
            beliefs = np.divide(joint, likely[:, None], out=joint, where=likely[:, None] > 0)
            yield weights, beliefs

    def _after(self, context_length: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        *_, (weights, beliefs) = self._levels(context_length)
        return weights.copy(), beliefs.copy()


def check_table(vocab_size: int, n_states: int) -> None:
    """Raise :class:`SizeError` if a source has more hidden states, or a larger table, than fits."""
    if n_states > MAX_ELIMINATION or vocab_size * n_states**2 > MAX_NUMBERS:
        most = min(MAX_ELIMINATION, int((MAX_NUMBERS / vocab_size) ** 0.5))
        raise SizeError(
            f"A source of {n_states:,} hidden states over {vocab_size:,} symbols is more than fits; the limit is "
            f"{most:,} hidden states."
        )


def _checked(transitions: object) -> NDArray[np.float64]:
    shape = np.shape(transitions) if isinstance(transitions, np.ndarray) else None
    if shape is not None and len(shape) == 3:
        check_table(shape[0], shape[1])
    try:
        table = np.array(transitions, dtype=np.float64)
    except (TypeError, ValueError):
        raise SettingError("The transitions are no table of numbers (symbols, states, states).") from None
    if table.ndim != 3 or table.shape[1] != table.shape[2] or len(table) < 2 or table.shape[1] < 1:
        raise SettingError(
            f"The transitions have shape {table.shape}; a source needs (symbols, states, states), two symbols or more."
        )
    check_table(*table.shape[:2])
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise SettingError("The transitions hold a number that is no probability: negative, infinite or NaN.")
    sums = table.sum(axis=(0, 2))
    off = np.abs(sums - 1)
    if off.max() > ROW_TOLERANCE:
        worst = int(np.argmax(off))
        raise SettingError(
            f"What hidden state {worst} does sums to {sums[worst]:.6g}, not 1. Give probabilities: from each state, "
            "over all symbols and next states, they sum to 1."
        )
    if off.max() > 1e-14:  # exact ones stay as they are
        table /= sums[:, None]
    table.flags.writeable = False
    return table


def _long_run(P: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return π of a chain with one recurrent class: (S, S) → (S,)."""
    n_classes, class_of = csgraph.connected_components(sparse.csr_matrix(P), connection="strong")
    sources, targets = np.nonzero(P)
    left = np.unique(class_of[sources[class_of[sources] != class_of[targets]]])
    kept = np.setdiff1d(np.arange(n_classes), left)
    if len(kept) > 1:
        raise SettingError(
            f"This source has {len(kept)} sets of hidden states that are never left, so what it says in the long run "
            "depends on where it begins. Join them with a small probability, or use one of them."
        )
    pi, recurrent = np.zeros(len(P)), np.flatnonzero(class_of == kept[0])
    pi[recurrent] = gth(P[np.ix_(recurrent, recurrent)])
    pi.flags.writeable = False
    return pi


def _arrows(probs: NDArray[np.float64]) -> tuple[list[float], list[int], list[int]]:
    """Return the positive entries of (V, S): where each ends when laid side by side, its token, its target."""
    tokens, targets = np.nonzero(probs)
    ends = np.cumsum(probs[tokens, targets])
    ends[-1] = 1.0  # the sum may be a hair below, and a number drawn may lie in that hair
    return ends.tolist(), tokens.tolist(), targets.tolist()
