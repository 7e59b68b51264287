"""What is faster stands in for a GPT only where nothing was done to it that weights do not show."""

from __future__ import annotations

import copy
import functools
import pickle
import pkgutil
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules import module as torch_module
from torch.nn.utils import parametrizations, parametrize, prune

import babygpt as bg
from babygpt.chain import extract
from babygpt.chain.extract import context_table
from babygpt.errors import ModelError
from babygpt.gpt.fast.supports import changed, supports
from babygpt.gpt.model import MLP, Block, CausalSelfAttention, seeded_gpt
from babygpt.lens.inside import look_inside
from babygpt.run.training import Training

SMALL, LARGE = (bg.GPTConfig(K, 2, n_layer=2, n_head=2, n_embd=8, bias=True) for K in (3, 10))


def loud_gpt(config, seed=0):
    gpt = seeded_gpt(config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return gpt


# -- what may be done to a GPT -----------------------------------------------------------------------------------


def hook_on_the_gpt(gpt):
    gpt.register_forward_hook(lambda module, given, logits: logits * torch.tensor([1.0, -1.0]))


def hook_on_a_block(gpt):
    gpt.h[1].register_forward_hook(lambda module, given, x: x.roll(1, -1))


def hook_before_a_map(gpt):
    gpt.h[0].mlp.c_fc.register_forward_pre_hook(lambda module, given: (given[0] * 2,))


def hook_with_keywords(gpt):
    gpt.ln_f.register_forward_hook(lambda module, given, keywords, x: -x, with_kwargs=True)


def hook_that_only_looks(gpt):
    gpt.seen = []
    gpt.h[0].register_forward_hook(lambda module, given, x: gpt.seen.append(len(x)))


def another_mlp(gpt):
    gpt.h[0].mlp = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))


def tanh_gelu(gpt):
    class TanhMLP(MLP):
        def forward(self, x):
            return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh") * 1.5)

    for block in gpt.h:
        block.mlp.__class__ = TanhMLP


