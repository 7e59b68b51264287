"""The studio in a cell of a notebook: its screen in the output, its session in the kernel (anywidget).

The views are traits, whole each, and arrays among them are bytes; with every change goes a revision, which the screen
acknowledges once it has drawn it. Two may be on their way and at most twenty go in a second: what changes meanwhile is
sent as it is then. A screen that comes later, in another window or after the page was loaded again, finds all of it.
"""

from __future__ import annotations

import asyncio
import base64
import html
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from babygpt.errors import BabyGPTError, SettingError
from babygpt.extras import package_errors
from babygpt.gpt.texts import file_pieces
from babygpt.studio import protocol
from babygpt.studio.cell import Cell
from babygpt.studio.exports import MEDIA
from babygpt.studio.limits import Limits
from babygpt.studio.page import setup_of
from babygpt.studio.session import Session
from babygpt.studio.setup import NAMES, Settings, Setup

with package_errors():
    import traitlets

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain
    from babygpt.run.run import Run

BEAT = 1 / 20  # seconds between messages to the screen
SLICE = 0.02  # seconds of training between two looks at what the screen says
ON_THEIR_WAY = 2  # messages
ABSENCE = 10.0  # seconds without a word from a screen that was sent something
PATIENCE = 1.0  # seconds after which a screen that acknowledges nothing is sent what there is then
AT_ONCE = 2.0  # seconds that a cell may take until its run is trained again; the rest is trained behind it
HEIGHT = 720  # pixels

VIEWS = tuple(get_type_hints(protocol.Views))


@cache
def _packed() -> dict[str, list[str]]:
    """Return the fields of each view that are base64 where only text travels."""
    fields: dict[str, list[str]] = {}
    for view, hint in get_type_hints(protocol.Views, include_extras=True).items():
        for kind in (hint, *get_args(hint)):
            if hasattr(kind, "__required_keys__"):
                hints = get_type_hints(kind, include_extras=True)
                fields[view] = [name for name, each in hints.items() if protocol.Packed in (each, *get_args(each))]
    return fields


def _as_trait(name: str, view: Any) -> Any:
    if view is None or not (packed := _packed().get(name)):
        return view
    return {**view, **{field: base64.b64decode(view[field]) for field in packed if view[field] is not None}}


