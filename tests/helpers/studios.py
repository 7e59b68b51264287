"""A real studio on a free port of this machine, screens that talk to it, and a session that is simple to foresee."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager

import websockets.exceptions
from websockets.sync.client import connect

from babygpt.errors import SettingError
from babygpt.studio.limits import Limits
from babygpt.studio.server.app import studio_app, studio_server
from babygpt.studio.server.serving import listen

GIVEN_UP = 30  # seconds after which a test that waits has failed


class Puppet:
    """A session that remembers what it was told, and complains when two threads use it at once."""

    def __init__(self, room=lambda need: 0):
        self.room, self.memory, self.rooms = room, 0, []
        self.told, self.advances, self.clock = [], 0, []
        self.step, self.steps, self.wanders = 0, 0, False
        self.padding = ""
        self.drawings = []
        self.beside = False  # whether what it trains is to be looked at
        self.patient = False  # and whether that can wait for others
        self.revisions = {"told": 1, "player": 1}
        self.sent = 0  # how often views were handed out
        self.gate = threading.Event()  # what the command "wait" waits for
        self.at_gate = threading.Event()
        self._alone = threading.Lock()
        self._next, self.period = 0.0, 0.005  # when the ball moves, how often

    @contextmanager
    def _use(self):
        assert self._alone.acquire(blocking=False), "two threads at once"
        try:
            yield
        finally:
            self._alone.release()

    @property
    def training(self):
        return self.step < self.steps

    @property
    def unattended(self):
        return self.training and not self.beside

    def handle(self, command):
        with self._use():
            self.told.append(command)
            self.rooms.append(self.room(0))
            self.revisions["told"] += 1
            match command:
                case {"command": "train", "steps": steps}:
                    self.steps = steps
                case {"command": "wander", "on": on}:
                    self.wanders = on
                case {"command": "pad", "n": n}:
                    self.padding = "x" * n
                    self.revisions["player"] += 1
                case {"command": "grow", "to": memory}:
                    self.memory = memory
                case {"command": "wait"}:
                    self.at_gate.set()
                    assert self.gate.wait(GIVEN_UP)
                case {"command": "fail"}:
                    raise ZeroDivisionError("on purpose")

    def advance(self, now, budget):
        with self._use():
            self.advances += 1
            self.clock.append(now)
            self._next = now + self.period
            if self.training:
                time.sleep(0.001)
                self.step += 1
            self.revisions["player"] += 1

    def due(self, now):
        if self.training:
            return now
        return self._next if self.wanders else None

    def changed(self, known):
        with self._use():
            views = {
                "told": {"n": len(self.told), "last": repr(self.told[-1:])},
                "player": {"step": self.step, "padding": self.padding},
            }
            new = {name: view for name, view in views.items() if known.get(name) != self.revisions[name]}
            self.sent += bool(new)
            return new, dict(self.revisions)

    def snapshot(self, file):
        with self._use():
            if file not in ("chain.svg", "slow.svg", "broken.svg"):
                raise SettingError(f"There is no file {file!r}. Ask for chain.svg.")
            told = len(self.told)
            self.drawings.append("taken")

        def make():
            self.drawings.append("begun")
            if file == "broken.svg":
                raise ZeroDivisionError("on purpose")
            if file == "slow.svg":
                self.at_gate.set()
                assert self.gate.wait(GIVEN_UP)
            self.drawings.append("done")
            return f"<svg>{told}</svg>".encode(), "image/svg+xml"

        return make


class Studio:
    """A studio that serves."""

    def __init__(self, app, server, port, loop):
        self.app, self.server, self.port, self._loop = app, server, port, loop
        self.sessions = app.state.sessions

    def url(self, path, scheme="http"):
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def screen(self, name="the-session-of-a", **options):
        return Screen(connect(self.url(f"/ws?session={name}", "ws"), proxy=None, max_size=None, legacy=True, **options))

    def session(self, name="the-session-of-a"):
        """Return what the studio keeps under a name."""
        until(lambda: self.sessions.find(name) is not None and self.sessions.find(name)._session is not None)
        return self.sessions.find(name)._session

    def do(self, job):
        """Do something where the studio's own code runs, and return what it returns."""

        async def call():
            return job()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(GIVEN_UP)


class Screen:
    """One end of a WebSocket."""

    def __init__(self, socket):
        self.socket = socket
        self.views, self.seqs = {}, []
        self.hello = self.receive()["hello"]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def hang_up(self):
        """Go without a farewell."""
        self.socket.close_socket()

    def say(self, what):
        self.socket.send(what if isinstance(what, (str, bytes)) else json.dumps(what))

    def receive(self, timeout=GIVEN_UP):
        return json.loads(self.socket.recv(timeout=timeout))

    def take(self, acknowledge=True):
        """Return the next views, and say that they are drawn."""
        message = self.receive()
        self.seqs.append(message["seq"])
        self.views |= message["views"]
        if acknowledge:
            self.say({"ack": message["seq"]})
        return message["views"]

    def until(self, seen):
        """Take views until they are as they should be."""
        while not (self.views and seen(self.views)):
            self.take()
        return self.views

    def ask(self, command):
        """Say something and take views until the puppet has heard it."""
        self.say(command)
        return self.until(lambda views: views["told"]["last"] == repr([command]))

    def closed(self):
        """Return code and reason with which the studio closes, whatever comes before."""
        try:
            while True:
                self.socket.recv(timeout=GIVEN_UP)
        except websockets.exceptions.ConnectionClosed as end:
            return (end.rcvd.code, end.rcvd.reason) if end.rcvd else None


def until(holds):
    """Wait until something holds."""
    end = time.monotonic() + GIVEN_UP
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@contextmanager
def running(make=Puppet, limits=None, **options):
    """Run a studio of puppets, or of other sessions."""
    limits = limits or Limits()
    listener = listen("127.0.0.1", 0)
    started, studio = threading.Event(), []

    async def serve():
        app = studio_app(limits, make=make, **options)
        server = studio_server(app, limits, started.set)
        studio.append(Studio(app, server, listener.getsockname()[1], asyncio.get_running_loop()))
        await server.serve([listener])

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    try:
        assert started.wait(GIVEN_UP)
        yield studio[0]
    finally:
        studio[0].server.should_exit = True
        thread.join(GIVEN_UP)
        assert not thread.is_alive(), "the studio did not end"
