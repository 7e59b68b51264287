from __future__ import annotations

import networkx
import numpy as np
import pytest
from mpmath import mp
from quantecon import MarkovChain as QuantEcon
from witnesses import (
    chain_of,
    exact_absorbing,
    exact_hitting_times,
    exact_stationary,
    many_digits,
    matrix,
    random_chain,
    sparse_chain,
    uniform_chain,
)

import babygpt as bg
from babygpt.chain import hitting, solve, structure
from babygpt.errors import ConvergenceError, SettingError, SizeError

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


def test_arrows_that_underflow_are_arrows_and_are_reported():
    chain = bg.MarkovChain([[0.0, -800.0], [-801.0, 0.0]])
    assert (chain.n_zero_arrows, chain.n_missing_arrows, chain.n_underflowed_arrows) == (2, 0, 2)
    assert chain.is_irreducible
    assert chain.period() == 1
    np.testing.assert_allclose(chain.stationary_distribution(), [1 / (1 + np.e), np.e / (1 + np.e)], rtol=1e-14)
    assert chain.hitting_times("1").tolist() == [np.inf, 0]  # e⁸⁰⁰ tokens, too many for a float
    assert cycle_chain().n_underflowed_arrows == 0
    assert cycle_chain().n_missing_arrows == cycle_chain().n_zero_arrows == 4


