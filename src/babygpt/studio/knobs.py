"""Knobs on a GPT's weights: along the line from the initial ones to the trained ones, and on any single number."""

from __future__ import annotations

from typing import Any

import numpy as np

from babygpt.studio import protocol
from babygpt.studio.figures import packed
from babygpt.studio.limits import RefusedError
from babygpt.studio.links import Turned
from babygpt.studio.playback import Playback, Weights

# From where to where on the line from the initial weights (0) to the trained ones (1): half as far again on both sides.
REACH = (-0.5, 1.5)
# The most that is added to a single number: beyond it a GPT of any size has long gone flat.
MOST = 1000.0
MAX_SHOWN = 65_536


class Knobs:
    """What is turned, if anything is.

    Attributes
    ----------
    turned
        Whether any knob is.
    version
        Counts the turns.
    """

    def __init__(self) -> None:
        self.version = 0
        self._position: float | None = None
        self._line: Weights | None = None  # the weights at that position
        self._until = 0  # how many steps were trained when it was found
        self._tensor: str | None = None
        self._place: int | None = None
        self._by = 0.0

    @property
    def turned(self) -> bool:
        """Whether the weights are not those of training."""
        return self._line is not None or self._by != 0

    @property
    def on_the_line(self) -> bool:
        """Whether the weights are somewhere on the line from initial to trained, whatever step is shown."""
        return self._line is not None

    @property
    def nudged(self) -> bool:
        """Whether it is the weights of the step shown to which something is added."""
        return self._line is None and self._by != 0

    @property
    def shows_tensor(self) -> bool:
        """Whether a tensor is on the screen."""
        return self._tensor is not None

    def turn(self, position: float, playback: Playback) -> None:
        """Go to a place on the line from the initial weights (0) to the trained ones (1) and beyond."""
        position = min(max(position, REACH[0]), REACH[1])
        last = playback.weights_at(playback.trained)[1]
        step = np.float32(position)
        # one as it is: the sum would lose its last digits
        self._line = last.copy() if position == 1 else playback.initial + step * (last - playback.initial)
        self._position, self._until = position, playback.trained
        self.version += 1

    def choose(self, name: str, playback: Playback) -> None:
        """Show a tensor.

        Raises
        ------
        RefusedError
            The GPT has none of this name.
        """
        if name not in playback.tensors():
            raise RefusedError(f"This GPT has no tensor {name!r:.60}.", "tensor")
        if name != self._tensor:
            self._tensor, self._place, self._by = name, None, 0.0
            self.version += 1

    def nudge(self, place: int, by: float, playback: Playback) -> None:
        """Add ``by`` to one number of the tensor shown.

        Raises
        ------
        RefusedError
            No tensor is shown, or it has no such place.
        """
        if self._tensor is None:
            raise RefusedError("Choose a tensor first, then one of its numbers.", "tensor")
        size = int(np.prod(playback.tensors()[self._tensor][1]))
        if not 0 <= place < size:
            raise RefusedError(f"The tensor {self._tensor} has the places 0 to {size - 1:,}.", "tensor")
        self._place, self._by = place, min(max(float(by), -MOST), MOST)
        self.version += 1

    def release(self) -> None:
        """Let go: the weights are again those of training."""
        if self.turned or self._place is not None:
            self._position, self._line, self._place, self._by = None, None, None, 0.0
            self.version += 1

    def told(self, trained: int) -> Turned:
        """Return what is turned, as a link says it of a training of so many steps.

        A place on the line to weights that the training has left behind, no link says.
        """
        on_the_line = self.on_the_line and self._until == trained
        return Turned(self._position if on_the_line else None, self._tensor, self._place, self._by)

    def put(self, told: Turned, playback: Playback) -> None:
        """Turn what a link says is turned.

        Raises
        ------
        RefusedError
            There is no such tensor, or number in it.
        """
        if told.turn is not None and playback.trained:
            self.turn(told.turn, playback)
        if told.tensor is not None:
            self.choose(told.tensor, playback)
        if told.place is not None:
            self.nudge(told.place, told.nudge, playback)

    def state(self) -> tuple[Any, ...]:
        """Return all that is turned, for :meth:`put_back`."""
        return self.version, self._position, self._line, self._until, self._tensor, self._place, self._by

    def put_back(self, state: tuple[Any, ...]) -> None:
        """Turn everything back, as if it had never been turned."""
        self.version, self._position, self._line, self._until, self._tensor, self._place, self._by = state

    def weights(self, step: int, playback: Playback) -> Weights:
        """Return the weights in force while ``step`` is shown."""
        weights = self._base(step, playback)
        if self._by == 0 or self._tensor is None or self._place is None:
            return weights
        weights = weights.copy()
        weights[playback.tensors()[self._tensor][0] + self._place] += np.float32(self._by)
        return weights

    def view(self, step: int, playback: Playback) -> protocol.Knobs:
        """Return the knobs for the screen."""
        places = playback.tensors()
        values = value = None
        if self._tensor is not None:
            start, shape = places[self._tensor]
            size = int(np.prod(shape))
            if size <= MAX_SHOWN:
                values = packed(self.weights(step, playback)[start : start + size].astype("<f4"))
            if self._place is not None:
                value = float(self._base(step, playback)[start + self._place])
        return {
            "position": 1.0 if self._position is None else self._position,
            "reach": list(REACH),
            "tensors": [{"name": name, "shape": list(shape)} for name, (_, shape) in places.items()],
            "tensor": self._tensor, "values": values, "place": self._place, "value": value, "by": self._by,
            "ready": playback.trained > 0,
        }  # fmt: skip

    def _base(self, step: int, playback: Playback) -> Weights:
        return playback.weights_at(step)[1] if self._line is None else self._line
