"""Contexts and their numbers.

A *context* is the last K tokens. Read as a number in base V, oldest token most significant, each of the
N = V^K contexts has a *state* number: with two symbols and K = 3, 000 is state 0, 001 is 1, … 111 is 7.

When token t comes next it is appended on the right and the oldest is dropped, so the *successor* of state s is
``(s mod V^(K−1))·V + t``: V arrows leave each state and V enter it (a de Bruijn graph [1]_).

A *short context* has fewer than K tokens: it occurs only at the start of a text, and never again (it is
transient). There are V + V² + … + V^(K−1) of them. Tables with a row for every context, short ones included,
keep them in order of length, then of number: 0, 1, 00, 01, 10, 11, 000, … so that for K = 3 and two symbols
the 14 rows are 6 short contexts and 8 states.

.. [1] de Bruijn, "A combinatorial problem", 1946.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import SizeError
from babygpt.gpt.checks import check_count
from babygpt.gpt.checks import human_bytes as human_bytes  # said here of chains, too

# A chain's probabilities as float64: 2**27 arrows are 1 GiB, the most that is taken on.
MAX_ARROWS = 2**27


def count_states(vocab_size: int, context_length: int) -> int:
    """Return N = V^K.

    >>> count_states(2, 3)
    8
    """
    return vocab_size**context_length


def count_short(vocab_size: int, context_length: int) -> int:
    """Return the number of contexts of 1 … K−1 tokens, which is also the table row of state 0.

    >>> count_short(2, 3), count_short(2, 3) + count_states(2, 3)
    (6, 14)
    """
    return (vocab_size**context_length - vocab_size) // (vocab_size - 1)


def check_size(vocab_size: int, context_length: int, limit: int = MAX_ARROWS) -> None:
    """Raise :class:`SizeError` if the chain has more than ``limit`` arrows (V per state)."""

    def arrows(K: int) -> int:
        return count_states(vocab_size, K) * vocab_size

    where = f"the limit is {human_bytes(8 * limit)} ({limit:,} arrows)"
    _check_room(vocab_size, context_length, arrows, 8, limit, where)


def check_fits(vocab_size: int, context_length: int, itemsize: int, room: int, where: str) -> None:
    """Raise :class:`SizeError` if the table of all contexts, short ones too, has more bytes than ``room``."""

    def numbers(K: int) -> int:
        return (count_short(vocab_size, K) + count_states(vocab_size, K)) * vocab_size

    where = f"there is {human_bytes(room)} {where}"
    _check_room(vocab_size, context_length, numbers, itemsize, room // itemsize, where)


def _check_room(V: int, K: int, numbers: Callable[[int], int], itemsize: int, most: int, where: str) -> None:
    check_count("context_length", K)
    bits = min(K, 10**12) * math.log2(V)
    if bits < 50:  # V^K itself may have millions of digits
        if numbers(K) <= most:
            return
        states = f"{count_states(V, K):,} states, whose probabilities take {human_bytes(itemsize * numbers(K))}"
    else:
        states = f"about 10^{bits * math.log10(2):,.0f} states, more than any memory holds"
    fits = 0
    while numbers(fits + 1) <= most:
        fits += 1
    advice = (
        f"Try context_length={fits}, the largest that fits with {V:,} symbols."
        if fits
        else f"With {V:,} symbols not even context_length=1 fits: use fewer symbols."
    )
    raise SizeError(f"context_length={K} over {V:,} symbols gives {states}; {where}. {advice}")


def all_contexts(vocab_size: int, length: int) -> NDArray[np.int64]:
    """Return every context of ``length`` tokens, in order of number: int64 (V^length, length).

    >>> all_contexts(2, 2).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    return contexts_between(0, vocab_size**length, vocab_size, length)


def contexts_between(start: int, stop: int, vocab_size: int, length: int) -> NDArray[np.int64]:
    """Return the contexts with the numbers ``start`` … ``stop − 1``: int64 (stop − start, length)."""
    powers = vocab_size ** np.arange(length - 1, -1, -1, dtype=np.int64)
    return np.arange(start, stop, dtype=np.int64)[:, None] // powers % vocab_size


def number_of(tokens: Sequence[int] | NDArray[np.int64], vocab_size: int) -> int:
    """Return the number of one context of any length.

    >>> number_of([1, 0, 1], vocab_size=2)
    5
    """
    number = 0
    for token in tokens:
        number = number * vocab_size + int(token)
    return number


def row_of(tokens: Sequence[int] | NDArray[np.int64], vocab_size: int) -> int:
    """Return the row of one context of any length in a table that holds the short ones too.

    >>> [row_of(tokens, 2) for tokens in ([0], [1], [0, 0], [1, 1], [0, 0, 0], [1, 1, 1])]
    [0, 1, 2, 5, 6, 13]
    """
    return count_short(vocab_size, len(tokens)) + number_of(tokens, vocab_size)


def successors(vocab_size: int, context_length: int) -> NDArray[np.int64]:
    """Return the state that each token leads to from each state: int64 (N, V).

    >>> successors(2, 3)[0b101].tolist()  # 101 goes to 010 and 011
    [2, 3]
    """
    kept = np.arange(vocab_size**context_length, dtype=np.int64) % vocab_size ** (context_length - 1)
    return kept[:, None] * vocab_size + np.arange(vocab_size, dtype=np.int64)
