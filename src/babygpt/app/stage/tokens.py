"""What each token of the text holds: the arrows as they are, less as they are when the token is another.

It is retrained for, from the same first weights, as :func:`babygpt.attribute` does for all tokens at once; here only
for those that someone points at, and for their neighbours where that costs little.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from babygpt.app.stage.links import Decoding
from babygpt.app.stage.retraining import Retraining, together
from babygpt.app.stage.setup import Setup
from babygpt.chain.decoding import decode
from babygpt.lab.attribute import corpora_of

Values = NDArray[np.float64]

MAX_TEXTS = 64  # to be retrained for one token: one for each other symbol
MAX_NUMBERS = 2**22  # of their chains, and of the effects that are kept


@dataclass(frozen=True)
class Moment:
    """Of which chain effects are effects: at a step above 0, under a decoding."""

    step: int
    decoding: Decoding


def can_change(setup: Setup) -> bool:
    """Return whether a token is not too much to be retrained for."""
    others, N, V = len(setup.corpus.vocabulary) - 1, setup.n_states, setup.config.vocab_size
    return others <= MAX_TEXTS and others * N * V <= MAX_NUMBERS


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
        self._ids = setup.corpus.vocabulary.encode(setup.text)
        self._config = replace(setup.train_config, steps=moment.step)
        self._known: OrderedDict[int, Values] = OrderedDict()
        self._room = max(1, MAX_NUMBERS // base.size)  # tokens whose effects are kept
        self._batch: Retraining | None = None
        self._asked: list[int] = []  # whose effects the batch will say
        self._probs = np.empty(0, dtype=np.float32)
        self._variant_of = np.empty(0, dtype=np.int64)

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
        if self._batch is not None and position not in self._asked:
            self._batch = None  # someone points elsewhere
        if self._batch is None:
            self._batch = self._begun(position)
        self._batch.advance(until)
        if self._batch.done:
            self._batch = None
            self._keep()

    def _begun(self, position: int) -> Retraining:
        setup, V = self._setup, len(self._setup.corpus.vocabulary)
        room = min(self._room, max(1, together(setup.config, setup.corpus) // (V - 1)))
        unknown = [place for place in range(len(self._ids)) if place not in self._known]
        self._asked = sorted(sorted(unknown, key=lambda place: abs(place - position))[:room])
        places = np.repeat(self._asked, V - 1)
        others = [other for place in self._asked for other in range(V) if other != self._ids[place]]
        corpora, self._variant_of = corpora_of(setup.corpus, self._ids, places, np.array(others))
        seeds = [setup.settings.seed] * len(corpora)
        self._probs = np.empty((1, len(corpora), *self._base.shape), dtype=np.float32)
        return Retraining(corpora, seeds, setup.config, self._config, [self.moment.step], self._probs)

    def _keep(self) -> None:
        probs = self._probs[0].astype(np.float64)
        if self.moment.decoding != Decoding():
            with np.errstate(divide="ignore", invalid="ignore"):
                probs = np.exp(decode(np.log(probs), **asdict(self.moment.decoding)))
        changed = probs[self._variant_of].reshape(len(self._asked), -1, *self._base.shape).mean(axis=1)
        for place, arrows in zip(self._asked, changed, strict=True):
            self._known[place] = self._base - arrows
        while len(self._known) > self._room:
            self._known.popitem(last=False)
