from __future__ import annotations

from collections import Counter

import networkx
import numpy as np
import pytest
from witnesses import chain_of, random_chain, sparse_chain, uniform_chain

import babygpt as bg
from babygpt.chain.input_device import InputDevice, connect, context_alone
from babygpt.errors import ContextError, InputDeviceError, SettingError

LOOKUP = InputDevice.lookup({"11": "0"})


def simulate(chain, device, start, n_tokens, seed):
    """Yield the context and the device's state after each token said, by plain text and dictionaries."""
    rows = {context: list(chain[context].items()) for context in chain.contexts()}
    context, state, K = start, device.start, chain.context_length
    yield context, state
    for u in np.random.default_rng(seed).random(n_tokens):
        said, below = rows[context][-1][0], 0.0
        for symbol, p in rows[context]:
            below += p
            if u < below:
                said = symbol
                break
        state, added = device.read(state, said)
        context = (context + said + "".join(added))[-K:]
        yield context, state


def product_matrix(chain, device):
    """Return the states and the matrix of chain and device together, found by walking from every start."""
    K = chain.context_length
    todo = [(context, device.start) for context in chain.contexts()]
    arrows = {}
    while todo:
        context, state = at = todo.pop()
        if at in arrows:
            continue
        arrows[at] = Counter()
        for symbol, p in chain[context].items():
            after, added = device.read(state, symbol)
            head = ((context + symbol + "".join(added))[-K:], after)
            arrows[at][head] += p
            todo.append(head)
    states = list(arrows)
    P = np.array([[arrows[u][v] for v in states] for u in states])
    return states, P


DEVICES = {
    "lookup": LOOKUP,
    "two answers": InputDevice.lookup({"11": "0", "000": "1"}),
    "long answer": InputDevice.lookup({"1": "001", "00": "1"}),
    "clock": InputDevice.clock(3, "1"),
    "clock of one": InputDevice.clock(1, "0"),
    "silent": InputDevice("off", lambda state, symbol: ("off", [])),
    "parity": InputDevice(
        0, lambda state, symbol: ((state + int(symbol)) % 2, ["1"] if state == 1 and symbol == "0" else [])
    ),
}


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("K", [1, 2, 3])
def test_the_product_is_what_walking_from_every_start_finds(name, K):
    chain = random_chain(2, K, seed=K)
    product = connect(chain, DEVICES[name])
    states, P = product_matrix(chain, DEVICES[name])
    found = [(product.context(i), product.states[i][1]) for i in range(product.n_states)]
    assert set(found) == set(states)
    order = [states.index(s) for s in found]
    np.testing.assert_allclose(product.transition_matrix().toarray(), P[np.ix_(order, order)], atol=1e-15)
    for i, context in enumerate(chain.contexts()):
        assert product.state(context) == i
        assert found[i] == (context, DEVICES[name].start)


@pytest.mark.parametrize("name", DEVICES)
def test_a_long_walk_visits_contexts_as_often_as_the_product_says(name, article_run):
    chain = article_run.chain
    product = connect(chain, DEVICES[name])
    share = Counter()
    for i, p in enumerate(product.stationary_distribution()):
        share[product.context(i)] += p
    trail = list(simulate(chain, DEVICES[name], "101", 30_000, seed=1))[100:]
    visits = Counter(context for context, _ in trail)
    for context in chain.contexts():
        assert visits[context] / len(trail) == pytest.approx(share[context], abs=0.02)


@pytest.mark.parametrize(
    ("name", "target"),
    [("lookup", "000"), ("two answers", "010"), ("clock", "011"), ("long answer", "010"), ("parity", "001")],
)
def test_the_mean_of_many_waits_is_the_hitting_time(name, target, article_run):
    chain, device = article_run.chain, DEVICES[name]
    product = connect(chain, device)
    waits = []
    for seed in range(400):
        trail = simulate(chain, device, "101", 2000, seed=seed)
        waits.append(next((i for i, (context, _) in enumerate(trail) if context == target), np.nan))
    assert not np.isnan(waits).any()
    expected = product.hitting_times(target)[product.state("101")]
    assert np.mean(waits) == pytest.approx(expected, abs=4.5 * np.std(waits) / np.sqrt(len(waits)))
    for n in (3, 10, 30):
        p = product.hitting_probability(target, n, start="101")
        assert np.mean(np.array(waits) <= n) == pytest.approx(p, abs=0.11)


