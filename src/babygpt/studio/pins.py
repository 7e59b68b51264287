"""Chains that are kept to be compared with, and how one that a link tells of comes back: it is trained again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from babygpt.chain.chain import MarkovChain
from babygpt.chain.decoding import Decoding
from babygpt.chain.extract import context_table
from babygpt.studio.knobs import Knobs
from babygpt.studio.limits import Limits
from babygpt.studio.links import Origin
from babygpt.studio.playback import Playback


def chain_shown(playback: Playback, step: int, knobs: Knobs, decoding: Decoding) -> MarkovChain:
    """Return the chain that is shown of a training: at a step, with knobs and decoding.

    Raises
    ------
    SettingError
        With these knobs the GPT says nothing finite.
    """
    if knobs.turned:
        gpt = playback.gpt(knobs.weights(step, playback))
        chain = MarkovChain.from_table(context_table(gpt), playback.corpus.vocabulary)
    else:
        chain = playback.chain(step)
    return chain if decoding.is_neutral else chain.decoded(decoding)


@dataclass(frozen=True, eq=False)
class Pin:
    """A chain that is kept.

    Attributes
    ----------
    origin
        Where it is from.
    chain
        The chain itself; None while it is trained again.
    """

    origin: Origin
    chain: MarkovChain | None


class Revival:
    """The training of a chain that a link says is pinned, in slices.

    Attributes
    ----------
    chain
        The chain, once it is trained.

    Raises
    ------
    RefusedError
        There is no tensor, or number, of which the link says that it is turned.
    """

    def __init__(self, origin: Origin, limits: Limits) -> None:
        setup = origin.setup
        few = replace(limits, memory=0)  # of its steps one alone is wanted
        self._origin, self._knobs = origin, Knobs()
        self._playback = Playback(setup.corpus, setup.config, setup.train_config, few)
        self._knobs.put(replace(origin.scene.turned, turn=None), self._playback)
        self.n_bytes = limits.need(setup.config, 0)
        self.chain: MarkovChain | None = None

    def work(self, seconds: float) -> None:
        """Train for about so long.

        Raises
        ------
        SettingError, DivergedError
            The GPT says nothing finite.
        """
        playback, (_, scene) = self._playback, self._origin
        goal = self._origin.step if scene.turned.turn is None else scene.trained
        playback.advance(seconds, goal)
        if playback.trained >= goal or playback.done:
            playback.settle()
            if playback.failure is not None:
                raise playback.failure
            self._knobs.put(scene.turned, playback)
            step = playback.closest(self._origin.step)
            self.chain = chain_shown(playback, step, self._knobs, scene.decoding)
