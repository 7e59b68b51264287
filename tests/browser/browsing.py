"""A studio in a process of its own, Chromium, and what several tests do with a page."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page


def tool(name: str) -> Any:
    """Return a module of the development tools; without it a test is skipped, but not where tests may not be."""
    return importlib.import_module(name) if os.environ.get("CI") else pytest.importorskip(name)


PATIENCE = 20_000  # ms that anything may take on a busy machine before a test gives up
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Studio:
    """A studio process that can be stopped and started again at the same address."""

    def __init__(self, *options: str) -> None:
        self.port, self._options = free_port(), options
        self.url = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        program = "from babygpt.cli.main import main; main()"
        options = ["studio", "--no-open", "--port", str(self.port), *self._options]
        self.process = subprocess.Popen([sys.executable, "-c", program, *options], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(self.url + "health", timeout=5):
                    return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.1)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()


def open_tools(page: Page) -> None:
    """Where there is no room for the tools, they lie behind a button: press it."""
    button = page.locator('.opens-tools[aria-expanded="false"]')
    if button.is_visible():
        button.click()


def step_of(page: Page) -> int:
    return int(page.locator(".drawing").get_attribute("data-step"))


def wait_for_step(page: Page, step: int) -> None:
    page.locator(f'.drawing[data-step="{step}"]:not([data-playing="true"])').wait_for()


def train(page: Page) -> None:
    """Press Train and wait until the last frame has been played."""
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Watch again").wait_for()
    total = page.get_by_role("slider", name="Training step").get_attribute("aria-valuemax")
    wait_for_step(page, int(total))


def arrows(page: Page) -> dict[str, dict[str, int]]:
    """Return each context's next tokens in percent, as the table shows them."""
    page.get_by_role("radio", name="Table").click()
    return table(page)


def table(page: Page) -> dict[str, dict[str, int]]:
    """Return the same of a table that is shown already, without touching the page."""
    page.locator(".table-row .cell").first.wait_for()
    rows = page.evaluate(_ROWS)  # all at once: the table may be redrawn between two looks
    tokens = page.locator(".table-head").get_by_role("columnheader").all_inner_texts()[1:-1]
    return {context: dict(zip(tokens, map(_percent, cells), strict=True)) for context, *cells in rows}


_ROWS = """() => [...document.querySelectorAll(".table-row")].map((row) =>
    [...row.querySelectorAll("[role=rowheader], .cell")].map((cell) => cell.textContent))"""


def _percent(text: str) -> int:
    return int(re.search(r"\d+", text)[0])
