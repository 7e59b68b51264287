from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from babygpt.errors import InputError, SequenceError, SettingError, VocabularyError
from babygpt.gpt.corpus import Corpus, entropy, windows
from babygpt.gpt.vocabulary import Vocabulary

ARTICLE = "111101111011110"
texts = st.text("abc", min_size=7, max_size=60).filter(lambda text: len(set(text)) > 1)
lengths = st.integers(1, 5)


def pairs(text, K):
    return Counter((text[i : i + K], text[i + K]) for i in range(len(text) - K))


def conditional_entropy(pair_counts):
    """H(next | context) as a difference of two joint entropies: another road than the package takes."""

    def joint(counts):
        n = sum(counts.values())
        return -sum(c / n * math.log(c / n) for c in counts.values())

    contexts = Counter()
    for (context, _), n in pair_counts.items():
        contexts[context] += n
    return joint(pair_counts) - joint(contexts)


def test_article_has_twelve_examples_of_three_tokens():
    X, Y = windows(Vocabulary("01").encode(ARTICLE), 3)
    assert X.shape == (12, 3)
    assert Y.shape == (12,)
    assert [("".join(map(str, x)), str(y)) for x, y in zip(X.tolist(), Y.tolist(), strict=True)] == [
        (ARTICLE[i : i + 3], ARTICLE[i + 3]) for i in range(12)
    ]
    assert Corpus.from_text(ARTICLE, 3).n_examples == 12


@given(texts, lengths)
def test_counts_are_those_of_counting_windows_one_by_one(text, K):
    corpus = Corpus.from_text(text, K)
    decode = corpus.vocabulary.decode
    table = {
        (decode(context), symbol): int(n)
        for context, row in zip(corpus.contexts, corpus.counts, strict=True)
        for symbol, n in zip(corpus.vocabulary.symbols, row, strict=True)
        if n
    }
    assert table == pairs(text, K)
    assert corpus.n_examples == len(text) - K
    spelled = [decode(context) for context in corpus.contexts]
    assert spelled == sorted(set(spelled))  # the symbols here sort like their tokens


@given(texts, lengths)
def test_floor_is_the_conditional_entropy_of_the_pairs(text, K):
    corpus = Corpus.from_text(text, K)
    assert corpus.floor == pytest.approx(conditional_entropy(pairs(text, K)), abs=1e-12)
    assert corpus.floor >= 0


@given(texts, lengths)
def test_floor_over_all_positions_is_the_mean_of_the_floors_of_each_prefix_length(text, K):
    floors = []
    for t in range(1, K + 1):
        inner = Counter((text[i : i + t], text[i + t]) for i in range(len(text) - K))
        floors.append(conditional_entropy(inner))
    assert Corpus.from_text(text, K).loss_floor("all") == pytest.approx(sum(floors) / K, abs=1e-12)


@given(texts, lengths)
def test_states_number_contexts_as_digits_in_base_v(text, K):
    corpus = Corpus.from_text(text, K)
    V = len(corpus.vocabulary)
    assert corpus.states.tolist() == [int("".join(map(str, c)), V) for c in corpus.contexts.tolist()]


@pytest.mark.parametrize("integer", [int, np.int64])
@pytest.mark.parametrize("K", [62, 63, 64, 70])
def test_long_contexts_are_counted_like_short_ones(K, integer):
    text = (ARTICLE * 10)[:-1] + "00" + ARTICLE * 6
    corpus = Corpus.from_text(text, integer(K))
    decode = corpus.vocabulary.decode
    assert [decode(c) for c in corpus.contexts] == sorted({text[i : i + K] for i in range(len(text) - K)})
    expected = pairs(text, K)
    for context, row in zip(corpus.contexts, corpus.counts, strict=True):
        assert row.tolist() == [expected[decode(context), symbol] for symbol in "01"]


def test_state_numbers_beyond_63_bits_are_right_or_refused():
    corpus = Corpus.from_text(ARTICLE * 10, 70)
    try:
        states = [int(s) for s in corpus.states]
    except InputError:
        return
    assert states == [int("".join(map(str, c)), 2) for c in corpus.contexts.tolist()]


@pytest.mark.parametrize(
    ("K", "floor", "seen"), [(1, 0.482002, 2), (2, 0.440664, 3), (3, 0.5 * math.log(2), 4), (4, 0.0, 5)]
)
def test_article_floors_and_contexts_seen(K, floor, seen):
    corpus = Corpus.from_text(ARTICLE, K)
    assert corpus.floor == pytest.approx(floor, abs=1e-6)
    assert len(corpus.contexts) == seen


def test_ngram_ladder_of_the_twelve_article_pairs():
    # the same 12 next tokens, told with ever more of the context before them
    ladder = []
    for n in range(4):
        cut = Counter((ARTICLE[i + 3 - n : i + 3], ARTICLE[i + 3]) for i in range(12))
        rows = {}
        for (context, token), count in cut.items():
            rows.setdefault(context, {"0": 0, "1": 0})[token] = count
        ladder.append(entropy(np.array([[row["0"], row["1"]] for row in rows.values()])))
    np.testing.assert_allclose(ladder, [0.562335, 0.509054, 0.441042, 0.346574], atol=1e-6)


