"""The settings: flat, checked when made, the article's by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from babygpt.errors import SettingError
from babygpt.gpt.checks import check_setting
from babygpt.gpt.kinds import explained
from babygpt.settings import SETTINGS, Positions, Setting, default

# What the chain calls its context length, a GPT calls its block size; its vocabulary is that of what it learns.
_ITS_OWN = {
    "block_size": SETTINGS["context_length"],
    "vocab_size": Setting("vocab_size", int, 2, "The number of symbols.", least=2),
}


@explained
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

    block_size: int = default("context_length")
    vocab_size: int = 2
    n_layer: int = default("n_layer")
    n_head: int = default("n_head")
    n_embd: int = default("n_embd")
    bias: bool = default("bias")

    def __post_init__(self) -> None:
        _check(self)
        if self.n_embd % self.n_head:
            fits = -(-self.n_embd // self.n_head) * self.n_head
            raise SettingError(
                f"The width n_embd={self.n_embd} cannot be divided among n_head={self.n_head} heads. "
                f"Try n_embd={fits}.",
                "n_embd",
                self.n_embd,
                fits,
            )

    @property
    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter by name, as the torch module has them."""
        C = self.n_embd
        linear = {"attn.c_attn": (3 * C, C), "attn.c_proj": (C, C), "mlp.c_fc": (4 * C, C), "mlp.c_proj": (C, 4 * C)}
        shapes: dict[str, tuple[int, ...]] = {"wte.weight": (self.vocab_size, C), "wpe.weight": (self.block_size, C)}
        for layer in range(self.n_layer):
            for norm in ("ln_1", "ln_2"):
                shapes |= {f"h.{layer}.{norm}.weight": (C,), f"h.{layer}.{norm}.bias": (C,)}
            for name, shape in linear.items():
                shapes[f"h.{layer}.{name}.weight"] = shape
                if self.bias:
                    shapes[f"h.{layer}.{name}.bias"] = shape[:1]
        return shapes | {"ln_f.weight": (C,), "ln_f.bias": (C,)}

    @property
    def n_parameters(self) -> int:
        """How many numbers the GPT consists of; the shared embedding counts once."""
        # told without listing the parameters: a million layers have fourteen million of them
        C = self.n_embd
        linear = 12 * C**2 + self.bias * 9 * C  # 3·C·C, C·C, C·4·C and 4·C·C; their biases
        return (self.vocab_size + self.block_size) * C + self.n_layer * (4 * C + linear) + 2 * C


@explained
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
        A value out of range.
    """

    steps: int = default("steps")
    learning_rate: float = default("learning_rate")
    weight_decay: float = default("weight_decay")
    positions: Positions = default("positions")
    batch_size: int | None = default("batch_size")
    seed: int = default("seed")
    device: str = default("device")

    def __post_init__(self) -> None:
        _check(self)


def shape_of(settings: Mapping[str, Any], vocab_size: int) -> GPTConfig:
    """Return the GPT's shape that settings name, by their names in :data:`babygpt.settings.SETTINGS`."""
    own = {field.name: settings[field.name] for field in fields(GPTConfig) if field.name not in _ITS_OWN}
    return GPTConfig(settings["context_length"], vocab_size, **own)


def training_of(settings: Mapping[str, Any]) -> TrainConfig:
    """Return how settings say to train; what they do not name is as by default."""
    return TrainConfig(**{field.name: settings[field.name] for field in fields(TrainConfig) if field.name in settings})


def _check(config: GPTConfig | TrainConfig) -> None:
    """Check every field as its setting says, and make it of its kind."""
    for field in fields(config):
        setting = _ITS_OWN.get(field.name) or SETTINGS[field.name]
        object.__setattr__(config, field.name, check_setting(setting, getattr(config, field.name), field.name))
