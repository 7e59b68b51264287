"""A real studio on loopback, and real Chromium looking at it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from browsing import FLAGS, PATIENCE, Studio, find_chromium, tool

playwright = tool("playwright.sync_api")

playwright.expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[playwright.Browser]:
    found = find_chromium()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed, and here these tests may not be skipped.")
        pytest.skip("Chromium is not installed.")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def studio() -> Iterator[Studio]:
    running = Studio()
    yield running
    running.stop()


@pytest.fixture
def windows(chromium) -> Iterator[Callable[..., playwright.Page]]:
    """Open addresses in windows of their own; at the end no page may have failed, or asked for what it may not."""
    wrong: list[str] = []
    contexts = []

    def open_window(
        address: str, may_ask: Callable[[str], bool], width: int = 1440, height: int = 900, **options: object
    ) -> playwright.Page:
        def check_request(request: playwright.Request) -> None:
            if not request.url.startswith(("data:", "blob:")) and not may_ask(request.url):
                wrong.append(f"asked for {request.url}")

        options = {"locale": "en-US", "color_scheme": "light", **options}
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("request", check_request)
        page.on("pageerror", lambda error: wrong.append(f"failed: {error}"))
        page.on("console", lambda said: wrong.append(f"complained: {said.text}") if said.type == "error" else None)
        page.goto(address)
        return page

    open_window.wrong = wrong
    yield open_window
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def visit(windows, studio) -> Callable[..., playwright.Page]:
    """Open the studio in a window of its own, which may ask nobody else for anything."""

    def open_page(link: str = "", width: int = 1440, height: int = 900, **options: object) -> playwright.Page:
        page = windows(studio.url + link, lambda url: urlsplit(url).port == studio.port, width, height, **options)
        page.locator(".app").wait_for()
        return page

    open_page.wrong = windows.wrong
    return open_page
