"""The page that thinks by itself, in real Chromium: how soon it is there, and how long its trainings take."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
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
    yield Growth(
        "Fifty browsers train the article's GPT at once: the server's processor time",
        "who thinks",
        "s",
        [("there", _served("there", _train_there)), ("here", _served("here", _load))],
    )


def _served(think: str, visit: Callable[[str], object]) -> float:
    """Return the seconds of processor time that a studio takes for fifty visits at once, once it is up."""
    from browsing import Studio

    studio = Studio("--think", think)
    try:
        process = psutil.Process(studio.process.pid)
        visit(studio.url)  # what is done but once
        begun = sum(process.cpu_times()[:2])
        with ThreadPoolExecutor(BROWSERS) as browsers:
            list(browsers.map(visit, [studio.url] * BROWSERS))
        return sum(process.cpu_times()[:2]) - begun
    finally:
        studio.stop()


def _load(url: str) -> None:
    """Do what a browser asks of the server whose page thinks by itself."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        answer.read()


def _train_there(url: str) -> None:
    """Load the screen and train: what a browser asks of the server that thinks."""
    from websockets.sync.client import connect

    for path in ("", "static/studio.js"):
        _load(url + path)
    with connect(f"ws{url.removeprefix('http')}ws?session={uuid.uuid4().hex}", max_size=None) as socket:
        socket.send(json.dumps({"command": "train"}))
        while True:
            told = json.loads(socket.recv(timeout=60))
            if "seq" in told:
                socket.send(json.dumps({"ack": told["seq"]}))
            player = told.get("views", {}).get("player")
            if player and player["step"] == 50:
                return
