"""The studio in real notebooks: JupyterLab and marimo, and what is left of it without a kernel."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from browsing import tool

expect = tool("playwright.sync_api").expect
pytest.importorskip("jupyterlab")
pytest.importorskip("marimo")
pytestmark = pytest.mark.slow

CELLS = [
    'import babygpt as bg\nstudio = bg.Studio("111101111011110")\nstudio',
    "print(\"read back:\", studio.step, studio.selected, f\"{studio.chain['101']['1']:.2f}\")",
    'shown = studio.chain.widget(lang="zh")\nshown.selected = "101"\nshown',
    'print("seen:", shown.selected)',
]
BEGIN = 60_000  # ms that a notebook and its kernel may take to begin


def notebook(path: Path) -> Path:
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**empty, "id": f"cell{i}", "source": source} for i, source in enumerate(CELLS)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(made))
    return path


def program(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"{name} is not installed beside this Python"
    return found


@contextmanager
def serving(folder: Path, *command: str):
    """Run a server on loopback until it answers, with a home of its own; end it afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = folder / "home"
    home.mkdir()
    env = os.environ | {"HOME": str(home), "JUPYTER_CONFIG_DIR": str(home), "JUPYTER_DATA_DIR": str(home / "data")}
    env |= {"XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    log = (folder / "log").open("w")
    words = [word.format(port=port) for word in command]
    server = subprocess.Popen(words, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        for _ in range(240):
            assert server.poll() is None, (folder / "log").read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
                break
            except OSError:
                time.sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def looking(chromium, address):
    page = chromium.new_context(viewport={"width": 1400, "height": 1000}, locale="en-US").new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(address)
    return page, failed


def train_and_select(page, selected="7"):
    studio = page.locator(".studio")
    expect(studio.locator(".app")).to_be_visible(timeout=BEGIN)
    studio.locator(".primary").first.click()
    expect(studio.get_by_text("Step 50 of 50", exact=True)).to_be_visible()
    expect(studio.get_by_role("button", name="Watch again")).to_be_visible()  # the film has been played
    # the first film is followed by a sentence about a state
    expect(studio.locator(".g-graph [data-state='5']")).to_have_attribute("aria-pressed", "true")
    state = studio.locator(f".g-graph [data-state='{selected}']")
    state.click()
    expect(state).to_have_attribute("aria-pressed", "true")
    return studio


def run(page, cell):
    """Run a cell of JupyterLab, which takes no key before all of it is there."""
    prompt = page.locator(".jp-CodeCell .jp-InputPrompt").nth(cell)
    for _ in range(20):
        page.locator(".jp-CodeCell .cm-content").nth(cell).click()
        page.keyboard.press("Control+Enter")
        with suppress(AssertionError):
            expect(prompt).not_to_have_text("[ ]:", timeout=3000)
            return
    raise AssertionError("JupyterLab runs no cell")


@pytest.fixture(scope="module")
def kept(tmp_path_factory, chromium):
    """Return the path of a notebook that was worked with in JupyterLab, and saved."""
    folder = tmp_path_factory.mktemp("lab")
    path = notebook(folder / "first.ipynb")
    lab = [program("jupyter"), "lab", "--no-browser", "--allow-root", "--port={port}", "--IdentityProvider.token="]
    with serving(folder, *lab, f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None") as address:
        page, failed = looking(chromium, f"{address}/doc/tree/first.ipynb")
        first, second = (page.locator(".jp-CodeCell .cm-content").nth(i) for i in (0, 1))
        expect(second).to_be_visible(timeout=BEGIN)
        expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")).to_be_visible(timeout=BEGIN)
        run(page, 0)
        studio = train_and_select(page)
        # a key of the notebook's is none while the focus is in the studio: D, D would delete the cell
        studio.locator(".g-graph [data-state='7']").focus()
        page.keyboard.press("d")
        page.keyboard.press("d")
        expect(first).to_be_visible()
        # the studio's styles stay in the studio
        sheets = page.evaluate(
            "document.adoptedStyleSheets.flatMap((sheet) => [...sheet.cssRules].map((rule) => rule.cssText))"
        )
        assert not [rule for rule in sheets if ".studio" in rule]
        run(page, 1)
        told = page.locator(".jp-OutputArea-output pre").last
        expect(told).to_have_text("read back: 50 111 0.79")
        run(page, 2)
        alone = page.locator(".g-alone")
        expect(alone.locator("[data-state='5']")).to_have_attribute("aria-pressed", "true")  # Python selected it
        expect(alone.locator("p")).to_have_text(
            "101，1 的概率为 79%，0 的概率为 21% · 101：长期来看，有 18% 的时间在这里"
        )
        alone.locator("[data-state='3']").click()
        run(page, 3)
        expect(page.locator(".jp-OutputArea-output pre").last).to_have_text("seen: 011")
        page.keyboard.press("Control+s")
        for _ in range(100):
            if "read back: 50 111" in path.read_text():
                break
            time.sleep(0.1)
        assert not failed
        page.context.close()
    return path


def test_in_jupyterlab_it_trains_and_python_reads_what_is_selected(kept):
    assert "read back: 50 111 0.79" in kept.read_text()


def test_a_notebook_that_was_saved_shows_the_page(kept, chromium, tmp_path):
    subprocess.run(
        [program("jupyter"), "nbconvert", "--to", "html", str(kept), "--output-dir", str(tmp_path)],
        check=True,
        capture_output=True,
    )
    page, failed = looking(chromium, (tmp_path / "first.html").as_uri())
    inside = page.frame_locator("iframe").first
    inside.locator(".primary").first.click()
    expect(inside.get_by_text("Step 50 of 50", exact=True)).to_be_visible()
    assert not [error for error in failed if "require" not in error.lower()]  # nbconvert's own scripts are elsewhere
    page.context.close()


def test_in_marimo(chromium, tmp_path):
    (tmp_path / "first.py").write_text(
        "import marimo\napp = marimo.App()\n\n@app.cell\ndef _():\n"
        '    import babygpt as bg\n    import marimo as mo\n    studio = bg.Studio("111101111011110")\n'
        "    shown = mo.ui.anywidget(studio)\n    shown\n    return mo, shown, studio\n\n"
        "@app.cell\ndef _(mo):\n    ask = mo.ui.run_button(label='ask')\n    ask\n    return (ask,)\n\n"
        "@app.cell\ndef _(ask, mo, studio):\n"
        "    mo.md(f'read back: {studio.step} {studio.selected}' if ask.value else 'not asked')\n    return\n"
    )
    marimo = [program("marimo"), "run", "first.py", "--headless", "--no-token", "--port", "{port}"]
    with serving(tmp_path, *marimo) as address:
        page, failed = looking(chromium, address)
        train_and_select(page)
        page.get_by_role("button", name="ask").click()
        expect(page.get_by_text("read back: 50 111")).to_be_visible()
        assert not failed
        page.context.close()
