"""make quick: the tests of what has changed since the last commit, without those that take long.

A file under ``src/babygpt`` is tested by the tests of its room, a test by itself; what belongs to no room, by the tests
that stand beside the rooms. ``make quick ROOM=chain`` tests that room whatever has changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent


def changed() -> list[str]:
    """Return the files that differ from the last commit, new ones too, as paths within the project."""
    listed = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all", "-z", "--no-renames"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [entry[3:] for entry in listed.stdout.split("\0") if entry]


def chosen_for(files: list[str]) -> list[str]:
    """Return the tests of these files, as paths within the project.

    >>> chosen_for(["src/babygpt/chain/gap.py", "tests/gpt/test_model.py", "docs/studio.md"])
    ['tests/chain', 'tests/gpt/test_model.py']
    """
    chosen = set()
    for file in map(Path, files):
        if file.parts[:2] == ("src", "babygpt"):
            room = TESTS / file.parts[2]
            chosen |= {room} if room.is_dir() else set(TESTS.glob("test_*.py"))
        elif file.parts[0] == "tests" and file.name.startswith("test_") and (ROOT / file).exists():
            chosen.add(ROOT / file)
    within = {path for path in chosen if not any(parent in chosen for parent in path.parents)}
    return sorted(str(path.relative_to(ROOT)) for path in within)


def main() -> int:
    room = os.environ.get("ROOM")
    tests = [f"tests/{room}"] if room else chosen_for(changed())
    if not tests:
        print("Nothing that has tests has changed since the last commit. A room by its name: make quick ROOM=chain")
        return 0
    print("make quick:", *tests)
    options = ["--numprocesses", "logical", "--maxprocesses", "8", "--dist", "loadfile", "-m", "not slow"]
    return subprocess.run([sys.executable, "-m", "pytest", *options, *tests], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
