"""A GPT's weights with everything folded in that does not depend on what it reads: the same answers, fewer operations.

Worked out once, in float64:

- LayerNorm's gain and shift go into the matrix that reads it, whose bias becomes one more column.
- LayerNorm takes the mean off the residual stream. Every reader of the stream does, so whatever writes to it, the
  embeddings and the two projections of a block, may take it off beforehand.
- What is left of LayerNorm is a division by √(|x|²/C + ε). It becomes one by √(|x|² + Cε); √C goes into the reader.
- 1/√D and log₂ e go into the queries, so that softmax needs powers of two and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from babygpt.gpt.model import GPT, Block

# Scores, as powers of two, within ± this can be summed in float32 without taking off their maximum first.
SAFE_SCORE = 50.0


@dataclass(frozen=True)
class FoldedBlock:
    """One block of a GPT of width C. What reads the residual stream has a column more: it reads a row of ones too."""

    qkv: Tensor  # (3C, C + 1)
    attn_proj: Tensor  # (C, C)
    attn_bias: Tensor | None  # (C, 1)
    fc: Tensor  # (4C, C + 1)
    mlp_proj: Tensor  # (C, 4C)
    mlp_bias: Tensor | None  # (C, 1)
    sharp: bool  # whether scores may be so large that their maximum must be taken off


@dataclass(frozen=True)
class FoldedGPT:
    """All weights of a GPT, copied: float64 if the GPT's are, else float32, on the GPT's device.

    ``wte`` (C, V) and ``wpe`` (C, K) have columns of mean 0; ``head`` is (V, C + 1); ``epsilon`` is C·ε.
    """

    wte: Tensor
    wpe: Tensor
    blocks: list[FoldedBlock]
    head: Tensor
    epsilon: float

    @classmethod
    def of(cls, gpt: GPT) -> FoldedGPT:
        """Return the folded weights of ``gpt`` as they are now."""
        weight = gpt.lm_head.weight
        like = weight.detach().new_empty(0, dtype=torch.promote_types(weight.dtype, torch.float32))
        return cls(
            _as(like, _centred(_exact(gpt.wte.weight).T)),
            _as(like, _centred(_exact(gpt.wpe.weight).T)),
            [_folded(block, gpt.config.n_head, like) for block in gpt.h],  # type: ignore[arg-type]  # all are Blocks
            _as(like, _reader(gpt.ln_f, weight)),
            gpt.config.n_embd * gpt.ln_f.eps,
        )


def _folded(block: Block, n_head: int, like: Tensor) -> FoldedBlock:
    qkv = _reader(block.ln_1, block.attn.c_attn.weight, block.attn.c_attn.bias)
    C = qkv.shape[1] - 1
    qkv[:C] *= math.log2(math.e) / math.sqrt(C // n_head)
    queries, keys, _ = qkv.view(3, n_head, -1, C + 1)
    sharp = not bool(qkv.isfinite().all())
    if not sharp:
        # What it reads has at most length 1, so no query and no key is longer than this, head by head.
        longest = [torch.linalg.matrix_norm(m[..., :C], 2) + m[..., C].norm(dim=1) for m in (queries, keys)]
        sharp = bool((longest[0] * longest[1]).max() > SAFE_SCORE)
    return FoldedBlock(
        qkv=_as(like, qkv),
        attn_proj=_as(like, _centred(_exact(block.attn.c_proj.weight))),
        attn_bias=_bias(like, block.attn.c_proj),
        fc=_as(like, _reader(block.ln_2, block.mlp.c_fc.weight, block.mlp.c_fc.bias)),
        mlp_proj=_as(like, _centred(_exact(block.mlp.c_proj.weight))),
        mlp_bias=_bias(like, block.mlp.c_proj),
        sharp=sharp,
    )


def _reader(norm: nn.LayerNorm, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the linear map after ``norm`` as one (out, C + 1) of the stream divided by its length."""
    matrix = _exact(weight) * _exact(norm.weight)
    shift = _exact(weight) @ _exact(norm.bias)
    if bias is not None:
        shift += _exact(bias)
    return torch.cat((matrix * math.sqrt(matrix.shape[1]), shift[:, None]), dim=1)


def _bias(like: Tensor, writer: nn.Linear) -> Tensor | None:
    return None if writer.bias is None else _as(like, _centred(_exact(writer.bias)[:, None]))


def _centred(columns: Tensor) -> Tensor:
    return columns - columns.mean(dim=0)


def _exact(weight: Tensor) -> Tensor:
    return weight.detach().to("cpu", torch.float64)


def _as(like: Tensor, exact: Tensor) -> Tensor:
    return exact.to(like).contiguous()
