from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from svgs import texts

import babygpt as bg
from babygpt.draw.attribute import draw_attribution
from babygpt.errors import SettingError

ARTICLE = "111101111011110"
TINY = {"n_layer": 1, "n_head": 1, "n_embd": 4, "steps": 3}


@pytest.fixture(scope="module")
def found():
    return bg.attribute(ARTICLE, **TINY)


def test_rows_are_arrows_columns_tokens_and_numbers_effects(found):
    effects = np.zeros_like(found.changed)
    effects[4, 0] = [-0.25, 0.25]
    effects[9, 7] = [0.125, -0.125]
    shown = texts(draw_attribution(replace(found, changed=found.base - effects)))
    assert [text for text in shown if text in ("0", "1")][:15] == list(ARTICLE)  # after them the scale's own 0
    assert {"(000) → 1", "(100) → 1", "011 → 1", "111 → 1"} <= set(shown)  # brackets: never seen
    assert "111 → 0" not in shown
    assert shown.count("+25") == shown.count("−12") == 1
    assert shown.count("·") == 15 * 8 - 2


def test_the_title_says_what_was_changed_and_whose_seeds(found):
    assert "Retrained with each token changed; seed 1337, step 3" in texts(draw_attribution(found))
    both = bg.attribute(ARTICLE, by="window", seeds=[1, 2], **TINY)
    shown = texts(draw_attribution(both))
    assert any("left out; mean of 2 seeds" in text for text in shown)
    assert shown.count("1110") == 3


def test_only_the_arrows_asked_for_are_drawn(found):
    shown = texts(draw_attribution(found, [(5, 0)]))
    assert [text for text in shown if "→" in text] == ["101 → 0"]


def test_more_symbols_have_a_row_for_each_arrow():
    three = bg.attribute("abcabcb", context_length=1, **TINY)
    assert sum("→" in text for text in texts(draw_attribution(three))) == 9


def test_maps_too_large_to_read_are_refused(found):
    with pytest.raises(SettingError, match="65 arrows is too large to read"):
        draw_attribution(found, [(0, 1)] * 65)
    long = replace(found, positions=np.arange(401), changed=np.repeat(found.changed[:1], 401, axis=0))
    with pytest.raises(SettingError, match="401 positions"):
        draw_attribution(long)


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_the_same_attribution_gives_the_same_bytes(found, kind):
    assert draw_attribution(found).render(kind) == draw_attribution(found).render(kind)


@pytest.mark.parametrize(("text", "arrows"), [("11010", None), ("111101111011110", [(0, 1)])])
def test_all_that_is_written_on_a_small_map_is_within_it(text, arrows, monkeypatch):
    from matplotlib.figure import Figure

    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    found = bg.attribute(text, by="window", seeds=range(100), n_layer=1, n_head=1, n_embd=4, steps=1)
    draw_attribution(found, arrows).render("png")
    [figure] = drawn
    figure.draw_without_rendering()
    written = figure.get_tightbbox()  # in inches
    assert written.x0 >= 0
    assert written.y0 >= 0
    assert written.x1 <= figure.get_figwidth()
    assert written.y1 <= figure.get_figheight()
