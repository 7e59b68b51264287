from __future__ import annotations

import doctest
import http.client

import pytest
import websockets.exceptions
from studios import GIVEN_UP, running
from websockets.sync.client import connect

from babygpt.studio.server import code as module

CODE = "k7m2qx"


def test_examples_in_docstrings_hold():
    assert doctest.testmod(module) == (0, 1)


@pytest.fixture
def studio(monkeypatch):
    """Return a studio that asks for a code, and is quick to say that one is wrong."""
    monkeypatch.setattr(module, "LATE", 0.0)
    with running(code=CODE) as studio:
        yield studio


def get(studio, path, cookie=None):
    """Ask for a page: status, headers, content."""
    asked = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=GIVEN_UP)
    try:
        asked.request("GET", path, headers={} if cookie is None else {"Cookie": cookie})
        answer = asked.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        asked.close()


@pytest.mark.parametrize("path", ["/", "/health", "/static/studio.js", "/download/chain.svg?session=x", "/nowhere"])
def test_without_the_code_nothing_is_told(studio, path):
    status, _, content = get(studio, path)
    assert status == 403
    assert "class code" in content
    assert CODE not in content
    assert "static/studio.js" not in content


def test_the_link_gives_a_cookie_and_leads_to_the_plain_address(studio):
    status, headers, _ = get(studio, f"/?code={CODE}")
    assert (status, headers["location"]) == (303, ".")
    cookie = headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax"} <= set(cookie.split("; "))
    status, _, page = get(studio, "/", cookie.split(";")[0])
    assert status == 200
    assert 'id="studio"' in page


@pytest.mark.parametrize("typed", ["K7M2QX", " k7m2qx ", "k7m%202qx"])
def test_a_code_is_taken_as_people_type_it(studio, typed):
    assert get(studio, f"/?code={typed.replace(' ', '%20')}")[0] == 303


@pytest.mark.parametrize("wrong", ["k7m2q", "k7m2qxx", "", "%00", "%F0%9F%98%80", "<script>alert(1)</script>"])
def test_a_wrong_code_is_told_and_shown_harmlessly(studio, wrong):
    status, headers, page = get(studio, f"/?code={wrong}")
    assert status == 403
    assert "<script" not in page
    assert ("is not the code" in page) == bool(wrong)
    assert "form-action 'self'" in headers["content-security-policy"]
    assert "script-src" not in headers["content-security-policy"]  # default-src 'none' forbids all
    assert get(studio, "/", f"{module.COOKIE}={wrong}"[:40].encode("ascii", "ignore").decode())[0] == 403


def test_a_socket_without_the_code_is_refused(studio):
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        studio.screen()
    assert refused.value.response.status_code == 403
    assert len(studio.sessions) == 0


@pytest.mark.parametrize("by", ["cookie", "address"])
def test_a_socket_with_the_code_is_let_in(studio, by):
    if by == "cookie":
        with studio.screen(additional_headers={"Cookie": f"{module.COOKIE}={CODE}"}) as screen:
            assert screen.hello["new"]
    else:
        url = studio.url(f"/ws?session=the-session-of-a&code={CODE}", "ws")
        with connect(url, proxy=None, max_size=None) as socket:
            assert "hello" in socket.recv(timeout=GIVEN_UP)


def test_codes_differ_and_are_easy_to_read_out():
    codes = {module.new_code() for _ in range(50)}
    assert len(codes) == 50
    assert not set("".join(codes)) & set("ilo01 ")
