"""The figures in the views: chains and losses as plain numbers, and bytes where there are many.

:mod:`babygpt.studio.protocol` says what each view holds.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypedDict

from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import contexts_between
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.weights import Counts

Values = NDArray[np.float64]  # (N, V); NaN where nothing is known

MAX_VALUES = 256  # states whose arrows travel as numbers; more make a map
MAX_PIXELS = 2**16  # pixels of a map; more states share one
MAX_CURVE = 600  # points of the loss curve
MAX_TRACE, MAX_TRACED = 120, 4  # points of a state's probabilities, and how many tokens of it


def packed(values: NDArray[Any]) -> str:
    """Return numbers as base64 of their little-endian bytes."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Return numbers of any shape for JSON, which knows neither NaN nor infinity, in one list: None for these."""
    flat: list[float] = values.ravel().tolist()
    return [finite(x) for x in flat]


def nested(values: NDArray[np.floating]) -> list[Any] | None:
    """Return numbers for JSON in lists of lists, as they are in the array; None if not all are finite."""
    lists: list[Any] = values.tolist()
    return lists if np.isfinite(values).all() else None


def finite(value: float) -> float | None:
    """Return a number for JSON, or None for what is no finite number."""
    return value if math.isfinite(value) else None


def data_values(corpus: Corpus) -> Values:
    """Return how often the data continues each state with each token, as shares (N, V); NaN where it never does."""
    V, K = len(corpus.vocabulary), corpus.context_length
    values = np.full((V**K, V), np.nan)
    values[corpus.states] = corpus.probs
    return values


def data_counts(corpus: Corpus, first: int, stop: int) -> Counts:
    """Return how often each token follows in the data in the states ``first`` … ``stop`` − 1: (states, V)."""
    counts: Any = np.zeros((stop - first, len(corpus.vocabulary)), dtype=corpus.counts.dtype)
    here = (corpus.states >= first) & (corpus.states < stop)
    counts[corpus.states[here] - first] = corpus.counts[here]
    return counts


def seen_bits(corpus: Corpus, n_states: int) -> str:
    """Return which states the data goes on from, a bit each."""
    return _bits(corpus.states, n_states)


def ended_bits(corpus: Corpus, n_states: int) -> str:
    """Return in which states the data ends and never goes on, a bit each."""
    return _bits(corpus.end_states, n_states)


def _bits(states: NDArray[np.int64], n_states: int) -> str:
    bits = np.zeros(n_states, dtype=bool)
    bits[states] = True
    return packed(np.packbits(bits, bitorder="little"))


# -- the map -----------------------------------------------------------------------------------------------


def map_length(vocab_size: int, context_length: int) -> int:
    """Return how many of the newest tokens a map tells apart: all, or as many as there are pixels for."""
    length = context_length
    while length > 1 and vocab_size**length > MAX_PIXELS:
        length -= 1
    return length


