"""Arrows as a graph and as matrices: which there are, and how likely each is.

An arrow *is there* if its probability is positive, however small: its log-probability is above −∞. In a cold chain
many are too small for a float64, which ends at 10⁻³⁰⁸. They count as 0 in a matrix of floats, and still decide
which states can be reached; so structure is read from the logarithms, and matrices that are to keep every digit are
made of :mod:`babygpt.chain.wide` numbers where floats do not reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from babygpt.chain.wide import Wide
from babygpt.errors import ConvergenceError

# ln of the smallest float64 that has all its digits
RARE = float(np.log(np.finfo(np.float64).tiny))
MAX_WIDE = 1024

Dense = NDArray[np.float64] | Wide


@dataclass(frozen=True, eq=False)
class Arrows:
    """From each of N states each of V tokens leads to one state, if the arrow is there.

    Attributes
    ----------
    log_probs
        float64 (N, V): ln of each arrow's probability, −∞ for one that is not there.
    heads
        int64 (N, V): the state each leads to.
    """

    log_probs: NDArray[np.float64]
    heads: NDArray[np.int64]

    @property
    def n_states(self) -> int:
        """N."""
        return len(self.log_probs)

    @cached_property
    def there(self) -> NDArray[np.bool_]:
        """Bool (N, V): which arrows there are."""
        return np.asarray(self.log_probs > -np.inf)

    def graph(self) -> sparse.csr_array[np.float64, tuple[int, int]]:
        """Return the arrows that are there: sparse (N, N), the number of tokens that lead from one state to another."""
        return self._sparse(self.there, np.ones(self.heads.shape))

    def matrix(self, rows: NDArray[np.integer] | None = None) -> sparse.csr_array[np.float64, tuple[int, int]]:
        """Return P, or some rows of it, as floats without stored zeros: sparse (rows, N)."""
        probs = np.exp(self.log_probs if rows is None else self.log_probs[rows])
        return self._sparse(probs > 0, probs, rows)

    def rare(self, rows: NDArray[np.integer]) -> bool:
        """Return whether an arrow is there, from one of ``rows``, that a float64 cannot hold with all its digits."""
        logs = self.log_probs[rows]
        return bool(((logs > -np.inf) & (logs < RARE)).any())

    def among(self, rows: NDArray[np.integer], columns: NDArray[np.integer] | None = None) -> Dense:
        """Return the probabilities of going from each of ``rows`` to each of ``columns``, dense: (rows, columns).

        By default the columns are the rows. The numbers are wide if some of the rows' arrows are too rare for a float.

        Raises
        ------
        ConvergenceError
            Wide numbers would be needed for too many entries, or an arrow is too rare even for them.
        """
        columns = rows if columns is None else columns
        if not self.rare(rows):
            return np.asarray(self.matrix(rows)[:, columns].toarray())
        place = np.full(self.n_states, -1)
        place[columns] = np.arange(len(columns))
        P = Wide.of(np.zeros((len(rows), len(columns))))
        for token, probs in enumerate(self._wide(rows)):
            column = place[self.heads[rows, token]]
            at = np.flatnonzero(column >= 0)
            P[at, column[at]] = P[at, column[at]] + probs[at]
        return P

    def leaving(self, rows: NDArray[np.integer], stay: NDArray[np.bool_]) -> Dense:
        """Return how likely one step from each of ``rows`` leads out of the states ``stay`` (N,): (rows,)."""
        out = ~stay[self.heads[rows]]
        if not self.rare(rows):
            return np.asarray(np.where(out, np.exp(self.log_probs[rows]), 0.0).sum(axis=1))
        total = Wide.of(np.zeros(len(rows)))
        for token, probs in enumerate(self._wide(rows)):
            at = np.flatnonzero(out[:, token])
            total[at] = total[at] + probs[at]
        return total

    def _sparse(
        self, kept: NDArray[np.bool_], values: NDArray[np.float64], rows: NDArray[np.integer] | None = None
    ) -> sparse.csr_array[np.float64, tuple[int, int]]:
        indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
        heads = self.heads if rows is None else self.heads[rows]
        matrix = sparse.csr_array((values[kept], heads[kept], indptr), shape=(len(kept), self.n_states))
        matrix.sum_duplicates()
        return matrix

    def _wide(self, rows: NDArray[np.integer]) -> Iterator[Wide]:
        """Yield the probabilities of each token after ``rows``, one token after another: V times (rows,)."""
        if len(rows) > MAX_WIDE:
            raise ConvergenceError(
                f"Some arrows among {len(rows):,} states are too rare for a float64, and wider numbers are slow: the "
                f"limit is {MAX_WIDE:,} states. A higher temperature, or a decoding that drops such arrows, will do."
            )
        try:
            for token in range(self.heads.shape[1]):
                yield Wide.from_logs(self.log_probs[rows, token])
        except OverflowError:
            raise ConvergenceError(
                f"Some arrows have a probability of e^{self.log_probs[self.there].min():.3g}, below all numbers in use "
                "here. Take a higher temperature; or 0, which drops them."
            ) from None
