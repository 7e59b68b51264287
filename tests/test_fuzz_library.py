"""Whatever is given to a public function, the answer is a result or one of BabyGPT's own sentences.

Each parameter of each public function is given values of every wrong kind in turn, the others being right.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import babygpt as bg
from babygpt.lab.sources import golden_mean

TEXT = "111101111011110"
SMALL = {"steps": 2, "n_layer": 1, "n_head": 1, "n_embd": 4}


class Odd:
    """An object of a class that nobody knows."""

    def __repr__(self) -> str:
        return "<odd>"


POOL: dict[str, Any] = {
    "None": None,
    "True": True,
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "10**30": 10**30,
    "complex": 1j,
    "empty text": "",
    "x": "x",
    "01": "01",
    "half a surrogate pair": "\ud800",
    "NUL": "\0",
    "bytes": b"x",
    "[]": [],
    "[[]]": [[]],
    "[None]": [None],
    "[-1]": [-1],
    "[1.5]": [1.5],
    "tuple": (),
    "{}": {},
    "mapping": {1: None},
    "set": {1},
    "object": Odd(),
    "scalar array": np.array(1.0),
    "empty array": np.array([]),
    "cube": np.zeros((2, 2, 2)),
    "row": np.zeros((1, 7)),
    "NaN array": np.full(8, np.nan),
    "array of texts": np.array(["a", "b"]),
    "array of objects": np.array([None, Odd()], dtype=object),
    "whole numbers": np.arange(3),
    "int64": np.int64(10**18),
    "subnormal": 5e-324,
    "function": lambda *_: None,
    "class": Odd,
    "missing path": Path("/nowhere/at/all"),
}


def objects() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return each public function by name, with right arguments for those of its parameters that need one."""
    run = bg.train(TEXT, **SMALL)
    chain, corpus, vocabulary = run.chain, run.corpus, run.corpus.vocabulary
    ensemble = bg.Ensemble.train(TEXT, seeds=[1, 2], **SMALL)
    study = bg.study(TEXT, seeds=[1, 2], **SMALL)
    found = bg.attribute("01101", context_length=1, **SMALL)
    source, device = golden_mean(), bg.InputDevice.lookup({"11": "0"})
    joined = bg.connect(chain, device)
    right: dict[str, Any] = {
        "sequence": TEXT, "text": TEXT, "context": "111", "state": 1, "seed": 1, "step": 1, "token": "1", "order": 1,
        "corpus": corpus, "chain": chain, "other": chain, "model": chain, "source": source, "device": device,
        "vocabulary": vocabulary, "config": run.config, "train_config": bg.TrainConfig(steps=2), "pattern": "1",
        "target": "111", "targets": ["111", "000"], "within": 3, "start": "111", "n_tokens": 3, "n": 3,
        "distribution": np.full(8, 1 / 8), "values": np.ones(8), "name": "entropy_rate", "short": False,
        "ids": [0, 1], "data": b"0101", "given": "01", "size": 2, "q": 0.5, "tokens": np.array([0, 1, 1, 0, 1]),
        "sequences": [TEXT], "pieces": [TEXT], "length": 2, "symbols": ("0", "1"), "answers": {"11": "0"}, "period": 2,
        "symbol": "1", "log_probs": chain.log_probs, "table": np.log(np.full((14, 2), 0.5)), "context_length": 2,
        "contexts": np.array([[0], [1]]), "counts": np.ones((2, 2)), "probs": np.full((2, 2), 0.5), "k": 2,
        "weights": np.full(2, 0.5),
        "go": np.zeros((1, 2), dtype=np.int64), "nodes": np.zeros(8, dtype=np.int64), "states": np.arange(8),
    }  # fmt: skip
    gpt = run.gpt
    functions: dict[str, tuple[Any, dict[str, Any]]] = {
        "train": (bg.train, SMALL),
        "study": (bg.study, SMALL | {"seeds": [1]}),
        "attribute": (bg.attribute, SMALL | {"sequence": "01101", "context_length": 1}),
        "context_table": (bg.context_table, {"model": gpt}),
        "fit": (lambda **given: list(bg.fit(**given)), {"gpt": gpt, "config": bg.TrainConfig(steps=1)}),
        "judge": (bg.judge, {"model": bg.train("0101101", 1, **SMALL)}),
        "sweep": (bg.sweep, {"spec": {"fixed": {"sequence": TEXT, **SMALL}}}),
        "connect": (bg.connect, {}),
        "MarkovChain": (bg.MarkovChain, {"vocabulary": None}),
        "Vocabulary": (bg.Vocabulary, {"tokens": "chars"}),
        "GPTConfig": (bg.GPTConfig, {}),
        "TrainConfig": (bg.TrainConfig, {}),
        "GPT": (bg.GPT, {}),
        "InputDevice": (bg.InputDevice, {"start": 0, "read": device.read}),
    }
    functions["fit"][0].__signature__ = inspect.signature(bg.fit)
    for made in (corpus, source, ensemble, study, found, run, bg.judge(bg.train("0101101", 1, **SMALL), source)):
        functions[type(made).__name__] = type(made), {f.name: getattr(made, f.name) for f in fields(made) if f.init}
    for owner, label in [
        (chain, "chain"), (bg.MarkovChain, "MarkovChain"), (corpus, "corpus"), (bg.Corpus, "Corpus"),
        (vocabulary, "vocabulary"), (bg.Vocabulary, "Vocabulary"), (run, "run"), (bg.Run, "Run"),
        (ensemble, "ensemble"), (bg.Ensemble, "Ensemble"), (study, "study"), (found, "attribution"), (source, "source"),
        (bg.InputDevice, "InputDevice"), (joined, "joined"),
    ]:  # fmt: skip
        for name in dir(owner):
            if (name.startswith("_") and name != "__getitem__") or isinstance(
                inspect.getattr_static(owner, name, None), property
            ):
                continue
            static = inspect.getattr_static(owner, name)
            of_the_class = isinstance(static, (classmethod, staticmethod))
            if inspect.isroutine(getattr(owner, name)) and of_the_class == isinstance(owner, type):
                functions[f"{label}.{name}"] = getattr(owner, name), {}
    special = {
        "Vocabulary.of": {"given": "01"}, "Vocabulary.from_text": {"text": "01"},
        "Corpus.from_tokens": {"vocabulary": "01"}, "Corpus.from_source": {"source": source},
        "vocabulary.encode": {"text": "01"}, "vocabulary.tokens_of": {"context": "01"},
        "attribution.strongest": {"context": "1"}, "attribution.arrow": {"context": "1"},
        "MarkovChain.from_model": {"model": gpt, "context_length": None, "vocabulary": None},
        "Ensemble.of": {"seeds": [1]}, "Ensemble.train": SMALL | {"seeds": [1]}, "run.trace": {"name": "entropy_rate"},
        "chain.plot": {"layout": "ring"}, "chain.with_decoding": {}, "corpus.of": {"given": TEXT},
        "Corpus.of": {"given": TEXT}, "joined.advance": {"distribution": np.full(joined.n_states, 1 / joined.n_states)},
        "joined.pull": {"values": np.ones(joined.n_states)}, "study.mark": {"seed": 1},
        "Corpus.from_file": {"vocabulary": "01"},
    }  # fmt: skip
    answers = {}
    for name, (function, own) in functions.items():
        parameters = inspect.signature(function).parameters
        needed = {n for n, p in parameters.items() if p.default is p.empty and p.kind not in (2, 4)}
        own = {**own, **special.get(name, {})}
        answers[name] = function, {n: right[n] for n in needed - own.keys() if n in right} | own
    return answers


