"""What can be said against a run before it is used: a folder from a stranger holds whatever a stranger wrote.

Checksums tell that files are as they were saved, by whoever saved them. That they are a run is told by their sizes,
asked before memory is taken, by the types of their numbers, and by what no training can leave: numbers that are not
finite, rows that are no distributions, steps out of order, a context twice. Whether they are what this training would
have given is asked by :meth:`babygpt.Run.check`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from babygpt.chain.table import ROW_TOLERANCE
from babygpt.gpt.checks import human_bytes
from babygpt.gpt.config import GPTConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.room import MAX_LAYERS, SMALL, free_memory

if TYPE_CHECKING:
    from babygpt.run.history import History

Arrays = dict[str, NDArray[Any]]

# The types of numbers that each file may hold, as safetensors calls them.
TYPES = {
    "weights.safetensors": ("F32",),
    "optimizer.safetensors": ("F32",),
    "history.safetensors": ("I64", "F64", "F32"),
    "corpus.safetensors": ("I64", "F64"),
}
# Memory that reading takes for each byte of a file: JSON becomes objects, arrays are copied once.
OBJECTS, COPIES = 8, 2


def check_memory(path: Path, names: tuple[str, ...]) -> None:
    """Raise ValueError if the files of a run are more than memory holds; those that are missing are told elsewhere."""
    takes = 0
    for name in names:
        try:
            takes += (OBJECTS if name.endswith(".json") else COPIES) * (path / name).stat().st_size
        except OSError:
            continue
    if takes > SMALL and takes > (free := free_memory()):
        raise ValueError(f"it takes {human_bytes(takes)} of memory, and {human_bytes(free)} are free")


def arrays_in(data: bytes, name: str) -> Arrays:
    """Return the arrays in a file's bytes, or raise an exception of some kind if they are not what they should be."""
    length = int.from_bytes(data[:8], "little")
    described = json.loads(data[8 : 8 + length]) if length <= len(data) else None
    if not isinstance(described, dict):
        raise ValueError("its header is cut off")  # noqa: TRY004  # of data, not of an argument
    for key, array in described.items():
        kind = array.get("dtype") if isinstance(array, dict) else None
        if key != "__metadata__" and kind not in TYPES[name]:
            raise ValueError(f"{key!r:.60} holds {kind!s:.20} numbers, and here {' or '.join(TYPES[name])} are read")
    return load(data)


def check_shape(config: GPTConfig, corpus: Arrays, weights: Arrays, n_symbols: int) -> None:
    """Raise ValueError unless the settings have the size of the arrays: asked before anything of that size is made."""
    contexts = corpus["contexts"]
    if contexts.ndim != 2 or contexts.shape[1] != config.block_size:
        raise ValueError(f"contexts of block_size={config.block_size} tokens cannot have shape {contexts.shape}")
    if n_symbols != config.vocab_size:
        raise ValueError(f"the vocabulary has {n_symbols:,} symbols, and vocab_size={config.vocab_size}")
    if config.block_size * np.log2(config.vocab_size) >= 63:
        raise ValueError(f"{config.vocab_size:,}^{config.block_size:,} states are more than 64 bits can number")
    if config.n_layer > min(len(weights), MAX_LAYERS):
        raise ValueError(f"n_layer={config.n_layer} is more than its weights are for")


def check_values(
    corpus: Corpus, contexts: NDArray[Any], history: History, losses: NDArray[np.float64], weights: Arrays, adam: Arrays
) -> None:
    """Raise ValueError for numbers that no training leaves."""
    if not np.array_equal(corpus.contexts, contexts):
        raise ValueError("its contexts are not in order, or one is there twice, or nothing follows it")
    if not np.isfinite(losses).all():
        raise ValueError(f"the loss before step {int(np.argmin(np.isfinite(losses))) + 1} is not finite")
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ValueError(f"the weights {name} are not all finite")
    for name, array in adam.items():
        if np.isnan(array).any() or (name.startswith("exp_avg_sq.") and (array < 0).any()):
            raise ValueError(f"the optimizer's {name} is NaN somewhere, or a square below zero")
    steps = history.steps
    if steps.dtype != np.int64 or steps[0] != 0 or (np.diff(steps) <= 0).any():
        raise ValueError("the recorded steps do not go up from 0")
    if history.table.dtype not in (np.float64, np.float32):
        raise ValueError(f"the history holds {history.table.dtype} numbers")
    for step, frame in zip(steps.tolist(), history.table, strict=True):
        with np.errstate(over="ignore"):
            sums = np.exp(frame, dtype=np.float64).sum(axis=-1)
        if not np.isfinite(frame).all() or (np.abs(sums - 1) > ROW_TOLERANCE).any():
            raise ValueError(f"the chain at step {step} has a row that is no distribution")
