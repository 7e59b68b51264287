"""What a run is, in a line: read from its folder without what is large in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babygpt.chain.contexts import count_states
from babygpt.errors import RunError
from babygpt.gpt.config import GPTConfig
from babygpt.run.files import load_outline


@dataclass(frozen=True)
class RunSummary:
    """A run, in a line.

    Attributes
    ----------
    run
        Its folder.
    text
        What it learnt, if it is short enough to be kept with it.
    context_length, symbols, states, parameters
        K, V, N, and how many weights.
    seed, learning_rate, steps
        Of its training; ``steps`` are those done.
    loss, floor
        Nats per token: of the last step, before it (NaN if none was done), and the lowest that the data allows.
    """

    run: str
    text: str | None
    context_length: int
    symbols: int
    states: int
    parameters: int
    seed: int
    learning_rate: float
    steps: int
    loss: float
    floor: float


def summary(path: Path) -> RunSummary:
    """Return the summary of the run in a folder.

    Raises
    ------
    RunError
        There is none, or it is damaged.
    """
    header, corpus = load_outline(path)
    try:
        config, train, losses = GPTConfig(**header["gpt"]), header["train"], header["losses"]
        return RunSummary(
            str(path), corpus.text, config.block_size, config.vocab_size,
            count_states(config.vocab_size, config.block_size), config.n_parameters, int(train["seed"]),
            float(train["learning_rate"]), len(losses), float(losses[-1]) if losses else math.nan,
            corpus.loss_floor(train["positions"]),
        )  # fmt: skip
    except (LookupError, TypeError, ValueError) as error:
        raise RunError(f"The run in {path} does not fit together: {error}.") from error


def summaries(folder: Path) -> Iterator[RunSummary | RunError]:
    """Return the summary of each run in a folder by name, or what is wrong with it; what is no run is passed over."""
    for path in sorted(each for each in folder.iterdir() if (each / "run.json").is_file()):
        try:
            yield summary(path)
        except RunError as error:
            yield error
