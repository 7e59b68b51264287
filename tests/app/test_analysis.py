from __future__ import annotations

import json
import math

import numpy as np
import pytest

import babygpt as bg
from babygpt.app.analysis import MAX_LISTED, analyse, plain

SECTIONS = {
    "size": ["states", "arrows", "arrows of probability 0", "arrows too small for a float"],
    "long run": [
        "stationary distribution", "entropy rate (nats per token)", "recurrent classes", "transient states", "period",
    ],
    "forgetting": [
        "eigenvalues", "spectral gap", "mixing time, ε = 1/4 (tokens)", "Kemeny's constant (tokens)",
    ],
    "reaching": ["rarest state"],
    "repetition": ["greedy cycles"],
    "memory": [
        "what each lag adds (nats)", "excess entropy (nats)", "causal states, within 0.01",
        "statistical complexity (nats)",
    ],
    "against the data": [
        "contexts seen", "contexts never seen", "loss (nats per token)", "floor (nats per token)",
        "largest parts of loss − floor",
        "nearest n-gram",
    ],
}  # fmt: skip


def sentences(answers):
    """Return the answers that are a sentence in place of a number, by name."""
    return {
        name: answer
        for named in answers.values()
        for name, answer in named.items()
        if isinstance(answer, str) and answer.startswith("(")
    }


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
    "blanks": lambda run: (bg.MarkovChain.from_corpus(corpus := corpus_of("a b\nb a\n[b]", 1)), corpus),
}


@pytest.mark.parametrize("case", CASES)
def test_every_section_answers_every_question_in_strict_json(article_run, case):
    chain, corpus = CASES[case](article_run)
    answers = analyse(chain, corpus)
    assert {section: list(named) for section, named in answers.items()} == SECTIONS
    told = through_json(answers)
    assert {section: list(named) for section, named in told.items()} == SECTIONS
    assert all(answer is not None for named in told.values() for answer in named.values())
    assert answers["size"]["states"] == chain.n_states
    assert answers["long run"]["recurrent classes"] == len(chain.recurrent_classes())


def test_the_articles_run_has_all_answers_and_they_are_the_librarys(article_run):
    chain, corpus = article_run.chain, article_run.corpus
    answers = analyse(chain, corpus)
    assert sentences(answers) == {}
    assert list(answers["size"].values()) == [8, 16, 0, 0]
    long_run = answers["long run"]
    pi = dict(zip(chain.contexts(), chain.stationary_distribution().tolist(), strict=True))
    assert long_run["stationary distribution"] == pi
    shares = list(long_run["stationary distribution"].values())
    assert shares == sorted(shares, reverse=True)
    assert long_run["entropy rate (nats per token)"] == chain.entropy_rate()
    assert (long_run["recurrent classes"], long_run["transient states"], long_run["period"]) == (1, 0, 1)
    forgetting = answers["forgetting"]
    assert forgetting["eigenvalues"] == chain.eigenvalues().tolist()
    assert forgetting["spectral gap"] == chain.spectral_gap
    assert forgetting["mixing time, ε = 1/4 (tokens)"] == chain.mixing_time(0.25)
    assert forgetting["Kemeny's constant (tokens)"] == chain.kemeny_constant()
    rarest = min(pi, key=pi.get)
    times = dict(zip(chain.contexts(), chain.hitting_times(rarest).tolist(), strict=True))
    longest = max(times, key=times.get)
    assert answers["reaching"]["rarest state"] == {"state": rarest, "longest": times[longest], "from": longest}
    assert answers["repetition"]["greedy cycles"] == [
        {"word": "1011", "states": ["011", "111", "110", "101"], "basin": 8}
    ]
    memory = answers["memory"]
    assert memory["what each lag adds (nats)"] == chain.memory_profile().tolist()
    assert memory["excess entropy (nats)"] == chain.excess_entropy()
    assert memory["causal states, within 0.01"] == chain.causal_states(0.01).n_states
    assert memory["statistical complexity (nats)"] == chain.causal_states(0.01).statistical_complexity
    data = answers["against the data"]
    assert data["contexts seen"] == 4
    assert data["loss (nats per token)"] == chain.loss_decomposition(corpus).loss
    assert data["floor (nats per token)"] == corpus.floor == pytest.approx(np.log(2) / 2, abs=1e-12)
    assert data["nearest n-gram"] == chain.nearest_ngram(corpus).name


