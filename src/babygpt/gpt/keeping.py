"""What was counted is kept as a text beside its counts, if it is short: whoever opens a run can learn from it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

from babygpt.gpt.vocabulary import Vocabulary

# Characters of a text that is kept.
MAX_KEPT = 100_000

Piece = TypeVar("Piece")


class Keeper:
    """Keeps a text as it streams by, in pieces of one sequence or as sequences.

    Parameters
    ----------
    vocabulary
        Its symbols.
    between
        What stands between two pieces, and in none: a line feed between sequences.

    Attributes
    ----------
    text
        What has come so far; None once it is longer than :data:`MAX_KEPT`, or cannot be told as a text.

    >>> keeper = Keeper(Vocabulary("abc"))
    >>> len(list(keeper.watch(["ab", np.array([2])]))), keeper.text
    (2, 'abc')
    """

    def __init__(self, vocabulary: Vocabulary, between: str = "") -> None:
        self.text: str | None = ""
        self._vocabulary, self._between = vocabulary, between

    def watch(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Yield the pieces as they are, keeping each."""
        for i, piece in enumerate(pieces):
            said = None if self.text is None else self._said(piece)
            if self.text is None or said is None or (self._between and self._between in said):
                self.text = None
            else:
                self.text += self._between * (i > 0) + said
                self.text = self.text if len(self.text) <= MAX_KEPT else None
            yield piece

    def _said(self, piece: object) -> str | None:
        """Return a piece as a text: one of tokens or names is spelled out."""
        if isinstance(piece, str):
            return piece
        if not isinstance(piece, (list, tuple, np.ndarray)) or len(piece) > MAX_KEPT:
            return None
        # of words, what follows is parted from it
        return self._vocabulary.decode(self._vocabulary.tokens_of(piece)) + self._vocabulary.separator
