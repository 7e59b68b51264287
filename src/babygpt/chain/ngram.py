"""n-grams: the chains that counting alone gives.

The chain of *order* r takes the last r tokens for the whole context and gives each next token the share it has in the
data. Order 0 is the unigram, which looks at nothing; order K knows the data's contexts as well as a GPT of context
length K can. After a context the data does not have, the longest end of it that the data has stands in: it is *backed
off* to.

A sequence may end in a token that nothing ever follows. Then the data says nothing of what comes next, not even after
an end of the context, and what would stand in is the unigram. Whether that is meant, or that the state is *absorbing*,
never left, must be said.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import check_size, count_states, number_of
from babygpt.errors import SettingError
from babygpt.gpt.checks import check_choice, check_count
from babygpt.gpt.corpus import Corpus

# What is made of a state that the data has, at the end of a sequence, but that it never leaves.
NeverLeft = Literal["absorbing", "backoff"]


def ngram_table(corpus: Corpus, order: int | None = None, never_left: NeverLeft | None = None) -> NDArray[np.float64]:
    """Return the probabilities of the n-gram of an order after every context, short ones first: (n_short + N, V).

    ``never_left`` is as in :meth:`babygpt.MarkovChain.from_corpus`.

    Raises
    ------
    SettingError
        The order is negative or above the corpus' context length, or what follows a token that is never followed was
        not said.
    SizeError
        More states than fit.
    """
    V, K = len(corpus.vocabulary), corpus.context_length
    order = K if order is None else check_count("order", order, least=0)
    if order > K:
        raise SettingError(f"order={order} looks further back than the corpus, whose context_length is {K}.")
    if never_left is not None:
        check_choice("never_left", never_left, get_args(NeverLeft))
    check_size(V, K)
    counts = np.zeros((count_states(V, K), V))
    counts[corpus.states] = corpus.counts
    of_length = [counts]  # of contexts of 0, 1, … K tokens: the shorter ones forget the oldest token
    for _ in range(K):
        of_length.insert(0, of_length[0].reshape(V, -1, V).sum(axis=0))
    last, alone = _never_left(corpus, order, of_length, never_left)
    probs = of_length[0] / corpus.n_examples  # (1, V)
    rows = []
    for length in range(1, K + 1):
        backed_off = np.tile(probs, (V, 1))  # context w ends in the context w mod V^(length − 1)
        if length <= order:
            total = of_length[length].sum(axis=1, keepdims=True)
            backed_off = np.divide(of_length[length], total, out=backed_off, where=total > 0)
        probs = backed_off
        if length == 1:
            probs[last] = np.eye(V)[last]
        if length == order:
            probs[[number_of([token] * length, V) for token in alone]] = np.eye(V)[alone]
        rows.append(probs)
    return np.concatenate(rows)


def _never_left(
    corpus: Corpus, order: int, of_length: list[NDArray[np.float64]], never_left: NeverLeft | None
) -> tuple[list[int], list[int]]:
    """Return the tokens that repeat for ever once they come, and those that do when they came ``order`` times."""
    if order == 0 or never_left == "backoff":
        return [], []
    V, label = len(corpus.vocabulary), corpus.vocabulary.label
    ends = np.unique(corpus.never_left[:, -order:], axis=0)
    numbers = np.array([number_of(end, V) for end in ends.tolist()], dtype=np.int64)
    ends = ends[~of_length[order][numbers].any(axis=1)]
    followed = of_length[1][ends[:, -1]].any(axis=1)
    last = np.unique(ends[~followed, -1])
    if never_left is None:
        if len(last):
            raise SettingError(
                f"The data ends in {_some([label([token]) for token in last])}, and no example goes on from there, so "
                "what comes next is not known. Say what is meant: never_left='absorbing' stays there for ever, "
                "never_left='backoff' takes the shares of all tokens, wherever they occur."
            )
        return [], []
    others = ends[followed]
    constant = (others == others[:, :1]).all(axis=1)
    if not constant.all():
        raise SettingError(
            f"A state of {order} tokens can stay only where all are alike, and the data ends in "
            f"{_some([label(end) for end in others[~constant]])}, where any next token leads elsewhere. Use "
            "never_left='backoff', which takes what follows the longest end of it that the data goes on from."
        )
    return last.tolist(), others[constant, 0].tolist()


def _some(labels: list[str]) -> str:
    return ", ".join(map(repr, labels[:5])) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
