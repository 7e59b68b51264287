from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from witnesses import chain_of, random_chain, sparse_chain, uniform_chain

import babygpt as bg
from babygpt.chain.input_device import InputDevice, connect


def greedy_graph(chain):
    """Return the functional graph of greedy decoding."""
    heads = chain.successors()[np.arange(chain.n_states), chain.log_probs.argmax(axis=1)]
    return networkx.DiGraph(enumerate(heads.tolist()))


def test_the_article_chain_has_one_attractor_the_cycle_of_four(article_run):
    (cycle,) = article_run.chain.greedy_cycles()
    assert [article_run.chain.context(s) for s in cycle.states] == ["011", "111", "110", "101"]
    assert cycle.word == "1011"
    assert cycle.basin == 8


def test_a_cycles_word_is_what_it_says_on_the_way_round(article_run):
    (cycle,) = article_run.chain.greedy_cycles()
    said = article_run.chain.with_decoding(temperature=0).sample("011", 12)
    assert said == cycle.word * 3


def test_two_stubborn_tokens_make_two_cycles_the_larger_basin_first():
    chain = chain_of([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])
    first, second = chain.greedy_cycles()
    assert (first.states, first.word, first.basin) == ((0,), "0", 3)
    assert (second.states, second.word, second.basin) == ((3,), "1", 1)


def test_of_equal_tokens_the_first_is_said():
    (cycle,) = uniform_chain(3, 2).greedy_cycles()
    assert (cycle.states, cycle.word, cycle.basin) == ((0,), "0", 9)


def test_equal_basins_come_in_order_of_their_states():
    chain = chain_of([[0.9, 0.1], [0.1, 0.9]])
    assert [cycle.states for cycle in chain.greedy_cycles()] == [(0,), (1,)]


@given(st.integers(0, 10**6), st.sampled_from([(2, 1), (2, 5), (3, 3), (5, 2)]))
def test_networkx_finds_the_same_cycles_and_basins(seed, size):
    chain = random_chain(*size, seed)
    graph = greedy_graph(chain)
    found = {frozenset(cycle.states): cycle for cycle in chain.greedy_cycles()}
    assert set(found) == {frozenset(states) for states in networkx.simple_cycles(graph)}
    assert sum(cycle.basin for cycle in found.values()) == chain.n_states
    for states, cycle in found.items():
        assert cycle.states[0] == min(states)
        assert list(graph.successors(cycle.states[-1])) == [cycle.states[0]]
        basin = set(states).union(*(networkx.ancestors(graph, s) for s in states))
        assert cycle.basin == len(basin)
    basins = [cycle.basin for cycle in chain.greedy_cycles()]
    assert basins == sorted(basins, reverse=True)


@given(st.integers(0, 10**6))
def test_cycles_are_the_recurrent_classes_of_the_chain_at_temperature_zero(seed):
    chain = random_chain(3, 3, seed)
    cold = chain.with_decoding(temperature=0)
    cycles = sorted((sorted(cycle.states) for cycle in chain.greedy_cycles()), key=min)
    assert [states.tolist() for states in cold.recurrent_classes()] == cycles
    assert cold.periods() == [len(states) for states in cycles]
    basins = cold.absorption_probabilities().sum(axis=0)
    assert sorted(basins) == sorted(cycle.basin for cycle in chain.greedy_cycles())


def test_every_temperature_above_zero_has_the_same_cycles():
    for seed in range(5):
        chain = random_chain(2, 5, seed)
        assert chain.greedy_cycles() == chain.with_decoding(temperature=3.0).greedy_cycles()
        assert chain.greedy_cycles() == chain.with_decoding(top_k=1).greedy_cycles()


def test_a_large_chain_keeps_every_state_in_one_basin():
    chain = random_chain(2, 16, seed=1)
    assert sum(cycle.basin for cycle in chain.greedy_cycles()) == 2**16


def test_words_are_written_as_words():
    chain = bg.MarkovChain(np.log([[0.1, 0.9], [0.9, 0.1]]), bg.Vocabulary("rain sun", tokens="words"))
    (cycle,) = chain.greedy_cycles()
    assert cycle.word == "sun rain"


@pytest.mark.parametrize("seed", range(4))
def test_a_chain_with_a_device_has_cycles_too(seed):
    chain = connect(sparse_chain(2, 3, seed, 0.3), InputDevice.lookup({"11": "0"}))
    graph = greedy_graph(chain)
    found = {frozenset(cycle.states) for cycle in chain.greedy_cycles()}
    assert found == {frozenset(states) for states in networkx.simple_cycles(graph)}
    assert sum(cycle.basin for cycle in chain.greedy_cycles()) == chain.n_states
