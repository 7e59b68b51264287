"""The studio's protocol is declared once: what is sent, what is handled and what the screen expects are held to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from driving import SMALL, Driven
from pydantic import TypeAdapter, ValidationError

from babygpt.studio import protocol
from babygpt.studio.commands import COMMANDS, Command, parse
from babygpt.studio.limits import RefusedError
from babygpt.studio.links import Decoding
from babygpt.studio.session import Session
from babygpt.studio.setup import Settings

ROOT = Path(__file__).parents[2]


def hold_to_the_protocol(views):
    """Fail if views have another field, lack one, or have one of another kind than the protocol says."""
    told = json.dumps(views)
    kept = TypeAdapter(protocol.Views).validate_json(told, strict=True)
    assert json.loads(json.dumps(kept)) == json.loads(told)  # what it does not know it leaves out
    for kind, given in (Settings, views["setup"]["settings"]), (Decoding, views["decoding"]):
        TypeAdapter(kind).validate_json(json.dumps(given), strict=True)


def test_every_view_is_what_the_protocol_says():
    studio = Driven(**SMALL)
    hold_to_the_protocol(studio.views)
    studio.trained()
    for command, part in (
        ("select", {"state": 5}), ("rows", {"first": 0}), ("code", {"on": True}), ("short", {"on": True}),
        ("pin", {"slot": "A"}), ("walk", {"token": 1}), ("attribute", {"position": 2}),
        ("tensor", {"name": "wte.weight"}),
    ):  # fmt: skip
        studio(command, **part)
        studio.finish()
    studio("nudge", place=1, by=0.5)
    hold_to_the_protocol(studio.views)
    studio("release")
    studio("seeds", n=3)
    studio("show", source="seeds")
    studio.finish()
    studio("select", state=-1)
    assert None not in studio.views.values()
    hold_to_the_protocol(studio.views)
    studio("configure", context_length=9)
    studio.finish()
    assert studio.frame["map"] is not None
    hold_to_the_protocol(studio.views)


@pytest.mark.parametrize(
    ("view", "field", "value"), [("player", "step", "3"), ("frame", "source", "A"), ("tape", "more", 1)]
)
def test_a_view_of_another_kind_does_not_pass(view, field, value):
    studio = Driven(**SMALL)
    with pytest.raises((ValidationError, AssertionError)):
        hold_to_the_protocol(studio.views | {view: studio.views[view] | {field: value}})


def test_every_command_has_a_method_of_the_session_and_says_what_its_parts_are():
    handled = Session.__dict__["_do"].dispatcher.registry
    assert set(handled) - {object, Command} == set(COMMANDS.values())
    for kind in COMMANDS.values():
        assert kind.__doc__
        assert all(field.description for field in kind.model_fields.values())


def test_the_screens_types_are_those_that_python_declares():
    done = subprocess.run(
        [sys.executable, ROOT / "frontend" / "protocol.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ({"command": "seek"}, "The part 'step' of the command 'seek' is a number; it is missing."),
        ({"command": "seek", "step": "2"}, "The part 'step' of the command 'seek' is a number; it got '2'."),
        ({"command": "seek", "step": 1, "x": 2}, "The command 'seek' has no part 'x'. Its parts: step."),
        ({"command": "train", "steps": 2}, "The command 'train' has no part 'steps'. It has no parts."),
        ({"command": "pin", "slot": "C"}, "The part 'slot' of the command 'pin' is A or B; it got 'C'."),
        (
            {"command": "show", "source": "model", "compare": ["model", "C"]},
            "The part 'compare' of the command 'show' is two of model, seeds, data, A, B; it got ['model', 'C'].",
        ),
        (
            {"command": "configure", "steps": [3]},
            "The part 'steps' of the command 'configure' is a number, a text, true, false or null; it got [3].",
        ),
        ({"command": "select", "state": 10**5000}, "a whole number or null; it got a number far too large."),
    ],
)
def test_a_refusal_says_what_was_wanted_what_came_and_what_there_is(command, sentence):
    with pytest.raises(RefusedError) as refused:
        parse(command)
    assert str(refused.value).endswith(sentence)


def test_what_is_no_command_is_told_which_there_are():
    for command, beginning in (
        ({"command": "Train"}, "There is no command 'Train'. There are: open, "),
        ([], "That is no command. There are: open, "),
    ):
        with pytest.raises(RefusedError, match=beginning) as refused:
            parse(command)
        assert all(name in str(refused.value) for name in COMMANDS)
