from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import resource
import shutil

import numpy as np
import pytest
from safetensors.numpy import load, save

import babygpt as bg
from babygpt.errors import FileError, RunError
from babygpt.run import files

ARTICLE = "111101111011110"
NAMES = ["corpus.safetensors", "history.safetensors", "optimizer.safetensors", "run.json", "weights.safetensors"]


@pytest.fixture
def saved(small_run, tmp_path):
    return small_run.save(tmp_path / "home" / "run")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_same(a, b):
    assert (a.config, a.train_config, a.corpus.vocabulary) == (b.config, b.train_config, b.corpus.vocabulary)
    for left, right in (
        (a.losses, b.losses),
        (a.history.steps, b.history.steps),
        (a.history.table, b.history.table),
        (a.corpus.contexts, b.corpus.contexts),
        (a.corpus.counts, b.corpus.counts),
        *((a.weights[name], b.weights[name]) for name in a.weights),
        *((a.optimizer[name], b.optimizer[name]) for name in a.optimizer),
    ):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    assert a.weights.keys() == b.weights.keys()
    assert a.optimizer.keys() == b.optimizer.keys()
    assert (a.history.n_states, a.corpus.context_length) == (b.history.n_states, b.corpus.context_length)


def edit_header(folder, **changes):
    """Change run.json as someone would who also mends its checksum."""
    path = folder / "run.json"
    header = json.loads(path.read_text(encoding="utf-8"))
    header.pop("checksum")
    header.update(changes)
    header["checksum"] = files._checksum(header)
    path.write_text(json.dumps(header, ensure_ascii=False), encoding="utf-8")


def edit_arrays(folder, name, change):
    """Change one file of arrays and mend the checksums."""
    arrays = load((folder / name).read_bytes())
    change(arrays)
    data = save(arrays)
    (folder / name).write_bytes(data)
    digests = json.loads((folder / "run.json").read_text(encoding="utf-8"))["files"]
    edit_header(folder, files={**digests, name: hashlib.sha256(data).hexdigest()})


def refuse(path, words=None):
    with pytest.raises(RunError, match=words) as error:
        bg.Run.load(path)
    return str(error.value)


# -- there and back -----------------------------------------------------------------------------------------


def test_a_run_comes_back_exactly(article_run, tmp_path):
    path = article_run.save(tmp_path / "first")
    assert names_in(path) == NAMES
    again = bg.Run.load(path)
    assert_same(article_run, again)
    np.testing.assert_array_equal(article_run.chain.probs, again.chain.probs)
    np.testing.assert_array_equal(bg.MarkovChain.from_model(again.gpt).probs, article_run.chain.probs)


@pytest.mark.parametrize(
    "settings",
    [
        {"context_length": 1, "bias": True},
        {"positions": "all", "batch_size": 3, "vocabulary": "10"},
        {"sequence": "雨 晴 雨 \U0001f600 晴 晴 e\u0301", "tokens": "words", "context_length": 2},
        {"sequence": 'a"\\\n\t\x00\u200bba"a\\', "context_length": 2},
    ],
)
def test_runs_of_every_kind_come_back_exactly(settings, tmp_path):
    run = bg.train(**{"sequence": ARTICLE, "steps": 2, "n_layer": 1, "n_embd": 8, **settings})
    assert_same(run, bg.Run.load(run.save(tmp_path / "run")))


def test_a_text_with_bytes_that_are_no_unicode_can_be_saved(tmp_path):
    # what Python makes of such a byte in an argument or a file: a lone surrogate
    run = bg.train("ab\udcffab\udcffab", steps=1, n_layer=1, n_embd=8)
    assert_same(run, bg.Run.load(run.save(tmp_path / "run")))


def test_saving_makes_the_folders_above(small_run, tmp_path):
    path = small_run.save(tmp_path / "a" / "b" / "run")
    assert path == tmp_path / "a" / "b" / "run"
    assert bg.Run.load(str(path)).steps == 6


