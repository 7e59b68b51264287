"""The settings of a training stand in many signatures; here they are held to one, that of babygpt.train."""

from __future__ import annotations

import dataclasses
import importlib
import inspect

import pytest
import typer

import babygpt as bg
from babygpt.app.stage import scripts, setup
from babygpt.lab.settings import SETTINGS

cli = importlib.import_module("babygpt.app.cli")


def said_by(function):
    """Return the defaults of a function by the names of its parameters."""
    return {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}


ARTICLE = {name: default for name, default in said_by(bg.train).items() if default is not inspect.Parameter.empty}


def option(name):
    """Return what a setting is called on the command line."""
    return cli._OPTION.get(name, f"--{name}")


def said_by_command(command):
    """Return the defaults of a command's options by the library's names of the settings."""
    parameters = typer.main.get_command(cli.app).commands[command].params
    options = {opt: parameter.default for parameter in parameters for opt in parameter.opts}
    return {name: options[option(name)] for name in ARTICLE if option(name) in options}


def said_by_configs():
    fields = [*dataclasses.fields(bg.GPTConfig), *dataclasses.fields(bg.TrainConfig)]
    return {field.name.replace("block_size", "context_length"): field.default for field in fields}


@pytest.mark.parametrize(
    ("said", "left_out"),
    [
        (said_by_configs(), {"vocabulary", "tokens"}),
        (said_by(bg.Ensemble.train), {"seed"}),
        (said_by(bg.study), {"seed"}),
        (said_by(bg.attribute), {"seed"}),
        ({name: default for name, (_, default) in SETTINGS.items()}, {"device"}),
        (dataclasses.asdict(setup.ARTICLE), {"device"}),
        (said_by_command("train"), set()),
        (said_by_command("seeds"), {"seed"}),
        (said_by_command("attribute"), set()),
    ],
    ids=["configs", "Ensemble", "study", "attribute", "sweep", "studio", "$ train", "$ seeds", "$ attribute"],
)
def test_every_training_has_the_settings_of_train_by_their_names_and_with_their_defaults(said, left_out):
    shared = {name: default for name, default in said.items() if name in ARTICLE}
    assert shared == {name: default for name, default in ARTICLE.items() if name not in left_out}


def test_the_run_that_is_marked_or_retrained_is_that_of_trains_seed():
    seed = ARTICLE["seed"]
    assert said_by(bg.SeedStudy.mark)["seed"] == said_by(bg.SeedStudy.summary)["mark"] == seed
    assert said_by(bg.attribute)["seeds"] == (seed,)
    assert said_by(cli.seeds)["mark"] == seed


def test_the_studio_writes_the_options_of_the_command_line():
    for name in ARTICLE:
        assert "--" + scripts._OPTIONS.get(name, name).replace("_", "-") == option(name)
