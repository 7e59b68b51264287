"""The session: commands go in, views come out. It is the brain of the studio, and of whatever else hosts its screen.

A session has a *setup* (a text and the settings), the *film* of its training, a *player* whose playhead says which
step of the film is shown, *knobs* on the weights, a *decoding*, and a ball that walks the chain. Commands change
these; the *views* are all that a screen needs to draw them. `frontend/src/protocol.ts` says what each command and each
view is.

It knows no transport and no clock: whoever hosts it hands on commands, tells it the time, and fetches what changed.
One thread at a time may use it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from babygpt.app.stage import links, scripts
from babygpt.app.stage.commands import parse
from babygpt.app.stage.exports import export
from babygpt.app.stage.film import Film
from babygpt.app.stage.knobs import Knobs
from babygpt.app.stage.limits import Limits, RefusedError
from babygpt.app.stage.links import Decoding, Scene
from babygpt.app.stage.player import Player
from babygpt.app.stage.presets import PRESETS
from babygpt.app.stage.setup import NAMES, Setup
from babygpt.app.stage.shown import Expected, Shown
from babygpt.app.stage.tape import Tape
from babygpt.app.stage.views import (
    MAX_ATTENTION,
    MAX_VALUES,
    context_of,
    curve,
    data_counts,
    data_values,
    map_size,
    neighbours,
    numbers,
    packed,
    pixels,
    seen_bits,
)
from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import number_of
from babygpt.chain.decoding import check_decoding
from babygpt.chain.extract import context_table
from babygpt.errors import BabyGPTError, SettingError
from babygpt.gpt.vocabulary import visible
from babygpt.lens.inside import look_inside

Values = NDArray[np.float64]

MAX_TEXT = 4000  # characters that are edited on the screen
MAX_TOKENS = 400  # tokens drawn one by one
MAX_ROWS, MAX_CELLS = 200, 20_000  # of a table's window
MAX_NOTICE = 600  # characters
MAX_RECORDED = 600  # steps that a timeline marks

PLAIN = ("model", "data")


@dataclass(frozen=True)
class Pin:
    """A chain that was kept to be compared with."""

    chain: MarkovChain
    step: int
    seed: int


class Session:
    """One studio: what it learns, how far it is, what is shown of it.

    Parameters
    ----------
    limits
        What it may take.
    seed
        Of the ball's wandering.

    >>> session = Session()
    >>> session.handle({"command": "train"})
    >>> while session.training:
    ...     session.advance(now=0.0, budget=1.0)
    >>> session.handle({"command": "seek", "step": 50})
    >>> session.handle({"command": "select", "state": 0b101})
    >>> views, revisions = session.changed({})
    >>> [round(p, 2) for p in views["selected"]["model"]]
    [0.21, 0.79]
    >>> session.changed(revisions)[0]
    {}
    """

    def __init__(self, limits: Limits = Limits(), seed: int = 0) -> None:
        self._limits = limits
        self._player, self._tape, self._knobs = Player(), Tape(seed), Knobs()
        self._decoding, self._source, self._compare = Decoding(), "model", PLAIN
        self._selected: int | None = None
        self._rows: int | None = None
        self._pins: dict[str, Pin | None] = {"A": None, "B": None}
        self._notice: dict[str, Any] | None = None
        self._notices, self._version = 0, 0
        self._shown: tuple[Any, Shown] | None = None

        self._keys: dict[str, Any] = {}
        self._made: dict[str, Any] = {}
        self._revisions: dict[str, int] = {}
        self._begin(Setup.of_preset(next(iter(PRESETS)), limits))

    # -- what a host does -----------------------------------------------------------------------------------

    def handle(self, command: object) -> None:
        """Do what a command says. What cannot be done changes nothing but the notice, which says why."""
        try:
            name, parts = parse(command)
            self._do[name](self, **parts)
        except BabyGPTError as error:
            self._notify(error)

    def advance(self, now: float, budget: float) -> None:
        """Do what is due at ``now``, in seconds of any clock that goes on; train for about ``budget`` seconds."""
        if self.training:
            self._film.advance(budget, self._goal, None if self._heedless else self._setup.settings.stop_gap)
            if self._film.done or self._film.trained >= self._goal:
                self._rest()
        self._player.advance(now, self._film, self.training)
        due = self._tape.due(now)
        if due is not None and due <= now:
            self._tape.advance(now, self._chain.chain)

    def due(self, now: float) -> float | None:
        """Return when :meth:`advance` has something to do, or None if nothing happens by itself."""
        if self.training:
            return now
        times = [t for t in (self._player.due(now, self._film), self._tape.due(now)) if t is not None]
        return min(times, default=None)

    def changed(self, known: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, int]]:
        """Return the views whose revision is not the ``known`` one, and the revisions of all views."""
        views = {}
        for name, (key, make) in self._views.items():
            now = key(self)
            if name not in self._keys or self._keys[name] != now:
                self._keys[name] = now
                self._revisions[name] = self._revisions.get(name, 0) + 1
                self._made.pop(name, None)
            if known.get(name) != self._revisions[name]:
                if name not in self._made:
                    self._made[name] = make(self)
                views[name] = self._made[name]
        return views, dict(self._revisions)

    @property
    def training(self) -> bool:
        """Whether a training is under way."""
        return self._goal > 0

    def export(self, file: str) -> tuple[bytes, str]:
        """Return a file and its media type: chain.svg, .png, .pdf, .dot, .json or .csv, or run.zip.

        Raises
        ------
        BabyGPTError
            There is no such file, or this chain cannot be written as one.
        """
        return export(file, self._chain.chain, self._setup.corpus, self._film)

    # -- commands: what is learnt ---------------------------------------------------------------------------

    def _open(self, link: Mapping[str, str]) -> None:
        setup, scene, mistake = links.read(link, self._limits)
        self._player, self._knobs = Player(), Knobs()
        self._pins, self._rows, self._selected, self._notice = {"A": None, "B": None}, None, None, None
        self._tape.wander(True)
        self._begin(setup)
        self._selected, self._decoding = scene.select, scene.decoding
        self._source, self._compare = scene.source, scene.compare
        if scene.trained:
            self._train_to(scene.trained, heedless=True)
            self._arrive = scene.step if scene.step is not None else scene.trained
        if mistake is not None:
            self._notify(mistake)

    def _configure(self, sequence: str | None = None, name: str | None = None, **given: Any) -> None:
        old = self._setup
        text = old.text if sequence is None else sequence
        if name is None:
            name = old.name if text == old.text else ""
        if name and name not in PRESETS and sequence is not None:
            text = _as_read_from_file(text)
        settings = asdict(old.settings) | given
        setup = Setup.make(text, name, settings, self._limits)
        self._notice = None
        grown = {key for key in NAMES if getattr(setup.settings, key) != getattr(old.settings, key)}
        if text == old.text and grown <= {"steps", "stop_gap"} and setup.settings.steps >= old.settings.steps:
            self._setup = setup
            if "stop_gap" in grown:
                self._film.resume()
            if "steps" in grown:
                self._extend(setup.settings.steps)
            return
        self._begin(setup)

    def _preset(self, name: str) -> None:
        self._begin(Setup.of_preset(name, self._limits))
        self._notice = None

    def _begin(self, setup: Setup) -> None:
        """Make a new film, untrained, and show its step 0."""
        film = Film(setup.corpus, setup.config, setup.train_config, self._limits)
        context = None if self._selected is None else self._symbols(self._selected)
        self._setup, self._film = setup, film
        self._expected = Expected(setup.corpus, setup.settings.positions, film.floor)
        self._data: Values | None = None
        self._goal, self._heedless = 0, False
        self._arrive: int | None = None
        self._version += 1
        self._player.move_to(0)
        self._player.suit(setup.settings.steps)
        self._knobs = Knobs()
        self._selected = self._state_of(context)
        self._check_compare()
        self._begin_tape(int(setup.corpus.states[setup.corpus.counts.sum(axis=1).argmax()]))

    def _train(self) -> None:
        self._let_go()
        if not self._film.done:
            self._train_to(self._film.total)
        self._play()

    def _more(self, steps: int) -> None:
        if steps < 1:
            raise RefusedError(f"steps={steps:,} more is no number of steps.", "command")
        trained, most = self._film.trained, self._limits.steps
        total = min(trained + steps, most)
        if total > trained:
            self._let_go()
            near = self._film.stopped == "gap"
            self._setup = self._setup.with_steps(total)
            self._extend(total)
            self._player.suit(total - self._player.step)
            self._train_to(total, heedless=near)
            self._play()
        if trained + steps > most:
            self._limits.check_most("steps", trained + steps, most)

    def _stop(self) -> None:
        if self.training:
            self._rest()

    def _train_to(self, goal: int, heedless: bool = False) -> None:
        self._goal, self._heedless, self._arrive = goal, heedless, None

    def _extend(self, total: int) -> None:
        self._film.extend(total)
        if self.training:
            self._goal = total

    def _rest(self) -> None:
        """End the training where it is."""
        film = self._film
        film.settle()
        self._goal = 0
        if self._heedless:
            film.notice_gap(self._setup.settings.stop_gap)
        if self._arrive is not None:
            self._player.move_to(film.nearest(self._arrive))
            self._arrive = None
        self._player.step = film.nearest(self._player.step)
        if film.stopped == "diverged":
            settings = self._setup.settings
            self._notify(
                RefusedError(
                    str(film.failure),
                    "diverged",
                    "learning_rate",
                    step=film.trained,
                    learning_rate=f"{settings.learning_rate:g}",
                )  # fmt: skip
            )

    # -- commands: which step is shown ----------------------------------------------------------------------

    def _play(self) -> None:
        self._let_go()
        if not self.training and self._film.after(self._player.step) is None:
            self._player.move_to(0)
        self._player.play()

    def _pause(self) -> None:
        self._arrive = None
        self._player.playing = False

    def _step(self) -> None:
        self._let_go()
        film, player = self._film, self._player
        player.playing = False
        following = film.after(player.step)
        if following is None:
            following = film.trained + 1
            if film.trained >= film.total:
                self._limits.check_most("steps", following, self._limits.steps)
                self._setup = self._setup.with_steps(following)
                self._extend(following)
            film.resume()
            film.advance(0.0, following)
            self._rest()
            following = film.nearest(following)
        player.move_to(following)

    def _rewind(self) -> None:
        self._seek(0)

    def _seek(self, step: float) -> None:
        self._let_go()
        self._player.move_to(self._film.closest(step))

    def _speed(self, speed: float | None) -> None:
        if speed is not None and speed <= 0:
            raise RefusedError(f"A speed of {speed:g} steps a second is none.", "command")
        self._player.choose_speed(speed)

    def _let_go(self) -> None:
        """Show the film, not what knobs make of it; go where someone goes, not where a link leads."""
        self._arrive = None
        self._knobs.release()

    # -- commands: what is shown ----------------------------------------------------------------------------

    def _show(self, source: str, compare: list[str] | None = None) -> None:
        first, second = compare or self._compare
        if source == "difference":
            for subject in (first, second):
                self._subject(subject)  # objects if it cannot be compared
        self._source, self._compare = source, (first, second)
        self._check_compare()

    def _select(self, state: int | None) -> None:
        self._selected = state if state is None else self._state(state)

    def _decode(self, **given: Any) -> None:
        decoding = replace(self._decoding, **given)
        try:
            check_decoding(**asdict(decoding))
        except SettingError as error:
            raise _of_setting(error, given) from None
        self._decoding = replace(decoding, temperature=float(decoding.temperature))

    def _pin(self, slot: str) -> None:
        self._pins[slot] = Pin(self._chain.chain, self._player.step, self._setup.settings.seed)

    def _unpin(self, slot: str) -> None:
        self._pins[slot] = None
        self._check_compare()

    def _window(self, first: int) -> None:
        self._rows = first

    def _dismiss(self) -> None:
        self._notice = None

    # -- commands: the ball ---------------------------------------------------------------------------------

    def _walk(self, token: int) -> None:
        V = len(self._setup.corpus.vocabulary)
        if not 0 <= token < V:
            raise RefusedError(f"There is no token {token:,}; this vocabulary has 0 to {V - 1:,}.", "command")
        self._tape.wander(False)
        self._tape.take(token, self._chain.chain)

    def _place(self, state: int) -> None:
        self._state(state)
        self._tape.wander(False)
        self._begin_tape(state)

    def _wander(self, on: bool) -> None:
        self._tape.wander(on)

    def _begin_tape(self, state: int) -> None:
        self._tape.begin(state, self._setup.config.vocab_size, self._setup.config.block_size)

    # -- commands: knobs ------------------------------------------------------------------------------------

    def _turn(self, position: float) -> None:
        if self._film.trained == 0:
            raise RefusedError("There are no trained weights to go to yet. Train first.", "untrained")
        self._turn_knob(lambda: self._knobs.turn(position, self._film))

    def _tensor(self, name: str) -> None:
        self._knobs.choose(name, self._film)

    def _nudge(self, place: int, by: float) -> None:
        self._turn_knob(lambda: self._knobs.nudge(place, by, self._film))
        self._player.step = self._film.weights_at(self._player.step)[0]

    def _release(self) -> None:
        self._knobs.release()

    def _turn_knob(self, turn: Callable[[], None]) -> None:
        """Turn a knob, unless the GPT would break."""
        before = self._knobs.state()
        turn()
        self._player.playing = False
        try:
            _ = self._chain
        except SettingError:
            self._knobs.put_back(before)
            raise RefusedError("With this number the GPT says nothing that is finite.", "knob") from None

    # -- what is shown --------------------------------------------------------------------------------------

    @property
    def _moment(self) -> tuple[Any, ...]:
        """What the shown chain depends on."""
        return self._version, self._player.step, self._knobs.version, self._decoding

    @property
    def _passing(self) -> bool:
        """Whether frames pass by, too fast for what takes long to compute."""
        return self._player.playing

    @property
    def _chain(self) -> Shown:
        """The model's chain as it is shown: at the playhead, with knobs and decoding."""
        if self._shown is None or self._shown[0] != self._moment:
            film, step = self._film, self._player.step
            if self._knobs.turned:
                gpt = film.gpt(self._knobs.weights(step, film))
                with np.errstate(invalid="ignore", over="ignore"):
                    chain = MarkovChain.from_table(context_table(gpt), film.corpus.vocabulary)
            else:
                chain = film.chain(step)
            if self._decoding != Decoding():
                chain = chain.with_decoding(**asdict(self._decoding))
            self._shown = self._moment, Shown(chain, self._expected)
        return self._shown[1]

    def _subject(self, subject: str) -> Values:
        """Return the probabilities (N, V) of what is compared; NaN where the data says nothing.

        Raises
        ------
        RefusedError
            A pin that is empty, or of another kind of chain.
        """
        if subject == "model":
            return self._chain.chain.probs
        if subject == "data":
            if self._data is None:
                self._data = data_values(self._setup.corpus)
            return self._data
        pin = self._pins[subject]
        if pin is None:
            raise RefusedError(f"Nothing is pinned as {subject} yet.", "pin", slot=subject)
        if not self._fits(pin):
            raise RefusedError(
                f"The chain pinned as {subject} has another context length or other symbols. Compare like with like.",
                "unlike", slot=subject,
            )  # fmt: skip
        return pin.chain.probs

    def _values(self) -> Values:
        if self._source == "difference":
            first, second = self._compare
            return self._subject(first) - self._subject(second)
        return self._subject(self._source)

    def _fits(self, pin: Pin) -> bool:
        corpus, chain = self._setup.corpus, pin.chain
        return (chain.vocabulary, chain.context_length) == (corpus.vocabulary, corpus.context_length)

    def _check_compare(self) -> None:
        """Forget a comparison that is no more."""
        for subject in self._compare:
            if subject in self._pins:
                pin = self._pins[subject]
                if pin is None or not self._fits(pin):
                    self._compare = PLAIN
                    self._source = "model" if self._source == "difference" else self._source
                    return

    def _state(self, state: int) -> int:
        if not 0 <= state < self._setup.n_states:
            raise RefusedError(
                f"There is no state {state:,}; this chain has the states 0 to {self._setup.n_states - 1:,}.", "command"
            )
        return state

    def _symbols(self, state: int) -> list[str]:
        config, symbols = self._setup.config, self._setup.corpus.vocabulary.symbols
        return [symbols[token] for token in context_of(state, config.vocab_size, config.block_size)]

    def _state_of(self, context: list[str] | None) -> int | None:
        """Return the state of a context, if there still is one."""
        config, symbols = self._setup.config, self._setup.corpus.vocabulary.symbols
        if context is None or len(context) != config.block_size or not set(context) <= set(symbols):
            return None
        return number_of([symbols.index(symbol) for symbol in context], config.vocab_size)

    def _notify(self, error: BabyGPTError) -> None:
        self._notices += 1
        code, field, values = "library", None, {}
        if isinstance(error, RefusedError):
            code, field, values = error.code, error.field, error.values
        text = str(error)
        text = text if len(text) <= MAX_NOTICE else text[:MAX_NOTICE] + " …"
        self._notice = {"id": self._notices, "code": code, "field": field, "values": values, "text": text}

    # -- views ----------------------------------------------------------------------------------------------

    def _setup_view(self) -> dict[str, Any]:
        setup, limits = self._setup, self._limits
        corpus, config, vocabulary = setup.corpus, setup.config, setup.corpus.vocabulary
        V, K = config.vocab_size, config.block_size
        # a word is at least a letter and a blank
        beginning = setup.text if vocabulary.tokens == "words" else setup.text[:MAX_TOKENS]
        return {
            "version": self._version,
            "name": setup.name,
            "text": setup.text if len(setup.text) <= MAX_TEXT else None,
            "tokens": vocabulary.encode(beginning)[:MAX_TOKENS].tolist(),
            "n_tokens": corpus.n_examples + K,
            "symbols": list(vocabulary.symbols),
            "labels": [visible(symbol) for symbol in vocabulary.symbols],
            "separator": vocabulary.separator,
            "settings": asdict(setup.settings),
            "n_states": setup.n_states,
            "n_arrows": setup.n_states * V,
            "n_parameters": config.n_parameters,
            "n_examples": corpus.n_examples,
            "seen": seen_bits(corpus, setup.n_states),
            "n_seen": len(corpus.states),
            "floor": self._film.floor,
            "uniform": math.log(V),
            "map": list(map_size(V, K)) if setup.n_states > MAX_VALUES else None,
            "presets": list(PRESETS),
            "limits": {"states": limits.states, "steps": limits.steps, "text": limits.text},
        }

    def _frame_key(self) -> tuple[Any, ...]:
        pins = tuple(self._pins[subject] for subject in self._compare if subject in self._pins)
        return *self._moment, self._source, self._compare, pins, self._passing

    def _frame_view(self) -> dict[str, Any]:
        config, values = self._setup.config, self._values()
        many = len(values) > MAX_VALUES
        pi = None if many else self._chain.long_run(self._passing)
        return {
            "version": self._version,
            "step": self._player.step,
            "source": self._source,
            "compare": list(self._compare),
            "values": None if many else numbers(values),
            "map": pixels(values, config.vocab_size, config.block_size, self._source == "difference") if many else None,
            "pi": None if pi is None else pi.tolist(),
            "turned": self._knobs.turned,
        }

    def _numbers_view(self) -> dict[str, Any]:
        return self._chain.numbers(self._passing)

    def _curve_view(self) -> dict[str, Any]:
        film = self._film
        losses = film.training.losses
        if not self.training and self._setup.settings.batch_size is None:
            losses = [*losses, self._expected.loss(film.chain(film.trained))]
        steps, losses = curve(losses)
        recorded = film.recorded
        gaps = len(recorded) < film.trained and len(recorded) <= MAX_RECORDED
        return {"steps": steps, "losses": losses, "recorded": list(recorded) if gaps else None}

    def _player_view(self) -> dict[str, Any]:
        player, film = self._player, self._film
        return {
            "step": player.step, "trained": film.trained, "total": film.total, "training": self.training,
            "playing": player.playing, "speed": player.speed, "stopped": film.stopped,
        }  # fmt: skip

    def _selected_view(self) -> dict[str, Any] | None:
        state = self._selected
        if state is None:
            return None
        config, shown = self._setup.config, self._chain
        V, K = config.vocab_size, config.block_size
        counts = data_counts(self._setup.corpus, state, state + 1)[0]
        pi = shown.long_run(self._passing)
        after, before = neighbours(shown.chain, state)
        tokens = context_of(state, V, K)
        attention = layers = None
        if config.n_layer * config.n_head * K * K <= MAX_ATTENTION:
            step = self._film.weights_at(self._player.step)[0]
            inside = look_inside(self._film.gpt(self._knobs.weights(self._player.step, self._film)), tokens)
            attention = {"step": step, "weights": inside.attention.round(4).tolist()}
            layers = inside.probs.tolist()
        return {
            "state": state, "tokens": tokens, "model": shown.chain.probs[state].tolist(), "data": counts.tolist(),
            "n": int(counts.sum()), "pi": None if pi is None else float(pi[state]), "successors": after,
            "predecessors": before, "attention": attention, "layers": layers,
        }  # fmt: skip

    def _rows_view(self) -> dict[str, Any] | None:
        if self._rows is None:
            return None
        N, V = self._setup.n_states, self._setup.config.vocab_size
        first = min(max(self._rows, 0), N - 1)
        stop = min(first + max(1, min(MAX_ROWS, MAX_CELLS // V)), N)
        window = self._values()[first:stop]
        return {
            "first": first,
            "values": [numbers(row) for row in window],
            "counts": data_counts(self._setup.corpus, first, stop).tolist(),
        }

    def _pins_view(self) -> dict[str, Any]:
        def view(pin: Pin | None) -> dict[str, Any] | None:
            if pin is None:
                return None
            length = pin.chain.context_length
            return {"step": pin.step, "seed": pin.seed, "context_length": length, "fits": self._fits(pin)}

        return {slot: view(pin) for slot, pin in self._pins.items()}

    def _scene(self) -> Scene:
        """What a link says: while the training or the film runs, where it will end."""
        film, player = self._film, self._player
        trained = self._goal or film.trained
        step = player.step if self._arrive is None else self._arrive
        last = player.playing or self.training and self._arrive is None or step == trained
        kept = set(self._compare) <= set(PLAIN)
        return Scene(
            trained, None if last else step, self._selected,
            "model" if self._source == "difference" and not kept else self._source,
            self._compare if kept else PLAIN, self._decoding,
        )  # fmt: skip

    def _code_view(self) -> dict[str, str]:
        setup, steps, step = self._setup, *self._coded
        selected = self._selected
        context = None if selected is None else setup.corpus.vocabulary.separator.join(self._symbols(selected))
        return {
            "python": scripts.python(setup, steps, step, self._decoding, context),
            "command": scripts.command(setup, steps),
        }

    @property
    def _coded(self) -> tuple[int, int]:
        """For how many steps a script trains, and which it looks at: while a film plays, the last."""
        film, step = self._film, self._player.step
        steps = max(film.trained if film.stopped else film.total, 1)
        return steps, steps if self._player.playing else min(step, steps)

    # Of each view: what it depends on, and how it is made.
    _views: dict[str, tuple[Callable[[Session], Any], Callable[[Session], Any]]] = {
        "setup": (lambda s: (s._version, s._setup), _setup_view),
        "frame": (_frame_key, _frame_view),
        "numbers": (lambda s: (*s._moment, s._passing), _numbers_view),
        "curve": (lambda s: (s._version, s._film.trained, s.training, s._film.stopped), _curve_view),
        "player": (lambda s: s._player_view(), _player_view),
        "selected": (
            lambda s: (s._selected, *s._moment, s._passing) if s._selected is not None else None,
            _selected_view,
        ),
        "tape": (lambda s: s._tape.view(), lambda s: s._tape.view()),
        "decoding": (lambda s: s._decoding, lambda s: asdict(s._decoding)),
        "knobs": (
            lambda s: (s._version, s._knobs.version, s._film.trained > 0, s._knobs.shows_tensor and s._player.step),
            lambda s: s._knobs.view(s._player.step, s._film),
        ),
        "pins": (lambda s: (*s._pins.values(), s._version), _pins_view),
        "rows": (lambda s: (s._rows, *s._frame_key()) if s._rows is not None else None, _rows_view),
        "link": (lambda s: (s._setup, s._scene()), lambda s: links.write(s._setup, s._scene())),
        "code": (
            lambda s: (s._setup, s._coded, s._decoding, s._selected),
            _code_view,
        ),
        "notice": (lambda s: s._notice and s._notice["id"], lambda s: s._notice),
    }

    _do: dict[str, Callable[..., None]] = {
        "open": _open, "configure": _configure, "preset": _preset,
        "train": _train, "more": _more, "stop": _stop,
        "play": _play, "pause": _pause, "step": _step, "rewind": _rewind, "seek": _seek, "speed": _speed,
        "show": _show, "select": _select, "decode": _decode, "pin": _pin, "unpin": _unpin, "rows": _window,
        "walk": _walk, "place": _place, "wander": _wander,
        "turn": _turn, "tensor": _tensor, "nudge": _nudge, "release": _release,
        "dismiss": _dismiss,
    }  # fmt: skip


def _as_read_from_file(text: str) -> str:
    """Return the text as the command line reads it from the file it is from."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return text.removesuffix("\n")


def _of_setting(error: SettingError, given: Mapping[str, Any]) -> RefusedError:
    field = next((name for name in given if str(error).startswith(f"{name}=")), None)
    return RefusedError(str(error), "setting", field, value=f"{given.get(field or '')!r:.60}")
