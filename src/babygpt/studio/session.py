"""The session: commands go in, views come out. It is the brain of the studio, and of whatever else hosts its screen.

A session has a *setup* (a text and the settings), the *playback* of its training, a *playhead* that says which of its
steps is shown, *knobs* on the weights, a *decoding*, and a ball that walks the chain and leaves a *tape*.
Commands change these; the *views* are all that a screen needs to draw them. :mod:`babygpt.studio.commands` says what
each command means and :mod:`babygpt.studio.protocol` what each view holds; the parts are beside it.

A session knows no transport and no clock: whoever hosts it hands on commands, tells it the time, and fetches what
changed. One thread at a time may use it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

from babygpt.errors import BabyGPTError, SettingError
from babygpt.gpt.reading import BORDER
from babygpt.studio import commands, links, protocol
from babygpt.studio.exports import Export, snapshot
from babygpt.studio.fitting import fit, fit_if_any, fits, legible
from babygpt.studio.knobs import Knobs
from babygpt.studio.limits import Limits, RefusedError
from babygpt.studio.presets import PRESETS
from babygpt.studio.seed_bands import check_fits
from babygpt.studio.setup import NAMES, Setup, file_name
from babygpt.studio.stage import Stage
from babygpt.studio.tidying import without
from babygpt.studio.uploads import as_read_from_file, link_of_page, text_of_file
from babygpt.studio.views import View, Views

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain
    from babygpt.run.run import Run

MAX_NOTICE = 600  # characters


class Session:
    """One studio: what it learns, how far it is, what is shown of it.

    Parameters
    ----------
    limits
        What it may take.
    seed
        Of the ball's wandering.
    setup
        What it begins with; by default the article's.

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

    def __init__(self, limits: Limits | None = None, seed: int = 0, setup: Setup | None = None) -> None:
        self._limits, self._seed = limits or Limits(), seed
        setup = setup or Setup.of_preset(next(iter(PRESETS)), self._limits)
        self._stage = Stage(setup, self._limits, seed)
        self._views = Views()
        self._notice: protocol.Notice | None = None
        self._notices = 0

    # -- what a host does -----------------------------------------------------------------------------------

    def handle(self, command: object) -> None:
        """Do what a command says. What cannot be done changes nothing but the notice, which says why."""
        try:
            known = commands.parse(command)
            if isinstance(known, commands.PlaceCommand) and known.version is not None:
                since = self._stage.states_since if isinstance(known, commands.StateCommand) else self._stage.version
                if not since <= known.version <= self._stage.version:
                    return  # it was asked of a setup that is no more
            setup, scene = self._stage.setup, self._stage.scene
            self._do(known)
            if self._stage.setup is not setup and not isinstance(known, commands.Open | commands.Undo):
                self._stage.past.keep(setup, scene)
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
    def patient(self) -> bool:
        """Whether all it computes in slices can wait for what others train: nobody asked for it yet."""
        return self._stage.filling

    @property
    def memory(self) -> int:
        """About how many bytes it comes to take, as it is set up now."""
        setup = self._stage.setup
        return self._limits.need(setup.config, setup.settings.steps) + self._stage.n_bytes_beside

    @property
    def chain(self) -> MarkovChain:
        """The chain that is shown."""
        return self._stage.shown.chain

    def run(self) -> Run:
        """Return the training so far."""
        return self._stage.playback.run()

    def context(self, state: int) -> str:
        """Return a state's context as it is written."""
        return self._stage.setup.context(state)

    def show(self, step: int) -> None:
        """Train until a step, whatever would stop it before, and show it then."""
        self._stage.train_to(step, ignore_stop_gap=True)
        self._stage.arrive = step

    def snapshot(self, file: str) -> Export:
        """Return a function that makes a file of what there is now, while the session goes on in any other thread.

        The file is chain.svg, .png, .pdf, .dot, .json or .csv, run.zip or page.html; with it comes its media type.
        The function raises a :class:`BabyGPTError` if this chain cannot be written as one.

        Raises
        ------
        BabyGPTError
            There is no such file.
        """
        return snapshot(file, self._stage)

    @singledispatchmethod
    def _do(self, command: commands.Command) -> None:
        """Do what a command says: each kind has its method below."""
        raise NotImplementedError(command)

    # -- commands: what is learnt ---------------------------------------------------------------------------

    @_do.register
    def _open(self, command: commands.Open) -> None:
        told = links.read(command.link, self._limits)
        self._begin(told.setup, told.scene, told.pins)
        if told.mistake is not None:
            self._notify(told.mistake)

    def _begin(self, setup: Setup, scene: links.Scene, pins: links.Pins | None = None) -> None:
        """Show a setup as a scene says, its training behind it."""
        stage = Stage(setup, self._limits, self._seed, self._stage.version, self._stage.past)
        stage.shows_code, stage.shows_short = self._stage.shows_code, self._stage.shows_short
        stage.playhead.keep_pace_of(self._stage.playhead)
        stage.keep_pins_of(self._stage)
        self._notice = None
        for slot, origin in (pins or {}).items():
            try:
                stage.revive(slot, origin)
            except RefusedError as error:
                self._notify(error)
        stage.selected, stage.decoding = scene.select, scene.decoding
        stage.source, stage.compare = scene.source, scene.compare
        stage.ask_seeds(scene.seeds)
        if scene.trained:
            stage.train_to(scene.trained, ignore_stop_gap=True)
            stage.arrive = scene.trained if scene.step is None else scene.step
        stage.turned = scene.turned if scene.turned != links.Turned() else None
        self._stage = stage
        self._turn_as_told()

    def _turn_as_told(self) -> None:
        """Turn what a link says is turned, as soon as what it is of is trained."""
        told = self._stage.turned
        if told is None or self._stage.training:
            return
        self._stage.turned = None
        try:
            self._stage.turn(lambda knobs: knobs.put(told, self._stage.playback))
        except RefusedError as error:
            self._notify(error)

    @_do.register
    def _undo(self, command: commands.Undo) -> None:
        before = self._stage.past.take_back()
        if before is not None:
            self._begin(*before)

    @_do.register
    def _configure(self, command: commands.Configure) -> None:
        old, given = self._stage.setup, command.model_fields_set
        text = command.sequence if "sequence" in given else old.text
        name = command.name
        if "name" not in given:
            name = old.name if text == old.text else ""
        elif file_name(name) not in ("", *PRESETS):
            text = as_read_from_file(text)
        self._learn(text, name, command.settings, old.encoding if (text, name) == (old.text, old.name) else None)

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

    @_do.register
    def _file(self, command: commands.File) -> None:
        name = file_name(command.name) or "file"
        page = link_of_page(command.data) if name.endswith((".html", ".htm")) else None
        if page is not None:
            self._open(commands.Open(link=page))
            return
        text, encoding = text_of_file(name, command.data, self._limits, command.encoding)
        suits = fit_if_any(text, self._limits, self._stage.setup.settings) if command.suits else {}
        self._learn(text, name, {"vocabulary": None} | suits, encoding)
        if encoding is not None:
            told = f"{name} is not UTF-8 text; it was read as {encoding}."
            self._notify(RefusedError(told, "guessed", name=name, encoding=encoding))

    @_do.register
    def _tidy(self, command: commands.Tidy) -> None:
        old = self._stage.setup
        text = without(old.text, command.part)
        suited = fits(old.settings, old.text, self._limits)
        suits = fit_if_any(text, self._limits, old.settings) if suited else {}
        self._learn(text, "", {"vocabulary": None} | suits, None)

    @_do.register
    def _fit(self, command: commands.Fit) -> None:
        self._limits.check_text(command.text)
        text = legible(command.text)
        if not text.strip():
            raise RefusedError("The text is empty.", "empty", "sequence")
        settings = self._stage.setup.settings
        fitted = asdict(settings) | fit(text, self._limits, settings)
        self._stage.begin(Setup.make(text, "", fitted, self._limits))
        self._notice = None

    @_do.register
    def _preset(self, command: commands.Preset) -> None:
        self._stage.begin(Setup.of_preset(command.name, self._limits))
        self._notice = None

    @_do.register
    def _train(self, command: commands.Train) -> None:
        stage = self._stage
        stage.let_go()
        if not stage.playback.done:
            stage.playhead.suit(stage.playback.total - stage.playhead.step)
            stage.train_to(stage.playback.total)
        self._let_play()

    @_do.register
    def _more(self, command: commands.More) -> None:
        stage, most = self._stage, self._limits.steps
        if command.steps < 1:
            raise RefusedError(f"{command.steps:,} steps more is no training.", "command")
        wanted = stage.playback.trained + command.steps
        total = min(wanted, most)
        if total > stage.playback.trained:
            stage.let_go()
            near = stage.playback.stopped == "gap"
            stage.go_on(stage.setup.with_steps(max(total, stage.playback.total)))
            stage.playback.resume()
            stage.playhead.suit(total - stage.playhead.step)
            stage.train_to(max(total, stage.goal), ignore_stop_gap=near)
            self._let_play()
        self._limits.check_steps(wanted)

    @_do.register
    def _stop(self, command: commands.Stop) -> None:
        if self._stage.training:
            self._stage.rest()
            self._after_training()

    def _after_training(self) -> None:
        self._turn_as_told()
        playback = self._stage.playback
        if playback.stopped == "diverged" and not self._stage.training:
            rate = f"{self._stage.setup.settings.learning_rate:g}"
            text = str(playback.failure)
            self._notify(RefusedError(text, "diverged", "learning_rate", step=playback.trained, learning_rate=rate))

    # -- commands: which step is shown ----------------------------------------------------------------------

    @_do.register
    def _play(self, command: commands.Play) -> None:
        self._let_play()

    def _let_play(self) -> None:
        stage = self._stage
        stage.let_go()
        if not stage.training and stage.playback.after(stage.playhead.step) is None:
            stage.playhead.move_to(0)
            stage.playhead.suit(stage.playback.trained)
        stage.playhead.play()

    @_do.register
    def _pause(self, command: commands.Pause) -> None:
        self._stage.playhead.playing = False

    @_do.register
    def _step(self, command: commands.Step) -> None:
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

    @_do.register
    def _rewind(self, command: commands.Rewind) -> None:
        self._go_to(0)

    @_do.register
    def _seek(self, command: commands.Seek) -> None:
        self._go_to(command.step)

    def _go_to(self, step: float) -> None:
        self._stage.let_go()
        self._stage.playhead.drag_to(self._stage.playback.closest(step))

    @_do.register
    def _skip(self, command: commands.Skip) -> None:
        steps, step = self._stage.playback.recorded, self._stage.playhead.step
        here = bisect_left(steps, step) if command.by < 0 else bisect_right(steps, step) - 1
        place = here + command.by
        self._go_to(steps[min(max(place, 0), len(steps) - 1)])

    @_do.register
    def _speed(self, command: commands.Speed) -> None:
        if command.speed is not None and command.speed <= 0:
            raise RefusedError(f"{command.speed:g} steps a second is no speed.", "command")
        self._stage.playhead.choose_speed(command.speed)

    # -- commands: what is shown of it ----------------------------------------------------------------------

    @_do.register
    def _show(self, command: commands.Show) -> None:
        source = command.source
        first, second = command.compare if "compare" in command.model_fields_set else self._stage.compare
        subjects = (first, second) if source == "difference" else (source,)
        if "seeds" in subjects:
            check_fits(self._stage.setup, self._stage.retraining.n_seeds, self._limits)
        for subject in subjects:
            self._stage.subject(subject)  # refuses what cannot be compared
        self._stage.source, self._stage.compare = source, (first, second)

    @_do.register
    def _seeds(self, command: commands.Seeds) -> None:
        if command.n < 2:
            raise RefusedError(f"{command.n:,} seeds are not many. Ask for 2 or more.", "command")
        check_fits(self._stage.setup, command.n, self._limits)
        self._stage.ask_seeds(command.n)

    @_do.register
    def _attribute(self, command: commands.Attribute) -> None:
        position, n_tokens = command.position, self._stage.n_tokens
        if position is not None and not 0 <= position < n_tokens:
            raise RefusedError(f"There is no token {position:,}; the text has {n_tokens:,}.", "command")
        border = position is not None and self._stage.setup.tokens[position] == BORDER
        self._stage.retraining.point(None if border else position)

    @_do.register
    def _select(self, command: commands.Select) -> None:
        self._stage.selected = None if command.state is None else self._stage.check_state(command.state)

    @_do.register
    def _decode(self, command: commands.Decode) -> None:
        try:
            self._stage.decoding = replace(self._stage.decoding, **command.settings)
        except SettingError as error:
            raise RefusedError.of_setting(error) from None

    @_do.register
    def _pin(self, command: commands.Pin) -> None:
        self._stage.pin(command.slot)

    @_do.register
    def _unpin(self, command: commands.Unpin) -> None:
        self._stage.unpin(command.slot)

    @_do.register
    def _rows(self, command: commands.Rows) -> None:
        self._stage.window = command.first

    @_do.register
    def _code(self, command: commands.Code) -> None:
        self._stage.shows_code = command.on

    @_do.register
    def _short(self, command: commands.Short) -> None:
        self._stage.shows_short = command.on

    @_do.register
    def _dismiss(self, command: commands.Dismiss) -> None:
        self._notice = None

    # -- commands: the ball ---------------------------------------------------------------------------------

    @_do.register
    def _walk(self, command: commands.Walk) -> None:
        stage, V = self._stage, self._stage.setup.config.vocab_size
        if not 0 <= command.token < V:
            raise RefusedError(f"There is no token {command.token:,}; this vocabulary has 0 to {V - 1:,}.", "command")
        stage.tape.wander(False)
        stage.tape.take(command.token, stage.shown.chain)

    @_do.register
    def _place(self, command: commands.Place) -> None:
        self._stage.begin_tape(self._stage.check_state(command.state))
        self._stage.tape.wander(False)

    @_do.register
    def _wander(self, command: commands.Wander) -> None:
        self._stage.tape.wander(command.on)

    # -- commands: knobs ------------------------------------------------------------------------------------

    @_do.register
    def _turn(self, command: commands.Turn) -> None:
        playback = self._stage.playback
        if playback.trained == 0:
            raise RefusedError("There are no trained weights to go to yet. Train first.", "untrained")
        self._stage.turn(lambda knobs: knobs.turn(command.position, playback))

    @_do.register
    def _tensor(self, command: commands.Tensor) -> None:
        self._stage.knobs.choose(command.name, self._stage.playback)

    @_do.register
    def _nudge(self, command: commands.Nudge) -> None:
        def nudge(knobs: Knobs) -> None:
            knobs.nudge(command.place, command.by, self._stage.playback)

        self._stage.turn(nudge)

    @_do.register
    def _release(self, command: commands.Release) -> None:
        self._stage.knobs.release()

    # -- notices --------------------------------------------------------------------------------------------

    def _notify(self, error: BabyGPTError) -> None:
        self._notices += 1
        told = error if isinstance(error, RefusedError) else RefusedError(str(error), "library")
        text = str(told) if len(str(told)) <= MAX_NOTICE else str(told)[:MAX_NOTICE] + " …"
        self._notice = {
            "id": self._notices, "code": told.code, "field": told.field, "values": told.values, "text": text
        }  # fmt: skip
