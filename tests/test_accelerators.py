"""What a graphics card computes: the same as the processor, within rounding. Skipped where there is none."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import babygpt as bg
from babygpt.gpt.compute import available_devices
from babygpt.gpt.model import seeded_gpt
from babygpt.lens.inside import look_inside
from babygpt.run.blocks import members_at_once
from babygpt.run.training import Training

ARTICLE = "111101111011110"
CARDS = [name for name in available_devices() if name != "cpu"]
pytestmark = pytest.mark.skipif(not CARDS, reason="there is no accelerator here")


@pytest.fixture(params=CARDS or ["none"])
def card(request):
    return request.param


SHAPES = {
    "article": {},
    "with a bias": {"bias": True, "n_layer": 2},
    "three symbols": {"block_size": 4, "vocab_size": 3, "n_head": 2},
    "wide": {"n_embd": 64, "n_layer": 1, "n_head": 8},
}


def test_the_articles_training_is_the_same(card, article_run):
    run = bg.train(ARTICLE, device=card)
    np.testing.assert_allclose(run.losses, article_run.losses, rtol=1e-4)
    np.testing.assert_allclose(run.chain.probs, article_run.chain.probs, atol=1e-4)
    np.testing.assert_allclose(run.chain_at(25).probs, article_run.chain_at(25).probs, atol=1e-4)


@pytest.mark.parametrize("settings", [{"positions": "all"}, {"batch_size": 5}, {"bias": True, "n_layer": 2}])
def test_training_is_the_same_however_it_is_done(card, settings):
    ours, theirs = (bg.train(ARTICLE, steps=20, device=device, **settings) for device in (card, "cpu"))
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=2e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_row_of_the_chain_is_what_the_gpt_predicts(card, shape):
    config = bg.GPTConfig(**SHAPES[shape])
    gpt = seeded_gpt(config, 3)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.mul_(3)
    there = copy.deepcopy(gpt).to(card)
    ours, theirs = bg.context_table(there), bg.context_table(gpt)
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_contexts_read_prefix_by_prefix_are_the_same(card):
    gpt = seeded_gpt(bg.GPTConfig(block_size=14), 0)
    with torch.no_grad():
        for parameter in gpt.parameters():
            if parameter.dim() > 1:
                parameter.mul_(3)
    theirs = bg.context_table(gpt)
    np.testing.assert_allclose(bg.context_table(gpt.to(card)), theirs, atol=2e-5)


def test_a_model_of_ones_own_is_asked_where_it_is(card):
    torch.manual_seed(0)
    own = torch.nn.Sequential(torch.nn.Embedding(3, 8), torch.nn.Linear(8, 3)).to(card)
    chain = bg.MarkovChain.from_model(own, "abc", context_length=2)
    np.testing.assert_allclose(chain.probs.sum(1), 1)
    with torch.no_grad():
        expected = torch.softmax(own(torch.tensor([2], device=card)), -1).cpu().numpy()[0]
    np.testing.assert_allclose(list(chain["ac"].values()), expected, atol=1e-6)


def test_what_is_saved_there_is_loaded_and_goes_on_here(card, tmp_path):
    folder = bg.train(ARTICLE, steps=10, device=card).save(tmp_path / "run")
    again = bg.Run.load(folder)
    np.testing.assert_array_equal(again.chain.log_probs, bg.Run.load(folder).chain.log_probs)
    assert next(again.gpt.parameters()).device.type == "cpu"


def test_many_at_once_are_each_trained_as_alone(card):
    ours = bg.Ensemble.train(ARTICLE, seeds=range(5), steps=20, device=card)
    theirs = bg.Ensemble.train(ARTICLE, seeds=range(5), steps=20)
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=2e-4)
    np.testing.assert_allclose(ours.log_probs, theirs.log_probs, atol=2e-3)


def test_many_seeds_are_one_block_there_and_the_same_as_in_several_here(card):
    how = {"steps": 3, "record": "all"}
    ours, theirs = (bg.Ensemble.train(ARTICLE, seeds=range(300), device=device, **how) for device in (card, "cpu"))
    sizes = [members_at_once(ours.config, len(ours.corpus.contexts), 300, device) for device in (card, "cpu")]
    assert sizes == [300, 100]
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=2e-4)
    np.testing.assert_allclose(ours.tables, theirs.tables, atol=1e-3)


def test_effects_of_tokens_are_the_same(card):
    ours, theirs = (bg.attribute("1110100", steps=5, device=device) for device in (card, "cpu"))
    np.testing.assert_allclose(ours.effects, theirs.effects, atol=1e-3)


def test_what_is_inside_is_the_same(card):
    gpt = seeded_gpt(bg.GPTConfig(), 1337)
    here = look_inside(gpt, [1, 0, 1])
    there = look_inside(gpt.to(card), [1, 0, 1])
    np.testing.assert_allclose(there.attention, here.attention, atol=1e-5)
    np.testing.assert_allclose(there.probs, here.probs, atol=1e-5)


def test_a_training_that_was_stopped_there_goes_on_there(card, tmp_path):
    whole = bg.train(ARTICLE, steps=20, device=card)
    again = bg.Run.load(bg.train(ARTICLE, steps=12, device=card).save(tmp_path / "part"))
    training = Training.resume(again, 20)
    for _ in training:
        pass
    assert training.result().train_config.device == card
    np.testing.assert_allclose(training.result().losses, whole.losses, rtol=1e-5)


def test_the_command_line_trains_there_and_goes_on(card, babygpt, tmp_path):
    told = babygpt("train", ARTICLE, "--device", card, "--out", "run")
    assert told.exit_code == 0, told.stderr
    assert bg.Run.load(tmp_path / "run").losses[-1] == pytest.approx(bg.train(ARTICLE).losses[-1], rel=1e-4)
    resumed = babygpt("train", "--resume", "run", "--steps", "60")
    assert resumed.exit_code == 0, resumed.stderr
    longer = bg.train(ARTICLE, steps=60).losses[-1]
    assert bg.Run.load(tmp_path / "run").losses[-1] == pytest.approx(longer, rel=1e-3)
