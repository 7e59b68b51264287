from __future__ import annotations

import json
import math

import numpy as np
import pytest

import babygpt as bg
from babygpt.cli.analysis import MAX_LISTED, analyse, plain

SECTIONS = {
    "size": ["states", "arrows", "zero_arrows", "underflowed_arrows"],
    "long_run": [
        "stationary_distribution", "entropy_rate", "recurrent_classes", "transient_states", "period",
    ],
    "forgetting": [
        "eigenvalues", "spectral_gap", "mixing_time", "kemeny_constant",
    ],
    "reaching": ["rarest_state", "longest_wait", "longest_wait_from"],
    "repetition": ["greedy_cycles"],
    "memory": [
        "memory_profile", "excess_entropy", "causal_states",
        "statistical_complexity",
    ],
    "against_the_data": [
        "contexts_seen", "contexts_never_seen", "loss", "floor",
        "loss_terms",
        "nearest_ngram",
    ],
}  # fmt: skip


def names(answers):
    """Return the keys of each section without its notes."""
    return {section: [key for key in named if key != "notes"] for section, named in answers.items()}


def sentences(answers):
    """Return why there is no answer, for each question that has none."""
    return {
        key: named["notes"][key] for named in answers.values() for key in named if key != "notes" and named[key] is None
    }


def has_null(answer):
    """Return whether a null is anywhere in an answer."""
    if isinstance(answer, (list, dict)):
        return any(map(has_null, answer.values() if isinstance(answer, dict) else answer))
    return answer is None


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def through_json(answers):
    return json.loads(json.dumps(plain(answers), allow_nan=False), parse_constant=refuse)


def corpus_of(text, context_length, **options):
    return bg.Corpus.from_text(text, context_length, **options)


def deterministic(next_token, vocabulary="01"):
    """Return the chain that says ``next_token[s]`` in state s."""
    table = np.full((len(next_token), len(vocabulary)), -np.inf)
    table[np.arange(len(next_token)), next_token] = 0.0
    return bg.MarkovChain(table, vocabulary)


CASES = {
    "the article": lambda run: (run.chain, run.corpus),
    "untrained": lambda run: (run.chain_at(0), run.corpus),
    "greedy": lambda run: (run.chain.with_decoding(temperature=0), run.corpus),
    "truncated": lambda run: (run.chain.with_decoding(top_p=0.6), run.corpus),
    "nearly greedy": lambda run: (run.chain.with_decoding(temperature=0.001), run.corpus),
    "several classes": lambda run: (deterministic([0, 1, 0, 1]), corpus_of("01101", 2)),
    "a rhythm": lambda run: (deterministic([1, 0]), corpus_of("0101", 1)),
    "words": lambda run: (
        bg.MarkovChain.from_corpus(corpus := corpus_of("the cat sat the cat the", 2, tokens="words")),
        corpus,
    ),
    "fair coin": lambda run: (bg.MarkovChain(np.full((2, 2), -np.log(2)), "01"), corpus_of("0110", 1)),
    "the data's own": lambda run: (bg.MarkovChain.from_corpus(run.corpus), run.corpus),
    "blanks": lambda run: (bg.MarkovChain.from_corpus(corpus := corpus_of("a b\nb a\n[b]", 1), 1, "backoff"), corpus),
}


@pytest.mark.parametrize("case", CASES)
def test_every_section_answers_every_question_in_strict_json(article_run, case):
    chain, corpus = CASES[case](article_run)
    answers = analyse(chain, corpus)
    assert names(answers) == SECTIONS
    told = through_json(answers)
    assert names(told) == SECTIONS
    for named in told.values():
        unanswered = {key for key, answer in named.items() if has_null(answer)}
        assert set(named["notes"]) == unanswered
        assert all(isinstance(note, str) and len(note) > 9 for note in named["notes"].values())
    assert answers["size"]["states"] == chain.n_states
    assert answers["long_run"]["recurrent_classes"] == len(chain.recurrent_classes())


