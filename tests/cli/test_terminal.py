from __future__ import annotations

import io
import time

import numpy as np
import pytest
from rich.console import Console

import babygpt as bg
from babygpt.cli import console, progress, terminal


def chain_over(symbols, K, tokens="chars"):
    vocabulary = bg.Vocabulary(symbols, tokens)
    table = np.random.default_rng(1).random((len(vocabulary) ** K, len(vocabulary))) + 0.1
    return bg.MarkovChain(np.log(table / table.sum(axis=1, keepdims=True)), vocabulary)


def printed(table, width=160):
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(table)
    return [line.rstrip() for line in out.getvalue().split("\n")[:-1]]


def table_of(chain, corpus=None, states=None):
    return printed(terminal.chain_table(chain, states or list(range(chain.n_states)), corpus))


@pytest.mark.parametrize(
    ("symbols", "K"),
    [
        ("\"'", 2),
        pytest.param("\\N", 2),
        ("[a]", 3),
        ("[/]", 3),
        ("<&", 2),
        ("\n\t ", 2),
        ("床前", 2),
        pytest.param(":o", 3),
        ("\u2028a", 1),
    ],
)
def test_the_table_shows_every_context_as_it_is(symbols, K):
    chain = chain_over(symbols, K)
    lines = table_of(chain)
    assert len(lines) == 1 + chain.n_states
    for line, context, probs in zip(lines[1:], chain.contexts(), chain.probs, strict=True):
        label = chain.vocabulary.label(chain.vocabulary.encode(context))
        best = chain.vocabulary.label([int(probs.argmax())])
        assert line.startswith(label + " ")
        cells = line[len(label) :].split()
        assert cells[: len(symbols)] == [f"{100 * p:.1f}%" for p in probs]
        assert cells[len(symbols)] == best
        assert cells[len(symbols) + 1] == "█" * round(20 * probs.max())


def test_the_table_shows_words_in_brackets():
    lines = table_of(chain_over(["[bold]", "[/]", "plain"], 1, "words"))
    assert lines[0].split()[:4] == ["context", "[bold]", "[/]", "plain"]
    assert [line.split()[0] for line in lines[1:]] == ["[bold]", "[/]", "plain"]


def test_the_data_stands_beside_the_model():
    corpus = bg.Corpus.from_text("aab[ab[b", 1)
    lines = table_of(chain_over("[ab", 1), corpus)
    assert lines[1].endswith("  a ×1, b ×1")
    assert lines[2].endswith("  b ×2, a ×1")
    unseen = bg.Corpus.from_text("abab", 1, "[ab")
    assert table_of(chain_over("[ab", 1), unseen)[1].endswith("never seen")


def test_more_symbols_than_columns_show_the_likeliest():
    chain = chain_over("abcdefgh", 1)
    lines = table_of(chain)
    assert lines[0].split()[:4] == ["context", "most", "likely", "next"]
    likely = np.argsort(-chain.probs[0])[:5]
    expected = ", ".join(f"{'abcdefgh'[t]} {100 * chain.probs[0, t]:.1f}%" for t in likely)
    assert lines[1].split(maxsplit=1) == ["a", expected + ", …"]


def test_what_is_not_zero_is_never_shown_as_zero():
    chain = bg.MarkovChain(np.log([[1e-9, 1 - 1e-9], [0.5, 0.5]]), "ab")
    assert table_of(chain)[1].split()[1:3] == ["<0.1%", "100.0%"]


def test_a_table_that_is_piped_loses_nothing(capsys):
    words = ["w" * 60, "x" * 60]
    console.out().print(terminal.chain_table(chain_over(words, 3, "words"), [0], None))
    assert " ".join([words[0]] * 3) in capsys.readouterr().out


def test_the_table_of_the_article_fits_80_columns(article_run):
    lines = printed(terminal.chain_table(article_run.chain, list(range(8)), article_run.corpus), width=80)
    assert len(lines) == 9
    assert not any("…" in line for line in lines)


def test_lines_are_the_articles():
    chain = bg.MarkovChain(np.log([[0.25, 0.75], [0.5, 0.5]]), "\n1")
    assert list(terminal.article_lines(chain, [0, 1])) == [
        "input [⏎] ---> [0.250000, 0.750000]",
        "input [1] ---> [0.500000, 0.500000]",
    ]


def test_of_64_contexts_all_are_shown_and_of_more_the_most_frequent():
    corpus = bg.Corpus.from_text("0" * 20 + "1" + "0" * 3 + "1" * 9, 7)
    assert terminal.shown_states(chain_over("01", 6), None) == list(range(64))
    shown = terminal.shown_states(chain_over("01", 7), corpus)
    assert shown == sorted(corpus.states.tolist())
    assert terminal.shown_states(chain_over("01", 7), None) == list(range(64))
    rng = np.random.default_rng(0)
    noise = bg.Corpus.from_text("".join(rng.choice(["0", "1"], 3000, p=[0.2, 0.8])), 7)
    shown = terminal.shown_states(chain_over("01", 7), noise)
    assert len(shown) == 32
    totals = dict(zip(noise.states.tolist(), noise.counts.sum(axis=1).tolist(), strict=True))
    assert min(totals[s] for s in shown) >= max(t for s, t in totals.items() if s not in shown)


def test_remarks_are_printed_as_they_are(capsys):
    console.say("runs/[bold]x[/] " + "long " * 60)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "runs/[bold]x[/] " + "long " * 60 + "\n"


def test_the_state_in_which_the_data_ends_is_told_from_those_it_never_has():
    corpus = bg.Corpus.from_sequences(
        ["start look buy", "start leave"], 1, ["buy", "leave", "look", "start", "wait"], "words"
    )
    lines = table_of(chain_over(corpus.vocabulary.symbols, 1, "words"), corpus)
    data = {line.split()[0]: line.split("█")[-1].strip() for line in lines[1:]}
    assert data == {
        "buy": "never left", "leave": "never left", "look": "buy ×1", "start": "leave ×1, look ×1", "wait": "never seen"
    }  # fmt: skip


def test_weights_stand_in_the_table_as_they_are_and_counts_as_counts():
    for weights, said in (
        ([[2.5, 1e-7], [0, 12_345.0]], ("a ×2.5, b ×1e-07", "b ×12,345")),
        ([[2500, 1], [0, 1]], ("a ×2,500, b ×1", "b ×1")),
    ):
        corpus = bg.Corpus(bg.Vocabulary("ab"), 1, [[0], [1]], weights)
        lines = table_of(chain_over("ab", 1), corpus)
        assert tuple(line.split("█")[-1].strip() for line in lines[1:]) == said


def test_names_stand_in_tables_with_their_blanks():
    lines = table_of(chain_over(["New York", "Rome"], 2, "words"))
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "New York, New York", "New York, Rome", "Rome, New York", "Rome, Rome"
    ]  # fmt: skip


@pytest.mark.parametrize(("seconds", "shown"), [(0.5, True), (0.0, False)])
def test_what_takes_long_says_that_it_is_under_way(monkeypatch, seconds, shown):
    screen = io.StringIO()
    monkeypatch.setattr(console, "err", lambda: Console(file=screen, force_terminal=True))
    monkeypatch.setattr(progress, "MOMENT", 0.1)
    with progress.busy("measuring"):
        time.sleep(seconds)
    assert ("measuring" in screen.getvalue()) is shown