def attention_without_a_mask(gpt):
    class SeesAll(CausalSelfAttention):
        def forward(self, x):
            B, T, C = x.shape
            q, k, v = self.c_attn(x).view(B, T, 3, self.n_head, C // self.n_head).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(q, k, v)
            return self.c_proj(y.transpose(1, 2).reshape(B, T, C))

    gpt.h[0].attn.__class__ = SeesAll


def another_norm(gpt):
    gpt.h[1].ln_2 = nn.RMSNorm(8)


def no_norm(gpt):
    gpt.ln_f = nn.Identity()


def another_eps(gpt):
    gpt.h[0].ln_1.eps = 1.0


def a_head_of_its_own(gpt):
    gpt.lm_head = nn.Linear(8, 2, bias=False)


def a_head_with_a_bias(gpt):
    tied = gpt.lm_head.weight
    gpt.lm_head = nn.Linear(8, 2)
    gpt.lm_head.weight = tied
    nn.init.constant_(gpt.lm_head.bias[0], 1.0)


def an_untied_copy_of_the_head(gpt):
    gpt.lm_head.weight = nn.Parameter(gpt.wte.weight.detach() * -1)


def parametrized(gpt):
    class Symmetric(nn.Module):
        def forward(self, weight):
            return weight.triu() + weight.triu(1).T

    parametrize.register_parametrization(gpt.h[0].attn.c_proj, "weight", Symmetric())


def weight_norm(gpt):
    layer = parametrizations.weight_norm(gpt.h[0].mlp.c_fc)
    with torch.no_grad():
        layer.parametrizations.weight.original0.mul_(3)


def pruned(gpt):
    prune.l1_unstructured(gpt.h[0].mlp.c_proj, "weight", amount=0.8)


def lora(gpt):
    class LoRA(nn.Module):
        def __init__(self, base):
            super().__init__()
            self.base, self.a, self.b = base, nn.Linear(8, 2, bias=False), nn.Linear(2, 24, bias=False)

        def forward(self, x):
            return self.base(x) + 3 * self.b(self.a(x))

    gpt.h[0].attn.c_attn = LoRA(gpt.h[0].attn.c_attn)


def forward_on_the_instance(gpt):
    forward = gpt.forward
    gpt.forward = lambda idx: forward(idx) * -2


def forward_on_a_part(gpt):
    gpt.h[0].mlp.forward = lambda x: x.sin()


def another_hidden(gpt):
    hidden = gpt.hidden
    gpt.hidden = lambda idx: hidden(idx).flip(-1)


def a_subclass_with_a_forward(gpt):
    class Cautious(bg.GPT):
        def forward(self, idx):
            return super().forward(idx) / 10

    gpt.__class__ = Cautious


def a_subclass_with_hidden(gpt):
    class Deaf(bg.GPT):
        def hidden(self, idx):
            return super().hidden(torch.zeros_like(idx))

    gpt.__class__ = Deaf


def a_subclass_with_call(gpt):
    class Mirrored(bg.GPT):
        def __call__(self, idx):
            return super().__call__(1 - idx)

    gpt.__class__ = Mirrored


def a_subclass_of_a_block(gpt):
    class Parallel(Block):
        def forward(self, x):
            return x + self.attn(self.ln_1(x)) + self.mlp(self.ln_1(x))

    gpt.h[1].__class__ = Parallel


def a_block_more(gpt):
    gpt.h.append(copy.deepcopy(gpt.h[0]))


def a_block_less(gpt):
    del gpt.h[0]


def blocks_in_another_order(gpt):
    forward = gpt.h.__class__.__iter__

    class Backwards(nn.ModuleList):
        def __iter__(self):
            return reversed(list(forward(self)))

    gpt.h.__class__ = Backwards


def dropout_in_training(gpt):
    gpt.h[0].mlp = nn.Sequential(gpt.h[0].mlp, nn.Dropout(0.5))
    gpt.train()


def a_buffer(gpt):
    gpt.register_buffer("shift", torch.tensor([0.0, 2.0]))
    gpt.register_forward_hook(lambda module, given, logits: logits + module.shift)


def more_heads(gpt):
    gpt.h[0].attn.n_head = 4


def rounded_embeddings(gpt):
    gpt.wte.max_norm = 0.1


def a_subclass_that_answers_after_every_token(gpt):
    class Every(bg.GPT):
        def forward(self, idx):
            return self.logits(idx)  # (B, T, V)

    gpt.__class__ = Every


def a_subclass_that_answers_with_an_object(gpt):
    class Wordy(bg.GPT):
        def forward(self, idx):
            return SimpleNamespace(logits=self.logits(idx) * 2, loss=None)

    gpt.__class__ = Wordy


CHANGES = [
    hook_on_the_gpt, hook_on_a_block, hook_before_a_map, hook_with_keywords, hook_that_only_looks, another_mlp,
    tanh_gelu, attention_without_a_mask, another_norm, no_norm, another_eps, a_head_of_its_own, a_head_with_a_bias,
    an_untied_copy_of_the_head, parametrized, weight_norm, pruned, lora, forward_on_the_instance, forward_on_a_part,
    another_hidden, a_subclass_with_a_forward, a_subclass_with_hidden, a_subclass_with_call, a_subclass_of_a_block,
    a_subclass_that_answers_after_every_token, a_subclass_that_answers_with_an_object,
    a_block_more, a_block_less, blocks_in_another_order, dropout_in_training, a_buffer, more_heads, rounded_embeddings,
]  # fmt: skip
SAYS_THE_SAME = {hook_that_only_looks, dropout_in_training, a_subclass_that_answers_after_every_token}
changes = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)


def call(gpt, idx):
    """Return the logits (B, V) that the GPT gives, called as its users call it."""
    given = gpt(idx)
    logits = getattr(given, "logits", given)
    return logits[:, -1] if logits.dim() == 3 else logits


def asked(gpt):
    """Return the table, each length asked by itself of the GPT as it stands, called as its users call it."""
    V, K = gpt.config.vocab_size, gpt.config.block_size
    modes = [part.training for part in gpt.modules()]
    gpt.eval()
    with torch.no_grad():
        said = [call(gpt, torch.cartesian_prod(*[torch.arange(V)] * t).view(-1, t)) for t in range(1, K + 1)]
    for part, mode in zip(gpt.modules(), modes, strict=True):
        part.training = mode
    return torch.log_softmax(torch.cat(said).double(), dim=-1).numpy()


@contextmanager
def one_change(config, change):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        gpt = loud_gpt(config)
        change(gpt)
        yield gpt


@changes
@pytest.mark.parametrize("config", [SMALL, LARGE], ids=["small", "large"])
def test_the_chain_of_a_changed_gpt_is_what_it_says_itself(config, change):
    with one_change(config, change) as gpt:
        modes = [part.training for part in gpt.modules()]
        expected = np.exp(asked(gpt))
        np.testing.assert_allclose(np.exp(context_table(gpt)), expected, atol=1e-6)
        chain = bg.MarkovChain.from_model(gpt)
        np.testing.assert_allclose(chain.probs, expected[-chain.n_states :], atol=1e-6)
        assert [part.training for part in gpt.modules()] == modes
    apart = np.abs(expected - np.exp(context_table(loud_gpt(config)))).max()
    assert apart < 1e-5 if change in SAYS_THE_SAME else apart > 1e-3


