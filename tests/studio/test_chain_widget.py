"""A chain in a cell, without a browser: what goes to the screen, and what comes back."""

from __future__ import annotations

import numpy as np
import pytest

import babygpt as bg


@pytest.fixture
def widget(article_run):
    return article_run.chain.widget()


def test_it_holds_all_that_is_drawn(widget, article_run):
    facts, chain = widget.facts, article_run.chain
    np.testing.assert_array_equal(np.reshape(facts["values"], (8, 2)), chain.probs)
    np.testing.assert_array_equal(facts["pi"], chain.stationary_distribution())
    assert (facts["symbols"], facts["labels"], facts["context_length"]) == (["0", "1"], ["0", "1"], 3)
    assert "facts" in widget.get_state()
    assert "selected" not in widget.get_state()  # the screen knows its number


def test_what_is_selected_there_is_selected_here(widget):
    seen = []
    widget.observe(lambda change: seen.append(change["new"]), "selected")
    widget.selected = "101"
    assert widget.state == 5
    widget.set_state({"state": 3})  # a click
    assert widget.selected == "011"
    widget.set_state({"state": None})
    assert seen == ["101", "011", None]
    widget.set_state({"state": 99})  # of a screen that is wrong
    assert widget.selected is None


def test_what_is_no_context_is_refused_and_nothing_changes(widget):
    widget.selected = "101"
    for wrong in ("1", "10x", "1011"):
        with pytest.raises(bg.BabyGPTError):
            widget.selected = wrong
        assert (widget.selected, widget.state) == ("101", 5)


def test_a_chain_with_several_long_runs_has_no_shares():
    chain = bg.MarkovChain(np.log([[1.0, 1e-300], [1e-300, 1.0]]).clip(min=-np.inf), "ab")
    still = bg.MarkovChain(np.array([[0.0, -np.inf], [-np.inf, 0.0]]), "ab").widget()
    assert still.facts["pi"] is None
    assert chain.widget().facts["pi"] is not None


def test_too_many_states_and_wrong_looks_are_refused(article_run):
    large = bg.MarkovChain(np.log(np.full((512, 2), 0.5)))
    with pytest.raises(bg.SizeError, match="512 states"):
        large.widget()
    for wrong in ({"lang": "fr"}, {"height": 3}):
        with pytest.raises(bg.SettingError):
            article_run.chain.widget(**wrong)


def test_without_a_kernel_it_is_its_picture(widget):
    bundle, _ = widget._repr_mimebundle_()
    assert "data:image/svg+xml;base64," in bundle["text/html"]
    assert bundle["text/plain"] == "ChainWidget(8 states)"
