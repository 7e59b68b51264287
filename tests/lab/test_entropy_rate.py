from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import random_source

from babygpt.lab import sources
from babygpt.lab.entropy_rate import EntropyRate, enclose
from babygpt.lab.hidden_markov import Source


def backwards(source):
    """Return the source that says the same texts from right to left. Its entropy rate is the same."""
    pi = source.stationary()
    return Source(np.swapaxes(source.transitions, 1, 2) * pi[None, None, :] / pi[None, :, None], source.vocabulary)


def random_unifilar(V, S, seed):
    """Return a source whose symbols lead on in random ways; a ring keeps it in one piece."""
    rng = np.random.default_rng(seed)
    T, probs = np.zeros((V, S, S)), rng.dirichlet(np.ones(V), size=S)
    for state in range(S):
        for token in range(V):
            T[token, state, (state + 1) % S if token == 0 else rng.integers(S)] = probs[state, token]
    return Source(T)


@pytest.mark.parametrize("seed", range(8))
def test_a_text_read_backwards_has_the_entropy_rate_that_is_known_forwards_in_closed_form(seed):
    source = random_unifilar(2, 3, seed)
    reverse = backwards(source)
    assert source.is_unifilar
    assert source.entropy_bounds.error == 0.0
    assert reverse.entropy_bounds.lower - 1e-12 <= source.entropy_rate() <= reverse.entropy_bounds.upper + 1e-12
    assert reverse.entropy_bounds.error < 1e-3


def test_at_least_some_of_them_have_no_closed_form_backwards():
    assert sum(not backwards(random_unifilar(2, 3, seed)).is_unifilar for seed in range(8)) >= 4


@pytest.mark.parametrize("name", sources.EXAMPLES)
def test_the_numerical_bounds_hold_what_is_known_in_closed_form(name):
    source = sources.named(name)
    bounds = enclose(source.transitions, source.stationary())
    assert bounds.error < 2e-5
    if source.is_unifilar:
        assert bounds.upper >= source.entropy_rate() - 1e-12
        # The state is known at the beginning, and the symbols tell it from then on: nothing is gained by waiting.
        assert bounds.lower == pytest.approx(source.entropy_rate(), abs=1e-12)


@given(st.integers(0, 10**6), st.booleans())
def test_more_work_draws_the_bounds_together_and_never_past_each_other(seed, sparse):
    source = random_source(2, 3, seed, sparse)
    bounds = [enclose(source.transitions, source.stationary(), 1e-9, work) for work in (6, 100, 1000, 10_000)]
    for rough, fine in pairwise(bounds):
        assert rough.lower - 1e-13 <= fine.lower <= fine.upper <= rough.upper + 1e-13


@given(st.integers(0, 10**6))
def test_with_equally_long_contexts_the_upper_bound_is_the_optimal_loss(seed):
    source = random_source(2, 2, seed)
    assert enclose(source.transitions, source.stationary(), 0.0, 4).upper == pytest.approx(source.optimal_loss(0))
    assert enclose(source.transitions, source.stationary(), 0.0, 12).upper == pytest.approx(source.optimal_loss(1))


def test_the_bounds_of_mess3_hold_what_a_long_sample_loses_by_bayes_rule():
    source, n = sources.mess3(), 100_000
    belief, surprise = source.stationary(), np.empty(n)
    for i, token in enumerate(source.tokens(n, seed=8).tolist()):
        belief = belief @ source.transitions[token]
        surprise[i] = -np.log(belief.sum())
        belief /= belief.sum()
    blocks = surprise.reshape(100, -1).mean(axis=1)  # long enough to be all but independent
    error = blocks.std(ddof=1) / np.sqrt(len(blocks))
    assert error < 4e-3
    assert source.entropy_rate() == pytest.approx(surprise.mean(), abs=4 * error)


def test_the_tolerance_is_kept_where_there_is_room_for_it():
    source = sources.mess3(x=0.15, a=0.6)
    for tolerance in (1e-3, 1e-5, 1e-7):
        bounds = enclose(source.transitions, source.stationary(), tolerance)
        assert 0 < 2 * bounds.error <= tolerance


def test_what_is_told_apart_only_by_a_name_is_a_coin():
    twins = Source(np.full((2, 2, 2), 0.25))
    assert not twins.is_unifilar
    assert twins.entropy_rate() == pytest.approx(np.log(2), abs=1e-15)


def test_the_value_is_in_the_middle():
    rate = EntropyRate(0.25, 0.75)
    assert (rate.value, rate.error) == (0.5, 0.25)
