from __future__ import annotations

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babygpt.errors import FileError, SettingError
from babygpt.gpt.cells import DELIMITERS, Column

DAYS = (
    "date,weather\n2024-01-01,rain\n2024-01-02,rain\n2024-01-03,sun\n2024-01-04,clouds\n2024-01-05,rain\n"
    "2024-01-06,sun\n2024-01-07,sun\n2024-01-08,clouds"
)


def column(text, name, **options):
    return Column.of(lambda: iter([text[:5], text[5:12], text[12:]]), name, **options)


def test_a_column_by_name_is_the_sequence_of_its_cells():
    (found,) = column(DAYS, "weather").sequences()
    assert found == ["rain", "rain", "sun", "clouds", "rain", "sun", "sun", "clouds"]
    assert list(pairwise(found)).count(("sun", "clouds")) == 2


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_the_sign_between_fields_is_found(delimiter):
    text = DAYS.replace(",", delimiter)
    assert column(text, "weather").delimiter == delimiter
    assert list(column(text, "2").sequences()) == list(column(text, "weather").sequences())


def test_a_decimal_comma_parts_nothing_where_semicolons_do():
    found = column("hour;sky\n1,5;sun\n2,5;rain\n3,5;sun", "sky")
    assert (found.delimiter, list(found.sequences())) == (";", [["sun", "rain", "sun"]])


@given(
    st.lists(st.tuples(st.text('ab ,;\t|"\n', max_size=4), st.text('xy ",;\n', max_size=4)), min_size=2, max_size=8),
    st.integers(1, 9),
)
def test_what_pythons_csv_wrote_is_read_back(rows, cut):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("one", "two"), *rows])
    text = out.getvalue().removesuffix("\n")
    found = Column.of(lambda: (text[i : i + cut] for i in range(0, len(text), cut)), "two", ",")
    assert list(found.fields()) == [" ".join(cell.split()) for _, cell in rows]


def test_an_empty_cell_is_a_border():
    text = "sky,day\nsun,1\n,2\nrain,3\nsun,4\n  ,5\n"
    assert list(column(text, "sky").sequences()) == [["sun"], ["rain", "sun"]]
    assert list(column("a,b\nx,y\nx\nx,z", "b", delimiter=",").sequences()) == [["y"], ["z"]]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (DAYS, "rain"),
        ("sky\nsun\nrain\nsun", "sun"),  # no field comes again: names
        ("sun\nrain\nsun\nrain", "sun"),  # the first comes again: data
        ("1,sun\n2,rain\n3,sun", "sun"),  # a number is no name
    ],
)
def test_by_number_the_first_row_is_names_if_it_looks_like_it(text, first):
    number = "2" if "," in text else "1"
    assert next(column(text, number).sequences())[0] == first


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wether", "column=wether is none of the table's 2: date, weather. Did you mean weather?"),
        ("Weather", "Did you mean weather?"),
        ("wind", "Or give a number, 1 to 2."),
        ("3", "Or give a number, 1 to 2."),
        ("0", "Or give a number, 1 to 2."),
    ],
)
def test_a_column_that_is_not_there_is_answered_with_those_that_are(name, said):
    with pytest.raises(SettingError) as error:
        column(DAYS, name)
    assert said in str(error.value)


def test_a_name_that_two_columns_have_is_asked_for_by_number():
    with pytest.raises(SettingError, match=r"2 columns. Name one by number: 1 or 3"):
        column("a,b,a\n1,2,3", "a")


def test_an_empty_table_says_so():
    with pytest.raises(FileError, match="The table is empty"):
        column("\n\n", "a")
