"""What a screen may ask: which commands there are, and of what kind their parts must be.

`frontend/src/protocol.ts` says what each command means. Whatever else arrives is no command, and is told so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from babygpt.studio.limits import RefusedError
from babygpt.studio.links import SOURCES, SUBJECTS
from babygpt.studio.setup import NAMES

Kind = Callable[[object], bool]

# No number that means anything is larger.
LARGEST = 10**30


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def _number(value: object) -> bool:
    return _whole(value) or (isinstance(value, float) and math.isfinite(value))


def _truth(value: object) -> bool:
    return isinstance(value, bool)


def _text(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()  # half a surrogate pair is no text
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: object) -> bool:
    """Whether it is something of which a setting can say what is wrong."""
    return value is None or _truth(value) or _number(value) or _text(value)


def _or_none(kind: Kind) -> Kind:
    return lambda value: value is None or kind(value)


def _one_of(*words: str) -> Kind:
    return lambda value: isinstance(value, str) and value in words


def _pair(value: object) -> bool:
    subject = _one_of(*SUBJECTS, *SLOTS)
    return isinstance(value, list) and len(value) == 2 and all(map(subject, value))


def _link(value: object) -> bool:
    return isinstance(value, dict) and all(_text(key) and _text(text) for key, text in value.items())


SLOTS = ("A", "B")
_SLOT = {"slot": _one_of(*SLOTS)}
_NOTHING: dict[str, Kind] = {}

# Of each command: what it must have; what it may have besides.
COMMANDS: dict[str, tuple[dict[str, Kind], dict[str, Kind]]] = {
    "open": ({"link": _link}, {}),
    "configure": ({}, {"sequence": _text, "name": _text, **dict.fromkeys(NAMES, _plain)}),
    "file": ({"name": _text, "data": _text}, {}),
    "preset": ({"name": _text}, {}),
    "train": ({}, {}),
    "more": ({"steps": _whole}, {}),
    "pause": ({}, {}),
    "stop": ({}, {}),
    "play": ({}, {}),
    "step": ({}, {}),
    "rewind": ({}, {}),
    "seek": ({"step": _number}, {}),
    "skip": ({"by": _whole}, {}),
    "speed": ({"speed": _or_none(_number)}, {}),
    "show": ({"source": _one_of(*SOURCES)}, {"compare": _pair}),
    "seeds": ({"n": _whole}, {}),
    "attribute": ({"position": _or_none(_whole)}, {}),
    "select": ({"state": _or_none(_whole)}, {}),
    "walk": ({"token": _whole}, {}),
    "place": ({"state": _whole}, {}),
    "wander": ({"on": _truth}, {}),
    "decode": ({}, dict.fromkeys(("temperature", "top_k", "top_p", "min_p"), _plain)),
    "pin": (_SLOT, {}),
    "unpin": (_SLOT, {}),
    "turn": ({"position": _number}, {}),
    "tensor": ({"name": _text}, {}),
    "nudge": ({"place": _whole, "by": _number}, {}),
    "release": ({}, {}),
    "rows": ({"first": _or_none(_whole)}, {}),
    "code": ({"on": _truth}, {}),
    "dismiss": ({}, {}),
}


def parse(command: object) -> tuple[str, dict[str, Any]]:
    """Return the name of a command and its parts.

    Raises
    ------
    RefusedError
        It is none, or lacks a part, or has one too many or of the wrong kind.
    """
    if not isinstance(command, dict) or not isinstance(name := command.get("command"), str) or name not in COMMANDS:
        raise RefusedError("The studio knows no such command.", "command")
    required, optional = COMMANDS[name]
    parts = {key: value for key, value in command.items() if key != "command"}
    kinds = required | optional
    wrong = [key for key in required if key not in parts] + [
        key for key, value in parts.items() if key not in kinds or not kinds[key](value)
    ]
    if wrong:
        raise RefusedError(f"The command {name!r} is not understood: see {wrong[0]!r:.40}.", "command")
    return name, parts