def test_the_articles_run_has_all_answers_and_they_are_the_librarys(article_run):
    chain, corpus = article_run.chain, article_run.corpus
    answers = analyse(chain, corpus)
    assert sentences(answers) == {}
    assert list(answers["size"].values()) == [8, 16, 0, 0, {}]
    long_run = answers["long_run"]
    pi = dict(zip(chain.contexts(), chain.stationary_distribution().tolist(), strict=True))
    assert {at["context"]: at["probability"] for at in long_run["stationary_distribution"]} == pi
    assert all(chain.state(at["context"]) == at["state"] for at in long_run["stationary_distribution"])
    shares = [at["probability"] for at in long_run["stationary_distribution"]]
    assert shares == sorted(shares, reverse=True)
    assert long_run["entropy_rate"] == chain.entropy_rate()
    assert (long_run["recurrent_classes"], long_run["transient_states"], long_run["period"]) == (1, 0, 1)
    forgetting = answers["forgetting"]
    assert forgetting["eigenvalues"] == chain.eigenvalues().tolist()
    assert forgetting["spectral_gap"] == chain.spectral_gap
    assert forgetting["mixing_time"] == chain.mixing_time(0.25)
    assert forgetting["kemeny_constant"] == chain.kemeny_constant()
    rarest = min(pi, key=pi.get)
    times = dict(zip(chain.contexts(), chain.hitting_times(rarest).tolist(), strict=True))
    longest = max(times, key=times.get)
    assert answers["reaching"] == {
        "rarest_state": {"state": chain.state(rarest), "context": rarest},
        "longest_wait": times[longest],
        "longest_wait_from": {"state": chain.state(longest), "context": longest},
        "notes": {},
    }
    assert answers["repetition"]["greedy_cycles"] == [
        {
            "word": "1011",
            "states": [{"state": int(text, 2), "context": text} for text in ("011", "111", "110", "101")],
            "length": 4,
            "basin": 8,
        }
    ]
    memory = answers["memory"]
    assert memory["memory_profile"] == chain.memory_profile().tolist()
    assert memory["excess_entropy"] == chain.excess_entropy()
    assert memory["causal_states"] == chain.causal_states(0.01).n_states
    assert memory["statistical_complexity"] == chain.causal_states(0.01).statistical_complexity
    data = answers["against_the_data"]
    assert data["contexts_seen"] == 4
    assert data["loss"] == chain.loss_decomposition(corpus).loss
    assert data["floor"] == corpus.floor == pytest.approx(np.log(2) / 2, abs=1e-12)
    assert data["nearest_ngram"] == {"order": 0, "name": chain.nearest_ngram(corpus).name}


