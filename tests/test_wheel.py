"""The package as others get it; installs.py installs and runs it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "src/babygpt"
    source = {path.relative_to(ROOT / "src").as_posix() for path in package.rglob("*.py")}
    source |= {path.relative_to(ROOT / "src").as_posix() for path in (package / "static").iterdir()}
    assert source | {"babygpt/py.typed", "babygpt/draw/symmetric.json"} == {
        name for name in names if ".dist-info/" not in name
    }
    assert {"babygpt/static/index.html", "babygpt/static/icon.svg"} <= source
    assert {name.rpartition("/")[2] for name in names} >= {"LICENSE", "METADATA", "entry_points.txt"}


def test_the_wheel_says_what_it_needs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        metadata = archive.read(name).decode()
    needs = {line.split(":")[1].strip() for line in metadata.splitlines() if line.startswith("Requires-Dist:")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]

    def packages(extra: str) -> set[str]:
        """Return what an extra brings, that of the extras it is made of among it."""
        inner = [need.partition("[")[2].rstrip("]").split(",") for need in extras[extra] if "[" in need]
        own = {need for need in extras[extra] if "[" not in need}
        return own.union(*(packages(name) for names in inner for name in names))

    optional = {f"{need}; extra == '{extra}'" for extra in extras for need in packages(extra)}
    assert needs == set(project["dependencies"]) | optional
    assert "# BabyGPT" in metadata  # the README is its description
