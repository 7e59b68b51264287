from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

ROOMS = ["babygpt.gpt", "babygpt.chain", "babygpt.run", "babygpt.lens", "babygpt.lab", "babygpt.studio"]
MODULES = ["babygpt", "babygpt.errors", "babygpt.studio.session", *ROOMS] + [
    found.name for room in ROOMS for found in pkgutil.walk_packages(import_module(room).__path__, prefix=f"{room}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_give_what_they_show(name):
    results = doctest.testmod(import_module(name))
    assert results.failed == 0


def test_the_rooms_have_examples():
    found = [t for name in MODULES for t in doctest.DocTestFinder().find(import_module(name)) if t.examples]
    assert len(found) > 20
