"""Many trainings at once: each member has its seed, and may have data of its own.

GPTs of the article's size are trained many at a time (:mod:`babygpt.gpt.fast.stacked`), in blocks that fit the cache
and go to as many threads as torch may use; a block is trained to its end before the next begins, so that memory is
bounded by the threads, not by the members. Each GPT is the one that a run with its seed, on its data, trains alone,
within rounding. Who shares a block does not depend on the threads: on any number of them the results are the same, to
the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from threading import Event

import numpy as np
import torch
from numpy.typing import NDArray

from babygpt.chain.contexts import check_size, count_short, count_states, human_bytes
from babygpt.chain.extract import FORWARD_TOKENS, context_table
from babygpt.errors import SizeError
from babygpt.gpt.answers import log_softmax
from babygpt.gpt.checks import check_count
from babygpt.gpt.compute import Job, side_by_side, threads_for
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.fast.stacked import StackedTrainer, Weights, as_modules, draw, logits_of_all
from babygpt.gpt.model import seeded_gpt
from babygpt.gpt.room import check_training, free_memory, in_digits, per_token, step_bytes, training_bytes

Progress = Callable[[int, int], object]

# Numbers that a block of GPTs keeps at hand, weights, AdamW's memory and activations: 64 MiB.
BLOCK_NUMBERS = 2**24
MAX_BLOCK = 256
# There are at least so many blocks, for the threads to share, unless they became too small: a block of 64 takes a
# quarter more time for each GPT than one of 128, which takes no more than one of 206.
BLOCKS = 8
LEAST_BLOCK = 96


@dataclass(frozen=True, eq=False)
class Members:
    """What trainings side by side left behind: S members, F recorded steps.

    Attributes
    ----------
    losses
        float64 (S, steps), nats per token: ``losses[:, i]`` are the losses before update i + 1.
    tables
        float64 (S, F, n_short + N, V): log-probabilities after every context, short ones first. NaN where a GPT's
        loss was no longer a number.
    weights
        The trained parameters by name, float32 (S, …); none if they were not to be kept.
    """

    losses: NDArray[np.float64]
    tables: NDArray[np.float64]
    weights: dict[str, NDArray[np.float32]]


def train_members(
    corpus: Corpus | Sequence[Corpus],
    seeds: Sequence[int],
    config: GPTConfig,
    train_config: TrainConfig,
    recorded: Sequence[int],
    threads: int | None = None,
    progress: Progress | None = None,
    keep_weights: bool = True,
) -> Members:
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
    >>> members = train_members(texts, [1337, 1337], GPTConfig(1, 2), TrainConfig(steps=20), [20])
    >>> np.exp(members.tables[:, 0, 0, 1]).round(1).tolist()  # P(1 after 0): always so, and one time in two
    [0.6, 0.5]
    """
    threads = torch.get_num_threads() if threads is None else check_count("threads", threads)
    n_contexts = max(len(one.contexts) for one in ([corpus] if isinstance(corpus, Corpus) else corpus))
    check_many(config, train_config, n_contexts, 1)  # if one does not fit, the others are not to blame
    check_members(config, len(seeds), len(recorded), keep_weights)
    check_many(config, train_config, n_contexts, len(seeds), threads)
    V, K = config.vocab_size, config.block_size
    rows = count_short(V, K) + count_states(V, K)
    tables = np.empty((len(seeds), len(recorded), rows, V))
    losses = np.empty((len(seeds), train_config.steps))
    shapes = config.parameter_shapes if keep_weights else {}
    weights = {name: np.empty((len(seeds), *shape), dtype=np.float32) for name, shape in shapes.items()}
    size = members_at_once(config, n_contexts, len(seeds))
    blocks = [range(start, min(start + size, len(seeds))) for start in range(0, len(seeds), size)]
    frame_of = {step: frame for frame, step in enumerate(recorded)}
    stopped = Event()

    def work(block: range) -> tuple[int, list[Job]]:
        """Train the GPTs of a block to the end and write what is asked for of them into the arrays."""
        part = slice(block.start, block.stop)
        first = draw(config, seeds[part], train_config.device)
        data = corpus if isinstance(corpus, Corpus) else corpus[part]
        trainer = StackedTrainer(first, seeds[part], config, data, train_config)
        for step in range(train_config.steps + 1):
            if stopped.is_set():
                return 0, []
            if step in frame_of:
                read_tables(trainer.weights, config, tables[part, frame_of[step]], threads)
            if step < train_config.steps:
                losses[part, step] = trainer.step().cpu()
        trained = as_modules(trainer.weights)
        for name, kept in weights.items():
            kept[part] = trained[name].detach().cpu()
        return len(block) * train_config.steps, []

    side = threads if train_config.device == "cpu" else 1
    jobs = [partial(work, block) for block in blocks]
    finished = 0
    if progress is not None:
        progress(0, len(seeds) * train_config.steps)
    with threads_for(0), closing(side_by_side("train", side, jobs, stopped)) as counts:
        for count in counts:
            finished += count
            if progress is not None:
                progress(finished, len(seeds) * train_config.steps)
    return Members(losses, tables, weights)


def check_members(config: GPTConfig, n_members: int, n_frames: int, keep_weights: bool = True) -> None:
    """Raise :class:`SizeError` if what many GPTs leave behind, chains and weights, does not fit into memory."""
    V, K = config.vocab_size, config.block_size
    check_size(V, K)
    chain, weights = 8 * (count_short(V, K) + count_states(V, K)) * V, 4 * config.n_parameters * keep_weights
    chains, free = n_frames * chain, free_memory()
    if n_members * (chains + weights) <= free:
        return
    fits = free // (chains + weights)
    if weights > chains:
        smaller = f"a smaller width than n_embd={config.n_embd}"
    elif n_frames > 1 and chain + weights <= free:
        smaller = "fewer recorded steps"
    else:
        smaller = f"a shorter context than context_length={K}"
    raise SizeError(
        f"{in_digits(n_members)} GPT{'s' * (n_members > 1)} would take {human_bytes(n_members * chains)} for chains at "
        f"{in_digits(n_frames)} step{'s' * (n_frames > 1)}"
        + (f" and {human_bytes(n_members * weights)} for weights" if weights else "")
        + f"; {human_bytes(free)} of memory are free. "
        + (f"There is room for {fits:,}: try fewer seeds or {smaller}." if fits else f"Try {smaller}.")
    )


def check_many(config: GPTConfig, train_config: TrainConfig, n_contexts: int, n_members: int, threads: int = 1) -> None:
    """Raise :class:`SizeError` if to train many GPTs takes more memory than is free, or years.

    Each reads ``n_contexts`` contexts a step.
    """

    def need(config: GPTConfig, how: TrainConfig) -> int:
        at_once = min(n_members, threads * members_at_once(config, n_contexts, n_members))
        return at_once * (training_bytes(config) + step_bytes(config, how, n_contexts)) + 8 * n_members * how.steps

    check_training(config, train_config, need, n_contexts, n_members)


def members_at_once(config: GPTConfig, n_contexts: int, n_members: int) -> int:
    """Return how many of S members are trained together, to stay within the cache and to leave no thread without.

    Each reads ``n_contexts`` contexts a step. The threads themselves do not count: what a GPT computes may depend, in
    its last bit, on those beside it.
    """
    each = 4 * config.n_parameters + n_contexts * config.block_size * per_token(config)
    most = max(1, min(MAX_BLOCK, BLOCK_NUMBERS // each))
    blocks = max(-(-n_members // most), min(BLOCKS, n_members // LEAST_BLOCK))
    return -(-n_members // max(1, blocks))


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
