from __future__ import annotations

import base64
import gzip
import io
import json
import math
import zipfile
from dataclasses import asdict
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from driving import SMALL, Driven, opened
from hypothesis import example, given, settings
from hypothesis import strategies as st

import babygpt as bg
from babygpt.errors import BabyGPTError
from babygpt.gpt.reading import Reading
from babygpt.run.history import Recorder
from babygpt.studio import playback, protocol
from babygpt.studio.commands import COMMANDS
from babygpt.studio.limits import TABLES, Limits
from babygpt.studio.presets import PRESETS
from babygpt.studio.session import Session
from babygpt.studio.setup import ARTICLE

VIEWS = protocol.Views.__annotations__

TERNARY = "012021102210012200112"

# So many states that not every step is recorded, and bytes that leave no room for those between.
NO_ROOM = 7_200_000
FEW_RECORDED = {"sequence": "0110100110010110", "context_length": 12, "n_layer": 1, "n_head": 1, "n_embd": 4}


class Frames(Limits):
    """Limits with so many bytes for all that is recorded."""

    def __init__(self, frames):
        super().__init__(steps=10_000)
        object.__setattr__(self, "_frames", frames)

    @property
    def frames(self):
        return self._frames


def trained(**kinds):
    """Return the run of the library with the settings of a configure command."""
    kinds = dict(kinds)
    return bg.train(kinds.pop("sequence", PRESETS["article"].sequence), **kinds)


# -- the protocol ------------------------------------------------------------------------------------------


def test_a_view_comes_once_and_again_only_when_it_changes():
    session = Session()
    first, known = session.changed({})
    assert set(known) == set(first) == set(VIEWS)
    assert session.changed(known) == ({}, known)
    session.handle({"command": "select", "state": 3})
    changed, after = session.changed(known)
    assert set(changed) == {"selected", "trace", "link"}
    assert all(after[name] == known[name] + (name in changed) for name in known)
    assert set(session.changed({})[0]) == set(VIEWS)  # for who comes later
    assert session.changed(known)[0] == changed  # for who comes second


# -- the article -------------------------------------------------------------------------------------------


def test_it_begins_with_the_articles_gpt_untrained_and_a_ball_that_wanders():
    studio = Driven()
    setup = studio.setup
    assert (setup["name"], setup["text"]) == ("article", "111101111011110")
    assert (setup["n_states"], setup["n_arrows"], setup["n_parameters"], setup["n_examples"]) == (8, 16, 12_656, 12)
    assert setup["tokens"] == [1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0]
    assert (setup["symbols"], setup["separator"], setup["map"]) == (["0", "1"], "", None)
    assert base64.b64decode(setup["seen"]) == bytes([0b11101000])  # 011, 101, 110 and 111
    assert setup["n_seen"] == 4
    assert base64.b64decode(setup["ended"]) == bytes(1)  # it ends in 110, which goes on to 101 before
    assert setup["floor"] == pytest.approx(6 / 12 * math.log(2))
    assert setup["uniform"] == math.log(2)
    assert setup["settings"] == asdict(ARTICLE)
    assert [row[0] for row in studio.grid()] == pytest.approx(
        [0.4963350, 0.4515704, 0.4964836, 0.4518111, 0.4961162, 0.4517718, 0.4962803, 0.4520468], abs=1e-6
    )
    assert studio.player == {
        "step": 0, "trained": 0, "total": 50, "training": False, "playing": False, "speed": 12.5, "stopped": "",
            "undo": 0,
    }  # fmt: skip
    assert studio.tape["wandering"]
    assert (studio.selected, studio.rows, studio.notice, studio.link) == (None, None, None, {})
    assert studio.decoding == {"temperature": 1.0, "top_k": None, "top_p": None, "min_p": None}


def test_one_click_trains_the_articles_gpt():
    studio = Driven()
    studio("train")
    assert (studio.player["training"], studio.player["playing"]) == (True, True)
    studio.finish()
    assert studio.curve["steps"] == list(range(51))
    assert studio.curve["losses"][:2] == pytest.approx([0.663539469, 0.639351010], abs=1e-5)
    assert studio.curve["losses"][49] == pytest.approx(0.4699831, abs=1e-5)
    assert studio.curve["recorded"] is None
    studio.wait(10)
    assert studio.player["step"] == 50
    assert [row[1] for row in studio.grid()] == pytest.approx(
        [0.7316, 0.7814, 0.7578, 0.7956, 0.7475, 0.7929, 0.7799, 0.4536], abs=5e-5
    )
    assert studio.numbers["loss"] == pytest.approx(studio.curve["losses"][50])
    assert studio.numbers["gap"] == pytest.approx(studio.numbers["loss"] - studio.setup["floor"])


# -- exactness ---------------------------------------------------------------------------------------------

SETUPS = [
    {},
    {**SMALL, "positions": "all", "bias": True, "seed": 7, "steps": 9, "context_length": 4},
    {**SMALL, "batch_size": 4, "steps": 9, "learning_rate": 0.01, "weight_decay": 0.0},
    {**SMALL, "sequence": TERNARY, "context_length": 2, "steps": 9},
    {**SMALL, "sequence": "the cat the dog a cat a dog the cat", "tokens": "words", "context_length": 2, "steps": 5},
    {**SMALL, "sequence": "0110", "vocabulary": "210", "context_length": 1, "steps": 5},
    {**SMALL, "sequence": TERNARY, "positions": "all", "context_length": 5, "steps": 3},  # 243 states
]


@pytest.mark.parametrize("kinds", SETUPS)
def test_every_frame_is_the_chain_of_its_step_to_the_last_digit(kinds):
    studio, run = Driven(**kinds).trained(), trained(**kinds)
    floor = run.floor
    assert studio.setup["floor"] == floor
    for step in range(run.steps + 1):
        studio("seek", step=step)
        studio.wait(0)  # for what is computed in slices
        chain = run.chain_at(step)
        assert studio.frame["step"] == step
        np.testing.assert_array_equal(studio.grid(), chain.probs)
        np.testing.assert_array_equal(studio.frame["pi"], chain.stationary_distribution())
        assert studio.numbers["entropy_rate"] == pytest.approx(chain.entropy_rate(), rel=1e-12)
        assert (studio.numbers["mixing_time"], studio.numbers["mixing"]) == (chain.mixing_time(), "exact")
        if step < run.steps and "batch_size" not in kinds:
            assert studio.numbers["loss"] == pytest.approx(run.losses[step], abs=2e-6)  # float32 in training
        if kinds.get("positions") != "all":
            assert studio.numbers["loss"] == pytest.approx(chain.loss_decomposition(run.corpus).loss, rel=1e-9)
    assert studio.curve["losses"][: run.steps] == run.losses.tolist()


@pytest.mark.parametrize(
    "decoding",
    [
        {"temperature": 0.5},
        {"top_k": 1},
        {"top_p": 0.6},
        {"min_p": 0.9},
        {"temperature": 0},
        {"temperature": 2, "top_k": 2},
    ],
)
def test_decoding_acts_at_once_and_as_the_library_decodes(decoding):
    studio = Driven(sequence=TERNARY, context_length=2, steps=20, **SMALL).trained()
    studio("select", state=4)
    before = studio.frame, studio.selected
    changed = studio("decode", **decoding)
    assert {"frame", "numbers", "selected", "decoding", "link"} <= set(changed)
    run = trained(sequence=TERNARY, context_length=2, steps=20, **SMALL)
    chain = run.chain.with_decoding(**decoding)
    np.testing.assert_array_equal(studio.grid(), chain.probs)
    assert studio.selected["model"] == chain.probs[4].tolist()
    if len(chain.recurrent_classes()) == 1:
        np.testing.assert_array_equal(studio.frame["pi"], chain.stationary_distribution())
        assert studio.numbers["entropy_rate"] == pytest.approx(chain.entropy_rate(), abs=1e-15)
    loss = chain.loss_decomposition(run.corpus).loss
    assert studio.numbers["loss"] == (None if math.isinf(loss) else pytest.approx(loss))
    studio("decode", temperature=1, top_k=None, top_p=None, min_p=None)
    assert (studio.frame, studio.selected) == before


@pytest.mark.parametrize("kinds", [kinds for kinds in SETUPS if kinds.get("context_length", 3) > 1])
def test_what_follows_a_context_shorter_than_k_is_what_the_gpt_says_after_it(kinds):
    studio, run = Driven(**kinds), trained(**kinds)
    assert studio.short is None
    studio("short", on=True)
    untrained = studio.short["values"]
    studio.trained()
    V, K = len(studio.setup["symbols"]), studio.setup["settings"]["context_length"]
    contexts = [ids for length in range(1, K) for ids in product(range(V), repeat=length)]
    assert studio.short["n"] == len(contexts) == (V**K - V) // (V - 1)
    with torch.no_grad():
        rows = [torch.softmax(run.gpt(torch.tensor([ids])).double(), dim=1)[0].tolist() for ids in contexts]
    np.testing.assert_allclose(np.reshape(studio.short["values"], (-1, V)), rows, atol=1e-6)
    chain = run.chain.with_decoding(top_k=1)
    studio("decode", top_k=1)
    assert studio.short["values"] == np.exp(chain.short_log_probs).ravel().tolist()
    studio("decode", top_k=None)
    studio("turn", position=0)
    np.testing.assert_allclose(studio.short["values"], untrained, atol=1e-6)
    studio("short", on=False)
    assert studio.short is None


def test_contexts_shorter_than_k_travel_where_there_are_some_and_not_too_many():
    studio = Driven(context_length=1, **SMALL)
    assert studio("short", on=True)["short"] == {"n": 0, "values": []}
    assert studio("configure", context_length=8)["short"]["n"] == 254
    assert len(studio.short["values"]) == 2 * 254
    assert studio("configure", context_length=9)["short"] == {"n": 510, "values": None}
    studio("open", link={})
    assert studio.short["n"] == 6


def test_a_long_run_that_depends_on_its_beginning_is_that_of_an_even_one():
    # greedy after training on 0 0 0 … and 1 1 1 …: two states that are never left
    studio = Driven(sequence="0" * 12 + "1" * 12, context_length=1, steps=60, learning_rate=0.01, **SMALL).trained()
    studio("decode", temperature=0)
    assert studio.grid() == [[1, 0], [0, 1]]
    assert studio.frame["pi"] == [0.5, 0.5]
    assert (studio.numbers["mixing"], studio.numbers["mixing_time"]) == ("infinite", None)
    assert studio.numbers["entropy_rate"] == 0
    assert studio.numbers["loss"] is None  # 0 → 1 occurs, and is ruled out


