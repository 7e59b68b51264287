"""The same link shows the same thing; what is shown can be taken away; nothing is lost on the way."""

from __future__ import annotations

import json
import re
import zipfile

import pytest
from browsing import arrows, table, tool, train, wait_for_step

expect = tool("playwright.sync_api").expect


def test_a_link_shows_the_same_thing_in_another_window(visit):
    page = visit("#lang=en")
    page.get_by_role("button", name="Token 3: 1").click()
    page.get_by_label("Seed").fill("9")
    page.get_by_label("Seed").press("Enter")
    expect(page).to_have_url(re.compile("seed=9"))
    train(page)
    page.get_by_role("button", name=re.compile("^110,")).click()
    page.get_by_role("slider", name="Training step").press("PageDown")
    wait_for_step(page, 45)
    expect(page).to_have_url(re.compile("step=45"))
    first = arrows(page)
    expect(page).to_have_url(re.compile("view=table"))
    other = visit(page.url.partition("#")[1] + page.url.partition("#")[2])
    wait_for_step(other, 45)
    expect(other.get_by_role("radio", name="Table")).to_be_checked()
    expect(other.locator(".sentence")).to_have_text(page.locator(".sentence").inner_text())
    assert arrows(other) == first


def test_loading_the_page_again_loses_nothing(visit):
    page = visit()
    train(page)
    page.get_by_role("radio", name="Difference").click()
    page.get_by_role("button", name="Pin A").click()
    page.get_by_role("slider", name="Training step").press("Home")
    wait_for_step(page, 0)
    page.reload()
    wait_for_step(page, 0)
    expect(page.get_by_text("A: step 50")).to_be_visible()
    expect(page.get_by_role("button", name="Watch again")).to_be_visible()
    expect(page.get_by_role("slider", name="Training step")).to_have_attribute("aria-valuemax", "50")


def test_pins_and_turned_weights_are_in_the_link(visit):
    page = visit("#trained=50&step=20")
    wait_for_step(page, 20)
    page.get_by_role("radio", name="Difference").click()
    page.get_by_role("button", name="Pin A").click()
    page.get_by_label("Seed").fill("9")
    page.get_by_label("Seed").press("Enter")
    train(page)
    page.get_by_role("button", name="Knobs").click()
    page.get_by_label("Stay when I let go").check()
    page.get_by_role("slider", name="From initial to trained").fill("0.5")
    page.get_by_role("radio", name="Difference").click()
    page.get_by_label("subtract this one").select_option("A")
    page.get_by_role("radio", name="Table").click()
    expect(page).to_have_url(re.compile("compare=model%2CA.*turn=0.5.*A.step=20.*view=table"))
    shown = table(page)
    other = visit(page.url.partition("#")[1] + page.url.partition("#")[2])
    wait_for_step(other, 50)
    expect(other.get_by_text("knob turned").first).to_be_visible()
    expect(other.get_by_title("A holds the chain of step 20, seed 1337.")).to_be_visible()
    assert table(other) == shown
    assert any(shown["000"].values())


def test_two_windows_are_two_sessions(visit):
    one, two = visit(), visit()
    train(one)
    expect(one.get_by_role("button", name="Watch again")).to_be_visible()
    expect(two.get_by_role("button", name="Train", exact=True)).to_be_visible()
    assert arrows(one) != arrows(two)
    two.get_by_label("Context length").fill("2")
    two.get_by_label("Context length").press("Enter")
    expect(two.locator(".table-row")).to_have_count(4)
    expect(one.locator(".table-row")).to_have_count(8)


def test_another_link_in_the_same_window_is_followed(visit):
    page = visit("#context_length=2")
    expect(page.locator(".g-node")).to_have_count(4)
    page.evaluate("location.hash = 'context_length=1'")
    expect(page.locator(".g-node")).to_have_count(2)


def test_a_studio_that_was_started_again_is_given_a_text_too_long_for_its_link(visit, studio, tmp_path):
    page = visit()
    book = tmp_path / "book.txt"
    book.write_text("abcab" * 1000)
    page.locator('.sequence input[type="file"]').set_input_files(book)
    expect(page.get_by_text("4,997 examples")).to_be_visible()
    expect(page).to_have_url(re.compile("too_long"))
    assert studio.stop() == 0
    expect(page.get_by_text("Connection lost")).to_be_visible()
    studio.start()
    expect(page.get_by_text("Connection lost")).to_have_count(0)
    expect(page.get_by_text("4,997 examples")).to_be_visible()
    expect(page.locator(".message")).to_have_count(0)
    page.evaluate("sessionStorage.removeItem('babygpt.text')")  # as in another tab
    assert studio.stop() == 0
    studio.start()
    expect(page.locator(".message")).to_contain_text("The text of that link was too long to be in it")
    visit.wrong.clear()  # the browser complained of the lost connection


