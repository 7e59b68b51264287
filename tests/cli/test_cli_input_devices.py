from __future__ import annotations

import re

import numpy as np
import pytest

import babygpt as bg
from babygpt.chain.input_device import context_alone


def table(result):
    """Return the rows of the table, each a list of its cells."""
    assert result.exit_code == 0, result.stderr
    above, header, *rows = result.stdout.splitlines()
    assert above.strip() == "same context and token,"
    assert re.split(r"\s{2,}", header.strip()) == [
        *("device", "states", "entropy rate", "more than one outcome", "for example")
    ]
    return [re.split(r"\s{2,}", row.strip()) for row in rows]


def of(cell):
    """Return the two numbers of a cell "3 of 16"."""
    return [int(number.replace(",", "")) for number in cell.split(" of ")]


@pytest.fixture
def devices(babygpt, kept_article_run):
    """Return the table of ``babygpt input-devices`` on the article's run, as a function of the options; short walks."""

    def call(*arguments):
        return table(babygpt("input-devices", kept_article_run, "--tokens", 500, *arguments))

    return call


@pytest.fixture
def run_of(babygpt):
    """Return a function that trains a small run on a text and saves it."""

    def make(text, context_length, **options):
        run = bg.train(text, context_length, 3, n_layer=1, n_head=1, n_embd=4, **options)
        run.save("run")
        return run

    return make


# -- the table -----------------------------------------------------------------------------------------------


def test_there_are_four_rows(devices):
    assert [row[0] for row in devices()] == [
        "none: the GPT alone",
        "lookup 11 → 0",
        "clock: 0 after every 3 tokens",
        "counter: 0 after 1, 4, 9, 16, … tokens",
    ]


def test_the_gpt_alone_is_its_chain_and_never_ambiguous(devices, article_run):
    alone = devices("--tokens", 20_000)[0]
    assert alone[1:] == ["8", f"{article_run.chain.entropy_rate():.4f}", "0 of 16"]


def test_finite_devices_are_chains_with_more_states(devices, article_run):
    chain = article_run.chain
    _, lookup, clock, _ = devices()
    for row, device, states in (
        (lookup, bg.InputDevice.lookup({"11": "0"}), 8 * 2),  # it remembers one token
        (clock, bg.InputDevice.clock(3, "0"), 8 * 3),
    ):
        joined = bg.connect(chain, device)
        assert row[1:3] == [str(states), f"{joined.entropy_rate():.4f}"]
        assert joined.n_states == states


def test_the_counter_is_not_finite_and_standard_error_says_why(babygpt, devices, kept_article_run):
    counter = devices()[3]
    assert counter[1:3] == ["not finite", "–"]
    assert of(counter[3])[0] > 0
    (remark,) = babygpt("input-devices", kept_article_run, "--tokens", 9).stderr.splitlines()
    assert remark.startswith("counter: 0 after 1, 4, 9, 16, … tokens: ")
    assert "it counts without end" in remark


def test_the_command_does_not_recommend_itself(babygpt, kept_article_run):
    assert "babygpt input-devices" not in babygpt("input-devices", kept_article_run, "--tokens", 9).stderr


def test_an_example_is_an_arrow_with_two_heads(devices, article_run):
    for row in devices()[2:]:
        said = re.fullmatch(r"([01]{3}) says ([01]), next is ([01]{3}) or ([01]{3})", row[4])
        context, token, *heads = said.groups()
        pushed = (context + token)[-3:]
        assert sorted(heads) == sorted({pushed, (pushed + "0")[-3:]})  # the device spoke, or it did not


def test_rows_without_ambiguity_have_no_example(devices):
    for row in devices():
        assert (len(row) == 5) == (of(row[3])[0] > 0)


# -- options -------------------------------------------------------------------------------------------------


