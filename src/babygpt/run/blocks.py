"""Blocks: which of many GPTs are trained together, and what memory that takes.

On a CPU a block fits the cache, and there are enough of them for the threads. An accelerator is told each operation
anew for every block and does not notice how many GPTs it is for, so there a block is as large as memory allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from babygpt.chain.contexts import check_size, count_short, count_states, human_bytes
from babygpt.chain.extract import FORWARD_TOKENS
from babygpt.errors import SizeError
from babygpt.gpt.compute import free_on
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.room import check_training, free_memory, in_digits, per_token, step_bytes, training_bytes

# Numbers that a block of GPTs keeps at hand, weights, AdamW's memory and activations: 64 MiB.
BLOCK_NUMBERS = 2**24
MAX_BLOCK = 256
# There are at least so many blocks, for the threads to share, unless they became too small: a block of 64 takes a
# quarter more time for each GPT than one of 128, which takes no more than one of 206.
BLOCKS = 8
LEAST_BLOCK = 96
# The same numbers on an accelerator, 1 GiB, if so many bytes for each are free there: gradients and what an operation
# needs on its way come on top.
ACCELERATOR_NUMBERS = 2**28
BYTES_FREE = 8


def members_at_once(config: GPTConfig, n_contexts: int, n_members: int, device: str = "cpu") -> int:
    """Return how many of S members are trained together, in blocks as equal as can be.

    Each reads ``n_contexts`` contexts a step. On a CPU a block stays within the cache and leaves no thread without one;
    the threads themselves do not count: what a GPT computes may depend, in its last bit, on those beside it.
    """
    each = 4 * config.n_parameters + n_contexts * config.block_size * per_token(config)
    if device == "cpu":
        most = min(MAX_BLOCK, BLOCK_NUMBERS // each)
        least = min(BLOCKS, n_members // LEAST_BLOCK)
    else:
        numbers = min(ACCELERATOR_NUMBERS, free_on(device) // BYTES_FREE)
        most, least = numbers // max(each, _reading(config)), 1
    blocks = max(-(-n_members // max(1, most)), least, 1)
    return -(-n_members // blocks)


def _reading(config: GPTConfig) -> int:
    """Return how many numbers it takes to read all contexts of a GPT in one go, where that is done."""
    V, K, C = config.vocab_size, config.block_size, config.n_embd
    if K * count_states(V, K) > FORWARD_TOKENS:
        return 0
    # keys and values of those that each attends to, and products with them; queries and the position-wise layer
    return (count_short(V, K) + count_states(V, K)) * (4 * K * C + 12 * C + V)


def blocks_of(n_members: int, size: int, first: int | None = None) -> list[range]:
    """Return S members in blocks of at most ``size``, in order; the first of at most ``first``.

    >>> blocks_of(10, 4, first=1)
    [range(0, 1), range(1, 5), range(5, 9), range(9, 10)]
    """
    begins = [0, *range(min(first or size, size), n_members, size)]
    return [range(begin, end) for begin, end in pairwise([*begins, n_members])]


def contexts_read(corpus: Corpus | Sequence[Corpus], device: str = "cpu") -> int:
    """Return how many distinct contexts a step of a block is planned for, of members with one corpus or one each.

    They are those of the largest corpus; on an accelerator, whose blocks may hold all members, those of all corpora.
    """
    corpora = [corpus] if isinstance(corpus, Corpus) else corpus
    if device == "cpu" or len(corpora) == 1:
        return max(len(one.contexts) for one in corpora)
    states = {id(one): one.states for one in corpora}  # each once: it may be read from several seeds
    return len(np.unique(np.concatenate([*states.values()])))


def check_kept(config: GPTConfig, n_members: int, n_frames: int, keep_weights: bool = True) -> None:
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
    device = train_config.device
    blocks = threads if device == "cpu" else 1

    def need(config: GPTConfig, how: TrainConfig) -> int:
        block = members_at_once(config, n_contexts, n_members, device)
        at_once = min(n_members, blocks * block)
        steps = at_once * step_bytes(config, how, n_contexts) + 8 * n_members * how.steps
        return training_bytes(config, at_once, -(-at_once // block)) + steps

    check_training(config, train_config, need, n_contexts, n_members)