def test_a_studio_that_was_started_again_shows_what_the_link_says(visit, studio):
    page = visit("#trained=50")
    wait_for_step(page, 50)
    expect(page).to_have_url(re.compile("trained=50"))
    before = arrows(page)
    page.get_by_role("button", name="Stop the ball").click()
    expect(page.get_by_role("button", name="Let the ball wander")).to_be_visible()
    assert studio.stop() == 0
    expect(page.get_by_text("Connection lost")).to_be_visible()
    studio.start()
    expect(page.get_by_text("Connection lost")).to_have_count(0, timeout=20_000)
    expect(page.get_by_role("button", name="Stop the ball")).to_be_visible()  # it is a new session, whose ball wanders
    expect(page.get_by_role("button", name="Watch again")).to_be_visible()
    wait_for_step(page, 50)
    assert arrows(page) == before
    visit.wrong.clear()  # while the studio was away, the page complained that it could not be reached


def downloaded(page, name, folder):
    """Return the path of what the open menu's button of that name gives."""
    with page.expect_download() as coming:
        page.get_by_role("button", name=name, exact=True).click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def select_101(page):
    page.get_by_role("button", name=re.compile("^101,")).click()
    page.locator(".g-ring").wait_for()


def test_everything_shown_can_be_downloaded(visit, tmp_path):
    page = visit("#trained=50")
    wait_for_step(page, 50)
    page.get_by_role("button", name="Share and download").click()
    found = {}
    for name in ("SVG", "PNG", "DOT", "JSON", "CSV", "Run (zip)"):
        found[name] = downloaded(page, name, tmp_path)
    assert "<svg" in found["SVG"].read_text()
    assert found["PNG"].read_bytes().startswith(b"\x89PNG")
    assert found["DOT"].read_text().startswith("digraph")
    assert json.loads(found["JSON"].read_text())["context_length"] == 3
    assert "101" in found["CSV"].read_text()
    assert any(name.endswith("run.json") for name in zipfile.ZipFile(found["Run (zip)"]).namelist())


