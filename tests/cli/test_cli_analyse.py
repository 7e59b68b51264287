from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import babygpt as bg
from babygpt.cli.analysis import QUESTIONS, SCHEMA, analyse, plain
from babygpt.errors import ConvergenceError
from babygpt.run.trace import SCALARS

SVG = "{http://www.w3.org/2000/svg}"
SECTIONS = ["size", "long run", "forgetting", "reaching", "repetition", "memory", "against the data"]
KEYS = ["size", "long_run", "forgetting", "reaching", "repetition", "memory", "against_the_data"]
ASKED = {"schema": SCHEMA, "targets": [], "texts": [], "over_training": {}}  # what --json has beside the sections


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def read(stdout):
    """Return the human table as {section: {name: what is shown}}."""
    told, section = {}, None
    for line in stdout.splitlines():
        if not line.strip():
            continue
        if line.startswith("  "):
            name, _, shown = line.strip().partition("  ")
            told[section][name] = shown.strip()
        else:
            section = line.strip()
            told[section] = {}
    return told


@pytest.fixture
def analysed(babygpt, kept_article_run):
    """Return the answers of ``babygpt analyse --json`` on the article's run, as a function of the options."""

    def call(*arguments, run=kept_article_run):
        result = babygpt("analyse", run, "--json", *arguments)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout, parse_constant=refuse)

    return call


@pytest.fixture
def shown(babygpt, kept_article_run):
    """Return the table of ``babygpt analyse`` on the article's run, as a function of the options."""

    def call(*arguments, run=kept_article_run):
        result = babygpt("analyse", run, *arguments)
        assert result.exit_code == 0, result.stderr
        assert result.stderr == ""
        return read(result.stdout)

    return call


# -- the table and JSON --------------------------------------------------------------------------------------


def test_without_options_every_section_is_a_table(shown, article_run):
    chain = article_run.chain
    told = shown()
    assert list(told) == SECTIONS
    assert told["size"] == {
        "states": "8",
        "arrows": "16",
        "arrows of probability 0": "0",
        "arrows too small for a float": "0",
    }
    pi = sorted(zip(chain.stationary_distribution(), chain.contexts(), strict=True), reverse=True)
    stationary = told["long run"]["stationary distribution"].split()
    assert sorted(zip(stationary[::2], stationary[1::2], strict=True)) == sorted((c, f"{p:.4f}") for p, c in pi)
    assert stationary[0] == pi[0][1]
    assert told["long run"]["entropy rate (nats per token)"] == f"{chain.entropy_rate():.4f}"
    assert told["forgetting"]["Kemeny's constant (tokens)"] == f"{chain.kemeny_constant():.4f}"
    assert told["forgetting"]["mixing time, ε = 1/4 (tokens)"] == str(chain.mixing_time())
    assert told["repetition"]["greedy cycles"] == "word 1011   states 011   111   110   101   basin 8"
    assert told["against the data"]["contexts seen"] == "4"
    assert told["against the data"]["floor (nats per token)"] == "0.3466"
    assert told["against the data"]["nearest n-gram"] == chain.nearest_ngram(article_run.corpus).name


def test_eigenvalues_are_shown_with_their_imaginary_parts(shown, article_run):
    values = shown()["forgetting"]["eigenvalues"].split()
    assert values[0] == "1.0000"
    assert [complex(value.replace("i", "j")) for value in values] == pytest.approx(
        article_run.chain.eigenvalues(), abs=1e-4
    )


def test_json_is_strict_and_has_the_librarys_values(analysed, article_run):
    answers = analysed()
    assert list(answers) == ["schema", *KEYS, "targets", "texts", "over_training"]
    assert answers == plain(analyse(article_run.chain, article_run.corpus)) | ASKED
    assert answers["long_run"]["entropy_rate"] == article_run.chain.entropy_rate()
    assert [complex(*pair) for pair in answers["forgetting"]["eigenvalues"]] == article_run.chain.eigenvalues().tolist()


