from __future__ import annotations

import asyncio
import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babygpt.studio.server import inbox as module
from babygpt.studio.server.inbox import HELD, LATEST_WINS, MOST, FloodError, Inbox, join

commands = st.fixed_dictionaries(
    {"command": st.sampled_from([*sorted(LATEST_WINS - {"decode"}), "walk", "train"])},
    optional={"place": st.integers(0, 2), "by": st.integers(0, 3), "state": st.integers()},
) | st.fixed_dictionaries(
    {"command": st.just("decode")},
    optional={"temperature": st.integers(-1, 2), "top_k": st.integers(0, 3), "other": st.none()},
)


def obeyed(decode):
    """Return the parts of a command to decode, if it can be obeyed."""
    possible = decode.get("temperature", 1) >= 0 and decode.get("top_k", 1) >= 1 and "other" not in decode
    return decode if possible else {}


def taken(inbox):
    """Return all that waits."""
    inbox.close()

    async def take():
        found = []
        try:
            while True:
                found.append(await inbox.take())
        except EOFError:
            return found

    return asyncio.run(take())


def test_examples_in_docstrings_hold():
    assert doctest.testmod(module) == (0, 5)


@given(st.lists(commands, max_size=30))
def test_what_waits_comes_to_the_same_as_what_came(given):
    # The state that commands amount to: of each slider and each place the last command; of decoding, each part.
    def amount(commands):
        state = {}
        for command in commands:
            if command["command"] == "decode":
                state.setdefault("decode", {}).update(obeyed(command))
            elif command["command"] in LATEST_WINS:
                state[command["command"], command.get("place")] = command
        return state

    inbox = Inbox(10**6)
    for command in given:
        inbox.add(dict(command), 1)
    left = taken(inbox)
    assert amount(left) == amount(given)
    kept = [c for c in given if c["command"] not in LATEST_WINS]
    assert [c for c in left if c["command"] not in LATEST_WINS] == kept


VALUES = {
    "turn": "position", "nudge": "by", "seek": "step", "decode": "temperature", "rows": "first", "speed": "speed",
    "select": "state", "configure": "sequence", "attribute": "position", "place": "state",
}  # fmt: skip


@pytest.mark.parametrize(("command", "part"), VALUES.items())
def test_of_a_run_one_is_left(command, part):
    inbox = Inbox(10**6)
    for value in range(2 * MOST):
        inbox.add({"command": command, part: value}, 1)
    assert taken(inbox) == [{"command": command, part: 2 * MOST - 1}]


@pytest.mark.parametrize("bad", [{"temperature": -1}, {"top_k": 0}, {"top_k": "2"}, {"top_p": 2}, {"other": 1}])
def test_a_decoding_that_cannot_be_spoils_no_other(bad):
    good, bad = {"command": "decode", "top_k": 2}, {"command": "decode", **bad}
    assert join(good, bad) is None
    assert join(bad, good) is None


def test_of_two_moves_of_one_slider_nothing_is_left_of_the_first():
    first, second = {"command": "select", "state": 1, "a": 1}, {"command": "select", "b": 1}
    assert join(first, second) == second


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"sequence": "01"}, {"sequence": "011", "seed": 1}),
        ({"seed": 1}, {"sequence": "011"}),
        ({"sequence": "01"}, {"name": "a file"}),
    ],
)
def test_settings_are_not_lost_to_fast_typing(first, second):
    assert join({"command": "configure", **first}, {"command": "configure", **second}) is None


def test_what_is_joined_is_no_larger_than_what_may_wait():
    inbox = Inbox(100_000)
    for number in range(200):
        inbox.add({"command": "select", f"key {number}": "x" * 90_000}, 90_000)
    ((kept, size),) = inbox._waiting
    assert (kept.keys(), size, inbox._bytes) == ({"command", "key 199"}, 90_000, 90_000)


def test_a_joined_command_that_is_too_large_is_a_flood():
    inbox = Inbox(100)
    inbox.add({"command": "play"}, 10)
    inbox.add({"command": "configure", "sequence": "01"}, 10)
    with pytest.raises(FloodError):
        inbox.add({"command": "configure", "sequence": "0" * 91}, 91)
    inbox.add({"command": "configure", "sequence": "0" * 90}, 90)
    assert len(taken(inbox)) == 2