_LOOK = """(svg) => {
    const of = (selector, ...names) => [...svg.querySelectorAll(selector)].map((element) => [
        element.closest("[transform]")?.getAttribute("transform"), element.textContent,
        ...names.map((name) => getComputedStyle(element).getPropertyValue(name))]);
    return { states: of(".g-disc", "fill", "stroke", "stroke-dasharray"),
        arrows: of(".g-line", "stroke", "stroke-width", "stroke-opacity").map((look, i) =>
            [...look, svg.querySelectorAll(".g-line")[i].getAttribute("d")]),
        names: of(".g-name", "fill", "font-size"), labels: of(".g-label", "fill", "opacity"),
        rings: of(".g-ring", "stroke") };
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("link", ["#trained=50", "#trained=50&context_length=6", "#trained=50&source=data"])
def test_the_picture_that_is_downloaded_is_the_one_on_the_screen(visit, tmp_path, link, scheme):
    page = visit(link, color_scheme=scheme)
    wait_for_step(page, 50)
    if link == "#trained=50":
        select_101(page)
    page.get_by_role("button", name="Share and download").click()
    svg = downloaded(page, "SVG", tmp_path)
    shown = page.locator(".g-graph").evaluate(_LOOK)
    assert len(shown["states"]) in (8, 64)
    assert len(shown["arrows"]) == {"#trained=50": 16, "#trained=50&source=data": 5}.get(link, 128)
    page.goto("about:blank")  # without the screen's styles
    page.set_content(svg.read_text())
    assert page.locator("svg").evaluate(_LOOK) == shown


def test_the_png_is_the_drawing_on_the_screen_too(visit, tmp_path):
    page = visit("#trained=50", color_scheme="dark")
    wait_for_step(page, 50)
    select_101(page)
    page.get_by_role("button", name="Share and download").click()
    written = downloaded(page, "PNG", tmp_path).read_bytes()
    sheet = page.locator(".g-graph").evaluate("svg => [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height]")
    width, height = int.from_bytes(written[16:20]), int.from_bytes(written[20:24])
    assert (width, height) == (2400, round(2400 * sheet[1] / sheet[0]))  # as it is on the screen


@pytest.mark.parametrize("link", ["#view=map&trained=50&source=difference", "#preset=prose"])
def test_the_picture_of_a_map_has_its_states_axes_and_legend(visit, tmp_path, link):
    page = visit(link, device_scale_factor=1.5)
    expect(page.locator(".map canvas")).to_be_visible()
    wait_for_step(page, 50 if "trained" in link else 0)
    width, pixels = page.locator(".map canvas").evaluate("(canvas) => [canvas.width, canvas.toDataURL()]")
    words = " ".join(page.locator(".map-legend b, .map-scales span").all_inner_texts()).split()
    page.get_by_role("button", name="Share and download").click()
    svg, png = downloaded(page, "SVG", tmp_path), downloaded(page, "PNG", tmp_path)
    page.goto("about:blank")
    page.set_content(svg.read_text())
    assert page.locator("image").get_attribute("href") == pixels
    written = " ".join(page.locator("text").all_text_contents())
    assert "newest token →" in written
    assert "the token before →" in written
    assert set(words) <= set(written.split())
    # the pixels of the map are a whole number of those of the picture
    scale = int.from_bytes(png.read_bytes()[16:20]) / float(page.locator("svg").first.get_attribute("width"))
    shown = float(page.locator("image").get_attribute("width"))
    assert (scale * shown / width).is_integer()


def test_the_copied_command_and_python_say_what_is_shown(visit):
    page = visit("#trained=50&seed=4", permissions=["clipboard-read", "clipboard-write"])
    wait_for_step(page, 50)
    page.get_by_role("button", name="Share and download").click()
    page.get_by_role("button", name="Copy as command").click()
    command = page.evaluate("navigator.clipboard.readText()")
    assert command.startswith("babygpt train 111101111011110")
    assert "--seed 4" in command
    page.get_by_role("button", name="Copy as Python").click()
    python = page.evaluate("navigator.clipboard.readText()")
    assert "seed=4" in python
    compile(python, "copied", "exec")


def test_scrubbing_for_long_does_not_stop_the_screen_where_links_may_be_written_only_now_and_then(visit):
    page = visit("#trained=50")
    wait_for_step(page, 50)
    # as in browsers that refuse after so many
    page.evaluate("""() => {
        const write = history.replaceState.bind(history);
        let left = 3;
        history.replaceState = (...given) => {
            if (left-- > 0) write(...given);
            else throw new DOMException("too many", "SecurityError");
        };
    }""")
    timeline = page.get_by_role("slider", name="Training step")
    for _ in range(2):
        for key in ("Home", *["PageUp"] * 6, "ArrowRight", "End"):
            timeline.press(key)
            page.wait_for_timeout(60)
    timeline.press("Home")
    wait_for_step(page, 0)


def test_a_download_that_fails_says_why(visit):
    page = visit()
    page.route("**/download/**", lambda route: route.fulfill(status=400, body="There is no such file."))
    page.get_by_role("button", name="Share and download").click()
    page.get_by_role("button", name="JSON", exact=True).click()
    expect(page.get_by_text("The file could not be made: There is no such file.")).to_be_visible()
    visit.wrong.clear()  # the browser complained of the status too


def test_a_hidden_panel_stays_hidden_by_its_link(visit):
    page = visit()
    page.get_by_role("button", name="Show and hide").click()
    page.get_by_role("checkbox", name="Settings").uncheck()
    expect(page.locator(".left")).to_have_count(0)
    expect(page).to_have_url(re.compile("hide=settings"))
    other = visit("#hide=settings")
    expect(other.locator(".g-node").first).to_be_visible()
    expect(other.locator(".left")).to_have_count(0)


def test_a_tab_that_is_opened_from_another_has_a_session_of_its_own(visit):
    page = visit("#steps=3&trained=3")
    wait_for_step(page, 3)
    with page.expect_popup() as opening:
        page.evaluate("window.open(location.pathname + '#seed=7')")
    other = opening.value
    other.locator(".app").wait_for()
    other.get_by_label("Seed", exact=True).fill("8")
    other.get_by_label("Seed", exact=True).press("Enter")
    other.wait_for_url("**seed=8*")
    page.wait_for_timeout(300)
    assert page.get_by_label("Seed", exact=True).input_value() == "1337"
    page.reload()
    wait_for_step(page, 3)  # and each is found again
    other.close()


DROP = """([selector, name, text]) => {
    const files = new DataTransfer();
    files.items.add(new File([text], name));
    const at = document.querySelector(selector);
    for (const kind of ["dragover", "drop"]) {
        const event = new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true });
        at.dispatchEvent(event);
        if (!event.defaultPrevented) throw new Error("the browser would open the file");
    }
}"""


@pytest.mark.parametrize("selector", [".drawing", ".sequence", "body"])
def test_a_file_is_read_wherever_it_is_dropped(visit, selector):
    page = visit()
    page.evaluate(DROP, [selector, "moon.txt", "moon moon moon"])
    page.get_by_text("16 states").wait_for()  # of three letters and the blank, which say what follows two of them
