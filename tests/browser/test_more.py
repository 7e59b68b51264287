"""The pages of *More*: sizes, input devices and short contexts, opened by a button or by a link, in both languages."""

from __future__ import annotations

import re

import pytest
from browsing import open_tools, tool, wait_for_step

import babygpt as bg
from babygpt.studio.page import page as page_file

expect = tool("playwright.sync_api").expect
Axe = tool("axe_playwright_python.sync_playwright").Axe

NO_BREAK = "\N{NO-BREAK SPACE}"


def words_of(page, model: str) -> list[str]:
    """Return what the bars of a model say."""
    return [text.replace(NO_BREAK, " ") for text in page.locator(f'[data-model="{model}"] b').all_inner_texts()]


def test_the_pages_open_and_close_by_keyboard_and_the_link_says_which(visit):
    page = visit()
    page.get_by_role("button", name="More", exact=True).press("Enter")
    expect(page.get_by_role("dialog", name="More about this GPT")).to_be_visible()
    expect(page.get_by_role("tab", name="Sizes")).to_be_focused()
    expect(page).to_have_url(re.compile("more=sizes"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="More", exact=True)).to_be_focused()
    expect(page).not_to_have_url(re.compile("more="))


def test_the_chain_stays_in_view_beside_the_pages_where_there_is_room(visit):
    page = visit("#more=sizes", width=1366, height=768)
    left = page.get_by_role("dialog").bounding_box()["x"]
    for node in page.locator(".g-node").all():
        box = node.bounding_box()
        assert box["x"] + box["width"] < left


@pytest.mark.parametrize(("lang", "bits", "fits"), [("en", "bits", "fits in {} bits"), ("zh", "比特", "{} 比特就够")])
def test_sizes_are_the_articles_beside_the_corrected_ones(visit, lang, bits, fits):
    page = visit(f"#more=sizes&lang={lang}")
    expect(page.locator("[data-model]")).to_have_count(6)
    assert words_of(page, "this") == words_of(page, "baby-gpt") == [fits.format(3)]
    byte = "bytes" if lang == "en" else "字节"
    assert words_of(page, "gpt-2") == [f"31,984 {bits} = 3,998 {byte}", f"15,992 {bits} = 1,999 {byte}"]
    assert words_of(page, "gpt-3") == [f"63,967 {bits} = 7,996 {byte}", f"31,984 {bits} = 3,998 {byte}"]
    assert words_of(page, "gpt-4") == [f"511,739 {bits} = 64.0 kB", f"544,395 {bits} = 68.0 kB"]
    for told in ("3,998 kB", "1,024", "Atari 800", "Commodore 64", "100,277"):
        expect(page.get_by_role("tabpanel")).to_contain_text(told)


def test_a_size_of_ones_own_is_tried(visit):
    page = visit("#more=sizes&context_length=4")
    assert words_of(page, "this") == ["fits in 4 bits"]
    assert words_of(page, "own") == ["fits in 39 bits"]
    vocabulary = page.get_by_role("spinbutton", name="Vocabulary (tokens)")
    vocabulary.fill("50257")
    vocabulary.press("Tab")
    page.get_by_role("dialog").get_by_role("spinbutton", name="Context length").fill("1024")
    page.keyboard.press("Tab")
    expect(page.locator('[data-model="own"] .note')).to_contain_text("context 1,024")
    assert words_of(page, "own") == words_of(page, "gpt-2")[1:]
    page.get_by_role("slider", name="Vocabulary (tokens)").press("Home")
    expect(page.locator('[data-model="own"] .note')).to_contain_text("2 tokens")


def test_arrow_keys_go_from_page_to_page(visit):
    page = visit("#more=sizes")
    expect(page.get_by_role("tab", name="Sizes")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Short contexts")).to_be_focused()
    expect(page).to_have_url(re.compile("more=short"))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Sizes", selected=True)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Input devices", selected=True)).to_be_focused()


def grown(page) -> dict[str, int]:
    """Return how likely each context follows the one that is a token shorter, in percent."""
    expect(page.locator(".grows").first).to_be_visible()
    arrow = "([...document.querySelectorAll('.grows')].map((one) => [one.nextSibling.textContent, one.textContent]))"
    return {context: int(re.search(r"(\d+).%", text)[1]) for context, text in page.evaluate(arrow)}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_short_contexts_grow_until_they_are_states(visit, article_short, lang):
    page = visit(f"#trained=50&more=short&lang={lang}")
    wait_for_step(page, 50)
    expect(page.locator(".sum")).to_contain_text("2 + 4 + 8 = 14")
    expect(page.locator(".begun")).to_have_count(14)
    assert grown(page) == article_short
    page.locator("button.begun", has_text="010").click()
    expect(page.locator("button.begun", has_text="010")).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile("select=2"))


def told(page) -> tuple[str, str]:
    """Return how many pairs had more than one outcome, and how many states there are."""
    return tuple(page.locator(f"[data-told={name}]").inner_text() for name in ("ambiguous", "states"))


