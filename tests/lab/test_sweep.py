from __future__ import annotations

import errno
import signal
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import psutil
import pyarrow as pa
import pytest
from pyarrow import parquet

import babygpt as bg
from babygpt.lab.settings import SETTINGS
from babygpt.lab.spec import SweepSpec
from babygpt.lab.store import read_results, schema_of
from babygpt.lab.task import batches_of
from babygpt.lab.workers import WorkerPool

ARTICLE = "111101111011110"
SMALL = {"sequence": ARTICLE, "steps": 3, "n_layer": 1, "n_head": 1, "n_embd": 4}
# eight batches of one or two trainings each
SPEC = {
    "fixed": SMALL,
    "grid": {"context_length": [1, 2], "learning_rate": [1e-3, 1e-2], "weight_decay": [0, 0.1], "seed": [0, 1]},
    "outcomes": ["first_loss", "last_loss", "floor", "gap", "losses", "probs", "entropy_rate"],
}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return the sweep of SPEC, done in this process, one training batch after the other; shared, so read only."""
    return bg.sweep(SPEC, tmp_path_factory.mktemp("sweeps") / "alone", jobs=1)


def workers():
    """Return the processes of loky that this one has started."""
    return [
        child
        for child in psutil.Process().children()
        if "loky" in " ".join(child.cmdline()) and "resource_tracker" not in " ".join(child.cmdline())
    ]


# -- results -----------------------------------------------------------------------------------------------


def test_each_row_is_the_training_that_its_settings_name(alone):
    rows = alone.table.to_pylist()
    assert len(rows) == 16
    for row in rows[::5]:
        settings = {name: row[name] for name in SETTINGS if not name.startswith("source_")}
        run = bg.train(**settings)
        assert row["status"] == "done"
        assert row["losses"] == pytest.approx(run.losses, abs=1e-6)
        assert np.reshape(row["probs"], run.chain.probs.shape) == pytest.approx(run.chain.probs, abs=1e-5)


def test_results_stand_in_the_order_of_the_spec(alone):
    spec = SweepSpec.of(SPEC)
    expected = [(g.settings["context_length"], g.settings["learning_rate"], s) for g in spec.groups() for s in g.seeds]
    rows = alone.table.to_pylist()
    assert [(row["context_length"], row["learning_rate"], row["seed"]) for row in rows] == expected


def test_the_files_have_the_schema_with_units(alone):
    for file in [alone.path / "results.parquet", *(alone.path / "parts").iterdir()]:
        schema = parquet.read_schema(file)
        assert schema.equals(schema_of(SPEC["outcomes"]))
        assert schema.field("entropy_rate").metadata[b"unit"] == b"nats per token"
        assert schema.field("probs").type == pa.list_(pa.float64())
        assert schema.field("seed").type == pa.int64()


def test_parts_hold_what_the_table_holds(alone):
    parts = pa.concat_tables(parquet.read_table(file) for file in (alone.path / "parts").iterdir())
    assert len(list((alone.path / "parts").iterdir())) == 8
    assert parts.sort_by("key").equals(alone.table.sort_by("key"))
    assert not list(alone.path.rglob(".*"))  # nothing unfinished is left


def test_a_sweep_says_in_a_line_what_it_gave(alone):
    assert repr(alone).endswith("alone: 16 done)")


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "jobs"), [("loky", 2), ("threading", 1)])
def test_processes_or_none_give_the_same_table_to_the_last_bit(tmp_path, alone, backend, jobs):
    assert bg.sweep(SPEC, tmp_path / "other", backend=backend, jobs=jobs).table.equals(alone.table)


def test_threads_that_share_a_batch_give_the_same_within_rounding(tmp_path, alone):
    table = bg.sweep(SPEC, tmp_path / "other", backend="threading", jobs=3).table
    outcomes = SPEC["outcomes"]
    assert table.drop(outcomes).equals(alone.table.drop(outcomes))
    for name in outcomes:
        pairs = zip(table[name].to_pylist(), alone.table[name].to_pylist(), strict=True)
        assert all(a == pytest.approx(b, abs=1e-5) for a, b in pairs)


def test_a_diverging_training_is_recorded_and_the_sweep_goes_on(tmp_path):
    spec = {"fixed": SMALL, "grid": {"learning_rate": [1e-3, 1e30, 1e-2], "seed": [0, 1]}}
    made = bg.sweep(spec, tmp_path / "sweep", jobs=1)
    rows = made.table.to_pylist()
    assert [row["status"] for row in rows] == ["done"] * 2 + ["diverged"] * 2 + ["done"] * 2
    assert made.statuses == {"done": 4, "diverged": 2}
    assert rows[2]["gap"] is None
    assert bg.sweep(spec, tmp_path / "sweep", jobs=1).n_known == 6  # it would diverge again


# -- going on ----------------------------------------------------------------------------------------------


def test_what_is_known_is_not_computed_again(tmp_path, alone, monkeypatch):
    bg.sweep(SPEC, tmp_path / "sweep", jobs=1)
    monkeypatch.setattr(WorkerPool, "work", None)  # nobody is asked
    again = bg.sweep(SPEC, tmp_path / "sweep", jobs=1)
    assert again.n_known == again.n_tasks == 16
    assert again.table.equals(alone.table)


def test_a_longer_spec_computes_only_what_is_new(tmp_path):
    def calls(grid):
        seen = []
        made = bg.sweep({"fixed": SMALL, "grid": grid}, tmp_path / "sweep", jobs=1, progress=lambda *n: seen.append(n))
        return made, seen

    calls({"context_length": [1], "seed": [0, 1]})
    made, seen = calls({"context_length": [2, 1], "seed": [0, 1, 2]})
    assert seen == [(2, 6), (5, 6), (6, 6)]  # 2 known, then 3 of context length 2, then the seed that was missing
    assert [(row["context_length"], row["seed"]) for row in made.table.to_pylist()] == [
        (2, 0), (2, 1), (2, 2), (1, 0), (1, 1), (1, 2),
    ]  # fmt: skip


def test_a_shorter_spec_keeps_what_others_asked_for_behind_its_own(tmp_path):
    bg.sweep({"fixed": SMALL, "grid": {"seed": [0, 1, 2]}}, tmp_path / "sweep", jobs=1)
    made = bg.sweep({"fixed": SMALL, "grid": {"seed": [2]}}, tmp_path / "sweep", jobs=1)
    assert made.statuses == {"done": 1}
    assert made.table["seed"].to_pylist()[0] == 2
    assert sorted(made.table["seed"].to_pylist()) == [0, 1, 2]


def test_results_of_a_longer_sweep_that_was_stopped_are_read_too(tmp_path):
    folder = tmp_path / "sweep"
    bg.sweep({"fixed": SMALL}, folder, jobs=1)

    def stop(done, _):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bg.sweep({"fixed": SMALL, "grid": {"weight_decay": [0.1, 0.2, 0.3]}}, folder, jobs=1, progress=stop)
    assert sorted(read_results(folder)["weight_decay"].to_pylist()) == [0.1, 0.2]


def test_damaged_and_unfinished_parts_are_computed_again(tmp_path, alone):
    bg.sweep(SPEC, tmp_path / "sweep", jobs=1)
    parts = sorted((tmp_path / "sweep" / "parts").iterdir())
    parts[0].write_bytes(parts[0].read_bytes()[:-40])
    parts[1].write_bytes(b"")
    unfinished = parts[2].with_name(f".{parts[2].name}.1.part")
    parts[2].rename(unfinished)
    made = bg.sweep(SPEC, tmp_path / "sweep", jobs=1)
    assert made.n_known == 16 - 3 * 2
    assert made.table.equals(alone.table)
    assert not unfinished.exists()


def test_what_failed_is_tried_again(tmp_path, monkeypatch):
    def fail(*args, **settings):
        raise MemoryError

    spec = {"fixed": SMALL, "grid": {"seed": [0, 1]}}
    with monkeypatch.context() as patch:
        patch.setattr(bg.Ensemble, "of", fail)
        made = bg.sweep(spec, tmp_path / "sweep", jobs=1)
    assert made.statuses == {"failed": 2}
    assert made.failures == {
        "The memory ran out for this training. Try a smaller n_embd, a shorter context, or fewer jobs at a time."
    }
    again = bg.sweep(spec, tmp_path / "sweep", jobs=1)
    assert (again.n_known, again.statuses, again.failures) == (0, {"done": 2}, set())


def test_what_failed_of_another_spec_is_not_a_failure_of_this_one(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(bg.Ensemble, "of", lambda *_, **__: 1 / 0)
        bg.sweep({"fixed": SMALL | {"seed": 1}}, tmp_path / "sweep", jobs=1)
    made = bg.sweep({"fixed": SMALL | {"seed": 2}}, tmp_path / "sweep", jobs=1)
    assert made.table["status"].to_pylist() == ["done", "failed"]
    assert (made.statuses, made.failures) == ({"done": 1}, set())


def test_other_outcomes_want_another_folder(tmp_path):
    bg.sweep({"fixed": SMALL, "outcomes": ["gap"]}, tmp_path / "sweep", jobs=1)
    with pytest.raises(bg.SettingError, match="holds a sweep with the outcomes gap, and this one asks for losses"):
        bg.sweep({"fixed": SMALL, "outcomes": ["losses"]}, tmp_path / "sweep", jobs=1)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "sweep").write_text("")
    with pytest.raises(bg.FileError, match=r"is a file\. Name a folder"):
        bg.sweep({"fixed": SMALL}, tmp_path / "sweep", jobs=1)


def test_results_are_read_from_a_folder_a_file_or_a_sweep_under_way(tmp_path, alone):
    assert read_results(alone.path).equals(alone.table)
    assert read_results(alone.path / "results.parquet").equals(alone.table)
    bg.sweep(SPEC, tmp_path / "sweep", jobs=1)
    (tmp_path / "sweep" / "results.parquet").unlink()
    assert read_results(tmp_path / "sweep").sort_by("key").equals(alone.table.sort_by("key"))
    with pytest.raises(bg.FileError, match=r"no results of a sweep in .*nowhere"):
        read_results(tmp_path / "nowhere")
    (tmp_path / "text.parquet").write_text("text")
    with pytest.raises(bg.FileError, match="no whole Parquet"):
        read_results(tmp_path / "text.parquet")


# -- faults ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_changes_nothing(tmp_path, alone):
    killed = []

    def kill(done, total):
        if done and not killed:
            victim = workers()[0]
            victim.send_signal(signal.SIGKILL)
            killed.append(victim.pid)

    made = bg.sweep(SPEC, tmp_path / "sweep", jobs=2, progress=kill)
    assert killed
    assert made.table.equals(alone.table)


@pytest.mark.slow
def test_a_batch_that_kills_its_workers_is_told_and_the_others_are_done(tmp_path):
    spec = SweepSpec.of(SPEC)
    batches = batches_of(spec.groups(), spec.outcomes)
    killer = Killer((5, 6, 7))
    found = list(WorkerPool(jobs=2).work([batches[0], killer, *batches[1:3]]))
    assert {id(batch) for batch, _ in found} == {id(batch) for batch in (killer, *batches[:3])}
    for batch, rows in found:
        assert len(rows) == len(batch.seeds)
        for row in rows:
            assert row["status"] == ("failed" if batch is killer else "done")
            assert ("Its worker died, 2 times in a row" in str(row["remark"])) == (batch is killer)


@pytest.mark.slow
def test_workers_that_die_of_everything_end_the_sweep(tmp_path):
    spec = SweepSpec.of(SPEC)
    good = batches_of(spec.groups(), spec.outcomes)[0]
    results = WorkerPool(jobs=2).work([Killer((n,)) for n in range(5)] + [good])
    with pytest.raises(bg.SweepError, match="Workers die of every batch, with 4 left"):
        list(results)


@dataclass
class Killer:
    """A batch that ends whoever unpacks it."""

    seeds: tuple[int, ...]

    def __reduce__(self):
        return eval, ("__import__('os').kill(__import__('os').getpid(), 9)",)


def test_a_full_disk_is_told_in_a_sentence_and_what_was_done_is_kept(tmp_path, alone, monkeypatch):
    write, written = parquet.write_table, []

    def write_until_full(*args, **kwargs):
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*args, **kwargs)
        written.append(1)

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "write_table", write_until_full)
        with pytest.raises(bg.FileError, match=r"No space left on device\. The results so far are kept") as error:
            bg.sweep(SPEC, tmp_path / "sweep", jobs=1)
    assert "\n" not in str(error.value)
    made = bg.sweep(SPEC, tmp_path / "sweep", jobs=1)
    assert made.n_known == 6
    assert made.table.equals(alone.table)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(bg.FileError, match=r"The folder .* cannot be made: Not a directory"):
        bg.sweep({"fixed": SMALL}, tmp_path / "file" / "sweep", jobs=1)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_what_progress_raises_ends_the_sweep_and_what_was_done_is_kept(tmp_path, alone, jobs):
    def stop(done, total):
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bg.sweep(SPEC, tmp_path / "sweep", jobs=jobs, progress=stop)
    made = bg.sweep(SPEC, tmp_path / "sweep", jobs=1)
    assert made.n_known == 4
    assert made.table.equals(alone.table)


@pytest.mark.slow
def test_a_killed_driver_leaves_what_was_done_and_no_workers(tmp_path, alone):
    code = f"""