def test_a_device_that_is_silent_leaves_the_chain_as_it_is(article_run):
    chain = article_run.chain
    product = connect(chain, DEVICES["silent"])
    assert product.n_states == 8
    np.testing.assert_array_equal(product.transition_matrix().toarray(), chain.transition_matrix().toarray())
    np.testing.assert_allclose(product.stationary_distribution(), chain.stationary_distribution(), atol=1e-15)
    assert product.kemeny_constant() == pytest.approx(chain.kemeny_constant(), rel=1e-12)


def test_an_answer_after_every_11_makes_111_a_thing_of_the_past():
    product = connect(uniform_chain(2, 3), LOOKUP)
    there = product.matching("111")
    assert [product.states[i] for i in np.flatnonzero(there)] == [(7, ()), (7, ("1",))]
    # only where the walk began in 111 and the device has not yet read a second 1
    assert np.isinf(product.hitting_times("111")[~there]).all()
    assert product.added(product.state("001"), "1") == ""  # the device has read nothing yet
    one = next(i for i, (context, read) in enumerate(product.states) if context == 1 and read == ("1",))
    assert product.added(one, "1") == "0"
    assert product.context(int(product.successors()[one, 1])) == "110"
    assert {int(s) for s in product.transient_states()} >= {product.state("111")}


def test_every_question_of_a_finite_chain_has_an_answer_with_a_device(article_run):
    product = connect(article_run.chain, DEVICES["two answers"])
    P = product.transition_matrix().toarray()
    graph = networkx.from_numpy_array(P > 0, create_using=networkx.DiGraph)
    classes = [states.tolist() for states in product.recurrent_classes()]
    assert classes == sorted(sorted(c) for c in networkx.attracting_components(graph))
    assert (product.period() == 1) == networkx.is_aperiodic(graph.subgraph(classes[0]))
    pi = product.stationary_distribution()
    np.testing.assert_allclose(pi @ P, pi, atol=1e-14)
    np.testing.assert_allclose(product.advance(pi), pi, atol=1e-14)
    values = np.random.default_rng(0).random(product.n_states)
    np.testing.assert_allclose(product.pull(values), P @ values, atol=1e-14)
    np.testing.assert_allclose(product.advance(values), values @ P, atol=1e-14)
    found = np.sort(np.abs(product.eigenvalues()))[::-1]
    assert found[0] == pytest.approx(1, abs=1e-12)
    assert (found**6).sum() >= abs(np.trace(np.linalg.matrix_power(P, 6))) - 1e-9
    assert (product.eigenvalues() ** 5).sum() == pytest.approx(np.trace(np.linalg.matrix_power(P, 5)), abs=1e-10)
    t = product.mixing_time()
    far = [np.abs(np.linalg.matrix_power(P, int(n)) - pi).sum(axis=1).max() / 2 for n in (t - 1, t)]
    assert far[1] <= 0.25 < far[0]
    assert product.distance_to_stationary(3, start="101") <= product.distance_to_stationary(3)
    inside = np.flatnonzero(~product.matching("101"))
    times = np.linalg.solve(np.eye(len(inside)) - P[np.ix_(inside, inside)], np.ones(len(inside)))
    np.testing.assert_allclose(product.hitting_times("101")[inside], times, rtol=1e-9)
    # three zeros are answered before anyone sees them as a context
    assert np.isinf(product.hitting_times("000")[~product.matching("000")]).all()
    np.testing.assert_allclose(product.absorption_probabilities(), 1, atol=1e-12)
    assert 0 < product.entropy_rate() < np.log(2)
    assert product.causal_states().n_states <= product.n_states
    assert sum(cycle.basin for cycle in product.greedy_cycles()) == product.n_states
    assert repr(product).startswith(f"ConnectedChain({product.n_states} states: 8 contexts, ")


