"""Links: what a session is, as a few words, and back.

A link says what is not as it begins: the text or a preset, the settings, how far it was trained, and what is shown.
Of a chain that is pinned it says the same, each word behind the pin's name: ``A.step=20``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, NamedTuple, get_args

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
# The words of a link that say what is learnt.
TEXT = {"preset", "sequence", "name", "too_long"}
# How many seeds are many, unless someone says otherwise.
SEEDS = 200


@dataclass(frozen=True)
class Turned:
    """What is turned of the weights.

    Attributes
    ----------
    turn
        The place on the line from the initial weights (0) to the trained ones (1), if they are on it.
    tensor, place
        The tensor on the screen, and the number of it, if one is chosen.
    nudge
        What is added to that number.
    """

    turn: float | None = None
    tensor: str | None = None
    place: int | None = None
    nudge: float = 0.0


@dataclass(frozen=True)
class Scene:
    """What a link says beside the setup.

    Attributes
    ----------
    trained, step
        How many steps are done, and which is shown; None: the last.
    select, source, compare, seeds, decoding, turned
        What is shown of it.
    """

    trained: int = 0
    step: int | None = None
    select: int | None = None
    source: Source = SOURCES[0]
    compare: tuple[Subject, Subject] = PLAIN
    seeds: int = SEEDS
    decoding: Decoding = field(default_factory=Decoding)
    turned: Turned = field(default_factory=Turned)


class Origin(NamedTuple):
    """Where a pinned chain is from: what was learnt, and what was shown of it."""

    setup: Setup
    scene: Scene

    @property
    def step(self) -> int:
        """The step that was shown."""
        return self.scene.trained if self.scene.step is None else self.scene.step


Pins = Mapping[Slot, Origin]


def write(setup: Setup, scene: Scene, pins: Pins | None = None) -> dict[str, str]:
    """Return the link of a session, and of what is pinned in it."""
    told = {slot: _of_pin(origin, setup) for slot, origin in (pins or {}).items()}
    lost = {slot for slot in SLOTS if not told.get(slot)} & {*scene.compare}
    if lost:  # what a link cannot carry
        scene = replace(scene, compare=PLAIN, source=SOURCES[0] if scene.source == "difference" else scene.source)
    link = _words(setup, scene)
    return link | {f"{slot}.{name}": word for slot, words in told.items() for name, word in words.items()}


def _of_pin(origin: Origin, beside: Setup) -> dict[str, str]:
    """Return the words of a pinned chain; the text only if it is another, and nothing if that is too long."""
    words = _words(*origin)
    if (origin.setup.text, origin.setup.name) == (beside.text, beside.name):
        words = {name: word for name, word in words.items() if name not in TEXT}
    elif "too_long" in words:
        return {}
    elif not words.keys() & TEXT:
        words["preset"] = origin.setup.name
    words["step"] = str(origin.step)
    if origin.scene.trained == origin.step:
        words.pop("trained", None)
    return words


def _words(setup: Setup, scene: Scene) -> dict[str, str]:
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
    usual = asdict(plain.turned)
    link |= {name: _said(value) for name, value in asdict(scene.turned).items() if value != usual[name]}
    return link | {name: _said(value) for name, value in scene.decoding.given.items()}


class Read(NamedTuple):
    """What a link says, and the first mistake in it."""

    setup: Setup
    scene: Scene
    pins: Pins
    mistake: RefusedError | None


def read(link: Mapping[str, str], limits: Limits) -> Read:
    """Return what a link says, and the first mistake in it; what is mistaken is as it begins.

    Of a text that was too long for a link, the settings say nothing: then all is as it begins.
    """
    if "too_long" in link:
        told = "The text of that link was too long to be in it. Open the downloaded run, or the text itself."
        return Read(Setup.of_preset(next(iter(PRESETS)), limits), Scene(), {}, RefusedError(told, "too_long"))
    reader = _Reader(link)
    setup = reader.setup(limits)
    pins: dict[Slot, Origin] = {}
    for slot in SLOTS:
        words = {name[2:]: word for name, word in link.items() if name.startswith(f"{slot}.")}
        if words:
            origin, mistake = _read_pin(slot, words, link, limits)
            reader.note(mistake)
            pins |= {} if origin is None else {slot: origin}
    return Read(setup, reader.scene(setup, pins), pins, reader.mistake)


def _read_pin(
    slot: Slot, words: dict[str, str], link: Mapping[str, str], limits: Limits
) -> tuple[Origin | None, RefusedError | None]:
    """Return a pinned chain's origin and no mistake, or None and the mistake."""
    if not words.keys() & TEXT:
        words = {name: link[name] for name in TEXT if name in link} | words
    reader = _Reader(words, f"{slot}.")
    setup = reader.setup(limits)
    scene = reader.scene(setup, {})
    step = scene.trained if scene.step is None else min(scene.step, setup.settings.steps)
    scene = replace(scene, step=step, trained=scene.trained if "trained" in words else step)
    return (None, reader.mistake) if reader.mistake else (Origin(setup, scene), None)


class _Reader:
    """Reads a link's words one by one, and remembers the first that it does not understand."""

    def __init__(self, link: Mapping[str, str], of: str = "") -> None:
        self.link, self._of = link, of
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
                self.note(error)
                if error.field in given:
                    del given[error.field]
                elif name not in PRESETS:
                    text, name = PRESETS[preset].sequence, preset
                elif given:
                    given.clear()
                else:
                    raise

    def scene(self, setup: Setup, pins: Pins) -> Scene:
        trained = min(self._count("trained", 0) or 0, setup.settings.steps)
        step, select = self._count("step", None), self._count("select", None)
        if select is not None and select >= setup.n_states:
            self._object("select", str(select))
            select = None
        source = self.link.get("source", SOURCES[0])
        if source not in SOURCES:
            self._object("source", source)
            source = SOURCES[0]
        compare = self._compare(self.link["compare"], pins) if "compare" in self.link else PLAIN
        seeds = self._count("seeds", SEEDS) or 0
        if not 2 <= seeds <= MAX_SEEDS:
            self._object("seeds", str(seeds))
            seeds = SEEDS
        return Scene(trained, step, select, source, compare, seeds, self._decoding(), self._turned())

    def _turned(self) -> Turned:
        numbers = [
            next(iter(self._read(name, self.link[name], float)), None) if name in self.link else None
            for name in ("turn", "nudge")
        ]
        tensor = self.link.get("tensor")
        return Turned(numbers[0], tensor, None if tensor is None else self._count("place", None), numbers[1] or 0.0)

    def _compare(self, text: str, pins: Pins) -> tuple[Subject, Subject]:
        subjects = [subject for word in text.split(",") for subject in (*SUBJECTS, *pins) if subject == word]
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
                    self.note(RefusedError(str(error), "setting", name, value=self.link[name][:60]))
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
        name = self._of + name
        sentence = f"The link says {name}={text!r:.60}, which cannot be. The default is used."
        self.note(RefusedError(sentence, "link", name, value=text[:60]))

    def note(self, error: RefusedError | None) -> None:
        """Remember a mistake, if it is the first."""
        self.mistake = self.mistake or error


def _said(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)
