from __future__ import annotations

import socket
import threading
import types

import pytest

from babygpt.errors import SettingError
from babygpt.studio.server import serving as module
from babygpt.studio.server.serving import addresses, is_loopback, listen, open_browser


@pytest.fixture
def taken():
    """Return a port that is taken."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_without_a_port_the_next_free_one_is_used(taken, monkeypatch):
    monkeypatch.setattr(module, "PORT", taken)
    with listen("127.0.0.1") as listener:
        assert taken < listener.getsockname()[1] < taken + module.TRIED


def test_where_every_port_is_taken_another_is_asked_for(taken, monkeypatch):
    monkeypatch.setattr(module, "PORT", taken)
    monkeypatch.setattr(module, "TRIED", 1)
    with pytest.raises(SettingError, match=f"{taken} to {taken} of 127.0.0.1 are all taken"):
        listen("127.0.0.1")


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("nowhere.invalid", None, "host='nowhere.invalid' is no address of this machine"),
        ("198.51.100.7", None, "host='198.51.100.7' is no address of this machine"),  # RFC 5737: for documentation only
        ("a" * 70 + ".example", None, "is no address of this machine"),
        ("127.0.0.1", 70_000, "port=70000 is no port"),
        ("127.0.0.1", -1, "port=-1 is no port"),
    ],
)
def test_what_cannot_be_listened_on_is_told_in_a_sentence(host, port, said, monkeypatch):
    if host == "nowhere.invalid":  # no name server is asked

        def unknown(*arguments, **options):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SettingError) as error:
        listen(host, port)
    assert said in str(error.value)


def test_a_port_that_is_free_again_can_be_had_at_once():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        served, _ = listener.accept()
        served.close()  # the server hangs up first: the address lingers
        client.close()
    with listen("127.0.0.1", port) as listener:
        assert listener.getsockname()[1] == port


def test_localhost_is_this_machine_alone():
    with listen("localhost", 0) as listener:
        assert is_loopback(listener)
        assert addresses(listener) == [f"http://127.0.0.1:{listener.getsockname()[1]}/"]


def test_a_class_is_told_the_addresses_of_the_network_and_never_zeros(monkeypatch):
    def address(family, text):
        return types.SimpleNamespace(family=family, address=text)

    cards = {
        "lo": [address(socket.AF_INET, "127.0.0.1")],
        "card": [address(socket.AF_INET, "192.168.1.7"), address(socket.AF_INET6, "fe80::1")],
        "other": [address(socket.AF_INET, "10.0.0.3")],
    }
    monkeypatch.setattr(module.psutil, "net_if_addrs", lambda: cards)
    listener = types.SimpleNamespace(getsockname=lambda: ("0.0.0.0", 8765))
    assert not is_loopback(listener)
    assert addresses(listener) == ["http://192.168.1.7:8765/", "http://10.0.0.3:8765/", "http://127.0.0.1:8765/"]


def test_an_address_with_colons_is_put_in_brackets():
    listener = types.SimpleNamespace(getsockname=lambda: ("::1", 8765, 0, 0))
    assert is_loopback(listener)
    assert addresses(listener) == ["http://[::1]:8765/"]


def test_a_browser_that_cannot_be_opened_stops_nothing(monkeypatch):
    asked = threading.Event()

    def fail(url):
        asked.set()
        raise OSError("no browser")

    monkeypatch.setenv("BROWSER", "some")
    monkeypatch.setattr(module.webbrowser, "open", fail)
    before = threading.active_count()
    open_browser("http://127.0.0.1:8765/")
    assert asked.wait(30)
    for thread in threading.enumerate()[before:]:
        thread.join(30)  # an error in it would be a warning, and so a failure


def test_no_browser_is_opened_inside_a_terminal(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module.sys, "platform", "linux")
    monkeypatch.setattr(module.webbrowser, "open", lambda url: pytest.fail("a browser was opened"))
    before = threading.active_count()
    open_browser("http://127.0.0.1:8765/")
    assert threading.active_count() == before
