"""Where a distribution over contexts flows to as one token passes.

The state (a, w), a token a before K − 1 tokens w, goes to (w, t) with probability P(t | a, w). So what arrives at
(w, t) is the sum over a of what was at (a, w), times that probability: a sum over the oldest token, no matrix of N².
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Of so few symbols each token's probabilities lie together, so that operations run along the states; of more, the
# probabilities of a state do.
FEW = 4
# States of one oldest token that are looked at together: what is between two operations stays in the cache.
BLOCK = 2**15


class Flow:
    """One token's passing, from the probabilities (N, V) of every context.

    >>> flow = Flow(np.array([[0.9, 0.1], [0.5, 0.5]]))
    >>> flow(np.array([0.5, 0.5]), np.empty(2)).tolist()
    [0.7, 0.3]
    """

    def __init__(self, probs: NDArray[np.float64]) -> None:
        N, V = probs.shape
        by_oldest = probs.reshape(V, N // V, V)
        self._few = V <= FEW
        self._probs = np.ascontiguousarray(by_oldest.transpose(2, 0, 1)) if self._few else by_oldest

    def __call__(self, distribution: NDArray[np.float64], out: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distribution (N,) one token later, in ``out`` (N,), which is another array."""
        if self._few:
            self._token_by_token(distribution, out)
        else:
            V, W, _ = self._probs.shape
            np.einsum("aw,awt->wt", distribution.reshape(V, W), self._probs, out=out.reshape(W, V))
        return out

    def _token_by_token(self, distribution: NDArray[np.float64], moved: NDArray[np.float64]) -> None:
        V, _, W = self._probs.shape  # next token, oldest token, the tokens between
        before, after = distribution.reshape(V, W), moved.reshape(W, V)
        room = np.empty((2, min(W, BLOCK)))
        for start in range(0, W, BLOCK):
            block = slice(start, min(start + BLOCK, W))
            total, term = room[:, : block.stop - start]
            for token, probs in enumerate(self._probs[..., block]):
                np.multiply(before[0, block], probs[0], out=total)
                for a in range(1, V):
                    total += np.multiply(before[a, block], probs[a], out=term)
                after[block, token] = total