def test_the_parts_of_the_loss_add_up_to_what_the_loss_has_above_the_floor(article_run):
    data = analyse(article_run.chain, article_run.corpus)["against_the_data"]
    parts = data["loss_terms"]
    arrows = {(part["context"], part["token"]) for part in parts}
    assert arrows == {("011", "1"), ("101", "1"), ("110", "1"), ("111", "0"), ("111", "1")}  # all that the data has
    sizes = [abs(part["nats"]) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(part["nats"] for part in parts) == pytest.approx(data["loss"] - data["floor"], abs=1e-9)


def test_the_datas_own_chain_is_at_the_floor(article_run):
    data = analyse(*CASES["the data's own"](article_run))["against_the_data"]
    assert data["loss"] == pytest.approx(data["floor"], abs=1e-12)
    assert data["loss_terms"] == []
    assert data["nearest_ngram"] == {"order": 3, "name": "order 3"}


def test_greedy_decoding_of_the_article_goes_round_one_cycle(article_run):
    answers = analyse(*CASES["greedy"](article_run))
    assert answers["size"]["zero_arrows"] == 8
    long_run = answers["long_run"]
    assert [long_run[name] for name in ("recurrent_classes", "transient_states", "period")] == [1, 4, 4]
    assert long_run["entropy_rate"] == 0
    assert answers["forgetting"]["mixing_time"] == math.inf
    assert answers["against_the_data"]["loss"] == math.inf
    assert answers["memory"]["statistical_complexity"] == pytest.approx(np.log(4), abs=1e-12)
    assert list(sentences(answers)) == ["kemeny_constant"]
    assert plain(answers)["forgetting"]["mixing_time"] is None
    assert answers["forgetting"]["notes"]["mixing_time"].startswith("infinite: ")


def test_of_several_recurrent_classes_some_questions_have_answers_still(article_run):
    answers = analyse(*CASES["several classes"](article_run))  # says its last token again
    long_run = answers["long_run"]
    assert (long_run["recurrent_classes"], long_run["transient_states"]) == (2, 2)
    assert answers["forgetting"]["eigenvalues"] == pytest.approx([1, 1, 0, 0], abs=1e-9)
    assert answers["forgetting"]["spectral_gap"] == pytest.approx(0, abs=1e-9)
    assert answers["repetition"]["greedy_cycles"] == [
        {"word": "0", "states": [{"state": 0, "context": "00"}], "length": 1, "basin": 2},
        {"word": "1", "states": [{"state": 3, "context": "11"}], "length": 1, "basin": 2},
    ]
    told = sentences(answers)
    assert {
        "stationary_distribution", "entropy_rate", "period", "mixing_time",
        "rarest_state", "memory_profile", "excess_entropy",
    } <= set(told)  # fmt: skip
    assert "2 recurrent classes" in told["stationary_distribution"]


def test_a_rhythm_never_mixes_and_knows_its_period(article_run):
    answers = analyse(*CASES["a rhythm"](article_run))
    assert sentences(answers) == {}
    assert answers["long_run"]["period"] == 2
    assert answers["forgetting"]["eigenvalues"] == pytest.approx([1, -1], abs=1e-12)
    assert answers["forgetting"]["mixing_time"] == math.inf
    assert answers["memory"]["memory_profile"] == pytest.approx([np.log(2)], abs=1e-12)


def test_a_fair_coin_has_nothing_to_remember(article_run):
    answers = analyse(*CASES["fair coin"](article_run))
    assert answers["long_run"]["entropy_rate"] == pytest.approx(np.log(2), abs=1e-12)
    assert answers["forgetting"]["spectral_gap"] == pytest.approx(1, abs=1e-12)
    assert answers["memory"]["causal_states"] == 1
    assert answers["memory"]["excess_entropy"] == pytest.approx(0, abs=1e-12)
    assert answers["against_the_data"]["nearest_ngram"] == {"order": -1, "name": "uniform"}


def test_words_are_named_by_words():
    run = bg.train(
        "the cat sat the cat the", 2, 2, tokens="words", n_layer=1, n_head=1, n_embd=4
    )  # fmt: skip
    answers = analyse(run.chain, run.corpus)
    assert sentences(answers) == {}
    contexts = set(run.chain.contexts())
    assert len(contexts) == 9 > len(answers["long_run"]["stationary_distribution"]) == MAX_LISTED
    assert {at["context"] for at in answers["long_run"]["stationary_distribution"]} < contexts
    assert {answers["reaching"][end]["context"] for end in ("rarest_state", "longest_wait_from")} <= contexts
    arrows = [(part["context"], part["token"]) for part in answers["against_the_data"]["loss_terms"]]
    assert ("sat the", "cat") in arrows
    assert answers["against_the_data"]["contexts_seen"] == 3


def test_lists_are_cut():
    rng = np.random.default_rng(0)
    chain = bg.MarkovChain(np.log(rng.dirichlet(np.ones(5), 125)), "abcde")
    corpus = corpus_of("".join(rng.choice(list("abcde"), 500)), 3)
    answers = analyse(chain, corpus)
    assert len(answers["long_run"]["stationary_distribution"]) == MAX_LISTED
    assert len(answers["forgetting"]["eigenvalues"]) == MAX_LISTED
    assert len(answers["against_the_data"]["loss_terms"]) == MAX_LISTED
    terms = np.abs(chain.loss_decomposition(corpus).terms).ravel()
    largest = [abs(term["nats"]) for term in answers["against_the_data"]["loss_terms"]]
    assert largest == np.sort(terms)[::-1][:MAX_LISTED].tolist()
    likeliest = [at["probability"] for at in answers["long_run"]["stationary_distribution"]]
    assert likeliest == np.sort(chain.stationary_distribution())[::-1][:MAX_LISTED].tolist()


def test_lists_are_whole_where_all_are_asked_for():
    rng = np.random.default_rng(0)
    chain = bg.MarkovChain(np.log(rng.dirichlet(np.ones(3), 27)), "abc")
    corpus = corpus_of("".join(rng.choice(list("abc"), 200)), 3)
    answers = analyse(chain, corpus, limit=None)
    pi = answers["long_run"]["stationary_distribution"]
    assert sorted(at["state"] for at in pi) == list(range(27))
    assert all(at["probability"] == chain.stationary_distribution()[at["state"]] for at in pi)
    assert answers["forgetting"]["eigenvalues"] == chain.eigenvalues().tolist()
    assert len(answers["against_the_data"]["loss_terms"]) == np.count_nonzero(chain.loss_decomposition(corpus).terms)


def test_a_long_cycle_is_cut_and_its_word_is_not():
    sequence = "0000100110101111"  # de Bruijn: every context of 4 once
    following = {(sequence + sequence)[i : i + 4]: (sequence + sequence)[i + 4] for i in range(16)}
    chain = deterministic([int(following[f"{s:04b}"]) for s in range(16)])
    (cycle,) = analyse(chain, corpus_of("0101101", 4))["repetition"]["greedy_cycles"]
    assert (len(cycle["word"]), len(cycle["states"]), cycle["basin"]) == (16, MAX_LISTED, 16)
    assert [at["state"] for at in cycle["states"][:3]] == [0, 1, 2]
    assert cycle["length"] == 16


def test_a_chain_too_large_for_kemeny_says_so_and_answers_the_rest():
    two = np.log([[0.9, 0.1], [0.3, 0.7]])  # a bigram in 2,048 states
    chain = bg.MarkovChain(np.tile(two, (1024, 1)), "01")
    answers = analyse(chain, corpus_of("0001110000011000", 11))
    assert list(sentences(answers)) == ["kemeny_constant"]
    told = answers["forgetting"]["notes"]["kemeny_constant"]
    assert "2,048 states" in told
    assert "the limit is 1,024" in told
    assert answers["size"]["states"] == 2048
    assert answers["forgetting"]["eigenvalues"][:3] == pytest.approx([1, 0.6, 0], abs=1e-9)
    rate = 0.75 * -(0.9 * np.log(0.9) + 0.1 * np.log(0.1)) + 0.25 * -(0.3 * np.log(0.3) + 0.7 * np.log(0.7))
    assert answers["long_run"]["entropy_rate"] == pytest.approx(rate, abs=1e-9)
    lags = answers["memory"]["memory_profile"]
    assert lags[0] == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) - rate, abs=1e-9)
    assert lags[1:] == pytest.approx([0] * 10, abs=1e-9)
    assert answers["memory"]["causal_states"] == 2


