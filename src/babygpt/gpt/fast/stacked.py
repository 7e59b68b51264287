"""Many GPTs of one shape at once: their weights stacked, their operations batched.

Small GPTs leave a processor idle: it spends its time on being told what to do next. Here S of them, which differ in
their weights and perhaps in their data, do each step together. The forward pass is that of :mod:`babygpt.gpt.model`,
with the GPT as one more leading axis; since no GPT's loss depends on another's weights, the gradient of the sum of
their losses is each one's own.

Matrices are kept as (S, in, out): their gradients then come out of the backward pass as they lie in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from babygpt.errors import ModelError
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.fast.supports import patched
from babygpt.gpt.model import DTYPE
from babygpt.gpt.train import AdamWState, Batches, loss_of_all_positions
from babygpt.gpt.weights import Counts

Weights = dict[str, Tensor]
Attention = Callable[[Tensor, bool], Tensor]


def draw(config: GPTConfig, seeds: Sequence[int], device: str = "cpu") -> Weights:
    """Return the first weights that each seed draws, stacked by name: (S, …), matrices of linear maps as (S, in, out).

    They are those of :func:`babygpt.gpt.model.seeded_gpt`, number by number, without the modules: a generator of each
    seed's own goes through the same draws, those that building a module overwrites among them.
    """
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    shapes = config.parameter_shapes
    weights = {name: torch.zeros(len(seeds), *shape, dtype=DTYPE, device="cpu") for name, shape in shapes.items()}
    for name in shapes:
        if ".ln_" in name or name.startswith("ln_f"):
            weights[name].fill_(float(name.endswith("weight")))
    linear = [name for name in shapes if name.startswith("h.") and ".ln_" not in name]
    matrices = [name for name in linear if name.endswith("weight")]
    spare = torch.empty(max(math.prod(shape) for shape in shapes.values()), dtype=DTYPE, device="cpu")
    residual = 0.02 / math.sqrt(2 * config.n_layer)
    for place, generator in enumerate(generators):

        def normal(name: str, std: float = 0.02, place: int = place, generator: torch.Generator = generator) -> None:
            weights[name][place].normal_(0.0, std, generator=generator)

        # as torch's modules do when they are built: embeddings normal, linear maps uniform
        normal("wte.weight")
        normal("wpe.weight")
        for name in [*linear, "wte.weight"]:  # the head too, whose matrix is the token embedding
            spare[: math.prod(shapes[name])].uniform_(generator=generator)
        # as the GPT draws again
        for name in ("wte.weight", "wpe.weight", *matrices, "wte.weight"):
            normal(name)
        for name in matrices:
            if name.endswith("c_proj.weight"):
                normal(name, residual)
    return {name: _turned(name, weight).to(device).contiguous() for name, weight in weights.items()}


def as_modules(weights: Weights) -> Weights:
    """Return stacked weights as torch's modules have them: matrices as (S, out, in)."""
    return {name: _turned(name, stacked) for name, stacked in weights.items()}


def _turned(name: str, weight: Tensor) -> Tensor:
    return weight.transpose(1, 2) if name.startswith("h.") and weight.dim() == 3 else weight


def logits_of(weights: Weights, config: GPTConfig, contexts: Tensor, last_only: bool = True) -> Tensor:
    """Return every GPT's logits after contexts (M, K): (S, M, V), or after each of their tokens (S, M, K, V)."""
    (S, _, C), (M, T) = weights["wte.weight"].shape, contexts.shape
    x = weights["wte.weight"][:, contexts.flatten()].view(S, M, T, C) + weights["wpe.weight"][:, None, :T]
    logits = _answers(weights, config, x, _attention, last_only)
    return logits[:, :, 0] if last_only else logits


def logits_of_all(weights: Weights, config: GPTConfig) -> Tensor:
    """Return every GPT's logits after all contexts, by length, then by number: (S, V + V² + … + V^K, V).

    A context's last token attends to the tokens of all the contexts it begins with, each of which is read once.
    """
    tokens, positions, beginnings, unseen = (
        table.to(weights["wte.weight"].device) for table in _all_contexts(config.vocab_size, config.block_size)
    )

    def attention(qkv: Tensor, last_only: bool) -> Tensor:
        S, _, n, _, H, D = qkv.shape
        q, kv = qkv[:, 0, :, :1], qkv[:, 0, :, 1:]
        k, v = kv[:, beginnings.flatten()].view(S, n, -1, 2, H, D).unbind(3)  # (S, n, K, H, D) each
        shares = _softmax((q * k).sum(dim=-1) / math.sqrt(D) + unseen[..., None], dim=2)
        return (shares[..., None] * v).sum(dim=2).view(S, 1, n, H * D)

    x = (weights["wte.weight"][:, tokens] + weights["wpe.weight"][:, positions])[:, None]  # (S, 1, n, C)
    return _answers(weights, config, x, attention, last_only=False)[:, 0]


