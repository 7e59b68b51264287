"""Every question at once: what ``babygpt analyse`` tells of a chain.

Each question has a key, which programs read (docs/analysis.md lists them), and a label, which people read. An answer is
a number, a text, a list, or None where there is none; ``notes``, beside the answers of its section, then says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.causal_states import CausalStates
from babygpt.chain.chain import MarkovChain
from babygpt.errors import BabyGPTError
from babygpt.gpt.corpus import Corpus

# The version of what --json prints: it grows by one when a key is renamed, removed, or means something else.
SCHEMA = 1
# Lists are cut at this many entries unless all are asked for.
MAX_LISTED = 8
# Probabilities closer than this are the same to causal states.
CAUSAL_TOLERANCE = 0.01


@dataclass(frozen=True)
class Subject:
    """What is asked about: a chain, the data it is held against, and how long lists may be (None: any length)."""

    chain: MarkovChain
    corpus: Corpus
    limit: int | None = MAX_LISTED
    visible: bool = False  # whether blanks and control characters in contexts are drawn as signs

    @cached_property
    def machine(self) -> CausalStates:
        """The causal states."""
        return self.chain.causal_states(CAUSAL_TOLERANCE)

    def text(self, tokens: Any) -> str:
        """Return tokens as a text."""
        return (self.chain.vocabulary.label if self.visible else self.chain.vocabulary.decode)(tokens)

    def state(self, number: Any) -> dict[str, Any]:
        """Return a state by number and context."""
        number = int(number)
        return {"state": number, "context": (self.chain.label if self.visible else self.chain.context)(number)}

    @cached_property
    def rarest(self) -> int:
        """The state that the long run visits least."""
        return int(np.argmin(self.chain.stationary_distribution()))

    @cached_property
    def waits(self) -> NDArray[np.float64]:
        """The expected number of tokens from each state until that one (N,)."""
        return self.chain.hitting_times(self.rarest)


def _stationary_distribution(of: Subject) -> list[dict[str, Any]]:
    pi = of.chain.stationary_distribution()
    return [of.state(s) | {"probability": float(pi[s])} for s in np.argsort(-pi, kind="stable")[: of.limit]]


def _eigenvalues(of: Subject) -> list[complex]:
    k = None if of.limit is None else min(of.limit, of.chain.n_states)
    return [complex(v) for v in of.chain.eigenvalues(k)]


def _greedy_cycles(of: Subject) -> list[dict[str, Any]]:
    return [
        {
            "word": of.text(of.chain.vocabulary.encode(cycle.word)),
            "states": [of.state(s) for s in cycle.states[: of.limit]],
            "length": len(cycle.states),
            "basin": cycle.basin,
        }
        for cycle in of.chain.greedy_cycles()[: of.limit]
    ]


def _loss_terms(of: Subject) -> list[dict[str, Any]]:
    split, V = of.chain.loss_decomposition(of.corpus), len(of.chain.vocabulary)
    terms = split.terms.ravel()
    order = [divmod(i, V) for i in np.argsort(-np.abs(terms), kind="stable").tolist() if terms[i]]
    return [
        {"context": of.text(split.contexts[row]), "token": of.text([token]), "nats": float(split.terms[row, token])}
        for row, token in order[: of.limit]
    ]


def _nearest_ngram(of: Subject) -> dict[str, Any]:
    nearest = of.chain.nearest_ngram(of.corpus)
    return {"order": nearest.order, "name": nearest.name}


@dataclass(frozen=True)
class Question:
    """A question: its label, how it is asked, and what it means if its number is not finite."""

    label: str
    ask: Callable[[Subject], Any]
    if_infinite: str = ""


NEVER = "infinite: the chain gives probability 0 to a token that the data has"
MISSED = "infinite: the state may be missed for ever"

# Sections and questions, by key.
SECTIONS: dict[str, str] = {
    "size": "size",
    "long_run": "long run",
    "forgetting": "forgetting",
    "reaching": "reaching",
    "repetition": "repetition",
    "memory": "memory",
    "against_the_data": "against the data",
}
QUESTIONS: dict[str, dict[str, Question]] = {
    "size": {
        "states": Question("states", lambda of: of.chain.n_states),
        "arrows": Question("arrows", lambda of: of.chain.n_arrows),
        "zero_arrows": Question("arrows of probability 0", lambda of: of.chain.n_zero_arrows),
        "underflowed_arrows": Question("arrows too small for a float", lambda of: of.chain.n_underflowed_arrows),
    },
    "long_run": {
        "stationary_distribution": Question("stationary distribution", _stationary_distribution),
        "entropy_rate": Question("entropy rate (nats per token)", lambda of: of.chain.entropy_rate()),
        "recurrent_classes": Question("recurrent classes", lambda of: len(of.chain.recurrent_classes())),
        "transient_states": Question("transient states", lambda of: len(of.chain.transient_states())),
        "period": Question("period", lambda of: of.chain.period()),
    },
    "forgetting": {
        "eigenvalues": Question("eigenvalues", _eigenvalues),
        "spectral_gap": Question("spectral gap", lambda of: of.chain.spectral_gap),
        "mixing_time": Question(
            "mixing time, ε = 1/4 (tokens)",
            lambda of: of.chain.mixing_time(),
            "infinite: some start never comes within 1/4 of the stationary distribution",
        ),
        "kemeny_constant": Question("Kemeny's constant (tokens)", lambda of: of.chain.kemeny_constant()),
    },
    "reaching": {
        "rarest_state": Question("rarest state", lambda of: of.state(of.rarest)),
        "longest_wait": Question("longest wait for it (tokens)", lambda of: float(of.waits.max()), MISSED),
        "longest_wait_from": Question("longest wait is from", lambda of: of.state(of.waits.argmax())),
    },
    "repetition": {"greedy_cycles": Question("greedy cycles", _greedy_cycles)},
    "memory": {
        "memory_profile": Question("what each lag adds (nats)", lambda of: of.chain.memory_profile().tolist()),
        "excess_entropy": Question("excess entropy (nats)", lambda of: of.chain.excess_entropy()),
        "causal_states": Question(f"causal states, within {CAUSAL_TOLERANCE}", lambda of: of.machine.n_states),
        "statistical_complexity": Question(
            "statistical complexity (nats)",
            lambda of: of.machine.statistical_complexity,
            "not a number: the chain has several recurrent classes, and no one stationary distribution",
        ),
    },
    "against_the_data": {
        "contexts_seen": Question("contexts seen", lambda of: len(of.corpus.contexts)),
        "contexts_never_seen": Question("contexts never seen", lambda of: of.chain.n_states - len(of.corpus.contexts)),
        "loss": Question("loss (nats per token)", lambda of: of.chain.loss_decomposition(of.corpus).loss, NEVER),
        "floor": Question("floor (nats per token)", lambda of: of.corpus.floor),
        "loss_terms": Question("largest parts of loss − floor", _loss_terms, NEVER),
        "nearest_ngram": Question("nearest n-gram", _nearest_ngram),
    },
}


def analyse(
    chain: MarkovChain, corpus: Corpus, limit: int | None = MAX_LISTED, visible: bool = False
) -> dict[str, dict[str, Any]]:
    """Return answers by section and key, and under ``notes`` a sentence for each that is None or not finite.

    Lists have at most ``limit`` entries. With ``visible``, blanks and control characters are drawn as signs.
    """
    subject = Subject(chain, corpus, limit, visible)
    return {section: _section(questions, subject) for section, questions in QUESTIONS.items()}


def _section(questions: dict[str, Question], subject: Subject) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    notes: dict[str, str] = {}
    for key, question in questions.items():
        try:
            answers[key] = question.ask(subject)
        except BabyGPTError as error:
            answers[key], notes[key] = None, str(error)
        else:
            if not is_finite(answers[key]):
                notes[key] = question.if_infinite
    return answers | {"notes": notes}


def is_finite(value: Any) -> bool:
    """Return whether every number in an answer is finite."""
    if isinstance(value, dict):
        return all(map(is_finite, value.values()))
    if isinstance(value, list):
        return all(map(is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def in_words(value: float) -> str:
    """Return a number that is not finite in words."""
    if math.isnan(value):
        return "not a number"
    return "infinite" if value > 0 else "minus infinite"


def plain(value: Any) -> Any:
    """Return an answer as JSON can hold it: None for what is not finite, a complex number as [real, imaginary]."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, complex):
        return plain([value.real, value.imag])
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
