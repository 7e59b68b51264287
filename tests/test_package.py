from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import babygpt as bg
from babygpt import errors

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def modules_after(code):
    """Return the modules that a fresh Python has loaded after ``code``."""
    out = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(out.stdout.split())


def test_every_public_name_is_there_and_of_that_name():
    assert len(set(bg.__all__)) == len(bg.__all__)
    for name in bg.__all__:
        assert getattr(bg, name).__name__ == name
        assert getattr(bg, name).__module__.startswith("babygpt.")


def test_dir_lists_what_can_be_used():
    assert set(bg.__all__) <= set(dir(bg))
    assert "__version__" in dir(bg)


def test_star_import_brings_the_public_names():
    namespace = {}
    exec("from babygpt import *", namespace)
    assert set(bg.__all__) <= namespace.keys()


def test_promised_names_are_public():
    assert {"train", "fit", "GPT", "GPTConfig", "TrainConfig", "Corpus", "Vocabulary", "MarkovChain", "Run"} <= set(
        bg.__all__
    )


def test_version_is_that_of_the_installed_package():
    from importlib.metadata import version

    assert bg.__version__ == version(PROJECT["name"])


def test_the_distribution_has_a_name_of_its_own():
    assert PROJECT["name"] != "babygpt"  # another project's, on the package index
    assert PROJECT["scripts"].keys() == {"babygpt"}


def test_nobody_is_told_to_install_another_projects_package():
    told = [path for kind in ("*.md", "docs/*.md", "src/**/*.py") for path in ROOT.glob(kind)]
    assert len(told) > 100
    for path in told:
        assert not re.search(r"pip install[^\n`]*\bbabygpt\b(?!-)", path.read_text("utf-8")), path


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="'babygpt' has no attribute 'trian'"):
        bg.trian  # noqa: B018


def test_every_error_is_public_and_a_babygpt_error():
    tree = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert tree <= set(bg.__all__)
    raised = {name for name in tree if not issubclass(getattr(bg, name), Warning)}
    assert all(issubclass(getattr(bg, name), bg.BabyGPTError) for name in raised)
    assert tree - raised == {"MissingGlyphWarning"}  # told, not raised


def test_importing_the_package_loads_neither_torch_nor_numpy():
    assert not {"torch", "numpy", "matplotlib"} & modules_after("import babygpt")


def test_chains_corpora_and_saved_runs_need_no_torch(article_run, tmp_path):
    path = article_run.save(tmp_path / "run")
    code = f"""
import babygpt as bg
chain = bg.MarkovChain([[-0.6931471805599453] * 2] * 8)
chain.stationary_distribution(), chain.sample("101", 5), bg.Corpus.from_text("0101", 1).floor
run = bg.Run.load({str(path)!r})
run.chain["101"], run.chain_at(0), run.floor"""
    assert "torch" not in modules_after(code)


def test_training_does_not_wait_for_torchs_compiler():
    loaded = modules_after("import babygpt as bg; bg.train('0101', 1, 1)")
    assert "torch" in loaded
    assert "torch._dynamo" not in loaded


def test_what_make_installs_is_what_the_package_allows():
    import tomllib
    from pathlib import Path

    from packaging.requirements import Requirement

    top = Path(__file__).parents[1]
    pins = dict(
        line.lower().split("==")
        for line in (top / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    )
    project = tomllib.loads((top / "pyproject.toml").read_text())
    groups = [each for group in project["dependency-groups"].values() for each in group if isinstance(each, str)]
    wanted = [*project["project"]["dependencies"], *groups]
    wanted += [each for extra in project["project"]["optional-dependencies"].values() for each in extra]
    for requirement in map(Requirement, wanted):
        if requirement.name.lower() in pins:
            assert requirement.specifier.contains(pins[requirement.name.lower()]), requirement
    lowest = [Requirement(each) for each in project["project"]["dependencies"]]
    assert all(len(each.specifier) == 1 and str(each.specifier).startswith(">=") for each in lowest)


def test_the_version_is_the_newest_of_the_changelog_and_the_one_to_cite():
    newest = re.search(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    cited = dict(
        line.split(": ", 1) for line in (ROOT / "CITATION.cff").read_text("utf-8").splitlines() if ": " in line
    )
    assert newest is not None
    assert (bg.__version__, cited["version"], cited["date-released"]) == (newest[1], newest[1], newest[2])
