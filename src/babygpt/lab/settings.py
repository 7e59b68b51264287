"""The settings of one training, and what they name: a corpus, a shape, a source, a key.

Every setting has one name, that of :func:`babygpt.train`'s parameter. A ``sequence`` may be a text, or a source whose
truth is known (:mod:`babygpt.lab.sources`): ``"source:mess3(x=0.05,a=0.85)"`` trains on ``source_tokens`` of its
tokens, drawn from ``source_seed``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from babygpt import settings as table
from babygpt.chain.contexts import check_size
from babygpt.errors import InputError, SequenceError, SettingError
from babygpt.gpt.checks import check_count, check_seed
from babygpt.gpt.config import shape_of, training_of
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.paths import looks_like_path, names_a_file
from babygpt.gpt.room import least_time
from babygpt.run.blocks import check_many
from babygpt.run.trace import SCALARS

if TYPE_CHECKING:
    from babygpt.lab.hidden_markov import Source

Settings = dict[str, Any]

# Every setting that a sweep varies, with its type and what it is where a spec does not say: the article's. Results must
# not depend on a worker's device.
SETTINGS: dict[str, tuple[type, Any]] = {
    "sequence": (str, None),
    **{
        one.name: (one.kind, one.default)
        for one in (*table.SHAPE, *table.TRAINING)
        if one.name not in ("seed", "device")
    },
    **{name: (table.SETTINGS[name].kind, table.SETTINGS[name].default) for name in ("vocabulary", "tokens")},
    "source_tokens": (int, 10_000),
    "source_seed": (int, 0),
    "seed": (int, table.default("seed")),
}

# The settings of the first version, which every key names. One that was added later is named where it is not its
# default: so keys stay what they were, and a folder goes on, when settings are added.
_IN_EVERY_KEY = {
    "sequence", "context_length", "n_layer", "n_head", "n_embd", "bias", "steps", "learning_rate", "weight_decay",
    "positions", "batch_size", "vocabulary", "tokens", "source_tokens", "source_seed", "seed",
}  # fmt: skip

# What a sequence begins with that names a source.
SOURCE = "source:"

# Outcomes that any training has, with their units; the others are scalars of its chain.
OUTCOMES: dict[str, str] = {
    "first_loss": "nats per token",
    "last_loss": "nats per token",
    "floor": "nats per token",
    "gap": "nats per token, last loss − floor",
    "losses": "nats per token, before each update",
    "probs": "probabilities, N·V of them, state after state",
}
# And these only where the sequence is a source: see babygpt.lab.judge.
TRUTHS: dict[str, str] = {
    "cross_entropy": "nats per token, on endless data",
    "optimal_loss": "nats per token, of the best chain of this context length",
    "excess": "nats per token, cross-entropy − optimal loss",
}
UNITS = OUTCOMES | TRUTHS | {name: unit for name, (unit, _) in SCALARS.items()}


def canonical(settings: Mapping[str, Any]) -> str:
    """Return settings as a text that is the same for equal ones, whatever their order."""
    return json.dumps(settings, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def key_of(settings: Mapping[str, Any], seed: int) -> str:
    """Return the name of a task: a hash of its settings and its seed, 20 hexadecimal digits.

    >>> first = {"n_layer": 1, "learning_rate": 0.1}
    >>> key_of(first, 3) == key_of({"learning_rate": 0.1, "n_layer": 1}, 3) != key_of(first, 4)
    True
    """
    named = {**settings, "seed": seed}
    told = {name: value for name, value in named.items() if name in _IN_EVERY_KEY or value != SETTINGS[name][1]}
    return hashlib.sha256(canonical(told).encode()).hexdigest()[:20]


def source_of(settings: Mapping[str, Any]) -> Source | None:
    """Return the source that settings name, or None where their sequence is a text; the last few are kept."""
    sequence = settings["sequence"]
    return _source(sequence.removeprefix(SOURCE)) if sequence.startswith(SOURCE) else None


def corpus_of(settings: Mapping[str, Any]) -> Corpus:
    """Return the corpus that settings name; the last few are kept."""
    names = ("sequence", "context_length", "vocabulary", "tokens", "source_tokens", "source_seed")
    return _corpus(*(settings[name] for name in names))


@lru_cache(maxsize=64)
def _source(name: str) -> Source:
    from babygpt.lab.sources import named

    return named(name)


@lru_cache(maxsize=16)
def _corpus(
    sequence: str, context_length: int, vocabulary: str | None, tokens: Any, source_tokens: int, source_seed: int
) -> Corpus:
    if sequence.startswith(SOURCE):
        source = _source(sequence.removeprefix(SOURCE))
        return Corpus.from_tokens(source.tokens(source_tokens, source_seed), context_length, source.vocabulary)
    return Corpus.from_text(sequence, context_length, vocabulary, tokens)


def resolved(settings: Settings) -> Settings:
    """Return settings with a source by its full name, and None for what does not matter, so that equals are equal."""
    source = source_of(settings)
    if source is None:
        return settings | {"source_tokens": None, "source_seed": None}
    if settings["vocabulary"] is not None:
        raise SettingError(f"vocabulary = {settings['vocabulary']!r}: a source brings its own symbols. Leave it out.")
    return settings | {"sequence": SOURCE + (source.name or settings["sequence"].removeprefix(SOURCE)), "tokens": None}


def checked_vocab_size(settings: Mapping[str, Any], seeds: Sequence[int]) -> int:
    """Return V of the sequence, or raise an :class:`InputError` if these settings cannot be trained from the seeds."""
    sequence = settings["sequence"]
    if not sequence.startswith(SOURCE) and (looks_like_path(sequence) or names_a_file(sequence)):
        raise SequenceError(
            f"The sequence {sequence!r:.60} is the name of a file, and a sweep learns from what stands in its spec. "
            f"Put the text itself there, or instead of sequence write file = {json.dumps(sequence, ensure_ascii=False)}"
        )
    with in_a_specs_words():
        check_count("context_length", settings["context_length"])
        source = source_of(settings)
        if source is None:
            V = len(corpus_of(settings).vocabulary)
        else:  # not drawn here: a sweep may have thousands
            V = len(source.vocabulary)
            check_count("source_tokens", settings["source_tokens"], least=settings["context_length"] + 1)
            check_seed(settings["source_seed"])
        shape_of(settings, V)
        check_size(V, settings["context_length"])
        for seed in (min(seeds), max(seeds)):
            training_of({**settings, "seed": seed})
    return V


def check_room(settings: Mapping[str, Any], vocab_size: int) -> int:
    """Raise :class:`SizeError` if these settings cannot be trained on this machine, however little they read.

    What comes back is the least time that it takes on any machine, in microseconds.
    """
    config, how = shape_of(settings, vocab_size), training_of(settings)
    with in_a_specs_words():
        check_many(config, how, n_contexts=1, n_members=1)
    return least_time(config, how, n_contexts=1)


@contextmanager
def in_a_specs_words() -> Iterator[None]:
    """Tell what is refused inside as of a spec: "n_embd = 15", where the library says "n_embd=15"."""
    try:
        yield
    except InputError as error:
        said = re.sub(r"\b([a-z_]+)=(?=\S)", r"\1 = ", str(error))
        raise type(error)(f"The spec has a combination that cannot be trained: {said}") from error
