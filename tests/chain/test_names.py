"""Chains whose states have names, with blanks and any signs in them: given as texts, as lists of names, as tokens."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import babygpt as bg

P = np.array([[0.6, 0.3, 0.1], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6]])
CITIES = ["New York", "Rome", "St. John's, NL"]

# names as they come: no blanks around them, no line break, two or more, one of them longer than a character
names = st.lists(
    st.text(st.characters(exclude_categories=("Zl", "Zp", "Cc", "Cs")), min_size=1, max_size=6).filter(
        lambda name: name == name.strip()
    ),
    min_size=2,
    max_size=5,
    unique=True,
).filter(lambda some: any(len(name) > 1 for name in some))


def test_a_matrix_and_its_names_are_a_chain():
    chain = bg.MarkovChain(np.log(P), ["rain", "nice", "snow"])
    assert chain["nice"] == pytest.approx({"rain": 0.3, "nice": 0.4, "snow": 0.3})
    assert chain.vocabulary.tokens == "words"
    np.testing.assert_allclose(chain.stationary_distribution() @ P, chain.stationary_distribution())


def test_names_with_blanks_and_commas_are_states():
    chain = bg.MarkovChain(np.log(P), CITIES)
    assert list(chain.contexts()) == CITIES
    assert [chain.state(name) for name in CITIES] == [chain.state([name]) for name in CITIES] == [0, 1, 2]
    assert chain["New York"] == chain[["New York"]] == chain[[0]]
    assert "Rome" in chain
    assert "York" not in chain
    assert chain.hitting_times("St. John's, NL")[2] == 0
    assert chain.sample("New York", 4, seed=1) == chain.sample(["New York"], 4, seed=1)
    for start in ("Rome", ["Rome"], 1):
        assert chain.hitting_times("New York", start=start) == pytest.approx(chain.hitting_times("New York")[1])
        assert chain.hitting_probability("New York", 3, start=start) == chain.hitting_probability("New York", 3, "Rome")
        assert chain.distance_to_stationary(2, start=start) == chain.distance_to_stationary(2, "Rome")
    for start in ([], [1], ["Rome", 1], ["Oslo"]):
        with pytest.raises(bg.BabyGPTError):
            chain.hitting_times("New York", start=start)
    either, one_after_the_other = ["New York", "Rome"], chain.vocabulary.decode([0, 1])
    assert chain.hitting_times(either)[2] < chain.hitting_times(one_after_the_other)[2]
    walk = chain.walk("Rome", 20, seed=3)
    assert walk.text == chain.vocabulary.separator.join(CITIES[token] for token in walk.tokens)


def test_longer_contexts_are_lists_of_names_or_texts_with_separators():
    days = ["heavy rain", "sun", "sun", "no wind", "heavy rain", "sun", "heavy rain"]
    chain = bg.train(days, context_length=2, steps=1).chain
    for context in (
        ["sun", "no wind"],
        "sun, no wind",
        "sun,no wind",
        " sun ,\nno wind,",
        [2, 1],
        np.array(["sun", "no wind"]),
    ):
        assert chain.state(context) == 3 * 2 + 1
    assert chain.context(7) == "sun, no wind"
    assert chain.label(7) == "sun, no wind"
    np.testing.assert_array_equal(chain.surprisal(days), chain.surprisal(", ".join(days)))
    np.testing.assert_array_equal(chain.surprisal(["sun"], given=["no wind"]), chain.surprisal("sun", given="no wind"))


def test_characters_may_come_one_by_one():
    chain = bg.train("0110100", context_length=3, steps=1).chain
    assert chain.state(["1", "0", "1"]) == chain.state(("1", "0", "1")) == chain.state("101") == 5
    assert chain[["0", "1"]] == chain["01"]
    assert ["1", "2"] not in chain
    assert ["10", "1"] not in chain


@given(names, st.data())
def test_any_names_go_through_a_vocabulary_and_back(some, data):
    vocabulary = bg.Vocabulary(some)
    tokens = data.draw(st.lists(st.integers(0, len(some) - 1), max_size=8))
    text = vocabulary.decode(tokens)
    assert vocabulary.encode(text).tolist() == tokens
    assert vocabulary.encode([some[token] for token in tokens]).tolist() == tokens
    assert vocabulary.split(text) == [some[token] for token in tokens]


@given(names)
def test_a_sequence_of_names_is_counted_by_name(some):
    days = [*some, *reversed(some), *some]
    corpus = bg.Corpus.of(days, 1)
    assert sorted(some) == list(corpus.vocabulary.symbols)
    chain = bg.MarkovChain.from_corpus(corpus)
    for name in some:
        follows = [b for a, b in pairwise(days) if a == name]
        assert chain[[name]] == pytest.approx({other: follows.count(other) / len(follows) for other in sorted(some)})


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("rain, rain, sun, clouds, sun, rain", ("clouds", "rain", "sun")),
        ("rain,rain,sun,clouds,sun,rain", ("clouds", "rain", "sun")),
        ("rain; sun; rain;", ("rain", "sun")),
        ("晴，雨，晴", ("晴", "雨")),
        ("晴、雨、晴", ("晴", "雨")),
        ("晴；雨；晴", ("晴", "雨")),
        ("rain, sun,\nrain, clouds\nsun", ("clouds", "rain", "sun")),
        ("-1, +1, -1, -1", ("+1", "-1")),
        ("rain , sun , rain", ("rain", "sun")),
        ("It rains, and then the sun", ("It", "and", "rains,", "sun", "the", "then")),
        ("Hello, world", ("Hello,", "world")),
        ("3,14 2,71 3,14", ("2,71", "3,14")),
        ("3,14\n2,71", ("2,71", "3,14")),
        ("rain,, sun, rain", ("rain", "rain,,", "sun,")),
        ("rain sun, rain", ("rain", "sun,")),
    ],
)
def test_the_commas_of_a_list_are_no_part_of_its_words(text, symbols):
    assert bg.Corpus.from_text(text, 1, tokens="words").vocabulary.symbols == symbols
    assert bg.Vocabulary.from_text(text, tokens="words").symbols == symbols


def test_the_words_of_a_long_list_in_a_file_are_the_same_wherever_it_is_cut(tmp_path, monkeypatch):
    text = "rain, sun, clouds,\nsun, rain\n" * 40
    (tmp_path / "days.txt").write_text(text)
    for size in (1, 2, 3, 5, 7, 64):
        monkeypatch.setattr("babygpt.gpt.texts.PIECE", size)
        corpus = bg.Corpus.from_file(tmp_path / "days.txt", 1, tokens="words")
        np.testing.assert_array_equal(corpus.counts, bg.Corpus.from_text(text, 1, tokens="words").counts)
        named = bg.Corpus.from_file(tmp_path / "days.txt", 1, separator=",")
        assert named.vocabulary.symbols == ("clouds", "rain", "sun")
        np.testing.assert_array_equal(named.counts, corpus.counts)


def test_a_separator_that_is_given_parts_names_with_blanks():
    corpus = bg.Corpus.from_text("New York | Rome | New York", 1, separator="|")
    assert corpus.vocabulary.symbols == ("New York", "Rome")
    assert corpus.vocabulary.separator == "|"
    lines = bg.Corpus.from_text("New York\nRome\n\nNew York", 1, tokens="words", separator="\n")
    np.testing.assert_array_equal(lines.counts, corpus.counts)
    tabs = bg.Corpus.from_text("New York\tRome\tNew York\t", 1, separator="\t")
    np.testing.assert_array_equal(tabs.counts, corpus.counts)
    assert not any(c.isspace() and c != " " for c in tabs.vocabulary.label([0, 1]))


def test_text_and_list_of_the_vocabularys_own_words_are_read_with_commas_too():
    vocabulary = bg.Vocabulary(["clouds", "rain", "sun"])
    assert vocabulary.encode("rain, rain, sun").tolist() == vocabulary.encode("rain rain sun").tolist() == [1, 1, 2]
    assert bg.Vocabulary(["New York", "Rome"]).encode("Rome Rome").tolist() == [1, 1]
    assert vocabulary.encode("rain, sun").tolist() == vocabulary.encode("rain,\nsun").tolist() == [1, 2]
    for text in ("rain, snow, sun", "rain, snow", "snow, rain"):
        with pytest.raises(bg.VocabularyError, match="contains 'snow'"):
            vocabulary.encode(text)
    assert bg.Vocabulary("rain, sun", "words").symbols == ("rain", "sun")
    counted = bg.Corpus.from_text("rain, sun, rain", 1, ["rain", "sun"], tokens="words")
    assert counted.counts.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    "call",
    [
        lambda: bg.Vocabulary("ab", "chars", ","),
        lambda: bg.Vocabulary(["ab", "c"], "words", ""),
        lambda: bg.Vocabulary(["ab", "c"], "words", 5),
        lambda: bg.Corpus.from_text("a,,b,a", 1, separator=","),
    ],
)
def test_separators_that_part_nothing_are_refused(call):
    with pytest.raises(bg.VocabularyError):
        call()
