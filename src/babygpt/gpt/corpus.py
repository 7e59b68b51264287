"""The corpus: what a GPT can learn from a text, which is nothing but counts.

A GPT with context length K sees the K tokens before the next one and no more. A text of L tokens is therefore
L − K *examples*, each a *context* (K tokens) with the token after it, and since the order of the examples
does not enter the full-batch loss, the text may be replaced by a table: each distinct context once, with how
often every token followed it. The table has at most V^K rows, however long the text.

Counts may be *weights* too, any numbers that are not negative: an exact distribution over contexts and next tokens is a
corpus without a text (:mod:`babygpt.gpt.weights`). Many sequences are one corpus, whose windows cross no border.

The *floor* is the lowest mean loss any model can reach on the corpus: the entropy of the next token given the
context, under the corpus' own frequencies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from mmap import mmap
from pathlib import Path
from typing import Any, Protocol, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import SequenceError, SettingError, SizeError
from babygpt.gpt.checks import check_choice, check_count
from babygpt.gpt.counting import CHUNK, WindowCounter
from babygpt.gpt.keeping import Keeper
from babygpt.gpt.kinds import explained
from babygpt.gpt.separators import whole_names
from babygpt.gpt.sequences import Sequenced, check_symbols, count_sequences, lines_of, vocabulary_of
from babygpt.gpt.texts import file_pieces, found_vocabulary
from babygpt.gpt.vocabulary import Vocabulary, listed
from babygpt.gpt.weights import Counts, checked_contexts, checked_counts, merged, rows_beside
from babygpt.settings import Positions, TokenKind

Sliceable = TypeVar("Sliceable", str, NDArray[np.integer])


class HasContexts(Protocol):
    """What endless data can be had of: a source, which knows how often it has what after every context."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The V symbols."""

    def context_distribution(self, context_length: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the contexts that occur, (M, K), and the probability of each with each token after it, (M, V)."""


def windows(tokens: NDArray[np.int64], context_length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every example of a token sequence: contexts (L − K, K) and next tokens (L − K,).

    >>> X, Y = windows(np.array([1, 1, 0, 1, 0]), context_length=3)
    >>> X.tolist(), Y.tolist()
    ([[1, 1, 0], [1, 0, 1]], [1, 0])
    """
    rows = np.lib.stride_tricks.sliding_window_view(tokens, context_length + 1)
    return rows[:, :-1], rows[:, -1]


def entropy(counts: Counts) -> float:
    """Return the mean entropy, in nats, of the next token given the row, weighted by the rows' counts."""
    total = counts.sum()
    if total == 0:
        return 0.0
    rows = np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape)
    seen = counts > 0
    # "+ 0.0" turns the −0.0 of a certain next token into 0.0
    return float(-(counts[seen] * np.log(counts[seen] / rows[seen])).sum() / total) + 0.0


