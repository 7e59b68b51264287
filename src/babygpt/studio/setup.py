"""What a session learns, and how: the text, the settings, and what follows from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import SequenceError, SettingError, VocabularyError
from babygpt.gpt.checks import check_count, check_setting
from babygpt.gpt.config import GPTConfig, TrainConfig, shape_of, training_of
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.reading import Reading
from babygpt.gpt.separators import list_separator, split_names
from babygpt.gpt.vocabulary import Vocabulary
from babygpt.settings import SETTINGS, Positions, Setting, TokenKind, default
from babygpt.studio.figures import context_of
from babygpt.studio.limits import Limits, RefusedError
from babygpt.studio.presets import PRESETS

# The settings of which the text has a say: what is wrong with them is told by it.
_OF_THE_TEXT = {"vocabulary", "separator", "lines"}
# Characters of a name.
MAX_NAME = 200


@dataclass(frozen=True)
class Settings:
    """The settings of the screen; the defaults are the article's. See :class:`babygpt.TrainConfig` and its like.

    ``separator`` and ``lines`` are those of :class:`babygpt.gpt.reading.Reading`.
    """

    context_length: int = default("context_length")
    vocabulary: str | None = default("vocabulary")
    tokens: TokenKind = default("tokens")
    separator: str | None = default("separator")
    lines: bool | None = default("lines")
    steps: int = default("steps")
    stop_gap: float | None = default("stop_gap")
    learning_rate: float = default("learning_rate")
    weight_decay: float = default("weight_decay")
    n_layer: int = default("n_layer")
    n_head: int = default("n_head")
    n_embd: int = default("n_embd")
    bias: bool = default("bias")
    positions: Positions = default("positions")
    batch_size: int | None = default("batch_size")
    seed: int = default("seed")

    @property
    def given(self) -> dict[str, Any]:
        """Those that are not the article's."""
        return {name: value for name, value in asdict(self).items() if value != getattr(ARTICLE, name)}


ARTICLE = Settings()
NAMES = tuple(field.name for field in fields(Settings))


@dataclass(frozen=True, eq=False)
class Setup:
    """A text and the settings, checked, and counted.

    Attributes
    ----------
    text
        The training text.
    name
        Of the preset or the file it is from; "" if it was typed.
    settings
        The settings.
    reading
        The symbols, and whether each line is a sequence.
    encoding
        Of the file, where it is not UTF-8 and has no mark that says so.
    corpus, config, train_config
        What the library makes of them.
    """

    text: str
    name: str
    settings: Settings
    reading: Reading
    corpus: Corpus
    config: GPTConfig
    train_config: TrainConfig
    encoding: str | None = None

    @classmethod
    def make(
        cls, text: str, name: str, settings: Mapping[str, Any], limits: Limits, encoding: str | None = None
    ) -> Setup:
        """Return the setup of a text and of all settings, whatever they are.

        A text goes by the name of a preset only if it is its text; else by that of a file without its folders: nobody
        names a place on the reader's machine.

        Raises
        ------
        RefusedError
            Something given cannot be used, or is too much.
        """
        s = _checked(settings, limits)
        name = file_name(name)
        if name in PRESETS and text != PRESETS[name].sequence:
            name = ""
        limits.check_text(text)
        vocabulary = _vocabulary(s, limits)
        reading = _reading(text, s, vocabulary)
        limits.check_size(len(reading.vocabulary), s.context_length)
        checked = asdict(s)
        config = shape_of(checked, len(reading.vocabulary))
        limits.check_memory(config, s.steps)
        return cls(
            text, name, s, reading, _corpus(text, s, reading), config,
            training_of(checked), encoding,
        )  # fmt: skip

    @classmethod
    def of_preset(cls, name: str, limits: Limits) -> Setup:
        """Return the setup of a preset.

        Raises
        ------
        RefusedError
            There is no such preset.
        """
        if name not in PRESETS:
            raise RefusedError(
                f"There is no preset {name!r}. There are: {', '.join(PRESETS)}.", "preset", None, name=name
            )
        preset = PRESETS[name]
        return cls.make(preset.sequence, name, {**asdict(ARTICLE), **preset.settings}, limits)

    def with_steps(self, steps: int) -> Setup:
        """Return the setup with more or fewer steps."""
        return replace(
            self,
            settings=replace(self.settings, steps=steps),
            train_config=replace(self.train_config, steps=steps),
        )

    @cached_property
    def tokens(self) -> NDArray[np.int64]:
        """All tokens (L,) of the text, and between two sequences a :data:`~babygpt.gpt.reading.BORDER`."""
        return self.reading.tokens()

    @property
    def n_states(self) -> int:
        """N, the states of the chain."""
        return self.config.vocab_size**self.config.block_size

    def has_states_of(self, other: Setup) -> bool:
        """Whether a state's number is the same context in both."""
        ours, theirs = ((setup.corpus.vocabulary.symbols, setup.config.block_size) for setup in (self, other))
        return ours == theirs

    def symbols_of(self, state: int) -> list[str]:
        """Return the symbols of a state's context."""
        tokens = context_of(state, self.config.vocab_size, self.config.block_size)
        return [self.corpus.vocabulary.symbols[token] for token in tokens]

    def context(self, state: int) -> str:
        """Return a state's context as it is written."""
        return self.corpus.vocabulary.separator.join(self.symbols_of(state))

    @property
    def is_file(self) -> bool:
        """Whether the text is that of a file."""
        return self.name != "" and self.name not in PRESETS


