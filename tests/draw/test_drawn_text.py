from __future__ import annotations

import doctest
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font

from babygpt.draw import text
from babygpt.draw.text import MAX_LINE, text_width, wrapped

DEJAVU = FT2Font(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf")
DEJAVU.set_size(100, 72)


def measured(line):
    return sum(DEJAVU.load_char(ord(c)).linearHoriAdvance / 65536 for c in line)


@given(st.text(string.ascii_letters + string.digits + string.punctuation + "äöéЖжωΩ→␣", min_size=3, max_size=40))
def test_a_text_is_no_wider_than_it_is_taken_for(line):
    assert measured(line) <= 1.08 * text_width(line, 100)


@pytest.mark.parametrize("line", ["1(79%)", "cloudy(33%)", "Healthy", "stagnant(<1%)", "mmmm", "illicit", "WWW"])
def test_common_labels_are_taken_for_about_what_they_are(line):
    assert text_width(line, 100) == pytest.approx(measured(line), rel=0.12)


@given(st.lists(st.text("abcdefm", min_size=1, max_size=12), min_size=1, max_size=12))
def test_wrapping_only_turns_blanks_into_line_breaks(words):
    line = " ".join(words)
    lines = wrapped(line, 11)
    assert " ".join(lines) == line
    assert len(lines) <= 3
    assert len(lines) == 1 or text_width(line, 11) > MAX_LINE * 11


def test_blanks_that_are_shown_stay_shown():
    assert wrapped("partly␣cloudy␣with␣showers", 11) == ["partly␣cloudy␣", "with␣showers"]


def test_a_long_name_without_blanks_is_one_line():
    assert wrapped("x" * 40, 11) == ["x" * 40]


def test_marks_above_letters_take_no_room():
    assert text_width("e\u0301") == text_width("e")


def test_examples_in_docstrings_hold():
    assert doctest.testmod(text).failed == 0
