"""Whatever is typed is learnt: settings that suit a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import babygpt as bg
from babygpt.studio.fitting import MAX_FITTED, NEAR, fit, legible
from babygpt.studio.limits import Limits
from babygpt.studio.session import Session

LIMITS = Limits()


@pytest.mark.parametrize(
    ("text", "learnt", "context_length"),
    [
        ("Emma", "Emma Emma Emma Emma", 2),
        ("77", "77 77 77 77", 2),
        ("111101111011110", "111101111011110", 4),
        ("01" * 8, "01" * 8, 1),
        ("0110\r\n", "0110", 2),
    ],
)
def test_the_context_is_as_short_as_tells_nearly_all(text, learnt, context_length):
    session = Session()
    session.handle({"command": "fit", "text": text})
    setup = session.changed({})[0]["setup"]
    assert (setup["text"], setup["settings"]["context_length"]) == (learnt, context_length)


@given(st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=80))
def test_any_text_that_is_not_blank_is_learnt_without_an_objection(text):
    session = Session()
    session.handle({"command": "fit", "text": text})
    views = session.changed({})[0]
    if not legible(text).strip():
        assert views["notice"]["code"] == "empty"
        return
    assert views["notice"] is None
    assert views["setup"]["n_states"] <= MAX_FITTED
    assert views["setup"]["text"] == legible(text)


def test_a_longer_context_would_gain_no_more_than_is_said():
    text = "the quick brown fox jumps over the lazy dog and the cat"
    chosen = fit(text, LIMITS)["context_length"]
    floors = [floor_of(text, K) for K in (1, 2)]
    assert chosen == next(K for K, floor in enumerate(floors, 1) if floor <= min(floors) + NEAR)


def floor_of(text: str, context_length: int) -> float:
    return bg.Corpus.from_text(text, context_length=context_length).loss_floor()


@pytest.mark.parametrize("name", ["Emma", "Aleksandr", "王小明", "نور"])
def test_a_name_comes_near_its_floor_within_its_steps(name):
    session = Session()
    session.handle({"command": "fit", "text": name})
    session.handle({"command": "train"})
    while session.training:
        session.advance(now=0.0, budget=1.0)
    views = session.changed({})[0]
    assert views["player"]["stopped"] == "gap"
    assert views["player"]["trained"] < 600


def test_what_is_asked_of_a_setup_ends_with_it():
    session = Session()
    session.handle({"command": "configure", "sequence": "1" * 9 + "0"})
    version = session.changed({})[0]["setup"]["version"]
    session.handle({"command": "configure", "sequence": "1110", "context_length": 2})
    for name, part, place in (("attribute", "position", 9), ("walk", "token", 7), ("select", "state", 99)):
        session.handle({"command": name, part: place, "version": version})
        assert session.changed({})[0]["notice"] is None
    session.handle({"command": "attribute", "position": 9, "version": version + 1})
    assert session.changed({})[0]["notice"]["code"] == "command"


def test_a_state_is_the_same_in_every_setup_that_has_it():
    # who types a token and at once selects a state has seen the setup from before the token
    session = Session()
    version = session.changed({})[0]["setup"]["version"]
    session.handle({"command": "configure", "sequence": "111001111"})
    session.handle({"command": "configure", "seed": 3, "n_embd": 8})
    session.handle({"command": "select", "state": 5, "version": version})
    assert session.changed({})[0]["selected"]["state"] == 5
    session.handle({"command": "select", "state": 1, "version": version + 3})  # of one that is not there yet
    session.handle({"command": "attribute", "position": 2, "version": version})
    assert session.changed({})[0]["selected"]["state"] == 5
    session.handle({"command": "configure", "context_length": 2})
    session.handle({"command": "select", "state": 1, "version": version})
    assert session.changed({})[0]["selected"] is None