def test_the_data_are_shares_where_there_are_any():
    studio = Driven()
    studio("show", source="data")
    assert studio.grid() == [
        [None, None], [None, None], [None, None], [0, 1], [None, None], [0, 1], [0, 1], [0.5, 0.5],
    ]  # fmt: skip


def test_a_difference_is_the_first_minus_the_second():
    studio = Driven(**SMALL)
    model = studio.grid()
    studio("show", source="difference")
    assert studio.frame["compare"] == ["model", "data"]
    assert studio.grid()[5] == [model[5][0] - 0, model[5][1] - 1]
    assert studio.grid()[0] == [None, None]
    studio("show", source="difference", compare=["data", "model"])
    assert studio.grid()[7] == [0.5 - model[7][0], 0.5 - model[7][1]]


# -- maps --------------------------------------------------------------------------------------------------


def pixel(state, V, K):
    """Return column and row of a state: the newest token picks a strip of columns, the one before a strip of rows."""
    x = y = 0
    width, height = V ** math.ceil(K / 2), V ** (K // 2)
    for place in range(K):
        token = state // V**place % V
        if place % 2 == 0:
            width //= V
            x += token * width
        else:
            height //= V
            y += token * height
    return x, y


@pytest.mark.parametrize(("sequence", "K"), [("0110100110010110", 10), (TERNARY, 6)])
def test_each_pixel_of_a_map_says_its_states_likeliest_token_and_how_likely_it_is(sequence, K):
    studio = Driven(sequence=sequence, context_length=K, steps=2, **SMALL)
    V, N = len(studio.setup["symbols"]), studio.setup["n_states"]
    width, height = studio.setup["map"]
    assert (studio.frame["values"], studio.frame["pi"], width * height) == (None, None, N)
    probs = trained(sequence=sequence, context_length=K, steps=1, **SMALL).chain_at(0).probs
    image = np.frombuffer(base64.b64decode(studio.frame["map"]), np.uint8).reshape(height, width, 2)
    for state in range(N):
        x, y = pixel(state, V, K)
        token, strength = image[y, x].tolist()
        assert token == probs[state].argmax()
        assert strength == round(255 * (probs[state].max() - 1 / V) / (1 - 1 / V))


def test_a_map_of_the_data_says_what_was_never_seen():
    studio = Driven(sequence="0110100110010110", context_length=10, **SMALL)
    studio("show", source="data")
    width, height = studio.setup["map"]
    image = np.frombuffer(base64.b64decode(studio.frame["map"]), np.uint8).reshape(height, width, 2)
    seen = np.unpackbits(np.frombuffer(base64.b64decode(studio.setup["seen"]), np.uint8), bitorder="little")
    assert seen.sum() == studio.setup["n_seen"] == 6
    for state in range(1024):
        x, y = pixel(state, 2, 10)
        assert (image[y, x, 0] == 255) == (seen[state] == 0)


def test_a_map_of_a_difference_says_which_way_and_how_far():
    studio = Driven(sequence="0110100110010110", context_length=9, **SMALL)
    studio("show", source="difference", compare=["data", "model"])
    width, height = studio.setup["map"]
    image = np.frombuffer(base64.b64decode(studio.frame["map"]), np.uint8).reshape(height, width, 2)
    run = trained(sequence="0110100110010110", context_length=9, steps=1, **SMALL)
    probs = run.chain_at(0).probs
    for state, counts in zip(run.corpus.states.tolist(), run.corpus.probs, strict=True):
        x, y = pixel(state, 2, 9)
        apart = counts[1] - probs[state, 1]
        assert image[y, x].tolist() == [int(apart > 0), round(255 * abs(apart))]


# -- the timeline ------------------------------------------------------------------------------------------


def test_a_film_shows_every_step_once_in_about_four_seconds():
    studio = Driven()
    studio("train")
    begin = studio.now
    studio.session.advance(studio.now, 0.0)
    studio.session.advance(studio.now, 10.0)
    studio.look()
    assert studio.frame["step"] == 1  # at once
    assert studio.wait(3.9) == list(range(2, 50))
    assert studio.player["playing"]
    assert studio.wait(0.1) == [50]
    assert (studio.player["playing"], studio.now - begin) == (False, pytest.approx(4))


def test_a_film_waits_for_its_training():
    studio = Driven(steps=12, **SMALL)
    studio("train")
    studio("speed", speed=1000)
    for trained_so_far in range(1, 12):
        studio.now += 1
        studio.session.advance(studio.now, 0.0)  # at least one step, and with no time no more
        studio.look()
        assert studio.player["trained"] == trained_so_far
        assert studio.player["step"] == trained_so_far - 1  # nobody has looked at the newest yet
        assert studio.player["playing"]
    studio.now += 1
    studio.session.advance(studio.now, 0.0)
    studio.look()
    assert (studio.player["step"], studio.player["playing"], studio.player["training"]) == (12, False, False)


def test_waiting_for_the_training_does_not_make_the_film_skip():
    studio = Driven(steps=12, **SMALL)
    studio("train")
    studio("speed", speed=10)
    for _ in range(3):
        studio.now += 100  # steps that take long
        studio.session.advance(studio.now, 0.0)
    studio.finish()
    assert studio.player["step"] == 3  # the one it waited for
    assert studio.wait(10) == list(range(4, 13))


def test_without_a_speed_the_playhead_follows_the_training():
    studio = Driven(steps=5, **SMALL)
    studio("speed", speed=None)
    studio("train")
    steps = []
    while studio.session.training:
        studio.session.advance(studio.now, 0.0)
        studio.look()
        steps.append(studio.player["step"])
    assert steps == [0, 1, 2, 3, 5]
    assert not studio.player["playing"]


def test_pause_holds_the_playhead_and_training_goes_on():
    studio = Driven(steps=30, **SMALL)
    studio("train")
    studio("pause")
    assert studio.session.due(studio.now) == studio.now
    studio.finish()
    assert (studio.player["trained"], studio.player["step"], studio.player["playing"]) == (30, 0, False)


def test_stop_keeps_what_is_trained_and_train_goes_on_from_there():
    studio = Driven(steps=8, **SMALL)
    studio("train")
    for _ in range(3):
        studio.session.advance(studio.now, 0.0)
    studio("stop")
    assert (studio.player["trained"], studio.player["training"], studio.player["total"]) == (3, False, 8)
    studio("seek", step=3)
    np.testing.assert_array_equal(studio.grid(), trained(steps=3, **SMALL).chain.probs)
    studio.trained()
    np.testing.assert_array_equal(studio.grid(), trained(steps=8, **SMALL).chain.probs)


def test_train_at_the_end_of_a_finished_film_plays_it_again():
    studio = Driven(steps=6, **SMALL).trained()
    assert studio.player["step"] == 6
    studio("train")
    assert (studio.player["training"], studio.player["playing"], studio.player["step"]) == (False, True, 0)
    assert studio.wait(10) == [1, 2, 3, 4, 5, 6]


def test_play_goes_on_from_the_playhead_and_at_the_end_from_the_beginning():
    studio = Driven(steps=6, **SMALL).trained()
    studio("seek", step=3)
    studio("play")
    assert studio.wait(10) == [4, 5, 6]
    studio("play")
    assert studio.wait(10) == [1, 2, 3, 4, 5, 6]


def test_time_in_which_nothing_played_does_not_count():
    studio = Driven(steps=6, **SMALL).trained()
    studio("rewind")
    studio.now += 1000
    studio("play")
    assert studio.wait(0.01) == [1]


def test_step_shows_one_step_more_and_trains_it_if_it_must():
    studio = Driven(steps=3, **SMALL)
    for step in (1, 2, 3, 4, 5):
        studio("step")
        assert (studio.player["step"], studio.player["trained"]) == (step, step)
        assert studio.player["total"] == studio.setup["settings"]["steps"] == max(3, step)
    np.testing.assert_array_equal(studio.grid(), trained(steps=5, **SMALL).chain.probs)
    studio("rewind")
    studio("step")
    assert (studio.player["step"], studio.player["trained"]) == (1, 5)


def test_step_during_a_training_does_not_end_it():
    studio = Driven(steps=9, **SMALL)
    studio("train")
    studio.session.advance(studio.now, 0.0)
    for trained_so_far in (1, 2):
        studio("step")
        assert (studio.player["step"], studio.player["trained"]) == (trained_so_far, trained_so_far)
    assert (studio.session.training, studio.player["playing"]) == (True, False)
    studio.finish()
    assert studio.player["trained"] == 9


def test_rewind_shows_the_initial_weights():
    studio = Driven(**SMALL)
    first = studio.grid()
    studio.trained()
    assert studio.grid() != first
    studio("rewind")
    assert (studio.grid(), studio.player["step"], studio.player["trained"]) == (first, 0, 50)


def test_seek_goes_to_the_nearest_step_there_is():
    studio = Driven(steps=4, **SMALL).trained()
    for asked, shown in ((-5, 0), (1, 1), (2.4, 2), (2.6, 3), (4, 4), (10**9, 4)):
        studio("seek", step=asked)
        assert studio.player["step"] == shown


def test_skip_goes_from_one_recorded_step_to_another_and_no_further_than_the_ends():
    studio = Driven(Frames(NO_ROOM), steps=40, **FEW_RECORDED).trained()
    recorded = studio.curve["recorded"]
    studio("rewind")
    shown = []
    for by in [1] * len(recorded) + [-1] * len(recorded):
        studio("skip", by=by)
        shown.append(studio.player["step"])
    assert shown == [*recorded[1:], 40, *recorded[-2::-1], 0]
    for by, step in ((3, recorded[3]), (-2, recorded[1]), (10**9, 40), (-(10**9), 0)):
        studio("skip", by=by)
        assert studio.player["step"] == step
    studio("play")
    studio("skip", by=1)
    assert (studio.player["step"], studio.player["playing"]) == (1, False)


def test_train_more_is_as_if_it_was_never_interrupted():
    studio = Driven(steps=5, **SMALL).trained()
    studio("more", steps=7)
    assert (studio.player["total"], studio.setup["settings"]["steps"]) == (12, 12)
    studio.finish().wait(20)
    run = trained(steps=12, **SMALL)
    assert studio.player["step"] == 12
    for step in range(13):
        studio("seek", step=step)
        np.testing.assert_array_equal(studio.grid(), run.chain_at(step).probs)


def test_train_more_within_the_steps_that_were_planned_keeps_the_plan():
    studio = Driven(steps=40, **SMALL)
    studio("train")
    for _ in range(5):
        studio.session.advance(studio.now, 0.0)
    studio("stop")
    studio("more", steps=3)
    studio.finish().wait(20)
    assert (studio.player["trained"], studio.player["step"]) == (8, 8)
    assert studio.player["total"] == studio.setup["settings"]["steps"] == 40
    assert (studio.link["trained"], studio.link["steps"]) == ("8", "40")
    np.testing.assert_array_equal(studio.grid(), trained(steps=8, **SMALL).chain.probs)
    studio.trained()
    np.testing.assert_array_equal(studio.grid(), trained(steps=40, **SMALL).chain.probs)


def test_more_during_a_training_does_not_cut_it_short():
    studio = Driven(steps=12, **SMALL)
    studio("train")
    studio.session.advance(studio.now, 0.0)
    studio("more", steps=2)
    studio.finish()
    assert (studio.player["trained"], studio.player["total"]) == (12, 12)


def test_more_steps_by_the_settings_keep_what_is_trained_and_another_seed_does_not():
    studio = Driven(steps=5, **SMALL).trained()
    version = studio.setup["version"]
    studio("configure", steps=9)
    assert (studio.player["trained"], studio.player["total"], studio.player["step"]) == (5, 9, 5)
    assert studio.setup["version"] == version
    studio.trained()
    np.testing.assert_array_equal(studio.grid(), trained(steps=9, **SMALL).chain.probs)
    studio("configure", steps=4)
    assert (studio.player["trained"], studio.player["total"], studio.setup["version"]) == (0, 4, version + 1)
    studio.trained()
    studio("configure", seed=1)
    assert (studio.player["trained"], studio.setup["version"]) == (0, version + 2)


def test_settings_that_stay_the_same_change_nothing():
    studio = Driven(steps=5, **SMALL).trained()
    assert studio("configure", sequence=studio.setup["text"], steps=5, seed=1337) == {}


def test_steps_added_while_training_are_trained_too():
    studio = Driven(steps=4, **SMALL)
    studio("train")
    studio.session.advance(studio.now, 0.0)
    studio("configure", steps=7)
    studio.finish()
    assert (studio.player["trained"], studio.player["total"]) == (7, 7)


def test_training_stops_near_enough_to_the_floor_and_goes_on_if_more_is_asked():
    studio = Driven(stop_gap=0.2, **SMALL, learning_rate=0.01)
    studio.trained()
    trained_so_far, losses = studio.player["trained"], studio.curve["losses"]
    assert studio.player["stopped"] == "gap"
    assert 0 < trained_so_far < 50
    floor = studio.setup["floor"]
    assert losses[trained_so_far - 1] - floor <= 0.2 < losses[trained_so_far - 2] - floor
    studio("train")
    assert not studio.session.training  # there is nothing left to do
    studio("more", steps=5)
    studio.finish()
    assert (studio.player["trained"], studio.player["stopped"]) == (trained_so_far + 5, "gap")
    studio("configure", stop_gap=None, steps=60)
    assert studio.player["stopped"] == ""
    studio.trained()
    assert studio.player["trained"] == 60


def test_more_up_to_the_steps_that_were_planned_goes_on_past_the_gap():
    studio = Driven(stop_gap=0.2, learning_rate=0.01, **SMALL).trained()
    left = 50 - studio.player["trained"]
    assert left > 1
    studio("more", steps=left)
    studio.finish()
    assert studio.player["trained"] == 50


def test_a_gap_asked_for_while_a_link_trains_is_heeded():
    studio = Driven()
    studio("open", link={"trained": "50", "learning_rate": "0.01", "n_layer": "1"})
    studio("configure", stop_gap=0.3)
    studio.finish()
    assert (studio.player["stopped"], studio.player["trained"] < 50) == ("gap", True)


def test_the_curve_ends_with_the_loss_that_training_left_unless_losses_are_of_batches():
    studio = Driven(steps=4, **SMALL)
    studio("step")
    assert studio.curve["losses"][1] == studio.numbers["loss"]
    studio("configure", batch_size=3)
    studio.trained()
    assert studio.curve["steps"] == [0, 1, 2, 3]


@pytest.mark.parametrize("rate", [1e2, 1e20])
def test_a_training_that_diverges_says_so_and_keeps_what_was_good(rate):
    studio = Driven(learning_rate=rate, steps=60, **SMALL)
    studio("train")
    studio("speed", speed=1000)
    while studio.session.training:
        studio.now += 1
        studio.session.advance(studio.now, 0.0)
        studio.look()
    assert studio.player["stopped"] == "diverged"
    assert (studio.notice["code"], studio.notice["field"]) == ("diverged", "learning_rate")
    assert f"learning_rate={rate:g}" in studio.notice["text"]
    done = studio.player["trained"]
    assert studio.notice["values"] == {"step": done, "learning_rate": f"{rate:g}"}
    for command in ("play", "step", "train"):
        studio(command)
        studio.finish()
        assert studio.player["trained"] == done
    studio("seek", step=done)
    expected = trained(steps=max(done, 1), **SMALL, learning_rate=rate).chain.probs if done else None
    if expected is not None:
        np.testing.assert_array_equal(studio.grid(), expected)


def test_where_not_every_step_is_recorded_the_timeline_says_which_are():
    studio = Driven(Frames(NO_ROOM), steps=40, **FEW_RECORDED).trained()
    recorded = studio.curve["recorded"]
    assert recorded[:4] == [0, 1, 2, 3]
    assert recorded[-1] == 40
    assert len(recorded) < 41
    missing = next(step for step in range(41) if step not in recorded)
    studio("seek", step=missing)
    assert studio.player["step"] in recorded
    studio("rewind")
    studio("play")
    assert studio.wait(60) == recorded[1:]


def test_the_chains_between_are_read_when_there_is_nothing_else_to_do():
    studio = Driven(steps=40, **FEW_RECORDED)
    studio("train")
    while studio.player["training"]:
        studio.session.advance(studio.now, 0.0)
        studio.look()
    few = studio.curve["recorded"]
    assert 20 < len(few) < 41
    # while the film plays, nothing is read
    studio.session.advance(studio.now, 10.0)
    studio.look()
    assert studio.player["playing"]
    assert studio.curve["recorded"] == few
    studio("pause")
    studio.session.advance(studio.now, 0.0)  # a little at a time, what parts the others most first
    studio.finish()
    assert studio.curve["recorded"] is None
    for step in set(range(41)) - set(few):
        studio("seek", step=step)
        assert studio.player["step"] == step
        np.testing.assert_array_equal(
            studio.session._stage.shown.chain.probs, trained(steps=step, **FEW_RECORDED).chain.probs
        )
    studio("rewind")
    studio("play")
    assert studio.wait(60) == list(range(1, 41))


def test_a_step_shown_by_itself_stays_when_training_goes_on_past_it():
    studio = Driven(Frames(NO_ROOM), steps=40, **FEW_RECORDED).trained()
    studio("step")
    assert studio.player["step"] == 41
    before = studio.frame["map"]
    studio("configure", steps=60)
    studio("train")
    studio("pause")
    studio.finish()
    assert (studio.player["trained"], studio.player["step"]) == (60, 41)
    assert 41 in studio.curve["recorded"]
    for command, parts in (("decode", {"temperature": 0}), ("select", {"state": 7}), ("pin", {"slot": "A"})):
        studio(command, **parts)
    assert studio.frame["map"] != before
    assert studio.selected["attention"]["step"] == 41
    studio("tensor", name="wte.weight")
    studio("nudge", place=0, by=1)
    studio("release")
    studio("decode", temperature=1)
    assert (studio.frame["map"], studio.frame["step"]) == (before, 41)
    chain = trained(steps=41, **FEW_RECORDED).chain
    np.testing.assert_array_equal(studio.session._stage.shown.chain.probs, chain.probs)
    studio("seek", step=41.2)
    assert studio.player["step"] == 41
    studio("more", steps=9)
    studio("rewind")
    studio.finish()
    studio("seek", step=41)
    assert studio.player["step"] == 40  # nobody looked at it any more
    assert opened(studio.link | {"step": "41"}).player["step"] == 41


def test_a_step_that_is_shown_stays_when_a_longer_plan_would_drop_it():
    studio = Driven(Frames(12_000), steps=40, **SMALL).trained()
    assert studio.curve["recorded"] is None
    studio("seek", step=33)
    before = studio.grid()
    studio("configure", steps=300)
    assert studio.player["step"] == 33
    studio("decode", temperature=0.5)
    studio("decode", temperature=1)
    np.testing.assert_allclose(studio.grid(), before, atol=1e-7)  # a longer plan may round
    studio("skip", by=-1)
    assert studio.player["step"] == 32
    studio.trained()
    studio("seek", step=33)
    assert studio.player["step"] != 33


@pytest.mark.slow
@settings(max_examples=40)
@given(
    frames=st.sampled_from([2_000, 12_000, 60_000, 200_000]),
    commands=st.lists(
        st.sampled_from(["train", "more", "longer", "pause", "stop", "step", "nudge", "release", "few", "all"])
        | st.sampled_from([0, 19, 99]),
        max_size=20,
    ),
)
@example(
    frames=12_000, commands=["train", "all", 99, "longer", "train", "pause", "all", "step", "more", "nudge", "all"]
)
@example(frames=2_000, commands=["train", "all", 99, "step", "more", "pause", "all", "nudge", "longer", "all"])
def test_what_is_shown_can_be_shown_again_whatever_is_recorded(frames, commands):
    studio = Driven(Frames(frames), steps=30, **SMALL)
    studio("tensor", name="wte.weight")
    studio("select", state=1)
    for command in commands:
        if command == "few":
            for _ in range(5):
                studio.now += 0.1
                studio.session.advance(studio.now, 0.0)
        elif command == "all":
            studio.finish()
        elif command == "longer":
            studio("configure", steps=studio.setup["settings"]["steps"] + 40)
        elif isinstance(command, int):
            studio("seek", step=command)
        else:
            studio(command, **{"more": {"steps": 7}, "nudge": {"place": 1, "by": 0.5}}.get(command, {}))
        before = studio.grid()
        for temperature in (0.5, 1):  # makes each chain anew
            studio("decode", temperature=temperature)
        np.testing.assert_allclose(studio.grid(), before, atol=1e-6)
        assert studio.notice is None or studio.notice["code"] == "command"
    studio.finish()
    assert shown_by(opened(studio.link))["player"]["trained"] == studio.player["trained"]


# -- what is learnt ----------------------------------------------------------------------------------------


def test_another_setup_is_untrained_and_keeps_a_context_that_still_exists():
    studio = Driven(**SMALL).trained()
    studio("select", state=0b101)
    studio("decode", temperature=0.5)
    studio("configure", sequence="10210110")
    assert (studio.player["step"], studio.player["trained"], studio.setup["name"]) == (0, 0, "")
    assert studio.selected["tokens"] == [1, 0, 1]
    assert studio.selected["state"] == 9 + 1
    assert studio.decoding["temperature"] == 0.5
    studio("configure", context_length=2)
    assert studio.selected is None


def test_a_preset_is_its_text_its_settings_and_else_the_articles():
    studio = Driven(seed=5, n_embd=8)
    studio("preset", name="period5")
    assert (studio.setup["name"], studio.setup["text"]) == ("period5", PRESETS["period5"].sequence)
    assert studio.setup["settings"] == {**asdict(ARTICLE), **PRESETS["period5"].settings}
    assert studio.setup["presets"] == list(PRESETS)


def test_a_text_of_ones_own_does_not_go_by_the_name_of_a_preset():
    studio = Driven(**SMALL)
    studio("configure", sequence="0110100", name="coin")
    assert studio.setup["name"] == ""
    studio("configure", sequence=PRESETS["coin"].sequence, name="coin")
    assert studio.setup["name"] == "coin"


def test_a_long_text_is_not_edited_and_its_beginning_is_shown():
    studio = Driven(sequence="01101" * 1000, **SMALL)
    assert studio.setup["text"] is None
    assert studio.setup["tokens"] == [0, 1, 1, 0, 1] * 80
    assert studio.setup["n_tokens"] == 5000


def test_a_file_is_read_as_the_command_line_reads_it(tmp_path):
    (tmp_path / "poem.txt").write_bytes("\ufeffa b\r\nb a\r\n".encode())
    studio = Driven(**SMALL)
    studio("configure", sequence="\ufeffa b\r\nb a\r\n", name="poem.txt")
    assert (studio.setup["name"], studio.setup["text"]) == ("poem.txt", "a b\nb a")
    corpus = bg.Corpus.from_file(tmp_path / "poem.txt", 3)
    assert studio.setup["symbols"] == list(corpus.vocabulary.symbols)
    assert studio.setup["labels"] == ["⏎", "␣", "a", "b"]
    assert studio.setup["n_examples"] == corpus.n_examples


JOURNEYS = "start look buy\nstart ask look\nask buy"


def test_lines_of_words_are_sequences_as_on_the_command_line_and_that_is_told():
    studio = Driven(sequence=JOURNEYS, context_length=1, **SMALL)
    assert not studio.setup["lines"]
    studio("configure", tokens="words")
    assert (studio.notice["code"], studio.notice["values"]) == ("lines", {"n": 3})
    setup = studio.setup
    assert setup["lines"]
    assert setup["symbols"] == ["ask", "buy", "look", "start"]
    assert setup["tokens"] == [3, 2, 1, -1, 3, 0, 2, -1, 0, 1]
    assert setup["n_examples"] == 5
    studio("show", source="data")
    assert np.isnan(np.array(studio.grid()[1], dtype=float)).all()  # nothing follows buy
    studio("configure", steps=7)
    assert studio.notice is None
    studio("configure", lines=False)
    assert not studio.setup["lines"]
    assert studio.setup["n_examples"] == 7


def test_lines_of_characters_are_sequences_when_asked_for():
    studio = Driven(sequence="0110\n1011", lines=True, **SMALL)
    assert studio.setup["symbols"] == ["0", "1"]
    assert studio.setup["n_examples"] == 2
    assert studio.setup["settings"]["lines"] is True


def test_names_have_blanks_where_a_separator_parts_them():
    studio = Driven(sequence="heavy rain, sun, heavy rain", separator=",", context_length=1, **SMALL)
    assert studio.setup["symbols"] == ["heavy rain", "sun"]
    assert studio.setup["settings"]["tokens"] == "words"
    assert studio.setup["separator"] == ","


def test_the_effect_of_a_token_of_a_line_is_what_attribution_finds():
    settings = {"steps": 4, "context_length": 1, **SMALL}
    studio = Driven(sequence="a b b a\nb a", lines=True, **settings).trained()
    found = bg.attribute(Reading.of(lambda: ["a b b a\nb a"], lines=True), **settings)
    studio("attribute", position=9)
    studio.finish()
    expected = found.by_position[np.unique(found.positions).tolist().index(9)]
    np.testing.assert_allclose(studio.grid(), expected, atol=1e-6)
    studio("attribute", position=7)  # the border
    assert studio.frame["token"] is None


@pytest.mark.parametrize("settings", [{"separator": ",", "lines": True}, {"lines": True}, {"lines": False}])
def test_how_a_text_is_read_travels_in_the_link(settings):
    studio = Driven(sequence="a,b\nb,b,a", tokens="words", context_length=1, **settings, **SMALL)
    other = Driven()
    other("open", link=studio.link)
    assert other.notice is None
    assert {**other.setup, "version": 0} == {**studio.setup, "version": 0}


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"separator": ""}, "separator"),
        ({"separator": 7}, "separator"),
        ({"lines": 1}, "lines"),
        ({"lines": "x"}, "lines"),
    ],
)
def test_how_a_text_cannot_be_read_is_told(settings, field):
    studio = Driven(**SMALL)
    studio("configure", **settings)
    assert (studio.notice["code"], studio.notice["field"]) == ("setting", field)