def test_paths_are_taken_from_the_current_folder(small_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert small_run.save("here") == tmp_path / "here"
    assert bg.Run.load("here").steps == 6


def test_nothing_stands_beside_a_saved_run(saved):
    assert names_in(saved.parent) == ["run"]


def test_a_loaded_run_can_be_gone_on_with(saved, small_run):
    from babygpt.run.training import Training

    a, b = Training.resume(bg.Run.load(saved), 9), Training.resume(small_run, 9)
    assert [step.loss for step in a] == [step.loss for step in b]
    assert_same(a.result(), b.result())


# -- taken paths --------------------------------------------------------------------------------------------


def test_a_taken_path_is_refused_and_left_as_it_is(saved, small_run):
    before = {name: (saved / name).read_bytes() for name in NAMES}
    with pytest.raises(RunError, match=r"exists already.*--replace"):
        small_run.save(saved)
    assert {name: (saved / name).read_bytes() for name in NAMES} == before


@pytest.mark.parametrize("replace", [False, True])
def test_a_file_a_folder_or_a_dangling_link_is_never_replaced(small_run, tmp_path, replace):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "folder", "link"):
        with pytest.raises(RunError, match="exists"):
            small_run.save(tmp_path / name, replace=replace)
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "mine").read_text() == "mine"
    assert names_in(tmp_path) == ["file", "folder", "link"]


def test_a_run_can_be_replaced_on_purpose(saved, article_run):
    assert article_run.save(saved, replace=True) == saved
    assert_same(bg.Run.load(saved), article_run)
    assert names_in(saved.parent) == ["run"]


def test_replacing_nothing_is_saving(small_run, tmp_path):
    assert_same(bg.Run.load(small_run.save(tmp_path / "run", replace=True)), small_run)


def test_replacing_a_link_to_a_run_leaves_no_debris_and_the_run_it_led_to(saved, article_run, small_run, tmp_path):
    link = tmp_path / "latest"
    link.symlink_to(saved)
    article_run.save(link, replace=True)
    assert_same(bg.Run.load(link), article_run)
    assert names_in(tmp_path) == ["home", "latest"]
    assert names_in(saved.parent) == ["run"]


def test_replacing_refuses_a_folder_that_merely_has_a_file_of_that_name(small_run, tmp_path):
    home = tmp_path / "project"
    home.mkdir()
    (home / "run.json").write_text('{"scripts": {}}')
    (home / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="not a run"):
        small_run.save(home, replace=True)
    assert (home / "thesis.txt").read_text() == "years of work"


# -- a save that fails --------------------------------------------------------------------------------------


def fill_disk_after(monkeypatch, n_files):
    """Let the first files be written, and half of the next one."""
    real, written = files.write_new, []

    def write(path, data):
        if len(written) >= n_files:
            path.write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(path)
        real(path, data)

    monkeypatch.setattr(files, "write_new", write)


@pytest.mark.parametrize("n_files", range(5))
def test_a_full_disk_leaves_nothing_behind(monkeypatch, small_run, tmp_path, n_files):
    fill_disk_after(monkeypatch, n_files)
    with pytest.raises(RunError, match=r"could not be saved.*No space left.*Nothing was left.*Free some space"):
        small_run.save(tmp_path / "run")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("n_files", range(5))
def test_a_full_disk_leaves_the_run_that_was_to_be_replaced(monkeypatch, saved, small_run, article_run, n_files):
    fill_disk_after(monkeypatch, n_files)
    with pytest.raises(RunError, match="No space left"):
        article_run.save(saved, replace=True)
    assert names_in(saved.parent) == ["run"]
    assert_same(bg.Run.load(saved), small_run)


def test_a_real_limit_on_file_size_leaves_nothing_behind(saved, article_run, small_run):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(RunError, match="could not be saved"):
            article_run.save(saved.parent / "new")
        with pytest.raises(RunError, match="could not be saved"):
            article_run.save(saved, replace=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names_in(saved.parent) == ["run"]
    assert_same(bg.Run.load(saved), small_run)


def test_an_interrupted_save_leaves_nothing_behind(monkeypatch, saved, article_run, small_run):
    def interrupt(path, data):
        path.write_bytes(data)
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "write_new", interrupt)
    with pytest.raises(KeyboardInterrupt):
        article_run.save(saved, replace=True)
    assert names_in(saved.parent) == ["run"]
    assert_same(bg.Run.load(saved), small_run)


