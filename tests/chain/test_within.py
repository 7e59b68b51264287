"""Reaching a target within any number of tokens: against following one by one, and against mpmath."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import babygpt as bg
from babygpt.chain import hitting


@pytest.mark.parametrize(("V", "K"), [(2, 1), (2, 4), (3, 3)])
@pytest.mark.parametrize("within", [4097, 5000, 8191])
def test_doubling_says_what_following_token_by_token_says(V: int, K: int, within: int) -> None:
    rng = np.random.default_rng(V * K)
    with np.errstate(divide="ignore"):  # a few arrows are not there
        chain = bg.MarkovChain(np.log(rng.dirichlet(np.full(V, 0.05), V**K)))
    target = np.arange(V**K) == V**K - 1
    reached = target.astype(float)
    for _ in range(within):
        reached = np.where(target, 1.0, chain.pull(reached))
    np.testing.assert_allclose(chain.hitting_probability(V**K - 1, within), reached, rtol=1e-12)


@pytest.mark.parametrize("rate", [1e-6, 1e-12, 1e-17, 1e-30, 1e-300])
@pytest.mark.parametrize("within", [4097, 10**6, 10**12, 10**18, 10**30])
def test_a_rare_arrow_is_taken_within_any_number_of_tokens_as_mpmath_says(rate: float, within: int) -> None:
    chain = bg.MarkovChain(np.log([[1 - rate, rate], [0.5, 0.5]]))
    with mpmath.workdps(60):
        true = float(-mpmath.expm1(within * mpmath.log1p(-mpmath.mpf(float(np.exp(np.log(rate)))))))
    assert chain.hitting_probability("1", within, start="0") == pytest.approx(true, rel=1e-13)


def test_who_may_be_lost_for_ever_is_so_however_long_one_waits() -> None:
    with np.errstate(divide="ignore"):
        lost = bg.MarkovChain(np.log([[1.0, 0.0, 0.0], [0.3, 0.1, 0.6], [0.0, 0.0, 1.0]]), "abc")
    for within in (4096, 4097, 10**9, 10**18):
        assert lost.hitting_probability("c", within, start="b") == pytest.approx(2 / 3, rel=1e-14)
        assert lost.hitting_probability("c", within, start="a") == 0.0


def test_a_large_chain_stops_where_it_stands_still_or_says_that_it_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    chain = bg.MarkovChain(np.log(rng.dirichlet([5, 5], 2048)))
    assert chain.hitting_probability("11111111111", 10**18).min() == pytest.approx(1.0, abs=1e-9)
    monkeypatch.setattr(hitting, "MAX_WORK", 4096 * 100)
    with pytest.raises(bg.ConvergenceError, match="within=1000000000 are asked for"):
        chain.hitting_probability("11111111111", 10**9)
