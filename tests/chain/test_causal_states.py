from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from witnesses import chain_of, matrix, random_chain, random_probs, sparse_chain, uniform_chain, word_probability, words

import babygpt as bg
from babygpt.errors import SettingError


def futures(chain, length):
    """Return the probability of every word of ``length`` tokens from every state: (N, V^length)."""
    symbols = chain.vocabulary.symbols
    return np.array(
        [[word_probability(chain, context, word) for word in words(symbols, length)] for context in chain.contexts()]
    )


def parts_by_brute_force(chain):
    """Group states whose words of up to 2K tokens are equally likely."""
    table = futures(chain, 2 * chain.context_length)  # the shorter words follow by adding up
    seen, of_state = [], []
    for row in table:
        match = [i for i, other in enumerate(seen) if np.allclose(row, other, rtol=0, atol=1e-9)]
        of_state.append(match[0] if match else len(seen))
        if not match:
            seen.append(row)
    return of_state


def golden_mean():
    """Return the source that never says 11, and says 1 half the time where it may; context length 2."""
    return chain_of([[0.5, 0.5], [1.0, 0.0], [0.5, 0.5], [1.0, 0.0]])


def test_a_uniform_chain_has_one_causal_state_and_nothing_to_remember():
    for V, K in [(2, 1), (2, 4), (3, 3)]:
        machine = uniform_chain(V, K).causal_states()
        assert machine.n_states == 1
        assert machine.statistical_complexity == pytest.approx(0, abs=1e-14)
        assert machine.statistical_complexity >= 0
        assert machine.of_state.tolist() == [0] * V**K
        assert machine.transition_matrix().toarray().tolist() == [[pytest.approx(1)]]


def test_the_golden_mean_is_a_machine_of_two_states():
    machine = golden_mean().causal_states()
    assert machine.of_state.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(machine.probs, [[0.5, 0.5], [1, 0]])
    assert machine.targets.tolist() == [[0, 1], [0, -1]]
    np.testing.assert_allclose(machine.weights, [2 / 3, 1 / 3], rtol=1e-13)
    assert machine.statistical_complexity == pytest.approx(np.log(3) - 2 / 3 * np.log(2), rel=1e-13)


def test_the_even_process_cannot_forget_whether_ones_were_odd_until_a_zero_came():
    """Ones come in pairs; a context of 3 tells the parity of its run of ones unless it is all ones."""
    # 0: toss; odd run after a 0: 1 for certain; even run: toss; 111: undecided, three quarters
    say_one = {"000": 0.5, "100": 0.5, "010": 0.5, "110": 0.5, "001": 1.0, "101": 1.0, "011": 0.5, "111": 0.75}
    chain = chain_of([[1 - say_one[c], say_one[c]] for c in (f"{s:03b}" for s in range(8))])
    machine = chain.causal_states()
    assert machine.of_state.tolist() == parts_by_brute_force(chain)
    assert machine.of_state[0] == machine.of_state[6] != machine.of_state[3]  # 011 may become 111, 110 may not
    assert machine.n_states == 4


def test_a_period_of_p_has_p_causal_states_and_complexity_ln_p():
    run_of = bg.Corpus.from_text("11110" * 6, context_length=4)
    chain = bg.MarkovChain.from_corpus(run_of)
    machine = chain.causal_states()
    recurrent = np.unique(machine.of_state[chain.recurrent_classes()[0]])
    assert len(recurrent) == 5
    assert machine.statistical_complexity == pytest.approx(np.log(5), rel=1e-12)


def test_the_article_chain_is_already_as_small_as_it_can_be(article_run):
    machine = article_run.chain.causal_states()
    assert machine.n_states == 8
    pi = article_run.chain.stationary_distribution()
    assert machine.statistical_complexity == pytest.approx(-(pi * np.log(pi)).sum(), rel=1e-12)
    np.testing.assert_allclose(machine.transition_matrix().toarray(), matrix(article_run.chain), atol=1e-15)


@pytest.mark.parametrize(("V", "r", "K"), [(2, 0, 3), (2, 1, 4), (2, 2, 4), (3, 1, 3), (3, 2, 3), (2, 3, 3)])
def test_a_source_of_order_r_has_v_to_the_r_causal_states_at_every_context_length(V, r, K):
    probs = random_probs(r, V, r)
    machine = chain_of(np.tile(probs, (V ** (K - r), 1))).causal_states()
    assert machine.n_states == V**r
    np.testing.assert_array_equal(machine.of_state, np.arange(V**K) % V**r)
    np.testing.assert_allclose(machine.probs, probs, atol=1e-14)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_an_ngram_has_at_most_v_to_the_order_causal_states(order):
    corpus = bg.Corpus.from_text("abcabbacbcaacbabcbcab", context_length=3)
    chain = bg.MarkovChain.from_corpus(corpus, order)
    assert chain.causal_states().n_states <= 3**order


def test_zeros_and_coins_make_many_partitions_and_brute_force_finds_the_same():
    """Rows drawn from a handful, so that states agree at first and part later."""
    kinds = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0], [0.3, 0.7]])
    sizes = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        chain = chain_of(kinds[rng.integers(rng.integers(1, 5), size=8)])
        machine = chain.causal_states()
        assert machine.of_state.tolist() == parts_by_brute_force(chain), seed
        sizes.add(machine.n_states)
    assert len(sizes) >= 4


