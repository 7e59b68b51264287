from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp
from witnesses import chain_of, many_digits, noisy_parity, random_chain, sparse_chain

import babygpt as bg
from babygpt.chain import gap
from babygpt.chain.arrows import Arrows
from babygpt.chain.causal_states import same_arrows
from babygpt.chain.contexts import all_contexts
from babygpt.errors import ConvergenceError


def exact_gap(chain, digits=80):
    """Return 1 minus the second largest magnitude of the eigenvalues, with many digits; rows are made to sum to 1."""
    P = many_digits(chain, digits)
    with mp.workdps(digits):
        for i in range(P.rows):
            total = mp.fsum(P[i, j] for j in range(P.rows))
            for j in range(P.rows):
                P[i, j] /= total
        values = sorted(mp.eig(P, left=False, right=False), key=lambda value: abs(value - 1))[1:]
        return float(1 - max(abs(value) for value in values))


def two_states(a, b):
    return chain_of([[1 - a, a], [b, 1 - b]])


def from_matrix(P):
    return chain_of(np.array(P, dtype=np.float64), bg.Vocabulary.numbers(len(P)))


def polya(K, a, b):
    """Return the chain whose p(1) is (a + number of ones) / (a + b + K)."""
    p = (a + all_contexts(2, K).sum(axis=1)) / (a + b + K)
    return chain_of(np.column_stack([1 - p, p]))


# -- closed forms -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b"), [(3e-15, 2e-15), (1e-9, 1e-12), (0.3, 0.1), (1e-200, 3e-199), (5e-324, 5e-324), (0.5, 0.5)]
)
def test_two_states_forget_as_fast_as_they_change(a, b):
    chain = two_states(a, b)
    expected = a + b if a < 1e-6 else 1 - abs(1 - a - b)
    assert chain.spectral_gap == pytest.approx(expected, rel=1e-12, abs=0)
    assert chain.kemeny_constant() == pytest.approx(1 / (a + b), rel=1e-12)


@pytest.mark.parametrize("still", [1e-3, 1e-9, 1e-13])
def test_two_states_that_nearly_always_change_forget_as_fast_as_they_stay(still):
    chain = chain_of([[still, 1 - still], [1 - still / 4, still / 4]])
    assert chain.spectral_gap == pytest.approx(1.25 * still, rel=1e-12)
    assert two_states(1, 1).spectral_gap == 0


@pytest.mark.parametrize(("K", "a", "b", "expected"), [
    (3, 1, 1, 0.2176272), (10, 1, 1, 0.0318463), (12, 0.1, 0.1, None), (16, 0.1, 0.1, 0.00145775),
])  # fmt: skip
def test_polyas_urn_forgets_as_the_root_of_its_polynomial_says(K, a, b, expected):
    """λ^K = α (λ^{K−1} + … + 1), α = 1/(a + b + K): the next token is in proportion to its context's."""
    root = 1 - np.abs(np.roots([1] + [-1 / (a + b + K)] * K)).max()
    found = polya(K, a, b).spectral_gap
    assert found == pytest.approx(root, rel=1e-9)
    if expected is not None:
        assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_lazy_walk_on_the_hypercube_has_the_gap_one_over_n(n):
    states = np.arange(2**n)
    P = np.eye(2**n) / 2
    for bit in range(n):
        P[states, states ^ (1 << bit)] = 1 / (2 * n)
    chain = from_matrix(P)
    assert chain.spectral_gap == pytest.approx(1 / n, rel=1e-12)
    assert chain.kemeny_constant() == pytest.approx(sum(_choose(n, j) * n / j for j in range(1, n + 1)), rel=1e-12)


def _choose(n, j):
    return int(np.prod(np.arange(n - j + 1, n + 1)) / np.prod(np.arange(1, j + 1)))


def test_ehrenfests_urn_is_periodic_and_has_the_eigenvalues_of_the_textbook():
    N = 10
    P = np.zeros((N + 1, N + 1))
    for i in range(N + 1):
        P[i, max(i - 1, 0)] += i / N
        P[i, min(i + 1, N)] += (N - i) / N
    chain = from_matrix(P)
    assert chain.spectral_gap == 0
    np.testing.assert_allclose(np.sort(chain.eigenvalues().real), 1 - 2 * np.arange(N, -1, -1) / N, atol=1e-12)
    assert chain.hitting_times(0)[1] == pytest.approx(2**N - 1, rel=1e-12)