def keys_in(answer):
    """Yield every key anywhere in an answer."""
    for inner in answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ():
        yield from keys_in(inner)
    if isinstance(answer, dict):
        yield from answer


def numbers_in(answer):
    """Yield every number or null in an answer that is not a text by its key."""
    if isinstance(answer, dict):
        for key, inner in answer.items():
            if key not in TEXTS:
                yield from numbers_in(inner)
    elif isinstance(answer, list):
        for inner in answer:
            yield from numbers_in(inner)
    else:
        yield answer


TEXTS = {"notes", "context", "word", "token", "name", "target", "start", "text"}
EVERYTHING = ["--target", "000", "--text", "0110", "--over-training", "loss", "--over-training", "mixing_time"]


@pytest.mark.parametrize("decoding", [[], ["--temperature", 0], ["--top-k", 1, "--all"]])
def test_json_has_the_same_keys_in_snake_case_whatever_the_chain(analysed, decoding):
    answers = analysed(*EVERYTHING, *decoding)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", key) for key in keys_in(answers))
    for section, questions in QUESTIONS.items():
        assert list(answers[section]) == [*questions, "notes"]
    assert list(answers["targets"][0]) == ["target", "start", "within", "probability", "expected_tokens", "notes"]
    assert list(answers["texts"][0]) == ["text", "log_probability", "perplexity", "surprisal", "notes"]
    assert list(answers["over_training"]["loss"]) == ["steps", "values", "notes"]
    assert all(value is None or type(value) in (int, float) for value in numbers_in(answers))


def test_every_question_has_its_line_in_the_table(shown):
    told = shown(*EVERYTHING)
    assert [list(told[title]) for title in SECTIONS] == [
        [question.label for question in questions.values()] for questions in QUESTIONS.values()
    ]
    assert list(told)[len(SECTIONS) :] == ["reaching, from 111", "texts", "over training"]


def test_the_guide_lists_every_key_of_json(analysed):
    guide = (Path(__file__).parents[2] / "docs" / "analysis.md").read_text()
    listed = re.findall(r"^\| `([a-z_]+)` \| `([a-z_]+)` \|", guide, flags=re.MULTILINE)
    answers = analysed(*EVERYTHING)
    written = {section: [key for at, key in listed if at == section] for section, _ in listed}
    parts = {name: answers[name] for name in KEYS}
    parts |= {name: answers[name][0] for name in ("targets", "texts")}
    parts["over_training"] = answers["over_training"]["loss"]
    assert written == {name: [key for key in part if key != "notes"] for name, part in parts.items()}
    assert f'"schema": {answers["schema"]}' in guide


def test_all_lists_every_state_and_every_eigenvalue(analysed, shown):
    run = bg.train("0110100110010110", 5, 2, n_layer=1, n_head=1, n_embd=4)
    run.save("run")
    few, answers = analysed(run="run"), analysed("--all", run="run")
    assert len(few["long_run"]["stationary_distribution"]) == len(few["forgetting"]["eigenvalues"]) == 8
    pi = run.chain.stationary_distribution()
    assert {at["state"]: at["probability"] for at in answers["long_run"]["stationary_distribution"]} == dict(
        enumerate(pi.tolist())
    )
    assert [complex(*pair) for pair in answers["forgetting"]["eigenvalues"]] == run.chain.eigenvalues().tolist()
    told = shown("--all", run="run")["long run"]["stationary distribution"].split()
    assert set(told[::2]) == set(run.chain.contexts())


def test_nothing_but_the_answers_is_on_standard_output(babygpt, kept_article_run):
    result = babygpt("analyse", kept_article_run, "--json")
    assert result.stderr == ""
    assert result.stdout.startswith("{")
    assert result.stdout.endswith("}\n")


def test_no_line_ends_in_blanks(babygpt, kept_article_run):
    lines = babygpt("analyse", kept_article_run).stdout.splitlines()
    assert lines == [line.rstrip() for line in lines]


