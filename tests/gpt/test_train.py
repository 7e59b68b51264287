from __future__ import annotations

import random
from copy import deepcopy
from itertools import islice

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import babygpt as bg
from babygpt.errors import DivergedError, SettingError
from babygpt.gpt import train as train_module
from babygpt.gpt.corpus import windows
from babygpt.gpt.model import seeded_gpt
from babygpt.gpt.train import Trainer, fit

ARTICLE = "111101111011110"
SMALL = bg.GPTConfig(3, 2, 1, 2, 8)
EIGHT = torch.tensor([[s >> 2 & 1, s >> 1 & 1, s & 1] for s in range(8)])


def corpus_of(text=ARTICLE, K=3):
    return bg.Corpus.from_text(text, K)


def examples(corpus, text=ARTICLE):
    X, Y = windows(corpus.vocabulary.encode(text), corpus.context_length)
    return torch.from_numpy(X.copy()), torch.from_numpy(Y.copy())


def loss_on_windows(gpt, X, Y, positions="last"):
    """Cross-entropy over every window, one by one, as in the article (and over every position)."""
    if positions == "last":
        return F.cross_entropy(gpt(X), Y)
    targets = torch.cat([X[:, 1:], Y[:, None]], dim=1)
    return F.cross_entropy(gpt.logits(X).flatten(0, 1), targets.flatten())


def plain_loop(gpt, X, Y, steps, positions="last", lr=1e-3, weight_decay=0.1):
    """Run the article's training loop: every window a row of the batch, torch's own AdamW and cross-entropy."""
    optimizer = torch.optim.AdamW(gpt.parameters(), lr=lr, weight_decay=weight_decay)
    losses = []
    for _ in range(steps):
        loss = loss_on_windows(gpt, X, Y, positions)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def probs(gpt, contexts=EIGHT):
    with torch.no_grad():
        return torch.softmax(gpt(contexts).double(), dim=-1).numpy()


def losses_of(config, gpt=None, corpus=None):
    gpt = gpt or seeded_gpt(SMALL, 0)
    return [step.loss for step in fit(gpt, corpus or corpus_of(), config)]


def test_first_second_and_last_loss_are_the_articles():
    gpt = seeded_gpt(bg.GPTConfig(), 1337)
    losses = losses_of(bg.TrainConfig(steps=50), gpt)
    assert len(losses) == 50
    np.testing.assert_allclose([losses[0], losses[1], losses[49]], [0.663539469, 0.639351010, 0.4699831], atol=1e-5)


@pytest.mark.parametrize("seed", [0, 1, 2, 1337])
def test_training_on_counts_is_the_articles_loop_over_windows(seed):
    corpus = corpus_of()
    ours, theirs = seeded_gpt(bg.GPTConfig(), seed), seeded_gpt(bg.GPTConfig(), seed)
    losses = losses_of(bg.TrainConfig(steps=50), ours)
    np.testing.assert_allclose(losses, plain_loop(theirs, *examples(corpus), 50), atol=1e-6)
    # AdamW divides by the size of a gradient, so rounding in a tiny one, which differs by processor, is a whole step
    np.testing.assert_allclose(probs(ours), probs(theirs), atol=2e-4)


@pytest.mark.parametrize("seed", [0, 1, 2, 1337])
@pytest.mark.parametrize("positions", ["last", "all"])
def test_in_double_precision_training_on_counts_is_the_articles_loop_to_nine_digits(seed, positions):
    corpus = corpus_of()
    ours, theirs = (seeded_gpt(bg.GPTConfig(), seed).double() for _ in range(2))
    losses = losses_of(bg.TrainConfig(steps=50, positions=positions), ours)
    np.testing.assert_allclose(losses, plain_loop(theirs, *examples(corpus), 50, positions), atol=1e-9)
    np.testing.assert_allclose(probs(ours), probs(theirs), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("text", "K", "bias"), [("abcabacbbcacab" * 3, 4, True), (ARTICLE, 1, False)])
@pytest.mark.parametrize("positions", ["last", "all"])
def test_other_texts_settings_and_positions_train_as_the_plain_loop_does(text, K, bias, positions):
    corpus = corpus_of(text, K)
    shape = bg.GPTConfig(K, len(corpus.vocabulary), 2, 2, 8, bias)
    ours, theirs = seeded_gpt(shape, 4), seeded_gpt(shape, 4)
    config = bg.TrainConfig(steps=20, learning_rate=3e-3, weight_decay=0.02, positions=positions)
    losses = losses_of(config, ours, corpus)
    X, Y = examples(corpus, text)
    np.testing.assert_allclose(losses, plain_loop(theirs, X, Y, 20, positions, 3e-3, 0.02), atol=2e-6)
    np.testing.assert_allclose(probs(ours, X), probs(theirs, X), atol=1e-4)


