from __future__ import annotations

import numpy as np
import pytest

import babygpt as bg
from babygpt.lab import sources
from babygpt.lab.hidden_markov import Source

LN2 = np.log(2)


def toss(p):
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


# -- entropy rates known from elsewhere ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "rate"),
    [
        (sources.golden_mean(), 2 / 3 * LN2),
        (sources.golden_mean(0.3), toss(0.3) / 1.7),
        (sources.even_process(), 2 / 3 * LN2),
        (sources.even_process(0.8), toss(0.8) / 1.2),
        (sources.rrxor(), 2 / 3 * LN2),
        (sources.coin(0.2), toss(0.2)),
        (sources.coin(1.0), 0.0),
        (sources.parity(3, 0.1), toss(0.1)),
        (sources.parity(5, 1e-9), toss(1e-9)),
        (sources.periodic("00101"), 0.0),
        (sources.markov([[0.9, 0.1], [0.3, 0.7]]), 0.75 * toss(0.1) + 0.25 * toss(0.3)),
    ],
    ids=lambda value: value.name if isinstance(value, Source) else "",
)
def test_the_entropy_rate_is_the_known_one_to_rounding(source, rate):
    assert source.entropy_rate() == pytest.approx(rate, abs=1e-15, rel=1e-14)
    assert source.entropy_bounds.error == 0.0


def test_the_entropy_rate_of_mess3_is_the_known_one():
    bounds = sources.mess3(x=0.05, a=0.85).entropy_bounds
    assert bounds.value == pytest.approx(0.79346, abs=5e-6)
    assert bounds.error < 1e-7


# -- what each says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["01", "00101", "abcab", "床前明月光"])
def test_a_periodic_source_repeats_its_word(word):
    source = sources.periodic(word)
    text = source.sample(4 * len(word), seed=2)
    assert text in word * 5
    begun = {source.sample(len(word), seed) for seed in range(60)}
    assert begun == {(word + word)[i : i + len(word)] for i in range(len(word))}


def test_the_optimal_loss_of_a_periodic_source_is_the_uncertainty_of_where_it_is():
    source = sources.periodic("00101")  # by hand: after 0 come 0, 1, 1, after 1 come 0, 0; after 10 comes 0 or 1
    assert source.optimal_loss(0) == pytest.approx(toss(0.4))
    assert source.optimal_loss(1) == pytest.approx(0.6 * toss(1 / 3))
    assert source.optimal_loss(2) == pytest.approx(0.4 * LN2)
    assert source.optimal_loss(3) == pytest.approx(0.4 * LN2)
    assert source.optimal_loss(4) == source.optimal_loss(7) == 0.0


def test_a_word_that_repeats_itself_has_no_more_states_than_it_needs():
    assert sources.periodic("010101").n_states == 2
    assert sources.periodic("010101").name == sources.periodic("01").name


def test_no_two_zeros_of_the_golden_mean_come_in_a_row():
    text = sources.golden_mean(0.4).sample(20_000, seed=1)
    assert "00" not in text
    assert "101" in text


def test_an_even_number_of_ones_lies_between_two_zeros_of_the_even_process():
    runs = sources.even_process().sample(20_000, seed=1).split("0")[1:-1]
    assert {len(run) % 2 for run in runs} == {0}
    assert max(map(len, runs)) >= 10


def test_each_third_token_of_rrxor_is_the_exclusive_or_of_the_two_before():
    tokens = sources.rrxor().tokens(3000, seed=1)
    agree = [np.mean((tokens[i:-2:3] ^ tokens[i + 1 : -1 : 3])[:900] == tokens[i + 2 :: 3][:900]) for i in range(3)]
    assert sorted(agree)[2] == 1.0
    assert sorted(agree)[1] < 0.6


def test_the_belief_states_of_rrxor_are_thirty_six():
    source, seen, counts = sources.rrxor(), set(), []
    for K in range(9):
        beliefs = source.belief_states(K)
        seen |= {tuple(row) for row in beliefs[~np.isnan(beliefs[:, 0])].round(9).tolist()}
        counts.append(len(seen))
    assert counts == [1, 3, 7, 15, 27, 34, 36, 36, 36]


def test_parity_is_flipped_as_often_as_it_should():
    tokens = sources.parity(3, 0.1).tokens(20_000, seed=1)
    flipped = tokens[3:] != tokens[2:-1] ^ tokens[1:-2] ^ tokens[:-3]
    assert flipped.mean() == pytest.approx(0.1, abs=0.01)


def test_only_all_the_tokens_together_tell_a_parity():
    source = sources.parity(4, 0.2)
    losses = [source.optimal_loss(K) for K in range(6)]
    np.testing.assert_allclose(losses, [LN2] * 4 + [toss(0.2)] * 2, atol=1e-14)