def file_name(name: str) -> str:
    r"""Return the last part of a path, on whichever system it is one; "" for what names no file.

    >>> file_name("../../etc/passwd"), file_name(r"C:\poems\moon.txt"), file_name("..")
    ('passwd', 'moon.txt', '')
    """
    last = re.split(r"[/\\\0]", name)[-1][:MAX_NAME]
    return "" if last in (".", "..") else last


def _checked(given: Mapping[str, Any], limits: Limits) -> Settings:
    """Return the settings, each of its kind; raise :class:`RefusedError` for the first that is not."""
    checked = dict(given)
    try:
        checked["context_length"] = _number(SETTINGS["context_length"], given["context_length"])
        check_count("context_length", checked["context_length"])  # how long it may be, limits.check_size says
        for name, value in given.items():
            if name not in {"context_length", *_OF_THE_TEXT}:
                checked[name] = _number(SETTINGS[name], value)
                limits.check_own(SETTINGS[name], checked[name])
                checked[name] = check_setting(SETTINGS[name], checked[name])
        shape_of(checked | {"context_length": 1}, vocab_size=2)
    except SettingError as error:
        if error.advice is not None:  # a width that the heads do not divide
            sizes = {name: given[name] for name in ("n_embd", "n_head")}
            raise RefusedError(str(error), "width", "n_embd", **sizes, fits=error.advice) from None
        own = limits.range_of(SETTINGS[error.field]) if error.field in SETTINGS else {}
        raise RefusedError.of_setting(error, **own) from None
    settings = Settings(**checked)
    if settings.separator is not None:
        if not isinstance(settings.separator, str) or not settings.separator:
            value = f"{settings.separator!r:.60}"
            raise RefusedError(f"separator={value} is no sign.", "setting", "separator", value=value)
        settings = replace(settings, tokens="words")  # between characters stands nothing
    if settings.lines not in (None, True, False) or isinstance(settings.lines, int) != isinstance(settings.lines, bool):
        raise RefusedError(
            "lines is yes, no, or as the text has it.", "setting", "lines", value=f"{settings.lines!r:.60}"
        )
    return settings


def _number(setting: Setting, value: Any) -> Any:
    """Return a whole number as one, where one is meant: a browser writes those from 10²¹ as 1e+21."""
    return int(value) if setting.kind is int and isinstance(value, float) and value.is_integer() else value


def _vocabulary(settings: Settings, limits: Limits) -> Vocabulary | None:
    if settings.vocabulary is None:
        return None
    try:
        if isinstance(settings.vocabulary, str):
            limits.check_text(settings.vocabulary, "vocabulary")
            return Vocabulary.of(settings.vocabulary, settings.tokens, settings.separator)
        return Vocabulary((settings.vocabulary,))  # says what a vocabulary is
    except VocabularyError as error:
        raise RefusedError(str(error), "vocabulary", "vocabulary") from None


def _reading(text: str, settings: Settings, vocabulary: Vocabulary | None) -> Reading:
    try:
        return Reading.of(lambda: [text], settings.tokens, vocabulary, settings.separator, settings.lines)
    except SequenceError as error:
        words = _parts(text, settings)
        if not words:
            raise RefusedError(str(error), "empty", "sequence") from None
        raise RefusedError(str(error), "single", "sequence", symbol=words[0]) from None


def _corpus(text: str, settings: Settings, reading: Reading) -> Corpus:
    K = settings.context_length
    try:
        return reading.corpus(K)
    except VocabularyError as error:
        symbols = set(_parts(text, settings)) - {*reading.vocabulary, *("\n" * (not reading.joined))}
        raise RefusedError(str(error), "unknown", "sequence", symbols=" ".join(sorted(symbols)[:5])) from None
    except SequenceError as error:
        sequences = [text] if reading.joined else reading.sequences()
        longest = max((len(_parts(sequence, settings)) for sequence in sequences), default=0)
        if not longest:
            raise RefusedError(str(error), "empty", "sequence") from None
        raise RefusedError(str(error), "short", "sequence", tokens=longest, context_length=K, needs=K + 1) from None


def _parts(text: object, settings: Settings) -> list[str]:
    """Return what a text is made of, by its settings."""
    if settings.tokens == "chars":
        return list(str(text))
    return split_names(str(text), settings.separator or list_separator(str(text)))
