from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import websockets.exceptions
from studios import GIVEN_UP, running, until
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

import babygpt
from babygpt.studio.limits import Limits
from babygpt.studio.server import app as studio_module
from babygpt.studio.server import connection as connection_module
from babygpt.studio.server import sessions as sessions_module
from babygpt.studio.server import sockets as sockets_module
from babygpt.studio.server.inbox import HELD, MOST
from babygpt.studio.server.sessions import VIEWERS

PROTOCOL = "frontend/src/protocol.ts"
A, B, C, D = (f"the-session-of-{name}" for name in "abcd")


@pytest.fixture
def studio():
    """Return a studio of puppets."""
    with running() as studio:
        yield studio


@pytest.fixture
def no_moment(monkeypatch):
    """Let who goes count as away at once."""
    monkeypatch.setattr(sessions_module, "MOMENT", 0.0)


@pytest.fixture
def get(studio):
    """Return a function that asks the studio for a page: status, headers, content."""

    def ask(path, **headers):
        asked = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=GIVEN_UP)
        try:
            asked.putrequest("GET", path, skip_host="Host" in headers)
            for name, value in headers.items():
                asked.putheader(name.replace("_", "-"), value)
            asked.endheaders()
            answer = asked.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            asked.close()

    return ask


# -- the page ------------------------------------------------------------------------------------------------


def test_the_page_names_what_it_needs_and_all_of_it_is_the_studios_own(get):
    status, headers, page = get("/")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert 'id="studio"' in page
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert set(links) == {"static/studio.js", "static/icon.svg"}
    assert "style=" not in page
    assert not re.search(r"<script[^>]*>\s*\S+\s*</script>", page)  # nothing inline: the policy would refuse it
    assert get("/static/icon.svg")[1]["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("path", ["/", "/static/icon.svg", "/health", "/nowhere", "/download/chain.svg?session=none"])
def test_every_answer_tells_the_browser_what_to_keep_out(get, path):
    headers = get(path)[1]
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_a_file_that_the_browser_has_is_not_sent_again_but_always_asked_for(get):
    status, headers, content = get("/static/icon.svg")
    assert (status, headers["cache-control"]) == (200, "no-cache")
    assert content
    status, again, content = get("/static/icon.svg", If_None_Match=headers["etag"])
    assert (status, again["cache-control"], content) == (304, "no-cache", "")


@pytest.mark.parametrize("path", ["/static/../studio.py", "/static/%2e%2e/app/studio.py", "/static//etc/passwd"])
def test_no_other_file_of_the_machine_is_served(get, path):
    assert get(path)[0] == 404


def test_health_tells_version_and_sessions(studio, get):
    with studio.screen():
        assert json.loads(get("/health")[2]) == {"version": babygpt.__version__, "sessions": 1}


# -- the door ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8765", "localhost.", "127.0.0.1:1", "[::1]:8765", "192.168.7.7", socket.gethostname()],
)
def test_a_name_of_this_machine_is_answered(get, host):
    assert get("/health", Host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost@evil.example", "", "[::1", "a:b"]
)
def test_a_name_that_others_could_give_this_machine_is_refused(studio, get, host):
    status, headers, text = get("/health", Host=host)
    assert status == 400
    assert headers["x-content-type-options"] == "nosniff"
    assert "127.0.0.1" not in text or "evil" in text
    assert text.startswith(("The studio is not called", "Invalid"))


def test_a_socket_called_by_a_foreign_name_is_refused(studio):
    line = socket.create_connection(("127.0.0.1", studio.port))
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        connect(f"ws://evil.example:{studio.port}/ws?session={A}", sock=line)
    assert refused.value.response.status_code == 400
    assert b"evil.example" in refused.value.response.body
    line.close()
    assert len(studio.sessions) == 0


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "file://"])
def test_a_socket_of_a_foreign_page_is_refused(studio, origin):
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        studio.screen(origin=origin)
    assert refused.value.response.status_code == 403
    assert len(studio.sessions) == 0


def test_a_socket_of_the_studios_own_page_is_let_in(studio):
    with studio.screen(origin=studio.url("")) as screen:
        assert screen.hello["new"]