def test_a_lookup_of_ones_own_takes_the_place_of_the_usual_one(devices, article_run):
    rows = devices("--lookup", "101=00")
    assert [row[0] for row in rows][:2] == ["none: the GPT alone", "lookup 101 → 00"]
    assert len(rows) == 4
    joined = bg.connect(article_run.chain, bg.InputDevice.lookup({"101": "00"}))
    assert rows[1][1:3] == [str(joined.n_states), f"{joined.entropy_rate():.4f}"]
    usual = devices()
    assert (rows[0], rows[2:]) == (usual[0], usual[2:])


def test_several_lookups_are_one_device(devices, article_run):
    row = devices("--lookup", "11=0", "--lookup", "00=1")[1]
    assert row[0] == "lookup 11 → 0, 00 → 1"
    joined = bg.connect(article_run.chain, bg.InputDevice.lookup({"11": "0", "00": "1"}))
    assert row[1:3] == [str(joined.n_states), f"{joined.entropy_rate():.4f}"]


def test_an_answer_may_have_an_equals_sign(babygpt, run_of):
    run = run_of("a=b=ab", 1)
    row = table(babygpt("input-devices", "run", "--tokens", 500, "--lookup", "a==b"))[1]
    assert row[0] == "lookup a → =b"
    assert row[2] == f"{bg.connect(run.chain, bg.InputDevice.lookup({'a': '=b'})).entropy_rate():.4f}"


def test_step_0_is_the_untrained_gpt(devices, article_run):
    rates = [row[2] for row in devices("--step", 0)]
    assert rates[0] == f"{article_run.chain_at(0).entropy_rate():.4f}" != devices()[0][2]
    assert rates[1] == f"{bg.connect(article_run.chain_at(0), bg.InputDevice.lookup({'11': '0'})).entropy_rate():.4f}"
    assert devices("--step", 50) == devices()


def test_tokens_and_seed_are_those_of_the_walk(devices, article_run):
    chain, start = article_run.chain, article_run.corpus.most_frequent
    for tokens, seed in ((40, 0), (40, 7), (1000, 1)):
        for row, device in zip(
            devices("--tokens", tokens, "--seed", seed),
            (None, bg.InputDevice.lookup({"11": "0"}), bg.InputDevice.clock(3, "0"), bg.InputDevice.counter("0")),
            strict=True,
        ):
            measured = context_alone(chain, device, start, tokens, seed)
            assert of(row[3]) == [measured.ambiguous, measured.questions]
    assert [row[3] for row in devices("--tokens", 1)] == ["0 of 0"] * 4


def test_the_same_seed_gives_the_same_table(devices):
    assert devices("--tokens", 50, "--seed", 1) == devices("--tokens", 50, "--seed", 1)
    assert devices("--tokens", 50, "--seed", 1) != devices("--tokens", 50, "--seed", 2)


# -- other texts ---------------------------------------------------------------------------------------------


def test_three_symbols_have_devices_that_speak_the_first(babygpt, run_of):
    run = run_of("abcabcabacbb", 3)
    alone, lookup, clock, counter = table(babygpt("input-devices", "run", "--tokens", 500))
    assert alone[1] == "27"
    assert of(alone[3])[0] == 0
    assert of(alone[3])[1] > 27  # of the 81 arrows
    assert (lookup[0], lookup[1]) == ("lookup cc → a", "54")
    assert (clock[0], clock[1]) == ("clock: a after every 3 tokens", "81")
    assert (counter[0], counter[1]) == ("counter: a after 1, 4, 9, 16, … tokens", "not finite")
    assert lookup[2] == f"{bg.connect(run.chain, bg.InputDevice.lookup({'cc': 'a'})).entropy_rate():.4f}"


def test_words_are_looked_up_whole(babygpt, run_of):
    run = run_of("the cat sat the cat the", 2, tokens="words")
    rows = table(babygpt("input-devices", "run", "--tokens", 500))
    assert [row[0] for row in rows][1:3] == ["lookup the the → cat", "clock: cat after every 3 tokens"]
    assert of(rows[0][3])[0] == 0
    row = table(babygpt("input-devices", "run", "--tokens", 500, "--lookup", "the cat=sat the"))[1]
    assert row[:2] == ["lookup the cat → sat the", "18"]
    device = bg.InputDevice.lookup({"the cat": "sat the"}, run.corpus.vocabulary)
    assert row[2] == f"{bg.connect(run.chain, device).entropy_rate():.4f}"