def calls(function: Any, right: dict[str, Any]) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield each call with one wrong argument: the parameter, the value's name, and what makes the call."""
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        for label, value in POOL.items():
            given = {**right, parameter.name: value}
            if parameter.kind is parameter.POSITIONAL_ONLY:
                yield parameter.name, label, lambda value=value: function(value)
            else:
                yield parameter.name, label, lambda given=given: function(**given)


def told(call: Callable[[], Any]) -> str | None:
    """Return what a call raised that is none of BabyGPT's own errors, or None."""
    try:
        result = call()
        if isinstance(result, Iterator):
            for _ in zip(range(20), result, strict=False):
                pass
    except bg.BabyGPTError as error:
        text = str(error)
        return None if text and "\n" not in text else f"no sentence: {text!r}"
    except TypeError as error:
        if "required" in str(error) or "unexpected keyword" in str(error):
            return None  # missing and unknown arguments: Python's own words are plain
        return repr(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    return None


@pytest.mark.slow
def test_every_wrong_argument_gets_a_result_or_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    unknown, n_calls = [], 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, (function, right) in objects().items():
            right = {n: tmp_path / f"{name}-{n}" if n in ("path", "out") else v for n, v in right.items()}
            for n in inspect.signature(function).parameters:
                if n in ("path", "out") and name != "context_table":
                    right[n] = tmp_path / f"{name}-{n}"
            for parameter, label, call in calls(function, right):
                n_calls += 1
                if problem := told(call):
                    unknown.append(f"{name}({parameter}={label}): {problem}")
    assert n_calls > 4000
    assert not unknown, f"{len(unknown)} of {n_calls}:\n" + "\n".join(unknown)


def test_the_sentence_names_the_argument_what_was_given_and_what_is_taken() -> None:
    chain = bg.MarkovChain(np.log([[0.7, 0.3], [0.4, 0.6]]))
    with pytest.raises(bg.SettingError, match=r"^other=None is not a MarkovChain\.$|takes another chain"):
        chain.compare(None)  # type: ignore[arg-type]
    with pytest.raises(bg.SettingError, match=r"^corpus='01' is not a Corpus\.$"):
        chain.loss_decomposition("01")  # type: ignore[arg-type]
    with pytest.raises(bg.SettingError, match=r"^path=1\.5 is not a text or a path\.$"):
        bg.Run.load(1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        chain.loss_decomposition()  # type: ignore[call-arg]


def test_an_error_that_is_no_fault_of_the_arguments_stays_what_it_was() -> None:
    def broken(done: int, total: int) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        bg.study(TEXT, seeds=[1], progress=broken, **SMALL)


def test_a_message_is_one_line_whatever_was_given() -> None:
    with pytest.raises(bg.SettingError) as caught:
        bg.GPTConfig(n_layer=np.zeros((3, 3)))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(), (0,), (7,), (9,), (8, 1), (1, 8), (2, 4), (4, 2, 1)])
