from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from babygpt.app.source import named_by
from babygpt.errors import FileError
from babygpt.gpt.texts import file_pieces


def read_text(source):
    named = named_by(source, "train")
    return "".join(file_pieces(named)) if isinstance(named, Path) else named


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "text", ["111101", "to be or not", "床前明月光", "3.14", "a.b.", "", ".", "1/2", "x" * 300, "x" * 9000]
)
def test_what_names_no_file_is_the_text_itself(text):
    assert read_text(text) == text


def test_a_file_wins_over_the_text_of_its_name():
    Path("0101").write_text("110")
    assert read_text("0101") == "110"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"01\n", "01"),
        (b"01\n\n", "01\n"),
        (b"01\r\n10\r\n", "01\n10"),
        (b"01\r10\r", "01\n10"),
        (b"\xef\xbb\xbf01", "01"),
        ("床\n前".encode(), "床\n前"),
        (b"", ""),
        (b"\n", ""),
    ],
)
def test_line_ends_and_byte_order_marks_are_not_part_of_the_text(data, text, monkeypatch):
    Path("file").write_bytes(data)
    assert read_text("file") == text
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read_text("-") == text


def test_home_is_understood(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("poem.txt").write_text("0110")
    assert read_text("~/poem.txt") == "0110"


@pytest.mark.parametrize("name", ["poem.txt", "data.csv", "./poem", "../poem", "/no/such", "~/poem", "a/b.md"])
def test_what_looks_like_a_file_but_is_none_is_not_trained_on(name):
    with pytest.raises(FileError, match=r"There is no file .*Check the name.*babygpt train -"):
        read_text(name)


@pytest.mark.parametrize("command", ["train", "seeds", "attribute"])
def test_the_command_in_use_is_the_one_to_pipe_into(babygpt, refused, command):
    refused(
        babygpt(command, "poem.txt"),
        f"There is no file poem.txt. Check the name; to train on these very characters, "
        f"pipe them in: printf %s 'poem.txt' | babygpt {command} -",
    )


def test_a_folder_is_no_text():
    Path("folder").mkdir()
    with pytest.raises(FileError, match=r"folder is a folder. Name a text file in it"):
        read_text("folder")


def test_other_encodings_are_named_as_such_and_read_when_asked_for(babygpt, monkeypatch):
    Path("poem.txt").write_bytes("床前明月光 a".encode("gb18030"))
    with pytest.raises(FileError, match=r"poem.txt is not UTF-8 text .byte 0 is 0x.*Try encoding=gb18030.*UTF-8"):
        read_text("poem.txt")
    assert "6 examples" in babygpt("train", "poem.txt", "--encoding", "gb18030", "--context", 1, "--steps", 1).stderr
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("床前明月光".encode("gb18030"))))
    assert named_by("-", "train", "gb18030") == "床前明月光"


@pytest.mark.parametrize("command", ["train", "seeds", "attribute"])
def test_the_command_line_proposes_its_own_option(babygpt, refused, command):
    Path("poem.txt").write_bytes("床前明月光床前".encode("gb18030"))
    refused(babygpt(command, "poem.txt"), "Try --encoding gb18030, or save it as UTF-8.")
    refused(babygpt(command, "poem.txt", "--encoding", "gb1803"), "--encoding gb1803 is no", "Did you mean gb18030?")


def test_a_binary_file_is_no_text():
    Path("image").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    with pytest.raises(FileError, match="image is a binary file"):
        read_text("image")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so():
    Path("secret.txt").write_text("01")
    Path("secret.txt").chmod(0)
    with pytest.raises(FileError, match=r"secret.txt cannot be read: Permission denied"):
        read_text("secret.txt")


def test_a_file_whose_reading_fails_says_so(monkeypatch):
    def broken(self, mode):
        raise OSError(5, "Input/output error")

    Path("disk.txt").write_text("01")
    monkeypatch.setattr(Path, "open", broken)
    with pytest.raises(FileError, match=r"disk.txt cannot be read: Input/output error"):
        read_text("disk.txt")


@pytest.mark.parametrize(
    ("make", "argument", "word"),
    [
        (lambda: Path("empty.txt").touch(), "empty.txt", "The sequence is empty"),
        (lambda: Path("poem.txt").write_bytes("床前".encode("utf-16")), "poem.txt", "2 tokens"),
        (lambda: Path("poem.txt").write_bytes("床前".encode("utf-16-le")), "poem.txt", "UTF-8"),
        (lambda: Path("a.bin").write_bytes(b"\0\1\2"), "a.bin", "binary"),
        (lambda: Path("folder").mkdir(), "folder", "folder"),
        (lambda: None, "poem.txt", "There is no file poem.txt"),
        (lambda: None, "-", "The sequence is empty"),
    ],
)
def test_the_command_line_says_the_same_in_one_sentence(babygpt, refused, make, argument, word):
    make()
    refused(babygpt("train", argument), word)
    assert not Path("runs").exists()
