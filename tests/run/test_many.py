from __future__ import annotations

import math
import time
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

import babygpt as bg
from babygpt.gpt.fast.stacked import StackedTrainer
from babygpt.run import blocks
from babygpt.run import many as module
from babygpt.run.blocks import blocks_of
from babygpt.run.many import Trainings, train_many

TEXTS = ["111101111011110", "000000000011", "011011011011011"]
SHAPE = bg.GPTConfig(3, 2, 2, 2, 8)


@pytest.mark.parametrize(
    "settings", [{}, {"positions": "all"}, {"batch_size": 5}, {"positions": "all", "batch_size": 4}], ids=str
)
def test_members_with_data_of_their_own_are_the_runs_on_that_data(settings):
    corpora = [bg.Corpus.from_text(text, 3, "01") for text in TEXTS]
    how = bg.TrainConfig(steps=20, learning_rate=1e-2, **settings)
    trained = train_many(corpora, [7, 7, 8], SHAPE, how, [0, 20], threads=1)
    for place, (text, seed) in enumerate(zip(TEXTS, [7, 7, 8], strict=True)):
        run = bg.train(
            text, 3, 20, seed, learning_rate=1e-2, n_layer=2, n_head=2, n_embd=8, vocabulary="01", **settings
        )
        np.testing.assert_allclose(trained.losses[place], run.losses, atol=1e-5)
        np.testing.assert_allclose(np.exp(trained.tables[place, 1, -8:]), run.chain.probs, atol=2e-4)
        np.testing.assert_allclose(np.exp(trained.tables[place, 0, -8:]), run.chain_at(0).probs, atol=1e-6)


def test_one_corpus_for_all_and_the_same_corpus_for_each_agree_to_the_last_bit():
    corpus = bg.Corpus.from_text(TEXTS[0], 3)
    how = bg.TrainConfig(steps=5)
    shared = train_many(corpus, [1, 2], SHAPE, how, [5], threads=1)
    each = train_many([corpus, corpus], [1, 2], SHAPE, how, [5], threads=1)
    assert np.array_equal(shared.tables, each.tables)
    assert np.array_equal(shared.losses, each.losses)


@pytest.mark.parametrize(("block", "threads"), [(1, 1), (2, 3)])
def test_every_member_keeps_its_own_data_however_they_are_blocked(monkeypatch, block, threads):
    corpora = [bg.Corpus.from_text(text, 3, "01") for text in TEXTS]
    how = bg.TrainConfig(steps=10, learning_rate=1e-2)
    whole = train_many(corpora, [1, 1, 1], SHAPE, how, [10], threads=1)
    monkeypatch.setattr(blocks, "MAX_BLOCK", block)
    parts = train_many(corpora, [1, 1, 1], SHAPE, how, [10], threads=threads)
    np.testing.assert_allclose(parts.tables, whole.tables, atol=1e-5)
    assert np.ptp(whole.tables, axis=0).max() > 0.1  # the data does matter


def test_weights_are_kept_only_where_they_are_wanted():
    corpus = bg.Corpus.from_text(TEXTS[0], 3)
    how = bg.TrainConfig(steps=2)
    kept = train_many(corpus, [1, 2], SHAPE, how, [2], threads=1)
    lean = train_many(corpus, [1, 2], SHAPE, how, [2], threads=1, keep_weights=False)
    assert kept.weights.keys() == SHAPE.parameter_shapes.keys()
    assert lean.weights == {}
    assert np.array_equal(lean.tables, kept.tables)


# -- a piece at a time -------------------------------------------------------------------------------------


def test_what_goes_on_piece_by_piece_ends_as_what_is_trained_at_once_to_the_last_bit():
    corpora = [bg.Corpus.from_text(text, 3, "01") for text in TEXTS]
    how, recorded = bg.TrainConfig(steps=5, learning_rate=1e-2), [0, 3]
    once = train_many(corpora, [1, 1, 1], SHAPE, how, recorded, threads=2)
    trainings = Trainings(corpora, [1, 1, 1], SHAPE, how, recorded)
    pieces = 0
    while not trainings.done:
        trainings.advance(until=time.perf_counter())
        pieces += 1
    assert pieces == len(recorded) + how.steps + 1  # the last keeps the weights
    for name in ("losses", "tables"):
        assert np.array_equal(getattr(trainings.results, name), getattr(once, name))
    assert all(np.array_equal(weights, once.weights[name]) for name, weights in trainings.results.weights.items())
    trainings.advance(until=time.perf_counter())  # there is nothing left to do


def test_what_is_known_so_far_can_be_read_and_what_is_not_is_told():
    corpus, how = bg.Corpus.from_text(TEXTS[0], 3), bg.TrainConfig(steps=3)
    whole = train_many(corpus, [1, 2, 3], SHAPE, how, [0, 2], threads=1)
    trainings = Trainings(corpus, [1, 2, 3], SHAPE, how, [0, 2], blocks=blocks_of(3, 2, first=1))
    for _ in range(6 + 3):  # the first alone to its end, and two steps of the others
        assert not trainings.done
        trainings.advance(until=time.perf_counter())
    results = trainings.results
    assert trainings.n_read.tolist() == [2, 1, 1]
    assert np.isnan(results.losses).tolist() == [[False] * 3] + [[False, False, True]] * 2
    np.testing.assert_allclose(results.losses[:, :2], whole.losses[:, :2], atol=1e-6)
    np.testing.assert_allclose(results.tables[:, 0], whole.tables[:, 0], atol=1e-6)
    np.testing.assert_allclose(results.tables[0], whole.tables[0], atol=1e-6)
    trainings.advance()
    assert trainings.done
    np.testing.assert_allclose(results.tables, whole.tables, atol=1e-6)  # the same arrays, filled