import babygpt as bg
if __name__ == "__main__":
    bg.sweep({SPEC!r}, {str(tmp_path / "sweep")!r}, jobs=2, progress=lambda *n: print(*n, flush=True))
"""
    (tmp_path / "driver.py").write_text(code)
    driver = subprocess.Popen([sys.executable, tmp_path / "driver.py"], stdout=subprocess.PIPE, text=True)
    with driver:
        while driver.stdout.readline() not in ("4 16\n", ""):
            pass
        children = psutil.Process(driver.pid).children(recursive=True)
        driver.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    for child in alive:
        child.kill()
    assert not alive
    made = bg.sweep(SPEC, tmp_path / "sweep", jobs=1)
    assert 4 <= made.n_known < 16
    assert made.table.equals(alone.table)


# -- who works ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        ({"backend": "spark"}, ["backend='spark'", "'loky' or 'threading' or 'dask'"]),
        ({"jobs": 0}, ["jobs=0", "at least 1"]),
        ({"backend": "dask"}, ["backend=dask", "dask scheduler", "scheduler=tcp://"]),
        ({"backend": "dask", "scheduler": "tcp://127.0.0.1:1", "jobs": 2}, ["jobs=2", "Leave it out"]),
        ({"scheduler": "tcp://127.0.0.1:8786"}, ["scheduler=tcp://127.0.0.1:8786", "backend=dask"]),
    ],
)
def test_workers_that_do_not_go_together_are_refused_before_any_work(tmp_path, pool, words):
    with pytest.raises(bg.SettingError) as error:
        bg.sweep(SPEC, tmp_path / "sweep", **pool)
    assert all(word in str(error.value) for word in words)
    assert not (tmp_path / "sweep").exists()
