from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import warnings
from contextlib import contextmanager

import pytest

import babygpt as bg
from babygpt.lab.store import part_files, read_results

SPEC = {
    "fixed": {"sequence": "111101111011110", "steps": 2, "n_layer": 1, "n_head": 1, "n_embd": 4},
    "grid": {"learning_rate": [1e-3, 1e-2, 1e-1], "seed": [0, 1]},
    "outcomes": ["gap", "losses"],
}
posix = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a sweep of three parts; shared, so read only."""
    return bg.sweep(SPEC, tmp_path_factory.mktemp("whole") / "sweep", jobs=1)


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole.path, tmp_path / "sweep")


@contextmanager
def within_seconds(seconds):
    """Break off whatever waits longer."""

    def late(*_):
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def flip(path, data, place):
    damaged = bytearray(data)
    damaged[place // 8] ^= 1 << place % 8
    path.write_bytes(damaged)


def rows_of(table):
    return {row["key"]: json.dumps(row, sort_keys=True) for row in table.to_pylist()}


def test_no_bit_that_flips_in_a_part_changes_a_result(whole, folder):
    (folder / "results.parquet").unlink()
    sound = rows_of(whole.table)
    part = part_files(folder)[1]
    data = part.read_bytes()
    for place in random.Random(14).sample(range(8 * len(data)), 250):
        flip(part, data, place)
        with pytest.warns(UserWarning, match=rf"{part.name} is not as it was written, so its trainings count as"):
            found = rows_of(read_results(folder))
        assert len(found) == 4
        assert found.items() <= sound.items()


@pytest.mark.parametrize("seed", range(4))
def test_a_part_with_a_flipped_bit_is_said_and_done_again(whole, folder, seed):
    place = random.Random(seed)
    for part in part_files(folder)[:2]:
        data = part.read_bytes()
        flip(part, data, place.randrange(8 * len(data)))
    made = bg.sweep(SPEC, folder, jobs=1)
    assert made.n_known == 2
    assert [" is not as it was written" in line for line in made.damaged] == [True, True]
    assert made.table.equals(whole.table)
    again = bg.sweep(SPEC, folder, jobs=1)
    assert (again.n_known, again.damaged) == (6, ())
    assert len(part_files(folder)) == 3


def test_no_bit_that_flips_in_the_table_or_its_checksum_changes_a_result(whole, folder):
    sound = rows_of(whole.table)
    for name in ("results.parquet", "results.parquet.sha256"):
        data = (folder / name).read_bytes()
        for place in random.Random(14).sample(range(8 * len(data)), 60):
            flip(folder / name, data, place)
            assert rows_of(read_results(folder)) == sound  # of the parts
        (folder / name).write_bytes(data)
    flip(folder / "results.parquet", (folder / "results.parquet").read_bytes(), 999)
    shutil.rmtree(folder / "parts")
    with pytest.raises(bg.FileError, match=r"results.parquet is not as it was written.*Run the sweep again"):
        read_results(folder)


def test_checksums_are_those_that_sha256sum_computes(folder):
    expected = hashlib.sha256((folder / "results.parquet").read_bytes()).hexdigest()
    assert (folder / "results.parquet.sha256").read_text() == f"{expected}  results.parquet\n"
    for part in part_files(folder):
        assert part.stem.split("-")[1] == hashlib.sha256(part.read_bytes()).hexdigest()[:20]


def without_checksums(folder):
    """Make a folder what it was before there were checksums."""
    (folder / "results.parquet.sha256").unlink()
    for part in part_files(folder):
        part.rename(part.with_name(part.name.split("-")[0] + ".parquet"))


def test_a_folder_from_before_there_were_checksums_is_read(whole, folder):
    without_checksums(folder)
    assert read_results(folder).equals(whole.table)
    made = bg.sweep(SPEC, folder, jobs=1)
    assert (made.n_known, made.damaged) == (6, ())
    assert made.table.equals(whole.table)


def test_a_bit_that_flips_in_a_part_without_checksum_never_refuses_the_others(whole, folder):
    without_checksums(folder)
    part = part_files(folder)[0]
    data = part.read_bytes()
    places = [8 * data.rindex(b"learning_rate"), 8 * data.rindex(b"gap"), 8 * (len(data) - 6), 0]
    for place in [*places, *random.Random(3).sample(range(8 * len(data)), 10)]:
        flip(part, data, place)
        made = bg.sweep(SPEC, folder, jobs=1)
        assert made.n_known in (4, 6)
        assert len(made.table) >= 6


@posix
@pytest.mark.parametrize("where", ["parts", "results.parquet", "results.parquet.sha256"])
@pytest.mark.parametrize("kind", ["pipe", "loop", "nothing", "folder", "device"])
def test_what_is_no_file_is_named_and_nobody_waits_for_it(whole, folder, where, kind):
    path = part_files(folder)[0] if where == "parts" else folder / where
    path.unlink()
    {
        "pipe": os.mkfifo,
        "loop": lambda path: path.symlink_to(path),
        "nothing": lambda path: path.symlink_to(folder / "nowhere"),
        "folder": lambda path: path.mkdir(),
        "device": lambda path: path.symlink_to("/dev/zero"),
    }[kind](path)
    with within_seconds(60), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = rows_of(read_results(folder))
        try:
            said = " ".join(bg.sweep(SPEC, folder, jobs=1).damaged)
        except bg.FileError as error:
            said = str(error)
    assert len(found) in ((4, 6) if where == "parts" else (6,))
    assert found.items() <= rows_of(whole.table).items()
    assert (path.name in said) != (kind == "nothing" and where != "parts")  # there a link's end is written


@posix
def test_a_part_may_be_a_link_to_a_sound_file(whole, folder, tmp_path):
    part = part_files(folder)[0]
    part.rename(tmp_path / "elsewhere")
    part.symlink_to(tmp_path / "elsewhere")
    assert bg.sweep(SPEC, folder, jobs=1).n_known == 6
