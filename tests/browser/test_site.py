"""The site, as a host of files serves it: the page, the guides, and all of it without a connection."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browsing import PATIENCE, train

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Serve the site, from a folder on loopback."""
    folder = tmp_path_factory.mktemp("site") / "site"
    subprocess.run([sys.executable, ROOT / "docs" / "site" / "build.py", folder], check=True)
    handler = functools.partial(Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_the_site_trains_shows_its_guides_and_works_offline(site, chromium):
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    context.set_default_timeout(PATIENCE)
    shown = context.new_page()
    wrong = []
    shown.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    shown.goto(site)
    train(shown)
    controlled = """() => new Promise((yes) => {
        if (navigator.serviceWorker.controller) yes();
        else navigator.serviceWorker.oncontrollerchange = () => yes();
    })"""
    shown.evaluate(controlled)
    context.set_offline(True)
    shown.goto(site)
    train(shown)
    shown.get_by_role("link", name="Guides").click()
    shown.frame_locator("iframe").get_by_role("button", name="Train", exact=True).wait_for()  # the page within, live
    shown.locator(".sidebar-tree").get_by_role("link", name="Is it the data").click()
    shown.get_by_role("link", name="what 200 seeds say").click()
    shown.locator('.drawing[data-step="50"]').wait_for()
    assert shown.get_by_role("radio", name="Many seeds").is_checked()
    shown.goto(site + "guides/zh/studio.html")
    pictures = """async () => {
        for (const one of document.images) {
            one.loading = "eager"; // they wait to be scrolled to
            await one.decode();
        }
        return document.images.length;
    }"""
    assert shown.evaluate(pictures) > 0
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not wrong
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_of_the_guides_fits_and_says_nothing_wrong(site, chromium, width):
    context = chromium.new_context(viewport={"width": width, "height": 900}, locale="en-US")
    context.set_default_timeout(PATIENCE)
    shown = context.new_page()
    wrong = []
    shown.on(
        "console", lambda said: wrong.append((shown.url, said.text)) if said.type in ("error", "warning") else None
    )
    shown.on("pageerror", lambda error: wrong.append((shown.url, str(error))))
    for language in ("en", "zh"):
        shown.goto(f"{site}guides/{language}/index.html")
        pages = shown.locator(".sidebar-tree a.reference").evaluate_all("(links) => links.map((link) => link.href)")
        assert len(pages) > 15
        for page in pages:
            shown.goto(page)
            assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth"), page
    assert wrong == []
    context.close()


@pytest.mark.parametrize(
    ("language", "sought", "title"), [("en", "mixing", "Knowing a chain"), ("zh", "平稳分布", "一条链")]
)
def test_what_is_sought_is_found(site, chromium, language, sought, title):
    context = chromium.new_context(locale="en-US")
    context.set_default_timeout(PATIENCE)
    shown = context.new_page()
    shown.goto(f"{site}guides/{language}/search.html?q={sought}")
    shown.locator("#search-results").get_by_role("link", name=title).first.wait_for()
    context.close()
