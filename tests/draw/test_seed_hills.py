from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from svgs import texts

import babygpt as bg
from babygpt.draw.seed_hills import density, draw_seeds
from babygpt.errors import SettingError

ARTICLE = "111101111011110"
TINY = {"n_layer": 1, "n_head": 1, "n_embd": 4, "steps": 3}


@pytest.fixture(scope="module")
def some():
    return bg.study(ARTICLE, seeds=range(12), **TINY)


def test_a_density_stands_where_the_values_are_and_keeps_within_0_and_1():
    hill = density(np.array([0.2] * 35 + [0.8] * 5))
    assert len(hill) == 1000
    assert hill.max() == 1
    assert hill[200] > 2 * hill[800] > 0
    assert hill[:100].max() == hill[300:700].min() == 0
    assert density(np.ones(5)).argmax() == 999


def test_a_density_of_many_normal_draws_is_their_bell():
    draws = np.random.default_rng(0).normal(0.5, 0.05, 100_000)
    hill = density(draws)
    x = (np.arange(1000) + 0.5) / 1000
    np.testing.assert_allclose(hill, np.exp(-(((x - 0.5) / 0.05) ** 2) / 2), atol=0.05)


def test_contexts_are_named_and_the_legend_says_what_is_drawn(some):
    shown = texts(draw_seeds(some))
    for state in range(8):
        assert f"{state:03b}" in shown
    assert "12 seeds, step 3: how likely 1 is next" in shown
    assert {"context seen in the data", "what the data says", "context never seen", "seed 1337"} <= set(shown)
    assert "seed 1337" not in texts(draw_seeds(some, mark=None))
    all_seen = bg.study("0110011010", seeds=[1, 2], context_length=1, **TINY)
    assert "context never seen" not in texts(draw_seeds(all_seen))


def test_two_symbols_have_a_column_for_each_step_and_more_symbols_one_for_each_token(some):
    shown = texts(draw_seeds(some, [0, 3]))
    assert "12 seeds, steps 0, 3: how likely 1 is next" not in shown
    assert "12 seeds, steps 0 and 3: how likely 1 is next" in shown
    assert {"step 0", "step 3"} <= set(shown)
    three = bg.study("abcabcb", seeds=[1, 2], context_length=1, **TINY)
    assert {"next a", "next b", "next c"} <= set(texts(draw_seeds(three)))


def test_a_hill_lies_over_its_seeds(some):
    """The leftmost and the rightmost ink of a hill are where its seeds are, not elsewhere."""
    apart = some.probs.copy()
    apart[:, -1, :, 1] = 0.9
    apart[:, -1, 4, 1] = 0.2
    moved = bg.SeedStudy(**{**vars(some), "probs": apart})
    pixels = np.asarray(Image.open(io.BytesIO(draw_seeds(moved, mark=None).render("png"))).convert("RGB")).astype(int)
    orange = np.abs(pixels - [226, 143, 72]).sum(axis=2) < 60
    orange[int(0.86 * len(pixels)) :] = False  # the legend
    orange[:, : pixels.shape[1] // 10] = False  # the contexts' names
    rows, columns = np.nonzero(orange)
    left = columns < pixels.shape[1] / 2
    assert left.any()
    assert not left.all()
    heights = rows[left] / len(pixels)
    assert 0.4 < heights.min() < heights.max() < 0.65  # the fifth of eight rows


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_the_same_study_gives_the_same_bytes(some, kind):
    assert draw_seeds(some, [0, 3]).render(kind) == draw_seeds(some, [0, 3]).render(kind)


def test_of_many_contexts_some_are_drawn():
    many = bg.study(ARTICLE * 2, seeds=[1, 2], context_length=7, **TINY)
    named = [text for text in texts(draw_seeds(many)) if len(text) == 7 and set(text) <= {"0", "1"}]
    assert 16 < len(named) <= 32
    assert "1111011" in named


def test_more_columns_than_fit_are_refused(some):
    with pytest.raises(SettingError, match="9 steps make 9 columns of hills; the limit is 8"):
        draw_seeds(some, [0, 1, 2] * 3)
    three = bg.study("abcabcb", seeds=[1], context_length=1, **TINY)
    with pytest.raises(SettingError, match="one step fits, not 2"):
        draw_seeds(three, [0, 3])
    with pytest.raises(SettingError, match="Step 7 was not recorded"):
        draw_seeds(some, [7])
