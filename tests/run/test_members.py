from __future__ import annotations

import numpy as np
import pytest

import babygpt as bg
from babygpt.run import members as module
from babygpt.run.members import train_members

TEXTS = ["111101111011110", "000000000011", "011011011011011"]
SHAPE = bg.GPTConfig(3, 2, 2, 2, 8)


@pytest.mark.parametrize(
    "settings", [{}, {"positions": "all"}, {"batch_size": 5}, {"positions": "all", "batch_size": 4}], ids=str
)
def test_members_with_data_of_their_own_are_the_runs_on_that_data(settings):
    corpora = [bg.Corpus.from_text(text, 3, "01") for text in TEXTS]
    how = bg.TrainConfig(steps=20, learning_rate=1e-2, **settings)
    members = train_members(corpora, [7, 7, 8], SHAPE, how, [0, 20], threads=1)
    for place, (text, seed) in enumerate(zip(TEXTS, [7, 7, 8], strict=True)):
        run = bg.train(
            text, 3, 20, seed, learning_rate=1e-2, n_layer=2, n_head=2, n_embd=8, vocabulary="01", **settings
        )
        np.testing.assert_allclose(members.losses[place], run.losses, atol=1e-5)
        np.testing.assert_allclose(np.exp(members.tables[place, 1, -8:]), run.chain.probs, atol=2e-4)
        np.testing.assert_allclose(np.exp(members.tables[place, 0, -8:]), run.chain_at(0).probs, atol=1e-6)


def test_one_corpus_for_all_and_the_same_corpus_for_each_agree_to_the_last_bit():
    corpus = bg.Corpus.from_text(TEXTS[0], 3)
    how = bg.TrainConfig(steps=5)
    shared = train_members(corpus, [1, 2], SHAPE, how, [5], threads=1)
    each = train_members([corpus, corpus], [1, 2], SHAPE, how, [5], threads=1)
    assert np.array_equal(shared.tables, each.tables)
    assert np.array_equal(shared.losses, each.losses)


@pytest.mark.parametrize(("block", "threads"), [(1, 1), (2, 3)])
def test_every_member_keeps_its_own_data_however_they_are_blocked(monkeypatch, block, threads):
    corpora = [bg.Corpus.from_text(text, 3, "01") for text in TEXTS]
    how = bg.TrainConfig(steps=10, learning_rate=1e-2)
    whole = train_members(corpora, [1, 1, 1], SHAPE, how, [10], threads=1)
    monkeypatch.setattr(module, "MAX_BLOCK", block)
    parts = train_members(corpora, [1, 1, 1], SHAPE, how, [10], threads=threads)
    np.testing.assert_allclose(parts.tables, whole.tables, atol=1e-5)
    assert np.ptp(whole.tables, axis=0).max() > 0.1  # the data does matter


def test_weights_are_kept_only_where_they_are_wanted():
    corpus = bg.Corpus.from_text(TEXTS[0], 3)
    how = bg.TrainConfig(steps=2)
    kept = train_members(corpus, [1, 2], SHAPE, how, [2], threads=1)
    lean = train_members(corpus, [1, 2], SHAPE, how, [2], threads=1, keep_weights=False)
    assert kept.weights.keys() == SHAPE.parameter_shapes.keys()
    assert lean.weights == {}
    assert np.array_equal(lean.tables, kept.tables)
