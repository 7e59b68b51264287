"""The corpus: what a GPT can learn from a text, which is nothing but counts.

A GPT with context length K sees the K tokens before the next one and no more. A text of L tokens is therefore
L − K *examples*, each a *context* (K tokens) with the token after it, and since the order of the examples
does not enter the full-batch loss, the text may be replaced by a table: each distinct context once, with how
often every token followed it. The table has at most V^K rows, however long the text.

The *floor* is the lowest mean loss any model can reach on the corpus: the entropy of the next token given the
context, under the corpus' own frequencies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from mmap import mmap
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import SequenceError, SizeError
from babygpt.gpt.checks import check_choice, check_count
from babygpt.gpt.counting import CHUNK, WindowCounter
from babygpt.gpt.texts import distinct_symbols, file_pieces, whole_words
from babygpt.gpt.vocabulary import TokenKind, Vocabulary

Sliceable = TypeVar("Sliceable", str, NDArray[np.integer])

Positions = Literal["last", "all"]


def windows(tokens: NDArray[np.int64], context_length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every example of a token sequence: contexts (L − K, K) and next tokens (L − K,).

    >>> X, Y = windows(np.array([1, 1, 0, 1, 0]), context_length=3)
    >>> X.tolist(), Y.tolist()
    ([[1, 1, 0], [1, 0, 1]], [1, 0])
    """
    rows = np.lib.stride_tricks.sliding_window_view(tokens, context_length + 1)
    return rows[:, :-1], rows[:, -1]


def entropy(counts: NDArray[np.int64]) -> float:
    """Return the mean entropy, in nats, of the next token given the row, weighted by the rows' counts."""
    total = counts.sum()
    if total == 0:
        return 0.0
    rows = np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape)
    seen = counts > 0
    # "+ 0.0" turns the −0.0 of a certain next token into 0.0
    return float(-(counts[seen] * np.log(counts[seen] / rows[seen])).sum() / total) + 0.0


