"""``babygpt runs`` and ``babygpt compare``: what is in a folder, and where two runs differ."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

import babygpt as bg

SMALL = {"n_layer": 1, "n_head": 1, "n_embd": 4}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "runs"
    bg.train("0110100110010110", 2, steps=3, seed=7, **SMALL).save(folder / "morse")
    bg.train("abcab cab", 1, steps=2, **SMALL).save(folder / "abc")
    bg.train("0110100110010110", 2, steps=3, seed=8, **SMALL).save(folder / "other")
    (folder / "notes").mkdir()
    return folder


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def test_each_run_is_a_row_with_what_it_learnt_and_how_near_it_came(babygpt, folder):
    found = rows(babygpt("runs", str(folder), "-f", "ndjson").stdout)
    assert [row["run"] for row in found] == [str(folder / name) for name in ("abc", "morse", "other")]
    run = bg.Run.load(folder / "morse")
    assert found[1] == {
        "run": str(folder / "morse"), "text": "0110100110010110", "context_length": 2, "symbols": 2, "states": 4,
        "parameters": run.config.n_parameters, "seed": 7, "learning_rate": 0.001, "steps": 3,
        "loss": run.losses[-1], "floor": run.floor,
    }  # fmt: skip
    table = babygpt("runs", str(folder)).stdout
    assert "0110100110010110" in table
    assert f"{run.losses[-1]:.4f}" in table


def test_a_broken_run_is_named_and_the_others_are_listed(babygpt, folder):
    (folder / "morse" / "run.json").write_text("{")
    (folder / "abc" / "corpus.safetensors").write_bytes(b"")
    result = babygpt("runs", str(folder), "--format", "json")
    assert [row["run"] for row in json.loads(result.stdout)] == [str(folder / "other")]
    assert result.exit_code == 0
    assert [line.split(" ")[0] for line in result.stderr.splitlines()] == ["warning:", "warning:"]


def test_weights_that_are_not_there_are_not_missed(babygpt, folder):
    for name in ("weights", "history", "optimizer"):
        (folder / "morse" / f"{name}.safetensors").unlink()
    assert len(rows(babygpt("runs", str(folder), "-f", "ndjson").stdout)) == 3


def test_runs_that_are_not_there_are_told(babygpt, refused, folder, tmp_path):
    refused(babygpt("runs", str(tmp_path / "none")), "There is no folder")
    refused(babygpt("runs", str(folder / "abc")), "is a run itself")
    refused(babygpt("runs", str(folder), "-o", str(tmp_path / "rows.xlsx")), "does not end in a known format")
    assert "There are no runs in" in babygpt("runs", str(folder / "notes")).stderr


def test_listing_loads_no_torch(folder):
    code = (
        "import sys; from babygpt.cli.main import main\n"
        f"sys.argv = ['babygpt', 'runs', {str(folder)!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_two_runs_are_compared_arrow_by_arrow(babygpt, folder):
    one, other = str(folder / "morse"), str(folder / "other")
    found = json.loads(babygpt("compare", one, other, "-f", "json").stdout)
    p, q = bg.Run.load(one).chain, bg.Run.load(other).chain
    assert len(found) == 8
    for row in found:
        assert row["first"] == p[row["context"]][row["token"]]
        assert row["second"] == q[row["context"]][row["token"]]
        assert row["difference"] == pytest.approx(row["first"] - row["second"], abs=1e-15)
        assert row["weight"] == pytest.approx(p.stationary_distribution()[row["state"]])
    weighted = [abs(row["weight"] * row["difference"]) for row in found]
    assert weighted == sorted(weighted, reverse=True)
    np.testing.assert_allclose([row["weighted"] for row in found], [r["weight"] * r["difference"] for r in found])
    told = babygpt("compare", one, other)
    assert f"{p.compare(q).mean_kl:.4f} nats" in told.stderr
    assert found[0]["context"] in told.stdout.splitlines()[1]


def test_a_run_differs_nowhere_from_itself(babygpt, folder):
    result = babygpt("compare", str(folder / "abc"), str(folder / "abc"))
    assert "by 0.00%" in result.stderr
    assert "+0.0" in result.stdout


def test_the_comparison_is_written_as_tables_and_drawn(babygpt, folder, tmp_path):
    one, other = str(folder / "morse"), str(folder / "other")
    for name in ("rows.csv", "rows.parquet", "rows.ndjson", "bars.png"):
        assert babygpt("compare", one, other, "-o", str(tmp_path / name)).exit_code == 0
    read = list(csv.DictReader(io.StringIO((tmp_path / "rows.csv").read_text())))
    table = parquet.read_table(tmp_path / "rows.parquet").to_pylist()
    lines = rows((tmp_path / "rows.ndjson").read_text())
    assert [row["context"] for row in read] == [row["context"] for row in table] == [row["context"] for row in lines]
    assert table == lines
    with Image.open(tmp_path / "bars.png") as picture:
        assert picture.size[0] > 500


def test_unlike_chains_are_not_compared(babygpt, refused, folder):
    refused(babygpt("compare", str(folder / "abc"), str(folder / "morse")), "cannot be compared", "another vocabulary")


def test_a_variable_names_where_runs_are_kept(babygpt, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(babygpt("runs").stdout.splitlines()) == 4
    kept = tmp_path / "elsewhere"
    kept.mkdir()
    monkeypatch.setenv("BABYGPT_RUNS", str(kept))
    done = babygpt("train", "0101", "--context", "1", "--steps", "1", "--layers", "1")
    assert done.exit_code == 0, done.output
    assert str(kept / "run-1") in babygpt("runs").stdout
    assert babygpt("train", "0101", "--context", "1", "--steps", "1", "-o", "named").exit_code == 0
    assert "named" not in babygpt("runs").stdout
    assert f"Did you mean {kept / 'run-1'}?" in babygpt("chain", "run-1").stderr
