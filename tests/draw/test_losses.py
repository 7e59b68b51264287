"""The loss curve as SVG, which no drawing library writes."""

from __future__ import annotations

import doctest
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from babygpt.draw import losses
from babygpt.draw.losses import losses_svg, ticks

SVG = "{http://www.w3.org/2000/svg}"
LEVELS = [("ln 2: guessing", 0.6931, "1 2"), ("a < b & c", 0.3466, "4 2")]


def curve(values):
    svg = ET.fromstring(losses_svg(np.asarray(values, float), LEVELS))
    (path,) = [path.get("d") for path in svg.iter(f"{SVG}path")]
    return svg, np.array([point.split() for point in path.removeprefix("M").split("L")], float)


def test_the_curve_is_where_its_axes_say():
    svg, points = curve([0.7, 0.5, 0.4])
    at = {text.text: float(text.get("y")) - 3.5 for text in svg.iter(f"{SVG}text") if text.get("text-anchor") == "end"}
    scale = (at["0.4"] - at["0.6"]) / 0.2
    assert points[0, 1] == pytest.approx(at["0.6"] - 0.1 * scale, abs=0.02)
    assert points[2, 1] == pytest.approx(at["0.4"], abs=0.02)
    assert "a < b & c = 0.3466" in at


def test_a_long_curve_keeps_its_peaks_and_stays_small():
    values = np.full(300_000, 0.5)
    values[123_456], values[200_001] = 3.0, 0.1
    _, points = curve(values)
    assert len(points) <= losses.MOST_POINTS + 2
    lines = losses_svg(values, LEVELS)
    assert len(lines) < 100_000
    assert points[:, 1].max() - points[:, 1].min() == pytest.approx((216 - 8) / 1.24, abs=0.1)


@pytest.mark.parametrize("values", [[0.4], [np.inf, 0.4, np.nan], []])
def test_few_or_broken_losses_are_drawn_as_far_as_they_go(values):
    svg = ET.fromstring(losses_svg(np.array(values, float), LEVELS))
    assert len(list(svg.iter(f"{SVG}circle"))) == bool(values)
    assert "nan" not in ET.tostring(svg, encoding="unicode")


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.3, 0.31), (1e-7, 5e-7), (12, 99_000), (0.999, 1.001)])
def test_ticks_are_a_few_round_numbers_between(low, high):
    chosen = ticks(low, high, 6)
    assert 3 <= len(chosen) <= 10
    assert all(low <= tick <= high for tick in chosen)
    assert len(set(map("{:.10g}".format, chosen))) == len(chosen)


def test_a_training_that_is_drawn_loads_no_matplotlib(tmp_path):
    code = (
        "import sys; from babygpt.cli.main import main\n"
        "sys.argv = ['babygpt', 'train', '0110', '--context', '1', '--steps', '2', '--out', "
        f"{str(tmp_path / 'run')!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "assert 'matplotlib' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "losses.svg").exists()


def test_examples_in_docstrings_hold():
    assert doctest.testmod(losses).failed == 0
