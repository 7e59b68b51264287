from __future__ import annotations

import math
import tomllib
from itertools import product

import pytest

import babygpt as bg
from babygpt.errors import FileError, SettingError
from babygpt.lab import spec as module
from babygpt.lab.settings import SETTINGS, UNITS, key_of
from babygpt.lab.spec import SweepSpec
from babygpt.run.trace import SCALARS

ARTICLE = "111101111011110"
TEXT = {"fixed": {"sequence": ARTICLE}}


def refused(content, *words):
    with pytest.raises(bg.SettingError) as error:
        SweepSpec.of(tomllib.loads(content) if isinstance(content, str) else content).groups()
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def tasks(spec):
    return [group.settings | {"seed": seed} for group in spec.groups() for seed in group.seeds]


def test_every_combination_of_the_grid_is_one_task():
    grid = {"context_length": [2, 3], "n_layer": [1, 2, 4], "seed": [5, 7]}
    found = tasks(SweepSpec.of(TEXT | {"grid": grid}))
    assert [(t["context_length"], t["n_layer"], t["seed"]) for t in found] == list(product(*grid.values()))


def test_what_a_spec_does_not_name_is_the_articles(article_run):
    (task,) = tasks(SweepSpec.of(TEXT))
    train, shape = article_run.train_config, article_run.config
    for name in ("steps", "learning_rate", "weight_decay", "positions", "batch_size", "seed"):
        assert task[name] == getattr(train, name)
    for name in ("n_layer", "n_head", "n_embd", "bias"):
        assert task[name] == getattr(shape, name)
    assert task["context_length"] == shape.block_size


def test_tasks_that_differ_in_their_seeds_alone_are_one_group():
    groups = SweepSpec.of(TEXT | {"grid": {"seed": "0..99", "n_layer": [1, 2]}}).groups()
    assert [len(group.seeds) for group in groups] == [100, 100]
    assert groups[0].seeds == tuple(range(100))


def test_equal_settings_are_one_task_however_they_are_written():
    spec = SweepSpec.of({"fixed": {"sequence": ARTICLE}, "grid": {"learning_rate": [1, 1.0], "seed": [3, 3, 4]}})
    assert spec.n_combinations == 6
    assert len(tasks(spec)) == 2


def test_a_source_is_the_same_by_its_short_name_and_by_its_full_one():
    spec = SweepSpec.of(
        {"grid": {"sequence": ["source:even", "source:even_process(p=0.5)", "source:even_process(1/2)"]}}
    )
    assert len(tasks(spec)) == 1


def test_what_a_source_alone_needs_does_not_make_texts_differ():
    assert len(tasks(SweepSpec.of(TEXT | {"grid": {"source_seed": [0, 1], "source_tokens": [100, 200]}}))) == 1
    assert len(tasks(SweepSpec.of({"fixed": {"sequence": "source:even"}, "grid": {"source_seed": [0, 1]}}))) == 2


def test_a_key_depends_on_every_setting():
    (task,) = tasks(SweepSpec.of(TEXT))
    changed = {"sequence": "0110110", "bias": True, "positions": "all", "batch_size": 4, "vocabulary": "01",
               "tokens": "words", "source_tokens": 7, "source_seed": 7}  # fmt: skip
    keys = {key_of(task, 0)}
    for name in SETTINGS:
        if name != "seed":
            keys.add(key_of(task | {name: changed.get(name, 8)}, 0))
    keys.add(key_of(task, 1))
    assert len(keys) == len(SETTINGS) + 1


def test_draws_stay_in_their_range_and_fill_it():
    random = {
        "draws": 400,
        "learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
        "weight_decay": {"low": 0.0, "high": 0.5},
        "n_layer": {"low": 1, "high": 3},
        "steps": {"low": 1, "high": 8, "log": True},
        "n_embd": [8, 16],
    }
    found = tasks(SweepSpec.of(TEXT | {"random": random}))
    rates = [math.log10(task["learning_rate"]) for task in found]
    assert -4 <= min(rates) < -3.9 < -1.1 < max(rates) <= -1
    assert sum(rate < -2.5 for rate in rates) == pytest.approx(200, abs=45)  # as many below the middle as above
    assert sum(task["weight_decay"] < 0.25 for task in found) == pytest.approx(200, abs=45)
    assert {task["n_layer"] for task in found} == {1, 2, 3}
    assert {task["n_embd"] for task in found} == {8, 16}
    assert {task["steps"] for task in found} == set(range(1, 9))
    assert all(type(task["n_layer"]) is int and type(task["steps"]) is int for task in found)