def cold(seed, K, spread, missing=0.0):
    """Return a chain with many arrows too small for a float, and some that are not there."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(2**K, 2)) * spread
    logits[rng.random(2**K) < missing, rng.integers(2)] = -np.inf
    return bg.MarkovChain(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("spread", [900, 3_000, 300_000])
@pytest.mark.parametrize("seed", range(3))
def test_structure_is_that_of_the_arrows_that_are_there_however_small(seed, spread, missing):
    chain = cold(seed, 4, spread, missing)
    assert chain.n_underflowed_arrows > 0
    assert (chain.n_missing_arrows > 0) == (missing > 0)
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(16))
    for s, t in zip(*np.nonzero(chain.log_probs > -np.inf), strict=True):
        graph.add_edge(int(s), int(chain.successors()[s, t]))
    classes = [states.tolist() for states in chain.recurrent_classes()]
    assert classes == sorted(sorted(c) for c in networkx.attracting_components(graph))
    for states, period in zip(classes, chain.periods(), strict=True):
        assert (period == 1) == networkx.is_aperiodic(graph.subgraph(states))
    for target in range(0, 16, 5):
        mask = np.arange(16) == target
        reached = structure.reaching(chain, mask)
        assert set(np.flatnonzero(reached).tolist()) == networkx.ancestors(graph, target) | {target}
        certain = np.ones(16, dtype=bool)  # but where no way that avoids the target leads where it is out of reach
        for lost in np.flatnonzero(~reached).tolist():
            cut = graph.copy()
            cut.remove_edges_from(list(graph.out_edges(target)))
            certain[list(networkx.ancestors(cut, lost) | {lost})] = False
        times = chain.hitting_times(target)
        assert not np.isfinite(times[~certain]).any()


@pytest.mark.parametrize("spread", [120, 400, 900])
@pytest.mark.parametrize("seed", range(3))
def test_what_underflows_is_solved_as_with_many_digits(seed, spread):
    chain = cold(seed, 3, spread)
    digits = 60 + 4 * int(-chain.log_probs.min())  # e^−x has x / 2.3 zeros, and eight such meet
    P = many_digits(chain, digits)
    np.testing.assert_allclose(chain.stationary_distribution(), exact_stationary(P, digits), rtol=1e-12, atol=5e-324)
    for target in (0, 5):
        with np.errstate(over="ignore"):
            expected = exact_hitting_times(P, [target], digits)
        np.testing.assert_allclose(chain.hitting_times(target), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_where_a_cold_walk_ends_is_solved_as_with_many_digits(seed):
    logits = np.random.default_rng(seed).normal(size=(8, 2)) * 900
    logits[[0, 7]] = [[0, -np.inf], [-np.inf, 0]]
    chain = bg.MarkovChain(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    assert [states.tolist() for states in chain.recurrent_classes()] == [[0], [7]]
    digits = 60 + 4 * int(-chain.log_probs[np.isfinite(chain.log_probs)].min())
    inside, P = np.arange(1, 7), many_digits(chain, digits)
    with mp.workdps(digits):
        ends = np.array([[P[int(i), j] for j in (0, 7)] for i in inside])
        expected = exact_absorbing(P, inside, ends, digits)
    np.testing.assert_allclose(chain.absorption_probabilities()[inside], expected, rtol=1e-12, atol=5e-324)


def test_arrows_beyond_all_numbers_have_a_structure_and_a_sentence():
    chain = bg.MarkovChain([[0.0, -1e30], [-1e30, 0.0]])
    assert chain.is_irreducible
    with pytest.raises(ConvergenceError, match=r"e\^-1e\+30.*higher temperature"):
        chain.stationary_distribution()


def test_too_many_states_with_arrows_too_small_for_a_float_have_a_structure_and_a_sentence():
    logits = np.random.default_rng(0).normal(size=(2**11, 2)) * 900
    chain = bg.MarkovChain(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    assert chain.is_irreducible
    assert chain.period() == 1
    with pytest.raises(ConvergenceError, match=r"too rare for a float64.*1,024 states"):
        chain.stationary_distribution()


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


@pytest.mark.parametrize("K", [11, 13])
def test_many_transient_states_are_absorbed_where_they_must(K):
    # 0 for ever, from wherever; in the other chain a fair coin decides until K tokens in a row agree
    chain = chain_of(np.tile([1.0, 0.0], (2**K, 1)))
    assert len(chain.transient_states()) == 2**K - 1
    np.testing.assert_allclose(chain.absorption_probabilities(), np.ones((2**K, 1)), rtol=1e-12)
    probs = np.full((2**K, 2), 0.5)
    probs[0], probs[-1] = (1, 0), (0, 1)
    fair = chain_of(probs).absorption_probabilities()
    np.testing.assert_allclose(fair, fair[::-1, ::-1], atol=1e-9)  # 0 for 1 and 1 for 0
    np.testing.assert_allclose(fair.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(chain_of(probs).transition_matrix() @ fair, fair, atol=1e-9)


def ruin(n, p):
    """Return the game between 0 and n euros in which each round is won with probability p."""
    P = np.zeros((n + 1, n + 1))
    P[0, 0] = P[n, n] = 1
    inner = np.arange(1, n)
    P[inner, inner + 1], P[inner, inner - 1] = p, 1 - p
    return chain_of(P, bg.Vocabulary.numbers(n + 1))


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("p", [0.5, 0.4, 0.6])
@pytest.mark.parametrize("n", [10, 1_500])
def test_the_gamblers_ruin_is_that_of_the_textbook(monkeypatch, n, p, dense):
    """Feller: won from i with ((q/p)^i − 1) / ((q/p)^n − 1), i/n if fair; a fair game lasts i(n − i) rounds."""
    if not dense:
        monkeypatch.setattr(solve, "MAX_DENSE", 8)
        monkeypatch.setattr(hitting, "MAX_ELIMINATION", 4)
    chain, i = ruin(n, p), np.arange(n + 1)
    with mp.workdps(400):
        r = (1 - mp.mpf(p)) / mp.mpf(p)
        won = [k / n if p == 0.5 else float((r**k - 1) / (r**n - 1)) for k in range(n + 1)]
    lasts = i * (n - i) if p == 0.5 else (i - n * np.array(won)) / (1 - 2 * p)
    np.testing.assert_allclose(chain.hitting_times([0, n]), lasts, atol=1e-8 * lasts.max())
    found = chain.absorption_probabilities()
    np.testing.assert_allclose(found[:, 1], won, rtol=1e-11 if dense else 0, atol=0 if dense else 1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-9)


def test_more_states_and_classes_than_fit_are_refused_with_the_limit(monkeypatch):
    monkeypatch.setattr(structure, "MAX_ABSORPTION", 11)
    with pytest.raises(SizeError, match=r"4 states can end in 3 classes.*limit of 11.*hitting_probability"):
        cycle_chain().absorption_probabilities()


@pytest.mark.parametrize("memory", [0, 10])
def test_transient_states_that_no_factorisation_takes_are_right_or_refused(monkeypatch, memory):
    chain = ruin(60, 0.5)
    monkeypatch.setattr(solve, "MAX_DENSE", 8)
    monkeypatch.setattr(solve, "MAX_FACTORS", memory)
    try:
        found = chain.absorption_probabilities()
    except ConvergenceError as error:
        assert "hitting_probability" in str(error)  # noqa: PT017
        return
    np.testing.assert_allclose(found[:, 1], np.arange(61) / 60, atol=1e-6)


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
