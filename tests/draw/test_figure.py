from __future__ import annotations

import os
import re
import subprocess
import sys

import matplotlib as mpl
import pytest

from babygpt.draw.figure import figure_picture, mono


def curve(figure):
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1])
    axes.set(xlabel="step", title="100 % of $x$ and $_{")


@pytest.mark.parametrize(
    "backend", ["module://matplotlib_inline.backend_inline", "module://no.such.module", "nonsense", "TkAgg", ""]
)
def test_pictures_go_to_files_whatever_screen_the_environment_names(backend, tmp_path):
    code = (
        "import os, sys\n"
        "from babygpt.draw.figure import figure_picture\n"
        "for format in ('svg', 'png', 'pdf'):\n"
        "    figure_picture(lambda figure: figure.subplots().plot([1, 2]), (2, 2)).render(format)\n"
        f"assert os.environ['MPLBACKEND'] == {backend!r}\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    env = {**os.environ, "MPLBACKEND": backend}
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_backend_that_there_is_stays_the_one_for_the_users_own_figures():
    code = "import babygpt.draw, matplotlib.pyplot as plt; print(plt.get_backend())"
    env = {**os.environ, "MPLBACKEND": "svg"}
    assert subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True).stdout == b"svg\n"


@pytest.mark.parametrize(
    "settings",
    [
        {"text.usetex": True},
        {"font.family": ["No Such Font"], "font.size": 30},
        {"axes.facecolor": "red", "savefig.transparent": True, "savefig.bbox": "tight"},
        {"figure.autolayout": True, "svg.fonttype": "path", "path.sketch": (1, 100, 2)},
    ],
)
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_a_style_of_the_users_changes_no_picture_and_stays_as_it_is(settings, format):  # noqa: A002
    picture = figure_picture(curve, (3, 2))
    plain = picture.render(format)
    with mpl.rc_context(settings):
        before = dict(mpl.rcParams)
        assert picture.render(format) == plain
        assert dict(mpl.rcParams) == before


def test_a_dollar_sign_is_a_dollar_sign():
    assert "100 % of $x$ and $_{" in figure_picture(curve, (3, 2)).svg


def test_a_backend_that_was_chosen_before_stays_chosen():
    code = "import matplotlib; matplotlib.use('pdf'); import babygpt.draw; print(matplotlib.get_backend())"
    env = {**os.environ, "MPLBACKEND": "svg"}
    assert subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True).stdout == b"pdf\n"


def test_an_svg_names_a_generic_family_for_browsers_that_lack_the_others():
    def draw(figure):
        figure.text(0.1, 0.1, "plain")
        figure.text(0.1, 0.5, "narrow", family=mono())

    plain, narrow = re.findall(r"font-family: ([^;\"]*)", figure_picture(draw, (2, 1)).svg)
    assert plain.split(", ")[0] == "'DejaVu Sans'"
    assert plain.split(", ")[-1] == "sans-serif"
    assert narrow.split(", ")[0] == "'DejaVu Sans Mono'"
    assert "monospace" in narrow.split(", ")
