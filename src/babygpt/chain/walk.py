"""Walking: flip the biased coin at a state, move along the arrow, repeat.

That is all that sampling from a GPT is. A walk may begin in a short context, which grows to K tokens, or in a
prompt of more than K, of which the chain sees the last K.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import number_of
from babygpt.chain.table import ContextTable
from babygpt.errors import ContextError
from babygpt.gpt.checks import check_count, check_seed
from babygpt.gpt.room import check_memory, in_digits
from babygpt.gpt.vocabulary import Context, Vocabulary

# Bytes of a token drawn: its number, its probability, and the chance it was drawn by.
WALK_BYTES = 64
# States whose sums are kept during a walk.
MAX_DICE = 2**18


@dataclass(frozen=True, eq=False)
class Walk:
    """A walk of n tokens.

    Attributes
    ----------
    vocabulary
        The chain's.
    context_length
        K, the chain's.
    start
        The context in which it began, as at most K tokens.
    tokens
        int64 (n,): the tokens drawn.
    probs
        float64 (n,): how likely each was when it was drawn.
    """

    vocabulary: Vocabulary
    context_length: int
    start: tuple[int, ...]
    tokens: NDArray[np.int64]
    probs: NDArray[np.float64]

    @property
    def text(self) -> str:
        """The tokens drawn, as a text."""
        return self.vocabulary.decode(self.tokens)

    @cached_property
    def contexts(self) -> tuple[tuple[int, ...], ...]:
        """The n + 1 contexts visited, as tuples of tokens; the first is where the walk began."""
        whole, K = (*self.start, *self.tokens.tolist()), self.context_length
        ends = range(len(self.start), len(whole) + 1)
        return tuple(whole[max(0, end - K) : end] for end in ends)


class Die:
    """What falls on the tokens of one context, laid side by side by probability (V,)."""

    def __init__(self, probs: NDArray[np.float64]) -> None:
        self.probs: list[float] = probs.tolist()
        self._sums: list[float] = np.cumsum(probs).tolist()

    def draw(self, u: float) -> int:
        """Return the token that a number ``u`` from [0, 1) falls on."""
        # min: the probabilities may sum to a hair below 1, and u may lie in that hair
        token = min(bisect_right(self._sums, u), len(self._sums) - 1)
        while self.probs[token] == 0.0:  # never along an arrow that is not there
            token -= 1
        return token


def draw(probs: NDArray[np.float64], u: float) -> int:
    """Return the token that a number ``u`` from [0, 1) falls on, the tokens laid side by side by probability (V,)."""
    return Die(probs).draw(u)


def walk(chain: ContextTable, start: Context, n_tokens: int, seed: int) -> Walk:
    """Return a walk of ``n_tokens`` from the prompt ``start``; the same seed gives the same walk."""
    check_count("n_tokens", n_tokens, least=0)
    check_memory(WALK_BYTES * n_tokens, f"A walk of {in_digits(n_tokens)} tokens", "Walk in parts.")
    check_seed(seed)
    prompt = chain.vocabulary.tokens_of(start)
    if len(prompt) == 0:
        raise ContextError("The prompt is empty; a walk starts from at least 1 token.")
    V, K = len(chain.vocabulary), chain.context_length
    begun = tuple(int(t) for t in prompt[-K:])
    context, state = begun, number_of(begun, V)
    dice: dict[int, Die] = {}  # of the states visited
    tokens, probs = np.empty(n_tokens, dtype=np.int64), np.empty(n_tokens)
    for i, u in enumerate(np.random.default_rng(seed).random(n_tokens).tolist()):
        if len(context) < K:  # it grows: no context comes twice
            die = Die(np.exp(chain.row(context)))
        elif (known := dice.get(state)) is None:
            if len(dice) >= MAX_DICE:
                dice.clear()
            die = dice[state] = Die(np.exp(chain.log_probs[state]))
        else:
            die = known
        token = die.draw(u)
        tokens[i], probs[i] = token, die.probs[token]
        if len(context) < K:
            context = (*context, token)
            state = number_of(context, V)
        else:
            state = state % V ** (K - 1) * V + token
    return Walk(chain.vocabulary, K, begun, tokens, probs)
