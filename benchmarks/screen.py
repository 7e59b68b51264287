"""The screen, in real Chromium: how soon a click is answered, and how many chains a second are drawn."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from measure import Growth

sys.path.append(str(Path(__file__).parents[1] / "tests" / "browser"))

CLICKS = 7
WATCHED = 4000  # ms
STEPS = 2000  # of the films that are played, at a speed above what any screen shows
LARGE = "#preset=parity&context_length=16&n_layer=2&n_embd=16&steps=100&trained=100"

# From the click on Train to the drawing that shows another step, in ms.
CLICK = """() => new Promise((answered) => {
    const drawing = document.querySelector(".drawing"), start = performance.now();
    const watch = new MutationObserver(() => {
        watch.disconnect();
        requestAnimationFrame(() => answered(performance.now() - start));
    });
    watch.observe(drawing, { attributes: true, attributeFilter: ["data-step"] });
    document.querySelector("button.primary").click();
})"""

# From pointing at a token to the drawing of its effect, without the moment that one waits before it is meant, in ms.
POINT = """() => new Promise((answered) => {
    const token = document.querySelector('.token[data-at="4"]');
    const start = performance.now();
    token.dispatchEvent(new PointerEvent("pointerover", { bubbles: true, pointerType: "mouse" }));
    const look = () => {
        if (document.querySelector(".g-more")) answered(performance.now() - start - 180);
        else requestAnimationFrame(look);
    };
    look();
})"""

# From the click on "Many seeds" until the first are there, and all 200, in seconds.
SEEDS = """() => new Promise((answered) => {
    document.querySelector('[data-value="seeds"]').click();
    const start = performance.now();
    let first = null;
    const look = () => {
        const seconds = (performance.now() - start) / 1000;
        if (first === null && document.querySelector(".g-band")) first = seconds;
        if (document.querySelector('.drawing[data-seeds="200"]')) answered([first, seconds]);
        else requestAnimationFrame(look);
    };
    look();
})"""

# How many different steps are drawn in a second, while `scrub` moves the playhead back and forth or the film plays.
CHAINS = """([ms, scrub]) => new Promise((counted) => {
    const drawing = document.querySelector(".drawing"), timeline = document.querySelector(".timeline");
    const start = performance.now();
    let frames = 0, chains = 0, shown = drawing.dataset.step, key = "ArrowLeft";
    const look = () => {
        frames++;
        if (drawing.dataset.step !== shown) {
            shown = drawing.dataset.step;
            chains++;
        }
        if (shown === "0") key = "ArrowRight";
        if (shown === timeline.getAttribute("aria-valuemax")) key = "ArrowLeft";
        if (scrub) timeline.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        const seconds = (performance.now() - start) / 1000;
        if (seconds < ms / 1000) requestAnimationFrame(look);
        else counted([chains / seconds, frames / seconds]);
    };
    requestAnimationFrame(look);
})"""


def measure(full: bool) -> list[Growth]:
    try:
        from browsing import FLAGS, Studio, find_chromium, wait_for_step
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    if (program := find_chromium()) is None:
        return []
    answers = Growth("Screen in Chromium: a click on Train until another chain is drawn", "of several clicks", "ms")
    drawn = Growth("Screen in Chromium: different chains drawn", "states", "per second")
    frames = Growth("Screen in Chromium: frames meanwhile", "states", "per second")
    beside = Growth("Screen in Chromium: trained beside the chain shown, at the article's size", "until", "s")
    studio = Studio()
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=program, args=FLAGS)

            def visit(link: str):
                page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
                page.set_default_timeout(120_000)
                page.goto(studio.url + link)
                page.locator(".drawing").wait_for()
                page.wait_for_timeout(1000)  # the first drawing is done
                return page

            clicks = []
            for _ in range(CLICKS):
                page = visit("")
                clicks.append(page.evaluate(CLICK))
                page.context.close()
            answers.rows.extend([("median", statistics.median(clicks)), ("worst", max(clicks))])

            page = visit("#trained=50")
            wait_for_step(page, 50)
            beside.rows.append(("the effect of a token is drawn", page.evaluate(POINT) / 1000))
            page.context.close()
            page = visit("#trained=50")
            wait_for_step(page, 50)
            first, every = page.evaluate(SEEDS)
            beside.rows.extend([("the first of 200 seeds are drawn", first), ("all 200", every)])
            page.context.close()

            for states, link in ((8, "#"), (64, "#context_length=6&"), (256, "#context_length=8&")):
                page = visit(f"{link}steps={STEPS}&trained={STEPS}&step=0")
                page.locator(f'.timeline[aria-valuemax="{STEPS}"]').wait_for()
                page.locator(".speed select").select_option("100")
                page.get_by_role("button", name="Play", exact=True).click()
                page.wait_for_timeout(500)
                record(page.evaluate(CHAINS, [WATCHED, False]), str(states), drawn, frames)
                page.context.close()
            page = visit(LARGE)
            wait_for_step(page, 100)
            record(page.evaluate(CHAINS, [WATCHED, True]), "65,536, held key", drawn, frames)
            # of the chains between the recorded ones, the one before the last is read last
            timeline = page.locator(".timeline")
            while timeline.get_attribute("aria-valuenow") != "99":
                page.wait_for_timeout(1000)
                timeline.press("End")
                timeline.press("ArrowLeft")
                page.wait_for_timeout(1000)
            timeline.press("Home")
            page.locator(".speed select").select_option("25")
            page.get_by_role("button", name="Play", exact=True).click()
            record(page.evaluate(CHAINS, [WATCHED, False]), "65,536, played at 25 steps/s", drawn, frames)
            timeline.press("Home")
            page.locator(".speed select").select_option("100")
            page.get_by_role("button", name="Play", exact=True).click()
            record(page.evaluate(CHAINS, [900, False]), "65,536, played at 100 steps/s", drawn, frames)
            browser.close()
    finally:
        studio.stop()
    return [answers, beside, drawn, frames]


def record(counted: list[float], states: str, drawn: Growth, frames: Growth) -> None:
    drawn.rows.append((states, counted[0]))
    frames.rows.append((states, counted[1]))