@pytest.mark.parametrize(
    ("lang", "names", "of", "endless"),
    [
        ("en", ["None", "Lookup", "Clock", "Counter"], "{} of {}", "not finite"),
        ("zh", ["无", "查表", "时钟", "计数器"], "{1} 对中有 {0} 对", "不是有限个"),
    ],
)
def test_devices_tell_what_the_command_tells(visit, lang, names, of, endless):
    page = visit(f"#trained=50&more=devices&lang={lang}")
    wait_for_step(page, 50)
    expected = [((0, 16), "8"), ((0, 12), "16"), ((6, 14), "24"), ((14, 16), endless)]  # as in docs/input-devices.md
    for name, (pairs, states) in zip(names, expected, strict=True):
        page.get_by_role("radio", name=name, exact=True).click()
        page.get_by_role("button", name="20,000").click()
        expect(page.locator("[data-told=ambiguous]")).to_have_text(of.format(*pairs))
        assert told(page)[1] == states
        expect(page.locator('.pairs [data-ambiguous="true"]')).to_have_count(pairs[0])
        expect(page.locator(".history")).to_have_count(2 if pairs[0] else 0)


def test_the_first_conflict_shows_two_histories_that_end_alike_and_part(visit):
    page = visit("#trained=50&more=devices")
    wait_for_step(page, 50)
    page.get_by_role("radio", name="Clock", exact=True).click()
    for said in range(60):
        assert page.locator(".history").count() == 0 or said > 0
        page.get_by_role("button", name="One token").click()
        expect(page.get_by_role("tabpanel")).to_contain_text(re.compile(rf"{said + 1} tokens? said"))
        if page.locator(".history").count():
            break
    context = page.locator(".conflict h3").inner_text().split(" ")[0]
    first, second = page.locator(".history").all()
    for history in (first, second):
        read = history.locator(".line").first.locator('[data-read="true"]').all_inner_texts()
        assert "".join(read) == context
    assert first.locator("b").inner_text() != second.locator("b").inner_text()
    assert first.locator("p").nth(1).inner_text() != second.locator("p").nth(1).inner_text()


def test_a_walk_goes_by_itself_and_pauses_and_another_device_begins_anew(visit):
    page = visit("#trained=50&more=devices")
    page.get_by_role("button", name="Walk", exact=True).click()
    expect(page.get_by_role("tabpanel")).to_contain_text(re.compile(r"[1-9]\d tokens said"))
    page.get_by_role("tabpanel").get_by_role("button", name="Pause").click()
    page.get_by_role("combobox", name="Token put in").select_option("1")
    expect(page.get_by_role("tabpanel")).to_contain_text("0 tokens said")
    page.get_by_role("button", name="20,000").click()
    assert told(page)[0].startswith("0 of")


def test_devices_say_why_nothing_walks(visit):
    page = visit("#more=devices&context_length=7")
    expect(page.get_by_role("tabpanel")).to_contain_text("128 states is too large to be walked here: at most 64")
    page = visit("#more=devices&source=data")
    page.get_by_role("button", name="Show the model").click()
    expect(page.get_by_role("radio", name="Lookup")).to_be_checked()
    page = visit("#more=devices&preset=poem")
    page.get_by_role("button", name="20,000").click()
    expect(page.locator(".pairs tbody tr").first).to_be_visible()


@pytest.fixture(scope="module")
def article_short() -> dict[str, int]:
    """Return what the library says of each context that is a token longer, in percent."""
    chain = bg.train("111101111011110").chain
    return {
        context + token: round(100 * p)
        for context in ("0", "1", "00", "01", "10", "11") for token, p in chain[context].items()
    }  # fmt: skip


def test_the_page_that_thinks_by_itself_tells_the_same(windows, tmp_path, article_short):
    (tmp_path / "page.html").write_text(page_file(), encoding="utf-8")
    address = f"file://{tmp_path / 'page.html'}#trained=50&more=short"
    page = windows(address, lambda url: url.startswith("file:"))
    wait_for_step(page, 50)
    assert grown(page) == article_short
    page.get_by_role("tab", name="Input devices").click()
    page.get_by_role("radio", name="Clock", exact=True).click()
    page.get_by_role("button", name="20,000").click()
    expect(page.locator("[data-told=ambiguous]")).to_have_text("6 of 14")
    page.get_by_role("tab", name="Sizes").click()
    assert words_of(page, "this") == ["fits in 3 bits"]


def test_there_may_be_no_short_contexts_or_too_many(visit):
    page = visit("#more=short&context_length=1")
    expect(page.get_by_role("tabpanel")).to_contain_text("there are no shorter ones")
    page = visit("#more=short&context_length=9&n_layer=1&n_embd=4&n_head=1&sequence=" + "1101001110101000" * 3)
    expect(page.locator(".sum")).to_have_text("2 + 4 + … + 512 = 1,022 contexts")
    expect(page.get_by_role("tabpanel")).to_contain_text("510 shorter contexts are too many")
    page = visit("#more=short&preset=prose")
    expect(page.locator(".others").first).to_have_text("21 less likely")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("which", ["sizes", "devices", "short"])
def test_axe_finds_nothing_in_the_pages_and_nothing_sticks_out(visit, which, width, lang, scheme):
    page = visit(f"#trained=50&lang={lang}", width=width, height=800, color_scheme=scheme)
    open_tools(page)
    page.locator("[data-opens-more]").click()
    page.locator(f"#more-{which}").click()
    expect(page.get_by_role("tabpanel")).to_be_visible()
    if which == "devices":
        page.get_by_role("radio").nth(-1).click()
        page.get_by_role("button", name="20,000").click()
        expect(page.locator(".history")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".page").evaluate("(box) => box.scrollWidth <= box.clientWidth")
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"][:200] for n in v["nodes"]][:3]) for v in violations] == []
