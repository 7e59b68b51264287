"""Many GPTs of one shape at once: their weights stacked, their operations batched.

Small GPTs leave a processor idle: it spends its time on being told what to do next. Here S of them, which differ in
their weights and perhaps in their data, do each step together. The forward pass is that of :mod:`babygpt.gpt.model`,
with the GPT as one more leading axis; since no GPT's loss depends on another's weights, the gradient of the sum of
their losses is each one's own.

Matrices are kept as (S, in, out): their gradients then come out of the backward pass as they lie in memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.train import AdamWState, Batches, loss_of_all_positions

Weights = dict[str, Tensor]


def draw(config: GPTConfig, seeds: Sequence[int], device: str = "cpu") -> Weights:
    """Return the first weights that each seed draws, stacked by name: (S, …), matrices of linear maps as (S, in, out).

    They are those of :func:`babygpt.gpt.model.seeded_gpt`, number by number, without the modules: a generator of each
    seed's own goes through the same draws, those that building a module overwrites among them.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    shapes = config.parameter_shapes
    weights = {name: torch.zeros(len(seeds), *shape) for name, shape in shapes.items()}
    for name in shapes:
        if ".ln_" in name or name.startswith("ln_f"):
            weights[name].fill_(float(name.endswith("weight")))
    linear = [name for name in shapes if name.startswith("h.") and ".ln_" not in name]
    matrices = [name for name in linear if name.endswith("weight")]
    spare = torch.empty(max(math.prod(shape) for shape in shapes.values()))
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
    (S, V, C), (M, T) = weights["wte.weight"].shape, contexts.shape
    x = weights["wte.weight"][:, contexts.flatten()].view(S, M, T, C) + weights["wpe.weight"][:, None, :T]
    for i in range(config.n_layer):
        part = {name.removeprefix(f"h.{i}."): w for name, w in weights.items() if name.startswith(f"h.{i}.")}
        x = _block(part, config, x, last_only and i + 1 == config.n_layer)
    x = _normalised(weights, "ln_f", x)
    logits = torch.bmm(x.flatten(1, 2), weights["wte.weight"].transpose(1, 2))
    return logits.view(S, M, V) if last_only else logits.view(S, M, T, V)


def _block(weights: Weights, config: GPTConfig, x: Tensor, last_only: bool) -> Tensor:
    """(S, M, T, C) → the same, or (S, M, 1, C) where only the last token is asked for."""
    S, M, T, C = x.shape
    H, D = config.n_head, C // config.n_head
    normal = _normalised(weights, "ln_1", x)
    matrix, bias = weights["attn.c_attn.weight"], weights.get("attn.c_attn.bias")
    qkv = _linear(normal, matrix, bias).view(S * M, T, 3, H, D)
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (S·M, H, T, D) each
    if last_only:  # keys and values of all tokens, the query of the last
        q, x = q[:, :, -1:], x[:, :, -1:]
    y = _attention(q, k, v).transpose(1, 2).reshape(S, M, -1, C)
    x = x + _linear(y, weights["attn.c_proj.weight"], weights.get("attn.c_proj.bias"))
    thought = F.gelu(_linear(_normalised(weights, "ln_2", x), weights["mlp.c_fc.weight"], weights.get("mlp.c_fc.bias")))
    return x + _linear(thought, weights["mlp.c_proj.weight"], weights.get("mlp.c_proj.bias"))


def _attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """(B, H, T, D) each, q of the last tokens perhaps only → (B, H, T, D)."""
    B, H, T, D = k.shape
    q, k, v = q.reshape(B * H, -1, D), k.reshape(B * H, T, D), v.reshape(B * H, T, D)
    unseen = torch.full((q.shape[1], T), -math.inf, dtype=q.dtype, device=q.device).triu(1 + T - q.shape[1])
    scores = torch.baddbmm(unseen, q, k.transpose(1, 2), alpha=1 / math.sqrt(D))
    # softmax, written out: over the few tokens of a context torch's own takes four times as long
    shares = (scores - scores.detach().amax(dim=-1, keepdim=True)).exp()
    return torch.bmm(shares / shares.sum(dim=-1, keepdim=True), v).view(B, H, -1, D)


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
    """

    def __init__(
        self,
        weights: Weights,
        seeds: Sequence[int],
        shape: GPTConfig,
        corpus: Corpus | Sequence[Corpus],
        config: TrainConfig,
    ) -> None:
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
            tables = [replace(one, contexts=contexts, counts=n) for one, n in zip(corpora, counts, strict=True)]
            self._batches = [Batches(table, config.batch_size) for table in tables]
        shares = counts / counts.sum(axis=(1, 2), keepdims=True)  # (S, M, V), or (1, M, V) for all
        self._shares = self._on_device(shares[0] if isinstance(corpus, Corpus) else shares)

    def step(self) -> Tensor:
        """Do one update of every GPT and return their losses before it, in nats per token: (S,)."""
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


def _side_by_side(corpora: Sequence[Corpus]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all contexts of some corpora, in order (M, K), and what followed them in each, (corpora, M, V)."""
    if len(corpora) == 1:
        return corpora[0].contexts, corpora[0].counts[None]
    owner = np.repeat(np.arange(len(corpora)), [len(corpus.contexts) for corpus in corpora])
    contexts, row = np.unique(np.concatenate([corpus.contexts for corpus in corpora]), axis=0, return_inverse=True)
    counts = np.zeros((len(corpora), len(contexts), corpora[0].counts.shape[1]), dtype=np.int64)
    counts[owner, row.ravel()] = np.concatenate([corpus.counts for corpus in corpora])
    return contexts, counts