@dataclass(frozen=True, eq=False)
class Corpus:
    """The distinct contexts of a text and what followed each.

    Attributes
    ----------
    vocabulary
        The V symbols.
    context_length
        K, the tokens of a context.
    contexts
        int64 (M, K): the M distinct contexts that occur, in state order (000 before 001).
    counts
        int64 (M, V): how often each token followed each context.

    >>> corpus = Corpus.from_text("111101111011110", context_length=3)
    >>> corpus.contexts.tolist()
    [[0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1]]
    >>> corpus.counts.tolist(), corpus.n_examples
    ([[0, 2], [0, 2], [0, 2], [3, 3]], 12)
    """

    vocabulary: Vocabulary
    context_length: int
    contexts: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def from_text(
        cls,
        text: str,
        context_length: int = 3,
        vocabulary: Vocabulary | Sequence[str] | None = None,
        tokens: TokenKind = "chars",
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
            ``"chars"`` or ``"words"``; a :class:`Vocabulary` brings its own.

        Raises
        ------
        SequenceError
            The text is empty, not longer than the context, or made of a single symbol.
        VocabularyError
            The text has a symbol that the vocabulary lacks, or the vocabulary is no vocabulary.
        """
        if not isinstance(text, str):
            raise SequenceError(
                f"The training sequence must be a text, not {type(text).__name__}. For token numbers use "
                "Corpus.from_tokens(tokens, context_length, vocabulary)."
            )
        return cls._from_texts(lambda: _slices(text), context_length, vocabulary, tokens)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        context_length: int = 3,
        vocabulary: Vocabulary | Sequence[str] | None = None,
        tokens: TokenKind = "chars",
        encoding: str | None = None,
    ) -> Corpus:
        """Return the counts of a text file of any size, read a piece at a time.

        It is read as UTF-8, or as its mark says, unless ``encoding`` names another, such as ``"gb18030"``. What counts
        as its text: see :func:`babygpt.gpt.texts.decoded`. Without a vocabulary it is read twice.

        Raises
        ------
        FileError
            The file is missing, a folder, unreadable, or not text in its encoding.
        SettingError
            There is no such encoding.
        SequenceError, VocabularyError
            As for :meth:`from_text`.
        """
        return cls._from_texts(lambda: file_pieces(path, encoding), context_length, vocabulary, tokens)

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
        cls, tokens: Sequence[int] | NDArray[np.integer], context_length: int, vocabulary: Vocabulary | Sequence[str]
    ) -> Corpus:
        """Return the counts of a token sequence (L,), each token 0 … V−1.

        An array is read a piece at a time, so a memory-mapped one may be larger than memory.

        >>> Corpus.from_tokens([0, 1, 0, 1], 1, Vocabulary("ab")).counts.tolist()
        [[0, 2], [1, 0]]
        """
        pieces = _slices(tokens) if isinstance(tokens, np.ndarray) and tokens.ndim == 1 else [tokens]
        return cls.from_pieces(pieces, context_length, vocabulary)

    @classmethod
    def from_pieces(
        cls,
        pieces: Iterable[str | Sequence[int] | NDArray[np.integer]],
        context_length: int,
        vocabulary: Vocabulary | Sequence[str],
    ) -> Corpus:
        """Return the counts of one sequence that comes in pieces, texts or token arrays, of any length each.

        Windows reach across pieces; words do not, so a piece of words must end where a word does.

        >>> Corpus.from_pieces(["ab", "a", "b"], 1, "ab").counts.tolist()
        [[0, 2], [1, 0]]
        """
        check_count("context_length", context_length)
        if not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(vocabulary)
        counter = WindowCounter(context_length, len(vocabulary))
        for piece in pieces:
            counter.add(vocabulary.encode(piece))
        if counter.n_tokens <= context_length:
            raise SequenceError(_too_short(counter.n_tokens, context_length))
        return cls(vocabulary, context_length, *counter.result())

    @classmethod
    def _from_texts(
        cls,
        texts: Callable[[], Iterable[str]],
        context_length: int,
        vocabulary: Vocabulary | Sequence[str] | None,
        tokens: TokenKind,
    ) -> Corpus:
        """Return the counts of a text that can be gone through, piece by piece, more than once."""
        check_count("context_length", context_length)
        check_choice("tokens", tokens, get_args(TokenKind))
        if vocabulary is None:
            found = sorted(distinct_symbols(texts(), tokens))
            if len(found) == 1:
                raise SequenceError(
                    f"The sequence says only {found[0]!r}, so there is nothing to choose between. Give a vocabulary "
                    "with a second symbol, such as '01', or a sequence with two symbols."
                )
            if not found:
                raise SequenceError(_too_short(0, context_length))
            vocabulary = Vocabulary(tuple(found), tokens)
        elif not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(vocabulary, tokens)
        pieces = texts() if vocabulary.tokens == "chars" else whole_words(texts())
        return cls.from_pieces(pieces, context_length, vocabulary)

    @property
    def n_examples(self) -> int:
        """How many (context, next token) pairs the text holds: L − K."""
        return int(self.counts.sum())

    @property
    def most_frequent(self) -> str:
        """The text of the context that occurs most often (the first of equals)."""
        return self.vocabulary.decode(self.contexts[self.counts.sum(axis=1).argmax()])

    @cached_property
    def states(self) -> NDArray[np.int64]:
        """int64 (M,): the state number of each distinct context."""
        if len(self.vocabulary) ** self.context_length >= 2**63:
            raise SizeError(
                f"Contexts of {self.context_length} tokens over {len(self.vocabulary)} symbols are more than 64 bits "
                "can number. Use a shorter context."
            )
        powers = len(self.vocabulary) ** np.arange(self.context_length - 1, -1, -1, dtype=np.int64)
        return self.contexts @ powers

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

    def prefix_counts(self, length: int) -> NDArray[np.int64]:
        """Return int64 (distinct prefixes, V): what follows the first ``length`` tokens within the contexts."""
        if length == self.context_length:
            return self.counts
        prefixes, row = np.unique(self.contexts[:, :length], axis=0, return_inverse=True)
        table = np.zeros((len(prefixes), len(self.vocabulary)), dtype=np.int64)
        np.add.at(table, (row.ravel(), self.contexts[:, length]), self.counts.sum(axis=1))
        return table

    def __repr__(self) -> str:
        return (
            f"Corpus({self.n_examples:,} examples, {len(self.contexts):,} distinct contexts of "
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
