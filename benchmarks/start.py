"""How soon the command line is done: whole commands, against what torch, or Python, alone takes to start and end."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import Comparison, compare

ARTICLE = "111101111011110"


def python(*arguments: str) -> Callable[[], None]:
    """Return what runs Python with these arguments, and says nothing."""
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True) and None


def measure(full: bool) -> Iterator[Comparison]:  # there is no more of it
    torch, numpy = python("-c", "import torch"), python("-c", "import numpy, scipy.linalg")
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "run")
        train = python("-m", "babygpt", "train", ARTICLE, "--out", run)

        def anew() -> None:
            shutil.rmtree(run, ignore_errors=True)
            train()

        yield compare(f"babygpt train {ARTICLE}", anew, "import torch", torch)
        for command in ("chain", "analyse", "sample"):
            yield compare(
                f"babygpt {command}", python("-m", "babygpt", command, run), "import numpy, scipy.linalg", numpy
            )