def test_step_0_is_the_untrained_chain(analysed, article_run):
    untrained = analysed("--step", 0)
    assert untrained == plain(analyse(article_run.chain_at(0), article_run.corpus)) | ASKED
    assert analysed("--step", 50) == analysed() != untrained


# -- at any width --------------------------------------------------------------------------------------------


def in_a_terminal(folder, width):
    """Return the lines that a terminal of this width is sent by ``babygpt analyse``, without colours."""
    pty = pytest.importorskip("pty")
    main, other = pty.openpty()
    environment = os.environ | {"COLUMNS": str(width), "TERM": "xterm"}
    command = [sys.executable, "-c", "from babygpt.cli.main import main; main()", "analyse", str(folder)]
    with subprocess.Popen([*command, *OPTIONS], stdout=other, stderr=other, env=environment) as process:
        os.close(other)
        sent = b""
        try:
            while part := os.read(main, 65536):
                sent += part
        except OSError:  # the end of a terminal on Linux
            pass
    os.close(main)
    assert process.returncode == 0, sent.decode()
    return re.sub(r"\x1b\[[0-9;]*m", "", sent.decode()).replace("\r\n", "\n").splitlines()


LONG = "the fifth of forty words that are said " * 4 + "the fifth"
OPTIONS = ["--target", LONG, "--target", "the", "--text", LONG, "--over-training", "loss", "--all"]


@pytest.fixture(scope="module")
def wide_run(tmp_path_factory):
    """Return the folder of a run with 40 states, words of several lengths, two of them longer than a column."""
    names = [f"{'of' * (i % 5)}{'abcdefgh'[i // 5]}{'klmno'[i % 5]}" for i in range(31)]
    names = [*LONG.split()[:8], *names, "a-word-that-is-longer-than-the-column-of-values-at-sixty", *LONG.split()[:8]]
    run = bg.train(" ".join(names), 1, 2, tokens="words", n_layer=1, n_head=1, n_embd=4)
    assert run.chain.n_states == 40
    return run.save(tmp_path_factory.mktemp("runs") / "wide")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_label_is_parted_from_its_value_in_a_terminal(babygpt, wide_run, width):
    lines = in_a_terminal(wide_run, width)
    assert max(map(len, lines)) <= width
    piped = babygpt("analyse", wide_run, *OPTIONS).stdout
    pairs = {pair for value in piped.splitlines() for pair in re.findall(r"\S+ -?[\d,.]+(?=   |$)", value)}
    assert len(pairs) > 30
    told = "\n".join(lines)
    for pair in pairs:
        name, _, number = pair.rpartition(" ")
        assert any(line.endswith(number) or f"{number}   " in line for line in lines if name[-8:] in line), pair
    for questions in QUESTIONS.values():
        for question in questions.values():
            assert re.search(rf"^  {re.escape(question.label)}  +\S", told, flags=re.MULTILINE), question.label


# -- decoding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        (["--temperature", "0.5"], {"temperature": 0.5}),
        (["--temperature", "0"], {"temperature": 0.0}),
        (["--top-k", "1"], {"top_k": 1}),
        (["--top-p", "0.6"], {"top_p": 0.6}),
        (["--min-p", "0.5"], {"min_p": 0.5}),
        (["--temperature", "2", "--top-k", "2", "--top-p", "0.7", "--min-p", "0.1"],
         {"temperature": 2.0, "top_k": 2, "top_p": 0.7, "min_p": 0.1}),
    ],
)  # fmt: skip
def test_decoding_is_that_of_the_library(analysed, article_run, arguments, settings):
    decoded = article_run.chain.with_decoding(**settings)
    answers = analysed(*arguments)
    assert answers == plain(analyse(decoded, article_run.corpus)) | ASKED
    assert answers != analysed()
    assert answers["size"]["zero_arrows"] == decoded.n_zero_arrows


def test_decoding_that_removes_nothing_changes_nothing(analysed):
    assert analysed("--top-k", 2)["size"] == analysed()["size"]
    assert analysed("--top-k", 99) == analysed("--temperature", 1)


