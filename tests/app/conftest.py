from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

from babygpt.app.cli import app


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


@pytest.fixture(scope="session")
def kept_article_run(article_run, tmp_path_factory):
    """Return the folder of the article's run; shared, so read only."""
    return article_run.save(tmp_path_factory.mktemp("runs") / "article")


@pytest.fixture
def article_folder(kept_article_run, tmp_path):
    """Return a folder with the article's run that a test may change."""
    return shutil.copytree(kept_article_run, tmp_path / "article")


@pytest.fixture
def refused():
    """Return a check that a call was refused in one sentence, and that the sentence has what it should say."""

    def check(result, *words, after_training=False):
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        lines = result.stderr.splitlines()
        if not after_training:
            assert len(lines) == 1, lines
        errors = [line for line in lines if line.startswith("error: ")]
        assert errors == lines[-1:]
        for word in words:
            assert word in errors[0]

    return check
