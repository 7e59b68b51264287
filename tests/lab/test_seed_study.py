from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

import babygpt as bg
from babygpt.errors import DivergedError, SequenceError, SettingError, SizeError
from babygpt.lab.seed_study import study

ARTICLE = "111101111011110"
TINY = {"n_layer": 1, "n_head": 1, "n_embd": 4, "steps": 3}


@pytest.fixture(scope="module")
def few():
    return study(ARTICLE, seeds=[1337, *range(11)], at=[0, 50])


@pytest.fixture(scope="module")
def tiny():
    return study("abcabcaab", seeds=range(20), context_length=2, **TINY)


def test_every_seed_is_its_own_run_within_rounding(few):
    for place, seed in enumerate([1337, 0]):
        run = bg.train(ARTICLE, seed=seed)
        np.testing.assert_allclose(few.probs[place, 1], run.chain.probs, atol=2e-5)
        np.testing.assert_allclose(few.probs[place, 0], run.chain_at(0).probs, atol=1e-6)
        np.testing.assert_allclose(few.losses[place], run.losses, atol=2e-6)


def test_shapes_are_seeds_by_steps_by_states_by_tokens(tiny):
    assert tiny.probs.shape == (20, 4, 9, 3)
    assert tiny.losses.shape == (20, 3)
    assert tiny.steps.tolist() == [0, 1, 2, 3]
    assert tiny.seeds.tolist() == list(range(20))
    assert len(tiny) == 20
    assert tiny.mean.shape == tiny.share_above().shape == (4, 9, 3)
    assert tiny.quantiles([0.1, 0.9]).shape == (2, 4, 9, 3)
    np.testing.assert_allclose(tiny.probs.sum(axis=3), 1, atol=1e-12)
    np.testing.assert_allclose(tiny.mean.sum(axis=2), 1, atol=1e-12)


def test_seen_contexts_are_those_that_occur_before_a_token(tiny):
    contexts = [a + b for a in "abc" for b in "abc"]
    assert tiny.seen.tolist() == [context in "abcabcaa" for context in contexts]


def test_quantiles_are_those_of_the_sorted_seeds(tiny):
    arrow = np.sort(tiny.probs[:, 2, 5, 1])
    low, middle, high = tiny.quantiles([0, 0.5, 1])[:, 2, 5, 1]
    assert (low, high) == (arrow[0], arrow[-1])
    assert middle == pytest.approx((arrow[9] + arrow[10]) / 2)
    assert tiny.quantiles(0.5).shape == (1, 4, 9, 3)


def test_the_share_above_counts_seeds(tiny):
    for p in (0.2, 0.5):
        counted = sum(float(tiny.probs[seed, 3, 4, 2] > p) for seed in range(20)) / 20
        assert tiny.share_above(p)[3, 4, 2] == counted


def test_a_marked_run_is_ranked_among_the_others(few):
    mark = few.mark(1337)
    assert np.array_equal(mark.probs, few.probs[0])
    weaker = sum(float(few.probs[place, 1, 0, 1] < few.probs[0, 1, 0, 1]) for place in range(1, 12)) / 11
    assert mark.below[1, 0, 1] == pytest.approx(weaker)
    np.testing.assert_allclose(mark.below.sum(axis=2), 1)  # what is high for 1 is low for 0


def test_a_mark_from_outside_is_trained_and_ranked_as_one_from_inside(few):
    outside = study(ARTICLE, seeds=range(11), at=[0, 50])
    assert 1337 not in outside.seeds
    np.testing.assert_allclose(outside.mark().probs, few.mark().probs, atol=2e-4)
    np.testing.assert_allclose(outside.mark().below, few.mark().below, atol=1e-9)


def test_equal_seeds_count_half_and_a_mark_alone_has_no_rank():
    alone = study(ARTICLE, seeds=[5], at=[3], **TINY)
    assert np.isnan(alone.mark(5).below).all()
    same = study("01010101", seeds=[5, 6], at=[0], context_length=1, **TINY)
    copied = bg.SeedStudy(**{**vars(same), "probs": np.repeat(same.probs[:1], 2, axis=0)})
    assert (copied.mark(5).below == 0.5).all()


def test_a_batched_study_marks_the_run_that_draws_the_same_batches():
    many = study(ARTICLE, seeds=[0], at=[3], batch_size=4, **TINY)
    run = bg.train(ARTICLE, seed=1337, batch_size=4, **TINY)
    np.testing.assert_allclose(many.mark(1337).probs[0], run.chain.probs, atol=2e-5)


