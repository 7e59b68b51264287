from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import babygpt as bg
from babygpt.gpt import folded, prefixes
from babygpt.gpt.model import seeded_gpt
from babygpt.gpt.prefixes import Branch, Piece, PrefixTree
from babygpt.gpt.scratch import Scratch, scratch_of_this_thread


def loud_gpt(config, seed, loudness):
    """Return a GPT whose every parameter, gains and shifts included, is off its start by ``loudness``."""
    gpt = seeded_gpt(config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * loudness)
    return gpt


def contexts_of(piece, V):
    numbers = (np.array(piece.parents)[:, None] * V + np.array(piece.tokens)).ravel()
    return numbers, torch.from_numpy(numbers[:, None] // V ** np.arange(piece.length - 1, -1, -1) % V)


def read(tree, branches=None, whole=True, forks=1):
    """Yield every piece of the tree, growing what is not grown at once in any order."""
    waiting = [tree.root()] if branches is None else list(branches)
    while waiting:
        branch = waiting.pop(len(waiting) // 2)
        for found in tree.grow(branch, whole, forks):
            if isinstance(found, Branch):
                waiting.append(found)
            else:
                yield found


def assert_reads_all(gpt, tree, tolerance, **how):
    """Hold every answer against the GPT's own forward pass, and see that each context is read exactly once."""
    V, K = gpt.config.vocab_size, gpt.config.block_size
    seen = [np.zeros(V**t, dtype=int) for t in range(1, K + 1)]
    for piece in read(tree, **how):
        numbers, contexts = contexts_of(piece, V)
        seen[piece.length - 1][numbers] += 1
        with torch.no_grad():
            expected = gpt(contexts).log_softmax(dim=-1)
        torch.testing.assert_close(piece.logits.log_softmax(dim=0).T, expected, atol=tolerance, rtol=tolerance)
    assert all((times == 1).all() for times in seen)


@st.composite
def shapes(draw):
    V = draw(st.sampled_from([2, 2, 3, 4, 7, 30]))
    K = draw(st.integers(1, {2: 9, 3: 6, 4: 4, 7: 3, 30: 2}[V]))
    heads = draw(st.sampled_from([1, 2, 3]))
    width = heads * draw(st.sampled_from([1, 2, 5, 12]))
    return bg.GPTConfig(K, V, draw(st.integers(1, 3)), heads, width, draw(st.booleans()))


@settings(max_examples=120, deadline=None)
@given(shapes(), st.integers(0, 10**6), st.sampled_from([0.05, 0.5, 2.0]), st.booleans(), st.data())
def test_it_says_what_the_gpt_says_whatever_the_shape_and_however_it_is_cut(config, seed, loudness, whole, data):
    gpt = loud_gpt(config, seed, loudness).double()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prefixes, "CACHE_ACTIVATIONS", data.draw(st.sampled_from([1, 8, 40, 300, 2**18])) * config.n_embd)
        patch.setattr(prefixes, "LEAST_ROW", data.draw(st.sampled_from([2, 4, 9, 256])))
        patch.setattr(prefixes, "SPLIT_INTO", data.draw(st.sampled_from([2, 8, 27])))
        tree = PrefixTree(gpt)
        assert_reads_all(gpt, tree, 1e-9, whole=whole, forks=data.draw(st.sampled_from([1, 2, 5])) if not whole else 1)


@pytest.mark.parametrize("loudness", [0.02, 0.3])
def test_in_single_precision_it_agrees_to_rounding(loudness):
    gpt = loud_gpt(bg.GPTConfig(block_size=8), 0, loudness)
    assert_reads_all(gpt, PrefixTree(gpt), 2e-5)


@pytest.mark.parametrize(("loudness", "sharp"), [(0.0, False), (0.5, True)])
def test_loud_scores_are_recognised_and_quiet_ones_spared(loudness, sharp):
    gpt = loud_gpt(bg.GPTConfig(block_size=4), 0, loudness)
    assert [block.sharp for block in folded.FoldedGPT.of(gpt).blocks] == [sharp] * 4


def test_scores_too_large_for_a_float_still_give_the_gpts_answers():
    gpt = loud_gpt(bg.GPTConfig(5, 2, 2, 2, 8), 1, 3.0).double()
    with torch.no_grad():
        for block in gpt.h:
            block.attn.c_attn.weight.mul_(30)  # scores of thousands: 2 to that power is no number
    assert_reads_all(gpt, PrefixTree(gpt), 1e-8)


def test_safe_scores_bound_every_score():
    generator = torch.Generator().manual_seed(0)
    gpt = loud_gpt(bg.GPTConfig(6, 3, 1, 2, 8, bias=True), 2, 0.3)
    matrix = folded.FoldedGPT.of(gpt).blocks[0].qkv
    x = torch.randn(8, 1000, generator=generator)
    x = torch.cat([(x - x.mean(0)) / (x - x.mean(0)).norm(dim=0), torch.ones(1, 1000)])
    q, k, _ = (matrix @ x).view(3, 2, 4, 1000)
    largest = torch.einsum("hdn,hdm->hnm", q, k).abs().max()
    bound = [
        torch.linalg.matrix_norm(m[..., :8], 2) + m[..., 8].norm(dim=1) for m in matrix[:16].view(2, 2, 4, 9).unbind(0)
    ]
    assert largest <= (bound[0] * bound[1]).max() * (1 + 1e-5)


def test_a_split_is_as_many_branches_as_asked_for_as_early_as_possible():
    tree = PrefixTree(seeded_gpt(bg.GPTConfig(block_size=12), 0))
    for forks in (2, 3, 8):
        found = list(tree.grow(tree.root(), whole=False, forks=forks))
        branches = [part for part in found if isinstance(part, Branch)]
        assert len(branches) == 2 ** math.ceil(math.log2(forks))
        assert max(part.length for part in found if isinstance(part, Piece)) <= math.ceil(math.log2(forks)) + 1
        read_now = sum(part.logits.shape[1] for part in found if isinstance(part, Piece))
        assert read_now + sum(map(tree.size, branches)) == tree.size(tree.root()) == 2**13 - 2


def test_size_counts_what_is_left_to_read(monkeypatch):
    monkeypatch.setattr(prefixes, "CACHE_ACTIVATIONS", 16 * 4)
    tree = PrefixTree(seeded_gpt(bg.GPTConfig(5, 3, 1, 1, 4), 0))
    waiting, sizes = [tree.root()], []
    while waiting:
        branch = waiting.pop()
        found = list(tree.grow(branch, whole=False))
        below = [part for part in found if isinstance(part, Branch)]
        here = sum(part.logits.shape[1] for part in found if isinstance(part, Piece))
        assert tree.size(branch) == here + sum(map(tree.size, below))
        waiting += below
        sizes.append(tree.size(branch))
    assert len(sizes) > 10


def test_branches_may_be_grown_on_several_threads_at_once(monkeypatch):
    monkeypatch.setattr(prefixes, "CACHE_ACTIVATIONS", 16 * 8)
    gpt = loud_gpt(bg.GPTConfig(9, 2, 2, 2, 8), 0, 0.3).double()
    tree = PrefixTree(gpt)
    found = list(tree.grow(tree.root(), whole=False, forks=8))
    branches = [part for part in found if isinstance(part, Branch)]
    with ThreadPoolExecutor(4) as pool:
        pieces = [
            [(piece.length, piece.parents, piece.logits.clone()) for piece in part]
            for part in pool.map(lambda branch: list(tree.grow(branch)), branches)
        ]
    again = [
        [(piece.length, piece.parents, piece.logits.clone()) for piece in tree.grow(branch)] for branch in branches
    ]
    for one, other in zip(pieces, again, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a[:2] == b[:2]
            torch.testing.assert_close(a[2], b[2], atol=1e-12, rtol=1e-12)


def test_the_tree_keeps_the_weights_it_was_made_with():
    gpt = seeded_gpt(bg.GPTConfig(), 0)
    tree = PrefixTree(gpt)
    before = torch.cat([piece.logits for piece in read(tree)], dim=1).clone()
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(1.0)
    assert torch.equal(torch.cat([piece.logits for piece in read(tree)], dim=1), before)


@pytest.mark.parametrize("bias", [False, True])
def test_folded_weights_read_only_what_has_no_mean(bias):
    weights = folded.FoldedGPT.of(loud_gpt(bg.GPTConfig(bias=bias), 0, 0.3))
    for written in (
        weights.wte,
        weights.wpe,
        *(b.attn_proj for b in weights.blocks),
        *(b.mlp_proj for b in weights.blocks),
    ):
        assert written.mean(dim=0).abs().max() < 1e-6
    assert weights.wte.dtype == torch.float32
    assert weights.head.shape == (2, 17)
    assert (weights.blocks[0].attn_bias is not None) == bias


def test_scratch_gives_the_same_memory_for_the_same_name():
    scratch = Scratch(torch.zeros(0))
    one = scratch("a", 3, 4).fill_(7.0)
    assert scratch("a", 12).tolist() == [7.0] * 12
    other = scratch("b", 3, 4).fill_(1.0)
    assert one.tolist() == [[7.0] * 4] * 3
    assert other.dtype == torch.float32
    assert scratch("a", 10**7).shape == (10**7,)  # more than a portion
    assert Scratch(torch.zeros(0, dtype=torch.float64))("a", 2).dtype == torch.float64


def test_each_thread_has_scratch_of_its_own():
    like = torch.zeros(1)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(scratch_of_this_thread, like).result()
    assert other is not scratch_of_this_thread(like)
    assert scratch_of_this_thread(like) is scratch_of_this_thread(like)
    assert scratch_of_this_thread(like.double()) is not scratch_of_this_thread(like)
