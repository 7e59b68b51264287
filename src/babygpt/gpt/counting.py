"""Counting windows as a text streams by.

A *window* is K + 1 tokens in a row: a context and the token after it. All that training needs of a text is how often
each window occurs, so tokens are taken a chunk at a time, counted and let go; the last K of a chunk are kept for the
windows that reach into the next. Memory holds a chunk and the distinct windows, however long the text.

A window is counted by its number in base V, oldest token most significant: windows with equal numbers are equal, and
numbers are ordered as windows are. Where there are few possible windows, each has a place in a table; where there are
many, sorted lists of those that occur are merged.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Tokens counted at a time.
CHUNK = 2**20
# Up to this many possible windows each has a place in a table of counts (32 MiB).
TABLE = 2**22


def window_numbers(tokens: NDArray[np.integer], length: int, vocab_size: int) -> NDArray[np.integer]:
    """Return each window of ``length`` tokens read as a number in base V, oldest token most significant.

    The result has L − length + 1 entries, of the narrowest type that holds V^length, which must be below 2⁶³. The
    number of a window of 2m tokens is V^m times that of its first half, plus that of its second, so the numbers of all
    are found in about log₂ length passes.

    >>> window_numbers(np.array([1, 0, 1, 1]), length=3, vocab_size=2).tolist()
    [5, 3]
    """
    bound = vocab_size**length
    number: Any = np.uint16 if bound <= 2**16 else np.int32 if bound < 2**31 else np.int64
    single: NDArray[Any] = tokens.astype(number, copy=False)
    numbers, done = single, 1
    for bit in bin(length)[3:]:  # from the second most significant bit on: double, and add one where it is set
        numbers = numbers[: len(numbers) - done] * number(vocab_size**done) + numbers[done:]
        done *= 2
        if bit == "1":
            numbers = numbers[: len(numbers) - 1] * number(vocab_size) + single[done:]
            done += 1
    return numbers


class WindowCounter:
    """Counts the windows of a token sequence that is given a chunk at a time.

    Parameters
    ----------
    context_length, vocab_size
        K ≥ 1 and V: a window has K + 1 tokens, each 0 … V − 1.

    >>> counter = WindowCounter(context_length=1, vocab_size=2)
    >>> for chunk in ([0, 1, 1], [0, 1]):
    ...     counter.add(np.array(chunk))
    >>> contexts, counts = counter.result()
    >>> contexts.tolist(), counts.tolist()
    ([[0], [1]], [[0, 2], [1, 1]])
    """

    def __init__(self, context_length: int, vocab_size: int) -> None:
        self._length, self._vocab_size = int(context_length) + 1, int(vocab_size)
        # V^(K+1) itself may have millions of digits
        self._possible = vocab_size**self._length if self._length * math.log2(vocab_size) < 62 else 2**62
        self._kept: NDArray[Any] = np.zeros(0, dtype=np.int64)
        self._table = np.zeros(self._possible if self._possible <= TABLE else 0, dtype=np.int64)
        self._found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        self.n_tokens = 0

    def add(self, tokens: NDArray[np.integer]) -> None:
        """Count the windows that end in ``tokens`` (any length), the next of the sequence."""
        for start in range(0, len(tokens), CHUNK):
            self._add(tokens[start : start + CHUNK])

    def _add(self, tokens: NDArray[np.integer]) -> None:
        self.n_tokens += len(tokens)
        tokens = np.concatenate([self._kept.astype(tokens.dtype), tokens])
        self._kept = tokens[max(0, len(tokens) - self._length + 1) :].copy()
        if len(tokens) < self._length:
            return
        if len(self._table):
            numbers = window_numbers(tokens, self._length, self._vocab_size)
            self._table += np.bincount(numbers, minlength=self._possible)
            return
        self._found.append(self._distinct(tokens))
        # Merged in twos, threes, … as they grow: each window is handled a few times, not once for every chunk.
        while len(self._found) > 1 and len(self._found[-2][1]) < 2 * len(self._found[-1][1]):
            self._found[-2:] = [_merged(self._found[-2:])]

    def _distinct(self, tokens: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the distinct windows as rows of their numbers (n, parts), sorted, and how often each occurs (n,)."""
        # a window too long for one number is several, oldest first
        part = self._part_length
        bounds = list(range(0, self._length, part))
        n = len(tokens) - self._length + 1
        columns = [
            window_numbers(tokens[start:], min(part, self._length - start), self._vocab_size)[:n] for start in bounds
        ]
        if len(columns) == 1:
            numbers, counts = np.unique(columns[0], return_counts=True)
            return numbers.astype(np.int64)[:, None], counts
        rows = np.stack(columns, axis=1).astype(np.int64)
        return _merged([(rows, np.ones(n, dtype=np.int64))])

    @property
    def _part_length(self) -> int:
        """How many tokens one number can hold."""
        length = 1
        while self._vocab_size ** (length + 1) < 2**62:
            length += 1
        return length

    def result(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the distinct contexts (M, K) in state order, and how often each token followed each (M, V)."""
        V, K = self._vocab_size, self._length - 1
        if len(self._table):
            table = self._table.reshape(-1, V)
            states = np.flatnonzero(table.any(axis=1))
            return _digits(states[:, None], K, K, V), table[states]
        if not self._found:
            return np.zeros((0, K), dtype=np.int64), np.zeros((0, V), dtype=np.int64)
        rows, times = _merged(self._found)
        windows = _digits(rows, self._length, self._part_length, V)
        # sorted by window, so that what begins with one context stands together
        first = np.ones(len(windows), dtype=bool)
        first[1:] = (windows[1:, :K] != windows[:-1, :K]).any(axis=1)
        counts = np.zeros((int(first.sum()), V), dtype=np.int64)
        counts[np.cumsum(first) - 1, windows[:, K]] = times
        return windows[first, :K], counts


def _merged(found: list[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows (n, parts) with their counts, sorted, equal rows added up."""
    rows, times = np.concatenate([part[0] for part in found]), np.concatenate([part[1] for part in found])
    order = np.lexsort(rows.T[::-1])
    rows, times = rows[order], times[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return rows[first], np.add.reduceat(times, np.flatnonzero(first))


def _digits(rows: NDArray[np.int64], length: int, part: int, vocab_size: int) -> NDArray[np.int64]:
    """Return the tokens (n, length) of rows of numbers of ``part`` tokens each, the last of what is left."""
    digits = np.empty((len(rows), length), dtype=np.int64)
    for column, start in enumerate(range(0, length, part)):
        rest = rows[:, column].copy()
        for place in range(min(start + part, length) - 1, start - 1, -1):
            rest, digits[:, place] = np.divmod(rest, vocab_size)
    return digits
