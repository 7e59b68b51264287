"""Writes src/session/facts.generated.ts: what the page's session must know and Python says, written by nobody twice.

The settings with their defaults and ranges, the presets with their texts, the commands with their parts, and what makes
a text look like the name of a file. make protocol writes it beside the types of the protocol.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from inspect import signature
from pathlib import Path
from typing import Any

from babygpt import __version__
from babygpt.chain import extract, stationary
from babygpt.chain.decoding import Decoding
from babygpt.chain.input_device import context_alone
from babygpt.cli.sizes import COMPUTERS, KNOWN_MODELS, KnownModel
from babygpt.gpt import encodings, keeping, paths, room
from babygpt.run import history
from babygpt.settings import SCREEN, SETTINGS, Setting
from babygpt.studio import (
    chain_summary,
    figures,
    fitting,
    knobs,
    limits,
    links,
    past,
    playback,
    playhead,
    seed_bands,
    session,
    setup,
    side_by_side,
    tape,
    tidying,
    tokens,
    views,
)
from babygpt.studio.commands import COMMANDS, Command, StateCommand
from babygpt.studio.limits import Limits
from babygpt.studio.presets import PRESETS
from babygpt.studio.setup import NAMES

FILE = Path(__file__).parent / "src" / "session" / "facts.generated.ts"

# Numbers that both sessions go by, where they stand in Python, and what the page calls them if that says more.
NUMBERS = {
    extract: ["FORWARD_TOKENS"],
    stationary: ["BASIS"],
    room: ["COPIES", "BLOCK_OBJECTS"],
    keeping: ["MAX_KEPT"],
    history: ["EVERY_STEP", "FRAME_BUDGET"],
    chain_summary: ["FOLLOWED", "FOLLOWED_MIXING", "MIXING", "FEW", "AT_ONCE_MIXING"],
    figures: ["MAX_VALUES", "MAX_PIXELS", "MAX_CURVE", "MAX_TRACE", "MAX_TRACED"],
    tidying: ["MAX_HEADER"],
    fitting: ["MAX_FITTED", "NEAR", "LONGEST_NAME", "COPIES_OF_A_NAME", "LEARNING_RATE", "STEPS", "STOP_GAP"],
    knobs: ["REACH", "MOST as MOST_ADDED", "MAX_SHOWN as MAX_TENSOR"],
    limits: ["TABLES", "LONG_RUN", "MAX_BATCH", "MAX_SEEDS", "MAX_OF_SEEDS", "MAX_LAYERS"],
    links: ["LONGEST as LONGEST_TEXT", "SEEDS"],
    past: ["MOST_UNDONE"],
    playback: ["CHAINS_AT_HAND"],
    playhead: ["SECONDS", "SLOWEST", "SPEEDS", "REST", "HAIR"],
    seed_bands: ["LOW", "HIGH", "QUICK", "BINS", "MAX_SHOWN as MAX_STATE_TOKENS"],
    session: ["MAX_NOTICE"],
    setup: ["MAX_NAME"],
    side_by_side: ["TOGETHER"],
    tape: ["PACE", "LENGTH as TAPE_LENGTH"],
    tokens: ["MAX_TEXTS", "MAX_NUMBERS"],
    views: ["MAX_TEXT", "MAX_TOKENS", "MAX_ROWS", "MAX_CELLS", "MAX_RECORDED", "MAX_ATTENTION"],
}

# What texts are made of beyond ASCII, of babygpt.gpt.encodings.
LETTERS = (
    "SIGNS", "OFTEN", "TRADITIONALLY", "SYLLABLES", "CYRILLIC", "WESTERN", "CENTRAL", "GREEK", "HEBREW", "ARABIC",
    "TURKISH", "THAI", "MARKS_OF_TEXTS",
)  # fmt: skip

HEAD = """\
// Written by make protocol from settings.py, studio/commands.py, studio/presets.py and their like: change those.

import type { Plain } from "./refused";

