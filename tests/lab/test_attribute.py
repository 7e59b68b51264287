from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import psutil
import pytest

import babygpt as bg
from babygpt.errors import ContextError, DivergedError, SequenceError, SettingError, SizeError, VocabularyError
from babygpt.lab import attribute as module
from babygpt.lab.attribute import attribute

ARTICLE = "111101111011110"
TINY = {"n_layer": 1, "n_head": 1, "n_embd": 4, "steps": 3}


@pytest.fixture(scope="module")
def flipped():
    return attribute(ARTICLE)


@pytest.fixture(scope="module")
def left_out():
    return attribute(ARTICLE, by="window")


@pytest.mark.parametrize("position", [0, 4, 7, 14])
def test_a_flipped_token_gives_the_run_on_the_flipped_text(flipped, position):
    text = ARTICLE[:position] + "10"[int(ARTICLE[position])] + ARTICLE[position + 1 :]
    run = bg.train(text, vocabulary="01")
    assert flipped.positions[position] == position
    assert flipped.replacements[position] == 1 - int(ARTICLE[position])
    np.testing.assert_allclose(flipped.changed[position], run.chain.probs, atol=2e-4)


@pytest.mark.parametrize("position", [0, 1, 11])
def test_a_window_left_out_gives_the_run_on_the_other_windows(left_out, position):
    windows = [ARTICLE[i : i + 4] for i in range(12) if i != position]
    contexts = sorted({window[:3] for window in windows})
    counts = np.array([[windows.count(context + token) for token in "01"] for context in contexts])
    corpus = bg.Corpus(bg.Vocabulary("01"), 3, np.array([[int(t) for t in c] for c in contexts]), counts)
    alone = bg.Ensemble.train(corpus, seeds=[1337], threads=1)
    np.testing.assert_allclose(left_out.changed[position], alone.probs[0], atol=2e-4)


def test_the_base_is_the_run_as_it_is(flipped, left_out, article_run):
    for found in (flipped, left_out):
        np.testing.assert_allclose(found.base, article_run.chain.probs, atol=2e-4)
        np.testing.assert_allclose(found.effects.sum(axis=2), 0, atol=1e-12)


def test_with_three_symbols_each_token_is_replaced_by_both_others():
    text = "abcabca"
    found = attribute(text, context_length=2, **TINY)
    assert found.positions.tolist() == [i for i in range(7) for _ in range(2)]
    assert ["abc"[t] for t in found.replacements] == [s for was in text for s in "abc" if s != was]
    for row in (0, 5, 13):
        place, symbol = found.positions[row], "abc"[found.replacements[row]]
        run = bg.train(text[:place] + symbol + text[place + 1 :], 2, vocabulary="abc", **TINY)
        np.testing.assert_allclose(found.changed[row], run.chain.probs, atol=2e-5)
    np.testing.assert_allclose(found.by_position[2], found.effects[4:6].mean(axis=0))


@pytest.mark.parametrize("K", [1, 2, 5])
@pytest.mark.parametrize("by", ["token", "window"])
def test_changed_corpora_are_those_counted_from_scratch(K, by):
    rng = np.random.default_rng(K)
    ids = rng.integers(3, size=20)
    vocabulary = bg.Vocabulary("abc")
    corpus = bg.Corpus.from_tokens(ids, K, vocabulary)
    places, replacements = module.changes_of(ids, 3, K, by)
    variants, variant_of = module.corpora_of(corpus, ids, places, replacements)
    for place, replacement, variant in zip(places, replacements, variant_of, strict=True):
        if by == "token":
            other = ids.copy()
            other[place] = replacement
            fresh = bg.Corpus.from_tokens(other, K, vocabulary)
        else:
            windows = np.delete(np.lib.stride_tricks.sliding_window_view(ids, K + 1), place, axis=0)
            contexts, row = np.unique(windows[:, :-1], axis=0, return_inverse=True)
            counts = np.zeros((len(contexts), 3), dtype=np.int64)
            np.add.at(counts, (row.ravel(), windows[:, -1]), 1)
            fresh = bg.Corpus(vocabulary, K, contexts, counts)
        assert np.array_equal(variants[variant].contexts, fresh.contexts)
        assert np.array_equal(variants[variant].counts, fresh.counts)
    assert len({(v.contexts.tobytes(), v.counts.tobytes()) for v in variants}) == len(variants)