def test_mess3_has_the_matrices_of_the_paper():
    x, a = 0.05, 0.85
    b, y = (1 - a) / 2, 1 - 2 * x
    expected = [
        [[a * y, b * x, b * x], [a * x, b * y, b * x], [a * x, b * x, b * y]],
        [[b * y, a * x, b * x], [b * x, a * y, b * x], [b * x, a * x, b * y]],
        [[b * y, b * x, a * x], [b * x, b * y, a * x], [b * x, b * x, a * y]],
    ]
    np.testing.assert_allclose(sources.mess3(x, a).transitions, expected, atol=1e-16)


@pytest.mark.parametrize(("V", "order"), [(2, 0), (2, 1), (2, 3), (3, 2)])
def test_a_markov_source_of_any_order_says_its_table(V, order):
    table = np.random.default_rng(V + order).dirichlet(np.ones(V), size=V**order)
    source = sources.markov(table)
    np.testing.assert_allclose(source.context_probs(order), table, atol=1e-14)
    if order:
        chain = bg.MarkovChain(np.log(table))
        np.testing.assert_allclose(source.stationary(), chain.stationary_distribution(), atol=1e-14)
        assert source.entropy_rate() == pytest.approx(chain.entropy_rate(), abs=1e-14)
    longer = source.context_probs(order + 1).reshape(V, -1, V)  # nothing further back matters
    np.testing.assert_allclose(longer, np.broadcast_to(table, longer.shape), atol=1e-14)


# -- nesting ---------------------------------------------------------------------------------------------------


def test_two_coins_nested_are_the_matrices_written_out_by_hand():
    source = sources.nested(sources.coin(0.1), sources.coin(0.9), switch=0.25)
    expected = [
        [[0.75 * 0.9, 0.25 * 0.1], [0.25 * 0.9, 0.75 * 0.1]],
        [[0.75 * 0.1, 0.25 * 0.9], [0.25 * 0.1, 0.75 * 0.9]],
    ]
    np.testing.assert_allclose(source.transitions, expected, atol=1e-16)


def test_a_coin_chosen_anew_at_each_toss_is_one_coin():
    source = sources.nested(sources.coin(0.1), sources.coin(0.7), switch=0.5)
    assert source.entropy_rate() == pytest.approx(toss(0.4), abs=1e-14)
    np.testing.assert_allclose(source.context_probs(3), [[0.6, 0.4]] * 8, atol=1e-15)


def test_a_source_moved_to_begins_in_its_own_long_run():
    golden, even = sources.golden_mean(), sources.even_process()
    source = sources.nested(golden, even, switch=[[0.0, 1.0], [1.0, 0.0]])  # they take turns, each time anew
    p, q = golden.context_probs(0)[0], even.context_probs(0)[0]
    pairs = (np.outer(p, q) + np.outer(q, p)) / 2
    np.testing.assert_allclose(source.context_weights(2), pairs.ravel(), atol=1e-15)


def test_a_source_that_goes_on_goes_on_from_its_hidden_state():
    switch = 1e-12
    source = sources.nested(sources.golden_mean(), sources.even_process(), switch=switch)
    weights = (sources.golden_mean().context_weights(5) + sources.even_process().context_weights(5)) / 2
    np.testing.assert_allclose(source.context_weights(5), weights, atol=20 * switch)


def test_the_symbols_of_a_nest_are_those_of_all_in_it():
    source = sources.nested(sources.markov([[0.5, 0.5]], "xb"), sources.periodic("ab"), switch=0.3)
    assert source.vocabulary.symbols == ("a", "b", "x")
    weights = dict(zip(source.vocabulary, source.context_weights(1), strict=True))
    assert weights == pytest.approx({"a": 0.25, "b": 0.5, "x": 0.25})


def test_a_matrix_says_the_same_as_the_number_it_stands_for():
    three = sources.coin(0.1), sources.golden_mean(), sources.rrxor()
    moves = np.full((3, 3), 0.1) + 0.7 * np.eye(3)
    np.testing.assert_allclose(
        sources.nested(*three, switch=0.2).transitions, sources.nested(*three, switch=moves).transitions, atol=1e-15
    )


# -- by name ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *sources.EXAMPLES,
        "markov([[0.25,0.75]],'ab')",
        "markov([[0.5,0.5],[0.1,0.9]],['the','cat'])",
        "nested(nested(coin(p=0.1),rrxor(),switch=0.1),mess3(x=0.1,a=0.7),switch=[[0.9,0.1],[0.2,0.8]])",
    ],
)
def test_a_source_is_called_by_the_text_that_makes_it_again(name):
    source = sources.named(name)
    assert source.name == name
    np.testing.assert_array_equal(sources.named(source.name).transitions, source.transitions)
    assert sources.named(source.name).vocabulary == source.vocabulary


