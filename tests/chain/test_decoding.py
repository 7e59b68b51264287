from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import fields
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper
from witnesses import chain_of, random_chain, uniform_chain

import babygpt as bg
from babygpt.chain.decoding import Decoding
from babygpt.errors import SettingError


def normalised(logits):
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def by_transformers(logits, temperature=1.0, top_k=None, top_p=None, min_p=None):
    """Return probabilities after the processors that `generate` would apply, in its order."""
    scores = torch.from_numpy(np.array(logits, dtype=np.float64))
    warpers = [TemperatureLogitsWarper(temperature)] if temperature != 1 else []
    warpers += [TopKLogitsWarper(top_k)] if top_k is not None else []
    warpers += [TopPLogitsWarper(top_p)] if top_p is not None else []
    warpers += [MinPLogitsWarper(min_p)] if min_p is not None else []
    for warper in warpers:
        scores = warper(None, scores)
    return torch.softmax(scores, dim=-1).numpy()


SETTINGS = [
    {"temperature": 0.3}, {"temperature": 5.0}, {"temperature": 1e-3},
    {"top_k": 1}, {"top_k": 3}, {"top_k": 50},
    {"top_p": 0.05}, {"top_p": 0.5}, {"top_p": 0.9}, {"top_p": 0.999}, {"top_p": 1.0},
    {"min_p": 0.0}, {"min_p": 0.05}, {"min_p": 0.5}, {"min_p": 1.0},
    {"temperature": 0.7, "top_k": 4}, {"temperature": 1.5, "top_p": 0.8}, {"top_k": 4, "top_p": 0.7},
    {"top_k": 5, "min_p": 0.2}, {"top_p": 0.9, "min_p": 0.1},
    {"temperature": 0.6, "top_k": 5, "top_p": 0.85, "min_p": 0.1},
    {"temperature": 2.0, "top_k": 3, "top_p": 0.6, "min_p": 0.4},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize(("V", "spread"), [(2, 1.0), (7, 1.0), (7, 4.0), (50, 2.0)])
def test_transformers_processors_leave_the_same_distribution(settings, V, spread):
    logits = np.random.default_rng(V).normal(scale=spread, size=(200, V))
    if settings.get("top_k", 0) > V:
        settings = settings | {"top_k": V}
    found = np.exp(Decoding(**settings).apply(normalised(logits)))
    expected = by_transformers(logits, **settings)
    np.testing.assert_array_equal(found > 0, expected > 0)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-300)


@given(
    st.lists(st.floats(-8, 8), min_size=2, max_size=9),
    st.floats(0.05, 10),
    st.one_of(st.none(), st.integers(1, 9)),
    st.one_of(st.none(), st.floats(0.01, 0.99)),
    st.one_of(st.none(), st.floats(0.001, 0.999)),
)
def test_any_combination_agrees_with_transformers(logits, temperature, top_k, top_p, min_p):
    # distinct logits: where tokens tie at the edge of top-p, which of them stays is either's choice
    logits = np.array(logits)[None] + np.arange(len(logits)) * 0.0137
    if len(np.unique(logits.round(6))) < logits.size:
        return
    settings = {"temperature": temperature, "top_k": None if top_k is None else min(top_k, logits.size)}
    found = np.exp(Decoding(**settings, top_p=top_p, min_p=min_p).apply(normalised(logits)))
    np.testing.assert_allclose(found, by_transformers(logits, **settings, top_p=top_p, min_p=min_p), atol=1e-9)


@pytest.mark.parametrize("top_k", [1, 2, 3, 4, 5])
def test_tokens_that_tie_with_the_kth_stay_as_in_transformers(top_k):
    logits = np.random.default_rng(top_k).integers(0, 3, size=(100, 5)).astype(float)
    found = np.exp(Decoding(top_k=top_k).apply(normalised(logits)))
    np.testing.assert_allclose(found, by_transformers(logits, top_k=top_k), rtol=1e-12)
    assert (found > 0).sum(axis=1).max() > top_k or top_k == 5


