from __future__ import annotations

import io
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import babygpt as bg
from babygpt.errors import FileError, SequenceError, VocabularyError
from babygpt.gpt import corpus as corpus_module
from babygpt.gpt import texts
from babygpt.gpt.texts import decoded, distinct_symbols, file_pieces, whole_words

POEM = "床前明月光\r\n疑是地上霜\r举头望明月\n低头思故乡 🌕\r\n"


def same(one, other):
    assert one.vocabulary == other.vocabulary
    np.testing.assert_array_equal(one.contexts, other.contexts)
    np.testing.assert_array_equal(one.counts, other.counts)


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_any_pieces_of_a_file_make_the_same_text(monkeypatch, piece, mark):
    monkeypatch.setattr(texts, "PIECE", piece)
    text = "".join(decoded(io.BytesIO(mark + POEM.encode()), "it"))
    assert text == POEM.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


@given(st.text(st.sampled_from("a\r\n é🌕"), max_size=12), st.integers(1, 7))
def test_reading_in_pieces_is_reading_whole(text, piece):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "PIECE", piece)
        pieces = "".join(decoded(io.BytesIO(text.encode()), "it"))
    assert pieces == text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


def test_a_byte_that_is_no_utf8_is_named_with_its_place_in_the_file(monkeypatch):
    monkeypatch.setattr(texts, "PIECE", 4)
    with pytest.raises(FileError, match=r"it is not UTF-8 text \(byte 11 is 0xff\)"):
        list(decoded(io.BytesIO("0123456é89".encode()[:11] + b"\xff00"), "it"))


@pytest.mark.parametrize("data", [b"ab\0cd", b"a" * 60_000 + b"\0"])
def test_a_binary_file_is_told(data):
    with pytest.raises(FileError, match="binary file"):
        list(decoded(io.BytesIO(data), "it"))


def test_files_that_cannot_be_read_are_told(tmp_path):
    with pytest.raises(FileError, match="cannot be read: No such file"):
        list(file_pieces(tmp_path / "none"))
    with pytest.raises(FileError, match="is a folder"):
        list(file_pieces(tmp_path))


@given(st.lists(st.text("ab \n", max_size=5)))
def test_whole_words_cut_no_word(pieces):
    cut = list(whole_words(pieces))
    assert "".join(cut) == "".join(pieces)
    assert [word for piece in cut for word in piece.split()] == "".join(pieces).split()


def test_distinct_symbols_of_characters_and_words():
    assert distinct_symbols(["ab", "🌕a"], "chars") == {"a", "b", "🌕"}
    assert distinct_symbols(["ab c", "d ab"], "words") == {"ab", "cd"}


@pytest.mark.parametrize("piece", [1, 7, 2**20])
@pytest.mark.parametrize("kind", ["chars", "words"])
def test_a_corpus_from_a_file_is_that_from_its_text(tmp_path, monkeypatch, piece, kind):
    monkeypatch.setattr(texts, "PIECE", piece)
    monkeypatch.setattr(corpus_module, "CHUNK", piece)
    text = "the cat sat on the mat the cat sat\non the mat é"
    path = tmp_path / "text.txt"
    path.write_bytes((text.replace("\n", "\r\n") + "\n").encode())
    same(bg.Corpus.from_file(path, 2, tokens=kind), bg.Corpus.from_text(text, 2, tokens=kind))
    known = bg.Corpus.from_text(text, 2, tokens=kind).vocabulary
    same(bg.Corpus.from_file(path, 2, known), bg.Corpus.from_text(text, 2, known))


def test_bytes_are_latin_1_symbols():
    data = bytes(random.Random(0).choices(range(256), k=2_000))
    expected = bg.Corpus.from_text(data.decode("latin-1"), 1)
    for view in (data, bytearray(data), memoryview(data), np.frombuffer(data, dtype=np.uint8)):
        same(bg.Corpus.from_bytes(view, 1), expected)


def test_tokens_may_lie_in_a_memory_mapped_file(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus_module, "CHUNK", 100)
    tokens = np.random.default_rng(1).integers(3, size=1_050).astype(np.uint8)
    tokens.tofile(tmp_path / "tokens")
    mapped = np.memmap(tmp_path / "tokens", dtype=np.uint8, mode="r")
    same(bg.Corpus.from_tokens(mapped, 4, "abc"), bg.Corpus.from_tokens(tokens.tolist(), 4, "abc"))


def test_pieces_of_texts_and_tokens_are_one_sequence():
    pieces = ["1111", [0, 1, 1], np.array([1, 1], dtype=np.uint8), "", "011110"]
    same(bg.Corpus.from_pieces(pieces, 3, "01"), bg.Corpus.from_text("111101111011110", 3))


def test_a_token_out_of_range_in_a_late_piece_is_named():
    tokens = np.zeros(3 * corpus_module.CHUNK // 2, dtype=np.uint8)
    tokens[-1] = 7
    with pytest.raises(VocabularyError, match="Token 7 is not in 0 … 1"):
        bg.Corpus.from_tokens(tokens, 3, "01")


def test_what_is_too_short_is_told(tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("ab\n")
    with pytest.raises(SequenceError, match="2 tokens"):
        bg.Corpus.from_file(path, 3)
    path.write_text("\n")
    with pytest.raises(SequenceError, match="empty"):
        bg.Corpus.from_file(path, 3)
    path.write_text("aaaa")
    with pytest.raises(SequenceError, match="says only 'a'"):
        bg.Corpus.from_file(path, 3)
    with pytest.raises(SequenceError, match="empty"):
        bg.Corpus.from_bytes(b"", 3)