def test_a_run_that_cannot_be_swapped_in_leaves_the_old_one(monkeypatch, saved, article_run, small_run):
    real = type(saved).rename

    def rename(self, target):
        if self.name.endswith(".partial"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(self, target)

    monkeypatch.setattr(type(saved), "rename", rename)
    with pytest.raises(RunError, match="could not be saved"):
        article_run.save(saved, replace=True)
    assert names_in(saved.parent) == ["run"]
    assert_same(bg.Run.load(saved), small_run)


@pytest.mark.parametrize("name", ["file/run", "x" * 300, "nul\0l"])
def test_impossible_paths_are_told_as_such(small_run, tmp_path, name):
    (tmp_path / "file").write_text("a file, no folder")
    with pytest.raises(RunError):
        small_run.save(tmp_path / name)
    assert names_in(tmp_path) == ["file"]


# -- runs that are not as they were saved -------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    assert name in refuse(saved)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", [0.0, 0.3, 0.999])
def test_a_file_that_is_cut_off_is_named(saved, name, part):
    data = (saved / name).read_bytes()
    (saved / name).write_bytes(data[: int(len(data) * part)])
    assert name in refuse(saved, "Restore the folder from a copy or train again")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [0, 0.1, 0.5, 0.9, -1])
def test_a_flipped_bit_anywhere_is_noticed(saved, name, place):
    data = bytearray((saved / name).read_bytes())
    data[int(place * len(data)) if place >= 0 else -1] ^= 1
    (saved / name).write_bytes(bytes(data))
    assert name in refuse(saved)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "garbage",
    [
        b"", np.random.default_rng(0).bytes(1000), b"\x00" * 64, b"[" * 100_000, b'{"format": 1', b"null", b"[]",
        b'"run"', b"\xff\xfe{}",
    ],
    ids=["empty", "random", "zeros", "nested", "cut", "null", "list", "text", "utf16"],
)  # fmt: skip
def test_garbage_is_named_as_damage(saved, name, garbage):
    (saved / name).write_bytes(garbage)
    assert name in refuse(saved)


def test_a_file_swapped_for_that_of_another_run_is_noticed(saved, article_run, tmp_path):
    other = article_run.save(tmp_path / "other")
    shutil.copy(other / "weights.safetensors", saved / "weights.safetensors")
    refuse(saved, r"weights\.safetensors is not as it was saved")


def test_an_edited_setting_is_noticed(saved):
    text = (saved / "run.json").read_text(encoding="utf-8")
    assert '"learning_rate": 0.001' in text
    (saved / "run.json").write_text(text.replace('"learning_rate": 0.001', '"learning_rate": 0.002'), encoding="utf-8")
    refuse(saved, r"run\.json is not as it was saved")


def test_reformatting_the_header_changes_nothing(saved, small_run):
    header = json.loads((saved / "run.json").read_text(encoding="utf-8"))
    (saved / "run.json").write_text(json.dumps(header, sort_keys=True, indent=4), encoding="utf-8")
    assert_same(bg.Run.load(saved), small_run)


