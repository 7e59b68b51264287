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


def arrows(stdout):
    """Return the cells of each printed arrow by its name, such as "000 → 1"."""
    lines = [line for line in stdout.splitlines() if "→" in line]
    return {line[:7]: line[7:].split() for line in lines}


def test_every_arrow_is_printed_with_its_quantiles_and_the_marked_run(babygpt):
    result = babygpt("seeds", ARTICLE, "--seeds", "12")
    found = bg.study(ARTICLE, seeds=range(12), at=[50])
    rows = arrows(result.stdout)
    assert list(rows) == [f"{state:03b} → 1" for state in range(8)]
    mark, low = found.mark(1337), found.quantiles(0.05)
    for state in range(8):
        cells = rows[f"{state:03b} → 1"]
        assert cells[0] == f"{100 * low[0, 0, state, 1]:.1f}%"
        shares = [cell for cell in cells if cell.endswith("%")]
        above, own, below = shares[3:]
        assert above == f"{100 * found.share_above()[0, state, 1]:.1f}%"
        assert own == f"{100 * mark.probs[0, state, 1]:.1f}%"
        assert below == f"{100 * mark.below[0, state, 1]:.1f}%"
        assert ("never" in cells) == (state not in (3, 5, 6, 7))
    assert "0 takes the rest" in result.stderr
    assert "training 12 seeds" in result.stderr


