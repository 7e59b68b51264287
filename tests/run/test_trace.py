from __future__ import annotations

import numpy as np
import pytest

import babygpt as bg
from babygpt.chain.chain import MarkovChain
from babygpt.errors import SettingError
from babygpt.run.trace import SCALARS

# Each scalar asked again, by another way where there is one.
ASKED = {
    "loss": lambda chain, corpus: -sum(
        n * np.log(chain[corpus.vocabulary.decode(context)][corpus.vocabulary.symbols[token]])
        for context, counts in zip(corpus.contexts, corpus.counts, strict=True)
        for token, n in enumerate(counts)
    ) / corpus.n_examples,
    "floor_gap": lambda chain, corpus: ASKED["loss"](chain, corpus) - corpus.floor,
    "perplexity": lambda chain, corpus: np.exp(ASKED["loss"](chain, corpus)),
    "recurrent_classes": lambda chain, _: 1,
    "entropy_rate": lambda chain, _: -(chain.stationary_distribution()[:, None] * chain.probs * chain.log_probs).sum(),
    "excess_entropy": lambda chain, _: chain.memory_profile() @ np.arange(1, chain.context_length + 1),
    "second_eigenvalue": lambda chain, _: sorted(abs(np.linalg.eigvals(chain.transition_matrix().toarray())))[-2],
    "spectral_gap": lambda chain, _: 1 - sorted(abs(np.linalg.eigvals(chain.transition_matrix().toarray())))[-2],
    "mixing_time": lambda chain, _: next(n for n in range(1000) if chain.distance_to_stationary(n) <= 0.25),
    "kemeny_constant": lambda chain, _: chain.stationary_distribution()
    @ [chain.hitting_times(state)[0] for state in range(chain.n_states)],
    "causal_states": lambda chain, _: chain.causal_states(0.01).n_states,
    "statistical_complexity": lambda chain, _: chain.causal_states(0.01).statistical_complexity,
    "greedy_cycles": lambda chain, _: len(chain.with_decoding(temperature=0).recurrent_classes()),
    "period": lambda chain, _: chain.period(),
    "nearest_ngram": lambda chain, corpus: chain.nearest_ngram(corpus).order,
}  # fmt: skip


@pytest.mark.parametrize("name", SCALARS)
def test_a_trace_is_the_chain_at_each_step_asked(article_run, name):
    trace = article_run.trace(name)
    assert (trace.name, trace.unit) == (name, SCALARS[name][0])
    assert trace.values.dtype == np.float64
    assert trace.steps.tolist() == list(range(51))
    asked = [ASKED[name](article_run.chain_at(step), article_run.corpus) for step in range(51)]
    assert trace.values == pytest.approx(np.array(asked, dtype=float), abs=1e-9)


def test_the_loss_followed_is_the_loss_trained_on(article_run):
    assert article_run.trace("loss").values[:-1] == pytest.approx(article_run.losses, abs=1e-5)


def test_the_gap_is_what_the_second_eigenvalue_leaves(article_run):
    total = article_run.trace("spectral_gap").values + article_run.trace("second_eigenvalue").values
    assert total == pytest.approx(1, abs=1e-12)


def test_the_article_learns_its_data(article_run):
    loss = article_run.trace("loss").values
    assert loss[-1] < loss[0]
    assert loss.min() > article_run.corpus.floor
    assert article_run.trace("entropy_rate").values[0] == pytest.approx(np.log(2), abs=0.01)
    assert article_run.trace("nearest_ngram").values[0] == -1  # untrained: uniform


@pytest.mark.parametrize("name", ["losses", "", "Loss", "n_states", "temperature"])
def test_what_cannot_be_followed_is_refused_with_all_that_can(article_run, name):
    with pytest.raises(SettingError) as refused:
        article_run.trace(name)
    assert repr(name) in str(refused.value)
    for known in SCALARS:
        assert known in str(refused.value)


def test_a_thinned_history_is_followed_where_it_was_recorded(monkeypatch):
    monkeypatch.setattr("babygpt.run.training.FRAME_BUDGET", 2000)
    run = bg.train("1111011110", 3, 60, n_layer=1, n_head=1, n_embd=4)
    trace = run.trace("entropy_rate")
    assert len(trace.steps) < 61
    assert trace.steps.tolist() == run.history.steps.tolist()
    rates = [run.chain_at(step).entropy_rate() for step in run.history.steps.tolist()]
    assert trace.values.tolist() == rates


def test_a_loaded_run_is_followed_alike(article_run, tmp_path):
    loaded = bg.Run.load(article_run.save(tmp_path / "run"))
    for name in ("loss", "second_eigenvalue"):
        assert np.array_equal(loaded.trace(name).values, article_run.trace(name).values)


def test_the_ngrams_of_the_data_are_made_once_for_all_steps(small_run, monkeypatch):
    made, ngrams = [], MarkovChain.ngrams.__func__
    monkeypatch.setattr(
        MarkovChain, "ngrams", classmethod(lambda cls, corpus: made.append(corpus) or ngrams(cls, corpus))
    )
    assert len(small_run.trace("nearest_ngram").values) == 7
    assert made == [small_run.corpus]


def test_a_chain_too_large_for_a_scalar_says_so():
    run = bg.train("1111011110110111", 11, 1, n_layer=1, n_head=1, n_embd=4)
    with pytest.raises(bg.errors.SizeError, match="Kemeny"):
        run.trace("kemeny_constant")
    assert run.trace("greedy_cycles").steps.tolist() == [0, 1]


def test_any_function_of_a_chain_is_followed(article_run):
    trace = article_run.trace(lambda chain: chain["101"]["1"])
    assert trace.values[-1] == article_run.chain["101"]["1"]
    assert len(trace.values) == 51
