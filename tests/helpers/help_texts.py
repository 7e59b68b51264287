"""The whole help of the command line, in each language, as a terminal of 100 columns shows it.

    python tests/helpers/help_texts.py

writes it to tests/cli/help/, where a test compares it: read through what has changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from babygpt.cli.main import PANELS

FOLDER = Path(__file__).parents[1] / "cli" / "help"
LANGUAGES = ("en", "zh")


def file_of(language: str) -> Path:
    """Return the file that holds it."""
    return FOLDER / f"{language}.txt"


def whole_help(language: str) -> str:
    """Return the help of babygpt and of each command, one after the other."""
    names = [command.__name__.replace("_", "-") for panel in PANELS.values() for command in panel]
    asked = [[], *([name] for name in names), ["sweep"], ["sweep", "run"], ["sweep", "plot"], ["help"]]
    with ThreadPoolExecutor(2) as pool:
        return "\n".join(pool.map(lambda words: _help(words, language), asked))


def _help(words: list[str], language: str) -> str:
    plain = {name: os.environ[name] for name in os.environ.keys() - {"GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS"}}
    done = subprocess.run(
        [sys.executable, "-m", "babygpt", *words, "--help", "--lang", language],
        env=plain | {"COLUMNS": "100", "PYTHONUTF8": "1", "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    shown = "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip()
    return f"$ {' '.join(['babygpt', *words, '--help'])}\n{shown}\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in LANGUAGES:
        file_of(each).write_text(whole_help(each), "utf-8")
