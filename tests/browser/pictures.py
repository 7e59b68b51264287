"""Take the pictures of docs/ again: ``make pictures``. Look at them before committing."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from browsing import FLAGS, Studio, find_chromium, wait_for_step
from PIL import Image
from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).parents[2] / "docs"
SIZE = {"width": 1280, "height": 800}
PREVIEW = {"width": 1200, "height": 630}  # what other sites show of a link to ours
COLOURS = 160  # enough for flat colours; a third of the bytes

# What each link shows, and after how many steps: 8, 64 and 65,536 states; many seeds; the effect of a token
VIEWS = {
    "8": ("trained=50&select=5", 50),
    "64": ("context_length=6&trained=200&steps=200&select=47", 200),
    "seeds": ("trained=50&select=0&source=seeds", 50),
    "token": ("trained=50&select=0", 50),
    "65536": ("preset=parity&context_length=16&n_layer=2&n_embd=32&steps=200&trained=200&select=52428", 200),
}


def take(page: Page, name: str) -> None:
    (DOCS / name).write_bytes(few_colours(page.screenshot()))


def few_colours(picture: bytes) -> bytes:
    """Return a PNG with fewer colours, in a third of the bytes."""
    out = io.BytesIO()
    drawn = Image.open(io.BytesIO(picture)).convert("RGB")
    drawn.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> int:
    studio = Studio()
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            for language in ("en", "zh"):
                for view, (link, step) in VIEWS.items():
                    page = browser.new_context(viewport=SIZE, color_scheme="light").new_page()
                    page.set_default_timeout(180_000)
                    page.goto(f"{studio.url}#lang={language}&{link}")
                    wait_for_step(page, step)
                    page.locator(".sentence").wait_for()
                    if view == "token":
                        page.locator('.token[data-at="4"]').hover()
                        page.locator(".held .more-of").wait_for()
                    if view == "seeds":
                        page.locator('.drawing[data-seeds="200"]').wait_for()
                    page.wait_for_timeout(1500)  # numbers that take longer arrive, the ball rests
                    take(page, f"studio-{view}.{language}.png")
            page = browser.new_context(viewport=PREVIEW, color_scheme="light").new_page()
            page.goto(f"{studio.url}#lang=en&trained=50&select=5&hide=settings,tape")
            wait_for_step(page, 50)
            page.wait_for_timeout(1500)
            take(page, "site/preview.png")
            browser.close()
    finally:
        studio.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
