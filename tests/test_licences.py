"""What the page's bundle contains of others comes with their notices, wherever the bundle goes."""

from __future__ import annotations

import gzip
import json
from importlib.resources import files
from pathlib import Path

import pytest

LOCK = Path(__file__).parents[1] / "frontend" / "package-lock.json"


@pytest.mark.skipif(not LOCK.exists(), reason="needs the sources of the page")
def test_every_package_in_the_bundle_has_its_notice_in_the_package() -> None:
    notices = (files("babygpt") / "static" / "studio.js.LICENSES.txt").read_text("utf-8")
    packages = json.loads(LOCK.read_text("utf-8"))["packages"]
    bundled = {
        f"{path.rpartition('node_modules/')[2]} {about['version']} ({about['license']})"
        for path, about in packages.items()
        if path and not about.get("dev")
    }
    parts = {text.strip().split("\n", 1)[0]: text for text in notices.split("-" * 80)[1:]}
    assert parts.keys() == bundled
    assert len(bundled) >= 2
    for text in parts.values():
        assert "Copyright (c)" in text
        assert "above copyright notice and this permission notice shall be included" in text


def test_the_bundle_says_where_its_notices_are() -> None:
    static = files("babygpt") / "static"
    first = gzip.decompress((static / "studio.js.gz").read_bytes()).decode().split("\n", 1)[0]
    assert first.startswith("//")
    assert (static / first.rsplit(maxsplit=1)[-1]).is_file()
