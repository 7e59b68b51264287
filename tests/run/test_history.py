from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from babygpt.errors import SettingError
from babygpt.run.history import FramePlan, History, Recorder

powers = st.integers(0, 8).map(lambda e: 2**e)
some_plans = st.one_of(st.none(), st.just(0), powers).map(lambda m: FramePlan(m, np.float32))


def wanted(plan, steps):
    """Return the recorded steps of a whole training, asked one by one; the last is recorded besides."""
    return sorted({step for step in range(steps + 1) if plan.wants(step)} | {steps})


def history(steps, rows=3, n_states=2):
    table = np.arange(len(steps) * rows * 2, dtype=np.float64).reshape(len(steps), rows, 2)
    return History(np.array(steps), table, n_states)


@given(some_plans, st.integers(1, 3000))
def test_counting_frames_agrees_with_asking_for_each_step(plan, steps):
    assert plan.count(steps) == len(wanted(plan, steps))


@given(st.integers(1, 2000), st.integers(1, 40), st.integers(100, 100_000))
def test_a_plan_stays_within_its_budget_if_two_frames_do(steps, table_size, budget):
    plan = FramePlan.within(budget, steps, table_size)
    frames = len(wanted(plan, steps))
    if 2 * table_size * 4 <= budget:
        assert frames * table_size * np.dtype(plan.dtype).itemsize <= budget
    else:
        assert frames == 2


@given(st.integers(1, 2000), st.integers(1, 40), st.integers(100, 100_000))
def test_a_plan_thins_only_when_it_must_and_no_more_than_it_must(steps, table_size, budget):
    plan = FramePlan.within(budget, steps, table_size)
    if plan.dtype is np.float32:
        assert (steps + 1) * table_size * 8 > budget
    if plan.per_doubling is not None:
        assert (steps + 1) * table_size * 4 > budget
        finer = FramePlan(max(1, 2 * plan.per_doubling), np.float32)
        assert len(wanted(finer, steps)) * table_size * 4 > budget


@given(powers, st.integers(0, 5000))
def test_fewer_frames_per_doubling_are_some_of_the_more(m, step):
    finer, coarser = FramePlan(2 * m, np.float32), FramePlan(m, np.float32)
    assert finer.wants(step) or not coarser.wants(step)


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 30), st.integers(100, 50_000))
def test_a_longer_training_keeps_no_step_that_a_shorter_one_let_go(a, b, table_size, budget):
    short, long = sorted((a, b))
    first, second = (FramePlan.within(budget, steps, table_size) for steps in (short, long))
    assert all(first.wants(step) for step in range(short + 1) if second.wants(step))


def test_frames_per_doubling_are_what_they_say():
    plan = FramePlan(8, np.float32)
    for low in (16, 32, 512):
        assert sum(plan.wants(step) for step in range(low, 2 * low)) == 8
    assert all(plan.wants(step) for step in range(17))


def test_the_articles_run_keeps_every_frame_in_full_precision(article_run):
    assert article_run.history.steps.tolist() == list(range(51))
    assert article_run.history.exact
    assert article_run.history.log_probs.shape == (51, 8, 2)
    assert len(article_run.history) == 51


def test_frames_are_distributions_over_tokens(article_run):
    sums = np.exp(article_run.history.table).sum(axis=2)
    np.testing.assert_allclose(sums, 1, atol=1e-14)


def test_states_come_after_the_short_contexts_of_each_frame():
    h = history([0, 1])
    np.testing.assert_array_equal(h.log_probs, h.table[:, 1:])
    np.testing.assert_array_equal(h.frame(1), h.table[1])
    assert h.frame(np.int64(1)).shape == (3, 2)


def test_a_step_between_recorded_ones_names_both_neighbours():
    with pytest.raises(SettingError, match=r"Step 5 was not recorded\. The nearest recorded steps are 4 and 8\."):
        history([0, 1, 2, 4, 8]).frame(5)


