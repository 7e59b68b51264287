from __future__ import annotations

import base64
import contextlib
import io
import shlex
import subprocess

import numpy as np
import pytest
from driving import SMALL, Driven

import babygpt as bg
from babygpt.studio.setup import ARTICLE, NAMES

NEWLINES = "a b\nb a\na b\n\n"

SETUPS = [
    {},
    {"steps": 7},
    {**SMALL, "steps": 4, "seed": 0, "bias": True, "positions": "all", "context_length": 2},
    {**SMALL, "steps": 4, "batch_size": 3, "learning_rate": 2e-3, "weight_decay": 0, "stop_gap": 0.01},
    {**SMALL, "steps": 3, "sequence": "the cat's the dog a cat's", "tokens": "words", "context_length": 1},
    {**SMALL, "steps": 3, "sequence": 'it\'s "so" $HOME `x` \\n!', "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "-0-1-1-0", "vocabulary": "-01", "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "--help", "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "poem.txt", "context_length": 1},
    {**SMALL, "steps": 3, "sequence": NEWLINES, "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "山月山人", "context_length": 1, "vocabulary": "人山月水"},
    {**SMALL, "steps": 3, "sequence": "my poem.txt", "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "-1 +1 -1 -1", "tokens": "words", "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "a b\nb b a", "tokens": "words", "lines": False, "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "a b\nb b a\n\nb a", "tokens": "words", "lines": True, "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "011\n10", "lines": True, "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "heavy rain, sun, heavy rain", "separator": ",", "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "heavy rain\tsun\theavy rain", "separator": "\t", "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "heavy rain;sun\nsun;wind", "separator": ";", "lines": True, "context_length": 1},
    {**SMALL, "steps": 3, "sequence": "rain, sun, rain", "tokens": "words", "context_length": 1},
]


def executed(python):
    scope, out = {}, io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(python, scope)
    return scope["chain"], out.getvalue()


@pytest.mark.parametrize("kinds", SETUPS)
def test_the_script_gives_the_chain_that_is_shown(kinds):
    studio = Driven(**kinds).trained()
    chain, said = executed(studio.script()["python"])
    np.testing.assert_array_equal(chain.probs, studio.grid())
    assert said == f"{chain}\n"
    assert list(chain.vocabulary.symbols) == studio.setup["symbols"]


def test_the_script_looks_at_the_step_the_state_and_the_decoding_that_are_shown():
    studio = Driven(steps=6, **SMALL).trained()
    studio("seek", step=2)
    studio("select", state=0b101)
    studio("decode", temperature=0.5, top_p=0.95)
    chain, said = executed(studio.script()["python"])
    np.testing.assert_array_equal(chain.probs, studio.grid())
    assert said == f"{chain['101']}\n"
    studio("rewind")
    chain, _ = executed(studio.script()["python"])
    np.testing.assert_array_equal(chain.probs, studio.grid())


def test_the_article_takes_four_lines():
    assert Driven().trained().script() == {
        "python": "import babygpt as bg\n\nrun = bg.train('111101111011110')\nchain = run.chain\nprint(chain)\n",
        "command": "babygpt train 111101111011110",
    }


def test_a_step_that_is_not_recorded_on_the_way_is_trained_to():
    shape = {"context_length": 12, "n_layer": 1, "n_head": 1, "n_embd": 4, "sequence": "0110100110010110"}
    studio = Driven(steps=40, **shape).trained()
    studio("step")
    studio("configure", steps=60)
    studio("train")
    studio("pause")
    studio.finish()
    assert studio.player["step"] == 41
    chain, _ = executed(studio.script()["python"])
    np.testing.assert_array_equal(chain.probs, studio.session._stage.shown.chain.probs)


@pytest.mark.parametrize("kinds", [{"stop_gap": 0.2, "learning_rate": 0.01}, {"learning_rate": 1e2, "steps": 60}])
def test_a_training_that_ended_early_is_scripted_as_far_as_it_went(kinds):
    studio = Driven(**SMALL, **kinds).trained()
    assert studio.player["stopped"] != ""
    assert studio.player["trained"] > 0
    chain, _ = executed(studio.script()["python"])
    np.testing.assert_array_equal(chain.probs, studio.grid())


@pytest.mark.parametrize("kinds", SETUPS)
def test_the_command_line_trains_the_same(kinds, babygpt):
    studio = Driven(**kinds).trained()
    piped, _, command = studio.script()["command"].rpartition(" | ")
    stdin = subprocess.run(["sh", "-c", piped], capture_output=True, check=True).stdout if piped else None
    program, *arguments = shlex.split(command)
    assert program == "babygpt"
    result = babygpt(*arguments, "--out", "run", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    run = bg.Run.load("run")
    np.testing.assert_array_equal(run.chain.probs, studio.grid())
    assert run.losses.tolist() == studio.curve["losses"][: run.steps]


@pytest.mark.parametrize("times", [1, 1000])
def test_a_text_from_a_file_is_spelled_out_or_read_from_the_file_if_it_is_long(babygpt, tmp_path, times):
    text = "\ufeff" + "山月\r\n人月\r\n" * times
    studio = Driven(steps=3, context_length=1, **SMALL)
    studio("configure", sequence=text, name="-my poem.txt")
    studio.trained()
    assert (
        ("-my poem.txt" in studio.script()["python"])
        == ("-my poem.txt" in studio.script()["command"])
        == (times == 1000)
    )
    if times == 1000:
        (tmp_path / "-my poem.txt").write_bytes(text.encode())
    chain, _ = executed(studio.script()["python"])
    np.testing.assert_array_equal(chain.probs, studio.grid())
    piped, _, command = studio.script()["command"].rpartition(" | ")
    stdin = subprocess.run(["sh", "-c", piped], capture_output=True, check=True).stdout if piped else None
    result = babygpt(*shlex.split(command)[1:], "--out", "run", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    np.testing.assert_array_equal(bg.Run.load("run").chain.probs, studio.grid())


@pytest.mark.parametrize("kinds", [{"steps": 6}, {"steps": 6, "batch_size": 3}, {"learning_rate": 1e2, "steps": 60}])
def test_the_command_line_trains_to_the_step_that_is_shown(kinds, babygpt):
    studio = Driven(**SMALL, **kinds).trained()
    studio("seek", step=2)
    result = babygpt(*shlex.split(studio.script()["command"])[1:], "--out", "run")
    assert result.exit_code == 0, result.stderr
    np.testing.assert_array_equal(bg.Run.load("run").chain.probs, studio.grid())


def test_of_step_0_the_command_line_says_that_it_trains_one_step():
    studio = Driven(steps=6, **SMALL).trained()
    studio("rewind")
    remark, command = studio.script()["command"].splitlines()
    assert remark.startswith("# step 0")
    assert "--steps 1 " in f"{command} "


@pytest.mark.parametrize("source", ["data", "difference"])
def test_where_something_else_is_shown_the_scripts_say_that_theirs_is_the_models_chain(source):
    studio = Driven(steps=3, **SMALL).trained()
    studio("show", source=source)
    for script in studio.script().values():
        assert script.startswith(f"# the model's chain; the screen shows: {source}\n")


def test_every_setting_can_be_said_in_python():
    changed = {
        "context_length": 2, "vocabulary": "a,b,c", "tokens": "words", "steps": 3, "learning_rate": 0.5,
        "weight_decay": 0.5, "n_layer": 1, "n_head": 1, "n_embd": 3, "bias": True, "positions": "all", "batch_size": 2,
        "seed": 5, "stop_gap": 1.0, "separator": ",", "lines": True,
    }  # fmt: skip
    assert set(changed) == set(NAMES)
    studio = Driven(sequence="a,b,a,b\na,b,a", **changed)
    call = studio.script()["python"]
    for name in set(NAMES) - {"stop_gap", "lines"}:
        assert f"{name}=" in call, name
        assert getattr(ARTICLE, name) != studio.setup["settings"][name]
    assert "stop_gap" not in call
    assert "from_sequences(['a,b,a,b', 'a,b,a']" in call


@pytest.mark.parametrize("settings", [{}, {"tokens": "words"}, {"lines": True}])
def test_a_long_file_in_another_encoding_is_read_in_it(babygpt, tmp_path, monkeypatch, settings):
    text = "山 月\r\n人 月\r\n" * 1000
    studio = Driven(steps=3, context_length=1, **SMALL)
    studio("file", name="poem.txt", data=base64.b64encode(text.encode("gb18030")).decode())
    studio("configure", **settings)
    studio.trained()
    (tmp_path / "poem.txt").write_bytes(text.encode("gb18030"))
    monkeypatch.chdir(tmp_path)
    chain, _ = executed(studio.script()["python"])
    np.testing.assert_array_equal(chain.probs, studio.grid())
    result = babygpt(*shlex.split(studio.script()["command"])[1:], "--out", "run")
    assert result.exit_code == 0, result.stderr
    np.testing.assert_array_equal(bg.Run.load("run").chain.probs, studio.grid())
