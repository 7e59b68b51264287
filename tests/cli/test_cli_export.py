"""``babygpt export``."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("said", "file"),
    [
        (["first"], "first.html"),
        (["first", "page.html"], "page.html"),
        (["--article"], "babygpt.html"),
        (["--article", "a.htm", "--lang", "zh"], "a.htm"),
    ],
)
def test_a_page_is_written(babygpt, refused, small_run, said, file):
    small_run.save("first")
    done = babygpt("export", *said)
    assert (done.exit_code, done.stdout) == (0, f"{file}\n")
    assert Path(file).read_text(encoding="utf-8").startswith("<!doctype html>")
    refused(babygpt("export", *said), f"{file} exists already")
    assert babygpt("export", *said, "--replace").exit_code == 0


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([], "Give a run and the page"),
        (["--article", "a.html", "b.html"], "--article takes the page"),
        (["first", "a.html", "b.html"], "Give a run and the page"),
        (["none", "a.html"], "no run at none"),
        (["first", "a.svg"], "does not end in .html"),
        (["first", "none/a.html"], "no folder none"),
    ],
)
def test_a_mistake_is_told(babygpt, refused, small_run, said, told):
    small_run.save("first")
    refused(babygpt("export", *said), told)
