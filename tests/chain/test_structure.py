from __future__ import annotations

import networkx
import numpy as np
import pytest
from quantecon import MarkovChain as QuantEcon
from witnesses import (
    chain_of,
    exact_absorbing,
    exact_stationary,
    matrix,
    random_chain,
    sparse_chain,
    uniform_chain,
)

import babygpt as bg
from babygpt.chain import structure
from babygpt.errors import SettingError, SizeError

SIZES = [(2, 1), (2, 2), (2, 3), (2, 4), (3, 1), (3, 2), (3, 3), (3, 4)]


def digraph(chain):
    return networkx.from_numpy_array(matrix(chain) > 0, create_using=networkx.DiGraph)


def cycle_chain():
    """Return a chain with the cycles 0, 01 and 1 of its de Bruijn graph and nothing else that lasts."""
    # 00→0, 01→0, 10→1, 11→1: three classes {00}, {01, 10}, {11}
    return chain_of([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])


# -- by hand ------------------------------------------------------------------------------------------------


def test_three_cycles_are_three_classes_with_their_periods():
    chain = cycle_chain()
    assert [states.tolist() for states in chain.recurrent_classes()] == [[0], [1, 2], [3]]
    assert chain.periods() == [1, 2, 1]
    assert chain.transient_states().tolist() == []
    assert not chain.is_irreducible
    np.testing.assert_array_equal(chain.stationary_distributions(), [[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 1]])
    np.testing.assert_array_equal(chain.absorption_probabilities(), [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]])


def test_a_transient_state_falls_to_either_side_as_solved_by_hand():
    # 00 and 11 stay; 01 says 1 with 0.3, else goes on to 10, which says 0 with 0.6
    chain = chain_of([[1.0, 0.0], [0.7, 0.3], [0.6, 0.4], [0.0, 1.0]])
    assert chain.transient_states().tolist() == [1, 2]
    to_11 = 0.3 / (1 - 0.7 * 0.4)
    to_00 = 0.6 / (1 - 0.7 * 0.4)
    np.testing.assert_allclose(
        chain.absorption_probabilities(), [[1, 0], [1 - to_11, to_11], [to_00, 1 - to_00], [0, 1]], rtol=1e-14
    )


def test_the_period_of_several_classes_is_asked_one_by_one():
    with pytest.raises(SettingError, match=r"3 recurrent classes; periods\(\)"):
        cycle_chain().period()


@pytest.mark.parametrize(("V", "K"), SIZES)
def test_a_chain_with_every_arrow_is_irreducible_and_aperiodic(V, K):
    chain = random_chain(V, K)
    assert chain.is_irreducible
    assert chain.period() == 1
    (states,) = chain.recurrent_classes()
    np.testing.assert_array_equal(states, np.arange(V**K))
    np.testing.assert_array_equal(chain.absorption_probabilities(), np.ones((V**K, 1)))


def test_underflow_cuts_a_cold_chain_apart_and_is_reported():
    chain = bg.MarkovChain([[0.0, -800.0], [-800.0, 0.0]])
    assert chain.n_underflowed_arrows == 2
    assert len(chain.recurrent_classes()) == 2
    assert cycle_chain().n_underflowed_arrows == 0