def test_decoding_is_of_the_chain_at_the_step(analysed, article_run):
    greedy = article_run.chain_at(10).with_decoding(temperature=0)
    assert analysed("--step", 10, "--temperature", 0) == plain(analyse(greedy, article_run.corpus)) | ASKED


def test_greedy_decoding_is_told_in_words_where_numbers_end(analysed, shown):
    answers = analysed("--temperature", 0)
    assert answers["long_run"]["period"] == 4
    for section, key in (("forgetting", "mixing_time"), ("against_the_data", "loss"), ("reaching", "longest_wait")):
        assert answers[section][key] is None
        assert answers[section]["notes"][key].startswith("infinite: ")
    told = shown("--temperature", 0)
    assert told["forgetting"]["mixing time, ε = 1/4 (tokens)"] == "infinite"
    assert told["forgetting"]["Kemeny's constant (tokens)"].startswith("(Kemeny's constant is infinite")


def test_several_recurrent_classes_are_told_in_a_sentence(analysed):
    run = bg.train("the cat sat the cat the", 2, 2, tokens="words")
    run.save("run")
    classes = run.chain.with_decoding(temperature=0).recurrent_classes()
    assert len(classes) == 2
    answers = analysed("--temperature", 0, run="run")
    assert answers["long_run"]["recurrent_classes"] == 2
    assert answers["long_run"]["stationary_distribution"] is None
    assert answers["long_run"]["notes"]["stationary_distribution"].startswith("This chain has 2 recurrent classes")
    assert answers["long_run"]["transient_states"] == 9 - sum(map(len, classes))
    assert len(answers["repetition"]["greedy_cycles"]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--temperature", "-1"], ["--temperature -1", "at least 0"]),
        (["--temperature", "nan"], ["--temperature nan"]),
        (["--temperature", "inf"], ["--temperature inf"]),
        (["--top-k", "0"], ["--top-k 0", "at least 1"]),
        (["--top-k", "-3"], ["--top-k -3", "at least 1"]),
        (["--top-p", "0"], ["--top-p 0", "above 0"]),
        (["--top-p", "1.5"], ["--top-p 1.5", "at most 1"]),
        (["--min-p", "-0.1"], ["--min-p -0.1", "from 0 to 1"]),
        (["--min-p", "2"], ["--min-p 2", "from 0 to 1"]),
        (["--step", "51"], ["no step 51", "0 to 50"]),
        (["--step", "-1"], ["no step -1"]),
    ],
)
def test_settings_out_of_range_are_refused_in_option_words(babygpt, refused, kept_article_run, arguments, words):
    refused(babygpt("analyse", kept_article_run, *arguments), *words)
    refused(babygpt("analyse", kept_article_run, "--json", *arguments), *words)


@pytest.mark.parametrize("option", ["--temperature", "--top-k", "--top-p", "--min-p", "--step", "--within"])
def test_what_is_no_number_is_refused_with_its_option(babygpt, kept_article_run, option):
    result = babygpt("analyse", kept_article_run, option, "much")
    assert result.exit_code == 2
    assert option in result.stderr
    assert "Traceback" not in result.stderr


# -- --target ------------------------------------------------------------------------------------------------


def test_a_target_is_how_likely_and_how_long(analysed, article_run):
    chain, start = article_run.chain, article_run.corpus.most_frequent
    assert analysed("--target", "000")["targets"] == [
        {
            "target": "000",
            "start": start,
            "within": 20,
            "probability": chain.hitting_probability("000", 20, start),
            "expected_tokens": chain.hitting_times("000")[chain.state(start)],
            "notes": {},
        }
    ]


