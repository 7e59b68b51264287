"""What a sweep would take is told before it is planned, and long before it is begun."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import babygpt as bg

RATES = [i / 1e6 for i in range(1, 1001)]
MILLION = {"fixed": {"sequence": "0110101", "context_length": 2}, "grid": {"seed": "0..999", "learning_rate": RATES}}


def test_a_million_trainings_are_refused_at_once_unless_they_are_meant(tmp_path: Path) -> None:
    begun = time.process_time()
    with pytest.raises(bg.SizeError, match=r"1,000,000 combinations.*the limit is 100,000.*limit=1000000"):
        bg.sweep(MILLION, tmp_path / "out")
    assert time.process_time() - begun < 1
    assert not (tmp_path / "out").exists()


def test_more_than_the_limit_are_refused_and_as_many_are_done(tmp_path: Path) -> None:
    spec = {"fixed": {"sequence": "0110101", "context_length": 1, "steps": 1}, "grid": {"seed": "0..2"}}
    with pytest.raises(bg.SizeError, match="3 combinations"):
        bg.sweep(spec, tmp_path / "out", jobs=1, limit=2)
    assert bg.sweep(spec, tmp_path / "out", jobs=1, limit=3).n_tasks == 3


def test_trainings_that_take_a_year_only_together_are_refused(tmp_path: Path) -> None:
    fixed = {"sequence": "0110101", "context_length": 1, "steps": 10**8, "n_layer": 100}
    with pytest.raises(bg.SizeError, match=r"1,000 trainings take 6 years or more on one machine"):
        bg.sweep({"fixed": fixed, "grid": {"seed": "0..999"}}, tmp_path / "out", jobs=1)


def test_fit_refuses_a_batch_that_no_memory_holds() -> None:
    gpt, corpus = bg.GPT(bg.GPTConfig(1, 2, 1, 1, 4)), bg.Corpus.from_text("0110101", 1)
    with pytest.raises(bg.SizeError, match="A batch of 1,000,000,000,000 examples"):
        bg.fit(gpt, corpus, bg.TrainConfig(batch_size=10**12))
