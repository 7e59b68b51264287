"""The site: all that it links to is there, in both languages, and the page of each link opens what it says."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import pytest

import babygpt as bg
from babygpt.cli.main import PANELS
from babygpt.studio import links
from babygpt.studio.limits import Limits

ROOT = Path(__file__).parents[1]
SPHINX = {"index", "genindex", "search"}  # pages that it makes of itself


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "site"
    subprocess.run([sys.executable, ROOT / "docs" / "site" / "build.py", folder], check=True)
    return folder


def pages(site):
    return [path for path in site.rglob("*.html") if path.name != "404.html"]


def test_every_guide_is_there_in_every_language(site):
    guides = {path.stem for path in (ROOT / "docs").glob("*.md")}
    for language in ("en", "zh"):
        pages = {path.stem for path in (site / "guides" / language).glob("*.html")}
        assert {name for name in pages if not name.startswith("python-")} == guides | SPHINX | {"commands"}
    for guide in guides:
        english, chinese = ((ROOT / "docs" / place / f"{guide}.md").read_text(encoding="utf-8") for place in ("", "zh"))
        blocks = [re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL) for text in (english, chinese)]
        assert blocks[0] == blocks[1], guide  # what is typed, and what is answered, is the same


def test_all_that_a_page_links_to_is_there(site):
    for path in pages(site):
        for link in re.findall(r'(?:href|src)="([^"]+)"', path.read_text(encoding="utf-8")):
            if not link.startswith(("data:", "http")):
                file, _, place = unquote(html.unescape(link)).partition("#")
                target = (path.parent / file.partition("?")[0]).resolve() if file else path
                assert target.exists(), (path, link)
                if place and target.suffix == ".html" and "guides" in target.parts:
                    assert f'id="{place}"' in target.read_text(encoding="utf-8"), (path, link)


def test_every_opening_is_one_that_the_page_can_show(site):
    sections = json.loads((ROOT / "docs" / "site" / "guides.json").read_text(encoding="utf-8"))
    guides = {name: openings for section in sections for name, openings in section["guides"].items()}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} == set(guides)
    page = Limits(states=4096, steps=100_000, text=100_000)
    for link in (link for openings in guides.values() for link in openings):
        told = links.read(dict(parse_qsl(link[1:])), page)
        assert told.mistake is None, link
        assert told.scene.trained > 0


def test_the_site_is_kept_whole_and_anew_when_it_changes(site):
    script = (site / "offline.js").read_text(encoding="utf-8")
    files = json.loads(re.search(r"FILES = (\[.*?\]);", script)[1])
    there = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    kept = {re.sub(r"(^\./|/)$", r"\1index.html", name).removeprefix("./") for name in files}
    assert kept == there - {"offline.js", ".nojekyll"}
    assert re.search(r'NAME = "babygpt-[0-9a-f]{16}"', script)


def test_a_strange_page_may_do_nothing(site):
    for path in pages(site):
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', path.read_text(encoding="utf-8"))[1]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy


def test_the_reference_has_every_command_and_every_public_name(site):
    for language in ("en", "zh"):
        shown = (site / "guides" / language / "commands.html").read_text(encoding="utf-8")
        for panel in PANELS.values():
            for command in panel:
                assert f">babygpt {command.__name__.replace('_', '-')}<" in shown
        pages = [path.read_text(encoding="utf-8") for path in (site / "guides" / language).glob("python-*.html")]
        for name in [*bg.__all__, "Studio", "lab.sources.mess3", "MarkovChain.stationary_distribution", "Run.trace"]:
            assert any(f'id="babygpt.{name}"' in page for page in pages), name


def test_the_reference_is_in_the_readers_language(site):
    english, chinese = ((site / "guides" / place / "commands.html").read_text("utf-8") for place in ("en", "zh"))
    assert "Tokens of context, K." in english
    assert "上下文的词元数 K。" in chinese
    assert "Tokens of context, K." not in chinese
