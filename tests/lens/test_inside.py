from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from babygpt.errors import ContextError, ModelError
from babygpt.gpt.config import GPTConfig
from babygpt.gpt.model import seeded_gpt
from babygpt.lens.inside import look_inside

CONFIG = GPTConfig(block_size=4, vocab_size=3, n_layer=3, n_head=2, n_embd=8, bias=True)


@pytest.fixture(scope="module")
def gpt():
    gpt = seeded_gpt(CONFIG, seed=5)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.mul_(8)  # so that attention is far from even
    return gpt


@given(st.lists(st.integers(0, 2), min_size=1, max_size=4))
def test_each_position_shares_itself_out_among_itself_and_what_came_before(gpt, context):
    attention = look_inside(gpt, context).attention
    assert attention.shape == (3, 2, len(context), len(context))
    assert np.allclose(attention.sum(axis=-1), 1)
    assert (np.triu(attention, 1) == 0).all()


def test_the_weights_are_those_of_transformers_gpt2(gpt):
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=3, n_positions=4, n_embd=8, n_layer=3, n_head=2, activation_function="gelu",
        attn_implementation="eager",
    )  # fmt: skip
    witness = transformers.GPT2Model(config).eval()
    with torch.no_grad():
        for name, parameter in witness.named_parameters():
            ours = dict(gpt.named_parameters())[name]
            transposed = name.split(".")[-2].startswith("c_") and parameter.dim() == 2  # its Conv1D keeps (in, out)
            parameter.copy_(ours.T if transposed else ours)
        said = witness(torch.tensor([[2, 0, 1, 1]]), output_attentions=True)
    expected = torch.cat(said.attentions).numpy()
    assert np.allclose(look_inside(gpt, [2, 0, 1, 1]).attention, expected, atol=1e-6)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=4))
def test_the_last_layers_opinion_is_what_the_gpt_says(gpt, context):
    with torch.no_grad():
        said = gpt(torch.tensor([context]))[0].double().softmax(dim=-1).numpy()
    assert np.allclose(look_inside(gpt, context).probs[-1], said, atol=1e-6)


def test_before_the_first_layer_only_the_newest_token_and_its_place_are_known(gpt):
    a, b = look_inside(gpt, [0, 1, 2, 1]), look_inside(gpt, [2, 2, 0, 1])
    assert np.array_equal(a.probs[0], b.probs[0])
    assert not np.allclose(a.probs[-1], b.probs[-1])


def test_layers_that_write_nothing_change_no_opinion():
    gpt = seeded_gpt(CONFIG, seed=5)
    with torch.no_grad():
        for name, parameter in gpt.named_parameters():
            if "c_proj" in name:
                parameter.zero_()
    probs = look_inside(gpt, [0, 1, 2]).probs
    assert np.allclose(probs, probs[0])


@pytest.mark.parametrize("context", [[], [0, 1, 2, 0, 1], [3], [-1]])
def test_what_is_no_context_is_refused(gpt, context):
    with pytest.raises(ContextError, match="1 to 4 tokens from 0 to 2"):
        look_inside(gpt, context)


def test_a_gpt_that_was_changed_is_shown_as_it_is():
    gpt = seeded_gpt(CONFIG, seed=5)
    plain = look_inside(gpt, [0, 1, 2])
    gpt.h[1].attn.c_attn.register_forward_hook(lambda module, given, out: 0 * out)  # all scores are 0: even weights
    gpt.h[2].register_forward_hook(lambda module, given, out: 3 * out)
    inside = look_inside(gpt, [0, 1, 2])
    assert np.allclose(inside.attention[0], plain.attention[0])
    assert np.allclose(inside.attention[1], np.tril(np.ones((3, 3))) / [[1], [2], [3]])
    with torch.no_grad():
        expected = gpt(torch.tensor([[0, 1, 2]])).double().softmax(dim=-1)[0].numpy()
    assert np.allclose(inside.probs[-1], expected, atol=1e-6)


def test_looking_leaves_the_gpt_as_it_was(gpt):
    look_inside(gpt, [0, 1, 2])
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in gpt.h)


def test_a_layer_without_attention_is_refused():
    gpt = seeded_gpt(CONFIG, seed=5)
    gpt.h[1] = torch.nn.Identity()
    with pytest.raises(ModelError, match=r"Layer 1 .* 0 times"):
        look_inside(gpt, [0, 1, 2])