def test_a_certain_next_token_has_floor_zero_and_not_minus_zero():
    floor = Corpus.from_text("01" * 10, 1).floor
    assert floor == 0.0
    assert not np.signbit(floor)


def test_probs_are_the_frequencies_after_each_context():
    corpus = Corpus.from_text(ARTICLE, 3)
    np.testing.assert_array_equal(corpus.probs, [[0, 1], [0, 1], [0, 1], [0.5, 0.5]])


def test_token_numbers_and_their_text_give_the_same_corpus():
    vocabulary = Vocabulary("01")
    a = Corpus.from_text(ARTICLE, 3, vocabulary)
    b = Corpus.from_tokens([int(c) for c in ARTICLE], 3, vocabulary)
    np.testing.assert_array_equal(a.contexts, b.contexts)
    np.testing.assert_array_equal(a.counts, b.counts)


def test_words_are_counted_as_characters_are():
    words = Corpus.from_text(" ".join(ARTICLE), 3, tokens="words")
    chars = Corpus.from_text(ARTICLE, 3)
    np.testing.assert_array_equal(words.counts, chars.counts)
    np.testing.assert_array_equal(words.contexts, chars.contexts)


def test_a_given_vocabulary_sets_the_order_of_tokens():
    corpus = Corpus.from_text("aab", 1, vocabulary="ba")
    assert corpus.contexts.tolist() == [[1]]
    assert corpus.counts.tolist() == [[1, 1]]


def test_a_single_symbol_can_be_learned_with_a_vocabulary_of_two():
    corpus = Corpus.from_text("1111", 2, vocabulary="01")
    assert corpus.counts.tolist() == [[0, 2]]


def test_prefix_counts_of_full_length_are_the_counts():
    corpus = Corpus.from_text(ARTICLE, 3)
    np.testing.assert_array_equal(corpus.prefix_counts(3), corpus.counts)
    # the 12 windows begin 1111 0 1111 0 11, and what follows each first token is its second
    pairs_of_starts = Counter((ARTICLE[i], ARTICLE[i + 1]) for i in range(12))
    assert corpus.prefix_counts(1).tolist() == [[pairs_of_starts[a, b] for b in "01"] for a in "01"]


def test_an_empty_sequence_is_refused_with_an_example():
    for text, tokens in (("", "chars"), ("", "words"), (" \n ", "words")):
        with pytest.raises(SequenceError, match=r"empty.*111101111011110"):
            Corpus.from_text(text, 3, tokens=tokens)
    with pytest.raises(SequenceError, match="empty"):
        Corpus.from_text("", 3, vocabulary="01")


def test_a_sequence_no_longer_than_the_context_is_refused_with_a_length_that_fits():
    with pytest.raises(SequenceError, match=r"3 tokens.*context_length=3.*at least 4.*context_length=2"):
        Corpus.from_text("101", 3)
    Corpus.from_text("101", 2)


def test_a_sequence_of_one_token_is_told_to_grow_and_not_to_use_context_zero():
    with pytest.raises(SequenceError, match=r"1 token,.*longer sequence\.$"):
        Corpus.from_text("1", 3, vocabulary="01")


def test_a_single_symbol_is_refused_with_advice():
    with pytest.raises(SequenceError, match=r"only '1'.*second symbol"):
        Corpus.from_text("11111", 3)


def test_a_huge_context_is_refused_at_once():
    with pytest.raises(SequenceError, match=r"context_length=1000000.*context_length=14"):
        Corpus.from_text(ARTICLE, 10**6)


@pytest.mark.parametrize("text", [list("1101"), b"1101", 1101, None])
def test_a_sequence_that_is_no_text_is_refused(text):
    with pytest.raises(SequenceError, match="must be a text"):
        Corpus.from_text(text, 3)


@pytest.mark.parametrize("K", [0, -1, 1.5, "3", True, None, float("nan")])
def test_context_lengths_that_are_no_counts_are_refused(K):
    with pytest.raises(SettingError, match="context_length"):
        Corpus.from_text(ARTICLE, K)
    with pytest.raises(SettingError, match="context_length"):
        Corpus.from_tokens([0, 1, 0], K, Vocabulary("01"))


def test_symbols_missing_from_a_given_vocabulary_are_refused():
    with pytest.raises(VocabularyError, match="'2'"):
        Corpus.from_text("0120", 1, vocabulary="01")


def test_an_unknown_way_to_read_text_is_named_before_the_text_is_blamed():
    with pytest.raises(SettingError, match="'letters'"):
        Corpus.from_text(ARTICLE, 3, tokens="letters")


def test_loss_floor_of_unknown_positions_is_refused():
    with pytest.raises(SettingError, match="'first'"):
        Corpus.from_text(ARTICLE, 3).loss_floor("first")


def test_repr_states_examples_and_floor():
    assert repr(Corpus.from_text(ARTICLE, 3)) == (
        "Corpus(12 examples, 4 distinct contexts of 3, 2 symbols, floor 0.346574 nats)"
    )