def test_where_all_states_come_back_kemenys_constant_is_the_same_from_every_start():
    chain = random_chain(2, 2, seed=3)
    product = connect(chain, InputDevice.clock(2, "1"))
    assert not product.is_irreducible  # after a 1 was put in, no context ends in 0 with the clock at its start
    with pytest.raises(SettingError, match="never reached"):
        product.kemeny_constant()
    parity = connect(chain, InputDevice(0, lambda state, symbol: ((state + int(symbol)) % 2, [])))
    assert parity.is_irreducible
    pi = parity.stationary_distribution()
    times = np.column_stack([parity.hitting_times(s) for s in range(parity.n_states)])
    np.testing.assert_allclose(times @ pi, parity.kemeny_constant(), rtol=1e-11)


def test_a_clock_of_period_p_makes_the_product_periodic():
    for period in (1, 2, 3, 5):
        product = connect(random_chain(2, 2, seed=period), InputDevice.clock(period, "1"))
        assert product.period() == period
        assert product.mixing_time() == (np.inf if period > 1 else pytest.approx(product.mixing_time()))


def test_connected_chains_with_missing_arrows_are_taken_apart_right():
    for seed in range(6):
        product = connect(sparse_chain(2, 3, seed, 0.4), DEVICES["two answers"])
        P = product.transition_matrix().toarray()
        graph = networkx.from_numpy_array(P > 0, create_using=networkx.DiGraph)
        expected = sorted(sorted(c) for c in networkx.attracting_components(graph))
        assert [states.tolist() for states in product.recurrent_classes()] == expected
        for pi in product.stationary_distributions():
            np.testing.assert_allclose(pi @ P, pi, atol=1e-13)


# -- lookups ------------------------------------------------------------------------------------------------


def reads(device, text):
    """Return what a device puts in while ``text`` is said."""
    state, answers = device.start, []
    for symbol in text:
        state, added = device.read(state, symbol)
        answers.append("".join(added))
    return answers


def test_a_lookup_answers_each_time_it_has_read_its_text():
    assert reads(LOOKUP, "0110111") == ["", "", "0", "", "", "0", ""]


def test_a_lookup_reads_its_own_answers_without_answering_them():
    echo = InputDevice.lookup({"1": "1"})
    assert reads(echo, "101") == ["1", "", "1"]
    assert reads(InputDevice.lookup({"10": "0", "00": "1"}), "100") == ["", "0", "1"]  # 1 0 (0) 0: reads 00


def test_the_longest_text_wins():
    assert reads(InputDevice.lookup({"1": "0", "01": "11"}), "101") == ["0", "", "11"]


@pytest.mark.parametrize("answers", [{}, {"": "0"}, {"11": "0", "": "1"}])
def test_a_lookup_of_nothing_is_refused(answers):
    with pytest.raises(InputDeviceError, match="at least one text"):
        InputDevice.lookup(answers)


def test_words_are_looked_up_as_words():
    vocabulary = bg.Vocabulary("rain sun", tokens="words")
    chain = bg.MarkovChain(np.log([[0.4, 0.6], [0.5, 0.5]]), vocabulary)
    product = connect(chain, InputDevice.lookup({"sun sun": "rain rain"}, vocabulary))
    at = next(i for i, (context, read) in enumerate(product.states) if context == 1 and read == ("sun",))
    assert product.added(at, "sun") == "rain rain"
    assert product.context(int(product.successors()[at, 1])) == "rain"


# -- what is refused ----------------------------------------------------------------------------------------


def test_a_device_that_says_it_is_not_finite_is_refused_with_its_reason(article_run):
    with pytest.raises(InputDeviceError, match=r"not finite: it counts without end.*no finite chain"):
        connect(article_run.chain, InputDevice.counter("0"))


def test_a_device_that_grows_without_saying_so_is_stopped(article_run):
    growing = InputDevice(0, lambda state, symbol: (state + 1, []))
    with pytest.raises(InputDeviceError, match="more than 500 joint states"):
        connect(article_run.chain, growing, max_states=500)


def test_a_device_that_depends_on_something_else_is_found_out(article_run):
    calls = iter(range(10**6))
    moody = InputDevice(0, lambda state, symbol: (0, ["0"] if next(calls) % 2 else []))
    with pytest.raises(InputDeviceError, match="in two ways"):
        connect(article_run.chain, moody)


