from __future__ import annotations

import doctest
import math

import pytest

from babygpt.cli import sizes
from babygpt.cli.sizes import KNOWN_MODELS, Size, byte_count, known_models


def test_the_articles_bits_are_log2_of_the_vocabulary_times_the_context():
    assert Size(50_257, 2_048).bits == pytest.approx(2048 * math.log(50257) / math.log(2))
    assert round(Size(50_257, 2_048).bits) == 31_984
    assert round(Size(50_257, 2_048).bytes) == 3_998
    assert round(Size(50_257, 4_096).bytes / 1000) == 8
    assert round(Size(50_257, 32_768).bytes / 1000) == 64


@pytest.mark.parametrize(("V", "K"), [(2, 3), (10, 6), (3, 27), (2, 43), (27, 9), (50_257, 1_024)])
def test_states_are_counted_exactly_or_in_powers_of_ten(V, K):
    shown = Size(V, K).states
    if "^" in shown:
        assert abs(int(shown.split("^")[1].replace(",", "")) - math.log10(V) * K) <= 0.5
    else:
        assert int(shown.replace(",", "")) == V**K


def test_what_fits_in_its_own_bits_is_consistent():
    for model in KNOWN_MODELS:
        for size in (model.article, model.actual):
            assert size.bytes * 8 == size.bits


def test_models_are_known_by_name_in_the_order_asked_for():
    assert [m.name for m in known_models([])] == ["baby-gpt", "gpt-2", "gpt-3", "gpt-4"]
    assert [m.name for m in known_models(["GPT4", "baby-gpt"])] == ["gpt-4", "baby-gpt"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.125, "0.1 bytes"), (9.94, "9.9 bytes"), (10, "10 bytes"), (9_999, "9,999 bytes"), (10_000, "10.0 kB")],
)
def test_bytes_are_said_as_the_article_does(value, shown):
    assert byte_count(value) == shown


def test_examples_in_docstrings_hold():
    assert doctest.testmod(sizes).failed == 0
