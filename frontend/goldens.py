"""Writes tests/goldens/: what the library computes, for the tests of the page's engine (src/engine) to compute again.

python goldens.py writes them; python goldens.py --check says whether the library still computes what they say.
Trainings are in double precision, from the weights that a seed gives in single, as the engine has it: over many steps
single precision drifts, on two processors differently.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import count_short
from babygpt.chain.decoding import Decoding
from babygpt.chain.extract import context_table
from babygpt.chain.input_device import InputDevice, connect, context_alone
from babygpt.cli.sizes import KNOWN_MODELS, Size, byte_count
from babygpt.errors import ConvergenceError
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.model import seeded, seeded_gpt
from babygpt.gpt.reading import BORDER
from babygpt.gpt.train import fit
from babygpt.gpt.vocabulary import Vocabulary
from babygpt.lab.attribute import By, changes_of, corpora_of
from babygpt.lens.inside import look_inside
from babygpt.studio.chain_summary import CorpusLoss

FOLDER = Path(__file__).parent / "tests" / "goldens"
CONFIGS = 30
STEPS = 50
RATES = [2e-4, 5e-4, 1e-3]
# Of trainings drawn at random some are so sensitive that the last digit of a weight decides, 50 steps later, the third
# of a probability: they say nothing about who computes. From this seed there is none.
DRAWN = 6
# States of which the mixing time is asked for.
MIXED = 256
# What --check lets pass: processors round differently.
CLOSE = 1e-6


def generators() -> dict[str, Any]:
    """Return draws of torch's generator and of NumPy's."""
    drawn = []
    for seed, sizes in ((1337, [4, 3, 16, 5]), (0, [33, 1, 2]), (2**40 + 5, [17, 100, 15])):
        with seeded(seed):
            normal = [torch.empty(size).normal_(0, 0.02).tolist() for size in sizes]
            drawn.append({"seed": seed, "sizes": sizes, "normal": normal, "uniform": torch.rand(5).tolist()})
    batches = []
    for seeds in ((0, 0), (1337, 3), (2**33 + 1, 2**35)):
        several = {str(n): np.random.default_rng(seeds).integers(n, size=9).tolist() for n in (1, 12, 2**32, 2**40)}
        batches.append({"seeds": seeds, "random": np.random.default_rng(seeds).random(3).tolist(), "integers": several})
    walk = {"seeds": [7], "random": np.random.default_rng(7).random(3).tolist(), "integers": {}}
    return {"torch": drawn, "numpy": [*batches, walk]}


def trainings() -> list[dict[str, Any]]:
    """Return weights, losses and chains of GPTs of all shapes, the article's first."""
    article = [[int(token) for token in "111101111011110"]]
    made = [_training(GPTConfig(), TrainConfig(steps=STEPS), article)]
    rng = np.random.default_rng(DRAWN)
    while len(made) < CONFIGS:
        V, K, heads = int(rng.integers(2, 6)), int(rng.integers(1, 6)), int(rng.integers(1, 4))
        if V**K > 81:
            continue
        config = GPTConfig(K, V, int(rng.integers(1, 4)), heads, heads * int(rng.integers(2, 7)), bool(rng.integers(2)))
        train_config = TrainConfig(
            STEPS, float(rng.choice(RATES)), float(rng.choice([0, 0.1, 1])),
            "all" if rng.integers(2) else "last", int(rng.integers(1, 12)) if rng.integers(2) else None,
            int(rng.choice([1337, 3, 2**31 + 7, 2**45 + 1])),
        )  # fmt: skip
        sequences = [rng.integers(V, size=rng.integers(K + 1, 60)).tolist() for _ in range(rng.integers(1, 4))]
        made.append(_training(config, train_config, sequences, weighted=len(made) % 10 == 5))
    return made


def _training(
    config: GPTConfig, train_config: TrainConfig, sequences: list[list[int]], weighted: bool = False
) -> dict[str, Any]:
    V, K = config.vocab_size, config.block_size
    corpus = Corpus.from_sequences(map(np.array, sequences), K, Vocabulary.numbers(V))
    if weighted:
        corpus = Corpus.from_distribution(corpus.contexts, corpus.counts / 7.0, corpus.vocabulary)
    gpt = seeded_gpt(config, train_config.seed)
    init = {name: _digest(parameter) for name, parameter in gpt.named_parameters()}
    gpt = gpt.double()
    first = _probs(gpt)
    losses = [step.loss for step in fit(gpt, corpus, train_config)]
    tokens = [token for sequence in sequences for token in (BORDER, *sequence)][1:]
    return {
        "config": vars(config), "training": {k: v for k, v in vars(train_config).items() if k != "device"},
        "tokens": tokens, "weighted": weighted, "n_examples": corpus.n_examples,
        "end_states": corpus.end_states.tolist(), "floors": [corpus.loss_floor("last"), corpus.loss_floor("all")],
        "init": init, "losses": losses, "first": first, "last": _probs(gpt),
    }  # fmt: skip


