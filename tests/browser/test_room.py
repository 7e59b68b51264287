"""The room around the graph: it stays where it is, it has a first sentence, and it suits every screen."""

from __future__ import annotations

import re

import pytest
from browsing import tool, train, wait_for_step

expect = tool("playwright.sync_api").expect

SIZES = [(390, 844), (820, 1180), (1024, 768), (1366, 768), (1920, 1080), (2560, 1440)]
PLACES = """() => [...document.querySelectorAll('.g-node')].map((node) => {
    const { x, y, width, height } = node.querySelector('.g-disc').getBoundingClientRect();
    return [x, y + scrollY, width, height].map(Math.round);
})"""
LABELS = """() => [...document.querySelectorAll('.g-label, .g-name')].map((label) => {
    const scale = label.ownerSVGElement.getScreenCTM().a;
    return parseFloat(getComputedStyle(label).fontSize) * scale;
})"""


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_graph_never_moves(visit, width, height):
    page = visit("#trained=50&select=0&seeds=20", width, height, has_touch=width < 900)
    wait_for_step(page, 50)
    before = page.evaluate(PLACES)
    assert len(before) == 8
    for source in ("Data", "Difference", "Many seeds", "Model"):
        page.get_by_role("radio", name=source).click()
        assert page.evaluate(PLACES) == before, source
    page.get_by_role("button", name="Clear the selection").click()
    assert page.evaluate(PLACES) == before
    page.get_by_role("button", name=re.compile("Skip the introduction|Close")).first.click()
    assert page.evaluate(PLACES) == before


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_graph_is_whole_and_its_labels_are_readable(visit, width, height):
    page = visit("#trained=50", width, height)
    wait_for_step(page, 50)
    page.locator(".g-label").first.wait_for()
    dock = page.locator(".dock").bounding_box()
    for x, y, w, h in page.evaluate(PLACES):
        assert x >= 0, x
        assert x + w <= width, x
        assert y + h <= dock["y"], "a state lies under the dock"
    assert min(page.evaluate(LABELS)) >= 11.9
    size = page.locator(".studio").evaluate("studio => parseFloat(getComputedStyle(studio).fontSize)")
    assert 15 <= size <= 22.1


def test_three_scenes_lead_through_the_first_visit_and_are_remembered(visit):
    page = visit()
    caption = page.locator(".caption")
    expect(caption).to_contain_text("A whole GPT: there are only 8 things it can ever read")
    expect(page.locator('.unseen[aria-live="polite"]')).to_contain_text("A whole GPT")
    page.get_by_role("button", name="Train it.").click()
    wait_for_step(page, 50)
    page.get_by_role("button", name="Look at 000.").click()
    expect(caption).to_contain_text("It says 1 with 73 %, though the data never has 000.")
    page.get_by_role("button", name="Ask many seeds.").click()
    expect(page.get_by_role("radio", name="Many seeds")).to_be_checked()
    page.evaluate("location.hash = ''; location.reload()")
    expect(caption).not_to_contain_text("A whole GPT")


def test_a_guess_stands_beside_what_the_gpt_and_the_seeds_say(visit):
    page = visit("#seeds=20")
    page.get_by_role("button", name="Guess first").click()
    bar = page.get_by_role("slider", name="Probability of 1")
    bar.fill("60")
    expect(page).to_have_url(re.compile(r"guess=1%2C60%2C000"))
    page.get_by_role("button", name="Train", exact=True).click()
    wait_for_step(page, 50)
    guess = page.locator(".guess")
    expect(guess).to_contain_text("You guessed 1 with 60 %; this GPT says 73 %.")
    expect(page.locator(".guessed")).to_have_count(1)
    page.get_by_role("radio", name="Many seeds").click()
    expect(guess).to_contain_text(re.compile(r"Half of 20 seeds say more than \d+"))


def test_the_keyboard_trains_within_three_tabs_and_space_plays(visit):
    page = visit()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    wait_for_step(page, 50)
    page.locator("body").evaluate("() => document.activeElement.blur()")
    page.keyboard.press(" ")
    expect(page.locator(".drawing")).to_have_attribute("data-playing", "true")
    page.keyboard.press(" ")
    expect(page.locator(".drawing")).to_have_attribute("data-playing", "false")


