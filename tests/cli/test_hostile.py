"""A stranger's run: nothing that its symbols, or a folder's name, would have a terminal do is done anywhere."""

from __future__ import annotations

import csv
import doctest
import io
import json
import re
from pathlib import Path

import pytest

import babygpt as bg
from babygpt.draw import formats
from babygpt.gpt import signs
from babygpt.lab.tables import write_table

# Colours, a link, the one-byte form of ESC [, directions of writing, NUL, formulas of spreadsheets, markup.
WORDS = [
    "\x1b[31mred\x1b[0m", "\x1b]8;;http://evil\x1b\\x", "\x9b31m", "\u202eevil", "a\0b", "=cmd|'/C'!A0", "@SUM(1)",
    "+1", "-1", "\u2066x", "\x7f", "<script>",
]  # fmt: skip
CHARS = ["\x1b", "\x9b", "\u202e", "\0", "\x07", "\r", "=", "a", "\u200f", "\x7f", "\u2028", "\b"]
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
SMALL = {"steps": 2, "n_layer": 1, "n_head": 1, "n_embd": 2, "context_length": 1}
OPTIONS = ("--context", "1", "--steps", "2", "--layers", "1", "--heads", "1", "--width", "2")
RUNS = {"words": (WORDS, " "), "chars": (CHARS, "")}
every_run = pytest.mark.parametrize("name", RUNS)


def text_of(name):
    symbols, between = RUNS[name]
    return between.join([*symbols, *symbols[::2], *symbols])


@pytest.fixture(scope="module")
def runs():
    return {
        name: bg.train(text_of(name), vocabulary=bg.Vocabulary(tuple(symbols), name), **SMALL)
        for name, (symbols, _) in RUNS.items()
    }


@pytest.fixture
def saved(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name, run in runs.items():
        run.save(name)
    return runs


COMMANDS = {
    "chain": ["chain", "RUN"],
    "short": ["chain", "RUN", "--short-contexts"],
    **{f"chain {kind}": ["chain", "RUN", "--format", kind] for kind in ("csv", "json", "dot", "graphml", "svg")},
    "sample": ["sample", "RUN"],
    "sample plain": ["sample", "RUN", "--plain"],
    "sample start": ["sample", "RUN", "--start", "FIRST"],
    "analyse": ["analyse", "RUN", "--all", "--target", "FIRST", "--text", "TEXT"],
    "analyse json": ["analyse", "RUN", "--json", "--target", "FIRST", "--text", "TEXT"],
    "over training": ["analyse", "RUN", "--over-training", "loss"],
    "input-devices": ["input-devices", "RUN", "--lookup", "FIRST=FIRST"],
    "check": ["check", "RUN"],
    "resume lines": ["train", "--resume", "RUN", "--steps", "3", "--out", "new"],
    "resume table": ["train", "--resume", "RUN", "--steps", "3", "--out", "new\x1b[31m", "--show", "table"],
    "train": ["train", "TEXT", "--tokens", "RUN", "--out", "new", *OPTIONS],
    "seeds": ["seeds", "TEXT", "--tokens", "RUN", "--seeds", "2", *OPTIONS],
    "attribute": ["attribute", "TEXT", "--tokens", "RUN", "--seeds", "2", *OPTIONS],
}
MISTAKES = {
    "start": ["sample", "RUN", "--start", "zz\x1b[31m\u202e"],
    "target": ["analyse", "RUN", "--target", "zz\x1b\x9b"],
    "no run": ["chain", "no\x1b[31m\u202e"],
    "no run there": ["check", "bad\x1b[31m"],
    "scalar": ["analyse", "RUN", "--over-training", "\x1b[31m"],
    "ending": ["chain", "RUN", "--out", "a\x1b.xyz"],
    "command": ["foo\x1b[31m"],
    "model": ["sizes", "\x1b[31m"],
    "source": ["sources", "\x1b[31m"],
    "judge": ["sources", "even", "--judge", "RUN"],
    "sweep": ["sweep", "\x1b.toml"],
    "vocabulary": ["train", "ab\x1b\u202eab", "--vocabulary", "ab"],
}


def test_examples_in_docstrings_hold():
    results = doctest.testmod(signs)
    assert results.attempted > 0
    assert results.failed == 0


def given(command, name):
    words = {"RUN": name, "FIRST": RUNS[name][0][0], "TEXT": text_of(name)}
    return ["=".join(words.get(part, part) for part in word.split("=")) for word in command]


@every_run
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_command_prints_what_a_terminal_obeys(babygpt, saved, name, command):
    result = babygpt(*given(command, name))
    assert result.exit_code == 0, result.stderr
    assert OBEYED.findall(result.stdout) == []
    assert OBEYED.findall(result.stderr) == []


@every_run
@pytest.mark.parametrize("command", MISTAKES.values(), ids=MISTAKES)
def test_no_error_prints_what_a_terminal_obeys(babygpt, saved, name, command):
    Path("bad\x1b[31m").mkdir()
    result = babygpt(*given(command, name))
    assert result.exit_code == 2
    assert OBEYED.findall(result.output + result.stderr) == []


@every_run
def test_what_notebooks_show_is_harmless(runs, name):
    run = runs[name]
    for shown in (run._repr_html_(), run.chain._repr_svg_(), repr(run), repr(run.chain), repr(run.corpus.vocabulary)):
        assert OBEYED.findall(shown) == []
    assert "<script>" not in run._repr_html_() + run.chain._repr_svg_()


@every_run
def test_json_is_harmless_and_reads_back_exactly(runs, name):
    content = formats.export(runs[name].chain, "json").decode()
    assert OBEYED.findall(content) == []
    assert json.loads(content)["vocabulary"] == RUNS[name][0]


@every_run
def test_csv_shows_signs_and_tells_states_by_their_number(runs, name, tmp_path):
    chain = runs[name].chain
    write_table(tmp_path / "a.csv", chain.rows())
    text = (tmp_path / "a.csv").read_bytes()
    assert text == formats.export(chain, "csv")
    rows = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
    assert [int(row["state"]) for row in rows] == [state for state in range(12) for _ in range(12)]
    expected = [symbol if symbol == "\r" else signs.harmless(symbol) for symbol in RUNS[name][0]]
    assert [row["token"] for row in rows[:12]] == expected
    assert set(OBEYED.findall("".join(row["context"] + row["next"] for row in rows))) <= {"\r"}


def test_what_a_spreadsheet_takes_for_a_formula_is_told(babygpt, saved):
    assert "for a formula" in babygpt("chain", "words", "--format", "csv").stderr
    assert "for a formula" not in babygpt("chain", "words", "--format", "json").stderr


def test_every_character_that_is_obeyed_has_a_sign():
    every = "".join(map(chr, range(0xD800)))
    assert OBEYED.sub("", signs.harmless(every)).replace("\t", "") == signs.harmless(every).replace("\t", "")
    for kept in ("床前明月光", "\t\n", "👨\u200d👩\u200d👧", "ab c", "é"):
        assert signs.harmless(kept) == kept
