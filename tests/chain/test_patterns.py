from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from witnesses import chain_of, exact_hitting_times, random_chain, sparse_chain, uniform_chain, word_probability, words

import babygpt as bg
from babygpt.chain import automaton, joined, patterns
from babygpt.chain.automaton import Automaton
from babygpt.chain.input_device import InputDevice, connect
from babygpt.chain.joined import JoinedChain
from babygpt.errors import ContextError, SettingError, SizeError, VocabularyError


def overlaps(said, word):
    """Yield the lengths at which the end of ``said`` is the beginning of ``word``."""
    return [k for k in range(1, min(len(said), len(word)) + 1) if said[-k:] == word[:k]]


def leading_number(said, word, V=2):
    """Return Conway's (said:word)."""
    return sum(V**k for k in overlaps(said, word))


def lifted(chain, K):
    """Return the same source as a chain of a longer context: what it says depends on its last few tokens alone."""
    V, more = len(chain.vocabulary), K - chain.context_length
    return bg.MarkovChain(np.tile(chain.log_probs, (V**more, 1)), chain.vocabulary)


def by_all_paths(chain, start, targets, within):
    """Add up the probabilities of all words of ``within`` tokens on whose way the text ends in a target."""
    total = 0.0
    for word in words(chain.vocabulary.symbols, within):
        said = [start + word[:i] for i in range(within + 1)]
        if any(text.endswith(tuple(targets)) for text in said):
            total += word_probability(chain, start, word)
    return total


def naive_product(chain, targets):
    """Return starts, matrix and target states of a chain whose state is all of the past that a target can need."""
    K, longest = chain.context_length, max(map(len, targets))
    texts = [text for n in range(K, max(K, longest) + 1) for text in words(chain.vocabulary.symbols, n)]
    number = {text: i for i, text in enumerate(texts)}
    P = np.zeros((len(texts), len(texts)))
    for text in texts:
        for symbol, p in chain[text[-K:]].items():
            P[number[text], number[(text + symbol)[-max(K, longest) :]]] += p
    return number, P, [i for text, i in number.items() if text.endswith(tuple(targets))]


def naive_times(chain, targets):
    number, P, there = naive_product(chain, targets)
    inside = np.setdiff1d(np.arange(len(P)), there)
    times = np.zeros(len(P))
    A = np.eye(len(inside)) - P[np.ix_(inside, inside)]
    times[inside] = np.linalg.solve(A, np.ones(len(inside)))
    return {text: times[i] for text, i in number.items()}


# -- Conway's waits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "wait"), [("HHHHH", 62), ("HTHTH", 42), ("HHTHH", 38), ("HTTTT", 32)])
@pytest.mark.parametrize("K", [1, 2, 3, 4, 5, 6])
def test_a_fair_coin_waits_as_conway_says_whatever_its_context(word, wait, K):
    coin = bg.MarkovChain(np.full((2**K, 2), -np.log(2)), "HT")
    assert leading_number(word, word) == wait
    times = coin.hitting_times(word)
    assert times[coin.state("T" * K)] == pytest.approx(wait, rel=1e-14)  # no head start
    for start, time in zip(coin.contexts(), times, strict=True):
        if word not in start[:-1]:
            assert time == pytest.approx(wait - leading_number(start, word), rel=1e-13)
    if len(word) > K:
        assert K + times.mean() == pytest.approx(wait, rel=1e-14)  # counted from nothing


@pytest.mark.parametrize("word", ["0", "11", "0110", "10101", "1111111", "0010010", "01101110110"])
@pytest.mark.parametrize("p", [0.5, 0.3, 0.9])
@pytest.mark.parametrize("K", [1, 2, 3])
def test_a_biased_coin_waits_for_the_sum_over_the_borders(word, p, K):
    coin = chain_of(np.tile([1 - p, p], (2**K, 1)))

    def chance(text):
        return np.prod([p if symbol == "1" else 1 - p for symbol in text])

    wait = sum(1 / chance(word[:k]) for k in overlaps(word, word))
    for start, time in zip(coin.contexts(), coin.hitting_times(word), strict=True):
        if word not in start:
            assert time == pytest.approx(wait - sum(1 / chance(word[:k]) for k in overlaps(start, word)), rel=1e-12)
    if len(word) > K:
        from_nothing = K + sum(chance(s) * h for s, h in zip(coin.contexts(), coin.hitting_times(word), strict=True))
        assert from_nothing == pytest.approx(wait, rel=1e-12)


