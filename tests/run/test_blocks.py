"""Who of many GPTs is trained together: on a CPU what its cache holds, on an accelerator what its memory holds."""

from __future__ import annotations

import numpy as np
import pytest

import babygpt as bg
from babygpt.gpt.compute import free_on
from babygpt.run import blocks
from babygpt.run.blocks import blocks_of, contexts_read, members_at_once
from babygpt.run.many import Trainings

ARTICLE = bg.GPTConfig()
CARDS = ["cuda", "cuda:1", "mps"]


@pytest.fixture
def free(monkeypatch):
    """Return a function that sets how many bytes accelerators have free, at first 64 GiB."""

    def be(n_bytes):
        monkeypatch.setattr(blocks, "free_on", lambda device: n_bytes)

    be(2**36)
    return be


@pytest.mark.parametrize("n_members", [1, 7, 8, 9, 20])
@pytest.mark.parametrize("first", [None, 1, 4])
def test_blocks_hold_each_member_once_in_order(n_members, first):
    made = blocks_of(n_members, 8, first)
    assert [member for block in made for member in block] == list(range(n_members))
    assert [len(block) for block in made[1:-1]] == [8] * len(made[1:-1])
    assert len(made[0]) == min(n_members, first or 8)


@pytest.mark.parametrize("card", CARDS)
def test_an_accelerator_trains_a_thousand_articles_gpts_in_one_block(card, free):
    assert members_at_once(ARTICLE, 7, 1024, card) == 1024
    assert members_at_once(ARTICLE, 7, 1024) == 128
    corpus = bg.Corpus.from_text("111101111011110", 3)
    assert Trainings(corpus, range(1024), ARTICLE, bg.TrainConfig(device=card), [50]).blocks == [range(1024)]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(("n_contexts", "config"), [(7, ARTICLE), (2000, bg.GPTConfig(11)), (4, bg.GPTConfig(8))])
def test_its_blocks_are_equal_and_bounded_however_much_is_free(card, free, n_contexts, config):
    size = members_at_once(config, n_contexts, 10**6, card)
    each = 4 * config.n_parameters + n_contexts * config.block_size * (20 * config.n_layer * config.n_embd + 2)
    assert 0 < size <= 2**28 // each
    made = blocks_of(10**6, size)
    assert len({len(block) for block in made}) <= 2
    assert len(made[0]) - len(made[-1]) <= len(made)


def test_blocks_fit_into_what_an_accelerator_has_free(free):
    whole = members_at_once(ARTICLE, 7, 10**6, "cuda")
    free(2**28)
    tight = members_at_once(ARTICLE, 7, 10**6, "cuda")
    assert 7 < whole / tight < 9  # an eighth of the 2 GiB that the largest block may take
    assert members_at_once(ARTICLE, 7, 1024, "cpu") == 128  # a CPU's are what they are
    free(0)
    assert members_at_once(ARTICLE, 7, 1024, "cuda") == 1


def test_reading_all_contexts_counts_where_it_takes_more_than_training(free):
    few = members_at_once(bg.GPTConfig(8, n_layer=1), 1, 10**6, "cuda")
    wide = 510 * (4 * 8 * 16 + 12 * 16 + 2)  # of 2 + 4 + … + 256 contexts
    assert 0.9 < few * wide / 2**28 <= 1


def test_the_contexts_of_all_corpora_count_where_a_block_may_hold_them_all():
    corpora = [bg.Corpus.from_text(text, 2, "01") for text in ("0001", "0110", "0110")]
    assert [len(corpus.contexts) for corpus in corpora] == [1, 2, 2]
    assert contexts_read(corpora) == contexts_read(corpora[1]) == contexts_read(corpora[1], "cuda") == 2
    assert contexts_read(corpora, "cuda") == len(np.unique(np.concatenate([c.states for c in corpora]))) == 3


def test_what_cannot_be_asked_how_much_is_free_there_has_what_is_free_here():
    assert free_on("meta") > 2**20
