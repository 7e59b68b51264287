"""The settings: flat, checked when made, the article's by default."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

from babygpt.errors import SettingError
from babygpt.gpt.checks import check_count, check_rate, check_seed
from babygpt.gpt.corpus import Positions


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT; the defaults are the article's, 12,656 parameters.

    Attributes
    ----------
    block_size
        K, the context length in tokens.
    vocab_size
        V, the number of symbols.
    n_layer, n_head, n_embd
        Blocks; attention heads in each; width C, divisible by ``n_head``.
    bias
        Whether the four linear maps of a block have a bias (LayerNorm always has one).

    Raises
    ------
    SettingError
        A number that is not positive, or a width that the heads do not divide.
    """

    block_size: int = 3
    vocab_size: int = 2
    n_layer: int = 4
    n_head: int = 4
    n_embd: int = 16
    bias: bool = False

    def __post_init__(self) -> None:
        for name in ("block_size", "n_layer", "n_head", "n_embd"):
            check_count(name, getattr(self, name))
        check_count("vocab_size", self.vocab_size, least=2)
        if self.n_embd % self.n_head:
            raise SettingError(
                f"The width n_embd={self.n_embd} cannot be divided among n_head={self.n_head} heads. "
                f"Try n_embd={math.ceil(self.n_embd / self.n_head) * self.n_head}."
            )


@dataclass(frozen=True)
class TrainConfig:
    """How to train; the defaults are the article's.

    Attributes
    ----------
    steps
        Updates in all.
    learning_rate, weight_decay
        AdamW's, constant.
    positions
        ``"last"``: predict the token after each whole context. ``"all"``: after each of its prefixes too.
    batch_size
        Examples drawn, with replacement, for each step; None takes the whole corpus every time.
    seed
        Draws the weights (where a run is trained from scratch) and the batches.
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.

    Raises
    ------
    SettingError
        A value out of range, or a device this machine lacks.
    """

    steps: int = 50
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    positions: Positions = "last"
    batch_size: int | None = None
    seed: int = 1337
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        check_rate("learning_rate", self.learning_rate)
        check_rate("weight_decay", self.weight_decay, zero=True)
        if self.positions not in get_args(Positions):
            raise SettingError(f"positions={self.positions!r} is not known. Use 'last' or 'all'.")
        if self.batch_size is not None:
            check_count("batch_size", self.batch_size)
        check_seed(self.seed)
