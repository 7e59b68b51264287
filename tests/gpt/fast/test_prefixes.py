from __future__ import annotations

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import babygpt as bg
from babygpt.chain.contexts import all_contexts
from babygpt.gpt.fast import prefixes
from babygpt.gpt.fast.prefixes import Branch, PrefixTree
from babygpt.gpt.model import seeded_gpt

MOST_CONTEXTS = 1500


@dataclass(frozen=True)
class Limits:
    """The sizes at which a tree falls apart, made so small that small trees do."""

    activations: int = 2**18
    row: int = 256
    into: int = 8

    @contextmanager
    def set(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(prefixes, "CACHE_ACTIVATIONS", self.activations)
            patch.setattr(prefixes, "LEAST_ROW", self.row)
            patch.setattr(prefixes, "SPLIT_INTO", self.into)
            yield


class WatchedTree(PrefixTree):
    """A tree that counts what is done on it."""

    def __init__(self, gpt, done=None):
        super().__init__(gpt)
        self.done = Counter() if done is None else done
        self.done["tabled" if self._tabled else "not tabled"] += 1
        for index, block in enumerate(self._weights.blocks):
            self.done[f"{'sharp' if block.sharp else 'not sharp'} {'later' if index else 'first'} layer"] += 1

    def _split(self, branch, keep, forks):
        self.done["split of a split" if branch.prefix else "split"] += 1
        for part in super()._split(branch, keep, forks):
            self.done["several fixed at once"] += len(part.prefix) > len(branch.prefix) + 1
            yield part

    def _portions(self, branch):
        self.done["portions"] += 1
        return super()._portions(branch)

    def _read(self, branch, tokens, room):
        self.done["long"] += bool(branch.long)
        self.done["thought in parts"] += len(tokens) * self.config.vocab_size**branch.free > max(1, self._width // 4)
        return super()._read(branch, tokens, room)


limits = st.builds(
    Limits,
    activations=st.sampled_from([200, 40, 1, 1000, 2**18]),
    row=st.sampled_from([8, 1, 2, 30, 256]),
    into=st.sampled_from([8, 1, 2, 27]),
)


@st.composite
def gpts(draw):
    V = draw(st.sampled_from([2, 3]) | st.integers(2, 40))
    longest = min(10, int(math.log(MOST_CONTEXTS, V)))
    K = draw(st.integers(max(1, longest - 3), longest) | st.integers(1, longest))
    heads = draw(st.integers(1, 3))
    config = bg.GPTConfig(K, V, draw(st.integers(1, 3)), heads, heads * draw(st.integers(1, 4)), draw(st.booleans()))
    return shaken(config, draw(st.integers(0, 10**6)), draw(st.sampled_from([0.0, 0.3, 2.0])))


def shaken(config, seed, loudness):
    """Return a GPT with noise on every weight, gains and shifts too; the louder, the sharper."""
    gpt = seeded_gpt(config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * loudness)
    return gpt


def answers(gpt):
    """Return the logits after every context, by length: each length asked whole, no prefix shared."""
    V, K = gpt.config.vocab_size, gpt.config.block_size
    with torch.no_grad():
        return [gpt(torch.from_numpy(all_contexts(V, t))).double().numpy() for t in range(1, K + 1)]


def empty(config):
    return [np.full((config.vocab_size**t, config.vocab_size), np.nan) for t in range(1, config.block_size + 1)]


def put(said, piece):
    """Put a piece where its contexts belong, none of which may have been read before; return how many."""
    V = said[0].shape[1]
    assert piece.logits.shape == (V, len(piece.parents) * len(piece.tokens))
    rows = (np.array(piece.parents)[:, None] * V + np.array(piece.tokens)).ravel()
    assert np.isnan(said[piece.length - 1][rows]).all()
    said[piece.length - 1][rows] = piece.logits.T
    return len(rows)


def read_whole(tree):
    """Read the tree in one go."""
    said = empty(tree.config)
    for piece in tree.grow(tree.root()):
        put(said, piece)
    return said


def read_in_any_order(tree, forks, draw):
    """Read the tree branch by branch, taking any next, and growing it whole or not; each must hold what it says."""
    said, waiting, first = empty(tree.config), [tree.root()], True
    while waiting:
        branch = waiting.pop(draw(st.integers(0, len(waiting) - 1)))
        whole = not first and draw(st.booleans())
        read, smaller = 0, []
        for found in tree.grow(branch, whole, forks if first else 1):
            if isinstance(found, Branch):
                smaller.append(found)
            else:
                read += put(said, found)
        assert tree.size(branch) == read + sum(tree.size(part) for part in smaller)
        assert not (whole and smaller)
        waiting += smaller
        first = False
    return said


def furthest(said, expected):
    """How far two sets of logits are apart, relative to the largest where that is above 1."""
    return max(
        float(np.abs(a - b).max(initial=0) / max(1, np.abs(b).max(initial=0)))
        for a, b in zip(said, expected, strict=True)
    )


@pytest.mark.slow
def test_a_tree_in_any_limits_grown_in_any_order_reads_each_context_once_and_says_what_the_gpt_says():
    done = Counter()

    @settings(max_examples=100)
    @given(gpts(), limits, st.integers(1, 9), st.data())
    def check(gpt, limit, forks, data):
        gpt = gpt.double()
        with limit.set():
            tree = WatchedTree(gpt, done)
            assert furthest(read_in_any_order(tree, forks, data.draw), answers(gpt)) <= 1e-10

    check()
    for path in (
        "tabled", "not tabled", "sharp first layer", "sharp later layer", "not sharp first layer",
        "not sharp later layer", "split", "several fixed at once", "portions", "long", "thought in parts",
    ):  # fmt: skip
        assert done[path] >= 3, (path, done)


def test_a_tree_in_single_precision_is_as_exact_as_the_gpt_itself():
    done, errors = Counter(), []

    @settings(max_examples=40)
    @given(gpts(), limits)
    def check(gpt, limit):
        own = answers(gpt)
        with limit.set():
            said = read_whole(WatchedTree(gpt, done))
        exact = answers(gpt.double())
        errors.append(furthest(own, exact))
        assert furthest(said, exact) <= 1e-5 + 10 * errors[-1]

    check()
    assert np.median(errors) < 1e-5  # else the comparison would say little
    for path in ("tabled", "not tabled", "portions", "long"):
        assert done[path] >= 3, (path, done)


@pytest.mark.parametrize("loudness", [0.1, 2.0])
@pytest.mark.parametrize(("V", "K", "into"), [(2, 10, 1), (2, 10, 4), (3, 6, 3), (5, 5, 8)])
def test_a_deep_tree_is_split_again_and_again_and_says_what_the_gpt_says(V, K, into, loudness):
    gpt = shaken(bg.GPTConfig(K, V, 2, 2, 4, True), 7, loudness)
    with Limits(activations=40, row=4, into=into).set():
        own, single = answers(gpt), read_whole(PrefixTree(gpt))
        tree = WatchedTree(gpt.double())
        exact = answers(gpt)
        assert furthest(read_whole(tree), exact) <= 1e-10
        assert furthest(single, exact) <= 1e-5 + 10 * furthest(own, exact)
    assert tree.done["split of a split"] >= 3
    assert tree.done["tabled"] == (loudness < 1)


@settings(max_examples=20)
@given(gpts(), limits)
def test_a_branch_grown_whole_says_the_same_to_the_last_bit_whenever_it_is_grown(gpt, limit):
    with limit.set():
        a, b = read_whole(PrefixTree(gpt)), read_whole(PrefixTree(gpt))
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)
        assert not np.isnan(one).any()


@pytest.mark.parametrize(
    "config",
    [
        bg.GPTConfig(1, 2, 1, 1, 1),
        bg.GPTConfig(1, 40, 2, 2, 4, True),
        bg.GPTConfig(2, 300, 2, 1, 2, True),
        bg.GPTConfig(2, 2, 1, 1, 2),
        bg.GPTConfig(11, 2, 1, 3, 6, True),
        bg.GPTConfig(3, 13, 4, 4, 8),
    ],
    ids=lambda config: f"V{config.vocab_size}-K{config.block_size}-layers{config.n_layer}",
)
@pytest.mark.parametrize("activations", [400, 2**18])
def test_trees_of_every_extreme_shape_say_what_the_gpt_says(config, activations):
    gpt = shaken(config, 1, 0.4).double()
    with Limits(activations=activations).set():
        assert furthest(read_whole(PrefixTree(gpt)), answers(gpt)) <= 1e-10


@given(st.integers(2, 40), st.integers(1, 10), limits)
def test_the_size_of_a_whole_tree_is_the_number_of_its_contexts(V, K, limit):
    with limit.set():
        tree = PrefixTree(seeded_gpt(bg.GPTConfig(K, V, 1, 1, 1), 0))
    assert tree.size(tree.root()) == sum(V**t for t in range(1, K + 1))


@given(st.integers(2, 9), st.integers(1, 8), st.integers(1, 12))
def test_a_tree_with_forks_falls_into_at_least_as_many_branches_where_it_is_large_enough(V, K, forks):
    K = min(K, int(math.log(MOST_CONTEXTS, V)))
    tree = PrefixTree(seeded_gpt(bg.GPTConfig(K, V, 1, 1, 1), 0))
    found = list(tree.grow(tree.root(), whole=False, forks=forks))
    branches = [one for one in found if isinstance(one, Branch)]
    # V^f branches of one free token more to come need f oldest tokens, one free token, one that goes on, and one more
    enough = 1 + max(1, math.ceil(math.log(forks, V) - 1e-9)) + 1
    if forks > 1 and enough < K:
        assert len(branches) >= forks
        assert len({branch.prefix for branch in branches}) == len(branches)
        assert len({tree.size(branch) for branch in branches}) == 1
        assert len({branch.length for branch in branches}) == 1
        assert len(branches) <= forks * V  # and no more than it must
    elif forks == 1:
        assert branches == []


def test_a_tree_falls_into_as_many_branches_as_asked_for_as_early_as_possible():
    tree = PrefixTree(seeded_gpt(bg.GPTConfig(block_size=12), 0))
    for forks in (2, 3, 8):
        found = list(tree.grow(tree.root(), whole=False, forks=forks))
        branches = [one for one in found if isinstance(one, Branch)]
        pieces = [one for one in found if not isinstance(one, Branch)]
        assert len(branches) == 2 ** math.ceil(math.log2(forks))
        assert max(piece.length for piece in pieces) <= math.ceil(math.log2(forks)) + 1


@pytest.mark.parametrize("activations", [40, 2**18])
def test_scores_too_large_for_a_float_still_give_what_the_gpt_says(activations):
    gpt = shaken(bg.GPTConfig(5, 2, 2, 2, 8), 1, 3.0).double()
    with torch.no_grad():
        for block in gpt.h:
            block.attn.c_attn.weight.mul_(30)  # scores of thousands: 2 to that power is no number
    with Limits(activations=activations, row=4).set():
        assert furthest(read_whole(PrefixTree(gpt)), answers(gpt)) <= 1e-8


def test_a_longer_context_needs_more_pieces_and_no_wider_ones():
    widest = []
    for K in (9, 11, 13):
        with Limits(activations=64 * 2).set():
            tree = PrefixTree(seeded_gpt(bg.GPTConfig(K, 2, 1, 1, 2), 0))
            widest.append(max(piece.logits.shape[1] for piece in tree.grow(tree.root())))
    assert widest[0] == widest[1] == widest[2] <= 128


def test_several_threads_grow_branches_of_two_trees_in_turns_and_get_the_same_bits_as_one():
    gpts = [shaken(bg.GPTConfig(8, 3, 2, 2, 6), 3, 0.4), shaken(bg.GPTConfig(10, 2, 3, 1, 4, True), 4, 1.0)]
    with Limits(activations=600, row=8).set():
        trees = [WatchedTree(gpt) for gpt in gpts]

        def branches(tree, said):
            for found in tree.grow(tree.root(), whole=False, forks=8):
                if isinstance(found, Branch):
                    yield found
                else:
                    put(said, found)

        alone, together = [[empty(gpt.config) for gpt in gpts] for _ in range(2)]
        for tree, said in zip(trees, alone, strict=True):
            for branch in branches(tree, said):
                for piece in tree.grow(branch):
                    put(said, piece)

        work = [list(branches(tree, said)) for tree, said in zip(trees, together, strict=True)]
        shuffled = [(i, branch) for i in range(2) for branch in work[i]]
        np.random.default_rng(0).shuffle(shuffled)
        with ThreadPoolExecutor(3, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for (i, _), pieces in zip(
                shuffled, pool.map(lambda job: list(trees[job[0]].grow(job[1])), shuffled), strict=True
            ):
                for piece in pieces:
                    put(together[i], piece)
    assert all(len(part) >= 8 for part in work)
    for gpt, a, b in zip(gpts, alone, together, strict=True):
        for one, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(one, other)
        assert furthest(b, answers(gpt)) < 1e-4


def test_pieces_stay_what_they_were_when_reading_goes_on():
    gpt = shaken(bg.GPTConfig(6, 3, 2, 2, 6), 3, 0.4)
    with Limits(activations=100, row=4).set():
        tree = PrefixTree(gpt)
        kept = [(piece, piece.logits.clone()) for piece in tree.grow(tree.root())]
    assert all(torch.equal(piece.logits, then) for piece, then in kept)


def test_later_changes_of_the_gpt_do_not_show_in_a_tree():
    gpt = shaken(bg.GPTConfig(4, 3), 0, 0.4)
    before = answers(gpt)
    tree = PrefixTree(gpt)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.zero_()
    assert furthest(read_whole(tree), before) < 1e-4


def test_between_pieces_gradients_are_on_as_the_caller_has_them():
    gpt = seeded_gpt(bg.GPTConfig(), 0)
    tree = PrefixTree(gpt)
    for piece in tree.grow(tree.root()):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not piece.logits.requires_grad
    with torch.no_grad():
        list(tree.grow(tree.root()))
        assert not torch.is_grad_enabled()
    assert all(parameter.grad is None for parameter in gpt.parameters())


def test_a_reading_that_is_given_up_leaves_nothing_wrong_for_the_next_one_on_this_thread():
    gpt = shaken(bg.GPTConfig(7, 3, 2, 2, 6), 3, 0.4).double()
    expected = answers(gpt)
    with Limits(activations=100, row=4).set():
        tree = PrefixTree(gpt)
        for moment in (1, 3, 10, 40):
            pieces = tree.grow(tree.root())
            for _ in range(moment):
                next(pieces)
            pieces.close()
            assert furthest(read_whole(tree), expected) <= 1e-10


@pytest.mark.parametrize("activations", [60, 2**18])
def test_what_is_no_number_at_one_place_shows_from_there_on_and_nowhere_before(activations):
    gpt = shaken(bg.GPTConfig(7, 2, 2, 2, 6), 3, 0.4).double()
    with torch.no_grad():
        gpt.wpe.weight[4, 0] = math.nan
    expected = answers(gpt)
    with Limits(activations=activations, row=4).set():
        tree = PrefixTree(gpt)
        said = empty(gpt.config)
        for piece in tree.grow(tree.root()):
            put(said, piece)
    assert furthest(said[:4], expected[:4]) <= 1e-10
    assert all(np.isnan(level).all() for level in said[4:])
