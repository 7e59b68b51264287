from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import babygpt as bg
from babygpt.lab.tables import read_table

ARTICLE = "111101111011110"
TINY = ("--layers", "1", "--heads", "1", "--width", "4", "--steps", "3")
SETTINGS = {"n_layer": 1, "n_head": 1, "n_embd": 4, "steps": 3}


def test_each_arrow_names_what_raises_it_and_what_lowers_it(babygpt):
    result = babygpt("attribute", ARTICLE)
    rows = {line[:7]: line[7:] for line in result.stdout.splitlines() if "→" in line}
    assert list(rows) == [f"{state:03b} → 1" for state in range(8)]
    found = bg.attribute(ARTICLE)
    for name, row in rows.items():
        strongest = found.strongest(name[:3], "1")
        up = next(i for i in strongest if i.effect > 0)
        down = next(i for i in strongest if i.effect < 0)
        assert f"  {up.was} at {up.position} {100 * up.effect:+.1f}, " in row
        assert f"  {down.was} at {down.position} −{-100 * down.effect:.1f}, " in row
    assert "positions count from 0" in result.stderr


def test_one_arrow_is_printed_with_every_change(babygpt):
    result = babygpt("attribute", ARTICLE, "--by", "window", "--arrow", "000:1", "--arrow", "111:0", *TINY)
    found = bg.attribute(ARTICLE, by="window", **SETTINGS)
    first, second = result.stdout.split("\n\n")
    assert first.splitlines()[0] == f"000 → 1  {100 * found.base[0, 1]:.1f}%"
    assert second.splitlines()[0] == f"111 → 0  {100 * found.base[7, 0]:.1f}%"
    cells = [line.split() for line in first.splitlines()[2:]]
    assert [(int(c[0]), c[1]) for c in cells] == [(i.position, i.was) for i in found.strongest("000", "1")]
    assert "each window left out" in result.stderr


def test_with_more_symbols_what_took_the_place_is_named(babygpt):
    result = babygpt("attribute", "abcabcb", "--context", "1", *TINY)
    assert len(result.stdout.splitlines()) == 1 + 9
    assert "(not " in result.stdout


def test_tables_hold_every_effect(babygpt):
    babygpt("attribute", ARTICLE, "--seed", "4", "--out", "all.parquet", *TINY)
    columns = read_table("all.parquet")
    found = bg.attribute(ARTICLE, seeds=[4], **SETTINGS)
    np.testing.assert_allclose(columns["effect"].reshape(found.effects.shape), found.effects, atol=1e-12)
    babygpt("attribute", ARTICLE, "--by", "window", "--out", "all.csv", *TINY)
    rows = list(csv.DictReader(Path("all.csv").read_text().splitlines()))
    assert len(rows) == 12 * 16
    assert (rows[16]["position"], rows[16]["was"], rows[16]["context"]) == ("1", "1110", "000")


@pytest.mark.parametrize("name", ["map.svg", "map.png", "map.pdf"])
def test_a_map_is_drawn(babygpt, name):
    result = babygpt("attribute", ARTICLE, "--seeds", "2", "--out", name, *TINY)
    assert f"written: {name}" in result.stderr
    assert Path(name).stat().st_size > 1000
    if name.endswith("svg"):
        assert "mean of 2 seeds, step 3" in Path(name).read_text()


def test_files_and_words_are_read_as_train_reads_them(babygpt):
    Path("poem.txt").write_text("the sea the sky the sea\n")
    result = babygpt("attribute", "poem.txt", "--tokens", "words", "--context", "1", "--arrow", "the:sea", *TINY)
    assert "the → sea" in result.stdout
    assert len(result.stdout.splitlines()) == 2 + 6 * 2
    piped = babygpt("attribute", "-", "--context", "1", *TINY, stdin="0110\n")
    assert "0 → 1" in piped.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--arrow", "101"], "--arrow 101 is no arrow. Write its context and the next token"),
        (["--arrow", "10:1"], "'10' has 2 tokens; a state here has 3"),
        (["--arrow", "101:2"], "The arrow contains '2', not in the vocabulary of 2 symbols (0 1)"),
        (["--arrow", "x01:1"], "The arrow contains 'x', not in the vocabulary of 2 symbols (0 1)"),
        (["--seeds", "0"], "--seeds 0 is not a whole number of at least 1"),
        (["--seed", "-1"], "--seed -1"),
        (["--seed", "1337", "--seeds", "5"], "--seed 1337 is one seed and --seeds 5 the mean of many"),
        (["--out", "map.xlsx"], "does not end in a known format"),
        (["--out", "nowhere/map.svg"], "There is no folder nowhere to write map.svg to"),
        (["--steps", "0"], "--steps 0"),
        (["--context", "14", "--by", "window"], "without it nothing is left"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(babygpt, refused, arguments, message):
    refused(babygpt("attribute", ARTICLE, *arguments), message, after_training=True)


def test_a_text_too_long_is_told(babygpt, refused):
    result = babygpt("attribute", "-", stdin="01" * 10_000)
    refused(result, "make 20,000 texts; the limit is 16,384. Use --by window, ", after_training=True)


def test_a_map_too_large_is_refused_before_the_training(babygpt, refused):
    refused(babygpt("attribute", "01" * 250, "--out", "map.svg"), "A map of 500 positions and 8 arrows is too large")


def test_a_learning_rate_that_breaks_everything_is_told(babygpt, refused):
    result = babygpt("attribute", ARTICLE, "--learning-rate", "1e30", *TINY)
    refused(result, "trainings did not stay finite with --learning-rate 1e+30", after_training=True)


def test_rows_go_on_to_other_programs(babygpt):
    rows = json.loads(babygpt("attribute", ARTICLE, *TINY, "--format", "json").stdout)
    found = bg.attribute(ARTICLE, **SETTINGS).rows()
    assert [row["effect"] for row in rows] == found["effect"].tolist()
    assert [row["context"] for row in rows] == found["context"].tolist()
