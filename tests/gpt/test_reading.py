from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import babygpt as bg
from babygpt.errors import SequenceError
from babygpt.gpt.reading import BORDER, Reading, windows_within

JOURNEYS = "start look look buy\nstart look ask buy\nstart ask look ask\nstart look look ask buy\nstart ask ask"


def reading(text, **options):
    return Reading.of(lambda: iter([text[:7], text[7:]]), **options)


def steps(corpus):
    """Return how often each word follows each, as words."""
    symbols = corpus.vocabulary.symbols
    return {
        (symbols[context[0]], symbols[token]): int(row[token])
        for context, row in zip(corpus.contexts, corpus.counts, strict=True)
        for token in np.flatnonzero(row)
    }


def test_the_lines_of_journeys_are_sequences_whose_steps_are_counted_by_hand():
    found = reading(JOURNEYS, tokens="words")
    assert not found.joined
    by_hand = Counter(step for line in JOURNEYS.splitlines() for step in pairwise(line.split()))
    assert steps(found.corpus(1)) == by_hand
    assert not any(left == "buy" for left, _ in by_hand)


@pytest.mark.parametrize(
    ("text", "options", "joined"),
    [
        ("a b a b", {"tokens": "words"}, True),
        ("a b\n\n", {"tokens": "words"}, True),
        ("sun\nrain\nsun\nsun", {"tokens": "words"}, True),
        ("a b\nb a", {"tokens": "words"}, False),
        ("sun\nrain sun", {"tokens": "words"}, False),
        ("a b\nb a", {"tokens": "words", "lines": False}, True),
        ("ab\nba", {}, True),
        ("ab\nba", {"lines": True}, False),
        ("sun,rain,sun\nrain,sun", {"tokens": "words"}, False),
        ("sun, rain,\nrain, sun", {"tokens": "words"}, True),  # the list goes on
        ("heavy rain,sun\nsun,heavy rain", {"separator": ","}, False),
        ("heavy rain\nsun\nheavy rain", {"separator": ","}, True),
        ("heavy rain\nsun\nheavy rain", {"separator": "\t"}, True),
    ],
)
def test_lines_are_sequences_where_they_hold_several_words_or_someone_says_so(text, options, joined):
    assert reading(text, **options).joined == joined


@given(
    st.lists(st.text("ab ", max_size=6), min_size=1, max_size=5), st.sampled_from(["chars", "words"]), st.integers(1, 3)
)
def test_no_window_crosses_a_line_and_none_within_is_lost(lines, tokens, K):
    text = "\n".join(lines)
    assume("a" in text)
    assume("b" in text)
    found = reading(text, tokens=tokens, vocabulary="a b ab ba aa bb" if tokens == "words" else "ab ", lines=True)
    split = (lambda line: line.split()) if tokens == "words" else list
    wanted = Counter(
        tuple(parts[i : i + K + 1])
        for line in lines
        if line.strip()
        for parts in [split(line)]
        for i in range(len(parts) - K)
    )
    assume(wanted)
    assume(all(word in found.vocabulary for line in lines if line.strip() for word in split(line)))
    corpus = found.corpus(K)
    symbols = corpus.vocabulary.symbols
    counted = Counter()
    for context, row in zip(corpus.contexts, corpus.counts, strict=True):
        for token in np.flatnonzero(row):
            counted[(*(symbols[t] for t in context), symbols[token])] = int(row[token])
    assert counted == wanted
    ids = found.tokens()
    windows = np.lib.stride_tricks.sliding_window_view(ids, K + 1) if len(ids) > K else np.zeros((0, K + 1), dtype=int)
    within = windows_within(ids, K + 1)
    assert within.tolist() == [BORDER not in window for window in windows.tolist()]
    assert within.sum() == wanted.total()


def test_one_sequence_has_no_border():
    assert reading("a b\nb a", tokens="words", lines=False).tokens().tolist() == [0, 1, 1, 0]
    assert reading("a b\nb a", tokens="words").tokens().tolist() == [0, 1, BORDER, 1, 0]
    assert reading("ab\n\nba", lines=True).tokens().tolist() == [0, 1, BORDER, 1, 0]


def test_a_reading_is_trained_on_and_attributed_within_its_lines():
    small = {"steps": 3, "n_layer": 1, "n_head": 1, "n_embd": 4}
    text = "a b a\nb b"
    found = reading(text, tokens="words")
    run = bg.train(found, 1, **small)
    by_hand = bg.Corpus.from_sequences([["a", "b", "a"], ["b", "b"]], 1, tokens="words")
    np.testing.assert_array_equal(run.corpus.counts, by_hand.counts)
    held = bg.attribute(found, "token", context_length=1, **small)
    assert held.positions.tolist() == [0, 1, 2, 4, 5]  # 3 is the border
    for i, (place, token) in enumerate(zip(held.positions, held.replacements, strict=True)):
        ids = held.tokens.copy()
        ids[place] = token
        lines = np.split(ids, [3])
        changed = bg.Corpus.from_sequences([lines[0], lines[1][1:]], 1, by_hand.vocabulary)
        expected = bg.train(changed, **small).chain.probs
        np.testing.assert_allclose(held.changed[i], expected, atol=1e-5)
    left_out = bg.attribute(found, "window", context_length=1, **small)
    assert left_out.positions.tolist() == [0, 1, 4]
    assert [influence.was for influence in sorted(left_out.strongest("a", "b"), key=lambda i: i.position)] == [
        "a b", "b a", "b b",
    ]  # fmt: skip


def test_what_is_too_short_for_the_context_says_how_long_the_longest_is():
    with pytest.raises(SequenceError, match="The longest of 2 sequences has 2 tokens"):
        reading("a b\nb a", tokens="words").corpus(2)
