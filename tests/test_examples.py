"""The notebooks of examples/, which are made of the guides."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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
