"""Extraction: ask a model about every context it can ever see.

The one place where torch and NumPy meet. Any model is run in batches (:mod:`babygpt.chain.asking`). A GPT as
:mod:`babygpt.gpt.model` builds it is read sooner: of few contexts all at once; of more, prefix by prefix
(:mod:`babygpt.gpt.fast.prefixes`), on as many threads as torch may use: each takes the next branch of the tree when it
has finished one, so that none waits for a slower one. That reads weights, so the GPT is compared with a freshly built
one before (:func:`babygpt.gpt.fast.supports.supports`), and is asked itself about some contexts after. Logits leave
torch as float32 and are normalised in float64, so every row of a chain sums to 1 to the last bit or two.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from babygpt.chain.asking import Asked, Model, Progress
from babygpt.chain.contexts import all_contexts, check_fits, count_short, count_states
from babygpt.chain.steps import Steps
from babygpt.errors import SettingError
from babygpt.files import file_errors, whole_file
from babygpt.gpt.answers import log_softmax
from babygpt.gpt.checks import check_count
from babygpt.gpt.compute import Job, side_by_side, threads_for
from babygpt.gpt.fast.prefixes import Branch, Piece, PrefixTree
from babygpt.gpt.fast.supports import changed, supports
from babygpt.gpt.kinds import explained
from babygpt.gpt.model import GPT

# Tokens (states × context length) that one forward pass reads in less time than it takes to walk the prefix tree.
FORWARD_TOKENS = 2048
# The tree is handed out in branches of about this share of the whole, or of this many contexts if that is more.
SHARE = 1 / 16
LEAST_SHARE = 2**13
# At first it falls into so many, on however many threads: who is read beside whom may matter to the last bit.
FORKS = 16


@explained
def context_table(
    model: Model | Asked,
    *,
    context_length: int | None = None,
    vocab_size: int | None = None,
    short: bool = True,
    batch: int | None = None,
    out: NDArray[np.floating] | str | Path | None = None,
    dtype: DTypeLike = np.float64,
    threads: int | None = None,
    progress: Progress | None = None,
) -> NDArray[np.floating]:
    """Return what a model predicts after every context, short ones first: (n_short + N, V) log-probabilities.

    Rows are in the order of :mod:`babygpt.chain.contexts`, within float32 rounding of ``model(idx)`` and normalised in
    float64. Memory beyond the result is bounded, whatever N.

    Parameters
    ----------
    model
        A GPT, changed in any way or not, or any callable: tokens (B, T) → logits (B, V), (B, T, V), or an object that
        has them as ``.logits``; see :mod:`babygpt.chain.asking`. It computes where it is, on a CPU, CUDA or MPS, a
        module in evaluation mode; it is left as it was found.
    context_length
        K, the tokens of a state. A GPT knows how many it reads; fewer may be given.
    vocab_size
        V. A GPT knows it, and any other model's answers show it.
    short
        Whether to ask after fewer than K tokens too. Without, the table has N rows.
    batch
        Contexts in one forward pass, where the model is run in batches; by default so many that memory stays moderate.
    out
        Where to write: an array of this shape (its dtype counts, not ``dtype``), memory-mapped or not; or the path of
        a NumPy file (.npy), which appears whole or not at all. By default a new array in memory.
    dtype
        float64, or float32 to take half the room.
    threads
        CPU threads at work; by default as many as torch has (``torch.get_num_threads()``).
    progress
        Called now and then as ``progress(contexts_read, contexts)``, on the caller's thread. What it raises ends the
        extraction, as Ctrl-C does: no file is left, and an array given as ``out`` is filled in part.

    Raises
    ------
    ModelError
        The model fails, its answers are no logits, or it predicts something else when asked again.
    SizeError
        The table would not fit into memory, or onto the disk; the message says what would.
    SettingError
        ``out`` has another shape or dtype, or cannot be written to; the model's sizes are unknown or contradict.
    FileError
        The file cannot be written.

    >>> from babygpt.gpt.model import GPTConfig, seeded_gpt
    >>> np.exp(context_table(seeded_gpt(GPTConfig(), seed=1337)))[-1].round(4).tolist()  # after 111
    [0.452, 0.548]
    """
    threads = torch.get_num_threads() if threads is None else check_count("threads", threads)
    asked = Asked.of(model, None, context_length, vocab_size, short, batch)
    V, K = asked.vocab_size, asked.context_length
    if isinstance(out, np.ndarray):
        _check_out(out, asked)
        _fill(out, asked, threads, progress)
        return out
    try:
        dtype = np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError):  # NumPy reads a text as a small language
        raise SettingError(f"dtype={dtype!r} is not known. Use float64 or float32.") from None
    if dtype not in (np.float64, np.float32):
        raise SettingError(f"dtype={dtype} is not known here. Use float64 or float32.")
    if out is None:
        check_fits(V, K, dtype.itemsize, psutil.virtual_memory().available, "free memory")
        table: NDArray[np.floating] = np.empty((asked.n_rows, V), dtype)
        _fill(table, asked, threads, progress)
        return table
    path = Path(out)
    with _whole_file(path, asked, dtype) as table:
        _fill(table, asked, threads, progress)
    return np.load(path, mmap_mode="r") if path.is_file() else table


def table_steps(gpt: GPT, dtype: DTypeLike = np.float64) -> Steps[NDArray[np.floating]]:
    """Return the same table of a GPT as :func:`context_table`, in steps, for whoever has other things to do meanwhile.

    The GPT must stay as it is until the last step.
    """
    asked = Asked.of(gpt, None, None, None, True, None)
    table: NDArray[np.floating] = np.empty((asked.n_rows, asked.vocab_size), dtype)
    if asked.context_length * count_states(asked.vocab_size, asked.context_length) <= FORWARD_TOKENS or supports(gpt):
        _fill(table, asked, 1, None)
        return table
    counts = _read_tree(PrefixTree(gpt).up_to(asked.context_length), table, 1, asked.row(asked.context_length))
    while True:
        with threads_for(0):  # not across a step
            if next(counts, None) is None:
                break
        yield
    with threads_for(0):
        asked.check_fast(table)
    return table


def _check_out(out: NDArray[Any], asked: Asked) -> None:
    V, K = asked.vocab_size, asked.context_length
    small = K * math.log2(V) < 62  # what any array can hold
    if not small or out.shape != (asked.n_rows, V) or out.dtype not in (np.float64, np.float32):
        rows = f"{asked.n_rows:,}" if small else f"about {V:,}^{K:,}"
        raise SettingError(
            f"out is {out.dtype} of shape {out.shape}; this GPT's table is float64 or float32 with {rows} rows, one "
            f"for every context of {asked.lengths[0]:,} to {K:,} tokens, and {V:,} columns, one for every token."
        )
    if not out.flags.writeable:
        raise SettingError('out cannot be written to. Open a memory-mapped file with mode "r+" or "w+".')


@contextmanager
def _whole_file(path: Path, asked: Asked, dtype: np.dtype[Any]) -> Iterator[NDArray[np.floating]]:
    """Give a memory-mapped table that becomes the file ``path`` if all goes well, and nothing otherwise."""
    with whole_file(path) as part:
        with file_errors(path):
            V, free = asked.vocab_size, shutil.disk_usage(part.parent).free
            check_fits(V, asked.context_length, dtype.itemsize, free, f"free on the disk of {path}")
            table = np.lib.format.open_memmap(part, "w+", dtype, (asked.n_rows, V))
            if hasattr(os, "posix_fallocate"):  # a disk that fills up later would end the process
                with part.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, part.stat().st_size)
        yield table
        with file_errors(path):
            table.flush()


def _fill(table: NDArray[np.floating], asked: Asked, threads: int, progress: Progress | None) -> None:
    gpt, V, K = asked.model, asked.vocab_size, asked.context_length
    few = K * count_states(V, K) <= FORWARD_TOKENS
    if not isinstance(gpt, GPT) or (changed(gpt, logits=True) if few else supports(gpt)) is not None:
        with _threads(threads):
            asked.read(table, progress)
        return
    if few:
        with torch.inference_mode(), threads_for(0):
            logits = gpt.logits(torch.from_numpy(all_contexts(V, K)).to(gpt.lm_head.weight.device))
            table[:] = table_of_logits(logits)[-len(table) :]
        if progress is not None:
            progress(len(table), len(table))
        return
    if gpt.lm_head.weight.device.type != "cpu" or asked.n_rows < 2 * LEAST_SHARE:
        threads = 1
    read = 0
    # one thread for each operation: the threads are our own
    with threads_for(0), closing(_read_tree(PrefixTree(gpt).up_to(K), table, threads, asked.row(K))) as counts:
        for count in counts:
            read += count
            if progress is not None and read < len(table):
                progress(read, len(table))
    with threads_for(0):
        asked.check_fast(table)
    if progress is not None:
        progress(read, len(table))


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def table_of_logits(logits: Tensor) -> NDArray[np.float64]:
    """Return the table (…, n_short + N, V) of log-probabilities from the logits after each token of all states.

    ``logits`` (…, N, K, V) are in order of the states; the short contexts are the beginnings of some.
    """
    K, V = logits.shape[-2:]
    # the first state that begins with a prefix is the one that continues it with zeros
    parts = [logits[..., :: V ** (K - t), t - 1, :] for t in range(1, K + 1)]
    return log_softmax(torch.cat(parts, dim=-2).cpu().double().numpy())


def _read_tree(tree: PrefixTree, table: NDArray[np.floating], threads: int, first_state: int) -> Generator[int]:
    """Fill the table, whose states begin in a row, yielding how many rows each branch of the tree brought."""
    V, K = tree.config.vocab_size, tree.config.block_size
    left_out = count_short(V, K) - first_state
    write = partial(_write, left_out=left_out) if left_out else _write
    enough = max(LEAST_SHARE, int(tree.size(tree.root()) * SHARE))
    stopped = Event()

    def work(branch: Branch, whole: bool, forks: int = 1) -> tuple[int, list[Job]]:
        read, smaller = 0, list[Job]()
        for found in tree.grow(branch, whole, forks):
            if stopped.is_set():
                break
            if isinstance(found, Branch):
                smaller.append(partial(work, found, tree.size(found) <= enough))
            elif not left_out or found.length == K:
                write(table, found)
                read += found.logits.shape[1]
        return read, smaller

    forks = FORKS if tree.size(tree.root()) >= 2 * LEAST_SHARE else 1
    return side_by_side("read", threads, [partial(work, tree.root(), False, forks)], stopped)


def _write(table: NDArray[np.floating], piece: Piece, left_out: int = 0) -> None:
    """Write the normalised log-probabilities of a piece to their rows in a table that lacks the first so many."""
    V = len(piece.logits)
    logits: Tensor = piece.logits.cpu() if piece.logits.device.type == "mps" else piece.logits  # MPS has no float64
    log_probs = torch.log_softmax(logits.double(), dim=0).T.cpu().numpy()  # (contexts, V)
    start = count_short(V, piece.length) + piece.parents.start * V - left_out
    if len(piece.tokens) == V or len(piece.parents) == 1:
        start += piece.tokens.start
        table[start : start + len(log_probs)] = log_probs
        return
    stop = start + len(piece.parents) * V
    for i, token in enumerate(piece.tokens):
        table[start + token : stop : V] = log_probs[i :: len(piece.tokens)]
