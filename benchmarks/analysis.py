"""Analysis: stationary distributions and hitting times at growing N, beside quantecon, PyDTMC and dense algebra.

The chains are those of untrained GPTs with their logits scaled up, so that arrows differ: N = 2^K states. PyDTMC is
measured where it is installed (it needs NumPy 1); quantecon has no hitting times, so the dense system stands in.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import numpy as np
import quantecon
from measure import Comparison, compare
from threadpoolctl import threadpool_limits

import babygpt as bg
from babygpt.chain.elimination import gth
from babygpt.chain.extract import context_table
from babygpt.gpt.model import seeded_gpt

# The others hold N × N numbers; beyond this one matrix of theirs is over 1 GiB, and they are not asked.
MAX_DENSE = 2**13


def chain_of(context_length: int) -> bg.MarkovChain:
    gpt = seeded_gpt(bg.GPTConfig(context_length, 2, 2, 2, 8), seed=context_length)
    return bg.MarkovChain.from_table(context_table(gpt), "01").with_decoding(temperature=0.05)


def fresh(chain: bg.MarkovChain) -> bg.MarkovChain:
    """Return the same chain with nothing computed yet."""
    return bg.MarkovChain(chain.log_probs, chain.vocabulary)


def dense_hitting_times(chain: bg.MarkovChain) -> np.ndarray:
    P = chain.transition_matrix().toarray()
    times = np.zeros(len(P))
    times[1:] = np.linalg.solve(np.eye(len(P) - 1) - P[1:, 1:], np.ones(len(P) - 1))
    return times


def measure(full: bool) -> Iterator[Comparison]:
    with threadpool_limits(1, "blas"):
        for K in (3, 6, 9, 10, 11, *[12] * full):  # 4,096 states take quantecon half a minute, four times
            chain, pairs = chain_of(K), 7 if K < 10 else 3
            theirs = quantecon.MarkovChain(chain.transition_matrix().toarray())
            np.testing.assert_allclose(
                fresh(chain).stationary_distribution(), theirs.stationary_distributions[0], atol=1e-9
            )
            np.testing.assert_allclose(fresh(chain).hitting_times(0), dense_hitting_times(chain), rtol=1e-6)

            def ask_quantecon(chain: bg.MarkovChain = chain) -> np.ndarray:
                return quantecon.MarkovChain(chain.transition_matrix().toarray()).stationary_distributions

            yield compare(
                f"π of {2**K:,} states",
                lambda chain=chain: fresh(chain).stationary_distribution(),
                "quantecon (same to 1e-9)",
                ask_quantecon,
                pairs,
            )
            yield compare(
                f"hitting times of {2**K:,} states",
                lambda chain=chain: fresh(chain).hitting_times(0),
                "the dense system (same to 1e-6)",
                lambda chain=chain: dense_hitting_times(chain),
                pairs,
            )
            if K == 10:
                P = chain.transition_matrix().toarray()
                yield compare(
                    f"elimination of {2**K:,} states, from their matrix",
                    lambda P=P: gth(P),
                    "quantecon's gth_solve",
                    lambda P=P: quantecon.markov.gth_solve(P),
                    pairs,
                )
            if importlib.util.find_spec("pydtmc"):
                import pydtmc

                yield compare(
                    f"π of {2**K:,} states",
                    lambda chain=chain: fresh(chain).stationary_distribution(),
                    "PyDTMC",
                    lambda chain=chain: pydtmc.MarkovChain(chain.transition_matrix().toarray()).pi,
                    pairs,
                )
        for K in (16, 20):
            chain = chain_of(K)
            against = f"nobody: a dense matrix takes {8 * 4**K / 2**30:,.0f} GiB"
            for name, ask in (
                ("π", lambda chain=chain: fresh(chain).stationary_distribution()),
                ("hitting times", lambda chain=chain: fresh(chain).hitting_times(0)),
            ):
                yield compare(f"{name} of {2**K:,} states", ask, against, None, 3)
