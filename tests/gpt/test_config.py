from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from babygpt.errors import InputError, SettingError
from babygpt.gpt.checks import check_setting
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.settings import SETTINGS

NOT_COUNTS = [0, -1, 2.0, float("nan"), float("inf"), "3", None, True, False]


def test_defaults_are_the_articles():
    shape, training = GPTConfig(), TrainConfig()
    assert (shape.block_size, shape.vocab_size, shape.n_layer, shape.n_head, shape.n_embd) == (3, 2, 4, 4, 16)
    assert shape.bias is False
    assert (training.steps, training.learning_rate, training.weight_decay, training.seed) == (
        50, 1e-3, 0.1, 1337,
    )  # fmt: skip
    assert (training.positions, training.batch_size, training.device) == ("last", None, "cpu")


@pytest.mark.parametrize("name", ["block_size", "vocab_size", "n_layer", "n_head", "n_embd"])
@pytest.mark.parametrize("value", NOT_COUNTS)
def test_shapes_that_are_no_counts_are_refused_by_name(name, value):
    with pytest.raises(SettingError, match=f"{name}=.*at least"):
        GPTConfig(**{name: value})


def test_one_symbol_is_not_a_vocabulary():
    with pytest.raises(SettingError, match=r"vocab_size=1 .*at least 2"):
        GPTConfig(vocab_size=1)


@pytest.mark.parametrize(("n_embd", "n_head"), [(10, 4), (2, 3), (17, 16)])
def test_a_width_that_the_heads_do_not_divide_is_refused_with_one_that_they_do(n_embd, n_head):
    with pytest.raises(SettingError, match=f"n_embd={n_embd} .*n_head={n_head} heads.*Try n_embd=") as error:
        GPTConfig(n_embd=n_embd, n_head=n_head)
    suggested = int(str(error.value).rsplit("=", 1)[1].rstrip("."))
    assert suggested >= n_embd
    assert GPTConfig(n_embd=suggested, n_head=n_head).n_embd == suggested


@pytest.mark.parametrize("name", ["steps", "batch_size"])
@pytest.mark.parametrize("value", [v for v in NOT_COUNTS if v is not None])
def test_step_and_batch_counts_are_checked_by_name(name, value):
    with pytest.raises(SettingError, match=f"{name}="):
        TrainConfig(**{name: value})


@pytest.mark.parametrize("value", [-1e-3, float("nan"), float("inf"), -float("inf"), "fast", None, True, 1j])
@pytest.mark.parametrize("name", ["learning_rate", "weight_decay"])
def test_rates_must_be_finite_numbers(name, value):
    with pytest.raises(SettingError, match=f"{name}=.*finite number"):
        TrainConfig(**{name: value})


def test_rates_too_large_for_a_float_are_refused():
    with pytest.raises(SettingError, match="learning_rate"):
        TrainConfig(learning_rate=10**400)


def test_learning_rate_zero_is_refused_and_weight_decay_zero_is_not():
    with pytest.raises(SettingError, match="learning_rate=0 is not a finite number above 0"):
        TrainConfig(learning_rate=0)
    assert TrainConfig(weight_decay=0).weight_decay == 0


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.int64(1)])
def test_rates_may_be_numpy_numbers_as_counts_may(number):
    assert TrainConfig(learning_rate=number).learning_rate == number
    assert TrainConfig(steps=np.int64(7)).steps == 7


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "1337", None, True])
def test_seeds_are_whole_numbers_of_63_bits(seed):
    with pytest.raises(SettingError, match="seed="):
        TrainConfig(seed=seed)
    assert TrainConfig(seed=2**63 - 1).seed == 2**63 - 1


@pytest.mark.parametrize("positions", ["first", "", None, 3])
def test_unknown_positions_are_refused_with_the_known_ones(positions):
    with pytest.raises(SettingError, match="'last' or 'all'"):
        TrainConfig(positions=positions)


def test_a_setting_error_is_an_input_error_and_a_value_error():
    with pytest.raises(InputError):
        GPTConfig(n_head=0)
    with pytest.raises(ValueError, match="n_head"):
        GPTConfig(n_head=0)


def test_settings_cannot_be_changed_after_they_were_checked():
    with pytest.raises(FrozenInstanceError):
        GPTConfig().n_head = 3


def test_an_error_says_which_setting_is_meant_what_it_was_given_and_what_would_do():
    with pytest.raises(SettingError) as caught:
        TrainConfig(learning_rate=-1)
    assert (caught.value.field, caught.value.value, caught.value.advice) == ("learning_rate", -1, None)
    with pytest.raises(SettingError) as caught:
        GPTConfig(n_embd=15)
    assert (caught.value.field, caught.value.value, caught.value.advice) == ("n_embd", 15, 16)
    again = pickle.loads(pickle.dumps(caught.value))  # as a worker tells it
    assert (str(again), again.field, again.advice) == (str(caught.value), "n_embd", 16)


def test_every_default_is_in_its_own_range():
    for setting in SETTINGS.values():
        assert check_setting(setting, setting.default) == setting.default


def test_a_setting_takes_what_its_range_says_and_nothing_else():
    assert check_setting(SETTINGS["weight_decay"], 0) == 0
    for name, wrong in {"steps": 0, "learning_rate": 0, "bias": 1, "positions": "first", "seed": None}.items():
        with pytest.raises(SettingError) as caught:
            check_setting(SETTINGS[name], wrong)
        assert (caught.value.field, caught.value.value) == (name, wrong)
