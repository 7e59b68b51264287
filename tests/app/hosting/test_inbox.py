from __future__ import annotations

import asyncio
import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babygpt.app.hosting import inbox as module
from babygpt.app.hosting.inbox import LATEST_WINS, MOST, FloodError, Inbox, join

commands = st.fixed_dictionaries(
    {"command": st.sampled_from([*sorted(LATEST_WINS), "walk", "train"])},
    optional={"place": st.integers(0, 2), "by": st.integers(0, 3), "top_k": st.integers(0, 3), "state": st.integers()},
)


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
    assert doctest.testmod(module) == (0, 3)


@given(st.lists(commands, max_size=30))
def test_what_waits_comes_to_the_same_as_what_came(given):
    # The state that settings of one kind amount to: for each of them, and each place, the last value of every part.
    def amount(commands):
        state = {}
        for command in commands:
            if command["command"] in LATEST_WINS:
                state.setdefault((command["command"], command.get("place")), {}).update(command)
        return state

    inbox = Inbox(10**6)
    for command in given:
        inbox.add(dict(command), 1)
    left = taken(inbox)
    assert amount(left) == amount(given)
    kept = [c for c in given if c["command"] not in LATEST_WINS]
    assert [c for c in left if c["command"] not in LATEST_WINS] == kept


@pytest.mark.parametrize("command", sorted(LATEST_WINS))
def test_of_a_run_one_is_left(command):
    inbox = Inbox(10**6)
    for value in range(2 * MOST):
        inbox.add({"command": command, "value": value}, 1)
    assert taken(inbox) == [{"command": command, "value": 2 * MOST - 1}]


@pytest.mark.parametrize("other", [None, [], "seek", {}, {"command": ["seek"]}, {"command": "play"}, {"command": {}}])
def test_only_commands_of_one_kind_are_joined(other):
    seek = {"command": "seek", "step": 1}
    assert join(seek, other) is None
    assert join(other, seek) is None
    assert join(other, other) is None


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