def test_a_download_for_a_foreign_page_is_refused(studio, get):
    with studio.screen():
        assert get(f"/download/chain.svg?session={A}", Origin="http://evil.example")[0] == 403
        assert get(f"/download/chain.svg?session={A}", Origin=studio.url(""))[0] == 200


# -- sessions ------------------------------------------------------------------------------------------------


def test_the_first_message_is_a_greeting_and_the_second_has_every_view(studio):
    with studio.screen() as screen:
        assert screen.hello == {"new": True, "version": babygpt.__version__}
        assert set(screen.take()) == {"told", "player"}
        assert screen.seqs == [1]


def test_two_screens_have_nothing_to_do_with_each_other(studio):
    with studio.screen(A) as a, studio.screen(B) as b:
        a.ask({"command": "train", "steps": 20})
        b.ask({"command": "select", "state": 3})
        a.until(lambda views: views["player"]["step"] == 20)
        assert studio.session(A).told == [{"command": "train", "steps": 20}]
        assert studio.session(B).told == [{"command": "select", "state": 3}]
        assert b.views["player"]["step"] == 0


def test_two_windows_of_one_session_show_the_same(studio):
    with studio.screen() as first, studio.screen() as second:
        assert (first.hello["new"], second.hello["new"]) == (True, False)
        second.take()
        first.ask({"command": "train", "steps": 30})
        second.until(lambda views: views["player"]["step"] == 30)
        first.until(lambda views: views["player"]["step"] == 30)
        assert first.views == second.views


def test_who_comes_back_finds_the_session_as_it_was_and_the_training_done(studio):
    with studio.screen() as screen:
        screen.ask({"command": "train", "steps": 60})
    until(lambda: studio.session().step == 60)
    with studio.screen() as screen:
        assert not screen.hello["new"]
        screen.take()
        assert screen.views["player"]["step"] == 60
        assert screen.views["told"]["n"] == 1


def test_what_was_asked_for_before_leaving_is_done(studio):
    screen = studio.screen()
    for number in range(50):
        screen.say({"command": "more", "steps": number})
    screen.socket.close()
    until(lambda: len(studio.session().told) == 50)


def test_who_leaves_leaves_nothing_running(studio):
    with studio.screen(A) as a:
        a.ask({"command": "select", "state": 1})
        until(lambda: not studio.do(lambda: studio.sessions.scheduler.in_use))
        running = studio.do(lambda: len(asyncio.all_tasks()))
        with studio.screen(A) as other:
            other.ask({"command": "select", "state": 2})
        broken = studio.screen(A)
        broken.hang_up()
        until(lambda: studio.do(lambda: len(asyncio.all_tasks())) <= running)


def test_a_line_that_breaks_in_the_middle_of_a_training_costs_nobody_anything(studio):
    with studio.screen(B) as b:
        a = studio.screen(A)
        a.ask({"command": "train", "steps": 50})
        b.ask({"command": "train", "steps": 50})
        a.hang_up()
        b.until(lambda views: views["player"]["step"] == 50)
        until(lambda: studio.session(A).step == 50)
        until(lambda: studio.sessions.find(A).left is not None)


def test_a_ball_rests_while_nobody_looks(studio):
    with studio.screen() as screen:
        screen.ask({"command": "wander", "on": True})
        until(lambda: studio.session().advances > 3)
    until(lambda: studio.sessions.find(A).left is not None)
    with studio.screen(B) as other:  # while another's wanders on
        other.ask({"command": "wander", "on": True})
        at_rest = studio.session(A).advances + 1  # one may have been under way
        until(lambda: studio.session(B).advances > 20)
        assert studio.session(A).advances <= at_rest
    with studio.screen():
        until(lambda: studio.session(A).advances > at_rest + 3)


@pytest.mark.parametrize(
    "name", ["", "short", "x" * 65, "with a blank in it", "the-session-of-ä", "../../etc/passwd---"]
)
def test_an_id_that_no_page_makes_is_refused(studio, name):
    with pytest.raises(websockets.exceptions.ConnectionClosed) as refused:
        studio.screen(name.replace(" ", "%20"))
    assert refused.value.rcvd.code == 1008
    assert refused.value.rcvd.reason.startswith("id: A session's id has 16 to 64")
    assert len(studio.sessions) == 0