def test_a_device_that_says_what_the_gpt_does_not_know_is_refused(article_run):
    with pytest.raises(InputDeviceError, match=r"'2' into the context.*does not know"):
        connect(article_run.chain, InputDevice.lookup({"11": "2"}))


@pytest.mark.parametrize("period", [0, -1, 1.5, True])
def test_clocks_tick_whole_tokens(period):
    with pytest.raises(SettingError, match="period="):
        InputDevice.clock(period, "0")


def test_starts_and_targets_of_a_connected_chain_are_checked(article_run):
    product = connect(article_run.chain, LOOKUP)
    for start in ("1", "1011", 10**6):
        with pytest.raises(ContextError):
            product.hitting_probability("000", 3, start=start)
    for target in ("", 10**6, None):
        with pytest.raises(ContextError):
            product.hitting_times(target)


# -- the context alone --------------------------------------------------------------------------------------


def test_without_a_device_context_and_token_say_what_comes_next(article_run):
    alone = context_alone(article_run.chain, None, "101", n_tokens=5000)
    assert alone.n_tokens == 5000
    assert alone.ambiguous == 0
    assert alone.example is None
    assert 8 < alone.questions <= 16


@pytest.mark.parametrize("device", [InputDevice.counter("0"), InputDevice.clock(3, "0"), InputDevice.clock(7, "1")])
def test_with_a_hidden_state_the_same_context_leads_to_different_ones(article_run, device):
    alone = context_alone(article_run.chain, device, "101", n_tokens=5000, seed=2)
    assert 0 < alone.ambiguous <= alone.questions
    context, token, nexts = alone.example
    assert len(nexts) > 1
    assert (context + token)[1:] in nexts


def test_a_device_that_sees_no_more_than_the_context_leaves_no_ambiguity(article_run):
    # what "11" answers is in the context of three tokens; and a clock of period 1 always answers
    for device in (
        InputDevice.clock(1, "0"),
        InputDevice(0, lambda state, symbol: (0, ["1"] if symbol == "0" else [])),
    ):
        assert context_alone(article_run.chain, device, "101", n_tokens=3000).ambiguous == 0


def test_the_same_seed_measures_the_same(article_run):
    first, second = (context_alone(article_run.chain, InputDevice.counter("0"), "101", 2000, seed=5) for _ in range(2))
    assert first == second


def test_measuring_needs_a_start_and_some_tokens(article_run):
    with pytest.raises(SettingError, match="n_tokens="):
        context_alone(article_run.chain, None, "101", n_tokens=0)
    with pytest.raises(ContextError):
        context_alone(article_run.chain, None, "1")
    with pytest.raises(InputDeviceError, match="'2'"):
        context_alone(article_run.chain, InputDevice.clock(1, "2"), "101", n_tokens=10)


def test_a_certain_chain_with_a_device_goes_round_as_by_hand():
    # says 1 for ever; after every 11 the device puts in 0: 1 1 (0) 1 1 (0) …
    chain = chain_of(np.tile([0.0, 1.0], (8, 1)))
    product = connect(chain, LOOKUP)
    (cycle,) = product.greedy_cycles()
    assert sorted(product.context(s) for s in cycle.states) == ["101", "110"]
    assert cycle.basin == product.n_states
    assert product.period() == 2
    assert product.entropy_rate() == 0


def test_what_cannot_be_joined_is_told_and_not_joined_wrongly(article_run):
    chain = article_run.chain
    joined = bg.connect(chain, bg.InputDevice.lookup({"11": "0"}))
    for first, second in ((joined, bg.InputDevice.clock(3, "1")), (None, bg.InputDevice.clock(3, "1")), (chain, None)):
        with pytest.raises(bg.InputDeviceError, match="own chain to one device"):
            bg.connect(first, second)
    with pytest.raises(bg.InputDeviceError, match="waits for 'x'"):
        bg.connect(chain, bg.InputDevice.lookup({"xx": "0"}))


@pytest.mark.parametrize("answer", [5, (0, None), ([], []), (0,)])
def test_an_answer_that_is_none_is_told(article_run, answer):
    with pytest.raises(bg.InputDeviceError, match="an answer is a pair"):
        bg.connect(article_run.chain, bg.InputDevice(0, lambda state, symbol: answer))
