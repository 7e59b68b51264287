from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyarrow import parquet

import babygpt as bg
from babygpt.lab.store import read_results

ARTICLE = "111101111011110"
SPEC = f"""
outcomes = ["gap", "losses"]

[fixed]
sequence = "{ARTICLE}"
steps = 3
n_layer = 1
n_head = 1
n_embd = 4

[grid]
context_length = [1, 2, 3]
seed = "0..1"
"""
DRIVER = (sys.executable, "-c", "from babygpt.cli.main import main; main()")


@pytest.fixture
def spec(babygpt):
    """Return the name of a spec in the working folder."""
    Path("first.toml").write_text(SPEC)
    return "first.toml"


def test_results_go_into_a_folder_named_after_the_spec_and_its_table_is_printed(babygpt, spec):
    result = babygpt("sweep", spec, "--jobs", 1)
    assert (result.exit_code, result.stdout) == (0, "sweeps/first/results.parquet\n")
    assert parquet.read_table(result.stdout.strip()).equals(bg.sweep(spec, "library", jobs=1).table)
    assert "training" in result.stderr
    assert "6/6" in result.stderr
    assert result.stderr.splitlines()[-1] == "6 trainings: 6 done"


def test_every_option_is_the_librarys(babygpt, spec, monkeypatch):
    from babygpt.lab import sweep as lab

    asked = {}

    def record(spec, out, **settings):
        asked.update(settings | {"spec": str(spec), "out": str(out)})
        raise bg.SweepError("enough")

    monkeypatch.setattr(lab, "sweep", record)
    babygpt("sweep", "--out", "there", spec, "--jobs", 3, "--backend", "threading", "--scheduler", "tcp://h:1",
            "--limit", 5)  # fmt: skip
    assert asked.pop("progress")
    assert asked.pop("limit") == 5
    assert asked == {"spec": spec, "out": "there", "jobs": 3, "backend": "threading", "scheduler": "tcp://h:1"}


def test_the_same_command_goes_on(babygpt, spec):
    babygpt("sweep", spec, "--jobs", 1)
    Path("first.toml").write_text(SPEC.replace("[1, 2, 3]", "[1, 2, 3, 4]"))
    assert babygpt("sweep", spec, "--jobs", 1).stderr.splitlines()[-1] == "8 trainings: 8 done (6 known before)"


def test_what_diverged_and_what_failed_is_said(babygpt, spec, monkeypatch):
    Path("first.toml").write_text(SPEC + "learning_rate = [1e-3, 1e30]\n")
    result = babygpt("sweep", spec, "--jobs", 1)
    assert result.stderr.splitlines()[-1] == "12 trainings: 6 done, 6 diverged"
    assert result.exit_code == 0  # that a training diverges is a result

    def fail(*args, **settings):
        raise MemoryError

    monkeypatch.setattr(bg.Ensemble, "of", fail)
    result = babygpt("sweep", spec, "--jobs", 1, "--out", "other")
    assert (result.exit_code, result.stdout) == (1, "other/results.parquet\n")
    said, why, so = result.stderr.splitlines()[-3:]
    assert said == "12 trainings: 12 failed"
    assert why.startswith("warning: The memory ran out for this training. Try ")
    assert so == "12 of 12 trainings failed; the same command tries them again."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("n_layer = 1", "n_layers = 1"), ["'n_layers'", "Did you mean n_layer?"]),
        (("steps = 3", 'steps = "3"'), ['steps = "3"', "whole number"]),
        (("[1, 2, 3]", "[]"), ["context_length in [grid] has no values"]),
        (('"0..1"', '"0..333333333"'), ["1,000,000,002 combinations", "1,000,000"]),
        (("n_embd = 4", "n_embd = 4\nn_head = 3"), ["is not TOML", "line 10"]),
        (("n_head = 1", "n_head = 3"), ["n_embd = 4", "n_head = 3", "n_embd = 6"]),
        (('["gap", "losses"]', '["gpa"]'), ["'gpa'", "gap"]),
    ],
)
def test_a_spec_that_cannot_be_used_is_refused_in_a_sentence(babygpt, refused, spec, change, words):
    Path("first.toml").write_text(SPEC.replace(*change))
    refused(babygpt("sweep", spec), *words)
    assert not Path("sweeps").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.toml"], ["missing.toml cannot be read: No such file"]),
        (["first.toml", "--jobs", "0"], ["--jobs 0", "at least 1"]),
        (["first.toml", "--limit", "5"], ["6 combinations", "the limit is 5", "--limit 6"]),
        (["first.toml", "--backend", "dask"], ["--backend dask", "--scheduler tcp://HOST:8786"]),
        (["first.toml", "--scheduler", "tcp://h:1"], ["--scheduler tcp://h:1", "Try --backend dask."]),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_in_a_sentence(babygpt, refused, spec, arguments, words):
    refused(babygpt("sweep", *arguments), *words)


