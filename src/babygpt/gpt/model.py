"""The GPT: a decoder-only transformer in the style of GPT-2, whole on this page.

It reads up to ``block_size`` tokens (the *context length*, K) and predicts which of the ``vocab_size``
tokens comes next. Shapes are written B (batch), T (tokens read, ≤ K), C (``n_embd``), V (``vocab_size``).

As in GPT-2 [1]_: token and position embeddings are added; each block normalises before attention and before
its feed-forward part and adds the result to what came in; token embedding and output head are one matrix;
weights start at N(0, 0.02), those that write into the residual stream (``c_proj``) at N(0, 0.02/√(2·n_layer)).
Here GELU is the exact one [2]_ and there is no dropout.

.. [1] Radford et al., "Language Models are Unsupervised Multitask Learners", 2019.
.. [2] Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, arXiv:1606.08415.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from babygpt.errors import ContextError
from babygpt.gpt.checks import check_seed
from babygpt.gpt.compute import check_device
from babygpt.gpt.config import GPTConfig
from babygpt.gpt.forks import lock_across_forks
from babygpt.gpt.kinds import explained
from babygpt.gpt.room import check_gpt

# Weights are drawn in single precision: in another one torch draws other numbers from the same seed.
DTYPE = torch.float32


class CausalSelfAttention(nn.Module):
    """Each position gathers from itself and the positions before it."""

    def __init__(self, config: GPTConfig, device: torch.device | None = None) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, config.bias, device, DTYPE)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, config.bias, device, DTYPE)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        B, T, C = x.shape
        qkv = self.c_attn(x).view(B, T, 3, self.n_head, C // self.n_head)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, n_head, T, C / n_head)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        out: Tensor = self.c_proj(y.transpose(1, 2).reshape(B, T, C))
        return out


class MLP(nn.Module):
    """The position-wise feed-forward part: every position alone, in a space four times as wide."""

    def __init__(self, config: GPTConfig, device: torch.device | None = None) -> None:
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, config.bias, device, DTYPE)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, config.bias, device, DTYPE)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        out: Tensor = self.c_proj(F.gelu(self.c_fc(x)))
        return out


class Block(nn.Module):
    """One layer: attention, then the feed-forward part, each added to the residual stream."""

    def __init__(self, config: GPTConfig, device: torch.device | None = None) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, device=device, dtype=DTYPE)
        self.attn = CausalSelfAttention(config, device)
        self.ln_2 = nn.LayerNorm(config.n_embd, device=device, dtype=DTYPE)
        self.mlp = MLP(config, device)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        x = x + self.attn(self.ln_1(x))  # (B, T, C)
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """A GPT with freshly drawn weights.

    Weights come from torch's global generator, as for any module: ``torch.manual_seed(1337)`` before building
    gives the article's untrained GPT. :func:`seeded_gpt` draws the same without touching the global generator.
    They are drawn in float32 on the CPU, whatever torch's default dtype and device are: a seed means the same weights
    everywhere. ``device`` is where they go then, by default torch's default device (on ``"meta"`` nothing is drawn);
    ``gpt.double()`` computes in double precision.

    Raises
    ------
    SettingError
        The configuration is none, or there is no such device.
    SizeError
        It does not fit into memory.

    >>> with seeded(1337):
    ...     gpt = GPT(GPTConfig())
    >>> gpt.n_parameters
    12656
    >>> gpt(torch.tensor([[1, 0, 1]])).shape  # the logits of the next token
    torch.Size([1, 2])
    """

    @explained
    def __init__(self, config: GPTConfig | None = None, device: str | torch.device | None = None) -> None:
        super().__init__()
        self.config = config = config or GPTConfig()
        if isinstance(device, str) and device != "meta":
            device = check_device(device)
        wanted = torch.get_default_device() if device is None else torch.device(device)
        drawn = wanted if wanted.type == "meta" else torch.device("cpu")
        if drawn.type != "meta":
            check_gpt(config)
        self.wte = nn.Embedding(config.vocab_size, config.n_embd, device=drawn, dtype=DTYPE)
        self.wpe = nn.Embedding(config.block_size, config.n_embd, device=drawn, dtype=DTYPE)
        self.h = nn.ModuleList(Block(config, drawn) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, device=drawn, dtype=DTYPE)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False, device=drawn, dtype=DTYPE)
        self.wte.weight = self.lm_head.weight  # one matrix reads tokens in and writes them out
        self._draw_weights()
        if wanted != drawn:
            self.to(wanted)

    def _draw_weights(self) -> None:
        # The order of the draws is part of the promise: it makes seed 1337 the article's seed 1337.
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, mean=0.0, std=0.02)
                if isinstance(module, nn.Linear) and module.bias is not None:
                    nn.init.zeros_(module.bias)
        for name, weight in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(weight, mean=0.0, std=0.02 / math.sqrt(2 * self.config.n_layer))

    @property
    def n_parameters(self) -> int:
        """How many numbers the GPT consists of; the shared embedding counts once."""
        return self.config.n_parameters

    def hidden(self, idx: Tensor) -> Tensor:
        """Return the residual stream after the last block, normalised: (B, T) token ids → (B, T, C)."""
        if idx.dim() != 2 or not 1 <= idx.shape[1] <= self.config.block_size:
            raise ContextError(
                f"idx has shape {tuple(idx.shape)}; this GPT reads (batch, tokens) with 1 to "
                f"{self.config.block_size} tokens. Crop to the last {self.config.block_size}."
            )
        x = self.wte(idx) + self.wpe.weight[: idx.shape[1]]  # (B, T, C)
        for block in self.h:
            x = block(x)
        out: Tensor = self.ln_f(x)
        return out

    def forward(self, idx: Tensor) -> Tensor:
        """Return the logits of the token after the last one: (B, T) token ids → (B, V)."""
        out: Tensor = self.lm_head(self.hidden(idx)[:, -1])
        return out

    def logits(self, idx: Tensor) -> Tensor:
        """Return the logits after every position: (B, T) token ids → (B, T, V)."""
        out: Tensor = self.lm_head(self.hidden(idx))
        return out


# All threads share torch's generator: what two of them drew at once would be nobody's seed.
_generator_in_use = lock_across_forks()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's CPU generator inside the block and put it back as it was; other threads wait for their turn."""
    seed = check_seed(seed)
    generator = torch.default_generator
    with _generator_in_use:
        before = generator.get_state()
        generator.manual_seed(seed)
        try:
            yield
        finally:
            generator.set_state(before)


def seeded_gpt(config: GPTConfig, seed: int) -> GPT:
    """Return the GPT that ``torch.manual_seed(seed)`` leads to, on the CPU, leaving the global generator alone."""
    with seeded(seed):
        return GPT(config, device="cpu")
