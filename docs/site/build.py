"""Builds the site, a folder of static files: the page as its front, the guides and the reference behind it.

python docs/site/build.py FOLDER writes it. Any host of files will do; nothing is asked of it, and once opened the site
works without a connection. guides.json has the guides by their sections, and for each the states of the page that it
speaks of, with what is to be seen there. The reference is made of the program (reference.py). Sphinx makes pages of
both, once for each language, and whatever it warns of is an error.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

import reference

from babygpt.studio.page import STATIC, page

HERE = Path(__file__).parent
DOCS = HERE.parent
SECTIONS = json.loads((HERE / "guides.json").read_text(encoding="utf-8"))
GUIDES: dict[str, dict[str, dict[str, str]]] = {
    name: links for each in SECTIONS for name, links in each["guides"].items()
}

LANGUAGES = {"en": "English", "zh": "中文"}
TAGS = {"en": "en", "zh": "zh-Hans"}
SPHINX = {"en": "en", "zh": "zh_CN"}
TITLE = {"en": "BabyGPT: a GPT known completely", "zh": "BabyGPT：可以完全看清的 GPT"}
ABOUT = {
    "en": "Train a GPT small enough to be known completely, here in the page: every state, every arrow, every step.",
    "zh": "就在网页里训练一个小到可以完全看清的 GPT：每个状态、每个箭头、每一步训练。",
}
START = {
    "en": "Press Train, then a state. Nothing is installed, and nothing leaves this page. What it shows is "
    "[an article, told in order](article.md); who wants more has it [on a machine of their own](install.md).",
    "zh": "按“训练”，再点一个状态。无需安装，任何内容都不会离开这个网页。"
    "它所展示的，是[一篇文章，从头讲起](article.md)；想要更多，可以[装到自己的机器上](install.md)。",
}
OPEN = {"en": "Open it in the page:", "zh": "在网页中打开："}
BACK = {"en": "To the page", "zh": "打开网页"}
REFERENCE = {"en": "Reference", "zh": "参考"}

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
        with tempfile.TemporaryDirectory() as name:
            make_pages(language, prepared(Path(name) / "source", language), folder / "guides" / language)
    shutil.copytree(DOCS / "print", folder / "guides" / "print")
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


# -- what Sphinx reads -------------------------------------------------------------------------------------


def prepared(folder: Path, language: str) -> Path:
    """Write what Sphinx makes the pages of one language from, and return its folder."""
    for name in GUIDES:
        write(folder / f"{name}.md", guide(name, language))
    write(folder / "commands.md", reference.commands(language))
    python = reference.python(language)
    for name, text in python.items():
        write(folder / f"{name}.md", text)
    write(folder / "index.md", contents(language, list(python)))
    for picture in (*DOCS.glob("*.png"), *DOCS.glob("*.svg")):
        shutil.copy(picture, folder)
    (folder / "_static").mkdir()
    for file in (HERE / "guide.css", STATIC / "icon.svg"):
        shutil.copy(file, folder / "_static")
    shutil.copytree(HERE / "templates", folder / "_templates")
    return folder


def guide(name: str, language: str) -> str:
    """Return a guide's text, links and pictures as the site has them, and the states of the page that it speaks of."""
    text = (DOCS / ("" if language == "en" else language) / f"{name}.md").read_text(encoding="utf-8")
    text = re.sub(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)#]+?)(?:\.md)?(#[^)]*)?\)", _to_page, text)
    text = re.sub(r"!\[([^\]]*)\]\((?:\.\./)?([^)/]+)\)", r"![\1](\2)", text)
    opens = "".join(
        f'<a href="../../{html.escape(link)}&amp;lang={language}">{html.escape(said[language])}</a>'
        for link, said in GUIDES[name].items()
    )
    return f'{text}\n\n<p class="opens">{OPEN[language]}{opens}</p>\n' if opens else text


