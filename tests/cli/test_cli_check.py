from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import babygpt as bg


def test_a_run_that_holds_exits_with_0(babygpt, small_run):
    small_run.save("run")
    result = babygpt("check", "run")
    assert result.exit_code == 0
    assert result.stdout.count("✓ holds") == len(small_run.check().findings) == len(result.stdout.splitlines()) - 1
    assert "Nothing is off." in result.stderr


def test_a_run_that_was_changed_and_signed_anew_exits_with_1(babygpt, small_run):
    losses = small_run.losses.copy()
    losses[2] -= 1e-3
    replace(small_run, losses=losses).save("run")
    bg.Run.load("run")  # whose checksums are right
    result = babygpt("check", "run")
    assert result.exit_code == 1
    assert [line for line in result.stdout.splitlines() if "✗ is off" in line and "after step 2" in line]
    assert result.stdout.count("✗ is off") == 1
    assert "not what it says" in result.stderr


def test_a_run_that_is_damaged_or_missing_exits_with_2(babygpt, small_run):
    small_run.save("run")
    with Path("run", "weights.safetensors").open("r+b") as file:
        file.truncate(100)
    for name, words in (("run", "not as it was saved"), ("nowhere", "no run at nowhere")):
        result = babygpt("check", name)
        assert result.exit_code == 2
        assert words in result.stderr
        assert result.stdout == ""
