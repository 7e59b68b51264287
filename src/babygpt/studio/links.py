"""Links: what a session is, as a few words, and back.

A link says what is not as it begins: the text or a preset, the settings, how far it was trained, and what is shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from babygpt.chain.decoding import Decoding
from babygpt.errors import SettingError
from babygpt.settings import SETTINGS
from babygpt.studio.limits import MAX_SEEDS, Limits, RefusedError
from babygpt.studio.presets import PRESETS
from babygpt.studio.setup import ARTICLE, NAMES, Setup, file_name

# Characters of a text that a link carries.
LONGEST = 4000

# Whose arrows can be shown.
Source = Literal["model", "seeds", "data", "difference"]
SOURCES: tuple[Source, ...] = get_args(Source)
# What a link can compare; what a difference is of, unless someone says otherwise.
PlainSubject = Literal["model", "seeds", "data"]
SUBJECTS: tuple[PlainSubject, ...] = get_args(PlainSubject)
# Where a chain can be kept; what a session can compare.
Slot = Literal["A", "B"]
SLOTS: tuple[Slot, ...] = get_args(Slot)
Subject = PlainSubject | Slot
PLAIN: tuple[Subject, Subject] = ("model", "data")
# How many seeds are many, unless someone says otherwise.
SEEDS = 200


@dataclass(frozen=True)
class Scene:
    """What a link says beside the setup.

    Attributes
    ----------
    trained, step
        How many steps are done, and which is shown; None: the last.
    select, source, compare, seeds, decoding
        What is shown of it.
    """

    trained: int = 0
    step: int | None = None
    select: int | None = None
    source: Source = SOURCES[0]
    compare: tuple[Subject, Subject] = PLAIN
    seeds: int = SEEDS
    decoding: Decoding = field(default_factory=Decoding)


def write(setup: Setup, scene: Scene) -> dict[str, str]:
    """Return the link of a session."""
    link: dict[str, str] = {}
    preset = PRESETS.get(setup.name)
    settings: Mapping[str, Any] = asdict(ARTICLE)
    if preset is not None and preset.sequence == setup.text:
        settings = {**settings, **preset.settings}
        if setup.name != next(iter(PRESETS)):
            link["preset"] = setup.name
    else:
        link |= {"sequence": setup.text} if len(setup.text) <= LONGEST else {"too_long": "1"}
        link |= {"name": setup.name} if setup.name else {}
    link |= {name: _said(value) for name, value in asdict(setup.settings).items() if value != settings[name]}
    plain = Scene()
    parts = {name: getattr(scene, name) for name in ("trained", "step", "select", "source", "seeds")}
    link |= {name: _said(value) for name, value in parts.items() if value != getattr(plain, name)}
    if scene.compare != plain.compare:
        link["compare"] = ",".join(scene.compare)
    return link | {name: _said(value) for name, value in scene.decoding.given.items()}


def read(link: Mapping[str, str], limits: Limits) -> tuple[Setup, Scene, RefusedError | None]:
    """Return what a link says, and the first mistake in it; what is mistaken is as it begins.

    Of a text that was too long for a link, the settings say nothing: then all is as it begins.
    """
    if "too_long" in link:
        told = "The text of that link was too long to be in it. Open the downloaded run, or the text itself."
        return Setup.of_preset(next(iter(PRESETS)), limits), Scene(), RefusedError(told, "too_long")
    reader = _Reader(link)
    setup = reader.setup(limits)
    return setup, reader.scene(setup), reader.mistake


class _Reader:
    """Reads a link's words one by one, and remembers the first that it does not understand."""

    def __init__(self, link: Mapping[str, str]) -> None:
        self.link = link
        self.mistake: RefusedError | None = None

    def setup(self, limits: Limits) -> Setup:
        preset = self.link.get("preset", next(iter(PRESETS)))
        if preset not in PRESETS:
            self._object("preset", preset)
            preset = next(iter(PRESETS))
        text, name = PRESETS[preset].sequence, preset
        base = {**asdict(ARTICLE), **PRESETS[preset].settings}
        if "sequence" in self.link:
            text, base = self.link["sequence"], asdict(ARTICLE)
            name = file_name(self.link.get("name", ""))
            name = "" if name in PRESETS else name
        given = {key: value for key in NAMES if key in self.link for value in self._setting(key, self.link[key])}
        # Settings that do not go together are given up one by one; a text that cannot be learnt, at once.
        while True:
            try:
                return Setup.make(text, name, {**base, **given}, limits)
            except RefusedError as error:
                self._note(error)
                if error.field in given:
                    del given[error.field]
                elif name not in PRESETS:
                    text, name = PRESETS[preset].sequence, preset
                elif given:
                    given.clear()
                else:
                    raise

    def scene(self, setup: Setup) -> Scene:
        trained = min(self._count("trained", 0) or 0, setup.settings.steps)
        step, select = self._count("step", None), self._count("select", None)
        if select is not None and select >= setup.n_states:
            self._object("select", str(select))
            select = None
        source = self.link.get("source", SOURCES[0])
        if source not in SOURCES:
            self._object("source", source)
            source = SOURCES[0]
        compare = self._compare(self.link["compare"]) if "compare" in self.link else PLAIN
        seeds = self._count("seeds", SEEDS) or 0
        if not 2 <= seeds <= MAX_SEEDS:
            self._object("seeds", str(seeds))
            seeds = SEEDS
        return Scene(trained, step, select, source, compare, seeds, self._decoding())

    def _compare(self, text: str) -> tuple[Subject, Subject]:
        subjects = [subject for word in text.split(",") for subject in SUBJECTS if subject == word]
        if len(subjects) == 2 and ",".join(subjects) == text:
            return subjects[0], subjects[1]
        self._object("compare", text)
        return PLAIN

    def _decoding(self) -> Decoding:
        decoding = Decoding()
        for rule in (rule for rule in fields(Decoding) if rule.name in self.link):
            name = rule.name
            for value in self._read(name, self.link[name], rule.metadata["kind"]):
                try:
                    decoding = replace(decoding, **{name: value})
                except SettingError as error:
                    self._note(RefusedError(str(error), "setting", name, value=self.link[name][:60]))
        return decoding

    def _setting(self, name: str, text: str) -> list[Any]:
        kind = SETTINGS[name].kind
        if text == "" and (kind in (int, float) or SETTINGS[name].default is None):
            return [None]  # a number that must be there says so itself
        if kind is bool:
            return self._read(name, {"0": "", "1": "1"}.get(text, "?"), lambda word: bool(int(word or 0)))
        return self._read(name, text, kind) if kind in (int, float) else [text]

    def _count(self, name: str, otherwise: int | None) -> int | None:
        for value in self._read(name, self.link[name], int) if name in self.link else []:
            if value >= 0:
                return int(value)
            self._object(name, self.link[name])
        return otherwise

    def _read(self, name: str, text: str, kind: Any) -> list[Any]:
        """Return the value in a list; an empty one if the text says none."""
        try:
            value = kind(text)
            if len(text) > 40 or not math.isfinite(value):
                raise ValueError(text)  # noqa: TRY301  # the same mistake
        except ValueError:
            self._object(name, text)
            return []
        return [value]

    def _object(self, name: str, text: str) -> None:
        sentence = f"The link says {name}={text!r:.60}, which cannot be. The default is used."
        self._note(RefusedError(sentence, "link", name, value=text[:60]))

    def _note(self, error: RefusedError) -> None:
        self.mistake = self.mistake or error


def _said(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)
