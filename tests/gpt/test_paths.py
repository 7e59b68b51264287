from __future__ import annotations

import pytest

from babygpt.gpt.paths import looks_like_path, names_a_file

NAMES = [
    "poem.txt",
    "POEM.TXT",
    "my poem.txt",
    "my great poem (final).txt",
    "notes.markdown",
    "week 3 notes.markdown",
    "data/my file.csv",
    "data/poem.verse",
    "my data/days.csv",
    "journeys.tsv.gz",
    "all of it.7z",
    "my story.fb2",
    "week 3.lst",
    "two genes.fa",
    "诗.txt",
    "我的 诗.txt",
    "./poem",
    "../poem",
    "~/poem",
    "~wei/poem",
    "/home/wei/poem",
    "/tmp/a b",
    ".\\poem",
    "..\\poem.txt",
    r"C:\Users\Li Wei\poem.txt",
    r"C:\Users\Li Wei\poem",
    "d:/poem",
    r"\\server\share\x.txt",
    r"\\server\my share\x",
    r"data\my poem.txt",
    '"C:\\Users\\Li Wei\\poem.txt"',
    "'my poem.txt'",
    "poem.txt ",
    ".hidden",
    "run-1.safetensors",
    "x.y.z.csv",
]

TEXTS = [
    "",
    "111101111011110",
    "Hello world. This is fine",
    "Hello world.This is fine",
    "e.g. this",
    "e.g",
    "i.e",
    "3.14 2.71",
    "3.14",
    ".5",
    "It was the end.",
    "end.",
    "The rain in Spain.\nStays mainly.txt",
    "./poem\n./poem",
    "www.example",
    "we live in the U.S.A",
    "U.S.A",
    "write to me at example.org",
    "it was half past nine p.m",
    "Dr. Smith met Dr. No",
    "and/or and/or",
    "1/2 3/4 1/2",
    "...wait",
    "a ... b",
    "rain, rain, sun, clouds",
    "床前明月光，疑是地上霜。",
    "床前明月光.疑是地上霜",
    "txt",
    "a txt",
    ". txt",
    "0\\1\\0\\1",
    "x" * 5000 + ".txt",
    "a\0.txt",
    "\ud83d.",
]


@pytest.mark.parametrize("name", NAMES)
def test_what_nobody_types_as_a_sequence_looks_like_a_path(name):
    assert looks_like_path(name)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_do_not_look_like_paths(text):
    assert not looks_like_path(text)


def test_only_files_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "0110").write_text("0101")
    (tmp_path / "folder").mkdir()
    assert names_a_file("0110")
    assert names_a_file("~/0110")
    for text in ("folder", "0111", "", " ", ".", "a\0b", "\ud83d", "0110\n", "x" * 3000, "~nobody-here/x"):
        assert not names_a_file(text)
