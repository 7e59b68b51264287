"""Settings that suit a text, so that whatever is typed can be learnt, and seen to be learnt, at once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from babygpt.errors import SequenceError
from babygpt.gpt.reading import Reading
from babygpt.studio.limits import Limits
from babygpt.studio.setup import ARTICLE, Settings
from babygpt.studio.uploads import as_read_from_file

MAX_FITTED = 4096  # states: what a page can show, and a phone can bear
NEAR = 0.02  # nats per token that a longer context must gain to be worth its states
LONGEST_NAME = 12  # characters of a name
COPIES_OF_A_NAME = 4  # so that what follows its end is its beginning
LEARNING_RATE, STEPS, STOP_GAP = 3e-3, 1000, 0.05


def legible(text: str) -> str:
    r"""Return the text to learn: as it is, or several times over where once would teach nothing.

    A name, which is short and has a letter, is to be said again and again; of one symbol nothing can be chosen.

    >>> legible("Emma"), legible("0110\n"), legible("77")
    ('Emma Emma Emma Emma', '0110', '77 77 77 77')
    """
    text = as_read_from_file(text)
    is_name = len(text) <= LONGEST_NAME and "\n" not in text and any(map(str.isalpha, text))
    return " ".join([text] * COPIES_OF_A_NAME) if is_name or len(set(text)) < 2 else text


def fit(text: str, limits: Limits, now: Settings = ARTICLE) -> dict[str, Any]:
    """Return settings that suit a text: the others are as they are ``now``, and it is read by words if it is so now.

    The context is the shortest after which no longer one, of at most :data:`MAX_FITTED` states, would lower the loss
    floor by more than :data:`NEAR`; training ends once the loss is within :data:`STOP_GAP` nats of that floor.
    """
    reading, read = _reading(text, now)
    n_tokens, V = len(reading.tokens()), len(reading.vocabulary)
    most = min(MAX_FITTED, limits.states)
    lengths = [1]
    while V ** (lengths[-1] + 1) <= most and lengths[-1] + 2 <= n_tokens:
        lengths.append(lengths[-1] + 1)
    floors = [reading.corpus(length).loss_floor() for length in lengths]
    return read | {
        "vocabulary": None,
        "batch_size": ARTICLE.batch_size,
        "positions": ARTICLE.positions,
        "context_length": next(K for K, floor in zip(lengths, floors, strict=True) if floor <= min(floors) + NEAR),
        "steps": min(STEPS, limits.steps),
        "learning_rate": LEARNING_RATE,
        "stop_gap": STOP_GAP,
    }


def fit_if_any(text: str, limits: Limits, now: Settings) -> dict[str, Any]:
    """Return the same; nothing for a text that no settings suit."""
    try:
        return fit(text, limits, now)
    except SequenceError:
        return {}


def fits(settings: Settings, text: str, limits: Limits) -> bool:
    """Return whether settings are those that suit a text."""
    suiting = fit_if_any(text, limits, settings)
    return bool(suiting) and asdict(settings) == asdict(settings) | suiting


def _reading(text: str, now: Settings) -> tuple[Reading, dict[str, Any]]:
    """Return how a text is read, and the settings that say so."""
    if now.tokens == "words":
        by_words = {name: getattr(now, name) for name in ("tokens", "separator", "lines")}
        try:
            return Reading.of(lambda: [text], **by_words), by_words
        except SequenceError:
            pass  # a single word
    by_characters = {"tokens": "chars", "separator": None, "lines": None}
    return Reading.of(lambda: [text]), by_characters
