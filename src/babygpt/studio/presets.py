"""Things to begin with in the studio, each of which teaches one thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

ARTICLE = "111101111011110"

# Written for this page, with the 26 letters and the blank: 27 symbols.
_PROSE = (
    "a quiet river bends through the valley and the boys who live by the mill watch it freeze in december "
    "they know just which planks hold and which crack and they wait for the extra cold week when even the "
    "lazy fox dares to cross the quick brown ice what the river keeps it keeps until the spring then the "
    "valley sounds like an organ and the ice goes down to the sea in pieces as big as barns"
)

# Eight lines about a mountain and the moon, which return to the same signs again and again.
_POEM = "山前一轮月月下一座山山高月色小月落山更高人在山中坐月在水中圆山月不知人人知山月闲"


@dataclass(frozen=True)
class Preset:
    """A sequence, and the settings that differ from the article's."""

    sequence: str
    settings: dict[str, Any] = field(default_factory=dict)


def fair_coin(n_tokens: int, seed: int) -> str:
    """Return tokens that nothing can predict.

    >>> fair_coin(12, seed=1)
    '011100110010'
    """
    return "".join(map(str, np.random.default_rng(seed).integers(2, size=n_tokens)))


def noisy_parity(n_tokens: int, noise: float, seed: int) -> str:
    """Return tokens of which each is the parity of the three before it, but for a share ``noise`` that is flipped.

    >>> noisy_parity(12, noise=0.0, seed=1)
    '110011001100'
    """
    flips = np.random.default_rng(seed).random(n_tokens) < noise
    tokens = [1, 1, 0]
    while len(tokens) < n_tokens:
        tokens.append((tokens[-1] + tokens[-2] + tokens[-3] + int(flips[len(tokens)])) % 2)
    return "".join(map(str, tokens))


PRESETS: dict[str, Preset] = {
    "article": Preset(ARTICLE),
    "alternating": Preset("01" * 8, {"context_length": 1}),
    "period5": Preset("00101" * 6, {"context_length": 4, "steps": 200}),
    "coin": Preset(fair_coin(400, seed=1), {"steps": 200}),
    "parity": Preset(noisy_parity(240, noise=0.1, seed=3), {"steps": 1000, "learning_rate": 1.5e-3}),
    "prose": Preset(_PROSE, {"context_length": 2, "steps": 300, "learning_rate": 3e-3}),
    "poem": Preset(_POEM, {"context_length": 1, "steps": 200, "learning_rate": 3e-3}),
}