@pytest.mark.parametrize("n", [3, 6, 9])
def test_cycle_complete_graph_and_oz_have_the_kemeny_constants_of_the_textbook(n):
    states = np.arange(n)
    cycle = np.zeros((n, n))
    cycle[states, (states + 1) % n] = cycle[states, (states - 1) % n] = 0.5
    assert from_matrix(cycle).kemeny_constant() == pytest.approx((n**2 - 1) / 6, rel=1e-12)
    complete = from_matrix((1 - np.eye(n)) / (n - 1))
    assert complete.kemeny_constant() == pytest.approx((n - 1) ** 2 / n, rel=1e-12)
    assert complete.spectral_gap == pytest.approx(1 - 1 / (n - 1), rel=1e-12)
    oz = from_matrix([[0.5, 0.25, 0.25], [0.5, 0, 0.5], [0.25, 0.25, 0.5]])
    assert oz.kemeny_constant() == pytest.approx(32 / 15, rel=1e-13)
    np.testing.assert_allclose(oz.stationary_distribution(), [0.4, 0.2, 0.4], rtol=1e-14)
    np.testing.assert_allclose(
        [oz.hitting_times(2)[0], oz.hitting_times(0)[1], oz.hitting_times(1)[0]], [10 / 3, 8 / 3, 4]
    )


def ruin_that_ends_at_nothing(n, p):
    """Return the ruin of one who, having won all, begins again from n − 1: 0 is the one class, the rest transient."""
    P = np.zeros((n + 1, n + 1))
    P[0, 0], P[n, 0] = 1, 1
    inner = np.arange(1, n)
    P[inner, inner + 1], P[inner, inner - 1] = p, 1 - p
    return from_matrix(P)


@pytest.mark.parametrize(("n", "p"), [(10, 0.4), (10, 0.5), (300, 0.5), (300, 0.4)])
def test_ruin_is_quasi_stationary_as_in_the_textbook(n, p):
    # both ends lead to 0 for ever; in between λ = 2 √(pq) cos(π/n)
    expected = 1 - 2 * np.sqrt(p * (1 - p)) * np.cos(np.pi / n)
    if p == 0.5:
        expected = 2 * np.sin(np.pi / n / 2) ** 2
    assert ruin_that_ends_at_nothing(n, p).spectral_gap == pytest.approx(expected, rel=1e-10)


# -- many digits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [1e-3, 1e-6, 1e-9, 1e-12, 1e-40])
@pytest.mark.parametrize("K", [2, 3, 4])
def test_many_digits_give_the_same_gap_where_states_hardly_communicate(noise, K):
    chain = chain_of(noisy_parity(noise, K))
    assert chain.spectral_gap == pytest.approx(exact_gap(chain, 150), rel=1e-12)
    lop_sided = noise * np.random.default_rng(K).uniform(0.1, 10, size=(2**K, 1))
    chain = chain_of(np.where(noisy_parity(0.1, K) > 0.5, 1 - lop_sided, lop_sided))
    assert chain.spectral_gap == pytest.approx(exact_gap(chain, 150), rel=1e-12)


@pytest.mark.parametrize(("temperature", "digits"), [(0.3, 60), (0.1, 60), (0.03, 200), (0.01, 400), (0.001, 1500)])
def test_many_digits_give_the_same_gap_of_the_cold_article_chain(article_run, temperature, digits):
    # a rhythm of four tokens that is hardly ever lost: λ₂ is next to i and −i
    chain = article_run.chain.with_decoding(temperature=temperature)
    assert chain.spectral_gap == pytest.approx(exact_gap(chain, digits), rel=1e-11)


def test_a_slow_rhythm_of_many_states_with_arrows_too_rare_for_a_float_is_refused(article_run, monkeypatch):
    monkeypatch.setattr(gap, "MAX_WIDE_POWER", 4)
    with pytest.raises(ConvergenceError, match=r"8 states keep a rhythm of 4 tokens.*up to 4 states"):
        _ = article_run.chain.with_decoding(temperature=0.001).spectral_gap


