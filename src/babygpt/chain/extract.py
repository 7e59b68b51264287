"""Extraction: ask a GPT about every context it can ever see.

The one place where torch and NumPy meet. A GPT of few contexts reads them all at once; of more, prefix by prefix
(:mod:`babygpt.gpt.prefixes`), on as many threads as torch may use: each takes the next branch of the tree when it has
finished one, so that none waits for a slower one. Logits leave torch as float32 and are normalised in float64, so
every row of a chain sums to 1 to the last bit or two.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Generator, Iterator
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

from babygpt.chain.contexts import all_contexts, check_fits, count_short, count_states
from babygpt.errors import SettingError
from babygpt.files import file_errors, whole_file
from babygpt.gpt.checks import check_count
from babygpt.gpt.device import Job, side_by_side, threads_for
from babygpt.gpt.model import GPT
from babygpt.gpt.prefixes import Branch, Piece, PrefixTree

Progress = Callable[[int, int], object]

# Tokens (states × context length) that one forward pass reads in less time than it takes to walk the prefix tree.
FORWARD_TOKENS = 2048
# The tree is handed out in branches of about this share of the whole, or of this many contexts if that is more.
SHARE = 1 / 16
LEAST_SHARE = 2**13


def context_table(
    gpt: GPT,
    *,
    out: NDArray[np.floating] | str | Path | None = None,
    dtype: DTypeLike = np.float64,
    threads: int | None = None,
    progress: Progress | None = None,
) -> NDArray[np.floating]:
    """Return what ``gpt`` says after every context, short ones first: (n_short + N, V) log-probabilities.

    Rows are in the order of :mod:`babygpt.chain.contexts`, within float32 rounding of ``gpt(idx)`` and normalised in
    float64. Memory beyond the result is bounded, whatever N.

    Parameters
    ----------
    gpt
        The GPT; it computes where it is, on a CPU, CUDA or MPS.
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
    SizeError
        The table would not fit into memory, or onto the disk; the message says what would.
    SettingError
        ``out`` has another shape or dtype, or cannot be written to.
    FileError
        The file cannot be written.

    >>> from babygpt.gpt.model import GPTConfig, seeded_gpt
    >>> np.exp(context_table(seeded_gpt(GPTConfig(), seed=1337)))[-1].round(4).tolist()  # after 111
    [0.452, 0.548]
    """
    V, K = gpt.config.vocab_size, gpt.config.block_size
    threads = torch.get_num_threads() if threads is None else check_count("threads", threads)
    if isinstance(out, np.ndarray):
        _check_out(out, V, K)
        _fill(out, gpt, threads, progress)
        return out
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise SettingError(f"dtype={dtype!r} is not known. Use float64 or float32.") from None
    if dtype not in (np.float64, np.float32):
        raise SettingError(f"dtype={dtype} is not known here. Use float64 or float32.")
    if out is None:
        check_fits(V, K, dtype.itemsize, psutil.virtual_memory().available, "free memory")
        table: NDArray[np.floating] = np.empty((count_short(V, K) + count_states(V, K), V), dtype)
        _fill(table, gpt, threads, progress)
        return table
    path = Path(out)
    with _whole_file(path, V, K, dtype) as table:
        _fill(table, gpt, threads, progress)
    return np.load(path, mmap_mode="r") if path.is_file() else table


def _check_out(out: NDArray[Any], V: int, K: int) -> None:
    small = K * math.log2(V) < 62  # what any array can hold
    if (
        not small
        or out.shape != (count_short(V, K) + count_states(V, K), V)
        or out.dtype not in (np.float64, np.float32)
    ):
        rows = f"{count_short(V, K) + count_states(V, K):,}" if small else f"about {V:,}^{K:,}"
        raise SettingError(
            f"out is {out.dtype} of shape {out.shape}; this GPT's table is float64 or float32 with {rows} rows, one "
            f"for every context of 1 to {K:,} tokens, and {V:,} columns, one for every token."
        )
    if not out.flags.writeable:
        raise SettingError('out cannot be written to. Open a memory-mapped file with mode "r+" or "w+".')


@contextmanager
def _whole_file(path: Path, V: int, K: int, dtype: np.dtype[Any]) -> Iterator[NDArray[np.floating]]:
    """Give a memory-mapped table that becomes the file ``path`` if all goes well, and nothing otherwise."""
    with whole_file(path) as part:
        with file_errors(path):
            check_fits(V, K, dtype.itemsize, shutil.disk_usage(part.parent).free, f"free on the disk of {path}")
            table = np.lib.format.open_memmap(part, "w+", dtype, (count_short(V, K) + count_states(V, K), V))
            if hasattr(os, "posix_fallocate"):  # a disk that fills up later would end the process
                with part.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, part.stat().st_size)
        yield table
        with file_errors(path):
            table.flush()


def _fill(table: NDArray[np.floating], gpt: GPT, threads: int, progress: Progress | None) -> None:
    V, K = gpt.config.vocab_size, gpt.config.block_size
    if K * count_states(V, K) <= FORWARD_TOKENS:
        with torch.inference_mode(), threads_for(0):
            table[:] = table_of_logits(gpt.logits(torch.from_numpy(all_contexts(V, K)).to(gpt.lm_head.weight.device)))
        if progress is not None:
            progress(len(table), len(table))
        return
    if gpt.lm_head.weight.device.type != "cpu" or len(table) < 2 * LEAST_SHARE:
        threads = 1
    read = 0
    # one thread for each operation: the threads are our own
    with threads_for(0), closing(_read_tree(PrefixTree(gpt), table, threads)) as counts:
        for count in counts:
            read += count
            if progress is not None:
                progress(read, len(table))


def table_of_logits(logits: Tensor) -> NDArray[np.float64]:
    """Return the table (…, n_short + N, V) of log-probabilities from the logits after each token of all states.

    ``logits`` (…, N, K, V) are in order of the states; the short contexts are the beginnings of some.
    """
    K, V = logits.shape[-2:]
    # the first state that begins with a prefix is the one that continues it with zeros
    parts = [logits[..., :: V ** (K - t), t - 1, :] for t in range(1, K + 1)]
    return log_softmax(torch.cat(parts, dim=-2).cpu().double().numpy())


def _read_tree(tree: PrefixTree, table: NDArray[np.floating], threads: int) -> Generator[int]:
    """Fill the table, yielding how many contexts each branch of the tree brought."""
    enough = max(LEAST_SHARE, int(tree.size(tree.root()) * SHARE))
    stopped = Event()

    def work(branch: Branch, whole: bool, forks: int = 1) -> tuple[int, list[Job]]:
        read, smaller = 0, list[Job]()
        for found in tree.grow(branch, whole, forks):
            if stopped.is_set():
                break
            if isinstance(found, Branch):
                smaller.append(partial(work, found, tree.size(found) <= enough))
            else:
                _write(table, found)
                read += found.logits.shape[1]
        return read, smaller

    return side_by_side("read", threads, [partial(work, tree.root(), False, threads)], stopped)


def _write(table: NDArray[np.floating], piece: Piece) -> None:
    """Write the normalised log-probabilities of a piece to their rows."""
    V = len(piece.logits)
    logits: Tensor = piece.logits.cpu() if piece.logits.device.type == "mps" else piece.logits  # MPS has no float64
    log_probs = torch.log_softmax(logits.double(), dim=0).T.cpu().numpy()  # (contexts, V)
    start = count_short(V, piece.length) + piece.parents.start * V
    if len(piece.tokens) == V or len(piece.parents) == 1:
        start += piece.tokens.start
        table[start : start + len(log_probs)] = log_probs
        return
    stop = start + len(piece.parents) * V
    for i, token in enumerate(piece.tokens):
        table[start + token : stop : V] = log_probs[i :: len(piece.tokens)]


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-probabilities of each row of logits (…, V), in float64."""
    with np.errstate(invalid="ignore"):  # a GPT broken by training gives NaN, which its reader refuses
        shifted = logits - logits.max(axis=-1, keepdims=True)
        shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted
