"""Everything that trains takes whatever can be learnt from, and takes it alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import babygpt as bg
from babygpt.lab import sources

SMALL = {"n_layer": 1, "n_head": 2, "n_embd": 4, "steps": 3}
TEXT = "0110100110010110"
TOKENS = [int(c) for c in TEXT]


@pytest.fixture(params=["text", "path", "tokens", "array", "names", "corpus"])
def given(request, tmp_path):
    file = Path(tmp_path) / "text"
    file.write_text(TEXT)
    return {
        "text": TEXT,
        "path": file,
        "tokens": TOKENS,
        "array": np.array(TOKENS, dtype=np.uint8),
        "names": list(TEXT),
        "corpus": bg.Corpus.from_text(TEXT, 3),
    }[request.param]


def test_all_trainings_take_a_text_a_path_tokens_names_or_a_corpus(given):
    expected = bg.train(TEXT, **SMALL)
    np.testing.assert_array_equal(bg.train(given, **SMALL).losses, expected.losses)
    ensemble = bg.Ensemble.train(given, [1337], **SMALL)
    np.testing.assert_allclose(ensemble.losses[0], expected.losses, rtol=1e-5)
    study = bg.study(given, [1337], **SMALL)
    np.testing.assert_allclose(study.losses[0], expected.losses, rtol=1e-5)


def test_attribution_takes_any_of_them_that_has_an_order(given):
    if isinstance(given, bg.Corpus):
        with pytest.raises(bg.SequenceError, match=r"a sequence is needed.*Corpus has none"):
            bg.attribute(given, **SMALL)
        return
    expected = bg.attribute(TEXT, by="window", **SMALL)
    np.testing.assert_allclose(bg.attribute(given, by="window", **SMALL).changed, expected.changed, atol=1e-6)


def test_a_source_is_learnt_from_whole():
    source = sources.golden_mean(0.4)
    run = bg.train(source, context_length=2, steps=200, n_layer=1, n_head=2, n_embd=8, learning_rate=1e-2)
    assert run.floor == pytest.approx(source.optimal_loss(2), abs=1e-12)
    assert run.corpus.n_examples == pytest.approx(1)
    told = bg.judge(run, source)
    assert run.chain.loss_decomposition(run.corpus).loss == pytest.approx(told.cross_entropy, abs=1e-12)
    assert told.excess < 1e-3
    with pytest.raises(bg.SequenceError, match="Source has none"):
        bg.attribute(source, **SMALL)


@pytest.mark.parametrize(
    "source", [sources.mess3(), sources.even_process(), sources.rrxor(), sources.parity(2, 0.1)], ids=repr
)
@pytest.mark.parametrize("K", [1, 2, 4])
def test_the_corpus_of_a_source_is_the_source_at_every_context_length(source, K):
    corpus = bg.Corpus.from_source(source, K)
    assert corpus.floor == pytest.approx(source.optimal_loss(K), abs=1e-12)
    weights = source.context_weights(K)
    np.testing.assert_allclose(corpus.counts.sum(axis=1), weights[corpus.states], atol=1e-15)
    np.testing.assert_allclose(corpus.probs, source.context_probs(K)[corpus.states], atol=1e-12)
    # on all positions: the mean of the optimal losses of each length, since a source has no beginning
    expected = np.mean([source.optimal_loss(k) for k in range(1, K + 1)])
    assert corpus.loss_floor("all") == pytest.approx(expected, abs=1e-12)
    assert not len(corpus.never_left)
    chain = bg.MarkovChain.from_corpus(corpus)
    np.testing.assert_allclose(chain.probs[corpus.states], source.chain(K).probs[corpus.states], atol=1e-12)


def test_what_a_source_is_asked_for_must_be_its_own():
    source = sources.mess3()
    with pytest.raises(bg.SettingError, match="own vocabulary of 3 symbols"):
        bg.train(source, vocabulary="01")
    with pytest.raises(bg.SizeError, match="context_length"):
        bg.train(source, context_length=40)
    with pytest.raises(bg.SequenceError, match="takes a source"):
        bg.Corpus.from_source("mess3", 2)


@pytest.mark.parametrize("train", [bg.train, bg.Ensemble.train, bg.study, bg.attribute])
def test_the_name_of_a_file_trains_nothing(train, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my poem.txt").write_text("abab")
    with pytest.raises(bg.FileError, match=r"There is a file my poem\.txt.*Path\('my poem\.txt'\)"):
        train("my poem.txt")
    with pytest.raises(bg.FileError, match=r"There is no file C:"):
        train(r"C:\Users\Li Wei\poem.txt")


@pytest.mark.parametrize("train", [bg.train, bg.Ensemble.train, bg.study])
def test_a_context_length_at_odds_with_the_corpus_is_told_and_one_left_out_is_the_corpus(train):
    corpus = bg.Corpus.from_text(TEXT, 2)
    with pytest.raises(bg.SettingError, match=r"context_length=3 was asked for.*context_length=2\. Leave it out"):
        train(corpus, context_length=3)
    assert train(corpus, **{"seeds": [1]} if train is not bg.train else {}, **SMALL).config.block_size == 2
