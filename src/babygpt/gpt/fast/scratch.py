"""Memory to compute in, kept from one use to the next: to get it anew takes longer than many a computation."""

from __future__ import annotations

import math
import threading

import numpy as np
import torch
from torch import Tensor

# Memory is asked for in portions of this many numbers.
PORTION = 2**22
# Each name's memory begins at a multiple of so many, where processors like to begin.
ALIGNED = 64


class Scratch:
    """Memory by name: what is asked for under a name again is the same memory, with what was left in it."""

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._free = like.new_empty(0)
        self._parts: dict[object, Tensor] = {}
        self._shaped: dict[object, dict[tuple[int, ...], Tensor]] = {}

    def __call__(self, name: object, *shape: int) -> Tensor:
        """Return the memory called ``name``, with what is left in it, as a tensor of ``shape``."""
        shaped = self._shaped.get(name, {}).get(shape)
        if shaped is None:
            shaped = self._part(name, math.prod(shape)).view(shape)
            self._shaped[name][shape] = shaped
        return shaped

    def _part(self, name: object, size: int) -> Tensor:
        if name not in self._parts or self._parts[name].numel() < size:
            if self._free.numel() < size:
                self._free = self._more(max(size, PORTION))
            self._shaped[name] = {}  # what had this name is let go
            room = -(-size // ALIGNED) * ALIGNED
            self._parts[name], self._free = self._free[:size], self._free[room:]
        return self._parts[name][:size]

    def _more(self, size: int) -> Tensor:
        if self._like.device.type != "cpu":
            return self._like.new_empty(size)
        # NumPy asks Linux for huge pages; torch takes small ones, each of which a virtual machine hands out slowly
        return torch.from_numpy(np.empty(size, dtype=self._like.new_empty(0).numpy().dtype))


class _Scratches(threading.local):
    def __init__(self) -> None:
        self.of: dict[object, Scratch] = {}


_scratches = _Scratches()


def scratch_of_this_thread(like: Tensor) -> Scratch:
    """Return the scratch memory of the calling thread for numbers like those of ``like``."""
    kind = like.dtype, like.device
    if kind not in _scratches.of:
        _scratches.of[kind] = Scratch(like[:0])
    return _scratches.of[kind]
