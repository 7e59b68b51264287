"""Counting windows as a text streams by.

A *window* is K + 1 tokens in a row: a context and the token after it. All that training needs of a text is how often
each window occurs, so tokens are taken a chunk at a time, counted and let go; the last K of a chunk are kept for the
windows that reach into the next. Memory holds a chunk and the distinct windows, however long the text.

Many sequences are counted alike, with a *border* after each, which no window crosses.

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
    """Counts the windows of token sequences that are given a chunk at a time.

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
        self._kept: NDArray[Any] = np.zeros(0, dtype=np.int64)  # of the sequence under way, as much as windows need
        self._n_before = 0  # its tokens before those
        self._waiting: list[NDArray[np.integer]] = []
        self._n_waiting = 0
        self._borders: list[NDArray[np.int64]] = []  # each as the number of waiting tokens before it
        self._table = np.zeros(self._possible if self._possible <= TABLE else 0, dtype=np.int64)
        self._found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        self._ends: list[NDArray[np.int64]] = []
        self.n_tokens = 0

    def add(self, tokens: NDArray[np.integer]) -> None:
        """Count the windows that end in ``tokens`` (any length), the next of the sequence."""
        for start in range(0, len(tokens), CHUNK):
            self._wait(tokens[start : start + CHUNK])

    def add_whole(self, tokens: NDArray[np.integer], lengths: NDArray[np.int64]) -> None:
        """Count the windows of whole sequences, laid end to end, of so many tokens each, and end each of them."""
        if len(tokens):
            self._wait(tokens, np.cumsum(lengths))

    def end(self) -> None:
        """End the sequence: what is added next begins another, and no window reaches across."""
        self._borders.append(np.array([self._n_waiting]))

    def _wait(self, tokens: NDArray[np.integer], borders: NDArray[np.int64] | None = None) -> None:
        if borders is not None:
            self._borders.append(self._n_waiting + borders)
        self.n_tokens += len(tokens)
        self._n_waiting += len(tokens)
        # what has to wait for more is copied, since its owner may change it
        self._waiting.append(tokens if self._n_waiting >= CHUNK else tokens.copy())
        if self._n_waiting >= CHUNK:
            self._count_waiting()

    def _count_waiting(self) -> None:
        K = self._length - 1
        kind = np.result_type(*self._waiting) if self._waiting else self._kept.dtype
        tokens = np.concatenate([self._kept.astype(kind), *self._waiting])
        borders = np.concatenate([np.zeros(0, dtype=np.int64), *self._borders]) + len(self._kept)
        self._waiting, self._n_waiting, self._borders = [], 0, []
        if len(borders):
            windowless = np.diff(borders, prepend=-self._n_before) == K
            at = borders[windowless, None] + np.arange(-K, 0)
            self._ends.append(np.unique(tokens[at].astype(np.int64), axis=0))
        n = len(tokens) - K
        if n > 0:
            whole = None
            if len(borders):
                # a window is cut by the borders after its first token and up to its last
                cuts = np.zeros(len(tokens) + 1, dtype=np.int64)
                np.add.at(cuts, np.maximum(borders - K, 0), 1)
                np.add.at(cuts, borders, -1)
                whole = np.cumsum(cuts[:n]) == 0
            self._count(tokens, whole)
        begun = int(borders[-1]) if len(borders) else -self._n_before
        cut = max(0, n, begun)
        self._kept, self._n_before = tokens[cut:].copy(), cut - begun

    def _count(self, tokens: NDArray[np.integer], whole: NDArray[np.bool_] | None) -> None:
        """Count the windows of tokens, all or those that are ``whole``."""
        if len(self._table):
            numbers = window_numbers(tokens, self._length, self._vocab_size)
            numbers = numbers if whole is None else numbers[whole]
            self._table += np.bincount(numbers, minlength=self._possible)
            return
        self._found.append(self._distinct(tokens, whole))
        # Merged in twos, threes, … as they grow: each window is handled a few times, not once for every chunk.
        while len(self._found) > 1 and len(self._found[-2][1]) < 2 * len(self._found[-1][1]):
            self._found[-2:] = [_merged(self._found[-2:])]

    def _distinct(
        self, tokens: NDArray[np.integer], whole: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the distinct windows as rows of their numbers (n, parts), sorted, and how often each occurs (n,)."""
        # a window too long for one number is several, oldest first
        part = self._part_length
        bounds = list(range(0, self._length, part))
        n = len(tokens) - self._length + 1
        columns = [
            window_numbers(tokens[start:], min(part, self._length - start), self._vocab_size)[:n] for start in bounds
        ]
        if whole is not None:
            columns = [column[whole] for column in columns]
        if len(columns) == 1:
            numbers, counts = np.unique(columns[0], return_counts=True)
            return numbers.astype(np.int64)[:, None], counts
        rows = np.stack(columns, axis=1).astype(np.int64)
        return _merged([(rows, np.ones(len(rows), dtype=np.int64))])

    @property
    def _part_length(self) -> int:
        """How many tokens one number can hold."""
        length = 1
        while self._vocab_size ** (length + 1) < 2**62:
            length += 1
        return length

    def result(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the distinct contexts (M, K) in state order, and how often each token followed each (M, V)."""
        self._count_waiting()
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

    def ends(self) -> NDArray[np.int64]:
        """Return the distinct sequences that had K tokens, one short of a window, in order: (E, K)."""
        self._count_waiting()
        return np.unique(np.concatenate([np.zeros((0, self._length - 1), np.int64), *self._ends]), axis=0)


def _merged(found: list[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows (n, parts) with their counts, sorted, equal rows added up."""
    rows, times = np.concatenate([part[0] for part in found]), np.concatenate([part[1] for part in found])
    order = np.lexsort(rows.T[::-1])
    rows, times = rows[order], times[order]
    if not len(rows):
        return rows, times
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
