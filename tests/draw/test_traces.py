from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from svgs import SVG, texts

import babygpt as bg
from babygpt.draw.plots import draw_traces
from babygpt.errors import SettingError
from babygpt.run.trace import SCALARS


def curves(picture):
    """Return the points (n, 2) of each blue line, in the picture's own units."""
    lines = [g for g in ET.fromstring(picture.svg).iter(f"{SVG}path") if "#0072b2" in (g.get("style") or "").lower()]
    return [np.array(line.get("d").replace("M", " ").replace("L", " ").split(), float).reshape(-1, 2) for line in lines]


@pytest.mark.parametrize("names", [["loss"], ["entropy_rate"], ["loss", "entropy_rate", "nearest_ngram"]])
def test_every_scalar_is_named_with_its_unit(article_run, names):
    shown = " ".join(texts(draw_traces(article_run, names)))
    for name in names:
        assert name.replace("_", " ") in shown
        assert SCALARS[name][0] in shown
    for other in set(SCALARS) - set(names):
        assert other.replace("_", " ") not in shown
    assert shown.count("step") == 1


@pytest.mark.parametrize("name", SCALARS)
def test_every_scalar_can_be_drawn(article_run, name):
    assert name.replace("_", " ") in texts(draw_traces(article_run, [name]))


@pytest.mark.parametrize("names", [["loss"], ["period", "loss"], ["entropy_rate", "spectral_gap"]])
def test_the_loss_and_nothing_else_has_its_floor(article_run, names):
    shown = texts(draw_traces(article_run, names))
    assert shown.count("floor = 0.3466") == ("loss" in names)


def test_the_curve_passes_through_every_value(article_run):
    (points,) = curves(draw_traces(article_run, ["entropy_rate"]))
    assert len(points) == 51
    assert np.diff(points[:, 0]) == pytest.approx(np.diff(points[:, 0])[0], abs=1e-3)
    values = article_run.trace("entropy_rate").values
    heights = -points[:, 1]  # downwards in SVG
    heights = (heights - heights.min()) / np.ptp(heights)
    assert heights == pytest.approx((values - values.min()) / np.ptp(values), abs=1e-3)


def test_whole_numbers_are_drawn_as_stairs(article_run):
    (points,) = curves(draw_traces(article_run, ["nearest_ngram"]))
    steps = np.diff(points, axis=0)
    assert (np.abs(steps) < 1e-6).any(axis=1).all()  # each piece goes along or up, never across


def test_curves_lie_one_above_the_other_in_the_order_asked(article_run):
    first, second = curves(draw_traces(article_run, ["spectral_gap", "loss"]))
    assert first[:, 1].max() < second[:, 1].min()
    assert first[:, 0] == pytest.approx(second[:, 0])  # on one axis of steps
    (alone,) = curves(draw_traces(article_run, ["loss"]))
    assert np.corrcoef(second[:, 1], alone[:, 1])[0, 1] == pytest.approx(1, abs=1e-4)


def test_more_curves_make_a_taller_picture(article_run):
    sizes = [
        Image.open(io.BytesIO(draw_traces(article_run, names).render("png"))).size
        for names in (["loss"], ["loss", "period"], ["loss", "period", "entropy_rate"])
    ]
    assert len({width for width, _ in sizes}) == 1
    assert sizes[0][1] < sizes[1][1] < sizes[2][1]


def test_an_unknown_scalar_is_refused_before_anything_is_drawn(article_run):
    with pytest.raises(SettingError, match="'charm' is not followed"):
        draw_traces(article_run, ["loss", "charm"])


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_the_same_run_gives_the_same_bytes(article_run, format):  # noqa: A002
    names = ["loss", "period"]
    assert draw_traces(article_run, names).render(format) == draw_traces(article_run, names).render(format)


def test_a_single_step_is_drawn():
    run = bg.train("1111011110", 2, 1, n_layer=1, n_head=1, n_embd=4)
    (points,) = curves(draw_traces(run, ["loss"]))
    assert len(points) == 2
