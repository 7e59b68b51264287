from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest
from studios import GIVEN_UP, running, until

from babygpt.studio.server import sockets as module
from babygpt.studio.server.sockets import Gate, quiet_about_sockets, sockets_allowed


class Line:
    """A transport from an address."""

    def __init__(self, address):
        self._address = address

    def get_extra_info(self, name):
        return (self._address, 1234) if name == "peername" else None


def test_a_gate_counts_all_and_those_of_one_address():
    gate = Gate(most=4, most_of_one=2)
    first, *rest = [Line("192.168.1.7") for _ in range(3)]
    assert [gate.let_in(line) for line in (first, *rest)] == [True, True, False]
    gate.let_out(rest[1])  # was never in
    assert not gate.let_in(Line("192.168.1.7"))
    gate.let_out(first)
    assert gate.let_in(Line("192.168.1.7"))
    assert [gate.let_in(Line(f"192.168.1.{n}")) for n in range(8, 11)] == [True, True, False]
    assert len(gate) == 4


def test_a_proxy_on_this_machine_speaks_for_many():
    gate = Gate(most=100, most_of_one=2)
    assert all(gate.let_in(Line("127.0.0.1")) for _ in range(50))


def test_no_more_sockets_are_taken_than_the_system_gives(monkeypatch):
    resource = pytest.importorskip("resource")
    limits = [(64, 64)]
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits[0])
    monkeypatch.setattr(resource, "setrlimit", lambda which, wanted: limits.append(wanted))
    assert sockets_allowed() == 64 - module.SPARE
    assert len(limits) == 2  # what is there is asked for
    limits[0] = (256, resource.RLIM_INFINITY)
    assert sockets_allowed() == module.MOST
    assert limits[-1] == (module.MOST + module.SPARE, resource.RLIM_INFINITY)


@pytest.mark.slow
@pytest.mark.parametrize(
    "said", [b"", b"GET / HTTP/1.1\r\nHost: 127", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET / HT"]
)
def test_who_does_not_finish_a_request_is_hung_up_on(monkeypatch, said):
    monkeypatch.setattr(module, "HEAD", 0.2)
    with running() as studio:
        line = socket.create_connection(("127.0.0.1", studio.port), GIVEN_UP)
        line.sendall(said)
        answer = b""
        try:
            while more := line.recv(4096):
                answer += more
        except ConnectionResetError:
            pass
        line.close()
        assert (b"200 OK" in answer) == (b"health" in said)
        until(lambda: studio.do(lambda: len(studio.server.gate)) == 0)


def test_four_hundred_half_requests_keep_nobody_out():
    with running() as studio:
        half = []
        for _ in range(400):
            line = socket.create_connection(("127.0.0.1", studio.port), GIVEN_UP)
            line.sendall(b"GET / HTTP/1.1\r\nHost: ")
            half.append(line)
        with studio.screen() as screen:
            screen.ask({"command": "select", "state": 1})
        for line in half:
            line.close()
        until(lambda: studio.do(lambda: len(studio.server.gate)) == 0)


def test_who_is_one_too_many_is_hung_up_on_and_others_are_served(monkeypatch):
    monkeypatch.setattr(module, "MOST", 5)
    with running() as studio, studio.screen() as screen:
        lines = [socket.create_connection(("127.0.0.1", studio.port), GIVEN_UP) for _ in range(4)]
        until(lambda: studio.do(lambda: len(studio.server.gate)) == 5)
        late = socket.create_connection(("127.0.0.1", studio.port), GIVEN_UP)
        with late, suppress(ConnectionResetError):
            assert late.recv(1) == b""
        screen.ask({"command": "select", "state": 1})
        for line in lines:
            line.close()
        until(lambda: studio.do(lambda: len(studio.server.gate)) == 1)


def test_that_no_socket_can_be_had_is_said_once_a_minute(caplog):
    told = []
    loop = type("Loop", (), {"default_exception_handler": lambda self, context: told.append(context)})()
    handle = quiet_about_sockets()
    context = {
        "message": "socket.accept() out of system resource",
        "exception": OSError(24, "Too many open files"),
        "socket": object(),
    }
    for _ in range(2000):
        handle(loop, context)
    assert [record.getMessage() for record in caplog.records] == [
        "No more sockets can be had (Too many open files); some who come have to wait."
    ]
    handle(loop, {"message": "gone", "exception": ConnectionResetError()})
    assert told == []
    handle(loop, {"message": "a mistake", "exception": ZeroDivisionError()})
    assert len(told) == 1


def test_nothing_that_a_stranger_sends_is_answered_with_a_traceback(caplog):
    from random import Random

    random = Random(0)
    beginnings = [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /ws?session=the-session-of-a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]
    with running() as studio:
        for n in range(200):
            with socket.create_connection(("127.0.0.1", studio.port), GIVEN_UP) as line:
                said = random.choice(beginnings) + random.randbytes(random.randrange(200))
                line.sendall(said + b"\r\n\r\n" * (n % 3 > 0))
        with studio.screen() as screen:
            screen.ask({"command": "select", "state": 1})
        assert len(asyncio.run_coroutine_threadsafe(asyncio.sleep(0, []), studio._loop).result(GIVEN_UP)) == 0
    assert [record for record in caplog.records if record.exc_info] == []