@pytest.mark.parametrize("spread", [1, 10, 30, 100])
@pytest.mark.parametrize("seed", range(3))
def test_many_digits_give_the_same_gap_of_random_chains(seed, spread):
    logits = np.random.default_rng(seed + 1).normal(size=(8, 2)) * spread
    chain = bg.MarkovChain(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    assert chain.spectral_gap == pytest.approx(exact_gap(chain, 500 if spread == 100 else 150), rel=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_many_digits_give_the_same_gap_where_arrows_are_missing(seed):
    chain = sparse_chain(3, 2, seed, 0.4)
    expected = exact_gap(chain)
    assert chain.spectral_gap == pytest.approx(expected, rel=1e-10, abs=1e-30)
    if len(chain.recurrent_classes()) > 1 or chain.period() > 1:
        assert chain.spectral_gap == 0


@pytest.mark.parametrize("rare", [1e-3, 1e-9, 1e-13, 1e-100])
def test_transient_states_that_are_hardly_ever_left_are_what_is_remembered_longest(rare):
    alone = from_matrix([[1, 0, 0], [rare, 1 - rare, 0], [0, 0.3, 0.7]])
    assert alone.spectral_gap == pytest.approx(rare, rel=1e-12)
    pair = from_matrix([[1, 0, 0, 0], [rare, 0, 1 - rare, 0], [0, 1 - 2 * rare, 0, 2 * rare], [0.5, 0.5, 0, 0]])
    assert pair.spectral_gap == pytest.approx(exact_gap(pair, 400), rel=1e-12)


def test_what_never_changes_again_is_zero_or_one_exactly():
    assert chain_of([[1.0, 0.0], [0.0, 1.0]]).spectral_gap == 0  # two classes
    assert chain_of([[1.0, 0.0], [1.0, 0.0]]).spectral_gap == 1  # all is forgotten at once
    assert random_chain(2, 3).with_decoding(temperature=0).spectral_gap in (0, 1)


def test_the_second_eigenvalue_is_one_minus_the_gap():
    for seed in range(5):
        chain = random_chain(2, 4, seed)
        assert abs(chain.eigenvalues(2)[1]) == pytest.approx(1 - chain.spectral_gap, abs=1e-13)


# -- merging ------------------------------------------------------------------------------------------------


def test_merging_states_with_the_same_arrows_leaves_no_eigenvalue_out():
    # two rings that say the same and never meet: the same futures, and the eigenvalue 1 twice
    rings = Arrows(np.log([[0.5, 0.5]] * 4), np.array([[0, 1], [1, 0], [2, 3], [3, 2]]))
    merged = same_arrows(rings)
    values = np.linalg.eigvals(merged.matrix().toarray())
    assert np.isclose(values, 1).sum() == 2
    parity = Arrows(np.log([[0.5, 0.5]] * 4), np.array([[1, 3], [0, 2], [1, 3], [0, 2]]))
    values = np.linalg.eigvals(same_arrows(parity).matrix().toarray())
    assert np.isclose(values, -1).sum() == 1


def test_a_device_that_keeps_time_unheard_leaves_its_rhythm_in_the_spectrum():
    clock = bg.InputDevice(0, lambda state, _: (1 - state, []))
    joint = bg.connect(random_chain(2, 2), clock)
    assert joint.period() == 2
    assert joint.spectral_gap == 0
    assert np.isclose(joint.eigenvalues(), -1).sum() == 1


# -- many states --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [1e-1, 1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("seed", range(3))
def test_the_iteration_for_large_chains_is_right_or_raises(monkeypatch, seed, noise):
    rate = noise * np.random.default_rng(seed).uniform(0.2, 5, size=64)[:, None]
    repeat = np.arange(64)[:, None] % 2 == np.arange(2)
    for probs in (np.where(repeat, 1 - rate, rate), np.where(noisy_parity(0.1, 6) > 0.5, 1 - rate, rate)):
        chain = chain_of(probs)
        expected = chain.spectral_gap
        with monkeypatch.context() as patch:
            patch.setattr(gap, "MAX_ELIMINATION", 8)
            try:
                found = chain.spectral_gap
            except ConvergenceError as error:
                assert "may be off by" in str(error) or "did not settle" in str(error)  # noqa: PT017
                continue
        assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("e", [1e-3, 1e-9, 1e-13])
def test_a_large_slow_chain_with_few_futures_is_exact(e):
    repeat = np.arange(2**14)[:, None] % 2 == np.arange(2)
    assert chain_of(np.where(repeat, 1 - e, e)).spectral_gap == pytest.approx(2 * e, rel=1e-12)


def test_a_large_slow_chain_with_many_futures_is_right(monkeypatch):
    rate = 1e-7 * (1 + np.random.default_rng(0).random(2**11))[:, None]
    repeat = np.arange(2**11)[:, None] % 2 == np.arange(2)
    chain = chain_of(np.where(repeat, 1 - rate, rate))
    found = chain.spectral_gap
    monkeypatch.setattr(gap, "MAX_ELIMINATION", 2**11)
    monkeypatch.setattr(gap, "_of_class", _slowest)
    assert found == pytest.approx(chain.spectral_gap, rel=1e-5)


def _slowest(P):
    """Return 1 − λ of the slowest mode, by iterating the deviation matrix."""
    M, pi, rest = gap.deviation(P)
    v = np.random.default_rng(1).random(len(rest))
    for _ in range(30):
        v = M @ (v - pi[rest] @ v)
        size = np.abs(v).max()
        v /= size
    return 1 / size
