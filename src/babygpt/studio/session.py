"""The session: commands go in, views come out. It is the brain of the studio, and of whatever else hosts its screen.

A session has a *setup* (a text and the settings), the *playback* of its training, a *playhead* that says which of its
steps is shown, *knobs* on the weights, a *decoding*, and a ball that walks the chain and leaves a *tape*.
Commands change these; the *views* are all that a screen needs to draw them. `frontend/src/protocol.ts` says what each
command means and what each view holds; the parts are beside it.

A session knows no transport and no clock: whoever hosts it hands on commands, tells it the time, and fetches what
changed. One thread at a time may use it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar

from babygpt.chain.decoding import check_decoding
from babygpt.errors import BabyGPTError, SettingError
from babygpt.gpt.reading import BORDER
from babygpt.studio import links
from babygpt.studio.commands import parse
from babygpt.studio.exports import Export, snapshot
from babygpt.studio.knobs import Knobs
from babygpt.studio.limits import Limits, RefusedError
from babygpt.studio.presets import PRESETS
from babygpt.studio.seed_bands import check_fits
from babygpt.studio.setup import NAMES, Setup, file_name
from babygpt.studio.stage import Pin, Stage
from babygpt.studio.uploads import text_of_file
from babygpt.studio.views import View, Views

MAX_NOTICE = 600  # characters


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

    def __init__(self, limits: Limits | None = None, seed: int = 0) -> None:
        self._limits, self._seed = limits or Limits(), seed
        self._stage = Stage(Setup.of_preset(next(iter(PRESETS)), self._limits), self._limits, seed)
        self._views = Views()
        self._notice: View | None = None
        self._notices = 0

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
        stage = self._stage
        training = stage.training
        if stage.busy:
            stage.work(budget)
        if training:
            self._after_training()
        stage.playhead.advance(now, stage.playback, stage.training)
        if stage.tape.due(now) == now:
            stage.tape.advance(now, stage.shown.chain)

    def due(self, now: float) -> float | None:
        """Return when :meth:`advance` has something to do, or None if nothing happens by itself."""
        stage = self._stage
        if stage.busy:
            return now
        times = [time for time in (stage.playhead.due(now, stage.playback), stage.tape.due(now)) if time is not None]
        return min(times, default=None)

    def changed(self, known: Mapping[str, int]) -> tuple[dict[str, View | None], dict[str, int]]:
        """Return the views whose revision is not the ``known`` one, and the revisions of all views, both by name.

        A view is as JSON takes it: text, finite numbers, None, and lists and dictionaries of these. It is made when
        someone asks for it, and once for all who do.
        """
        return self._views.changed(self._stage, self._notice, known)

    @property
    def training(self) -> bool:
        """Whether work is under way in slices: a training, of the GPT on the screen or of others, or a computation."""
        return self._stage.busy

    @property
    def unattended(self) -> bool:
        """Whether it trains on while nobody looks: the GPT on the screen, not others beside it."""
        return self._stage.training

    @property
    def memory(self) -> int:
        """About how many bytes it comes to take, as it is set up now."""
        setup = self._stage.setup
        return self._limits.need(setup.config, setup.settings.steps) + self._stage.beside.n_bytes

    def snapshot(self, file: str) -> Export:
        """Return a function that makes a file of what there is now, while the session goes on in any other thread.

        The file is chain.svg, .png, .pdf, .dot, .json or .csv, or run.zip; with it comes its media type. The function
        raises a :class:`BabyGPTError` if this chain cannot be written as one.

        Raises
        ------
        BabyGPTError
            There is no such file.
        """
        return snapshot(file, self._stage.shown.chain, self._stage.playback)

    # -- commands: what is learnt ---------------------------------------------------------------------------

    def _open(self, link: Mapping[str, str]) -> None:
        setup, scene, mistake = links.read(link, self._limits)
        stage = Stage(setup, self._limits, self._seed, self._stage.version)
        stage.pins, stage.shows_code = self._stage.pins, self._stage.shows_code
        stage.playhead.keep_pace_of(self._stage.playhead)
        stage.selected, stage.decoding = scene.select, scene.decoding
        stage.source, stage.compare = scene.source, scene.compare
        stage.ask_seeds(scene.seeds)
        if scene.trained:
            stage.train_to(scene.trained, heedless=True)
            stage.arrive = scene.trained if scene.step is None else scene.step
        self._stage, self._notice = stage, None
        if mistake is not None:
            self._notify(mistake)

    def _configure(self, sequence: str | None = None, name: str | None = None, **given: Any) -> None:
        old = self._stage.setup
        text = old.text if sequence is None else sequence
        if name is None:
            name = old.name if text == old.text else ""
        elif file_name(name) not in ("", *PRESETS):
            text = _as_read_from_file(text)
        self._learn(text, name, given, old.encoding if (text, name) == (old.text, old.name) else None)

    def _learn(self, text: str, name: str, given: Mapping[str, Any], encoding: str | None) -> None:
        stage, old = self._stage, self._stage.setup
        setup = Setup.make(text, name, asdict(old.settings) | dict(given), self._limits, encoding)
        self._notice = None
        changes = {key for key in NAMES if getattr(setup.settings, key) != getattr(old.settings, key)}
        if not changes and (text, setup.name) == (old.text, old.name):
            return
        if text == old.text and changes <= {"steps", "stop_gap"} and setup.settings.steps >= old.settings.steps:
            stage.go_on(setup)
        else:
            stage.begin(setup)
        if setup.settings.lines is None and old.reading.joined and not setup.reading.joined:
            n = sum(1 for _ in setup.reading.sequences())
            told = f"{n:,} lines of words: each is read as a sequence of its own. lines=False joins them."
            self._notify(RefusedError(told, "lines", n=n))

    def _file(self, name: str, data: str) -> None:
        name = file_name(name) or "file"
        text, guessed = text_of_file(name, data, self._limits)
        self._learn(text, name, {"vocabulary": None}, guessed)
        if guessed is not None:
            told = f"{name} is not UTF-8 text; it was read as {guessed}."
            self._notify(RefusedError(told, "guessed", name=name, encoding=guessed))

    def _preset(self, name: str) -> None:
        self._stage.begin(Setup.of_preset(name, self._limits))
        self._notice = None

    def _train(self) -> None:
        stage = self._stage
        stage.let_go()
        if not stage.playback.done:
            stage.playhead.suit(stage.playback.total - stage.playhead.step)
            stage.train_to(stage.playback.total)
        self._play()

    def _more(self, steps: int) -> None:
        stage, most = self._stage, self._limits.steps
        if steps < 1:
            raise RefusedError(f"{steps:,} steps more is no training.", "command")
        wanted = stage.playback.trained + steps
        total = min(wanted, most)
        if total > stage.playback.trained:
            stage.let_go()
            near = stage.playback.stopped == "gap"
            stage.go_on(stage.setup.with_steps(max(total, stage.playback.total)))
            stage.playback.resume()
            stage.playhead.suit(total - stage.playhead.step)
            stage.train_to(max(total, stage.goal), heedless=near)
            self._play()
        self._limits.check_steps(wanted)

    def _stop(self) -> None:
        if self._stage.training:
            self._stage.rest()
            self._after_training()

    def _after_training(self) -> None:
        playback = self._stage.playback
        if playback.stopped == "diverged" and not self._stage.training:
            rate = f"{self._stage.setup.settings.learning_rate:g}"
            text = str(playback.failure)
            self._notify(RefusedError(text, "diverged", "learning_rate", step=playback.trained, learning_rate=rate))

    # -- commands: which step is shown ----------------------------------------------------------------------

    def _play(self) -> None:
        stage = self._stage
        stage.let_go()
        if not stage.training and stage.playback.after(stage.playhead.step) is None:
            stage.playhead.move_to(0)
            stage.playhead.suit(stage.playback.trained)
        stage.playhead.play()

    def _pause(self) -> None:
        self._stage.playhead.playing = False

    def _step(self) -> None:
        stage, playback = self._stage, self._stage.playback
        if playback.after(stage.playhead.step) is None and playback.trained >= playback.total:
            self._limits.check_steps(playback.trained + 1)
            stage.go_on(stage.setup.with_steps(playback.trained + 1))
        stage.let_go()
        if playback.after(stage.playhead.step) is None:
            if playback.trained > stage.playhead.step:
                stage.settle()  # a training is under way: its newest step
            else:
                stage.train_one()
            self._after_training()
        stage.playhead.move_to(playback.after(stage.playhead.step) or stage.playhead.step)

    def _rewind(self) -> None:
        self._seek(0)

    def _seek(self, step: float) -> None:
        self._stage.let_go()
        self._stage.playhead.drag_to(self._stage.playback.closest(step))

    def _skip(self, by: int) -> None:
        steps, step = self._stage.playback.recorded, self._stage.playhead.step
        place = bisect_left(steps, step) + by if by < 0 else bisect_right(steps, step) - 1 + by
        self._seek(steps[min(max(place, 0), len(steps) - 1)])

    def _speed(self, speed: float | None) -> None:
        if speed is not None and speed <= 0:
            raise RefusedError(f"{speed:g} steps a second is no speed.", "command")
        self._stage.playhead.choose_speed(speed)

    # -- commands: what is shown of it ----------------------------------------------------------------------

    def _show(self, source: str, compare: list[str] | None = None) -> None:
        first, second = compare or self._stage.compare
        subjects = (first, second) if source == "difference" else (source,)
        if "seeds" in subjects:
            check_fits(self._stage.setup, self._stage.beside.n_seeds, self._limits)
        for subject in subjects:
            self._stage.subject(subject)  # refuses what cannot be compared
        self._stage.source, self._stage.compare = source, (first, second)

    def _seeds(self, n: int) -> None:
        if n < 2:
            raise RefusedError(f"{n:,} seeds are not many. Ask for 2 or more.", "command")
        check_fits(self._stage.setup, n, self._limits)
        self._stage.ask_seeds(n)

    def _attribute(self, position: int | None) -> None:
        n_tokens = self._stage.n_tokens
        if position is not None and not 0 <= position < n_tokens:
            raise RefusedError(f"There is no token {position:,}; the text has {n_tokens:,}.", "command")
        border = position is not None and self._stage.setup.tokens[position] == BORDER
        self._stage.beside.point(None if border else position)

    def _select(self, state: int | None) -> None:
        self._stage.selected = None if state is None else self._stage.check_state(state)

    def _decode(self, **given: Any) -> None:
        decoding = replace(self._stage.decoding, **given)
        try:
            check_decoding(**asdict(decoding))
        except SettingError as error:
            field = next((name for name in given if str(error).startswith(f"{name}=")), None)
            raise RefusedError(str(error), "setting", field, value=f"{given.get(field or '')!r:.60}") from None
        self._stage.decoding = decoding

    def _pin(self, slot: str) -> None:
        stage = self._stage
        stage.pins[slot] = Pin(stage.shown.chain, stage.playhead.step, stage.setup.settings.seed)

    def _unpin(self, slot: str) -> None:
        self._stage.pins[slot] = None
        self._stage.check_compare()

    def _rows(self, first: int | None) -> None:
        self._stage.window = first

    def _code(self, on: bool) -> None:
        self._stage.shows_code = on

    def _dismiss(self) -> None:
        self._notice = None

    # -- commands: the ball ---------------------------------------------------------------------------------

    def _walk(self, token: int) -> None:
        stage, V = self._stage, self._stage.setup.config.vocab_size
        if not 0 <= token < V:
            raise RefusedError(f"There is no token {token:,}; this vocabulary has 0 to {V - 1:,}.", "command")
        stage.tape.wander(False)
        stage.tape.take(token, stage.shown.chain)

    def _place(self, state: int) -> None:
        self._stage.begin_tape(self._stage.check_state(state))
        self._stage.tape.wander(False)

    def _wander(self, on: bool) -> None:
        self._stage.tape.wander(on)

    # -- commands: knobs ------------------------------------------------------------------------------------

    def _turn(self, position: float) -> None:
        playback = self._stage.playback
        if playback.trained == 0:
            raise RefusedError("There are no trained weights to go to yet. Train first.", "untrained")
        self._stage.turn(lambda knobs: knobs.turn(position, playback))

    def _tensor(self, name: str) -> None:
        self._stage.knobs.choose(name, self._stage.playback)

    def _nudge(self, place: int, by: float) -> None:
        def nudge(knobs: Knobs) -> None:
            knobs.nudge(place, by, self._stage.playback)

        self._stage.turn(nudge)

    def _release(self) -> None:
        self._stage.knobs.release()

    # -- notices --------------------------------------------------------------------------------------------

    def _notify(self, error: BabyGPTError) -> None:
        self._notices += 1
        told = error if isinstance(error, RefusedError) else RefusedError(str(error), "library")
        text = str(told) if len(str(told)) <= MAX_NOTICE else str(told)[:MAX_NOTICE] + " …"
        self._notice = {
            "id": self._notices, "code": told.code, "field": told.field, "values": told.values, "text": text
        }  # fmt: skip

    _do: ClassVar[dict[str, Callable[..., None]]] = {
        "open": _open, "configure": _configure, "file": _file, "preset": _preset,
        "train": _train, "more": _more, "stop": _stop,
        "play": _play, "pause": _pause, "step": _step, "rewind": _rewind, "seek": _seek, "skip": _skip,
        "speed": _speed,
        "show": _show, "select": _select, "decode": _decode, "pin": _pin, "unpin": _unpin, "rows": _rows,
        "seeds": _seeds, "attribute": _attribute,
        "walk": _walk, "place": _place, "wander": _wander,
        "turn": _turn, "tensor": _tensor, "nudge": _nudge, "release": _release,
        "code": _code, "dismiss": _dismiss,
    }  # fmt: skip


def _as_read_from_file(text: str) -> str:
    """Return the text as the command line reads it from the file it is from."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
