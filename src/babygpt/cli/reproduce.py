"""Every number the article states, beside the one this program measures now."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from babygpt.chain.contexts import all_contexts, count_short
from babygpt.cli.sizes import KNOWN_MODELS
from babygpt.gpt.config import GPTConfig
from babygpt.gpt.corpus import windows
from babygpt.gpt.model import seeded_gpt
from babygpt.gpt.vocabulary import Vocabulary
from babygpt.run.training import train

SEQUENCE = "111101111011110"

# Last digits vary with torch's version and the machine.
UNTRAINED, TRAINED, LOSS = 1e-6, 1e-4, 1e-5

UNTRAINED_P0 = (0.4963350, 0.4515704, 0.4964836, 0.4518111, 0.4961162, 0.4517718, 0.4962803, 0.4520468)
TRAINED_P1 = (0.7316, 0.7814, 0.7578, 0.7956, 0.7475, 0.7929, 0.7799, 0.4536)


@dataclass(frozen=True)
class Claim:
    """One number of the article: its row, what it is of, what the article says, what is measured."""

    row: str
    what: str
    stated: str
    measured: str
    holds: bool


def _exactly(row: str, what: str, stated: object, measured: object) -> Claim:
    return Claim(row, what, str(stated), str(measured), stated == measured)


def _about(row: str, what: str, stated: float, measured: float, tolerance: float, digits: int) -> Claim:
    # half a unit of the last digit stated, or the tolerance, whichever is wider
    wide = max(tolerance, 0.5 * 10.0**-digits * 1.0001)
    return Claim(row, what, f"{stated:.{digits}f}", f"{measured:.{digits}f}", abs(stated - measured) <= wide)


def _percent(row: str, what: str, stated: int, measured: float) -> Claim:
    return Claim(row, what, f"{stated} %", f"{100 * measured:.1f} %", round(100 * measured) == stated)


def check_article() -> list[Claim]:
    """Train the article's GPT and return every claim of it with a verdict."""
    config = GPTConfig()
    gpt = seeded_gpt(config, seed=1337)
    run = train(SEQUENCE, context_length=3, steps=50, seed=1337)
    untrained, trained = run.chain_at(0), run.chain
    contexts = all_contexts(2, 3)
    X, Y = windows(Vocabulary("01").encode(SEQUENCE), 3)

    claims = [
        _exactly("A1", "parameters", 12_656, gpt.n_parameters),
        _exactly("A1", "logits for a batch of 8 contexts", (8, 2), tuple(gpt(torch.from_numpy(contexts)).shape)),
        _exactly("A2", "full contexts", 8, trained.n_states),
        _exactly("A2", "contexts, shorter ones included", 14, count_short(2, 3) + trained.n_states),
        _exactly("A3", "their order", "000 … 111", f"{trained.context(0)} … {trained.context(7)}"),
        _exactly("A4", "arrows out of each context", 2, trained.probs.shape[1]),
        _exactly(
            "A4", "dropped left, appended right: 101 → 1", "011", trained.context(int(trained.successors()[5, 1]))
        ),
    ]
    for i, stated in enumerate(UNTRAINED_P0):
        measured = float(untrained.probs[i, 0])
        claims.append(_about("A5", f"untrained, {untrained.context(i)} → 0", stated, measured, UNTRAINED, 7))
    claims += [
        _exactly("A6", "examples, X", (12, 3), X.shape),
        _exactly("A6", "examples, Y", (12,), Y.shape),
        _about("A7", "loss at iteration 0", 0.663539469, float(run.losses[0]), LOSS, 9),
        _about("A7", "loss at iteration 1", 0.639351010, float(run.losses[1]), LOSS, 9),
        _about("A7", "loss at iteration 49", 0.4699831, float(run.losses[49]), LOSS, 7),
        _percent("A8", "101 → 011", 79, trained["101"]["1"]),
        _percent("A8", "111 → 111", 45, trained["111"]["1"]),
        _percent("A8", "111 → 110", 55, trained["111"]["0"]),
        _percent("A8", "000 → 001, never seen", 73, trained["000"]["1"]),
    ]
    for i, stated in enumerate(TRAINED_P1):
        measured = float(trained.probs[i, 1])
        claims.append(_about("A8", f"trained, {trained.context(i)} → 1", stated, measured, TRAINED, 4))
    _, gpt2, gpt3, gpt4 = (model.article for model in KNOWN_MODELS)
    claims += [
        _exactly("A13", "GPT-2, bits of state", 31_984, round(gpt2.bits)),
        _exactly("A13", "GPT-2, bytes (the article prints kB)", 3_998, round(gpt2.bytes)),
        _exactly("A13", "GPT-3, about … kB", 8, round(gpt3.bytes / 1000)),
        _exactly("A13", "GPT-4, about … kB", 64, round(gpt4.bytes / 1000)),
    ]
    return claims