def handed_over(studio, content, name="poem.txt"):
    studio("file", name=name, data=base64.b64encode(content).decode())
    return studio.setup


@pytest.mark.parametrize(
    ("content", "guessed"),
    [
        ("月下月\r\n下山下月\r\n".encode(), None),
        ("月下月\n下山下月\n".encode("utf-16"), None),
        (gzip.compress("\ufeff月下月\n下山下月".encode(), mtime=0), None),
        ("月下月\n下山下月\n".encode("gb18030"), "gb18030"),
    ],
)
def test_the_bytes_of_a_file_are_read_in_whatever_encoding_they_are(content, guessed):
    studio = Driven(**SMALL)
    setup = handed_over(studio, content, "C:\\poems\\poem.txt")
    assert (setup["name"], setup["text"]) == ("poem.txt", "月下月\n下山下月")
    if guessed is None:
        assert studio.notice is None
    else:
        assert studio.notice["code"] == "guessed"
        assert studio.notice["values"] == {"name": "poem.txt", "encoding": guessed}


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "not_text", "poem.txt is a binary file, a PNG picture"),
        (b"\xff\xfe\x80", "not_text", "poem.txt is not UTF-16-LE text"),
        (bytes(range(1, 256)), "not_text", "poem.txt is not UTF-8 text"),
        (gzip.compress(b"01" * 2_000_000, mtime=0), "too_large", "poem.txt is too large for the studio"),
        (b"", "empty", "The sequence is empty"),
    ],
)
def test_a_file_that_cannot_be_learnt_changes_nothing_but_the_notice(content, code, said):
    studio = Driven(sequence="0110100", **SMALL)
    assert handed_over(studio, content)["text"] == "0110100"
    assert studio.notice["code"] == code
    assert studio.notice["text"].startswith(said)


