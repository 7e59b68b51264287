from __future__ import annotations

import contextlib
import io
import math
import shlex

import numpy as np
import pytest
from driving import SMALL, Driven

import babygpt as bg
from babygpt.gpt.fast.stacked import StackedTrainer
from babygpt.studio.limits import MAX_SEEDS, Limits
from babygpt.studio.links import SEEDS

TEXT = "111101111011110"
TERNARY = "012021102210012200112"


def many(n=40, **kinds):
    """Return a studio that shows so many seeds, all trained, at the last step."""
    studio = Driven(**{**SMALL, "steps": 6, **kinds}).trained()
    studio("seeds", n=n)
    studio("show", source="seeds")
    return studio.finish()


def shown(studio, values):
    return np.array(values, dtype=float).reshape(-1, len(studio.setup["symbols"]))


KINDS = [
    {},
    {"sequence": TERNARY, "context_length": 2, "positions": "all", "bias": True},
    {"batch_size": 3, "weight_decay": 0.5},
]


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("step", [0, 4, 6])
def test_bands_hold_nine_seeds_in_ten_of_the_librarys_study(kinds, step):
    studio = many(**kinds)
    studio("seek", step=step)
    kinds = dict(kinds)
    study = bg.study(kinds.pop("sequence", TEXT), range(40), 6, **{**SMALL, **kinds})
    low, median, high = study.quantiles([0.05, 0.5, 0.95])[:, step]
    np.testing.assert_allclose(studio.grid(), median, atol=1e-6)
    np.testing.assert_allclose(shown(studio, studio.seeds["low"]), low, atol=1e-6)
    np.testing.assert_allclose(shown(studio, studio.seeds["high"]), high, atol=1e-6)
    assert (studio.frame["source"], studio.frame["signed"]) == ("seeds", False)
    assert [studio.seeds[name] for name in ("asked", "n", "lost", "step")] == [40, 40, 0, step]


@pytest.mark.parametrize("seed", [7, 1337])
def test_this_seed_is_found_among_the_others(seed):
    studio = many(seed=seed)
    studio("select", state=0b101)
    study = bg.study(TEXT, range(40), 6, **SMALL)
    of_state = studio.seeds["selected"]
    assert of_state["tokens"] == [0, 1]
    np.testing.assert_allclose(of_state["below"], study.mark(seed).below[-1, 0b101])
    np.testing.assert_allclose(of_state["likeliest"], [1 - share for share in study.share_above()[-1, 0b101]][::-1])
    for token, counts in enumerate(of_state["histogram"]):
        expected, _ = np.histogram(study.probs[:, -1, 0b101, token], bins=20, range=(0, 1))
        assert counts == expected.tolist()


def test_seeds_come_a_few_at_a_time_and_what_is_known_is_shown():
    studio = Driven(**SMALL, steps=6).trained()
    studio("seeds", n=80)
    studio("show", source="seeds")
    assert studio.seeds["n"] == 0
    assert set(studio.frame["values"]) == {None}
    come = []
    while studio.session.training:
        studio.session.advance(studio.now, 0.0)
        studio.look()
        come.append(studio.seeds["n"])
    assert sorted(set(come)) == [0, 8, 40, 72, 80]
    assert come == sorted(come)
    early = Driven(**SMALL, steps=6)
    early("show", source="seeds")
    early.session.advance(early.now, 0.0)
    early.look()
    assert early.seeds["n"] == 8  # untrained ones are there at once


def test_nothing_is_trained_that_nobody_sees_and_what_was_is_kept():
    studio = Driven(**SMALL, steps=6).trained()
    assert not studio.session.training
    studio("show", source="seeds")
    for _ in range(20):
        studio.session.advance(studio.now, 0.0)
    studio("show", source="model")
    assert not studio.session.training
    assert studio.seeds is None
    studio("show", source="seeds")
    assert studio.seeds["n"] == 8
    assert studio.finish().seeds["n"] == SEEDS


def test_this_seeds_training_goes_first():
    studio = Driven(**SMALL, steps=6)
    studio("show", source="seeds")
    studio("train")
    studio("pause")
    for _ in range(6):
        studio.session.advance(studio.now, 0.0)
    studio.look()
    assert studio.player["trained"] == 6
    assert studio.session.training


