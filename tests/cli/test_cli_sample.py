from __future__ import annotations

import re

import pytest

import babygpt as bg

LINE = re.compile(r"^ *(\d+)  (\S+) → (\S+) \(([\d.]+)%\) → (\S+)$")


@pytest.fixture
def sample(babygpt, kept_article_run):
    """Return ``babygpt sample`` on the article's run, as a function of the options."""
    return lambda *arguments: babygpt("sample", kept_article_run, *arguments)


def test_every_line_is_an_arrow_of_the_chain_and_starts_where_the_last_one_ended(sample, article_run):
    lines = sample("--start", "101", "--tokens", 20).stdout.splitlines()
    assert len(lines) == 22
    at, drawn = "101", ""
    for number, line in enumerate(lines[:20], start=1):
        index, here, token, percent, there = LINE.match(line).groups()
        assert int(index) == number
        assert here == at
        assert there == here[1:] + token
        assert percent == f"{100 * article_run.chain[here][token]:.1f}"
        at, drawn = there, drawn + token
    assert lines[20:] == ["", "101" + drawn]


def test_plain_is_what_the_library_samples(sample, article_run):
    for seed in (0, 7):
        result = sample("--start", "101", "--tokens", 30, "--seed", seed, "--plain")
        assert result.stdout == article_run.chain.sample("101", 30, seed=seed) + "\n"


def test_by_default_20_tokens_are_drawn_from_the_datas_most_frequent_context(sample, article_run):
    assert sample("--plain").stdout == article_run.chain.sample("111", 20, seed=0) + "\n"


def test_an_earlier_step_walks_another_chain(sample, article_run):
    result = sample("--start", "101", "--step", 0, "--tokens", 60, "--plain")
    assert result.stdout == article_run.chain_at(0).sample("101", 60) + "\n"
    assert result.stdout != sample("--start", "101", "--tokens", 60, "--plain").stdout


def test_a_short_prompt_grows_to_a_context(sample):
    lines = sample("--start", "1", "--tokens", 4).stdout.splitlines()
    heres = [LINE.match(line).group(2) for line in lines[:4]]
    assert [len(here) for here in heres] == [1, 2, 3, 3]
    assert heres[2].startswith(heres[1])
    assert heres[1].startswith("1")


def test_of_a_long_prompt_the_last_tokens_count_and_all_are_printed(sample):
    long, short = (sample("--start", start, "--tokens", 5).stdout.splitlines() for start in ("0000101", "101"))
    assert long[:5] == short[:5]
    assert long[-1] == "0000" + short[-1]


def test_no_tokens_are_no_steps(sample):
    assert sample("--start", "101", "--tokens", 0).stdout == "\n101\n"


def test_words_are_joined_by_spaces(babygpt):
    bg.train("a b a b c a", 1, 2, tokens="words", n_layer=1, n_head=1, n_embd=4).save("run")
    drawn = babygpt("sample", "run", "--start", "c", "--tokens", 3, "--plain").stdout.strip()
    assert len(drawn.split(" ")) == 3
    assert babygpt("sample", "run", "--start", "c", "--tokens", 3).stdout.splitlines()[-1] == f"c {drawn}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--start", "2"], ["'2'", "0 1"]),
        (["--start", ""], ["empty"]),
        (["--tokens", "-1"], ["--tokens -1"]),
        (["--seed", "-1"], ["--seed -1"]),
        (["--step", "99"], ["no step 99"]),
    ],
)
def test_what_cannot_be_walked_is_refused_in_a_sentence(sample, refused, arguments, words):
    refused(sample(*arguments), *words)


def test_decoding_bends_the_walk(babygpt, kept_article_run):
    greedy = babygpt("sample", kept_article_run, "--start", "101", "--tokens", 8, "--temperature", 0, "--plain").stdout
    assert greedy.strip() == bg.Run.load(kept_article_run).chain.with_decoding(0).sample("101", 8)
    assert babygpt("sample", kept_article_run, "--top-k", 1, "--tokens", 4, "--plain", "--seed", 5).exit_code == 0


def test_a_start_shorter_than_any_context_it_was_trained_after_is_told(sample, babygpt):
    told = sample("--start", "1", "--plain")
    assert told.stderr == (
        "1 has 1 token; this GPT was trained after 3 (positions last), so its first 2 tokens come from contexts it "
        "never learned: start from 3 tokens, such as 111, or train with --positions all.\n"
    )
    assert len(told.stdout) == 21
    assert sample("--start", "01").stderr.startswith("01 has 2 tokens; this GPT was trained after 3")
    for start in ("101", "0101"):
        assert sample("--start", start).stderr == ""
    assert sample("--start", "1", "--tokens", 0).stderr == ""
    bg.train("1111011110", 3, 2, n_layer=1, n_head=1, n_embd=4, positions="all").save("all")
    assert babygpt("sample", "all", "--start", "1").stderr == ""
