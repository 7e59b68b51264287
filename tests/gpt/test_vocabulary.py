from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from babygpt.errors import SettingError, VocabularyError
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.separators import list_separator
from babygpt.gpt.vocabulary import Vocabulary, visible


@given(st.text(min_size=2))
def test_any_unicode_text_survives_encoding_and_decoding_by_character(text):
    assume(len(set(text)) >= 2)
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    assert [vocabulary.symbols[i] for i in ids] == list(text)


@given(st.text(st.characters() | st.sampled_from(" \t\n\u3000"), min_size=3))
def test_any_unicode_text_survives_encoding_and_decoding_by_word(text):
    assume(len(set(text.split())) >= 2)
    assume(list_separator(text) == " ")  # the commas of a list are no part of its words
    vocabulary = Vocabulary.from_text(text, tokens="words")
    assert vocabulary.decode(vocabulary.encode(text)) == " ".join(text.split())
    assert vocabulary.decode(vocabulary.encode(text)).split() == text.split()


@given(st.text(st.characters(), min_size=2, max_size=30), st.data())
def test_any_tokens_survive_decoding_and_encoding(text, data):
    assume(len(set(text)) >= 2)
    vocabulary = Vocabulary.from_text(text)
    ids = data.draw(st.lists(st.integers(0, len(vocabulary) - 1), max_size=20))
    assert vocabulary.encode(vocabulary.decode(ids)).tolist() == ids
    assert vocabulary.encode(ids).tolist() == ids


def test_lone_surrogates_are_symbols_like_any_other():
    text = "a\ud83d\ude00\U0001f600"
    vocabulary = Vocabulary.from_text(text)
    assert len(vocabulary) == 4
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_symbols_are_sorted_unless_given():
    assert Vocabulary.from_text("10110").symbols == ("0", "1")
    assert Vocabulary("10").encode("10").tolist() == [0, 1]
    assert Vocabulary.from_text("the cat the dog", tokens="words").symbols == ("cat", "dog", "the")


def test_vocabularies_with_the_same_symbols_are_equal():
    assert Vocabulary("01") == Vocabulary(("0", "1"))
    assert Vocabulary("01") != Vocabulary("10")
    assert Vocabulary("01") != Vocabulary("0 1", tokens="words")


def test_a_string_of_words_is_split_into_word_symbols():
    assert Vocabulary("sun rain", tokens="words").symbols == ("sun", "rain")


def test_stand_in_symbols_are_distinct_however_many():
    for size in (2, 10, 11, 137):
        vocabulary = Vocabulary.numbers(size)
        assert len(set(vocabulary.symbols)) == len(vocabulary) == size
        ids = list(range(size))
        assert vocabulary.encode(vocabulary.decode(ids)).tolist() == ids


def test_encoding_an_empty_text_gives_no_tokens():
    for tokens in ("chars", "words"):
        ids = Vocabulary(("a", "b"), tokens).encode("")
        assert ids.shape == (0,)
        assert ids.dtype == np.int64


@pytest.mark.parametrize("tokens", ["chars", "words"])
def test_unknown_symbols_are_named_with_the_known_ones(tokens):
    with pytest.raises(VocabularyError, match=r"'x'.*vocabulary of 2 symbols.*a b.*add it"):
        Vocabulary(("a", "b"), tokens).encode("a x b" if tokens == "words" else "axb")


def test_many_unknown_symbols_are_counted_rather_than_listed():
    with pytest.raises(VocabularyError, match="and 19 more"):
        Vocabulary("01").encode("abcdefghijklmnopqrstuvwx")


def test_symbols_above_and_below_all_known_ones_are_unknown():
    for text in ("\x00", "\U0010ffff", "b"):
        with pytest.raises(VocabularyError):
            Vocabulary("ac").encode(text)


def test_repeated_symbols_are_refused_and_named():
    with pytest.raises(VocabularyError, match=r"'0' more than once.*once"):
        Vocabulary("010")


