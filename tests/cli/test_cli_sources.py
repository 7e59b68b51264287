from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import babygpt as bg
from babygpt.lab import sources
from babygpt.lab.judge import judge

GUIDE = Path(__file__).parents[2] / "docs" / "sources.md"


def rows(result):
    """Return the rows of the first table, each a list of its cells, by the first one."""
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.split("\n\n")[0].splitlines()
    cells = [re.split(r"\s{2,}", line.strip()) for line in lines]
    return {first: rest for first, *rest in cells}


@pytest.fixture
def even_run(tmp_path):
    """Save a small run on the even process and return it."""
    run = bg.train(sources.even_process().sample(500), 2, 30, n_layer=1, n_head=1, n_embd=4, learning_rate=1e-2)
    run.save(tmp_path / "run")
    return run


def test_every_source_is_listed_with_its_entropy_rate_and_its_optimal_losses(babygpt):
    listed = rows(babygpt("sources"))
    for name in sources.EXAMPLES:
        source = sources.named(name)
        states, rate, known, *losses = listed[name]
        assert int(states) == source.n_states
        assert rate == f"{source.entropy_rate():.4f}"
        assert (known == "exact") == source.is_unifilar
        assert losses == [f"{source.optimal_loss(K):.4f}" for K in range(1, 7)]


def test_one_source_has_the_table_to_itself(babygpt):
    listed = rows(babygpt("sources", "golden_mean(p=0.3)"))
    assert listed["golden_mean(p=0.3)"][1] == f"{sources.golden_mean(0.3).entropy_rate():.4f}"
    assert "rrxor()" not in listed


def test_optimal_losses_of_more_contexts_than_fit_are_left_open(babygpt):
    word = "".join(map(chr, range(0x4E00, 0x4E00 + 150)))
    losses = rows(babygpt("sources", f"periodic('{word}')"))[f"periodic('{word}')"][3:]
    assert losses == ["0.0000", "0.0000", "–", "–", "–", "–"]


def test_a_sample_is_all_that_is_printed(babygpt):
    result = babygpt("sources", "mess3(x=0.05,a=0.85)", "--tokens", 1000, "--seed", 3)
    assert result.stdout == sources.mess3().sample(1000, 3) + "\n"
    assert result.stderr == ""
    assert babygpt("sources", "even", "--tokens", 50).stdout == sources.even_process().sample(50, 0) + "\n"


def test_a_sample_can_be_trained_on_through_a_pipe(babygpt):
    sample = babygpt("sources", "even", "--tokens", 300).stdout
    result = babygpt(
        "train", "-", "--context", 2, "--steps", 2, "--out", "even", "--show", "none", stdin=sample.encode()
    )
    assert result.exit_code == 0, result.stderr
    assert bg.Run.load("even").corpus.n_examples == 298  # the line break is no symbol


def test_a_run_is_judged(babygpt, even_run):
    told = judge(even_run, sources.even_process())
    result = babygpt("sources", "even", "--judge", "run")
    numbers = {name: float(value) for name, (value, _) in rows(result).items()}
    assert numbers == pytest.approx(
        {
            "cross-entropy": told.cross_entropy,
            "optimal loss": told.optimal_loss,
            "excess": told.excess,
            "entropy rate": told.entropy_rate.value,
        },
        abs=5e-5,
    )
    contexts = [line.split()[0] for line in result.stdout.split("\n\n")[1].splitlines()[1:]]
    assert contexts == [part.context for part in told.worst(8)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evan"], ["'evan' is none of the known sources"]),
        (["coin(p=2)"], ["p=2 is no probability"]),
        (["--tokens", 5], ["--tokens needs a source"]),
        (["--judge", "run"], ["--judge needs a source"]),
        (["even", "--tokens", 5, "--judge", "run"], ["one at a time"]),
        (["even", "--tokens", -1], ["--tokens -1 is not a whole number"]),
        (["even", "--tokens", 10**12], ["--tokens 1000000000000 would take 7.3 TiB", "Try --tokens 134217728."]),
        (["even", "--tokens", 5, "--seed", -1], ["--seed -1"]),
        (["even", "--judge", "nowhere"], ["nowhere"]),
    ],
)
def test_a_mistake_is_told_in_one_sentence(babygpt, refused, arguments, words):
    refused(babygpt("sources", *arguments), *words)


def test_a_copy_is_told_from_a_parity(babygpt):
    source = sources.parity(2, 0.1)
    oldest = np.arange(2**3) >> 2
    contexts = np.arange(2**3)[:, None] >> np.arange(2, -1, -1) & 1
    copies = bg.Corpus.from_distribution(contexts, np.where(oldest[:, None] == [0, 1], 0.82, 0.18), "01")
    for learnt, corpus in (("need have learnt no more", copies), ("has learnt more", bg.Corpus.from_source(source, 3))):
        bg.train(corpus, steps=300, n_layer=2, learning_rate=3e-3).save("run", replace=True)
        told = " ".join(babygpt("sources", "parity(2)", "--judge", "run").stderr.split())
        assert "One token alone, 3 back, tells so much that a mere copy of it has an excess of 0.1463" in told
        assert f"this chain {learnt} than that" in told
    assert "One token alone" not in babygpt("sources", "golden", "--judge", "run").stderr


def test_a_run_with_other_symbols_is_not_judged(babygpt, refused, even_run):
    refused(
        babygpt("sources", "mess3", "--judge", "run"),
        "The chain has the symbols 0 1, the source 0 1 2. Judge a GPT that was trained on this source with all of its "
        "symbols: --vocabulary '012'.",
    )
    weather = "markov([[0.5,0.5],[0.5,0.5]],['rain','sun'])"
    refused(babygpt("sources", weather, "--judge", "run"), "--vocabulary 'rain sun', --tokens 'words'.")


def test_what_the_refusal_advises_can_be_judged(babygpt):
    tiny = ("--context", 1, "--steps", 1, "--layers", 1, "--heads", 1, "--width", 4, "--show", "none")
    for source, sample, how in (
        ("mess3", "0110", ("--vocabulary", "012")),
        (
            "markov([[0.5,0.5],[0.5,0.5]],['rain','sun'])",
            "sun sun rain",
            ("--vocabulary", "rain sun", "--tokens", "words"),
        ),
    ):
        assert babygpt("train", sample, *tiny, *how, "--out", "run", "--replace").exit_code == 0
        assert babygpt("sources", source, "--judge", "run").exit_code == 0


def test_the_guide_shows_what_the_command_prints(babygpt):
    printed = [line.split() for line in babygpt("sources").stdout.splitlines()]
    table = re.search(r"^```text\n(.*?)^```", GUIDE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert [line.split() for line in table[1].splitlines()] == printed