def test_who_knows_the_encoding_of_a_file_says_it():
    studio = Driven(context_length=1, **SMALL)
    data = base64.b64encode("żółw żółw".encode("cp1250")).decode()
    studio("file", name="turtle.txt", data=data, encoding="cp1252")
    assert studio.setup["text"] != "żółw żółw"
    studio("file", name="turtle.txt", data=data, encoding="cp1250")
    assert studio.setup["text"] == "żółw żółw"
    assert studio.notice["values"] == {"name": "turtle.txt", "encoding": "cp1250"}
    for encoding, code in (("utf-32-le", "not_in"), ("hex", "command"), ("no such", "command")):
        studio("file", name="turtle.txt", data=data, encoding=encoding)
        assert (studio.notice["code"], studio.setup["text"]) == (code, "żółw żółw")


def test_the_settings_suit_a_file_if_asked():
    studio = Driven(**SMALL)
    book = "the quick brown fox jumps over the lazy dog " * 30
    studio("file", name="fox.txt", data=base64.b64encode(book.encode()).decode())
    assert studio.setup["settings"]["context_length"] == 3
    studio("file", name="fox.txt", data=base64.b64encode(book.encode()).decode(), suits=True)
    settings = studio.setup["settings"]
    assert (settings["context_length"], settings["stop_gap"], settings["n_layer"]) == (2, 0.05, SMALL["n_layer"])
    assert studio.setup["name"] == "fox.txt"


def test_line_breaks_and_a_header_are_left_out():
    studio = Driven(**SMALL)
    genome = ">chr1 human\nACGTACGTTA\nCCGTACGTTC"
    studio("file", name="genome.fa", data=base64.b64encode(genome.encode()).decode(), suits=True)
    assert (studio.setup["header"], studio.setup["breaks"]) == (">chr1 human", 2)
    studio("tidy", part="header")
    assert (studio.setup["header"], studio.setup["breaks"], studio.setup["name"]) == (None, 1, "")
    studio("tidy", part="breaks")
    assert (studio.setup["text"], studio.setup["breaks"]) == ("ACGTACGTTACCGTACGTTC", 0)
    suiting = studio.setup["settings"]
    studio("fit", text=studio.setup["text"])
    assert studio.setup["settings"] == suiting  # they suited it before, so they do after
    studio("undo")
    studio("configure", seed=5)
    studio("undo")
    studio("undo")
    assert studio.setup["breaks"] == 1


def test_where_no_line_break_is_a_token_none_is_told():
    studio = Driven(sequence="0110\n1001", lines=True, **SMALL)
    assert (studio.setup["header"], studio.setup["breaks"]) == (None, 0)
    studio("configure", sequence="go stop\nstop go", tokens="words", context_length=1)
    assert studio.setup["breaks"] == 0


def test_a_file_that_did_not_arrive_whole_is_told():
    studio = Driven(**SMALL)
    studio("file", name="poem.txt", data="MDEx!")
    assert studio.notice["code"] == "command"


