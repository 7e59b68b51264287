"""Extraction: ask a GPT about every context it can ever see.

The one place where torch and NumPy meet. Logits leave torch as float32 and are normalised in float64, so every
row of a chain sums to 1 to the last bit or two.

Attention is causal: what a GPT says after the first t tokens of a context does not depend on the rest. The
short contexts therefore come for free with the states that begin with them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from babygpt.chain.contexts import check_size, contexts_between, count_short, count_states
from babygpt.gpt.device import threads_for
from babygpt.gpt.model import GPT

# Contexts × tokens × width evaluated at a time: enough to be fast, little enough for the cache and for one thread,
# which on a busy machine is faster than two.
BATCH_ACTIVATIONS = 2**18


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-probabilities of each row of logits (…, V), in float64."""
    with np.errstate(invalid="ignore"):  # a GPT broken by training gives NaN, which its reader refuses
        shifted = logits - logits.max(axis=-1, keepdims=True)
        shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def context_table(gpt: GPT) -> NDArray[np.float64]:
    """Return what ``gpt`` says after every context, short ones first: float64 (n_short + N, V) log-probabilities.

    Rows are in the order of :mod:`babygpt.chain.contexts`. Memory beyond the result is bounded, whatever N.

    Raises
    ------
    SizeError
        The table would be larger than the limit.
    """
    V, K = gpt.config.vocab_size, gpt.config.block_size
    check_size(V, K)
    N, n_short = count_states(V, K), count_short(V, K)
    table = np.empty((n_short + N, V), dtype=np.float64)
    batch = max(1, BATCH_ACTIVATIONS // (K * gpt.config.n_embd))
    for start in range(0, N, batch):
        stop = min(start + batch, N)
        contexts = contexts_between(start, stop, V, K)
        activations = contexts.size * gpt.config.n_embd
        with torch.inference_mode(), threads_for(activations):
            hidden = gpt.hidden(torch.from_numpy(contexts).to(gpt.lm_head.weight.device))  # (B, K, C)
            parts, rows = [hidden[:, -1]], [n_short + start]
            for t in range(1, K):
                # The first state that begins with a prefix is the one that continues it with zeros.
                spacing = V ** (K - t)
                parts.append(hidden[-start % spacing :: spacing, t - 1])
                rows.append(count_short(V, t) - (-start // spacing))
            logits = gpt.lm_head(torch.cat(parts)).cpu().numpy().astype(np.float64)
        log_probs, done = log_softmax(logits), 0
        for part, row in zip(parts, rows, strict=True):
            table[row : row + len(part)] = log_probs[done : done + len(part)]
            done += len(part)
    return table
