"""Builds the site, a folder of static files: the page as its front, the guides behind it.

python docs/site/build.py FOLDER writes it. Any host of files will do; nothing is asked of it, and once opened the site
works without a connection. guides.json has the guides in order, and for each the states of the page that it speaks of,
with what is to be seen there.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import sys
from pathlib import Path

from markdown_it import MarkdownIt

from babygpt.studio.page import STATIC, page

HERE = Path(__file__).parent
DOCS = HERE.parent
GUIDES: dict[str, dict[str, dict[str, str]]] = json.loads((HERE / "guides.json").read_text(encoding="utf-8"))

LANGUAGES = {"en": "English", "zh": "中文"}
TAGS = {"en": "en", "zh": "zh-Hans"}
TITLE = {"en": "BabyGPT: a GPT known completely", "zh": "BabyGPT：可以完全看清的 GPT"}
ABOUT = {
    "en": "Train a GPT small enough to be known completely, here in the page: every state, every arrow, every step.",
    "zh": "就在网页里训练一个小到可以完全看清的 GPT：每个状态、每个箭头、每一步训练。",
}
OPEN = {"en": "Open it in the page:", "zh": "在网页中打开："}
BACK = {"en": "To the page", "zh": "打开网页"}

MANIFEST = {
    "name": "BabyGPT",
    "short_name": "BabyGPT",
    "description": ABOUT["en"],
    "start_url": "./",
    "scope": "./",
    "display": "standalone",
    "background_color": "#fdfcf8",
    "theme_color": "#0d6e4f",
    "icons": [{"src": "icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
}
HEAD = f"""
<meta name="description" content="{ABOUT["en"]}">
<meta property="og:title" content="{TITLE["en"]}">
<meta property="og:description" content="{ABOUT["en"]}">
<meta property="og:type" content="website">
<meta property="og:image" content="preview.png">
<meta name="twitter:card" content="summary_large_image">
<link rel="manifest" href="babygpt.webmanifest">
<link rel="apple-touch-icon" href="icon.svg">"""


def build(folder: Path) -> None:
    """Write the site to a folder, which is made anew."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for language in LANGUAGES:
        for name in GUIDES:
            write(folder / "guides" / language / f"{name}.html", guide(name, language))
        write(folder / "guides" / language / "index.html", contents(language))
    for picture in (*DOCS.glob("*.png"), *DOCS.glob("*.svg"), HERE / "guide.css"):
        shutil.copy(picture, folder / "guides")
    for file in (STATIC / "icon.svg", HERE / "preview.png", HERE / "404.html"):
        shutil.copy(file, folder)
    write(folder / "babygpt.webmanifest", json.dumps(MANIFEST, indent=1))
    front = page(title=TITLE["en"], head=HEAD, site={"guides": "guides/", "offline": "offline.js"})
    write(folder / "index.html", front)
    write(folder / "offline.js", offline(folder))
    write(folder / ".nojekyll", "")  # a forge shall take the files as they are


def write(path: Path, text: str) -> None:
    """Write a text file, in a folder that is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def source(name: str, language: str) -> str:
    """Return the text of a guide in a language."""
    return (DOCS / ("" if language == "en" else language) / f"{name}.md").read_text(encoding="utf-8")


def title_of(name: str, language: str) -> str:
    """Return the title of a guide."""
    found = re.search(r"^# (.+)$", source(name, language), re.MULTILINE)
    return html.escape(found[1] if found else name)


def guide(name: str, language: str) -> str:
    """Return a guide as a page: its text, and the states of the front page that it speaks of."""
    text = re.sub(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)#]+?)(?:\.md)?(#[^)]*)?\)", _to_page, source(name, language))
    body = MarkdownIt("commonmark").enable("table").render(text)
    body = re.sub(r'<img src="(?:\.\./)?([^"/]+)"', r'<img loading="lazy" src="../\1"', body)
    opens = "".join(
        f'<a href="../../{html.escape(link)}&amp;lang={language}">{html.escape(said[language])}</a>'
        for link, said in GUIDES[name].items()
    )
    return framed(language, name, body + (f'<p class="opens">{OPEN[language]}{opens}</p>' if opens else ""))


def _to_page(match: re.Match[str]) -> str:
    """Return a link to another guide as one of the site; one that leaves the guides is only its text."""
    said, name, place = match[1], match[2], match[3] or ""
    return f"[{said}]({name}.html{place})" if name in GUIDES else said


def contents(language: str) -> str:
    """Return the page that lists the guides."""
    items = "".join(f'<li><a href="{name}.html">{title_of(name, language)}</a></li>' for name in GUIDES)
    return framed(language, "", f"<h1>{TITLE[language]}</h1><p>{ABOUT[language]}</p><ul>{items}</ul>")


def framed(language: str, name: str, body: str) -> str:
    """Return a page of the guides: its text between where one can go."""
    here = f"{name}.html" if name else ""
    return (
        (HERE / "guide.html")
        .read_text(encoding="utf-8")
        .format(
            tag=TAGS[language],
            title=title_of(name, language) if name else TITLE[language],
            back=BACK[language],
            language=language,
            others="".join(
                f'<a href="../{other}/{here}" lang="{TAGS[other]}">{said}</a>'
                for other, said in LANGUAGES.items()
                if other != language
            ),
            guides="".join(
                f'<a href="{one}.html"{" aria-current=page" * (one == name)}>{title_of(one, language)}</a>'
                for one in GUIDES
            ),
            body=body,
        )
    )


def offline(folder: Path) -> str:
    """Return the script that keeps the site on the reader's machine."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    names = [re.sub(r"(^|/)index\.html$", r"\1", path.relative_to(folder).as_posix()) or "./" for path in files]
    script = (HERE / "offline.js").read_text(encoding="utf-8")
    return script.replace("DIGEST", digest[:16]).replace("[] /* FILES */", json.dumps(names))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
