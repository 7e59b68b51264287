"""The chain of any model: whatever takes tokens (B, T) and returns logits."""

from __future__ import annotations

import functools
import math
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import babygpt as bg
from babygpt.chain import asking, extract
from babygpt.chain.contexts import contexts_between, count_short
from babygpt.chain.extract import context_table
from babygpt.errors import ModelError, SettingError, SizeError, VocabularyError
from babygpt.gpt.model import seeded_gpt


def one_by_one(logits_of, V, K, short=True):
    """Return the table, each context asked alone: ``logits_of(idx (1, T))`` gives logits (V,)."""
    rows = []
    for t in range(1 if short else K, K + 1):
        for context in product(range(V), repeat=t):
            with torch.no_grad():
                rows.append(torch.as_tensor(logits_of(torch.tensor([context]))).double().log_softmax(-1))
    return torch.stack(rows).numpy()


class Window(nn.Module):
    """An MLP over the one-hot tokens of a whole window."""

    def __init__(self, V, K, width=16):
        super().__init__()
        self.V = V
        self.layers = nn.Sequential(nn.Linear(V * K, width), nn.Tanh(), nn.Dropout(0.5), nn.Linear(width, V))

    def forward(self, idx):
        return self.layers(nn.functional.one_hot(idx, self.V).float().flatten(1))


class Recurrent(nn.Module):
    """A GRU that reads each window anew."""

    def __init__(self, V, batch_first=True):
        super().__init__()
        self.embedding, self.gru = nn.Embedding(V, 6), nn.GRU(6, 8, batch_first=batch_first)
        self.head = nn.Linear(8, V)

    def forward(self, idx):
        return self.head(self.gru(self.embedding(idx))[0])  # (B, T, V)


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def gpt2(V=2, K=4):
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(vocab_size=V, n_positions=K, n_embd=16, n_layer=2, n_head=2, initializer_range=0.5)
    return transformers.GPT2LMHeadModel(config)  # tanh GELU, dropout .1, in training mode


def llama(V=2, K=4):
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=V, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=K, initializer_range=0.5,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config)


@pytest.mark.parametrize("make", [gpt2, llama])
@pytest.mark.parametrize(("V", "K"), [(2, 3), (3, 4), (2, 11)])
def test_the_chain_of_a_hugging_face_model_is_what_it_says_after_every_context(make, V, K):
    model = make(V, K).train()
    chain = bg.MarkovChain.from_model(model, "abc"[:V], context_length=K)
    assert model.training
    model.eval()
    idx = torch.from_numpy(contexts_between(0, V**K, V, K))
    with torch.no_grad():
        expected = torch.softmax(model(idx).logits[:, -1].double(), dim=-1).numpy()
    np.testing.assert_allclose(chain.probs, expected, atol=1e-6)
    assert np.ptp(expected) > 0.3
    if V**K < 100:
        every = one_by_one(lambda idx: model(idx).logits[0, -1], V, K)
        np.testing.assert_allclose(np.exp(chain.short_log_probs), np.exp(every[: -(V**K)]), atol=1e-6)


def test_a_hugging_face_model_shows_its_vocabulary_but_not_its_context_length():
    model = gpt2(5, 8)
    chain = bg.MarkovChain.from_model(model, context_length=2)
    assert (chain.n_states, len(chain.vocabulary)) == (25, 5)
    with pytest.raises(SettingError, match=r"this GPT2LMHeadModel is for you to say.*context_length=3"):
        bg.MarkovChain.from_model(model, "abcde")
    with pytest.raises(ModelError, match=r"failed on 2 contexts of 9 tokens"):
        bg.MarkovChain.from_model(gpt2(2, 8), context_length=9, short=False)


