from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from babygpt.chain.contexts import (
    MAX_ARROWS,
    all_contexts,
    check_fits,
    check_size,
    contexts_between,
    count_short,
    count_states,
    human_bytes,
    number_of,
    row_of,
    successors,
)
from babygpt.errors import SettingError, SizeError

DIGITS = "0123456789"
sizes = st.tuples(st.integers(2, 7), st.integers(1, 5)).filter(lambda vk: vk[0] ** vk[1] <= 3000)


def texts(V, length):
    return ["".join(t) for t in product(DIGITS[:V], repeat=length)]


def test_article_has_eight_states_and_fourteen_contexts():
    assert count_states(2, 3) == 8
    assert count_short(2, 3) + count_states(2, 3) == 14
    assert ["".join(map(str, c)) for c in all_contexts(2, 3)] == [
        "000", "001", "010", "011", "100", "101", "110", "111",
    ]  # fmt: skip


@given(sizes)
def test_counts_are_those_of_listing_all_contexts(size):
    V, K = size
    assert count_states(V, K) == len(texts(V, K))
    assert count_short(V, K) == sum(len(texts(V, t)) for t in range(1, K))


@given(sizes)
def test_contexts_come_in_the_order_of_their_texts(size):
    V, K = size
    assert ["".join(map(str, c)) for c in all_contexts(V, K)] == texts(V, K)


@given(sizes, st.data())
def test_numbering_and_spelling_undo_each_other(size, data):
    V, K = size
    state = data.draw(st.integers(0, V**K - 1))
    digits = contexts_between(state, state + 1, V, K)
    assert digits.shape == (1, K)
    assert number_of(digits[0], V) == state
    text = "".join(map(str, digits[0]))
    assert int(text, V) == state


@given(sizes, st.data())
def test_a_range_of_contexts_is_a_slice_of_all(size, data):
    V, K = size
    start = data.draw(st.integers(0, V**K))
    stop = data.draw(st.integers(start, V**K))
    np.testing.assert_array_equal(contexts_between(start, stop, V, K), all_contexts(V, K)[start:stop])


@given(sizes)
def test_rows_count_all_contexts_in_order_of_length_then_text(size):
    V, K = size
    every = [text for t in range(1, K + 1) for text in texts(V, t)]
    assert [row_of([int(c) for c in text], V) for text in every] == list(range(len(every)))


@given(sizes)
def test_successors_append_the_token_and_drop_the_oldest(size):
    V, K = size
    states = texts(V, K)
    table = successors(V, K)
    assert table.shape == (len(states), V)
    for text, row in zip(states, table, strict=True):
        assert [states[s] for s in row] == [(text + c)[1:] for c in DIGITS[:V]]


@given(sizes)
def test_v_arrows_leave_each_state_and_v_enter_it(size):
    V, K = size
    table = successors(V, K)
    assert all(len(set(row)) == V for row in table.tolist())
    assert (np.bincount(table.ravel(), minlength=V**K) == V).all()


@given(sizes)
def test_only_constant_contexts_can_follow_themselves(size):
    V, K = size
    table = successors(V, K)
    loops = [s for s in range(V**K) if s in table[s]]
    assert [texts(V, K)[s] for s in loops] == [c * K for c in DIGITS[:V]]


def test_the_largest_size_that_fits_is_taken_and_the_next_refused():
    check_size(2, 26)  # 2**26 states with 2 arrows each
    with pytest.raises(SizeError):
        check_size(2, 27)
    check_size(2, 3, limit=16)
    with pytest.raises(SizeError):
        check_size(2, 3, limit=15)


def test_too_many_states_are_told_with_memory_limit_and_the_context_that_fits():
    with pytest.raises(SizeError) as error:
        check_size(27, 6)
    message = str(error.value)
    for part in ("context_length=6", "27 symbols", "387,420,489 states", "77.9 GiB", "limit is 1.0 GiB",
                 "context_length=4"):  # fmt: skip
        assert part in message
    check_size(27, 4)
    with pytest.raises(SizeError):
        check_size(27, 5)


@given(st.integers(2, 11_000), st.integers(1, 40))
def test_the_context_length_that_is_advised_fits_and_one_more_does_not(V, K):
    if V ** (K + 1) <= MAX_ARROWS:
        check_size(V, K)
        return
    with pytest.raises(SizeError) as error:
        check_size(V, K)
    advised = int(str(error.value).split("Try context_length=")[1].split(",")[0])
    check_size(V, advised)
    with pytest.raises(SizeError):
        check_size(V, advised + 1)


def test_too_many_symbols_for_any_context_are_told_so():
    with pytest.raises(SizeError, match="With 50,257 symbols not even context_length=1 fits: use fewer symbols"):
        check_size(50_257, 1024)


