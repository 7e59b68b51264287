"""What ``babygpt analyse`` prints for people: the answers of :mod:`babygpt.cli.analysis` beside their labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from babygpt.cli import console
from babygpt.cli.analysis import QUESTIONS, SECTIONS, in_words
from babygpt.cli.columns import Section, Value, side_by_side
from babygpt.cli.language import translated

# Of a history at most so many steps are shown: its beginning, some of its middle, its end.
MAX_STEPS = 12


def show(sections: Sequence[Section]) -> None:
    """Print sections to standard output, at the width of the terminal."""
    out = console.out()
    for line in side_by_side(sections, out.width):
        out.print(line, soft_wrap=True)


def sections(answers: dict[str, dict[str, Any]]) -> list[Section]:
    """Return the answers of :func:`babygpt.cli.analysis.analyse`, each beside its label."""
    given: set[str] = set()

    def value(section: str, key: str) -> Value:
        answer = answers[section][key]
        if answer is not None:
            return _value(key, answer)
        why = answers[section]["notes"][key]
        again = why in given
        given.add(why)
        return translated("(for the reason given above)" if again else f"({why})")

    return [
        (
            translated(title),
            [(translated(question.label), value(section, key)) for key, question in QUESTIONS[section].items()],
        )
        for section, title in SECTIONS.items()
    ]


def targets(answers: list[dict[str, Any]], label: Callable[[str], str]) -> list[Section]:
    """Return the section about targets, if any was asked for."""
    if not answers:
        return []
    rows: list[tuple[str, Value]] = []
    for answer in answers:
        items = [translated(f"within {answer['within']} tokens {number(answer['probability'])}")]
        if answer["expected_tokens"] is not None:
            items.append(translated(f"expected tokens {number(answer['expected_tokens'])}"))
            rows.append((label(answer["target"]), [[item] for item in items]))
        else:
            rows.append((label(answer["target"]), translated(f"{items[0]}   ({answer['notes']['expected_tokens']})")))
    start = max((answer["start"] for answer in answers), key=len)  # of a longer one short targets know the end
    return [(translated(f"reaching, from {label(start)}"), rows)]


def texts(answers: list[dict[str, Any]], label: Callable[[str], str]) -> list[Section]:
    """Return the section about texts, if any was asked for."""
    rows = []
    for answer in answers:
        first, *others = map(number, answer["surprisal"])
        rows.append(
            (
                label(answer["text"]),
                [
                    [f"log p (nats) {number(answer['log_probability'])}"],
                    [translated(f"perplexity {number(answer['perplexity'])}")],
                    [translated(f"surprisal of each token {first}"), *others],
                ],
            )
        )
    return [(translated("texts"), rows)] if rows else []


def followed(answers: dict[str, dict[str, Any]], limit: int | None) -> list[Section]:
    """Return the section about what was followed over training, if anything was."""
    rows: list[tuple[str, Value]] = []
    for name, answer in answers.items():
        if answer["values"] is None:
            rows.append((name, translated(f"({answer['notes']['values']})")))
            continue
        history = list(zip(answer["steps"], answer["values"], strict=True))
        if limit is not None and len(history) > MAX_STEPS:
            last = len(history) - 1
            history = [history[round(i * last / (MAX_STEPS - 1))] for i in range(MAX_STEPS)]
        rows.append((name, [[f"{step:,} {number(value)}" for step, value in history]]))
    return [(translated("over training"), rows)] if rows else []


def number(value: complex | None) -> str:
    """Return a number as people read it."""
    if value is None:
        return "–"
    if isinstance(value, complex):
        imaginary = f"{value.imag:+.4f}i" if abs(value.imag) > 1e-12 else ""
        return f"{value.real:.4f}{imaginary}"
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return translated(in_words(value))
    return f"{value:,.4f}" if 1e-3 <= abs(value) < 1e6 or value == 0 else f"{value:.3g}"


def _value(key: str, answer: Any) -> Value:
    match key, answer:
        case _, []:
            return translated("none")
        case "stationary_distribution", list():
            return [[f"{at['context']} {number(at['probability'])}" for at in answer]]
        case "greedy_cycles", list():
            return [_cycle(cycle) for cycle in answer]
        case "loss_terms", list():
            return [[f"{term['context']} → {term['token']} {number(term['nats'])}" for term in answer]]
        case _, {"context": context}:
            return [[context]]
        case _, {"name": name}:
            return [[name]]
        case _, list():
            return [[number(inner) for inner in answer]]
    return [[number(answer)]]


def _cycle(cycle: dict[str, Any]) -> list[str]:
    first, *others = [at["context"] for at in cycle["states"]]
    more = ["…"] if cycle["length"] > len(cycle["states"]) else []
    word, states, basin = (
        translated(f"word {cycle['word']}"),
        translated(f"states {first}"),
        translated(f"basin {number(cycle['basin'])}"),
    )
    return [word, states, *others, *more, basin]
