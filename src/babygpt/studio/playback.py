"""A training under way or done, and everything that can be shown of it: the chain and the weights at its steps."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from copy import deepcopy
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import count_short, count_states
from babygpt.chain.extract import context_table, table_steps
from babygpt.errors import DivergedError
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.model import GPT
from babygpt.run.history import FramePlan, Table
from babygpt.run.run import Run
from babygpt.run.training import Training
from babygpt.studio.chain_summary import Sliced
from babygpt.studio.limits import Limits

Weights = NDArray[np.float32]

# Chains kept at hand, in bytes: going back and forth along the timeline makes each only once.
CHAINS_AT_HAND = 2**22


class Snapshot(NamedTuple):
    """One step that can be shown, recorded or not: its chain, and the last weights kept until then, of which step."""

    chain: MarkovChain
    kept: int
    weights: Weights


class Playback:
    """What a session shows: a GPT's chain at every recorded step of its training.

    While the training is under way its newest step is not shown, because nobody has looked yet whether its update
    broke the GPT. It is once the training rests: see :meth:`settle`. Where few steps are recorded, that one, and the
    one on the screen, are held as snapshots.

    Reading a large chain takes longer than a step, so that a training records few. Their weights are kept, though, and
    from these the chains between are read when there is time: see :meth:`fill`.

    Attributes
    ----------
    floor
        The lowest loss the data allows.
    initial
        The weights of step 0.
    stopped
        Why the training ended before its steps: ``"gap"``, the loss came near enough to the floor; ``"diverged"``;
        else ``""``.
    failure
        What there is to say if it diverged.
    """

    def __init__(self, corpus: Corpus, config: GPTConfig, train_config: TrainConfig, limits: Limits) -> None:
        self.corpus, self.config, self._budget = corpus, config, limits.frames // 2
        self.floor = corpus.loss_floor(train_config.positions)
        self.failure: DivergedError | None = None
        self._weights: dict[int, Weights] = {}
        self._snapshots: dict[int, Snapshot] = {}
        self._filled: dict[int, Table] = {}
        self._begin(Training(corpus, config, train_config, frame_budget=self._budget))
        self._scratch, self._read = deepcopy(self.training.trainer.gpt), deepcopy(self.training.trainer.gpt)
        self.initial = self._live()
        self.settle()

    def _begin(self, training: Training) -> None:
        self.training = training
        self._steps = iter(training)
        self.stopped: Literal["", "gap", "diverged"] = ""
        self._chains: OrderedDict[int, MarkovChain] = OrderedDict()
        self._plan = FramePlan.within(self._budget, self.total, self.config.n_parameters)
        self._weights = {step: weights for step, weights in self._weights.items() if self._plan.wants(step)}
        # in what the budget leaves beside the recorded chains, which are among the plan's, and the one being read
        V, K = self.config.vocab_size, self.config.block_size
        size = V * (count_short(V, K) + count_states(V, K))
        n_recorded, n_bytes = training.planned_frames(None, self.total)
        room = self._budget - n_bytes - 8 * size
        self._between = FramePlan.within(room + 4 * size * n_recorded if room > 0 else 0, self.total, size)
        kept = [step for step in self._filled if self._wants_between(step)]
        self._filled = {step: self._filled[step].astype(self._between.dtype, copy=False) for step in kept}
        self._missing: list[int] = []
        self._reading: tuple[int, Sliced[Table]] | None = None

    # -- training ------------------------------------------------------------------------------------------

    @property
    def trained(self) -> int:
        """How many steps have been done."""
        return self.training.trainer.steps_done

    @property
    def total(self) -> int:
        """How many steps there will be in the end."""
        return self.training.train_config.steps

    @property
    def done(self) -> bool:
        """Whether there is nothing left to train."""
        return self.trained >= self.total or self.stopped != ""

    def advance(self, seconds: float, goal: int, stop_gap: float | None = None) -> None:
        """Train for about so long, at least one step, until ``goal`` steps are done.

        With ``stop_gap`` it ends once a step's loss is within so many nats of the floor.
        """
        until = time.perf_counter() + seconds
        while not self.done and self.trained < goal:
            try:
                step = next(self._steps)
            except DivergedError as error:
                self._fail(error)
                return
            if self._plan.wants(step.index):
                self._weights[step.index] = self._live()
            if stop_gap is not None and step.loss - self.floor <= stop_gap:
                self.stopped = "gap"
            if time.perf_counter() >= until:
                return

    def settle(self, shown: int = 0) -> None:
        """Make the newest step one that can be shown: the training rests there. The one ``shown`` stays one."""
        snapshots = {shown: self._snapshot(shown)} if self._can_be_lost(shown) else {}
        try:
            broken = self.training.settle()
        except DivergedError as error:
            broken = error
        if broken is not None:
            self._fail(broken)
        snapshots[self.trained] = Snapshot(self.training.chain_at(self.trained), self.trained, self._live())
        self._snapshots = snapshots
        # every second step before every fourth …, from the end of the list
        there = {*self._filled, *snapshots}
        missing = [step for step in self._weights if self._wants_between(step) and step not in there]
        self._missing = sorted(missing, key=lambda step: (step & -step, -step))

    def extend(self, total: int, shown: int = 0) -> None:
        """Plan for ``total`` steps in all, going on from where the training stands.

        Such a plan may keep fewer of the steps done so far. The one ``shown`` stays one that can be shown.
        """
        if shown < self.trained:
            self._snapshots[shown] = self._snapshot(shown)
        try:
            self._begin(Training.resume(self.run(), total, self._budget))
        except DivergedError as error:
            self._fail(error)

    # -- the steps between ---------------------------------------------------------------------------------

    @property
    def filling(self) -> bool:
        """Whether there are chains left to read between those that are recorded."""
        return self._reading is not None or bool(self._missing)

    def fill(self, until: float) -> None:
        """Read such chains until that time of :func:`time.perf_counter`, or to the end; coarsely first, then finer."""
        while self.filling:
            if self._reading is None:
                step = self._missing.pop()
                _put(self._read, self._weights[step])
                self._reading = step, Sliced(table_steps(self._read, self._between.dtype))
            step, table = self._reading
            table.step()
            if table.value is not None:
                self._reading = None
                if np.isfinite(table.value).all():
                    self._filled[step] = table.value
            if time.perf_counter() >= until:
                return

    def _wants_between(self, step: int) -> bool:
        return self._between.wants(step) and not self._is_recorded(step)

    def _can_be_lost(self, step: int) -> bool:
        at_hand = step in self._snapshots or self.weights_at(step)[0] == step
        return at_hand and step < self.trained and not self._is_recorded(step)

    def _snapshot(self, step: int) -> Snapshot:
        return Snapshot(self.chain(step), *self.weights_at(step))

    def resume(self) -> None:
        """Let a training that came near enough to the floor go on."""
        if self.stopped == "gap":
            self.stopped = ""

    def notice_gap(self, stop_gap: float | None) -> None:
        """Say that the training stopped near the floor if its last loss was within ``stop_gap`` of it."""
        losses = self.training.losses
        if stop_gap is not None and losses and losses[-1] - self.floor <= stop_gap and not self.stopped:
            self.stopped = "gap"

    def run(self) -> Run:
        """Return the run so far.

        Raises
        ------
        DivergedError
            The GPT was broken before its last step already.
        """
        return self.training.result()

    def _fail(self, error: DivergedError) -> None:
        self.stopped, self.failure = "diverged", error
        self._chains.clear()
        self._weights = {step: weights for step, weights in self._weights.items() if step <= self.trained}
        self._filled = {step: table for step, table in self._filled.items() if step <= self.trained}
        self._missing, self._reading = [], None

    # -- what can be shown ---------------------------------------------------------------------------------

    @property
    def recorded(self) -> Sequence[int]:
        """The steps that can be shown, in order."""
        more = {*self._filled, *(step for step in self._snapshots if not self._is_recorded(step))}
        return sorted([*self.training.recorded, *more]) if more else self.training.recorded

    def nearest(self, step: float) -> int:
        """Return the last step that can be shown and is not after ``step``; the first one if there is none."""
        steps = self.training.recorded
        place = bisect_right(steps, step)
        return max([steps[place - 1] if place else 0, *(s for s in (*self._snapshots, *self._filled) if s <= step)])

    def closest(self, step: float) -> int:
        """Return the step nearest to ``step`` that can be shown."""
        before = self.nearest(step)
        after = self.after(before)
        return before if after is None or step - before <= after - step else after

    def after(self, step: int) -> int | None:
        """Return the first step after ``step`` that can be shown, if there is one yet."""
        steps = self.training.recorded
        place = bisect_right(steps, step)
        others = (s for s in (*self._snapshots, *self._filled) if s > step)
        return min([*steps[place : place + 1], *others], default=None)

    def chain(self, step: int) -> MarkovChain:
        """Return the chain at a step that can be shown, or whose weights were kept.

        Raises
        ------
        SettingError
            Neither the step's chain nor its weights were kept.
        """
        if step in self._snapshots:
            return self._snapshots[step].chain
        if step not in self._chains:
            self._chains[step] = self._made(step)
            room = max(2, CHAINS_AT_HAND // (16 * self._chains[step].n_arrows))
            while len(self._chains) > room:
                self._chains.popitem(last=False)
        self._chains.move_to_end(step)
        return self._chains[step]

    def _made(self, step: int) -> MarkovChain:
        if step in self._filled:
            return MarkovChain.from_table(self._filled[step], self.corpus.vocabulary)
        kept, weights = self.weights_at(step)
        if kept == step and not self._is_recorded(step):
            return MarkovChain.from_table(context_table(self.gpt(weights)), self.corpus.vocabulary)
        return self.training.chain_at(step)

    def _is_recorded(self, step: int) -> bool:
        steps = self.training.recorded
        place = bisect_right(steps, step)
        return place > 0 and steps[place - 1] == step

    # -- weights -------------------------------------------------------------------------------------------

    def weights_at(self, step: int) -> tuple[int, Weights]:
        """Return the weights at a step, or at the last step before it whose weights were kept, and which step it is."""
        for shown, (_, kept, weights) in self._snapshots.items():
            if step in (shown, kept):
                return kept, weights
        kept = step if step in self._weights else max((s for s in self._weights if s <= step), default=0)
        return kept, self._weights.get(kept, self.initial)

    def gpt(self, weights: Weights) -> GPT:
        """Return a GPT with these weights; good until the next call."""
        _put(self._scratch, weights)
        return self._scratch

    def tensors(self) -> dict[str, tuple[int, tuple[int, ...]]]:
        """Return where each parameter begins among all weights, and its shape, by name."""
        places, start = {}, 0
        for name, parameter in self._scratch.named_parameters():
            places[name] = (start, tuple(parameter.shape))
            start += parameter.numel()
        return places

    def _live(self) -> Weights:
        with torch.no_grad():
            parts = [parameter.detach().reshape(-1) for parameter in self.training.trainer.gpt.parameters()]
            return np.asarray(torch.cat(parts).numpy())


def _put(gpt: GPT, weights: Weights) -> None:
    with torch.no_grad():
        torch.nn.utils.vector_to_parameters(torch.tensor(weights, device="cpu"), gpt.parameters())
