"""A sweep's plan: which settings are tried, and what is asked of each training.

A *spec* is a flat TOML file of up to three tables and a list::

    outcomes = ["gap", "entropy_rate"]

    [fixed]                               # one value each; what is not named is the article's
    sequence = "111101111011110"          # or file = "poem.txt": its text, from beside the spec

    [grid]                                # every combination of these
    context_length = [2, 3, 4]
    seed = "0..99"                        # both ends included

    [random]                              # and of as many draws of these
    draws = 20
    draw_seed = 0
    learning_rate = { low = 1e-4, high = 1e-1, log = true }
    n_layer = [1, 2, 4]                   # one of these

A *task* is one training: all settings and a seed. Tasks with equal settings are one task, and its *key*, a hash of
the settings, is its name in the results, whatever spec asked for it.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from babygpt.errors import FileError, SettingError
from babygpt.gpt.checks import check_count, check_seed
from babygpt.gpt.texts import file_pieces
from babygpt.lab.settings import SETTINGS, TRUTHS, UNITS, Settings, canonical, checked_vocab_size, resolved

# More trainings than this are a mistake more often than a plan.
MAX_TASKS = 1_000_000
# Each task keeps its text.
MAX_TEXT = 1_000_000

_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
_RANGE = re.compile(r"(\d{1,18})\.\.(\d{1,18})")  # no more digits than a column of 64 bits holds


@dataclass(frozen=True)
class Range:
    """What a random setting is drawn from: low ≤ value ≤ high, evenly, or evenly in its logarithm."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def draw(self, rng: np.random.Generator) -> float | int:
        """Return one value."""
        low, high = self.low, self.high + self.whole  # a whole number n stands for [n, n + 1)
        value = math.exp(rng.uniform(math.log(low), math.log(high))) if self.log else rng.uniform(low, high)
        return min(int(value), int(self.high)) if self.whole else min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Group:
    """Tasks that differ in their seeds alone.

    Attributes
    ----------
    settings
        All settings but the seed.
    seeds
        Each once.
    vocab_size
        V of the sequence.
    """

    settings: Settings
    seeds: tuple[int, ...]
    vocab_size: int


