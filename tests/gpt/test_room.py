from __future__ import annotations

import subprocess
import sys
import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest
import torch

import babygpt as bg
from babygpt.gpt import room
from babygpt.gpt.counting import WindowCounter

ARTICLE = "111101111011110"


@pytest.fixture
def one_gib(monkeypatch):
    """Let the machine have 1 GiB of free memory, and no container."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**30))
    monkeypatch.setattr(room, "CONTAINERS", ())


def refusal_of(call):
    """Return what a call is refused with, and the most bytes that were allocated before."""
    tracemalloc.start()
    with pytest.raises(bg.SizeError) as error:
        call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return str(error.value), peak


HUGE = {
    "n_embd": 10**6,
    "n_layer": 10**5,
    "steps": 10**12,
    "batch_size": 10**12,
}
PATHS = {
    "train": lambda **settings: bg.train(ARTICLE, **settings),
    "Ensemble": lambda **settings: bg.Ensemble.train(ARTICLE, [1, 2], **settings),
    "study": lambda **settings: bg.study(ARTICLE, [1, 2], **settings),
    "attribute": lambda **settings: bg.attribute(ARTICLE, **settings),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", HUGE)
def test_what_memory_or_time_does_not_hold_is_refused_before_anything_is_built(path, name, one_gib, monkeypatch):
    monkeypatch.setattr(torch.nn.Module, "__init__", lambda *_: pytest.fail("a module is built"))
    said, peak = refusal_of(lambda: PATHS[path](**{name: HUGE[name]}))
    assert f"Try {name}=" in said
    assert peak < 10**8  # SciPy, where it is loaded here for the first time, takes 10**7


@pytest.mark.parametrize("name", ["n_embd", "n_layer", "steps", "batch_size"])
def test_the_value_that_is_advised_is_the_largest_that_fits(name, one_gib, monkeypatch):
    monkeypatch.setattr(room, "MAX_LAYERS", 10**9)
    corpus = bg.Corpus.from_text(ARTICLE, 3)

    def check(value):
        config, how = bg.GPTConfig(), bg.TrainConfig()
        if hasattr(config, name):
            config = replace(config, **{name: value})
        else:
            how = replace(how, **{name: value})

        def need(config, how):
            return room.training_bytes(config) + room.STEP_BYTES * how.steps + room.step_bytes(config, how, 4)

        room.check_training(config, how, need, len(corpus.contexts))

    with pytest.raises(bg.SizeError, match=rf"1.0 GiB of memory are free. Try {name}=\d+, the largest") as error:
        check(HUGE[name])
    advised = int(str(error.value).split(f"{name}=")[1].split(",")[0])
    check(advised)
    with pytest.raises(bg.SizeError):
        check(advised + (4 if name == "n_embd" else 1))


def test_a_gpt_alone_is_refused_too(one_gib):
    with pytest.raises(bg.SizeError, match="Try n_embd="):
        bg.GPT(bg.GPTConfig(n_embd=10**6))
    with pytest.raises(bg.SizeError, match="Try n_layer=20000"):
        bg.GPT(bg.GPTConfig(n_layer=20_001, n_embd=4))


def test_what_alone_is_not_enough_is_not_advised(one_gib):
    with pytest.raises(bg.SizeError, match="Try a smaller GPT and fewer steps"):
        bg.train(ARTICLE, steps=10**12, n_embd=10**6)
    with pytest.raises(bg.SizeError, match=r"Try n_head=4 and n_embd=\d+, the largest"):
        bg.train(ARTICLE, n_head=10**6, n_embd=10**6)


def test_steps_that_take_years_are_refused_however_much_memory_there_is(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**80))
    monkeypatch.setattr(room, "CONTAINERS", ())
    with pytest.raises(
        bg.SizeError, match=r"^1,000,000,000,000 steps of a GPT of 12,656 parameters take at least 2"
    ) as e:
        bg.train(ARTICLE, steps=10**12)
    assert "Try steps=394200000000, the largest that fits." in str(e.value)  # a year of 80 microseconds each


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, {"bias": True}, {"n_layer": 1}, {"n_embd": 8, "n_head": 2, "vocab_size": 9}])
def test_parameters_are_counted_as_the_module_has_them(settings):
    gpt = bg.GPT(bg.GPTConfig(**settings))
    assert gpt.config.n_parameters == sum(p.numel() for p in gpt.parameters())


def test_a_training_takes_about_what_is_said(monkeypatch):
    """Measured in a process of its own, whose memory nobody else takes or gives back."""
    measured = (
        "import psutil, resource, sys; import babygpt as bg; from babygpt.run.training import Training\n"
        "from babygpt.gpt import room\n"
        "corpus, config = bg.Corpus.from_text('111101111011110', 3), bg.GPTConfig(n_embd=768)\n"
        "bg.train('111101111011110', steps=2)\n"
        "before = psutil.Process().memory_info().rss\n"
        "training = Training(corpus, config, bg.TrainConfig(steps=2))\n"
        "for step in training: pass\n"
        "print((psutil.Process().memory_info().rss - before) / room.training_bytes(config))"
    )
    done = subprocess.run([sys.executable, "-c", measured], capture_output=True, text=True, check=True)
    assert 0.5 < float(done.stdout) < 1.2


def test_a_container_that_leaves_less_than_the_machine_has_is_the_limit(monkeypatch, tmp_path):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10**12))
    limit, used = tmp_path / "memory.max", tmp_path / "memory.current"
    monkeypatch.setattr(room, "CONTAINERS", ((limit, used), (tmp_path / "none", tmp_path / "none")))
    limit.write_text("3000000000\n")
    used.write_text("1000000000\n")
    assert room.free_memory() == 2 * 10**9
    limit.write_text("max\n")
    assert room.free_memory() == 10**12


def test_numbers_beyond_63_bits_are_told_so():
    with pytest.raises(bg.SettingError, match="does not fit 63 bits"):
        bg.GPTConfig(n_layer=2**63)
    with pytest.raises(bg.SettingError, match="does not fit 63 bits"):
        bg.TrainConfig(steps=10**30)


def test_seeds_by_the_billion_are_refused_before_they_are_listed(one_gib):
    said, peak = refusal_of(lambda: bg.attribute(ARTICLE, seeds=range(10**12)))
    assert peak < 10**7
    said, peak = refusal_of(lambda: bg.Ensemble.train(ARTICLE, range(10**12)))
    assert said.startswith("1,000,000,000,000 GPTs would take")
    assert peak < 10**7


@pytest.mark.parametrize("path", PATHS)
def test_a_context_that_no_chain_has_is_refused_before_the_text_is_counted(path, monkeypatch):
    monkeypatch.setattr(WindowCounter, "__init__", lambda *_: pytest.fail("windows are counted"))
    with pytest.raises(bg.SizeError, match=r"context_length=100 over 2 symbols .* Try context_length=26"):
        PATHS[path](context_length=100)