def _to_page(match: re.Match[str]) -> str:
    """Return a link to another guide as one of the site; one that leaves the guides is only its text."""
    said, name, place = match[1], match[2], match[3] or ""
    if name.endswith(".pdf"):
        return f'<a href="../print/{Path(name).name}">{said}</a>'
    return f"[{said}]({name}.md{place})" if name in GUIDES else said


def contents(language: str, python: list[str]) -> str:
    """Return the first page: the page itself, live, and the way to all others."""
    live = f'<iframe class="live" src="../../#lang={language}" title="BabyGPT" loading="lazy"></iframe>'
    trees = [(section[language], list(section["guides"])) for section in SECTIONS]
    trees.append((REFERENCE[language], ["commands", *python]))
    listed = "\n".join(
        f"```{{toctree}}\n:caption: {caption}\n:maxdepth: 1\n\n" + "\n".join(names) + "\n```\n"
        for caption, names in trees
    )
    return f"# {TITLE[language]}\n\n{ABOUT[language]}\n\n{live}\n\n{START[language]}\n\n{listed}"


# -- what Sphinx writes ------------------------------------------------------------------------------------


def make_pages(language: str, source: Path, folder: Path) -> None:
    """Have Sphinx make the pages of one language."""
    others = [[TAGS[other], said, other] for other, said in LANGUAGES.items() if other != language]
    context = {"page_language": language, "to_page": BACK[language], "other_languages": others}
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-c", str(HERE)]
    command += ["-D", f"language={SPHINX[language]}"]
    command += [f"-Dtemplates_path={source / '_templates'}", f"-Dhtml_static_path={source / '_static'}"]
    command += [f"-Dhtml_favicon={source / '_static' / 'icon.svg'}"]
    write(source / "context.json", json.dumps(context))
    subprocess.run([*command, "-d", str(source.parent / "doctrees"), str(source), str(folder)], check=True)
    (folder / ".buildinfo").unlink(missing_ok=True)
    shutil.rmtree(folder / "_sources", ignore_errors=True)
    script = folder / "_static" / "doctools.js"  # makes a function of a text, which the policy forbids
    plural = re.compile(r"Documentation\.PLURAL_EXPR = new Function\(.*?\);", re.DOTALL)
    text, found = plural.subn("Documentation.PLURAL_EXPR = () => 0;", script.read_text(encoding="utf-8"))
    assert found == 1, "doctools.js is another than it was"
    script.write_text(text, encoding="utf-8")
    for path in folder.rglob("*.html"):
        path.write_text(guarded(path.read_text(encoding="utf-8")), encoding="utf-8")


def guarded(text: str) -> str:
    """Return a page with a policy: nothing from elsewhere, and no script or style but what it was built with."""
    looks = sorted(set(re.findall(r'\sstyle="([^"]*)"', text)))  # a style of one element becomes a rule
    rules = "".join(f'[data-look="{i}"]{{{html.unescape(look)}}}' for i, look in enumerate(looks))
    text = re.sub(r'\sstyle="([^"]*)"', lambda match: f' data-look="{looks.index(match[1])}"', text)
    text = text.replace("</head>", f"<style>{rules}</style></head>", 1)
    scripts = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", text, re.DOTALL)
    styles = re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL)
    policy = (
        f"default-src 'none'; script-src 'self' {_hashes(scripts)}; style-src 'self' {_hashes(styles)}; "
        "img-src 'self' data:; font-src 'self'; frame-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'self'"
    )
    text = text.replace("</strong> -- ", "</strong> – ")  # between a name and what is said of it
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return re.sub(r"<head>", f"<head>{meta}", text, count=1)


def _hashes(texts: list[str]) -> str:
    digests = {b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts}
    return " ".join(f"'sha256-{digest}'" for digest in sorted(digests))


def offline(folder: Path) -> str:
    """Return the script that keeps the site on the reader's machine."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    names = [re.sub(r"(^|/)index\.html$", r"\1", path.relative_to(folder).as_posix()) or "./" for path in files]
    script = (HERE / "offline.js").read_text(encoding="utf-8")
    return script.replace("DIGEST", digest[:16]).replace("[] /* FILES */", json.dumps(names))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
