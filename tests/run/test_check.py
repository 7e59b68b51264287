from __future__ import annotations

import doctest
from dataclasses import replace

import numpy as np
import pytest

import babygpt as bg
from babygpt.run import check as module
from babygpt.run.check import table_loss
from babygpt.run.history import History
from babygpt.run.training import Training

SMALL = {"n_layer": 1, "n_head": 1, "n_embd": 4, "steps": 8, "context_length": 2}
LAST, FIRST, LOSSES, FLOOR = (
    "the last chain, from the weights",
    "the first chain, from the seed",
    "the losses, from the chains",
    "no loss below the floor of the data",
)


def off(run):
    return {finding.what for finding in run.check().findings if finding.holds is False}


def test_examples_in_docstrings_hold():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"positions": "all"},
        {"positions": "all", "context_length": 4},
        {"context_length": 1, "bias": True},
        {"learning_rate": 1.0},
        {"batch_size": 3},
        {"frames": 2},
        {"sequence": "rain, sun, rain, rain, sun, clouds, sun", "tokens": "words"},
    ],
)
def test_a_run_as_it_was_trained_holds(settings, tmp_path):
    run = bg.train(**{"sequence": "0110101110010", **SMALL, **settings})
    again = bg.Run.load(run.save(tmp_path / "run"))
    assert off(again) == set()
    assert again.check().holds
    untold = {finding.what for finding in again.check().findings if finding.holds is None}
    assert untold == ({LOSSES} if "batch_size" in settings else set())


def test_the_articles_run_holds_with_room_to_spare(article_run):
    found = article_run.check()
    assert [finding.what for finding in found.findings] == [LAST, FIRST, LOSSES, FLOOR]
    assert max(finding.difference for finding in found.findings) < 1e-6
    assert repr(found) == "RunCheck(all holds)"


def test_a_resumed_run_holds():
    training = Training.resume(bg.train("0110101110010", **SMALL), 12)
    for _ in training:
        pass
    assert off(training.result()) == set()


def test_the_loss_of_a_table_is_the_mean_of_what_the_chain_answers(article_run):
    corpus, chain = article_run.corpus, article_run.chain
    losses = []
    for context, counts in zip(corpus.contexts.tolist(), corpus.counts, strict=True):
        for token, count in enumerate(counts.tolist()):
            window = [*context, token]
            losses += [[-chain.row(window[:t])[window[t]] for t in (1, 2, 3)]] * count
    table = bg.context_table(article_run.gpt)
    assert table_loss(table, corpus, "all") == pytest.approx(np.mean(losses), abs=1e-9)
    assert table_loss(table, corpus) == pytest.approx(np.mean(losses, axis=0)[-1], abs=1e-9)
    assert table_loss(table, corpus) == pytest.approx(chain.loss_decomposition(corpus).loss, abs=1e-9)


# -- runs that were tampered with ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run():
    return bg.train("0110101110010", **SMALL)


def changed(array, place=0, by=0.01):
    array = array.copy()
    array.reshape(-1)[place] += by
    return array


def test_changed_weights_are_found(run):
    for name in ("wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias", "h.0.mlp.c_proj.weight"):
        other = replace(run, weights={**run.weights, name: changed(run.weights[name], by=0.1)})
        assert off(other) == {LAST}, name


@pytest.mark.parametrize(
    ("frame", "expected"), [(0, {FIRST, LOSSES}), (-1, {LAST}), (3, {LOSSES})], ids=["first", "last", "middle"]
)
def test_a_changed_chain_is_found(run, frame, expected):
    table = run.history.table.copy()
    table[frame] = np.log(np.exp(table[frame]) * 0.99 + 0.01 / table.shape[-1])
    other = replace(run, history=History(run.history.steps, table, run.history.n_states))
    assert off(other) == expected


def test_a_changed_loss_seed_or_text_is_found(run):
    assert off(replace(run, losses=changed(run.losses, 5, 1e-4))) == {LOSSES}
    assert off(replace(run, losses=changed(run.losses, 5, -0.5))) == {LOSSES, FLOOR}
    assert off(replace(run, train_config=replace(run.train_config, seed=1))) == {FIRST}
    counts = run.corpus.counts + np.eye(len(run.corpus.counts), 2, dtype=np.int64)
    assert LOSSES in off(replace(run, corpus=replace(run.corpus, counts=counts)))
    assert off(replace(run, train_config=replace(run.train_config, positions="all"))) >= {LOSSES}
