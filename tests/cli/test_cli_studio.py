from __future__ import annotations

import importlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

import psutil
import pytest
from studios import GIVEN_UP, Screen, until
from websockets.sync.client import connect

from babygpt.studio.limits import Limits
from babygpt.studio.server import app as studio_module
from babygpt.studio.server import serving as server_module

command = importlib.import_module("babygpt.cli.commands.studio")

PROGRAM = [sys.executable, "-c", "from babygpt.cli.main import main; main()", "studio"]
ADDRESS = re.compile(r"BabyGPT studio: (http://127\.0\.0\.1:(\d+)/)  \(Ctrl-C stops it\)\n")


class Program:
    """The program in a process of its own."""

    def __init__(self, folder):
        environment = {name: value for name, value in os.environ.items() if name != "BROWSER"}
        self.process = subprocess.Popen(
            [*PROGRAM, "--no-open", "--port", "0"],
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        # the process is ended even where a test waits for what does not come
        self._watch = threading.Timer(2 * GIVEN_UP, self.process.kill)
        self._watch.start()
        self.first = self.process.stderr.readline()
        match = ADDRESS.fullmatch(self.first)
        assert match, self.first + self.process.stderr.read()
        self.url, self.port = match[1], int(match[2])

    def screen(self, name="the-session-of-a"):
        url = f"ws://127.0.0.1:{self.port}/ws?session={name}"
        return Screen(connect(url, proxy=None, max_size=None, legacy=True))

    def ended(self, number):
        """Send a signal; return exit status, output and errors."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=GIVEN_UP)
        return self.process.returncode, out, err

    def close(self):
        self._watch.cancel()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def program(tmp_path):
    """Return the program, serving."""
    program = Program(tmp_path)
    yield program
    program.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_training_ends_it_in_good_order(program, number, tmp_path):
    screens = [program.screen(f"the-session-of-{name}") for name in "abc"]
    for screen in screens:
        screen.say({"command": "configure", "steps": 100_000})
        screen.say({"command": "train"})
    for screen in screens:
        screen.until(lambda views: views["player"]["trained"] > 2)
    assert program.ended(number) == (0, "", "")
    assert {screen.closed() for screen in screens} == {(1001, "closed: The studio was closed.")}
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("127.0.0.1", program.port))  # the port is free again
    assert list(tmp_path.iterdir()) == []  # and nothing is left behind


def test_a_computation_that_takes_long_is_not_waited_for(program):
    with program.screen() as screen:
        # whatever is shown first of this takes minutes
        big = {"sequence": "01" * 8 + "0011" * 8, "context_length": 16, "n_layer": 12, "n_embd": 256}
        working = psutil.Process(program.process.pid).cpu_times
        before = working().user
        screen.say({"command": "configure", **big})
        until(lambda: working().user > before + 2.0)
        assert program.ended(signal.SIGINT) == (0, "", "")


def test_ctrl_c_with_nobody_there_ends_it_too(program):
    assert json.loads(urllib.request.urlopen(program.url + "health").read())["sessions"] == 0
    assert program.ended(signal.SIGINT) == (0, "", "")


def test_the_page_and_the_articles_numbers_are_there(program):
    page = urllib.request.urlopen(program.url).read().decode()
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert urllib.request.urlopen(program.url + path).status == 200
    with program.screen() as screen:
        screen.say({"command": "train"})
        screen.until(lambda views: views["player"]["trained"] == 50)
        screen.say({"command": "seek", "step": 50})
        screen.until(lambda views: views["frame"]["step"] == 50)
        assert screen.views["frame"]["values"][2 * 0b101 + 1] == pytest.approx(0.7929, abs=1e-4)
        svg = urllib.request.urlopen(f"{program.url}download/chain.svg?session=the-session-of-a").read().decode()
        assert "1(79%)" in svg


# -- in this process -----------------------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch):
    """Replace serving; return with what it was called."""
    calls = []

    def studio_app(limits, most_sessions, names, **options):
        calls.append((limits, most_sessions, names))
        options_of_app.append(options)

    def run_studio(listener, app, limits, started, proxied):
        with listener:
            started()
        options_of_app[-1]["proxied"] = proxied

    monkeypatch.setattr(studio_module, "studio_app", studio_app)
    monkeypatch.setattr(studio_module, "run_studio", run_studio)
    options_of_app.clear()
    return calls


options_of_app = []  # what else the app was made with, by the last test that asked for `started`


@pytest.fixture
def opened(monkeypatch):
    """Replace the browser; return the addresses it was given."""
    urls = []
    monkeypatch.setattr(server_module, "open_browser", urls.append)
    return urls


def test_a_port_that_is_taken_is_told_in_a_sentence(babygpt, refused, started, opened):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused(babygpt("studio", "--port", port), f"--port {port} of 127.0.0.1 is taken", "Without --port")
    assert (started, opened) == ([], [])


def test_a_host_that_is_elsewhere_is_told_in_a_sentence(babygpt, refused, started, opened):
    refused(babygpt("studio", "--host", "198.51.100.7"), "--host '198.51.100.7' is no address of this machine")
    assert (started, opened) == ([], [])


def test_the_browser_is_opened_at_the_address_that_is_told(babygpt, started, opened):
    result = babygpt("studio", "--port", 0)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert ADDRESS.fullmatch(result.stderr)[1] == opened[0]
    assert started == [(Limits(), studio_module.SESSIONS, ["127.0.0.1"])]
    assert options_of_app == [{"most_of_one": None, "code": None, "think": "there", "proxied": False}]


def test_no_browser_is_opened_where_none_is_wanted(babygpt, started, opened):
    assert babygpt("studio", "--port", 0, "--no-open").exit_code == 0
    assert len(started) == 1
    assert opened == []


def test_a_class_has_limits_and_is_told_so(babygpt, started, opened, monkeypatch):
    monkeypatch.setattr(server_module, "is_loopback", lambda listener: False)
    monkeypatch.setattr(server_module, "addresses", lambda listener: ["http://192.168.1.7:1/", "http://127.0.0.1:1/"])
    result = babygpt("studio", "--port", 0)
    first, whose, second, third = result.stderr.splitlines()
    assert "Each browser trains by itself" in whose
    assert options_of_app[0]["think"] == "here"
    code = options_of_app[0]["code"]
    assert len(code) == 6
    assert f"http://192.168.1.7:1/?code={code} " in first
    assert code in third
    assert options_of_app[0]["most_of_one"] == studio_module.SESSIONS_OF_ONE
    for word in ("65,536 states", "20,000 steps", "192.168.1.7:1", str(studio_module.CLASS_SESSIONS)):
        assert word in second
    assert started == [(Limits.for_a_class(), studio_module.CLASS_SESSIONS, ["127.0.0.1"])]
    assert opened == [f"http://127.0.0.1:1/?code={code}"]


def test_a_class_code_can_be_chosen_or_left_out(babygpt, refused, started, opened, monkeypatch):
    monkeypatch.setattr(server_module, "is_loopback", lambda listener: False)
    assert "?code=moon" in babygpt("studio", "--port", 0, "--code", "moon").stderr
    assert "code" not in babygpt("studio", "--port", 0, "--no-code").stderr
    assert [options["code"] for options in options_of_app] == ["moon", None]
    refused(babygpt("studio", "--port", 0, "--code", "moon", "--no-code"), "Give one of them")
    refused(babygpt("studio", "--port", 0, "--code", " "), "--code names the class code")


def test_who_thinks_can_be_chosen(babygpt, started, opened, monkeypatch):
    babygpt("studio", "--port", 0, "--think", "here")
    monkeypatch.setattr(server_module, "is_loopback", lambda listener: False)
    assert "Each browser" not in babygpt("studio", "--port", 0, "--think", "there").stderr
    assert [options["think"] for options in options_of_app] == ["here", "there"]


def test_behind_a_proxy_the_studio_goes_by_the_proxys_name(babygpt, started, opened):
    result = babygpt("studio", "--port", 0, "--name", "babygpt.example.org", "--code", "moon")
    assert "https://babygpt.example.org/?code=moon " in result.stderr
    assert started[0][2] == ["127.0.0.1", "babygpt.example.org"]
    assert started[0][0] == Limits.for_a_class()
    assert options_of_app[0]["proxied"]


def test_help_waits_for_no_heavy_package():
    code = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "from babygpt.cli.main import app\n"
        "result = CliRunner().invoke(app, ['studio', '--help'])\n"
        "assert result.exit_code == 0 and '--no-open' in result.stdout\n"
        "print(json.dumps(sorted(set(sys.modules) & {'torch', 'scipy', 'starlette', 'uvicorn'})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert json.loads(done.stdout) == []