def test_targets_may_be_several_and_short(analysed, article_run):
    chain = article_run.chain
    told = analysed("--target", "00", "--target", "0", "--target", "101", "--within", 5, "--start", "110")["targets"]
    assert [answer["target"] for answer in told] == ["00", "0", "101"]
    for answer in told:
        assert (answer["start"], answer["within"]) == ("110", 5)
        assert answer["probability"] == chain.hitting_probability(answer["target"], 5, "110")
        assert answer["expected_tokens"] == chain.hitting_times(answer["target"])[chain.state("110")]
    assert (told[1]["probability"], told[1]["expected_tokens"]) == (1.0, 0.0)  # 110 ends in it


def test_a_target_by_hand(analysed, article_run):
    row = article_run.chain["011"]
    (reached,) = analysed("--target", "111", "--within", 1, "--start", "011")["targets"]
    assert reached["probability"] == pytest.approx(row["1"], abs=1e-12)
    (reached,) = analysed("--target", "111", "--within", 0, "--start", "011")["targets"]
    assert reached["probability"] == 0.0


def test_a_short_prompt_is_followed(analysed, article_run):
    chain = article_run.chain
    for prompt in ("1", "01"):
        (reached,) = analysed("--target", "000", "--within", 7, "--start", prompt)["targets"]
        assert reached["probability"] == chain.hitting_probability("000", 7, prompt)
        assert reached["expected_tokens"] == chain.hitting_times("000", prompt)
    by_hand = chain["0"]["1"] * chain["01"]["1"]
    (reached,) = analysed("--target", "011", "--within", 2, "--start", "0")["targets"]
    assert reached["probability"] == pytest.approx(by_hand, abs=1e-12)


def test_a_target_longer_than_the_context_is_answered(analysed, shown, article_run):
    chain = article_run.chain
    asked = ["--target", "11110111", "--within", 20, "--start", "101"]
    (reached,) = analysed(*asked)["targets"]
    assert reached["probability"] == chain.hitting_probability("11110111", 20, "101")
    assert reached["expected_tokens"] == chain.hitting_times("11110111")[chain.state("101")]
    told = shown(*asked)["reaching, from 101"]["11110111"]
    assert told == f"within 20 tokens {reached['probability']:.4f}   expected tokens {reached['expected_tokens']:.4f}"


def test_a_start_longer_than_the_context_tells_a_long_target_more(analysed, shown, article_run):
    chain = article_run.chain
    asked = ["--target", "11110111", "--target", "01", "--start", "1111011"]
    long, short = analysed(*asked)["targets"]
    assert (
        long["expected_tokens"] == chain.hitting_times("11110111", "1111011") < chain.hitting_times("11110111", "011")
    )
    assert (short["start"], short["expected_tokens"]) == ("011", chain.hitting_times("01", "011"))
    assert list(shown(*asked)["reaching, from 1111011"]) == ["11110111", "01"]


def test_a_wait_that_cannot_be_had_leaves_its_probability(analysed, shown, monkeypatch):
    def unsettled(self, target, start=None):
        raise ConvergenceError("It did not settle.")

    monkeypatch.setattr(bg.MarkovChain, "hitting_times", unsettled)
    (reached,) = analysed("--target", "00110")["targets"]
    assert (reached["expected_tokens"], reached["notes"]) == (None, {"expected_tokens": "It did not settle."})
    told = shown("--target", "00110")["reaching, from 111"]["00110"]
    assert told == f"within 20 tokens {reached['probability']:.4f}   (It did not settle.)"


def test_a_short_start_of_a_gpt_trained_after_whole_contexts_is_told(babygpt, kept_article_run):
    asked = ("--target", "000", "--json", "--start")
    told = babygpt("analyse", kept_article_run, *asked, "01").stderr
    assert told.startswith(
        "01 has 2 tokens; this GPT was trained after 3 (positions last), so its first token comes from"
    )
    assert told.count("\n") == 1
    assert babygpt("analyse", kept_article_run, *asked, "101").stderr == ""