def test_a_vocabulary_that_was_filled_up_is_told_with_what_to_cut_off():
    model = gpt2(8, 4)
    with pytest.raises(SettingError, match=r"8 columns and the vocabulary 3 symbols.*logits\[\.\.\., :3\]"):
        bg.MarkovChain.from_model(model, "abc", context_length=2)
    model.eval()
    chain = bg.MarkovChain.from_model(lambda idx: model(idx).logits[..., :3], "abc", context_length=2)
    expected = one_by_one(lambda idx: model(idx).logits[0, -1, :3], 3, 2)
    np.testing.assert_allclose(chain.log_probs, expected[3:], atol=1e-5)


def test_a_module_of_ones_own_over_whole_windows():
    model = Window(3, 4)
    with pytest.raises(ModelError, match=r"failed on 3 contexts of 1 token.*short=False") as error:
        bg.MarkovChain.from_model(model, "abc", context_length=4)
    assert isinstance(error.value.__cause__, RuntimeError)
    chain = bg.MarkovChain.from_model(model, "abc", context_length=4, short=False)
    assert model.training  # as it was found, and its dropout was off:
    model.eval()
    np.testing.assert_allclose(chain.log_probs, one_by_one(model, 3, 4, short=False)[:, 0], atol=1e-5)
    assert chain.short_log_probs is None
    table = context_table(model, context_length=4, short=False)
    np.testing.assert_array_equal(table, chain.log_probs)


@pytest.mark.parametrize("batch", [None, 1, 2, 7, 1000])
def test_a_recurrent_model_reads_each_window_anew_in_batches_of_any_size(batch):
    model = Recurrent(3)
    sizes = []
    model.register_forward_hook(lambda module, given, out: sizes.append(len(given[0])))
    chain = bg.MarkovChain.from_model(model, context_length=3, batch=batch)
    expected = one_by_one(lambda idx: model(idx)[0, -1], 3, 3)
    np.testing.assert_allclose(np.concatenate([chain.short_log_probs, chain.log_probs]), expected, atol=1e-5)
    if batch is not None:
        assert max(sizes) <= max(batch, asking.SAMPLE)


