"""Every command that writes a file where it is told to asks before its work whether it can."""

from __future__ import annotations

from pathlib import Path

import pytest

import babygpt as bg
from babygpt import files

ARTICLE = "111101111011110"
TINY = ("--steps", "2", "--layers", "1", "--heads", "1", "--width", "2")

# A command that writes a file, without the file's name; its ending; and where its work begins.
WRITERS = {
    "chain": (("chain", "RUN", "--out"), "svg", "babygpt.draw.graph.draw_chain"),
    "seeds": (("seeds", ARTICLE, "--seeds", "2", *TINY, "--out"), "csv", "babygpt.lab.seed_study.study"),
    "seeds drawn": (("seeds", ARTICLE, "--seeds", "2", *TINY, "--out"), "png", "babygpt.lab.seed_study.study"),
    "attribute": (("attribute", ARTICLE, *TINY, "--out"), "parquet", "babygpt.lab.attribute.attribute"),
    "analyse": (("analyse", "RUN", "--plot"), "pdf", "babygpt.draw.plots.draw_traces"),
    "sweep plot": (
        ("sweep", "plot", "none", "--x", "n_layer", "--y", "gap", "--out"), "svg", "babygpt.lab.store.read_results"
    ),
}  # fmt: skip
each = pytest.mark.parametrize(("command", "ending", "work"), WRITERS.values(), ids=WRITERS)


@pytest.fixture
def told(babygpt, refused, kept_article_run, monkeypatch):
    """Return a check that a command refuses a name in one sentence, before its work."""

    def check(command, work, name, *words):
        with monkeypatch.context() as patch:
            patch.setattr(work, lambda *_, **__: pytest.fail("work"))
            refused(babygpt(*(kept_article_run if part == "RUN" else part for part in command), name), *words)

    return check


@each
def test_an_existing_file_is_not_replaced_before_any_work(told, command, ending, work):
    Path(f"mine.{ending}").write_text("mine")
    told(command, work, f"mine.{ending}", f"mine.{ending} exists already", "--replace.")
    assert Path(f"mine.{ending}").read_text() == "mine"


@each
def test_a_folder_that_is_not_there_is_told_before_any_work(told, command, ending, work):
    told(command, work, f"nowhere/mine.{ending}", "There is no folder nowhere", f"mine.{ending}")


@each
def test_a_folder_in_the_way_is_told_before_any_work(told, command, ending, work):
    Path(f"mine.{ending}").mkdir()
    told(command, work, f"mine.{ending}", f"mine.{ending}: Is a directory")


@each
def test_a_place_that_may_not_be_written_to_is_told_before_any_work(told, monkeypatch, command, ending, work):
    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(files, "_create", refuse)  # root may write anywhere
    told(command, work, f"mine.{ending}", f"mine.{ending}: Read-only file system")
    assert list(Path().iterdir()) == []


@each
def test_an_unknown_ending_is_told_before_any_work(told, command, ending, work):
    told(command, work, "mine.xlsx", "mine.xlsx does not end in ")


@each
def test_with_replace_the_file_is_replaced(babygpt, kept_article_run, command, ending, work):
    if command[0] == "sweep":
        pytest.skip("below: it needs results")
    Path(f"mine.{ending}").write_text("mine")
    arguments = [kept_article_run if part == "RUN" else part for part in command]
    assert babygpt(*arguments, f"mine.{ending}", "--replace").exit_code == 0
    assert Path(f"mine.{ending}").read_bytes() != b"mine"
    assert [path.name for path in Path().iterdir()] == [f"mine.{ending}"]


def test_a_sweeps_picture_is_replaced_and_its_folder_asked_for_before_any_work(babygpt, refused, monkeypatch):
    Path("spec.toml").write_text(f'[fixed]\nsequence = "{ARTICLE}"\nsteps = 2\nn_layer = 1\n[grid]\nseed = "0..1"\n')
    with monkeypatch.context() as patch:
        patch.setattr("babygpt.lab.workers.WorkerPool.work", lambda *_: pytest.fail("work"))
        Path("file").touch()
        refused(
            babygpt("sweep", "spec.toml", "--out", "file/deep"), "The folder file/deep/parts cannot be made: Not a d"
        )
        patch.setattr(files, "_create", lambda *_: (_ for _ in ()).throw(OSError(30, "Read-only file system")))
        refused(babygpt("sweep", "spec.toml"), "sweeps/spec/parts cannot be made: Read-only file system")
        assert not Path("sweeps").exists()
    assert babygpt("sweep", "spec.toml", "--backend", "threading").exit_code == 0
    plot = ("sweep", "plot", "sweeps/spec", "--x", "seed", "--y", "gap")
    assert babygpt(*plot).exit_code == 0
    first = Path("sweep.svg").read_bytes()
    refused(babygpt(*plot), "sweep.svg exists already", "--replace")
    assert babygpt(*plot, "--replace").exit_code == 0
    assert Path("sweep.svg").read_bytes() == first


def test_checking_a_folder_leaves_no_trace(tmp_path):
    files.check_folder(tmp_path / "a" / "b")
    files.check_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    with pytest.raises(bg.FileError, match="cannot be made"):
        files.check_folder(tmp_path / "dangling" / "x")


def test_a_dash_is_no_name_of_a_file(babygpt, refused, kept_article_run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    refused(babygpt("chain", kept_article_run, "--format", "csv", "--out", "-"), "A dash names no file to write.")
    assert not list(tmp_path.iterdir())
