from __future__ import annotations

import numpy as np
import pytest

import babygpt as bg


@pytest.fixture(scope="session")
def chain_of():
    """Return a function that makes a chain over V numbers with context length K, short contexts included."""

    def make(V, K, seed=0):
        table = np.random.default_rng(seed).random((sum(V**k for k in range(1, K + 1)), V)) + 0.1
        table /= table.sum(axis=1, keepdims=True)
        return bg.MarkovChain.from_table(np.log(table), bg.Vocabulary.numbers(V))

    return make