UP_TO_63_BITS = {"least": 1, "most": f"{2**63 - 1:,}"}
MISTAKES = [
    ({"sequence": ""}, "empty", "sequence", {}),
    ({"sequence": "010"}, "short", "sequence", {"tokens": 3, "context_length": 3, "needs": 4}),
    ({"sequence": "0000000"}, "single", "sequence", {"symbol": "0"}),
    ({"sequence": "0120120", "vocabulary": "01"}, "unknown", "sequence", {"symbols": "2"}),
    ({"vocabulary": "0"}, "vocabulary", "vocabulary", {}),
    ({"vocabulary": 7}, "vocabulary", "vocabulary", {}),
    ({"n_embd": 6}, "width", "n_embd", {"n_embd": 6, "n_head": 4, "fits": 8}),
    ({"n_embd": "six"}, "setting", "n_embd", {"value": "'six'", **UP_TO_63_BITS}),
    ({"steps": 0}, "setting", "steps", {"value": "0", "least": 1, "most": 1_000_000}),
    ({"steps": None}, "setting", "steps", {"value": "None", "least": 1, "most": 1_000_000}),
    ({"steps": True}, "setting", "steps", {"value": "True", "least": 1, "most": 1_000_000}),
    ({"steps": 2_000_000}, "steps", "steps", {"steps": 2_000_000, "limit": 1_000_000}),
    ({"context_length": 2.5}, "setting", "context_length", {"value": "2.5"}),
    ({"context_length": 0}, "setting", "context_length", {"value": "0"}),
    ({"learning_rate": -1}, "setting", "learning_rate", {"value": "-1"}),
    ({"stop_gap": -0.1}, "setting", "stop_gap", {"value": "-0.1"}),
    ({"bias": 1}, "setting", "bias", {"value": "1"}),
    ({"positions": "first"}, "setting", "positions", {"value": "'first'"}),
    ({"tokens": "bytes"}, "setting", "tokens", {"value": "'bytes'"}),
    ({"seed": -3}, "setting", "seed", {"value": "-3", **UP_TO_63_BITS, "least": 0}),
    ({"seed": 2**63}, "setting", "seed", {"value": str(2**63), **UP_TO_63_BITS, "least": 0}),
    ({"batch_size": 2**21}, "most", "batch_size", {"value": 2**21, "limit": 2**20}),
    ({"n_layer": 10**9}, "most", "n_layer", {"value": 10**9, "limit": 100}),
    (
        {"context_length": 21}, "states", "context_length",
        {"context_length": 21, "symbols": 2, "states": "2,097,152", "limit": 2**20, "fits": 20},
    ),
    (
        {"context_length": 10**29}, "states", "context_length",
        {"context_length": 10**29, "symbols": 2, "states": f"2^{10**29:,}", "limit": 2**20, "fits": 20},
    ),
    ({"sequence": "01" * 1_000_001}, "text", "sequence", {"length": 2_000_002, "limit": 2_000_000}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "field", "values"), MISTAKES)
def test_a_mistake_changes_nothing_and_is_told(change, code, field, values):
    studio = Driven()
    assert set(studio("configure", **change)) == {"notice"}
    notice = studio.notice
    assert (notice["code"], notice["field"], notice["values"]) == (code, field, values)
    assert notice["text"].endswith(".")
    studio("dismiss")
    assert studio.notice is None


def test_a_mistake_is_told_in_the_librarys_own_words():
    studio = Driven()
    studio("configure", n_embd=6)
    with pytest.raises(bg.SettingError) as error:
        bg.GPTConfig(n_embd=6)
    assert studio.notice["text"] == str(error.value)
    studio("configure", sequence="010")
    assert studio.notice["id"] == 2
    with pytest.raises(bg.SequenceError) as error:
        bg.train("010")
    assert studio.notice["text"] == str(error.value)


def test_a_gpt_too_large_for_its_share_of_memory_is_refused():
    studio = Driven(Limits(memory=2**22))
    assert set(studio("configure", n_embd=512)) == {"notice"}
    assert (studio.notice["code"], studio.notice["field"]) == ("memory", "n_embd")
    assert studio.notice["values"]["limit"] == "4.0 MiB"


@pytest.mark.slow
def test_what_is_recorded_keeps_to_its_share_of_memory():
    limits = Limits(memory=2**21)
    studio = Driven(limits, steps=2000, **SMALL)
    studio.trained()
    playback = studio.session._stage.playback
    chains = sum(playback.training.chain_at(step).log_probs.nbytes // 2 for step in playback.training.recorded[:-1])
    assert chains <= limits.frames // 2
    weights = sum(weights.nbytes for weights in playback._weights.values())
    assert limits.frames // 8 < weights <= limits.frames // 2


@pytest.mark.parametrize("frames", [NO_ROOM, 9_000_000, 16_000_000, 2**28])
def test_the_chains_between_take_what_the_recorded_ones_leave(frames):
    studio = Driven(Frames(frames), steps=40, **FEW_RECORDED).trained()
    playback = studio.session._stage.playback
    recorded = sum(playback.training.chain_at(step).log_probs.nbytes * 2 for step in playback.training.recorded[:-1])
    filled = sum(table.nbytes for table in playback._filled.values())
    assert (filled == 0) == (frames == NO_ROOM)
    assert recorded + filled <= frames // 2
    studio("more", steps=300)
    studio.finish()
    assert sum(table.nbytes for table in playback._filled.values()) <= frames // 2


def tables_in(thing, least, seen):
    """Return the bytes of all arrays of at least so many that a thing holds, but for what was recorded."""
    if id(thing) in seen or isinstance(thing, Recorder):
        return 0
    seen[id(thing)] = thing
    if isinstance(thing, np.ndarray):
        if thing.base is not None:
            return tables_in(thing.base, least, seen)
        return thing.nbytes if thing.nbytes >= least else 0
    parts = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, (list, tuple)) else ()
    parts = [*parts, *getattr(thing, "__dict__", {}).values()]
    return sum(tables_in(part, least, seen) for part in parts)


def test_no_more_whole_tables_are_kept_than_the_memory_is_asked_for(monkeypatch):
    monkeypatch.setattr(playback, "CHAINS_AT_HAND", 0)  # as if they were large
    studio = Driven(**{**FEW_RECORDED, "context_length": 13, "steps": 6}).trained()
    studio("select", state=3)
    studio("show", source="difference")
    for step, slot in ((1, "A"), (2, "B")):
        studio("seek", step=step)
        studio("decode", temperature=1 + step)
        studio.wait(1)
        studio("pin", slot=slot)
    for step in (3, 4, 5):
        studio("seek", step=step)
        studio.wait(1)
    studio("decode", temperature=0.5)
    studio.wait(1)
    table = 8 * 2 * (2**13 + 2**13 - 2)
    kept = tables_in(studio.session, 2**16, {})
    assert 0.8 * TABLES < kept / table <= TABLES


def test_good_settings_clear_an_older_notice():
    studio = Driven(**SMALL)
    studio("configure", steps=0)
    studio("select", state=1)
    assert studio.notice is not None
    studio("configure", steps=7)
    assert studio.notice is None


# -- one state ---------------------------------------------------------------------------------------------


def test_a_state_is_shown_with_data_neighbours_attention_and_layers():
    studio = Driven().trained()
    studio("select", state=0b101)
    selected, probs = studio.selected, trained().chain.probs
    assert (selected["state"], selected["tokens"]) == (5, [1, 0, 1])
    assert (selected["model"], selected["data"], selected["n"]) == (probs[5].tolist(), [0, 2], 2)
    assert selected["successors"] == [0b010, 0b011]
    assert selected["predecessors"] == [
        {"state": 0b010, "token": 1, "p": probs[0b010, 1]}, {"state": 0b110, "token": 1, "p": probs[0b110, 1]},
    ]  # fmt: skip
    assert selected["pi"] == studio.frame["pi"][5]
    attention = np.array(selected["attention"]["weights"])
    assert (selected["attention"]["step"], attention.shape) == (50, (4, 4, 3, 3))
    assert np.allclose(attention.sum(axis=-1), 1, atol=2e-4)
    assert np.allclose(selected["layers"][-1], probs[5], atol=1e-6)
    assert len(selected["layers"]) == 5
    studio("select", state=None)
    assert studio.selected is None


def test_attention_and_layers_follow_the_playhead():
    studio = Driven(steps=4, **SMALL).trained()
    studio("select", state=2)
    last = studio.selected
    studio("rewind")
    assert studio.selected["attention"]["step"] == 0
    assert studio.selected["layers"] != last["layers"]
    assert np.allclose(studio.selected["layers"][-1], studio.grid()[2], atol=1e-6)


def test_attention_and_layers_are_those_of_the_step_they_name():
    studio = Driven(Limits(memory=2**20), steps=300, **SMALL).trained()
    studio("select", state=2)
    studio("seek", step=299)
    step, layers = studio.selected["attention"]["step"], studio.selected["layers"]
    assert step < studio.frame["step"] == 299
    studio("seek", step=step)
    assert studio.selected["attention"]["step"] == studio.frame["step"] == step
    assert studio.selected["layers"] == layers
    studio("seek", step=299)
    studio("turn", position=0.5)  # its weights are known, whatever step is shown
    assert studio.selected["attention"]["step"] == studio.frame["step"] == 299
    np.testing.assert_allclose(studio.selected["layers"][-1], studio.grid()[2], atol=1e-6)


def test_there_is_no_looking_inside_what_passes_by():
    studio = Driven(steps=9, **SMALL).trained()
    studio("select", state=2)
    studio("play")
    assert (studio.selected["attention"], studio.selected["layers"]) == (None, None)
    studio("pause")
    assert (studio.selected["attention"]["step"], len(studio.selected["layers"])) == (0, 2)


def test_a_table_has_the_rows_that_are_asked_for():
    studio = Driven(sequence="0110100110010110", context_length=9, **SMALL)
    assert studio.rows is None
    studio("rows", first=500)
    run = trained(sequence="0110100110010110", context_length=9, steps=1, **SMALL)
    assert studio.rows["first"] == 500
    np.testing.assert_array_equal(studio.rows["values"], run.chain_at(0).probs[500:])
    studio("show", source="data")
    studio("rows", first=100)
    assert len(studio.rows["values"]) == len(studio.rows["counts"]) == 200
    for i, (values, counts) in enumerate(zip(studio.rows["values"], studio.rows["counts"], strict=True)):
        place = np.flatnonzero(run.corpus.states == 100 + i)
        assert counts == (run.corpus.counts[place[0]].tolist() if len(place) else [0, 0])
        assert values == ([c / sum(counts) for c in counts] if len(place) else [None, None])
    studio("rows", first=10**6)
    assert studio.rows["first"] == 511
    studio("rows", first=None)
    assert studio.rows is None


