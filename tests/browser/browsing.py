"""What several browser tests do with a page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


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
    page.locator(".table-row .cell").first.wait_for()
    rows = page.evaluate(_ROWS)  # all at once: the table may be redrawn between two looks
    tokens = page.locator(".table-head").get_by_role("columnheader").all_inner_texts()[1:-1]
    return {context: dict(zip(tokens, map(_percent, cells), strict=True)) for context, *cells in rows}


_ROWS = """() => [...document.querySelectorAll(".table-row")].map((row) =>
    [...row.querySelectorAll("[role=rowheader], .cell")].map((cell) => cell.textContent))"""


def _percent(text: str) -> int:
    return int(re.search(r"\d+", text)[0])