@pytest.mark.parametrize("symbols", ["", "1", ()])
def test_fewer_than_two_symbols_are_refused(symbols):
    with pytest.raises(VocabularyError, match=r"at least 2.*'01'"):
        Vocabulary(symbols)


def test_symbols_that_no_text_can_contain_are_refused():
    for symbols, tokens, separator in (
        (("a", "bc"), "chars", None),
        (("a", ""), "chars", None),
        (("a", "b c"), "words", " "),
        (("a", "b,c"), "words", ","),
        (("a", " b"), None, None),
        (("a", "b\nc"), None, None),
        (("ab", ""), "words", None),
    ):
        with pytest.raises(VocabularyError, match="no text can contain it"):
            Vocabulary(symbols, tokens, separator)


def test_symbols_come_in_an_order_and_may_come_but_once():
    names = ("New York", "Rome")
    for given_ in (iter(names), np.array(names), dict.fromkeys(names)):
        assert Vocabulary(given_) == Vocabulary(names)
    assert type(Vocabulary(np.array(names)).symbols[0]) is str
    for unordered in ({"0", "1"}, frozenset(names)):
        with pytest.raises(VocabularyError, match=r"has an order.*Give a list"):
            Vocabulary(unordered)


@pytest.mark.parametrize("symbols", [(0, 1), ("a", 1), ("a", None), 5, None])
def test_symbols_that_are_not_text_are_refused_as_a_vocabulary_error(symbols):
    with pytest.raises(VocabularyError):
        Vocabulary(symbols)


def test_an_unknown_way_to_read_text_is_refused():
    with pytest.raises(SettingError, match=r"'letters'.*'chars' or 'words'"):
        Vocabulary("01", tokens="letters")


@pytest.mark.parametrize("ids", [[0, 2], [-1], [0.5, 1.0], [[0, 1]], ["0"], 1, [True, False], None])
def test_tokens_outside_the_vocabulary_are_refused(ids):
    with pytest.raises(VocabularyError):
        Vocabulary("01").encode(ids)


def test_ragged_token_lists_are_refused_as_a_vocabulary_error():
    with pytest.raises(VocabularyError):
        Vocabulary("01").encode([[1], [1, 0]])


@pytest.mark.parametrize("bad", [-1, 2])
def test_decoding_refuses_tokens_outside_the_vocabulary(bad):
    with pytest.raises(VocabularyError):
        Vocabulary("01").decode([bad])


def test_labels_make_blanks_and_control_characters_visible():
    vocabulary = Vocabulary(" \n\tx\x00\u200b")
    label = vocabulary.label(range(6))
    assert "x" in label
    assert not any(c.isspace() or ord(c) < 32 or c == "\u200b" for c in label)
    assert visible("床前") == "床前"


@pytest.mark.parametrize("code", [c for c in range(0x110000) if unicodedata.category(chr(c)) == "Zs" and c != 0x20])
def test_labels_tell_every_other_blank_from_a_space(code):
    blank = chr(code)
    label = Vocabulary(f" {blank}").label([1])
    assert label.isprintable()
    assert not set(label) & {" ", blank}
    words = Vocabulary(["New York", f"New{blank}York"], separator=",")
    assert [words.label([i]) for i in range(2)] == ["New York", f"New{visible(blank)}York"]


def test_an_empty_separator_is_refused_wherever_words_are_parted(tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("a b a\n", encoding="utf-8")
    for read in (
        lambda: Corpus.from_text("a b a", 1, tokens="words", separator=""),
        lambda: Corpus.from_sequences(["a b a"], 1, tokens="words", separator=""),
        lambda: Corpus.from_file(file, 1, tokens="words", separator=""),
        lambda: Corpus.from_file(file, 1, tokens="words", separator="", lines=True),
        lambda: Vocabulary.from_text("a b a", "words", separator=""),
        lambda: Vocabulary(["a", "b"], "words", separator=""),
    ):
        with pytest.raises(VocabularyError, match="parts no words"):
            read()
    assert Corpus.from_text("a b a", 1, separator="").vocabulary.symbols == (" ", "a", "b")