export interface SettingFact {
  readonly name: string;
  readonly kind: "int" | "float" | "bool" | "str";
  readonly default: Plain;
  readonly least?: number;
  readonly choices?: readonly string[];
  readonly option?: string; // on the command line, where it is not its name with dashes
  readonly ofTheScreen?: true; // no setting of a training
}

/** The parts that must be there and those that may, by name: what each is ends the sentence that refuses another. */
export type CommandFact = readonly [
  needed: Readonly<Record<string, string>>,
  free?: Readonly<Record<string, string>>,
  settings?: readonly string[],
];

export interface PresetFact {
  readonly sequence: string;
  readonly settings: Readonly<Record<string, Plain>>;
}

/** A model that the article speaks of: symbols and context length as it has them and as they are, and what it says. */
export interface ModelFact {
  readonly name: string;
  readonly article: readonly [V: number, K: number];
  readonly says: string;
  readonly actual: readonly [V: number, K: number];
}
"""


def typescript() -> str:
    """Return the whole file."""
    settings = [_setting(SETTINGS[name]) for name in NAMES]
    rules = {rule.name: rule.metadata["kind"].__name__ for rule in fields(Decoding)}
    return "\n".join(
        [
            HEAD,
            _constant("VERSION", "string", __version__),
            _constant("SETTINGS", "readonly SettingFact[]", settings),
            _constant("RULE_KINDS", 'Readonly<Record<string, "int" | "float">>', rules),
            _constant(
                "PRESETS", "Readonly<Record<string, PresetFact>>", {name: asdict(one) for name, one in PRESETS.items()}
            ),
            _constant(
                "COMMANDS",
                "Readonly<Record<string, CommandFact>>",
                {name: _parts(kind) for name, kind in COMMANDS.items()},
            ),
            _constant("OF_STATES", "readonly string[]", [n for n in COMMANDS if issubclass(COMMANDS[n], StateCommand)]),
            "".join(
                f"export const {name.split(' as ')[-1]} = {json.dumps(getattr(module, name.split(' as ')[0]))};\n"
                for module, names in NUMBERS.items()
                for name in names
            ),
            _constant("PAGE_LIMITS", "Readonly<Record<string, number>>", _page_limits()),
            _constant("LETTERS", "Readonly<Record<string, string>>", {n: getattr(encodings, n) for n in LETTERS}),
            _constant("ENDINGS", "readonly string[]", paths.ENDINGS),
            _constant("KNOWN_MODELS", "readonly ModelFact[]", list(map(_model, KNOWN_MODELS))),
            _constant("COMPUTERS", "Readonly<Record<string, number>>", COMPUTERS),
            _constant("WALK", "number", signature(context_alone).parameters["n_tokens"].default),
        ]
    )


def _page_limits() -> dict[str, int]:
    page = Limits.for_a_page()
    return {
        "states": page.states,
        "steps": page.steps,
        "text": page.text,
        "memory": page.memory,
        "seeds": page.most_seeds,
    }


def _setting(setting: Setting) -> dict[str, Any]:
    """Return what is known of a setting, without what goes without saying."""
    option = setting.option if setting.option != setting.name.replace("_", "-") else None
    more = {"least": setting.least, "choices": setting.choices or None, "option": option}
    more |= {"ofTheScreen": True} if setting in SCREEN else {}
    known = {"name": setting.name, "kind": setting.kind.__name__, "default": setting.default}
    return known | {name: value for name, value in more.items() if value is not None}


def _model(model: KnownModel) -> dict[str, Any]:
    article, actual = (list(asdict(size).values()) for size in (model.article, model.actual))
    return {"name": model.name, "article": article, "says": model.article_says, "actual": actual}


def _parts(kind: type[Command]) -> list[Any]:
    """Return the parts of a command: those it must have, those it may, and those that are settings."""
    needed = {name: field.description for name, field in kind.model_fields.items() if field.is_required()}
    free = {name: field.description for name, field in kind.model_fields.items() if not field.is_required()}
    settings = [name for name in kind.parts() if name not in kind.model_fields]
    parts: list[Any] = [needed, free, settings]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def _constant(name: str, kind: str, value: object) -> str:
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"export const {name}: {kind} = {written};\n"
