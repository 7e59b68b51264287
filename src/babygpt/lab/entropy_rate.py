"""The entropy rate of a hidden Markov model, enclosed between bounds.

Where hidden state and symbol do not determine the next hidden state, the entropy rate has no closed form
(Blackwell [1]_). But for any length K

    H(X_{K+1} | X_1 … X_K, S_0)  ≤  h  ≤  H(X_{K+1} | X_1 … X_K),

S_0 the hidden state before the context, and both sides converge to h (Cover and Thomas [2]_, theorem 4.5.1). Contexts
need not all be equally long for that: any set of contexts of which every long past ends in exactly one will do, since
a longer context lowers the right side and raises the left. So only those contexts are made longer, one token further
into the past, on which the bounds still differ: those that already tell what comes next are left as they are.

.. [1] Blackwell, "The entropy of functions of finite-state Markov chains", 1957.
.. [2] Cover, Thomas, "Elements of Information Theory", second edition, Wiley, 2006.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The bounds are drawn together to this many nats, unless that takes more numbers than this: 64 MiB, a second or two.
TOLERANCE = 1e-7
MAX_WORK = 2**23
# Those contexts are made longer in one go that hold this share of all that the bounds differ by.
SHARE = 0.75


@dataclass(frozen=True)
class EntropyRate:
    """An entropy rate h, lower ≤ h ≤ upper up to rounding, in nats per token.

    Attributes
    ----------
    lower, upper
        The bounds; equal where h is known in closed form.
    """

    lower: float
    upper: float

    @property
    def value(self) -> float:
        """The middle of the bounds, in nats per token."""
        return (self.lower + self.upper) / 2

    @property
    def error(self) -> float:
        """How far from it h can be, in nats per token: 0 where it is known in closed form."""
        return (self.upper - self.lower) / 2


def enclose(
    transitions: NDArray[np.float64], pi: NDArray[np.float64], tolerance: float = TOLERANCE, max_work: int = MAX_WORK
) -> EntropyRate:
    """Return bounds on the entropy rate, ``tolerance`` apart or as near as ``max_work`` numbers bring them.

    Parameters
    ----------
    transitions
        (V, S, S): the probability of saying x and moving to j, from i.
    pi
        (S,): how often the source is in each hidden state.

    >>> coin = np.array([[[0.5]], [[0.5]]])
    >>> enclose(coin, np.ones(1))
    EntropyRate(lower=0.6931471805599453, upper=0.6931471805599453)
    """
    V, S, _ = transitions.shape
    emissions = transitions.sum(axis=2).T  # (S, V)
    room = max(1, max_work // (S * V))
    # joint[c, s, x]: the probability of saying context c and then x, from hidden state s
    joint, bounds = np.empty((room, S, V)), np.zeros((2, room))
    joint[0], bounds[:, :1], n = emissions, _bounds(emissions[None], pi), 1
    while (total := (gaps := bounds[1, :n] - bounds[0, :n]).sum()) > tolerance:
        order = np.argsort(-gaps, kind="stable")
        longer = order[: np.searchsorted(np.cumsum(gaps[order]), SHARE * total) + 1][: (room - n) // V]
        children = np.einsum("yst,ctx->cysx", transitions, joint[longer]).reshape(-1, S, V)
        children = children[children.any(axis=(1, 2))]  # without pasts that never were
        if not len(children):
            break  # there is no room
        bounds[:, longer] = 0.0  # those in front of which all tokens were put take their place
        joint[n : n + len(children)], bounds[:, n : n + len(children)] = children, _bounds(children, pi)
        n += len(children)
    return EntropyRate(*bounds[:, :n].sum(axis=1).tolist())


def _bounds(joint: NDArray[np.float64], pi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each context's part of the lower and of the upper bound: (C, S, V) → (2, C)."""
    upper = _entropies(np.einsum("s,csx->cx", pi, joint))
    return np.stack([np.minimum(_entropies(joint) @ pi, upper), upper])  # rounding must not turn them round


def _entropies(joint: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return w · H(x) for each w = Σ_x joint[…, x]: (…, V) → (…), in nats."""
    share = np.divide(joint, joint.sum(axis=-1, keepdims=True), out=np.ones_like(joint), where=joint > 0)
    return -(joint * np.log(share)).sum(axis=-1) + 0.0
