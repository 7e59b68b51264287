"""The package as others get it: built, installed into an empty environment, and run there."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
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
    extras = project["optional-dependencies"].items()
    optional = {f"{need}; extra == '{extra}'" for extra, needed in extras for need in needed}
    assert needs == set(project["dependencies"]) | optional
    assert "# BabyGPT" in metadata  # the README is its description


@pytest.mark.slow
def test_in_an_empty_environment_the_articles_numbers_are_reproduced(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    install = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--constraint",
        ROOT / "constraints.txt",
        wheel,
    ]
    run(*install, cwd=tmp_path)

    empty = tmp_path / "empty"
    empty.mkdir()
    clean = {"PATH": os.defpath, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    program = tmp_path / "venv/bin/babygpt"
    reproduced = run(program, "reproduce", cwd=empty, env=clean)
    assert "✗" not in reproduced.stdout
    assert "numbers hold" in reproduced.stderr
    assert list(empty.iterdir()) == []

    # what a picture needs is in the wheels too: no Graphviz of the system
    run(program, "train", "111101111011110", "--out", "run", cwd=empty, env=clean)
    assert "1(79%)" in (empty / "run/chain.svg").read_text("utf-8")
    where = run(python, "-c", "import babygpt; print(babygpt.__file__)", cwd=empty, env=clean).stdout
    assert where.startswith(str(tmp_path))
