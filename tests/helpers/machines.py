"""Sources at random, for tests to hold true of."""

from __future__ import annotations

import numpy as np

from babygpt.gpt.vocabulary import Vocabulary
from babygpt.lab.hidden_markov import Source


def random_source(V, S, seed, sparse=False):
    """Return a source with random arrows; with ``sparse`` half of them are missing, but none of a ring."""
    rng = np.random.default_rng(seed)
    T = rng.random((V, S, S)) ** 3
    if sparse:
        T *= rng.random((V, S, S)) < 0.5
        T[0, np.arange(S), (np.arange(S) + 1) % S] += 0.1
    return Source(T / T.sum(axis=(0, 2))[:, None], Vocabulary("abcd"[:V]))
