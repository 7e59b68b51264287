"""Runs that somebody else made, or that a disk changed: told in a sentence, or read as what they are."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys

import numpy as np
import pytest
from safetensors.numpy import load, save

import babygpt as bg
from babygpt.run import files, sound

NAMES = ("run.json", *files.FILES)
posix = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")


@pytest.fixture(scope="module")
def run():
    return bg.train("0110101", context_length=2, steps=3, n_layer=1, n_head=1, n_embd=2)


@pytest.fixture
def saved(run, tmp_path):
    return run.save(tmp_path / "run")


@pytest.fixture
def in_time():
    """Break off what takes a minute."""

    def late(*_):
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def forge(folder, name, data):
    """Write a file and mend the checksums, as a stranger would."""
    (folder / name).write_bytes(data)
    try:
        header = json.loads((folder / "run.json").read_bytes())
        if name != "run.json":
            header["files"][name] = hashlib.sha256(data).hexdigest()
        header.pop("checksum", None)
        header["checksum"] = files._checksum(header)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return
    (folder / "run.json").write_text(json.dumps(header))


def refused(folder, words=None):
    with pytest.raises(bg.RunError, match=words) as error:
        bg.Run.load(folder)
    message = str(error.value)
    assert "\n" not in message
    assert "Errno" not in message
    assert len(message) < 600
    return message


def loaded_or_none(folder):
    """Return the run, or None where it is refused in a sentence."""
    try:
        return bg.Run.load(folder)
    except bg.RunError as error:
        told = str(error)
    assert "\n" not in told
    assert told.endswith(".")
    return None


def damages(data, place):
    """Return some ways in which a file can be damaged."""
    yield data[: place.randrange(len(data))]
    flipped = bytearray(data)
    flipped[place.randrange(len(data))] ^= 1 << place.randrange(8)
    yield bytes(flipped)
    many = bytearray(data)
    for _ in range(20):
        many[place.randrange(min(len(data), 400))] = place.randrange(256)
    yield bytes(many)


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_refused_or_makes_no_difference(saved, run, name, in_time):
    data, place = (saved / name).read_bytes(), random.Random(name)
    for _ in range(25):
        for damaged in damages(data, place):
            (saved / name).write_bytes(damaged)
            again = loaded_or_none(saved)
            if again is not None:
                assert name == "run.json"  # where a blank between two words became another
                np.testing.assert_array_equal(again.history.table, run.history.table)
                assert (again.config, again.train_config) == (run.config, run.train_config)


@pytest.mark.parametrize("name", NAMES)
def test_a_forged_file_is_refused_or_a_run(saved, name, in_time):
    originals = {name: (saved / name).read_bytes() for name in NAMES}
    place = random.Random(name)
    for _ in range(40):
        for damaged in damages(originals[name], place):
            for other, data in originals.items():
                (saved / other).write_bytes(data)
            forge(saved, name, damaged)
            again = loaded_or_none(saved)
            if again is not None:
                for step in again.history.steps.tolist():
                    np.testing.assert_allclose(again.chain_at(step).probs.sum(axis=1), 1, atol=1e-9)
                assert np.isfinite(again.losses).all()
                assert np.isfinite(again.floor)
                assert repr(again)


def change(folder, name, key, value):
    arrays = load((folder / name).read_bytes())
    arrays[key] = value(arrays[key]) if callable(value) else value
    forge(folder, name, save(arrays))


def at(place, value):
    def put(array):
        array = array.copy()
        array.reshape(-1)[place] = value
        return array

    return put


@pytest.mark.parametrize(
    ("name", "key", "value", "words"),
    [
        ("weights.safetensors", "wte.weight", at(0, np.nan), "weights wte.weight are not all finite"),
        ("weights.safetensors", "wpe.weight", at(1, -np.inf), "weights wpe.weight are not all finite"),
        ("weights.safetensors", "wte.weight", lambda w: w.astype(np.float16), "holds F16 numbers.*F32"),
        ("weights.safetensors", "wte.weight", lambda w: w.astype(np.float64), "holds F64 numbers.*F32"),
        ("weights.safetensors", "wte.weight", lambda w: w.astype(np.int32), "holds I32 numbers.*F32"),
        ("optimizer.safetensors", "exp_avg.wte.weight", at(0, np.nan), "optimizer's exp_avg.wte.weight is NaN"),
        ("optimizer.safetensors", "exp_avg_sq.wte.weight", at(0, -1), "a square below zero"),
        ("history.safetensors", "table", at(0, np.nan), "chain at step 0 has a row that is no distribution"),
        ("history.safetensors", "table", at(-1, 0), "chain at step 3 has a row that is no distribution"),
        ("history.safetensors", "table", lambda t: t * 2, "no distribution"),
        ("history.safetensors", "table", lambda t: t.astype(np.int64), "history holds int64"),
        ("history.safetensors", "steps", np.array([0, 2, 1, 3]), "recorded steps do not go up from 0"),
        ("history.safetensors", "steps", np.array([1, 2, 2, 3]), "recorded steps do not go up from 0"),
        ("history.safetensors", "steps", np.array([0.0, 1, 2, 3]), "recorded steps do not go up from 0"),
        ("corpus.safetensors", "contexts", lambda c: c[[0] * len(c)], "not in order, or one is there twice"),
        ("corpus.safetensors", "contexts", lambda c: c[::-1].copy(), "not in order, or one is there twice"),
        ("corpus.safetensors", "contexts", np.zeros((0, 2), np.int64), "counts have shape"),
        ("corpus.safetensors", "contexts", np.zeros((3, 2**20), np.int64), "cannot have shape"),
    ],
)  # fmt: skip
def test_numbers_that_no_training_leaves_are_named(saved, name, key, value, words):
    change(saved, name, key, value)
    refused(saved, words)


def brain_floats(data):
    """Return a file of arrays whose first is called bfloat16, as other programs write them."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    for array in header.values():
        array["dtype"], array["shape"] = "BF16", [2 * array["shape"][0], *array["shape"][1:]]
    new = json.dumps(header).encode()
    return len(new).to_bytes(8, "little") + new + data[8 + length :]


