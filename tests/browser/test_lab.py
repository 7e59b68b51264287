"""Is it the data, the architecture, or the seed? Many seeds on the screen, and the effect of each token."""

from __future__ import annotations

import re

import numpy as np
import pytest
from browsing import tool, train, wait_for_step

import babygpt as bg

expect = tool("playwright.sync_api").expect

TEXT = "111101111011110"
SMALL = {"n_layer": 1, "n_head": 2, "n_embd": 8}
LINK = "#n_layer=1&n_head=2&n_embd=8&trained=50&seeds=40"


def labels(page) -> list[str]:
    """Return what is written at the arrows of the eight states, sorted: "1 66–78%" and so on."""
    return sorted(page.locator(".g-label").all_text_contents())


def percent(p: float) -> str:
    return f"{round(100 * p)}%"


@pytest.fixture(scope="module")
def study() -> bg.SeedStudy:
    return bg.study(TEXT, range(40), at=[0, 50], **SMALL)


def test_many_seeds_band_each_arrow_and_one_seed_is_found_among_them(visit, study):
    page = visit(LINK)
    wait_for_step(page, 50)
    expect(page.locator(".g-band")).to_have_count(0)
    page.get_by_role("radio", name="Many seeds").click()
    page.locator('.drawing[data-seeds="40"]').wait_for()
    expect(page.locator(".g-band")).to_have_count(16)
    low, high = study.quantiles([0.05, 0.95])[:, -1]
    expected = [
        f"{token} {percent(low[s, token])[:-1]}–{percent(high[s, token])}"
        if percent(low[s, token]) != percent(high[s, token])
        else f"{token} {percent(low[s, token])}"
        for s in range(8)
        for token in range(2)
    ]
    assert labels(page) == sorted(expected)
    page.locator('.g-node[data-state="0"]').click()
    share = max(study.share_above()[-1, 0])
    expect(page.locator(".of-seeds")).to_contain_text(f"{round(100 * share)}\N{NO-BREAK SPACE}% of them find")
    expect(page.locator(".of-seeds")).to_contain_text("seed 1337")
    expect(page.locator(".hills")).to_have_count(2)
    page.get_by_role("radio", name="Model").click()
    expect(page.locator(".g-band")).to_have_count(0)
    expect(page.locator(".of-seeds")).to_have_count(0)


def test_seeds_follow_the_film_and_the_table_says_the_same(visit, study):
    page = visit(LINK + "&source=seeds&view=table")
    wait_for_step(page, 50)
    low, high = study.quantiles([0.05, 0.95])
    for step, frame in ((50, 1), (0, 0)):
        if step == 0:
            page.get_by_role("button", name="Back to the initial weights").click()
            wait_for_step(page, 0)
        cells = page.locator(".table-row").first.locator(".cell")
        text = f"{round(100 * low[frame, 0, 1])}–{round(100 * high[frame, 0, 1])}\N{NO-BREAK SPACE}%"
        expect(cells.nth(1)).to_have_text(text)


def test_how_many_seeds_can_be_chosen_and_another_text_begins_anew(visit):
    page = visit(LINK + "&source=seeds")
    chosen = page.get_by_role("combobox", name="How many")
    expect(chosen).to_have_value("40")
    chosen.select_option("50")
    page.locator('.drawing[data-seeds="50"]').wait_for()
    page.locator('.token[data-at="4"]').click()
    expect(page.get_by_role("radio", name="Many seeds")).to_be_checked()
    expect(page.locator(".g-band")).to_have_count(16)
    expect(page).to_have_url(re.compile("source=seeds.*seeds=50"))


