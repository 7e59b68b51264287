"""Results that a notebook shows as pictures: traces, studies, attributions, comparisons."""

from __future__ import annotations

import pytest

import babygpt as bg

SMALL = {"context_length": 2, "n_layer": 1, "n_head": 2, "n_embd": 8}


@pytest.fixture(scope="module")
def run():
    return bg.train("0110110", steps=3, **SMALL)


@pytest.fixture(scope="module")
def found(run):
    return {
        "Trace": run.trace("entropy_rate"),
        "Comparison": run.chain.compare(run.chain_at(0)),
        "SeedStudy": bg.study("0110110", seeds=range(4), steps=3, **SMALL),
        "Attribution": bg.attribute("0110110", steps=3, **SMALL),
    }


@pytest.mark.parametrize("name", ["Trace", "Comparison", "SeedStudy", "Attribution"])
def test_it_shows_its_picture_and_says_what_it_is(found, name, tmp_path):
    shown = found[name]
    html = shown._repr_html_()
    assert html.startswith("<figure><svg")
    assert f"<p>{name}(" in html
    assert shown.plot().save(tmp_path / "it.png").stat().st_size > 1000


def test_what_is_too_much_for_a_picture_says_so():
    study = bg.study(
        "abcdefghijklmnopqrstuvwxyz" * 2, context_length=1, n_layer=1, n_head=1, n_embd=4, seeds=range(2), steps=1
    )
    html = study._repr_html_()
    assert "<svg" not in html
    assert html.startswith("<p>SeedStudy(")


def test_a_comparison_names_its_arrows_and_their_differences(run, found):
    svg = found["Comparison"].plot().svg
    state, token = found["Comparison"].ranked()[0].tolist()
    value = 100 * found["Comparison"].differences[state, token]
    assert f"{value:+.1f}".replace("-", "−") in svg or f"{value:+.1f}" in svg