def test_a_term_explains_itself_to_pointer_keyboard_and_touch(visit):
    page = visit(has_touch=True)
    term = page.get_by_role("button", name="Mixing time")
    told = page.get_by_role("tooltip")
    term.hover()
    expect(told).to_contain_text("total variation at most")
    page.mouse.move(5, 5)
    expect(told).to_have_count(0)
    term.tap()
    expect(told).to_contain_text("total variation at most")
    page.keyboard.press("Escape")
    expect(told).to_have_count(0)
    page.get_by_role("button", name="Entropy rate", exact=True).focus()
    page.keyboard.press("Tab")
    expect(told).to_contain_text("total variation at most")


def test_the_timeline_shows_the_arrow_of_the_selected_state_and_where_it_turned(visit):
    page = visit("#trained=50&select=0")
    wait_for_step(page, 50)
    expect(page.locator(".timeline")).to_contain_text("000→1 73 %")
    expect(page.locator(".timeline .flip")).to_have_count(2)
    expect(page.locator(".timeline .flip").first).to_contain_text("At step 26 another token became the likeliest.")
    names = page.locator(".timeline .margin").evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
    assert len(names) == 3
    assert min(abs(a - b) for i, a in enumerate(names) for b in names[:i]) > 10


def test_a_presentation_goes_through_the_scenes_by_a_clicker(visit):
    page = visit("#seeds=20")
    page.get_by_role("button", name="Present: large, without panels").click()
    expect(page.locator(".side")).to_have_count(0)
    size = page.locator(".caption").evaluate("caption => parseFloat(getComputedStyle(caption).fontSize)")
    assert size > 20
    page.keyboard.press("PageDown")
    wait_for_step(page, 50)
    page.keyboard.press("PageDown")
    expect(page.locator(".caption")).to_contain_text("It says 1 with 73 %")
    page.keyboard.press("PageDown")
    expect(page.get_by_role("radio", name="Many seeds")).to_be_checked()
    page.keyboard.press("PageUp")
    expect(page.locator(".caption")).to_contain_text("It says 1 with 73 %")
    page.get_by_role("button", name="End the presentation").click()
    expect(page.locator(".side")).to_have_count(2)


def test_a_film_of_the_training_is_a_gif_named_after_the_text(visit, tmp_path):
    page = visit("#steps=8")
    train(page)
    page.get_by_role("button", name="Share and download").click()
    with page.expect_download(timeout=60_000) as coming:
        page.get_by_role("button", name="Film of the training (GIF)").click()
    assert coming.value.suggested_filename == "babygpt-article.gif"
    coming.value.save_as(tmp_path / "film.gif")
    with tool("PIL.Image").open(tmp_path / "film.gif") as image:
        assert image.n_frames == 9
        first = image.convert("RGB").tobytes()
        image.seek(8)
        assert image.convert("RGB").tobytes() != first
    expect(page.locator(".drawing")).to_have_attribute("data-step", "8")


def test_an_example_ends_with_what_it_is_there_to_teach(visit):
    page = visit("#preset=alternating&trained=50")
    wait_for_step(page, 50)
    page.get_by_role("button", name="Skip the introduction").click()
    loss = page.locator(".now b").first.inner_text()
    expect(page.locator(".caption")).to_contain_text(f"The loss is {loss} after 50 steps")
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".caption .line-of")).to_have_count(0)


def test_with_forced_colours_bars_keep_their_lengths(visit):
    page = visit("#trained=50&select=0", forced_colors="active")
    wait_for_step(page, 50)
    adjusted = page.locator(".bars .bar").first.evaluate("bar => getComputedStyle(bar).forcedColorAdjust")
    assert adjusted == "none"


def test_what_is_too_large_or_too_short_is_offered_as_it_would_do(visit):
    page = visit()
    page.get_by_label("Context length").fill("12")
    page.get_by_label("Context length").press("Enter")
    expect(page.get_by_text("4,096 states")).to_be_visible()
    page.get_by_role("button", name="Edit as text").click()
    page.get_by_role("textbox", name="Edit as text").fill("the quick brown fox jumps over the lazy dog " * 3)
    page.get_by_label("Let the settings suit the text").uncheck()
    page.get_by_role("button", name="Use this text").click()
    page.get_by_role("button", name="Open with K = 4.").click()  # no more states than the studio takes, but more memory
    page.get_by_role("button", name="Open with K = 3.").click()
    expect(page.get_by_text("19,683 states")).to_be_visible()
    expect(page.locator(".message")).to_have_count(0)


