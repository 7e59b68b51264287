from __future__ import annotations

import pytest

from babygpt.cli.peculiar import peculiar
from babygpt.gpt.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("symbols", "tokens", "said"),
    [
        (
            ["é", "e\u0301", "a"],
            "words",
            ["U+00E9 LATIN SMALL LETTER E WITH ACUTE, U+0301 COMBINING ACUTE ACCENT."],
        ),
        (["café", "cafe\u0301"], "words", ["U+00E9 LATIN SMALL LETTER E WITH ACUTE, U+0301 COMBINING ACUTE ACCENT."]),
        (["1", "１"], "chars", ["1 １ are 2 symbols that differ in their width alone", "U+FF11 FULLWIDTH DIGIT ONE"]),
        (["a", "b", "\ufeff"], "chars", [r"\xfeff holds what cannot be seen: U+FEFF ZERO WIDTH NO-BREAK SPACE"]),
        (["a", "b", "\x1a"], "chars", [r"\x1a holds what cannot be seen: U+001A."]),
        (["a\u200bb", "b"], "words", ["holds what cannot be seen: U+200B ZERO WIDTH SPACE."]),
        (["0", "1", "\n"], "chars", ["⏎ is a line break", "--lines"]),
        (["a", "\u3000"], "chars", ["␣ is a blank that is no space: U+3000 IDEOGRAPHIC SPACE."]),
        (["rain", "rain,", "sun"], "words", ["rain rain, differ in their punctuation alone. --separator , parts"]),
        (["rain", "rain;", "sun"], "words", ["--separator ';' parts names at semicolons."]),
        (["sun", "sun!"], "words", ["sun sun! differ in their punctuation alone."]),
    ],
)
def test_what_is_peculiar_is_named_and_what_to_do(symbols, tokens, said):
    (sentence,) = peculiar(Vocabulary(symbols, tokens))
    for part in said:
        assert part in sentence


def test_of_plain_symbols_nothing_is_said():
    assert peculiar(Vocabulary("01")) == peculiar(Vocabulary(["New York", "Rome"])) == []


def test_of_many_only_the_first_few_are_told():
    found = peculiar(Vocabulary([chr(point) for point in range(1, 9)]))
    assert len(found) == 6
    assert found[-1] == "3 more of the kind."


def test_they_are_said_after_the_symbols(babygpt):
    result = babygpt("train", "rain, sun rain sun", "--tokens", "words", "--context", 1, "--steps", 1)
    assert result.stderr.splitlines()[:2] == [
        "symbols: rain rain, sun",
        "rain rain, differ in their punctuation alone. --separator , parts names at commas.",
    ]
