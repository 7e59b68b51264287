from __future__ import annotations

from itertools import islice, product

import numpy as np
import pytest

import babygpt as bg
from babygpt.errors import DivergedError, SequenceError, SettingError, SizeError, VocabularyError
from babygpt.run import training as training_module
from babygpt.run.training import Training

ARTICLE = "111101111011110"
SHAPE = bg.GPTConfig(3, 2, 1, 2, 8)
TABLE_BYTES = 14 * 2 * 4  # one frame in float32


def training_of(earlier=None, **settings):
    corpus = bg.Corpus.from_text(ARTICLE, 3)
    return Training(corpus, SHAPE, bg.TrainConfig(**settings), earlier)


def finish(training):
    for _ in training:
        pass
    return training.result()


def interrupted_at(step, **settings):
    training = training_of(**settings)
    list(islice(training, step))
    return training.result()


def assert_same_run(a, b):
    np.testing.assert_array_equal(a.losses, b.losses)
    np.testing.assert_array_equal(a.history.steps, b.history.steps)
    assert a.history.table.dtype == b.history.table.dtype
    np.testing.assert_array_equal(a.history.table, b.history.table)
    assert a.history.n_states == b.history.n_states
    for left, right in ((a.weights, b.weights), (a.optimizer, b.optimizer)):
        assert left.keys() == right.keys()
        for name in left:
            np.testing.assert_array_equal(left[name], right[name])
    assert (a.config, a.train_config, a.corpus.vocabulary) == (b.config, b.train_config, b.corpus.vocabulary)
    np.testing.assert_array_equal(a.corpus.contexts, b.corpus.contexts)
    np.testing.assert_array_equal(a.corpus.counts, b.corpus.counts)


# -- recording ----------------------------------------------------------------------------------------------


def test_first_frame_is_untrained_and_last_is_the_last_step():
    run = finish(training_of(steps=7))
    assert run.history.steps[0] == 0
    assert run.history.steps[-1] == 7 == run.steps
    assert not np.array_equal(run.history.table[0], run.history.table[-1])


def test_a_result_can_be_had_before_the_first_step_and_after_any():
    training = training_of(steps=4)
    untrained = training.result()
    assert (untrained.steps, untrained.history.steps.tolist()) == (0, [0])
    assert repr(untrained) == "Run(untrained, 8 states)"
    for step in training:
        run = training.result()
        assert run.steps == step.index == run.history.steps[-1]
        assert run.losses[-1] == step.loss


def test_a_result_stays_as_it_was_while_training_goes_on():
    training = training_of(steps=6)
    list(islice(training, 2))
    early = training.result()
    before = {n: w.copy() for n, w in early.weights.items()}, early.losses.copy()
    finish(training)
    for name, weight in early.weights.items():
        np.testing.assert_array_equal(weight, before[0][name])
    np.testing.assert_array_equal(early.losses, before[1])


def test_a_small_budget_thins_the_frames_within_it(monkeypatch):
    monkeypatch.setattr(training_module, "FRAME_BUDGET", 12 * TABLE_BYTES)
    run = finish(training_of(steps=40))
    assert run.history.table.nbytes <= 12 * TABLE_BYTES
    assert not run.history.exact
    assert run.history.steps[0] == 0
    assert run.history.steps[-1] == 40
    with pytest.raises(SettingError, match="nearest recorded steps"):
        run.chain_at(39)


def test_the_chain_of_a_run_with_rounded_frames_is_exact_all_the_same(monkeypatch):
    whole = finish(training_of(steps=40))
    monkeypatch.setattr(training_module, "FRAME_BUDGET", 12 * TABLE_BYTES)
    thin = finish(training_of(steps=40))
    np.testing.assert_array_equal(thin.chain.log_probs, whole.chain.log_probs)
    np.testing.assert_allclose(thin.chain_at(8).probs, whole.chain_at(8).probs, atol=1e-6)


def test_looking_at_the_run_on_the_way_leaves_its_frames_as_planned(monkeypatch):
    monkeypatch.setattr(training_module, "FRAME_BUDGET", 12 * TABLE_BYTES)
    looked_at = training_of(steps=40)
    for _ in looked_at:
        looked_at.result()
    assert_same_run(looked_at.result(), finish(training_of(steps=40)))


# -- going on -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [None, 12, 5, 2])
@pytest.mark.parametrize("settings", [{}, {"batch_size": 5}, {"positions": "all"}], ids=["plain", "batch", "all"])
@pytest.mark.parametrize("stop", [1, 11, 16])
def test_a_resumed_training_ends_as_an_uninterrupted_one(monkeypatch, settings, stop, budget):
    if budget:
        monkeypatch.setattr(training_module, "FRAME_BUDGET", budget * TABLE_BYTES)
    half = interrupted_at(stop, steps=24, **settings)
    assert half.steps == stop
    assert_same_run(finish(Training.resume(half)), finish(training_of(steps=24, **settings)))


