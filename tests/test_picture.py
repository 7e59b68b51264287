from __future__ import annotations

import dataclasses
import errno
from pathlib import Path

import pytest

import babygpt as bg
from babygpt.picture import Picture


@pytest.fixture
def picture():
    return Picture(lambda format: f"<{format}>".encode())  # noqa: A006


def test_a_picture_is_drawn_when_it_is_asked_for():
    asked = []
    picture = Picture(lambda format: asked.append(format) or b"")  # noqa: A006
    assert asked == []
    picture.render("png")
    assert asked == ["png"]


def test_the_ending_of_a_name_chooses_the_format(picture, tmp_path):
    for name, data in {"a.svg": b"<svg>", "b.PNG": b"<png>", "c.d.pdf": b"<pdf>"}.items():
        assert picture.save(tmp_path / name) == tmp_path / name
        assert (tmp_path / name).read_bytes() == data
    assert picture.save(str(tmp_path / "text.svg")) == tmp_path / "text.svg"


@pytest.mark.parametrize("name", ["a.gif", "a", "svg", "a.dot"])
def test_a_name_without_a_known_ending_is_refused(picture, tmp_path, name):
    with pytest.raises(bg.SettingError, match=r"is not a format of this picture. Use one of: svg, png, pdf"):
        picture.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["no/folder/a.svg", "folder.svg"])
def test_a_file_that_cannot_be_written_is_told(picture, tmp_path, name):
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(bg.FileError, match=r"cannot be written to .*: (No such file or directory|Is a directory)"):
        picture.save(tmp_path / name)


def test_a_disk_that_is_full_leaves_the_old_picture_and_nothing_else(picture, tmp_path, monkeypatch):
    def full(path, data):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    picture.save(tmp_path / "a.svg")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(bg.FileError, match=r"cannot be written to .*: No space left on device"):
        picture.save(tmp_path / "a.svg")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.svg", "<svg>")]


def test_svg_is_text_and_what_a_notebook_shows(picture):
    assert picture.svg == picture._repr_svg_() == "<svg>"


def test_a_picture_is_not_changed(picture):
    with pytest.raises(dataclasses.FrozenInstanceError):
        picture.draw = None
