"""The history of a training: the chain as it was at each recorded step.

A *frame* is the chain at one step. Small chains keep every frame in full precision, so that any step can be
looked at again. Where that would outgrow the memory budget, frames are float32, then thinned: every step at
first, then every second, every fourth, … with a fixed number of frames per doubling, since training changes
most at its start. Whoever asks for fewer frames gets evenly spaced ones, a power of two apart. Which steps are
kept does not depend on where a training was interrupted and resumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import SettingError

Table = NDArray[np.floating]

# What one run's frames may take in memory and on disk.
FRAME_BUDGET = 256 * 2**20
# Up to this many contexts the chain is read at every step.
EVERY_STEP = 4096


@dataclass(frozen=True, eq=False)
class History:
    """The recorded frames, in order.

    Attributes
    ----------
    steps
        int64 (frames,): the recorded steps, step 0 (untrained) first, the last step last.
    table
        (frames, n_short + N, V) log-probabilities after every context, short ones first; float64, or float32
        where the budget asks for it.
    n_states
        N, how many rows of the table are states.
    """

    steps: NDArray[np.int64]
    table: Table
    n_states: int

    @property
    def log_probs(self) -> Table:
        """(frames, N, V): the log-probabilities of every state's arrows at every recorded step."""
        return self.table[:, self.table.shape[1] - self.n_states :]

    @property
    def exact(self) -> bool:
        """Whether frames are kept in full precision."""
        return self.table.dtype == np.float64

    def frame(self, step: int) -> Table:
        """Return the table (n_short + N, V) of one recorded step.

        Raises
        ------
        SettingError
            The step was not recorded; the message names the nearest that was.
        """
        if isinstance(step, bool) or not isinstance(step, (int, np.integer)):
            raise SettingError(f"step={step!r} is not a whole number.")
        place = int(np.searchsorted(self.steps, step))
        if place < len(self.steps) and self.steps[place] == step:
            return self.table[place]
        last = int(self.steps[-1])
        if not 0 <= step <= last:
            raise SettingError(f"There is no step {step}: this run has the steps 0 to {last}.")
        below, above = int(self.steps[place - 1]), int(self.steps[place])
        raise SettingError(f"Step {step} was not recorded. The nearest recorded steps are {below} and {above}.")

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class FramePlan:
    """Which steps are recorded, and how precisely.

    Attributes
    ----------
    per_doubling
        Frames between step s and 2s, a power of two; None keeps every step, 0 only the first and the last.
    dtype
        float64 or float32.
    every
        Where ``per_doubling`` is None, only steps divisible by this power of two; 1 for all.
    """

    per_doubling: int | None
    dtype: type[np.float64] | type[np.float32]
    every: int = 1

    @classmethod
    def within(
        cls, budget: int, steps: int, table_size: int, n_contexts: int = 0, frames: int | None = None
    ) -> FramePlan:
        """Return the plan for a training of ``steps`` steps whose frames hold ``table_size`` numbers each.

        Reading more than a few thousand contexts takes longer than a step, so then fewer frames are read. ``frames``
        is how many may be kept at most, 2 or more, whatever the budget of bytes allows: they are evenly spaced.
        """
        plan = cls._of_bytes(budget, steps, table_size, n_contexts)
        if frames is None or plan.count(steps) <= frames:
            return plan
        every = 1 << max(0, (steps // frames).bit_length() - 1)
        while cls(None, plan.dtype, every).count(steps) > frames:
            every *= 2
        exact = frames * table_size * 8 <= budget  # fewer frames are no reason to round them
        return cls(None, np.float64 if exact else np.float32, every)

    @classmethod
    def _of_bytes(cls, budget: int, steps: int, table_size: int, n_contexts: int) -> FramePlan:
        often = None if n_contexts <= EVERY_STEP else 1 << max(1, 16 * EVERY_STEP // n_contexts).bit_length() - 1
        for dtype in (np.float64, np.float32):
            plan = cls(often, dtype)
            if plan.bytes(steps, table_size) <= budget:
                return plan
        frames = budget // (table_size * 4)
        per_doubling = 1 << max(0, int(frames).bit_length() - 1)
        while per_doubling and cls(per_doubling, np.float32).count(steps) > frames:
            per_doubling //= 2
        return cls(per_doubling if often is None else min(often, per_doubling), np.float32)

    def wants(self, step: int) -> bool:
        """Return whether a step belongs to the plan (the last one is recorded besides)."""
        if step == 0:
            return True
        if self.per_doubling is None:
            return step % self.every == 0
        if self.per_doubling == 0:
            return False
        spacing = 1 << max(0, (step // self.per_doubling).bit_length() - 1)
        return step % spacing == 0

    def count(self, steps: int) -> int:
        """Return how many frames a training of ``steps`` steps records, the last step included."""
        if self.per_doubling is None:
            return 1 + -(-steps // self.every)
        count, low = 1, 1
        while self.per_doubling and low <= steps:  # from each octave of spacing 1, 2, 4, …
            spacing = 1 << max(0, (low // self.per_doubling).bit_length() - 1)
            high = min(steps, 2 * spacing * self.per_doubling - 1)
            count += high // spacing - (low - 1) // spacing
            low = high + 1
        return count + (not self.wants(steps))

    def bytes(self, steps: int, table_size: int) -> int:
        """Return what the frames of a training of ``steps`` steps take, of ``table_size`` numbers each."""
        return self.count(steps) * table_size * np.dtype(self.dtype).itemsize


class Recorder:
    """Collects frames according to a plan."""

    def __init__(self, plan: FramePlan) -> None:
        self.plan = plan
        self.steps: list[int] = []  # the recorded ones, in the order of training
        self._frames: dict[int, Table] = {}

    def add(self, step: int, table: Table) -> None:
        """Record the table of a step, later than all before it."""
        self.steps.append(step)
        self._frames[step] = table.astype(self.plan.dtype, copy=False)

    def take_over(self, history: History) -> None:
        """Record the frames of an earlier history that belong to the plan."""
        for step, table in zip(history.steps.tolist(), history.table, strict=True):
            if self.plan.wants(step):
                self.add(step, table)

    def frame(self, step: int) -> Table | None:
        """Return the table of a step, if it is recorded."""
        return self._frames.get(step)

    def history(self, last: int, table: Table, n_states: int) -> History:
        """Return the frames before the step ``last``, and that step's own ``table``, as a :class:`History`."""
        steps = [step for step in self.steps if step < last]
        frames = [*(self._frames[step] for step in steps), table.astype(self.plan.dtype, copy=False)]
        return History(np.array([*steps, last], dtype=np.int64), np.stack(frames), n_states)
