from __future__ import annotations

import numpy as np
import pytest
import torch

import babygpt as bg
from babygpt.errors import SettingError

UNTRAINED_P0 = [0.4963350, 0.4515704, 0.4964836, 0.4518111, 0.4961162, 0.4517718, 0.4962803, 0.4520468]


def test_step_zero_is_the_articles_untrained_chain(article_run):
    np.testing.assert_allclose(article_run.chain_at(0).probs[:, 0], UNTRAINED_P0, atol=1e-6)


def test_the_last_frame_is_the_chain_and_the_chain_is_the_gpt(article_run):
    eight = torch.tensor([[s >> 2 & 1, s >> 1 & 1, s & 1] for s in range(8)])
    with torch.no_grad():
        expected = torch.softmax(article_run.gpt(eight).double(), dim=-1).numpy()
    np.testing.assert_allclose(article_run.chain.probs, expected, atol=1e-6)
    np.testing.assert_array_equal(article_run.chain.probs, article_run.chain_at(50).probs)
    assert article_run.chain.vocabulary == article_run.corpus.vocabulary


def test_each_frame_has_the_loss_reported_for_its_step(article_run):
    corpus = article_run.corpus
    for step in (0, 1, 25, 49):
        log_probs = article_run.chain_at(step).log_probs[corpus.states]
        loss = -(corpus.counts * log_probs).sum() / corpus.n_examples
        assert article_run.losses[step] == pytest.approx(loss, abs=1e-6)


def test_losses_are_one_float_a_step(article_run):
    assert article_run.losses.dtype == np.float64
    assert article_run.losses.shape == (50,)
    assert article_run.steps == 50
    np.testing.assert_allclose(article_run.losses[[0, 1, 49]], [0.663539469, 0.639351010, 0.4699831], atol=1e-5)


def test_the_floor_is_that_of_the_positions_trained_on(article_run, small_run):
    assert article_run.floor == pytest.approx(np.log(2) / 2)
    all_positions = bg.train("111101111011110", steps=1, positions="all", n_layer=1, n_embd=4)
    assert all_positions.floor == all_positions.corpus.loss_floor("all") > article_run.floor


def test_asking_for_the_gpt_leaves_the_global_generator_alone(small_run):
    before = torch.get_rng_state()
    assert small_run.gpt.n_parameters == sum(w.size for w in small_run.weights.values())
    assert torch.equal(torch.get_rng_state(), before)


def test_the_runs_weights_do_not_change_with_its_gpt(small_run):
    before = small_run.weights["wte.weight"].copy()
    with torch.no_grad():
        small_run.gpt.wte.weight.zero_()
    np.testing.assert_array_equal(small_run.weights["wte.weight"], before)


def test_an_unrecorded_step_is_refused(article_run):
    with pytest.raises(SettingError, match="0 to 50"):
        article_run.chain_at(51)


def test_a_run_introduces_itself(article_run):
    assert repr(article_run) == "Run(50 steps, loss 0.6635 → 0.4700, floor 0.3466, 8 states)"
