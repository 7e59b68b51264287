"""How many GPTs are trained side by side beside the one on the screen, what they take, and how their chains decode."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import count_states
from babygpt.chain.decoding import Decoding
from babygpt.gpt.config import GPTConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.room import COPIES
from babygpt.run.blocks import members_at_once

# GPTs of the article's size side by side: a step of all of them takes as long as a screen shows a frame.
TOGETHER = 32
# States that are read in one go: more would make others wait.
READ = 2**13
# Numbers that are decoded at a time.
CHUNK = 2**18


def together(config: GPTConfig, corpus: Corpus) -> int:
    """Return how many GPTs to train side by side, so that none of their turns takes long."""
    readable = max(1, READ // count_states(config.vocab_size, config.block_size))
    return min(TOGETHER, readable, members_at_once(config, len(corpus.contexts), TOGETHER))


def weights_together(config: GPTConfig, corpus: Corpus) -> int:
    """Return about how many bytes the weights and the optimizer's memory of these GPTs take."""
    return 4 * config.n_parameters * COPIES * together(config, corpus)


def decoded(probs: NDArray[np.float32], decoding: Decoding) -> NDArray[np.float32]:
    """Return what a decoding makes of probabilities (S, N, V)."""
    if decoding.is_neutral:
        return probs
    made = np.empty_like(probs)
    some = max(1, CHUNK // probs[0].size)
    with np.errstate(divide="ignore", invalid="ignore"):
        for at in range(0, len(probs), some):
            made[at : at + some] = np.exp(decoding.apply(np.log(probs[at : at + some], dtype=np.float64)))
    return made