@given(st.integers(0, 10**6), st.sampled_from([(2, 3), (3, 2), (5, 1)]))
def test_temperature_one_alone_is_the_identity(seed, size):
    chain = random_chain(*size, seed, short=size[1] > 1)
    again = chain.with_decoding(temperature=1)
    np.testing.assert_allclose(again.log_probs, chain.log_probs, rtol=0, atol=1e-14)
    if size[1] > 1:
        np.testing.assert_allclose(again.short_log_probs, chain.short_log_probs, rtol=0, atol=1e-14)
    everything = chain.with_decoding(1.0, top_k=size[0], top_p=1.0, min_p=0.0)
    np.testing.assert_allclose(everything.log_probs, chain.log_probs, rtol=0, atol=1e-14)


@given(st.integers(0, 10**6), st.floats(0.1, 10), st.floats(0.1, 10))
def test_temperatures_multiply(seed, first, second):
    chain = random_chain(3, 2, seed)
    twice = chain.with_decoding(temperature=first).with_decoding(temperature=second)
    np.testing.assert_allclose(twice.probs, chain.with_decoding(temperature=first * second).probs, atol=1e-12)


@given(st.integers(0, 10**6), st.floats(0.01, 1), st.integers(1, 4), st.floats(0.01, 1), st.floats(0, 1))
def test_the_likeliest_token_always_stays_and_rows_sum_to_one(seed, temperature, top_k, top_p, min_p):
    chain = random_chain(4, 2, seed)
    decoded = chain.with_decoding(temperature, top_k, top_p, min_p)
    rows = np.arange(16)
    assert (decoded.probs[rows, chain.probs.argmax(axis=1)] > 0).all()
    np.testing.assert_allclose(decoded.probs.sum(axis=1), 1, atol=1e-14)
    assert ((decoded.probs > 0).sum(axis=1) <= top_k).all()


def test_top_p_keeps_the_fewest_tokens_that_reach_p():
    chain = chain_of(np.tile([0.5, 0.3, 0.15, 0.05], (4, 1)))
    for top_p, kept in [(0.1, 1), (0.49, 1), (0.51, 2), (0.79, 2), (0.81, 3), (0.94, 3), (0.96, 4), (1.0, 4)]:
        assert (chain.with_decoding(top_p=top_p).probs[0] > 0).sum() == kept
    np.testing.assert_allclose(chain.with_decoding(top_p=0.7).probs[0], [5 / 8, 3 / 8, 0, 0], rtol=1e-13)


def tenths(V):
    """Return every distribution over V tokens in tenths, as whole numbers that sum to 10: (n, V)."""
    return np.array([d for d in product(range(11), repeat=V) if sum(d) == 10])


def kept_by_integers(row, tenths_of_p):
    """Return the fewest likeliest tokens, equals by number, that make up so many tenths: no number is rounded."""
    ranked, kept = sorted(range(len(row)), key=lambda token: (-row[token], token)), []
    while sum(row[token] for token in kept) < tenths_of_p:
        kept.append(ranked[len(kept)])
    return sorted(kept)


@pytest.mark.parametrize("V", [2, 3, 4, 5])
@pytest.mark.parametrize("tenths_of_p", range(1, 10))
def test_integers_decide_every_top_p_cut_of_tenths(V, tenths_of_p):
    table = tenths(V)
    with np.errstate(divide="ignore"):
        decoded = np.exp(Decoding(top_p=tenths_of_p / 10).apply(np.log(table / 10)))
    for row, found in zip(table.tolist(), decoded, strict=True):
        kept = kept_by_integers(row, tenths_of_p)
        expected = [row[token] / sum(row[k] for k in kept) if token in kept else 0 for token in range(V)]
        np.testing.assert_array_equal(found > 0, np.array(expected) > 0, err_msg=f"{row} at .{tenths_of_p}")
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_two_tokens_reach_eight_tenths_and_no_third_is_kept():
    """A public report (transformers issue 18976): .5 + .3 reaches .8."""
    chain = chain_of(np.tile([0.3, 0.1, 0.1, 0.5], (4, 1))).with_decoding(top_p=0.8)
    np.testing.assert_allclose(chain.probs, np.tile([0.375, 0, 0, 0.625], (4, 1)), rtol=1e-14)