def test_trained_long_seen_contexts_get_the_datas_own_probabilities():
    gpt, corpus = seeded_gpt(bg.GPTConfig(), 1337), corpus_of()
    last = losses_of(bg.TrainConfig(steps=1000), gpt, corpus)[-1]
    assert corpus.floor < last < corpus.floor + 2e-3
    np.testing.assert_allclose(probs(gpt, torch.from_numpy(corpus.contexts)), corpus.probs, atol=0.01)
    # and what was never seen still has an opinion
    assert (probs(gpt)[[0, 1, 2, 4], 1] > 0.9).all()


@pytest.mark.parametrize("positions", ["last", "all"])
def test_no_loss_is_below_the_floor_and_long_training_comes_near_it(positions):
    corpus = corpus_of()
    config = bg.TrainConfig(steps=400, learning_rate=5e-3, weight_decay=0.0, positions=positions)
    losses = losses_of(config, seeded_gpt(bg.GPTConfig(3, 2, 2, 2, 16), 0), corpus)
    floor = corpus.loss_floor(positions)
    assert min(losses) >= floor - 1e-6
    assert losses[-1] < floor + 1e-3


def test_training_all_positions_teaches_short_contexts_and_last_positions_does_not():
    """After a single 0 the article's sequence always goes on with 1; only "all" is shown that."""
    corpus, one_zero = corpus_of(), torch.tensor([[0]])
    taught, untaught = (seeded_gpt(bg.GPTConfig(3, 2, 2, 2, 16), 0) for _ in range(2))
    losses_of(bg.TrainConfig(steps=300, learning_rate=5e-3, positions="all"), taught, corpus)
    losses_of(bg.TrainConfig(steps=300, learning_rate=5e-3), untaught, corpus)
    prefix = corpus.prefix_counts(1)
    np.testing.assert_allclose(probs(taught, one_zero)[0], prefix[0] / prefix[0].sum(), atol=0.02)
    assert abs(probs(untaught, one_zero)[0, 0] - prefix[0, 0] / prefix[0].sum()) > 0.02


def test_loss_is_the_floor_plus_the_divergence_of_each_context():
    """L = H(data) + sum of w(s) KL(data(.|s) || model(.|s)), exactly."""
    gpt, corpus = seeded_gpt(bg.GPTConfig(), 7), corpus_of("110100111010110001", 3)
    loss = losses_of(bg.TrainConfig(steps=1, learning_rate=1e-9), gpt, corpus)[0]
    q, p = probs(gpt, torch.from_numpy(corpus.contexts)), corpus.probs
    w = corpus.counts.sum(axis=1) / corpus.n_examples
    kl = sum(w[s] * p[s, v] * np.log(p[s, v] / q[s, v]) for s in range(len(p)) for v in range(2) if p[s, v] > 0)
    assert loss == pytest.approx(corpus.floor + kl, abs=1e-6)


def test_a_step_taken_in_many_turns_is_the_step_taken_at_once(monkeypatch):
    config = bg.TrainConfig(steps=15)
    at_once, in_turns = seeded_gpt(SMALL, 0), seeded_gpt(SMALL, 0)
    a = losses_of(config, at_once)
    monkeypatch.setattr(train_module, "ACTIVATIONS_PER_TURN", 1)
    b = losses_of(config, in_turns)
    np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(probs(at_once), probs(in_turns), atol=1e-5)


def test_steps_are_counted_from_one_and_their_loss_is_from_before_the_update():
    gpt, corpus = seeded_gpt(SMALL, 0), corpus_of()
    X, Y = examples(corpus)
    before = []
    stepper = fit(gpt, corpus, bg.TrainConfig(steps=4))
    indices = []
    while True:
        loss = loss_on_windows(gpt, X, Y).item()
        step = next(stepper, None)
        if step is None:
            break
        before.append((step.loss, loss))
        indices.append(step.index)
    assert indices == [1, 2, 3, 4]
    for reported, measured in before:
        assert reported == pytest.approx(measured, abs=1e-6)


def test_fit_is_lazy_and_stops_where_its_caller_stops():
    stopped, whole = seeded_gpt(SMALL, 0), seeded_gpt(SMALL, 0)
    assert len(list(islice(fit(stopped, corpus_of(), bg.TrainConfig(steps=50)), 3))) == 3
    losses_of(bg.TrainConfig(steps=3), whole)
    assert torch.equal(stopped.wte.weight, whole.wte.weight)


def test_fit_trains_the_articles_fifty_steps_by_default():
    assert len(list(fit(seeded_gpt(SMALL, 0), corpus_of()))) == 50


def test_each_batch_of_one_has_the_loss_of_one_of_the_examples():
    corpus, gpt = corpus_of(), seeded_gpt(SMALL, 0)
    X, Y = examples(corpus)
    singles = F.cross_entropy(gpt(X), Y, reduction="none").detach().numpy()
    losses = np.array(losses_of(bg.TrainConfig(steps=400, learning_rate=1e-12, batch_size=1), gpt))
    nearest = np.abs(losses[:, None] - singles).argmin(axis=1)
    assert np.abs(losses - singles[nearest]).max() < 1e-5
    # 111 is followed by 0 in 3 of 12 examples; 400 draws have a standard deviation of 2.2 %
    is_111_0 = singles[next(i for i in range(12) if X[i].tolist() == [1, 1, 1] and Y[i] == 0)]
    assert np.isclose(losses, is_111_0, atol=1e-6).mean() == pytest.approx(0.25, abs=0.08)


