"""Graph, table and map, of model, data and their difference, at every size."""

from __future__ import annotations

import re

import pytest
from browsing import arrows, tool, train, wait_for_step

expect = tool("playwright.sync_api").expect

# 65,536 states: context length 16 needs a longer text
LARGE = "#context_length=16&n_layer=2&n_embd=8&n_head=2&sequence=" + "1101001110101000" * 5


@pytest.mark.parametrize("view", ["Graph", "Table", "Map"])
@pytest.mark.parametrize("source", ["Model", "Data", "Difference"])
def test_each_view_shows_each_source(visit, view, source):
    page = visit("#trained=50")
    wait_for_step(page, 50)
    page.get_by_role("radio", name=view, exact=True).click()
    page.get_by_role("radio", name=source, exact=True).click()
    expect(page.get_by_role("radio", name=source, exact=True)).to_be_checked()
    shown = {"Graph": ".g-node", "Table": ".table-row", "Map": ".map canvas"}[view]
    expect(page.locator(shown).first).to_be_visible()


def test_the_datas_own_chain_says_nothing_about_what_it_never_saw(visit):
    page = visit("#view=table&source=data")
    expect(page.locator(".table-row").first.locator(".cell").first).to_have_text("–")
    texts = {row.split("\n")[0]: row for row in page.locator(".table-row").all_inner_texts()}
    assert "never seen" in texts["000"]
    assert "100\N{NO-BREAK SPACE}%" in texts["101"]
    assert texts["111"].count("50\N{NO-BREAK SPACE}%") == 2


def test_a_graph_of_64_states_names_them_all(visit):
    page = visit("#context_length=6")
    expect(page.locator(".g-node")).to_have_count(64)
    expect(page.get_by_text("64 states · 128 arrows")).to_be_visible()


def test_more_than_64_states_begin_as_a_map(visit):
    page = visit("#context_length=7")
    expect(page.locator(".map canvas")).to_be_visible()
    page.get_by_role("radio", name="Graph", exact=True).click()
    expect(page.locator(".g-node")).to_have_count(128)


def test_27_symbols_are_a_map_with_letters_and_a_table_of_the_likeliest(visit):
    page = visit("#preset=prose")
    expect(page.locator(".map canvas")).to_be_visible()
    expect(page.get_by_text("729 states")).to_be_visible()
    # each column and each row has its token
    expect(page.locator(".map-token")).to_have_count(2 * 27)
    expect(page.locator(".map-legend")).to_contain_text("letter: which")
    # no symbol has a colour, until the reader gives it one
    swatches = page.locator(".map-picks i")
    expect(swatches).to_have_count(0)
    for symbol in "etaoinsrl":
        page.locator(".map-picks button", has_text=re.compile(f"^{symbol}$")).click()
    expect(swatches).to_have_count(7)
    page.get_by_role("radio", name="Table").click()
    expect(page.get_by_text("Likeliest next tokens")).to_be_visible()


# How many pixels of the canvas each state has, and whether the screen shows the canvas as it is.
CANVAS = """([across, down]) => {
    const canvas = document.querySelector(".map canvas"), box = canvas.getBoundingClientRect();
    const near = (x, y) => Math.abs(x - y) < devicePixelRatio / 32; // Chromium rounds to 1/64 of a CSS pixel
    const whole = (x) => near(x * devicePixelRatio, Math.round(x * devicePixelRatio));
    const asItIs = [box.left, box.width, box.height].every(whole) && near(box.width * devicePixelRatio, canvas.width);
    return { width: canvas.width / across, height: canvas.height / down, whole: asItIs };
}"""


@pytest.mark.parametrize("scale", [1, 1.5, 2, 3])
@pytest.mark.parametrize(("link", "states"), [("#view=map", (4, 2)), ("#preset=prose", (27, 27)), (LARGE, (256, 256))])
def test_every_state_of_a_map_has_the_same_whole_number_of_pixels(visit, link, states, scale):
    page = visit(link, width=1366, height=768, device_scale_factor=scale)
    expect(page.locator(".map canvas")).to_be_visible()
    found = page.evaluate(CANVAS, states)
    assert found["whole"]
    assert found["width"] == int(found["width"]) >= 1
    assert found["height"] % found["width"] == 0


def test_65536_states_are_a_map_whose_pixels_can_be_selected(visit):
    page = visit(LARGE)
    expect(page.get_by_text("65,536 states · 131,072 arrows")).to_be_visible()
    picture = page.locator(".map canvas")
    # the states lean to one token or the other, each in its colour: no single one fills the map without its dots
    page.get_by_role("button", name="in the data").click()
    page.wait_for_function("""() => {
        const canvas = document.querySelector(".map canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size > 1;
    }""")
    picture.click(position={"x": 0, "y": 0})
    expect(page.locator(".sentence")).to_contain_text("After 00000")
    train(page)
    page.get_by_role("radio", name="Graph").click()
    expect(page.locator("svg.neighbourhood")).to_be_visible()
    page.get_by_role("radio", name="Table").click()
    rows = page.locator(".table-rows")
    rows.focus()
    page.keyboard.press("End")
    expect(page.locator(".table-row", has_text=re.compile("^1{16}"))).to_be_visible()
    expect(page.locator(".sentence")).to_contain_text("After 1111111111111111")


