"""The recorded conversations are replayed: the same commands are answered with the same views."""

from __future__ import annotations

import json

import pytest
from conversations import FOLDER, Speaker, differences, rounded

from babygpt.studio import protocol
from babygpt.studio.commands import COMMANDS
from babygpt.studio.presets import PRESETS

FILES = sorted(FOLDER.glob("*.json"))
CONVERSATIONS = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in FILES}
SENT = [turn["send"] for told in CONVERSATIONS.values() for turn in told["turns"] if isinstance(turn.get("send"), dict)]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_session_answers_as_it_is_recorded(name):
    told = CONVERSATIONS[name]
    speaker = Speaker(told["limits"])
    views = {}
    for i, turn in enumerate(told["turns"]):
        heard = rounded(speaker(turn))
        # a view that a digit too small to count has changed may be told or not
        for view in turn["views"].keys() | heard.keys():
            expected = turn["views"].get(view, views.get(view))
            assert list(differences(expected, heard.get(view, expected), view))[:5] == [], (i, turn.get("send"))
        views |= heard | turn["views"]


def test_every_command_every_preset_and_every_view_is_in_a_conversation():
    assert {command["command"] for command in SENT} >= COMMANDS.keys()
    assert {command.get("name") for command in SENT if command["command"] == "preset"} >= PRESETS.keys()
    told = [turn["views"] for conversation in CONVERSATIONS.values() for turn in conversation["turns"]]
    assert {name for views in told for name, view in views.items() if view} == set(protocol.Views.__annotations__)


def test_every_kind_of_refusal_of_a_person_is_in_a_conversation():
    codes = {
        turn["views"]["notice"]["code"]
        for conversation in CONVERSATIONS.values()
        for turn in conversation["turns"]
        if turn["views"].get("notice")
    }
    assert codes >= {
        "command", "setting", "width", "vocabulary", "empty", "single", "unknown", "short", "steps", "most", "states",
        "link", "too_long", "pin", "unlike", "preset", "tensor", "untrained", "guessed", "text",
    }  # fmt: skip


def test_the_conversations_are_small():
    assert sum(file.stat().st_size for file in FILES) < 1_500_000


@pytest.mark.parametrize(
    ("expected", "got", "where"),
    [
        ({"a": 1.0}, {"a": 1.0002}, [".a: 1.0002 instead of 1.0"]),
        ({"a": 1.0}, {"a": 1.00009}, []),
        ({"a": [1, None]}, {"a": [1, 0]}, [".a[1]: 0 instead of None"]),
        ({"a": True}, {"a": 1}, [".a: 1 instead of True"]),
        ({"a": "x"}, {"b": "x"}, [": {'b': 'x'} instead of {'a': 'x'}"]),
    ],
)
def test_what_differs_is_found(expected, got, where):
    assert list(differences(expected, got)) == where
