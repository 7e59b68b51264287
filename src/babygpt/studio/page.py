"""A page that thinks by itself: one file with the screen, the engine and what it begins with.

It opens by a double click, asks nobody for anything, and is safe to open: what it may run is named by its hash in the
page's own policy, and whatever text it holds, a stranger's too, is data in it. It begins as a link says
(:mod:`babygpt.studio.links`); of a run it shows what that recorded, and trains it again behind the film to know its
weights too.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from babygpt.errors import InputError, RunError
from babygpt.studio.figures import packed
from babygpt.studio.limits import Limits, RefusedError
from babygpt.studio.links import Scene, write
from babygpt.studio.presets import PRESETS
from babygpt.studio.setup import NAMES, Settings, Setup

if TYPE_CHECKING:
    from babygpt.gpt.config import GPTConfig
    from babygpt.run.run import Run

STATIC = Path(__file__).parents[1] / "static"
# Bytes that the recorded chains may take in a page; of more, fewer steps are shown until the page has trained them.
HISTORY_BYTES = 2**21


def page(
    link: Mapping[str, str] | None = None,
    recorded: Mapping[str, Any] | None = None,
    title: str = "BabyGPT",
    lang: str | None = None,
    head: str = "",
    site: Mapping[str, str] | None = None,
) -> str:
    """Return the page that begins as a link says: by default as the article does.

    Parameters
    ----------
    link
        The words of a link: see :mod:`babygpt.studio.links`. Its sequence may be of any length.
    recorded
        The history of a run: its ``steps``, its ``table`` as packed float32 (frames, contexts, V), and its ``losses``.
    title
        Of the browser's tab.
    lang
        Its language, ``"en"`` or ``"zh"``; by default the reader's.
    head
        More HTML for its head.
    site
        Of a page that has others beside it: where the ``guides`` are, the script that keeps it ``offline``, and where
        a studio is (``there``) that does what is too much for a page.
    """
    script, begin = _script(), {"link": dict(link or {}), "recorded": recorded, "lang": lang, **(site or {})}
    data = json.dumps(begin, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":  # "</script" ends a script and "<!--" begins a comment, whatever the script is
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    icon = base64.b64encode((STATIC / "icon.svg").read_bytes()).decode()
    return _PAGE.format(
        policy=policy(site is not None),
        title=html.escape(title),
        icon=icon,
        head=head,
        data=data,
        packed=script.packed,
        loader=_LOADER,
    )


def policy(beside: bool = False) -> str:
    """Return what a page may do: run its own script, in a worker too; with others ``beside`` it, be kept offline."""
    rules = {
        "default-src": "'none'",
        "script-src": f"{_hash(_LOADER)} {_hash(_script().text)}",
        "worker-src": "blob: 'self'" if beside else "blob:",
        "img-src": "data: blob: 'self'" if beside else "data: blob:",
        **({"manifest-src": "'self'"} if beside else {}),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{what} {whence}" for what, whence in rules.items())


def page_of_run(run: Run, lang: str | None = None) -> str:
    """Return the page of a run: its film, and all that the studio does with it; ``lang`` as for :func:`page`.

    Raises
    ------
    RunError
        The run does not say what text it learnt from, or is too much for a page: a page could not train it.
    """
    check_bearable(run.config, run.steps)
    setup = setup_of(run)
    scene = Scene(trained=run.steps)
    link = {**write(setup, scene), "sequence": setup.text, "steps": str(max(run.steps, run.train_config.steps))}
    link.pop("too_long", None)
    return page(link, recorded_history(run) if run.steps else None, lang=lang)


def check_bearable(config: GPTConfig, steps: int) -> None:
    """Raise :class:`RunError` if a page could not train such a GPT for so many steps."""
    limits = Limits.for_a_page()
    try:
        limits.check_size(config.vocab_size, config.block_size)
        limits.check_steps(steps)
        limits.check_memory(config, steps)
    except RefusedError as error:
        told = str(error).replace("the studio's limit", "a page's limit").split(" Try ")[0]
        raise RunError(f"A page trains by itself, and a phone must bear it: {told} The studio takes more.") from None


def recorded_history(run: Run) -> dict[str, Any]:
    """Return what a run recorded, as a page takes it."""
    history = run.history
    kept = _kept(len(history.steps), history.table[0].size)
    table = history.table[kept].astype("<f4")
    return {"steps": history.steps[kept].tolist(), "table": packed(table), "losses": run.losses.tolist()}


def _kept(n_frames: int, size: int) -> list[int]:
    """Return which frames a page has room for, evenly spaced, the first and the last among them."""
    room = max(2, HISTORY_BYTES // (4 * size))
    if n_frames <= room:
        return list(range(n_frames))
    return sorted({round(i * (n_frames - 1) / (room - 1)) for i in range(room)})


def setup_of(run: Run) -> Setup:
    """Return the setup under which a run's text has its counts: how it was read, a run does not say."""
    corpus, config, how = run.corpus, run.config, run.train_config
    if corpus.text is None:
        raise RunError(
            "The run does not hold the text that it learnt from: it was longer than 100,000 characters, was no text, "
            "or an earlier version saved it. Train again from a text to make a page of it."
        )
    vocabulary = corpus.vocabulary
    known = {name: value for name, value in {**asdict(config), **asdict(how)}.items() if name in NAMES}
    known |= {"context_length": config.block_size, "steps": max(run.steps, how.steps, 1)}
    known |= {"tokens": vocabulary.tokens}
    spelled = vocabulary.separator.join(vocabulary.symbols)
    separators = (None,) if vocabulary.tokens == "chars" else (None, vocabulary.separator)
    name = next((name for name, preset in PRESETS.items() if preset.sequence == corpus.text), "")
    for symbols, separator, lines in product((None, spelled), separators, (None, False, True)):
        settings = {**asdict(Settings()), **known, "vocabulary": symbols, "separator": separator, "lines": lines}
        try:
            setup = Setup.make(corpus.text, name, settings, Limits())
        except InputError:
            continue
        counted = setup.corpus
        if (
            counted.vocabulary == vocabulary
            and np.array_equal(counted.states, corpus.states)
            and np.array_equal(counted.counts, corpus.counts)
        ):
            return setup
    raise RunError("The counts of the run are not those of its text, so a page could not train it.")


class _Script:
    """The built script, and what it is packed."""

    def __init__(self) -> None:
        built = (STATIC / "studio.js.gz").read_bytes()
        self.text = gzip.decompress(built).decode()
        self.packed = base64.b64encode(built).decode()


@lru_cache(maxsize=1)
def _script() -> _Script:
    return _Script()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# Unpacks the script and runs it: a text of this length is a third as long packed.
_LOADER = """\
(async () => {
  const text = atob(document.getElementById("packed").textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const script = document.createElement("script");
  script.text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  document.body.append(script);
})().catch(() => {
  document.getElementById("studio").textContent =
    "This browser is too old for this page. / 此浏览器版本太旧，无法打开此页面。";
});
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,{icon}">{head}
</head>
<body>
<div id="studio"></div>
<noscript>
<p>This page needs JavaScript, which is switched off in this browser.</p>
<p lang="zh-CN">此页面需要 JavaScript，而此浏览器已将其关闭。</p>
</noscript>
<script type="application/json" id="beginning">{data}</script>
<script type="text/plain" id="packed">{packed}</script>
<script>{loader}</script>
</body>
</html>
"""
