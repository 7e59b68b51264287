"""Many trainings at once: each member has its seed, and may have data of its own.

GPTs of the article's size are trained many at a time (:mod:`babygpt.gpt.fast.stacked`), in blocks
(:mod:`babygpt.run.blocks`) that go to as many threads as torch may use; a block is trained to its end before the next
begins, so that memory is bounded by the threads, not by the members. Each GPT is the one that a run with its seed, on
its data, trains alone, within rounding. Who shares a block does not depend on the threads: on any number of them the
results are the same, to the last bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from threading import Event
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from babygpt.chain.contexts import count_short, count_states
from babygpt.chain.extract import FORWARD_TOKENS, context_table
from babygpt.gpt.answers import log_softmax
from babygpt.gpt.checks import check_count
from babygpt.gpt.compute import Job, side_by_side, threads_for
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.fast.stacked import StackedTrainer, Weights, as_modules, draw, logits_of_all
from babygpt.gpt.model import seeded_gpt
from babygpt.run.blocks import blocks_of, check_kept, check_many, contexts_read, members_at_once

Progress = Callable[[int, int], object]
Kept = Literal["losses", "tables", "probs", "weights"]

# Seconds after which a thread tells how far it is.
PIECE = 0.2


@dataclass(frozen=True, eq=False)
class Trained:
    """What trainings side by side left behind, or have so far: S members, F recorded steps. What is not kept is empty.

    Attributes
    ----------
    losses
        float64 (S, steps), nats per token: ``losses[:, i]`` are the losses before update i + 1, NaN until known.
    tables
        float64 (S, F, n_short + N, V): log-probabilities after every context, short ones first. NaN where a GPT's
        loss was no longer a number.
    probs
        float32 (S, F, N, V): the probabilities after every state; NaN likewise.
    weights
        The trained parameters by name, float32 (S, …).
    """

    losses: NDArray[np.float64]
    tables: NDArray[np.float64]
    probs: NDArray[np.float32]
    weights: dict[str, NDArray[np.float32]]


class Trainings:
    """S trainings side by side, which go on a piece at a time.

    Parameters
    ----------
    corpus, seeds, config, train_config, recorded
        As for :func:`train_many`.
    keep
        What is kept of them. If it is neither losses nor weights, a training ends with the last recorded step.
    blocks
        Who is trained together: ranges of members, one after another; by default as :mod:`babygpt.run.blocks` has it.

    Attributes
    ----------
    blocks
        The same.
    results
        What is known so far.
    n_read
        int64 (S,): how many of each member's recorded steps are in the results.

    >>> corpus = Corpus.from_text("0101", context_length=1)
    >>> trainings = Trainings(corpus, [0, 1, 2], GPTConfig(1, 2), TrainConfig(steps=20), [0, 20])
    >>> trainings.advance(until=time.perf_counter())  # one piece: untrained chains are read
    >>> trainings.n_read.tolist(), trainings.done
    ([1, 1, 1], False)
    >>> trainings.advance()
    >>> trainings.n_read.tolist(), trainings.done
    ([2, 2, 2], True)
    """

    def __init__(
        self,
        corpus: Corpus | Sequence[Corpus],
        seeds: Sequence[int],
        config: GPTConfig,
        train_config: TrainConfig,
        recorded: Sequence[int],
        keep: Collection[Kept] = ("losses", "tables", "weights"),
        blocks: Sequence[range] | None = None,
    ) -> None:
        V, K, S, F = config.vocab_size, config.block_size, len(seeds), len(recorded)
        N, rows = count_states(V, K), count_short(V, K) + count_states(V, K)
        self._corpus, self._seeds, self._config, self._train_config = corpus, seeds, config, train_config
        self._frames = {step: frame for frame, step in enumerate(recorded)}
        self._last = train_config.steps if "losses" in keep or "weights" in keep else max(recorded)
        shapes = config.parameter_shapes if "weights" in keep else {}
        self.results = Trained(
            np.full((S, self._last if "losses" in keep else 0), np.nan),
            np.empty((S, F, rows if "tables" in keep else 0, V)),
            np.empty((S, F, N if "probs" in keep else 0, V), dtype=np.float32),
            {name: np.empty((S, *shape), dtype=np.float32) for name, shape in shapes.items()},
        )
        if blocks is None:
            n_contexts = contexts_read(corpus, train_config.device)
            blocks = blocks_of(S, members_at_once(config, n_contexts, S, train_config.device))
        self.blocks = blocks
        self.n_read = np.zeros(S, dtype=np.int64)
        self._finite, self._done = np.ones(S, dtype=bool), np.zeros(S, dtype=bool)
        self._pieces = chain.from_iterable(map(self.pieces, self.blocks))

    @property
    def done(self) -> bool:
        """Whether all are trained to the end."""
        return bool(self._done.all())

    def advance(self, until: float = math.inf) -> None:
        """Train and read until that time of :func:`time.perf_counter`, one piece at least, one block after another."""
        for _ in self._pieces:
            if time.perf_counter() >= until:
                return

    def pieces(self, block: range, threads: int = 1) -> Iterator[int]:
        """Train the GPTs of a block from the first step to the last, and write what is kept of them into the results.

        After each piece, a step of all of them or the reading of their chains, it yields how many steps were done.
        ``threads`` are for the reading.
        """
        part, last = slice(block.start, block.stop), self._last
        seeds, results = self._seeds[part], self.results
        corpus = self._corpus if isinstance(self._corpus, Corpus) else self._corpus[part]
        first = draw(self._config, seeds, self._train_config.device)
        trainer = StackedTrainer(first, seeds, self._config, corpus, self._train_config)
        for step in range(last + 1):
            if step in self._frames:
                self._read(trainer.weights, part, self._frames[step], threads)
                self.n_read[part] += 1
                if step < last:
                    yield 0
            if step < last:
                losses = trainer.step().cpu().numpy()
                self._finite[part] &= np.isfinite(losses)
                if results.losses.size:
                    results.losses[part, step] = losses
                yield len(block)
        trained = as_modules(trainer.weights)
        for name, kept in results.weights.items():
            kept[part] = trained[name].detach().cpu()
        self._done[part] = True
        yield 0

    def _read(self, weights: Weights, part: slice, frame: int, threads: int) -> None:
        table, probs = self.results.tables[part, frame], self.results.probs[part, frame]
        if not table.size:
            V, K = self._config.vocab_size, self._config.block_size
            table = np.empty((len(table), count_short(V, K) + count_states(V, K), V))
        read_tables(weights, self._config, table, threads)
        if probs.size:
            probs[:] = np.exp(table[:, -probs.shape[1] :])
            probs[~self._finite[part]] = np.nan


def train_many(
    corpus: Corpus | Sequence[Corpus],
    seeds: Sequence[int],
    config: GPTConfig,
    train_config: TrainConfig,
    recorded: Sequence[int],
    threads: int | None = None,
    progress: Progress | None = None,
    keep_weights: bool = True,
) -> Trained:
    """Train a GPT from each of S seeds.

    Parameters
    ----------
    corpus
        What all read, or S corpora, one for each; of the context length and the vocabulary size of ``config``.
    seeds
        S seeds; where the data differs, one may occur often.
    config, train_config
        The GPTs' shape; how to train them (``train_config.seed`` is not looked at).
    recorded
        The steps whose chains are kept, in order; 0 is untrained.
    threads
        CPU threads at work; by default as many as torch has.
    progress
        Called now and then as ``progress(steps_done, steps)``, summed over the members, on the caller's thread. What it
        raises ends the training.
    keep_weights
        Whether the trained parameters are kept; they are most of what small chains leave behind.

    Raises
    ------
    SettingError
        ``threads`` is no whole number above 0.
    SizeError
        The chains of all members, and their weights, would not fit into memory, or their training would take years.

    >>> texts = [Corpus.from_text(text, context_length=1) for text in ("0101", "0011")]
    >>> trained = train_many(texts, [1337, 1337], GPTConfig(1, 2), TrainConfig(steps=20), [20])
    >>> np.exp(trained.tables[:, 0, 0, 1]).round(1).tolist()  # P(1 after 0): always so, and one time in two
    [0.6, 0.5]
    """
    threads = torch.get_num_threads() if threads is None else check_count("threads", threads)
    n_contexts = contexts_read(corpus, train_config.device)
    check_many(config, train_config, n_contexts, 1)  # if one does not fit, the others are not to blame
    check_kept(config, len(seeds), len(recorded), keep_weights)
    check_many(config, train_config, n_contexts, len(seeds), threads)
    keep: list[Kept] = ["losses", "tables", "weights"] if keep_weights else ["losses", "tables"]
    trainings = Trainings(corpus, seeds, config, train_config, recorded, keep)
    waiting, stopped = iter(trainings.blocks), Event()

    def work(pieces: Iterator[int]) -> tuple[int, list[Job]]:
        """Go on with a thread's blocks for a while, and with what is left of them in a job that comes after."""
        until, count = time.perf_counter() + PIECE, 0
        for steps in pieces:
            count += steps
            if stopped.is_set():
                break
            if time.perf_counter() >= until:
                return count, [partial(work, pieces)]
        return count, []

    # a block goes to whichever thread is free for one, and is trained to its end before that thread begins another
    side = min(threads, len(trainings.blocks)) if train_config.device == "cpu" else 1
    jobs = [
        partial(work, chain.from_iterable(trainings.pieces(block, threads) for block in waiting)) for _ in range(side)
    ]
    finished, total = 0, len(seeds) * train_config.steps
    if progress is not None:
        progress(0, total)
    with threads_for(0), closing(side_by_side("train", side, jobs, stopped)) as counts:
        for count in counts:
            finished += count
            if progress is not None:
                progress(finished, total)
    return trainings.results


@torch.no_grad()
def read_tables(stacked: Weights, config: GPTConfig, out: NDArray[np.float64], threads: int | None = None) -> None:
    """Write the log-probabilities of S stacked GPTs after every context, short ones first, to (S, n_short + N, V).

    ``threads`` are as in :func:`babygpt.chain.extract.context_table`.
    """
    V, K = config.vocab_size, config.block_size
    if K * count_states(V, K) <= FORWARD_TOKENS:
        out[:] = log_softmax(logits_of_all(stacked, config).cpu().double().numpy())
        return
    gpt = seeded_gpt(config, 0).to(stacked["wte.weight"].device)
    weights = as_modules(stacked)
    for place, table in enumerate(out):
        for name, parameter in gpt.named_parameters():
            parameter.copy_(weights[name][place])
        context_table(gpt, out=table, threads=threads)
