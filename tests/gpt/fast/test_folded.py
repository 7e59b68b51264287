from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import babygpt as bg
from babygpt.chain.contexts import all_contexts
from babygpt.gpt.fast.folded import SAFE_SCORE, FoldedGPT
from babygpt.gpt.model import seeded_gpt


@st.composite
def gpts(draw):
    """Return a GPT in float64 of any small shape, quiet or loud, whose LayerNorms have gains and shifts."""
    heads = draw(st.integers(1, 3))
    config = bg.GPTConfig(
        block_size=draw(st.integers(1, 4)),
        vocab_size=draw(st.integers(2, 5)),
        n_layer=draw(st.integers(1, 3)),
        n_head=heads,
        n_embd=heads * draw(st.integers(1, 5)),
        bias=draw(st.booleans()),
    )
    seed = draw(st.integers(0, 10**6))
    return shaken(seeded_gpt(config, seed).double(), seed, draw(st.sampled_from([1e-4, 0.1, 0.5, 2.0])))


def shaken(gpt, seed, loudness):
    """Add noise to every weight of ``gpt``."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype) * loudness)
    return gpt


def states(gpt):
    return torch.from_numpy(all_contexts(gpt.config.vocab_size, gpt.config.block_size))


def read(folded, n_head, context):
    """Read one context with folded weights, written out plainly: the logits after each token, and the widest mean."""
    x = folded.wte[:, context] + folded.wpe[:, : len(context)]  # (C, T)
    C, T = x.shape
    furthest = x.mean(dim=0).abs().max()
    ones, causal = torch.ones(1, T), torch.ones(T, T).triu().bool()

    def normalised():
        return torch.cat((x / ((x * x).sum(dim=0) + folded.epsilon).sqrt(), ones))

    for block in folded.blocks:
        q, k, v = (block.qkv @ normalised()).view(3, n_head, C // n_head, T)
        scores = (k.transpose(1, 2) @ q).where(causal, torch.tensor(-math.inf))  # (H, earlier, later)
        weights = torch.exp2(scores - scores.amax(dim=1, keepdim=True))
        y = v @ (weights / weights.sum(dim=1, keepdim=True))
        x = x + block.attn_proj @ y.reshape(C, T) + (0 if block.attn_bias is None else block.attn_bias)
        hidden = torch.nn.functional.gelu(block.fc @ normalised())
        x = x + block.mlp_proj @ hidden + (0 if block.mlp_bias is None else block.mlp_bias)
        furthest = max(furthest, x.mean(dim=0).abs().max() / x.abs().max().clamp(min=1))
    return (folded.head @ normalised()).T, furthest


@given(gpts(), st.data())
def test_folded_weights_read_plainly_say_what_the_gpt_says_after_each_token(gpt, data):
    config = gpt.config
    tokens = st.lists(st.integers(0, config.vocab_size - 1), min_size=1, max_size=config.block_size)
    context = torch.tensor(data.draw(tokens))
    with torch.no_grad():
        said, furthest = read(FoldedGPT.of(gpt), config.n_head, context)
        expected = gpt.logits(context[None])[0]
    assert (said - expected).abs().max() <= 1e-10 * max(1, float(expected.abs().max()))
    assert furthest <= 1e-12  # the mean is off the residual stream all along, so that no LayerNorm need take it off


def largest_scores(gpt):
    """Return, for each layer, the largest |score| in powers of two that any token of any context gives another."""
    said = []
    handles = [block.attn.c_attn.register_forward_hook(lambda *hooked: said.append(hooked[2])) for block in gpt.h]
    with torch.no_grad():
        gpt(states(gpt))
    for handle in handles:
        handle.remove()
    C, H = gpt.config.n_embd, gpt.config.n_head
    largest = []
    for qkv in said:
        q, k, _ = qkv.unflatten(-1, (3, H, C // H)).permute(2, 0, 3, 1, 4)  # (N, H, K, D) each
        scores = q @ k.transpose(2, 3) * math.log2(math.e) / math.sqrt(C // H)
        largest.append(float(scores.tril().abs().max()))
    return largest


def test_scores_of_a_layer_that_is_not_sharp_never_exceed_what_float32_can_sum():
    met = []

    @given(gpts())
    def check(gpt):
        for block, largest in zip(FoldedGPT.of(gpt).blocks, largest_scores(gpt), strict=True):
            met.append((block.sharp, largest))
            assert block.sharp or largest <= SAFE_SCORE

    check()
    assert max(largest for sharp, largest in met if sharp) > SAFE_SCORE
    assert max(largest for sharp, largest in met if not sharp) > SAFE_SCORE / 10  # the bound is no idle one


@pytest.mark.parametrize("part", ["weight", "bias"])
def test_queries_and_keys_just_below_and_above_the_safe_score_tell_sharp_layers_apart(part):
    """One head of width 2 whose queries and keys are known: no longer than a multiple of what LayerNorm gives, √2."""
    gpt = seeded_gpt(bg.GPTConfig(2, 3, 1, 1, 2, True), 0).double()
    attention = gpt.h[0].attn.c_attn
    for factor, sharp in [(0.999, False), (1.001, True)]:
        length = math.sqrt(SAFE_SCORE * factor * math.sqrt(2) / math.log2(math.e))
        with torch.no_grad():
            attention.weight.zero_()
            attention.bias.zero_()
            if part == "weight":
                attention.weight[:4] = torch.eye(2).repeat(2, 1) * length / math.sqrt(2)
            else:
                attention.bias[[0, 2]] = length
        assert FoldedGPT.of(gpt).blocks[0].sharp == sharp
        if part == "bias":
            assert largest_scores(gpt) == pytest.approx([SAFE_SCORE * factor])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_layer_with_a_weight_that_is_no_number_is_sharp(bad):
    gpt = seeded_gpt(bg.GPTConfig(n_layer=2), 0)
    with torch.no_grad():
        gpt.h[1].attn.c_attn.weight[0, 0] = bad
    assert [block.sharp for block in FoldedGPT.of(gpt).blocks] == [False, True]


@pytest.mark.parametrize(
    ("given_in", "computes_in"),
    [(torch.float64, torch.float64), (torch.float32, torch.float32), (torch.float16, torch.float32)],
)
def test_folded_weights_are_double_if_the_gpts_are_and_single_otherwise(given_in, computes_in):
    folded = FoldedGPT.of(seeded_gpt(bg.GPTConfig(bias=True), 0).to(given_in))
    tensors = [folded.wte, folded.wpe, folded.head]
    for block in folded.blocks:
        tensors += [t for t in vars(block).values() if isinstance(t, torch.Tensor)]
    assert {t.dtype for t in tensors} == {computes_in}
    assert len(tensors) == 3 + 4 * 6
    assert not any(t.requires_grad for t in tensors)
    assert all(t.is_contiguous() for t in tensors)


def test_shapes_are_those_of_the_docstring():
    K, V, C = 3, 5, 8
    folded = FoldedGPT.of(seeded_gpt(bg.GPTConfig(K, V, 1, 2, C, True), 0))
    assert [tuple(t.shape) for t in (folded.wte, folded.wpe, folded.head)] == [(C, V), (C, K), (V, C + 1)]
    block = folded.blocks[0]
    assert [tuple(t.shape) for t in vars(block).values() if isinstance(t, torch.Tensor)] == [
        (3 * C, C + 1), (C, C), (C, 1), (4 * C, C + 1), (C, 4 * C), (C, 1),
    ]  # fmt: skip


def test_a_gpt_without_biases_has_none_folded():
    block = FoldedGPT.of(seeded_gpt(bg.GPTConfig(bias=False), 0)).blocks[0]
    assert block.attn_bias is None
    assert block.mlp_bias is None


def test_folding_copies_and_leaves_the_gpt_as_it_was():
    gpt = shaken(seeded_gpt(bg.GPTConfig(bias=True), 0).double(), 0, 0.5)
    before = {name: weight.clone() for name, weight in gpt.state_dict().items()}
    folded, again = FoldedGPT.of(gpt), FoldedGPT.of(gpt)
    assert all(torch.equal(weight, before[name]) for name, weight in gpt.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in gpt.parameters())
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.zero_()
    for block, other in zip([folded, *folded.blocks], [again, *again.blocks], strict=True):
        for name, tensor in vars(block).items():
            if isinstance(tensor, torch.Tensor):
                assert torch.equal(tensor, vars(other)[name])
