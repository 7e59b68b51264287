from __future__ import annotations

import base64
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import babygpt as bg
from babygpt.studio.figures import (
    MAX_CURVE,
    MAX_PIXELS,
    context_of,
    curve,
    data_counts,
    data_values,
    ended_bits,
    map_length,
    map_size,
    neighbours,
    nested,
    numbers,
    pixels,
    seen_bits,
    suffix_map,
)

CORPUS = bg.Corpus.from_text("012021102210012200112", 2)


@given(arrays(np.float64, (3, 2), elements=st.floats(0, 1) | st.sampled_from([math.nan, math.inf, -math.inf])))
def test_numbers_come_through_json_as_they_are_and_none_for_what_is_none(values):
    flat = json.loads(json.dumps(numbers(values), allow_nan=False))
    for said, value in zip(flat, values.ravel().tolist(), strict=True):
        assert said == (value if math.isfinite(value) else None)
    assert nested(values) == (values.tolist() if np.isfinite(values).all() else None)


def test_the_datas_shares_and_counts_stand_in_the_rows_of_their_states():
    values, counts = data_values(CORPUS), data_counts(CORPUS, 0, 9)
    for context, row in zip(CORPUS.contexts.tolist(), CORPUS.counts.tolist(), strict=True):
        state = 3 * context[0] + context[1]
        assert counts[state].tolist() == row
        assert values[state].tolist() == [n / sum(row) for n in row]
    assert np.isnan(values).all(axis=1).tolist() == (counts.sum(axis=1) == 0).tolist()
    assert data_counts(CORPUS, 4, 7).tolist() == counts[4:7].tolist()


def test_seen_states_are_one_bit_each():
    corpus = bg.Corpus.from_text("0110100110010110", 4)
    bits = np.unpackbits(np.frombuffer(base64.b64decode(seen_bits(corpus, 16)), np.uint8), bitorder="little")
    assert np.flatnonzero(bits).tolist() == corpus.states.tolist()
    corpus = bg.Corpus.from_text("0110100", 3)  # ends in 100, where it never was before
    bits = np.unpackbits(np.frombuffer(base64.b64decode(ended_bits(corpus, 8)), np.uint8), bitorder="little")
    assert np.flatnonzero(bits).tolist() == [0b100]


@pytest.mark.parametrize(
    ("V", "K", "size"), [(2, 9, (32, 16)), (27, 2, (27, 27)), (2, 17, (256, 256)), (300, 1, (300, 1))]
)
def test_a_map_has_a_pixel_for_each_state_until_there_are_too_many(V, K, size):
    assert map_size(V, K) == size
    width, height = size
    assert width * height == min(V**K, V ** map_length(V, K)) <= MAX_PIXELS


def test_side_by_side_on_a_map_are_contexts_with_the_same_newest_tokens():
    # the left half ends in 0; of that, the upper half in 00
    image = suffix_map(np.arange(2**6), 2, 6).reshape(8, 8)
    assert (image[:, :4] % 2 == 0).all()
    assert (image[:4, :4] % 4 == 0).all()
    assert (image[:4, :2] % 8 == 0).all()
    assert sorted(image.ravel().tolist()) == list(range(64))


def test_where_states_share_a_pixel_it_is_their_mean_over_what_is_known():
    rng = np.random.default_rng(0)
    values = rng.dirichlet([1, 1], size=2**17)
    values[rng.random(2**17) < 0.5] = np.nan
    image = np.frombuffer(base64.b64decode(pixels(values, 2, 17, difference=False)), np.uint8).reshape(-1, 2)
    order = suffix_map(np.arange(2**16), 2, 16)
    for place in (0, 1, 77, 2**15, 2**16 - 1):
        block = values[[order[place], order[place] + 2**16]]  # they differ in the oldest token alone
        if np.isnan(block).all():
            assert image[place, 0] == 255
        else:
            mean = np.nanmean(block, axis=0)
            assert image[place].tolist() == [mean.argmax(), round(255 * (mean.max() - 0.5) * 2)]
    assert (image[:, 0] == 255).mean() == pytest.approx(0.25, abs=0.02)


def test_a_difference_of_more_than_two_symbols_is_a_distance():
    values = np.zeros((3**6, 3))
    values[0], values[1], values[2] = [0.5, -0.25, -0.25], [-1, 1, 0], math.nan
    image = np.frombuffer(base64.b64decode(pixels(values, 3, 6, difference=True)), np.uint8).reshape(-1, 2)
    order = suffix_map(np.arange(3**6), 3, 6).tolist()
    assert image[order.index(0)].tolist() == [2, 128]
    assert image[order.index(1)].tolist() == [2, 255]
    assert image[order.index(2), 0] == 255
    assert image[order.index(3)].tolist() == [2, 0]


@given(st.integers(2, 4), st.integers(1, 4), st.data())
def test_neighbours_are_those_of_the_transition_matrix(V, K, data):
    state = data.draw(st.integers(0, V**K - 1))
    probs = np.random.default_rng(state).dirichlet(np.ones(V), size=V**K)
    chain = bg.MarkovChain(np.log(probs))
    P = chain.transition_matrix().toarray()
    after, before = neighbours(chain, state)
    assert after == chain.successors()[state].tolist()
    assert {arrow["state"] for arrow in before} == set(np.flatnonzero(P[:, state]))
    for arrow in before:
        assert arrow["p"] == P[arrow["state"], state]
        assert after is not None
        assert arrow["token"] == state % V
    assert chain.vocabulary.decode(context_of(state, V, K)) == chain.context(state)


@pytest.mark.parametrize("n", [0, 1, 2, MAX_CURVE - 1, MAX_CURVE, MAX_CURVE + 1, 12345])
def test_a_long_curve_is_thinned_and_keeps_both_ends(n):
    losses = [1 / (1 + i) for i in range(n)]
    steps, thinned = curve(losses)
    assert len(steps) == len(thinned) <= MAX_CURVE
    assert thinned == [losses[step] for step in steps]
    assert steps[:1] == [0][:n]
    assert steps[-1:] == [n - 1][:n]
    assert len(steps) >= min(n, MAX_CURVE / 2)
    assert steps == sorted(set(steps))
