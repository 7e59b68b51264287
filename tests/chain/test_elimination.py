from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from witnesses import chain_of, dense, exact_absorbing, noisy_parity, random_probs

from babygpt.chain.elimination import absorbing_solve, gth


def test_a_fair_coin_takes_two_tosses_on_average():
    assert absorbing_solve(np.array([[0.5]]), np.array([0.5]), np.array([[1.0]])).tolist() == [[2.0]]


def test_the_gamblers_ruin_is_as_solved_by_hand():
    # a fair game between 0 and 5: from i euros it lasts i(5 − i) rounds and is won with probability i/5
    P = (np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)) / 2
    ends = np.array([0.5, 0, 0, 0.5])
    X = absorbing_solve(P, ends, np.column_stack([np.ones(4), [0, 0, 0, 0.5]]))
    np.testing.assert_allclose(X, [[4, 0.2], [6, 0.4], [6, 0.6], [4, 0.8]], rtol=1e-14)


def test_no_states_and_no_columns_are_solved_too():
    assert absorbing_solve(np.zeros((0, 0)), np.zeros(0), np.zeros((0, 2))).shape == (0, 2)
    assert absorbing_solve(np.array([[0.5]]), np.array([0.5]), np.zeros((1, 0))).shape == (1, 0)


def test_the_inputs_are_not_changed():
    P, leave, B = np.array([[0.2, 0.3], [0.1, 0.4]]), np.array([0.5, 0.5]), np.ones((2, 1))
    before = [x.copy() for x in (P, leave, B)]
    absorbing_solve(P, leave, B)
    for x, y in zip((P, leave, B), before, strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_diagonal_is_never_read():
    P = random_probs(0, 5, 1)
    nonsense = P.copy()
    np.fill_diagonal(nonsense, np.nan)
    np.testing.assert_array_equal(gth(nonsense), gth(P))
    leave, B = P[1:, 0], np.ones((4, 1))
    np.testing.assert_array_equal(absorbing_solve(nonsense[1:, 1:], leave, B), absorbing_solve(P[1:, 1:], leave, B))


@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 3))
def test_numpy_solves_the_same_well_conditioned_systems(seed, n, m):
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.ones(n + 1), size=n)
    B = rng.random((n, m))
    found = absorbing_solve(rows[:, :n], rows[:, n], B)
    np.testing.assert_allclose(found, np.linalg.solve(np.eye(n) - rows[:, :n], B), rtol=1e-9)


@pytest.mark.parametrize("noise", [1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("K", [2, 3, 4])
def test_sixty_digits_give_the_same_answer_where_escape_is_nearly_impossible(noise, K):
    rng = np.random.default_rng(K)
    P = dense(np.where(noisy_parity(0.1, K) > 0.5, 1 - noise, noise))
    inside = np.sort(rng.choice(2**K, size=2**K - 1, replace=False))
    outside = np.setdiff1d(np.arange(2**K), inside)
    B = np.column_stack([np.ones(len(inside)), rng.random(len(inside)), np.eye(len(inside))])
    found = absorbing_solve(P[np.ix_(inside, inside)], P[np.ix_(inside, outside)].sum(axis=1), B)
    np.testing.assert_allclose(found, exact_absorbing(P, inside, B), rtol=1e-13)


@pytest.mark.parametrize("noise", [1e-12, 1e-60, 1e-140])
def test_two_rare_tokens_in_a_row_multiply(noise):
    """The majority of three rules: from 000 to 111 takes two rare tokens, so about noise⁻² / 2 tokens."""
    majority = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    chain = chain_of(np.where(majority[:, None] == np.arange(2), 1 - noise, noise))
    np.testing.assert_allclose(chain.stationary_distribution()[[0, 7]], 0.5, rtol=1e-11)
    assert chain.hitting_times("111")[0] == pytest.approx(noise**-2 / 2, rel=1e-9)


@pytest.mark.parametrize("rare", [1e-90, 1e-170, 1e-300])
def test_what_takes_three_rare_arrows_is_solved_even_where_no_float_is_so_small(rare):
    # from 0 to 1 to 2 and away, each time with a rare arrow, else back to 0; a second way out from each, rarer still
    P = np.array([[0, rare, 0], [1, 0, rare], [1, 0, 0]])
    leave = np.array([0, 0, rare])
    ends = np.column_stack([[0, 0, rare], np.zeros(3)])
    X = absorbing_solve(P, leave, np.column_stack([np.ones(3), ends]))
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(X[:, 0], np.float64(rare) ** -3, rtol=1e-9)
    np.testing.assert_allclose(X[:, 1:], [[1, 0]] * 3, rtol=1e-12)
