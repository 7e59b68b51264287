"""The last change of text or settings is taken back, with its training."""

from __future__ import annotations

from babygpt.studio.limits import Limits
from babygpt.studio.past import MOST_UNDONE
from babygpt.studio.session import Session


def views_of(session: Session) -> dict:
    while session.training:
        session.advance(now=0.0, budget=1.0)
    return session.changed({})[0]


def trained() -> Session:
    session = Session()
    session.handle({"command": "train"})
    session.handle({"command": "pause"})
    views_of(session)
    session.handle({"command": "seek", "step": 30})
    session.handle({"command": "select", "state": 0b101})
    return session


def test_a_change_is_taken_back_with_its_training():
    session = trained()
    before = views_of(session)
    assert before["player"]["undo"] == 0
    session.handle({"command": "configure", "sequence": "0001"})
    assert views_of(session)["player"] == before["player"] | {"step": 0, "trained": 0, "undo": 1}
    session.handle({"command": "undo"})
    after = views_of(session)
    for name in ("player", "curve", "link", "trace"):
        assert after[name] == before[name], name
    assert after["frame"]["values"] == before["frame"]["values"]
    assert after["selected"]["model"] == before["selected"]["model"]


def test_what_was_refused_or_changed_nothing_is_no_change():
    session = trained()
    text = views_of(session)["setup"]["text"]
    session.handle({"command": "configure", "sequence": ""})
    session.handle({"command": "configure", "sequence": text})
    session.handle({"command": "seek", "step": 3})
    assert views_of(session)["player"]["undo"] == 0
    session.handle({"command": "undo"})  # of nothing
    assert views_of(session)["player"]["step"] == 3


def test_as_many_changes_are_kept_as_are_said_and_no_more_text_than_is_allowed():
    session = Session(Limits(text=100))
    for seed in range(MOST_UNDONE + 5):
        session.handle({"command": "configure", "seed": seed})
    n = views_of(session)["player"]["undo"]
    assert n == 100 // len("111101111011110")
    for _ in range(n):
        session.handle({"command": "undo"})
    assert views_of(session)["player"]["undo"] == 0
    assert views_of(session)["setup"]["settings"]["seed"] == MOST_UNDONE + 4 - n