@changes
def test_the_weights_of_a_changed_gpt_are_not_taken_for_the_gpt(change, monkeypatch):
    monkeypatch.setattr(extract, "PrefixTree", lambda _: pytest.fail("its weights were read"))
    with one_change(LARGE, change) as gpt:
        assert supports(gpt) is not None
        assert changed(gpt, logits=True) is not None
        context_table(gpt)


@pytest.mark.parametrize("config", [SMALL, LARGE, bg.GPTConfig(), bg.GPTConfig(2, 5, 1, 1, 3, True)])
def test_a_gpt_that_was_trained_copied_moved_or_only_saved_with_hooks_is_supported(config):
    gpt = seeded_gpt(config, 0)
    assert supports(gpt) is None
    corpus = bg.Corpus.from_text("".join(map(str, range(config.vocab_size))) * 9, config.block_size)
    list(bg.fit(gpt, corpus, bg.TrainConfig(steps=1)))
    gpt.register_state_dict_post_hook(lambda *_: None)
    handle = gpt.h[0].register_forward_hook(lambda *_: None)
    backward = gpt.h[0].register_full_backward_hook(lambda *_: None)
    assert supports(gpt) == "there are hooks on h.0"
    handle.remove()
    backward.remove()
    for other in (gpt, copy.deepcopy(gpt), gpt.double(), gpt.eval(), gpt.requires_grad_(False)):
        assert supports(other) is None
        assert changed(other, logits=True) is None
    again = pickle.loads(pickle.dumps(seeded_gpt(config, 1)))
    again.load_state_dict(gpt.state_dict())
    assert supports(again) is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_asked_because_its_rounding_is_part_of_the_answer(dtype):
    gpt = loud_gpt(LARGE).to(dtype)
    assert "whose rounding is part of its answer" in supports(gpt)
    assert changed(gpt, logits=True) is None
    np.testing.assert_allclose(np.exp(context_table(gpt)), np.exp(asked(gpt)), atol=0.02)


def test_autocast_is_part_of_the_answer_too():
    gpt = loud_gpt(LARGE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert "autocast" in supports(gpt)
        table = context_table(gpt)
        np.testing.assert_allclose(np.exp(table), np.exp(asked(gpt)), atol=0.02)
    assert np.abs(table - context_table(gpt)).max() > 1e-3
    assert supports(gpt) is None


def test_weights_of_several_precisions_are_asked():
    gpt = loud_gpt(LARGE)
    gpt.h[0].mlp.double()
    gpt.h[0].mlp.register_forward_pre_hook(lambda module, given: (given[0].double(),))
    gpt.h[0].mlp.register_forward_hook(lambda module, given, x: x.float())
    np.testing.assert_allclose(np.exp(context_table(gpt)), np.exp(asked(gpt)), atol=1e-6)
    other = loud_gpt(LARGE)
    other.h[0].mlp.double()
    assert supports(other) == "its weights differ in dtype or in device"


PATCHES = {
    "torch.nn.functional.gelu": lambda x: x.relu(),
    "torch.nn.functional.scaled_dot_product_attention": lambda q, k, v, is_causal: v,
    "torch.nn.functional.layer_norm": lambda x, *_: x.tanh(),
    "babygpt.gpt.model.MLP.forward": lambda self, x: -x,
    "babygpt.gpt.model.GPT.forward": lambda self, idx: -self.lm_head(self.hidden(idx)[:, -1]),
    "babygpt.gpt.model.GPT.hidden": lambda self, idx: self.wte(idx),
    "torch.nn.LayerNorm.forward": lambda self, x: x,
    "torch.nn.Module.__call__": lambda self, x: self.forward(x if x.dtype == torch.int64 else 0.9 * x),
}


@pytest.mark.parametrize("name", PATCHES)
@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "wrapped"])
def test_what_is_patched_for_all_gpts_is_seen(name, wrapped, monkeypatch):
    gpt = loud_gpt(LARGE)
    before = context_table(gpt)
    patch = PATCHES[name]
    if wrapped:  # with the name and the module of what it replaces
        patch = functools.wraps(pkgutil.resolve_name(name))(patch)
    monkeypatch.setattr(name, patch)
    assert supports(gpt) is not None
    table = context_table(gpt)
    np.testing.assert_allclose(np.exp(table), np.exp(asked(gpt)), atol=1e-6)
    assert np.abs(np.exp(table) - np.exp(before)).max() > 1e-3
    with pytest.raises(ModelError, match=r"only as they are written, and .* has been replaced"):
        bg.Ensemble.train("111101111011110", range(2), steps=1)


