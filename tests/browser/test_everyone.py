"""For everyone: by keyboard alone, in both languages, light and dark, on any screen, with a screen reader."""

from __future__ import annotations

import re

import pytest
from browsing import step_of, tool, train, wait_for_step

expect = tool("playwright.sync_api").expect
Axe = tool("axe_playwright_python.sync_playwright").Axe

# What sticks out of its box, or is cut off in it without a way to scroll there.
OVERFLOWING = """() => {
    const wrong = [];
    const page = document.documentElement;
    if (page.scrollWidth > innerWidth + 1) wrong.push(`page ${page.scrollWidth} > ${innerWidth}`);
    for (const el of document.querySelectorAll("button, label, h1, h2, dt, dd, p, th, td, a")) {
        if (el.closest(".strip, .unseen, .line") || !el.checkVisibility()) continue;
        if (el.scrollWidth > el.clientWidth + 2 && getComputedStyle(el).display !== "inline")
            wrong.push(`${el.tagName} "${el.textContent.slice(0, 40)}" ${el.scrollWidth} > ${el.clientWidth}`);
    }
    return wrong;
}"""


def open_all(page) -> None:
    closed = page.locator('.fold h2 button[aria-expanded="false"]')
    while closed.count():
        closed.first.click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "link", ["", "#view=table", "#view=map", "#lang=zh", "#source=difference", "#preset=prose", "#source=seeds&seeds=8"]
)
def test_axe_finds_nothing(visit, link, scheme):
    page = visit((link or "#") + "&trained=50&select=3", color_scheme=scheme)
    expect(page.locator(".sentence")).to_be_visible()
    open_all(page)
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"][:200] for n in v["nodes"]][:3]) for v in violations] == []


def test_axe_finds_nothing_in_menus_tour_and_messages(visit):
    page = visit("#temperature=-1")
    expect(page.locator(".message")).to_be_visible()
    for name in ("Examples", "Share and download", "Show and hide"):
        page.get_by_role("button", name=name).click()
        assert Axe().run(page).response["violations"] == []
        page.keyboard.press("Escape")
    page.get_by_role("button", name="What is this?").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert Axe().run(page).response["violations"] == []


def test_the_whole_story_by_keyboard_alone(visit):
    page = visit()

    def tab_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate("(s) => document.activeElement.matches(s)", selector):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"Tab never reaches {selector}.")

    tab_to(".token")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("0")
    expect(page.get_by_role("button", name="Token 2: 0")).to_be_visible()
    expect(page.get_by_role("button", name="Token 3: 1")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("1")
    expect(page.get_by_role("button", name="Token 2: 1")).to_be_visible()
    tab_to(".g-node")
    first = page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("Enter")
    expect(page.locator(".sentence")).to_be_visible()
    page.keyboard.press("0" if "111" in first else "1")
    moved = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert moved != first
    tab_to("button.primary")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Watch again")).to_be_visible()
    tab_to(".timeline")
    wait_for_step(page, 50)
    page.keyboard.press("Home")
    wait_for_step(page, 0)
    page.keyboard.press("ArrowRight")
    wait_for_step(page, 1)
    page.keyboard.press("End")
    wait_for_step(page, 50)


def test_the_graph_is_one_stop_on_the_way_through_the_page(visit):
    page = visit()
    stops = page.locator('.g-node[tabindex="0"]')
    expect(stops).to_have_count(1)
    assert page.locator('.drawing svg [tabindex="0"]').count() == 1


def test_where_playing_rests_is_said_aloud(visit):
    page = visit()
    train(page)
    expect(page.locator('.unseen[aria-live="polite"]')).to_have_text(re.compile(r"^Step 50 of 50, loss 0\.4\d+\.$"))


@pytest.mark.parametrize("source", ["model", "seeds"])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 700), (768, 1024), (390, 844)])
def test_nothing_overflows_and_no_text_is_missing(visit, language, width, height, source):
    page = visit(f"#lang={language}&trained=50&select=7&source={source}&seeds=8", width, height)
    expect(page.locator(".sentence")).to_be_visible()
    open_all(page)
    assert page.evaluate(OVERFLOWING) == []
    text = page.locator(".app").inner_text()
    assert "{" not in text
    assert "undefined" not in text
    assert not re.search(r"\b(?:dock|state|settings|notice|graph|tour)\.[a-z_]+", text)


def test_chinese_is_chosen_by_the_browser_by_the_link_and_by_the_button(visit):
    page = visit(locale="zh-CN")
    expect(page.get_by_role("button", name="训练", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    page = visit("?lang=zh")
    expect(page.get_by_role("button", name="训练", exact=True)).to_be_visible()
    page.get_by_role("button", name="EN", exact=True).click()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("lang=en"))


def test_no_english_is_left_on_the_chinese_screen(visit):
    page = visit("#lang=zh&trained=50&select=0")
    expect(page.locator(".sentence")).to_be_visible()
    open_all(page)
    page.evaluate("document.querySelectorAll('option').forEach((option) => option.remove())")  # names of tensors
    text = page.locator(".app").inner_text()
    words = set(re.findall(r"[A-Za-z]{3,}", text)) - {
        "BabyGPT", "GPT", "token", "nat", "Top", "Min", "baby", "Transformer", "off",
    }  # fmt: skip
    assert words == set()


def test_dark_is_dark_and_can_be_switched(visit):
    page = visit(color_scheme="dark")
    shade = "getComputedStyle(document.querySelector('.studio')).backgroundColor"
    assert page.evaluate(shade) == "rgb(21, 23, 26)"
    page.get_by_role("button", name="Dark colours").click()
    assert page.evaluate(shade) == "rgb(252, 251, 248)"


def test_with_reduced_motion_the_ball_jumps(visit):
    page = visit(reduced_motion="reduce")
    expect(page.get_by_role("button", name="Let the ball wander")).to_be_visible()  # it rests until it is asked
    ball = page.locator(".g-ball")
    expect(ball).to_be_visible()
    page.get_by_role("button", name="Append 0").click()
    expect(page.locator(".tape .line")).to_have_text(re.compile("0$"))
    place = "(el) => el.getBoundingClientRect().x + ' ' + el.getBoundingClientRect().y"
    page.wait_for_timeout(60)
    first = ball.evaluate(place)
    page.wait_for_timeout(200)
    assert ball.evaluate(place) == first


def test_on_a_narrow_screen_training_is_within_reach(visit):
    page = visit(width=390, height=844)
    button = page.get_by_role("button", name="Train", exact=True)
    box = button.bounding_box()
    assert box["y"] + box["height"] <= 844
    train(page)
    assert step_of(page) == 50
