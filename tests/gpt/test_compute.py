from __future__ import annotations

import pytest
import torch

from babygpt.errors import SettingError
from babygpt.gpt.compute import SMALL_WORK, available_devices, check_device, threads_for


def test_the_cpu_is_always_there():
    assert available_devices()[0] == "cpu"
    assert check_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["tpu", "cuda:99", "", "CPU", None, 0])
def test_unknown_devices_are_refused_with_those_that_exist(name):
    with pytest.raises(SettingError, match=r"no device.*This machine has: cpu"):
        check_device(name)


def test_small_work_gets_one_thread_and_large_work_all(three_threads):
    with threads_for(SMALL_WORK):
        assert torch.get_num_threads() == 1
    with threads_for(SMALL_WORK + 1):
        assert torch.get_num_threads() == 3


def test_thread_count_is_restored_after_an_error(three_threads):
    def fail():
        with threads_for(1):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert torch.get_num_threads() == 3
