"""The settings of a training stand in many signatures; here they are held to one, that of babygpt.train."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import inspect
from itertools import chain

import pytest
import typer
from typer.testing import CliRunner

import babygpt as bg
from babygpt.lab.settings import SETTINGS
from babygpt.studio import scripts, setup
from babygpt.studio.limits import Limits

cli = importlib.import_module("babygpt.cli.main")


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
        (said_by_configs(), {"vocabulary", "tokens", "frames"}),
        (said_by(bg.Ensemble.train), {"seed", "frames"}),
        (said_by(bg.study), {"seed", "frames"}),
        (said_by(bg.attribute), {"seed", "frames"}),
        ({name: default for name, (_, default) in SETTINGS.items()}, {"device", "frames"}),
        (dataclasses.asdict(setup.ARTICLE), {"device", "frames"}),
        (said_by_command("train"), set()),
        (said_by_command("seeds"), {"seed", "frames"}),
        (said_by_command("attribute"), {"frames"}),
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


# A value for each setting of the configurations that is not its default. One that is added needs one here.
OTHERS = {
    "block_size": 2, "n_layer": 2, "n_head": 2, "n_embd": 8, "bias": True, "steps": 3, "learning_rate": 0.02,
    "weight_decay": 0.3, "positions": "all", "batch_size": 5, "seed": 7,
}  # fmt: skip
NAMES = {"block_size": "context_length"}
TEXT = "111101111011110"


def test_the_studio_writes_the_options_of_the_command_line():
    given = {NAMES.get(name, name): value for name, value in OTHERS.items()}
    made = setup.Setup.make(
        "a b a a b a", "", {**dataclasses.asdict(setup.ARTICLE), **given, "tokens": "words"}, Limits()
    )
    words = scripts.command(made, OTHERS["steps"]).split()
    assert {option(name) for name in [*given, "tokens"]} == {word for word in words if word.startswith("--")}


class ArrivedError(Exception):
    """What a training is given has been seen; it need not be done."""


@pytest.fixture
def arrived(monkeypatch):
    """Return a list of the configurations that reach a training, whose beginning ends whatever asked for it."""
    seen = []

    def of_one(corpus, config, train_config, *rest, **more):
        seen.append({**vars(config), **vars(train_config)})
        raise ArrivedError

    def of_many(corpus, seeds, config, train_config, *rest, **more):
        of_one(corpus, config, train_config)

    for place in ("babygpt.run.ensemble", "babygpt.lab.attribute"):
        monkeypatch.setattr(importlib.import_module(place), "train_many", of_many)
    monkeypatch.setattr(importlib.import_module("babygpt.run.training"), "Training", of_one)
    return seen


def by_command(command):
    """Return a call of a command with settings by their names in the library."""

    def call(folder, **settings):
        options = [[option(name)] if value is True else [option(name), str(value)] for name, value in settings.items()]
        CliRunner().invoke(cli.app, [command, TEXT, *chain.from_iterable(options)], catch_exceptions=True)

    return call


def by_sweep(folder, **settings):
    bg.sweep({"fixed": {"sequence": TEXT, **settings}}, folder, jobs=1)


WAYS = {
    "train": (lambda _, **settings: bg.train(TEXT, **settings), set()),
    "Ensemble": (lambda _, **settings: bg.Ensemble.train(TEXT, [7], **settings), {"seed"}),
    "study": (lambda _, **settings: bg.study(TEXT, [7], **settings), {"seed"}),
    "attribute": (lambda _, **settings: bg.attribute(TEXT, seeds=[7], **settings), {"seed"}),
    "sweep": (by_sweep, set()),
    "$ train": (by_command("train"), set()),
    "$ seeds": (by_command("seeds"), {"seed"}),
    "$ attribute": (by_command("attribute"), set()),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_setting_that_is_given_arrives_in_the_training(way, arrived, tmp_path, monkeypatch):
    """A setting that is added to the configurations arrives on every way, or fails here: it is never ignored."""
    monkeypatch.chdir(tmp_path)
    call, by_itself = WAYS[way]
    fields = [*dataclasses.fields(bg.GPTConfig), *dataclasses.fields(bg.TrainConfig)]
    names = [
        field.name for field in fields if field.name not in ("vocab_size", "device")
    ]  # of the text; this machine's
    given = {NAMES.get(name, name): OTHERS[name] for name in names if name not in by_itself}
    with contextlib.suppress(ArrivedError):
        call(tmp_path, **given)
    [seen] = arrived
    for name in names:
        if name in by_itself:
            continue
        default = next(field.default for field in fields if field.name == name)
        assert OTHERS[name] != default
        assert seen[name] == OTHERS[name], name