def test_a_context_of_one_token(babygpt, run_of):
    run_of("1111011110", 1)
    rows = table(babygpt("input-devices", "run", "--tokens", 500))
    assert [row[1] for row in rows] == ["2", "4", "6", "not finite"]
    assert rows[0][3] == "0 of 4"
    assert of(rows[1][3])[0] > 0  # with so short a context the lookup shows too


def test_chinese_and_brackets_are_shown_as_themselves(babygpt, run_of):
    run_of("床前[床前]床床", 1)
    rows = table(babygpt("input-devices", "run", "--tokens", 500, "--lookup", "[=]"))
    assert rows[1][0] == "lookup [ → ]"
    assert rows[2][0] == "clock: [ after every 3 tokens"


def test_a_line_break_does_not_tear_the_table(babygpt, run_of):
    run_of("a\nb\nab\n", 1)
    rows = table(babygpt("input-devices", "run", "--tokens", 500))
    assert len(rows) == 4
    assert rows[2][0] == "clock: ⏎ after every 3 tokens"


# -- what cannot be done -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lookup", ["11", "=1", "11=", "=", ""])
def test_a_lookup_of_another_form_is_refused(babygpt, refused, kept_article_run, lookup):
    refused(
        babygpt("input-devices", kept_article_run, "--lookup", lookup), "--lookup", repr(lookup), "TEXT=ANSWER", "11=0"
    )


def test_a_lookup_among_good_ones_is_refused_as_well(babygpt, refused, kept_article_run):
    refused(babygpt("input-devices", kept_article_run, "--lookup", "11=0", "--lookup", "00"), "'00'")


def test_an_answer_that_the_gpt_does_not_know_is_refused(babygpt, refused, kept_article_run):
    result = babygpt("input-devices", kept_article_run, "--lookup", "11=2")
    refused(result, "'2'", "not in the vocabulary", after_training=True)


def test_an_unknown_answer_is_told_once(babygpt, refused, kept_article_run):
    refused(babygpt("input-devices", kept_article_run, "--lookup", "11=2"), "'2'")


def test_a_text_that_the_gpt_cannot_say_is_refused(babygpt, refused, kept_article_run):
    refused(babygpt("input-devices", kept_article_run, "--lookup", "12=0"), "'2'")


def test_an_unknown_word_is_refused(babygpt, refused, run_of):
    run_of("the cat sat the cat the", 2, tokens="words")
    refused(
        babygpt("input-devices", "run", "--tokens", 500, "--lookup", "cat=dog"),
        "'dog'",
        "not in the vocabulary",
        after_training=True,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "-1"], ["--seed -1", "at least 0"]),
        (["--step", "51"], ["no step 51", "0 to 50"]),
        (["--tokens", "0"], ["--tokens 0", "at least 1"]),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused_in_option_words(babygpt, refused, kept_article_run, arguments, words):
    refused(babygpt("input-devices", kept_article_run, *arguments), *words)


def test_no_tokens_are_refused(babygpt, refused, kept_article_run):
    refused(babygpt("input-devices", kept_article_run, "--tokens", 0), "tokens", "at least 1")


def test_what_is_no_run_is_refused(babygpt, refused):
    refused(babygpt("input-devices", "nowhere"), "There is no run at nowhere")


def test_a_device_changes_how_often_its_symbol_is_seen(devices, article_run):
    """The entropy rates in the table are those of chains, and chains can be walked."""
    chain, rng = article_run.chain, np.random.default_rng(0)
    device = bg.InputDevice.clock(3, "0")
    context, state, surprise, n = "111", device.start, 0.0, 20_000
    for _ in range(n):
        probs = chain[context]
        token = "1" if rng.random() < probs["1"] else "0"
        surprise -= np.log(probs[token])
        state, added = device.read(state, token)
        context = (context + token + "".join(added))[-3:]
    assert float(devices()[2][2]) == pytest.approx(surprise / n, abs=0.02)