def test_a_training_resumed_twice_ends_as_an_uninterrupted_one(monkeypatch):
    monkeypatch.setattr(training_module, "FRAME_BUDGET", 9 * TABLE_BYTES)
    second = Training.resume(interrupted_at(5, steps=30))
    list(islice(second, 8))
    assert_same_run(finish(Training.resume(second.result())), finish(training_of(steps=30)))


@pytest.mark.parametrize("budget", [None, 12, 5])
def test_a_finished_training_taken_further_ends_as_one_planned_longer(monkeypatch, budget):
    if budget:
        monkeypatch.setattr(training_module, "FRAME_BUDGET", budget * TABLE_BYTES)
    assert_same_run(finish(Training.resume(finish(training_of(steps=13)), 37)), finish(training_of(steps=37)))


def test_the_run_that_is_gone_on_from_stays_as_it_is(small_run):
    before = {n: w.copy() for n, w in small_run.weights.items()}, small_run.chain.probs.copy(), small_run.steps
    finish(Training.resume(small_run, 12))
    for name, weight in small_run.weights.items():
        np.testing.assert_array_equal(weight, before[0][name])
    np.testing.assert_array_equal(bg.MarkovChain.from_model(small_run.gpt).probs, before[1])
    assert small_run.steps == before[2]


@pytest.mark.parametrize("steps", [None, 6, 5, 1])
def test_steps_already_done_are_not_done_again(small_run, steps):
    with pytest.raises(SettingError, match=r"has 6 steps already.*Ask for more, such as steps=12"):
        Training.resume(small_run, steps)


@pytest.mark.parametrize("steps", [0, -1, 7.5, True, "9"])
def test_going_on_to_what_is_no_count_is_refused(small_run, steps):
    with pytest.raises(SettingError):
        Training.resume(small_run, steps)


def test_frames_that_were_never_kept_exactly_do_not_pass_for_exact(monkeypatch):
    # planned long and thinned, then finished early: a plan for the short training would keep everything
    monkeypatch.setattr(training_module, "FRAME_BUDGET", 2 * 21 * TABLE_BYTES)
    half = interrupted_at(15, steps=1000)
    assert not half.history.exact
    run = finish(Training.resume(half, 20))
    if run.history.exact:
        exact = finish(training_of(steps=20)).history
        for step in run.history.steps:
            np.testing.assert_array_equal(run.history.frame(step), exact.frame(step))


# -- diverging ----------------------------------------------------------------------------------------------


def diverge(**settings):
    training = training_of(**settings)
    with pytest.raises(DivergedError) as error:
        finish(training)
    return training.result(), str(error.value)


def test_a_training_that_diverges_at_once_leaves_the_untrained_run(tmp_path):
    run, message = diverge(steps=50, learning_rate=1e20)
    assert "learning_rate=1e+20" in message
    assert (run.steps, run.history.steps.tolist()) == (0, [0])
    np.testing.assert_array_equal(run.chain.probs, finish(training_of(steps=1)).chain_at(0).probs)
    again = bg.Run.load(run.save(tmp_path / "untrained"))
    assert_same_run(again, run)
    assert again.losses.shape == (0,)


@pytest.mark.parametrize("learning_rate", [1e2, 1e3])
def test_a_training_that_diverges_late_leaves_the_run_up_to_the_last_finite_loss(tmp_path, learning_rate):
    run, message = diverge(steps=60, learning_rate=learning_rate)
    assert run.steps >= 2
    assert f"step {run.steps} is kept" in message
    assert len(run.losses) == run.steps == run.history.steps[-1]
    assert np.isfinite(run.losses).all()
    assert np.isfinite(run.history.table).all()
    assert all(np.isfinite(w).all() for w in run.weights.values())
    # its last frame is that of its weights
    np.testing.assert_array_equal(bg.MarkovChain.from_model(run.gpt).log_probs, run.chain.log_probs)
    assert_same_run(bg.Run.load(run.save(tmp_path / "kept")), run)


def test_what_is_kept_of_a_diverged_training_is_what_a_shorter_one_would_have_left():
    run, _ = diverge(steps=60, learning_rate=1e2)
    shorter = interrupted_at(run.steps, steps=60, learning_rate=1e2)
    assert_same_run(run, shorter)


def test_a_run_kept_from_divergence_is_a_chain_even_where_only_unseen_contexts_broke():
    training = training_of(steps=60, learning_rate=50)
    with pytest.raises(DivergedError):
        finish(training)
    assert training.result().chain.n_states == 8


