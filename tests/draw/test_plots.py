from __future__ import annotations

import doctest
import io
import xml.etree.ElementTree as ET
from itertools import product

import numpy as np
import pytest
from PIL import Image

import babygpt as bg
from babygpt.draw import figure, plots
from babygpt.draw.plots import block_means, draw_losses, draw_map, suffix_map

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture):
    return [text.text for text in ET.fromstring(picture.svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("V", "K"), [(2, 1), (2, 2), (2, 3), (2, 4), (2, 5), (2, 8), (3, 1), (3, 2), (3, 4), (4, 3), (5, 4)]
)
def test_the_map_places_states_by_their_most_recent_tokens(V, K):
    values = np.random.default_rng(0).random(V**K)
    image = suffix_map(values, V, K)
    assert image.shape == (V ** (K // 2), V ** (K - K // 2))
    for state, context in enumerate(product(range(V), repeat=K)):
        row = column = 0
        for i, token in enumerate(reversed(context)):  # the last, the one before, …: column, row, column, …
            if i % 2 == 0:
                column = column * V + token
            else:
                row = row * V + token
        assert image[row, column] == values[state]


def test_states_that_end_alike_lie_together():
    image = suffix_map(np.arange(2**6) % 4, 2, 6)  # the value is the last two tokens
    quarters = [image[r : r + 4, c : c + 4] for r in (0, 4) for c in (0, 4)]
    assert [len(np.unique(quarter)) for quarter in quarters] == [1, 1, 1, 1]
    assert [quarter[0, 0] for quarter in quarters] == [0, 1, 2, 3]


@pytest.mark.parametrize(("shape", "side"), [((4, 8), 4), ((5, 7), 3), ((1, 10), 4), ((9, 9), 9), ((10, 3), 1)])
def test_block_means_are_means_of_blocks(shape, side):
    image = np.random.default_rng(0).random(shape)
    small = block_means(image, side)
    assert max(small.shape) <= side
    high, wide = (-(-length // side) for length in shape)
    for row in range(small.shape[0]):
        for column in range(small.shape[1]):
            block = image[row * high : (row + 1) * high, column * wide : (column + 1) * wide]
            assert small[row, column] == pytest.approx(block.mean(), abs=1e-12)


def test_a_map_that_is_small_enough_is_left_alone():
    image = np.arange(12.0).reshape(3, 4)
    assert block_means(image, 4) is image


def test_the_loss_curve_names_guessing_and_the_floor(article_run):
    shown = texts(draw_losses(article_run))
    assert "ln 2: guessing = 0.6931" in shown
    assert "floor = 0.3466" in shown
    assert {"step", "loss, nats per token"} <= set(shown)


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_the_curve_is_visible_however_few_its_steps(steps):
    run = bg.train("1111011110", 2, steps, n_layer=1, n_head=1, n_embd=4)
    pixels = np.asarray(Image.open(io.BytesIO(draw_losses(run).render("png"))).convert("RGB"))
    assert (pixels == (0x00, 0x72, 0xB2)).all(axis=2).sum() > 5


def test_the_curve_passes_through_every_loss(article_run):
    svg = ET.fromstring(draw_losses(article_run).svg)
    (line,) = [g for g in svg.iter(f"{SVG}path") if "#0072b2" in (g.get("style") or "").lower()]
    points = line.get("d").count("L") + 1
    assert points == 50


@pytest.mark.parametrize(("V", "K", "name"), [(2, 9, "probability of 1"), (5, 4, "entropy of the next token, nats")])
def test_the_map_says_what_its_colours_mean(chain_of, V, K, name):
    picture = draw_map(chain_of(V, K))
    shown = texts(picture)
    assert name in shown
    assert {"last token", "one before", f"{V**K:,} states", *map(str, range(V))} <= set(shown)
    assert "a title" in texts(draw_map(chain_of(V, K), "a title"))


def test_the_map_is_drawn_in_every_format(chain_of):
    picture = draw_map(chain_of(3, 6))
    assert Image.open(io.BytesIO(picture.render("png"))).size[0] > 500
    assert picture.render("pdf").startswith(b"%PDF")


def test_large_chains_are_drawn_as_block_means(chain_of, monkeypatch):
    monkeypatch.setattr(plots, "MAX_MAP_SIDE", 8)
    draw_map(chain_of(2, 10)).render("svg")
    assert block_means(suffix_map(np.ones(2**10), 2, 10), 8).shape == (8, 8)


def test_certain_states_have_no_entropy_and_give_no_warning():
    chain = bg.MarkovChain(np.where(np.eye(3)[np.arange(729) % 3] > 0, 0.0, -np.inf))
    assert draw_map(chain).render("png").startswith(b"\x89PNG")


@pytest.mark.parametrize("draw", ["losses", "map"])
def test_the_same_data_gives_the_same_bytes(article_run, chain_of, draw):
    pictures = [draw_losses(article_run) if draw == "losses" else draw_map(chain_of(2, 9)) for _ in range(2)]
    for format in ("svg", "pdf", "png"):  # noqa: A001
        assert pictures[0].render(format) == pictures[1].render(format)


def test_where_no_font_has_chinese_a_map_is_drawn_and_the_boxes_are_said(monkeypatch):
    monkeypatch.setattr(figure, "families", lambda characters: (["DejaVu Sans"], "床"))
    symbols = "床前明月光疑是地上霜举头望低思故乡"
    table = np.full((len(symbols) ** 2, len(symbols)), -np.log(len(symbols)))
    with pytest.warns(bg.errors.MissingGlyphWarning, match="boxes for 床"):
        assert draw_map(bg.MarkovChain(table, symbols)).render("png").startswith(b"\x89PNG")


def test_matplotlibs_settings_are_left_as_they_were(article_run):
    import matplotlib

    before = dict(matplotlib.rcParams)
    draw_losses(article_run).render("svg")
    assert dict(matplotlib.rcParams) == before


def test_examples_in_docstrings_hold():
    assert doctest.testmod(plots).failed == 0
