from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

import babygpt as bg
from babygpt.chain import extract
from babygpt.errors import DivergedError, SequenceError, SettingError, SizeError
from babygpt.gpt.compute import workers
from babygpt.run import blocks
from babygpt.run import many as module

ARTICLE = "111101111011110"
TINY = {"n_layer": 1, "n_head": 1, "n_embd": 4, "steps": 3}


@pytest.fixture(scope="module")
def small():
    return bg.Ensemble.train(ARTICLE, seeds=[1337, 0, 2], record="all")


def test_each_seed_is_its_own_run_within_rounding(small):
    for place, seed in enumerate([1337, 0]):
        run = bg.train(ARTICLE, seed=seed)
        np.testing.assert_allclose(small.losses[place], run.losses, atol=2e-6)
        np.testing.assert_allclose(np.exp(small.tables[place]), np.exp(run.history.table), atol=2e-4)
        np.testing.assert_allclose(small.chain(seed).probs, run.chain.probs, atol=2e-4)


def test_the_articles_run_is_among_them(small):
    np.testing.assert_allclose(small.losses[0][[0, 1, 49]], [0.663539469, 0.639351010, 0.4699831], atol=1e-5)
    after = [0.7316, 0.7814, 0.7578, 0.7956, 0.7475, 0.7929, 0.7799, 0.4536]
    np.testing.assert_allclose(small.probs[0, :, 1], after, atol=2e-4)


def test_shapes_are_seeds_by_states_by_tokens(small):
    assert small.log_probs.shape == small.probs.shape == (3, 8, 2)
    assert small.losses.shape == (3, 50)
    assert small.tables.shape == (3, 51, 14, 2)
    assert small.steps.tolist() == list(range(51))
    assert small.seeds.tolist() == [1337, 0, 2]
    assert len(small) == 3
    assert small.weights["h.0.attn.c_attn.weight"].shape == (3, 48, 16)
    assert not small.diverged.any()
    np.testing.assert_allclose(small.probs.sum(axis=2), 1, atol=1e-14)


def test_the_untrained_frame_is_the_seeds_untrained_chain(small):
    for place, seed in enumerate(small.seeds):
        untrained = bg.train(ARTICLE, seed=int(seed), steps=1).chain_at(0)
        np.testing.assert_allclose(np.exp(small.log_probs_at(0))[place], untrained.probs, atol=1e-6)


def test_a_seeds_gpt_says_what_its_chain_says(small):
    chain = bg.MarkovChain.from_model(small.gpt(2), "01")
    np.testing.assert_allclose(chain.probs, small.chain(2).probs, atol=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"positions": "all", "bias": True, "weight_decay": 0.0},
        {"batch_size": 4, "learning_rate": 1e-2},
        {"context_length": 1, "vocabulary": "012"},
    ],
)
def test_settings_mean_what_they_mean_for_one_run(settings):
    settings = TINY | settings
    many = bg.Ensemble.train(ARTICLE, seeds=[5, 6], **settings)
    for seed in (5, 6):
        run = bg.train(ARTICLE, seed=seed, **settings)
        np.testing.assert_allclose(many.chain(seed).probs, run.chain.probs, atol=2e-5)
        assert many.chain(seed).vocabulary == run.chain.vocabulary


def test_a_corpus_brings_its_own_context_length():
    corpus = bg.Corpus.from_text("abcabc" * 5, 2)
    many = bg.Ensemble.train(corpus, seeds=range(2), **TINY)
    assert many.log_probs.shape == (2, 9, 3)


def test_chains_too_large_for_one_pass_are_read_prefix_by_prefix(monkeypatch):
    once = bg.Ensemble.train(ARTICLE, seeds=range(3), **TINY)
    monkeypatch.setattr(module, "FORWARD_TOKENS", 0)
    monkeypatch.setattr(extract, "FORWARD_TOKENS", 0)
    np.testing.assert_allclose(bg.Ensemble.train(ARTICLE, seeds=range(3), **TINY).tables, once.tables, atol=1e-6)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("block", [1, 2, 100])
def test_blocks_and_threads_change_nothing_but_the_last_digits(monkeypatch, block, threads):
    whole = bg.Ensemble.train(ARTICLE, seeds=range(5), threads=1, record=[0, 3], **TINY)
    monkeypatch.setattr(blocks, "MAX_BLOCK", block)
    parts = bg.Ensemble.train(ARTICLE, seeds=range(5), threads=threads, record=[0, 3], **TINY)
    np.testing.assert_allclose(parts.tables, whole.tables, atol=1e-5)
    np.testing.assert_allclose(parts.losses, whole.losses, atol=1e-6)