def test_more_draws_keep_those_that_fewer_gave():
    random = {"learning_rate": {"low": 1e-4, "high": 1e-1}, "draw_seed": 3}
    few, many = (tasks(SweepSpec.of(TEXT | {"random": random | {"draws": n}})) for n in (5, 50))
    assert many[:5] == few
    other = tasks(SweepSpec.of(TEXT | {"random": random | {"draws": 5, "draw_seed": 4}}))
    assert other != few


def test_every_draw_is_tried_with_every_combination_of_the_grid():
    random = {"draws": 3, "learning_rate": {"low": 1e-4, "high": 1e-1}}
    groups = SweepSpec.of(TEXT | {"grid": {"n_layer": [1, 2], "seed": "0..9"}, "random": random}).groups()
    assert len(groups) == 6
    assert len({group.settings["learning_rate"] for group in groups}) == 3
    assert all(len(group.seeds) == 10 for group in groups)


def test_any_scalar_of_the_chain_can_be_asked_for():
    spec = SweepSpec.of(TEXT | {"outcomes": list(SCALARS)})
    assert spec.outcomes == tuple(SCALARS)
    assert all(UNITS[name] for name in SCALARS)


def test_the_file_in_the_docstring_is_a_spec(tmp_path):
    text = module.__doc__.split("::\n", 1)[1].split("\nA *task*")[0]
    (tmp_path / "spec.toml").write_text("\n".join(line.removeprefix("    ") for line in text.splitlines()))
    spec = SweepSpec.read(tmp_path / "spec.toml")
    assert spec.n_combinations == 3 * 100 * 20


# -- what cannot be used -----------------------------------------------------------------------------------