@given(st.integers(0, 10**6))
def test_the_machine_says_every_word_as_often_as_the_chain(seed):
    rng = np.random.default_rng(seed)
    kinds = np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0]])
    chain = chain_of(kinds[rng.integers(2, size=8)])
    machine = chain.causal_states()
    for context, state in zip(chain.contexts(), machine.of_state, strict=True):
        for word in words(("0", "1"), 4):
            p, at = 1.0, int(state)
            for token in map(int, word):
                p *= machine.probs[at, token]
                at = int(machine.targets[at, token])
                if at < 0:
                    break
            assert p == pytest.approx(word_probability(chain, context, word), abs=1e-9)


@given(st.integers(0, 10**6))
def test_weights_are_those_of_the_members_and_stationary_for_the_machine(seed):
    rng = np.random.default_rng(seed)
    chain = chain_of(random_probs(seed, 2, 1)[rng.integers(2, size=16)])
    machine = chain.causal_states()
    pi = chain.stationary_distribution()
    for state in range(machine.n_states):
        assert machine.weights[state] == pytest.approx(pi[machine.of_state == state].sum(), abs=1e-12)
    np.testing.assert_allclose(machine.weights @ machine.transition_matrix(), machine.weights, atol=1e-10)
    assert machine.statistical_complexity <= -(pi * np.log(pi)).sum() + 1e-12


def test_states_are_numbered_in_order_of_first_occurrence():
    for seed in range(5):
        of_state = sparse_chain(2, 4, seed, 0.6).causal_states().of_state
        firsts = [int(np.flatnonzero(of_state == i)[0]) for i in range(of_state.max() + 1)]
        assert firsts == sorted(firsts)


def test_a_tolerance_merges_what_lies_closer():
    # 00 and 10 agree to a hundredth, so do 01 and 11; the last token alone decides where each leads
    chain = chain_of([[0.5, 0.5], [0.7, 0.3], [0.508, 0.492], [0.708, 0.292]])
    assert chain.causal_states().n_states == 4
    merged = chain.causal_states(0.01)
    assert merged.of_state.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(merged.probs, [[0.504, 0.496], [0.704, 0.296]])
    # in another order the same four rows lead apart, and closeness alone does not merge them
    apart = chain_of([[0.5, 0.5], [0.508, 0.492], [0.7, 0.3], [0.708, 0.292]])
    assert apart.causal_states(0.01).n_states == 4
    assert apart.causal_states(0.21).n_states == 1
    np.testing.assert_allclose(apart.causal_states(0.21).probs, [apart.probs.mean(axis=0)])


def test_a_tolerance_says_what_is_alike_and_not_which_arrows_there_are():
    chain = chain_of([[0.5, 0.5], [0.508, 0.492], [0.7, 0.3], [0.708, 0.292]])
    assert chain.causal_states(0.3).n_states == chain.causal_states(0.21).n_states == 1
    # 4 % and 6 % are alike to a twentieth, wherever they lie
    alike = chain_of([[0.96, 0.04], [0.5, 0.5], [0.94, 0.06], [0.5, 0.5]])
    assert alike.causal_states(0.05).n_states == 2
    np.testing.assert_allclose(alike.causal_states(0.05).transition_matrix().sum(axis=1), 1)


def test_a_larger_tolerance_never_gives_more_states():
    for seed in range(5):
        chain = random_chain(2, 5, seed)
        sizes = [chain.causal_states(t).n_states for t in (0, 1e-6, 1e-3, 0.01, 0.05, 0.2, 0.9)]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] == 32


def test_rounding_does_not_part_states():
    table = np.log(np.tile([[1 / 3, 2 / 3], [0.1, 0.9]], (8, 1)))
    table[3] = np.nextafter(table[3], 0)
    table[6] = np.nextafter(table[6], -1)
    assert bg.MarkovChain(table).causal_states().n_states == 2


def test_several_recurrent_classes_leave_the_weights_open():
    machine = chain_of([[1.0, 0.0], [0.0, 1.0]]).causal_states()
    assert machine.n_states == 2
    assert np.isnan(machine.weights).all()


@pytest.mark.parametrize("tolerance", [-1e-9, 1, 1.5, float("nan"), float("inf"), -float("inf")])
def test_a_tolerance_that_is_none_is_refused(tolerance):
    with pytest.raises(SettingError, match="tolerance="):
        uniform_chain(2, 2).causal_states(tolerance)


def test_a_large_chain_of_low_order_is_seen_through():
    probs = random_probs(0, 2, 3)
    assert chain_of(np.tile(probs, (2**13, 1))).causal_states().n_states == 8


def test_many_small_gaps_in_a_row_do_not_make_one_state_of_all():
    p = np.random.default_rng(0).permutation(np.linspace(0.02, 0.98, 256))
    machine = chain_of(np.column_stack([1 - p, p])).causal_states(0.01)
    assert machine.n_states > 90
    for state in range(machine.n_states):
        assert np.ptp(p[machine.of_state == state]) <= 0.01


def test_complexity_is_no_number_where_there_is_no_single_long_run():
    machine = chain_of([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5], [0.0, 1.0]]).causal_states()
    assert np.isnan(machine.statistical_complexity)
