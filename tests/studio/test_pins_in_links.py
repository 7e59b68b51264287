"""A link holds the pins and the turned knobs: what is opened with it shows the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from driving import SMALL, Driven, opened


def kept():
    """Return a session of two pins, one at a step, one turned and decoded, whose difference is shown."""
    studio = Driven(steps=6, **SMALL).trained()
    studio("seek", step=4)
    studio("pin", slot="A")
    studio("turn", position=0.5)
    studio("tensor", name="wte.weight")
    studio("nudge", place=0, by=0.25)
    studio("decode", temperature=0.5)
    studio("pin", slot="B")
    studio("configure", seed=3)
    studio("show", source="difference", compare=["A", "B"])
    return studio


def test_a_difference_of_pins_is_the_same_in_another_session():
    studio = kept()
    other = opened(studio.link)
    assert other.notice is None
    assert other.link == studio.link
    assert other.pins == studio.pins
    assert other.frame["compare"] == ["A", "B"]
    np.testing.assert_array_equal(other.grid(), studio.grid())
    assert np.abs(studio.grid()).max() > 0.01


def test_the_words_of_a_pin_say_only_what_is_not_as_it_begins():
    words = {name: word for name, word in kept().link.items() if name.startswith("A.")}
    assert words == {"A.steps": "6", "A.step": "4"} | {f"A.{name}": str(value) for name, value in SMALL.items()}


def test_while_a_pin_is_trained_again_nothing_is_said_of_it():
    studio = Driven()
    studio("open", link={"source": "difference", "compare": "A,data", "A.step": "3", "A.n_layer": "1"})
    assert not studio.pins["A"]["ready"]
    assert np.isnan(np.array(studio.grid(), float)).all()
    studio.finish()
    assert studio.pins["A"]["ready"]
    assert np.isfinite(studio.grid()[3]).all()


@pytest.mark.parametrize("position", [-0.25, 0.0, 0.4, 1.0, 1.5])
def test_turned_weights_are_turned_again(position):
    studio = Driven(steps=5, **SMALL).trained()
    studio("seek", step=2)
    studio("turn", position=position)
    studio("tensor", name="wpe.weight")
    studio("nudge", place=3, by=-0.75)
    other = opened(studio.link)
    assert (other.knobs, other.link) == (studio.knobs, studio.link)
    np.testing.assert_array_equal(other.grid(), studio.grid())


def test_a_number_of_an_untrained_gpt_stays_turned():
    studio = Driven(**SMALL)
    studio("tensor", name="wte.weight")
    studio("nudge", place=1, by=2)
    assert studio.link["nudge"] == "2.0"
    np.testing.assert_array_equal(opened(studio.link).grid(), studio.grid())


def test_a_link_does_not_turn_what_someone_trained_on():
    studio = Driven()
    studio("open", link={"trained": "9", "turn": "0.5", "n_layer": "1"})
    studio("train")
    studio("pause")
    studio.finish()
    assert not studio.frame["turned"]
    assert "turn" not in studio.link


def test_a_pin_of_another_text_brings_its_text_unless_that_is_too_long():
    studio = Driven(sequence="0101", context_length=1, **SMALL)
    studio("pin", slot="A")
    studio("preset", name="article")
    assert studio.link["A.sequence"] == "0101"
    studio("pin", slot="B")
    studio("configure", sequence="00110", **SMALL)
    assert studio.link["B.preset"] == "article"
    assert opened(studio.link).pins == studio.pins
    studio("configure", sequence="01101" * 1000)
    studio("pin", slot="A")
    studio("configure", sequence="00110")
    studio("show", source="difference", compare=["model", "A"])
    assert not {name for name in studio.link if name.startswith("A.")} | ({"source", "compare"} & set(studio.link))


def test_another_link_leaves_what_it_does_not_speak_of():
    studio = kept()
    studio("open", link={"B.step": "2", "B.n_layer": "1"})
    studio.finish()
    assert (studio.pins["A"]["step"], studio.pins["B"]["step"]) == (4, 2)


@pytest.mark.parametrize(
    ("link", "named"),
    [
        ({"A.step": "x"}, "A.step"), ({"A.seed": "-"}, "A.seed"), ({"A.tensor": "none"}, "tensor"),
        ({"A.tensor": "wte.weight", "A.place": "9999"}, "wte.weight"), ({"A.sequence": "0"}, "sequence"),
        ({"A.context_length": "99"}, "context_length"), ({"A.preset": "none"}, "A.preset"),
        ({"compare": "A,model"}, "compare"), ({"turn": "?"}, "turn"), ({"tensor": "none"}, "none"),
    ],
)  # fmt: skip
def test_a_mistaken_pin_or_knob_is_told_and_is_not_there(link, named):
    studio = opened(link)
    assert named in studio.notice["text"]
    assert studio.pins == {"A": None, "B": None}
    assert studio.link == {}


def test_a_pin_is_of_no_later_step_than_it_trains():
    assert opened({"A.steps": "2", "A.step": "9", "A.n_layer": "1"}).pins["A"]["step"] == 2


def test_pins_under_way_count_as_memory_and_a_pin_taken_away_is_trained_no_more():
    studio = Driven(**SMALL)
    before = studio.session.memory
    studio("open", link={"A.step": "400", "A.steps": "400"})
    assert studio.session.memory > before
    studio("unpin", slot="A")
    assert not studio.session.training
