from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

import babygpt as bg
from babygpt.gpt.remarks import Remark, remarks

NFD_E = "e\u0301"


def said(symbols, tokens=None):
    return [(remark.kind, remark.symbols) for remark in remarks(bg.Vocabulary(symbols, tokens))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("011010", []),
        ("the cat\tsat", []),
        ("01\n", [("line_breaks", ("\n",))]),
        ("01\r", [("line_breaks", ("\r",))]),
        ("\ufeff01", [("invisible", ("\ufeff",))]),
        ("01\x1a", [("invisible", ("\x1a",))]),
        ("0\u200b1", [("invisible", ("\u200b",))]),
        ("0\u00ad1", [("invisible", ("\u00ad",))]),
        ("0\u30001", [("blanks", ("\u3000",))]),
        ("0 \u00a01", [("lookalikes", (" ", "\u00a0")), ("blanks", ("\u00a0",))]),
        ("12１", [("lookalikes", ("1", "１"))]),
        ("ｱア", [("lookalikes", ("ア", "ｱ"))]),
        (f"é{NFD_E}", [("spellings", ("é", "e", "\u0301"))]),
        (f"{NFD_E}", []),  # all of them spelled alike
        ("é e", []),
        ("\u212b\u00c5", [("spellings", ("\u00c5", "\u212b"))]),
        ("x²2", []),
        ("สวัสดี", []),
    ],
)
def test_peculiar_characters_are_told(text, expected):
    assert said("".join(sorted(set(text)))) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rain", "sun"], []),
        (["rain", "rain,", "sun"], [("punctuation", ("rain", "rain,"))]),
        (["“Rain", "Rain", "Rain”", "sun."], [("punctuation", ("“Rain", "Rain", "Rain”"))]),
        (["雨，", "雨", "晴"], [("punctuation", ("雨，", "雨"))]),
        (["-1", "1", "#1", "1%", ".1", "C#", "C"], []),
        (["(sun)", "sun!", "?", "..."], [("punctuation", ("(sun)", "sun!"))]),
        (["don't", "dont", "-1", "+1"], []),
        (["caf\u00e9", "cafe\u0301", "tea"], [("spellings", ("caf\u00e9", "cafe\u0301"))]),
        (["\ufeffrain", "sun"], [("invisible", ("\ufeffrain",))]),
        (["می\u200cخواهم", "sun"], []),
        (["New York", "New\u00a0York"], [("lookalikes", ("New York", "New\u00a0York"))]),
        ([",", ".", "rain"], []),
    ],
)
def test_peculiar_words_are_told(words, expected):
    assert said(words, "words") == expected


def test_a_corpus_is_asked_for_its_symbols():
    corpus = bg.Corpus.from_text("rain, it rains and rain", 1, tokens="words")
    assert remarks(corpus) == [Remark("punctuation", ("rain", "rain,"))]


@given(st.text(min_size=2).filter(lambda text: len(set(text)) > 1))
def test_symbols_of_one_spelling_are_always_told(text):
    vocabulary = bg.Vocabulary.from_text(text)
    told = {remark.symbols for remark in remarks(vocabulary) if remark.kind == "spellings"}
    for a in vocabulary:
        for b in vocabulary:
            if a < b and unicodedata.normalize("NFC", a) == unicodedata.normalize("NFC", b):
                assert any({a, b} <= set(group) for group in told)
