"""The page opened as a file in Firefox: it trains, in a worker, and asks nobody for anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from babygpt.studio.page import page

HERE = Path(__file__).parent
DRIVER = HERE.parents[1] / "frontend" / "node_modules" / "puppeteer-core"


def test_the_page_trains_in_firefox(tmp_path):
    firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    if firefox is None or not DRIVER.exists():
        if os.environ.get("CI"):
            pytest.fail("Firefox or its driver is not installed, and here this test may not be skipped.")
        pytest.skip("Firefox or its driver is not installed.")
    (tmp_path / "page.html").write_text(page(), encoding="utf-8")
    command = ["node", HERE / "firefox.mjs", tmp_path / "page.html", firefox]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["wrong"] == []
    assert any(row.startswith("101 21") for row in found["trained"]), found
    assert found["title"] == "设置"
