"""Conversations with a session: what was sent, what was waited for, and which views changed by it.

A conversation is JSON: `{"about": …, "limits": …, "turns": [turn, …]}`. A turn is one of `{"send": command}`,
`{"finish": true}` (what is under way is done to its end, while the clock stands still) and `{"wait": seconds}` (all
that is due in so many seconds is done, whenever it is due), and has the views that differ from what they were before.
The clock begins at 0; the ball's seed is 0. So that any processor computes the same within :data:`TOLERANCE`,
trainings are short and their rates modest; what is packed in bytes stands as lists of numbers.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from babygpt.studio.limits import Limits
from babygpt.studio.session import Session

FOLDER = Path(__file__).parent
SMALL = {"n_layer": 1, "n_head": 2, "n_embd": 8}  # a GPT that is trained in no time
TOLERANCE = 1e-4  # of a number, relative to it where it is above 1
DIGITS = 6  # after the point; of a number above 1 so many in all
NEVER = 10_000  # slices of work; what is not done by then never will be


class Speaker:
    """A session, and its clock."""

    def __init__(self, limits: dict[str, int]) -> None:
        self._session, self._now = Session(Limits(**limits)), 0.0
        self._known, self._views = {}, {}

    def __call__(self, turn: dict[str, object]) -> dict[str, object]:
        """Take a turn, and return the views that differ from what they were before, unpacked."""
        if "send" in turn:
            self._session.handle(turn["send"])
        elif "wait" in turn:
            self._wait(turn["wait"])
        if "finish" in turn:
            for _ in range(NEVER):
                if not self._session.training:
                    break
                self._session.advance(self._now, 1.0)
            assert not self._session.training
        changed, self._known = self._session.changed(self._known)
        views = json.loads(json.dumps({name: unpacked(name, view) for name, view in changed.items()}))
        differing = {name: view for name, view in views.items() if name not in self._views or self._views[name] != view}
        self._views |= differing
        return differing

    def _wait(self, seconds: float) -> None:
        until = self._now + seconds
        while (due := self._session.due(self._now)) is not None and due <= until:
            self._now = max(self._now, due)
            self._session.advance(self._now, 0.0)
        self._now = until


def unpacked(name: str, view: object) -> object:
    """Return a view with its bytes as numbers: of a setup the states, of a map the pixels, of a tensor the values."""
    if not isinstance(view, dict):
        return view
    kinds = {"setup": {"seen": "bits", "ended": "bits"}, "frame": {"map": "u1"}, "knobs": {"values": "<f4"}}
    of = {key: kind for key, kind in kinds.get(name, {}).items() if view[key] is not None}
    return {**view, **{key: _numbers(view[key], kind) for key, kind in of.items()}}


def _numbers(text: str, kind: str) -> list[float]:
    data = base64.b64decode(text)
    if kind == "bits":
        return np.flatnonzero(np.unpackbits(np.frombuffer(data, "u1"), bitorder="little")).tolist()
    return np.frombuffer(data, kind).tolist()


def rounded(value: object) -> object:
    """Return a view with its numbers rounded as they are recorded."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if isinstance(value, float):
        short = round(value, DIGITS - max(0, math.floor(math.log10(abs(value))) if value else 0))
        return int(short) if short == int(short) else short
    return value


def differences(expected: object, got: object, where: str = "", room: float = TOLERANCE) -> Iterator[str]:
    """Yield where two values differ, and how: numbers within the tolerance are alike, and bytes of a map within one."""
    if isinstance(expected, dict) and isinstance(got, dict) and expected.keys() == got.keys():
        for key in expected:
            one = 1.0 if (where.rsplit(".", 1)[-1], key) == ("frame", "map") else room
            yield from differences(expected[key], got[key], f"{where}.{key}", one)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for i, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from differences(one, other, f"{where}[{i}]", room)
    elif _is_number(expected) and _is_number(got):
        if abs(expected - got) > room * max(1.0, abs(expected)):
            yield f"{where}: {got!r} instead of {expected!r}"
    elif type(expected) is not type(got) or expected != got:
        yield f"{where}: {got!r:.200} instead of {expected!r:.200}"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