def test_a_target_that_may_be_missed_takes_for_ever(analysed, shown):
    options = ["--temperature", "0", "--target", "000", "--start", "111"]
    (answer,) = analysed(*options)["targets"]
    assert (answer["probability"], answer["expected_tokens"]) == (0.0, None)
    assert answer["notes"] == {
        "expected_tokens": "infinite: the target may be missed for ever, or longer than any float can say"
    }
    assert shown(*options)["reaching, from 111"]["000"] == "within 20 tokens 0.0000   expected tokens infinite"


def test_within_and_start_alone_ask_nothing_more(analysed):
    assert analysed("--within", 5, "--start", "101") == analysed()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", ""], ["'' has 0 tokens", "at least 1"]),
        (["--target", "00000", "--start", ""], ["0 tokens", "1 to 3"]),
        (["--target", "00002"], ["'2'", "not in the vocabulary"]),
        (["--target", "02"], ["'2'", "not in the vocabulary"]),
        (["--target", "00", "--target", "x"], ["'x'", "not in the vocabulary"]),
        (["--target", "00", "--within", "-1"], ["--within -1", "at least 0"]),
        (["--target", "00", "--start", ""], ["0 tokens", "1 to 3"]),
        (["--target", "00", "--start", "0101"], ["4 tokens", "1 to 3"]),
        (["--target", "00", "--start", "2"], ["'2'", "not in the vocabulary"]),
    ],
)
def test_targets_that_are_none_are_refused(babygpt, refused, kept_article_run, arguments, words):
    refused(babygpt("analyse", kept_article_run, *arguments), *words)


def test_a_start_that_is_too_long_is_named_as_it_was_given(babygpt, refused, kept_article_run):
    refused(babygpt("analyse", kept_article_run, "--target", "00", "--start", "0101"), "'0101'")


# -- --text --------------------------------------------------------------------------------------------------


def test_a_text_is_scored_token_by_token(analysed, article_run):
    chain = article_run.chain
    texts = analysed("--text", "01101", "--text", "11")["texts"]
    assert [answer["text"] for answer in texts] == ["01101", "11"]
    for answer in texts:
        text = answer["text"]
        assert answer["log_probability"] == chain.log_probability(text)
        assert answer["perplexity"] == chain.perplexity(text)
        first, *others = answer["surprisal"]
        assert first is None
        assert others == chain.surprisal(text)[1:].tolist()
        assert -sum(others) == pytest.approx(answer["log_probability"], abs=1e-12)
        assert math.exp(sum(others) / len(others)) == pytest.approx(answer["perplexity"], abs=1e-12)


def test_a_text_by_hand(analysed, article_run):
    chain = article_run.chain
    probability = chain["0"]["1"] * chain["01"]["1"] * chain["011"]["0"] * chain["110"]["1"]
    told = analysed("--text", "01101")["texts"][0]["log_probability"]
    assert told == pytest.approx(math.log(probability), abs=1e-12)


def test_in_the_table_a_first_token_has_a_dash_for_its_surprisal(shown, article_run):
    told = shown("--text", "011")["texts"]["011"]
    surprisal = article_run.chain.surprisal("011")
    assert told.endswith(f"surprisal of each token –   {surprisal[1]:.4f}   {surprisal[2]:.4f}")


def test_the_log_probability_of_what_is_never_said_is_minus_infinity(analysed, shown):
    options = ["--temperature", "0", "--text", "11000"]
    (answer,) = analysed(*options)["texts"]
    assert answer["log_probability"] is None
    assert answer["notes"]["log_probability"].startswith("minus infinite: ")
    assert shown(*options)["texts"]["11000"].startswith("log p (nats) minus infinite   perplexity infinite")


def test_the_perplexity_of_what_is_never_said_is_infinite(analysed):
    (answer,) = analysed("--temperature", 0, "--text", "11000")["texts"]
    assert answer["perplexity"] is None
    assert answer["notes"]["perplexity"].startswith("infinite: ")
    assert None in answer["surprisal"][1:]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["'' has 0 tokens", "longer text"]),
        ("0", ["'0' has 1 token", "longer text"]),
        ("012", ["'2'", "not in the vocabulary"]),
        ("[bold]", ["'['", "not in the vocabulary"]),
    ],
)
def test_texts_that_cannot_be_scored_are_refused(babygpt, refused, kept_article_run, text, words):
    refused(babygpt("analyse", kept_article_run, "--text", text), *words)


