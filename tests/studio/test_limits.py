from __future__ import annotations

import pytest

import babygpt as bg
from babygpt.studio.limits import Limits, RefusedError


@pytest.mark.parametrize(("V", "K"), [(2, 20), (3, 12), (27, 4), (1000, 2)])
def test_the_largest_context_that_is_advised_is_the_largest_that_is_allowed(V, K):
    limits = Limits()
    limits.check_size(V, K)
    with pytest.raises(RefusedError, match=f"Try context_length={K}") as error:
        limits.check_size(V, K + 1)
    assert error.value.values["fits"] == K


def test_symbols_too_many_for_any_context_are_told_so():
    with pytest.raises(RefusedError, match="fewer symbols"):
        Limits(states=100).check_size(101, 1)


def test_a_class_gets_less_than_a_person_alone():
    one, many = Limits(), Limits.for_a_class()
    for name in ("states", "steps", "text", "memory"):
        assert getattr(many, name) < getattr(one, name)
    many.check_size(2, 16)  # DESIGN's largest map


def test_the_largest_states_of_a_class_fit_its_memory():
    Limits.for_a_class().check_memory(bg.GPTConfig(16, 2), 50)
    Limits.for_a_class().check_memory(bg.GPTConfig(3, 27), 50)


def test_symbols_whose_arrows_fill_the_memory_are_refused():
    with pytest.raises(RefusedError, match=r"50,000 states takes about .* GiB"):
        Limits().check_memory(bg.GPTConfig(1, 50_000), 50)


def test_where_others_take_the_memory_what_is_left_is_the_limit():
    left = [2**30]
    limits = Limits(room=lambda need: left[0])
    config = bg.GPTConfig(3, 2)
    limits.check_memory(config, 50)
    left[0] = limits.need(config, 50)
    limits.check_memory(config, 50)
    with pytest.raises(RefusedError, match=r"the studio has .* left for it"):
        limits.check_memory(config, 100)
    left[0] -= 1
    with pytest.raises(RefusedError, match=r"the studio has .* left for it"):
        limits.check_memory(config, 50)


def test_what_a_training_keeps_grows_with_its_steps_up_to_what_may_be_kept():
    limits, config = Limits.for_a_class(), bg.GPTConfig(3, 2)
    needs = [limits.need(config, steps) for steps in (0, 50, 1000, 10**6, 10**7)]
    assert needs[0] < needs[1] < needs[2] < needs[3] == needs[4]
    assert needs[4] - needs[0] < limits.frames
    assert needs[1] < 2**22  # the article's takes little


def test_a_refusal_is_an_input_error_with_its_reasons():
    with pytest.raises(bg.InputError) as error:
        Limits(steps=5).check_steps(6)
    assert (error.value.code, error.value.field) == ("steps", "steps")
    assert error.value.values == {"steps": 6, "limit": 5}
    assert str(error.value) == "steps=6 is more than the studio's limit of 5."
