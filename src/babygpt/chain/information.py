"""Information: how much of what comes next is in the past, and how far back it lies.

All in nats, in the long run (under π). With h_k the entropy of the next token given the last k, h₀ is its entropy
given nothing and h_K = h the *entropy rate*. The token at *lag* k contributes h_{k−1} − h_k: what it tells about the
next token beyond the k − 1 tokens after it. The *excess entropy* E = H(π) − K·h is how much the whole past
tells about the whole future [1]_.

.. [1] Crutchfield, Feldman, "Regularities unseen, randomness observed", Chaos 13 (2003), 25–54.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.states import States
from babygpt.chain.stationary import stationary_distribution
from babygpt.chain.table import ContextTable
from babygpt.errors import SettingError
from babygpt.gpt.checks import check_rate


def entropies(probs: NDArray[np.float64], log_probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy of each row in nats: (…, V), (…, V) → (…); an arrow of probability 0 adds nothing."""
    return -np.multiply(probs, log_probs, out=np.zeros_like(probs), where=probs > 0).sum(axis=-1) + 0.0


def entropy_rate(chain: States, base: float = math.e) -> float:
    """Return h, the mean surprise of the next token in the long run, in units of log ``base``."""
    if (base := check_rate("base", base)) <= 1:
        raise SettingError(f"base={base:g} measures nothing; a base is above 1. Use e for nats, 2 for bits.")
    return float(stationary_distribution(chain) @ entropies(chain.probs, chain.log_probs) / np.log(base))


def conditional_entropies(chain: ContextTable) -> NDArray[np.float64]:
    """Return h₀, h₁, … h_K in nats per token: float64 (K + 1,)."""
    V, K = len(chain.vocabulary), chain.context_length
    joint = stationary_distribution(chain)[:, None] * chain.probs  # (N, V): context and next token
    h = np.empty(K + 1)
    for k in range(K, -1, -1):
        context = joint.sum(axis=1, keepdims=True)
        ratio = np.divide(joint, context, out=np.ones_like(joint), where=joint > 0)
        h[k] = -(joint * np.log(ratio)).sum() + 0.0
        if k:
            joint = joint.reshape(V, -1, V).sum(axis=0)  # forget the oldest token
    return h


def memory_profile(chain: ContextTable) -> NDArray[np.float64]:
    """Return what the token at each lag 1 … K adds to the next one, in nats: float64 (K,); the most recent first."""
    return np.maximum(-np.diff(conditional_entropies(chain)), 0.0)


def excess_entropy(chain: ContextTable) -> float:
    """Return E = H(π) − K·h in nats."""
    pi = stationary_distribution(chain)
    visited = pi[pi > 0]
    return max(0.0, float(-(visited * np.log(visited)).sum()) - chain.context_length * entropy_rate(chain))