# -- the ball ----------------------------------------------------------------------------------------------


def test_the_ball_wanders_a_token_every_now_and_then_along_arrows():
    studio = Driven()
    probs = studio.grid()
    tapes = [studio.tape]
    for _ in range(40):
        studio.wait(0.8)
        tapes.append(studio.tape)
    assert [tape["fresh"] for tape in tapes] == list(range(41))
    assert tapes[0]["tokens"] == [1, 1, 1]  # what the data says most often
    assert (tapes[0]["from"], tapes[0]["token"], tapes[0]["p"]) == (None, None, None)
    for before, after in pairwise(tapes):
        assert after["from"] == before["state"]
        assert after["state"] == before["state"] % 4 * 2 + after["token"]
        assert after["p"] == probs[before["state"]][after["token"]]
        assert after["tokens"] == [*before["tokens"], after["token"]]
    assert {tape["token"] for tape in tapes[1:]} == {0, 1}


def test_the_same_seed_wanders_the_same_way_and_the_tape_is_not_endless():
    one, two, other = Driven(None, 1), Driven(None, 1), Driven(None, 2)
    for studio in (one, two, other):
        studio.wait(80)
    assert one.tape == two.tape != other.tape
    assert len(one.tape["tokens"]) == 64
    assert one.tape["fresh"] > 90


def test_the_ball_draws_from_the_arrows_that_are_shown():
    studio = Driven(**SMALL)
    studio.wait(8)
    studio("decode", temperature=0)
    greedy = np.argmax(studio.grid(), axis=1)
    for _ in range(20):
        studio.wait(0.8)
        assert studio.tape["token"] == greedy[studio.tape["from"]]


def test_the_ball_draws_as_often_as_the_arrows_say():
    studio = Driven(**SMALL)
    drawn = np.zeros((8, 2))
    for _ in range(1500):
        studio.wait(0.8)
        if studio.tape["from"] is not None:
            drawn[studio.tape["from"], studio.tape["token"]] += 1
    n = drawn.sum(axis=1)
    assert n.min() > 100
    assert (np.abs(drawn[:, 1] / n - np.array(studio.grid())[:, 1]) < 4 * 0.5 / np.sqrt(n)).all()


def test_a_person_walks_any_arrow_and_the_ball_waits_until_it_may_wander():
    studio = Driven(**SMALL)
    studio("decode", temperature=0)
    state, unlikely = studio.tape["state"], studio.grid()[studio.tape["state"]].index(0)
    studio("walk", token=unlikely)
    assert (studio.tape["p"], studio.tape["from"], studio.tape["wandering"]) == (0, state, False)
    assert studio.tape["state"] == state % 4 * 2 + unlikely
    assert studio.session.due(studio.now) is None
    studio("place", state=0b010)
    assert (studio.tape["state"], studio.tape["tokens"], studio.tape["fresh"]) == (2, [0, 1, 0], 0)
    assert studio.tape["from"] is None
    studio("wander", on=True)
    studio.wait(0.8)
    assert studio.tape["fresh"] == 1


# -- pins --------------------------------------------------------------------------------------------------


def test_a_pinned_chain_is_compared_with_another_seeds():
    studio = Driven(steps=3, **SMALL).trained()
    assert set(studio("show", source="difference", compare=["model", "A"])) == {"notice"}
    assert (studio.notice["code"], studio.notice["values"]) == ("pin", {"slot": "A"})
    studio("pin", slot="A")
    first = studio.grid()
    studio("configure", seed=1)
    studio.trained()
    studio("pin", slot="B")
    second = studio.grid()
    assert studio.pins == {
        "A": {"step": 3, "seed": 1337, "context_length": 3, "fits": True, "ready": True},
        "B": {"step": 3, "seed": 1, "context_length": 3, "fits": True, "ready": True},
    }
    studio("show", source="difference", compare=["A", "B"])
    np.testing.assert_array_equal(studio.grid(), np.array(first) - np.array(second))
    studio("rewind")
    np.testing.assert_array_equal(studio.grid(), np.array(first) - np.array(second))
    studio("unpin", slot="B")
    assert (studio.frame["source"], studio.frame["compare"], studio.pins["B"]) == ("model", ["model", "data"], None)


def test_a_pin_keeps_its_decoding():
    studio = Driven(**SMALL)
    studio("decode", temperature=0)
    greedy = studio.grid()
    studio("pin", slot="A")
    studio("decode", temperature=1)
    studio("show", source="difference", compare=["A", "data"])
    assert studio.grid()[5] == [greedy[5][0], greedy[5][1] - 1]


def test_chains_of_different_kinds_are_not_compared():
    studio = Driven(**SMALL)
    studio("pin", slot="A")
    studio("show", source="difference", compare=["A", "model"])
    studio("configure", context_length=2)
    assert (studio.frame["source"], studio.pins["A"]["fits"]) == ("model", False)
    assert set(studio("show", source="difference", compare=["A", "model"])) == {"notice"}
    assert (studio.notice["code"], studio.notice["values"]) == ("unlike", {"slot": "A"})
    studio("configure", context_length=3)
    assert studio.pins["A"]["fits"]


# -- knobs -------------------------------------------------------------------------------------------------


def seen_of(studio):
    return json.dumps([studio.views[name] for name in ("frame", "numbers", "selected")])


def test_the_line_from_the_initial_weights_leads_to_the_trained_ones():
    studio = Driven().trained()
    last = studio.grid()
    studio("rewind")
    first = studio.grid()
    studio("turn", position=1)
    assert (studio.grid(), studio.frame["turned"], studio.player["step"]) == (last, True, 0)
    studio("turn", position=0)
    np.testing.assert_allclose(studio.grid(), first, rtol=1e-6)
    between = []
    for position in (0.4, 0.5, 0.6):
        studio("turn", position=position)
        between.append(np.array(studio.grid()))
    assert np.abs(between[1] - between[0]).max() < 0.1  # smoothly
    assert studio.frame["step"] == 0
    studio("turn", position=7)
    assert studio.knobs["position"] == studio.knobs["reach"][1] == 1.5
    studio("turn", position=-7)
    assert studio.knobs["position"] == studio.knobs["reach"][0] == -0.5


def test_half_way_is_the_gpt_whose_weights_are_half_of_each():
    import torch

    studio = Driven().trained()
    studio("turn", position=0.5)
    run, gpt = trained(), trained(steps=1).gpt
    torch.manual_seed(1337)
    first = bg.GPT(run.config)
    with torch.no_grad():
        for half, a, b in zip(gpt.parameters(), first.parameters(), run.gpt.parameters(), strict=True):
            half.copy_((a + b) / 2)
    np.testing.assert_allclose(studio.grid(), bg.MarkovChain.from_model(gpt).probs, atol=1e-6)


def test_before_any_training_there_is_no_line_to_go_along():
    studio = Driven(**SMALL)
    assert not studio.knobs["ready"]
    assert set(studio("turn", position=0.5)) == {"notice"}
    assert studio.notice["code"] == "untrained"
    studio("step")
    assert studio.knobs["ready"]


def test_a_single_number_moves_the_arrows_and_let_go_all_is_as_it_was():
    studio = Driven(**SMALL).trained()
    studio("seek", step=20)
    studio("select", state=5)
    before = seen_of(studio)
    shapes = {tensor["name"]: tensor["shape"] for tensor in studio.knobs["tensors"]}
    assert shapes == {name: list(w.shape) for name, w in trained(steps=1, **SMALL).gpt.named_parameters()}
    studio("tensor", name="h.0.attn.c_attn.weight")
    values = np.frombuffer(base64.b64decode(studio.knobs["values"]), "<f4").copy()
    np.testing.assert_array_equal(values, trained(steps=20, **SMALL).weights["h.0.attn.c_attn.weight"].ravel())
    studio("nudge", place=9, by=2.5)
    assert (studio.knobs["place"], studio.knobs["by"]) == (9, 2.5)
    assert studio.knobs["value"] == values[9]
    assert studio.frame["turned"]
    assert seen_of(studio) != before
    values[9] += np.float32(2.5)
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(studio.knobs["values"]), "<f4"), values)
    run = trained(steps=20, **SMALL)
    run.weights["h.0.attn.c_attn.weight"].ravel()[9] += np.float32(2.5)
    np.testing.assert_array_equal(studio.grid(), bg.MarkovChain.from_model(run.gpt).probs)
    studio("tensor", name="h.0.attn.c_attn.weight")
    assert studio.knobs["place"] == 9  # it is on the screen already
    studio("turn", position=0.3)
    studio("nudge", place=10, by=-1)
    studio("tensor", name="wpe.weight")
    assert (studio.knobs["place"], studio.knobs["by"]) == (None, 0)
    studio("release")
    assert seen_of(studio) == before
    assert (studio.knobs["position"], studio.knobs["place"], studio.knobs["by"]) == (1, None, 0)


def test_going_to_another_step_lets_go_of_the_knobs():
    studio = Driven(steps=5, **SMALL).trained()
    studio("turn", position=0)
    studio("seek", step=3)
    assert not studio.frame["turned"]
    np.testing.assert_array_equal(studio.grid(), trained(steps=5, **SMALL).chain_at(3).probs)


def test_a_knob_holds_the_playhead():
    studio = Driven(**SMALL).trained()
    studio("rewind")
    studio("play")
    studio.wait(0.5)
    studio("tensor", name="wte.weight")
    studio("nudge", place=0, by=1)
    assert not studio.player["playing"]
    assert studio.frame["step"] == studio.player["step"] > 0


def test_where_few_weights_are_kept_a_knob_turns_those_of_the_step_that_is_then_shown():
    studio = Driven(Limits(memory=2**20), steps=300, **SMALL).trained()
    studio("seek", step=299)
    assert studio.player["step"] == 299
    studio("select", state=1)
    kept = studio.selected["attention"]["step"]
    assert kept < 299
    studio("tensor", name="wte.weight")
    studio("nudge", place=0, by=1e-9)
    assert studio.player["step"] == studio.frame["step"] == kept
    turned = studio.grid()
    studio("release")
    np.testing.assert_allclose(studio.grid(), turned, atol=1e-6)


@pytest.mark.parametrize(
    ("command", "parts"),
    [("nudge", {"place": 0, "by": 1}), ("tensor", {"name": "wte"})],
)
def test_a_knob_without_a_tensor_is_refused(command, parts):
    studio = Driven(**SMALL)
    assert set(studio(command, **parts)) == {"notice"}
    assert studio.notice["code"] == "tensor"


