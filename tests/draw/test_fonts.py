from __future__ import annotations

import doctest
import io
import subprocess
import warnings

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from PIL import Image

from babygpt.draw import fonts
from babygpt.draw.figure import figure_picture, mono
from babygpt.draw.fonts import advice, families
from babygpt.errors import MissingGlyphWarning


def make_font(path, family, characters):
    """Write a font whose every shape is a full square."""
    pen = TTGlyphPen(None)
    corners = [(0, 0), (0, 1000), (1000, 1000), (1000, 0)]
    pen.moveTo(corners[0])
    for corner in corners[1:]:
        pen.lineTo(corner)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(c): "square" for c in characters})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": square})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "square": (1000, 0)})
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return str(path)


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """Make believe that only what comes with matplotlib is installed; return what installs a font."""
    monkeypatch.delenv("FONTCONFIG_FILE", raising=False)
    manager, installed = font_manager.fontManager, []
    monkeypatch.setattr(manager, "ttflist", [entry for entry in manager.ttflist if fonts._bundled(str(entry.fname))])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: list(installed))

    def install(family, characters):
        installed.append(make_font(tmp_path / f"{family}.ttf", family, characters))

    fonts._find_new_fonts.cache_clear()
    fonts._configured_files.cache_clear()
    yield install
    fonts._find_new_fonts.cache_clear()
    fonts._configured_files.cache_clear()


def written(text):
    return figure_picture(lambda figure: figure.text(0.5, 0.5, text, fontsize=40), (2, 1))


def test_latin_greek_and_arrows_need_no_other_font(bare):
    assert families("abcäßжλ→␣⏎∞") == (["DejaVu Sans"], "")


def test_a_font_installed_since_the_list_was_made_is_found(bare):
    bare("Weather", "晴雨")
    assert families("1晴雨") == (["DejaVu Sans", "Weather"], "")


def test_fonts_complete_each_other(bare):
    bare("Sun Sans", "晴")
    bare("Rain Sans", "雨")
    chosen, missing = families("晴雨阴")
    assert chosen[0] == "DejaVu Sans"
    assert sorted(chosen[1:]) == ["Rain Sans", "Sun Sans"]
    assert missing == "阴"


def test_a_font_is_known_by_what_it_has_and_not_by_its_name(bare):
    bare("Noto Sans CJK SC", "月")
    bare("Plain", "晴")
    assert families("晴") == (["DejaVu Sans", "Plain"], "")


def test_of_two_fonts_that_have_a_character_the_one_without_serifs_is_taken(bare):
    bare("A Serif", "晴")
    bare("B Sans", "晴")
    assert families("晴") == (["DejaVu Sans", "B Sans"], "")


def test_fonts_are_looked_for_once(bare, monkeypatch):
    assert families("晴") == (["DejaVu Sans"], "晴")
    bare("Weather", "晴")
    assert families("晴") == (["DejaVu Sans"], "晴")


def test_damaged_fonts_are_passed_over(bare, tmp_path, monkeypatch):
    (tmp_path / "bad.ttf").write_bytes(b"no font")
    bare("Weather", "晴")
    found = font_manager.findSystemFonts()
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(tmp_path / "bad.ttf"), *found])
    assert families("晴") == (["DejaVu Sans", "Weather"], "")


def test_what_has_no_shape_is_not_missed(bare):
    assert families("a\n\t\u200b\u200d\ufe0f\ud800") == (["DejaVu Sans"], "")


def test_a_fontconfig_of_the_users_own_decides_which_fonts_there_are(bare, monkeypatch, tmp_path):
    bare("Weather", "晴")
    monkeypatch.setenv("FONTCONFIG_FILE", "fonts.conf")

    def listed(*paths):
        fonts._configured_files.cache_clear()
        fonts._find_new_fonts.cache_clear()
        out = "".join(f"{path}\n" for path in paths).encode()
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, out))

    listed("/elsewhere.ttf")
    assert families("晴") == (["DejaVu Sans"], "晴")
    listed(tmp_path / "Weather.ttf")
    assert families("晴") == (["DejaVu Sans", "Weather"], "")


@pytest.mark.parametrize("text", ["晴", "床前明月光疑是地上霜", "晴ア한", "😀"])
def test_every_character_that_is_not_missing_is_in_one_of_the_fonts(text):
    chosen, missing = families(text)
    files = [entry.fname for entry in font_manager.fontManager.ttflist if entry.name in chosen]
    for character in text:
        assert any(ord(character) in FT2Font(file).get_charmap() for file in files) == (character not in missing)


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_what_no_font_has_is_said_once_with_what_to_install(bare, format):  # noqa: A002
    with pytest.warns(MissingGlyphWarning, match=r"boxes for 晴 雨.*Install Noto Sans CJK .*fonts-noto-cjk") as said:
        written("晴雨 and more 晴").render(format)
    assert len(said) == 1


def test_an_svg_keeps_the_text_and_needs_no_font(bare):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "晴雨" in written("晴雨").svg


@pytest.mark.parametrize("face", [None, mono])
def test_a_font_that_has_a_character_is_the_one_it_is_drawn_with(bare, face):
    bare("Weather", "晴")

    def draw(figure):
        figure.text(0.1, 0.1, "晴", fontsize=40, **({"family": face()} if face else {}))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = figure_picture(draw, (2, 1)).render("png")

    black = np.asarray(Image.open(io.BytesIO(picture)).convert("L")) < 10
    assert black.sum() == pytest.approx((40 / 72 * 150) ** 2, rel=0.05)  # the square


@pytest.mark.parametrize(
    ("missing", "package"),
    [("晴", "fonts-noto-cjk"), ("カ", "fonts-noto-cjk"), ("한", "fonts-noto-cjk"), ("😀", "fonts-symbola"),
     ("ก", "fonts-noto-core")],
)  # fmt: skip
def test_the_advice_names_a_package_for_the_script(missing, package):
    assert package in advice(missing)
    assert "\n" not in advice(missing)


def test_the_advice_names_few_characters():
    assert "床 前 明 月 光 疑 是 地 and 2 more" in advice("床前明月光疑是地上霜")


def test_examples_in_docstrings_hold():
    assert doctest.testmod(fonts).failed == 0
