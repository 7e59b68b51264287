"""What is on the picture of a chain, and where: the same for every format. Lengths are in points, y upward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INK, PAPER, FAINT = "#222222", "#FFFFFF", "#F4F2EC"


@dataclass(frozen=True, eq=False)
class DrawnState:
    """A state: a circle if it is no wider than high, else a box with round corners."""

    lines: tuple[str, ...]  # its name
    at: NDArray[np.float64]  # (2,), its middle
    half: NDArray[np.float64]  # (2,), half its width and height
    dashed: bool  # it never occurs in the data

    @property
    def round(self) -> bool:
        """Whether it is a circle."""
        return bool(self.half[0] == self.half[1])


@dataclass(frozen=True, eq=False)
class DrawnArrow:
    """An arrow between two states, by their numbers, and its label if it carries one."""

    tail: int
    head: int
    curve: NDArray[np.float64]  # (4, 2) or, for a loop, (7, 2): control points of Bézier curves
    tip: NDArray[np.float64]  # (2,)
    colour: str
    width: float
    dashed: bool
    tooltip: str
    label: tuple[str, ...] | None
    label_at: NDArray[np.float64]  # (2,)


@dataclass(frozen=True, eq=False)
class Scene:
    """The states and arrows of a picture, and the line above it."""

    states: list[DrawnState]
    arrows: list[DrawnArrow]
    title: str | None = None
