from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import babygpt as bg
from babygpt.cli.source import named_by
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


@pytest.mark.parametrize("name", ["it's.txt", "'poem.txt'", '"my poem.txt"', "$HOME/a`b`.txt", "a\\b.txt", "-n.txt"])
def test_what_is_advised_pipes_in_these_very_characters(name):
    with pytest.raises(FileError, match=r"printf %s ") as told:
        read_text(name)
    pipe = str(told.value).partition("pipe them in: ")[2].removesuffix(" | babygpt train -")
    assert subprocess.run(["sh", "-c", pipe], capture_output=True, text=True, check=True).stdout == name


def test_windows_is_advised_what_it_has(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(FileError, match=r"save them in a text file and give its name: babygpt train FILE"):
        read_text("poem.txt")


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


SMALL = ["--context", 1, "--steps", 1, "--layers", 1, "--heads", 1, "--width", 4, "--show", "none"]
JOURNEYS = "start look look buy\nstart look ask buy\nstart ask look ask\nstart look look ask buy\nstart ask ask\n"


def trained(babygpt, *arguments, stdin=None):
    """Return the corpus of what was trained on, and what was said before."""
    result = babygpt("train", *arguments, *SMALL, "--out", "run", "--replace", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return bg.Run.load("run").corpus, result.stderr.splitlines()


@pytest.mark.parametrize("command", ["train", "seeds", "attribute"])
def test_the_first_line_names_the_symbols(babygpt, command):
    Path("a.txt").write_text("01101\n\n")
    settings = ["--steps", 1, "--layers", 1, "--heads", 1, "--width", 4]
    result = babygpt(command, "a.txt", *settings, *(["--seeds", 2] if command != "train" else []))
    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines()[0] == "symbols: ⏎ 0 1"


def test_many_symbols_are_named_as_far_as_anyone_reads(babygpt):
    _, said = trained(babygpt, "abcdefghijklmnopqrstuvwxyz")
    assert said[0] == "symbols: a b c d e f g h i j k l m n o p q r s t … (26 in all)"
    _, said = trained(babygpt, "a b\tc\ufeffd\x1a")
    assert said[0] == "symbols: ⇥ \\x1a ␣ a b c d \\xfeff"


def test_a_run_that_is_gone_on_with_names_its_symbols_too(babygpt):
    trained(babygpt, "0110")
    assert babygpt("train", "--resume", "run", "--steps", 2).stderr.splitlines()[0] == "symbols: 0 1"


@pytest.mark.parametrize("piped", [False, True])
def test_the_lines_of_a_file_of_words_are_sequences_and_that_is_said(babygpt, piped):
    Path("journeys.txt").write_text(JOURNEYS)
    source, stdin = ("-", JOURNEYS) if piped else ("journeys.txt", None)
    corpus, said = trained(babygpt, source, "--tokens", "words", stdin=stdin)
    expected = bg.Corpus.from_sequences(JOURNEYS.splitlines(), 1, tokens="words")
    np.testing.assert_array_equal(corpus.counts, expected.counts)
    assert said[1] == "5 lines, each a sequence of its own; --no-lines joins them."
    corpus, said = trained(babygpt, source, "--tokens", "words", "--no-lines", stdin=stdin)
    np.testing.assert_array_equal(corpus.counts, bg.Corpus.from_text(JOURNEYS, 1, tokens="words").counts)
    assert not any("sequence of its own" in line for line in said)


def test_lines_of_characters_are_sequences_when_asked_for(babygpt):
    Path("a.txt").write_text("011\n10\n")
    corpus, said = trained(babygpt, "a.txt", "--lines")
    assert corpus.counts.tolist() == [[0, 1], [1, 1]]
    assert said[1] == "2 lines, each a sequence of its own."


def test_lines_that_are_too_short_say_how_to_join_them(babygpt, refused):
    Path("a.txt").write_text("a b\nb a\n")
    refused(
        babygpt("train", "a.txt", "--tokens", "words"), "The longest of 2 sequences has 2", "--no-lines joins them."
    )


@pytest.mark.parametrize("command", ["seeds", "attribute"])
def test_seeds_and_attribution_read_lines_alike(babygpt, command):
    Path("journeys.txt").write_text(JOURNEYS)
    settings = ["--tokens", "words", "--context", 1, "--steps", 1, "--layers", 1, "--heads", 1, "--width", 4]
    result = babygpt(command, "journeys.txt", *settings, "--seeds", 2, "--out", "table.csv")
    assert result.exit_code == 0, result.stderr
    assert "5 lines, each a sequence of its own; --no-lines joins them." in result.stderr
    if command == "attribute":
        positions = {int(line.split(",")[0]) for line in Path("table.csv").read_text().splitlines()[1:]}
        assert positions == set(range(24)) - {4, 9, 14, 20}  # the borders


def test_names_have_blanks_where_a_separator_parts_them(babygpt):
    corpus, said = trained(babygpt, "heavy rain, sun,heavy rain,clouds", "--separator", ",")
    assert corpus.vocabulary.symbols == ("clouds", "heavy rain", "sun")
    assert said[0] == "symbols: clouds, heavy rain, sun"
    corpus, _ = trained(babygpt, "heavy rain\tsun\theavy rain", "--separator", "\\t")
    assert corpus.vocabulary.symbols == ("heavy rain", "sun")


DAYS = "date;weather\n1;heavy rain\n2;sun\n3;\n4;sun\n5;heavy rain\n"


@pytest.mark.parametrize("column", ["weather", "2"])
def test_a_column_of_a_table_is_read_row_by_row(babygpt, column):
    Path("days.csv").write_text(DAYS)
    corpus, said = trained(babygpt, "days.csv", "--column", column)
    assert corpus.vocabulary.symbols == ("heavy rain", "sun")
    assert corpus.counts.tolist() == [[0, 1], [1, 0]]
    assert said[1] == "column 2, weather: 5 rows, 1 of them empty; no step is counted across those."
    piped, _ = trained(babygpt, "-", "--column", column, stdin=DAYS)
    np.testing.assert_array_equal(piped.counts, corpus.counts)


def test_a_table_without_a_column_says_that_one_can_be_read(babygpt):
    Path("days.csv").write_text(DAYS)
    _, said = trained(babygpt, "days.csv")
    assert "days.csv looks like a table. --column NAME, or a column's number, reads one column of it." in said


def test_columns_that_cannot_be_read_say_why(babygpt, refused):
    Path("days.csv").write_text(DAYS)
    refused(babygpt("train", "days.csv", "--column", "wether"), "--column wether is none", "Did you mean weather?")
    refused(babygpt("train", "days.csv", "--column", "2", "--lines"), "--column 2 is one sequence")
    refused(babygpt("train", "days.csv", "--column", "2", "--separator", "::"), "--separator :: is no single sign")
    refused(babygpt("train", "0101", "--column", "2"), "--column 2 is for a file", "'0101' is a text")
    refused(babygpt("train", "0101", "--encoding", "big5"), "--encoding big5 is for a file")
    refused(babygpt("train", "0101", "--separator", ""), "--separator '' parts no names")


@pytest.mark.parametrize("command", ["train", "seeds", "attribute"])
def test_every_way_to_read_is_in_the_help(babygpt, command):
    text = babygpt(command, "--help").stdout
    for option in ("--tokens", "--vocabulary", "--separator", "--lines", "--no-lines", "--column", "--encoding"):
        assert option in text


@pytest.mark.parametrize(
    "name",
    ["my poem.txt", "notes.markdown", "data/my file.csv", "C:\\Users\\Li Wei\\poem.txt", "~nobody-there/poem.txt"],
)
def test_a_name_of_a_file_that_is_not_there_is_not_trained_on(babygpt, refused, name):
    refused(babygpt("train", name), f"There is no file {name}. Check the name")