def test_there_is_an_example_of_every_source():
    assert {example.split("(")[0] for example in sources.EXAMPLES} == set(sources.__all__) - {
        "EXAMPLES",
        "Source",
        "named",
    }


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("rrxor", "rrxor()"),
        ("even", "even_process(p=0.5)"),
        (" golden ( 1/4 ) ", "golden_mean(p=0.25)"),
        ("mess3(a=0.6, x=0.15)", "mess3(x=0.15,a=0.6)"),
        ("coin(p=1)", "coin(p=1.0)"),
        ("parity(2)", "parity(length=2,noise=0.1)"),
        ("nested(even, golden)", "nested(even_process(p=0.5),golden_mean(p=0.5),switch=0.05)"),
    ],
)
def test_names_may_be_short_and_what_is_left_out_has_its_default(text, name):
    assert sources.named(text).name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not name a source"),
        ("111101111", "does not name a source"),
        ("coin(", "does not name a source"),
        ("coin()()", "does not name a source"),
        ("coin(1 +)", "does not name a source"),
        ("coin(p=True)", "does not name a source"),
        ("coin(p=1/0)", "does not name a source"),
        ("coin(*[1])", "does not name a source"),
        ("coin(**{'p': 1})", "does not name a source"),
        ("coin.p", "does not name a source"),
        ("(lambda: coin())()", "does not name a source"),
        ("__import__('os').getcwd()", "does not name a source"),
        ("coin(p='" + "(" * 300, "does not name a source"),
        ("coin(" * 5000, "does not name a source"),
        ("-" * 50_000 + "1", "does not name a source"),
        ("coin(0.5in)", "does not name a source"),
        ("coin(0)\0", "does not name a source"),
        ("x" * 70_000, "at most 65,536 characters"),
        ("open('f')", "'open' is none of the known sources: periodic, coin"),
        ("golden_ratio", r"'golden_ratio' is none of the known sources\. Did you mean 'golden_mean'\?"),
        ("evn", r"'evn' is none of the known sources\. Did you mean 'even'\?"),
        ("nested(coin,golde_mean)", r"Did you mean 'golden_mean'\?"),
        ("evn" * 10_000, "is none of the known sources: periodic, coin"),
        ("m", "'m' could be any of the known sources: markov, mess3"),
        ("coin(q=0.1)", "unexpected keyword argument 'q'. The parameters of coin are p"),
        ("coin(0.1,0.2)", "too many positional arguments"),
        ("rrxor(1)", "The parameters of rrxor are none"),
        ("periodic", "missing a required argument: 'word'"),
        ("periodic('0')", "no word of two symbols"),
        ("periodic(01)", "does not name a source"),
        ("periodic(10)", "no word of two symbols"),
        ("coin(p=1.5)", "p=1.5 is no probability"),
        ("coin(p=-0.5)", "p=-0.5 is not a finite number"),
        ("coin(p='x')", "p='x' is not a finite number"),
        ("coin(p=1e999)", "p=inf is not a finite number"),
        ("coin(p=coin)", "is not a finite number"),
        ("mess3(x=0.6)", "it goes up to 0.5"),
        ("mess3(x=0)", "3 sets of hidden states that are never left"),
        ("parity(length=0)", "length=0 is not a whole number"),
        ("parity(length=2.5)", "length=2.5 is not a whole number"),
        ("parity(length=11)", "2,048 hidden states over 2 symbols is more than fits; the limit is 1,024"),
        ("parity(length=99999999999)", "more than fits"),
        ("parity(noise=0)", "With noise=0 the parity of the first symbols is kept for ever"),
        ("markov(3)", r"shape \(\)"),
        ("markov([])", r"shape \(0,\)"),
        ("markov([[1.0]])", r"shape \(1, 1\)"),
        ("markov([[0.5,0.5],[1]])", "takes a table of probabilities"),
        ("markov([['a','b']])", "takes a table of probabilities"),
        ("markov([[0.5,0.5],[0.5,0.5],[0.5,0.5]])", "has 2, 4, 8, … contexts; the table has 3"),
        ("markov([[0.5,0.6],[0.5,0.5]])", "hidden state 0 does sums to 1.1"),
        ("markov([[0.5,0.5],[0.5,0.5]],'abc')", "the vocabulary has 3"),
        ("markov([[0.5,0.5],[0.5,0.5]],7)", "The vocabulary has 0 symbols"),
        ("nested", "nested takes two sources or more"),
        ("nested(coin)", "nested takes two sources or more"),
        ("nested(coin,0.5)", "nested takes two sources or more"),
        ("nested(coin,coin,switch=2)", "switch=2 is no probability"),
        ("nested(coin,coin,switch=[[1,0]])", r"a matrix \(2, 2\)"),
        ("nested(coin,coin,switch=[[1,0],[0.5,0.6]])", "whose rows sum to 1"),
        ("nested(coin,coin,switch=[['a','b'],[0.5,0.5]])", r"a matrix \(2, 2\)"),
        ("nested(coin,coin,switch=0)", "2 sets of hidden states that are never left"),
        ("nested(coin,markov([[0.5,0.5]],['the','cat']))", "Nest like with like"),
    ],
)
def test_what_names_no_source_is_refused_in_one_sentence(text, message):
    with pytest.raises(bg.InputError, match=message) as refusal:
        sources.named(text)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_only_a_text_names_a_source():
    with pytest.raises(bg.SettingError, match="named by a text"):
        sources.named(3)


def test_a_nest_of_what_has_no_name_has_none():
    assert sources.nested(Source([[[0.5]], [[0.5]]]), sources.coin(0.1)).name == ""
