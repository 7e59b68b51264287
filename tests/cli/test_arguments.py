from __future__ import annotations

import json
from pathlib import Path

import pytest

SMALL = ["--context", 1, "--steps", 1, "--layers", 1, "--heads", 1, "--width", 4]


def symbols(run):
    return json.loads((Path(run) / "run.json").read_text())["vocabulary"]["symbols"]


@pytest.mark.parametrize(
    ("text", "options", "found"),
    [
        ("-1 +1 -1 -1 +1", ["--tokens", "words"], ["+1", "-1"]),
        ("-1", [], ["-", "1"]),
        ("-+-+--+", [], ["+", "-"]),
        ("--0-0", [], ["-", "0"]),
        ("-0.5 0.5 -0.5", ["--tokens", "words"], ["-0.5", "0.5"]),
        ("- + - -", ["--tokens", "words"], ["+", "-"]),
        ("-晴-雨", [], ["-", "晴", "雨"]),
        ("-a -b -a", ["--tokens", "words"], ["-a", "-b"]),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_text_may_begin_with_a_dash(babygpt, text, options, found, first):
    done = babygpt("train", *([text, *options] if first else [*options, text]), *SMALL)
    assert done.exit_code == 0, done.stderr
    assert symbols("runs/run-1") == found


@pytest.mark.parametrize("arguments", [["--", "-a-a"], ["--steps", 1, "--", "--aa"]])
def test_after_two_dashes_anything_is_a_text(babygpt, arguments):
    done = babygpt("train", "--context", 1, *arguments)
    assert done.exit_code == 0, done.stderr
    assert symbols("runs/run-1") == ["-", "a"]


@pytest.mark.parametrize("command", ["train", "seeds", "attribute"])
def test_a_mistyped_option_is_no_text(babygpt, command):
    for arguments, option in (
        (["--stpes", 5, "0101"], "--stpes"),
        (["0101", "--stpes=5"], "--stpes"),
        (["0101", "-x"], "-x"),
        (["--stpes 5", "0101"], "--stpes"),
    ):
        done = babygpt(command, *arguments)
        assert done.exit_code == 2
        assert f"No such option: {option}" in done.stderr
        assert ("--steps" in done.stderr.split("No such option")[1]) == (option == "--stpes")


def test_the_value_of_an_option_may_begin_with_a_dash(babygpt, refused):
    refused(babygpt("train", "0101", "--seed", "-1"), "--seed -1 is not a whole number of at least 0")


@pytest.mark.parametrize("command", ["train", "seeds", "attribute"])
def test_several_words_without_quotes_are_answered_with_what_was_meant(babygpt, refused, command):
    refused(
        babygpt(command, "hello", "world", "--steps", 5),
        f"{command} learns from one text, and got 2: hello world.",
        f'babygpt {command} "hello world" --steps 5',
    )
    refused(babygpt(command, "a$b", "c"), f"babygpt {command} 'a$b c'")
    refused(babygpt(command, "-1", "+1", "-1", "--tokens", "words"), f'babygpt {command} "-1 +1 -1" --tokens words')


def test_several_files_are_answered_with_how_to_join_them(babygpt, refused):
    for name in ("a.txt", "b c.txt"):
        Path(name).write_text("0101")
    refused(babygpt("train", "a.txt", "b c.txt", "--steps", 5), "cat a.txt 'b c.txt' | babygpt train - --steps 5")