def test_an_error_that_is_no_answer_is_not_hidden(article_run, monkeypatch):
    def broken(self):
        raise ZeroDivisionError

    monkeypatch.setattr(bg.MarkovChain, "kemeny_constant", broken)
    with pytest.raises(ZeroDivisionError):
        analyse(article_run.chain, article_run.corpus)


# -- plain ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.5, 1.5),
        (3, 3),
        (True, True),
        (None, None),
        ("order 2", "order 2"),
        (math.inf, None),
        (-math.inf, None),
        (math.nan, None),
        (0.5 - 2j, [0.5, -2.0]),
        ([math.inf, [1j]], [None, [[0.0, 1.0]]]),
        ({"a": {"b": [math.nan, None]}, "c": 1 + 0j}, {"a": {"b": [None, None]}, "c": [1.0, 0.0]}),
        ({}, {}),
        ([], []),
    ],
)
def test_plain_is_what_json_can_hold(value, said):
    assert plain(value) == said
    assert type(plain(value)) is type(said)
    json.dumps(plain(value), allow_nan=False)


def test_plain_leaves_what_it_was_given_alone():
    given = {"a": [math.inf, 1j]}
    plain(given)
    assert given == {"a": [math.inf, 1j]}


def test_a_greedy_chain_that_rules_out_what_the_data_says_is_still_nearest_to_the_full_context(article_run):
    chain, corpus = CASES["greedy"](article_run)
    assert np.isfinite(chain.nearest_ngram(corpus).divergences).all()
    assert analyse(chain, corpus)["against_the_data"]["nearest_ngram"]["order"] == 3