def test_a_text_that_is_too_short_is_refused_in_option_words(babygpt, kept_article_run):
    assert "given=" not in babygpt("analyse", kept_article_run, "--text", "0").stderr


# -- --over-training and --plot ------------------------------------------------------------------------------


def test_scalars_are_followed_over_training(analysed, article_run):
    told = analysed("--over-training", "loss", "--over-training", "period")["over_training"]
    assert list(told) == ["loss", "period"]
    for name, answer in told.items():
        assert answer["steps"] == list(range(51))
        assert answer["values"] == article_run.trace(name).values.tolist()


@pytest.mark.parametrize("name", SCALARS)
def test_every_scalar_can_be_asked_for(analysed, article_run, name):
    assert analysed("--over-training", name)["over_training"] == {
        name: {"steps": list(range(51)), "values": article_run.trace(name).values.tolist(), "notes": {}}
    }


def test_in_the_table_a_history_is_its_beginning_some_of_its_middle_and_its_end(shown, article_run):
    told = shown("--over-training", "loss")["over training"]["loss"].split()
    steps, values = list(map(int, told[::2])), told[1::2]
    assert (len(steps), steps[0], steps[-1]) == (12, 0, 50)
    assert steps == sorted(set(steps))
    assert values == [f"{article_run.trace('loss').values[step]:.4f}" for step in steps]


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_a_plot_is_a_picture_of_its_kind(babygpt, kept_article_run, ending):
    result = babygpt("analyse", kept_article_run, "--over-training", "loss", "--plot", f"training.{ending}")
    assert result.exit_code == 0
    assert result.stderr == f"picture: training.{ending}\n"
    data = Path(f"training.{ending}").read_bytes()
    assert data.startswith({"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-"}[ending])
    assert list(read(result.stdout)["over training"]) == ["loss"]


def test_a_plot_has_the_scalars_asked_for(babygpt, kept_article_run):
    babygpt("analyse", kept_article_run, "--over-training", "loss", "--over-training", "period", "--plot", "a.svg")
    texts = ["".join(text.itertext()) for text in ET.parse("a.svg").iter(f"{SVG}text")]
    assert {"loss", "period", "step", "floor = 0.3466"} <= {text.strip() for text in texts}


def test_a_plot_alone_follows_the_usual_scalars(babygpt, kept_article_run):
    result = babygpt("analyse", kept_article_run, "--json", "--plot", "a.svg")
    told = json.loads(result.stdout, parse_constant=refuse)["over_training"]
    assert list(told) == ["loss", "entropy_rate", "second_eigenvalue", "nearest_ngram"]
    assert [path.name for path in Path().iterdir()] == ["a.svg"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--over-training", "charm"], ["'charm'", *SCALARS]),
        (["--over-training", "loss", "--over-training", ""], ["''", *SCALARS]),
        (["--over-training", "entropy-rate"], ["'entropy-rate'", "entropy_rate"]),
        (["--plot", "a.gif"], ["a.gif", ".svg, .png or .pdf"]),
        (["--plot", "a"], [".svg, .png or .pdf"]),
        (["--plot", "no/such/folder/a.svg"], ["There is no folder no/such/folder to write a.svg to"]),
    ],
)
def test_what_cannot_be_followed_or_drawn_is_refused(babygpt, refused, kept_article_run, arguments, words):
    refused(babygpt("analyse", kept_article_run, *arguments), *words)
    assert list(Path().iterdir()) == []


# -- other texts and other runs ------------------------------------------------------------------------------


