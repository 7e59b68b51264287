"""The guides show what happens, and the notebooks of examples/ are made of them."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDES = sorted(path for path in (ROOT / "docs").glob("*.md") if "```python\n" in path.read_text("utf-8"))


@pytest.mark.parametrize("guide", GUIDES, ids=[path.stem for path in GUIDES])
def test_python_in_a_guide_answers_what_it_shows(guide, tmp_path, monkeypatch):
    """Chinese guides show the same code: tests/test_site.py."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", guide.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, guide.stem, str(guide), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF)
    runner.run(test)
    assert runner.tries > 0
    assert runner.failures == 0


def test_the_notebooks_are_what_the_guides_say():
    subprocess.run([sys.executable, ROOT / "examples" / "make.py", "--check"], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_article_as_a_notebook_answers_what_it_shows(language):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    made = nbformat.read(ROOT / "examples" / language / "article.ipynb", 4)
    nbformat.validate(made)
    shown = [answers(cell) for cell in made.cells if cell.cell_type == "code"]
    nbclient.NotebookClient(made, timeout=120).execute()
    assert [answers(cell) for cell in made.cells if cell.cell_type == "code"] == shown
    drawn = [output.data for cell in made.cells for output in cell.get("outputs", []) if "data" in output]
    assert any("image/svg+xml" in data for data in drawn)


def answers(cell):
    return [output.get("text") or output.data["text/plain"] for output in cell.outputs]
