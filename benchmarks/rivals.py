"""Other ways to ask a GPT about contexts: the article's loop, batches, transformers' GPT-2, JAX."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

import babygpt as bg

Answer = np.ndarray  # (contexts, V) log-probabilities


def loop(gpt: bg.GPT, contexts: torch.Tensor) -> Answer:
    """Ask one context at a time, as the article does."""

    def ask(context: list[int]) -> list[float]:
        return torch.log_softmax(gpt(torch.tensor(context)[None]), dim=-1)[0].tolist()

    with torch.no_grad():
        return np.array([ask(context) for context in contexts.tolist()])


def batches(gpt: Callable[[torch.Tensor], torch.Tensor], contexts: torch.Tensor, size: int = 1024) -> Answer:
    """Ask in batches, each token of each context read anew."""
    with torch.inference_mode():
        return np.concatenate([torch.log_softmax(gpt(part), dim=-1).numpy() for part in contexts.split(size)])


def gpt2(gpt: bg.GPT) -> torch.nn.Module:
    """Return transformers' GPT-2 with the weights of ``gpt``."""
    from transformers import GPT2Config, GPT2LMHeadModel

    c = gpt.config
    config = GPT2Config(
        vocab_size=c.vocab_size, n_positions=c.block_size, n_embd=c.n_embd, n_layer=c.n_layer, n_head=c.n_head,
        activation_function="gelu", resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    theirs = GPT2LMHeadModel(config).eval()
    weights = {name: torch.zeros_like(value) for name, value in theirs.state_dict().items()}  # biases that ours lacks
    for name, value in gpt.state_dict().items():
        in_block = name.startswith("h.") and "ln_" not in name and name.endswith("weight")
        weights[name if name == "lm_head.weight" else f"transformer.{name}"] = value.T if in_block else value
    theirs.load_state_dict(weights)
    return theirs


def gpt2_batches(theirs: torch.nn.Module, contexts: torch.Tensor) -> Answer:
    """Ask transformers' GPT-2 in batches, without its cache."""
    return batches(lambda part: theirs(part, use_cache=False, logits_to_keep=1).logits[:, -1], contexts)


def gpt2_cached(theirs: torch.nn.Module, prefix: torch.Tensor, more: int, vocab_size: int) -> Answer:
    """Ask about all contexts that begin with ``prefix``, ``more`` tokens longer, in order.

    Level by level: its cache of keys and values is repeated for each next token.
    """
    from transformers import DynamicCache

    with torch.inference_mode():
        cache = DynamicCache()
        theirs(prefix[None], past_key_values=cache, use_cache=True)
        for level in range(more):
            cache.batch_repeat_interleave(vocab_size)
            tokens = torch.arange(vocab_size).repeat(vocab_size**level)[:, None]
            logits = theirs(tokens, past_key_values=cache, use_cache=True).logits[:, -1]
        return torch.log_softmax(logits, dim=-1).numpy()


def jax_batches(gpt: bg.GPT, size: int = 4096) -> Callable[[torch.Tensor], Answer]:
    """Return a function that asks the same GPT in JAX: one context's forward pass, vmapped over a batch and jitted."""
    import jax
    import jax.numpy as jnp

    p = {name: jnp.asarray(value.numpy()) for name, value in gpt.state_dict().items()}
    c = gpt.config

    def norm(x: jax.Array, name: str) -> jax.Array:
        x = x - x.mean(-1, keepdims=True)
        return x / jnp.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]

    def linear(x: jax.Array, name: str) -> jax.Array:
        return x @ p[f"{name}.weight"].T + p.get(f"{name}.bias", 0.0)

    def one(idx: jax.Array) -> jax.Array:
        T, H = len(idx), c.n_head
        x = p["wte.weight"][idx] + p["wpe.weight"][:T]
        mask = jnp.tril(jnp.ones((T, T), bool))
        for i in range(c.n_layer):
            q, k, v = jnp.split(linear(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn").reshape(T, 3, H, -1), 3, axis=1)
            scores = jnp.einsum("iohd,johd->hij", q, k) / jnp.sqrt(q.shape[-1])
            y = jnp.einsum("hij,johd->ihd", jax.nn.softmax(jnp.where(mask, scores, -jnp.inf)), v).reshape(T, -1)
            x = x + linear(y, f"h.{i}.attn.c_proj")
            hidden = jax.nn.gelu(linear(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc"), approximate=False)
            x = x + linear(hidden, f"h.{i}.mlp.c_proj")
        return jax.nn.log_softmax(norm(x, "ln_f")[-1] @ p["wte.weight"].T)

    many = jax.jit(jax.vmap(one))

    def ask(contexts: torch.Tensor) -> Answer:
        return np.concatenate([np.asarray(many(jnp.asarray(part.numpy()))) for part in contexts.split(size)])

    return ask
