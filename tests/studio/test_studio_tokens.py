from __future__ import annotations

import math

import numpy as np
import pytest
from driving import SMALL, Driven

import babygpt as bg
from babygpt.gpt.fast.stacked import StackedTrainer
from babygpt.studio import side_by_side, tokens
from babygpt.studio.limits import Limits

TEXT = "111101111011110"
TERNARY = "012021102210012200112"


def pointed(studio, position):
    studio("attribute", position=position)
    return studio.finish()


KINDS = [
    {},
    {"sequence": TERNARY, "context_length": 2, "positions": "all", "bias": True},
    {"batch_size": 3, "seed": 5, "context_length": 1},
]


@pytest.mark.parametrize("kinds", KINDS)
def test_a_tokens_effect_is_that_of_the_librarys_attribution(kinds):
    studio = Driven(**{**SMALL, "steps": 6, **kinds}).trained()
    kinds = dict(kinds)
    seed = kinds.pop("seed", 1337)
    found = bg.attribute(kinds.pop("sequence", TEXT), seeds=[seed], **{**SMALL, "steps": 6, **kinds})
    for position, effects in enumerate(found.by_position):
        pointed(studio, position)
        assert studio.frame["token"] == {"position": position, "known": True, "silence": ""}
        assert studio.frame["signed"]
        np.testing.assert_allclose(studio.grid(), effects, atol=2e-6)
    studio("attribute", position=None)
    assert (studio.frame["token"], studio.frame["signed"]) == (None, False)
    assert np.array(studio.grid()).min() > 0


def test_it_is_asked_at_the_step_and_under_the_decoding_that_are_shown():
    studio = Driven(**SMALL, steps=6).trained()
    studio("seek", step=4)
    pointed(studio, 4)
    found = bg.attribute(TEXT, steps=4, **SMALL)
    np.testing.assert_allclose(studio.grid(), found.by_position[4], atol=1e-6)
    studio("decode", temperature=0.5)
    studio.finish()

    def decoded(probs):
        return probs**2 / (probs**2).sum(axis=-1, keepdims=True)

    np.testing.assert_allclose(studio.grid(), decoded(found.base) - decoded(found.changed[4]), atol=1e-6)


def test_neighbours_come_along_and_are_known_at_once():
    studio = Driven(**SMALL, steps=6).trained()
    pointed(studio, 7)
    studio("attribute", position=9)
    assert studio.frame["token"]["known"]
    assert not studio.session.training


def test_until_it_is_known_the_chain_stays_as_it_was():
    studio = Driven(**SMALL, steps=6).trained()
    values = studio.frame["values"]
    studio("attribute", position=3)
    assert studio.session.training
    studio.session.advance(studio.now, 0.0)
    studio.look()
    assert studio.frame["token"] == {"position": 3, "known": False, "silence": ""}
    assert studio.frame["values"] == values
    studio("attribute", position=None)
    assert not studio.session.training
    assert studio.frame["values"] == values


def test_no_token_has_an_effect_on_an_untrained_chain():
    studio = Driven(**SMALL)
    pointed(studio, 3)
    assert studio.frame["token"] == {"position": 3, "known": False, "silence": "untrained"}


def test_while_a_film_plays_nothing_is_asked_and_then_it_is():
    studio = Driven(**SMALL, steps=6)
    studio("attribute", position=3)
    studio("train")
    studio.session.advance(studio.now, 0.0)
    studio.look()
    assert studio.frame["token"]["silence"] == "moving"
    studio.finish()
    studio.wait(5)
    studio.finish()
    assert (studio.frame["step"], studio.frame["token"]["known"]) == (6, True)


def test_a_changed_text_is_pointed_at_no_more():
    studio = pointed(Driven(**SMALL, steps=6).trained(), 3)
    studio("configure", sequence="110110110")
    assert studio.frame["token"] is None


@pytest.mark.parametrize("position", [-1, 15])
def test_a_place_that_the_text_does_not_have_is_refused(position):
    studio = Driven(**SMALL)
    studio("attribute", position=position)
    assert "the text has 15" in studio.notice["text"]
    assert studio.frame["token"] is None


def test_what_is_too_much_to_retrain_for_says_so():
    letters = "".join(chr(0x4E00 + i) for i in range(tokens.MAX_TEXTS + 2))
    studio = Driven(**SMALL, steps=1, sequence=letters * 2, context_length=1).trained()
    pointed(studio, 0)
    assert studio.frame["token"] == {"position": 0, "known": False, "silence": "large"}


def test_of_many_states_the_effect_is_a_map_and_few_are_kept(monkeypatch):
    monkeypatch.setattr(tokens, "MAX_NUMBERS", 2**13)
    studio = Driven(sequence="0110100110010110", context_length=10, n_layer=1, n_head=1, n_embd=4, steps=2).trained()
    before = studio.frame["map"]
    for position in range(6):
        pointed(studio, position)
        assert studio.frame["token"]["known"]
    assert studio.frame["map"] != before
    kept = studio.session._stage.retraining._tokens._known
    assert len(kept) == 4


def test_a_retraining_that_breaks_shows_nothing_for_it():
    studio = Driven(**SMALL, steps=3, sequence=TERNARY, context_length=1).trained()
    step = StackedTrainer.step

    def breaks(trainer):
        losses = step(trainer)
        losses[:1] = math.nan  # of the first text that is trained with others
        return losses

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StackedTrainer, "step", breaks)
        pointed(studio, 0)
    assert studio.frame["token"]["known"]
    assert set(studio.frame["values"]) == {None}
    studio("attribute", position=5)
    assert None not in studio.frame["values"]


def test_more_others_than_are_trained_together_are_trained_in_turns(monkeypatch):
    monkeypatch.setattr(side_by_side, "TOGETHER", 2)
    studio = Driven(**SMALL, steps=3, sequence="abcdeabdce", context_length=1).trained()
    sizes = []
    init = StackedTrainer.__init__

    def counted(self, weights, seeds, *given):
        sizes.append(len(seeds))
        init(self, weights, seeds, *given)

    monkeypatch.setattr(StackedTrainer, "__init__", counted)
    pointed(studio, 3)
    assert sizes == [2, 2]
    found = bg.attribute("abcdeabdce", context_length=1, steps=3, **SMALL)
    np.testing.assert_allclose(studio.grid(), found.by_position[3], atol=2e-6)


def test_with_a_knob_turned_nothing_is_said():
    studio = Driven(**SMALL, steps=3).trained()
    studio("turn", position=0.5)
    pointed(studio, 3)
    assert studio.frame["token"]["silence"] == "turned"
    studio("release")
    assert studio.finish().frame["token"]["known"]


def test_where_there_is_no_memory_left_for_it_nothing_is_trained():
    room = [2**30]
    studio = Driven(Limits(room=lambda need: room[0]), **SMALL, steps=3).trained()
    before = studio.session.memory
    room[0] = before + 2**20
    pointed(studio, 3)
    assert studio.frame["token"]["silence"] == "large"
    room[0] = 2**30
    pointed(studio, 4)
    assert studio.frame["token"]["known"]
    assert studio.session.memory > before


def test_more_steps_do_not_end_the_pointing():
    studio = pointed(Driven(**SMALL, steps=3).trained(), 3)
    studio("step")
    studio.finish()
    assert (studio.frame["step"], studio.frame["token"]["position"]) == (4, 3)
    assert studio.frame["token"]["known"]