def test_seeds_are_bent_by_the_decoding_like_this_one():
    studio = many()
    plain = studio.grid()
    studio("decode", temperature=0.5)
    probs = bg.study(TEXT, range(40), 6, **SMALL).probs[:, -1] ** 2
    expected = np.median(probs / probs.sum(axis=-1, keepdims=True), axis=0)
    np.testing.assert_allclose(studio.grid(), expected, atol=1e-6)
    studio("decode", temperature=1.0)
    assert studio.grid() == plain


def test_many_seeds_can_be_compared_with_this_one_and_with_the_data():
    studio = many()
    median = np.array(studio.grid())
    studio("show", source="difference", compare=["model", "seeds"])
    difference = np.array(studio.grid())
    assert studio.frame["signed"]
    studio("show", source="model")
    np.testing.assert_allclose(difference, np.array(studio.grid()) - median, atol=1e-12)


@contextlib.contextmanager
def breaking(n):
    """Let the first so many GPTs of each that are trained together break in their third step."""
    step = StackedTrainer.step

    def breaks(trainer):
        losses = step(trainer)
        if trainer.steps_done == 3:
            losses[:n] = math.nan
        return losses

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StackedTrainer, "step", breaks)
        yield


def test_seeds_that_diverge_are_left_out_and_counted():
    with breaking(5):
        studio = many()  # two times five: 8 seeds are trained together, then 32
    assert (studio.seeds["n"], studio.seeds["lost"]) == (30, 10)
    whole = bg.study(TEXT, [*range(5, 8), *range(13, 40)], 6, **SMALL)
    np.testing.assert_allclose(studio.grid(), whole.quantiles([0.5])[0, -1], atol=1e-6)
    studio("seek", step=2)
    assert (studio.seeds["n"], studio.seeds["lost"]) == (40, 0)


def test_where_no_seed_stays_finite_nothing_is_shown():
    with breaking(40):
        studio = many()
    assert [studio.seeds[name] for name in ("n", "lost", "low")] == [0, 40, None]
    assert set(studio.frame["values"]) == {None}


def test_another_text_begins_anew():
    studio = many()
    before = studio.grid()
    studio("configure", sequence="110110110110")
    assert (studio.frame["source"], studio.seeds["n"]) == ("seeds", 0)
    studio.finish()
    assert studio.seeds["n"] == 40
    assert studio.grid() != before


def test_seeds_are_trained_as_far_as_this_one_is_and_what_was_known_stays_until_more_is():
    studio = many()
    studio("step")
    assert (studio.frame["step"], studio.seeds["step"], studio.seeds["n"]) == (7, 6, 40)
    come = []
    while studio.session.training:
        studio.session.advance(studio.now, 0.0)
        studio.look()
        come.append((studio.seeds["step"], studio.seeds["n"]))
    assert list(dict.fromkeys(come)) == [(6, 40), (7, 8), (7, 40)]
    expected = bg.study(TEXT, range(40), 7, **SMALL).quantiles([0.5])[0]
    np.testing.assert_allclose(studio.grid(), expected[7], atol=1e-6)
    studio("seek", step=3)
    np.testing.assert_allclose(studio.grid(), expected[3], atol=1e-6)
    studio("rewind")
    studio("step")
    assert (studio.frame["step"], studio.seeds["n"]) == (1, 40)
    assert not studio.session.training  # it is all there


def test_of_an_untrained_gpt_the_seeds_are_untrained():
    studio = Driven(**SMALL, steps=1000)
    studio("show", source="seeds")
    studio.finish()
    assert studio.seeds["n"] == SEEDS
    np.testing.assert_allclose(
        studio.grid(), bg.study(TEXT, range(SEEDS), 1, [0], **SMALL).quantiles([0.5])[0, 0], atol=1e-6
    )


def test_a_turned_gpt_is_not_looked_for_among_them():
    studio = many()
    studio("select", state=3)
    assert studio.seeds["selected"]["below"] is not None
    studio("turn", position=0.5)
    assert studio.seeds["selected"]["below"] is None