@pytest.mark.parametrize(
    ("record", "steps"), [("last", [3]), ("all", [0, 1, 2, 3]), ([3, 0, 0], [0, 3]), (range(2), [0, 1])]
)
def test_record_chooses_the_steps(record, steps):
    many = bg.Ensemble.train(ARTICLE, seeds=[1], record=record, **TINY)
    assert many.steps.tolist() == steps
    assert np.isfinite(many.tables).all()


def test_progress_rises_to_the_end_on_the_callers_thread(monkeypatch):
    monkeypatch.setattr(blocks, "MAX_BLOCK", 2)
    heard = []
    bg.Ensemble.train(
        ARTICLE, seeds=range(7), progress=lambda *now: heard.append((*now, threading.current_thread())), **TINY
    )
    assert [done for done, _, _ in heard] == sorted(done for done, _, _ in heard)
    assert heard[-1][:2] == (21, 21)
    assert len(heard) > 1
    assert {thread for _, _, thread in heard} == {threading.current_thread()}


def test_what_progress_raises_ends_the_training_and_leaves_torch_as_it_was(monkeypatch):
    monkeypatch.setattr(blocks, "MAX_BLOCK", 1)
    before = torch.get_num_threads(), torch.get_rng_state()

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bg.Ensemble.train(ARTICLE, seeds=range(50), steps=2, n_layer=1, progress=stop)
    assert torch.get_num_threads() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert workers("train", torch.get_num_threads()).submit(lambda: 1).result(timeout=10) == 1


def test_a_seed_that_diverges_is_marked_and_disturbs_no_other():
    many = bg.Ensemble.train(ARTICLE, seeds=range(3), learning_rate=1e30, **TINY)
    assert many.diverged.all()
    with pytest.raises(DivergedError, match="smaller learning rate"):
        many.chain(0)
    quiet = bg.Ensemble.train(ARTICLE, seeds=range(3), **TINY)
    assert not quiet.diverged.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": []}, "There are no seeds"),
        ({"seeds": [1, 2, 1]}, "more than once"),
        ({"seeds": [-1]}, "seed=-1"),
        ({"seeds": [0.5]}, "seed=0.5"),
        ({"seeds": 5}, "no list of seeds"),
        ({"record": "some"}, "record='some'"),
        ({"record": 3}, "record=3"),
        ({"record": []}, "at least one"),
        ({"record": [51]}, "from 0 to 50"),
        ({"steps": 0}, "steps=0"),
        ({"threads": 0}, "threads=0"),
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"n_embd": 10}, "n_embd=10"),
    ],
)
def test_settings_that_mean_nothing_are_told(arguments, message):
    with pytest.raises(SettingError, match=message):
        bg.Ensemble.train(ARTICLE, **arguments)


def test_a_sequence_too_short_is_told():
    with pytest.raises(SequenceError):
        bg.Ensemble.train("01", seeds=[1])


def test_seeds_and_steps_that_are_not_there_are_told():
    many = bg.Ensemble.train(ARTICLE, seeds=[1], **TINY)
    with pytest.raises(SettingError, match="no seed 2"):
        many.chain(2)
    with pytest.raises(SettingError, match="no seed 2"):
        many.gpt(2)
    with pytest.raises(SettingError, match="Step 1 was not recorded"):
        many.chain(1, step=1)
    with pytest.raises(SettingError, match="Step 1 was not recorded"):
        many.log_probs_at(1)


def test_what_would_not_fit_is_refused_before_any_work(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10**6))
    monkeypatch.setattr(module, "side_by_side", lambda *_: pytest.fail("work began"))
    with pytest.raises(SizeError, match=r"1,024 GPTs would take .* at 51 steps and .* MiB for weights; .* free"):
        bg.Ensemble.train(ARTICLE, record="all")
    with pytest.raises(SizeError, match="context_length=40"):
        bg.Ensemble.train("01" * 30, context_length=40)


def test_an_ensemble_says_what_it_is(small):
    assert "3 seeds, 50 steps" in repr(small)
    assert "8 states" in repr(small)
