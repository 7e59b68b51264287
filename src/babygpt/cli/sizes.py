"""How large the chains of well-known models would be.

A GPT with V tokens and context length K is a chain with V^K states, so naming its state takes K·log₂ V bits. The
article compares that with the memory of old home computers. Some of its numbers are misprints or rest on a
context length the model did not have; the corrected ones use the models' published sizes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from babygpt.errors import SettingError


@dataclass(frozen=True)
class Size:
    """The size of a chain: V tokens, context length K."""

    vocab_size: int
    context_length: int

    @property
    def bits(self) -> float:
        """The bits that name one state: K·log₂ V."""
        return self.context_length * math.log2(self.vocab_size)

    @property
    def bytes(self) -> float:
        """The same in bytes of 8 bits."""
        return self.bits / 8

    @property
    def states(self) -> str:
        """The number of states, V^K, written out where it is short and as a power of ten where it is not."""
        digits = self.context_length * math.log10(self.vocab_size)
        return f"{self.vocab_size**self.context_length:,}" if digits < 13 else f"10^{digits:,.0f}"


@dataclass(frozen=True)
class KnownModel:
    """A model the article speaks of: what it says, and what is so."""

    name: str
    article: Size
    article_says: str
    actual: Size
    remark: str


# What the article compares with: the memory that these home computers were first sold with, in bytes.
COMPUTERS = {"Atari 800": 8 * 1024, "Commodore 64": 64 * 1024}

KNOWN_MODELS = (
    KnownModel("baby-gpt", Size(2, 3), "8 states", Size(2, 3), ""),
    KnownModel("gpt-2", Size(50_257, 2_048), "3,998 kB", Size(50_257, 1_024),
               "the article prints kB for bytes, and GPT-2's real context length is 1,024"),
    KnownModel("gpt-3", Size(50_257, 4_096), "8 kB", Size(50_257, 2_048),
               "8 kB is the memory of an Atari 800; GPT-3's real context length is 2,048"),
    KnownModel("gpt-4", Size(50_257, 32_768), "64 kB", Size(100_277, 32_768),
               "64 kB is the memory of a Commodore 64; GPT-4's real vocabulary has 100,277 tokens"),
)  # fmt: skip


def known_models(names: list[str]) -> tuple[KnownModel, ...]:
    """Return the named models, or all of them for no name."""
    table = {model.name: model for model in KNOWN_MODELS}
    chosen = [name.lower().replace("gpt2", "gpt-2").replace("gpt3", "gpt-3").replace("gpt4", "gpt-4") for name in names]
    for name, given in zip(chosen, names, strict=True):
        if name not in table:
            raise SettingError(
                f"{given!r} is not among the models known here ({', '.join(table)}). For another one give its size: "
                "babygpt sizes --vocab 50257 --context 1024"
            )
    return tuple(table[name] for name in chosen) or KNOWN_MODELS


def byte_count(value: float) -> str:
    """Return a number of bytes as the article counts them, in kB of 1,000.

    >>> byte_count(0.375), byte_count(3997.99), byte_count(63967.8)
    ('0.4 bytes', '3,998 bytes', '64.0 kB')
    """
    if value < 10:
        return f"{value:.1f} bytes"
    return f"{value:,.0f} bytes" if value < 10_000 else f"{value / 1000:,.1f} kB"
