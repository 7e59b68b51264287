from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

BABYGPT = str(Path(sys.executable).with_name("babygpt"))


def rows(result):
    assert result.exit_code == 0
    table = result.stdout.split("\n\n")[0]
    return [line.split() for line in table.splitlines()[1:]]


def test_the_articles_numbers_stand_above_the_corrected_ones(babygpt):
    assert rows(babygpt("sizes")) == [
        ["baby-gpt", "2", "3", "8", "3", "0.4", "bytes", "8", "states"],
        ["gpt-2", "50,257", "2,048", "10^9,628", "31,984", "3,998", "bytes", "3,998", "kB"],  # as the article prints it
        ["corrected", "50,257", "1,024", "10^4,814", "15,992", "1,999", "bytes"],
        ["gpt-3", "50,257", "4,096", "10^19,256", "63,967", "7,996", "bytes", "8", "kB"],
        ["corrected", "50,257", "2,048", "10^9,628", "31,984", "3,998", "bytes"],
        ["gpt-4", "50,257", "32,768", "10^154,049", "511,739", "64.0", "kB", "64", "kB"],
        ["corrected", "100,277", "32,768", "10^163,879", "544,395", "68.0", "kB"],
    ]
    text = babygpt("sizes").stdout
    for word in ("Atari 800", "Commodore 64", "kB for bytes", "GPT-2's real context length is 1,024", "2,048"):
        assert word in text


@pytest.mark.parametrize("name", ["gpt-2", "gpt2", "GPT-2"])
def test_named_models_stand_alone(babygpt, name):
    table = rows(babygpt("sizes", name))
    assert [row[0] for row in table] == ["gpt-2", "corrected"]


def test_a_size_of_ones_own(babygpt):
    table = rows(babygpt("sizes", "--vocab", 27, "--context", 8))
    assert table == [["yours", "27", "8", "282,429,536,481", "38", "4.8", "bytes"]]
    both = rows(babygpt("sizes", "gpt-3", "--vocab", 27, "--context", 8))
    assert [row[0] for row in both] == ["gpt-3", "corrected", "yours"]


def test_two_tokens_and_a_context_of_one_are_the_smallest(babygpt):
    assert rows(babygpt("sizes", "--vocab", 2, "--context", 1))[0][:5] == ["yours", "2", "1", "2", "1"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gpt-9"], ["'gpt-9'", "gpt-2", "--vocab"]),
        (["--vocab", "27"], ["both", "--context"]),
        (["--context", "8"], ["both", "--vocab"]),
        (["--vocab", "1", "--context", "8"], ["--vocab of at least 2"]),
        (["--vocab", "27", "--context", "0"], ["--context of at least 1"]),
        (["--vocab", "27", "--context", "-1"], ["--context of at least 1"]),
    ],
)
def test_sizes_that_are_none_are_refused_in_a_sentence(babygpt, refused, arguments, words):
    refused(babygpt("sizes", *arguments), *words)


def test_a_context_length_beyond_all_bounds_is_answered_or_refused(babygpt):
    assert babygpt("sizes", "--vocab", 2, "--context", "1" + "0" * 400).exit_code in (0, 2)


def test_the_table_can_be_read_in_a_terminal_of_80_columns(babygpt, monkeypatch):
    monkeypatch.setattr("babygpt.cli.console.out", lambda: Console(width=80, highlight=False))
    text = babygpt("sizes").stdout
    for word in ("Commodore", "Atari", "vocabulary", "corrected", "10^163,879"):
        assert word in text


@pytest.mark.parametrize("arguments", [["--help"], ["sizes"], ["train", "--help"], ["--version"]])
def test_what_needs_no_torch_does_not_load_it(arguments):
    code = """
import sys
from babygpt.cli.main import app
try:
    app(sys.argv[1:])
except SystemExit as end:
    print("ended with", end.code)
print("loaded", *sorted({"torch", "numpy", "pygraphviz", "matplotlib"} & set(sys.modules)))"""
    out = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-2:] == ["ended with 0", "loaded"] or out.splitlines()[-2:] == ["ended with 0", "loaded "]


def test_the_program_is_installed_and_answers():
    done = subprocess.run([BABYGPT, "sizes", "gpt-2"], capture_output=True, text=True, check=True)
    assert "31,984" in done.stdout
    assert done.stderr == ""


def test_help_lists_every_command_and_each_has_an_example(babygpt):
    text = babygpt("--help").stdout
    commands = [
        "studio", "train", "runs", "chain", "sample", "export", "analyse", "input-devices", "compare", "seeds",
        "attribute", "sources",
        "sweep", "check", "sizes", "reproduce", "help",
    ]  # fmt: skip
    assert re.findall(r"^│ ([a-z][a-z-]*) ", text, flags=re.MULTILINE) == commands
    for command in commands[:-1]:
        assert f"babygpt {command} " in babygpt(command, "-h").stdout.replace("\n", " ")


def test_without_arguments_help_is_shown(babygpt):
    result = babygpt()
    assert "Usage: babygpt" in result.output
    assert "reproduce" in result.output


def test_the_version_is_the_packages(babygpt):
    import babygpt as package

    assert babygpt("--version").stdout == f"babygpt {package.__version__}\n"
    assert babygpt("-V").stdout == babygpt("--version").stdout


@pytest.mark.parametrize("names", [[], ["train"], ["sweep", "plot"]])
def test_help_says_what_the_option_says(babygpt, names):
    assert babygpt("help", *names).stdout == babygpt(*names, "--help").stdout


def test_help_of_no_command_says_which_is_near(babygpt):
    result = babygpt("help", "trian")
    assert result.exit_code == 2
    assert "There is no command trian." in result.output


def test_a_shell_completes_commands_and_options(babygpt, monkeypatch):
    assert "complete" in babygpt("--show-completion", "bash").stdout
    for line, word in (("babygpt tra", "train"), ("babygpt train --st", "--steps")):
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
        monkeypatch.setenv("_BABYGPT_COMPLETE", "complete_bash")
        done = subprocess.run([sys.executable, "-m", "babygpt"], capture_output=True, text=True, check=True)
        assert word in done.stdout.split()
        monkeypatch.delenv("_BABYGPT_COMPLETE")


def test_unknown_commands_and_options_are_usage_errors(babygpt):
    for arguments in (["teach"], ["sizes", "--big"]):
        result = babygpt(*arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert arguments[-1] in result.stderr


def test_running_out_of_memory_is_told_in_a_sentence(babygpt, refused, monkeypatch):
    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr("babygpt.cli.commands.sizes.known_models", exhausted)
    refused(babygpt("sizes"), "memory", "shorter context")


def test_sizes_and_sources_are_rows_for_other_programs(babygpt, tmp_path):
    found = json.loads(babygpt("sizes", "gpt-3", "--vocab", "27", "--context", "8", "-f", "json").stdout)
    assert [row["model"] for row in found] == ["gpt-3", "gpt-3 corrected", "yours"]
    assert found[2]["bits"] == pytest.approx(8 * np.log2(27))
    assert babygpt("sources", "-o", str(tmp_path / "sources.csv")).exit_code == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "sources.csv").read_text())))
    golden = next(row for row in rows if row["source"].startswith("golden_mean"))
    assert float(golden["entropy_rate"]) == pytest.approx(2 / 3 * np.log(2))
    assert babygpt("sources", "even", "--tokens", "9", "-f", "csv").exit_code == 2