def test_equal_changes_are_trained_once(left_out, monkeypatch):
    trained = []
    train = module.train_many
    monkeypatch.setattr(
        module, "train_many", lambda corpora, *a, **k: trained.append(corpora) or train(corpora, *a, **k)
    )
    again = attribute(ARTICLE, by="window")
    assert len(trained[0]) == 1 + len({ARTICLE[i : i + 4] for i in range(12)})
    assert np.array_equal(again.changed[0], again.changed[5])
    np.testing.assert_allclose(again.changed, left_out.changed, atol=1e-12)


def test_several_seeds_give_the_mean_of_their_attributions():
    each = [attribute(ARTICLE, seeds=[seed], **TINY) for seed in (3, 5)]
    both = attribute(ARTICLE, seeds=[5, 3], **TINY)
    assert both.seeds.tolist() == [3, 5]
    np.testing.assert_allclose(both.base, (each[0].base + each[1].base) / 2, atol=1e-6)
    np.testing.assert_allclose(both.changed, (each[0].changed + each[1].changed) / 2, atol=1e-6)


def test_the_strongest_changes_come_first_with_what_they_did(flipped, left_out):
    found = flipped.strongest("000", "1", n=3)
    assert [abs(i.effect) for i in found] == sorted((abs(e) for e in flipped.effects[:, 0, 1]), reverse=True)[:3]
    first = found[0]
    assert (first.position, first.was, first.became) == (4, "0", "1")
    assert first.effect == pytest.approx(flipped.base[0, 1] - first.changed)
    assert len(flipped.strongest([0, 0, 0], 1)) == 15
    window = left_out.strongest("000", "1", n=1)[0]
    assert (window.position, window.was, window.became) == (1, "1110", None)


def test_rows_name_every_effect(flipped, left_out):
    columns = flipped.rows()
    assert {len(column) for column in columns.values()} == {15 * 8 * 2}
    row = np.ravel_multi_index((4, 0, 1), flipped.changed.shape)
    values = [columns[name][row] for name in ("position", "was", "became", "state", "context", "token")]
    assert values == [4, "0", "1", 0, "000", "1"]
    assert [int(context, 2) for context in columns["context"]] == columns["state"].tolist()
    assert columns["effect"][row] == columns["base"][row] - columns["changed"][row] == flipped.effects[4, 0, 1]
    assert left_out.rows()["was"][0] == "1111"
    assert left_out.rows()["became"][0] == ""


def test_words_are_tokens_too():
    found = attribute("so it is so it was", context_length=1, tokens="words", **TINY)
    assert len(found.positions) == 6 * 3
    assert {influence.became for influence in found.strongest("so", "it")} <= {"so", "it", "is", "was"}


def test_other_settings_mean_what_they_mean_for_one_run():
    settings = TINY | {"positions": "all", "bias": True, "batch_size": 4}
    found = attribute(ARTICLE, seeds=[9], **settings)
    run = bg.train("0" + ARTICLE[1:], seed=9, **settings)
    np.testing.assert_allclose(found.changed[0], run.chain.probs, atol=2e-5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"by": "letter"}, SettingError, "by='letter'"),
        ({"seeds": []}, SettingError, "There are no seeds"),
        ({"seeds": 3}, SettingError, "no list of seeds"),
        ({"steps": 0}, SettingError, "steps=0"),
        ({"learning_rate": 1e30}, DivergedError, "10 of 10 trainings did not stay finite with learning_rate=1e[+]30"),
        ({"context_length": 14, "by": "window"}, SequenceError, "1 window of 15 tokens; without it nothing is left"),
        ({"sequence": "01" * 8193}, SizeError, "make 16,386 texts; the limit is 16,384"),
    ],
)
def test_what_cannot_be_is_told(arguments, error, message):
    settings = {"sequence": ARTICLE, "n_layer": 1, "n_head": 1, "n_embd": 4, "steps": 30} | arguments
    with pytest.raises(error, match=message):
        attribute(**settings)


def test_arrows_that_are_not_there_are_told(flipped):
    with pytest.raises(ContextError, match="'00' has 2 tokens; a state here has 3"):
        flipped.strongest("00", "1")
    with pytest.raises(ContextError, match="'11' has 2 tokens; an arrow's head is one"):
        flipped.strongest("000", "11")
    with pytest.raises(VocabularyError):
        flipped.strongest("000", "2")


def test_a_result_that_would_not_fit_is_refused_before_any_work(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    monkeypatch.setattr(module, "train_many", lambda *_: pytest.fail("work began"))
    with pytest.raises(SizeError, match=r"arrows of all changes take .* shorter text"):
        attribute(ARTICLE)


def test_an_attribution_says_what_it_is(flipped):
    assert repr(flipped) == "Attribution(15 changes by token, 16 arrows, seed 1337)"