@pytest.mark.parametrize("other", [None, [], "seek", {}, {"command": ["seek"]}, {"command": "play"}, {"command": {}}])
def test_only_commands_of_one_kind_are_joined(other):
    seek = {"command": "seek", "step": 1}
    assert join(seek, other) is None
    assert join(other, seek) is None
    assert join(other, other) is None


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(0, 10))
def test_skips_that_are_joined_lead_to_the_same_step(ways, last):
    def walked(ways, at=5):
        for by in ways:
            at = min(max(at + by, 0), last)
        return at

    inbox = Inbox(10**6)
    for by in ways:
        inbox.add({"command": "skip", "by": by}, 1)
    left = [command["by"] for command in taken(inbox)]
    assert walked(left) == walked(ways)


@pytest.mark.parametrize("bad", [{}, {"by": "1"}, {"by": True}, {"by": 1.5}, {"by": 1, "more": 1}, {"by": 10**30}])
def test_a_skip_that_cannot_be_is_joined_with_none(bad):
    good, bad = {"command": "skip", "by": 1}, {"command": "skip", **bad}
    assert join(good, bad) is None
    assert join(bad, good) is None


MINUTE = 60 * 30  # commands that a held key sends in a minute


@pytest.mark.parametrize(
    "held", [["step"], ["skip"], ["select"], ["walk"], ["select", "step"], ["walk", "skip", "step"]]
)
def test_keys_that_are_held_for_a_minute_close_nothing_and_are_done_soon_after(held):
    parts = {
        "skip": lambda i: {"by": 1 - 2 * (i % 2)},
        "select": lambda i: {"state": i},
        "walk": lambda i: {"token": i},
    }
    inbox, last = Inbox(10**6), {}
    for i in range(MINUTE):
        name = held[i % len(held)]
        last[name] = {"command": name, **parts.get(name, lambda i: {})(i)}
        inbox.add(last[name], 40)
    assert inbox._bytes <= 40 * HELD * len(held)
    left = taken(inbox)
    assert len(left) <= HELD * len(held)
    assert [command for command in left if command["command"] == held[-1]][-1]["command"] == held[-1]
    if held != ["skip"]:
        assert left[-1] == last[held[(MINUTE - 1) % len(held)]]  # the last one counts


def test_who_presses_a_key_a_few_times_has_each_done():
    inbox = Inbox(10**6)
    for _ in range(HELD):
        inbox.add({"command": "step"}, 1)
    assert taken(inbox) == [{"command": "step"}] * HELD


def test_more_commands_than_a_person_gives_are_refused():
    inbox = Inbox(10**6)
    for _ in range(MOST):
        inbox.add({"command": "play"}, 1)
    with pytest.raises(FloodError):
        inbox.add({"command": "play"}, 1)
    assert len(taken(inbox)) == MOST


def test_long_texts_do_not_pile_up_but_one_of_any_length_is_taken():
    inbox = Inbox(100)
    inbox.add("first", 1000)
    with pytest.raises(FloodError):
        inbox.add("second", 1)
    assert taken(inbox) == ["first"]
    inbox = Inbox(100)
    inbox.add("first", 60)
    inbox.add("second", 40)
    with pytest.raises(FloodError):
        inbox.add("third", 1)


def test_texts_that_replace_each_other_are_counted_once_and_room_comes_back():
    async def scene():
        inbox = Inbox(100)
        for size in (90, 90, 90):
            inbox.add({"command": "decode", "top_k": size}, size)
        assert await inbox.take() == {"command": "decode", "top_k": 90}
        inbox.add("next", 100)
        assert await inbox.take() == "next"

    asyncio.run(scene())


def test_what_is_cleared_is_gone():
    inbox = Inbox(100)
    inbox.add("first", 60)
    inbox.clear()
    inbox.add("second", 60)
    assert taken(inbox) == ["second"]


def test_who_takes_waits_for_what_comes():
    async def scene():
        inbox = Inbox(100)
        taking = asyncio.create_task(inbox.take())
        await asyncio.sleep(0)
        assert not taking.done()
        inbox.add("late", 1)
        assert await taking == "late"

    asyncio.run(scene())
