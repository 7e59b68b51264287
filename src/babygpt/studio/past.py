"""What was learnt before each change of text or settings, so that it can be taken back."""

from __future__ import annotations

from babygpt.studio.links import Scene
from babygpt.studio.setup import Setup

# How many changes can be taken back.
MOST_UNDONE = 20


class Past:
    """Setups that were left, the latest last, of no more than ``most_text`` characters in all."""

    def __init__(self, most_text: int) -> None:
        self._most_text = most_text
        self._left: list[tuple[Setup, Scene]] = []

    def __len__(self) -> int:
        return len(self._left)

    def keep(self, setup: Setup, scene: Scene) -> None:
        """Keep a setup that is left, and what was shown of it; the oldest go for it, if they must."""
        self._left.append((setup, scene))
        while len(self) > MOST_UNDONE or sum(len(one.text) for one, _ in self._left) > self._most_text:
            del self._left[0]

    def take_back(self) -> tuple[Setup, Scene] | None:
        """Return the one left last, which is left no more; None if there is none."""
        return self._left.pop() if self._left else None