def test_advance_and_pull_take_one_number_for_each_state_and_nothing_else(shape: tuple[int, ...]) -> None:
    chain = bg.train(TEXT, **SMALL).chain
    for ask in (chain.advance, chain.pull, bg.connect(chain, bg.InputDevice.lookup({"11": ""})).pull):
        with pytest.raises(bg.SettingError, match="numbers in a row"):
            ask(np.ones(shape))
    assert chain.pull([1] * 8).tolist() == pytest.approx([1] * 8)  # type: ignore[arg-type]  # a list will do


def test_probabilities_too_small_for_all_their_digits_give_no_nan() -> None:
    for tiny in (-708.0, -720.0, -744.4, -1000.0, -1e5):
        chain = bg.MarkovChain(np.array([[np.log1p(-np.exp(tiny)), tiny], [np.log(0.5), np.log(0.5)]]))
        answers = [
            chain.stationary_distribution(), chain.entropy_rate(), chain.eigenvalues(), chain.hitting_times("1"),
            chain.hitting_probability("1", 10**18), chain.mixing_time(), chain.excess_entropy(),
            chain.memory_profile(), chain.spectral_gap, chain.perplexity("0001"), chain.first_of(["1", "0"]),
            chain.compare(chain).total_variation, chain.with_decoding(0.5).probs, chain.distance_to_stationary(10**18),
        ]  # fmt: skip
        for number, answer in enumerate(answers):
            assert not np.isnan(answer).any(), (tiny, number)
