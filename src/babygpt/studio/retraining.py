"""GPTs that are trained beside the one on the screen, from other seeds or on other texts, a step at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import count_short, count_states
from babygpt.chain.decoding import decode
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.fast.stacked import StackedTrainer, draw
from babygpt.gpt.room import COPIES
from babygpt.run.members import members_at_once, read_tables
from babygpt.studio.links import Decoding

# GPTs of the article's size side by side: a step of all of them takes as long as a screen shows a frame.
TOGETHER = 32
# States that are read in one go: more would make others wait.
READ = 2**13
# Numbers that are bent at a time.
CHUNK = 2**18


def together(config: GPTConfig, corpus: Corpus, most: int = TOGETHER) -> int:
    """Return how many GPTs to train side by side, ``most`` at most, so that none of their turns takes long."""
    readable = max(1, READ // count_states(config.vocab_size, config.block_size))
    return min(most, TOGETHER, readable, members_at_once(config, len(corpus.contexts), TOGETHER))


def weights_together(config: GPTConfig, corpus: Corpus) -> int:
    """Return about how many bytes the weights and the optimizer's memory of these GPTs take."""
    return 4 * config.n_parameters * COPIES * together(config, corpus)


def bent(probs: NDArray[np.float32], decoding: Decoding) -> NDArray[np.float32]:
    """Return what a decoding makes of probabilities (S, N, V)."""
    if decoding == Decoding():
        return probs
    made = np.empty_like(probs)
    some = max(1, CHUNK // probs[0].size)
    with np.errstate(divide="ignore", invalid="ignore"):
        for at in range(0, len(probs), some):
            made[at : at + some] = np.exp(decode(np.log(probs[at : at + some], dtype=np.float64), **asdict(decoding)))
    return made


class Retraining:
    """S GPTs trained side by side, a step at a time, and the chains of all of them at F steps.

    Parameters
    ----------
    corpus
        What all read, or S corpora, one for each.
    seeds
        S seeds.
    config, train_config
        The GPTs' shape; how to train them.
    steps
        The F steps whose chains are wanted, in order. With the last one the training is done.
    probs
        float32 (F, S, N, V): where the chains are written; NaN where a GPT's loss was no longer a number.

    Attributes
    ----------
    n_read
        How many of the F steps are written so far.
    """

    def __init__(
        self,
        corpus: Corpus | Sequence[Corpus],
        seeds: Sequence[int],
        config: GPTConfig,
        train_config: TrainConfig,
        steps: Sequence[int],
        probs: NDArray[np.float32],
    ) -> None:
        self.n_read = 0
        self._config, self._steps, self._probs = config, steps, probs
        self._trainer = StackedTrainer(draw(config, seeds), seeds, config, corpus, train_config)
        V, K = config.vocab_size, config.block_size
        self._finite = np.ones(len(seeds), dtype=bool)
        self._table = np.empty((len(seeds), count_short(V, K) + count_states(V, K), V))

    @property
    def done(self) -> bool:
        """Whether all is read."""
        return self.n_read == len(self._steps)

    def advance(self, until: float) -> None:
        """Train and read until that time of :func:`time.perf_counter`, a step at least."""
        while not self.done:
            if self._trainer.steps_done < self._steps[self.n_read]:
                self._finite &= np.isfinite(self._trainer.step().numpy())
            else:
                read_tables(self._trainer.weights, self._config, self._table, threads=1)
                self._probs[self.n_read] = np.exp(self._table[:, -self._probs.shape[2] :])
                self._probs[self.n_read, ~self._finite] = np.nan
                self.n_read += 1
            if time.perf_counter() >= until:
                return
