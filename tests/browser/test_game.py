"""The chain as a game to print: whole pages on both papers, and in every state the numbers 1 to 100, each once."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pypdf
import pytest
from browsing import tool, wait_for_step

import babygpt as bg
from babygpt.studio.page import page as page_file

expect = tool("playwright.sync_api").expect
Axe = tool("axe_playwright_python.sync_playwright").Axe

NAMES = {"en": ("Share and download", "Print as a game"), "zh": ("分享与下载", "打印成游戏")}
POINTS = {"A4": (595, 842), "Letter": (612, 792)}
EIGHT = "#trained=50"
SIXTY_FOUR = "#context_length=6&steps=20&trained=20"

# what stands beyond the edge of what holds it, or of its page
_CUT_OFF = """() => [...document.querySelectorAll(".game-page, .game-page *:not(svg, svg *)")].filter((part) => {
    const [box, page] = [part, part.closest(".game-page")].map((one) => one.getBoundingClientRect());
    return part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== "inline"
        || part.matches(".game-page, .game-body, .game-columns, li, .game-row > span")
            && part.scrollHeight > part.clientHeight + 1
        || box.right > page.right + 1 || box.bottom > page.bottom + 1;
}).map((part) => part.className + ": " + part.textContent.slice(0, 40))"""

_DRAWN_BEYOND = """() => [...document.querySelectorAll(".game-board :is(text, path, rect)")].filter((part) => {
    const [box, board] = [part, part.closest(".game-page")].map((one) => one.getBoundingClientRect());
    return box.left < board.left || box.right > board.right;
}).length"""

_NUMBERS = """() => Object.fromEntries([...document.querySelectorAll(".game-row[data-state]")].map((row) => [
    row.dataset.state, [...row.querySelectorAll(".game-move")].map(({ dataset: of }) => [+of.first, +of.last])]))"""


def open_game(shown, language="en"):
    share, game = NAMES[language]
    shown.get_by_role("button", name=share).click()
    shown.get_by_role("button", name=game).click()
    expect(shown.get_by_role("dialog")).to_be_visible()


def pages_of(pdf):
    return pypdf.PdfReader(io.BytesIO(pdf)).pages


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize(("link", "states"), [(EIGHT, 8), (SIXTY_FOUR, 64)])
def test_a_game_prints_whole_on_its_paper_and_its_numbers_are_all_taken(visit, link, states, paper, language):
    shown = visit(f"{link}&lang={language}")
    wait_for_step(shown, 50 if states == 8 else 20)
    open_game(shown, language)
    shown.get_by_role("radio", name=paper).click()
    numbers = shown.evaluate(_NUMBERS)
    assert len(numbers) == states
    for moves in numbers.values():
        assert sum(last - first + 1 for first, last in moves) == 100
        assert [first for first, _ in moves] == [1, *(last + 1 for _, last in moves[:-1])]
    assert shown.evaluate(_CUT_OFF) == []
    assert shown.evaluate(_DRAWN_BEYOND) == 0
    count = shown.locator(".game-page").count()
    for printed in (shown.pdf(format=paper), shown.pdf(prefer_css_page_size=True)):
        sheets = pages_of(printed)
        assert len(sheets) == count == (4 if states == 8 else 6)
        np.testing.assert_allclose([float(x) for x in sheets[0].mediabox[2:]], POINTS[paper], atol=1.5)
    # each page on a sheet of its own, and nothing of the studio
    texts = [" ".join(sheet.extract_text().split()) for sheet in sheets]
    for i, text in enumerate(texts):
        assert f"{i + 1}/{count}" in text, text
    studio = {"en": "Learning rate", "zh": "学习率"}[language]
    assert not any(studio in text for text in texts)


def test_what_is_played_is_the_chain_on_the_screen(visit):
    shown = visit(f"{EIGHT}&step=20&temperature=0.5")
    wait_for_step(shown, 20)
    open_game(shown)
    chain = bg.train("111101111011110").chain_at(20).with_decoding(temperature=0.5)
    numbers = shown.evaluate(_NUMBERS)
    for state in range(8):
        assert abs(numbers[str(state)][0][1] - 100 * chain.probs[state, 0]) < 1
    pi = chain.stationary_distribution()
    for state, row in enumerate(shown.locator(".game-key tbody tr").all()):
        exact = re.findall(r"([\d.]+) %", row.inner_text())[1]
        assert abs(float(exact) - 100 * pi[state]) < 0.06
    expect(shown.locator(".game-page footer").first).to_contain_text(
        "111101111011110 · K = 3 · step 20 · seed 1337 · Temperature 0.5"
    )


def test_names_that_are_too_long_to_be_told_apart_are_numbers(visit):
    words = " ".join(["incomprehensibilities", "antidisestablishmentarianism"] * 3)
    shown = visit(f"#sequence={words}&tokens=words&context_length=3&trained=5")
    wait_for_step(shown, 5)
    open_game(shown)
    names = shown.locator(".game-board .g-name").all_text_contents()
    assert names == [str(number) for number in range(1, 9)]
    assert shown.evaluate(_CUT_OFF) == []


def test_where_the_data_is_shown_unseen_states_say_stop(visit):
    shown = visit(f"{EIGHT}&source=data")
    wait_for_step(shown, 50)
    open_game(shown)
    stops = shown.locator(".game-row", has_text="Stop here")
    expect(stops).to_have_count(4)
    expect(shown.locator(".game-key tbody tr").last).to_contain_text("50.0 %")  # of the text's states half are 111


def test_escape_leaves_the_game_as_it_was_come_to(visit):
    shown = visit(EIGHT)
    wait_for_step(shown, 50)
    open_game(shown)
    assert shown.locator(".frame").get_attribute("inert") is not None
    shown.get_by_role("radio", name="Cards").click()
    expect(shown.locator(".game-cards span")).to_have_count(100)
    shown.get_by_role("checkbox", name="Answer key").uncheck()
    expect(shown.locator('[data-page="key"]')).to_have_count(0)
    shown.keyboard.press("Escape")
    expect(shown.get_by_role("dialog")).to_have_count(0)
    expect(shown.get_by_role("button", name="Share and download")).to_be_focused()
    assert shown.locator(".frame").get_attribute("inert") is None


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("#context_length=7", "up to 64 states; this chain has 128"),
        (f"{EIGHT}&source=difference", "show the model or the data"),
    ],
)
def test_where_there_is_no_game_the_button_says_why(visit, link, reason):
    shown = visit(link)
    shown.get_by_role("button", name="Share and download").click()
    button = shown.get_by_role("button", name="Print as a game")
    expect(button).to_be_disabled()
    expect(button).to_have_accessible_description(re.compile(reason))


def test_a_page_file_has_the_game_too_and_axe_finds_nothing_in_it(windows, tmp_path):
    (tmp_path / "page.html").write_text(page_file(), encoding="utf-8")
    shown = windows(f"file://{tmp_path / 'page.html'}{EIGHT}", lambda url: url.startswith("file:"))
    wait_for_step(shown, 50)
    open_game(shown)
    expect(shown.locator(".game-page")).to_have_count(4)
    assert len(pages_of(shown.pdf(format="A4"))) == 4
    found = Axe().run(shown, context=".game")
    assert found.violations_count == 0, json.dumps(found.response["violations"], indent=1)[:2000]
