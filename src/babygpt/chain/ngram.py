"""n-grams: the chains that counting alone gives.

The chain of *order* r takes the last r tokens for the whole context and gives each next token the share it has in the
data. Order 0 is the unigram, which looks at nothing; order K knows the data's contexts as well as a GPT of context
length K can. After a context the data does not have, the longest end of it that the data has stands in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import check_size, count_states
from babygpt.errors import SettingError
from babygpt.gpt.checks import check_count
from babygpt.gpt.corpus import Corpus


def ngram_table(corpus: Corpus, order: int | None = None) -> NDArray[np.float64]:
    """Return the probabilities of the n-gram of an order after every context, short ones first: (n_short + N, V).

    Raises
    ------
    SettingError
        The order is negative or above the corpus' context length.
    SizeError
        More states than fit.
    """
    V, K = len(corpus.vocabulary), corpus.context_length
    order = K if order is None else check_count("order", order, least=0)
    if order > K:
        raise SettingError(f"order={order} looks further back than the corpus, whose context_length is {K}.")
    check_size(V, K)
    counts = np.zeros((count_states(V, K), V))
    counts[corpus.states] = corpus.counts
    of_length = [counts]  # of contexts of 0, 1, … K tokens: the shorter ones forget the oldest token
    for _ in range(K):
        of_length.insert(0, of_length[0].reshape(V, -1, V).sum(axis=0))
    probs = of_length[0] / corpus.n_examples  # (1, V)
    rows = []
    for length in range(1, K + 1):
        backed_off = np.tile(probs, (V, 1))  # context w ends in the context w mod V^(length − 1)
        if length <= order:
            total = of_length[length].sum(axis=1, keepdims=True)
            backed_off = np.divide(of_length[length], total, out=backed_off, where=total > 0)
        probs = backed_off
        rows.append(probs)
    return np.concatenate(rows)