@pytest.mark.parametrize(("more", "kept"), [(-1e-9, 2), (0, 2), (1e-9, 3)])
def test_a_share_that_is_truly_above_the_sum_keeps_the_next_token(more, kept):
    chain = chain_of(np.tile([0.3, 0.1, 0.1, 0.5], (4, 1))).with_decoding(top_p=0.8 + more)
    assert (chain.probs[0] > 0).sum() == kept


@pytest.mark.parametrize("V", [2, 4, 5])
@pytest.mark.parametrize("ratio", [(1, 10), (1, 5), (1, 4), (3, 10), (1, 3), (1, 2), (2, 3), (3, 4), (9, 10), (1, 1)])
def test_integers_decide_every_min_p_cut_of_tenths(V, ratio):
    table, (part, whole) = tenths(V), ratio
    with np.errstate(divide="ignore"):
        decoded = Decoding(min_p=part / whole).apply(np.log(table / 10))
    expected = (table > 0) & (table * whole >= part * table.max(axis=1, keepdims=True))
    np.testing.assert_array_equal(decoded > -np.inf, expected)


@pytest.mark.parametrize("V", [3, 4])
@pytest.mark.parametrize("top_k", [1, 2, 3])
def test_integers_decide_every_top_k_cut_of_tenths_however_the_probabilities_were_added_up(V, top_k):
    table = tenths(V)
    sums = [[sum([0.1] * n) for n in row] for row in table.tolist()]  # .1 + .1 + .1 is not .3
    with np.errstate(divide="ignore"):
        decoded = Decoding(top_k=top_k).apply(np.log(sums))
    expected = (table > 0) & (table >= np.sort(table, axis=1)[:, [V - top_k]])
    np.testing.assert_array_equal(decoded > -np.inf, expected)


@pytest.mark.parametrize(
    "settings",
    [{"top_p": p} for p in (0.01, 0.25, 0.3, 0.5, 0.75)] + [{"min_p": 1.0}, {"top_k": 1}, {"top_p": 0.5, "min_p": 1.0}],
    ids=str,
)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_of_equal_tokens_the_one_that_greedy_takes_is_in_every_cut(settings, temperature):
    rows = np.array([[0.25] * 4, [0.1, 0.4, 0.4, 0.1], [0.3, 0.2, 0.2, 0.3], [0.0, 0.5, 0.0, 0.5]])
    chain = chain_of(rows)
    greedy, cut = chain.with_decoding(temperature=0).probs, chain.with_decoding(temperature, **settings).probs
    assert (cut[greedy == 1] > 0).all()
    np.testing.assert_array_equal(cut[greedy == 1], cut.max(axis=1))


def test_top_p_keeps_equal_tokens_in_order_of_their_numbers():
    chain = uniform_chain(4, 1)
    for top_p, kept in [(0.25, 1), (0.26, 2), (0.5, 2), (0.75, 3), (0.76, 4)]:
        np.testing.assert_allclose(chain.with_decoding(top_p=top_p).probs[0], [1 / kept] * kept + [0] * (4 - kept))
    three = uniform_chain(3, 1).with_decoding(top_p=2 / 3)  # thirds are no floats, two of them reach two thirds
    np.testing.assert_allclose(three.probs, [[0.5, 0.5, 0]] * 3)


@pytest.mark.parametrize("temperature", [1e-3, 1.0, 1e13, 1e300])
def test_one_token_is_the_likeliest_at_any_temperature(temperature):
    chain = chain_of(np.tile([0.3, 0.1, 0.2, 0.4], (4, 1)))
    for cut in ({"top_k": 1}, {"top_p": 0.2}):
        assert chain.with_decoding(temperature, **cut).probs[0].tolist() == [0, 0, 0, 1]


def test_temperature_comes_before_the_cut():
    # squares of (.6, .3, .1) are as 36 : 9 : 1, and 45/46 is reached by the first two
    decoded = chain_of(np.tile([0.6, 0.3, 0.1], (3, 1))).with_decoding(temperature=0.5, top_p=45 / 46)
    np.testing.assert_allclose(decoded.probs[0], [0.8, 0.2, 0], rtol=1e-13)


