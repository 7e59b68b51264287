"""Makes a notebook of each guide that has Python in it, in each language: examples/en and examples/zh.

    python examples/make.py           write them
    python examples/make.py --check   say whether they are what the guides say now

What the guides show is executed by the tests, so it is what the cells are shown to answer.
"""

from __future__ import annotations

import doctest
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDERS = {"en": ROOT / "docs", "zh": ROOT / "docs" / "zh"}
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)")


def main() -> None:
    """Write the notebooks, or check them."""
    made = {
        ROOT / "examples" / language / f"{guide.stem}.ipynb": notebook(guide, language)
        for language, folder in FOLDERS.items()
        for guide in sorted(folder.glob("*.md"))
        if PYTHON.search(guide.read_text("utf-8"))
    }
    if "--check" in sys.argv:
        there = set((ROOT / "examples").glob("*/*.ipynb"))
        stale = [path for path in made if path not in there or path.read_text("utf-8") != made[path]]
        if stale := stale + sorted(there - set(made)):
            sys.exit(f"{stale[0].relative_to(ROOT)} is not what its guide says: run python examples/make.py.")
        return
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


def notebook(guide: Path, language: str) -> str:
    """Return the notebook of a guide, as JSON."""
    cells: list[dict[str, Any]] = []
    for i, part in enumerate(PYTHON.split(guide.read_text("utf-8"))):
        if i % 2 == 0:
            if part.strip():
                cells.append({"cell_type": "markdown", "source": _linked(part.strip(), guide, language)})
        else:
            cells += _cells(part)
    for number, cell in enumerate(cells):
        cell |= {"id": f"cell-{number}", "metadata": {}}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def _cells(block: str) -> list[dict[str, Any]]:
    """Return the cells of a block of examples: each ends with what has an answer."""
    cells, sources = [], ""
    for example in doctest.DocTestParser().get_examples(block):
        sources += example.source
        if example.want:
            cells.append(_cell(sources, example.want, example.source, example.exc_msg is not None))
            sources = ""
    return cells if not sources else [*cells, _cell(sources, "", "", False)]


def _cell(source: str, want: str, last: str, fails: bool) -> dict[str, Any]:
    outputs: list[dict[str, Any]] = []
    answer = want.rstrip("\n")
    if fails:
        kind, _, message = answer.splitlines()[-1].partition(": ")
        name = kind.rpartition(".")[2]
        outputs = [{"output_type": "error", "ename": name, "evalue": message, "traceback": [f"{name}: {message}"]}]
    elif last.startswith(("print(", "for ")):
        outputs = [{"output_type": "stream", "name": "stdout", "text": want}]
    elif want:
        data = {"text/plain": answer}
        outputs = [{"output_type": "execute_result", "execution_count": None, "data": data, "metadata": {}}]
    return {"cell_type": "code", "execution_count": None, "source": source.rstrip("\n"), "outputs": outputs}


def _linked(text: str, guide: Path, language: str) -> str:
    """Return a text whose links lead from where the notebook lies to where they led from the guide."""

    def link(found: re.Match[str]) -> str:
        target = (guide.parent / found[1]).resolve()
        if target.parent == guide.parent and target.suffix == ".md" and PYTHON.search(target.read_text("utf-8")):
            return f"{target.stem}.ipynb"
        return f"../../{target.relative_to(ROOT).as_posix()}"

    return LINK.sub(link, text)


if __name__ == "__main__":
    main()
