"""The page that thinks by itself, in real Chromium: how soon it is there, and how long its trainings take."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Comparison, Growth

sys.path.append(str(Path(__file__).parents[1] / "tests" / "browser"))

ROUNDS = 7
BROWSERS = 50

# When the first chain is drawn, in ms after the page was asked for.
DRAWN = """new MutationObserver((_, watch) => {
    if (!document.querySelector(".g-graph")) return;
    watch.disconnect();
    requestAnimationFrame(() => (globalThis.drawn = performance.now()));
}).observe(document, { childList: true, subtree: true });"""

# From the click on Train until the last of 50 steps is drawn, playing as fast as it goes, in ms.
TRAINED = """() => new Promise((answered) => {
    const start = performance.now();
    const look = () => {
        if (document.querySelector('.drawing[data-step="50"]')) answered(performance.now() - start);
        else requestAnimationFrame(look);
    };
    document.querySelector("button.primary").click();
    look();
})"""


def measure(full: bool) -> Iterator[Comparison | Growth]:
    try:
        from browsing import FLAGS, find_chromium
        from playwright.sync_api import sync_playwright
        from screen import SEEDS
    except ImportError:
        print("The page is not measured: that needs the development tools.", file=sys.stderr)
        return
    from babygpt.studio.page import page

    path = find_chromium()
    if path is None:
        print("The page is not measured: Chromium is not installed.", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder) / "page.html"
        file.write_text(page(lang="en"), encoding="utf-8")
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)

        def opened(link: str = ""):
            shown = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            shown.set_default_timeout(120_000)
            shown.add_init_script(DRAWN)
            shown.goto(f"file://{file}{link}")
            shown.locator(".g-graph").wait_for()
            shown.wait_for_timeout(300)
            return shown

        times: dict[str, list[float]] = {"drawn": [], "trained": [], "first": [], "seeds": []}
        for i in range(ROUNDS):
            shown = opened()
            times["drawn"].append(shown.evaluate("drawn"))
            shown.get_by_title("Speed").select_option("null")
            times["trained"].append(shown.evaluate(TRAINED))
            if i < 3:
                first, all_of_them = shown.evaluate(SEEDS)
                times["first"].append(1000 * first)
                times["seeds"].append(1000 * all_of_them)
            shown.context.close()
        browser.close()
    named = {
        "drawn": "from opening the file to the first chain (goal 300)",
        "trained": "50 steps, from the click to the last drawn (goal 150)",
        "first": "many seeds, the first",
        "seeds": "200 seeds of 50 steps (goal 6,000)",
    }
    yield Growth("Page in Chromium", "", "ms", [(told, statistics.median(times[name])) for name, told in named.items()])
    yield Growth("Page: the article's", "all of it", "bytes", [("there is", len(page().encode()))])
