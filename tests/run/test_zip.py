"""A run in a zip file, as a page and the studio save it."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

import babygpt as bg
from babygpt.errors import RunError


@pytest.fixture
def packed(small_run, tmp_path):
    small_run.save(tmp_path / "first")
    return shutil.make_archive(str(tmp_path / "first"), "zip", tmp_path, "first")


def test_a_run_is_read_from_its_zip(packed, small_run):
    run = bg.Run.load(packed)
    np.testing.assert_array_equal(run.chain.probs, small_run.chain.probs)
    assert run.check().holds


def test_a_zip_that_holds_no_run_says_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("poem.txt", "moon")
    with pytest.raises(RunError, match=r"a\.zip is not a run"):
        bg.Run.load(tmp_path / "a.zip")


def test_a_damaged_zip_is_told_by_its_own_name(packed):
    with Path(packed).open("r+b") as file:
        file.seek(3000)
        file.write(b"\xff" * 200)
    with pytest.raises(RunError, match=r"first\.zip") as told:
        bg.Run.load(packed)
    assert "tmp" not in str(told.value).replace(packed, "")