def test_min_p_compares_with_the_likeliest():
    chain = chain_of(np.tile([0.5, 0.3, 0.15, 0.05], (4, 1)))
    for min_p, kept in [(0.0, 4), (0.09, 4), (0.11, 3), (0.29, 3), (0.31, 2), (0.59, 2), (0.61, 1), (1.0, 1)]:
        assert (chain.with_decoding(min_p=min_p).probs[0] > 0).sum() == kept


# -- greedy and the limits of temperature -------------------------------------------------------------------


def test_greedy_is_temperature_zero_is_the_limit_of_cold(article_run):
    chain = article_run.chain
    greedy = chain.with_decoding(temperature=0)
    np.testing.assert_array_equal(greedy.probs, np.eye(2)[chain.probs.argmax(axis=1)])
    np.testing.assert_array_equal(chain.with_decoding(top_k=1).probs, greedy.probs)
    np.testing.assert_allclose(chain.with_decoding(temperature=1e-3).probs, greedy.probs, atol=1e-12)
    np.testing.assert_array_equal(chain.with_decoding(temperature=1e-300).probs, greedy.probs)
    np.testing.assert_array_equal(chain.with_decoding(temperature=5e-324).probs, greedy.probs)
    assert greedy.short_log_probs is not None
    assert greedy["1"] == {"0": 0.0, "1": 1.0} or greedy["1"] == {"0": 1.0, "1": 0.0}


def test_the_first_of_equal_tokens_is_greedy():
    assert uniform_chain(3, 2).with_decoding(temperature=0).probs.tolist() == [[1, 0, 0]] * 9


def test_the_greedy_article_chain_goes_round_in_four(article_run):
    greedy = article_run.chain.with_decoding(temperature=0)
    assert greedy.sample("111", 8) == "01110111"
    assert greedy.entropy_rate() == 0
    assert greedy.period() == 4
    assert greedy.spectral_gap == pytest.approx(0, abs=1e-12)


def test_the_limit_of_heat_is_the_uniform_chain(article_run):
    hot = article_run.chain.with_decoding(temperature=1e12)
    np.testing.assert_allclose(hot.probs, 0.5, atol=1e-11)
    assert hot.kemeny_constant() == pytest.approx(7, abs=1e-9)
    assert hot.entropy_rate() == pytest.approx(np.log(2), abs=1e-12)
    np.testing.assert_allclose(np.abs(hot.eigenvalues()[1:]), 0, atol=1e-3)


def test_entropy_grows_with_temperature(article_run):
    chain = article_run.chain
    for state in range(8):
        entropies = []
        for temperature in (0.2, 0.5, 1, 2, 5):
            p = chain.with_decoding(temperature=temperature).probs[state]
            entropies.append(-(p * np.log(p)).sum())
        assert entropies == sorted(entropies)


# -- zeros --------------------------------------------------------------------------------------------------


def test_a_true_zero_stays_zero_at_every_temperature():
    chain = chain_of([[0.0, 1.0], [0.5, 0.5]])
    for temperature in (0, 0.1, 1, 10, 1e300):
        decoded = chain.with_decoding(temperature=temperature)
        assert decoded.log_probs[0].tolist() == [-np.inf, 0]
        assert decoded.n_underflowed_arrows == 0


def test_truncation_can_make_two_worlds_and_a_way_into_each():
    # 0 and 1 mostly repeat; after 01 both are fair, and nothing below 30 % survives
    chain = chain_of([[0.8, 0.2], [0.5, 0.5], [0.75, 0.25], [0.2, 0.8]])
    cut = chain.with_decoding(min_p=0.5)
    assert [states.tolist() for states in cut.recurrent_classes()] == [[0], [3]]
    assert cut.transient_states().tolist() == [1, 2]
    np.testing.assert_allclose(cut.absorption_probabilities(), [[1, 0], [0.5, 0.5], [1, 0], [0, 1]])
    assert [pi.tolist() for pi in cut.stationary_distributions()] == [[1, 0, 0, 0], [0, 0, 0, 1]]
    assert cut.hitting_times("00").tolist() == [0, np.inf, 1, np.inf]
    with pytest.raises(SettingError, match="2 recurrent classes"):
        cut.stationary_distribution()