@pytest.mark.parametrize("word", ["10" * 30, "1" * 60, "1" + "0" * 59, "110" * 100])
def test_waits_for_long_texts_keep_all_their_digits(word):
    coin = uniform_chain(2, 3)
    times = coin.hitting_times(word)
    assert times[coin.state("000")] == pytest.approx(float(leading_number(word, word)), rel=1e-13)
    assert times[coin.state("111")] == pytest.approx(
        float(leading_number(word, word) - leading_number("111", word)), rel=1e-13
    )


def test_a_wait_that_no_float_can_hold_is_infinite():
    assert uniform_chain(2, 1).hitting_times("1" * 300)[0] == pytest.approx(2.0**301 - 2, rel=1e-13)
    assert bg.MarkovChain(np.full((16, 16), -np.log(16)), "0123456789abcdef").hitting_times("1" * 270)[0] == np.inf


# -- any chain -----------------------------------------------------------------------------------------------

MIXES = [
    ("binary", 2, 1, ["11011"]), ("binary", 2, 2, ["0000"]), ("binary", 2, 2, ["101", "0011"]),
    ("binary", 2, 3, ["10101"]), ("binary", 2, 3, ["00000", "11"]), ("binary", 2, 1, ["010", "0", "11111"]),
    ("binary", 2, 2, ["0110", "110", "1101"]), ("ternary", 3, 1, ["012", "2020"]), ("ternary", 3, 2, ["0120"]),
    ("ternary", 3, 2, ["11", "2222", "0"]), ("binary", 2, 3, ["0101", "101", "01"]),
]  # fmt: skip


@pytest.mark.parametrize(("_", "V", "K", "targets"), MIXES, ids=str)
def test_all_paths_added_up_give_the_same_probability(_, V, K, targets):
    chain = random_chain(V, K, seed=K, short=K > 1)
    target = targets if len(targets) > 1 else targets[0]
    starts = [*chain.contexts(short=True), *(words(chain.vocabulary.symbols, K + 1)), "1" * (K + 2), "01" * (K + 1)]
    if all(len(text) <= K for text in targets):
        starts = [start for start in starts if len(start) <= K]
    for within in range(7 if V == 2 else 5):
        everywhere = chain.hitting_probability(target, within)
        assert everywhere.shape == (V**K,)
        for start in starts:
            expected = by_all_paths(chain, start, targets, within)
            assert chain.hitting_probability(target, within, start=start) == pytest.approx(expected, abs=1e-14)
            if len(start) == K:
                assert everywhere[chain.state(start)] == pytest.approx(expected, abs=1e-14)
                assert chain.hitting_probability(target, within, chain.state(start)) == everywhere[chain.state(start)]