def test_the_parts_of_the_loss_add_up_to_what_the_loss_has_above_the_floor(article_run):
    data = analyse(article_run.chain, article_run.corpus)["against the data"]
    parts = data["largest parts of loss − floor"]
    assert set(parts) == {"011 → 1", "101 → 1", "110 → 1", "111 → 0", "111 → 1"}  # all that the data has
    sizes = [abs(part) for part in parts.values()]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(parts.values()) == pytest.approx(
        data["loss (nats per token)"] - data["floor (nats per token)"], abs=1e-9
    )


def test_the_datas_own_chain_is_at_the_floor(article_run):
    data = analyse(*CASES["the data's own"](article_run))["against the data"]
    assert data["loss (nats per token)"] == pytest.approx(data["floor (nats per token)"], abs=1e-12)
    assert data["largest parts of loss − floor"] == {}
    assert data["nearest n-gram"] == "order 3"


def test_greedy_decoding_of_the_article_goes_round_one_cycle(article_run):
    answers = analyse(*CASES["greedy"](article_run))
    assert answers["size"]["arrows of probability 0"] == 8
    long_run = answers["long run"]
    assert [long_run[name] for name in ("recurrent classes", "transient states", "period")] == [1, 4, 4]
    assert long_run["entropy rate (nats per token)"] == 0
    assert answers["forgetting"]["mixing time, ε = 1/4 (tokens)"] == math.inf
    assert answers["against the data"]["loss (nats per token)"] == math.inf
    assert answers["memory"]["statistical complexity (nats)"] == pytest.approx(np.log(4), abs=1e-12)
    assert list(sentences(answers)) == ["Kemeny's constant (tokens)"]
    assert plain(answers)["forgetting"]["mixing time, ε = 1/4 (tokens)"] == "infinite"


def test_of_several_recurrent_classes_some_questions_have_answers_still(article_run):
    answers = analyse(*CASES["several classes"](article_run))  # says its last token again
    long_run = answers["long run"]
    assert (long_run["recurrent classes"], long_run["transient states"]) == (2, 2)
    assert answers["forgetting"]["eigenvalues"] == pytest.approx([1, 1, 0, 0], abs=1e-9)
    assert answers["forgetting"]["spectral gap"] == pytest.approx(0, abs=1e-9)
    assert answers["repetition"]["greedy cycles"] == [
        {"word": "0", "states": ["00"], "basin": 2},
        {"word": "1", "states": ["11"], "basin": 2},
    ]
    told = sentences(answers)
    assert {
        "stationary distribution", "entropy rate (nats per token)", "period", "mixing time, ε = 1/4 (tokens)",
        "rarest state", "what each lag adds (nats)", "excess entropy (nats)",
    } <= set(told)  # fmt: skip
    assert "2 recurrent classes" in told["stationary distribution"]


def test_a_rhythm_never_mixes_and_knows_its_period(article_run):
    answers = analyse(*CASES["a rhythm"](article_run))
    assert sentences(answers) == {}
    assert answers["long run"]["period"] == 2
    assert answers["forgetting"]["eigenvalues"] == pytest.approx([1, -1], abs=1e-12)
    assert answers["forgetting"]["mixing time, ε = 1/4 (tokens)"] == math.inf
    assert answers["memory"]["what each lag adds (nats)"] == pytest.approx([np.log(2)], abs=1e-12)


def test_a_fair_coin_has_nothing_to_remember(article_run):
    answers = analyse(*CASES["fair coin"](article_run))
    assert answers["long run"]["entropy rate (nats per token)"] == pytest.approx(np.log(2), abs=1e-12)
    assert answers["forgetting"]["spectral gap"] == pytest.approx(1, abs=1e-12)
    assert answers["memory"]["causal states, within 0.01"] == 1
    assert answers["memory"]["excess entropy (nats)"] == pytest.approx(0, abs=1e-12)
    assert answers["against the data"]["nearest n-gram"] == "uniform"


def test_words_are_named_by_words():
    run = bg.train(
        "the cat sat the cat the", 2, 2, tokens="words", n_layer=1, n_head=1, n_embd=4
    )  # fmt: skip
    answers = analyse(run.chain, run.corpus)
    assert sentences(answers) == {}
    contexts = set(run.chain.contexts())
    assert len(contexts) == 9 > len(answers["long run"]["stationary distribution"]) == MAX_LISTED
    assert set(answers["long run"]["stationary distribution"]) < contexts
    assert {answers["reaching"]["rarest state"][end] for end in ("state", "from")} <= contexts
    assert "sat the → cat" in answers["against the data"]["largest parts of loss − floor"]
    assert answers["against the data"]["contexts seen"] == 3


