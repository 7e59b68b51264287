"""The page that thinks by itself, opened as a file: nothing is installed, nobody is asked for anything."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from browsing import PATIENCE, Studio, arrows, tool, train, wait_for_step

import babygpt as bg
from babygpt.draw.formats import export
from babygpt.studio.page import page, page_of_run

ARTICLE = "111101111011110"
Axe = tool("axe_playwright_python.sync_playwright").Axe


@pytest.fixture
def opened(windows, tmp_path):
    """Open a page as a file in a window of its own, which may ask nobody for anything."""

    def open_page(written, link="", name="page.html", **options):
        (tmp_path / name).write_text(written, encoding="utf-8")
        return windows(f"file://{tmp_path / name}{link}", lambda url: url.startswith("file:"), **options)

    open_page.wrong = windows.wrong
    return open_page


def downloaded(shown, name, folder):
    shown.get_by_role("button", name="Share and download").click()
    with shown.expect_download() as coming:
        shown.get_by_role("button", name=name).click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    shown.keyboard.press("Escape")
    return path


def test_a_page_trains_the_articles_gpt_by_itself(opened):
    shown = opened(page())
    train(shown)
    found = arrows(shown)
    assert {context: found[context]["1"] for context in ("000", "010", "101", "111")} == {
        "000": 73, "010": 76, "101": 79, "111": 45
    }  # fmt: skip
    assert len(shown.workers) == 1  # it thinks beside the screen


def test_where_there_is_no_worker_the_page_thinks_all_the_same(opened, chromium):
    stripped = page().replace("worker-src blob:", "worker-src 'none'")
    shown = opened(stripped)
    train(shown)
    assert arrows(shown)["101"]["1"] == 79
    assert not shown.workers
    opened.wrong[:] = [line for line in opened.wrong if "worker" not in line.lower()]  # that it may not is said


def test_the_page_of_a_run_shows_its_film_and_goes_on(opened):
    run = bg.train(ARTICLE, steps=40, seed=7)
    shown = opened(page_of_run(run), link="#view=table")
    wait_for_step(shown, 40)
    for step, key in ((40, "End"), (0, "Home"), (1, "ArrowRight")):
        shown.get_by_role("slider", name="Training step").press(key)
        wait_for_step(shown, step)
        chain = run.chain_at(step)
        found = arrows(shown)
        for context in chain.contexts():
            assert abs(found[context]["1"] - 100 * chain[context]["1"]) <= 1
    shown.get_by_role("button", name="Train more").click()
    shown.get_by_role("button", name="50 steps more").click()
    wait_for_step(shown, 90)


def test_a_page_from_a_page_and_from_the_studio_opens_as_it_was(opened, visit, tmp_path):
    first = opened(page(), link="#steps=30&trained=30&step=12&select=5")
    wait_for_step(first, 12)
    again = opened(downloaded(first, "Page that trains", tmp_path).read_text(encoding="utf-8"), name="again.html")
    wait_for_step(again, 12)
    studio = visit("#steps=30&trained=30&step=12&select=5")
    wait_for_step(studio, 12)
    from_studio = opened(
        downloaded(studio, "Page that trains", tmp_path).read_text(encoding="utf-8"), name="third.html"
    )
    wait_for_step(from_studio, 12)
    assert arrows(first) == arrows(again) == arrows(studio) == arrows(from_studio)


def test_a_run_comes_home(opened, tmp_path):
    shown = opened(page(), link="#steps=20&trained=20")
    wait_for_step(shown, 20)
    saved = downloaded(shown, "Run (zip)", tmp_path)
    run = bg.Run.load(saved)
    assert run.check().holds
    witness = bg.train(ARTICLE, steps=20)
    np.testing.assert_allclose(run.losses, witness.losses, rtol=1e-4)
    np.testing.assert_allclose(run.chain.probs, witness.chain.probs, rtol=1e-3)
    more = [sys.executable, "-m", "babygpt", "train", "--resume", str(saved), "--steps", "30"]
    subprocess.run([*more, "--out", str(tmp_path / "more")], check=True, capture_output=True)
    assert bg.Run.load(tmp_path / "more").steps == 30
    assert "</html>" in run.to_html()  # its text has come home too


HOSTILE = "</script><script>document.title='taken'</script> <!-- \u2028 &lt; ' \" \\ <img/src=x/onerror=alert(1)> a"


def test_a_strangers_text_is_only_text(opened):
    run = bg.train(bg.Corpus.from_text(f"{HOSTILE} {HOSTILE}", 1, tokens="words"), steps=2)
    shown = opened(page_of_run(run))
    wait_for_step(shown, 2)
    assert shown.title() == "BabyGPT"
    assert shown.locator("img").count() == 0
    shown.evaluate("location.hash = '#name=' + encodeURIComponent('</script><b>x')")
    again = opened(
        page({"sequence": HOSTILE * 2, "name": "</script><script>alert(1)"}, title="</title><b>"), name="b.html"
    )
    again.locator(".app").wait_for()
    assert again.title() == "</title><b>"


STRANGE = [
    HOSTILE, "</script><script>alert(1)</script>", "<!--<script>", "\u2028\u2029", "\u202e\x00\x1b[31m", "__proto__",
    "\"'`${alert(1)}", "%3Cscript%3E&#x3c;", "=cmd|'/c calc'!A1", "\ufeff\ufffe\U0001f600",
]  # fmt: skip


def test_no_strange_text_does_anything(opened):
    shown = opened(page())
    shown.locator(".app").wait_for()
    shown.on("dialog", lambda dialog: opened.wrong.append("a dialog"))
    for i, text in enumerate(STRANGE):
        for part in ("sequence", "vocabulary", "name"):
            link = {"sequence": text * 2 if part == "sequence" else f"0101{text}", part: text * 2, "seed": str(i)}
            shown.evaluate("(link) => location.hash = '#' + new URLSearchParams(link)", link)
            shown.wait_for_timeout(30)
    shown.evaluate("location.hash = '#steps=3&trained=3'")
    wait_for_step(shown, 3)
    assert shown.title() == "BabyGPT"
    assert shown.locator("script:not([type])").count() == 1  # the loader


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_axe_finds_nothing_in_the_page(opened, lang):
    shown = opened(page(lang=lang), link="#trained=5&steps=5&select=5")
    wait_for_step(shown, 5)
    found = Axe().run(shown, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-scripts"'])
def test_a_page_opens_in_a_frame_of_another(opened, sandbox):
    inside = page().replace("&", "&amp;").replace('"', "&quot;")
    shown = opened(
        f'<!doctype html><title>t</title><iframe {sandbox} width=1200 height=800 srcdoc="{inside}"></iframe>'
    )
    frame = shown.frame_locator("iframe")
    frame.get_by_role("button", name="Train", exact=True).click()
    frame.get_by_role("button", name="Watch again").wait_for()


def test_a_page_speaks_the_language_it_was_made_in(opened):
    shown = opened(page(lang="zh"))
    shown.get_by_role("button", name="训练", exact=True).wait_for()
    shown.get_by_text("EN", exact=True).click()
    shown.get_by_role("button", name="Train", exact=True).wait_for()


def test_what_a_page_cannot_bear_is_said_with_what_can(opened):
    shown = opened(page())
    shown.evaluate("location.hash = '#context_length=16'")
    told = shown.get_by_role("alert").get_by_text("babygpt studio")
    told.wait_for()
    assert "65,536 states" in told.inner_text()


def test_chains_from_a_page_are_those_of_the_program(opened, tmp_path):
    shown = opened(page(), link="#steps=10&trained=10")
    wait_for_step(shown, 10)
    ours = json.loads(downloaded(shown, "JSON", tmp_path).read_text(encoding="utf-8"))
    run = bg.train(ARTICLE, steps=10)
    theirs = json.loads(export(run.chain, "json"))
    assert ours.keys() == theirs.keys()
    for context, row in theirs["contexts"].items():
        for symbol, arrow in row.items():
            assert ours["contexts"][context][symbol]["next"] == arrow["next"]
            assert abs(ours["contexts"][context][symbol]["probability"] - arrow["probability"]) < 1e-5
    for name, kind in (("CSV", "csv"), ("DOT", "dot")):
        mine = downloaded(shown, name, tmp_path).read_text(encoding="utf-8")
        assert re.sub(r"0\.\d+", "p", mine) == re.sub(r"0\.\d+", "p", export(run.chain, kind).decode())


# -- beside a server -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def class_studio():
    running = Studio("--think", "here")
    yield running
    running.stop()


def test_in_a_class_each_page_thinks_and_hands_on_what_is_too_large(class_studio, chromium):
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    context.set_default_timeout(PATIENCE)
    shown = context.new_page()
    asked = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("websocket", lambda socket: asked.append(socket.url))
    wrong = []
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.goto(class_studio.url)
    train(shown)
    asked = [url for url in asked if not url.startswith(("blob:", "data:"))]
    assert asked == [class_studio.url]  # one download, and that is all
    shown.get_by_label("Context length").fill("13")
    shown.get_by_label("Context length").press("Enter")
    shown.get_by_role("link", name="Let the class").click()
    shown.wait_for_url("**/there#*")
    shown.get_by_text("8,192 states").wait_for()
    assert not wrong
    context.close()
