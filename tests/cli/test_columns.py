from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from babygpt.cli.columns import ENDLESS, side_by_side

SENTENCE = "(Kemeny's constant is solved for all 40,000 states at once; the limit is 1,024.)"


def lines(sections, width):
    return [line.plain for line in side_by_side(sections, width)]


def test_a_table_by_hand():
    sections = [("size", [("states", [["8"]])]), ("long run", [("π", [["000 0.1", "001 0.2", "010 0.3"]])])]
    assert lines(sections, ENDLESS) == [
        "size", "  states  8", "", "long run", "  π       000 0.1   001 0.2   010 0.3",
    ]  # fmt: skip
    assert lines(sections, 30)[-2:] == ["  π       000 0.1   001 0.2", "          010 0.3"]


def test_groups_begin_lines_where_they_do_not_all_fit_on_one():
    cycles = [("cycles", [("two", [["word 01", "basin 3"], ["word 0", "basin 1"]])])]
    assert lines(cycles, ENDLESS)[1] == "  two  word 01   basin 3   word 0   basin 1"
    assert lines(cycles, 30)[1:] == ["  two  word 01   basin 3", "       word 0   basin 1"]


def test_sentences_are_wrapped_between_words_beside_their_label():
    first, *others = lines([("forgetting", [("Kemeny", SENTENCE)])], 60)[1:]
    assert first.startswith("  Kemeny  (Kemeny's")
    assert all(line.startswith(" " * 10) for line in others)
    assert " ".join(line[10:] for line in [first, *others]) == SENTENCE


def test_an_item_longer_than_a_line_keeps_its_number_beside_its_end():
    item = "the quick brown fox jumps over the lazy dog again and again 0.1234"
    told = lines([("s", [("x", [[item, "b 0.5"]])])], 30)[1:]
    assert all(len(line) <= 30 for line in told)
    assert told[-1].split() == ["and", "again", "0.1234", "b", "0.5"]
    one_more = lines([("s", [("x", [["a" * 26 + " 0.1234"]])])], 30)[1:]
    assert [line.split()[-2:] for line in one_more] == [["x", "a" * 25], ["a", "0.1234"]]


symbols = st.text(st.sampled_from("01ab床前→"), min_size=1, max_size=60)
numbers = st.floats(0, 1).map(lambda p: f"{p:.4f}")
items = st.lists(st.tuples(symbols, numbers).map(" ".join), min_size=1, max_size=12)


@given(st.lists(st.tuples(symbols, items), min_size=1, max_size=4), st.integers(50, 130))
def test_no_line_is_too_wide_no_number_alone_and_nothing_lost(rows, width):
    told = lines([("section", [(label, [value]) for label, value in rows])], width)
    assert max(map(cell_len, told)) <= width
    left = min(max(2 + cell_len(label) for label, _ in rows), 34, max(width - 26, width // 3))
    shown = ""
    for line in told[1:]:
        at = next(i for i in range(len(line) + 1) if cell_len(line[:i]) >= left or i == len(line))
        cells = line[at:].strip().split("   ")
        assert not any(cell.replace(".", "", 1).isdigit() and "." in cell for cell in cells), "a number alone"
        shown += line[at:]
    assert "".join(shown.split()) == "".join("".join("".join(value).split()) for _, value in rows)


@pytest.mark.parametrize("width", [1, 5, 12, 20])
def test_a_hardly_open_window_is_no_reason_to_fail(width):
    assert lines([("long run", [("entropy rate", [["0.5682"]]), ("period", SENTENCE)])], width)