def test_the_bar_stands_where_the_seeds_are():
    from babygpt.cli.commands.seeds import BAR, bar

    line = bar([0.25, 0.25, 0.5, 0.75, 1.0], 0.0)
    assert len(line) == BAR
    assert line[0] == "◆"
    assert line[BAR // 4] == line[BAR // 2 - 1] == "━"
    assert line[BAR // 2] == "┃"
    assert line[-1] == "─"
    assert set(line[1 : BAR // 4]) == {" "}
    assert bar([0.25, 0.25, 0.5, 0.75, 1.0]) == " " + line[1:]


def test_steps_are_printed_one_after_the_other(babygpt):
    result = babygpt("seeds", ARTICLE, "--seeds", "3", "--at", "3,0", *TINY)
    assert [line for line in result.stdout.splitlines() if line.startswith("step")] == ["step 0", "step 3"]
    history = babygpt("seeds", ARTICLE, "--seeds", "2", "--at", "all", *TINY[:-1], "20")
    assert [line.split()[1] for line in history.stdout.splitlines() if line.startswith("step")] == (
        ["0", "4", "8", "12", "16", "20"]
    )
    assert "Six of 21 steps" in history.stderr


def test_more_than_two_symbols_have_an_arrow_each(babygpt):
    result = babygpt("seeds", "abcabcb", "--context", "1", "--seeds", "3", *TINY)
    assert [line[:5] for line in result.stdout.splitlines()[1:]] == [f"{a} → {b}" for a in "abc" for b in "abc"]


def test_of_many_contexts_some_are_printed_and_it_is_said(babygpt):
    result = babygpt("seeds", ARTICLE * 3, "--context", "8", "--seeds", "2", *TINY)
    assert sum("→" in line for line in result.stdout.splitlines()) <= 64
    assert "Some of 256 contexts" in result.stderr


def test_a_csv_is_the_summary_and_each_is_every_seed(babygpt):
    babygpt("seeds", ARTICLE, "--seeds", "4", "--out", "all.csv", "--mark", "2", *TINY)
    rows = list(csv.DictReader(Path("all.csv").read_text().splitlines()))
    assert len(rows) == 16
    assert rows[3]["context"] == "001"
    assert float(rows[3]["marked"]) == bg.study(ARTICLE, range(4), at=[3], **SETTINGS).probs[2, 0, 1, 1]
    babygpt("seeds", ARTICLE, "--seeds", "4", "--at", "all", "--each", "--out", "each.parquet", *TINY)
    columns = read_table("each.parquet")
    found = bg.study(ARTICLE, range(4), **SETTINGS)
    assert np.array_equal(columns["probability"].reshape(found.probs.shape), found.probs)


@pytest.mark.parametrize("name", ["hills.svg", "hills.png", "hills.pdf"])
def test_a_picture_is_written(babygpt, name):
    result = babygpt("seeds", ARTICLE, "--seeds", "5", "--at", "0,3", "--out", name, *TINY)
    assert f"written: {name}" in result.stderr
    assert Path(name).stat().st_size > 1000


def test_words_and_files_are_read_as_train_reads_them(babygpt):
    Path("poem.txt").write_text("the sea the sky the sea\n")
    result = babygpt("seeds", "poem.txt", "--tokens", "words", "--context", "1", "--seeds", "2", *TINY)
    assert "sea → the" in result.stdout


def test_seeds_that_diverge_are_counted(babygpt, second_seed_breaks):
    result = babygpt("seeds", ARTICLE, "--seeds", "3", *TINY)
    assert "1 of 3 seeds did not stay finite and are left out." in result.stderr
    assert result.exit_code == 0


@pytest.mark.parametrize("mark", [1, 1337])  # one of the seeds, another
def test_a_marked_run_that_diverges_leaves_the_others_shown(babygpt, monkeypatch, mark):
    from babygpt.lab import seed_study
    from babygpt.run import ensemble

    def breaking(train):
        def train_and_break(corpus, numbers, *given, **more):
            trained = train(corpus, numbers, *given, **more)
            trained.losses[[seed == mark for seed in numbers], -1] = np.nan
            return trained

        return train_and_break

    for module in (seed_study, ensemble):
        monkeypatch.setattr(module, "train_many", breaking(module.train_many))
    arguments = ("seeds", ARTICLE, "--seeds", "3", "--mark", mark, *TINY)
    result = babygpt(*arguments, "--out", "all.csv")
    assert result.exit_code == 0
    told = f"The GPT of seed {mark} did not stay finite, so no run is marked. --mark names another."
    assert told in result.stderr.splitlines()
    assert len(arrows(result.stdout)) == 8
    assert "◆" not in result.stdout
    assert "seed " not in result.stdout
    assert "marked" not in Path("all.csv").read_text()
    assert babygpt(*arguments, "--out", "hills.svg").exit_code == 0
    assert Path("hills.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0"], "--seeds 0 is not a whole number of at least 1"),
        (["--seeds", "100000000000"], "--seeds 100000000000 is more than this command takes, 1,000,000"),
        (["--at", "0,51"], "--at 51 is beyond the last step, --steps 50"),
        (["--at", "0;10"], "--at 0;10 is no list of steps"),
        (["--out", "seeds.xlsx"], "does not end in a known format"),
        (["--each"], "--each writes a row for every seed"),
        (["--each", "--out", "seeds.svg"], "--each writes a row for every seed"),
        (["--mark", "-1"], "--mark -1 is not a whole number"),
        (["--context", "40"], "--context 40 needs at least 41"),
        (["--out", "nowhere/seeds.csv"], "There is no folder nowhere to write seeds.csv to"),
        (["--out", "seeds.png", "--at", "all"], "51 steps make 51 columns of hills; the limit is 8"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(babygpt, refused, arguments, message):
    refused(babygpt("seeds", ARTICLE, *arguments), message)


def test_hills_of_too_many_symbols_or_steps_are_refused_before_the_training(babygpt, refused):
    refused(babygpt("seeds", "abcdefghijab", "--context", "1", "--out", "a.svg"), "10 symbols make 10 columns of hills")
    refused(babygpt("seeds", "abcab", "--context", "1", "--at", "0,50", "--out", "a.svg"), "so one step fits, not 2")


def test_rows_go_on_to_other_programs(babygpt):
    given = ("seeds", ARTICLE, "--seeds", "3", *TINY)
    found = bg.study(ARTICLE, seeds=range(3), at=[3], **SETTINGS)
    rows = json.loads(babygpt(*given, "--format", "json").stdout)
    assert [row["mean"] for row in rows] == found.summary()["mean"].tolist()
    each = [json.loads(line) for line in babygpt(*given, "--each", "-f", "ndjson").stdout.splitlines()]
    assert [row["probability"] for row in each] == found.rows()["probability"].tolist()
    kept = babygpt(*given, "-o", "seeds.ndjson")
    assert len(arrows(kept.stdout)) == 8  # and what is kept in a file is printed besides
    assert len(Path("seeds.ndjson").read_text().splitlines()) == len(rows)


def test_a_table_is_printed_even_if_its_file_cannot_be_written(babygpt, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.csv.write_csv", full)
    result = babygpt("seeds", ARTICLE, "--seeds", "2", "--out", "seeds.csv", *TINY)
    assert result.exit_code == 2
    assert len(arrows(result.stdout)) == 8
    assert result.stderr.splitlines()[-1].startswith("error: The table cannot be written to seeds.csv: ")


def test_a_training_in_which_no_seed_stays_finite_is_told(babygpt, refused):
    result = babygpt("seeds", ARTICLE, "--learning-rate", "1e30", "--seeds", "2", *TINY)
    refused(result, "Not one GPT of 2 did stay finite with --learning-rate 1e+30", after_training=True)


def test_the_marked_run_is_trained_once(babygpt, monkeypatch):
    from babygpt.lab import seed_study

    trained = []
    train = seed_study.train_many
    monkeypatch.setattr(
        seed_study, "train_many", lambda *given, **more: trained.append(given[1]) or train(*given, **more)
    )
    babygpt("seeds", ARTICLE, "--seeds", "3", "--out", "hills.svg", *TINY)
    assert trained == [[1337]]