@pytest.mark.parametrize(("_", "V", "K", "targets"), MIXES, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_a_chain_of_all_that_was_said_has_the_same_expected_times(_, V, K, targets, seed):
    chain = random_chain(V, K, seed)
    expected = naive_times(chain, targets)
    times = chain.hitting_times(targets)
    for text, time in expected.items():
        if len(text) == K:
            assert times[chain.state(text)] == pytest.approx(time, rel=1e-9)
        if len(text) <= K or max(map(len, targets)) > K:
            assert chain.hitting_times(targets, start=text) == pytest.approx(time, rel=1e-9)


def test_expected_times_from_short_starts_are_a_mean_over_what_they_grow_into():
    chain = random_chain(2, 3, seed=4, short=True)
    for target in ("10110", ["11", "00000"], "0", ["101", 7], 3):
        times = chain.hitting_times(target)
        parts = target if isinstance(target, list) else [target]
        short = tuple(part for part in parts if isinstance(part, str))
        for start in ("0", "1", "00", "01", "10", "11"):

            def wait(said, chain=chain, times=times, short=short):
                if said.endswith(short) and short:
                    return 0.0
                if len(said) == 3:
                    return times[chain.state(said)]
                return 1 + sum(p * wait(said + symbol) for symbol, p in chain[said].items())

            assert chain.hitting_times(target, start=start) == pytest.approx(wait(start), rel=1e-12)


@given(st.integers(0, 10**6), st.sampled_from([(2, 1, 5), (2, 2, 5), (3, 1, 3), (2, 3, 6)]), st.data())
def test_the_same_source_with_a_longer_context_has_the_same_answers(seed, size, data):
    V, K, L = size
    chain, texts = random_chain(V, K, seed), words(tuple("012"[:V]), L)
    target = data.draw(st.lists(st.sampled_from(texts + words(tuple("012"[:V]), L - 1)), min_size=1, max_size=3))
    target = [*target, texts[0]]  # one of L tokens, so that a start of L is heard
    long = lifted(chain, L)
    times, chances, winners = long.hitting_times(target), long.hitting_probability(target, 9), long.first_of(target)
    for start in data.draw(st.lists(st.sampled_from(texts), min_size=1, max_size=4)):
        assert chain.hitting_times(target, start=start) == pytest.approx(times[long.state(start)], rel=1e-9)
        assert chain.hitting_probability(target, 9, start=start) == pytest.approx(chances[long.state(start)], abs=1e-12)
        np.testing.assert_allclose(chain.first_of(target, start=start), winners[long.state(start)], atol=1e-12)


def test_expected_times_are_the_sum_of_the_chances_to_be_still_waiting():
    chain = random_chain(2, 2, 0)
    waiting = sum(1 - chain.hitting_probability(["011", "1111"], n) for n in range(500))
    np.testing.assert_allclose(chain.hitting_times(["011", "1111"]), waiting, rtol=1e-9)


@pytest.mark.parametrize("rare", [1e-3, 1e-6, 1e-12])
def test_sixty_digits_give_the_same_wait_for_what_is_hardly_ever_said(rare):
    chain = chain_of([[1 - rare, rare], [1 - 3 * rare, 3 * rare]])
    number, P, there = naive_product(chain, ["1111"])
    expected = exact_hitting_times(P, there)
    for text in ("0", "1", "11", "011", "0111"):
        assert chain.hitting_times("1111", start=text) == pytest.approx(expected[number[text]], rel=1e-13)


@pytest.mark.parametrize("seed", range(8))
def test_where_arrows_are_missing_a_text_that_may_be_missed_takes_for_ever(seed):
    chain = sparse_chain(2, 2, seed, 0.35)
    for word in words(("0", "1"), 4):
        number, P, there = naive_product(chain, [word])
        stopped = P.copy()
        stopped[there] = np.eye(len(P))[there]
        soon, ever = (np.linalg.matrix_power(stopped, n)[:, there].sum(axis=1) for n in (1024, 2**30))
        times, chances = chain.hitting_times(word), chain.hitting_probability(word, 1024)
        for start in chain.contexts():
            assert np.isfinite(times[chain.state(start)]) == (ever[number[start]] > 1 - 1e-6)
            assert chances[chain.state(start)] == pytest.approx(soon[number[start]], abs=1e-12)


def test_greedy_decoding_says_its_round_and_nothing_else(article_run):
    greedy = article_run.chain.with_decoding(temperature=0)
    assert greedy.hitting_times("1101110", start="111") == 5  # 111 01110
    assert greedy.hitting_times("11100", start="111") == np.inf
    assert greedy.hitting_probability("11100", 1000, start="111") == 0


@pytest.mark.parametrize(("rare", "wait"), [(-np.inf, 2), (-1000.0, np.inf), (np.log(0.25), np.inf)])
def test_an_arrow_too_rare_for_a_float_can_still_lead_to_where_a_text_is_missed(rare, wait):
    with np.errstate(divide="ignore"):
        table = np.log([[0.5, 0.5], [0.5, 0.5], [1.0, 0.0], [0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
    table[1] = [rare, np.log1p(-np.exp(rare))]  # after 1 comes 1 and then 1 for ever, or else 0 and then 0 for ever
    assert bg.MarkovChain.from_table(table, "01").hitting_times("111", start="1") == wait


# -- starts --------------------------------------------------------------------------------------------------


def test_a_longer_start_tells_how_much_of_the_text_stands():
    coin = uniform_chain(2, 1)
    assert coin.hitting_times("11111", start="1") == pytest.approx(60)
    assert coin.hitting_times("11111", start="11") == pytest.approx(56)
    assert coin.hitting_times("11111", start="0111") == pytest.approx(48)
    assert coin.hitting_times("11111", start="01111") == pytest.approx(32)
    assert coin.hitting_times("11111", start="11111") == 0
    assert coin.hitting_times("11111", start="111110") == pytest.approx(62)
    assert coin.hitting_probability("11111", 1, start="01111") == 0.5
    assert coin.hitting_probability("11111", 0, start="01111") == 0
    assert coin.hitting_probability("11111", 0, start="0111110") == 0  # it was said, and is no longer
    assert coin.hitting_probability(["11111", "0"], 0, start="0111110") == 1


def test_a_state_number_is_its_own_tokens_and_no_more():
    chain = random_chain(2, 2, 1)
    assert chain.hitting_times("01011", start=1) == chain.hitting_times("01011", start="01")
    assert chain.hitting_times("01011", start=1) == chain.hitting_times("01011")[1]
    assert chain.hitting_times("01011", start="0101") < chain.hitting_times("01011", start="01")


@pytest.mark.parametrize("start", ["", "2", 8, -1, 1.5, True, ["101"]])
def test_starts_that_are_none_are_refused(article_run, start):
    for ask in (article_run.chain.hitting_times, lambda *a, **k: article_run.chain.hitting_probability(*a, 3, **k)):
        for target in ("101", "10111"):
            with pytest.raises((ContextError, VocabularyError)):
                ask(target, start=start)


def test_a_start_longer_than_the_context_is_refused_where_no_target_is(article_run):
    with pytest.raises(ContextError, match="'1011' has 4 tokens; a start has 1 to 3"):
        article_run.chain.hitting_times(["101", "00"], start="1011")
    with pytest.raises(ContextError, match="has 0 tokens; a target has at least 1"):
        article_run.chain.hitting_times(["10111", ""])


@pytest.mark.parametrize("within", [-1, 1.5, None, True])
def test_numbers_of_tokens_that_are_none_are_refused(article_run, within):
    with pytest.raises(SettingError, match="within="):
        article_run.chain.hitting_probability("10111", within)


def test_targets_come_in_any_collection_or_as_a_mask():
    chain = random_chain(2, 2, 1, short=True)
    expected = chain.hitting_times(["01011", 3])
    for target in (
        ("01011", 3),
        {"01011", 3},
        iter(["01011", 3]),
        [["01011"], [[3]]],
        [np.array(["01011"]), np.int64(3)],
    ):
        np.testing.assert_array_equal(chain.hitting_times(target), expected)
    mask = np.array([False, True, False, True])
    np.testing.assert_array_equal(chain.hitting_times(mask), chain.hitting_times("1"))
    np.testing.assert_allclose(chain.hitting_times(mask, start="00"), chain.hitting_times("1", start="00"))
    assert chain.first_of([mask, "00"], start="0")[0] == chain.first_of(["01", "00"], start="0")[0]


def test_a_set_of_states_is_meant_by_no_longer_text(article_run):
    with pytest.raises(ContextError, match="'10111' has 5 tokens; a text that means states has 1 to 3"):
        article_run.chain.target("10111")


# -- which comes first ---------------------------------------------------------------------------------------


def from_nothing(chain, targets):
    """Return which of several texts a fair coin says first: the first toss is either side."""
    return (chain.first_of(targets, start="0") + chain.first_of(targets, start="1")) / 2


@pytest.mark.parametrize("K", [1, 2, 3, 4])
def test_conways_odds_decide_all_56_games_of_penney(K):
    table = np.full((sum(2**n for n in range(1, K + 1)), 2), 0.5)
    coin = bg.MarkovChain.from_table(np.log(table), "01")
    pairs = list(permutations(("".join(t) for t in product("01", repeat=3)), 2))
    assert len(pairs) == 56
    for a, b in pairs:
        # the odds that b comes before a
        favour = leading_number(a, a) - leading_number(a, b), leading_number(b, b) - leading_number(b, a)
        np.testing.assert_allclose(from_nothing(coin, [b, a]), np.array(favour) / sum(favour), rtol=1e-13)
    np.testing.assert_allclose(from_nothing(coin, ["011", "111"]), [7 / 8, 1 / 8], rtol=1e-14)  # THH before HHH


@pytest.mark.parametrize(("_", "V", "K", "targets"), [mix for mix in MIXES if len(mix[3]) > 1], ids=str)
def test_a_chain_of_all_that_was_said_has_the_same_winners(_, V, K, targets):
    chain = random_chain(V, K, seed=7)
    number, P, _there = naive_product(chain, targets)
    first = {text: next((i for i, t in enumerate(targets) if text.endswith(t)), None) for text in number}
    stopped = P.copy()
    for text, i in number.items():
        if first[text] is not None:
            stopped[i] = np.eye(len(P))[i]
    ends = np.linalg.matrix_power(stopped, 2**20)
    found = chain.first_of(targets)
    assert found.shape == (V**K, len(targets))
    for text in words(chain.vocabulary.symbols, K):
        for winner in range(len(targets)):
            chance = sum(ends[number[text], i] for other, i in number.items() if first[other] == winner)
            assert found[chain.state(text), winner] == pytest.approx(chance, abs=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)


def test_of_targets_that_one_token_reaches_the_first_in_the_list_counts():
    coin = uniform_chain(2, 1)
    assert coin.first_of(["011", "11"], start="0").tolist() == [1, 0]
    assert coin.first_of(["11", "011"], start="0").tolist() == [1, 0]
    np.testing.assert_allclose(coin.first_of(["011", "11"], start="1"), [0.5, 0.5])


def test_what_is_never_reached_is_the_rest_to_one():
    chain = chain_of([[1.0, 0.0], [0.25, 0.75]])  # 0 is never left
    np.testing.assert_allclose(chain.first_of(["000", "111"], start="1"), [1 - 0.75**2, 0.75**2])
    np.testing.assert_allclose(chain.first_of(["111"], start="1"), [0.75**2])
    assert chain.first_of([["111", 1], "10"], start="0").tolist() == [0, 0]


def test_two_states_are_a_committor():
    chain = random_chain(2, 3, 3)
    P = chain.transition_matrix().toarray()
    inside = [0, 1, 3, 4, 6, 7]
    expected = np.linalg.solve(np.eye(6) - P[np.ix_(inside, inside)], P[inside, 5])
    np.testing.assert_allclose(chain.first_of([5, 2])[inside, 0], expected, rtol=1e-12)
    np.testing.assert_allclose(chain.first_of(["101", "010"]), chain.first_of([5, 2]))


@pytest.mark.parametrize("targets", ["101", [], None, 5, [None], ["101", ""]])
def test_what_is_no_list_of_targets_is_refused(article_run, targets):
    with pytest.raises(ContextError):
        article_run.chain.first_of(targets)


def test_which_comes_first_is_told_of_large_chains_and_of_rare_arrows():
    coin = uniform_chain(2, 13)
    games = [("011", "111", 7 / 8), ("0" * 14, "1" * 14, 0.5), ("0" + "1" * 13, "1" * 14, 1 - 2.0**-14)]
    for a, b, chance in games:  # counted from nothing: the first 13 tokens are any
        assert coin.first_of([a, b]).mean(axis=0)[0] == pytest.approx(chance, abs=1e-9) or len(a) < 13
    assert coin.first_of(["011", "111"], start="0" * 13)[0] == pytest.approx(1, abs=1e-12)
    cold = chain_of([[1 - 3e-200, 3e-200], [1.0, 0.0]]).first_of(["01", "1"], start="0")
    np.testing.assert_allclose(cold, [1, 0])
    rare = np.array([[0.0, -1000.0], [-1000.0, 0.0]])  # e^-1000 is no float64, and the state is left all the same
    assert bg.MarkovChain(rare).first_of(["01", "0"], start="1").tolist() == [0, 1]


def test_which_comes_first_has_a_limit_and_says_it(monkeypatch):
    monkeypatch.setattr(patterns, "MAX_ABSORPTION", 31)
    uniform_chain(2, 3).first_of(["111", "000", "101"])
    with pytest.raises(SizeError, match="4 targets from 8 states are more numbers than the limit of 31"):
        uniform_chain(2, 3).first_of(["111", "000", "101", "11"])


# -- size ----------------------------------------------------------------------------------------------------


def test_a_joined_chain_has_a_state_for_each_beginning_longer_than_the_context():
    chain = random_chain(2, 3)
    automaton_of = Automaton.of([[1, 0, 1, 1, 0, 1], [1, 0, 1, 1, 1]], [0, 0], 1, 2, 3)
    both = JoinedChain(chain, automaton_of)
    assert both.n_states == 8 + 4  # 1011, 10110, 101101, 10111
    np.testing.assert_allclose(both.transition_matrix().sum(axis=1), 1)
    assert both.state("101") == 5
    assert both.matching("01").sum() == 2 + 1


def test_texts_that_do_not_fit_are_refused_with_the_limit(monkeypatch):
    monkeypatch.setattr(automaton, "MAX_ARROWS", 100)
    with pytest.raises(SizeError, match="50 tokens in all over 2 symbols"):
        uniform_chain(2, 3).hitting_times("1" * 50)
    monkeypatch.undo()
    monkeypatch.setattr(joined, "MAX_ARROWS", 50)
    with pytest.raises(SizeError, match="55 states, 110 arrows"):
        uniform_chain(2, 3).hitting_times("1" * 50)


def test_a_large_chain_waits_for_long_texts_as_conway_says():
    coin = uniform_chain(2, 11)
    for word in ("11011011011011", "00000000000001"):
        times = coin.hitting_times(word)
        for start in ("00000000000", "11011011011", "01101101101"):
            expected = leading_number(word, word) - leading_number(start, word)
            assert times[coin.state(start)] == pytest.approx(expected, rel=1e-6)
    assert coin.hitting_probability("11011011011011", 3, start="11011011011") == 1 / 8


# -- with a device -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("lookup", InputDevice.lookup({"11": "0"})), ("long answer", InputDevice.lookup({"1": "001", "00": "1"})),
        ("clock", InputDevice.clock(3, "1")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("target", ["0110", "10101", ["00000", "11011"], ["111", "0"]])
def test_with_a_device_a_text_is_what_stands_in_the_context(name, device, target):
    """Walk all paths: a text counts where the token said, and what the device added, end in it."""
    chain = random_chain(2, 2, seed=3)
    both = connect(chain, device)
    targets = (target,) if isinstance(target, str) else tuple(target)

    def chance(said, state, left):
        if said.endswith(targets):
            return 1.0
        if left == 0:
            return 0.0
        total = 0.0
        for symbol, p in chain[said[-2:]].items():
            after, added = device.read(state, symbol)
            total += p * chance(said + symbol + "".join(added), after, left - 1)
        return total

    found = both.hitting_probability(target, 7)
    for start in chain.contexts():
        assert found[both.state(start)] == pytest.approx(chance(start, device.start, 7), abs=1e-14)
    if max(map(len, targets)) > 2:
        for start in ("0110", "101", "0000000"):
            assert both.hitting_probability(target, 7, start=start) == pytest.approx(chance(start, device.start, 7))
    times = both.hitting_times(target)
    expected = times_with_a_device(chain, device, targets)
    for start in chain.contexts():
        assert times[both.state(start)] == pytest.approx(expected[start, device.start], rel=1e-9)


def times_with_a_device(chain, device, targets):
    """Solve for the waits over all (last 5 tokens, state of the device) that come up, infinite where one may miss."""
    todo, after = [(start, device.start) for start in chain.contexts()], {}
    for said, state in todo:
        if (said, state) in after:
            continue
        after[said, state] = []
        for symbol, p in chain[said[-2:]].items():
            next_state, added = device.read(state, symbol)
            head = ((said + symbol + "".join(added))[-5:], next_state)
            after[said, state].append((head, p))
            todo.append(head)
    number = {at: i for i, at in enumerate(after)}
    P = np.zeros((len(after), len(after)))
    for at, heads in after.items():
        for head, p in heads:
            P[number[at], number[head]] += p
    there = [i for (said, _), i in number.items() if said.endswith(targets)]
    P[there] = np.eye(len(P))[there]
    surely = np.linalg.matrix_power(P, 2**30)[:, there].sum(axis=1) > 1 - 1e-6
    inside = np.setdiff1d(np.flatnonzero(surely), there)
    times = np.where(surely, 0.0, np.inf)
    times[inside] = np.linalg.solve(np.eye(len(inside)) - P[np.ix_(inside, inside)], np.ones(len(inside)))
    return {at: times[i] for at, i in number.items()}


def test_a_chain_with_a_device_knows_whole_contexts_only():
    both = connect(random_chain(2, 2, short=True), InputDevice.clock(3, "1"))
    with pytest.raises(ContextError, match="only contexts of 2"):
        both.hitting_times("10101", start="1")


def test_targets_and_starts_may_be_tensors():
    chain = random_chain(2, 3, seed=4)
    for tensor, same in (
        (torch.tensor([0, 7]), [0, 7]),
        (torch.tensor(3), 3),
        (np.array(3), 3),
        ([torch.tensor(1), "111"], [1, "111"]),
        (torch.arange(8) > 5, [6, 7]),
    ):
        np.testing.assert_array_equal(chain.hitting_times(tensor), chain.hitting_times(same))
        np.testing.assert_array_equal(chain.hitting_probability(tensor, 4), chain.hitting_probability(same, 4))
    np.testing.assert_array_equal(chain.first_of([torch.tensor([1, 2]), 5]), chain.first_of([[1, 2], 5]))
    assert chain.hitting_times("000", start=torch.tensor(5)) == chain.hitting_times("000", start=5)
