"""Training: one GPT, the article's 50 steps, against the article's own plain loop."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from measure import Comparison, compare

import babygpt as bg
from babygpt.gpt.corpus import windows

SEQUENCE = "111101111011110"


def plain_loop(steps: int = 50) -> bg.GPT:
    """Train the article's way: all 12 windows every step, torch's AdamW as it comes."""
    torch.manual_seed(1337)
    gpt = bg.GPT(bg.GPTConfig())
    X, Y = (torch.tensor(part) for part in windows(bg.Vocabulary("01").encode(SEQUENCE), 3))
    optimizer = torch.optim.AdamW(gpt.parameters(), lr=1e-3, weight_decay=0.1)
    for _ in range(steps):
        loss = F.cross_entropy(gpt(X), Y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
    return gpt


def fit_only() -> None:
    corpus = bg.Corpus.from_text(SEQUENCE, context_length=3)
    torch.manual_seed(1337)
    for _ in bg.fit(bg.GPT(bg.GPTConfig()), corpus):
        pass


def measure(full: bool) -> Iterator[Comparison]:
    plain = "the article's plain loop"
    yield compare("50 steps, as bg.train with every frame of the chain", lambda: bg.train(SEQUENCE), plain, plain_loop)
    yield compare("50 steps, as bg.fit without frames", fit_only, plain, plain_loop)
