"""A GPT whose weights are written by hand so that its chain is a given table, however that table was drawn.

After Svete and Cotterell, "Transformers Can Represent n-gram Language Models", 2024, arXiv:2404.14994. A number in the
residual stream is a pair of opposite coordinates, so that the stream's mean is 0 and its length is known at every
place: LayerNorm is then a division by a known number. In the first layer, head h copies the token h places back (the
first one, where there are no more), by attention that is saturated: all other weights underflow to 0. One unit of the
feed-forward part for each context has a positive sum only there (elsewhere GELU gives 0 exactly), and puts in place of
the stream what the output head reads as the wanted logits. The other layers add nothing.

Nothing is rounded but in the last bits. So this tests the model, attention that is as sharp as can be, folding, and
every way to read a chain, from one end to the other.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

import babygpt as bg
from babygpt.chain import extract
from babygpt.chain.contexts import count_short, count_states, row_of
from babygpt.gpt.fast.folded import FoldedGPT
from babygpt.gpt.model import seeded_gpt

SHARP = 2000.0  # how far a head's one score lies above the others: exp(−2000) is 0
LOUD = 50.0  # the sum of the unit that answers; the others' are −50 or less, whose GELU is 0


def by_hand(log_probs, V, K, n_layer=1, n_head=None):
    """Return a GPT in double precision whose table, short contexts first, is ``log_probs`` (n_short + N, V)."""
    H = n_head or K
    spare = V + K + K * V  # the number that brings the stream to its length
    width = max(2 * (spare + 1), -(-len(log_probs) // 4), H * max(V, K))
    C = -(-width // H) * H
    D = C // H
    config = bg.GPTConfig(K, V, n_layer, H, C, bias=True)
    gpt = seeded_gpt(config, 0).double()

    def number(i):
        pair = torch.zeros(C, dtype=torch.float64)
        pair[2 * i], pair[2 * i + 1] = 1, -1
        return pair

    def token(t):
        return number(t)

    def place(p):
        return number(V + p)

    def copied(h, t):
        return number(V + K + h * V + t)

    eps = gpt.ln_f.eps
    read_1 = np.sqrt(2 * 2 / C + eps) / 2  # what undoes LayerNorm over two numbers, and reads both ends of a pair
    read_2 = np.sqrt(2 * (2 + K) / C + eps) / 2  # over a token, a place and K copies
    gain = float(np.abs(log_probs).max()) + 1

    with torch.no_grad():
        for name, parameter in gpt.named_parameters():
            if ".c_" in name and ("c_proj" in name or name.startswith("h.0.")):
                parameter.zero_()  # what the other layers read is read in vain
        gpt.wte.weight.copy_(torch.stack([token(t) for t in range(V)]))
        gpt.wpe.weight.copy_(torch.stack([place(p) for p in range(K)]))
        gpt.ln_f.weight[: 2 * V] = gain
        attn, mlp = gpt.h[0].attn, gpt.h[0].mlp
        queries, keys, values = attn.c_attn.weight.view(3, H, D, C)
        for h in range(K):
            for p in range(K):
                queries[h, max(p - h, 0)] += SHARP * np.sqrt(D) * read_1 * place(p)
                keys[h, p] = read_1 * place(p)
            for t in range(V):
                values[h, t] = read_1 * token(t)
                attn.c_proj.weight[:, h * D + t] = copied(h, t)
        mlp.c_fc.bias.fill_(LOUD * (1 - 2 * (K + 1)))
        for T in range(1, K + 1):
            for context in product(range(V), repeat=T):
                unit = row_of(context, V)
                copies = sum(copied(h, context[max(T - 1 - h, 0)]) for h in range(K))
                mlp.c_fc.weight[unit] = 2 * LOUD * read_2 * (place(T - 1) + copies)
                stream = token(context[-1]) + place(T - 1) + copies
                logits = torch.from_numpy(log_probs[unit] - log_probs[unit].mean())
                wanted = sum(logits[t] / (2 * gain) * token(t) for t in range(V))
                wanted += torch.sqrt((C * (1 - eps) - wanted @ wanted) / 2) * number(spare)
                mlp.c_proj.weight[:, unit] = (wanted - stream) / LOUD
    return gpt


def any_table(V, K, seed):
    rng = np.random.default_rng(seed)
    return np.log(rng.dirichlet(np.ones(V), count_short(V, K) + count_states(V, K)))


@pytest.mark.parametrize(("V", "K", "n_layer", "n_head"), [(2, 3, 4, 4), (2, 1, 1, 1), (3, 3, 2, 3), (7, 2, 1, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_any_table_is_the_chain_of_a_gpt(V, K, n_layer, n_head, seed):
    table = any_table(V, K, seed)
    gpt = by_hand(table, V, K, n_layer, n_head)
    chain = bg.MarkovChain.from_model(gpt)
    np.testing.assert_allclose(chain.log_probs, table[count_short(V, K) :], rtol=0, atol=1e-13)
    if K > 1:
        np.testing.assert_allclose(chain.short_log_probs, table[: count_short(V, K)], rtol=0, atol=1e-13)


@pytest.mark.parametrize(("V", "K"), [(2, 9), (3, 6), (33, 2)])
def test_any_large_table_is_read_by_shared_prefixes(V, K, monkeypatch):
    table = any_table(V, K, 0)
    gpt = by_hand(table, V, K)
    built = []
    monkeypatch.setattr(extract, "PrefixTree", lambda gpt, tree=extract.PrefixTree: built.append(gpt) or tree(gpt))
    for threads in (1, 3):
        found = bg.context_table(gpt, threads=threads)
        np.testing.assert_allclose(found, table, rtol=0, atol=1e-12)
    assert built == [gpt, gpt]
    asked = bg.context_table(lambda idx: gpt(idx), context_length=K)
    np.testing.assert_allclose(asked, table, rtol=0, atol=1e-12)


@pytest.mark.parametrize("K", [3, 9])
def test_probabilities_down_to_a_billionth_of_a_billionth(K):
    rare = np.random.default_rng(1).uniform(-41, -1e-3, 2 ** (K + 1) - 2)
    table = np.stack([rare, np.log1p(-np.exp(rare))], axis=1)
    np.testing.assert_allclose(bg.context_table(by_hand(table, 2, K)), table, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("K", [3, 9])
def test_in_single_precision_it_says_about_the_same(K):
    table = any_table(2, K, 2)
    gpt = by_hand(table, 2, K).float()
    np.testing.assert_allclose(np.exp(bg.context_table(gpt)), np.exp(table), atol=2e-4)


def test_its_attention_is_saturated():
    gpt = by_hand(any_table(2, 3, 0), 2, 3)
    assert FoldedGPT.of(gpt).blocks[0].sharp
    attn, idx = gpt.h[0].attn, torch.tensor([[1, 0, 0]])
    x = gpt.h[0].ln_1(gpt.wte(idx) + gpt.wpe.weight)
    q, k, _ = attn.c_attn(x)[0].view(3, 3, 3, -1).permute(1, 2, 0, 3)
    scores = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).masked_fill(torch.ones(3, 3).triu(1).bool(), -np.inf)
    weights = scores.softmax(-1).detach().numpy()
    expected = [[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 0, 0], [1, 0, 0], [0, 1, 0]], [[1, 0, 0]] * 3]
    np.testing.assert_array_equal(weights, expected)
