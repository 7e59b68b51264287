"""The effect of a token of the text: the arrows as they are, less as they are when the token is another.

It is retrained for, from the same first weights, as :func:`babygpt.attribute` does for all tokens at once; here only
for those that someone points at, and for their neighbours where that costs little.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.decoding import Decoding
from babygpt.gpt.reading import BORDER
from babygpt.lab.attribute import corpora_of
from babygpt.run.blocks import blocks_of
from babygpt.run.many import Trainings
from babygpt.studio.figures import Values
from babygpt.studio.limits import Limits, RefusedError
from babygpt.studio.setup import Setup
from babygpt.studio.side_by_side import decoded, together, weights_together

MAX_TEXTS = 64  # to be retrained for one token: one for each other symbol
MAX_NUMBERS = 2**22  # of their chains, and of the effects that are kept


@dataclass(frozen=True)
class Moment:
    """When effects on a chain are asked for: at which step, above 0, and under which decoding."""

    step: int
    decoding: Decoding


def can_change(setup: Setup, limits: Limits) -> bool:
    """Return whether a token is not too much to be retrained for."""
    others, numbers = len(setup.corpus.vocabulary) - 1, setup.n_states * setup.config.vocab_size
    if others > MAX_TEXTS or others * numbers > MAX_NUMBERS:
        return False
    try:
        beside = weights_together(setup.config, setup.corpus) + 8 * MAX_NUMBERS
        limits.check_memory(setup.config, setup.settings.steps, beside)
    except RefusedError:
        return False
    return True


class TokenEffects:
    """The effects of tokens on all arrows, at one moment.

    Parameters
    ----------
    setup
        What is learnt, and how.
    moment
        When.
    base
        float64 (N, V): the arrows at that moment.
    """

    def __init__(self, setup: Setup, moment: Moment, base: Values) -> None:
        self._setup, self.moment, self._base = setup, moment, base
        self._ids = setup.tokens
        self._known: OrderedDict[int, Values] = OrderedDict()
        self._room = max(1, MAX_NUMBERS // base.size)  # tokens whose effects are kept
        self._asked: _Asked | None = None

    @property
    def n_bytes(self) -> int:
        """How many bytes the effects may take."""
        return 8 * self._base.size * min(self._room, len(self._ids))

    def effects(self, position: int) -> Values | None:
        """Return a token's effects, float64 (N, V), or None if they are not known yet.

        They are the means over the other symbols that could be in its place, and NaN where a GPT did not stay finite.
        """
        if position in self._known:
            self._known.move_to_end(position)
        return self._known.get(position)

    def advance(self, position: int, until: float) -> None:
        """Come nearer to a token's effects, until that time of :func:`time.perf_counter`, a step at least."""
        if self._asked is None or position not in self._asked.places:  # else someone points elsewhere by now
            self._asked = _Asked(self._setup, self._ids, self.moment, self._near(position))
        self._asked.trainings.advance(until)
        if self._asked.trainings.done:
            for place, arrows in zip(self._asked.places, self._asked.changed(), strict=True):
                self._known[place] = self._base - arrows
            self._asked = None
            while len(self._known) > self._room:
                self._known.popitem(last=False)

    def _near(self, position: int) -> list[int]:
        """Return the place asked for, and those around it that can be trained for at the same time."""
        others = len(self._setup.corpus.vocabulary) - 1
        room = min(self._room, max(1, together(self._setup.config, self._setup.corpus) // others))
        unknown = [place for place in np.flatnonzero(self._ids != BORDER).tolist() if place not in self._known]
        return sorted(sorted(unknown, key=lambda place: abs(place - position))[:room])


class _Asked:
    """Some places of a text, and the trainings with every other symbol at each, a few of them at a time."""

    def __init__(self, setup: Setup, ids: NDArray[np.int64], moment: Moment, places: list[int]) -> None:
        self.places, self._moment = places, moment
        V = len(setup.corpus.vocabulary)
        others = [other for place in places for other in range(V) if other != ids[place]]
        corpora, self._text_of = corpora_of(setup.corpus, ids, np.repeat(places, V - 1), np.array(others))
        self.trainings = Trainings(
            corpora, [setup.settings.seed] * len(corpora), setup.config, setup.train_config, [moment.step],
            keep=["probs"], blocks=blocks_of(len(corpora), together(setup.config, setup.corpus)),
        )  # fmt: skip

    def changed(self) -> Values:
        """Return the arrows with another symbol at each place, means over the others: float64 (places, N, V)."""
        probs = decoded(self.trainings.results.probs[:, 0], self._moment.decoding).astype(np.float64)
        means: Values = probs[self._text_of].reshape(len(self.places), -1, *probs.shape[1:]).mean(axis=1)
        return means
