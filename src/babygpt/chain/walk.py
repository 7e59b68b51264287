"""Walking: flip the biased coin at a state, move along the arrow, repeat.

That is all that sampling from a GPT is. A walk may begin in a short context, which grows to K tokens, or in a
prompt of more than K, of which the chain sees the last K.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import ContextError
from babygpt.gpt.checks import check_count, check_seed
from babygpt.gpt.vocabulary import Context, Vocabulary

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain


@dataclass(frozen=True, eq=False)
class Walk:
    """A walk of n tokens.

    Attributes
    ----------
    vocabulary
        The chain's.
    contexts
        The n + 1 contexts visited, as tuples of tokens; the first is where the walk began.
    tokens
        int64 (n,): the tokens drawn.
    probs
        float64 (n,): how likely each was when it was drawn.
    """

    vocabulary: Vocabulary
    contexts: tuple[tuple[int, ...], ...]
    tokens: NDArray[np.int64]
    probs: NDArray[np.float64]

    @property
    def text(self) -> str:
        """The tokens drawn, as a text."""
        return self.vocabulary.decode(self.tokens)


def draw(probs: NDArray[np.float64], u: float) -> int:
    """Return the token that a number ``u`` from [0, 1) falls on, the tokens laid side by side by probability (V,)."""
    # min: the probabilities may sum to a hair below 1, and u may lie in that hair
    token = min(int(np.searchsorted(np.cumsum(probs), u, side="right")), len(probs) - 1)
    while probs[token] == 0.0:  # never along an arrow that is not there
        token -= 1
    return token


def walk(chain: MarkovChain, start: Context, n_tokens: int, seed: int) -> Walk:
    """Return a walk of ``n_tokens`` from the prompt ``start``; the same seed gives the same walk."""
    check_count("tokens", n_tokens, least=0)
    check_seed(seed)
    prompt = chain.vocabulary.tokens_of(start)
    if len(prompt) == 0:
        raise ContextError("The prompt is empty; a walk starts from at least 1 token.")
    K = chain.context_length
    context = tuple(int(t) for t in prompt[-K:])
    contexts, tokens, probs = [context], [], []
    for u in np.random.default_rng(seed).random(n_tokens):
        row = np.exp(chain.row(context))
        token = draw(row, u)
        context = (*context, token)[-K:]
        contexts.append(context)
        tokens.append(token)
        probs.append(float(row[token]))
    return Walk(chain.vocabulary, tuple(contexts), np.array(tokens, dtype=np.int64), np.array(probs))