def map_size(vocab_size: int, context_length: int) -> tuple[int, int]:
    """Return width and height of the map of a chain, in pixels.

    >>> map_size(2, 9), map_size(27, 2), map_size(2, 20)
    ((32, 16), (27, 27), (256, 256))
    """
    length = map_length(vocab_size, context_length)
    return vocab_size ** math.ceil(length / 2), vocab_size ** (length // 2)


def suffix_map(values: NDArray[Any], vocab_size: int, length: int) -> NDArray[Any]:
    """Return the rows of (V^length, …) in the order of pixels: those with the same last tokens side by side.

    The newest token picks one of V strips of columns, the one before one of V strips of rows, the third newest a strip
    of columns within that, and so on: the chaos game representation of genomics [1]_, for any number of symbols.

    .. [1] Jeffrey, "Chaos game representation of gene structure", 1990.

    >>> suffix_map(np.arange(8), 2, 3).reshape(2, 4).tolist()  # rows: the middle token; columns: newest, then oldest
    [[0, 4, 1, 5], [2, 6, 3, 7]]
    """
    tail = values.shape[1:]
    cube = values.reshape((vocab_size,) * length + tail)
    columns = list(range(length - 1, -1, -2))
    rows = list(range(length - 2, -1, -2))
    return cube.transpose(*rows, *columns, *range(length, length + len(tail))).reshape(-1, *tail)


def pixels(values: Values, vocab_size: int, context_length: int, difference: bool) -> str:
    """Return a chain's map: two bytes a pixel, token and strength, packed.

    Parameters
    ----------
    values
        (N, V), rows of NaN where nothing is known; states that share a pixel are averaged over what is.
    difference
        Whether these are probabilities of one chain minus those of another, −1 … 1. Then the first byte is 0 or 1 for
        less or more of the second of two tokens and the strength is how much; of more tokens it is always 2, and the
        strength is the total variation, half the sum of their magnitudes. Otherwise they are the likeliest token and
        how far its probability is from 1/V, as a share of the way to 1.

    The first byte of what is not known is 255.
    """
    V, length = vocab_size, map_length(vocab_size, context_length)
    known = ~np.isnan(values[:, 0])
    if length < context_length:
        blocks = values.reshape(-1, V**length, V)  # the oldest tokens come first: states of one pixel lie in one column
        n = known.reshape(-1, V**length).sum(axis=0)
        with np.errstate(invalid="ignore"):
            values = np.nansum(blocks, axis=0) / n[:, None]
        known = n > 0
    values = np.where(known[:, None], values, 0.0)
    if not difference:
        token = values.argmax(axis=1)
        best = np.take_along_axis(values, token[:, None], axis=1)[:, 0]  # of two columns three times as fast as max
        strength = (best - 1 / V) / (1 - 1 / V)
    elif V == 2:
        token, strength = (values[:, 1] > 0).astype(np.int64), np.abs(values[:, 1])
    else:
        token, strength = np.full(len(values), 2), np.abs(values).sum(axis=1) / 2
    both = np.empty((len(values), 2), dtype=np.uint8)
    both[:, 0] = np.where(known, np.minimum(token, 254), 255)
    both[:, 1] = np.clip(np.round(255 * strength), 0, 255)
    return packed(suffix_map(both, V, length))


# -- one state, one curve ----------------------------------------------------------------------------------


class Predecessor(TypedDict):
    """A state from which an arrow leads to another."""

    state: int
    token: int  # leads from there; the same from all predecessors
    p: float  # how likely it is drawn there


def neighbours(chain: MarkovChain, state: int) -> tuple[list[int], list[Predecessor]]:
    """Return the V successors of a state, by token, and its V predecessors."""
    V, N = len(chain.vocabulary), chain.n_states
    after = [state % (N // V) * V + token for token in range(V)]
    token = state % V
    before = [oldest * (N // V) + state // V for oldest in range(V)]
    arrows: list[Predecessor] = [{"state": s, "token": token, "p": float(chain.probs[s, token])} for s in before]
    return after, arrows


def context_of(state: int, vocab_size: int, context_length: int) -> list[int]:
    """Return the tokens of a state, the oldest first."""
    tokens: list[int] = contexts_between(state, state + 1, vocab_size, context_length)[0].tolist()
    return tokens


class Trace(TypedDict):
    """How a state went through training, before decoding. null: none is selected, or there are too many."""

    state: int
    steps: list[int]  # at most 120, the first and the last recorded among them
    tokens: list[int]  # at most 4: those that were ever the most likely
    probs: list[list[float]]  # (steps, tokens)
    flips: list[int]  # the steps of these at which another token became the likeliest


def trace(chain_at: Callable[[int], MarkovChain], recorded: Sequence[int], state: int) -> Trace:
    """Return how a state's probabilities went, over at most :data:`MAX_TRACE` of the recorded steps."""
    last = len(recorded) - 1
    points = min(last + 1, MAX_TRACE)
    steps = [recorded[i * last // max(points - 1, 1)] for i in range(points)]
    probs = np.array([chain_at(step).probs[state] for step in steps])
    likeliest = probs.argmax(axis=1)
    tokens = np.argsort(-probs.max(axis=0), kind="stable")[:MAX_TRACED]
    return {
        "state": state, "steps": steps, "tokens": tokens.tolist(), "probs": probs[:, tokens].tolist(),
        "flips": [step for step, old, new in zip(steps[1:], likeliest, likeliest[1:], strict=False) if old != new],
    }  # fmt: skip


def curve(losses: list[float]) -> tuple[list[int], list[float]]:
    """Return steps and losses of a training, thinned to what a screen can show, the last one always among them.

    ``losses[i]`` is the loss of the GPT of step i.
    """
    every = max(1, math.ceil(len(losses) / (MAX_CURVE - 1)))
    steps = list(range(0, len(losses), every))
    if losses and steps[-1] != len(losses) - 1:
        steps.append(len(losses) - 1)
    return steps, [losses[step] for step in steps]
