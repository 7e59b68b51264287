from __future__ import annotations

import shutil

import pytest


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