def test_lists_are_cut():
    rng = np.random.default_rng(0)
    chain = bg.MarkovChain(np.log(rng.dirichlet(np.ones(5), 125)), "abcde")
    corpus = corpus_of("".join(rng.choice(list("abcde"), 500)), 3)
    answers = analyse(chain, corpus)
    assert len(answers["long run"]["stationary distribution"]) == MAX_LISTED
    assert len(answers["forgetting"]["eigenvalues"]) == MAX_LISTED
    assert len(answers["against the data"]["largest parts of loss − floor"]) == MAX_LISTED
    terms = np.abs(chain.loss_decomposition(corpus).terms).ravel()
    largest = [abs(term) for term in answers["against the data"]["largest parts of loss − floor"].values()]
    assert largest == np.sort(terms)[::-1][:MAX_LISTED].tolist()
    likeliest = list(answers["long run"]["stationary distribution"].values())
    assert likeliest == np.sort(chain.stationary_distribution())[::-1][:MAX_LISTED].tolist()


def test_a_long_cycle_is_cut_and_its_word_is_not():
    sequence = "0000100110101111"  # de Bruijn: every context of 4 once
    following = {(sequence + sequence)[i : i + 4]: (sequence + sequence)[i + 4] for i in range(16)}
    chain = deterministic([int(following[f"{s:04b}"]) for s in range(16)])
    (cycle,) = analyse(chain, corpus_of("0101101", 4))["repetition"]["greedy cycles"]
    assert (len(cycle["word"]), len(cycle["states"]), cycle["basin"]) == (16, MAX_LISTED, 16)
    assert cycle["states"][:3] == ["0000", "0001", "0010"]


def test_a_chain_too_large_for_kemeny_says_so_and_answers_the_rest():
    two = np.log([[0.9, 0.1], [0.3, 0.7]])  # a bigram in 2,048 states
    chain = bg.MarkovChain(np.tile(two, (1024, 1)), "01")
    answers = analyse(chain, corpus_of("0001110000011000", 11))
    assert list(sentences(answers)) == ["Kemeny's constant (tokens)"]
    told = answers["forgetting"]["Kemeny's constant (tokens)"]
    assert "2,048 states" in told
    assert "the limit is 1,024" in told
    assert answers["size"]["states"] == 2048
    assert answers["forgetting"]["eigenvalues"][:3] == pytest.approx([1, 0.6, 0], abs=1e-9)
    rate = 0.75 * -(0.9 * np.log(0.9) + 0.1 * np.log(0.1)) + 0.25 * -(0.3 * np.log(0.3) + 0.7 * np.log(0.7))
    assert answers["long run"]["entropy rate (nats per token)"] == pytest.approx(rate, abs=1e-9)
    lags = answers["memory"]["what each lag adds (nats)"]
    assert lags[0] == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) - rate, abs=1e-9)
    assert lags[1:] == pytest.approx([0] * 10, abs=1e-9)
    assert answers["memory"]["causal states, within 0.01"] == 2


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
        (math.inf, "infinite"),
        (math.nan, "not a number"),
        (0.5 - 2j, [0.5, -2.0]),
        ([math.inf, [1j]], ["infinite", [[0.0, 1.0]]]),
        ({"a": {"b": [math.nan, None]}, "c": 1 + 0j}, {"a": {"b": ["not a number", None]}, "c": [1.0, 0.0]}),
        ({}, {}),
        ([], []),
    ],
)
def test_plain_is_what_json_can_hold(value, said):
    assert plain(value) == said
    assert type(plain(value)) is type(said)
    json.dumps(plain(value), allow_nan=False)


def test_minus_infinity_is_a_number():
    assert plain(-math.inf) != plain(math.nan)


def test_plain_leaves_what_it_was_given_alone():
    given = {"a": [math.inf, 1j]}
    plain(given)
    assert given == {"a": [math.inf, 1j]}


def test_a_greedy_chain_that_rules_out_what_the_data_says_is_still_nearest_to_the_full_context(article_run):
    chain, corpus = CASES["greedy"](article_run)
    assert np.isfinite(chain.nearest_ngram(corpus).divergences).all()
    assert analyse(chain, corpus)["against the data"]["nearest n-gram"] == "order 3"
