"""GPTs that are retrained beside the one on the screen, when someone asks: from other seeds, on other texts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from babygpt.studio.limits import RefusedError
from babygpt.studio.links import SEEDS
from babygpt.studio.protocol import Silence
from babygpt.studio.seed_bands import Band, ManySeeds, check_fits
from babygpt.studio.side_by_side import weights_together
from babygpt.studio.tokens import Moment, TokenEffects, can_change

if TYPE_CHECKING:
    from babygpt.studio.figures import Values
    from babygpt.studio.stage import Stage


class Retraining:
    """Many seeds, and the effects of single tokens, beside what a stage learns.

    Nothing is trained before it is shown: it follows what the stage shows.

    Parameters
    ----------
    stage
        The stage.
    n_seeds
        How many seeds are many.

    Attributes
    ----------
    n_seeds
        The same.
    pointed
        The place of the token that someone points at, if there is one.
    """

    def __init__(self, stage: Stage, n_seeds: int = SEEDS) -> None:
        self.n_seeds = n_seeds
        self.pointed: int | None = None
        self._stage = stage
        self._seeds: ManySeeds | None = None
        self._tokens: TokenEffects | None = None
        self._can_change = False

    @property
    def busy(self) -> bool:
        """Whether there is something to train."""
        return self._unknown_token is not None or self._unknown_seeds is not None

    def work(self, seconds: float) -> None:
        """Train for about so long: first what someone points at."""
        until, token, seeds = time.perf_counter() + seconds, self._unknown_token, self._unknown_seeds
        if token is not None:
            token[0].advance(token[1], until)
        elif seeds is not None:
            seeds.advance(until)

    @property
    def n_bytes(self) -> int:
        """About how many bytes all of it takes."""
        setup = self._stage.setup
        others = [one for one in (self._seeds, self._tokens) if one is not None]
        return sum(one.n_bytes + weights_together(setup.config, setup.corpus) for one in others)

    # -- seeds ----------------------------------------------------------------------------------------------

    @property
    def shows_seeds(self) -> bool:
        """Whether many seeds are part of what is shown."""
        stage = self._stage
        return "seeds" in (stage.compare if stage.source == "difference" else (stage.source,))

    @property
    def can_show_seeds(self) -> bool:
        """Whether the seeds are not too many for so many arrows, and for the memory."""
        try:
            check_fits(self._stage.setup, self.n_seeds, self._stage.limits)
        except RefusedError:
            return False
        return True

    @property
    def seeds(self) -> ManySeeds:
        """The many seeds, trained as far as this one is, or is to be."""
        stage = self._stage
        total = max(stage.goal, stage.playback.trained)
        if self._seeds is None or self._seeds.total < total:
            self._seeds = ManySeeds(stage.setup, self.n_seeds, total, stage.limits, self._seeds)
        return self._seeds

    @property
    def band(self) -> Band | None:
        """What the seeds say at the step shown, if anything is known of it."""
        return self.seeds.band(self._stage.playhead.step, self._stage.decoding, self._stage.passing)

    @property
    def _unknown_seeds(self) -> ManySeeds | None:
        return self.seeds if self.shows_seeds and not self.seeds.done else None

    # -- tokens ---------------------------------------------------------------------------------------------

    @property
    def unavailable_reason(self) -> Silence:
        """Why the effect of the token pointed at is not to be had, or ``""``.

        ``"moving"``: frames pass by; ``"untrained"``: at step 0; ``"turned"``: the weights are not those of training;
        ``"large"``: it would take too long, or too much memory.
        """
        stage = self._stage
        if stage.training or stage.playhead.playing:
            return "moving"
        if stage.playhead.step == 0:
            return "untrained"
        if stage.knobs.turned:
            return "turned"
        return "" if self._can_change else "large"

    def point(self, position: int | None) -> None:
        """Have someone point at a token, or at none."""
        self.pointed = position
        if position is not None:
            self._can_change = can_change(self._stage.setup, self._stage.limits)

    @property
    def effects(self) -> Values | None:
        """The effect of the token pointed at, float64 (N, V), if that is known."""
        tokens = self._at_this_moment
        return None if tokens is None or self.pointed is None else tokens.effects(self.pointed)

    @property
    def _unknown_token(self) -> tuple[TokenEffects, int] | None:
        tokens = self._at_this_moment
        if tokens is None or self.pointed is None or tokens.effects(self.pointed) is not None:
            return None
        return tokens, self.pointed

    @property
    def _at_this_moment(self) -> TokenEffects | None:
        """The effects of tokens at the step shown, if someone points at one and its effect is to be had."""
        stage = self._stage
        if self.pointed is None or self.unavailable_reason:
            return None
        moment = Moment(stage.playhead.step, stage.decoding)
        if self._tokens is None or self._tokens.moment != moment:
            chain = stage.playback.chain(moment.step)
            base = chain if moment.decoding.is_neutral else chain.decoded(moment.decoding)
            self._tokens = TokenEffects(stage.setup, moment, base.probs)
        return self._tokens