def test_a_cold_chain_reports_what_underflows(article_run):
    cold = article_run.chain.with_decoding(temperature=1e-4)
    assert cold.n_zero_arrows == cold.n_underflowed_arrows > 0
    assert np.isfinite(cold.log_probs).all()


def test_decoding_leaves_the_chain_as_it_was(article_run):
    before = article_run.chain.log_probs.copy()
    article_run.chain.with_decoding(0.5, top_k=1, top_p=0.5, min_p=0.5)
    np.testing.assert_array_equal(article_run.chain.log_probs, before)


def test_vocabulary_and_context_length_are_kept():
    chain = bg.MarkovChain(random_chain(3, 2).log_probs, "abc").with_decoding(top_k=2)
    assert chain.vocabulary.symbols == ("a", "b", "c")
    assert chain.context_length == 2


# -- bad input ----------------------------------------------------------------------------------------------

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("temperature", v) for v in (-1, -1e-9, NAN, INF, -INF, "1", None, True, 10**400)),
        *(("top_k", v) for v in (0, -1, 1.5, "3", True, NAN)),
        *(("top_p", v) for v in (0, -0.1, 1.0001, 2, NAN, INF, "0.5", True)),
        *(("min_p", v) for v in (-0.1, 1.0001, NAN, INF, "0.5", True)),
    ],
    ids=lambda v: str(v)[:12],
)
def test_settings_that_mean_nothing_are_refused_by_name(article_run, name, value):
    with pytest.raises(SettingError, match=f"{name}="):
        article_run.chain.with_decoding(**{name: value})


def test_numpy_numbers_are_numbers(article_run):
    decoded = article_run.chain.with_decoding(np.float32(0.5), np.int64(2), np.float64(0.9), np.float64(0.1))
    assert decoded.probs.shape == (8, 2)


# -- a rule is written once --------------------------------------------------------------------------------------

RULES = [rule.name for rule in fields(Decoding)]
FORM = Path(__file__).parents[2] / "frontend" / "src" / "decoding.ts"


def test_a_chain_takes_the_rules_by_name_in_order_or_as_one_decoding(article_run):
    assert list(inspect.signature(bg.MarkovChain.with_decoding).parameters) == ["self", *RULES]
    by_name = article_run.chain.with_decoding(temperature=0.5, top_p=0.6)
    for same in (article_run.chain.with_decoding(0.5, None, 0.6), article_run.chain.decoded(Decoding(0.5, top_p=0.6))):
        np.testing.assert_array_equal(same.log_probs, by_name.log_probs)


def test_every_rule_is_an_option_of_the_commands_that_decode():
    for command in ("sample", "analyse"):
        main = importlib.import_module("babygpt.cli.main")
        parameters = inspect.signature(getattr(main, command)).parameters
        at = list(parameters).index(RULES[0])
        assert list(parameters)[at : at + len(RULES)] == RULES
    said = "; ".join(f"{name}=2" for name in RULES)
    assert main.in_options(said) == "; ".join(f"--{name.replace('_', '-')} 2" for name in RULES)


@pytest.mark.skipif(not FORM.exists(), reason="the screen's source is not here")
def test_every_rule_has_its_line_in_the_screens_form():
    table = FORM.read_text(encoding="utf-8").split("RULES = {")[1].split("}  as")[0].split("} as")[0]
    assert re.findall(r"^  (\w+): \{ plain: (\w+)", table, re.MULTILINE) == [
        (rule.name, "null" if rule.default is None else f"{rule.default:g}") for rule in fields(Decoding)
    ]


def test_a_decoding_says_its_rules_as_they_are_typed():
    assert str(Decoding(0.5, top_k=2)) == "temperature=0.5, top_k=2"
    assert Decoding(0.5, top_k=2).given == {"temperature": 0.5, "top_k": 2}
    assert not Decoding(0.5).is_neutral
    assert Decoding().is_neutral
    assert str(Decoding()) == "no decoding"