def test_an_enormous_context_is_refused_without_computing_its_number_of_states():
    with pytest.raises(SizeError, match=r"about 10\^301,030 states.*context_length=26"):
        check_size(2, 10**6)
    with pytest.raises(SizeError, match=r"10\^3,010,299,957"):
        check_size(2, 10**10)


@pytest.mark.parametrize(("V", "K"), [(2, 10**400), (10**30, 2)], ids=["context", "vocabulary"])
def test_sizes_beyond_any_float_are_refused_too(V, K):
    with pytest.raises(SizeError):
        check_size(V, K)


@pytest.mark.parametrize("K", [62, 63, 64, 70, 500])
def test_numpy_integers_do_not_wrap_around_into_small_sizes(K):
    with pytest.raises(SizeError):
        check_size(2, np.int64(K))


def table_bytes(V, K, itemsize):
    """Return the bytes of a table with a row for every context, short ones too."""
    return sum(V**t for t in range(1, K + 1)) * V * itemsize


def fits(V, K, itemsize, room):
    try:
        check_fits(V, K, itemsize, room, "free memory")
    except SizeError:
        return False
    return True


vocabularies = st.integers(2, 60) | st.integers(2, 100_000)
rooms = st.integers(0, 2**20) | st.integers(0, 2**45)


@given(vocabularies, st.integers(1, 60), st.sampled_from([4, 8]), rooms)
def test_a_table_fits_exactly_if_its_bytes_do(V, K, itemsize, room):
    size = table_bytes(V, K, itemsize)
    assert fits(V, K, itemsize, room) == (size <= room)
    assert not fits(V, K, itemsize, size - 1)
    assert fits(V, K, itemsize, size) or V**K > 2**49  # more than any memory holds


@given(vocabularies, st.integers(1, 10**12), st.sampled_from([4, 8]), rooms)
def test_the_context_length_that_is_advised_has_room_and_one_more_has_not(V, K, itemsize, room):
    try:
        check_fits(V, K, itemsize, room, "free memory")
    except SizeError as error:
        message = str(error)
    else:
        return
    if "Try context_length=" not in message:
        assert f"With {V:,} symbols not even context_length=1 fits" in message
        assert not fits(V, 1, itemsize, room)
        return
    advised = int(message.split("Try context_length=")[1].split(",")[0])
    assert advised < K
    assert fits(V, advised, itemsize, room)
    assert not fits(V, advised + 1, itemsize, room)


def test_half_the_room_for_a_number_gives_binary_contexts_one_token_more():
    assert [max(K for K in range(1, 40) if fits(2, K, itemsize, 2**30)) for itemsize in (8, 4)] == [25, 26]


def test_a_table_that_does_not_fit_is_told_with_size_room_and_what_would():
    with pytest.raises(SizeError) as error:
        check_fits(27, 6, 8, 2**30, "free on the disk of table.npy")
    for part in ("context_length=6 over 27 symbols", "387,420,489 states", "there is 1.0 GiB free on the disk of table",
                 "Try context_length=4"):  # fmt: skip
        assert part in str(error.value)


def test_the_size_that_is_told_exceeds_the_room_that_is_told():
    V, K, room = 2, 16, 3 * 2**19  # the states take 1 MiB, the short contexts as much again
    with pytest.raises(SizeError) as error:
        check_fits(V, K, 8, room, "free memory")
    assert "1.5 MiB free memory" in str(error.value)
    assert "take 2.0 MiB" in str(error.value)


@pytest.mark.parametrize("K", [10**6, 10**9, 10**12, 10**400])
def test_room_for_an_enormous_context_is_refused_without_computing_its_number_of_states(K):
    with pytest.raises(SizeError, match=r"about 10\^.* states.*Try context_length=25"):
        check_fits(2, K, 8, 2**30, "free memory")


@pytest.mark.parametrize("K", [0, -3, 1.0, True, None])
def test_room_for_a_context_length_that_is_no_count_is_refused(K):
    with pytest.raises(SettingError, match="context_length"):
        check_fits(2, K, 8, 2**30, "free memory")


@pytest.mark.parametrize("K", [0, -3, 1.0, True, None])
def test_a_context_length_that_is_no_count_is_refused(K):
    with pytest.raises(SettingError, match="context_length"):
        check_size(2, K)


def test_bytes_are_told_in_the_unit_that_keeps_them_short():
    assert [human_bytes(n) for n in (0, 1023, 1024, 5 * 2**20, 2**50, 2**70)] == [
        "0 bytes", "1,023 bytes", "1.0 KiB", "5.0 MiB", "1.0 PiB", "1,048,576.0 PiB",
    ]  # fmt: skip