def test_a_real_limit_on_the_size_of_files_is_told_in_a_sentence(spec):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = subprocess.run(
        [*DRIVER, "sweep", spec, "--jobs", "1"], capture_output=True, text=True, preexec_fn=limit, env=_env()
    )
    assert (done.returncode, done.stdout) == (2, "")
    said = r"error: The table cannot be written to .*\.parquet: File too large\. The results so far are kept.*\.\n$"
    assert re.search(said, done.stderr)
    assert "Traceback" not in done.stderr
    assert not list(Path("sweeps").rglob(".*"))


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_done_and_says_how_to_go_on(spec):
    Path("first.toml").write_text(SPEC.replace("[1, 2, 3]", "[1, 2, 3, 4, 5, 6, 7, 8]").replace("= 3", "= 300", 1))
    process = subprocess.Popen(
        [*DRIVER, "sweep", spec, "--jobs", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_env(), start_new_session=True,
        # tests that run in the background of a shell would hand on that they ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    parts = Path("sweeps/first/parts")
    while process.poll() is None and not list(parts.glob("*.parquet")):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers too
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.rstrip().endswith(
        "Stopped. What was done is kept in sweeps/first, and the same command goes on from it."
    )
    assert "Traceback" not in err
    assert read_results("sweeps/first").num_rows >= 2


def _env():
    root = Path(bg.__file__).parents[1]
    return os.environ | {"PYTHONPATH": str(root)}


# -- the picture -------------------------------------------------------------------------------------------


def test_the_picture_is_drawn_into_the_file_named(babygpt, spec):
    babygpt("sweep", spec, "--jobs", 1)
    result = babygpt(
        "sweep", "plot", "sweeps/first", "--x", "context_length", "--y", "gap", "--by", "seed", "--out", "a.svg"
    )
    assert (result.exit_code, result.stdout) == (0, "a.svg\n")
    assert ">context_length</text>" in Path("a.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--x", "seed", "--y", "gap"], ["no results of a sweep in nowhere", "babygpt sweep SPEC.toml"]),
        (["sweeps/first", "--x", "sed", "--y", "gap"], ["no column 'sed'", "Did you mean seed?"]),
        (["sweeps/first", "--x", "seed", "--y", "losses"], ["'losses' holds no single numbers"]),
        (["sweeps/first", "--x", "seed", "--y", "gap", "--out", "a.bmp"], ["a.bmp", ".svg, .png or .pdf"]),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(babygpt, refused, spec, arguments, words):
    babygpt("sweep", spec, "--jobs", 1)
    refused(babygpt("sweep", "plot", *arguments), *words)


def test_help_shows_both_ways_to_use_it(babygpt):
    shown = babygpt("sweep", "--help").stdout
    assert "babygpt sweep SPEC.toml" in shown
    assert "babygpt sweep plot" in shown
    assert "--scheduler" in babygpt("sweep", "run", "--help").stdout