@dataclass(frozen=True)
class SweepSpec:
    """What to sweep over, and what to ask.

    Attributes
    ----------
    fixed
        One value for each setting named.
    grid
        A list of values for each: every combination is tried.
    random
        A :class:`Range`, or a list to choose from, for each; every draw is tried with every combination of the grid.
    draws, draw_seed
        How many draws, and from what seed. A larger number keeps the draws that a smaller one gives.
    outcomes
        Of :data:`OUTCOMES` and the chain's scalars (:data:`babygpt.run.trace.SCALARS`).

    >>> spec = SweepSpec.of({"fixed": {"sequence": "0110110"}, "grid": {"n_layer": [1, 2], "seed": "0..9"}})
    >>> spec.n_combinations, [len(group.seeds) for group in spec.groups()]
    (20, [10, 10])
    """

    fixed: Mapping[str, Any]
    grid: Mapping[str, Sequence[Any]]
    random: Mapping[str, Range | Sequence[Any]]
    draws: int
    draw_seed: int
    outcomes: tuple[str, ...]

    @classmethod
    def read(cls, path: str | Path) -> SweepSpec:
        """Return the spec of a TOML file.

        Raises
        ------
        FileError
            The file cannot be read.
        SettingError
            It is not TOML, or not a spec: see :meth:`of`.
        """
        try:
            text = Path(path).read_text("utf-8")
        except OSError as error:
            raise FileError(f"The spec {path} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise FileError(f"The spec {path} is not UTF-8 text.") from error
        try:
            content = tomllib.loads(text)
        except ValueError as error:  # a TOMLDecodeError, or Python's own, of a number of thousands of digits
            raise SettingError(f"The spec {path} is not TOML: {str(error).rstrip('.')}.") from error
        return cls.of(content, Path(path).parent)

    @classmethod
    def of(cls, content: Mapping[str, Any], folder: str | Path = ".") -> SweepSpec:
        """Return the spec that a mapping of the tables ``fixed``, ``grid`` and ``random`` says.

        A ``file`` is named as seen from ``folder``; its text is the ``sequence``.

        Raises
        ------
        SettingError
            A key is unknown, a value of the wrong type, a list empty, the sequence missing, or the combinations are
            more than :data:`MAX_TASKS`.
        FileError
            A file cannot be read, or is longer than :data:`MAX_TEXT`.
        """
        _check_known("key", content, ["outcomes", "fixed", "grid", "random"])
        tables = {name: dict(_table(name, content.get(name, {}))) for name in ("fixed", "grid", "random")}
        random = tables["random"]
        draws = random.pop("draws", None)
        draw_seed = check_seed(random.pop("draw_seed", 0))
        if random and draws is None:
            raise SettingError(f"[random] does not say how often {', '.join(random)} is drawn. Add draws = 100, say.")
        if draws is not None and not random:
            raise SettingError("[random] has draws and nothing to draw. Add learning_rate = {low = 1e-4, high = 0.1}.")
        for name, table in tables.items():
            if "file" in table:
                if "sequence" in table:
                    raise SettingError(f"[{name}] has a sequence and a file. Keep one.")
                table["sequence"] = _texts_of(table.pop("file"), Path(folder), name)
            also = ["draws", "draw_seed"] if name == "random" else []
            _check_known("setting", table, [*SETTINGS, *also], f" in [{name}]")
        names = [name for table in tables.values() for name in table]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SettingError(f"{twice[0]} is in two tables of the spec. Keep one.")
        if "sequence" not in names:
            raise SettingError('There is nothing to learn from. Add sequence = "111101111011110" to [fixed].')
        spec = cls(
            {name: _checked(name, value, "fixed") for name, value in tables["fixed"].items()},
            {name: _values(name, value, "grid") for name, value in tables["grid"].items()},
            {name: _random(name, value) for name, value in random.items()},
            1 if draws is None else check_count("draws", draws),
            draw_seed,
            _outcomes(content.get("outcomes", ["first_loss", "last_loss", "floor", "gap"])),
        )
        if spec.n_combinations > MAX_TASKS:
            sizes = [f"{len(values):,} of {name}" for name, values in spec.grid.items()]
            sizes += [f"{spec.draws:,} draws"] * bool(spec.random)
            raise SettingError(
                f"The spec has {spec.n_combinations:,} combinations ({' × '.join(sizes)}); the limit is {MAX_TASKS:,}. "
                "Use shorter lists, or draw some at random: [random] with draws = 1000."
            )
        return spec

    @property
    def n_combinations(self) -> int:
        """Combinations in all, equal ones counted each time."""
        return self.draws * math.prod(len(values) for values in self.grid.values())

    def groups(self) -> list[Group]:
        """Return the tasks, equal ones once, those that differ in their seeds alone together; all settings checked.

        Raises
        ------
        InputError
            A combination cannot be trained; the message says which and why.
        """
        seeds: dict[str, dict[int, None]] = {}
        found: dict[str, Settings] = {}
        for combination, own in self._combinations():
            settings = resolved(combination)
            if settings["source_tokens"] is None and (asked := [name for name in self.outcomes if name in TRUTHS]):
                raise SettingError(
                    f"The outcome {asked[0]} is of sources, whose truth is known; {settings['sequence']!r:.40} is a "
                    'text. Use a sequence such as "source:mess3(x=0.05,a=0.85)", or leave the outcome out.'
                )
            name = canonical(settings)
            found.setdefault(name, settings)
            seeds.setdefault(name, {}).update(dict.fromkeys(own))
        return [
            Group(settings, tuple(seeds[name]), checked_vocab_size(settings, list(seeds[name])))
            for name, settings in found.items()
        ]

    def _combinations(self) -> Iterator[tuple[Settings, Sequence[int]]]:
        """Yield settings without a seed, each with its seeds: those of the grid at once."""
        names = [name for name in self.grid if name != "seed"]
        sizes = [len(self.grid[name]) for name in names]
        default: Settings = {name: default for name, (_, default) in SETTINGS.items()} | dict(self.fixed)
        for draw in range(self.draws):
            rng = np.random.default_rng((self.draw_seed, draw))
            drawn = {
                name: what.draw(rng) if isinstance(what, Range) else what[int(rng.integers(len(what)))]
                for name, what in sorted(self.random.items())
            }
            for places in np.ndindex(*sizes):
                chosen = {name: self.grid[name][i] for name, i in zip(names, places, strict=True)}
                settings = default | drawn | chosen
                seed = settings.pop("seed")
                yield settings, self.grid.get("seed", (seed,))


def _texts_of(file: object, folder: Path, where: str) -> str | list[str]:
    """Return the text of a file, or of each of a list of files."""
    if isinstance(file, Sequence) and not isinstance(file, str):
        return [text for one in file for text in [_texts_of(one, folder, where)] if isinstance(text, str)]
    if not isinstance(file, str):
        raise SettingError(f"file = {json.dumps(file, default=str)} in [{where}] is not the name of a file.")
    text, path = "", folder / Path(file).expanduser()
    for piece in file_pieces(path):
        text += piece
        if len(text) > MAX_TEXT:
            raise FileError(f"{path} is longer than {MAX_TEXT:,} characters, which is too long for a sweep.")
    return text


def _table(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SettingError(f"{name} = {value!r} is no table. Write [{name}] on a line, and its settings below it.")
    return value


def _check_known(what: str, given: Mapping[str, Any], known: list[str], where: str = "") -> None:
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."
            raise SettingError(
                f"There is no {what} {name!r}" + (f"{where}. {hint}" if where else f" in a spec. {hint}")
            )


def _checked(name: str, value: object, where: str) -> Any:
    """Return a value as the type of its setting: 1 is a rate too, 1.0 no count, and true no number."""
    kind = SETTINGS[name][0]
    if kind in (int, float) and isinstance(value, int) and abs(value) >= 2**63:
        raise SettingError(f"{name} in [{where}] does not fit 63 bits. Use a smaller number.")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise SettingError(f"{name} = {json.dumps(value, default=str)} in [{where}] is not {_KINDS[kind]}.")
    return value


def _values(name: str, value: object, where: str) -> Sequence[Any]:
    kind = SETTINGS[name][0]
    if kind is int and isinstance(value, str) and (ends := _RANGE.fullmatch(value)):
        found: Sequence[Any] = range(int(ends[1]), int(ends[2]) + 1)
        if not found:
            raise SettingError(f'{name} = "{value}" in [{where}] runs backwards. Write it as "{ends[2]}..{ends[1]}".')
    elif isinstance(value, Sequence) and not isinstance(value, str):
        found = tuple(_checked(name, each, where) for each in value)
    else:
        example = '[1, 2, 3], or "0..99"' if kind is int else f"[…], each {_KINDS[kind]}"
        raise SettingError(f"{name} = {json.dumps(value, default=str)} in [{where}] is no list. Use {example}.")
    if not found:
        raise SettingError(f"{name} in [{where}] has no values, so there is nothing to train. Name at least one.")
    return found


def _random(name: str, value: object) -> Range | Sequence[Any]:
    if not isinstance(value, Mapping):
        return _values(name, value, "random")
    _check_known("key", value, ["low", "high", "log"], f" in {name} of [random]")
    kind = SETTINGS[name][0]
    if kind not in (int, float):
        raise SettingError(f"{name} in [random] is {_KINDS[kind]} and has no range. Use a list to choose from.")
    if missing := {"low", "high"} - value.keys():
        raise SettingError(f"{name} in [random] does not say {' and '.join(sorted(missing))}.")
    low, high = (_checked(name, value[end], "random") for end in ("low", "high"))
    log = value.get("log", False)
    if not isinstance(log, bool):
        raise SettingError(f"log = {json.dumps(log, default=str)} of {name} in [random] is not true or false.")
    if not (math.isfinite(low) and math.isfinite(high) and low <= high and (low > 0 or not log)):
        raise SettingError(
            f"{name} in [random] goes from {low} to {high}; a range goes up" + (", from above 0." if log else ".")
        )
    return Range(low, high, log, kind is int)


def _outcomes(value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise SettingError('outcomes is no list of names. Use outcomes = ["last_loss", "entropy_rate"], say.')
    for name in value:
        if not isinstance(name, str) or name not in UNITS:
            close = difflib.get_close_matches(str(name), UNITS, 1)
            hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(UNITS)}."
            raise SettingError(f"There is no outcome {name!r}. {hint}")
    return tuple(dict.fromkeys(value))