def _digest(parameter: torch.Tensor) -> list[float]:
    """Return sums that no two numbers can be swapped in, and some numbers."""
    values = parameter.detach().double().flatten()
    weighted = values * torch.arange(1, len(values) + 1)
    return [values.abs().sum().item(), weighted.sum().item() / len(values), *values[[0, len(values) // 2, -1]].tolist()]


def _probs(gpt: torch.nn.Module) -> list[float]:
    """Return the probabilities after every context, short ones first, row by row."""
    return np.exp(context_table(gpt)).ravel().tolist()  # type: ignore[arg-type]  # a GPT


def chains() -> list[dict[str, Any]]:
    """Return tables of log-probabilities, and what the chains that a decoding makes of them amount to."""
    rng = np.random.default_rng(1)
    plain: dict[str, Any] = {}
    rows = [(2, 3, 1.0, plain), (3, 2, 0.3, plain), (2, 6, 0.05, plain), (5, 1, 1.0, {"temperature": 0.05})]
    rows += [(2, 4, 0.4, {"temperature": 0.002}), (2, 3, 0.5, {"temperature": 0.0}), (3, 3, 0.5, {"temperature": 0.0})]
    rows += [(4, 2, 1.0, {"top_k": 2}), (3, 3, 1.0, {"top_p": 0.7}), (3, 3, 1.0, {"min_p": 0.5, "temperature": 1.7})]
    rows += [(3, 6, 0.8, plain), (2, 9, 0.02, plain), (2, 9, 1.0, {"top_k": 1})]
    found = []
    for V, K, concentration, rules in rows:
        n = count_short(V, K) + V**K
        table = np.log(rng.dirichlet(np.full(V, concentration), size=n) + 1e-4)
        table -= np.log(np.exp(table).sum(axis=1, keepdims=True))
        tokens = rng.integers(V, size=40)
        found.append(_chain(MarkovChain.from_table(table), table, rules, tokens))
    return found


def _chain(
    chain: MarkovChain, table: NDArray[np.float64], rules: dict[str, Any], tokens: NDArray[np.int64]
) -> dict[str, Any]:
    decoded = chain.with_decoding(**rules)
    classes = decoded.recurrent_classes()
    one = len(classes) == 1
    corpus = Corpus.from_tokens(tokens, chain.context_length, chain.vocabulary)
    mixing = math.inf
    if one and chain.n_states <= MIXED:
        with suppress(ConvergenceError):  # more tokens than can be followed
            mixing = decoded.mixing_time()
    return {
        "vocab_size": len(chain.vocabulary), "context_length": chain.context_length,
        "decoding": vars(Decoding(**rules)),
        "table": table.ravel().tolist(), "decoded": decoded.probs.ravel().tolist(),
        "classes": [states.tolist() for states in classes], "periods": decoded.periods(),
        "stationary": [pi.tolist() for pi in decoded.stationary_distributions()],
        "endings": decoded.absorption_probabilities().mean(axis=0).tolist(),
        "entropy_rate": decoded.entropy_rate() if one else None,
        "mixing_time": mixing if math.isfinite(mixing) else None, "tokens": tokens.tolist(),
        "losses": [CorpusLoss(corpus, positions, 0.0).loss(chain) for positions in ("last", "all")],
    }  # fmt: skip


def inside() -> list[dict[str, Any]]:
    """Return what happens inside GPTs with weights ten times as large as they are drawn, reading a context."""
    rows = []
    for config, context in (
        (GPTConfig(), [1, 0, 1]), (GPTConfig(4, 3, 2, 3, 12, True), [2, 0]), (GPTConfig(5, 2, 1, 1, 3), [0, 1, 1, 0, 1])
    ):  # fmt: skip
        gpt = seeded_gpt(config, 1337).double()
        with torch.no_grad():
            for parameter in gpt.parameters():
                parameter.mul_(10)
        seen = look_inside(gpt, context)
        attention, probs = seen.attention.ravel().tolist(), seen.probs.ravel().tolist()
        rows.append({"config": vars(config), "context": context, "attention": attention, "probs": probs})
    return rows


def effects() -> list[dict[str, Any]]:
    """Return every arrow as it is with each token changed, or each window left out."""
    article = [int(token) for token in "111101111011110"]
    cases: list[tuple[list[int], GPTConfig, TrainConfig, By]] = [
        (article, GPTConfig(), TrainConfig(steps=30), "token"), (article, GPTConfig(), TrainConfig(steps=30), "window"),
        ([0, 1, 2, 1, 0, BORDER, 2, 2, 1, 0, 1], GPTConfig(1, 3, 1, 2, 8), TrainConfig(20, positions="all"), "token"),
    ]  # fmt: skip
    rows = []
    for tokens, config, train_config, by in cases:
        V, K, ids = config.vocab_size, config.block_size, np.array(tokens)
        sequences = [part[part != BORDER] for part in np.split(ids, np.flatnonzero(ids == BORDER))]
        corpus = Corpus.from_sequences(sequences, K, Vocabulary.numbers(V))
        places, replacements = changes_of(ids, V, K, by)
        variants, variant_of = corpora_of(corpus, ids, places, replacements)
        chains = []
        for one in (corpus, *variants):
            gpt = seeded_gpt(config, train_config.seed).double()
            for _ in fit(gpt, one, train_config):
                pass
            chains.append(np.exp(context_table(gpt))[-(V**K) :].ravel().tolist())
        rows.append({
            "config": vars(config), "steps": train_config.steps, "positions": train_config.positions, "by": by,
            "tokens": tokens, "places": places.tolist(), "replacements": replacements.tolist(), "base": chains[0],
            "n_trained": len(variants), "changed": [chains[1 + variant] for variant in variant_of.tolist()],
        })  # fmt: skip
    return rows


def devices() -> list[dict[str, Any]]:
    """Return what becomes of chains joined to devices: how many states, and what walks tell of the context alone."""
    rng = np.random.default_rng(3)
    article = Corpus.from_text("111101111011110", 3)
    gpt = seeded_gpt(GPTConfig(), 1337)
    for _ in fit(gpt, article, TrainConfig(steps=50)):
        pass
    chains = [(MarkovChain.from_table(context_table(gpt), article.vocabulary), int("111", 2), 0)]
    for V, K in ((2, 1), (3, 2), (5, 1), (2, 6)):
        probs = rng.dirichlet(np.full(V, 0.6), size=V**K)
        chains.append((MarkovChain(np.log(probs), Vocabulary.numbers(V)), int(rng.integers(V**K)), V + K))
    rows = []
    for chain, start, seed in chains:
        V = len(chain.vocabulary)
        table = chain.probs.ravel().tolist()
        for name, parts in (
            ("none", []), ("lookup", [V - 1, V - 1, 0]), ("lookup", [0, 1, 1]), ("clock", [3, 0]),
            ("clock", [1, V - 1]), ("counter", [0]),
        ):  # fmt: skip
            device = _device(name, [str(part) for part in parts])
            told = context_alone(chain, device, chain.context(start), seed=seed)
            joined = chain if device is None else None if device.why_not_finite else connect(chain, device)
            rows.append({
                "vocab_size": V, "context_length": chain.context_length, "table": table, "start": start, "seed": seed,
                "name": name, "parts": parts, "n_tokens": told.n_tokens, "questions": told.questions,
                "ambiguous": told.ambiguous, "states": None if joined is None else joined.n_states,
            })  # fmt: skip
    return rows


def _device(name: str, parts: list[str]) -> InputDevice | None:
    if name == "lookup":
        return InputDevice.lookup({"".join(parts[:2]): parts[2]})
    if name == "clock":
        return InputDevice.clock(int(parts[0]), parts[1])
    return InputDevice.counter(parts[0]) if name == "counter" else None


def sizes() -> list[dict[str, Any]]:
    """Return how large chains are, in numbers and in words."""
    known = [size for model in KNOWN_MODELS for size in (model.article, model.actual)]
    tried = [Size(*pair) for pair in ((2, 1), (27, 8), (3, 27), (2, 43), (10, 6), (1000, 4), (10**6, 10**6), (5, 2000))]
    return [
        {**vars(size), "bits": size.bits, "states": size.states, "bytes": byte_count(size.bytes)}
        for size in dict.fromkeys(known + tried)
    ]


GOLDENS = {
    "generators": generators,
    "trainings": trainings,
    "chains": chains,
    "inside": inside,
    "effects": effects,
    "devices": devices,
    "sizes": sizes,
}


def _rounded(value: Any) -> Any:
    """Return a value with its floats to 12 digits, which are enough for every test."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        # what others are computed from is kept whole
        return {key: one if key == "table" else _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, (list, tuple)) else value


def _differences(kept: Any, found: Any, where: str) -> Iterator[str]:
    if isinstance(found, float) and isinstance(kept, (int, float)):
        if not math.isclose(kept, found, rel_tol=CLOSE, abs_tol=CLOSE):
            yield f"{where}: {kept} is now {found}"
    elif isinstance(found, dict) and isinstance(kept, dict) and found.keys() == kept.keys():
        for key in found:
            yield from _differences(kept[key], found[key], f"{where}.{key}")
    elif isinstance(found, list) and isinstance(kept, list) and len(found) == len(kept):
        for i, (a, b) in enumerate(zip(kept, found, strict=True)):
            yield from _differences(a, b, f"{where}[{i}]")
    elif kept != found:
        yield f"{where}: {str(kept)[:60]} is now {str(found)[:60]}"


def main() -> None:
    """Write all goldens, or check them."""
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    for name, make in GOLDENS.items():
        path, found = FOLDER / f"{name}.json", _rounded(make())
        if "--check" not in sys.argv:
            rows = found if isinstance(found, list) else [found]
            path.write_text("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")
            continue
        kept = json.loads(path.read_text()) if path.exists() else None
        found = json.loads(json.dumps(found if isinstance(found, list) else [found]))
        if wrong := next(_differences(kept, found, name), None):
            sys.exit(f"The library no longer computes what the engine is held to. Run make goldens.\n{wrong}")


if __name__ == "__main__":
    main()
