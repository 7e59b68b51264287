"""Counting a corpus, and a training step after it: how both grow with its length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from measure import Comparison, Growth, once, rounds

import babygpt as bg
from babygpt.gpt.model import seeded_gpt
from babygpt.gpt.train import Trainer

SYMBOLS = "abcdefghijklmnopqrstuvwxyz "


def random_tokens(length: int, vocab_size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(vocab_size, size=length, dtype=np.uint8)


def one_by_one(tokens: list[int], K: int) -> Counter:
    """Count as one would by hand: every window a key of a dictionary."""
    return Counter(tuple(tokens[i : i + K + 1]) for i in range(len(tokens) - K))


def measure(full: bool) -> Iterator[Comparison | Growth]:
    length = 10**8 if full else 10**7
    for V, K in ((2, 3), (2, 16), (27, 3)):
        tokens, vocabulary = random_tokens(length, V), SYMBOLS[:V]
        few = tokens[: 10**5].tolist()
        seconds = rounds(
            {
                "ours": lambda tokens=tokens, K=K, v=vocabulary: bg.Corpus.from_tokens(tokens, K, v),
                "theirs": lambda few=few, K=K: one_by_one(few, K),
            },
            3,
        )
        name = f"counting {length:,} tokens, {V} symbols, context {K}"
        against = "a dictionary of windows, 100,000 tokens"
        yield Comparison(name, against, seconds["ours"], seconds["theirs"], length, len(few), "tokens/s")
    yield steps_after(10**8 if full else 10**7)
    yield growth(full)


def steps_after(length: int) -> Comparison:
    """Compare a step after ``length`` tokens with a step after as few as show the same eight contexts."""
    long = bg.Corpus.from_tokens(random_tokens(length, 2), 3, "01")
    short = bg.Corpus.from_text("0001011100" + "01", 3, "01")
    trainers = [Trainer(seeded_gpt(bg.GPTConfig(), 0), corpus, bg.TrainConfig(steps=10**6)) for corpus in (long, short)]

    def hundred(trainer: Trainer) -> None:
        for _ in range(100):
            trainer.step()

    seconds = rounds({"long": lambda: hundred(trainers[0]), "short": lambda: hundred(trainers[1])}, 7)
    name = f"100 steps after {length:,} tokens, {len(long.contexts)} contexts"
    return Comparison(name, f"after {short.n_examples + 3} tokens, {len(short.contexts)} contexts", *seconds.values())


def growth(full: bool) -> Growth:
    table = Growth("Counting L tokens (2 symbols, context 3)", "L", "seconds")
    for exponent in range(2, 10 if full else 9):
        tokens = random_tokens(10**exponent, 2)
        seconds = once(lambda tokens=tokens: bg.Corpus.from_tokens(tokens, 3, "01"))
        table.rows.append((f"10^{exponent}", seconds))
    return table
