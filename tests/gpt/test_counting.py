from __future__ import annotations

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from babygpt.gpt import counting
from babygpt.gpt.counting import WindowCounter, window_numbers


def naive(tokens, K, V):
    """Count every window one by one in a dictionary."""
    found = Counter(tuple(tokens[i : i + K + 1]) for i in range(len(tokens) - K))
    contexts = sorted({window[:K] for window in found})
    counts = np.zeros((len(contexts), V), dtype=np.int64)
    for window, times in found.items():
        counts[contexts.index(window[:K]), window[K]] = times
    return [list(context) for context in contexts], counts.tolist()


def counted(pieces, K, V):
    counter = WindowCounter(K, V)
    for piece in pieces:
        counter.add(piece)
    contexts, counts = counter.result()
    assert contexts.dtype == counts.dtype == np.int64
    assert contexts.shape == (len(counts), K)
    assert counts.shape[1] == V
    return contexts.tolist(), counts.tolist()


@given(st.integers(2, 9), st.data())
def test_window_numbers_read_each_window_in_base_v(V, data):
    tokens = data.draw(st.lists(st.integers(0, V - 1), min_size=1, max_size=30))
    length = data.draw(st.integers(1, min(len(tokens), 18)))
    expected = [int("".join(map(str, tokens[i : i + length])), V) for i in range(len(tokens) - length + 1)]
    assert window_numbers(np.array(tokens), length, V).tolist() == expected


@pytest.mark.parametrize(("V", "length"), [(2, 16), (2, 17), (2, 31), (2, 32), (2, 62), (7, 11), (7, 12), (40, 11)])
def test_window_numbers_are_exact_at_the_edge_of_every_width(V, length):
    tokens = np.full(length + 1, V - 1, dtype=np.uint8)
    assert window_numbers(tokens, length, V).tolist() == [V**length - 1] * 2


@given(st.data())
@pytest.mark.parametrize("table", [0, 2**20])
def test_any_pieces_of_any_sequence_count_as_a_dictionary_does(table, data):
    V = data.draw(st.sampled_from([2, 3, 5, 40]))
    K = data.draw(st.sampled_from([1, 2, 3, 5, 8, 11, 12, 30, 61, 62, 63, 70, 130]))
    kind = data.draw(st.sampled_from([np.uint8, np.int32, np.int64]))
    word = data.draw(st.lists(st.integers(0, V - 1), min_size=1, max_size=20))
    tokens = (word * (1 + (2 * K + 20) // len(word)))[: K + data.draw(st.integers(0, K + 20))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(tokens)), max_size=6)))
    pieces = [np.array(tokens[a:b], dtype=kind) for a, b in zip([0, *cuts], [*cuts, len(tokens)], strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "TABLE", table)
        patch.setattr(counting, "CHUNK", data.draw(st.integers(1, 50)))
        assert counted(pieces, K, V) == naive(tokens, K, V)


@pytest.mark.parametrize(("V", "K"), [(2, 16), (27, 3), (27, 6), (2, 70)])
def test_a_long_sequence_counts_the_same_with_and_without_a_table(monkeypatch, V, K):
    tokens = np.random.default_rng(0).integers(V, size=20_000).astype(np.uint8)
    tokens[5_000:12_000] = tokens[:7_000]
    monkeypatch.setattr(counting, "CHUNK", 1_000)
    with_table = counted([tokens], K, V)
    monkeypatch.setattr(counting, "TABLE", 0)
    assert counted([tokens], K, V) == with_table
    assert sum(map(sum, with_table[1])) == 20_000 - K


def test_memory_does_not_grow_with_the_length(monkeypatch):
    monkeypatch.setattr(counting, "CHUNK", 2**12)

    def peak(n):
        counter = WindowCounter(6, 2)
        tracemalloc.start()
        for _ in range(n):
            counter.add(np.zeros(2**12, dtype=np.uint8))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(200) < 1.2 * peak(5)


@pytest.mark.parametrize("pieces", [[], [[]], [[0, 1]], [[0], [], [1]]])
def test_what_is_shorter_than_a_window_has_none(pieces):
    assert counted([np.array(piece, dtype=np.int64) for piece in pieces], 2, 2) == ([], [])


@pytest.mark.parametrize("K", [10**6, 10**9])
def test_a_context_whose_windows_no_computer_could_number_is_answered_at_once(K):
    assert WindowCounter(K, 2).result()[1].shape == (0, 2)
