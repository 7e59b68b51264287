"""What a notebook sets for all of torch changes no number of ours: a seed means the same weights everywhere."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager

import numpy as np
import pytest
import torch

import babygpt as bg
from babygpt.chain.extract import context_table
from babygpt.gpt.fast.stacked import draw
from babygpt.gpt.model import seeded_gpt
from babygpt.lens.inside import look_inside
from babygpt.run.training import Training

ARTICLE = "111101111011110"
SMALL = {"steps": 4, "n_layer": 1, "n_head": 2, "n_embd": 8}
DEEP = bg.GPTConfig(block_size=10, n_layer=2, n_head=2, n_embd=8)  # read prefix by prefix


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def default_device(name):
    torch.set_default_device(name)
    try:
        yield
    finally:
        torch.set_default_device(None)


DEFAULTS = {
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "device meta": lambda: default_device("meta"),
    "with meta": lambda: torch.device("meta"),
    "no gradients": torch.no_grad,
}


def training():
    run = bg.train(ARTICLE)
    return [run.losses, run.chain.log_probs, *run.weights.values(), *run.optimizer.values()]


def training_of_all_positions_in_batches():
    run = bg.train(ARTICLE, positions="all", batch_size=5, **SMALL)
    return [run.losses, run.chain.log_probs, *run.weights.values()]


def a_run_that_is_saved_loaded_and_gone_on_from():
    with tempfile.TemporaryDirectory() as folder:
        bg.train(ARTICLE, **SMALL).save(f"{folder}/run")
        training = Training.resume(bg.Run.load(f"{folder}/run"), 8)
        losses = [step.loss for step in training]
        return [np.array(losses), training.result().chain.log_probs]


def an_ensemble():
    ensemble = bg.Ensemble.train(ARTICLE, range(3), **SMALL)
    again = bg.MarkovChain.from_model(ensemble.gpt(2)).probs
    return [ensemble.losses, ensemble.tables, *ensemble.weights.values(), again]


def a_study_of_seeds():
    return [bg.study(ARTICLE, seeds=range(5), **SMALL).probs]


def an_attribution():
    found = bg.attribute(ARTICLE, seeds=range(2), **SMALL)
    return [found.base, found.changed]


def first_weights():
    gpt = seeded_gpt(DEEP, 5)
    stacked = draw(DEEP, [5, 6])
    return [*(p.detach().numpy() for p in gpt.parameters()), *(weights.numpy() for weights in stacked.values())]


def an_extraction():
    return [context_table(seeded_gpt(DEEP, 5)), context_table(seeded_gpt(bg.GPTConfig(), 5))]


def a_foreign_model():
    weights = torch.randn(3, 4, generator=torch.Generator("cpu").manual_seed(0), dtype=torch.float32, device="cpu")
    both = weights @ weights.T
    return [bg.MarkovChain.from_model(lambda idx: both[idx].cumsum(1), context_length=3).probs]


def a_look_inside():
    inside = look_inside(seeded_gpt(bg.GPTConfig(), 1337), [1, 0, 1])
    return [inside.attention, inside.probs]


ALL = [
    training, training_of_all_positions_in_batches, a_run_that_is_saved_loaded_and_gone_on_from, an_ensemble,
    a_study_of_seeds, an_attribution, first_weights, an_extraction, a_foreign_model, a_look_inside,
]  # fmt: skip


@pytest.mark.parametrize("result", ALL, ids=lambda result: result.__name__)
def test_nothing_changes_with_what_torch_takes_by_default(result):
    plain = result()
    for default in DEFAULTS.values():
        with default():
            changed = result()
        for one, other in zip(plain, changed, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["float64", "float16", "bfloat16"])
def test_the_articles_numbers_come_out_whatever_the_default_dtype(name):
    with DEFAULTS[name]():
        torch.manual_seed(1337)
        gpt = bg.GPT(bg.GPTConfig(block_size=3, vocab_size=2, n_layer=4, n_head=4, n_embd=16, bias=False))
        assert {p.dtype for p in gpt.parameters()} == {torch.float32}
        assert bg.MarkovChain.from_model(gpt)["101"]["0"] == pytest.approx(0.4517718, abs=1e-6)
        assert bg.train(ARTICLE, steps=1).losses[0] == pytest.approx(0.663539469, abs=1e-6)


def test_a_gpt_is_built_where_torch_builds_modules_and_draws_the_same_there():
    with torch.device("meta"):
        assert bg.GPT().wte.weight.is_meta
        assert not bg.GPT(device="cpu").wte.weight.is_meta
    torch.manual_seed(3)
    before = torch.get_rng_state()
    bg.GPT(device="meta")  # nothing to draw
    assert torch.equal(torch.get_rng_state(), before)
    gpt = bg.GPT(device="cpu")
    expected = seeded_gpt(bg.GPTConfig(), 3)
    assert all(torch.equal(a, b) for a, b in zip(gpt.parameters(), expected.parameters(), strict=True))
    assert gpt.wte.weight is gpt.lm_head.weight