@pytest.mark.usefixtures("no_moment")
def test_where_places_are_few_the_one_away_for_longest_makes_room():
    with running(most_sessions=2) as studio:
        for name in (A, B):
            studio.screen(name).socket.close()
            until(lambda name=name: studio.sessions.find(name).left is not None)
        with studio.screen(C) as c:
            assert c.hello["new"]
            assert studio.sessions.find(A) is None
            with studio.screen(B) as b:
                assert not b.hello["new"]


def test_where_all_places_are_taken_the_newcomer_is_told(studio):
    with running(most_sessions=2) as studio, studio.screen(A) as a, studio.screen(B):
        with pytest.raises(websockets.exceptions.ConnectionClosed) as refused:
            studio.screen(C)
        assert refused.value.rcvd.code == 1013
        assert refused.value.rcvd.reason.startswith("full: All 2 places")
        a.ask({"command": "select", "state": 1})  # and the others go on
        with studio.screen(A) as again:  # a session that is there takes no new place
            assert not again.hello["new"]


@pytest.mark.usefixtures("no_moment")
def test_a_class_in_which_all_want_much_is_kept_within_the_memory():
    def frames(studio):
        return sum(hosted.need for hosted in studio.sessions._hosted.values())

    limits = Limits.for_a_class()
    big = {"command": "configure", "sequence": "0110" * 9, "context_length": 12, "steps": 20_000, "n_layer": 1}
    with running(make=None, limits=limits, memory=2**27) as studio:
        with studio.screen(A) as a, studio.screen(B) as b:
            a.say(big)
            a.until(lambda views: views["setup"]["n_states"] == 4096)
            b.say(big)
            b.until(lambda views: views["notice"])
            assert b.views["notice"]["code"] == "memory"
            assert "left for it" in b.views["notice"]["text"]
            assert frames(studio) < 2**27
        with studio.screen(C) as c:  # who is away makes room
            c.say(big)
            c.until(lambda views: views["setup"]["n_states"] == 4096)
        assert studio.sessions.find(A) is None


def test_one_session_is_not_shown_in_windows_without_end(studio):
    screens = [studio.screen() for _ in range(VIEWERS)]
    with pytest.raises(websockets.exceptions.ConnectionClosed) as refused:
        studio.screen()
    assert refused.value.rcvd.code == 1013
    assert refused.value.rcvd.reason.startswith("windows: ")
    screens[0].socket.close()
    until(lambda: len(studio.sessions.find(A).viewers) < VIEWERS)
    with studio.screen() as screen:
        assert not screen.hello["new"]
    for screen in screens:
        screen.socket.close()


def test_a_session_that_nobody_comes_back_to_is_forgotten(studio):
    studio.sessions._kept = 0.02
    studio.screen(A).socket.close()
    until(lambda: studio.sessions.find(A) is None)
    with studio.screen(A) as screen:
        assert screen.hello["new"]


# -- messages ------------------------------------------------------------------------------------------------


def test_no_more_than_two_messages_are_on_their_way_and_the_next_is_the_latest(studio):
    with studio.screen() as screen:
        screen.say({"command": "train", "steps": 100})
        until(lambda: studio.session().step == 100)
        screen.take(acknowledge=False)
        screen.take(acknowledge=False)
        with pytest.raises(TimeoutError):
            screen.receive(timeout=0.3)
        assert studio.session().sent == 2
        screen.say({"ack": 1})
        screen.take(acknowledge=False)
        assert screen.views["player"]["step"] == 100  # what was in between is never sent
        assert screen.seqs == [1, 2, 3]


@pytest.mark.parametrize("ack", [0, -1, 3, 10**30, True, 1.0, "1", None, [1], {"seq": 1}])
def test_an_acknowledgement_of_what_was_never_sent_changes_nothing(studio, ack):
    with studio.screen() as screen:
        screen.say({"command": "train", "steps": 100})
        until(lambda: studio.session().step == 100)
        screen.take(acknowledge=False)
        screen.take(acknowledge=False)
        screen.say({"ack": ack})
        with pytest.raises(TimeoutError):
            screen.receive(timeout=0.2)
        screen.say({"ack": 2})
        screen.until(lambda views: views["player"]["step"] == 100)
        assert studio.session().told == [{"command": "train", "steps": 100}]