def test_a_part_that_is_replaced_for_all_gpts_is_seen(monkeypatch):
    class Squared(MLP):
        def forward(self, x):
            return self.c_proj(self.c_fc(x).relu().square())

    monkeypatch.setattr("babygpt.gpt.model.MLP", Squared)
    gpt = loud_gpt(bg.GPTConfig(11, 2, n_layer=1, n_head=1, n_embd=12))  # a shape of its own, not looked at before
    assert supports(gpt) == "MLP has been replaced"
    np.testing.assert_allclose(np.exp(context_table(gpt)), np.exp(asked(gpt)), atol=1e-6)
    monkeypatch.undo()
    assert supports(gpt) == "h.0.mlp is a Squared, not a MLP"
    np.testing.assert_allclose(np.exp(context_table(gpt)), np.exp(asked(gpt)), atol=1e-6)


def test_hooks_on_all_modules_are_seen():
    gpt = loud_gpt(LARGE)
    before = context_table(gpt)
    double = torch_module.register_module_forward_hook(
        lambda module, given, out: 2 * out if isinstance(module, nn.LayerNorm) else None
    )
    try:
        assert "all of torch's modules" in supports(gpt)
        table = context_table(gpt)
        np.testing.assert_allclose(np.exp(table), np.exp(asked(gpt)), atol=1e-6)
    finally:
        double.remove()
    assert np.abs(np.exp(table) - np.exp(before)).max() > 1e-3
    np.testing.assert_array_equal(context_table(gpt), before)


# -- training and looking inside ---------------------------------------------------------------------------------


def losses_by_hand(gpt, corpus, steps, positions):
    """Cross-entropy of the GPT's own answers, called as its users call it, and torch's own AdamW."""
    optimizer = torch.optim.AdamW([p for p in gpt.parameters() if p.requires_grad], lr=1e-3, weight_decay=0.1)
    contexts, counts = torch.from_numpy(corpus.contexts), torch.from_numpy(corpus.counts).float()
    K, losses = contexts.shape[1], []
    for _ in range(steps):
        loss = 0.0
        for t in range(1, K) if positions == "all" else ():
            one = F.cross_entropy(call(gpt, contexts[:, :t]), contexts[:, t], reduction="none")
            loss = loss + (counts.sum(1) * one).sum() / counts.sum()
        loss = loss - (counts * F.log_softmax(call(gpt, contexts), -1)).sum() / counts.sum()
        loss = loss / (K if positions == "all" else 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@changes
@pytest.mark.parametrize("positions", ["last", "all"])
def test_a_changed_gpt_is_trained_by_its_own_forward_pass(change, positions):
    if (change, positions) == (rounded_embeddings, "all"):
        pytest.skip("torch changes these embeddings in place: one step can read them but once")
    corpus = bg.Corpus.from_text("111101111011110", 3)
    losses = []
    for train in (
        lambda gpt: [s.loss for s in bg.fit(gpt, corpus, bg.TrainConfig(steps=4, positions=positions))],
        lambda gpt: losses_by_hand(gpt, corpus, 4, positions),
    ):
        with one_change(SMALL, change) as gpt:
            losses.append(train(gpt))
    np.testing.assert_allclose(*losses, rtol=2e-5)
    if change not in SAYS_THE_SAME:
        plain = [s.loss for s in bg.fit(loud_gpt(SMALL), corpus, bg.TrainConfig(steps=4, positions=positions))]
        assert np.abs(np.subtract(losses[0], plain)).max() > 1e-3


def test_what_needs_no_gradient_or_gets_none_is_left_as_it_is():
    corpus = bg.Corpus.from_text("111101111011110", 3)
    gpt = loud_gpt(SMALL)
    gpt.requires_grad_(False)
    with pytest.raises(bg.SettingError, match="requires a gradient"):
        bg.fit(gpt, corpus)
    lora(gpt)
    gpt.unused = nn.Linear(3, 3)
    before = {name: p.detach().clone() for name, p in gpt.named_parameters()}
    list(bg.fit(gpt, corpus, bg.TrainConfig(steps=3)))
    moved = {name for name, p in gpt.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {"h.0.attn.c_attn.a.weight", "h.0.attn.c_attn.b.weight"}


@changes
def test_a_changed_gpt_is_looked_into_as_it_is(change):
    with one_change(SMALL, change) as gpt:
        if change is more_heads:
            with pytest.raises(ModelError, match="have 4, 2 heads"):
                look_inside(gpt, [1, 0, 1])
            return
        inside = look_inside(gpt, [1, 0, 1])
        expected = bg.MarkovChain.from_model(gpt, context_length=3, vocabulary="01").probs[0b101]
        np.testing.assert_allclose(inside.probs[-1], expected, atol=1e-6)
        np.testing.assert_allclose(inside.attention.sum(axis=-1), 1, atol=1e-6)


def test_a_run_goes_on_from_its_weights_whatever_was_done_to_its_gpt(small_run):
    expected = [step.loss for step in Training.resume(small_run, 9)]
    another_mlp(small_run.gpt)
    assert [step.loss for step in Training.resume(small_run, 9)] == expected
