"""The settings: flat, checked when made, the article's by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from babygpt.errors import SettingError
from babygpt.gpt.checks import check_choice, check_count, check_rate, check_seed
from babygpt.gpt.corpus import Positions
from babygpt.gpt.kinds import explained


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

    block_size: int = 3
    vocab_size: int = 2
    n_layer: int = 4
    n_head: int = 4
    n_embd: int = 16
    bias: bool = False

    def __post_init__(self) -> None:
        for name in ("block_size", "n_layer", "n_head", "n_embd"):
            object.__setattr__(self, name, _count(name, getattr(self, name)))
        object.__setattr__(self, "vocab_size", _count("vocab_size", self.vocab_size, least=2))
        if not isinstance(self.bias, bool):
            raise SettingError(f"bias={self.bias!r} is neither True nor False.")
        if self.n_embd % self.n_head:
            raise SettingError(
                f"The width n_embd={self.n_embd} cannot be divided among n_head={self.n_head} heads. "
                f"Try n_embd={-(-self.n_embd // self.n_head) * self.n_head}."
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

    steps: int = 50
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    positions: Positions = "last"
    batch_size: int | None = None
    seed: int = 1337
    device: str = "cpu"

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", _count("steps", self.steps))
        object.__setattr__(self, "learning_rate", check_rate("learning_rate", self.learning_rate))
        object.__setattr__(self, "weight_decay", check_rate("weight_decay", self.weight_decay, zero=True))
        check_choice("positions", self.positions, get_args(Positions))
        if self.batch_size is not None:
            object.__setattr__(self, "batch_size", _count("batch_size", self.batch_size))
        object.__setattr__(self, "seed", check_seed(self.seed))


def _count(name: str, value: object, least: int = 1) -> int:
    number = check_count(name, value, least)
    if number >= 2**63:
        raise SettingError(f"{name}={number} does not fit 63 bits. Use a smaller number.")
    return number