def test_a_comparison_with_seeds_that_cannot_be_does_not_lock_anyone_out():
    studio = many()
    studio("show", source="difference", compare=["seeds", "data"])
    studio("show", source="model")
    studio("configure", sequence=TEXT * 2, context_length=16, n_layer=1, n_head=1, n_embd=4)
    for source in ("data", "model", "difference"):
        studio("show", source=source)
        assert (studio.notice, studio.frame["source"]) == (None, source)


def test_what_seeds_cannot_show_is_refused_and_says_what_fits():
    studio = Driven(**SMALL)
    studio("seeds", n=1)
    assert "not many" in studio.notice["text"]
    studio("seeds", n=MAX_SEEDS + 1)
    assert (studio.notice["code"], studio.notice["field"]) == ("most", "seeds")
    studio("configure", sequence=TEXT * 2, context_length=15, n_layer=1, n_head=1, n_embd=4)
    studio("show", source="seeds")
    assert studio.notice["code"] == "seeds"
    fits = studio.notice["values"]["fits"]
    assert 0 < fits < SEEDS
    assert studio.frame["source"] == "model"
    studio("seeds", n=fits + 1)
    assert studio.notice["code"] == "seeds"
    studio("seeds", n=fits)
    studio("dismiss")
    studio("show", source="seeds")
    assert studio.notice is None
    assert studio.frame["source"] == "seeds"
    assert (studio.seeds["low"], studio.frame["values"]) == (None, None)  # a map


def test_a_setup_with_too_many_arrows_shows_this_seed_again():
    studio = many()
    studio("configure", sequence=TEXT * 2, context_length=16, n_layer=1, n_head=1, n_embd=4)
    assert studio.setup["n_states"] == 2**16
    assert (studio.frame["source"], studio.seeds) == ("model", None)


def test_seeds_take_memory_while_they_are_there():
    studio = Driven(**SMALL, steps=6)
    before = studio.session.memory
    studio("show", source="seeds")
    more = studio.session.memory - before
    assert more > 4 * SEEDS * 7 * 16
    assert more < 4 * SEEDS * 7 * 16 + 2**24
    left = Driven(Limits(room=lambda need: 2**26), **SMALL, steps=6)
    left("show", source="seeds")
    assert left.notice["code"] == "memory"


def test_a_link_opens_with_as_many_seeds():
    studio = many()
    studio("select", state=3)
    assert (studio.link["source"], studio.link["seeds"]) == ("seeds", "40")
    again = Driven()
    again("open", link=studio.link)
    again.finish()
    assert (again.frame["values"], again.seeds) == (studio.frame["values"], studio.seeds)
    again("open", link={**studio.link, "seeds": "1"})
    assert again.notice["values"] == {"value": "1"}
    again.finish()
    assert again.seeds["asked"] == SEEDS


@pytest.mark.parametrize("decoding", [{}, {"temperature": 0.5}])
@pytest.mark.parametrize("state", [None, 5])
def test_the_code_gives_the_same_numbers(decoding, state):
    studio = many(n=8, seed=3, batch_size=4)
    studio("seek", step=4)
    studio("select", state=state)
    studio("decode", **decoding)
    out = io.StringIO()
    scope = {}
    with contextlib.redirect_stdout(out):
        exec(studio.script()["python"], scope)
    quantiles = np.quantile(scope["probs"], [0.05, 0.5, 0.95], axis=0)
    bands = np.array([shown(studio, studio.seeds["low"]), studio.grid(), shown(studio, studio.seeds["high"])])
    np.testing.assert_allclose(quantiles, bands if state is None else bands[:, state], atol=1e-6)
    assert out.getvalue() == f"{quantiles}\n"


def test_the_command_finds_this_seed_among_them(babygpt):
    studio = many(n=8, seed=3)
    command = studio.script()["command"]
    assert command.startswith("babygpt seeds 111101111011110 --seeds 8 --at 6 --mark 3 ")
    done = babygpt(*shlex.split(command)[1:])
    studio("select", state=0)
    assert f"{100 * studio.seeds['selected']['median'][1]:.1f}" in done.stdout
