"""What happens inside a GPT while it reads one context.

*Attention* says how much each position takes from itself and from the positions before it: in each head of each layer,
one distribution for each position that reads. The *layers' opinions* are what the GPT would say if it stopped early:
the residual stream after 0, 1, … layers, read by the final normalisation and the output head (the "logit lens" [1]_).

.. [1] nostalgebraist, "interpreting GPT: the logit lens", 2020.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from babygpt.errors import ContextError, ModelError
from babygpt.gpt.compute import threads_for
from babygpt.gpt.fast.supports import changed
from babygpt.gpt.model import GPT, Block, CausalSelfAttention


@dataclass(frozen=True, eq=False)
class Inside:
    """What one context makes a GPT do.

    Attributes
    ----------
    attention
        float64 (n_layer, n_head, T, T): ``attention[l, h, i, j]`` is how much position i takes from position j ≤ i;
        each row sums to 1.
    probs
        float64 (n_layer + 1, V): the next-token probabilities after 0, 1, … layers; the last row is the GPT's own.
    """

    attention: NDArray[np.float64]
    probs: NDArray[np.float64]


@torch.no_grad()
def look_inside(gpt: GPT, context: Sequence[int]) -> Inside:
    """Return what happens inside ``gpt`` while it reads ``context``, 1 to K tokens.

    Raises
    ------
    ContextError
        The context is empty, too long, or has a token that the GPT does not know.
    ModelError
        The GPT was changed, so that what is inside is not what :mod:`babygpt.gpt.model` says.

    >>> from babygpt.gpt.model import GPTConfig, seeded_gpt
    >>> inside = look_inside(seeded_gpt(GPTConfig(), seed=1337), [1, 0, 1])
    >>> inside.attention.shape, inside.probs.shape, inside.probs[-1].round(6).tolist()
    ((4, 4, 3, 3), (5, 2), [0.451772, 0.548228])
    """
    difference = changed(gpt)
    if difference is not None:
        raise ModelError(
            f"Only a GPT as bg.GPT builds it can be looked into, and {difference}. Undo that, or ask the GPT for its "
            "answers alone: MarkovChain.from_model(gpt)."
        )
    V, K = gpt.config.vocab_size, gpt.config.block_size
    if not 1 <= len(context) <= K or not all(0 <= token < V for token in context):
        raise ContextError(f"{list(context)} is no context of this GPT: it reads 1 to {K} tokens from 0 to {V - 1}.")
    idx = torch.tensor([list(context)], device=gpt.wte.weight.device)
    with threads_for(len(context) * gpt.config.n_embd):
        x = gpt.wte(idx) + gpt.wpe.weight[: len(context)]  # (1, T, C)
        attention, streams = [], [x]
        for block in gpt.h:
            assert isinstance(block, Block)  # what torch's list of modules does not say
            attention.append(_weights(block.attn, block.ln_1(x)))
            x = block(x)
            streams.append(x)
        logits = gpt.lm_head(gpt.ln_f(torch.cat([stream[:, -1] for stream in streams])))
        probs = logits.double().softmax(dim=-1)
    return Inside(torch.stack(attention).double().cpu().numpy(), probs.cpu().numpy())


def _weights(attn: CausalSelfAttention, x: Tensor) -> Tensor:
    """(1, T, C) → (n_head, T, T), the weights that the fused kernel of the forward pass does not show."""
    _, T, C = x.shape
    q, k, _ = attn.c_attn(x)[0].view(T, 3, attn.n_head, C // attn.n_head).permute(1, 2, 0, 3)
    scores = q @ k.transpose(1, 2) / math.sqrt(C // attn.n_head)
    later = torch.ones(T, T, dtype=torch.bool, device=x.device).triu(1)
    return scores.masked_fill(later, -math.inf).softmax(dim=-1)
