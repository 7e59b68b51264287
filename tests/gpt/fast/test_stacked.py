from __future__ import annotations

import numpy as np
import pytest
import torch

import babygpt as bg
from babygpt.gpt.fast.stacked import StackedTrainer, as_modules, draw, logits_of, logits_of_all
from babygpt.gpt.model import seeded_gpt
from babygpt.gpt.train import Trainer

ARTICLE = "111101111011110"
SHAPES = [
    bg.GPTConfig(),
    bg.GPTConfig(5, 3, 2, 3, 9, bias=True),
    bg.GPTConfig(1, 7, 1, 1, 3),
    bg.GPTConfig(4, 2, 3, 2, 4, bias=True),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_drawn_weights_are_those_of_each_seeds_own_gpt_number_by_number(shape):
    seeds = [0, 1337, 2**63 - 1]
    weights = as_modules(draw(shape, seeds))
    for place, seed in enumerate(seeds):
        named = dict(seeded_gpt(shape, seed).named_parameters())
        assert weights.keys() == named.keys()
        for name, parameter in named.items():
            assert torch.equal(weights[name][place], parameter), name


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    draw(bg.GPTConfig(), [1, 2])
    assert torch.equal(torch.get_rng_state(), before)


def loud(shape, seeds):
    """Return weights with gains, shifts and biases that are not 1 and 0, and a generator."""
    weights = draw(shape, seeds)
    generator = torch.Generator().manual_seed(0)
    for weight in weights.values():
        weight.add_(torch.randn(weight.shape, generator=generator) * 0.4)
    return weights, generator


@pytest.mark.parametrize("shape", SHAPES)
def test_every_gpt_says_what_it_says_alone(shape):
    seeds = [3, 4, 5]
    weights, generator = loud(shape, seeds)
    contexts = torch.randint(shape.vocab_size, (6, shape.block_size), generator=generator)
    modules = as_modules(weights)
    last, every = logits_of(weights, shape, contexts), logits_of(weights, shape, contexts, last_only=False)
    for place in range(len(seeds)):
        gpt = seeded_gpt(shape, 0)
        with torch.no_grad():
            for name, parameter in gpt.named_parameters():
                parameter.copy_(modules[name][place])
            torch.testing.assert_close(last[place], gpt(contexts), atol=2e-5, rtol=1e-4)
            torch.testing.assert_close(every[place], gpt.logits(contexts), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_after_each_context_short_or_not_it_says_what_it_says_of_that_context_alone(shape):
    weights, _ = loud(shape, [3, 4])
    said = logits_of_all(weights, shape)
    at = 0
    for length in range(1, shape.block_size + 1):
        contexts = torch.cartesian_prod(*[torch.arange(shape.vocab_size)] * length).view(-1, length)
        alone = logits_of(weights, shape, contexts)
        torch.testing.assert_close(said[:, at : at + len(contexts)], alone, atol=2e-5, rtol=1e-4)
        at += len(contexts)
    assert said.shape == (2, at, shape.vocab_size)


@pytest.mark.parametrize("shape", [bg.GPTConfig(), bg.GPTConfig(3, 2, 2, 2, 8, bias=True)])
@pytest.mark.parametrize("positions", ["last", "all"])
@pytest.mark.parametrize("batch_size", [None, 5])
def test_in_double_precision_each_is_trained_as_it_would_be_alone(shape, positions, batch_size):
    seeds = [7, 8]
    corpus = bg.Corpus.from_text(ARTICLE, 3)
    config = bg.TrainConfig(steps=20, positions=positions, batch_size=batch_size, learning_rate=1e-2)
    weights = {name: weight.double() for name, weight in draw(shape, seeds).items()}
    together = StackedTrainer(weights, seeds, shape, corpus, config)
    losses = np.array([together.step().numpy() for _ in range(20)])
    for place, seed in enumerate(seeds):
        gpt = seeded_gpt(shape, seed).double()
        alone = Trainer(gpt, corpus, bg.TrainConfig(**{**vars(config), "seed": seed}))
        np.testing.assert_allclose(losses[:, place], [alone.step().loss for _ in range(20)], atol=1e-9)
        for name, parameter in gpt.named_parameters():
            stacked = as_modules(together.weights)[name][place]
            torch.testing.assert_close(stacked, parameter.detach(), atol=1e-7, rtol=1e-7, check_dtype=True)