def test_a_training_stopped_right_after_the_update_that_broke_it_still_leaves_a_chain():
    training = training_of(steps=60, learning_rate=1e20)
    assert [step.index for step in islice(training, 1)] == [1]
    run = training.result()
    assert run.chain.n_states == 8
    assert (run.steps, len(run.losses), run.history.steps.tolist()) == (0, 0, [0])
    with pytest.raises(DivergedError, match="the GPT of step 0 is kept"):
        list(training_of(steps=60, learning_rate=1e20))


def test_a_gpt_that_speaks_nonsense_only_after_unseen_contexts_counts_as_diverged():
    # at this rate the seen contexts keep a finite loss for a step longer than the unseen ones
    corpus = bg.Corpus.from_text(ARTICLE, 3)
    training = Training(corpus, bg.GPTConfig(3, 2, 1, 2, 8), bg.TrainConfig(steps=60, learning_rate=50))
    with pytest.raises(DivergedError):
        list(training)
    run = training.result()
    assert np.isfinite(run.history.table).all()
    assert len(run.losses) == run.history.steps[-1]


def test_a_last_step_that_breaks_the_gpt_is_taken_back():
    run, _ = diverge(steps=1, learning_rate=1e20)
    assert (run.steps, len(run.losses)) == (0, 0)


# -- train() ------------------------------------------------------------------------------------------------


def test_train_defaults_are_the_articles(article_run):
    assert_same_run(bg.train(ARTICLE), article_run)


def test_training_twice_gives_the_same_run():
    kwargs = {"steps": 5, "seed": 9, "n_layer": 1, "n_embd": 8, "batch_size": 3}
    assert_same_run(bg.train(ARTICLE, **kwargs), bg.train(ARTICLE, **kwargs))


def test_every_setting_reaches_the_run():
    run = bg.train(
        "a b a b b a c", 2, 3, 4, learning_rate=2e-3, weight_decay=0.2, n_layer=1, n_head=3, n_embd=6, bias=True,
        positions="all", batch_size=2, vocabulary=["c", "b", "a"], tokens="words",
    )  # fmt: skip
    assert run.config == bg.GPTConfig(2, 3, 1, 3, 6, True)
    assert run.train_config == bg.TrainConfig(3, 2e-3, 0.2, "all", 2, 4)
    assert run.corpus.vocabulary == bg.Vocabulary(("c", "b", "a"), "words")
    assert list(islice(run.chain.contexts(), 3)) == ["c c", "c b", "c a"]


def test_numpy_integers_give_a_run_that_can_be_saved(tmp_path):
    run = bg.train(ARTICLE, np.int64(3), np.int32(2), np.int64(1), n_layer=1, n_embd=8, batch_size=np.int64(2))
    assert bg.Run.load(run.save(tmp_path / "run")).config.block_size == 3


def test_a_chain_too_large_is_refused_before_training_with_what_would_fit():
    text = "".join(map("".join, product("abcdefghijklmnopqrstuvwxyz ", repeat=2)))
    with pytest.raises(SizeError) as error:
        bg.train(text, context_length=9)
    for part in ("context_length=9", "27 symbols", "7,625,597,484,987 states", "1.5 PiB", "1.0 GiB",
                 "Try context_length=4"):  # fmt: skip
        assert part in str(error.value)


