"""Every command that prints rows writes them for programs too: the same facts in each format."""

from __future__ import annotations

import csv
import io
import json

import pytest
from pyarrow import parquet

import babygpt as bg

COMMANDS = {
    "check": ["check", "run"],
    "reproduce": ["reproduce"],
    "sample": ["sample", "run", "--tokens", "12", "--start", "101"],
    "input-devices": ["input-devices", "run", "--tokens", "500"],
    "analyse": ["analyse", "run"],
    "runs": ["runs", "."],
    "compare": ["compare", "run", "run"],
    "sizes": ["sizes"],
    "sources": ["sources", "coin(0.5)"],
}


@pytest.fixture
def run(article_run, tmp_path):
    article_run.save(tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_same_rows_come_in_every_format(babygpt, run, tmp_path, command):
    def asked(*how):
        done = babygpt(*command, *how)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    lines = [json.loads(line) for line in asked("--format", "ndjson").splitlines()]
    assert lines
    if command[0] != "analyse":  # there it is the one object of --json
        assert json.loads(asked("--format", "json")) == lines
    as_csv = list(csv.DictReader(io.StringIO(asked("--format", "csv"))))
    assert [list(row) for row in as_csv] == [list(row) for row in lines]
    for row, told in zip(as_csv, lines, strict=True):
        for name, value in told.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                assert float(row[name]) == pytest.approx(value)
            elif isinstance(value, str):
                assert row[name] == value
    asked("--out", "rows.parquet")
    assert parquet.read_table(tmp_path / "rows.parquet").num_rows == len(lines)
    again = babygpt(*command, "--out", "rows.parquet")
    assert again.exit_code == 2
    assert "already" in again.stderr


def test_a_sample_as_rows_is_the_walk(babygpt, run):
    done = babygpt("sample", "run", "--tokens", "12", "--start", "101", "--format", "ndjson")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    chain = bg.Run.load(run).chain
    assert [row["token"] for row in rows] == list(chain.walk("101", 12, 0).text)
    for row in rows:
        assert row["probability"] == pytest.approx(chain[row["context"]][row["token"]])
        assert row["next"] == (row["context"] + row["token"])[1:]


def test_answers_as_rows_are_those_of_json(babygpt, run):
    whole = json.loads(babygpt("analyse", "run", "--json").stdout)
    assert babygpt("analyse", "run", "--format", "json").stdout == babygpt("analyse", "run", "--json").stdout
    rows = [json.loads(line) for line in babygpt("analyse", "run", "--format", "ndjson").stdout.splitlines()]
    for row in rows:
        assert json.loads(row["value"]) == whole[row["section"]][row["question"]]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["sample", "run", "--plain", "--format", "csv"], "--plain prints the tokens alone"),
        (["analyse", "run", "--json", "--format", "csv"], "two formats"),
        (["check", "run", "--out", "rows.xlsx"], "does not end in a known format"),
    ],
)
def test_formats_that_do_not_go_together_are_refused(babygpt, run, command, said):
    done = babygpt(*command)
    assert done.exit_code == 2
    assert said in done.stderr