def test_a_place_outside_the_tensor_is_refused():
    studio = Driven(**SMALL)
    studio("tensor", name="wte.weight")
    for place in (-1, 16):
        assert set(studio("nudge", place=place, by=1)) == {"notice"}


def test_a_knob_that_would_break_the_gpt_is_put_back(monkeypatch):
    monkeypatch.setattr("babygpt.studio.knobs.MOST", 1e39)
    studio = Driven(**SMALL)
    studio("tensor", name="wte.weight")
    studio("nudge", place=1, by=0.5)
    before = seen_of(studio)
    changed = studio("nudge", place=0, by=3e38)
    assert studio.notice["code"] == "knob"
    assert "frame" not in changed
    assert (seen_of(studio), studio.knobs["place"]) == (before, 1)


# -- links -------------------------------------------------------------------------------------------------


def shown_by(studio):
    """Return what a link promises to show again."""
    views = dict(studio.views)
    for name in ("setup", "frame"):
        views[name] = {key: value for key, value in views[name].items() if key != "version"}
    playhead = {key: views["player"][key] for key in ("step", "trained", "total", "stopped", "training", "playing")}
    names = ("setup", "frame", "selected", "numbers", "curve", "decoding", "link")
    return {"player": playhead, "code": studio.script(), **{name: views[name] for name in names}}


SOME_SETTINGS = st.fixed_dictionaries(
    {"context_length": st.integers(1, 4), "steps": st.integers(1, 6), "n_layer": st.integers(1, 2)},
    optional={
        "sequence": st.sampled_from(["0110100", "ab ba c ab", "月月山", "-01011#&=%?"]),
        "vocabulary": st.sampled_from([None, "01", "10", "abc 月山", "-01#&=%?"]),
        "tokens": st.sampled_from(["chars", "words"]),
        "stop_gap": st.sampled_from([None, 0.0, 0.3, 5.0]),
        "learning_rate": st.sampled_from([1e-3, 0.01, 1e-7]),
        "weight_decay": st.sampled_from([0, 0.1, 0.25]),
        "n_embd": st.sampled_from([4, 8]),
        "n_head": st.sampled_from([1, 2]),
        "bias": st.booleans(),
        "positions": st.sampled_from(["last", "all"]),
        "batch_size": st.sampled_from([None, 3]),
        "seed": st.integers(0, 2**63 - 1),
    },
)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    chosen=SOME_SETTINGS,
    preset=st.sampled_from(["article", "alternating", "poem"]),
    train=st.integers(0, 8),
    seek=st.none() | st.integers(0, 8),
    select=st.none() | st.integers(0, 30),
    source=st.sampled_from(["model", "data", "difference"]),
    decoding=st.fixed_dictionaries(
        {},
        optional={"temperature": st.sampled_from([0.0, 0.5, 1.5]), "top_k": st.integers(1, 3), "top_p": st.just(0.9)},
    ),
)
def test_a_link_shows_the_same_again(chosen, preset, train, seek, select, source, decoding):
    studio = Driven()
    studio("preset", name=preset)
    studio("configure", **chosen)
    if train:
        studio("train")
        studio("pause")
        for _ in range(train):
            studio.session.advance(studio.now, 0.0)
        studio("stop")
        studio("seek", step=train if seek is None else seek)
    studio("select", state=select)
    studio("show", source=source, compare=["data", "model"])
    studio("decode", **decoding)
    assert all(isinstance(text, str) for text in studio.link.values())
    assert shown_by(opened(studio.link)) == shown_by(studio)


def test_the_link_of_the_beginning_says_nothing_and_opens_the_beginning():
    studio = Driven(steps=7, **SMALL).trained()
    studio("open", link={})
    assert studio.link == {}
    assert studio.setup["settings"] == asdict(ARTICLE)
    assert studio.tape["wandering"]
    assert studio.player["speed"] == 12.5


def test_what_no_link_says_stays_when_one_is_opened():
    studio = Driven(steps=7, **SMALL).trained()
    studio("pin", slot="A")
    studio("speed", speed=3)
    pinned = np.array(studio.grid())
    studio("open", link={"n_layer": "1", "context_length": "2"})
    assert studio.pins["A"] == {"step": 7, "seed": 1337, "context_length": 3, "fits": False, "ready": True}
    studio("open", link={"n_layer": "1"})
    assert (studio.pins["A"]["fits"], studio.player["speed"]) == (True, 3)
    model = np.array(studio.grid())
    studio("show", source="difference", compare=["model", "A"])
    np.testing.assert_array_equal(studio.grid(), model - pinned)


def test_a_link_in_words():
    studio = Driven(context_length=2, n_head=2, steps=9, sequence="0011010").trained()
    studio("seek", step=4)
    studio("select", state=3)
    studio("decode", top_k=1)
    assert studio.link == {
        "sequence": "0011010", "context_length": "2", "n_head": "2", "steps": "9", "trained": "9", "step": "4",
        "select": "3", "top_k": "1",
    }  # fmt: skip


def test_while_something_runs_the_link_says_how_it_will_end():
    studio = Driven(steps=9, **SMALL)
    studio("train")
    assert studio.link["trained"] == "9"
    assert "step" not in studio.link
    links = []
    while studio.player["playing"]:
        studio.session.advance(studio.now, 0.0)
        studio.now += 0.05
        links += [studio.link] if "link" in studio.look() else []
    assert links == []


def test_a_link_whose_text_was_too_long_says_so_and_leaves_the_settings_of_that_text_alone():
    studio = Driven(sequence="01101" * 1000, steps=3, **SMALL).trained()
    studio("select", state=2)
    studio("decode", top_k=1)
    link = studio.link
    studio("open", link=link)
    assert (studio.notice["code"], studio.notice["field"], studio.notice["values"]) == ("too_long", None, {})
    assert studio.link == {}
    assert (studio.setup["name"], studio.player["training"], studio.selected) == ("article", False, None)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\..\\passwd", "C:\\passwd", "a\0/passwd"])
def test_a_file_is_known_by_its_name_alone_wherever_someone_says_it_lies(name):
    studio = Driven(**SMALL)
    studio("configure", sequence="0110100", name=name)
    assert studio.setup["name"] == "passwd"
    studio("open", link={"sequence": "0110101", "name": name})
    assert (studio.setup["name"], studio.setup["text"]) == ("passwd", "0110101")
    assert "passwd" not in str(studio.script())  # so short a text is spelled out
    for folder in ("..", "a/..", "/", "x/coin"):
        studio("configure", sequence="0110100", name=folder)
        assert studio.setup["name"] == ""


def test_a_click_sends_no_long_text_back_but_who_asks_for_scripts_gets_it():
    text = "01101" * 1000
    studio = Driven(sequence=text, **SMALL)
    studio("wander", on=False)
    studio("pause")
    for command in (
        {"command": "select", "state": 3},
        {"command": "decode", "top_k": 1},
        {"command": "pin", "slot": "A"},
    ):
        studio.session.handle(command)
        assert text not in json.dumps(studio.look())
    assert studio.code is None
    asked = studio("code", on=True)
    assert set(asked) == {"code"}
    assert text in asked["code"]["python"]
    studio("open", link={"preset": "article"})
    assert studio.code is not None  # the panel is still open
    assert studio("code", on=False)["code"] is None


def test_a_link_does_not_carry_a_long_text():
    studio = Driven(sequence="01101" * 1000, **SMALL)
    assert studio.link["too_long"] == "1"
    assert "sequence" not in studio.link


def test_training_that_a_link_asks_for_arrives_at_its_step_unless_someone_goes_elsewhere():
    link = {"trained": "8", "step": "3", "n_layer": "1"}
    studio = Driven()
    studio("open", link=link)
    assert (studio.player["training"], studio.player["playing"], studio.player["step"]) == (True, False, 0)
    studio.finish()
    assert (studio.player["step"], studio.player["trained"]) == (3, 8)
    studio("open", link=link)
    studio.session.advance(studio.now, 0.0)
    studio("rewind")
    studio.finish()
    assert (studio.player["step"], studio.player["trained"]) == (0, 8)


@pytest.mark.parametrize(
    ("link", "field"),
    [
        ({"steps": "many"}, "steps"), ({"steps": "0"}, "steps"), ({"seed": "1e3"}, "seed"), ({"bias": "yes"}, "bias"),
        ({"context_length": "99"}, "context_length"), ({"n_embd": "7"}, "n_embd"),
        ({"learning_rate": "nan"}, "learning_rate"),
        ({"learning_rate": "1" * 400}, "learning_rate"), ({"tokens": "bytes"}, "tokens"),
        ({"preset": "none"}, "preset"),
        ({"sequence": ""}, "sequence"), ({"trained": "-1"}, "trained"), ({"select": "8"}, "select"),
        ({"source": "nothing"}, "source"), ({"compare": "model"}, "compare"), ({"compare": "model,A"}, "compare"),
        ({"temperature": "-1"}, "temperature"), ({"temperature": "inf"}, "temperature"), ({"top_k": "0.5"}, "top_k"),
        ({"top_p": "2"}, "top_p"), ({"vocabulary": "0"}, "vocabulary"), ({"vocabulary": "02"}, "sequence"),
    ],
)  # fmt: skip
def test_what_a_link_says_wrong_is_told_and_is_as_it_begins(link, field):
    studio = Driven()
    studio("open", link={**link, "unheard_of": "1", "n_layer": "2"})
    assert studio.notice["field"] == field
    assert studio.link == ({} if field == "sequence" and "vocabulary" in link else {"n_layer": "2"})


def test_a_link_asks_for_no_more_training_than_its_steps():
    studio = opened({"trained": "1000000000", "steps": "3", "n_layer": "1"})
    assert studio.player["trained"] == 3


# -- taking it away ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "dot", "json", "csv"])
def test_the_chain_at_the_playhead_is_written_as_the_command_line_writes_it(ending):
    from babygpt.draw.formats import export
    from babygpt.draw.graph import draw_chain

    studio = Driven(steps=5, **SMALL).trained()
    studio("seek", step=2)
    studio("decode", temperature=0.5)
    data, media = studio.session.snapshot(f"chain.{ending}")()
    run = trained(steps=5, **SMALL)
    chain = run.chain_at(2).with_decoding(temperature=0.5)
    if ending in ("dot", "json", "csv"):
        assert data == export(chain, ending)
    else:
        assert media == {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}[ending]
        expected = draw_chain(chain, seen=run.corpus.states.tolist()).render(ending)
        assert len(data) > 1000
        assert data == expected or ending == "pdf"  # which has a date in it


