"""Make the lesson, the game and the slides of docs/print/, in both languages: ``make handouts``.

The lesson is docs/class.md; the slides are its table of minutes, each question over what is then on the screen; the
game is what the page prints. Look at them before committing.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import sys
from pathlib import Path

from browsing import FLAGS, Studio, find_chromium, wait_for_step
from markdown_it import MarkdownIt
from pictures import few_colours
from playwright.sync_api import Browser, Page, sync_playwright

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "print"
LANGUAGES = {"en": "en", "zh": "zh-Hans"}
SHARE = {"en": ("Share and download", "Print as a game"), "zh": ("分享与下载", "打印成游戏")}
SCREEN = {"width": 1000, "height": 760}  # small, so that what is written on it is large on a slide

# What is on the screen at each row of the table; a scene may have a before and an after.
SHOWN = (("",), ("", "trained=50"), ("trained=50&select=0",), ("trained=50&select=0&source=seeds",), ("game",))

FONT = '"Noto Sans", "Noto Sans CJK SC", "DejaVu Sans", system-ui, sans-serif'
LESSON = f"""
@page {{ size: A4; margin: 18mm 20mm 20mm; }}
body {{ font: 10.5pt/1.5 {FONT}; color: #1c1e21; margin: 0; }}
h1 {{ font-size: 21pt; line-height: 1.2; margin: 0 0 4mm; }}
h2 {{ font-size: 14pt; margin: 8mm 0 2mm; }}
h1, h2 {{ text-wrap: balance; break-after: avoid; }}
p, li {{ orphans: 3; widows: 3; }}
a {{ color: inherit; text-decoration: none; }}
table {{ border-collapse: collapse; margin: 3mm 0; break-inside: avoid; }}
th, td {{ text-align: left; padding: 1.2mm 4mm 1.2mm 0; border-bottom: 0.2mm solid #bbb; vertical-align: top; }}
pre {{ font-size: 8.5pt; background: #f3f1ea; padding: 3mm; white-space: pre-wrap; break-inside: avoid; }}
"""
SLIDES = f"""
@page {{ size: 13.333in 7.5in; margin: 0; }}
body {{ margin: 0; font-family: {FONT}; color: #1c1e21; }}
section {{ width: 13.333in; height: 7.5in; box-sizing: border-box; padding: 0.45in 0.6in 0.4in; display: flex;
  flex-direction: column; break-after: page; }}
section:last-child {{ break-after: auto; }}
header {{ display: flex; justify-content: space-between; color: #0d6e4f; font-size: 20pt; }}
h1 {{ font-size: 34pt; line-height: 1.2; margin: 0.12in 0 0.2in; text-wrap: balance; }}
img {{ flex: 1; min-height: 0; object-fit: contain; border-radius: 0.15in; }}
"""


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    studio = Studio()
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            for language in LANGUAGES:
                text = guide(language)
                print_game(open_game(browser, studio.url, language), language)
                print_lesson(browser, text, language)
                print_slides(browser, studio.url, text, language)
            browser.close()
    finally:
        studio.stop()
    (FOLDER / "made-of.json").write_text(json.dumps(digests(), indent=1) + "\n")
    return 0


def digests() -> dict[str, str]:
    """Return the digest of the lesson in each language, by which a test knows what is to be made again."""
    return {language: hashlib.sha256(guide(language).encode()).hexdigest() for language in LANGUAGES}


def guide(language: str) -> str:
    return (DOCS / ("" if language == "en" else language) / "class.md").read_text("utf-8")


def opened(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport=SCREEN, color_scheme="light", device_scale_factor=2).new_page()
    page.set_default_timeout(120_000)
    page.goto(url)
    return page


def open_game(browser: Browser, url: str, language: str) -> Page:
    page = opened(browser, f"{url}#trained=50&lang={language}")
    wait_for_step(page, 50)
    for name in SHARE[language]:
        page.get_by_role("button", name=name).click()
    page.get_by_role("radio", name="A4").click()
    return page


def print_game(page: Page, language: str) -> None:
    page.pdf(path=FOLDER / f"game.{language}.pdf", prefer_css_page_size=True)


def print_lesson(browser: Browser, text: str, language: str) -> None:
    text = re.sub(r"^- .*print/lesson.*\n(?:  .*\n)*", "", text, flags=re.MULTILINE)  # it is in the reader's hand
    body = MarkdownIt("commonmark").enable("table").render(text)
    footer = (
        '<p style="width:100%;text-align:center;font:8pt sans-serif;color:#555"><span class="pageNumber"></span></p>'
    )
    numbered = {"display_header_footer": True, "header_template": " ", "footer_template": footer}
    _print(browser, language, "lesson", LESSON, body, **numbered)


def print_slides(browser: Browser, url: str, text: str, language: str) -> None:
    """Print a slide for each row of the lesson's table: minutes, what, the question, and what is then on the screen."""
    rows = re.findall(r"^\| (\d+[–-]\d+) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    assert len(rows) == len(SHOWN), "the lesson has other parts than there are slides"
    sections = []
    for (minutes, what, question), shown in zip(rows, SHOWN, strict=True):
        for link in shown:
            picture = base64.b64encode(few_colours(_picture(browser, url, link, language))).decode()
            what = re.sub(r"[*]", "", what)
            sections.append(
                f"<section><header><span>{html.escape(what)}</span><span>{minutes}</span></header>"
                f'<h1>{html.escape(question)}</h1><img src="data:image/png;base64,{picture}"></section>'
            )
    _print(browser, language, "slides", SLIDES, "".join(sections))


def _picture(browser: Browser, url: str, link: str, language: str) -> bytes:
    if link == "game":
        game = open_game(browser, url, language)
        game.emulate_media(media="print")  # without what one chooses by
        return game.locator(".game-board").first.screenshot()
    page = opened(browser, f"{url}#present=1&lang={language}&{link}")
    page.locator(".g-node").first.wait_for()
    if "trained" in link:
        wait_for_step(page, 50)
    if "seeds" in link:
        page.locator('.drawing[data-seeds="200"]').wait_for()
    page.wait_for_timeout(1500)
    return page.locator(".drawing").screenshot()


def _print(browser: Browser, language: str, name: str, style: str, body: str, **options: object) -> None:
    page = browser.new_page()
    page.set_content(f'<html lang="{LANGUAGES[language]}"><style>{style}</style><body>{body}</body></html>')
    page.pdf(path=FOLDER / f"{name}.{language}.pdf", prefer_css_page_size=True, print_background=True, **options)
    page.close()


if __name__ == "__main__":
    sys.exit(main())
