from __future__ import annotations

import os
import signal
import threading

import pytest

from babygpt.cli import stopping
from babygpt.cli.stopping import Stop, noted


def stop_at(*times):
    """Return a stop that SIGINT reached at these times, in seconds."""
    clock = iter(times)
    stop = Stop(lambda: next(clock))
    for _ in times:
        stop.note(signal.SIGINT)
    return stop


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["INT", "TERM", "HUP"],
)
def test_a_signal_is_noted_and_then_does_what_it_did_before(number, status):
    before = signal.getsignal(number)
    with noted() as stop:
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
        assert (stop.signal, stop.status) == (number, status)
    assert signal.getsignal(number) is before


def test_the_first_signal_is_the_one_that_counts():
    with noted() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert stop.status == 143


def test_a_second_press_is_answered_and_a_third_ends(capfd):
    stop_at(0, 2)
    said = capfd.readouterr().err
    assert "is being saved" in said
    assert "third" in said
    with pytest.raises(KeyboardInterrupt):
        stop_at(0, 2, 4)


def test_a_key_that_is_held_is_one_press(capfd):
    held = [0.0, 1.0, *(1.0 + i / 30 for i in range(1, 300))]  # the longest delay before it repeats is a second
    assert stop_at(*held)
    assert capfd.readouterr().err == ""
    stop_at(*held, 20, *(20.5 + i / 30 for i in range(300)))
    assert capfd.readouterr().err.count("is being saved") == 1


def test_no_terminal_to_answer_on_is_no_matter(monkeypatch):
    def gone(*_):
        raise OSError

    monkeypatch.setattr(stopping.os, "write", gone)
    assert stop_at(0, 2)


def test_what_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with noted() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
        assert not stop
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_thread_leaves_signals_alone():
    seen = []

    def work():
        before = signal.getsignal(signal.SIGINT)
        with noted() as stop:
            seen.append((signal.getsignal(signal.SIGINT) is before, bool(stop)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(True, False)]


def test_a_system_without_a_signal_does_without(monkeypatch):
    monkeypatch.delattr(signal, "SIGHUP")
    with noted() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.status == 143
