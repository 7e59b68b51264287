from __future__ import annotations

import numpy as np
import pytest
import torch

import babygpt as bg
from babygpt.lab import sources, task
from babygpt.lab.spec import SweepSpec
from babygpt.lab.task import batches_of, compute
from babygpt.run.trace import SCALARS

ARTICLE = "111101111011110"


def batches(fixed=None, outcomes=("last_loss",), done=(), **grid):
    spec = SweepSpec.of({"fixed": {"sequence": ARTICLE} | (fixed or {}), "grid": grid, "outcomes": list(outcomes)})
    return batches_of(spec.groups(), spec.outcomes, done)


# -- a batch is its trainings, each alone ------------------------------------------------------------------


@pytest.mark.parametrize(
    "fixed",
    [
        {},
        {"positions": "all", "context_length": 4, "n_embd": 8, "n_head": 2, "bias": True},
        {"sequence": "the cat sat on the mat the cat", "tokens": "words", "context_length": 2, "batch_size": 3},
        {"sequence": "0120210", "vocabulary": "0123", "context_length": 2, "weight_decay": 0.5, "learning_rate": 0.01},
    ],
    ids=["article", "all-positions", "words-in-batches", "vocabulary"],
)
def test_a_batch_gives_what_each_training_gives_alone(fixed):
    outcomes = ("first_loss", "last_loss", "floor", "gap", "losses", "probs", "entropy_rate", "loss")
    [batch] = batches({"steps": 12, "n_layer": 2} | fixed, outcomes, seed=[3, 1337, 5])
    settings = {"sequence": ARTICLE} | {"steps": 12, "n_layer": 2} | fixed
    for seed, row in zip(batch.seeds, compute(batch), strict=True):
        run = bg.train(seed=seed, **settings)
        assert row["status"] == "done"
        assert row["losses"] == pytest.approx(run.losses, abs=1e-5)
        assert (row["first_loss"], row["last_loss"]) == (row["losses"][0], row["losses"][-1])
        assert row["probs"].reshape(run.chain.probs.shape) == pytest.approx(run.chain.probs, abs=2e-5)
        assert row["floor"] == pytest.approx(run.corpus.loss_floor(run.train_config.positions), abs=1e-12)
        assert row["gap"] == pytest.approx(run.losses[-1] - row["floor"], abs=1e-5)
        assert row["entropy_rate"] == pytest.approx(run.chain.entropy_rate(), abs=1e-4)
        assert row["loss"] == pytest.approx(run.chain.loss_decomposition(run.corpus).loss, abs=1e-4)


def test_the_articles_run_gives_the_articles_scalars():
    [batch] = batches(outcomes=SCALARS, seed=[1337])
    [row] = compute(batch)
    assert row["entropy_rate"] == pytest.approx(0.56821, abs=1e-5)
    assert row["second_eigenvalue"] == pytest.approx(0.6175, abs=1e-4)
    assert row["kemeny_constant"] == pytest.approx(6.2496, abs=1e-4)
    assert row["mixing_time"] == 4
    assert row["remark"] is None
    assert all(isinstance(row[name], float) for name in SCALARS)


def test_a_scalar_that_has_no_value_is_told_and_the_others_are_kept(monkeypatch):
    def too_large(chain, corpus):
        raise bg.SizeError("There are too many states for this.")

    monkeypatch.setitem(SCALARS, "kemeny_constant", ("tokens", too_large))
    [batch] = batches({"steps": 2}, ("kemeny_constant", "entropy_rate"))
    [row] = compute(batch)
    assert row["status"] == "done"
    assert row["kemeny_constant"] is None
    assert row["entropy_rate"] > 0
    assert row["remark"] == "kemeny_constant: There are too many states for this."