@explained
@dataclass(frozen=True, eq=False)
class Corpus:
    """The distinct contexts of a text and what followed each.

    A corpus may be made by hand: contexts in any order, and each as often as one likes, are put in order and added up;
    those that nothing follows are left out.

    Attributes
    ----------
    vocabulary
        The V symbols.
    context_length
        K, the tokens of a context.
    contexts
        int64 (M, K): the M distinct contexts that occur, in state order (000 before 001).
    counts
        How often each token followed each context: int64 (M, V), or weights, float64 (M, V).
    ends
        int64 (E, K): contexts in which a sequence ended though no example leads to them: it was that context alone.
    text
        What was counted, if it was a text of at most 100,000 characters; of many sequences one a line.

    Raises
    ------
    SequenceError
        Contexts or counts have the wrong shape or kind, a token is out of range, a count is negative or no number, or
        all are 0.

    >>> corpus = Corpus.from_text("111101111011110", context_length=3)
    >>> corpus.contexts.tolist()
    [[0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1]]
    >>> corpus.counts.tolist(), corpus.n_examples
    ([[0, 2], [0, 2], [0, 2], [3, 3]], 12)
    """

    vocabulary: Vocabulary
    context_length: int
    contexts: NDArray[np.int64]
    counts: Counts
    ends: NDArray[np.int64] = None  # type: ignore[assignment]  # always an array once made
    text: str | None = None

    def __post_init__(self) -> None:
        K, V = check_count("context_length", self.context_length), len(self.vocabulary)
        contexts = checked_contexts(self.contexts, K, V)
        contexts, counts = merged(contexts, checked_counts(self.counts, len(contexts), V))
        ends = np.zeros((0, K), dtype=np.int64) if self.ends is None else checked_contexts(self.ends, K, V)
        for name, value in (("context_length", K), ("contexts", contexts), ("counts", counts), ("ends", ends)):
            object.__setattr__(self, name, value)

    @classmethod
    def of(
        cls,
        given: object,
        context_length: int | None = None,
        vocabulary: Vocabulary | Sequence[str] | None = None,
        tokens: TokenKind = "chars",
    ) -> Corpus:
        """Return the corpus of anything that can be trained on: see :func:`babygpt.gpt.given.corpus_of`.

        The context length is by default a corpus' own, else 3.
        """
        from babygpt.gpt.given import CONTEXT_LENGTH, corpus_of  # given.py knows Corpus

        return corpus_of(given, CONTEXT_LENGTH if context_length is None else context_length, vocabulary, tokens)

    @classmethod
    def from_text(
        cls,
        text: str,
        context_length: int = 3,
        vocabulary: Vocabulary | Sequence[str] | None = None,
        tokens: TokenKind = "chars",
        separator: str | None = None,
    ) -> Corpus:
        """Return the counts of ``text``.

        Parameters
        ----------
        text
            The training text, K + 1 tokens or more.
        context_length
            K ≥ 1.
        vocabulary
            The symbols; by default the sorted distinct symbols of the text. A string such as ``"01"`` will do.
        tokens
            ``"chars"`` or ``"words"``; a :class:`Vocabulary` brings its own. A list of names is taken for words as it
            is.
        separator
            What stands between two words: see :class:`Vocabulary`. By default white space; in a list such as "rain,
            sun, rain", whose every word but the last ends in a comma, that.

        Raises
        ------
        SequenceError
            The text is empty, not longer than the context, or made of a single symbol.
        VocabularyError
            The text has a symbol that the vocabulary lacks, or the vocabulary is no vocabulary.

        >>> Corpus.from_text("rain, rain, sun, clouds, sun", 1, tokens="words").vocabulary.symbols
        ('clouds', 'rain', 'sun')
        """
        if not isinstance(text, str):
            words = tokens == "words" or (vocabulary is not None and Vocabulary.of(vocabulary).tokens == "words")
            if words and isinstance(text, (list, tuple, np.ndarray)) and isinstance(listed(text), list):
                return cls.from_sequences([text], context_length, vocabulary, tokens)
            raise SequenceError(
                f"The training sequence must be a text, not {type(text).__name__}. For token numbers use "
                "Corpus.from_tokens(tokens, context_length, vocabulary), for a list of names tokens='words'."
            )
        return cls._from_texts(lambda: _slices(text), context_length, vocabulary, tokens, separator)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        context_length: int = 3,
        vocabulary: Vocabulary | Sequence[str] | None = None,
        tokens: TokenKind = "chars",
        encoding: str | None = None,
        separator: str | None = None,
        lines: bool = False,
    ) -> Corpus:
        """Return the counts of a text file of any size, read a piece at a time.

        It is read as UTF-8, or as its mark says, unless ``encoding`` names another, such as ``"gb18030"``. What counts
        as its text: see :func:`babygpt.gpt.texts.decoded`. Without a vocabulary it is read twice. With ``lines`` each
        line is a sequence of its own (:meth:`from_sequences`), and blank lines are none.

        Raises
        ------
        FileError
            The file is missing, a folder, unreadable, or not text in its encoding.
        SettingError
            There is no such encoding.
        SequenceError, VocabularyError
            As for :meth:`from_text`.
        """
        if lines:
            if vocabulary is None:
                vocabulary = vocabulary_of(lambda: lines_of(file_pieces(path, encoding)), tokens, separator)
            sequences = lines_of(file_pieces(path, encoding))
            return cls.from_sequences(sequences, context_length, vocabulary, tokens, separator)
        return cls._from_texts(lambda: file_pieces(path, encoding), context_length, vocabulary, tokens, separator)

    @classmethod
    def from_bytes(
        cls,
        data: bytes | bytearray | memoryview | mmap | NDArray[np.uint8],
        context_length: int = 3,
        vocabulary: Vocabulary | Sequence[str] | None = None,
    ) -> Corpus:
        """Return the counts of bytes, each a symbol: the Latin-1 character of its number.

        ``data`` is anything that holds bytes: bytes, a memory-mapped file, an array of uint8.

        >>> Corpus.from_bytes(b"abab", 1).vocabulary.symbols
        ('a', 'b')
        """
        numbers = np.frombuffer(data, dtype=np.uint8)
        return cls._from_texts(
            lambda: (bytes(piece).decode("latin-1") for piece in _slices(numbers)), context_length, vocabulary, "chars"
        )

    @classmethod
    def from_tokens(
        cls,
        tokens: Iterable[int] | Iterable[str] | NDArray[np.integer],
        context_length: int,
        vocabulary: Vocabulary | Sequence[str],
    ) -> Corpus:
        """Return the counts of a token sequence (L,), each token 0 … V−1, or, where the symbols are words, its name.

        An array is read a piece at a time, so a memory-mapped one may be larger than memory.

        >>> Corpus.from_tokens([0, 1, 0, 1], 1, Vocabulary("ab")).counts.tolist()
        [[0, 2], [1, 0]]
        """
        vocabulary = Vocabulary.of(vocabulary)
        if isinstance(tokens, np.ndarray) and tokens.ndim == 1 and tokens.dtype.kind in "iu":
            return cls.from_pieces(_slices(tokens), context_length, vocabulary)
        return cls.from_pieces([vocabulary.tokens_of(tokens)], context_length, vocabulary)

    @classmethod
    def from_pieces(
        cls,
        pieces: Iterable[Sequenced],
        context_length: int,
        vocabulary: Vocabulary | Sequence[str],
    ) -> Corpus:
        """Return the counts of **one** sequence that comes in pieces, texts or token arrays, of any length each.

        Windows reach across pieces, as though they stood in one; words do not, so a piece of words must end where a
        word does. Pieces that are sequences of their own are for :meth:`from_sequences`.

        >>> Corpus.from_pieces(["ab", "a", "b"], 1, "ab").counts.tolist()
        [[0, 2], [1, 0]]
        """
        check_count("context_length", context_length)
        vocabulary = Vocabulary.of(vocabulary)
        counter, keeper = WindowCounter(context_length, len(vocabulary)), Keeper(vocabulary)
        for piece in keeper.watch(pieces):
            counter.add(vocabulary.encode(piece))
        if counter.n_tokens <= context_length:
            raise SequenceError(_too_short(counter.n_tokens, context_length))
        return cls(vocabulary, context_length, *counter.result(), text=keeper.text)

    @classmethod
    def from_sequences(
        cls,
        sequences: Iterable[Sequenced],
        context_length: int = 3,
        vocabulary: Vocabulary | Sequence[str] | None = None,
        tokens: TokenKind = "chars",
        separator: str | None = None,
    ) -> Corpus:
        """Return the counts of many sequences, whose windows cross no border.

        A sequence that is no longer than the context adds no window, but its symbols are in the vocabulary.

        Parameters
        ----------
        sequences
            Each a text, a list of names, or a list of tokens. With a vocabulary they are counted as they stream by;
            without, they are gone through twice, and what can be had but once is kept meanwhile.
        context_length, tokens, separator
            As for :meth:`from_text`.
        vocabulary
            The symbols; by default the sorted distinct ones of all sequences. Tokens without a vocabulary are called
            "0", "1", …

        Raises
        ------
        SequenceError
            No sequence is longer than the context, or all say a single symbol.
        VocabularyError
            A sequence has a symbol that the vocabulary lacks.

        >>> corpus = Corpus.from_sequences(["ab", "ba"], context_length=1)  # "bb", across the border, does not occur
        >>> corpus.counts.tolist()
        [[0, 1], [1, 0]]
        """
        check_count("context_length", context_length)
        check_choice("tokens", tokens, get_args(TokenKind))
        if isinstance(sequences, (str, bytes)) or not isinstance(sequences, Iterable):
            raise SequenceError(
                f"from_sequences takes many sequences, such as ['0110', '10'], not {type(sequences).__name__}. For one "
                "text use Corpus.from_text; for its lines text.splitlines()."
            )
        if vocabulary is None:
            kept = [one if isinstance(one, (str, np.ndarray)) else listed(one) for one in sequences]
            sequences, vocabulary = kept, vocabulary_of(lambda: kept, tokens, separator)
        else:
            vocabulary = Vocabulary.of(vocabulary, tokens, separator)
        keeper = Keeper(vocabulary, between="\n")
        counted = count_sequences(keeper.watch(sequences), context_length, vocabulary)
        return cls(vocabulary, context_length, *counted, text=keeper.text)

    @classmethod
    def from_distribution(
        cls,
        contexts: NDArray[np.integer] | Sequence[str] | Sequence[Sequence[int]] | Sequence[Sequence[str]],
        weights: NDArray[Any] | Sequence[Sequence[float]],
        vocabulary: Vocabulary | Sequence[str],
    ) -> Corpus:
        """Return exact data: how much each token after each context weighs, such as a joint probability.

        Only the ratios of all the weights matter. A context's weights are how often it comes up times what follows it.

        Parameters
        ----------
        contexts
            The contexts (n, K) as tokens, or as texts or lists of names of K symbols each; (n,) tokens for K = 1.
        weights
            (n, V), any finite numbers that are not negative.
        vocabulary
            The V symbols.

        Raises
        ------
        SequenceError
            The contexts are not equally long, a weight is negative or no number, or all are 0.
        VocabularyError
            A context has a symbol that the vocabulary lacks.

        >>> Corpus.from_distribution(["a", "b"], [[0.5, 0.25], [0.25, 0]], "ab").probs.round(4).tolist()
        [[0.6667, 0.3333], [1.0, 0.0]]
        """
        vocabulary = Vocabulary.of(vocabulary)
        single = isinstance(contexts, (str, bytes)) or (isinstance(contexts, np.ndarray) and contexts.ndim == 0)
        if single or not isinstance(contexts, Iterable):
            raise SequenceError(
                f"The contexts are a list, such as ['00', '01'] or [[0, 0], [0, 1]], not {contexts!r:.60}."
            )
        if isinstance(contexts, np.ndarray) and contexts.ndim == 2:
            return cls(vocabulary, contexts.shape[1], contexts, weights)  # type: ignore[arg-type]  # checked there
        rows = [
            vocabulary.encode([int(one)] if type(one) is int or isinstance(one, np.integer) else one, "context")
            for one in contexts
        ]
        lengths = {len(row) for row in rows}
        if len(lengths) != 1 or 0 in lengths:
            raise SequenceError("The contexts must all have the same number of tokens, one or more.")
        return cls(vocabulary, lengths.pop(), np.array(rows), weights)  # type: ignore[arg-type]  # checked there

    @classmethod
    def from_source(cls, source: HasContexts, context_length: int = 3) -> Corpus:
        """Return endless data of a source: every context of K tokens with its probability and what comes next.

        Its floor is the source's optimal loss at that context length.

        Raises
        ------
        SizeError
            More contexts than fit.

        >>> from babygpt.lab.sources import golden_mean
        >>> Corpus.from_source(golden_mean(), 1).counts.round(6).tolist()  # a 0 is never followed by a 0
        [[0.0, 0.333333], [0.333333, 0.333333]]
        """
        check_count("context_length", context_length)
        if not hasattr(source, "context_distribution"):
            raise SequenceError(f"from_source takes a source such as lab.sources.rrxor(), not {source!r:.60}.")
        return cls(source.vocabulary, context_length, *source.context_distribution(context_length))

    @classmethod
    def _from_texts(
        cls,
        texts: Callable[[], Iterable[str]],
        context_length: int,
        vocabulary: Vocabulary | Sequence[str] | None,
        tokens: TokenKind,
        separator: str | None = None,
    ) -> Corpus:
        """Return the counts of a text that can be gone through, piece by piece, more than once."""
        check_count("context_length", context_length)
        check_choice("tokens", tokens, get_args(TokenKind))
        if separator:
            tokens = "words"
        if vocabulary is None:
            found, separator = found_vocabulary(texts, tokens, separator)
            check_symbols(found)
            vocabulary = Vocabulary(found, tokens, separator)  # type: ignore[arg-type]  # None: what chars have
        else:
            vocabulary = Vocabulary.of(vocabulary, tokens, separator)
        pieces = texts() if vocabulary.tokens == "chars" else whole_names(texts(), vocabulary.separator)
        return cls.from_pieces(pieces, context_length, vocabulary)

    @property
    def weighted(self) -> bool:
        """Whether what follows is told by weights, not by counts."""
        return self.counts.dtype.kind == "f"

    @property
    def n_examples(self) -> int | float:
        """How many (context, next token) pairs the text holds, L − K: a whole number, or what all weights add up to."""
        return self.counts.sum().item()

    @property
    def amount(self) -> str:
        """How much there is to learn from, in words: "12 examples", or "weights of 2.5 in all"."""
        return f"weights of {self.n_examples:g} in all" if self.weighted else f"{self.n_examples:,} examples"

    @cached_property
    def never_left(self) -> NDArray[np.int64]:
        """int64 (E, K): the contexts that occur, at the end of a sequence, but are never followed by a token."""
        row, token = np.nonzero(self.counts)
        arrived = np.concatenate([self.contexts[row, 1:], token[:, None]], axis=1)
        return rows_beside(np.concatenate([arrived, self.ends]), self.contexts, len(self.vocabulary))

    @property
    def most_frequent(self) -> str:
        """The text of the context that occurs most often (the first of equals)."""
        return self.vocabulary.decode(self.contexts[self.counts.sum(axis=1).argmax()])

    @cached_property
    def states(self) -> NDArray[np.int64]:
        """int64 (M,): the state number of each distinct context."""
        return self._numbers(self.contexts)

    @cached_property
    def end_states(self) -> NDArray[np.int64]:
        """int64 (E,): the state numbers of the contexts that are never left."""
        return self._numbers(self.never_left)

    def _numbers(self, contexts: NDArray[np.int64]) -> NDArray[np.int64]:
        if len(self.vocabulary) ** self.context_length >= 2**63:
            raise SizeError(
                f"Contexts of {self.context_length} tokens over {len(self.vocabulary)} symbols are more than 64 bits "
                "can number. Use a shorter context."
            )
        powers = len(self.vocabulary) ** np.arange(self.context_length - 1, -1, -1, dtype=np.int64)
        return contexts @ powers

    @property
    def probs(self) -> NDArray[np.float64]:
        """float64 (M, V): the data's own next-token frequencies after each distinct context."""
        return self.counts / self.counts.sum(axis=1, keepdims=True)

    @property
    def floor(self) -> float:
        """The lowest loss the data allows, in nats per token, training on the last position."""
        return self.loss_floor("last")

    def loss_floor(self, positions: Positions = "last") -> float:
        """Return the lowest mean loss in nats per token, for training on ``"last"`` or ``"all"`` positions.

        On all positions the mean runs over predictions from 1, 2, … K tokens of context.
        """
        check_choice("positions", positions, get_args(Positions))
        if positions == "last":
            return entropy(self.counts)
        return float(np.mean([entropy(self.prefix_counts(t)) for t in range(1, self.context_length + 1)]))

    def prefix_counts(self, length: int) -> Counts:
        """Return counts or weights (distinct prefixes, V): what follows the first ``length`` tokens in the contexts."""
        if check_count("length", length) >= self.context_length:
            if length == self.context_length:
                return self.counts
            raise SettingError(f"length={length} is more than the {self.context_length} tokens of a context here.")
        prefixes, row = np.unique(self.contexts[:, :length], axis=0, return_inverse=True)
        table: Any = np.zeros((len(prefixes), len(self.vocabulary)), dtype=self.counts.dtype)
        np.add.at(table, (row.ravel(), self.contexts[:, length]), self.counts.sum(axis=1))
        return table

    def __repr__(self) -> str:
        return (
            f"Corpus({self.amount}, {len(self.contexts):,} distinct contexts of "
            f"{self.context_length}, {len(self.vocabulary):,} symbols, floor {self.floor:.6f} nats)"
        )


def _slices(sequence: Sliceable) -> Iterator[Sliceable]:
    return (sequence[start : start + CHUNK] for start in range(0, len(sequence), CHUNK))


def _too_short(length: int, context_length: int) -> str:
    if length == 0:
        return "The sequence is empty. Give some text to learn from, such as 111101111011110."
    return (
        f"The sequence has {length} token{'s' * (length != 1)}, and context_length={context_length} needs at least "
        f"{context_length + 1}: a context and the token after it. Give a longer sequence"
        + (f" or context_length={length - 1}." if length > 1 else ".")
    )