@lru_cache(maxsize=8)
def _all_contexts(V: int, K: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the last tokens of all n contexts up to length K, their positions, whom they attend to, and to whom not.

    They are in order of their lengths, then of their numbers: (n,), (n,), (n, K), (n, K). The last token of a context
    attends to those of the contexts it begins with, the shortest first; what is left of K is itself again, to whose
    scores −∞ is added.
    """
    length = np.repeat(np.arange(1, K + 1), [V**k for k in range(1, K + 1)])
    first = np.array([sum(V**j for j in range(1, k)) for k in range(K + 1)])  # of each length
    number = np.arange(len(length)) - first[length]
    shorter = np.minimum(np.arange(1, K + 1), length[:, None])  # (n, K)
    beginnings = first[shorter] + number[:, None] // V ** (length[:, None] - shorter)
    unseen = np.where(np.arange(K) < length[:, None], 0.0, -np.inf).astype(np.float32)
    return (
        torch.from_numpy(number % V),
        torch.from_numpy(length - 1),
        torch.from_numpy(beginnings),
        torch.from_numpy(unseen),
    )


def _answers(weights: Weights, config: GPTConfig, x: Tensor, attention: Attention, last_only: bool) -> Tensor:
    """Embedded tokens (S, M, T, C) → logits (S, M, T, V), or (S, M, 1, V) where only the last token's are asked for."""
    blocks: list[Weights] = [{} for _ in range(config.n_layer)]
    for name, weight in weights.items():  # once: to look through all of them for each block takes layers squared
        if name.startswith("h."):
            _, place, own = name.split(".", 2)
            blocks[int(place)][own] = weight
    for i, part in enumerate(blocks):
        x = _block(part, config, x, attention, last_only and i + 1 == config.n_layer)
    x = _normalised(weights, "ln_f", x)
    logits = torch.bmm(x.flatten(1, 2), weights["wte.weight"].transpose(1, 2))
    return logits.view(*x.shape[:-1], -1)


def _block(weights: Weights, config: GPTConfig, x: Tensor, attention: Attention, last_only: bool) -> Tensor:
    """(S, M, T, C) → the same, or (S, M, 1, C) where only the last token is asked for."""
    S, M, T, C = x.shape
    H, D = config.n_head, C // config.n_head
    normal = _normalised(weights, "ln_1", x)
    qkv = _linear(normal, weights["attn.c_attn.weight"], weights.get("attn.c_attn.bias"))
    y = attention(qkv.view(S, M, T, 3, H, D), last_only)
    x = x[:, :, -1:] if last_only else x
    x = x + _linear(y, weights["attn.c_proj.weight"], weights.get("attn.c_proj.bias"))
    hidden = F.gelu(_linear(_normalised(weights, "ln_2", x), weights["mlp.c_fc.weight"], weights.get("mlp.c_fc.bias")))
    return x + _linear(hidden, weights["mlp.c_proj.weight"], weights.get("mlp.c_proj.bias"))


def _attention(qkv: Tensor, last_only: bool) -> Tensor:
    """(S, M, T, 3, H, D) → (S, M, T, C): each token attends to those up to itself; (S, M, 1, C) of the last alone."""
    S, M, T, _, H, D = qkv.shape
    q, k, v = qkv.flatten(0, 1).permute(2, 0, 3, 1, 4).unbind(0)  # (S·M, H, T, D) each
    if last_only:  # keys and values of all tokens, the query of the last
        q = q[:, :, -1:]
    q, k, v = q.reshape(S * M * H, -1, D), k.reshape(S * M * H, T, D), v.reshape(S * M * H, T, D)
    unseen = torch.full((q.shape[1], T), -math.inf, dtype=q.dtype, device=q.device).triu(1 + T - q.shape[1])
    scores = torch.baddbmm(unseen, q, k.transpose(1, 2), alpha=1 / math.sqrt(D))
    y = torch.bmm(_softmax(scores), v).view(S * M, H, -1, D)
    return y.transpose(1, 2).reshape(S, M, -1, H * D)


def _softmax(scores: Tensor, dim: int = -1) -> Tensor:
    # written out: over the few tokens of a context torch's own takes four times as long
    shares = (scores - scores.detach().amax(dim=dim, keepdim=True)).exp()
    return shares / shares.sum(dim=dim, keepdim=True)


def _linear(x: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """(S, …, in) → (S, …, out)."""
    rows = x.reshape(len(x), -1, x.shape[-1])
    out = torch.bmm(rows, matrix) if bias is None else torch.baddbmm(bias[:, None], rows, matrix)
    return out.view(*x.shape[:-1], -1)


def _normalised(weights: Weights, name: str, x: Tensor) -> Tensor:
    gain, shift = weights[f"{name}.weight"][:, None, None], weights[f"{name}.bias"][:, None, None]
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), gain)


