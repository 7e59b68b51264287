from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

import babygpt as bg
from babygpt.chain.extract import context_table, log_softmax
from babygpt.errors import SizeError
from babygpt.gpt.model import seeded_gpt

UNTRAINED_P0 = [0.4963350, 0.4515704, 0.4964836, 0.4518111, 0.4961162, 0.4517718, 0.4962803, 0.4520468]


def random_gpt(seed):
    """Return a GPT of random shape with weights loud enough for its answers to differ."""
    rng = np.random.default_rng(seed)
    V, K = int(rng.integers(2, 6)), int(rng.integers(1, 6))
    heads = int(rng.choice([1, 2, 4]))
    config = bg.GPTConfig(
        block_size=K,
        vocab_size=V,
        n_layer=int(rng.integers(1, 4)),
        n_head=heads,
        n_embd=heads * int(rng.integers(1, 7)),
        bias=bool(rng.integers(2)),
    )
    gpt = seeded_gpt(config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.6)
    return gpt


def answers(gpt):
    """softmax(gpt(context)) for every context of 1 to K tokens, each length asked whole, no prefix shared."""
    config = gpt.config
    for t in range(1, config.block_size + 1):
        contexts = torch.tensor(list(product(range(config.vocab_size), repeat=t)))
        with torch.no_grad():
            yield torch.softmax(gpt(contexts).double(), dim=-1).numpy()


def assert_knows(chain, gpt):
    *short, full = answers(gpt)
    np.testing.assert_allclose(chain.probs, full, atol=1e-5)
    if short:
        np.testing.assert_allclose(np.exp(chain.short_log_probs), np.concatenate(short), atol=1e-5)


@pytest.mark.parametrize("seed", range(24))
def test_every_row_of_the_chain_is_the_softmax_of_the_gpt_there(seed):
    gpt = random_gpt(seed)
    chain = bg.MarkovChain.from_model(gpt)
    assert_knows(chain, gpt)
    assert np.abs(chain.probs.sum(axis=1) - 1).max() <= 1e-14
    if gpt.config.block_size > 1:
        assert np.abs(np.exp(chain.short_log_probs).sum(axis=1) - 1).max() <= 1e-14


def test_random_gpts_of_these_tests_have_opinions():
    spread = [np.ptp(bg.MarkovChain.from_model(random_gpt(seed)).probs) for seed in range(24)]
    assert np.median(spread) > 0.5


def test_each_context_asked_alone_in_double_precision_agrees():
    gpt = random_gpt(3)
    V, K = gpt.config.vocab_size, gpt.config.block_size
    chain = bg.MarkovChain.from_model(gpt)
    double = random_gpt(3).double()
    for t in range(1, K + 1):
        for context in list(product(range(V), repeat=t))[:40]:
            with torch.no_grad():
                expected = torch.softmax(double(torch.tensor([context]))[0], dim=-1).numpy()
            np.testing.assert_allclose(np.exp(chain.row(list(context))), expected, atol=1e-5)


def test_table_holds_short_contexts_before_states_in_double_precision():
    table = context_table(seeded_gpt(bg.GPTConfig(), 0))
    assert table.shape == (14, 2)
    assert table.dtype == np.float64


def test_a_context_of_one_token_has_no_shorter_ones():
    gpt = seeded_gpt(bg.GPTConfig(block_size=1, vocab_size=3), 0)
    assert context_table(gpt).shape == (3, 3)
    assert bg.MarkovChain.from_model(gpt).short_log_probs is None


def test_untrained_article_chain_through_manual_seed():
    torch.manual_seed(1337)
    gpt = bg.GPT(bg.GPTConfig(block_size=3, vocab_size=2, n_layer=4, n_head=4, n_embd=16, bias=False))
    np.testing.assert_allclose(bg.MarkovChain.from_model(gpt).probs[:, 0], UNTRAINED_P0, atol=1e-6)


def test_extraction_leaves_gpt_gradients_and_generator_alone():
    gpt = seeded_gpt(bg.GPTConfig(), 0)
    before = torch.get_rng_state(), {n: p.clone() for n, p in gpt.state_dict().items()}, torch.is_grad_enabled()
    context_table(gpt)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert all(torch.equal(p, before[1][n]) for n, p in gpt.state_dict().items())
    assert torch.is_grad_enabled() == before[2]
    assert all(p.grad is None for p in gpt.parameters())


def test_small_changes_of_a_parameter_change_the_arrows_by_little():
    gpt = seeded_gpt(bg.GPTConfig(), 1337)
    before = bg.MarkovChain.from_model(gpt).probs
    moves = []
    for _ in range(2):
        with torch.no_grad():
            gpt.wte.weight[0, 0] += 1e-3
        moves.append(np.abs(bg.MarkovChain.from_model(gpt).probs - before).max())
    assert 0 < moves[0] < 1e-2
    assert moves[1] == pytest.approx(2 * moves[0], rel=0.1)


def test_a_gpt_with_too_many_states_is_refused_before_anything_is_allocated():
    gpt = seeded_gpt(bg.GPTConfig(block_size=40, n_layer=1, n_head=1, n_embd=2), 0)
    with pytest.raises(SizeError, match=r"1,099,511,627,776 states.*16\.0 TiB.*context_length=26"):
        bg.MarkovChain.from_model(gpt)


def test_log_softmax_agrees_with_torch_on_large_and_small_logits():
    logits = np.random.default_rng(0).normal(size=(50, 7)) * 10.0 ** np.arange(-3, 4)
    expected = torch.log_softmax(torch.from_numpy(logits), dim=-1).numpy()
    np.testing.assert_allclose(log_softmax(logits), expected, rtol=1e-13, atol=1e-13)


def test_a_cold_softmax_keeps_finite_log_probabilities_where_probabilities_underflow():
    out = log_softmax(np.array([[2000.0, 0.0, -2000.0]]))
    np.testing.assert_array_equal(out, [[0.0, -2000.0, -4000.0]])