def test_pointing_at_a_token_shows_its_effect_on_the_arrows(visit):
    page = visit(LINK)
    wait_for_step(page, 50)
    before, box = labels(page), page.locator(".g-graph").bounding_box()
    page.locator('.token[data-at="4"]').hover()
    expect(page.locator(".held")).to_contain_text("Token 5, 0, gives these arrows so many points")
    expect(page.locator(".held")).to_contain_text("to step 50, with 1 instead")
    expect(page.locator(".g-more").first).to_be_visible()
    effects = bg.attribute(TEXT, **SMALL).by_position[4]
    points = np.round(100 * effects).astype(int)
    expected = [
        f"{token} " + ("0" if p == 0 else f"+{p}" if p > 0 else f"−{-p}")
        for row in points
        for token, p in enumerate(row)
    ]
    assert labels(page) == sorted(expected)
    assert page.locator(".g-graph").bounding_box() == box  # nothing jumps
    drawing = page.locator(".drawing").bounding_box()
    text, bar = page.locator(".held > span").bounding_box(), page.locator(".bar").bounding_box()
    assert text["y"] + text["height"] <= drawing["y"]  # nor is anything covered
    assert bar["y"] + bar["height"] <= text["y"]
    page.locator(".g-graph").hover(position={"x": 2, "y": 2})
    expect(page.locator(".held")).to_have_count(0)
    assert labels(page) == before


def test_by_keyboard_too_and_not_before_anything_is_learnt(visit):
    page = visit("#n_layer=1&n_head=2&n_embd=8")
    page.locator('.token[data-at="4"]').hover()
    page.wait_for_timeout(500)
    expect(page.locator(".held")).to_have_count(0)
    train(page)
    page.locator('.token[data-at="3"]').focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".held")).to_contain_text("Token 5, 0, gives")
    expect(page.locator('.token[data-pointed="true"]')).to_have_attribute("data-at", "4")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".held")).to_contain_text("Token 6, 1, gives")
    page.locator(".timeline").focus()
    expect(page.locator(".held")).to_have_count(0)


def test_what_was_pointed_at_is_let_go_when_the_page_is_loaded_again_or_the_text_replaced(visit):
    page = visit(LINK)
    wait_for_step(page, 50)
    page.locator('.token[data-at="4"]').hover()
    expect(page.locator(".held .more-of")).to_be_visible()
    page.mouse.move(0, 0)
    page.locator('.token[data-at="4"]').hover()
    page.reload()
    page.mouse.move(5, 300)
    wait_for_step(page, 50)
    expect(page.locator(".held")).to_have_count(0)
    expect(page.locator(".g-more")).to_have_count(0)
    page.locator('.token[data-at="4"]').hover()
    expect(page.locator(".held .more-of")).to_be_visible()
    page.get_by_label("Context length").fill("40")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Context length")).to_have_attribute("aria-invalid", "true")
    page.mouse.move(5, 300)
    expect(page.locator(".held")).to_have_count(0)


def test_with_many_arrows_the_largest_effects_have_labels(visit):
    page = visit("#context_length=5&n_layer=1&n_head=2&n_embd=8&trained=50")
    wait_for_step(page, 50)
    expect(page.locator(".g-label")).to_have_count(0)
    page.locator('.token[data-at="4"]').hover()
    expect(page.locator(".g-label")).to_have_count(6)


def test_of_many_states_the_effect_of_a_token_is_a_map(visit):
    page = visit("#preset=prose&n_layer=1&n_head=1&n_embd=8&trained=2")
    wait_for_step(page, 2)
    page.locator('.token[data-at="4"]').hover()
    expect(page.locator(".held")).to_contain_text("with another symbol instead")
    expect(page.locator(".held .more-of")).to_be_visible()


def test_too_many_arrows_for_seeds_are_refused_in_a_sentence(visit):
    page = visit("#context_length=15&n_layer=1&n_embd=4&n_head=1&seeds=1000&sequence=" + TEXT * 2)
    page.get_by_role("radio", name="Many seeds").click()
    expect(page.locator(".message")).to_contain_text("are too many to show side by side")
    expect(page.get_by_role("radio", name="Model")).to_be_checked()
