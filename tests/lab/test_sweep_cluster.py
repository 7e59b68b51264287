"""Sweeps on a real Dask cluster: a scheduler and workers, processes of their own, on loopback."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

import babygpt as bg
from babygpt.lab import cluster as module
from babygpt.lab import task

ARTICLE = "111101111011110"
SPEC = {
    "fixed": {"sequence": ARTICLE, "steps": 30, "n_layer": 1, "n_head": 1, "n_embd": 4},
    "grid": {"context_length": [1, 2], "learning_rate": [1e-3, 1e-2], "weight_decay": [0, 0.1, 0.2], "seed": [0, 1]},
    "outcomes": ["gap", "losses", "probs", "entropy_rate"],
}  # twelve batches


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return the sweep of SPEC, done in this process; shared, so read only."""
    return bg.sweep(SPEC, tmp_path_factory.mktemp("sweeps") / "alone", jobs=1)


class Cluster:
    """A scheduler and what is started for it; all end with the test."""

    def __init__(self, folder):
        self._folder, self._processes = folder, []
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", folder / "scheduler.json")
        self.address = self._await(self._written_address, self.scheduler)

    def worker(self):
        """Start a worker with one thread and return its process once it has joined."""
        number = len(self._processes)
        process = self._start(
            "worker", self.address, "--nthreads", "1", "--no-nanny", "--name", number,
            "--local-directory", self._folder / f"worker-{number}",
        )  # fmt: skip
        log = self._folder / f"{number}.log"
        self._await(lambda: "Registered to" in log.read_text(), process)
        return process

    def end(self):
        for process in self._processes:
            process.kill()
            process.wait()

    def _start(self, what, *arguments):
        log = self._folder / f"{len(self._processes)}.log"
        command = [sys.executable, "-m", "dask", what, "--host", "127.0.0.1", "--no-dashboard", *map(str, arguments)]
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out)
        self._processes.append(process)
        return process

    def _written_address(self):
        file = self._folder / "scheduler.json"
        text = file.read_text() if file.exists() else ""
        return json.loads(text)["address"] if text.endswith("}") else None

    @staticmethod
    def _await(answer, process):
        for _ in range(1200):
            if found := answer():
                return found
            assert process.poll() is None
            time.sleep(0.05)
        raise AssertionError("the cluster did not come up in a minute")


@contextmanager
def cluster_in(folder):
    cluster = Cluster(folder)
    try:
        yield cluster
    finally:
        cluster.end()


@pytest.fixture
def cluster(tmp_path):
    """Return a cluster without workers."""
    with cluster_in(tmp_path) as cluster:
        yield cluster


def on(cluster, folder, progress=None):
    return bg.sweep(SPEC, folder, backend="dask", scheduler=cluster.address, progress=progress)


@pytest.mark.slow
def test_a_cluster_gives_the_same_table_to_the_last_bit_though_a_worker_is_killed(tmp_path, cluster, alone):
    workers = [cluster.worker(), cluster.worker()]
    assert on(cluster, tmp_path / "whole").table.equals(alone.table)

    def kill(done, total):
        if done == 4:
            workers[0].send_signal(signal.SIGKILL)

    assert on(cluster, tmp_path / "killed", kill).table.equals(alone.table)
    assert workers[0].wait() == -signal.SIGKILL
    # one worker is left, and it does the work: the driver only writes
    assert on(cluster, tmp_path / "one", None).table.equals(alone.table)


@pytest.mark.slow
@pytest.mark.slow
def test_the_work_is_done_by_the_workers_even_by_a_single_one(tmp_path, cluster, alone, monkeypatch):
    cluster.worker()
    monkeypatch.setattr(task, "_compute", None)  # of this process alone: here every training would fail
    assert on(cluster, tmp_path / "sweep").table.equals(alone.table)


def test_when_the_scheduler_goes_what_was_done_is_kept_and_a_new_cluster_goes_on(tmp_path, cluster, alone, capfd):
    cluster.worker()

    def kill(done, total):
        if done == 4:
            cluster.scheduler.kill()

    with pytest.raises(bg.SweepError) as error:
        on(cluster, tmp_path / "sweep", kill)
    message = str(error.value)
    assert message.startswith(f"The scheduler at {cluster.address} is gone")
    assert "the same command goes on" in message
    assert "\n" not in message
    assert "Traceback" not in capfd.readouterr().err  # Dask's own words are for its logs
    again = bg.sweep(SPEC, tmp_path / "sweep", jobs=1)  # or no cluster: the results are the same
    assert 4 <= again.n_known < 24
    assert again.table.equals(alone.table)


@pytest.mark.slow
def test_a_batch_that_ends_its_workers_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")  # Dask's own limit is 3
    monkeypatch.setattr(module, "compute", _Ending())
    with cluster_in(tmp_path) as cluster:
        cluster.worker()
        with pytest.raises(bg.SweepError, match="A batch ended every worker that tried it: the memory may not suffice"):
            on(cluster, tmp_path / "sweep")


class _Ending:
    """A task that ends whoever unpacks it."""

    __name__ = "ending"

    def __call__(self, *_):
        raise AssertionError

    def __reduce__(self):
        return eval, ("lambda *_: __import__('os').kill(__import__('os').getpid(), 9)",)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1:1"])
def test_a_scheduler_that_does_not_answer_is_told(tmp_path, monkeypatch, address):
    monkeypatch.setattr(module, "PATIENCE", 1)
    with pytest.raises(bg.SweepError, match=f"No scheduler answers at {address}.*dask scheduler"):
        bg.sweep(SPEC, tmp_path / "sweep", backend="dask", scheduler=address)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "tcp://127.0.0.1", "tcp://h:port", "tcp://h:70000", ""])
def test_what_is_no_address_is_told_at_once(tmp_path, address):
    with pytest.raises(bg.SettingError, match=f"scheduler='{address}' is no address"):
        bg.sweep(SPEC, tmp_path / "sweep", backend="dask", scheduler=address)


def test_a_cluster_without_workers_is_told(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 1)
    with pytest.raises(bg.SweepError, match=f"has no workers. Start some with: dask worker {cluster.address}"):
        on(cluster, tmp_path / "sweep")


def test_without_dask_its_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(bg.MissingPackageError, match=r"distributed.*babygpt-markov\[cluster\]"):
        bg.sweep(SPEC, tmp_path / "sweep", backend="dask", scheduler="tcp://127.0.0.1:1")
