"""Extraction: contexts a second at K = 16, against every other way to ask, and beside what the machine could do.

The *limit* is what this machine's own matrix products and GELU would allow at these shapes, if nothing else took time:
measured on one thread in the same rounds.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import rivals
import torch
from measure import THREADS, Comparison, Growth, Way, once, rounds

import babygpt as bg
from babygpt.chain.contexts import contexts_between, count_states
from babygpt.gpt.model import seeded_gpt

K = 16
NODES = 8192  # columns of the matrices whose products are timed, …
TIMES = 20  # … so many times, so that one slow moment does not count for much


def measure(full: bool) -> Iterator[Comparison | Growth]:
    yield from against_others()
    yield from growths(full)
    yield from whole_chains([20, 22, 24] if full else [20])


def against_others() -> list[Comparison]:
    gpt = seeded_gpt(bg.GPTConfig(block_size=K), 0)
    with torch.no_grad():
        for parameter in gpt.parameters():
            if parameter.dim() > 1:
                parameter.mul_(3)  # loud enough for a wrong answer to show
    N = count_states(2, K)
    few, some = (torch.from_numpy(contexts_between(0, n, 2, K)) for n in (300, 2**13))
    prefix = torch.zeros(4, dtype=torch.long)
    theirs = rivals.gpt2(gpt)
    ways = {
        "ours": lambda: bg.context_table(gpt, threads=1),
        "ours on all": lambda: on(THREADS, lambda: bg.context_table(gpt, threads=THREADS)),
        "loop": lambda: rivals.loop(gpt, few),
        "loop on all": lambda: on(THREADS, lambda: rivals.loop(gpt, few)),
        "batches": lambda: rivals.batches(gpt, some),
        "batches on all": lambda: on(THREADS, lambda: rivals.batches(gpt, some)),
        "gpt2": lambda: rivals.gpt2_batches(theirs, some),
        "gpt2 cached": lambda: rivals.gpt2_cached(theirs, prefix, K - 4, 2),
        "limit": machine_limit(gpt.config),
    }
    amounts = dict.fromkeys(ways, len(some)) | {"ours": N, "ours on all": N, "loop": len(few), "loop on all": len(few)}
    amounts |= {"gpt2 cached": 2 ** (K - 4), "limit": TIMES * NODES // 2}  # with two symbols a context is two nodes
    if importlib.util.find_spec("jax"):
        in_jax = rivals.jax_batches(gpt)
        ways["jax"] = lambda: in_jax(some)
        amounts["jax"] = len(some)
    else:
        print("JAX is not installed: pip install jax, and it is measured too.")
    states = bg.context_table(gpt)[-N:]
    for name in set(ways) - {"ours", "ours on all", "limit"}:
        answer = ways[name]()
        np.testing.assert_allclose(answer, states[: len(answer)], atol=1e-5, err_msg=name)

    seconds = rounds(ways, 5)

    def row(ours: str, other: str, name: str, against: str) -> Comparison:
        return Comparison(name, against, seconds[ours], seconds[other], amounts[ours], amounts[other], "contexts/s")

    one, every = f"reading 2^{K} contexts, 1 thread", f"reading 2^{K} contexts, {THREADS} threads"
    fastest = min(("loop", "loop on all"), key=lambda name: sum(seconds[name]))
    rows = [
        row("ours on all", fastest, every, "the article's loop (at its faster: 1 thread or all)"),
        row("ours", fastest, one, "the article's loop (at its faster: 1 thread or all)"),
        row("ours", "batches", one, "the model's batched forward, 1 thread"),
        row("ours on all", "batches on all", every, f"the model's batched forward, {THREADS} threads"),
        row("ours", "gpt2", one, "transformers' GPT-2 in batches, no cache, 1 thread"),
        row("ours", "gpt2 cached", one, "transformers' GPT-2, cache repeated level by level, 1 thread"),
    ]
    if "jax" in ways:
        rows.append(row("ours on all", "jax", every, "JAX, jit of vmap, as many threads as it takes"))
    return [*rows, row("ours", "limit", one, "the machine's limit: matrix products and GELU alone")]


def on(threads: int, run: Way) -> object:
    """Run with so many threads of torch, and go back to one."""
    torch.set_num_threads(threads)
    try:
        return run()
    finally:
        torch.set_num_threads(1)


def machine_limit(config: bg.GPTConfig) -> Way:
    """Return what does the matrix products and GELUs of ``NODES`` tokens ``TIMES`` times, and nothing else."""
    C = config.n_embd
    shapes = [(3 * C, C), (C, C), (4 * C, C), (C, 4 * C)]
    matrices = [(torch.randn(m, k), torch.randn(k, NODES), torch.empty(m, NODES)) for m, k in shapes]
    hidden, out = torch.randn(4 * C, NODES), torch.empty(4 * C, NODES)

    def run() -> None:
        for _ in range(TIMES * config.n_layer):
            for matrix, x, product in matrices:
                torch.mm(matrix, x, out=product)
            torch.ops.aten.gelu.out(hidden, out=out)

    return run


def growths(full: bool) -> list[Growth]:
    """How the rate changes with context length, vocabulary and width."""
    lengths = Growth("Reading all contexts of K tokens (2 symbols)", "K", "contexts per second")
    for length in [8, 10, 12, 14, 16, 18] + [20, 22, 24] * full:
        lengths.rows.append((str(length), rate(bg.GPTConfig(length))))
    symbols = Growth("Reading about 2^17 contexts of V symbols", "V", "contexts per second")
    for V, length in ((2, 17), (3, 11), (27, 3), (300, 2)):
        symbols.rows.append((f"{V}, K={length}", rate(bg.GPTConfig(length, V))))
    widths = Growth("Reading 2^12 contexts with width C", "C", "contexts per second")
    for width in (16, 32, 64, 128, 256):
        widths.rows.append((str(width), rate(bg.GPTConfig(12, n_embd=width))))
    return [lengths, symbols, widths]


def rate(config: bg.GPTConfig) -> float:
    gpt = seeded_gpt(config, 0)
    bg.context_table(gpt, threads=THREADS)
    best = min(once(lambda: bg.context_table(gpt, threads=THREADS)) for _ in range(2))
    return count_states(config.vocab_size, config.block_size) / best


WHOLE = """
import json, sys, time
import babygpt as bg
from babygpt.gpt.model import seeded_gpt
gpt = seeded_gpt(bg.GPTConfig(block_size=int(sys.argv[1])), 0)
start = time.perf_counter()
chain = bg.MarkovChain.from_model(gpt, "01")
read = time.perf_counter() - start
peak = next(int(line.split()[1]) / 2**10 for line in open("/proc/self/status") if line.startswith("VmHWM"))
start = time.perf_counter()
chain.stationary_distribution()
print(json.dumps([read, peak, time.perf_counter() - start]))
"""


def whole_chains(lengths: list[int]) -> list[Growth]:
    """Seconds and peak memory of a whole chain, and of its stationary distribution, each in a process of its own."""
    reading = Growth("A whole chain of 2^K states", "K", "seconds")
    memory = Growth("Peak memory of that process", "K", "MiB")
    settling = Growth("Its stationary distribution", "K", "seconds")
    for length in lengths:
        command = [sys.executable, "-c", WHOLE, str(length)]
        figures = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for growth, figure in zip((reading, memory, settling), figures, strict=True):
            growth.rows.append((str(length), figure))
    return [reading, memory, settling]