def test_one_goes_from_a_state_of_the_map_to_its_neighbours_and_on_by_keyboard(visit):
    page = visit("#preset=prose&n_layer=1&n_head=1&n_embd=8")
    picture = page.locator(".map canvas")
    picture.focus()
    picture.press("t")
    picture.press("h")
    expect(page.locator("figcaption")).to_contain_text("After th:")
    # before th comes some letter and t, after it h and some letter
    nodes = page.locator(".map .n-node")
    expect(nodes).to_have_count(12)
    assert all(re.match(".t", name) for name in nodes.locator("text:first-of-type").all_text_contents()[:6])
    picture.press("Enter")
    for _ in range(6):
        page.keyboard.press("Tab")
    chosen = page.evaluate("document.activeElement.querySelector('text').textContent")
    assert chosen.startswith("h")
    page.keyboard.press("Enter")
    expect(page.locator("figcaption")).to_contain_text(f"After {chosen}:")
    page.keyboard.press("Escape")
    expect(picture).to_be_focused()


def test_a_map_of_small_states_can_be_seen_larger_and_scrolled(visit):
    page = visit(LARGE, width=1366, height=768)
    view, larger = page.locator(".map-view"), page.get_by_role("button", name="Larger", exact=True)
    for _ in range(3):
        larger.click()
    found = page.evaluate(CANVAS, (1, 1))
    assert found["whole"]
    assert view.evaluate("(view) => view.scrollWidth") == 256 * 8
    view.evaluate("(view) => view.scrollTo(0, 0)")
    page.locator(".map canvas").click(position={"x": 7, "y": 7})
    expect(page.locator(".sentence")).to_contain_text("After 0000000000000000")
    # what is selected comes into view
    page.locator(".map canvas").press("1")
    expect(page.locator(".sentence")).to_contain_text("After 0000000000000001")
    page.wait_for_function("() => document.querySelector('.map-view').scrollLeft > 400")


def test_the_legend_of_a_difference_says_which_chain_has_more_of_what(visit):
    page = visit("#trained=50&view=map&source=difference")
    expect(page.locator(".map-legend")).to_contain_text("Model: 1 likelier")
    expect(page.locator(".map-legend")).to_contain_text("Data: 1 likelier")
    expect(page.locator(".map-legend")).to_contain_text("nothing is known")


def test_every_state_of_a_large_table_can_be_reached_by_scrolling(visit):
    page = visit("#context_length=20&n_layer=1&n_embd=4&n_head=1&view=table&sequence=" + "1101001110101000" * 3)
    expect(page.get_by_text("1,048,576 states")).to_be_visible(timeout=60_000)
    rows = page.locator(".table-rows")
    rows.evaluate("(box) => { box.scrollTop = box.scrollHeight; }")
    last = page.locator(".table-row", has_text="1" * 20)
    expect(last).to_be_visible()
    expect(last.locator(".cell")).to_have_count(2, timeout=60_000)


def test_the_map_of_few_states_agrees_with_the_table(visit):
    page = visit("#trained=50&view=map")
    wait_for_step(page, 50)
    picture = page.locator(".map canvas")
    box = picture.bounding_box()
    # columns: newest token, then oldest; rows: the middle one. 101 is newest 1, oldest 1, middle 0.
    picture.hover(position={"x": box["width"] * 0.9, "y": box["height"] * 0.25})
    expect(page.locator("figcaption")).to_have_text("After 101: 1 with 79 %")
    assert arrows(page)["101"]["1"] == 79


def test_selecting_a_state_marks_where_the_data_has_it(visit):
    page = visit("#select=5")
    expect(page.locator('.token[data-evidence="next"]')).to_have_count(2)
    page.get_by_role("button", name="Clear the selection").click()
    expect(page.locator("[data-evidence]")).to_have_count(0)


def test_attention_and_layers_of_the_selected_state(visit):
    page = visit("#trained=50&select=5")
    wait_for_step(page, 50)
    page.get_by_role("button", name="Attention").click()
    expect(page.get_by_role("img", name="Attention, the mean of all heads")).to_be_visible()
    page.get_by_role("button", name="All 16 heads").click()
    expect(page.get_by_role("img", name=re.compile("Attention of layer"))).to_have_count(16)
    page.get_by_role("button", name="Layer by layer").click()
    expect(page.locator(".layers li")).to_have_count(5)
    expect(page.locator(".layers li").last).to_contain_text("1 79 %")


def test_the_tour_lights_up_the_parts_of_the_screen_one_after_the_other(visit):
    page = visit()
    page.get_by_role("button", name="What is this?").click()
    places = set()
    for _ in range(9):
        expect(page.get_by_role("dialog")).to_be_visible()
        light = page.locator(".light").bounding_box()
        assert light["width"] > 30
        assert light["height"] > 20
        places.add((light["x"], light["y"]))
        page.get_by_role("button", name=re.compile("Next|Done")).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert len(places) == 9


@pytest.mark.parametrize("preset", ["Alternating", "Period 5", "A fair coin", "Parity", "A Chinese poem"])
def test_each_example_trains(visit, preset):
    page = visit()
    page.get_by_role("button", name="Examples").click()
    page.locator(".preset", has_text=preset).click()
    expect(page).to_have_url(re.compile("preset="))
    gap = page.locator(".now b").nth(1)
    untrained = float(gap.inner_text())
    page.get_by_label("Speed").select_option("null")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("button", name="Watch again")).to_be_visible(timeout=60_000)
    wait_for_step(page, int(page.get_by_role("slider", name="Training step").get_attribute("aria-valuemax")))
    assert float(gap.inner_text()) < 0.75 * untrained
