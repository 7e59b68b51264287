from __future__ import annotations

import doctest
import importlib
import json
import subprocess
import sys

import pytest
import typer

import babygpt as bg
from babygpt.errors import InputError

cli = importlib.import_module("babygpt.cli.main")


def options():
    """Return every option of every command."""
    commands = list(typer.main.get_command(cli.app).commands.values())
    for command in commands:  # a command may have commands of its own
        commands += getattr(command, "commands", {}).values()
    return {option for command in commands for parameter in command.params for option in parameter.opts}


# -- an error in the command line's words --------------------------------------------------------------------


def test_examples_in_docstrings_hold():
    results = doctest.testmod(cli)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("context_length=0 is not a whole number.", "--context 0 is not a whole number."),
        ("Try context_length=3.", "Try --context 3."),
        ("Use block_size=2, n_layer=1 or n_head=4.", "Use --context 2, --layers 1 or --heads 4."),
        ("n_embd=15; n_head=4", "--width 15; --heads 4"),
        ("(top_k=0)", "(--top-k 0)"),
        ("top_p=1.5 is not a share", "--top-p 1.5 is not a share"),
        ("min_p=-0.1, temperature=nan", "--min-p -0.1, --temperature nan"),
        ("learning_rate=1e-05.", "--learning-rate 1e-05."),
        ("layout='spiral' is not known.", "--layout 'spiral' is not known."),
        ("Replace it on purpose: replace=True.", "Replace it on purpose: --replace."),
        ("within=-1 is not a whole number of at least 0.", "--within -1 is not a whole number of at least 0."),
    ],
)
def test_settings_are_told_as_options(message, said):
    assert cli.in_options(message) == said


@pytest.mark.parametrize(
    "message",
    [
        "There is no step 51: this run has the steps 0 to 50.",
        "epsilon=2 is no distance between 0 and 1.",
        "The context_length must be the same.",
        "my_steps=3 and nsteps=3 are other words.",
        "steps = 3",
        "",
    ],
)
def test_what_is_no_setting_is_left_alone(message):
    assert cli.in_options(message) == message


@pytest.mark.parametrize(
    "name",
    list(cli._OPTION),
)
def test_every_name_an_error_may_use_is_an_option_of_some_command(name):
    assert cli._OPTION[name] in options()


def test_an_error_becomes_one_sentence_in_option_words(babygpt, refused, monkeypatch):
    def load(path):
        raise InputError("n_embd=15 cannot be divided. Try n_embd=16.")

    monkeypatch.setattr(bg.Run, "load", load)
    refused(babygpt("chain", "run"), "error: --width 15 cannot be divided. Try --width 16.")


def test_other_errors_are_not_hidden(babygpt, monkeypatch):
    def load(path):
        raise ZeroDivisionError

    monkeypatch.setattr(bg.Run, "load", load)
    with pytest.raises(ZeroDivisionError):
        babygpt("chain", "run")


# -- the program itself --------------------------------------------------------------------------------------


def test_help_names_every_command(babygpt):
    shown = babygpt("--help").stdout
    for command in ("train", "chain", "sample", "analyse", "input-devices", "sizes", "reproduce"):
        assert f" {command} " in shown


@pytest.mark.parametrize("command", ["analyse", "input-devices"])
def test_help_of_a_command_has_an_example_and_its_options(babygpt, command):
    result = babygpt(command, "--help")
    assert result.exit_code == 0
    assert f"babygpt {command} runs/run-1" in result.stdout
    for option in {"analyse": ("--target", "--json", "--plot"), "input-devices": ("--lookup", "--tokens")}[command]:
        assert option in result.stdout


@pytest.mark.parametrize("command", ["analyse", "input-devices"])
def test_help_waits_for_no_heavy_package(command):
    code = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "from babygpt.cli.main import app\n"
        f"assert CliRunner().invoke(app, ['{command}', '--help']).exit_code == 0\n"
        "print(json.dumps(sorted(set(sys.modules) & {'torch', 'scipy', 'matplotlib', 'pygraphviz', 'quantecon'})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert json.loads(done.stdout) == []
