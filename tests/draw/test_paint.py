from __future__ import annotations

import io
import os
import subprocess
import sys

import numpy as np
import pypdf
import pytest
from PIL import Image

import babygpt as bg
from babygpt.draw import graph
from babygpt.draw.graph import draw_chain


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.render("png"))).convert("RGB")).astype(int)


def weather(names):
    return bg.MarkovChain(np.log(np.full((3, 3), 1 / 3)), bg.Vocabulary(names, "words"))


def test_a_pdf_holds_every_name_and_every_label_as_text(article_run):
    text = (
        pypdf.PdfReader(io.BytesIO(draw_chain(article_run.chain, title="step 50").render("pdf")))
        .pages[0]
        .extract_text()
    )
    for shown in ("000", "111", "1(79%)", "0(21%)", "step 50"):
        assert shown in text


def test_png_and_pdf_need_no_font_of_the_systems(article_run, tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "fonts.conf").write_text(
        f'<?xml version="1.0"?><fontconfig><dir>{tmp_path / "none"}</dir><cachedir>{tmp_path}</cachedir></fontconfig>'
    )
    article_run.save(tmp_path / "run")
    for format in ("png", "pdf"):  # noqa: A001
        code = (
            "import sys, babygpt as bg; "
            f"sys.stdout.buffer.write(bg.Run.load({str(tmp_path / 'run')!r}).chain.plot().render({format!r}))"
        )
        env = {**os.environ, "FONTCONFIG_FILE": str(tmp_path / "fonts.conf")}
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, check=True)
        assert done.stdout == draw_chain(article_run.chain).render(format)
        assert done.stderr == b""


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_the_same_chain_gives_the_same_bytes(article_run, format):  # noqa: A002
    assert draw_chain(article_run.chain).render(format) == draw_chain(article_run.chain).render(format)


def test_a_png_shows_what_the_svg_shows_at_the_same_place(article_run):
    picture = draw_chain(article_run.chain)
    svg, shown = picture.svg, pixels(picture)
    width = float(svg.split('width="')[1].split("pt")[0])
    assert shown.shape[1] / 2 == pytest.approx(width, abs=6)  # 144 dots an inch
    for colour in graph.TOKEN_COLOURS[:2]:
        rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(shown - rgb).sum(axis=2) < 12).sum() > 1000


def test_unseen_states_are_white_and_dashed_in_a_png(article_run):
    seen, unseen = (pixels(draw_chain(article_run.chain, seen=states)) for states in (range(8), []))
    paint = (0xF4, 0xF2, 0xEC)
    assert (seen == paint).all(axis=2).sum() > 8 * 2000
    assert (unseen == paint).all(axis=2).sum() == 0
    ink = (0x22, 0x22, 0x22)
    assert (unseen == ink).all(axis=2).sum() < (seen == ink).all(axis=2).sum()


def test_large_pictures_have_a_limit_in_pixels():
    names = ["".join(np.random.default_rng(i).choice(list("abcdefgh"), 40)) for i in range(64)]
    with np.errstate(divide="ignore"):
        chain = bg.MarkovChain(np.log(np.roll(np.eye(64), 1, axis=1)), bg.Vocabulary(names, "words"))
    assert 3000 < max(pixels(draw_chain(chain)).shape) <= 6001


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_names_that_no_font_has_are_said(format, monkeypatch):  # noqa: A002
    monkeypatch.setattr("babygpt.draw.figure.families", lambda characters: (["DejaVu Sans"], "晴"))
    with pytest.warns(bg.errors.MissingGlyphWarning, match="boxes for 晴"):
        draw_chain(weather(["晴", "雨", "sun"])).render(format)


def test_a_title_makes_the_picture_higher(article_run):
    plain, titled = pixels(draw_chain(article_run.chain)), pixels(draw_chain(article_run.chain, title="after 50 steps"))
    assert titled.shape[0] > plain.shape[0]
    assert titled.shape[1] == plain.shape[1]
