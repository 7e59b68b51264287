"""Texts: how likely a text is, token by token.

The *surprisal* of a token is −ln of its probability given what came before; a text's log-probability is minus
their sum, its *perplexity* e to their mean. A GPT has no opinion about a first token, which nothing precedes, so
a text is scored from its second token on (from token K + 1 if the chain knows no short contexts), or from its first
if it is given what came before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.table import ContextTable
from babygpt.errors import ContextError
from babygpt.gpt.counting import window_numbers

if TYPE_CHECKING:
    from babygpt.gpt.vocabulary import Context


def surprisal(chain: ContextTable, text: Context, given: Context = "") -> NDArray[np.float64]:
    """Return the surprisal of each token of ``text`` in nats (L,); NaN where nothing the chain knows precedes it.

    Raises
    ------
    ContextError
        No token of the text has a context.
    """
    K, V = chain.context_length, len(chain.vocabulary)
    before, tokens = chain.vocabulary.tokens_of(given), chain.vocabulary.tokens_of(text)
    whole = np.concatenate([before, tokens])
    result = np.full(len(whole), np.nan)
    if chain.short_log_probs is not None:
        for length in range(1, min(K, len(whole))):
            result[length] = -chain.row(whole[:length].tolist())[whole[length]]
    if len(whole) > K:
        states = window_numbers(whole[:-1], K, V)
        result[K:] = -chain.log_probs[states, whole[K:]]
    result = result[len(before) :] + 0.0
    if not len(result) or np.isnan(result).all():
        raise ContextError(
            f"{text!r} has {len(tokens)} token{'s' * (len(tokens) != 1)}, none with a context to be scored in. Give a "
            "longer text, or also what came before it."
        )
    return result


def log_probability(chain: ContextTable, text: Context, given: Context = "") -> float:
    """Return ln of the probability of the text's scored tokens, given those before."""
    return float(-np.nansum(surprisal(chain, text, given))) + 0.0


def perplexity(chain: ContextTable, text: Context, given: Context = "") -> float:
    """Return e to the mean surprisal of the text's scored tokens: 1 is certainty, V is guessing."""
    with np.errstate(over="ignore"):
        return float(np.exp(np.nanmean(surprisal(chain, text, given))))
