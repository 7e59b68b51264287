"""What happens inside a GPT while it reads one context.

*Attention* says how much each position takes from itself and from the positions before it: in each head of each layer,
one distribution for each position that reads. The *layers' predictions* are what the GPT would predict if it stopped
early: the residual stream after 0, 1, … layers, read by the final normalisation and the output head (the "logit
lens" [1]_).

Nothing of the model is written here again. It is run once, and watched: hooks keep what goes from layer to layer, and
wherever it calls torch's attention, the same attention is asked of values that are the identity matrix, whose answer is
its weights. So a GPT that was changed is shown as it is.

.. [1] nostalgebraist, "interpreting GPT: the logit lens", 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

from babygpt.errors import ContextError, ModelError
from babygpt.gpt.answers import evaluating, last_logits, numbers, softmax
from babygpt.gpt.compute import threads_for
from babygpt.gpt.model import GPT


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
        The GPT answers with something else than logits, or a layer does not call torch's attention once, with as many
        heads as the others, so that there are no weights to show.

    >>> from babygpt.gpt.model import GPTConfig, seeded_gpt
    >>> inside = look_inside(seeded_gpt(GPTConfig(), seed=1337), [1, 0, 1])
    >>> inside.attention.shape, inside.probs.shape, inside.probs[-1].round(6).tolist()
    ((4, 4, 3, 3), (5, 2), [0.451772, 0.548228])
    """
    V, K = gpt.config.vocab_size, gpt.config.block_size
    if not 1 <= len(context) <= K or not all(0 <= token < V for token in context):
        raise ContextError(f"{list(context)} is no context of this GPT: it reads 1 to {K} tokens from 0 to {V - 1}.")
    idx = torch.tensor([list(context)], device=gpt.wte.weight.device)
    streams: list[Tensor] = []  # the newest position's, (1, C), before the first layer and after each
    attention: list[list[Tensor]] = []  # for each layer, what each of its attentions weighs, (n_head, T, T)

    def before(layer: torch.nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if not streams:
            streams.append(inputs[0][:, -1])
        attention.append([])

    def after(layer: torch.nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        streams.append(output[:, -1])

    with threads_for(len(context) * gpt.config.n_embd), evaluating(gpt), ExitStack() as watching:
        for layer in gpt.h:
            watching.enter_context(layer.register_forward_pre_hook(before))
            watching.enter_context(layer.register_forward_hook(after))
        watching.enter_context(_Attention(lambda weights: attention[-1].append(weights[0]) if attention else None))
        last = numbers(last_logits(gpt(idx), 1, len(context), V))
        watching.close()
        early = gpt.lm_head(gpt.ln_f(torch.cat(streams[:-1])))
    probs = softmax(np.concatenate([numbers(early), last]))
    for number, found in enumerate(attention):
        if len(found) != 1:
            raise ModelError(
                f"Layer {number} of this GPT calls torch's scaled_dot_product_attention {len(found)} times; only a GPT "
                "whose layers each call it once can be looked into. Ask it for its answers alone: "
                "MarkovChain.from_model(gpt)."
            )
    heads = [len(found[0]) for found in attention]
    if len(set(heads)) > 1:
        raise ModelError(
            f"The layers of this GPT have {', '.join(map(str, heads))} heads; only one whose layers have equally many "
            "can be looked into."
        )
    return Inside(np.stack([numbers(found[0]) for found in attention]), probs)


class _Attention(TorchFunctionMode):
    """Tells what each call of torch's attention weighs: (B, n_head, T, T)."""

    def __init__(self, tell: Callable[[Tensor], object]) -> None:
        super().__init__()
        self._tell = tell

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.scaled_dot_product_attention:
            given = dict(zip(("query", "key", "value"), args[:3], strict=False)) | (kwargs or {})
            value = given["value"]
            each = torch.eye(value.shape[-2], dtype=value.dtype, device=value.device)
            given["value"] = each.expand(*value.shape[:-1], -1)
            self._tell(func(given.pop("query"), given.pop("key"), given.pop("value"), *args[3:], **given))
        return func(*args, **(kwargs or {}))
