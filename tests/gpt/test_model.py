from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import babygpt as bg
from babygpt.errors import ContextError, SettingError
from babygpt.gpt.model import seeded, seeded_gpt

UNTRAINED_P0 = [0.4963350, 0.4515704, 0.4964836, 0.4518111, 0.4961162, 0.4517718, 0.4962803, 0.4520468]
EIGHT = torch.tensor([[s >> 2 & 1, s >> 1 & 1, s & 1] for s in range(8)])


def n_parameters(V, K, layers, C, bias):
    """Count by hand: embeddings, final LayerNorm, and per block two LayerNorms and four linear maps."""
    block = 2 * 2 * C + 12 * C * C + (3 * C + C + 4 * C + C) * bias
    return V * C + K * C + 2 * C + layers * block


def loud_gpt(config, seed, scale=0.4):
    """Return a GPT whose weights are large enough for its logits to matter."""
    gpt = seeded_gpt(config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * scale)
    return gpt


def test_article_gpt_has_12656_parameters():
    gpt = bg.GPT(bg.GPTConfig(block_size=3, vocab_size=2, n_layer=4, n_head=4, n_embd=16, bias=False))
    assert gpt.n_parameters == 12_656


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("V", "K", "layers", "C"), [(2, 3, 4, 16), (3, 4, 4, 64), (5, 1, 1, 4), (29, 7, 2, 12)])
def test_parameter_counts_are_those_counted_by_hand(V, K, layers, C, bias):
    gpt = seeded_gpt(bg.GPTConfig(K, V, layers, 2, C, bias), 0)
    assert gpt.n_parameters == n_parameters(V, K, layers, C, bias)


def test_three_symbols_and_context_four_at_width_64_have_198208_parameters():
    config = bg.GPTConfig(block_size=4, vocab_size=3, n_layer=4, n_head=4, n_embd=64)
    assert seeded_gpt(config, 0).n_parameters == 198_208


def test_manual_seed_1337_gives_the_articles_untrained_probabilities():
    torch.manual_seed(1337)
    gpt = bg.GPT(bg.GPTConfig(block_size=3, vocab_size=2, n_layer=4, n_head=4, n_embd=16, bias=False))
    p = torch.softmax(gpt(EIGHT).double(), dim=-1)
    np.testing.assert_allclose(p[:, 0].detach().numpy(), UNTRAINED_P0, atol=1e-6)


def test_seeded_gpt_draws_what_manual_seed_leads_to():
    config = bg.GPTConfig(5, 3, 2, 2, 8, True)
    torch.manual_seed(99)
    by_hand = bg.GPT(config).state_dict()
    for name, weight in seeded_gpt(config, 99).state_dict().items():
        assert torch.equal(weight, by_hand[name])


def test_different_seeds_draw_different_weights():
    a, b = (seeded_gpt(bg.GPTConfig(), seed).wte.weight for seed in (1, 2))
    assert not torch.equal(a, b)


