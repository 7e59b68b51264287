from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from babygpt.cli.main import app

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("guide", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_a_guides_python_gives_what_it_shows(guide):
    blocks = re.findall(r"^```python\n(.*?)^```", guide.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert blocks
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, guide.name, str(guide), 0)
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("guide", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_a_guides_links_lead_somewhere(guide):
    for link in re.findall(r"\]\(([^)#]+)\)", guide.read_text()):
        assert (guide.parent / link).exists(), link


def test_the_devices_table_is_what_the_command_prints(tmp_path, article_run):
    article_run.save(tmp_path / "run")
    printed = CliRunner().invoke(app, ["input-devices", str(tmp_path / "run")]).stdout
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    table = re.search(
        r"^```text\n.*?\n(.*?)^```", (DOCS / "input-devices.md").read_text(), flags=re.MULTILINE | re.DOTALL
    )
    for row in table[1].splitlines():
        assert any(line.startswith(" ".join(row.split())) for line in lines), row
