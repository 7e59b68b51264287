"""Installs the package as a stranger does, plain and with each extra, tries what each is for, and prints the sizes.

    python tests/installs.py

Each install is a fresh environment in a temporary folder, filled by pip from a wheel of this folder. torch, most of it,
comes from the environment that runs this, so that nobody fetches it seven times.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
TORCH = ("torch", "torchgen", "functorch", "nvidia", "triton")  # its folders, where there are such
STUDIO_WAITS = 60  # seconds

Command = list[str]

SWEEP = """
outcomes = ["gap"]
[fixed]
sequence = "0110110"
context_length = 2
steps = 3
[grid]
seed = [1, 2]
"""


class Install:
    """An environment with the package in it, and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.work = folder, folder / "work"
        self.work.mkdir(exist_ok=True)
        # nothing of who runs this is seen from inside: no Graphviz of the system's, no settings
        kept = [name for name in os.environ if name.startswith("PIP_") or name in ("SYSTEMROOT", "TEMP")]
        self.clean = {"PATH": os.defpath, "HOME": str(folder)} | {name: os.environ[name] for name in kept}

    @property
    def packages(self) -> Path:
        return next(self.folder.glob("lib/python3*/site-packages"), self.folder / "Lib" / "site-packages")

    @property
    def python(self) -> str:
        return str(self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))

    def pip(self, what: str) -> None:
        self._done(
            [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-c",
                str(ROOT / "constraints.txt"),
                what,
            ]
        )

    def size(self) -> float:
        """Return how much lies in it, in MB, without pip."""
        files = (
            path
            for path in self.packages.rglob("*")
            if path.is_file() and path.relative_to(self.packages).parts[0] != "pip"
        )
        return sum(path.stat().st_size for path in files) / 1e6

    def babygpt(self, *command: str, says: str = "", status: int = 0) -> None:
        self._done(["-m", "babygpt", *command], says, status)

    def runs(self, code: str, says: str = "") -> None:
        self._done(["-c", f"import babygpt as bg\n{code}"], says)

    def serves(self) -> None:
        """Its studio answers."""
        command = [self.python, "-u", "-m", "babygpt", "studio", "--port", "0", "--no-open"]
        with subprocess.Popen(command, cwd=self.work, stderr=subprocess.PIPE, text=True) as studio:
            try:
                assert studio.stderr is not None
                url = re.search(r"http://\S+", studio.stderr.readline())
                assert url, "the studio says no address"
                with urllib.request.urlopen(url[0], timeout=STUDIO_WAITS) as page:
                    assert b"BabyGPT" in page.read()
            finally:
                studio.terminate()

    def _done(self, command: Command, says: str = "", status: int = 0) -> None:
        done = subprocess.run([self.python, *command], cwd=self.work, env=self.clean, capture_output=True, text=True)
        told = done.stdout + done.stderr
        if done.returncode != status or says not in told:
            sys.exit(
                f"{' '.join(command)}\n{told}\nexit status {done.returncode}, not {status}; or it does not say {says!r}"
            )


def try_plain(install: Install) -> None:
    install.babygpt("train", "111101111011110", "--out", "run", says="babygpt-markov[draw]")
    install.babygpt("reproduce", says="numbers hold")
    install.runs("print(bg.__file__)", says=str(install.folder))
    install.babygpt("chain", "run", says="000")
    install.babygpt("analyse", "run", says="entropy")
    install.babygpt("export", "run", "page.html", says="needs nothing else")
    install.babygpt("studio", "--no-open", says="babygpt-markov[studio]", status=2)
    install.babygpt("chain", "run", "--format", "csv", says="babygpt-markov[lab]", status=2)
    install.babygpt("chain", "run", "--out", "chain.png", says="babygpt-markov[draw]", status=2)
    install.runs("print(bg.Run.load('run').chain._repr_svg_())", says="None")
    install.runs("try: bg.Studio('0110')\nexcept bg.MissingPackageError as error: print(error)", says="[notebook]")


def try_draw(install: Install) -> None:
    for name in ("chain.svg", "chain.png", "chain.pdf"):
        install.babygpt("chain", "run", "--out", name)
    install.babygpt("train", "111101111011110", "--out", "other", says="chain.svg")
    assert "1(79%)" in (install.work / "other" / "chain.svg").read_text("utf-8")


def try_studio(install: Install) -> None:
    install.serves()


def try_notebook(install: Install) -> None:
    install.runs("print(bg.Run.load('run').widget())", says="Studio")


def try_lab(install: Install) -> None:
    (install.work / "sweep.toml").write_text(SWEEP)
    install.babygpt("chain", "run", "--format", "csv", says='"000"')
    install.babygpt("sweep", "sweep.toml", "--out", "swept", "--jobs", "1")


def try_cluster(install: Install) -> None:
    (install.work / "sweep.toml").write_text(SWEEP)
    install.babygpt(
        "sweep", "sweep.toml", "--out", "far", "--backend", "dask", "--scheduler", "x", says="is no address", status=2
    )


def try_all(install: Install) -> None:
    install.runs("print(bg.Studio, bg.sweep)", says="Studio")


TRIALS = {
    "draw": try_draw,
    "studio": try_studio,
    "notebook": try_notebook,
    "lab": try_lab,
    "cluster": try_cluster,
    "all": try_all,
}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT], check=True)
        (wheel,) = folder.glob("*.whl")
        plain = Install(_environment(folder / "plain"))
        _print_row("install", "MB", "added", "seconds")
        begun = time.monotonic()
        plain.pip(str(wheel))
        least = plain.size()
        try_plain(plain)
        _print_row("plain", f"{least:.0f}", "", f"{time.monotonic() - begun:.0f}")
        for extra, trial in TRIALS.items():
            begun = time.monotonic()
            install = Install(Path(_copy(plain.folder, folder / extra)))
            install.pip(f"{wheel}[{extra}]")
            size = install.size()
            trial(install)
            _print_row(extra, f"{size:.0f}", f"{size - least:.0f}", f"{time.monotonic() - begun:.0f}")


def _environment(folder: Path) -> Path:
    """Make an empty environment that has torch."""
    folder.parent.mkdir(exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    torch = distribution("torch")
    here = Path(str(torch.locate_file("")))
    info = next(here.glob("torch-*.dist-info"))
    (folder / "work").mkdir()
    for path in (*(here / name for name in TORCH), info):
        if path.is_dir():
            _copy(path, Install(folder).packages / path.name)
    return folder


def _copy(of: Path, to: Path) -> str:
    """Copy a folder; its files are shared where the disk lets them be."""

    def link(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

    return str(shutil.copytree(of, to, symlinks=True, copy_function=link))


def _print_row(name: str, size: str, added: str, seconds: str) -> None:
    print(f"{name:10}{size:>7}{added:>8}{seconds:>9}", flush=True)


if __name__ == "__main__":
    main()