@pytest.mark.parametrize("name", files.FILES)
def test_bfloat16_is_named(saved, name):
    forge(saved, name, brain_floats((saved / name).read_bytes()))
    refused(saved, rf"{name} .*holds BF16 numbers, and here .* are read")


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("gpt", {"n_layer": 10**15}),
        ("gpt", {"n_layer": 10**9, "n_embd": 2**40, "n_head": 1}),
        ("gpt", {"n_embd": 2**60}),
        ("gpt", {"block_size": 2**62}),
        ("gpt", {"block_size": 10**9, "vocab_size": 10**9}),
        ("gpt", {"vocab_size": 10**12}),
        ("gpt", {"n_layer": 10**400}),
        ("train", {"steps": 10**400}),
        ("train", {"learning_rate": float("nan")}),
        ("train", {"learning_rate": float("inf")}),
        ("vocabulary", {"separator": "\0" * 10**6}),
        ("vocabulary", {"symbols": ["0", "0"]}),
        (None, {"losses": [float("nan")] * 3}),
        (None, {"losses": [10**400] * 3}),
        (None, {"losses": ["1.0"] * 3}),
        (None, {"losses": [True] * 3}),
        (None, {"frames": 10**400}),
        (None, {"frames": -1}),
    ],
)
def test_forged_headers_are_told_in_a_sentence_and_at_once(saved, part, changes, in_time):
    header = json.loads((saved / "run.json").read_text())
    (header if part is None else header[part]).update(changes)
    forge(saved, "run.json", json.dumps(header).encode())
    if changes == {"frames": 10**400}:  # as many as one likes
        assert bg.Run.load(saved).frames == 10**400
    else:
        refused(saved)


def test_a_run_larger_than_memory_is_told_before_it_is_read(saved, monkeypatch):
    with (saved / "history.safetensors").open("r+b") as file:
        file.truncate(2**40)  # sparse: it takes no room on the disk
    refused(saved, r"it takes 2(\.0)? TiB of memory, and .* are free")
    monkeypatch.setattr(sound, "SMALL", 0)
    monkeypatch.setattr(sound, "free_memory", lambda: 10)
    refused(saved, "of memory, and 10 bytes are free")


@posix
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("kind", "words"),
    [("pipe", "named pipe"), ("loop", "symbolic links"), ("nothing", "run"), ("folder", "folder"), ("zero", "device")],
)
def test_what_is_no_file_is_named_and_nobody_waits_for_it(saved, name, kind, words, in_time):
    path = saved / name
    path.unlink()
    {
        "pipe": os.mkfifo,
        "loop": lambda path: path.symlink_to(path),
        "nothing": lambda path: path.symlink_to(saved / "nowhere"),
        "folder": lambda path: path.mkdir(),
        "zero": lambda path: path.symlink_to("/dev/zero"),
    }[kind](path)
    assert name in refused(saved, words)


@posix
@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: path.symlink_to(path), lambda path: path.symlink_to("/dev/zero")]
)
def test_a_path_that_leads_to_no_folder_is_told(tmp_path, make, in_time):
    make(tmp_path / "run")
    refused(tmp_path / "run", "run")


def test_a_run_that_is_a_link_to_another_place_is_read(saved, tmp_path):
    (tmp_path / "link").symlink_to(saved)
    assert bg.Run.load(tmp_path / "link").steps == 3