def test_what_is_typed_is_learnt_and_written_back_and_what_is_refused_stays(visit):
    page = visit()
    page.get_by_label("Your name as a GPT").fill("Emma")
    page.get_by_role("button", name="Learn it").click()
    expect(page.get_by_text("16 states")).to_be_visible()
    expect(page.locator(".now")).to_contain_text("Stopped: near enough to the floor.", timeout=60_000)
    expect(page.locator(".tape .line")).to_contain_text("Emma", timeout=60_000)
    page.get_by_role("button", name="Edit as text").click()
    editor = page.get_by_role("textbox", name="Edit as text")
    editor.fill("   ")
    page.get_by_role("button", name="Use this text").click()
    expect(page.locator(".message")).to_contain_text("The sequence is empty.")
    editor.fill("moon moon  moon")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Edit as text").click()
    expect(editor).to_have_value("moon moon  moon")
    box, button = (
        page.locator(".writing").bounding_box(),
        page.get_by_role("button", name="Use this text").bounding_box(),
    )
    assert box["width"] == page.viewport_size["width"]
    assert button["x"] + button["width"] <= box["width"]
    editor.press("Enter")
    expect(page.locator(".writing")).to_have_count(0)


def test_shortening_a_text_while_the_pointer_rests_on_a_token_raises_no_objection(visit):
    page = visit("#trained=50")
    wait_for_step(page, 50)
    page.locator('.token[data-at="14"]').hover()
    expect(page.locator(".held")).to_be_visible()
    page.locator('.token[data-at="12"]').focus()
    for _ in range(4):
        page.keyboard.press("Delete")
        page.keyboard.press("Backspace")
    page.wait_for_timeout(600)
    expect(page.locator(".message")).to_have_count(0)


def test_the_last_change_is_taken_back_by_a_key_and_by_a_button(visit):
    page = visit("#trained=50&select=5")
    wait_for_step(page, 50)
    sentence = page.locator(".sentence").inner_text()
    expect(page.get_by_role("button", name="Undo the last change")).to_be_disabled()
    page.locator('.token[data-at="0"]').click()
    wait_for_step(page, 0)
    page.keyboard.press("Control+z")
    wait_for_step(page, 50)
    expect(page.locator(".sentence")).to_have_text(sentence)
    page.locator('.token[data-at="0"]').click()
    wait_for_step(page, 0)
    page.get_by_role("button", name="Undo the last change").click()
    wait_for_step(page, 50)


def test_a_finger_that_rests_on_a_token_shows_its_effect_and_changes_nothing(visit):
    page = visit("#trained=50", 390, 844, has_touch=True)
    wait_for_step(page, 50)
    token = page.locator('.token[data-at="1"]')
    box = token.bounding_box()
    touch = page.context.new_cdp_session(page)
    points = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points})
    expect(page.locator(".held")).to_contain_text("Token 2, 1, gives")
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(300)
    expect(page.locator(".held")).to_contain_text("Token 2, 1, gives")
    expect(token).to_have_text("1")
    page.locator(".now").tap()
    expect(page.locator(".held")).to_have_count(0)
    token.tap()
    expect(token).to_have_text("0")


OVERLAPS = """() => {
    const texts = [...document.querySelectorAll('.dock .now > *, .timeline text')].filter((one) => one.checkVisibility());
    const boxes = texts.map((one) => one.getBoundingClientRect()).filter((box) => box.width > 0);
    const said = texts.map((one) => one.textContent);
    const found = [];
    boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, k) => {
        const [w, h] = [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
        if (w > 1 && h > 2) found.push([said[i], said[i + 1 + k]]);
    }));
    const wide = boxes.filter((box) => box.right > innerWidth + 1).length;
    return [found, wide];
}"""  # noqa: E501


@pytest.mark.parametrize("width", [390, 650, 700, 768, 820, 940])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_numbers_and_timeline_never_lie_on_each_other(visit, width, lang):
    page = visit(f"#trained=50&select=0&lang={lang}", width, 900)
    page.get_by_text(re.compile("^(Step 50 of 50|第 50 步，共 50 步)$")).first.wait_for()
    assert page.evaluate(OVERLAPS) == [[], 0]
