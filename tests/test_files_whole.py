from __future__ import annotations

import doctest
import os
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import babygpt as bg
from babygpt import files
from babygpt.chain.export import to_prism
from babygpt.files import check_place, whole_file, whole_files, write_file
from babygpt.lab.tables import write_table
from babygpt.picture import Picture

WINDOWS = sys.platform == "win32"
posix = pytest.mark.skipif(WINDOWS, reason="names and permissions of POSIX")


def table_of_contexts(path):
    from babygpt.gpt.model import seeded_gpt

    bg.context_table(seeded_gpt(bg.GPTConfig(), 0), out=path)


def chain_of_two():
    return bg.MarkovChain(np.log([[0.25, 0.75], [0.5, 0.5]]), "ab")


# Everything in the library that writes a file where it is told to: the ending it asks for, and how it is asked.
WRITERS = {
    "picture": (".svg", lambda path: Picture(lambda format: f"<{format}>".encode()).save(path)),  # noqa: A006
    "csv": (".csv", lambda path: write_table(path, {"a": [1]})),
    "parquet": (".parquet", lambda path: write_table(path, {"a": [1]})),
    "contexts": (".npy", table_of_contexts),
    "prism": (".tra", lambda path: to_prism(chain_of_two(), path)),
    "bytes": (".bin", lambda path: write_file(path, b"new")),
}
every_writer = pytest.mark.parametrize(("ending", "write"), WRITERS.values(), ids=WRITERS)


@pytest.fixture
def umask():
    """Set the umask to one that takes the others' rights, and back."""
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def test_examples_in_docstrings_hold():
    results = doctest.testmod(files)
    assert results.attempted > 0
    assert results.failed == 0


# -- what becomes of the file -----------------------------------------------------------------------------------


@every_writer
@posix
def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path, umask, ending, write):
    (tmp_path / "any").write_text("")
    write(tmp_path / f"new{ending}")
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o640}


@every_writer
@posix
def test_a_replaced_file_keeps_its_permissions(tmp_path, ending, write):
    path = tmp_path / f"old{ending}"
    path.write_text("old")
    path.chmod(0o604)
    write(path)
    assert path.read_bytes() != b"old"
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@every_writer
@posix
def test_a_symbolic_link_stays_and_what_it_points_to_is_written(tmp_path, ending, write):
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / f"real{ending}", tmp_path / f"link{ending}"
    link.symlink_to(real)  # to nothing, first
    for _ in range(2):
        write(link)
        assert link.is_symlink()
        assert not real.is_symlink()
        assert real.read_bytes() == link.read_bytes() != b""


@every_writer
@posix
def test_what_is_no_file_is_written_to_and_stays_what_it_is(tmp_path, ending, write):
    if ending in (".npy", ".tra"):
        pytest.skip("a memory-mapped file and a pair of files have no use for a pipe")
    pipe, plain = tmp_path / f"pipe{ending}", tmp_path / f"plain{ending}"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write(pipe)
    reader.join()
    write(plain)
    assert read == [plain.read_bytes()]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@posix
def test_the_null_device_and_standard_output_take_a_file(tmp_path):
    write_file("/dev/null", b"gone")
    assert not Path("/dev/null").is_file()
    code = "import sys; from babygpt.files import write_file as w; w(sys.argv[1], b'one,'); w(sys.argv[1], b'two')"
    for target in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", str(tmp_path / "link")):
        with suppress(FileExistsError):
            (tmp_path / "link").symlink_to("/dev/stdout")
        out = tmp_path / "out"
        with out.open("wb") as stream:  # a file as standard output: what is in it before stays
            stream.write(b"zero,")
            stream.flush()
            subprocess.run([sys.executable, "-c", code, target], stdout=stream, check=True)
        assert out.read_bytes() == b"zero,one,two"
        done = subprocess.run([sys.executable, "-c", code, target], capture_output=True, check=True)
        assert done.stdout == b"one,two"


def test_long_names_are_as_long_as_the_system_lets_them_be(tmp_path):
    for name in ("n" * 255, "床" * 85):
        write_file(tmp_path / name, b"whole")
        assert (tmp_path / name).read_bytes() == b"whole"
    with pytest.raises(bg.FileError, match="name too long"):
        write_file(tmp_path / ("n" * 256), b"")


# -- whole or not at all ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError, ZeroDivisionError, SystemExit])
@pytest.mark.parametrize("old", [None, b"old"])
def test_what_stops_the_writing_leaves_what_was_there_and_passes(tmp_path, stop, old):
    path = tmp_path / "a.txt"
    if old is not None:
        path.write_bytes(old)

    def write_half():
        with whole_file(path) as part:
            part.write_bytes(b"hal")
            raise stop

    with pytest.raises(stop) as raised:
        write_half()
    assert raised.type is stop
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.txt", old)] * (old is not None)


def test_a_file_does_not_appear_before_it_is_whole(tmp_path):
    with whole_file(tmp_path / "a.txt") as part:
        part.write_bytes(b"whole")
        assert [file.name.endswith(files.UNFINISHED) for file in tmp_path.iterdir()] == [True]
        assert part.parent == tmp_path  # one file system, so that the renaming is one act
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


