"""Repetition: why greedy decoding loops.

Greedy decoding takes the likeliest token everywhere (the first of equals), so each state has one successor and
every walk ends in a cycle. A cycle's *word* is what it repeats over and over; its *basin* is all states that end in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from babygpt.chain.states import States


@dataclass(frozen=True)
class GreedyCycle:
    """One attractor of greedy decoding.

    Attributes
    ----------
    states
        The states of the cycle in the order they are visited, the smallest first.
    word
        The tokens drawn on the way round, as a text.
    basin
        How many states end in this cycle, its own included.
    """

    states: tuple[int, ...]
    word: str
    basin: int


def greedy_cycles(chain: States) -> list[GreedyCycle]:
    """Return every cycle of greedy decoding, the one with the largest basin first."""
    N = chain.n_states
    tokens = np.argmax(chain.log_probs, axis=1)  # the first of equals
    heads = chain.successors()[np.arange(N), tokens]
    ahead = heads
    for _ in range(N.bit_length()):  # 1, 2, 4, … tokens ahead, until at least N
        ahead = ahead[ahead]
    on_cycle = np.unique(ahead)
    cycle_of = np.full(N, -1, dtype=np.int64)
    cycles: list[list[int]] = []
    for first in on_cycle.tolist():
        if cycle_of[first] >= 0:
            continue
        around = [first]
        while (state := int(heads[around[-1]])) != first:
            around.append(state)
        cycle_of[around] = len(cycles)
        cycles.append(around)
    basins = np.bincount(cycle_of[ahead], minlength=len(cycles))
    found = [
        GreedyCycle(tuple(around), chain.vocabulary.decode(tokens[around]), int(basin))
        for around, basin in zip(cycles, basins, strict=True)
    ]
    return sorted(found, key=lambda cycle: (-cycle.basin, cycle.states))
