"""The lesson, the game and the slides on paper: they say what the guide says, in both languages."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from unicodedata import normalize

import pypdf
import pytest

DOCS = Path(__file__).parents[1] / "docs"
A4, SLIDE = (595, 842), (960, 540)


def guide(language):
    return (DOCS / ("" if language == "en" else language) / "class.md").read_text("utf-8")


def pages(name, language):
    return pypdf.PdfReader(DOCS / "print" / f"{name}.{language}.pdf").pages


def squeezed(text):
    """Return a text without what is parted or spelt otherwise in print: blanks, dashes, signs made of a radical."""
    return re.sub(r"[\s*`\u2010-\u2015\u2e80-\u2eff见角页]", "", normalize("NFKC", text))


def said(sheets):
    return squeezed("".join(sheet.extract_text() for sheet in sheets))


def size(sheet):
    return tuple(round(float(side)) for side in sheet.mediabox[2:])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_lesson_on_paper_is_the_guide(language):
    sheets = pages("lesson", language)
    assert {size(sheet) for sheet in sheets} == {A4}
    digest = hashlib.sha256(guide(language).encode()).hexdigest()
    assert json.loads((DOCS / "print" / "made-of.json").read_text())[language] == digest, "make handouts"
    on_paper = said(sheets)
    for line in guide(language).splitlines():
        if re.match(r"#+ |\| \d", line):  # its headings, and the rows of its tables
            for part in line.strip("#| ").split(" | "):
                assert squeezed(part) in on_paper
    for number in re.findall(r"\d+(?:[.,]\d+)? ?%", guide(language)):
        assert squeezed(number) in on_paper


@pytest.mark.parametrize("language", ["en", "zh"])
def test_there_is_a_slide_for_each_question(language):
    sheets = pages("slides", language)
    assert {size(sheet) for sheet in sheets} == {SLIDE}
    rows = re.findall(r"^\| (\d+[–-]\d+) \| (.+?) \| (.+?) \|$", guide(language), re.MULTILINE)
    assert len(sheets) == len(rows) + 1  # the first scene has a before and an after
    for _, what, question in rows:
        assert any(squeezed(what) in said([sheet]) and squeezed(question) in said([sheet]) for sheet in sheets)


@pytest.mark.parametrize(("language", "title"), [("en", "Be the GPT"), ("zh", "你来当 GPT")])
def test_the_game_has_its_four_pages(language, title):
    sheets = pages("game", language)
    assert [size(sheet) for sheet in sheets] == [A4] * 4
    assert squeezed(title) in said(sheets[:1])
    assert "111101111011110" in said(sheets)
