"""All that a session is at a moment, and the chain that is shown of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from babygpt.chain.contexts import number_of
from babygpt.chain.decoding import Decoding
from babygpt.errors import DivergedError, SettingError
from babygpt.studio.chain_summary import FEW, ChainSummary, CorpusLoss
from babygpt.studio.figures import Values, data_values
from babygpt.studio.knobs import Knobs
from babygpt.studio.limits import Limits, RefusedError
from babygpt.studio.links import PLAIN, SLOTS, Origin, Scene, Slot, Source, Subject, Turned, write
from babygpt.studio.past import Past
from babygpt.studio.pins import Pin, Revival, chain_shown
from babygpt.studio.playback import Playback, Weights
from babygpt.studio.playhead import Playhead
from babygpt.studio.retraining import Retraining
from babygpt.studio.setup import Setup
from babygpt.studio.tape import Tape


class Stage:
    """What is learnt, how far it is, and what is shown of it.

    Attributes
    ----------
    limits
        What it may take.
    setup, playback, playhead, knobs, tape
        The text and settings; their training; which step is shown; what is turned; the ball.
    version, states_since
        Counts the films; that of the first with the same states as now.
    past
        What was learnt before it.
    decoding, source, compare
        How arrows are decoded; whose are shown; what is subtracted from what in a difference.
    selected, window
        The state beside the chain, and the first row of a table, if there are any.
    shows_code
        Whether someone looks at scripts that do the same; they may spell out the whole text.
    shows_short
        Whether someone looks at the contexts shorter than K.
    pins
        The chains that were kept, by slot.
    retraining
        The GPTs that are trained beside this one.
    goal
        Until which step the training under way goes; 0 if none is.
    arrive, turned
        Where the playhead goes when that is done, and what is turned then, if a link says so.
    """

    def __init__(self, setup: Setup, limits: Limits, seed: int, version: int = 0, past: Past | None = None) -> None:
        self.limits = limits
        self.playhead, self.tape = Playhead(), Tape(seed)
        self.decoding = Decoding()
        self.source: Source = "model"
        self.compare: tuple[Subject, Subject] = PLAIN
        self.selected: int | None = None
        self.window: int | None = None
        self.shows_code = self.shows_short = False
        self.pins: dict[Slot, Pin | None] = dict.fromkeys(SLOTS)
        self._revivals: dict[Slot, Revival] = {}
        self.version = version
        self.past = Past(limits.text) if past is None else past
        self._shown: tuple[Any, ChainSummary] | None = None
        self._retrains_next = False  # whose turn it is to compute
        self._learn(setup)
        self.states_since = self.version
        self.retraining = Retraining(self)

    def begin(self, setup: Setup) -> None:
        """Learn something else: an untrained GPT, at step 0. What is selected stays so if it still exists."""
        context = None if self.selected is None else self.setup.symbols_of(self.selected)
        same = self.setup.has_states_of(setup)
        self._learn(setup)
        if not same:
            self.states_since = self.version
        self.retraining = Retraining(self, self.retraining.n_seeds)
        self.selected = None if context is None else self._state_of(context)
        self.check_compare()

    def _learn(self, setup: Setup) -> None:
        self.playback = Playback(setup.corpus, setup.config, setup.train_config, self.limits)
        self.setup, self.knobs = setup, Knobs()
        self.expected = CorpusLoss(setup.corpus, setup.settings.positions, self.playback.floor)
        self._data: Values | None = None
        self.goal, self._ignore_stop_gap = 0, False
        self.arrive: int | None = None
        self.turned: Turned | None = None
        self.version += 1
        self.playhead.move_to(0)
        self.playhead.suit(setup.settings.steps)
        self.begin_tape(int(setup.corpus.states[setup.corpus.counts.sum(axis=1).argmax()]))

    def go_on(self, setup: Setup) -> None:
        """Learn the same for more steps, or until nearer to the floor: what is trained stays."""
        old, self.setup = self.setup, setup
        if setup.settings.stop_gap != old.settings.stop_gap:
            self._ignore_stop_gap = False
            self.playback.resume()
        if setup.settings.steps != old.settings.steps:
            self.playback.extend(setup.settings.steps, self.playhead.step)
            if self.training and self.arrive is None:
                self.goal = setup.settings.steps

    # -- training -------------------------------------------------------------------------------------------

    @property
    def training(self) -> bool:
        """Whether a training is under way."""
        return self.goal > 0

    def train_to(self, goal: int, ignore_stop_gap: bool = False) -> None:
        """Begin to train until ``goal`` steps are done; with ``ignore_stop_gap`` however near the floor is."""
        self.goal, self._ignore_stop_gap, self.arrive = goal, ignore_stop_gap, None

    def train(self, seconds: float) -> None:
        """Train for about so long."""
        playback, stop_gap = self.playback, None if self._ignore_stop_gap else self.setup.settings.stop_gap
        if self.arrive is None or not playback.trained < self.arrive < self.goal:
            playback.advance(seconds, self.goal, stop_gap)
        else:
            playback.advance(seconds, self.arrive, stop_gap)
            if playback.trained == self.arrive:  # perhaps it is not recorded: now is the time to keep it
                self.settle()
        if playback.done or playback.trained >= self.goal:
            self.rest()

    def train_one(self) -> None:
        """Train one step, and make it one that can be shown."""
        playback = self.playback
        playback.resume()
        playback.advance(0.0, playback.trained + 1)
        self.settle()
        if playback.done or playback.trained >= self.goal:
            self.rest()

    def settle(self) -> None:
        """Make the newest step one that can be shown; what is shown, or is to be, stays one."""
        self.playback.settle(self.playhead.step if self.arrive is None else self.arrive)

    def rest(self) -> None:
        """End the training where it is."""
        self.goal = 0
        self.settle()
        if self._ignore_stop_gap:
            self.playback.notice_gap(self.setup.settings.stop_gap)
        if self.arrive is not None:
            self.playhead.move_to(self.playback.closest(self.arrive))
            self.arrive = None

    def let_go(self) -> None:
        """Show what was trained, not what knobs make of it; go where someone goes, not where a link leads."""
        self.arrive = self.turned = None
        self.knobs.release()

    @property
    def busy(self) -> bool:
        """Whether anything is trained, this GPT or others beside it, or computed in slices."""
        return self.training or self.computing or bool(self._revivals) or self.retraining.busy or self.filling

    @property
    def computing(self) -> bool:
        """Whether someone looks at numbers of the shown chain that are not known yet; while frames pass, nobody does.

        What was begun of a chain that is not shown any more is dropped with it.
        """
        shown = self._shown
        return shown is not None and not self.passing and shown[0] == self.moment and shown[1].computing

    @property
    def filling(self) -> bool:
        """Whether nothing else is to be done than to read the chains between those that training recorded."""
        waits = self.training or self.computing or self._revivals or self.retraining.busy or self.passing
        return not waits and self.playback.filling

    def work(self, seconds: float) -> None:
        """Work for about so long: train this GPT, then what is pinned, then by turns on what is shown and beside it.

        When there is nothing else to do, read the chains between those that training recorded.
        """
        if self.training:
            self.train(seconds)
            return
        if self._revivals:
            self._revive(seconds)
            return
        self._retrains_next = self.retraining.busy and (not self._retrains_next or not self.computing)
        if self._retrains_next:
            self.retraining.work(seconds)
        elif self.computing:
            self.shown.work(time.perf_counter() + seconds)
        elif self.filling:
            self.playback.fill(time.perf_counter() + seconds)

    # -- the chain that is shown ----------------------------------------------------------------------------

    @property
    def moment(self) -> tuple[Any, ...]:
        """What the shown chain depends on."""
        return self.version, self.playhead.step, self.knobs.version, self.decoding

    @property
    def passing(self) -> bool:
        """Whether frames pass by, too fast for what takes long to compute."""
        return self.playhead.playing or (self.playhead.dragged and self.setup.n_states > FEW)

    @property
    def shown(self) -> ChainSummary:
        """The model's chain: at the playhead, with knobs and decoding."""
        if self._shown is None or self._shown[0] != self.moment:
            chain = chain_shown(self.playback, self.playhead.step, self.knobs, self.decoding)
            self._shown = self.moment, ChainSummary(chain, self.expected)
        return self._shown[1]

    @property
    def weights(self) -> tuple[int, Weights]:
        """The weights in force, and the step to whose chain they belong.

        It is the step shown, but for where few weights are kept: there it may be an earlier one.
        """
        step = self.playhead.step
        return (
            step if self.knobs.on_the_line else self.playback.weights_at(step)[0],
            self.knobs.weights(step, self.playback),
        )

    def values(self) -> Values:
        """Return the arrows of what is shown: (N, V); NaN where nothing is known.

        They are differences where :attr:`signed` says so, else probabilities.
        """
        effects = self.retraining.effects
        if effects is not None:
            return effects
        if self.source == "difference":
            first, second = self.compare
            return self.subject(first) - self.subject(second)
        return self.subject(self.source)

    @property
    def signed(self) -> bool:
        """Whether differences are shown."""
        return self.source == "difference" or self.retraining.effects is not None

    def subject(self, subject: Subject) -> Values:
        """Return the probabilities (N, V) of what can be compared.

        Raises
        ------
        RefusedError
            A pin that is empty, or of another kind of chain.
        """
        if subject == "model":
            return self.shown.chain.probs
        if subject == "seeds":
            band = self.retraining.band
            return np.full_like(self.shown.chain.probs, np.nan) if band is None else band.median
        if subject == "data":
            if self._data is None:
                self._data = data_values(self.setup.corpus)
            return self._data
        pin = self.pins[subject]
        if pin is None:
            raise RefusedError(f"Nothing is pinned as {subject} yet.", "pin", slot=subject)
        if not self.fits(pin):
            raise RefusedError(
                f"The chain pinned as {subject} has another context length or other symbols. Compare like with like.",
                "unlike", slot=subject,
            )  # fmt: skip
        return np.full_like(self.shown.chain.probs, np.nan) if pin.chain is None else pin.chain.probs

    def fits(self, pin: Pin) -> bool:
        """Return whether a pinned chain can be compared with this one."""
        mine, its = self.setup.corpus, pin.origin.setup.corpus
        return (its.vocabulary, its.context_length) == (mine.vocabulary, mine.context_length)

    def pin(self, slot: Slot) -> None:
        """Keep the chain that is shown."""
        step = self.playhead.step
        until = self.playback.trained if self.knobs.on_the_line else step
        scene = Scene(until, step, decoding=self.decoding, turned=self.knobs.told(until))
        self._revivals.pop(slot, None)
        self.pins[slot] = Pin(Origin(self.setup, scene), self.shown.chain)

    def unpin(self, slot: Slot) -> None:
        """Keep it no more."""
        self._revivals.pop(slot, None)
        self.pins[slot] = None
        self.check_compare()

    def keep_pins_of(self, other: Stage) -> None:
        """Keep what another stage keeps."""
        self.pins, self._revivals = other.pins, other._revivals

    def revive(self, slot: Slot, origin: Origin) -> None:
        """Keep a chain that a link tells of: it is trained again.

        Raises
        ------
        RefusedError
            It cannot be.
        """
        self.unpin(slot)
        self._revivals[slot] = Revival(origin, self.limits)
        self.pins[slot] = Pin(origin, None)

    def _revive(self, seconds: float) -> None:
        slot, revival = next(iter(self._revivals.items()))
        try:
            revival.work(seconds)
        except (SettingError, DivergedError):
            self.unpin(slot)
        else:
            pin = self.pins[slot]
            if revival.chain is not None and pin is not None:
                del self._revivals[slot]
                self.pins[slot] = Pin(pin.origin, revival.chain)

    @property
    def n_bytes_beside(self) -> int:
        """About how many bytes take what is trained beside this GPT."""
        return self.retraining.n_bytes + sum(revival.n_bytes for revival in self._revivals.values())

    def ask_seeds(self, n: int) -> None:
        """Begin anew with so many seeds beside this one."""
        self.retraining = Retraining(self, n)
        self.check_compare()

    def check_compare(self) -> None:
        """Forget a comparison that is no more."""
        pins = [self.pins[subject] for subject in self.compare if subject in self.pins]
        if any(pin is None or not self.fits(pin) for pin in pins):
            self.compare = PLAIN
            if self.source == "difference":
                self.source = "model"
        if "seeds" in (self.source, *self.compare) and not self.retraining.can_show_seeds:
            self.compare = PLAIN
            self.source = "data" if self.source == "data" else "model"

    def turn(self, turn: Callable[[Knobs], None]) -> None:
        """Turn a knob; the playhead holds still for it.

        Raises
        ------
        RefusedError
            There is no such knob, or the GPT would break: nothing is turned.
        """
        before = self.knobs.state()
        try:
            with np.errstate(invalid="ignore", over="ignore"):  # what is not finite, the chain refuses
                turn(self.knobs)
                _ = self.shown
        except RefusedError:
            self.knobs.put_back(before)
            raise
        except SettingError:
            self.knobs.put_back(before)
            raise RefusedError("With that number the GPT would say nothing finite.", "knob") from None
        self.playhead.playing = False
        if self.knobs.nudged:  # where few weights are kept, those of an earlier step are turned: show that step
            self.playhead.step = self.playback.weights_at(self.playhead.step)[0]

    @property
    def n_tokens(self) -> int:
        """How many tokens the text has, the border between two sequences counted as one."""
        return len(self.setup.tokens)

    # -- states ---------------------------------------------------------------------------------------------

    def check_state(self, state: int) -> int:
        """Return a state, or raise :class:`RefusedError` if there is none of this number."""
        if not 0 <= state < self.setup.n_states:
            last = self.setup.n_states - 1
            raise RefusedError(f"There is no state {state:,}; this chain has the states 0 to {last:,}.", "command")
        return state

    def _state_of(self, context: list[str]) -> int | None:
        config, symbols = self.setup.config, self.setup.corpus.vocabulary.symbols
        if len(context) != config.block_size or not set(context) <= set(symbols):
            return None
        return number_of([symbols.index(symbol) for symbol in context], config.vocab_size)

    def begin_tape(self, state: int) -> None:
        """Put the ball in a state, and begin its tape anew."""
        self.tape.begin(state, self.setup.config.vocab_size, self.setup.config.block_size)

    # -- where it is going ----------------------------------------------------------------------------------

    @property
    def end(self) -> tuple[int, int]:
        """How many steps are trained, and which is shown, once nothing moves by itself any more."""
        trained = self.goal or self.playback.trained
        if self.arrive is not None:
            return trained, self.arrive
        return trained, trained if self.playhead.playing else self.playhead.step

    @property
    def scene(self) -> Scene:
        """What a link says: while something runs, how it will end."""
        trained, step = self.end
        turned = self.knobs.told(trained) if self.turned is None else self.turned
        return Scene(
            trained,
            None if step == trained else step,
            self.selected,
            self.source,
            self.compare,
            self.retraining.n_seeds,
            self.decoding,
            turned,
        )

    @property
    def link(self) -> dict[str, str]:
        """The link."""
        return write(self.setup, self.scene, {slot: pin.origin for slot, pin in self.pins.items() if pin is not None})