def test_the_mean_loss_of_many_batches_is_the_loss_of_the_corpus():
    gpt = seeded_gpt(bg.GPTConfig(3, 2, 1, 2, 8), 0)
    full = losses_of(bg.TrainConfig(steps=1, learning_rate=1e-12), deepcopy(gpt))[0]
    batches = np.array(losses_of(bg.TrainConfig(steps=400, learning_rate=1e-12, batch_size=5), gpt))
    assert batches.std() > 0
    assert abs(batches.mean() - full) < 5 * batches.std() / 20


def test_batches_are_the_same_for_a_seed_and_differ_between_seeds_and_from_the_full_batch():
    def losses(seed, batch_size=4):
        return losses_of(bg.TrainConfig(steps=8, seed=seed, batch_size=batch_size))

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)
    assert losses(1) != losses(1, batch_size=None)
    assert losses(1, batch_size=None) == losses(2, batch_size=None)


def test_a_trainer_that_goes_on_draws_the_batches_of_an_uninterrupted_one():
    config = bg.TrainConfig(steps=9, batch_size=3, seed=5)
    whole = losses_of(config)
    gpt = seeded_gpt(SMALL, 0)
    first = Trainer(gpt, corpus_of(), config)
    losses = [first.step().loss for _ in range(4)]
    second = Trainer(gpt, corpus_of(), config, first.steps_done, first.state())
    losses += [second.step().loss for _ in range(5)]
    assert losses == whole


def test_training_leaves_every_global_generator_as_it_was():
    torch.manual_seed(11)
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    bg.train(ARTICLE, steps=3, n_layer=1, n_head=1, n_embd=4, batch_size=2)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_equal(np.random.get_state(), before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


def test_training_gives_the_thread_count_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for step in fit(seeded_gpt(SMALL, 0), corpus_of(), bg.TrainConfig(steps=3)):
            assert torch.get_num_threads() == 2, step
        with pytest.raises(DivergedError):
            losses_of(bg.TrainConfig(steps=9, learning_rate=1e20))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_far_too_large_learning_rate_diverges_and_the_untrained_gpt_is_kept():
    gpt = seeded_gpt(SMALL, 0)
    untrained = deepcopy(gpt)
    with pytest.raises(DivergedError, match=r"loss became (nan|inf).*learning_rate=1e\+20.*smaller learning rate"):
        losses_of(bg.TrainConfig(steps=50, learning_rate=1e20), gpt)
    for kept, first in zip(gpt.parameters(), untrained.parameters(), strict=True):
        assert torch.equal(kept, first)


@pytest.mark.parametrize("learning_rate", [1e2, 1e3])
def test_divergence_after_good_steps_keeps_the_last_gpt_with_a_finite_loss(learning_rate):
    gpt, corpus = seeded_gpt(SMALL, 0), corpus_of()
    X, Y = examples(corpus)
    losses = []

    def train():
        for step in fit(gpt, corpus, bg.TrainConfig(steps=60, learning_rate=learning_rate)):
            losses.append(step.loss)  # noqa: PERF401  # what came before the error is wanted

    with pytest.raises(DivergedError) as error:
        train()
    kept = len(losses) - 1
    assert kept >= 2
    assert f"GPT of step {kept} is kept" in str(error.value)
    assert np.isfinite(losses).all()
    assert all(p.isfinite().all() for p in gpt.parameters())
    # the last loss reported is the loss of the GPT that is kept
    assert loss_on_windows(gpt, X, Y).item() == pytest.approx(losses[-1], rel=1e-3)


def test_a_last_update_that_breaks_the_gpt_is_noticed_too():
    gpt = seeded_gpt(SMALL, 0)
    with pytest.raises(DivergedError, match="GPT of step 0 is kept"):
        losses_of(bg.TrainConfig(steps=1, learning_rate=1e20), gpt)
    assert all(p.isfinite().all() for p in gpt.parameters())


@pytest.mark.parametrize("shape", [bg.GPTConfig(block_size=4), bg.GPTConfig(vocab_size=3)])
def test_a_gpt_and_a_corpus_of_different_sizes_are_refused(shape):
    with pytest.raises(SettingError, match=r"GPT reads \d tokens of \d symbols.*Make them the same"):
        next(fit(seeded_gpt(shape, 0), corpus_of()))


def test_an_unknown_device_is_refused_with_those_there_are():
    with pytest.raises(SettingError, match=r"'tpu'.*cpu"):
        next(fit(seeded_gpt(SMALL, 0), corpus_of(), bg.TrainConfig(device="tpu")))
