from __future__ import annotations

import pytest

from babygpt.cli import reproduce as claims


@pytest.fixture(scope="module")
def checked():
    return claims.check_article()


def test_every_number_of_the_article_holds(checked):
    assert [claim for claim in checked if not claim.holds] == []
    assert {claim.row for claim in checked} >= {"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A13"}


def test_the_article_is_stated_as_it_is_written(checked):
    stated = {(claim.row, claim.what): claim.stated for claim in checked}
    assert stated["A1", "parameters"] == "12656"
    assert stated["A7", "loss at iteration 0"] == "0.663539469"
    assert stated["A8", "101 → 011"] == "79 %"
    assert stated["A8", "000 → 001, never seen"] == "73 %"
    assert sum(row == "A5" for row, _ in stated) == 8


def test_the_command_prints_every_row_and_exits_with_0(babygpt, checked):
    result = babygpt("reproduce")
    assert result.exit_code == 0
    assert result.stdout.count("✓ holds") == len(checked) == len(result.stdout.splitlines()) - 1
    assert "✗" not in result.stdout
    assert f"{len(checked)} of {len(checked)} numbers hold." in result.stderr
    for claim in checked:
        assert claim.what in result.stdout


@pytest.mark.parametrize(
    ("name", "value", "off"),
    [
        ("TRAINED_P1", (0.7316, 0.7814, 0.7578, 0.7956, 0.7475, 0.7929, 0.7799, 0.4538), 1),
        ("UNTRAINED_P0", (0.4963370, 0.4515704, 0.4964836, 0.4518111, 0.4961162, 0.4517718, 0.4962803, 0.4520468), 1),
        ("SEQUENCE", "111101111011111", None),
    ],
)
def test_a_number_that_is_off_is_shown_and_exits_with_1(babygpt, checked, monkeypatch, name, value, off):
    monkeypatch.setattr(claims, name, value)
    result = babygpt("reproduce")
    assert result.exit_code == 1
    wrong = result.stdout.count("✗ is off")
    assert wrong == off if off else wrong > 3
    assert f"{len(checked) - wrong} of {len(checked)} numbers hold." in result.stderr
