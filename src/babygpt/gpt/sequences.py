"""Many sequences: texts, lists of names or lists of tokens, counted as they stream by, with a border after each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import SequenceError, VocabularyError
from babygpt.gpt.counting import CHUNK, WindowCounter
from babygpt.gpt.separators import ListFinder, split_names
from babygpt.gpt.vocabulary import TokenKind, Vocabulary, listed
from babygpt.gpt.weights import rows_beside

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
            f"longer sequences{f' or context_length={longest - 1}' * (longest > 1)}."
        )
    contexts, counts = counter.result()
    return contexts, counts, rows_beside(counter.ends(), contexts, len(vocabulary))


def _encoded(
    sequences: Iterable[Sequenced], vocabulary: Vocabulary
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the tokens of some sequences at a time, laid end to end, and how many each has."""
    texts: list[str] = []
    size = 0
    for sequence in sequences:
        if isinstance(sequence, str) and vocabulary.tokens == "chars":
            texts.append(sequence)  # characters are encoded many at once
            size += len(sequence)
            if size < CHUNK:
                continue
            yield vocabulary.encode("".join(texts)), np.array([len(text) for text in texts])
            texts, size = [], 0
        else:
            tokens = vocabulary.encode(sequence)
            yield tokens, np.array([len(tokens)])
    if texts:
        yield vocabulary.encode("".join(texts)), np.array([len(text) for text in texts])


def vocabulary_of(sequences: Iterable[Sequenced], tokens: TokenKind, separator: str | None) -> Vocabulary:
    """Return the sorted distinct symbols of some sequences: of texts, of names, or "0" … "V − 1" of tokens.

    Raises
    ------
    SequenceError
        There is nothing in them, or one symbol alone.
    VocabularyError
        Some are texts or names and some are tokens.
    """
    symbols: set[str] = set()
    texts: list[str] = []
    names = highest = None
    finder = ListFinder()
    for sequence in sequences:
        if isinstance(sequence, str):
            if tokens == "chars" and not separator:
                symbols.update(sequence)
            else:
                texts.append(sequence)
                finder.look(sequence + "\n")
            continue
        given = listed(sequence)
        if isinstance(given, list):
            symbols.update(given)
            names = True
        elif given.size:
            highest = max(highest or 0, _highest(given))
    if highest is not None:
        if symbols or texts:
            raise VocabularyError("Some of the sequences are tokens, and some texts or names. Give a vocabulary.")
        return Vocabulary.numbers(max(2, highest + 1))
    if texts:
        separator = finder.separator if separator is None else separator
        symbols.update(chain.from_iterable(split_names(text, separator) for text in texts))
    found = sorted(symbols)
    check_symbols(found)
    words = bool(texts) or (names and tokens == "words")
    return Vocabulary(found, "words" if words else None, separator if texts else None)  # type: ignore[arg-type]


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
