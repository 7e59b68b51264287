"""Every question at once: what ``babygpt analyse`` tells of a chain, as plain data."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from babygpt.chain.chain import MarkovChain
from babygpt.errors import BabyGPTError
from babygpt.gpt.corpus import Corpus

# Lists are cut at this many entries; --json has as many as the table.
MAX_LISTED = 8


def analyse(chain: MarkovChain, corpus: Corpus, visible: bool = False) -> dict[str, dict[str, Any]]:
    """Return answers by section and name; an answer that cannot be had is the sentence that says why.

    With ``visible``, blanks and control characters in contexts are drawn as signs.
    """
    V = len(chain.vocabulary)
    text = chain.vocabulary.label if visible else chain.vocabulary.decode
    named = chain.label if visible else chain.context

    def likely_states() -> dict[str, float]:
        pi = chain.stationary_distribution()
        return {named(int(s)): float(pi[s]) for s in np.argsort(-pi, kind="stable")[:MAX_LISTED]}

    def eigenvalues() -> list[complex]:
        return [complex(v) for v in chain.eigenvalues(min(MAX_LISTED, chain.n_states))]

    def hardest() -> dict[str, Any]:
        rarest = int(np.argmin(chain.stationary_distribution()))
        times = chain.hitting_times(rarest)
        return {
            "state": named(rarest),
            "longest": float(times.max()),
            "from": named(int(times.argmax())),
        }

    def cycles() -> list[dict[str, Any]]:
        found = chain.greedy_cycles()[:MAX_LISTED]
        return [
            {
                "word": text(chain.vocabulary.encode(c.word)),
                "states": [named(s) for s in c.states[:MAX_LISTED]],
                "basin": c.basin,
            }
            for c in found
        ]

    def terms() -> dict[str, float]:
        split = chain.loss_decomposition(corpus)
        order = np.argsort(-np.abs(split.terms), axis=None, kind="stable")[:MAX_LISTED]
        named = {}
        for i in order.tolist():
            context, token = divmod(i, V)
            if split.terms[context, token]:
                named[f"{text(split.contexts[context])} → {text([token])}"] = float(split.terms[context, token])
        return named

    machine = cache(lambda: chain.causal_states(0.01))
    questions: dict[str, dict[str, Callable[[], Any]]] = {
        "size": {
            "states": lambda: chain.n_states,
            "arrows": lambda: chain.n_arrows,
            "arrows of probability 0": lambda: chain.n_zero_arrows,
            "arrows too small for a float": lambda: chain.n_underflowed_arrows,
        },
        "long run": {
            "stationary distribution": likely_states,
            "entropy rate (nats per token)": chain.entropy_rate,
            "recurrent classes": lambda: len(chain.recurrent_classes()),
            "transient states": lambda: len(chain.transient_states()),
            "period": chain.period,
        },
        "forgetting": {
            "eigenvalues": eigenvalues,
            "spectral gap": lambda: chain.spectral_gap,
            "mixing time, ε = 1/4 (tokens)": chain.mixing_time,
            "Kemeny's constant (tokens)": chain.kemeny_constant,
        },
        "reaching": {"rarest state": hardest},
        "repetition": {"greedy cycles": cycles},
        "memory": {
            "what each lag adds (nats)": lambda: chain.memory_profile().tolist(),
            "excess entropy (nats)": chain.excess_entropy,
            "causal states, within 0.01": lambda: machine().n_states,
            "statistical complexity (nats)": lambda: machine().statistical_complexity,
        },
        "against the data": {
            "contexts seen": lambda: len(corpus.contexts),
            "contexts never seen": lambda: chain.n_states - len(corpus.contexts),
            "loss (nats per token)": lambda: chain.loss_decomposition(corpus).loss,
            "floor (nats per token)": lambda: corpus.floor,
            "largest parts of loss − floor": terms,
            "nearest n-gram": lambda: chain.nearest_ngram(corpus).name,
        },
    }
    said: set[str] = set()
    return {section: {name: _answer(ask, said) for name, ask in asked.items()} for section, asked in questions.items()}


def in_words(value: float) -> str:
    """Return a number that is not finite in words."""
    if math.isnan(value):
        return "not a number"
    return "infinite" if value > 0 else "minus infinite"


def plain(value: Any) -> Any:
    """Return an answer as JSON can hold it: infinity in words, a complex number as [real, imaginary]."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, float) and not math.isfinite(value):
        return in_words(value)
    return value


def _answer(ask: Callable[[], Any], said: set[str]) -> Any:
    try:
        return ask()
    except BabyGPTError as error:
        why = str(error)
        if why in said:
            return "(for the reason given above)"
        said.add(why)
        return f"({why})"