def test_seeding_a_gpt_leaves_the_global_generators_as_they_were():
    torch.manual_seed(5)
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    seeded_gpt(bg.GPTConfig(), 1337)
    with pytest.raises(RuntimeError), seeded(1):  # noqa: PT012
        torch.rand(3)
        raise RuntimeError
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_equal(np.random.get_state(), before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


def test_threads_that_draw_at_once_each_get_the_weights_of_their_seed():
    config = bg.GPTConfig(3, 2, 2, 1, 4)
    alone = [seeded_gpt(config, seed).state_dict() for seed in range(8)]
    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # let threads interrupt each other wherever they can
    try:
        with ThreadPoolExecutor(8) as pool:
            together = [list(pool.map(lambda seed: seeded_gpt(config, seed), range(8))) for _ in range(5)]
    finally:
        sys.setswitchinterval(often)
    for gpts in together:
        for gpt, expected in zip(gpts, alone, strict=True):
            assert all(torch.equal(weight, expected[name]) for name, weight in gpt.state_dict().items())


def test_a_seeded_block_within_another_draws_its_own_and_leaves_the_outer_ones_alone():
    with seeded(1):
        plain = torch.rand(4)
    with seeded(1):
        first = torch.rand(2)
        inner = seeded_gpt(bg.GPTConfig(), 7)
        second = torch.rand(2)
    assert torch.equal(torch.cat([first, second]), plain)
    assert torch.equal(inner.wte.weight, seeded_gpt(bg.GPTConfig(), 7).wte.weight)


@pytest.mark.parametrize("seed", [-1, 0.5, "1", 2**63])
def test_seeded_refuses_what_is_no_seed(seed):
    with pytest.raises(SettingError, match="seed="):
        seeded_gpt(bg.GPTConfig(), seed)


def test_a_numpy_integer_is_a_seed():
    a, b = seeded_gpt(bg.GPTConfig(), np.int64(7)), seeded_gpt(bg.GPTConfig(), 7)
    assert torch.equal(a.wte.weight, b.wte.weight)


def test_initial_weights_have_gpt2_spreads():
    gpt = seeded_gpt(bg.GPTConfig(8, 50, 3, 4, 128, True), 0)
    for name, weight in gpt.named_parameters():
        if name.endswith("c_proj.weight"):
            assert weight.std().item() == pytest.approx(0.02 / 6**0.5, rel=0.05)
        elif name.endswith("weight") and weight.dim() == 2:
            assert weight.std().item() == pytest.approx(0.02, rel=0.07)
        else:
            assert torch.equal(weight, torch.full_like(weight, float(name.endswith("weight"))))


def test_embedding_and_output_head_are_one_matrix():
    gpt = seeded_gpt(bg.GPTConfig(), 0)
    assert gpt.wte.weight is gpt.lm_head.weight


def test_layer_norms_keep_their_bias_where_linear_maps_have_none():
    names = [name for name, _ in seeded_gpt(bg.GPTConfig(n_layer=2), 0).named_parameters()]
    assert sorted(n for n in names if n.endswith("bias")) == [
        "h.0.ln_1.bias", "h.0.ln_2.bias", "h.1.ln_1.bias", "h.1.ln_2.bias", "ln_f.bias",
    ]  # fmt: skip


def test_forward_gives_the_logits_of_the_last_position():
    gpt = loud_gpt(bg.GPTConfig(4, 3, 2, 2, 8), 0)
    idx = torch.tensor([[0, 1, 2], [2, 2, 0]])
    assert gpt(idx).shape == (2, 3)
    assert gpt.logits(idx).shape == (2, 3, 3)
    assert gpt.hidden(idx).shape == (2, 3, 8)
    torch.testing.assert_close(gpt(idx), gpt.logits(idx)[:, -1])


def test_what_is_said_after_a_prefix_does_not_depend_on_what_follows():
    gpt = loud_gpt(bg.GPTConfig(5, 3, 3, 2, 8), 1)
    idx = torch.tensor([[0, 1, 2, 1, 0], [0, 1, 2, 2, 2]])
    whole = gpt.logits(idx)
    torch.testing.assert_close(whole[0, :3], whole[1, :3])
    assert not torch.allclose(whole[0, 3], whole[1, 3])
    for t in range(1, 6):
        torch.testing.assert_close(gpt(idx[:, :t]), whole[:, t - 1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 4), (1, 0), (3,), (1, 1, 3)])
def test_contexts_of_the_wrong_shape_are_refused_with_the_limit(shape):
    gpt = seeded_gpt(bg.GPTConfig(), 0)
    with pytest.raises(ContextError, match=r"idx has shape .*1 to 3 tokens.*last 3"):
        gpt(torch.zeros(shape, dtype=torch.long))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("V", "K", "layers", "heads", "C"), [(2, 3, 4, 4, 16), (5, 6, 2, 1, 12), (11, 9, 3, 8, 32)])
def test_logits_equal_those_of_a_transformers_gpt2_with_the_same_weights(V, K, layers, heads, C, bias):
    from transformers import GPT2Config, GPT2LMHeadModel

    ours = loud_gpt(bg.GPTConfig(K, V, layers, heads, C, bias), seed=V + bias)
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=V, n_positions=K, n_embd=C, n_layer=layers, n_head=heads, activation_function="gelu",
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None,
            attn_implementation="eager", use_cache=False,
        )
    ).eval()  # fmt: skip
    weights = {}
    for name, value in ours.state_dict().items():
        linear_in_block = name.startswith("h.") and "ln_" not in name and name.endswith("weight")
        key = name if name == "lm_head.weight" else f"transformer.{name}"
        weights[key] = value.T if linear_in_block else value  # theirs store (in, out)
    for name, value in theirs.state_dict().items():
        if name not in weights:
            assert not bias
            assert name.endswith((".c_attn.bias", ".c_proj.bias", ".c_fc.bias"))
            weights[name] = torch.zeros_like(value)
    theirs.load_state_dict(weights, strict=True)
    idx = torch.randint(V, (40, K), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = theirs(idx).logits
        assert expected.std() > 0.3  # loud enough to tell a difference
        torch.testing.assert_close(ours.logits(idx), expected, atol=2e-4, rtol=1e-4)
        torch.testing.assert_close(ours(idx[:, :1]), expected[:, 0], atol=2e-4, rtol=1e-4)