def test_probabilities_alone_are_those_of_the_tables_and_training_ends_with_the_last_that_is_asked_for():
    corpus, how = bg.Corpus.from_text(TEXTS[0], 3), bg.TrainConfig(steps=9)
    lean = Trainings(corpus, [1, 2], SHAPE, how, [0, 4], keep=["probs"])
    lean.advance()
    tables = train_many(corpus, [1, 2], SHAPE, how, [0, 4], threads=1).tables
    assert np.array_equal(lean.results.probs, np.exp(tables[:, :, -8:]).astype(np.float32))
    assert (lean.results.losses.size, lean.results.tables.size, lean.results.weights) == (0, 0, {})
    assert lean.done


def test_probabilities_are_none_from_where_a_loss_is_no_number(monkeypatch):
    step = StackedTrainer.step

    def breaks(trainer):
        losses = step(trainer)
        losses[1] = math.nan if trainer.steps_done == 3 else losses[1]
        return losses

    monkeypatch.setattr(StackedTrainer, "step", breaks)
    trainings = Trainings(
        bg.Corpus.from_text(TEXTS[0], 3), [1, 2], SHAPE, bg.TrainConfig(steps=6), [2, 3, 6], keep=["probs"]
    )
    trainings.advance()
    assert np.isnan(trainings.results.probs).all(axis=(2, 3)).tolist() == [[False] * 3, [False, True, True]]


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_is_told_within_a_block_too(monkeypatch, threads):
    monkeypatch.setattr(module, "PIECE", 0.0)
    heard = []
    corpus, how = bg.Corpus.from_text(TEXTS[0], 3), bg.TrainConfig(steps=4)
    train_many(corpus, [1, 2], SHAPE, how, [4], threads, progress=lambda *now: heard.append(now))
    assert set(heard) == {(2 * step, 8) for step in range(5)}
    assert heard == sorted(heard)


# -- what memory holds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "n_members", "n_frames", "need", "advice"),
    [
        ((14,), 30, 1, "30 GPTs would take 15.0 MiB for chains at 1 step and 1.5 MiB",
         "There is room for 17: try fewer seeds or a shorter context than context_length=14."),
        ((3,), 1000, 1, "1,000 GPTs would take 218.8 KiB for chains at 1 step and 48.3 MiB",
         "There is room for 196: try fewer seeds or a smaller width than n_embd=16."),
        ((3,), 1000, 500, "1,000 GPTs would take 106.8 MiB for chains at 500 steps and 48.3 MiB",
         "There is room for 61: try fewer seeds or fewer recorded steps."),
        ((14,), 1, 51, "1 GPT would take 25.5 MiB for chains at 51 steps and 50.1 KiB", "Try fewer recorded steps."),
        ((20,), 1, 51, "1 GPT would take 1.6 GiB for chains at 51 steps and 50.5 KiB",
         "Try a shorter context than context_length=20."),
    ],
)  # fmt: skip
def test_what_is_too_large_is_named_and_what_would_be_smaller(monkeypatch, shape, n_members, n_frames, need, advice):
    config = bg.GPTConfig(*shape)
    corpus = bg.Corpus.from_text("01" * shape[0], shape[0])
    how = bg.TrainConfig(steps=n_frames)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10**7))
    with pytest.raises(bg.SizeError) as error:
        train_many(corpus, range(n_members), config, how, range(n_frames))
    assert str(error.value) == f"{need} for weights; 9.5 MiB of memory are free. {advice}"


def test_a_gpt_that_alone_is_too_large_is_told_the_largest_that_fits(monkeypatch):
    corpus, how = bg.Corpus.from_text("000111", 3), bg.TrainConfig(steps=1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10**8))
    with pytest.raises(bg.SizeError) as error:
        train_many(corpus, range(9), bg.GPTConfig(n_embd=512), how, [1])
    said = str(error.value)
    assert said.startswith("A GPT of 12,594,688 parameters takes about 338")
    assert said.endswith(" MiB to train; 95.4 MiB of memory are free. Try n_embd=268, the largest that fits.")
    train_many(corpus, [1], bg.GPTConfig(n_embd=268), how, [1])
    with pytest.raises(bg.SizeError, match="n_embd=268"):
        train_many(corpus, [1], bg.GPTConfig(n_embd=272), how, [1])


def test_weights_that_are_not_kept_need_no_room(monkeypatch):
    corpus, config, how = bg.Corpus.from_text(TEXTS[0], 3), bg.GPTConfig(3), bg.TrainConfig(steps=1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10**4))
    with pytest.raises(bg.SizeError, match="Try a smaller width than n_embd=16"):
        train_many(corpus, [1], config, how, [1])
    assert len(train_many(corpus, [1], config, how, [1], keep_weights=False).tables) == 1
    with pytest.raises(bg.SizeError, match=r"^50 GPTs would take 10.9 KiB for chains at 1 step; 9.8 KiB"):
        train_many(corpus, range(50), config, how, [1], keep_weights=False)
