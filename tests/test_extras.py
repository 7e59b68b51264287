"""What an install may lack, and how it is said."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

import babygpt as bg
from babygpt.extras import extra_of, package_errors

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.fixture
def without(monkeypatch):
    """Return what takes packages away, as if they were not installed."""

    def take(*packages):
        for package in packages:
            for module in [name for name in sys.modules if name.partition(".")[0] == package]:
                monkeypatch.delitem(sys.modules, module)
            monkeypatch.setitem(sys.modules, package, None)

    return take


def test_each_package_of_an_extra_is_told_by_the_smallest_that_has_it():
    for extra in set(EXTRAS) - {"all"}:
        for requirement in EXTRAS[extra]:
            if not requirement.startswith("babygpt-markov"):
                assert extra_of(re.match(r"[\w-]+", requirement)[0]) == extra
    assert extra_of("numpy") is None
    assert extra_of("no-such-package") is None


@pytest.mark.parametrize("guide", ["docs/install.md", "docs/zh/install.md"])
def test_the_guide_names_each_extra(guide):
    assert re.findall(r"^\| `\.\[(\w+)\]` \|", (ROOT / guide).read_text(), re.M) == list(EXTRAS)


def test_a_chain_without_graphviz_is_its_text(without, article_run):
    without("pygraphviz")
    chain = article_run.chain
    with pytest.raises(bg.MissingPackageError, match=r"pygraphviz.*pip install 'babygpt-markov\[draw\]'"):
        chain.plot().render("svg")
    assert chain._repr_svg_() is None
    assert article_run._repr_html_() is None


def test_a_picture_without_matplotlib_says_so(without, article_run):
    without("matplotlib")
    with pytest.raises(ImportError, match="matplotlib"):
        article_run.chain.plot().render("png")


def test_rows_without_arrow_say_so(without, article_run):
    without("pyarrow")
    with pytest.raises(bg.MissingPackageError, match="lab"):
        article_run.chain.to_arrow()


def test_what_is_no_extras_stays_as_it_is():
    with pytest.raises(ModuleNotFoundError, match="no_such_package"), package_errors():
        import no_such_package  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="no_such_part"), package_errors():
        import networkx.no_such_part  # noqa: F401