def test_the_run_can_be_taken_away_and_loaded(tmp_path):
    studio = Driven(steps=5, **SMALL).trained()
    data, media = studio.session.snapshot("run.zip")()
    assert media == "application/zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    run = bg.Run.load(tmp_path / "run")
    np.testing.assert_array_equal(run.chain.probs, studio.grid())
    assert run.losses.tolist() == trained(steps=5, **SMALL).losses.tolist()


@pytest.mark.parametrize("file", ["chain.npz", "chain", "../run.zip", "", "x" * 10_000])
def test_there_are_no_other_files(file):
    with pytest.raises(BabyGPTError, match="There is no file"):
        Driven(**SMALL).session.snapshot(file)


# -- what numbers wait for ---------------------------------------------------------------------------------


def test_what_takes_long_waits_until_the_playhead_rests():
    studio = Driven(sequence="0110100110010110", context_length=7, steps=3, **SMALL).trained()
    studio("select", state=3)
    assert studio.frame["pi"] is not None
    studio("rewind")
    studio("play")
    assert (studio.frame["pi"], studio.selected["pi"]) == (None, None)
    assert studio.numbers["loss"] is not None
    assert (studio.numbers["entropy_rate"], studio.numbers["mixing"]) == (None, "moving")
    studio("pause")
    assert len(studio.frame["pi"]) == 128
    assert studio.selected["pi"] == studio.frame["pi"][3]
    assert studio.numbers["entropy_rate"] is not None
    assert studio.numbers["mixing"] == "exact"


def test_of_many_states_it_waits_too_until_a_dragged_playhead_rests():
    studio = Driven(sequence="0110100110010110", context_length=9, steps=6, **SMALL).trained()
    studio.wait(1)
    studio("seek", step=2)
    studio.wait(0)
    assert studio.numbers["entropy_rate"] is not None  # one click is no drag
    studio("seek", step=3)
    assert studio.numbers["loss"] is not None
    assert studio.numbers["entropy_rate"] is None
    studio.wait(1)
    assert studio.numbers["entropy_rate"] is not None


LARGE = {"sequence": "0110100110010110", "context_length": 9, "steps": 6, **SMALL}


def slices(session, now):
    """Return how many slices it takes until there is nothing left to compute."""
    n = 0
    while session.training:
        session.advance(now, 0.0)
        n += 1
    return n


def test_a_look_at_many_states_computes_nothing_long_and_says_what_is_still_to_come():
    studio = Driven(**LARGE).trained()
    studio("select", state=3)
    studio.wait(1)
    looked = studio("seek", step=4)
    assert (looked["numbers"]["entropy_rate"], looked["numbers"]["long_run"]) == (None, "computing")
    assert looked["selected"]["pi"] is None
    assert slices(studio.session, studio.now) > 1
    changed = studio.look()
    assert set(changed) == {"numbers", "selected"}  # no map is sent again
    chain = studio.session._stage.playback.chain(4)
    assert changed["numbers"]["long_run"] == "exact"
    assert changed["numbers"]["entropy_rate"] == pytest.approx(chain.entropy_rate(), rel=1e-12)
    assert changed["selected"]["pi"] == pytest.approx(chain.stationary_distribution()[3], rel=1e-12)
    assert changed["numbers"]["mixing"] == "large"
    assert slices(studio.session, studio.now) == 0
    assert studio.look() == {}


def test_nobody_computes_what_nobody_looks_at():
    studio = Driven(**LARGE).trained()
    studio.wait(1)
    studio.session.handle({"command": "seek", "step": 4})
    assert not studio.session.training


@pytest.mark.parametrize(
    ("command", "parts"),
    [("seek", {"step": 2}), ("decode", {"temperature": 0.5}), ("play", {}), ("preset", {"name": "article"})],
)
def test_what_is_computed_of_a_chain_that_is_not_shown_any_more_is_dropped(command, parts):
    studio = Driven(**LARGE).trained()
    studio.wait(1)
    studio("seek", step=4)
    studio.session.advance(studio.now, 0.0)
    assert studio.session.training
    dropped = studio.session._stage.shown
    steps = dropped._pi._steps
    studio.session.handle({"command": command, **parts})
    assert not studio.session.training  # until someone looks
    studio.look()
    if command == "play":
        studio("pause")
    else:
        assert studio.session._stage.shown is not dropped
    slices(studio.session, studio.now)
    done = studio.session._stage.shown is dropped
    assert dropped._pi.known == done  # a pause on the same chain goes on where it was
    assert (steps.gi_frame is None) == done


def test_what_is_trained_beside_and_what_is_computed_take_turns():
    studio = Driven(**LARGE).trained()
    studio("seeds", n=2)
    studio.wait(1)
    studio("seek", step=4)
    studio("show", source="seeds")
    stage = studio.session._stage
    turns = []
    while stage.computing and stage.retraining.busy:
        stage.work(0.0)
        turns.append(stage._retrains_next)
    assert len(turns) > 2
    assert all(a != b for a, b in pairwise(turns))
    slices(studio.session, studio.now)
    studio.look()
    assert (studio.numbers["long_run"], studio.seeds["n"]) == ("exact", 2)


# -- whatever comes ----------------------------------------------------------------------------------------

SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 12) | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from([10**400, -(10**400), 2**64, 1e308, 5e-324, "\ud800"])
    | st.sampled_from(["01101", "model", "A", "wte.weight", "article"])
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.one_of(
    [
        st.fixed_dictionaries(
            {"command": st.just(name)} | {part: ANYTHING for part, of in kind.model_fields.items() if of.is_required()},
            optional={part: SCALARS for part in kind.parts() if part not in kind.model_fields}
            | {part: SCALARS for part, of in kind.model_fields.items() if not of.is_required()},
        )
        for name, kind in COMMANDS.items()
    ]
)
SIMPLE = st.sampled_from(
    [
        {"command": "train"}, {"command": "more", "steps": 3}, {"command": "step"}, {"command": "stop"},
        {"command": "play"}, {"command": "seek", "step": 2}, {"command": "turn", "position": 1.5},
        {"command": "tensor", "name": "wte.weight"}, {"command": "nudge", "place": 3, "by": -7.5},
        {"command": "decode", "temperature": 0}, {"command": "decode", "min_p": 0.5}, {"command": "pin", "slot": "A"},
        {"command": "show", "source": "difference", "compare": ["model", "A"]}, {"command": "select", "state": 7},
        {"command": "configure", "context_length": 1}, {"command": "configure", "learning_rate": 1e20},
        {"command": "open", "link": {"trained": "4", "step": "2"}}, {"command": "rows", "first": 3},
    ]
)  # fmt: skip


@pytest.mark.slow
@given(st.lists(SIMPLE | NEARLY | ANYTHING, max_size=7))
def test_whatever_comes_a_session_answers_and_its_views_are_json(commands):
    studio = Driven(Limits(states=64, steps=60, text=300), **SMALL, steps=6)
    for command in commands:
        studio.session.handle(command)
        studio.look()
        if (due := studio.session.due(studio.now)) is not None:
            studio.now = max(due, studio.now)
            studio.session.advance(studio.now, 0.0)
            studio.look()
    studio.finish()
    assert set(studio.views) == set(VIEWS)
    studio("open", link=studio.link)
    studio.finish()
    assert studio.notice is None


@pytest.mark.parametrize("rate", [1, 2, 3, 5, 8, 12, 20, 30])
@pytest.mark.parametrize("kinds", [{}, {**SMALL, "context_length": 7}, {**SMALL, "sequence": TERNARY, "bias": True}])
def test_a_training_whose_steps_are_far_too_large_is_shown_to_its_end(rate, kinds):
    studio = Driven(learning_rate=rate, steps=12, **kinds)
    studio("select", state=3)
    studio("train")
    studio("speed", speed=None)
    while studio.session.training:
        studio.session.advance(studio.now, 0.0)
        studio.look()
    for step in range(studio.player["trained"] + 1):
        studio("seek", step=step)
        studio.wait(0)  # where arrows are rare it is computed in slices
        assert sum(studio.frame["pi"]) == pytest.approx(1)
        assert studio.selected["pi"] == studio.frame["pi"][3]
        assert studio.numbers["entropy_rate"] is not None
    for temperature in (0.1, 5):
        studio("decode", temperature=temperature)
    for position in (-0.5, 1.5):
        studio("turn", position=position)


@pytest.mark.parametrize(
    "command",
    [
        None, 7, "train", [], ["train"], {}, {"command": None}, {"command": ["train"]}, {"command": "Train"},
        {"command": "__init__"}, {"command": "seek"}, {"command": "seek", "step": None},
        {"command": "seek", "step": "2"},
        {"command": "seek", "step": True}, {"command": "seek", "step": math.nan}, {"command": "seek", "step": math.inf},
        {"command": "seek", "step": 10**400}, {"command": "seek", "step": 1, "self": 2}, {"command": "train", "x": 1},
        {"command": "select", "state": 8}, {"command": "select", "state": -1}, {"command": "select", "state": 1.0},
        {"command": "walk", "token": 2}, {"command": "place", "state": 10**30}, {"command": "wander", "on": 1},
        {"command": "show", "source": "model", "compare": ["model"]}, {"command": "show", "source": ["model"]},
        {"command": "pin", "slot": "C"}, {"command": "speed", "speed": 0}, {"command": "speed", "speed": -1},
        {"command": "more", "steps": 0}, {"command": "open", "link": {"steps": 3}}, {"command": "open", "link": None},
        {"command": "configure", "depth": 3}, {"command": "configure", "steps": [3]},
        {"command": "configure", "sequence": 101}, {"command": "configure", "sequence": "01\ud80001"},
        {1: 2, "command": "train"},
    ],
)  # fmt: skip
def test_what_is_no_command_changes_nothing(command):
    studio = Driven()
    studio.session.handle(command)
    assert set(studio.look()) == {"notice"}
    assert studio.notice["code"] == "command"


@pytest.mark.parametrize(
    "parts", [{"temperature": -1}, {"temperature": None}, {"top_k": 0}, {"top_p": 1.5}, {"min_p": "x"}]
)
def test_a_decoding_that_means_nothing_is_refused(parts):
    studio = Driven()
    assert set(studio("decode", **parts)) == {"notice"}
    assert (studio.notice["code"], studio.notice["field"]) == ("setting", next(iter(parts)))
