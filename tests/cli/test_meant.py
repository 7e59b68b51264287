from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import typer

import babygpt as bg

cli = importlib.import_module("babygpt.cli.main")


def commands(group=None):
    """Yield the name and the command of every command and of every group."""
    group = group or typer.main.get_command(cli.app)
    yield "", group
    for name, command in group.commands.items():
        yield name, command
        if hasattr(command, "commands"):
            yield from ((f"{name} {inner}".strip(), found) for inner, found in commands(command))


@pytest.fixture
def here(tmp_path, monkeypatch, article_run):
    """Work in a folder with a run here and one among others, a spec and a text."""
    monkeypatch.chdir(tmp_path)
    article_run.save("mine")
    article_run.save("runs/run-1")
    Path("spec.toml").write_text("")
    Path("poem.txt").write_text("abcabc")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("plot mine", ["babygpt chain mine --out chain.svg", "babygpt analyse mine --plot", "babygpt sweep plot"]),
        ("plot", ["babygpt chain RUN --out chain.svg"]),
        ("Draw runs/run-1", ["babygpt chain runs/run-1 --out chain.svg"]),
        ("generate mine --tokens 5", ["babygpt sample mine draws tokens"]),
        ("convert mine", ["babygpt chain mine --out chain.csv", "babygpt export mine page.html"]),
        ("resume mine", ["babygpt train --resume mine"]),
        ("ls", ["babygpt runs"]),
        ("diff mine", ["babygpt compare"]),
        ("commands", ["babygpt --help", "babygpt train --help"]),
        ("version", ["babygpt --version"]),
        ("trian 0101", ["no command trian", "Did you mean: babygpt train 0101"]),
        ("analyze mine --json", ["Did you mean: babygpt analyse mine --json"]),
        ("atribute '0 1'", ["Did you mean: babygpt attribute '0 1'"]),
        ("111101111011110", ["Did you mean: babygpt train 111101111011110"]),
        ("poem.txt", ["Did you mean: babygpt train poem.txt"]),
        ("'my peom.txt' --steps 9", ["Did you mean: babygpt train 'my peom.txt' --steps 9"]),
        ("spec.toml", ["Did you mean: babygpt sweep spec.toml"]),
        ("mine", ["mine is a run: babygpt chain mine"]),
        ("sample mine 101", ["got 101 beside mine", "Did you mean: babygpt sample mine --start 101"]),
        ("sample mine '1 0'", ["babygpt sample mine --start '1 0'"]),
        ("analyse mine 000", ["babygpt analyse mine --target 000"]),
        ("analyse mine a.svg", ["babygpt analyse mine --plot a.svg"]),
        ("chain mine a.svg", ["babygpt chain mine --out a.svg"]),
        ("chain mine runs/run-1", ["chain takes one RUN, and got runs/run-1 beside mine", "chain --help"]),
        ("sample mine 1 0 1", ["sample takes one RUN, and got 1 0 1 beside mine"]),
        ("input-devices mine 11=0", ["babygpt input-devices mine --lookup 11=0"]),
        ("sources even 2000", ["babygpt sources even --tokens 2000"]),
        ("sources even mine", ["babygpt sources even --judge mine"]),
        ("reproduce all", ["reproduce takes no argument, and got all"]),
        ("studio 8080", ["studio takes no argument, and got 8080"]),
        ("sweep spec.toml more", ["sweep run takes one SPEC.toml, and got more beside spec.toml"]),
        ("sweep plott sweeps/x --x a", ["Did you mean: babygpt sweep plot sweeps/x --x a"]),
        ("attribute mine", ["mine is a run, which keeps the counts", "babygpt attribute 111101111011110"]),
        ("seeds runs/run-1", ["runs/run-1 is a run, which keeps the counts", "babygpt seeds 111101111011110"]),
        ("train mine", ["mine is a run", "babygpt train --resume mine"]),
        ("chain 111101", ["There is no run at 111101.", "train on it first: babygpt train 111101"]),
        ("analyse 'the cat the cat'", ["babygpt train 'the cat the cat'"]),
        ("chain " + "01" * 200, [f"train on it first: babygpt train {'01' * 200}"]),
        ("sample mine " + "01" * 200, ["babygpt sample mine --start 0101"]),
        ("01" * 200, ["Did you mean: babygpt train 0101"]),
        ("sample run-1", ["There is no run at run-1. Did you mean runs/run-1?"]),
        ("chain runs/run-2", ["There is no run at runs/run-2. Did you mean runs/run-1?"]),
        ("chain mine/run.json", ["Its folder is one: mine"]),
        ("input-devices runs", ["runs is not a run", "There are runs/run-1 in it."]),
        ("sources even --judge mien", ["There is no run at mien"]),
    ],
)
def test_what_was_almost_said_is_answered_with_what_was_meant(babygpt, refused, here, line, words):
    import shlex

    refused(babygpt(*shlex.split(line)), *words)


@pytest.mark.parametrize("line", ["chain nowhere", "chain poem.txt", "sample " + "/".join(["abcdef" * 50] * 2)])
def test_where_nothing_is_clear_the_message_is_the_runs_own(babygpt, refused, here, line):
    path = line.partition(" ")[2]
    with pytest.raises(bg.RunError) as own:
        bg.Run.load(path)
    refused(babygpt(*line.split(" ", 1)), str(own.value).partition(":")[0])


def test_an_unknown_option_names_those_that_are_near(babygpt, here):
    for line, option in (("chain mine --frmat csv", "--format"), ("train 01 --step 3", "--steps")):
        result = babygpt(*line.split())
        assert result.exit_code == 2
        assert option in result.stderr


def test_words_that_are_answered_are_no_commands_and_their_answers_name_commands():
    from babygpt.cli.meant import _SECOND, _WORDS

    names = {name for name, _ in commands()}
    assert not names & {word for words in _WORDS for word in words}
    for answer in _WORDS.values():
        asked = [part.split()[0] for part in answer.split("babygpt ")[1:]]
        assert all(name in names or name in ("--help", "--version") for name in asked)
    options = {name: {o for p in command.params for o in p.opts} for name, command in commands()}
    for name, ways in _SECOND.items():
        assert {option for _, option in ways} <= options[name]


def test_no_help_shows_a_value_that_nobody_can_give(babygpt):
    for name, _ in commands():
        shown = babygpt(*name.split(), "--help").stdout
        assert "bool" not in shown.lower(), name
        assert "--help" in shown
    assert "<int>" in babygpt("train", "--help").stdout