def test_a_pickle_is_never_opened(saved, tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    for name in NAMES:
        data = pickle.dumps(Trap())
        original = (saved / name).read_bytes()
        (saved / name).write_bytes(data)
        if name != "run.json":
            digests = json.loads((saved / "run.json").read_text(encoding="utf-8"))["files"]
            edit_header(saved, files={**digests, name: hashlib.sha256(data).hexdigest()})
        refuse(saved)
        (saved / name).write_bytes(original)
        if name != "run.json":
            edit_header(saved, files=digests)
    assert bg.Run.load(saved).steps == 6
    assert not (tmp_path / "sprung").exists()


def test_a_newer_format_names_the_version_that_wrote_it(saved):
    edit_header(saved, format=files.FORMAT + 1, versions={"babygpt": "9.1"})
    refuse(saved, rf"BabyGPT 9\.1 in format {files.FORMAT + 1}.*up to format {files.FORMAT}\. Update")


@pytest.mark.parametrize("versions", [None, [], "9.1", {}])
def test_a_newer_format_is_told_whatever_its_versions_look_like(saved, versions):
    edit_header(saved, format=99, versions=versions)
    refuse(saved, "format 99")


def test_nowhere_a_file_and_a_plain_folder_are_no_runs(tmp_path):
    refuse(tmp_path / "nowhere", "no run at .*babygpt train")
    (tmp_path / "file").write_text("mine")
    refuse(tmp_path / "file", r"not a run: it has no run\.json")
    refuse(tmp_path, r"not a run: it has no run\.json")
    (tmp_path / "nul").mkdir()
    with pytest.raises(RunError):
        bg.Run.load(str(tmp_path / "nul\0l"))


def test_a_run_error_is_a_file_error_and_no_input_error(tmp_path):
    with pytest.raises(FileError):
        bg.Run.load(tmp_path / "nowhere")
    assert not issubclass(RunError, ValueError)


@pytest.mark.parametrize(
    "changes",
    [
        {"gpt": {"block_size": 3, "vocab_size": 2, "n_layer": 1, "n_head": 2, "n_embd": 8, "colour": "red"}},
        {"gpt": {"block_size": 4, "vocab_size": 2, "n_layer": 1, "n_head": 2, "n_embd": 8, "bias": False}},
        {"gpt": {"block_size": 3, "vocab_size": 2, "n_layer": 0}},
        {"gpt": None},
        {"gpt": []},
        {"train": {"steps": "many"}},
        {"train": "fast"},
        {"vocabulary": {"symbols": ["0"], "tokens": "chars"}},
        {"vocabulary": {"symbols": ["0", "1", "2"], "tokens": "chars"}},
        {"vocabulary": {"symbols": 5, "tokens": "chars"}},
        {"vocabulary": {"symbols": [0, 1], "tokens": "chars"}},
        {"vocabulary": None},
        {"losses": [1.0]},
        {"losses": "low"},
        {"losses": None},
        {"losses": [[1.0]] * 6},
        {"losses": [{}] * 6},
        {"files": {}},
        {"files": []},
        {"files": None},
        {"files": {"../../../../etc/passwd": "0" * 64}},
    ],
)
def test_headers_that_do_not_fit_their_files_are_refused(saved, changes):
    edit_header(saved, **changes)
    refuse(saved)


def _drop(key):
    return lambda arrays: arrays.pop(key)


def _put(key, value):
    return lambda arrays: arrays.__setitem__(key, value)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("history.safetensors", _drop("steps")),
        ("history.safetensors", _drop("table")),
        ("history.safetensors", _put("extra", np.zeros(3))),
        ("history.safetensors", _put("steps", np.zeros(0, dtype=np.int64))),
        ("history.safetensors", _put("steps", np.arange(6, -1, -1))),
        ("history.safetensors", _put("steps", np.zeros((7, 1), dtype=np.int64))),
        ("history.safetensors", _put("table", np.zeros((7, 13, 2)))),
        ("history.safetensors", _put("table", np.zeros((7, 28)))),
        ("corpus.safetensors", _drop("counts")),
        ("corpus.safetensors", _put("contexts", np.zeros((4, 2), dtype=np.int64))),
        ("corpus.safetensors", _put("contexts", np.full((4, 3), 7, dtype=np.int64))),
        ("corpus.safetensors", _put("counts", np.zeros((4, 3), dtype=np.int64))),
        ("corpus.safetensors", _put("counts", np.full((4, 2), -1, dtype=np.int64))),
        ("weights.safetensors", _drop("wte.weight")),
        ("weights.safetensors", _put("wte.weight", np.zeros((3, 8), dtype=np.float32))),
        ("weights.safetensors", _put("wte.weight", np.zeros((1, 8), dtype=np.float32))),
        ("weights.safetensors", _put("surprise", np.zeros(3, dtype=np.float32))),
        ("optimizer.safetensors", _drop("exp_avg.wte.weight")),
        ("optimizer.safetensors", _put("exp_avg.wte.weight", np.zeros((3, 3), dtype=np.float32))),
    ],
)
def test_arrays_that_do_not_fit_the_settings_are_refused(saved, name, change):
    edit_arrays(saved, name, change)
    refuse(saved)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everywhere")
def test_folders_without_permission_are_told_as_such(small_run, saved):
    saved.chmod(0)
    try:
        refuse(saved)
    finally:
        saved.chmod(0o755)
    saved.parent.chmod(0o555)
    try:
        with pytest.raises(RunError, match="Permission denied"):
            small_run.save(saved.parent / "other")
    finally:
        saved.parent.chmod(0o755)