FIXED = f'[fixed]\nsequence = "{ARTICLE}"\n'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["nothing to learn from", "[fixed]"]),
        ("[grid]\nn_layer = [1]", ["nothing to learn from"]),
        (FIXED + "[gird]\nn_layer = [1]", ["no key 'gird'", "grid"]),
        (FIXED + "n_layers = 2", ["no setting 'n_layers' in [fixed]", "n_layer?"]),
        (FIXED + "[grid]\nlearning_rat = [1]", ["no setting 'learning_rat' in [grid]", "learning_rate"]),
        (FIXED + "[random]\nn = 3\nn_layer = [1, 2]", ["draws = 100"]),
        (FIXED + "[random]\nn = 3\ndraws = 2", ["no setting 'n' in [random]", "draws"]),
        (FIXED + 'steps = "50"', ['steps = "50" in [fixed]', "whole number"]),
        (FIXED + "steps = 5.0", ["steps = 5.0", "whole number"]),
        (FIXED + "steps = true", ["steps = true", "whole number"]),
        (FIXED + "bias = 1", ["bias = 1", "true or false"]),
        (FIXED + "learning_rate = [0.1]", ["learning_rate = [0.1] in [fixed]", "not a number"]),
        (FIXED + 'learning_rate = "fast"', ["not a number"]),
        ("[fixed]\nsequence = 111101111", ["sequence = 111101111", "not a text"]),
        (FIXED + "[grid]\nn_layer = []", ["n_layer in [grid] has no values", "nothing to train"]),
        (FIXED + f"steps = {10**20}", ["steps in [fixed] does not fit 63 bits"]),
        (FIXED + f"learning_rate = {10**400}", ["learning_rate in [fixed] does not fit 63 bits"]),
        (FIXED + f"[random]\ndraws = 1\nsteps = {{low = 1, high = {10**20}}}", ["steps in [random] does not fit"]),
        (FIXED + f'[grid]\nseed = "0..{10**20}"', ["in [grid] is no list"]),
        (FIXED + "[grid]\nn_layer = 3", ["n_layer = 3 in [grid] is no list", "[1, 2, 3]"]),
        (FIXED + '[grid]\nseed = "9..3"', ['seed = "9..3" in [grid] runs backwards', '"3..9"']),
        (FIXED + '[grid]\nlearning_rate = "0..9"', ["is no list", "a number"]),
        (FIXED + '[grid]\nn_layer = [1, "2"]', ['n_layer = "2" in [grid]', "whole number"]),
        (FIXED + "steps = 5\n[grid]\nsteps = [5, 6]", ["steps is in two tables"]),
        (FIXED + "[random]\nlearning_rate = {low = 1, high = 2}", ["how often learning_rate is drawn", "draws"]),
        (FIXED + "[random]\ndraws = 4", ["nothing to draw"]),
        (FIXED + "[random]\ndraws = 0\nsteps = [1]", ["draws=0", "at least 1"]),
        (FIXED + "[random]\ndraws = 1\nsteps = {low = 1}", ["does not say high"]),
        (FIXED + "[random]\ndraws = 1\nsteps = {low = 3, high = 1}", ["from 3 to 1", "goes up"]),
        (FIXED + "[random]\ndraws = 1\nweight_decay = {low = 0, high = 1, log = true}", ["above 0"]),
        (FIXED + "[random]\ndraws = 1\nsteps = {low = 1, high = 3, logs = true}", ["'logs'", "log?"]),
        (FIXED + "[random]\ndraws = 1\nsteps = {low = 1, high = 3, log = 1}", ["log = 1", "true or false"]),
        (FIXED + '[random]\ndraws = 1\npositions = {low = "all", high = "last"}', ["positions", "list to choose"]),
        ('outcomes = ["entropy"]\n' + FIXED, ["no outcome 'entropy'", "entropy_rate"]),
        ("outcomes = []\n" + FIXED, ["outcomes", "list of names"]),
        ('outcomes = "gap"\n' + FIXED, ["outcomes", "list of names"]),
        ("grid = 3\n" + FIXED, ["grid = 3 is no table", "[grid]"]),
        (FIXED + "[grid]\nn_embd = [16, 15]", ["cannot be trained", "n_embd = 15", "n_head = 4"]),
        (FIXED + "steps = 0", ["cannot be trained", "steps = 0"]),
        (FIXED + 'positions = "first"', ["cannot be trained", "positions = 'first'"]),
        (FIXED + "[grid]\nseed = [-1, 5]", ["cannot be trained", "seed = -1"]),
        (FIXED + "context_length = 0", ["cannot be trained", "context_length = 0"]),
        (FIXED + 'outcomes = ["gap"]', ["no setting 'outcomes' in [fixed]"]),
        ('[fixed]\nsequence = "source:mess4"', ["mess4", "mess3"]),
        ('[fixed]\nsequence = "source:even"\nvocabulary = "01"', ["brings its own symbols"]),
        ('[fixed]\nsequence = "source:even"\nsource_tokens = 3', ["source_tokens = 3", "at least 4"]),
        ('outcomes = ["excess"]\n' + FIXED, ["excess", "source:mess3", ARTICLE]),
    ],
)  # fmt: skip
def test_what_is_no_spec_is_refused_in_a_sentence(content, words):
    refused(content, *words)


def test_a_number_of_thousands_of_digits_is_told(tmp_path):
    (tmp_path / "long.toml").write_text(FIXED + "steps = 1" + 5000 * "0")
    with pytest.raises(bg.SettingError, match=r"long\.toml is not TOML: Exceeds the limit"):
        SweepSpec.read(tmp_path / "long.toml")


@pytest.mark.parametrize(("sequence", "error"), [("101", bg.SequenceError), ("1111", bg.SequenceError)])
def test_a_sequence_that_teaches_nothing_is_refused_before_anything_is_trained(sequence, error):
    with pytest.raises(error, match="The spec has a combination that cannot be trained"):
        SweepSpec.of({"fixed": {"sequence": sequence}}).groups()


