from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from babygpt.gpt.fast import scratch as module
from babygpt.gpt.fast.scratch import Scratch, scratch_of_this_thread

LIKE = torch.empty(0)
names = st.sampled_from(["x", "y", ("total", 0), ("total", 1), None])
shapes = st.lists(st.integers(0, 7), min_size=1, max_size=3).map(tuple)


def test_memory_by_one_name_is_the_same_with_what_was_left_in_it():
    scratch = Scratch(LIKE)
    scratch("x", 2, 3).copy_(torch.arange(6.0).view(2, 3))
    assert scratch("x", 2, 3).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert scratch("x", 3, 2).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert scratch("x", 4).tolist() == [0, 1, 2, 3]


@given(st.lists(st.tuples(names, shapes), max_size=30), st.sampled_from([1, 10, 100]))
def test_what_is_written_under_one_name_never_shows_under_another(requests, portion):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PORTION", portion)  # so that memory runs out, and more is asked for, in between
        scratch, held = Scratch(LIKE), {}
        for number, (name, shape) in enumerate(requests):
            memory = scratch(name, *shape)
            assert memory.shape == shape
            assert memory.is_contiguous()
            memory.fill_(number)
            held[name] = memory, number
            for kept, last in held.values():
                assert (kept == last).all()


@given(st.lists(shapes, min_size=1, max_size=10))
def test_a_smaller_or_equal_shape_is_the_beginning_of_the_largest_so_far(requested):
    requested.sort(key=math.prod, reverse=True)
    scratch = Scratch(LIKE)
    whole = scratch("x", *requested[0]).fill_(0).flatten()
    for number, shape in enumerate(requested):
        part = scratch("x", *shape).fill_(number)
        assert (whole[: part.numel()] == number).all()


def test_a_shape_asked_for_before_the_memory_grew_is_in_the_memory_as_it_is_now():
    scratch = Scratch(LIKE)
    scratch("x", 2).fill_(1)
    scratch("x", 5).fill_(2)
    assert scratch("x", 2).tolist() == [2, 2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_memory_is_of_the_kind_that_was_asked_for(dtype):
    memory = Scratch(torch.empty(3, dtype=dtype))("x", 5)
    assert memory.dtype == dtype
    assert memory.device.type == "cpu"


def test_more_than_a_portion_is_given_too(monkeypatch):
    monkeypatch.setattr(module, "PORTION", 8)
    scratch = Scratch(LIKE)
    small, large = scratch("small", 2).fill_(1), scratch("large", 1000).fill_(2)
    assert small.tolist() == [1, 1]
    assert large.eq(2).all()


def test_a_thread_meets_its_own_memory_again_and_no_other_threads():
    both = Barrier(2)

    def look():
        mine = scratch_of_this_thread(LIKE)
        both.wait(10)  # so that two threads are at it
        return mine, scratch_of_this_thread(torch.empty(7, 3))

    with ThreadPoolExecutor(2) as pool:
        (a, a_again), (b, b_again) = [future.result() for future in [pool.submit(look), pool.submit(look)]]
    assert a is a_again
    assert b is b_again
    assert a is not b
    assert scratch_of_this_thread(LIKE) not in (a, b)


def test_a_thread_has_one_memory_for_each_kind_of_number():
    single, double = scratch_of_this_thread(LIKE), scratch_of_this_thread(LIKE.double())
    assert single is not double
    assert single("x", 1).dtype == torch.float32
    assert double("x", 1).dtype == torch.float64
