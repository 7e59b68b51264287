"""A sweep's folder goes on when the library gets a setting, and no setting is lost on the way to a training."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import make_dataclass
from pathlib import Path

import pytest

import babygpt as bg
from babygpt import settings as table
from babygpt.gpt import config
from babygpt.lab.settings import SETTINGS, key_of
from babygpt.lab.spec import SweepSpec
from babygpt.lab.store import read_results
from babygpt.lab.workers import WorkerPool
from babygpt.run import ensemble as ensembles
from babygpt.settings import Setting

# Made by commit 4fdacee, before any setting was added: four trainings on the article's text, four on a source.
OLD = Path(__file__).parent / "data" / "sweep-of-4fdacee"
ON_TEXT = {
    "fixed": {"sequence": "111101111011110", "steps": 3, "n_layer": 1, "n_head": 1, "n_embd": 4},
    "grid": {"learning_rate": [1e-3, 1e-2], "seed": [0, 1]},
    "outcomes": ["last_loss", "probs"],
}
ON_SOURCE = ON_TEXT | {
    "fixed": ON_TEXT["fixed"]
    | {"sequence": "source:golden_mean(p=0.5)", "source_tokens": 100}
    | {"batch_size": 5, "positions": "all", "bias": True}
}


@pytest.fixture
def old(tmp_path):
    """Return a folder of the first version that a test may change."""
    return shutil.copytree(OLD, tmp_path / "old")


@pytest.fixture
def dropout(monkeypatch):
    """Let the library have one more setting of training, "dropout", and of the shape, "gain"."""
    with_dropout = make_dataclass(
        "TrainConfig",
        [("dropout", float, 0.0)],
        bases=(bg.TrainConfig,),
        frozen=True,
        namespace={"__module__": __name__},
    )
    with_gain = make_dataclass(
        "GPTConfig", [("gain", int, 1)], bases=(bg.GPTConfig,), frozen=True, namespace={"__module__": __name__}
    )
    monkeypatch.setattr(config, "TrainConfig", with_dropout)
    monkeypatch.setattr(config, "GPTConfig", with_gain)
    for setting in (Setting("dropout", float, 0.0, "", least=0), Setting("gain", int, 1, "", least=1)):
        monkeypatch.setitem(table.SETTINGS, setting.name, setting)
        monkeypatch.setitem(SETTINGS, setting.name, (setting.kind, setting.default))
    assert SETTINGS["dropout"] == (float, 0.0)
    assert SETTINGS["gain"] == (int, 1)


@pytest.mark.parametrize("spec", [ON_TEXT, ON_SOURCE], ids=["text", "source"])
def test_a_folder_of_the_first_version_goes_on(old, spec, monkeypatch):
    monkeypatch.setattr(WorkerPool, "work", None)  # nobody is asked
    made = bg.sweep(spec, old, jobs=1)
    assert made.n_known == made.n_tasks == 4
    assert made.statuses == {"done": 4}


@pytest.mark.parametrize("spec", [ON_TEXT, ON_SOURCE], ids=["text", "source"])
def test_a_folder_goes_on_when_settings_are_added(old, spec, dropout, monkeypatch):
    monkeypatch.setattr(WorkerPool, "work", None)
    made = bg.sweep(spec, old, jobs=1)
    assert made.n_known == 4
    assert len(made.table) == 8
    assert made.table["dropout"].to_pylist() == [0.0] * 8  # what they were trained with
    assert made.table["gain"].to_pylist() == [1] * 8


def test_parts_from_before_and_after_stand_in_one_table(old, dropout, monkeypatch):
    seen = []
    monkeypatch.setattr(ensembles, "train_many", recorded(seen))
    spec = {**ON_TEXT, "fixed": ON_TEXT["fixed"] | {"dropout": 0.5, "gain": 7}}
    made = bg.sweep(spec, old, jobs=1)
    assert (made.n_tasks, made.n_known) == (4, 0)  # another setting is another training
    assert made.table["dropout"].to_pylist() == [0.5] * 4 + [0.0] * 8
    assert {(config.gain, how.dropout) for config, how in seen} == {(7, 0.5)}  # and it arrived
    (old / "results.parquet").unlink()
    assert sorted(read_results(old)["dropout"].to_pylist()) == [0.0] * 8 + [0.5] * 4
    assert bg.sweep(spec, old, jobs=1).n_known == 4


def test_the_schema_of_today_has_each_setting_once_in_the_first_versions_order(old):
    first = read_results(old).schema.names
    assert [name for name in first if name in SETTINGS] == [name for name in SETTINGS if name in first]


def test_the_key_is_the_first_versions_wherever_what_was_added_is_its_default(dropout):
    for group in SweepSpec.of(ON_SOURCE).groups():
        first = {name: value for name, value in group.settings.items() if name not in ("dropout", "gain")}
        canonical = json.dumps(first | {"seed": 1}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        assert key_of(group.settings, 1) == hashlib.sha256(canonical.encode()).hexdigest()[:20]
        assert key_of(group.settings | {"dropout": 0.1}, 1) != key_of(group.settings, 1)


def test_a_folder_of_a_later_version_names_the_setting_that_is_not_known_here(old, dropout, monkeypatch):
    bg.sweep(ON_TEXT | {"fixed": ON_TEXT["fixed"] | {"steps": 1}}, old, jobs=1)
    monkeypatch.undo()
    with pytest.raises(bg.SettingError, match=r"a sweep over (dropout|gain), a setting that this version"):
        bg.sweep(ON_TEXT, old, jobs=1)


def recorded(seen):
    real = ensembles.train_many

    def train_many(corpus, seeds, config, train_config, *rest):
        seen.append((config, train_config))
        return real(corpus, seeds, config, train_config, *rest)

    return train_many


@pytest.mark.parametrize("name", ["n_embd", "n_layer", "steps"])
def test_a_spec_that_does_not_fit_is_refused_before_anything_is_trained(tmp_path, name, monkeypatch):
    monkeypatch.setattr(WorkerPool, "work", None)
    spec = ON_TEXT | {"fixed": {"sequence": "0110110", name: 10**12 if name == "steps" else 10**6}}
    with pytest.raises(bg.SizeError, match=rf"^The spec has a combination that cannot be trained: .* Try {name} = \d+"):
        bg.sweep(spec, tmp_path / "sweep", jobs=1)
    assert not (tmp_path / "sweep").exists()