def test_words(babygpt, analysed, shown):
    run = bg.train("the cat sat the cat the", 2, 2, tokens="words", n_layer=1, n_head=1, n_embd=4, positions="all")
    run.save("run")
    options = ["--target", "cat sat", "--target", "the", "--start", "sat", "--text", "the cat sat"]
    told = analysed(*options, run="run")
    assert {answer["target"]: answer["probability"] for answer in told["targets"]} == {
        word: run.chain.hitting_probability(word, 20, "sat") for word in ("cat sat", "the")
    }
    assert told["texts"][0]["perplexity"] == run.chain.perplexity("the cat sat")
    table = shown(*options, run="run")
    assert table["size"]["states"] == "9"
    assert table["reaching, from sat"]["cat sat"].startswith("within 20 tokens 0.")
    assert re.match(r"(the|cat|sat) (the|cat|sat) 0\.\d{4}  ", table["long run"]["stationary distribution"])


def test_chinese(babygpt, analysed):
    run = bg.train("床前明床前明床床", 1, 2, n_layer=1, n_head=1, n_embd=4)
    run.save("run")
    assert "床" in babygpt("analyse", "run", "--json").stdout  # as itself, not as an escape
    (told,) = analysed("--target", "明", run="run")["targets"]
    assert told["expected_tokens"] == run.chain.hitting_times("明")[run.chain.state("床")]


def test_brackets_are_no_markup(babygpt, shown):
    bg.train("[b][/b][b]", 1, 2, n_layer=1, n_head=1, n_embd=4).save("run")
    told = shown("--target", "[", "--text", "[b]", run="run")
    assert list(told["texts"]) == ["[b]"]
    assert set(told["long run"]["stationary distribution"].split()[::2]) == set("[]/b")


@pytest.fixture
def run_with_line_breaks():
    bg.train("a b\nb a\na\n", 1, 2, n_layer=1, n_head=1, n_embd=4).save("run")


def test_line_breaks_among_the_answers_are_drawn_as_signs(babygpt, run_with_line_breaks):
    told = read(babygpt("analyse", "run").stdout)
    assert list(told) == SECTIONS
    assert "⏎" in told["long run"]["stationary distribution"]


def test_line_breaks_in_what_was_asked_are_drawn_as_signs(babygpt, run_with_line_breaks):
    told = read(babygpt("analyse", "run", "--target", "\n", "--start", "\n", "--text", "a\n").stdout)
    assert list(told["reaching, from ⏎"]) == ["⏎"]
    assert list(told["texts"]) == ["a⏎"]


def test_blanks_are_drawn_as_signs(babygpt, run_with_line_breaks):
    stationary = read(babygpt("analyse", "run").stdout)["long run"]["stationary distribution"].split()
    assert set(stationary[::2]) == set("ab⏎␣")


def test_a_run_with_one_step(analysed):
    run = bg.train("1111011110", 2, 1, n_layer=1, n_head=1, n_embd=4)
    run.save("run")
    told = analysed("--over-training", "loss", run="run")
    assert told["over_training"]["loss"]["steps"] == [0, 1]
    assert told["size"]["states"] == 4


def test_a_thinned_history_is_followed_where_it_was_recorded(analysed, monkeypatch):
    monkeypatch.setattr("babygpt.run.training.FRAME_BUDGET", 2000)
    bg.train("1111011110", 3, 60, n_layer=1, n_head=1, n_embd=4).save("thin")
    recorded = bg.Run.load("thin").history.steps.tolist()
    assert len(recorded) < 61
    assert analysed("--over-training", "loss", run="thin")["over_training"]["loss"]["steps"] == recorded


def test_what_is_no_run_is_refused(babygpt, refused):
    refused(babygpt("analyse", "nowhere"), "There is no run at nowhere", "babygpt train")
    Path("file").write_text("01")
    refused(babygpt("analyse", "file"), "file is not a run")


def test_the_run_is_left_as_it_was(babygpt, article_folder):
    before = {path.name: path.read_bytes() for path in article_folder.iterdir()}
    assert babygpt("analyse", article_folder, "--plot", "a.svg").exit_code == 0
    assert {path.name: path.read_bytes() for path in article_folder.iterdir()} == before
