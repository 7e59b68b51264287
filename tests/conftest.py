from __future__ import annotations

import math
import os

import pytest
import torch
from hypothesis import settings
from typer.testing import CliRunner

import babygpt as bg
from babygpt.cli.main import app

ARTICLE = "111101111011110"

# No deadlines: how long an example takes depends on the machine. Derandomised: a red test stays red.
settings.register_profile("babygpt", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("babygpt")

torch.set_num_threads(1)
os.environ["BABYGPT_LANG"] = "en"  # whatever the system speaks


@pytest.fixture(autouse=True)
def one_thread():
    """Begin every test on one thread, whatever something of an earlier one set when it was collected."""
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def article_run():
    """Return the article's run; shared, so read only."""
    return bg.train(ARTICLE, context_length=3, steps=50, seed=1337)


@pytest.fixture
def small_run():
    """Return a run that trains in milliseconds."""
    return bg.train(ARTICLE, context_length=3, steps=6, seed=3, n_layer=1, n_head=2, n_embd=8)


@pytest.fixture
def three_threads():
    """Let torch have three threads during the test."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def second_seed_breaks(monkeypatch):
    """Let the second GPT of every ensemble end with a loss that is no number."""
    train = bg.Ensemble.of.__func__

    def one_breaks(cls, *given, **settings):
        ensemble = train(cls, *given, **settings)
        ensemble.losses[1, -1] = math.nan
        return ensemble

    monkeypatch.setattr(bg.Ensemble, "of", classmethod(one_breaks))


@pytest.fixture
def babygpt(tmp_path, monkeypatch):
    """Return the command line as a function, working in an empty folder."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner(env={"FORCE_COLOR": None, "NO_COLOR": None, "COLUMNS": None})

    def call(*arguments, stdin=None):
        result = runner.invoke(app, [str(a) for a in arguments], input=stdin, prog_name="babygpt")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call
