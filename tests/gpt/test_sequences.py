"""Many sequences: no window crosses a border, however they come; and what is given to learn from is told apart."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from babygpt.errors import FileError, InputError, SequenceError, SettingError, VocabularyError
from babygpt.gpt import counting
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.sequences import lines_of
from babygpt.gpt.vocabulary import Vocabulary

JOURNEYS = [
    "start look look buy",
    "start look ask buy",
    "start ask look ask",
    "start look look ask buy",
    "start ask ask",
]

many = st.lists(st.text("abc", max_size=9), min_size=1, max_size=12)


def pairs(sequences, K):
    return Counter((s[i : i + K], s[i + K]) for s in sequences for i in range(len(s) - K))


def table_of(corpus):
    decode = corpus.vocabulary.decode
    return {
        (decode(context), symbol): int(n)
        for context, row in zip(corpus.contexts, corpus.counts, strict=True)
        for symbol, n in zip(corpus.vocabulary.symbols, row, strict=True)
        if n
    }


@pytest.mark.parametrize("chunk", [counting.CHUNK, 7])
@pytest.mark.parametrize("table", [counting.TABLE, 0])
@given(many, st.integers(1, 4))
def test_windows_are_those_of_each_sequence_alone(chunk, table, sequences, K):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "CHUNK", chunk)
        patch.setattr("babygpt.gpt.sequences.CHUNK", chunk)
        patch.setattr(counting, "TABLE", table)
        expected = pairs(sequences, K)
        if not expected:
            with pytest.raises(SequenceError, match=r"longest|no sequences"):
                Corpus.from_sequences(sequences, K, "abc")
            return
        corpus = Corpus.from_sequences(sequences, K, "abc")
        assert table_of(corpus) == expected
        tokens = Corpus.from_sequences(([int("abc".index(c)) for c in s] for s in sequences), K, "abc")
        assert table_of(tokens) == expected
        ended = {s[-K:] for s in sequences if len(s) >= K} - {context for context, _ in expected}
        for one in (corpus, tokens):
            assert [one.vocabulary.decode(c) for c in one.never_left] == sorted(ended)


@given(st.lists(st.text("ab", max_size=9), max_size=9), st.lists(st.integers(1, 3), min_size=40, max_size=40))
def test_a_counter_that_is_fed_bits_counts_each_sequence_whole(sequences, cuts):
    K, counter = 2, counting.WindowCounter(2, 2)
    cuts = iter(cuts * 9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "CHUNK", 4)
        for sequence in sequences:
            tokens, at = np.array(["ab".index(c) for c in sequence], dtype=np.int64), 0
            while at < len(tokens):
                n = next(cuts)
                counter.add(tokens[at : at + n])
                at += n
            counter.end()
    contexts, counts = counter.result()
    found = {("".join("ab"[i] for i in c), "ab"[t]): n for c, row in zip(contexts, counts.tolist(), strict=True)
             for t, n in enumerate(row) if n}  # fmt: skip
    assert found == pairs(sequences, K)
    assert ["".join("ab"[i] for i in c) for c in counter.ends()] == sorted({s for s in sequences if len(s) == K})


def test_nothing_follows_the_end_of_a_journey():
    corpus = Corpus.from_sequences(JOURNEYS, 1, tokens="words")
    rows = dict(zip(map(corpus.vocabulary.decode, corpus.contexts), corpus.counts.tolist(), strict=True))
    assert corpus.vocabulary.symbols == ("ask", "buy", "look", "start")
    assert rows == {"ask": [1, 2, 1, 0], "look": [3, 1, 2, 0], "start": [2, 0, 3, 0]}
    assert corpus.never_left.tolist() == [[1]]


def test_sequences_of_all_kinds_are_the_same():
    as_names = [journey.split() for journey in JOURNEYS]
    words = Corpus.from_sequences(JOURNEYS, 2, tokens="words")
    numbers = [[words.vocabulary.symbols.index(name) for name in names] for names in as_names]
    for other in (
        Corpus.from_sequences(as_names, 2),
        Corpus.from_sequences((iter(names) for names in as_names), 2),
        Corpus.from_sequences(numbers, 2, words.vocabulary),
        Corpus.from_sequences([np.array(tokens, dtype=np.uint8) for tokens in numbers], 2, words.vocabulary),
        Corpus.from_sequences(numbers, 2),
        Corpus.from_sequences([", ".join(names) for names in as_names], 2, tokens="words"),
        Corpus.from_sequences(["|".join(names) for names in as_names], 2, separator="|"),
    ):
        np.testing.assert_array_equal(other.contexts, words.contexts)
        np.testing.assert_array_equal(other.counts, words.counts)
        assert other.vocabulary.symbols in (words.vocabulary.symbols, ("0", "1", "2", "3"))


def test_characters_one_by_one_are_the_text_they_are():
    texts = ["abab", "ba", "bb"]
    expected = Corpus.from_sequences(texts, 1)
    for other in (
        Corpus.from_sequences([list(text) for text in texts], 1),
        Corpus.from_sequences([np.array(list(text)) for text in texts], 1),
        Corpus.from_sequences([list(text) for text in texts], 1, "ab"),
        Corpus.from_sequences([list("abab"), "ba", ["b", "b"]], 1, "ab"),
    ):
        same(other, expected)
    same(Corpus.from_tokens(list("0110"), 1, "01"), Corpus.from_text("0110", 1))
    with pytest.raises(VocabularyError, match="'c'"):
        Corpus.from_sequences([["a", "c"]], 1, "ab")
    with pytest.raises(VocabularyError, match="'ab'"):
        Corpus.from_sequences([["ab", "a"]], 1, "ab")


@pytest.mark.parametrize("days", [["rain", "rain", "sun", "clouds", "rain"], ("rain", "rain", "sun", "clouds", "rain")])
def test_a_list_of_names_is_one_sequence(days):
    counts = [[0, 1, 0], [0, 1, 1], [1, 0, 0]]
    names = ["clouds", "rain", "sun"]
    for corpus in (
        Corpus.from_text(days, 1, tokens="words"),
        Corpus.from_text(np.array(days), 1, tokens="words"),
        Corpus.from_text(days, 1, names),
        Corpus.from_text(days, 1, Vocabulary(names, tokens="words")),
        Corpus.from_tokens(days, 1, Vocabulary(names, tokens="words")),
        Corpus.from_tokens(iter(days), 1, names),
        Corpus.from_pieces([days], 1, names),
        Corpus.of(days, 1),
    ):
        assert corpus.counts.tolist() == counts
        assert corpus.vocabulary.symbols == tuple(names)


def test_short_sequences_add_their_symbols_and_no_window():
    corpus = Corpus.from_sequences(["abab", "c", "", "d"], 2)
    assert corpus.vocabulary.symbols == ("a", "b", "c", "d")
    assert corpus.n_examples == 2


def test_a_sequence_that_is_a_context_alone_was_there_and_was_never_left(tmp_path):
    import babygpt as bg

    corpus = Corpus.from_sequences(["abab", "c"], 1)
    assert corpus.never_left.tolist() == [[2]]
    bg.train(corpus, steps=1).save(tmp_path / "run")
    assert bg.Run.load(tmp_path / "run").corpus.never_left.tolist() == [[2]]


def test_pieces_are_one_sequence_and_sequences_are_many():
    assert table_of(Corpus.from_pieces(["ab", "ba"], 1, "ab"))["b", "b"] == 1
    assert ("b", "b") not in table_of(Corpus.from_sequences(["ab", "ba"], 1, "ab"))


@pytest.mark.parametrize(
    ("sequences", "match"),
    [
        ([], "empty|no sequences"),
        ([""], "empty"),
        (["a", "b"], r"longest of 2 sequences has 1 token,.*longer sequences\."),
        (["abc", "b"], r"has 3 tokens.*context_length=3 needs 4.*context_length=2"),
        (["aaaaa", "aa"], "only 'a'"),
        ("abab", "many sequences.*from_text"),
        (b"abab", "many sequences"),
        (5, "many sequences"),
        ([[0.5, 1.0]], "whole numbers"),
        ([[True, False]], "flat list of whole numbers"),
        ([np.array([[0, 1]])], "flat list"),
        ([[0, -1, 0, 1]], "from -1"),
        ([[0, 10**9, 0, 1]], "Give names"),
        ([[0, 1, 1, 0], "abab"], "Some of the sequences"),
        ([["a", 1]], "flat list"),
        ([None], "flat list"),
        (["ab\n", "c", 3], "flat list"),
    ],
)
def test_what_are_no_sequences_is_refused_in_a_sentence(sequences, match):
    with pytest.raises(InputError, match=match):
        Corpus.from_sequences(sequences, 3)


def test_sequences_stream_when_the_vocabulary_is_known():
    def endless():
        for i in range(100_000):
            yield "01" if i % 2 else "10"

    corpus = Corpus.from_sequences(endless(), 1, "01")
    assert corpus.counts.tolist() == [[0, 50_000], [50_000, 0]]
    twice = Corpus.from_sequences((text for text in ["01", "10"]), 1)
    assert twice.counts.tolist() == [[0, 1], [1, 0]]


@given(st.lists(st.text("ab \n", max_size=6), max_size=8))
def test_lines_are_those_of_the_whole_text(pieces):
    assert list(lines_of(pieces)) == [line for line in "".join(pieces).split("\n") if line.strip()]


def test_a_file_of_lines_is_many_sequences(tmp_path):
    file = tmp_path / "journeys.txt"
    file.write_bytes("\n\n".join(JOURNEYS).encode() + b"\r\n \r\n")
    for vocabulary in (None, ["ask", "buy", "look", "start"]):
        corpus = Corpus.from_file(file, 1, vocabulary, tokens="words", lines=True)
        np.testing.assert_array_equal(corpus.counts, Corpus.from_sequences(JOURNEYS, 1, tokens="words").counts)
    file.write_text("rain, heavy rain\nsun, rain")
    named = Corpus.from_file(file, 1, separator=",", lines=True)
    assert table_of(named) == {("rain", "heavy rain"): 1, ("sun", "rain"): 1}


# -- anything that can be trained on -------------------------------------------------------------------------------


def same(a, b):
    np.testing.assert_array_equal(a.contexts, b.contexts)
    np.testing.assert_array_equal(a.counts, b.counts)
    assert a.vocabulary == b.vocabulary


def test_a_corpus_is_made_of_whatever_is_given(tmp_path, monkeypatch):
    import torch

    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("011010011\n")
    expected, tokens = Corpus.from_text("011010011", 3), [0, 1, 1, 0, 1, 0, 0, 1, 1]
    for given_ in (
        "011010011",
        list("011010011"),
        tmp_path / "text.txt",
        tokens,
        tuple(tokens),
        iter(tokens),
        np.array(tokens),
        np.array(tokens, dtype=np.uint8),
        np.array(list("011010011")),
        np.array(tokens, dtype=object),
        torch.tensor(tokens),
        expected,
    ):
        same(Corpus.of(given_), expected)
    same(Corpus.of(range(4), 1), Corpus.from_text("0123", 1))
    assert Corpus.of(expected) is expected
    assert Corpus.of([3, 0, 3, 0, 1], 1).vocabulary == Vocabulary("0123")
    names = Corpus.of(["New York", "Rome", "New York", "Rome"], 1)
    assert names.vocabulary.symbols == ("New York", "Rome")
    same(Corpus.of([0, 1, 0], 1, ["New York", "Rome"]), Corpus.of(["New York", "Rome", "New York"], 1))


@pytest.mark.parametrize(
    "what",
    [
        None, 5, 0.5, True, b"0101", {0, 1}, {"a": 1}, [0.5, 1.0], [True, False], np.array([True, False, True]),
        np.array([0.0, 1.0]), [[0, 1], [1, 0]], [["a", "b"], ["b"]], np.zeros((2, 2), dtype=int), [None, 1], ["a", 1],
        object(), np.array(3), [1 + 2j], [True, 1], [0, np.True_], [10**30, 1], np.array([["a"], ["b"]]),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_on_is_refused_in_a_sentence(what):
    with pytest.raises(SequenceError, match="text, a Path, a flat list"):
        Corpus.of(what, 1)


@pytest.mark.parametrize("empty", ["", [], (), np.zeros(0, dtype=int), np.zeros(0), range(0), iter([])])
def test_nothing_is_refused_as_empty(empty):
    with pytest.raises(SequenceError, match="empty"):
        Corpus.of(empty, 1)


def test_the_name_of_a_file_is_not_trained_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my poem.txt").write_text("abab")
    (tmp_path / "0110").write_text("0101")
    with pytest.raises(FileError, match=r"There is a file my poem\.txt.*Path\('my poem\.txt'\).*Corpus\.from_text"):
        Corpus.of("my poem.txt")
    with pytest.raises(FileError, match=r"There is a file 0110.*Path\('0110'\)"):
        Corpus.of("0110", 1)
    with pytest.raises(FileError, match=r"There is no file your poem\.txt.*Corpus\.from_text"):
        Corpus.of("your poem.txt")
    assert Corpus.from_text("0110", 1).n_examples == 3  # whoever says text gets text


def test_sentences_in_a_list_are_not_taken_for_names():
    with pytest.raises(
        SequenceError, match=r"these 2 are of several words.*from_sequences\(texts.*from_sequences\(\[names\]"
    ):
        Corpus.of(["start look buy", "start ask"], 1)
    assert Corpus.of(["heavy rain", "New York", "heavy rain"], 1).n_examples == 2


def test_settings_at_odds_with_a_corpus_are_told():
    corpus = Corpus.from_text("011010011", 2)
    for settings in ({"context_length": 3}, {"vocabulary": "10"}, {"tokens": "words"}, {"context_length": 4}):
        with pytest.raises(SettingError, match="Leave"):
            Corpus.of(corpus, **settings)
    assert Corpus.of(corpus, context_length=2, vocabulary="01") is corpus


def test_a_symbol_that_the_vocabulary_lacks_is_named():
    with pytest.raises(VocabularyError, match="'Oslo'"):
        Corpus.of(["Rome", "Oslo"], 1, ["New York", "Rome"])
