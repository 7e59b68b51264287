"""Mixing: how many tokens until it no longer matters where the walk began.

The *distance to stationarity* after n tokens is d(n) = max_s ½ Σ_x |Pⁿ(s, x) − π(x)|, the total variation from the
worst start, and the *mixing time* is the first n with d(n) ≤ ε [1]_.

All starts are walked for a few tokens first. What has not mixed then is doubled: P^2n = Pⁿ Pⁿ. While d is large the
powers are kept as distributions, whose rows are made to sum to 1 after each product: that keeps the digits of rare
ways out, as elimination does. Once d is small their deviations Pⁿ − 1π are multiplied instead, whose products are the
deviations of later powers, so that d itself keeps its digits however small it gets. Later powers have few modes left
and are kept as the product of a tall and a flat matrix.

Every distance carries an estimate of its rounding: N units in the last place for each product of matrices of N states,
and for a step as many as arrows meet in a state. A distance within that of ε counts as ε: rounding adds no token.

.. [1] Levin, Peres, "Markov Chains and Mixing Times", 2nd ed., AMS, 2017, chapters 4 and 12.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import number_of
from babygpt.chain.elimination import MAX_ELIMINATION
from babygpt.chain.gap import spectral_gap
from babygpt.chain.states import States
from babygpt.chain.stationary import stationary_distribution
from babygpt.chain.steps import Steps, finish
from babygpt.chain.structure import period
from babygpt.errors import ConvergenceError, SettingError, SizeError
from babygpt.gpt.checks import check_count, check_rate

# Worst starts are looked for among all states: N² numbers, and N³ work for each doubling.
MAX_STARTS = 4096
# One start of a larger chain is followed for so many tokens.
MAX_TOKENS = 20_000
# Tokens walked before powers are doubled.
WALKED = 32
# Multiplications of numbers spent on one answer: about a minute.
MAX_WORK = 1.5e12
MAX_DOUBLINGS = 60
# A distance below which deviations are kept instead of distributions.
SMALL = 1 / 8
# Smaller distances have too few digits in a float64 to shrink any more.
LEAST = 1e-300
# Modes that a power may have left to be kept as two thin matrices, and what the others may add up to.
MODES, DROPPED = 32, 1e-14
# Part of a token to which a mixing time shall be known.
PART = 1e-3
# Rows whose distance is taken at a time.
ROWS = 64
EPS = float(np.finfo(np.float64).eps)
# By how much an iterated π may be off.
PI_ERROR = 1e-11


@dataclass(frozen=True, eq=False)
class _Walks:
    """Where walks are after some tokens: rows (m, N), or ``left`` @ ``rows`` with ``left`` (m, modes).

    ``off`` says that they are deviations from π, ``error`` is how far rounding may have moved their distance.
    """

    rows: NDArray[np.float64]
    pi: NDArray[np.float64]
    off: bool
    error: float
    left: NDArray[np.float64] | None = None

    @cached_property
    def distance(self) -> float:
        """The largest total variation from π."""
        tall, worst = self.rows if self.left is None else self.left, 0.0
        for first in range(0, len(tall), ROWS):
            part = tall[first : first + ROWS]
            part = part if self.left is None else part @ self.rows
            worst = max(worst, float(np.abs(part if self.off else part - self.pi).sum(axis=1).max() / 2))
        return worst

    @property
    def scale(self) -> float:
        """The largest sum of absolute entries in a row."""
        return 2 * self.distance if self.off else 1.0

    def step(self, P: Any, arriving: int) -> _Walks:
        """Return the walks a token later; at most ``arriving`` arrows meet in a state."""
        error = self.error + arriving * EPS * self.scale
        if len(self.rows if self.left is None else self.left) < len(self.pi):
            return self._settled(np.asarray(self.rows @ P), self.off, error)
        # from every state: a token first and then the others
        tall = np.asarray(P @ (self.rows if self.left is None else self.left))
        if self.off:
            tall -= self.pi @ tall  # what is common to all starts is no deviation
        if self.left is not None:
            return replace(self, left=tall, error=error)
        return self._settled(tall, self.off, error)

    def then(self, power: _Walks) -> _Walks:
        """Return the walks after as many tokens more as ``power`` has walked from every state."""
        rows = self.rows @ power.rows if power.left is None else (self.rows @ power.left) @ power.rows
        error = max(self.error * power.scale, power.error * self.scale) + len(self.pi) * EPS * self.scale * power.scale
        total, off = rows.sum(axis=1, keepdims=True), self.off or power.off
        return self._settled(rows - total * self.pi if off else rows / total, off, error)

    def _settled(self, rows: NDArray[np.float64], off: bool, error: float) -> _Walks:
        walks = _Walks(rows, self.pi, off, error, self.left)
        if off or walks.distance >= SMALL:
            return walks
        return _Walks(rows - self.pi, self.pi, True, error)

    def thin(self) -> _Walks:
        """Return the same walks as two thin matrices, if few modes are left; else as they are."""
        m, n = self.rows.shape
        if self.left is not None or min(m, n) < 8 * MODES:
            return self
        deviations = self.rows if self.off else self.rows - self.pi
        sketch = deviations @ np.random.default_rng(0).normal(size=(n, MODES))
        left = np.linalg.qr(sketch)[0]
        rows = left.T @ deviations
        dropped = float(np.abs(deviations - left @ rows).sum(axis=1).max() / 2)
        if dropped > DROPPED * n * self.distance:
            return self
        return _Walks(rows, self.pi, True, self.error + dropped, left)

    def resolved(self, tokens: int) -> bool:
        """Return whether the thin matrices tell how far from 1 their modes are well enough to be multiplied on.

        What a mode loses in ``tokens`` tokens is known to some units in the last place; the time it takes to vanish, to
        as much of itself as that is of the loss. It should be known to a small part of a token.
        """
        if self.left is None:
            return False
        lost = 1 - float(np.abs(np.linalg.eigvals(self.rows @ self.left)).max())
        return lost > 0 and MODES * EPS / lost * (tokens / lost) < PART


def distance_to_stationary(chain: States, n: int, start: NDArray[np.float64] | None = None) -> float:
    """Return the total variation between where a walk is after ``n`` tokens and π.

    From ``start``, a distribution (N,); by default from the worst state, d(n).

    Raises
    ------
    SizeError
        The worst of too many states is asked for.
    ConvergenceError
        So many tokens of so many states are too much work, and the walk is still moving.
    """
    check_count("n", n, least=0)
    N, pi = chain.n_states, stationary_distribution(chain)
    if start is None:
        _check_starts(N)
    walks = _begun(chain, pi, np.eye(N) if start is None else start[None])
    P, arriving = _matrix(chain)
    if n <= (2 * WALKED if start is None else MAX_TOKENS) or N > MAX_STARTS:
        for token in range(n):
            if token >= MAX_TOKENS:
                raise ConvergenceError(
                    f"A chain of {N:,} states is followed for {MAX_TOKENS:,} tokens at most, and it is still moving "
                    f"then. Up to {MAX_STARTS:,} states many more will do."
                )
            moved = walks.step(P, arriving)
            if np.array_equal(moved.rows, walks.rows):
                break
            walks = moved
        return walks.distance
    power = _begun(chain, pi, np.eye(N))
    rounds, rest = divmod(n, WALKED)
    for token in range(WALKED):
        if token < rest:
            walks = walks.step(P, arriving)
        power = power.step(P, arriving)
    doublings = 0
    while rounds and power.distance > 0:
        if rounds & 1:
            walks = walks.then(power)
        rounds >>= 1
        if rounds:
            thin = power.thin()
            power = thin if thin.resolved(WALKED * 2**doublings) else power
            doublings += 1
            if power.left is None and 2 * N**3 * doublings > MAX_WORK:
                raise ConvergenceError(
                    f"After {WALKED * 2**doublings:,} tokens the worst start is still {power.distance:.3g} from π; "
                    f"further powers of {N:,} states are too much work. distance_to_stationary(n, start=…) follows one."
                )
            power = power.then(power)
    return 0.0 if rounds else walks.distance


def distance_from(chain: States, n: int, start: str | int) -> float:
    """Return the total variation from π ``n`` tokens after a state, or a context; 1 until it has grown to K tokens."""
    known = chain.vocabulary.tokens_of(start).tolist() if isinstance(start, str) else None
    at, V = np.zeros(chain.n_states), len(chain.vocabulary)
    if known is None or len(known) >= chain.context_length:
        at[chain.start_state(start)] = 1.0
        return distance_to_stationary(chain, n, at)
    logs_after, missing = chain.short_contexts(str(start)), chain.context_length - len(known)
    if check_count("n", n, least=0) < missing:
        return 1.0
    number, reached = number_of(known, V), np.ones(1)
    for length in range(len(known), chain.context_length):  # the contexts of a length that begin with the start
        first, many = number * V ** (length - len(known)), len(reached)
        reached = (reached[:, None] * np.exp(logs_after(length)[first : first + many])).ravel()
    at[number * len(reached) : (number + 1) * len(reached)] = reached
    return distance_to_stationary(chain, n - missing, at)


def mixing_time(chain: States, epsilon: float = 0.25) -> float:
    """Return the first number of tokens after which every start is within ``epsilon`` of π; infinite if none is.

    A distance that rounding alone keeps above ``epsilon`` counts as ``epsilon``.

    Raises
    ------
    SettingError
        ``epsilon`` is not between 10⁻³⁰⁰ and 1.
    SizeError
        More states than the worst can be looked for among.
    ConvergenceError
        It takes too long for so many states, by the spectral gap or by what was walked; the message says how long.
    """
    if not LEAST <= check_rate("epsilon", epsilon) < 1:
        raise SettingError(f"epsilon={epsilon!r} is no distance between {LEAST:g} and 1. The usual one is 0.25.")
    return finish(mixing_steps(chain, stationary_distribution(chain), epsilon))


def mixing_steps(chain: States, pi: NDArray[np.float64], epsilon: float) -> Steps[float]:
    """Do what :func:`mixing_time` does of a chain whose π (N,) is known, in steps: a product of matrices at a time."""
    N = chain.n_states
    if epsilon < 1 - 1 / period(chain):  # from one state a chain of period p fills a p-th of the circle at a time
        return math.inf
    _check_starts(N)

    def near(walks: _Walks) -> bool:
        return walks.distance <= epsilon + min(walks.error, epsilon / 1000)

    P, arriving = _matrix(chain)
    walks = _begun(chain, pi, np.eye(N))
    for token in range(WALKED):
        if near(walks):
            return token
        walks = walks.step(P, arriving)
        yield
    powers, affordable = [walks], int(min(MAX_DOUBLINGS, MAX_WORK / (2 * N**3)))  # powers of 32, 64, 128, … tokens
    while not near(powers[-1]):
        followed, last = WALKED * 2 ** (len(powers) - 1), powers[-1]
        powers[-1] = last.thin()
        if powers[-1].resolved(followed):
            last = powers[-1]
        elif len(powers) == 1 and affordable < MAX_DOUBLINGS:
            _check_patience(chain, epsilon, WALKED * 2**affordable)
        if len(powers) > (affordable if last.left is None else MAX_DOUBLINGS):
            raise ConvergenceError(
                f"After {followed:,} tokens the worst start is still more than {epsilon:g} from π: "
                f"{last.distance:.3g}, as far as {N:,} states are followed."
            )
        powers.append(last.then(last))
        yield
    if len(powers) == 1:
        tokens, reached = 0, _begun(chain, pi, np.eye(N))
    else:  # the largest power still too far away, then the same for what is left: the binary digits of the answer
        tokens, reached = WALKED * 2 ** (len(powers) - 2), powers[-2]
        for j in range(len(powers) - 3, -1, -1):
            further = reached.then(powers[j])
            if not near(further):
                tokens, reached = tokens + WALKED * 2**j, further
            yield
    while not near(reached):
        tokens, reached = tokens + 1, reached.step(P, arriving)
        yield
    return tokens


def _check_starts(N: int) -> None:
    if N > MAX_STARTS:
        raise SizeError(
            f"The worst of {N:,} starts is a matter of N² numbers; the limit is {MAX_STARTS:,} states. "
            "distance_to_stationary(n, start=…) follows one start at any size."
        )


def _check_patience(chain: States, epsilon: float, tokens: int) -> None:
    """Raise at once if the gap already says that more than so many tokens are needed: d(n) ≥ |λ₂|ⁿ / 2."""
    try:
        gap = spectral_gap(chain)
    except ConvergenceError:
        return
    least = (1 / gap - 1) * math.log(1 / (2 * epsilon)) if gap > 0 else math.inf
    if least > tokens:
        raise ConvergenceError(
            f"With a spectral gap of {gap:.3g} it takes at least {least:,.0f} tokens to come within {epsilon:g} of π. "
            f"{chain.n_states:,} states are followed for {tokens:,} at most; fewer states for longer."
        )


def _begun(chain: States, pi: NDArray[np.float64], rows: NDArray[np.float64]) -> _Walks:
    return _Walks(rows, pi, False, len(pi) * EPS if chain.n_states <= MAX_ELIMINATION else PI_ERROR)


def _matrix(chain: States) -> tuple[Any, int]:
    """Return P as is fastest to multiply by, and how many arrows meet in a state at most."""
    P = chain.arrows.matrix()
    arriving = int(np.bincount(P.indices, minlength=chain.n_states).max())
    return (P.toarray() if 16 * P.nnz > chain.n_states**2 else P), arriving
