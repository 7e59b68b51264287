"""The Markov chain: all states and all arrows of a GPT, as one table of log-probabilities.

A *state* is a context of K tokens, an *arrow* the probability of one next token there, and the *chain* all of
them. What the next state will be depends on the present state alone, because a GPT with context length K
cannot see further back: that is the Markov property, and here it holds exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from babygpt.chain import compare as comparing
from babygpt.chain import export, information, mixing
from babygpt.chain import text as text_module
from babygpt.chain.compare import Comparison, LossDecomposition, NearestNgram
from babygpt.chain.contexts import (
    all_contexts,
    check_size,
    contexts_between,
    count_short,
    count_states,
    number_of,
    row_of,
    successors,
)
from babygpt.chain.decoding import Decoding, by_rules
from babygpt.chain.finite import FiniteChain
from babygpt.chain.flow import Flow
from babygpt.chain.ngram import NeverLeft, ngram_table
from babygpt.chain.walk import Walk, walk
from babygpt.errors import ContextError, InputError, SettingError
from babygpt.gpt.checks import check_count, check_places, check_vector
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.kinds import explained
from babygpt.gpt.vocabulary import Context, Vocabulary

if TYPE_CHECKING:
    import networkx

    from babygpt.chain.asking import Model
    from babygpt.draw.picture import Picture

# How far from 1 the probabilities of a given row may sum before it is refused rather than renormalised.
ROW_TOLERANCE = 1e-6
# How many rows are checked at a time.
CHECKED_ROWS = 2**16


@explained
class MarkovChain(FiniteChain):
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
    copy
        Whether the chain takes a copy of the tables; otherwise float64 ones become its own, and read-only.

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

    @classmethod
    def from_model(
        cls,
        model: Model,
        vocabulary: Vocabulary | Sequence[str] | None = None,
        *,
        context_length: int | None = None,
        vocab_size: int | None = None,
        short: bool = True,
        batch: int | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> MarkovChain:
        """Return the chain that a model is: its own answer after every context, of K tokens and fewer.

        A GPT knows its sizes, and is read sooner where nothing was changed in how it computes. Any other model is a
        callable that takes contexts, int64 (B, T), and returns the logits of what follows.

        Parameters
        ----------
        model
            A :class:`babygpt.GPT`, or any callable: tokens (B, T) → logits (B, V), (B, T, V) or an object that has
            them as ``.logits``, tensors or NumPy arrays. A module is asked in evaluation mode, without gradients, and
            left as it was found. What comes next may depend on nothing but the context: not on chance, nor on what was
            read before.
        vocabulary
            The V symbols, in the order of the model's logits; by default "0", "1", …
        context_length
            K. A GPT may be read with fewer tokens than it could take; for other models it must be given.
        vocab_size
            V, where no vocabulary is given; by default as many as the model gives logits.
        short
            Whether the model is asked after 1 … K−1 tokens too. Without, it is given contexts of K tokens alone, and
            the chain knows no others.
        batch
            Contexts in one forward pass, where it is run in batches; by default so many that memory stays moderate.
        progress
            Called now and then as ``progress(contexts_read, contexts)``; what it raises ends the reading.

        Raises
        ------
        SizeError
            More states than fit; the message says how many would.
        SettingError
            Sizes are missing or contradict each other.
        ModelError
            The model fails, its answers are no logits, or it says something else when asked again.

        >>> flips = np.array([[0.9, 0.1], [0.3, 0.7]])  # what follows 0, what follows 1
        >>> MarkovChain.from_model(lambda idx: np.log(flips[idx]), "ab", context_length=2)["ab"]
        {'a': 0.3, 'b': 0.7}
        """
        from babygpt.chain.asking import Asked  # chains alone need no torch
        from babygpt.chain.extract import context_table

        if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(tuple(vocabulary))  # one that is none is told before the model is asked
        asked = Asked.of(model, vocabulary, context_length, vocab_size, short, batch)
        check_size(asked.vocab_size, asked.context_length)
        table, first = context_table(asked, progress=progress), asked.row(asked.context_length)
        return cls(table[first:], vocabulary, table[:first], copy=False)

    @classmethod
    def from_corpus(cls, corpus: Corpus, order: int | None = None, never_left: NeverLeft | None = None) -> MarkovChain:
        """Return the n-gram chain of a corpus: next tokens as often as the data has them after ``order`` tokens.

        By default the order is K. Where the data lacks a context, the longest end of it that occurs stands in.

        Parameters
        ----------
        never_left
            What becomes of a state in which a sequence ends and that the data never leaves. ``"absorbing"``: its last
            token repeats for ever. ``"backoff"``: it is like any context that the data lacks, and where not even its
            last token is ever followed, the shares of all tokens stand in. By default that last case is an error.

        Raises
        ------
        SettingError
            The order is negative or above K; the data ends in a token that is never followed and ``never_left`` was
            not given; or it is ``"absorbing"``, and a state in which the data ends cannot stay as it is.

        >>> journeys = Corpus.from_sequences(["look buy", "look look buy"], 1, tokens="words")
        >>> chain = MarkovChain.from_corpus(journeys, never_left="absorbing")
        >>> chain["look"]["buy"].__round__(3), chain["buy"]
        (0.667, {'buy': 1.0, 'look': 0.0})
        """
        if not isinstance(corpus, Corpus):
            raise SettingError(
                "from_corpus takes a corpus: MarkovChain.from_corpus(Corpus.from_text(text, context_length))"
            )
        with np.errstate(divide="ignore"):  # what never follows has probability 0
            return cls.from_table(np.log(ngram_table(corpus, order, never_left)), corpus.vocabulary)

    @classmethod
    def ngrams(cls, corpus: Corpus) -> list[MarkovChain]:
        """Return the n-gram chains of every order 0 … K, with ``never_left="backoff"``."""
        return [cls.from_corpus(corpus, order, "backoff") for order in range(corpus.context_length + 1)]

    @classmethod
    def from_table(
        cls, table: NDArray[np.floating], vocabulary: Vocabulary | Sequence[str] | None = None, copy: bool = True
    ) -> MarkovChain:
        """Return the chain of a table (n_short + N, V) with a row for every context, short ones first.

        Without ``copy`` a float64 table becomes the chain's own: it is made read-only, and must not be changed.
        """
        if np.ndim(table) != 2:
            raise SettingError(f"table has shape {np.shape(table)}; it needs (contexts, symbols).")
        rows, V = table.shape
        # rows = V + V² + … + V^K, so N = V^K is what remains after the short contexts: (rows·(V − 1) + V) / V
        N = (rows * (V - 1) + V) // V
        return cls(table[rows - N :], vocabulary, table[: rows - N], copy=copy)

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

    # -- questions about texts, memory and data (the others are asked of any finite chain) -----------------

    @by_rules(Decoding)
    def with_decoding(self, decoding: Decoding) -> MarkovChain:
        """Return the chain under rules of decoding: temperature (0 is greedy), then top-k, top-p, min-p.

        Raises
        ------
        SettingError
            A setting that means nothing, such as a negative temperature.
        """
        return self.decoded(decoding)

    def decoded(self, decoding: Decoding) -> MarkovChain:
        """Return the chain under a :class:`babygpt.chain.decoding.Decoding`."""
        short = None if self.short_log_probs is None else decoding.apply(self.short_log_probs)
        return MarkovChain(decoding.apply(self.log_probs), self.vocabulary, short)

    def distance_to_stationary(self, n: int, start: str | int | None = None) -> float:
        """Return the total variation from π after ``n`` tokens: from the worst state, or from the given context.

        A context of fewer than K tokens is at distance 1 until it has grown to K.

        Raises
        ------
        SizeError
            The worst of more than 4,096 starts.
        """
        if not isinstance(start, str) or len(self._tokens(start)) >= self.context_length:
            return super().distance_to_stationary(n, start)
        self.row(start)  # tells what is wrong with it
        prompt, V = self._tokens(start).tolist(), len(self.vocabulary)
        missing = self.context_length - len(prompt)
        if check_count("n", n, least=0) < missing:
            return 1.0
        number, reached = number_of(prompt, V), np.ones(1)
        for length in range(len(prompt), self.context_length):  # the contexts of a length that begin with the prompt
            first, many = number * V ** (length - len(prompt)), len(reached)
            reached = (reached[:, None] * self.short_probs(length)[first : first + many]).ravel()
        at = np.zeros(self.n_states)
        at[number * len(reached) : (number + 1) * len(reached)] = reached
        return mixing.distance_to_stationary(self, n - missing, at)

    def surprisal(self, text: Context, given: Context = "") -> NDArray[np.float64]:
        """Return −ln p of each token of ``text`` in nats (L,); NaN for those without a context the chain knows."""
        return text_module.surprisal(self, text, given)

    def log_probability(self, text: Context, given: Context = "") -> float:
        """Return ln of the probability of ``text`` after its first token, or after ``given``: nats, at most 0."""
        return text_module.log_probability(self, text, given)

    def perplexity(self, text: Context, given: Context = "") -> float:
        """Return e to the mean surprisal of ``text``: 1 is certainty, V is guessing."""
        return text_module.perplexity(self, text, given)

    def memory_profile(self) -> NDArray[np.float64]:
        """Return what the token at each lag 1 … K adds to the next one, in nats: (K,), the most recent first."""
        return information.memory_profile(self)

    def excess_entropy(self) -> float:
        """Return E = H(π) − K·h, what the whole past tells about the whole future, in nats."""
        return information.excess_entropy(self)

    def compare(self, other: MarkovChain) -> Comparison:
        """Return how ``other`` differs from this chain: divergence and total variation, per arrow and weighted.

        Raises
        ------
        SettingError
            Different vocabularies or context lengths.
        """
        if not isinstance(other, MarkovChain):
            raise SettingError("compare takes another chain; for the data's own use MarkovChain.from_corpus(corpus).")
        return comparing.compare(self, other)

    def loss_decomposition(self, corpus: Corpus) -> LossDecomposition:
        """Return this chain's loss on a corpus as the floor plus each arrow's part.

        Raises
        ------
        SettingError
            Different vocabularies or context lengths.
        """
        return comparing.loss_decomposition(self, corpus)

    def nearest_ngram(self, corpus: Corpus) -> NearestNgram:
        """Return which n-gram of the corpus this chain is most like: −1 uniform, 0 unigram, 1 bigram and so on."""
        return comparing.nearest_ngram(self, corpus, MarkovChain.ngrams(corpus))

    def sample(self, start: Context, n_tokens: int, seed: int = 0) -> str:
        """Return the text of ``n_tokens`` tokens drawn one after another from the prompt ``start``.

        >>> MarkovChain(np.log([[0.5, 0.5], [0.5, 0.5]]), "ab").sample("a", 8, seed=0)
        'baaabbbb'
        """
        return self.walk(start, n_tokens, seed).text

    def walk(self, start: Context, n_tokens: int, seed: int = 0) -> Walk:
        """Return the walk behind :meth:`sample`: every context visited, every token and its probability."""
        return walk(self, start, n_tokens, seed)

    def to_networkx(self, short: bool = False) -> networkx.DiGraph:
        """Return the chain as a networkx graph: contexts as nodes, ``token`` and ``probability`` on edges."""
        return export.to_networkx(self, short)

    def to_prism(self, path: str | Path) -> tuple[Path, Path]:
        """Write the chain for the model checker PRISM: ``path``.tra and ``path``.sta; return both paths.

        Raises
        ------
        FileError
            The files cannot be written.
        """
        return export.to_prism(self, path)

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