def test_an_enormous_context_is_refused_without_hanging():
    with pytest.raises(SizeError, match=r"10\^301,030 states"):
        Training(bg.Corpus.from_text(ARTICLE, 3), bg.GPTConfig(block_size=10**6), bg.TrainConfig())


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"sequence": ""}, SequenceError, "empty"),
        ({"sequence": "101"}, SequenceError, "at least 4"),
        ({"sequence": "1111"}, SequenceError, "only '1'"),
        ({"sequence": ARTICLE, "vocabulary": "ab"}, VocabularyError, "'0', '1', not in the vocabulary"),
        ({"sequence": ARTICLE, "vocabulary": "011"}, VocabularyError, "'1' more than once"),
        ({"sequence": ARTICLE, "vocabulary": "1"}, VocabularyError, "at least 2"),
        ({"sequence": ARTICLE, "n_embd": 10}, SettingError, "n_embd=10"),
        ({"sequence": ARTICLE, "context_length": 0}, SettingError, "context_length=0"),
        ({"sequence": ARTICLE, "context_length": True}, SettingError, "context_length=True"),
        ({"sequence": ARTICLE, "steps": 0}, SettingError, "steps=0"),
        ({"sequence": ARTICLE, "steps": -5}, SettingError, "steps=-5"),
        ({"sequence": ARTICLE, "learning_rate": float("nan")}, SettingError, "learning_rate=nan"),
        ({"sequence": ARTICLE, "learning_rate": float("inf")}, SettingError, "learning_rate=inf"),
        ({"sequence": ARTICLE, "weight_decay": -0.1}, SettingError, "weight_decay=-0.1"),
        ({"sequence": ARTICLE, "batch_size": 0}, SettingError, "batch_size=0"),
        ({"sequence": ARTICLE, "seed": -1}, SettingError, "seed=-1"),
        ({"sequence": ARTICLE, "n_layer": 0}, SettingError, "n_layer=0"),
        ({"sequence": ARTICLE, "positions": "some"}, SettingError, "'last' or 'all'"),
        ({"sequence": ARTICLE, "device": "abacus"}, SettingError, "'abacus'.*cpu"),
        ({"sequence": ARTICLE, "tokens": "letters"}, SettingError, "'chars' or 'words'"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_its_own_words(given, error, words):
    with pytest.raises(error, match=words):
        bg.train(**given)


# -- looking at a training under way ------------------------------------------------------------------------


@pytest.mark.parametrize("context_length", [3, 13])  # read by the step itself; read beside it, and thinned
def test_chains_of_recorded_steps_can_be_had_while_training_goes_on(context_length):
    corpus = bg.Corpus.from_text(ARTICLE + "0010011100", context_length)
    training = Training(corpus, bg.GPTConfig(context_length, 2, 1, 1, 4), bg.TrainConfig(steps=8))
    for step in training:
        now = training.chain_at(step.index)
        np.testing.assert_array_equal(now.log_probs, bg.MarkovChain.from_model(training.trainer.gpt).log_probs)
    run = training.result()
    assert list(training.recorded) == [s for s in run.history.steps.tolist() if s < 8 or context_length == 13]
    for recorded in training.recorded:
        chain = training.chain_at(recorded)
        np.testing.assert_array_equal(chain.log_probs, run.chain_at(recorded).log_probs)
        np.testing.assert_array_equal(chain.short_log_probs, run.chain_at(recorded).short_log_probs)


def test_a_chain_that_was_not_recorded_is_refused():
    training = training_of(steps=9)
    list(islice(training, 2))
    with pytest.raises(SettingError, match="Step 5 was not recorded"):
        training.chain_at(5)


def test_a_training_gone_on_from_a_run_has_the_runs_frames():
    training = training_of(interrupted_at(3, steps=9), steps=9)
    assert list(training.recorded) == [0, 1, 2, 3]
    finish(training)
    assert list(training.recorded) == list(range(9))


def test_frames_keep_to_the_budget_that_is_given():
    corpus = bg.Corpus.from_text(ARTICLE, 3)
    training = Training(corpus, SHAPE, bg.TrainConfig(steps=40), frame_budget=12 * TABLE_BYTES)
    history = finish(training).history
    assert history.table.nbytes <= 12 * TABLE_BYTES
    assert len(history) > 6
    again = Training.resume(interrupted_at(20, steps=40), frame_budget=12 * TABLE_BYTES)
    np.testing.assert_array_equal(finish(again).history.steps, history.steps)


# -- fewer frames -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [1, 11, 16])
@pytest.mark.parametrize("frames", [2, 5, 9, 100])
def test_fewer_frames_are_kept_through_saving_and_going_on(frames, stop, tmp_path):
    whole = bg.train(ARTICLE, 3, 24, n_layer=1, n_head=2, n_embd=8, frames=frames)
    every = finish(training_of(steps=24))
    assert 2 <= len(whole.history) <= frames
    assert {0, 24} <= set(whole.history.steps.tolist())
    for step, table in zip(whole.history.steps, whole.history.table, strict=True):
        np.testing.assert_array_equal(table, every.history.frame(int(step)))
    training = Training(whole.corpus, SHAPE, bg.TrainConfig(steps=24), frames=frames)
    list(islice(training, stop))
    half = bg.Run.load(training.result().save(tmp_path / "half"))
    assert half.frames == frames
    assert_same_run(finish(Training.resume(half)), whole)


def test_going_on_may_ask_for_fewer_frames_still():
    run = finish(training_of(steps=20))
    fewer = finish(Training.resume(run, 40, frames=6))
    assert len(fewer.history) <= 6
    assert_same_run(fewer, bg.train(ARTICLE, 3, 40, n_layer=1, n_head=2, n_embd=8, frames=6))


@pytest.mark.parametrize("frames", [0, 1, -3, 2.0, True, "all"])
def test_frames_are_two_or_more(frames):
    with pytest.raises(SettingError, match=r"frames=.* is not a whole number of at least 2"):
        bg.train(ARTICLE, steps=2, frames=frames)