@pytest.mark.parametrize("step", [-1, 9, 10**30])
def test_a_step_outside_the_run_names_its_range(step):
    with pytest.raises(SettingError, match=f"no step {step}: .*0 to 8"):
        history([0, 4, 8]).frame(step)


@pytest.mark.parametrize("step", [True, 1.0, "1", None])
def test_a_step_that_is_no_whole_number_is_refused(step):
    with pytest.raises(SettingError, match="whole number"):
        history([0, 1]).frame(step)


def test_frames_are_exact_in_float64_only():
    h = history([0, 1])
    assert h.exact
    assert not History(h.steps, h.table.astype(np.float32), 2).exact


def test_a_recorder_sorts_its_frames_and_ends_with_the_step_asked_for():
    recorder = Recorder(FramePlan(None, np.float64))
    for step in (3, 0, 1, 7):
        recorder.add(step, np.full((3, 2), float(step)))
    assert recorder.frame(7)[0, 0] == 7
    assert recorder.frame(2) is None
    h = recorder.history(2, np.full((3, 2), 2.0), 2)
    assert h.steps.tolist() == [0, 1, 2]
    assert h.table[:, 0, 0].tolist() == [0.0, 1.0, 2.0]
    assert recorder.frame(2) is None


def test_a_recorder_takes_over_only_what_its_plan_wants():
    recorder = Recorder(FramePlan(1, np.float32))
    recorder.take_over(history([0, 1, 2, 3, 4, 5]))
    h = recorder.history(5, np.zeros((3, 2)), 2)
    assert h.steps.tolist() == [0, 1, 2, 4, 5]
    assert h.table.dtype == np.float32


@pytest.mark.parametrize(("n_contexts", "frames"), [(14, 101), (4096, 101), (5000, 38), (2**15, 15), (2**20, 9)])
def test_chains_that_take_long_to_read_are_read_less_often(n_contexts, frames):
    plan = FramePlan.within(2**30, 100, 2 * n_contexts, n_contexts)
    recorded = [step for step in range(101) if plan.wants(step) or step == 100]
    assert len(recorded) == plan.count(100) == frames
    assert plan.dtype is np.float64


@given(steps=st.integers(1, 10**6), frames=st.integers(2, 2000))
def test_a_plan_of_fewer_frames_keeps_no_more_than_asked_for_and_more_than_half_of_them(steps, frames):
    plan = FramePlan.within(10**12, steps, 28, frames=frames)
    count = plan.count(steps)
    assert count <= frames
    assert count == steps + 1 or count > frames / 2
    assert plan.dtype is np.float64  # fewer frames are no reason to round them


@given(steps=st.integers(1, 3000), frames=st.integers(2, 300))
def test_fewer_frames_are_evenly_spaced_and_counted_rightly(steps, frames):
    plan = FramePlan.within(10**12, steps, 28, frames=frames)
    kept = [step for step in range(steps) if plan.wants(step)]
    assert len({*kept, steps}) == plan.count(steps)
    assert len({b - a for a, b in pairwise(kept)}) <= 1


@given(a=st.integers(1, 3000), b=st.integers(1, 3000), frames=st.integers(2, 300))
def test_a_longer_training_of_so_many_frames_keeps_no_step_that_a_shorter_one_let_go(a, b, frames):
    short, long = (FramePlan.within(10**12, steps, 28, frames=frames) for steps in (min(a, b), max(a, b)))
    assert all(short.wants(step) for step in range(min(a, b)) if long.wants(step))


def test_of_frames_that_fit_neither_wish_nor_budget_the_smaller_counts():
    budget = 40 * 8 * 10  # of 40 frames in full precision, or 80 rounded ones
    assert FramePlan.within(budget, 1000, 10, frames=20).count(1000) <= 20
    assert FramePlan.within(budget, 1000, 10, frames=10**6) == FramePlan.within(budget, 1000, 10)
    assert FramePlan.within(budget, 1000, 10, frames=45).dtype is np.float32
