from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import babygpt as bg
from babygpt.draw.sweep import COLOURS, draw_sweep

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def table():
    """Return 24 trainings: a gap of width · n_layer + seed, and one more that diverged."""
    rows = [
        (w, n, s, "last" if s % 2 else "all", float(w * n + s)) for w in (4, 8, 16) for n in (1, 2) for s in range(4)
    ]
    columns = [*map(list, zip(*rows, (4, 1, 9, "all", None), strict=True))]
    names = ["n_embd", "n_layer", "seed", "positions", "gap"]
    table = pa.table(dict(zip(names, columns, strict=True)))
    table = table.append_column("losses", [[[1.0, 2.0]] * len(table)])
    field = pa.field("gap", pa.float64(), metadata={"unit": "nats per token"})
    return table.set_column(table.column_names.index("gap"), field, table["gap"])


def texts(picture):
    return [text.text for text in ET.fromstring(picture.svg).iter(f"{SVG}text")]


def line_through(picture, colour):
    """Return the path drawn in a colour with a stroke of 1.8: the y of its points, in the picture's units."""
    paths = [
        path
        for path in ET.fromstring(picture.svg).iter(f"{SVG}path")
        if f"stroke: {colour.lower()}" in (path.get("style") or "").lower() and "stroke-width: 1.8" in path.get("style")
    ]
    numbers = paths[0].get("d").replace("M", " ").replace("L", " ").split()
    return np.array(numbers, dtype=float).reshape(-1, 2)


def test_the_axes_say_what_they_show_and_in_what_unit(table):
    shown = texts(draw_sweep(table, "n_embd", "gap", "n_layer"))
    assert {"n_embd", "gap", "nats per token", "n_layer", "1", "2", "4", "8", "16"} <= set(shown)


def test_the_picture_says_how_many_trainings_it_leaves_out(table):
    assert "24 trainings; 1 without a number left out" in texts(draw_sweep(table, "n_embd", "gap"))
    assert "24 trainings" in texts(draw_sweep(table.slice(0, 24), "n_embd", "gap"))


def test_the_line_goes_through_the_medians(table):
    picture = draw_sweep(table, "n_embd", "gap", "n_layer")
    for n, colour in ((1, COLOURS[0]), (2, COLOURS[1])):
        x, y = line_through(picture, colour).T
        medians = np.array([w * n + 1.5 for w in (4, 8, 16)])
        assert len(x) == 3
        # the picture's y goes down: an affine image of the medians
        assert (y[0] - y[1]) / (y[1] - y[2]) == pytest.approx(
            (medians[1] - medians[0]) / (medians[2] - medians[1]), abs=1e-3
        )
        assert (x[1] - x[0]) / (x[2] - x[1]) == pytest.approx(4 / 8, abs=1e-3)


def test_settings_that_are_names_stand_side_by_side(table):
    assert {"all", "last"} <= set(texts(draw_sweep(table, "positions", "gap")))


def test_rates_over_decades_get_a_logarithmic_axis():
    rates = [1e-4, 1e-3, 1e-2, 1e-1]
    picture = draw_sweep(pa.table({"learning_rate": rates * 3, "gap": list(range(12))}), "learning_rate", "gap")
    x = line_through(picture, COLOURS[0])[:, 0]
    assert np.diff(x) == pytest.approx([x[1] - x[0]] * 3, abs=1e-3)


def test_random_draws_get_dots_and_no_line():
    rng = np.random.default_rng(0)
    picture = draw_sweep(pa.table({"learning_rate": rng.random(200), "gap": rng.random(200)}), "learning_rate", "gap")
    assert "stroke-width: 1.8" not in picture.svg


@pytest.mark.parametrize("by", [None, "n_layer", "positions"])
def test_it_is_drawn_in_every_format_and_the_same_each_time(table, by):
    one, other = (draw_sweep(table, "n_embd", "gap", by) for _ in range(2))
    assert Image.open(io.BytesIO(one.render("png"))).size[0] > 500
    for format in ("svg", "png", "pdf"):  # noqa: A001
        assert one.render(format) == other.render(format)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("n_emb", "gap"), "no column 'n_emb'. Did you mean n_embd?"),
        (("n_embd", "nothing at all"), "no column 'nothing at all'. There are: n_embd"),
        (("n_embd", "gap", "layer"), "no column 'layer'"),
        (("n_embd", "positions"), "'positions' holds no single numbers"),
        (("n_embd", "losses"), "'losses' holds no single numbers"),
        (("losses", "gap"), "hold many numbers a training"),
    ],
)
def test_what_cannot_be_drawn_is_told(table, names, words):
    with pytest.raises(bg.SettingError) as error:
        draw_sweep(table, *names)
    assert words in str(error.value)


def test_more_lines_than_can_be_told_apart_are_refused():
    table = pa.table({"seed": list(range(20)), "gap": [1.0] * 20})
    with pytest.raises(bg.SettingError, match="'seed' has 20 values; up to 12 lines"):
        draw_sweep(table, "gap", "gap", "seed")


def test_a_sweep_without_a_number_is_not_drawn():
    with pytest.raises(bg.SettingError, match="No training of the sweep has a number for 'gap'"):
        draw_sweep(pa.table({"seed": [1], "gap": pa.array([None], pa.float64())}), "seed", "gap")