class StackedTrainer:
    """Trains GPTs of one shape together, each as :class:`babygpt.gpt.train.Trainer` would train it alone.

    Parameters
    ----------
    weights
        Their weights (:func:`draw`), changed in place.
    seeds
        The seed of each, which draws its batches.
    shape, config
        The GPTs' shape; how to train them.
    corpus
        On what to train them: one corpus for all, or one for each, of the same context length and vocabulary size.

    Raises
    ------
    ModelError
        A function that all GPTs compute with has been replaced: what is computed here would not be what a GPT does.
    """

    def __init__(
        self,
        weights: Weights,
        seeds: Sequence[int],
        shape: GPTConfig,
        corpus: Corpus | Sequence[Corpus],
        config: TrainConfig,
    ) -> None:
        replaced = patched()
        if replaced is not None:
            raise ModelError(f"Many GPTs can be trained at once only as they are written, and {replaced}. Undo that.")
        self.weights = {name: weight.requires_grad_() for name, weight in weights.items()}
        self.steps_done = 0
        self._seeds, self._shape, self._config = seeds, shape, config
        self._parameters = list(weights.values())
        self._adamw = AdamWState.fresh(self._parameters)
        corpora = [corpus] if isinstance(corpus, Corpus) else list(corpus)
        contexts, counts = _side_by_side(corpora)
        self._contexts = torch.from_numpy(contexts).to(self._parameters[0].device)
        self._batches: list[Batches] | None = None
        if config.batch_size is not None:
            self._batches = [Batches(table, config.batch_size) for table in counts]
        shares = counts / counts.sum(axis=(1, 2), keepdims=True)  # (S, M, V), or (1, M, V) for all
        self._shares = self._on_device(shares[0] if isinstance(corpus, Corpus) else shares)

    def step(self) -> Tensor:
        """Do one update of every GPT and return their losses before it, in nats per token: (S,)."""
        with torch.enable_grad():
            losses = self._losses()
            gradients = torch.autograd.grad(losses.sum(), self._parameters)
        with torch.no_grad():
            self._adamw.update(self._parameters, list(gradients), self._config)
        self.steps_done += 1
        return losses.detach()

    def _losses(self) -> Tensor:
        shares = self._shares
        if self._batches is not None:
            # every GPT reads all the contexts, but what it has not drawn has no share in its loss
            drawn = np.zeros((len(self._seeds), *shares.shape[-2:]))
            for i, (place, seed) in enumerate(zip(drawn, self._seeds, strict=True)):
                rows, drawn_shares = self._batches[i % len(self._batches)].draw(seed, self.steps_done)
                place[rows] = drawn_shares
            shares = self._on_device(drawn)
        last_only = self._config.positions == "last"
        log_probs = F.log_softmax(logits_of(self.weights, self._shape, self._contexts, last_only), dim=-1)
        if last_only:
            return -(shares * log_probs).flatten(1).sum(dim=1)
        return loss_of_all_positions(log_probs, self._contexts, shares)

    def _on_device(self, shares: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(shares).to(self._parameters[0].dtype).to(self._parameters[0].device)


def _side_by_side(corpora: Sequence[Corpus]) -> tuple[NDArray[np.int64], Counts]:
    """Return all contexts of some corpora, in order (M, K), and what followed them in each, (corpora, M, V)."""
    if len(corpora) == 1:
        return corpora[0].contexts, corpora[0].counts[None]
    owner = np.repeat(np.arange(len(corpora)), [len(corpus.contexts) for corpus in corpora])
    contexts, row = np.unique(np.concatenate([corpus.contexts for corpus in corpora]), axis=0, return_inverse=True)
    kind = np.result_type(*(corpus.counts for corpus in corpora))
    counts: Counts = np.zeros((len(corpora), len(contexts), corpora[0].counts.shape[1]), dtype=kind)
    counts[owner, row.ravel()] = np.concatenate([corpus.counts for corpus in corpora])
    return contexts, counts