def test_memory_is_bounded_by_the_batches(monkeypatch):
    monkeypatch.setattr(asking, "BATCH_TOKENS", 64)
    sizes = []
    model = Recurrent(2)
    model.register_forward_hook(lambda module, given, out: sizes.append(given[0].numel()))
    bg.MarkovChain.from_model(model, context_length=8)
    assert max(sizes) <= asking.SAMPLE * 8
    assert sorted(sizes)[len(sizes) // 2] in range(56, 65)
    monkeypatch.setattr(asking, "BATCH_LOGITS", 60)
    sizes.clear()
    bg.MarkovChain.from_model(model, context_length=8)
    assert sorted(sizes)[len(sizes) // 2] in range(20, 31)


FLIPS = np.random.default_rng(0).normal(size=(4, 4))


def summed(idx):
    """Logits that depend on every token: (B, T) → float64 (B, 4)."""
    tokens = np.asarray(idx)
    return (FLIPS[tokens] * np.arange(1, tokens.shape[1] + 1)[:, None]).sum(axis=1)


EXPECTED = one_by_one(lambda idx: summed(idx)[0], 4, 3)
FORMS = {
    "NumPy (B, V)": summed,
    "NumPy (B, T, V)": lambda idx: np.stack([summed(idx[:, : t + 1]) for t in range(idx.shape[1])], axis=1),
    "torch": lambda idx: torch.from_numpy(summed(idx)),
    "float32": lambda idx: summed(idx).astype(np.float32),
    "indexed by the tensor": lambda idx: (FLIPS[idx] * np.arange(1, idx.shape[1] + 1)[:, None]).sum(axis=1),
    "only the last, as nanoGPT": lambda idx: (torch.from_numpy(summed(idx))[:, None], None),
    ".logits": lambda idx: SimpleNamespace(logits=torch.from_numpy(summed(idx))),
    "with a gradient": lambda idx: torch.from_numpy(summed(idx)).requires_grad_(),
    "made in inference mode": torch.inference_mode()(lambda idx: torch.from_numpy(summed(idx))),
    "lists": lambda idx: summed(idx).tolist(),
    "a partial": functools.partial(lambda scale, idx: scale * summed(idx), 1),
    "changes what it is given": lambda idx: (summed(idx), idx.zero_())[0],
    "shifted by a constant": lambda idx: summed(idx) + 1000 * (1 + np.asarray(idx)[:, :1]),
}


@pytest.mark.parametrize("form", FORMS)
def test_logits_come_in_any_form(form):
    chain = bg.MarkovChain.from_model(FORMS[form], "abcd", context_length=3)
    found = np.concatenate([chain.short_log_probs, chain.log_probs])
    np.testing.assert_allclose(found, EXPECTED, atol=1e-5 if form == "float32" else 1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_logits_in_half_precision_are_taken_as_they_are(dtype):
    model = Recurrent(3).to(dtype)
    chain = bg.MarkovChain.from_model(model, context_length=3)
    expected = one_by_one(lambda idx: model(idx)[0, -1], 3, 3)
    np.testing.assert_allclose(chain.probs, np.exp(expected[count_short(3, 3) :]), atol=0.01)


def test_a_true_zero_is_a_logit_of_minus_infinity():
    with np.errstate(divide="ignore"):
        table = np.log([[0.5, 0.5, 0], [0, 1, 0], [0.25, 0.25, 0.5]])
    chain = bg.MarkovChain.from_model(lambda idx: table[idx], "abc", context_length=1)
    np.testing.assert_array_equal(chain.log_probs, table)


def test_one_token_of_context_and_many_symbols():
    model = nn.Embedding(2000, 2000)
    chain = bg.MarkovChain.from_model(model, context_length=1, vocab_size=2000)
    np.testing.assert_allclose(chain.log_probs, model.weight.detach().double().log_softmax(-1), atol=1e-6)


def test_methods_and_wrappers_of_a_gpt_are_models_too():
    gpt = seeded_gpt(bg.GPTConfig(4, 2, 1, 2, 8), 0)
    expected = bg.MarkovChain.from_model(gpt).log_probs
    for model in (gpt.logits, gpt.forward, lambda idx: gpt(idx), nn.DataParallel(gpt), functools.partial(gpt)):
        chain = bg.MarkovChain.from_model(model, "01", context_length=4)
        np.testing.assert_allclose(chain.log_probs, expected, atol=1e-6)
    wrapped = nn.Sequential(gpt)
    wrapped.config = gpt.config  # as wrappers pass it on, and nanoGPT's models have it
    assert bg.MarkovChain.from_model(wrapped).context_length == 4


@pytest.mark.parametrize(("block", "K"), [(5, 3), (12, 11), (12, 1)])
@pytest.mark.parametrize("short", [True, False])
def test_a_gpt_may_be_read_with_fewer_tokens_than_it_could_take(block, K, short):
    gpt = seeded_gpt(bg.GPTConfig(block, 2, 2, 2, 8, True), 1)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.mul_(5)
    expected = one_by_one(lambda idx: gpt(idx)[0], 2, K, short)
    np.testing.assert_allclose(context_table(gpt, context_length=K, short=short), expected, atol=1e-4)
    chain = bg.MarkovChain.from_model(gpt, context_length=K, short=short)
    np.testing.assert_allclose(chain.log_probs, expected[-(2**K) :], atol=1e-4)
    assert (chain.short_log_probs is None) == (not short or K == 1)


def test_without_short_contexts_files_and_arrays_have_a_row_a_state(tmp_path):
    gpt = seeded_gpt(bg.GPTConfig(12, 2, 1, 2, 8), 1)
    whole = context_table(gpt)[count_short(2, 12) :]
    np.testing.assert_array_equal(context_table(gpt, short=False, threads=2), whole)
    out = np.empty((2**12, 2))
    assert context_table(gpt, short=False, out=out) is out
    np.testing.assert_array_equal(out, whole)
    np.testing.assert_array_equal(context_table(gpt, short=False, out=tmp_path / "states.npy"), whole)
    heard = []
    context_table(gpt, short=False, progress=lambda *now: heard.append(now))
    assert heard[-1] == (2**12, 2**12)
    with pytest.raises(SettingError, match="4,096 rows, one for every context of 12 to 12 tokens"):
        context_table(gpt, short=False, out=np.empty((2**13 - 2, 2)))


def test_sizes_that_contradict_each_other_are_told():
    gpt = seeded_gpt(bg.GPTConfig(3, 2, 1, 2, 8), 0)
    with pytest.raises(SettingError, match="context_length=4 was given; this model reads 3 tokens"):
        bg.MarkovChain.from_model(gpt, context_length=4)
    with pytest.raises(SettingError, match="vocab_size=3 was given; this GPT has 2 symbols"):
        context_table(gpt, vocab_size=3)
    with pytest.raises(SettingError, match="vocab_size=3 and a vocabulary of 4 symbols"):
        bg.MarkovChain.from_model(summed, "abcd", context_length=2, vocab_size=3)
    with pytest.raises(SettingError, match="4 columns and the vocabulary 5 symbols: give one each"):
        bg.MarkovChain.from_model(summed, "abcde", context_length=2)
    for name, value in [("context_length", 0), ("context_length", 1.5), ("batch", 0), ("vocab_size", 1)]:
        with pytest.raises(SettingError, match=f"{name}={value}"):
            bg.MarkovChain.from_model(summed, **{"context_length": 2, name: value})


@pytest.mark.parametrize("model", [3, "gpt", None, bg.GPT, np.eye(2), {"0": 1}])
def test_what_is_no_model_is_told(model):
    with pytest.raises(SettingError, match="is no model"):
        bg.MarkovChain.from_model(model, context_length=2)


def test_a_vocabulary_that_is_none_is_told_before_the_model_is_asked():
    with pytest.raises(VocabularyError, match="more than once"):
        bg.MarkovChain.from_model(lambda idx: pytest.fail("asked"), "aba", context_length=2)


@pytest.mark.parametrize("K", [40, 10**9])
def test_too_many_states_are_refused_before_the_model_is_asked(K):
    def model(idx):
        pytest.fail("asked")

    with pytest.raises(SizeError):
        bg.MarkovChain.from_model(model, "01", context_length=K)
    with pytest.raises(SizeError):
        context_table(model, vocab_size=2, context_length=K)
    with pytest.raises(SizeError):
        context_table(model, context_length=10**9)


BROKEN = {
    "nothing": (lambda idx: None, "something that is a NoneType; logits are"),
    "one vector": (lambda idx: np.zeros(4), r"of shape \(4,\)"),
    "one row": (lambda idx: np.zeros((1, 4)), r"of shape \(1, 4\)"),
    "too many axes": (lambda idx: np.zeros((len(idx), 2, 2, 4)), r"of shape \(\d+, 2, 2, 4\)"),
    "another number of tokens": (lambda idx: np.zeros((len(idx), 9, 4)), r"of shape \(\d+, 9, 4\)"),
    "batch and tokens exchanged": (lambda idx: np.zeros((*idx.T.shape, 4)), r"logits are \(\d+, 4\), or \(\d+, "),
    "another number of symbols": (lambda idx: np.zeros((len(idx), 3)), "3 columns and the vocabulary 4 symbols"),
    "no numbers": (lambda idx: np.full((len(idx), 4), "a"), "no real numbers: they have dtype <U1"),
    "complex numbers": (lambda idx: np.zeros((len(idx), 4), complex), "no real numbers: they have dtype complex128"),
    "complex tensors": (lambda idx: torch.zeros(len(idx), 4, dtype=torch.complex64), "complex"),
    "NaN": (lambda idx: np.where(np.asarray(idx)[:, -1:] == 2, np.nan, summed(idx)), "After the tokens 2 the model"),
    "infinity": (
        lambda idx: summed(idx) + np.array([0, math.inf, 0, 0]),
        "After the tokens 0 the model's logits are .*inf",
    ),
    "nothing follows": (lambda idx: np.full((len(idx), 4), -np.inf), "one at least is a number"),
    "on the meta device": (lambda idx: torch.zeros(len(idx), 4, device="meta"), "no numbers"),
    "an error": (lambda idx: 1 / 0, "ZeroDivisionError: division by zero"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_answers_that_are_no_logits_are_told(name):
    model, message = BROKEN[name]
    with pytest.raises((ModelError, SettingError), match=message) as error:
        bg.MarkovChain.from_model(model, "abcd", context_length=2)
    assert isinstance(error.value, bg.BabyGPTError)
    assert "\n" not in str(error.value)


def test_what_stops_a_model_stops_the_reading():
    def model(idx):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bg.MarkovChain.from_model(model, "01", context_length=2)


class Remembers:
    def __init__(self):
        self.read = 0

    def __call__(self, idx):
        self.read += 1
        return summed(idx) + np.array([0, 0.1 * self.read, 0, 0])


def draws_numbers(idx):
    return summed(idx) + np.random.default_rng().normal(size=(len(idx), 4))


def functional_dropout(idx):
    return nn.functional.dropout(torch.from_numpy(summed(idx)), 0.2, training=True)


@pytest.mark.parametrize("model", [Remembers(), draws_numbers, functional_dropout], ids=["memory", "chance", "dropout"])
def test_a_model_that_changes_its_mind_has_no_chain(model):
    before = torch.get_rng_state()
    with pytest.raises(ModelError, match=r"asked the same again.*no Markov chain"):
        bg.MarkovChain.from_model(model, "abcd", context_length=4)
    if model is not functional_dropout:
        assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("V", "K"), [(2, 2), (3, 3), (2, 7)])
def test_a_batch_whose_contexts_see_each_other_is_told(V, K):
    with pytest.raises(ModelError, match="depends on what else is in the batch"):
        bg.MarkovChain.from_model(Recurrent(V, batch_first=False), context_length=K)
    normal = nn.Sequential(nn.Embedding(V, V), nn.BatchNorm1d(K, track_running_stats=False))
    with pytest.raises(ModelError, match="depends on what else is in the batch"):
        bg.MarkovChain.from_model(normal, context_length=K, short=False)


def test_reading_leaves_modes_gradients_and_generators_as_they_were():
    model = nn.Sequential(nn.Embedding(3, 3), nn.Dropout(0.9), nn.Sequential(nn.Dropout(0.9), nn.Linear(3, 3)))
    model.train()
    model[2].eval()
    modes = [part.training for part in model.modules()]
    before = torch.get_rng_state(), torch.is_grad_enabled(), torch.get_num_threads()
    seen = []
    model[2][1].register_forward_hook(lambda module, given, out: seen.append((module.training, out.requires_grad)))
    bg.MarkovChain.from_model(model, context_length=2)
    assert set(seen) == {(False, False)}
    assert [part.training for part in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (torch.is_grad_enabled(), torch.get_num_threads()) == before[1:]
    with pytest.raises(ZeroDivisionError):
        bg.MarkovChain.from_model(model, context_length=2, batch=2, progress=lambda *_: 1 / 0)
    assert [part.training for part in model.modules()] == modes


def test_modules_that_merge_weights_for_evaluation_are_left_as_they_were():
    class Merged(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.merged = nn.Embedding(2, 2), False

        def train(self, mode=True):
            self.merged = not mode
            return super().train(mode)

        def forward(self, idx):
            assert self.merged
            return self.table(idx)

    model = Merged().train()
    bg.MarkovChain.from_model(model, context_length=2)
    assert model.training
    assert not model.merged


def test_progress_counts_the_contexts_read():
    heard = []
    bg.MarkovChain.from_model(summed, "abcd", context_length=3, batch=10, progress=lambda *now: heard.append(now))
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})
    assert heard[-1] == (84, 84)
    assert len(heard) >= 9


# -- what is faster is held against the GPT itself ---------------------------------------------------------------


def loud(config, seed, loudness):
    gpt = seeded_gpt(config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * loudness)
    return gpt


@pytest.mark.parametrize("size", [1e-3, 1e-2, 0.3])
@pytest.mark.parametrize("where", ["wte", "wpe", "ln_f", "h.1.mlp.c_fc"])
@pytest.mark.parametrize("double", [False, True])
def test_a_fast_reading_that_is_off_by_a_thousandth_is_found(where, size, double, monkeypatch):
    gpt, read = (loud(bg.GPTConfig(11, 2, 2, 2, 8), 0, 0.3) for _ in range(2))
    if double:
        gpt, read = gpt.double(), read.double()
    right = np.exp(context_table(gpt))
    step = torch.randn(read.get_submodule(where).weight.shape, generator=torch.Generator().manual_seed(1))
    scale = 0.05

    def off():
        return np.abs(np.exp(context_table(read)) - right).max()

    for _ in range(20):  # until the largest error among all contexts is as large as wanted
        with torch.no_grad():
            for weight, own in zip(read.parameters(), gpt.parameters(), strict=True):
                weight.copy_(own)
            read.get_submodule(where).weight.add_(scale * step)
        scale *= size / off()
    assert off() == pytest.approx(size, rel=0.1)
    tree = extract.PrefixTree(read)
    monkeypatch.setattr(extract, "PrefixTree", lambda _: tree)
    with pytest.raises(
        ModelError, match=r"something else than what was read from its weights: after the tokens [01 ]+"
    ):
        context_table(gpt)
    with pytest.raises(ModelError):
        bg.MarkovChain.from_model(gpt)


@pytest.mark.parametrize("loudness", [0.0, 0.3, 1.0, 3.0, 10.0])
def test_a_right_reading_is_never_taken_for_a_wrong_one(loudness, monkeypatch):
    monkeypatch.setattr(extract, "FORWARD_TOKENS", 0)
    for seed in range(12):
        config = bg.GPTConfig(5 + seed % 3, 2 + seed % 2, 1 + seed % 3, 2, 4 + 4 * (seed % 4), bool(seed % 2))
        gpt = loud(config, seed, loudness)
        context_table(gpt)
        context_table(gpt, dtype=np.float32)
        context_table(gpt.double(), dtype=np.float32)


def test_what_the_gpt_says_is_no_number_is_none_in_the_table(monkeypatch):
    gpt = loud(bg.GPTConfig(11, 2, 1, 1, 4), 0, 0.3)
    tree = extract.PrefixTree(gpt)
    with torch.no_grad():
        gpt.wte.weight[0] = math.nan
    monkeypatch.setattr(extract, "PrefixTree", lambda _: tree)
    assert np.isnan(context_table(gpt)).any()
    with pytest.raises(SettingError, match="no distribution"):
        bg.MarkovChain.from_model(gpt)


def test_a_disagreement_leaves_no_file(tmp_path, monkeypatch):
    gpt = loud(bg.GPTConfig(11, 2, 1, 1, 4), 0, 0.3)
    tree = extract.PrefixTree(loud(bg.GPTConfig(11, 2, 1, 1, 4), 1, 0.3))
    monkeypatch.setattr(extract, "PrefixTree", lambda _: tree)
    with pytest.raises(ModelError):
        context_table(gpt, out=tmp_path / "table.npy")
    assert list(tmp_path.iterdir()) == []
    np.testing.assert_allclose(context_table(lambda idx: gpt(idx), context_length=11)[-1], gpt_says(gpt, 11), atol=1e-5)


def gpt_says(gpt, K):
    with torch.no_grad():
        return gpt(torch.ones(1, K, dtype=torch.int64))[0].double().log_softmax(-1).numpy()