class Studio(Cell):
    """The studio in a cell of a notebook: JupyterLab, VS Code, Colab, marimo.

    Parameters
    ----------
    sequence
        What to learn: a text, or the path of one. By default the article's.
    lang
        Of the screen: ``"en"`` or ``"zh"``; by default the reader's.
    height
        Of the cell, in pixels. It can be dragged larger.
    **settings
        As :func:`babygpt.train` takes them: ``context_length``, ``steps``, ``seed``, …

    Attributes
    ----------
    step
        The step that is shown. Set it to go there.
    selected
        The context of the state that is selected, as it is written; None if none is. Set it to select one.

    Raises
    ------
    BabyGPTError
        The text or a setting cannot be used, or is too much.

    Both can be observed, as the traits of any widget: ``studio.observe(show, "step")``.
    """

    _task: asyncio.Task[None] | None = None
    _hearing = False

    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)
    step = traitlets.Int(0)
    selected = traitlets.Unicode(None, allow_none=True)

    def __init__(
        self,
        sequence: str | Path = "111101111011110",
        *,
        lang: str | None = None,
        height: int = HEIGHT,
        **settings: Any,
    ) -> None:
        self.check_look(lang, height)
        if unknown := sorted(set(settings) - set(NAMES)):
            raise SettingError(f"{unknown[0]} is no setting of the studio. There are: {', '.join(NAMES)}.")
        if not isinstance(sequence, str | Path):
            raise SettingError(f"The studio learns a text or the path of one, not {type(sequence).__name__}.")
        name = sequence.name if isinstance(sequence, Path) else ""
        text = "".join(file_pieces(sequence)) if isinstance(sequence, Path) else sequence
        limits = Limits()
        setup = Setup.make(text, name, asdict(Settings()) | settings, limits)
        self._session = Session(limits, setup=setup)
        self._acknowledged, self._sent_at, self._heard_at = 0, 0.0, monotonic()
        first, self._known = self._session.changed({})
        self._hearing = True
        super().__init__(names=list(VIEWS), lang=lang, height=height)
        self.add_traits(**{f"view_{name}": traitlets.Any(None, allow_none=True).tag(sync=True) for name in VIEWS})
        self._take(first)
        self.on_msg(self._hear)
        self._think()

    @classmethod
    def of_run(cls, run: Run, *, lang: str | None = None, height: int = HEIGHT) -> Studio:
        """Return the studio of a run: its film, and all that the studio does with it.

        It is trained again, to the same numbers, for what the run does not hold: the weights at each step.

        Raises
        ------
        RunError
            The run does not hold the text that it learnt from.
        """
        setup = setup_of(run)
        studio = cls(setup.text, lang=lang, height=height, **asdict(setup.settings))
        if run.steps:
            studio._session.show(run.steps)
            studio.wait(AT_ONCE)
        return studio

    # -- what a reader asks ----------------------------------------------------------------------------------

    @property
    def chain(self) -> MarkovChain:
        """The chain that is shown."""
        return self._session.chain

    @property
    def run(self) -> Run:
        """The training so far."""
        return self._session.run()

    def train(self, seconds: float | None = None) -> Studio:
        """Train until the end, or for about so many seconds, and return the studio."""
        self._session.handle({"command": "train"})
        self._session.handle({"command": "pause"})
        self.wait(seconds)
        if not self._session.training:
            self._session.handle({"command": "seek", "step": self.view_player["trained"]})
        self._look()
        return self

    def wait(self, seconds: float | None = None) -> None:
        """Let whatever is trained end, or go on for about so many seconds."""
        until = None if seconds is None else monotonic() + seconds
        while self._session.training and (until is None or monotonic() < until):
            self._session.advance(monotonic(), SLICE)
        self._look()

    @traitlets.observe("step")
    def _go(self, change: Any) -> None:
        if self._hearing:
            self._do({"command": "seek", "step": change["new"]})

    @traitlets.observe("selected")
    def _select(self, change: Any) -> None:
        if not self._hearing:
            return
        try:
            state = None if change["new"] is None else self.chain.state(change["new"])
        except BabyGPTError:
            with self._deaf():
                self.selected = change["old"]
            raise
        self._do({"command": "select", "state": state})

    def _do(self, command: dict[str, Any]) -> None:
        self._session.handle(command)
        self._look()
        self._think()

    # -- what the screen says --------------------------------------------------------------------------------

    def _hear(self, _: Any, said: Any, __: Any) -> None:
        if not isinstance(said, dict):
            return
        self._heard_at = monotonic()
        if "hello" in said:
            self._acknowledged = self.revision
            self.send({"here": True})
        elif "ack" in said:
            if isinstance(said["ack"], int):
                self._acknowledged = max(self._acknowledged, min(said["ack"], self.revision))
        elif "download" in said:
            self._answer(said.get("file"), said["download"])
        else:
            self._session.handle(said)
            self.send({"here": True})
        self._think()

    def _answer(self, number: Any, file: Any) -> None:
        try:
            data, media = self._session.snapshot(file if isinstance(file, str) else "")()
        except BabyGPTError as error:
            self.send({"file": number, "refused": str(error)})
        else:
            self.send({"file": number, "name": file, "media": media}, [data])

    # -- what it does by itself ------------------------------------------------------------------------------

    def _think(self) -> None:
        """Go on beside the notebook for as long as there is something to do; one who does so is enough."""
        if self._task is not None and not self._task.done():
            return
        with suppress(RuntimeError):  # no notebook: whoever drives it waits, and looks, by hand
            self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def _go_on(self) -> None:
        while self.comm is not None:
            now = monotonic()
            due = self._session.due(now)
            if due is not None and due <= now:
                self._session.advance(now, SLICE)
            waits = self._sent_at + BEAT - now
            on_their_way = self.revision - self._acknowledged
            if on_their_way and now - self._heard_at > ABSENCE and not self._session.training:
                return  # nobody looks, until a screen says otherwise
            if waits <= 0 and (on_their_way < ON_THEIR_WAY or now - self._sent_at > PATIENCE):
                sent = self._look()
                if due is None and not sent:
                    return
            # at least a turn of the loop, so that messages come in
            await asyncio.sleep(0.001 if self._session.training else BEAT / 4)

    def _look(self) -> bool:
        """Bring the traits up to what the session is; return whether anything changed."""
        changed, self._known = self._session.changed(self._known)
        if changed:
            self._take(changed)
        return bool(changed)

    def _take(self, changed: dict[str, Any]) -> None:
        self._sent_at = monotonic()
        with self.hold_sync():
            for name, view in changed.items():
                self.set_trait(f"view_{name}", _as_trait(name, view))
            self.revision += 1
        with self._deaf():
            if changed.get("player"):
                self.step = changed["player"]["step"]
            if "selected" in changed:
                view = changed["selected"]
                self.selected = None if view is None else self._session.context(view["state"])

    @contextmanager
    def _deaf(self) -> Iterator[None]:
        """While it is entered, the traits that a reader sets are set by the session."""
        self._hearing = False
        try:
            yield
        finally:
            self._hearing = True

    def close(self) -> None:
        """End: nothing goes on, nothing is sent."""
        if self._task is not None:
            self._task.cancel()
        super().close()

    # -- where no kernel is ----------------------------------------------------------------------------------

    def _still(self) -> str:
        told = html.escape(repr(self))
        picture = ""
        with suppress(BabyGPTError):
            svg, _ = self._session.snapshot("chain.svg")()
            picture = f'<img alt="{told}" src="data:{MEDIA["svg"]};base64,{base64.b64encode(svg).decode()}">'
        try:
            content, _ = self._session.snapshot("page.html")()
        except BabyGPTError:
            return f"<figure>{picture}<figcaption>{told}</figcaption></figure>"
        frame = (
            f'<iframe title="{told}" srcdoc="{html.escape(content.decode())}" '
            f'style="width: 100%; height: {self.height}px; border: 0"></iframe>'
        )
        return f'{frame}<div style="display: none">{picture}</div>'

    def __repr__(self) -> str:
        trained = f"step {self.step:,}" if self.view_player["trained"] else "untrained"
        return f"Studio({self.view_setup['n_states']:,} states, {trained})"


def studio_of_run(run: Run, **how: Any) -> Studio:
    """Return the studio of a run, for its ``widget()``."""
    return Studio.of_run(run, **how)
