"""A real studio on loopback, and real Chromium looking at it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="the development tools are not installed")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE = 20_000  # ms that anything may take on a busy machine before a test gives up


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Studio:
    """A studio process that can be stopped and started again at the same address."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        program = "from babygpt.app.cli import main; main()"
        options = ["studio", "--no-open", "--port", str(self.port)]
        self._process = subprocess.Popen([sys.executable, "-c", program, *options], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(self.url + "health", timeout=5):
                    return
            except OSError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.1)

    def stop(self) -> int:
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(30)
        finally:
            self._process.kill()


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
def visit(chromium, studio) -> Iterator[Callable[..., playwright.Page]]:
    """Open the studio in a window of its own; at the end no page may have failed, or asked anyone else for anything."""
    wrong: list[str] = []
    contexts = []

    def check_request(request: playwright.Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.port != studio.port:
            wrong.append(f"asked for {request.url}")

    def open_page(link: str = "", width: int = 1440, height: int = 900, **options: object) -> playwright.Page:
        options = {"locale": "en-US", "color_scheme": "light", **options}
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("request", check_request)
        page.on("pageerror", lambda error: wrong.append(f"failed: {error}"))
        page.on("console", lambda said: wrong.append(f"complained: {said.text}") if said.type == "error" else None)
        page.goto(studio.url + link)
        page.locator(".app").wait_for()
        return page

    open_page.wrong = wrong
    yield open_page
    for context in contexts:
        context.close()
    assert not wrong
