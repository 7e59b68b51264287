"""A corpus' table, checked: distinct contexts in order, and how often, or with what weight, each token follows.

Counts are whole numbers. Weights are any numbers that are not negative, such as probabilities; only their ratios matter
to a full-batch training, and they are kept as they are, in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import SequenceError

# How often each token follows each context: int64 counts, or float64 weights.
Counts = NDArray[np.int64] | NDArray[np.float64]


def checked_contexts(contexts: object, context_length: int, vocab_size: int) -> NDArray[np.int64]:
    """Return contexts as int64 (M, K), or raise :class:`SequenceError` unless they are K tokens each, 0 … V − 1."""
    try:
        table = np.asarray(contexts)
    except ValueError:  # NumPy's, of a ragged list
        raise SequenceError(f"The contexts are not all {context_length} tokens long; make them so.") from None
    if table.ndim != 2 or table.shape[1] != context_length:
        raise SequenceError(
            f"The contexts have shape {table.shape}; contexts of {context_length} tokens make (contexts, "
            f"{context_length})."
        )
    if table.dtype.kind not in "iu" and table.size:
        raise SequenceError(f"The contexts are {table.dtype} numbers; tokens are whole numbers, 0 … {vocab_size - 1}.")
    if table.size and (table.min() < 0 or table.max() >= vocab_size):
        bad = table[(table < 0) | (table >= vocab_size)][0]
        raise SequenceError(f"Token {bad} is not in 0 … {vocab_size - 1}, the tokens of this vocabulary.")
    return table.astype(np.int64)


def checked_counts(counts: object, n_contexts: int, vocab_size: int) -> Counts:
    """Return counts as int64, or weights as float64, (M, V), or raise :class:`SequenceError` if they are neither."""
    try:
        table: NDArray[Any] = np.asarray(counts)
    except ValueError:
        raise SequenceError(f"The counts are no table of numbers, one of {vocab_size} for each symbol.") from None
    if table.shape != (n_contexts, vocab_size):
        raise SequenceError(
            f"The counts have shape {table.shape}; {n_contexts:,} contexts over {vocab_size:,} symbols need "
            f"{(n_contexts, vocab_size)}."
        )
    if table.dtype.kind == "O" and all(type(value) is int for value in table.flat):
        raise SequenceError("The counts are above 2⁶³, more than can be counted with. Give shares, as floats.")
    if table.dtype.kind not in "iuf":
        raise SequenceError(f"The counts are {table.dtype}, not numbers. Give how often each token follows.")
    if not np.isfinite(table).all() or (table < 0).any():
        raise SequenceError(
            "The counts hold a negative number, an infinite one or NaN. Give how often tokens follow, or weights."
        )
    with np.errstate(over="ignore"):
        total = float(table.sum(dtype=np.float64))
    if total == 0:
        raise SequenceError("The counts are all 0, so there is nothing to learn. Give at least one that is not.")
    if not np.isfinite(total):
        raise SequenceError("The weights add up to more than a float64 holds. Divide them all by their largest.")
    if table.dtype.kind == "f":
        if total < np.finfo(np.float64).tiny * 2**52:
            raise SequenceError(f"The weights add up to {total:g}, too little to divide by. Multiply them all.")
        return table.astype(np.float64)
    if total >= 2**63:
        raise SequenceError(f"The counts add up to {total:.3g}, and the limit is 2⁶³. Give shares, as floats.")
    return table.astype(np.int64)


def merged(contexts: NDArray[np.int64], counts: Counts) -> tuple[NDArray[np.int64], Counts]:
    """Return contexts (M, K) in order, each once, and the sums of their counts (M, V), without what is never followed.

    >>> contexts, counts = merged(np.array([[1], [0], [1]]), np.array([[1, 0], [0, 0], [0.5, 2]]))
    >>> contexts.tolist(), counts.tolist()
    ([[1]], [[1.5, 2.0]])
    """
    followed = counts.any(axis=1)
    if not followed.all():
        contexts, counts = contexts[followed], counts[followed]
    if in_order(contexts):
        return contexts, counts
    order = np.lexsort(contexts.T[::-1])
    contexts, counts = contexts[order], counts[order]
    first = np.ones(len(contexts), dtype=bool)
    first[1:] = (contexts[1:] != contexts[:-1]).any(axis=1)
    return contexts[first], np.add.reduceat(counts, np.flatnonzero(first), axis=0)


def in_order(rows: NDArray[np.int64]) -> bool:
    """Return whether rows (n, K) go up, each larger than the one before, the first column most significant."""
    different = rows[1:] != rows[:-1]
    at = different.argmax(axis=1)[:, None]
    up = np.take_along_axis(rows[1:], at, 1) > np.take_along_axis(rows[:-1], at, 1)
    return bool(up.all())  # rows that are the same everywhere do not go up at the first place


def rows_beside(rows: NDArray[np.int64], among: NDArray[np.int64], vocab_size: int) -> NDArray[np.int64]:
    """Return the distinct contexts (n, K), in order, that are not among others (M, K), which are distinct."""
    K = rows.shape[1]
    if K < 63 and vocab_size**K < 2**63:  # each has a number, by which it is found much sooner
        powers = vocab_size ** np.arange(K - 1, -1, -1, dtype=np.int64)
        numbers, first = np.unique(rows @ powers, return_index=True)
        return rows[first[~np.isin(numbers, among @ powers)]]
    both, first = np.unique(np.concatenate([among, rows]), axis=0, return_index=True)
    return both[first >= len(among)]