def test_classes_are_the_callers_to_change():
    chain = uniform_chain(2, 2)
    chain.recurrent_classes()[0][:] = 7
    assert chain.recurrent_classes()[0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("p", [2, 3, 4, 5, 6, 7, 8])
def test_saying_one_word_for_ever_has_the_period_of_the_word(p):
    word, K = "1" * (p - 1) + "0", p
    texts = [(word * 3)[i : i + K] for i in range(p)]
    probs = np.full((2**K, 2), [0.5, 0.5])
    for text in texts:
        after = int((word * 3)[texts.index(text) + K])
        probs[int(text, 2)] = np.eye(2)[after]
    chain = chain_of(probs)
    assert chain.period() == p
    assert chain.recurrent_classes()[0].tolist() == sorted(int(text, 2) for text in texts)
    np.testing.assert_allclose(chain.stationary_distribution()[chain.recurrent_classes()[0]], 1 / p, rtol=1e-14)


# -- against quantecon and networkx -------------------------------------------------------------------------


@pytest.mark.parametrize(("V", "K"), SIZES)
@pytest.mark.parametrize("missing", [0.2, 0.5, 0.8])
def test_quantecon_and_networkx_find_the_same_structure(V, K, missing):
    kinds = set()
    for seed in range(8):
        chain = sparse_chain(V, K, seed, missing)
        other = QuantEcon(matrix(chain))
        graph = digraph(chain)
        classes = [states.tolist() for states in chain.recurrent_classes()]
        assert classes == sorted(sorted(c.tolist()) for c in other.recurrent_classes_indices)
        assert classes == sorted(sorted(c) for c in networkx.attracting_components(graph))
        recurrent = {s for states in classes for s in states}
        assert chain.transient_states().tolist() == sorted(set(range(chain.n_states)) - recurrent)
        assert chain.is_irreducible == other.is_irreducible == networkx.is_strongly_connected(graph)
        for states, period in zip(classes, chain.periods(), strict=True):
            part = QuantEcon(matrix(chain)[np.ix_(states, states)])
            assert period == part.period
            assert (period == 1) == networkx.is_aperiodic(graph.subgraph(states))
        theirs = sorted(other.stationary_distributions.tolist(), key=lambda pi: np.flatnonzero(pi)[0])
        np.testing.assert_allclose(chain.stationary_distributions(), theirs, atol=1e-13)
        kinds |= {("classes", min(2, len(classes))), ("transient", len(recurrent) < chain.n_states)}
    if K > 1 and missing == 0.5:
        assert ("transient", True) in kinds


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("small", [1e-4, 1e-8, 1e-12])
def test_nearly_reducible_chains_are_irreducible_and_weighed_like_in_quantecon(seed, small):
    probs = sparse_chain(3, 3, seed, 0.6).probs
    chain = chain_of((probs + small) / (1 + 3 * small))
    assert chain.is_irreducible
    assert QuantEcon(matrix(chain)).is_irreducible
    np.testing.assert_allclose(chain.stationary_distribution(), exact_stationary(matrix(chain)), rtol=1e-12)
    np.testing.assert_allclose(
        chain.stationary_distribution(), QuantEcon(matrix(chain)).stationary_distributions[0], rtol=1e-12
    )


@pytest.mark.parametrize("seed", range(12))
def test_absorption_is_where_a_very_long_walk_is(seed):
    chain = sparse_chain(2, 4, seed, 0.55)
    far = np.linalg.matrix_power(matrix(chain), 2**20 - 1)
    reached = np.column_stack([far[:, states].sum(axis=1) for states in chain.recurrent_classes()])
    found = chain.absorption_probabilities()
    np.testing.assert_allclose(found, reached, atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-14)


@pytest.mark.parametrize("noise", [1e-3, 1e-6, 1e-9, 1e-12])
def test_absorption_after_ages_agrees_with_sixty_digits(noise):
    # 000 and 111 keep what they are; elsewhere the parity walk goes round and hardly ever gets there
    rng = np.random.default_rng(1)
    probs = np.empty((8, 2))
    for s in range(8):
        odd = bin(s).count("1") % 2
        small = noise * rng.uniform(0.5, 2)
        probs[s] = (small, 1 - small) if odd else (1 - small, small)
    probs[0], probs[7] = (1, 0), (0, 1)
    chain = chain_of(probs)
    assert [states.tolist() for states in chain.recurrent_classes()] == [[0], [7]]
    inside = np.arange(1, 7)
    P = matrix(chain)
    np.testing.assert_allclose(
        chain.absorption_probabilities()[inside], exact_absorbing(P, inside, P[inside][:, [0, 7]]), rtol=1e-13
    )


# -- decoding makes structure ------------------------------------------------------------------------------


def test_top_k_of_one_leaves_transient_states_that_greedy_leaves_too(article_run):
    chain = article_run.chain.with_decoding(top_k=1)
    (states,) = chain.recurrent_classes()
    assert {chain.context(s) for s in states} == {"111", "110", "101", "011"}
    assert chain.period() == 4
    assert [chain.context(s) for s in chain.transient_states()] == ["000", "001", "010", "100"]
    np.testing.assert_allclose(chain.stationary_distribution()[states], 0.25, rtol=1e-14)
    assert chain.entropy_rate() == 0


def test_min_p_cuts_a_stubborn_chain_into_two_classes():
    # says again what it said, with 99 %
    stubborn = chain_of([[0.99, 0.01], [0.01, 0.99], [0.99, 0.01], [0.01, 0.99]])
    assert stubborn.is_irreducible
    cut = stubborn.with_decoding(min_p=0.1)
    assert [states.tolist() for states in cut.recurrent_classes()] == [[0], [3]]
    np.testing.assert_array_equal(cut.absorption_probabilities(), [[1, 0], [0, 1], [1, 0], [0, 1]])
    assert cut.hitting_times("11").tolist() == [np.inf, 1, np.inf, 0]


@pytest.mark.parametrize("settings", [{"top_k": 2}, {"top_p": 0.6}, {"min_p": 0.5}, {"temperature": 0}])
def test_networkx_sees_the_same_classes_after_truncation(settings):
    for seed in range(4):
        chain = random_chain(4, 3, seed).with_decoding(**settings)
        assert chain.n_zero_arrows > 0
        expected = sorted(sorted(c) for c in networkx.attracting_components(digraph(chain)))
        assert [states.tolist() for states in chain.recurrent_classes()] == expected


# -- reaching and size --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_reaching_is_being_an_ancestor(seed):
    chain = sparse_chain(2, 4, seed, 0.6)
    targets = np.zeros(16, dtype=bool)
    targets[[3, 9]] = True
    graph = digraph(chain)
    expected = {3, 9} | networkx.ancestors(graph, 3) | networkx.ancestors(graph, 9)
    assert set(np.flatnonzero(structure.reaching(chain, targets)).tolist()) == expected


def test_states_to_be_avoided_are_not_set_out_from():
    # 00 → 01 → 10 → 00 (and 11 → 11): reaching 00 from 01 leads through 10
    chain = chain_of([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    mask = np.array([True, False, False, False])
    avoid = np.array([False, False, True, False])
    assert structure.reaching(chain, mask).tolist() == [True, True, True, False]
    assert structure.reaching(chain, mask, avoid).tolist() == [True, False, False, False]


def test_absorption_from_too_many_transient_states_is_refused_with_the_limit():
    # 0 for ever, from wherever: 2¹¹ − 1 transient states
    chain = chain_of(np.tile([1.0, 0.0], (2**11, 1)))
    assert len(chain.transient_states()) == 2047
    with pytest.raises(SizeError, match=r"2,047 transient states.*limit is 1,024.*hitting_probability"):
        chain.absorption_probabilities()


def test_a_large_chain_with_two_classes_is_taken_apart_as_by_networkx():
    chain = sparse_chain(2, 12, 3, 0.5)
    expected = sorted(sorted(c) for c in networkx.attracting_components(digraph_sparse(chain)))
    assert [states.tolist() for states in chain.recurrent_classes()] == expected
    assert len(chain.transient_states()) == 4096 - sum(map(len, expected))


def digraph_sparse(chain):
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(chain.n_states))
    tails, tokens = np.nonzero(chain.probs)
    graph.add_edges_from(zip(tails.tolist(), chain.successors()[tails, tokens].tolist(), strict=True))
    return graph
