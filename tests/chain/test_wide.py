from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from babygpt.chain.wide import Wide

NOT_NEGATIVE = arrays(np.float64, (3, 2), elements=st.floats(0, allow_infinity=False))
POSITIVE = arrays(np.float64, (3, 2), elements=st.floats(5e-324, 1e300))


def exactly(wide):
    """Return the numbers as fractions."""
    return [
        Fraction(m) * Fraction(2) ** int(e) if m else Fraction(0)
        for m, e in zip(wide._m.flat, wide._e.flat, strict=True)
    ]


def fractions(values):
    return [Fraction(value) for value in values.ravel().tolist()]


def is_near(found, expected):
    assert all(abs(a - b) <= b * Fraction(1, 2**52) for a, b in zip(exactly(found), expected, strict=True))


@given(NOT_NEGATIVE)
def test_floats_come_back_as_they_were(values):
    np.testing.assert_array_equal(Wide.of(values).floats(), values)
    assert exactly(Wide.of(values)) == fractions(values)


@given(NOT_NEGATIVE, NOT_NEGATIVE, POSITIVE)
def test_what_fractions_calculate_is_right_to_the_last_digit(a, b, c):
    x, y, z = fractions(a), fractions(b), fractions(c)
    is_near(Wide.of(a) + Wide.of(b), [p + q for p, q in zip(x, y, strict=True)])
    is_near(Wide.of(a) * Wide.of(b), [p * q for p, q in zip(x, y, strict=True)])
    is_near(Wide.of(a) / Wide.of(c), [p / q for p, q in zip(x, z, strict=True)])
    total = exactly(Wide.of(a).sum())[0]
    assert abs(total - sum(x)) <= sum(x) * Fraction(6, 2**53)
    columns = exactly(Wide.of(a).sum(axis=0))
    for column, found in enumerate(columns):
        assert abs(found - sum(x[column::2])) <= sum(x[column::2]) * Fraction(3, 2**53)


def test_what_is_too_small_or_too_large_for_a_float_is_kept_until_it_is_asked_for_as_one():
    tiny, huge = Wide.of(np.array([1e-300])), Wide.of(np.array([1e300]))
    assert ((tiny * tiny).floats(), (huge * huge).floats()) == (0, np.inf)
    assert (tiny * tiny * huge * huge).floats() == pytest.approx(1, rel=1e-15)


def test_nothing_adds_up_to_nothing():
    assert Wide.of(np.zeros(0)).sum().floats() == 0
    assert Wide.of(np.zeros((0, 2))).sum(axis=0).floats().tolist() == [0, 0]


def test_places_are_read_and_written_as_those_of_an_array():
    wide = Wide.of(np.arange(6.0).reshape(2, 3))
    wide[0, 1:] = wide[1, :2]
    assert wide.floats().tolist() == [[0, 3, 4], [3, 4, 5]]
    assert len(wide) == 2