def test_acknowledgements_that_come_late_or_twice_let_no_more_through(studio):
    with studio.screen() as screen:
        screen.say({"command": "wander", "on": True})
        for _ in range(2):
            screen.take(acknowledge=False)
        for seq in (2, 1, 1, 2, 2):
            screen.say({"ack": seq})
        for _ in range(2):
            screen.take(acknowledge=False)
        with pytest.raises(TimeoutError):
            screen.receive(timeout=0.3)
        assert screen.seqs == [1, 2, 3, 4]


def test_a_screen_that_reads_nothing_stops_nobody_and_nothing_is_kept_for_it(studio):
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", studio.port))
    stalled = studio.screen(A, sock=line, max_queue=1)
    stalled.say({"command": "pad", "n": 300_000})
    stalled.say({"command": "wander", "on": True})
    with studio.screen(B) as b:
        b.ask({"command": "train", "steps": 200})
        b.until(lambda views: views["player"]["step"] == 200)
        until(lambda: studio.session(A).advances > 50)
        assert studio.session(A).sent <= 3
        buffered = [c.transport.get_write_buffer_size() for c in studio.server.server_state.connections]
        assert max(buffered) < 3 * 310_000
    stalled.hang_up()


def unread(studio):
    """Return a line to the studio that is never read from."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", studio.port))
    line.sendall(
        (
            f"GET /ws?session={A} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
    )
    assert line.recv(12) == b"HTTP/1.1 101"
    return line


def test_pings_of_a_peer_that_reads_nothing_are_not_answered_into_memory(studio):
    with unread(studio) as line:
        pings = 500 * Frame(Opcode.PING, b"x" * 125).serialize(mask=True)
        for _ in range(400):
            line.sendall(pings)  # 26 MB in all
        (peer,) = studio.server.server_state.connections
        assert peer.transport.get_write_buffer_size() < 1_000_000


@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ("[]", []),
        ("null", None),
        ("17", 17),
        ('"train"', "train"),
        ('{"command": 7}', {"command": 7}),
        ("{}", {}),
        ('{"command": "train", "ack": 1}', {"command": "train", "ack": 1}),
        ("1e400", float("inf")),
        ("no JSON", "no JSON"),
        ("", ""),
        ("[" * 60_000, "[" * 80),
        ("1" * 5000, "1" * 80),
        (b"\x00\xff", None),
    ],
)
def test_whatever_is_said_reaches_the_session_which_answers(studio, message, heard):
    with studio.screen() as screen:
        screen.say(message)
        screen.until(lambda views: views["told"]["n"] == 1)
        assert studio.session().told == [heard]
        screen.ask({"command": "select", "state": 1})


def test_a_half_character_is_carried_to_the_session_and_back(studio):
    with studio.screen() as screen:
        screen.say('{"command": "configure", "sequence": "\\ud800"}')
        screen.until(lambda views: views["told"]["n"] == 1)
    with studio.screen() as screen:  # and does not keep anyone out afterwards
        screen.ask({"command": "select", "state": 1})


def test_who_says_nothing_but_nonsense_is_sent_away(studio):
    with studio.screen() as screen, studio.screen(B) as other:
        for _ in range(connection_module.NONSENSE - 1):
            screen.say("nonsense")
        screen.ask({"command": "select", "state": 1})  # once sense is heard, counting begins anew
        for _ in range(connection_module.NONSENSE):
            screen.say("nonsense")
        assert screen.closed() == (1003, "nonsense: The studio understands JSON texts only.")
        other.ask({"command": "select", "state": 1})


def test_a_message_longer_than_any_text_is_refused():
    limits = Limits(text=1000)
    with running(limits=limits) as studio, studio.screen(B) as other:
        with studio.screen() as screen:
            longest = {"command": "configure", "sequence": "0" * (4 * limits.text + 2**16 - 50)}
            screen.say(longest)
            screen.until(lambda views: views["told"]["n"] == 1)
            assert studio.session().told == [longest]
            screen.say("0" * (4 * limits.text + 2**16 + 1))
            assert screen.closed() == (1009, "large: A message was larger than the studio takes.")
        other.ask({"command": "select", "state": 1})


def test_commands_that_a_person_could_not_have_given_are_refused(studio):
    with studio.screen() as screen, studio.screen(B) as other:
        screen.say({"command": "wait"})
        session = studio.session()
        assert session.at_gate.wait(GIVEN_UP)
        with suppress(websockets.exceptions.ConnectionClosed):
            for number in range(MOST + 50):
                screen.say({"command": "more", "steps": number})
        assert screen.closed() == (1008, "flood: Too many commands at once.")
        other.ask({"command": "select", "state": 1})
        session.gate.set()
        until(lambda: not studio.do(lambda: studio.sessions.scheduler.in_use))
        assert session.told == [{"command": "wait"}]


def test_a_key_that_is_held_while_the_session_is_slow_closes_nothing(studio):
    with studio.screen() as screen:
        screen.say({"command": "wait"})
        session = studio.session()
        assert session.at_gate.wait(GIVEN_UP)
        for _ in range(30 * 60):
            screen.say({"command": "step"})
        screen.say({"command": "play"})
        until(lambda: screen_of_waiting(studio) == HELD + 1)
        session.gate.set()
        screen.until(lambda views: views["told"]["n"] == HELD + 2)
        assert session.told[1:] == [*[{"command": "step"}] * HELD, {"command": "play"}]


def screen_of_waiting(studio):
    return len(studio.do(lambda: list(screen_of(studio, A)._inbox._waiting)))


def test_of_a_sliders_commands_the_last_is_enough(studio):
    with studio.screen() as screen:
        screen.say({"command": "wait"})
        session = studio.session()
        assert session.at_gate.wait(GIVEN_UP)
        for step in range(2 * MOST):
            screen.say({"command": "seek", "step": step})
        screen.say({"command": "play"})
        screen.say({"command": "seek", "step": 0})
        until(lambda: len(studio.do(lambda: list(screen_of(studio, A)._inbox._waiting))) == 3)
        session.gate.set()
        screen.until(lambda views: views["told"]["n"] == 4)
        assert session.told[1:] == [
            {"command": "seek", "step": 2 * MOST - 1},
            {"command": "play"},
            {"command": "seek", "step": 0},
        ]


def screen_of(studio, name):
    (screen,) = studio.sessions.find(name).viewers
    return screen


def test_a_slow_command_of_one_session_holds_up_no_other(studio):
    with studio.screen(A) as a, studio.screen(B) as b:
        a.say({"command": "wait"})
        assert studio.session(A).at_gate.wait(GIVEN_UP)
        b.ask({"command": "train", "steps": 20})
        b.until(lambda views: views["player"]["step"] == 20)
        studio.session(A).gate.set()


def test_where_many_train_a_click_is_answered_before_the_next_frame_is_due(studio):
    with studio.screen(A) as a:
        a.ask({"command": "wander", "on": True})
        studio.do(
            lambda: studio.sessions.scheduler.training.update(range(100_000))
        )  # the next frame is half an hour off
        a.ask({"command": "select", "state": 1})
        a.ask({"command": "select", "state": 2})


def test_a_session_that_fails_takes_no_other_with_it(studio, caplog):
    with studio.screen(A) as a, studio.screen(B) as b:
        a.say({"command": "fail"})
        code, reason = a.closed()
        assert code == 1011
        assert reason.startswith("failed: ")
        b.ask({"command": "select", "state": 1})
    assert "ZeroDivisionError" in caplog.text  # someone can find out why
    with studio.screen(A) as a:
        assert a.hello["new"]
        a.ask({"command": "select", "state": 1})


def test_the_codes_of_all_reasons_are_those_that_the_protocol_lists():
    root = Path(__file__).parents[2]
    comment = re.search(r"Why the connection was closed:(.*?)\*/", (root / PROTOCOL).read_text(), re.DOTALL)[1]
    listed = re.split(r"[\s*,.]+", re.sub(r"\([^)]*\)", "", comment.split("The codes: ")[1]).strip(" .\n"))
    sources = [module.__file__ for module in (connection_module, sockets_module, sessions_module, studio_module)]
    used = re.findall(r'"([a-z]+): [A-Z]', "".join(Path(source).read_text() for source in sources))
    assert sorted(listed) == sorted(set(used))


# -- downloads -----------------------------------------------------------------------------------------------


def test_a_download_is_a_file_with_a_name(studio, get):
    with studio.screen():
        status, headers, content = get(f"/download/chain.svg?session={A}")
    assert (status, content) == (200, "<svg>0</svg>")
    assert headers["content-type"] == "image/svg+xml"
    assert headers["content-disposition"] == 'attachment; filename="babygpt-chain.svg"'
    assert headers["cache-control"] == "no-store"


def test_a_download_works_while_the_owner_is_away(studio, get):
    studio.screen().socket.close()
    assert get(f"/download/chain.svg?session={A}")[0] == 200


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        (f"/download/chain.exe?session={A}", 400, "Ask for chain.svg."),
        (f"/download/chain.svg?session={B}", 404, "Load the studio's page again."),
        ("/download/chain.svg", 404, "Load the studio's page again."),
    ],
)
def test_a_download_that_cannot_be_is_told_in_a_sentence(studio, get, path, status, word):
    with studio.screen(A):
        got, headers, text = get(path)
    assert got == status
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert word in text


def test_while_a_file_is_drawn_its_session_goes_on_and_the_file_shows_what_there_was(studio, get):
    with studio.screen() as screen:
        screen.ask({"command": "select", "state": 1})
        got = []
        drawing = threading.Thread(target=lambda: got.append(get(f"/download/slow.svg?session={A}")))
        drawing.start()
        session = studio.session()
        assert session.at_gate.wait(GIVEN_UP)
        screen.ask({"command": "train", "steps": 20})
        screen.until(lambda views: views["player"]["step"] == 20)
        session.gate.set()
        drawing.join(GIVEN_UP)
    assert got[0][0::2] == (200, "<svg>1</svg>")


def test_of_many_files_that_are_asked_for_one_is_made_at_a_time_and_nothing_is_kept_for_the_others(studio, get):
    with studio.screen(A), studio.screen(B):
        a, b = studio.session(A), studio.session(B)
        a.drawings = b.drawings = []
        asked = [f"/download/slow.svg?session={name}" for name in (A, B, A, A, B)]
        with ThreadPoolExecutor(len(asked)) as people:
            answers = [people.submit(get, path) for path in asked]
            until(lambda: a.at_gate.is_set() or b.at_gate.is_set())
            until(lambda: sum(hosted._exporting.locked() for hosted in studio.sessions._hosted.values()) == 2)
            assert a.drawings == ["taken", "begun"]
            a.gate.set()
            b.gate.set()
            assert [answer.result(GIVEN_UP)[0] for answer in answers] == 5 * [200]
    assert a.drawings == 5 * ["taken", "begun", "done"]
    assert object not in map(type, studio.sessions.scheduler._costs)


def test_a_file_that_cannot_be_made_by_a_mistake_of_ours_costs_the_session_nothing(studio, get, caplog):
    with studio.screen() as screen:
        assert get(f"/download/broken.svg?session={A}")[0::2] == (500, "The file could not be made.\n")
        screen.ask({"command": "select", "state": 1})
        assert get(f"/download/chain.svg?session={A}")[0] == 200
    assert "ZeroDivisionError" in caplog.text


# -- the end -------------------------------------------------------------------------------------------------


def test_when_the_studio_closes_every_screen_is_told_in_the_middle_of_training():
    with running() as studio:
        screens = [studio.screen(name) for name in (A, B, C)]
        for screen in screens:
            screen.say({"command": "train", "steps": 10**9})
        until(lambda: all(studio.session(name).step > 2 for name in (A, B, C)))
    assert {screen.closed() for screen in screens} == {(1001, "closed: The studio was closed.")}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", studio.port))


def test_a_screen_that_reads_nothing_does_not_keep_the_studio_open(caplog):
    with running() as studio:
        line = unread(studio)
        pad = {"command": "pad", "n": 20_000_000}
        line.sendall(Frame(Opcode.TEXT, json.dumps(pad).encode()).serialize(mask=True))
        until(lambda: any(c.transport.get_write_buffer_size() for c in studio.server.server_state.connections))
    line.close()
    assert caplog.records == []


def test_many_screens_at_once_are_all_served(studio):
    done = []

    def one(number):
        with studio.screen(f"the-session-of-number-{number}") as screen:
            screen.ask({"command": "train", "steps": 20})
            screen.until(lambda views: views["player"]["step"] == 20)
            done.append(number)

    threads = [threading.Thread(target=partial(one, number)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GIVEN_UP)
    assert sorted(done) == list(range(30))