def test_a_training_that_diverges_is_told_and_leaves_the_others_as_they_are():
    [batch] = batches(
        {"steps": 6, "learning_rate": 1e30}, ("last_loss", "losses", "probs", "entropy_rate"), seed="0..2"
    )
    for row in compute(batch):
        assert row["status"] == "diverged"
        assert row["remark"].startswith("The loss was no longer a finite number after step ")
        assert (row["last_loss"], row["probs"], row["entropy_rate"]) == (None, None, None)
        step = int(row["remark"].removesuffix(".").split()[-1])
        assert np.isfinite(row["losses"][:step]).all()
        assert not np.isfinite(row["losses"][step:]).any()


@pytest.mark.parametrize(
    ("error", "remark"),
    [
        (bg.SizeError("The memory does not suffice."), "The memory does not suffice."),
        (MemoryError(), "The memory ran out for this training. Try a smaller n_embd, a shorter context, or fewer jobs "
         "at a time."),
        (RuntimeError("torch is cross"), "RuntimeError: torch is cross"),
    ],
)  # fmt: skip
def test_whatever_fails_is_told_in_the_results(monkeypatch, error, remark):
    def fail(*args, **settings):
        raise error

    monkeypatch.setattr(bg.Ensemble, "of", fail)
    [batch] = batches(seed=[1, 2])
    assert compute(batch) == [{"status": "failed", "remark": remark}] * 2


def test_a_source_is_judged_by_its_truth():
    fixed = {"sequence": "source:golden_mean(p=0.5)", "source_tokens": 3000, "source_seed": 5, "context_length": 2}
    [batch] = batches(fixed | {"steps": 60}, ("optimal_loss", "cross_entropy", "excess", "floor"), seed=[7])
    [row] = compute(batch)
    source = sources.golden_mean(0.5)
    run = bg.train(source.sample(3000, 5), 2, 60, 7)
    assert row["optimal_loss"] == pytest.approx(2 / 3 * np.log(2), abs=1e-12)
    assert row["excess"] == pytest.approx(bg.judge(run, source).excess, abs=1e-5)
    assert row["cross_entropy"] == pytest.approx(row["optimal_loss"] + row["excess"], abs=1e-12)
    assert row["floor"] == pytest.approx(run.floor, abs=1e-12)


def test_torchs_threads_are_left_as_they_were(three_threads):
    [batch] = batches({"steps": 2})
    compute(batch)
    assert torch.get_num_threads() == 3


def test_the_random_numbers_of_others_are_left_as_they_were():
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    expected = torch.rand(1), np.random.rand()  # noqa: NPY002
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    compute(batches({"steps": 2}, seed=[1, 2])[0])
    assert (torch.rand(1), np.random.rand()) == expected  # noqa: NPY002


# -- how tasks fall into batches ---------------------------------------------------------------------------


def test_batches_hold_each_task_once_and_differ_in_seeds_alone():
    found = batches(n_layer=[1, 2], seed="0..149")
    assert sum(len(batch.seeds) for batch in found) == 300
    assert len({key for batch in found for key in batch.keys}) == 300
    assert {len(batch.seeds) for batch in found} == {50}


def test_what_is_done_is_left_out_and_the_rest_stays_in_its_batches():
    first = batches(n_layer=[1, 2], seed="0..149")
    gone = {key for batch in first[:2] for key in batch.keys} | {first[2].keys[0]}
    rest = batches(n_layer=[1, 2], seed="0..149", done=gone)
    assert [batch.seeds for batch in rest] == [first[2].seeds[1:], *(batch.seeds for batch in first[3:])]


def test_large_gpts_are_trained_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(task, "BATCH_NUMBERS", 3 * 4 * 12_656 + 1000)
    assert [len(batch.seeds) for batch in batches(seed="0..6")] == [3, 2, 2]
    monkeypatch.setattr(task, "BATCH_NUMBERS", 1)
    assert [len(batch.seeds) for batch in batches(seed="0..2")] == [1, 1, 1]


def test_large_chains_are_read_a_few_at_a_time():
    small, large = (batches({"context_length": K, "sequence": ARTICLE * 3}, seed="0..63") for K in (3, 20))
    assert len(small) == 1
    assert max(len(batch.seeds) for batch in large) <= 8