@posix
@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("broken", [0, 1])
def test_of_two_files_neither_takes_its_place_without_the_other(tmp_path, monkeypatch, old, broken):
    paths = [tmp_path / "chain.tra", tmp_path / "chain.sta"]
    for path in paths if old else ():
        path.write_text("old")
    take = files._take_place

    def fail(part, path, replace):
        if path == paths[broken]:
            raise OSError(5, "Input/output error")
        take(part, path, replace)

    monkeypatch.setattr(files, "_take_place", fail)
    with pytest.raises(bg.FileError, match="Input/output error"):
        to_prism(chain_of_two(), tmp_path / "chain")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == ({p.name: "old" for p in paths} if old else {})
    monkeypatch.undo()
    to_prism(chain_of_two(), tmp_path / "chain")
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert all(path.read_text() != "old" for path in paths)


def test_a_second_file_that_cannot_be_made_leaves_the_first_as_it_was(tmp_path):
    (tmp_path / "chain.sta").mkdir()
    (tmp_path / "chain.tra").write_text("old")
    with pytest.raises(bg.FileError, match="Is a directory"):
        to_prism(chain_of_two(), tmp_path / "chain")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["chain.sta", "chain.tra"]
    assert (tmp_path / "chain.tra").read_text() == "old"


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_device_that_is_full_is_told(tmp_path):
    with pytest.raises(bg.FileError, match=r"The table cannot be written to /dev/full: No space left on device\."):
        write_file("/dev/full", b"x", "table")


# -- an existing file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", [True, False], ids=["", "a file system without links"])
def test_a_file_that_is_not_to_be_replaced_stays_even_if_it_appears_meanwhile(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(OSError(1, "not permitted")))
    path = tmp_path / "a.txt"
    write_file(path, b"first", replace=False)
    for way in (check_place, lambda path, replace: write_file(path, b"second", replace=replace)):
        with pytest.raises(bg.FileError, match=r"a.txt exists already.*replace=True"):
            way(path, replace=False)

    def write_meanwhile():
        with whole_file(tmp_path / "b", replace=False) as part:
            part.write_bytes(b"second")
            (tmp_path / "b").write_bytes(b"meanwhile")

    with pytest.raises(bg.FileError, match="exists already"):
        write_meanwhile()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"a.txt": b"first", "b": b"meanwhile"}


def test_pictures_and_tables_replace_a_file_unless_they_are_told_not_to(tmp_path):
    picture = Picture(lambda format: b"new")  # noqa: A006
    for path, write in ((tmp_path / "a.svg", picture.save), (tmp_path / "a.csv", write_table)):
        path.write_text("old")
        more = ({"a": [1]},) if write is write_table else ()
        with pytest.raises(bg.FileError, match="exists already"):
            write(path, *more, replace=False)
        assert path.read_text() == "old"
        write(path, *more)
        assert path.read_text() != "old"


# -- where no file can be ---------------------------------------------------------------------------------------


@every_writer
@pytest.mark.parametrize("name", ["none/a", "plain/a", "nul\0l", "\ud800", "n" * 300, "folder", "loop"])
def test_a_place_where_no_file_can_be_is_told_in_one_sentence_and_before_any_work(tmp_path, ending, write, name):
    (tmp_path / "plain").write_text("a file")
    (tmp_path / f"folder{ending}").mkdir()
    (tmp_path / f"loop{ending}").symlink_to(tmp_path / f"loop{ending}")
    before = sorted(file.name for file in tmp_path.rglob("*"))
    for way in (write, check_place):
        with pytest.raises(bg.FileError, match=r"^The \w+ cannot be written to ") as refused:
            way(tmp_path / f"{name}{ending}")
        assert "\n" not in str(refused.value)
        assert "Errno" not in str(refused.value)
        assert str(refused.value).endswith(".")
    assert sorted(file.name for file in tmp_path.rglob("*")) == before


@every_writer
def test_a_folder_or_a_file_that_may_not_be_written_to_is_told(tmp_path, monkeypatch, ending, write):
    path = tmp_path / f"a{ending}"

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:  # root may write anywhere
        patch.setattr(files, "_create", refuse)
        for way in (write, check_place):
            with pytest.raises(bg.FileError, match="Permission denied"):
                way(path)
    path.write_text("mine")
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    for way in (write, check_place):
        with pytest.raises(bg.FileError, match="Permission denied"):
            way(path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(path.name, "mine")]


def test_checking_a_place_leaves_it_as_it_is(tmp_path):
    (tmp_path / "old").write_text("old")
    for name in ("new", "old"):
        check_place(tmp_path / name)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("old", "old")]


def test_files_that_belong_together_are_given_one_part_each(tmp_path):
    with whole_files([tmp_path / "a", tmp_path / "b"]) as parts:
        for part, text in zip(parts, "ab", strict=True):
            part.write_text(text)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a": "a", "b": "b"}