def test_the_summary_has_a_row_for_every_arrow_at_every_step(few):
    columns = few.summary()
    assert {len(column) for column in columns.values()} == {2 * 8 * 2}
    row = next(
        i
        for i, at in enumerate(zip(columns["step"], columns["context"], columns["token"], strict=True))
        if at == (50, "011", "1")
    )
    assert columns["q50"][row] == np.median(few.probs[:, 1, 3, 1])
    assert columns["q05"][row] == np.quantile(few.probs[:, 1, 3, 1], 0.05)
    assert columns["mean"][row] == pytest.approx(few.probs[:, 1, 3, 1].mean())
    assert columns["above_half"][row] == 1
    assert columns["seen"][row]
    assert columns["marked"][row] == few.probs[0, 1, 3, 1]
    again = few.summary(few.mark(1337))
    assert np.array_equal(again["marked_below"], columns["marked_below"])
    assert not {"marked", "marked_below"} & few.summary(mark=None).keys()


def test_rows_are_every_seeds_every_arrow(tiny):
    columns = tiny.rows()
    assert {len(column) for column in columns.values()} == {20 * 4 * 9 * 3}
    row = np.ravel_multi_index((7, 2, 4, 1), tiny.probs.shape)
    assert columns["probability"][row] == tiny.probs[7, 2, 4, 1]
    assert [columns[name][row] for name in ("seed", "step", "context", "token")] == [7, 2, "bb", "b"]
    assert columns["state"][row] == 4
    for table in (columns, tiny.summary(mark=None)):
        assert table["context"].tolist() == ["abc"[state // 3] + "abc"[state % 3] for state in table["state"]]


def test_seeds_that_diverge_are_left_out_and_named(second_seed_breaks):
    many = study(ARTICLE, seeds=[4, 5, 6], **TINY)
    assert many.seeds.tolist() == [4, 6]
    assert many.diverged.tolist() == [5]
    assert len(many.probs) == len(many.losses) == 2
    assert "1 diverged" in repr(many)
    with pytest.raises(DivergedError, match="The GPT of seed 5 did not stay finite"):
        many.mark(5)


def test_a_study_in_which_nothing_stays_finite_is_an_error():
    with pytest.raises(DivergedError, match=r"Not one GPT of 3 did stay finite .* smaller learning rate"):
        study(ARTICLE, seeds=range(3), learning_rate=1e30, **TINY)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"at": [51]}, "at=51 is beyond the last step, steps=50"),
        ({"at": []}, "at names no step"),
        ({"at": [-1]}, "at=-1"),
        ({"at": 3}, "no list of steps"),
        ({"at": "0,10"}, "no list of steps"),
        ({"steps": 0, "at": [0]}, "steps=0"),
        ({"seeds": []}, "There are no seeds"),
        ({"seeds": [1, 1]}, "more than once"),
    ],
)
def test_settings_that_mean_nothing_are_told(arguments, message):
    with pytest.raises(SettingError, match=message):
        study(ARTICLE, **arguments)


def test_quantiles_and_steps_that_are_not_there_are_told(tiny):
    with pytest.raises(SettingError, match="shares from 0 to 1"):
        tiny.quantiles([0.5, 1.5])
    with pytest.raises(SettingError, match="Step 9 was not recorded; those that were are 0, 1, 2, 3"):
        tiny.frame(9)
    assert tiny.frame() == tiny.frame(3) == 3


def test_texts_too_short_and_studies_too_large_are_refused(monkeypatch):
    with pytest.raises(SequenceError):
        study("01", seeds=[1])
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10**6))
    with pytest.raises(SizeError, match=r"1,000 GPTs would take .* for chains at 51 steps"):
        study(ARTICLE)


def test_a_study_says_what_it_is(tiny):
    assert repr(tiny) == "SeedStudy(20 seeds, 4 of 4 steps, 9 states)"


def test_a_marked_run_that_diverges_after_the_recorded_steps_is_told(few):
    hot = replace(few, train_config=replace(few.train_config, learning_rate=1e30, steps=5))
    early = replace(hot, steps=few.steps[:1], probs=few.probs[:, :1])
    with pytest.raises(DivergedError, match="The GPT of seed 4242 did not stay finite"):
        early.mark(4242)
