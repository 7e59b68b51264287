from __future__ import annotations

import errno
import shutil
import signal
import subprocess
import sys
import time
from itertools import islice

import numpy as np
import pytest

import babygpt as bg
from babygpt.errors import RunError
from babygpt.run import files
from babygpt.run.checkpoints import EVERY, SHARE, Checkpoints
from babygpt.run.training import Training

ARTICLE = "111101111011110"


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def training_of(steps, **settings):
    return Training(bg.Corpus.from_text(ARTICLE, 3), bg.GPTConfig(3, 2, 1, 2, 8), bg.TrainConfig(steps, **settings))


def assert_same_run(a, b):
    assert np.array_equal(a.losses, b.losses)
    assert np.array_equal(a.history.table, b.history.table)
    assert all(np.array_equal(a.weights[name], b.weights[name]) for name in b.weights)
    assert all(np.array_equal(a.optimizer[name], b.optimizer[name]) for name in b.optimizer)
    assert a.train_config == b.train_config


def test_there_is_one_a_minute(tmp_path):
    clock, training = Clock(), training_of(100)
    checkpoints = Checkpoints(tmp_path / "run", clock=clock)
    saved = []
    for step in training:
        clock.now += 7.0
        if checkpoints.offer(training):
            saved.append((step.index, bg.Run.load(tmp_path / "run").steps))
    assert EVERY == 60
    assert saved == [(index, index) for index in range(9, 101, 9)]


def test_where_saving_takes_long_there_are_fewer(tmp_path, monkeypatch):
    clock, training, offered = Clock(), training_of(400), []
    real = files.save_run

    def slow(*given):
        clock.now += 30
        return real(*given)

    monkeypatch.setattr(files, "save_run", slow)
    checkpoints = Checkpoints(tmp_path / "run", clock=clock)
    for _ in training:
        clock.now += 10
        if checkpoints.offer(training):
            offered.append(clock.now)
    assert np.diff(offered).min() >= 30 / SHARE
    assert len(offered) * 30 <= SHARE * clock.now + 30


@pytest.mark.parametrize("settings", [{}, {"batch_size": 3}, {"positions": "all"}], ids=["plain", "batch", "all"])
def test_from_any_of_them_training_ends_as_if_never_broken_off(tmp_path, settings):
    training, whole = training_of(8, **settings), training_of(8, **settings)
    list(whole)
    checkpoints = Checkpoints(tmp_path / "run", every=0)
    for step in training:
        checkpoints.save(training.result())
        if step.index < 8:
            again = Training.resume(bg.Run.load(tmp_path / "run"))
            list(again)
            assert_same_run(again.result(), whole.result())
    assert_same_run(training.result(), whole.result())  # and saving has changed nothing


def test_what_somebody_else_put_there_meanwhile_is_not_replaced(tmp_path, small_run):
    training = training_of(5)
    checkpoints = Checkpoints(tmp_path / "run", every=0)
    list(islice(training, 2))
    checkpoints.save(training.result())
    checkpoints.save(training.result())  # one's own is
    shutil.rmtree(tmp_path / "run")
    small_run.save(tmp_path / "run")
    with pytest.raises(RunError, match="exists already"):
        checkpoints.save(training.result())
    assert bg.Run.load(tmp_path / "run").steps == small_run.steps


def test_a_run_that_is_there_at_first_is_replaced_only_on_purpose(tmp_path, small_run):
    small_run.save(tmp_path / "run")
    training = training_of(5)
    list(islice(training, 2))
    with pytest.raises(RunError, match="exists already"):
        Checkpoints(tmp_path / "run").save(training.result())
    Checkpoints(tmp_path / "run", replace=True).save(training.result())
    assert bg.Run.load(tmp_path / "run").steps == 2


def test_one_that_fails_is_told_and_the_next_is_a_minute_later(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space")

    clock, training = Clock(), training_of(5)
    checkpoints = Checkpoints(tmp_path / "run", clock=clock)
    steps = iter(training)
    next(steps)
    clock.now = 61.0
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_new", full)
        with pytest.raises(RunError, match="No space"):
            checkpoints.offer(training)
    assert not checkpoints.offer(training)
    next(steps)
    clock.now = 122.0
    assert checkpoints.offer(training)
    assert bg.Run.load(tmp_path / "run").steps == 2


def test_a_training_that_is_killed_goes_on_from_its_last_checkpoint(tmp_path):
    """One checkpoint, soon; the next in hours: what the kill finds is whole, and older than the training."""
    program = (
        "from babygpt.run import checkpoints; checkpoints.EVERY, checkpoints.SHARE = 0.05, 1e-9\n"
        "from babygpt.cli.main import main; main()"
    )
    command = ["train", ARTICLE, "--layers", "1", "--heads", "2", "--width", "8", "--batch-size", "3", "--out", "run"]
    with subprocess.Popen(
        [sys.executable, "-c", program, *command, "--steps", "1000000"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        while not (tmp_path / "run").exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    run = bg.Run.load(tmp_path / "run")
    assert 0 < run.steps < run.train_config.steps == 1_000_000
    going_on = Training.resume(run, run.steps + 20)
    list(going_on)
    whole = training_of(run.steps + 20, batch_size=3)
    list(whole)
    assert_same_run(going_on.result(), whole.result())
