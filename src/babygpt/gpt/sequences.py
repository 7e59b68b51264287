"""Many sequences: texts, lists of names or lists of tokens, counted as they stream by, with a border after each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import SequenceError, VocabularyError
from babygpt.gpt.counting import CHUNK, WindowCounter
from babygpt.gpt.separators import ListFinder, split_names
from babygpt.gpt.vocabulary import Vocabulary, listed
from babygpt.gpt.weights import rows_beside
from babygpt.settings import TokenKind

# What one sequence may be: a text, names, or tokens.
Sequenced = str | Iterable[int] | Iterable[str]

# The most symbols that numbers alone make.
MAX_NUMBERS = 2**20


def lines_of(pieces: Iterable[str]) -> Iterator[str]:
    r"""Yield the lines of a text that comes in pieces, without those that are blank.

    >>> list(lines_of(["ab\nc", "d\n", "\n e"]))
    ['ab', 'cd', ' e']
    """
    held = ""
    for piece in pieces:
        first, *rest = piece.split("\n")
        held += first
        for line in rest:
            if held.strip():
                yield held
            held = line
    if held.strip():
        yield held


def count_sequences(
    sequences: Iterable[Sequenced], context_length: int, vocabulary: Vocabulary
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct contexts (M, K), what follows each (M, V), and sequences that are a context alone (E, K).

    Raises
    ------
    SequenceError
        Not one of them has more than K tokens.
    VocabularyError
        One has a symbol that the vocabulary lacks.
    """
    counter, longest, n = WindowCounter(context_length, len(vocabulary)), 0, 0
    for tokens, lengths in _encoded(sequences, vocabulary):
        counter.add_whole(tokens, lengths)
        longest, n = max(longest, int(lengths.max())), n + len(lengths)
    if longest <= context_length:
        if not longest:
            raise SequenceError("There are no sequences to learn from. Give some, such as ['0110', '10'].")
        raise SequenceError(
            f"The longest of {n:,} sequence{'s' * (n != 1)} has {longest} token{'s' * (longest != 1)}, and "
            f"context_length={context_length} needs {context_length + 1}: a context and the token after it. Give "
            + (f"longer sequences or context_length={longest - 1}." if longest > 1 else "longer sequences.")
        )
    contexts, counts = counter.result()
    return contexts, counts, rows_beside(counter.ends(), contexts, len(vocabulary))


def _encoded(
    sequences: Iterable[Sequenced], vocabulary: Vocabulary
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the tokens of some sequences at a time, laid end to end, and how many each has."""
    chars = vocabulary.tokens == "chars"
    for texts in _together(sequences):
        if isinstance(texts, list):  # encoded many at once
            parts = texts if chars else [vocabulary.known_parts(text) for text in texts]
            whole = "".join(texts) if chars else list(chain.from_iterable(parts))
            yield vocabulary.encode(whole), np.array([len(part) for part in parts])
        else:
            tokens = vocabulary.tokens_of(texts.sequence)
            yield tokens, np.array([len(tokens)])


@dataclass(frozen=True)
class _Alone:
    """A sequence that is no text."""

    sequence: Iterable[int] | Iterable[str]


def _together(sequences: Iterable[Sequenced]) -> Iterator[list[str] | _Alone]:
    """Yield texts some at a time, about a chunk of characters, and what is no text by itself; the order is kept."""
    texts: list[str] = []
    size = 0
    for sequence in sequences:
        if isinstance(sequence, str):
            texts.append(sequence)
            size += len(sequence) + 1
        if texts and (size >= CHUNK or not isinstance(sequence, str)):
            yield texts
            texts, size = [], 0
        if not isinstance(sequence, str):
            yield _Alone(sequence)
    if texts:
        yield texts


def vocabulary_of(
    sequences: Callable[[], Iterable[Sequenced]], tokens: TokenKind = "chars", separator: str | None = None
) -> Vocabulary:
    """Return the sorted distinct symbols of sequences that can be gone through more than once.

    They are those of texts, or names, or "0" … "V − 1" of tokens.

    Raises
    ------
    SequenceError
        There is nothing in them, or one symbol alone.
    VocabularyError
        Some are texts or names and some are tokens.
    """
    words = tokens == "words" or bool(separator)
    parted = " " if separator is None else separator
    symbols, highest, n_texts, finder = set[str](), -1, 0, ListFinder()
    for some in _together(sequences()):
        if isinstance(some, list):
            n_texts += len(some)
            if words:
                text = "\n".join(some) + "\n"
                symbols.update(split_names(text, parted))
                finder.look(text)
            else:
                symbols.update("".join(some))
            continue
        given = listed(some.sequence)
        if isinstance(given, list):
            symbols.update(given)
        elif given.size:
            highest = max(highest, _highest(given))
    if highest >= 0:
        if symbols:
            raise VocabularyError("Some of the sequences are tokens, and some texts or names. Give a vocabulary.")
        return Vocabulary.numbers(max(2, highest + 1))
    if words and n_texts and separator is None and finder.separator != " ":
        return vocabulary_of(sequences, tokens, finder.separator)
    found = sorted(symbols)
    check_symbols(found)
    if n_texts:
        return Vocabulary(found, "words" if words else "chars", parted if words else "")
    return Vocabulary(found, "words" if words else None)  # type: ignore[arg-type]  # None: words if any is longer


def check_symbols(found: list[str]) -> None:
    """Raise :class:`SequenceError` unless there are two symbols or more."""
    if len(found) == 1:
        raise SequenceError(
            f"The sequence says only {found[0]!r}, so there is nothing to choose between. Give a vocabulary "
            "with a second symbol, such as '01', or a sequence with two symbols."
        )
    if not found:
        raise SequenceError("The sequence is empty. Give some text to learn from, such as 111101111011110.")


def _highest(tokens: NDArray[np.generic]) -> int:
    """Return the highest token of a sequence (L,) that comes without a vocabulary."""
    if tokens.dtype.kind not in "iu" or tokens.ndim != 1:
        raise SequenceError(
            f"A sequence is a text, or a flat list of names or of whole numbers, not {tokens.dtype} of shape "
            f"{tokens.shape}. Give tokens as integers, 0 … V − 1."
        )
    if int(tokens.min()) < 0 or int(tokens.max()) >= MAX_NUMBERS:
        raise SequenceError(
            f"Tokens are numbers from 0 on, here from {tokens.min()} to {tokens.max()}; the limit is {MAX_NUMBERS:,}. "
            "Give names, as texts: [str(x) for x in sequence]."
        )
    return int(tokens.max())