@pytest.mark.parametrize("name", ["poem.txt", "my poem.txt", "notes.markdown", "./poem", r"C:\Li Wei\poem", "poem"])
def test_the_name_of_a_file_is_not_swept_over(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "poem").write_text("abab")
    with pytest.raises(bg.SequenceError, match=r"is the name of a file.*Put the text itself there"):
        SweepSpec.of({"fixed": {"sequence": name, "context_length": 1}}).groups()


def test_a_chain_that_does_not_fit_is_refused_before_anything_is_trained():
    with pytest.raises(bg.SizeError, match="cannot be trained"):
        SweepSpec.of({"fixed": {"sequence": ARTICLE * 9, "context_length": 60}}).groups()


@pytest.mark.parametrize(
    "tables",
    [
        {"grid": {name: list(range(1, 1001)) for name in ("n_layer", "steps", "seed")}},
        {"grid": {"seed": "0..999999999"}},
        {"grid": {"n_layer": [1] * 1000}, "random": {"draws": 1_000_000, "steps": {"low": 1, "high": 9}}},
    ],
)
def test_a_billion_combinations_are_refused_at_once(tables):
    refused(TEXT | tables, "1,000,000,000 combinations", "the limit is 1,000,000", "[random]")


def test_a_file_that_is_no_spec_is_told_by_its_name(tmp_path):
    with pytest.raises(bg.FileError, match=r"spec\.toml cannot be read: No such file"):
        SweepSpec.read(tmp_path / "spec.toml")
    (tmp_path / "spec.toml").write_text("[grid\n")
    with pytest.raises(bg.SettingError, match=r"spec\.toml is not TOML: .*line 1"):
        SweepSpec.read(tmp_path / "spec.toml")
    (tmp_path / "spec.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(bg.FileError, match=r"spec\.toml is not UTF-8 text"):
        SweepSpec.read(tmp_path / "spec.toml")


@pytest.mark.parametrize("table", ["fixed", "grid"])
@pytest.mark.parametrize("name", ["poem.txt", "my poem.txt", "notes.markdown", "./data", "C:\\poem.txt"])
def test_the_name_of_a_file_is_no_sequence(name, table):
    sequence = name if table == "fixed" else [ARTICLE, name]
    with pytest.raises(bg.SequenceError, match=r"is the name of a file.*write file = "):
        SweepSpec.of({table: {"sequence": sequence}}).groups()


def test_a_text_that_names_a_file_that_is_there_is_no_sequence_either(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0101").write_text("110")
    with pytest.raises(bg.SequenceError, match='write file = "0101"'):
        SweepSpec.of({"fixed": {"sequence": "0101"}}).groups()


def test_the_text_of_a_file_is_the_sequence(tmp_path):
    (tmp_path / "a.txt").write_bytes("011011\r\n".encode("utf-16"))
    (tmp_path / "b.txt").write_text("010101\n")
    (tmp_path / "spec.toml").write_text('[grid]\nfile = ["a.txt", "b.txt"]\n')
    assert [task["sequence"] for task in tasks(SweepSpec.read(tmp_path / "spec.toml"))] == ["011011", "010101"]
    (tmp_path / "spec.toml").write_text('[fixed]\nfile = "a.txt"\n')
    assert SweepSpec.read(tmp_path / "spec.toml").fixed["sequence"] == "011011"


@pytest.mark.parametrize(
    ("fixed", "error", "said"),
    [
        ({"file": "none.txt"}, FileError, "none.txt cannot be read: No such file"),
        ({"file": 7}, SettingError, "file = 7 in .fixed. is not the name of a file"),
        ({"file": "a.txt", "sequence": "01"}, SettingError, "has a sequence and a file. Keep one."),
        ({"file": "long.txt"}, FileError, "long.txt is longer than 1,000,000 characters"),
    ],
)
def test_a_file_that_cannot_be_the_sequence_says_why(tmp_path, fixed, error, said):
    (tmp_path / "long.txt").write_text("01" * 600_000)
    with pytest.raises(error, match=said):
        SweepSpec.of({"fixed": fixed}, tmp_path)
