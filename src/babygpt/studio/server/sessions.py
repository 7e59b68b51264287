"""Sessions that live in the studio: each is found again by its id, and waits while its owner is away."""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Protocol, TypeVar

from babygpt.errors import BabyGPTError
from babygpt.studio.commands import COMMANDS
from babygpt.studio.server.scheduler import DRAWN, Scheduler, Workers

T = TypeVar("T")
Room = Callable[[int], int]  # tells how many bytes are left, and reserves those asked for if they are

KEPT = 3600.0  # seconds that a session waits for its owner
MOMENT = 60.0  # seconds for which someone who went counts as there: a page that is loaded again, a lid that is closed
VIEWERS = 8  # that may show one session
BESIDES = 2**23  # bytes of a session beside what its setup asks for: the text, the views, the modules
NEWCOMER = 2**24  # bytes that a session counts for until it says what it takes
AWAY = 2**28  # bytes that are kept together for owners who are away
TRIM = 1.0  # seconds after the end of a session until its memory goes back to the system
ASKING = 5.0  # seconds that a thread waits for the event loop
SELDOM = 0.25  # seconds between two looks at a session whose work can wait, while others train

log = logging.getLogger("babygpt.studio")


class Session(Protocol):
    """What the studio asks of a session; :class:`babygpt.studio.session.Session` is one."""

    @property
    def training(self) -> bool:
        """Whether it trains, or computes something else in slices."""

    @property
    def unattended(self) -> bool:
        """Whether it trains on while nobody looks."""

    @property
    def patient(self) -> bool:
        """Whether all it computes in slices can wait for what others train."""

    @property
    def memory(self) -> int:
        """How many bytes its setup asks for."""

    def handle(self, command: object) -> None:
        """Do what a command says."""

    def advance(self, now: float, budget: float) -> None:
        """Do what is due, and train for at most about ``budget`` seconds."""

    def due(self, now: float) -> float | None:
        """Return when to advance next."""

    def changed(self, known: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, int]]:
        """Return the views that are not known, and the revisions of all."""

    def snapshot(self, file: str) -> Callable[[], tuple[bytes, str]]:
        """Return a function that makes a file of what there is now, in any thread; and tells its media type."""


class Viewer(Protocol):
    """One who looks at a session: a screen at the other end of a connection."""

    def stir(self, answer: bool = False) -> None:
        """Hear that something may have changed, perhaps in answer to a command."""

    def dismiss(self, code: int, reason: str) -> None:
        """Be sent away."""


class FullError(Exception):
    """There is no place left; the message says of what, after a code for screens in any language."""


class GoneError(Exception):
    """The session is no more."""


class Hosted:
    """A session, driven as long as it has something to do.

    While nobody looks, its clock stands still: the ball rests, the playback stops where it was; only training goes on.

    Parameters
    ----------
    make
        Makes the session, in a thread; what it is given reserves bytes for a setup, if there are as many.
    scheduler
        The threads.
    ended
        Is called when the session ends.
    grown
        Is called when it asks for more or less memory.
    room
        Tells how many bytes it may take in all.

    Attributes
    ----------
    viewers
        Who looks.
    left
        When the last of them went; None while someone looks.
    need
        Bytes that the session may come to take.
    address
        Where it was begun from; "" if that is not looked at.
    """

    def __init__(
        self,
        make: Callable[[Room], Session],
        scheduler: Scheduler,
        ended: Callable[[], object] = lambda: None,
        grown: Callable[[], object] = lambda: None,
        room: Callable[[Hosted], int] = lambda hosted: NEWCOMER,
        address: str = "",
    ) -> None:
        self.address = address
        self.viewers: set[Viewer] = set()
        self.left: float | None = None
        self.need = NEWCOMER
        self._make, self._scheduler, self._ended, self._grown, self._find_room = make, scheduler, ended, grown, room
        self._loop = asyncio.get_running_loop()
        self._exporting = asyncio.Lock()
        self._session: Session | None = None
        self._due: float | None = None
        self._training, self._patient, self._unattended, self._answering = False, False, False, False
        self._farewell: asyncio.TimerHandle | None = None
        self._advanced = 0.0  # when something was done that was due
        self._lag = 0.0  # how long nobody looked, so far
        self._woken, self._gone = asyncio.Event(), False
        self._life = asyncio.create_task(self._live())

    async def handle(self, command: object) -> None:
        """Have the session handle a command."""
        name = command.get("command") if isinstance(command, dict) else None
        kind = name if isinstance(name, str) and name in COMMANDS else "nonsense"
        await self._use(self._scheduler.hands, lambda session, now: session.handle(command), kind, hurry=True)
        self._answering = True
        self._stir(answer=True)

    async def look(self, known: Mapping[str, int], seq: int) -> tuple[str | None, dict[str, int]]:
        """Return a message with the views that are not ``known``, if there are any, and what is known by it."""

        def message(session: Session, now: float) -> tuple[str | None, dict[str, int]]:
            views, revisions = session.changed(known)
            if not views:
                return None, revisions
            return json.dumps({"seq": seq, "views": views}, allow_nan=False, separators=(",", ":")), revisions

        hurry, self._answering = self._answering, False  # what a command changed is waited for
        return await self._use(self._scheduler.hands, message, "look", hurry)

    async def export(self, file: str) -> tuple[bytes, str]:
        """Return a file of the session, and its media type. The session goes on while it is made.

        Raises
        ------
        BabyGPTError
            There is no such file, or none of this session.
        """

        def taken(session: Session, now: float) -> Callable[[], tuple[bytes, str]] | BabyGPTError:
            try:
                return session.snapshot(file)
            except BabyGPTError as error:
                return error

        # Each session waits with one file at most, and takes what is needed for it when it is its turn: however many
        # are asked for, no more is kept.
        async with self._exporting, self._scheduler.pressing:
            make = await self._use(self._scheduler.hands, taken, "export")
            if isinstance(make, BabyGPTError):
                raise make
            return await self._scheduler.print(make)

    @property
    def present(self) -> bool:
        """Whether someone looks, or did a moment ago."""
        return self.left is None or monotonic() - self.left < MOMENT

    @property
    def interval(self) -> float:
        """How long a viewer waits for its next views, in seconds, if nobody just clicked."""
        return self._scheduler.interval

    def enter(self, viewer: Viewer) -> None:
        """Let someone look.

        Raises
        ------
        FullError
            Too many look already.
        """
        if len(self.viewers) >= VIEWERS:
            raise FullError(
                f"windows: This session is open in {VIEWERS} windows already. Close one, or begin a new session."
            )
        self.viewers.add(viewer)
        if self.left is not None:
            self._lag += monotonic() - self.left
            self.left = None
        if self._farewell is not None:
            self._farewell.cancel()
        self._woken.set()

    def leave(self, viewer: Viewer, kept: float) -> None:
        """Let someone go; the session waits ``kept`` seconds for the last one to come back."""
        self.viewers.discard(viewer)
        if not self.viewers and not self._gone:
            self.left = monotonic()
            if not self._unattended:
                self._scheduler.training.discard(self)
            loop = asyncio.get_running_loop()
            self._farewell = loop.call_later(kept, self.drop, 1001, "away: Nobody came back.")

    def drop(self, code: int, reason: str) -> None:
        """End the session and send away who looks."""
        if self._gone:
            return
        self._gone = True
        self._session = None  # its memory is free as soon as no thread uses it
        self._scheduler.forget(self)
        self._ended()
        self._woken.set()
        if self._farewell is not None:
            self._farewell.cancel()
        for viewer in self.viewers:
            viewer.dismiss(code, reason)

    def _clock(self) -> float:
        return (monotonic() if self.left is None else self.left) - self._lag

    async def _live(self) -> None:
        """Make the session, then advance it whenever that is due."""
        with suppress(GoneError):
            await self._use(self._scheduler.hands, lambda session, now: None, "make")
            while True:
                self._stir()
                while (wait := self._wait()) is None or wait > 0:
                    self._woken.clear()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await self._woken.wait()
                await self._advance()

    def _wait(self) -> float | None:
        """Return the seconds until the session is due; None: until someone does something."""
        if self._gone:
            return 0.0
        if self._due is None or (self.left is not None and not self._unattended):
            return None
        wait = self._due - self._clock()
        if self._patient and self._scheduler.training:
            return max(wait, self._advanced + SELDOM - monotonic())
        # Playing may be faster than any screen: what is due is done at most twice for each frame.
        return wait if self._training else max(wait, self._advanced + DRAWN / 2 - monotonic())

    async def _advance(self) -> None:
        shop = self._scheduler
        self._advanced = monotonic()
        if not self._training or self._gone:
            await self._use(shop.hands, lambda session, now: session.advance(now, 0.0), "advance")
            return
        # A training just begun goes first, for a single step: someone waits for its first frame.
        new = self not in shop.training and not self._patient
        if new:
            shop.training.add(self)
        budget = 0.0 if new or (self._patient and shop.training) else shop.slice
        await self._use(shop.trainers, lambda session, now: session.advance(now, budget), "slice", hurry=new)
        if new:
            self._answering = True
            self._stir(answer=True)

    async def _use(self, workers: Workers, job: Callable[[Session, float], T], kind: str, hurry: bool = False) -> T:
        """Do a job of some kind with the session, and the time on its clock, in a thread of some workers."""
        now = self._clock()  # here: someone may come or go while the thread works

        def use() -> tuple[T, float | None, bool, bool, bool, int]:
            session = self._session
            if self._gone:
                raise GoneError
            if session is None:
                session = self._session = self._make(self._reserve)
            result = job(session, now)
            need = session.memory + BESIDES
            return result, session.due(now), session.training, session.patient, session.unattended, need

        if self._gone:
            raise GoneError
        due = self._due
        try:
            result, self._due, self._training, self._patient, self._unattended, need = await workers.run(
                self, use, kind=kind, hurry=hurry
            )
        except GoneError:
            raise
        except Exception as error:
            if not self._gone:
                # A mistake of ours, or no memory: it costs this session, and no other.
                log.exception("A session failed and was ended.")
                self.drop(1011, "failed: The session failed. Load the page again to begin a new one.")
            raise GoneError from error
        finally:
            if self._gone:  # meanwhile
                self._scheduler.forget(self)
        if not self._training or self._patient:
            self._scheduler.training.discard(self)
        if self._due != due:
            self._woken.set()  # who looks may have asked for what is computed in slices
        if need != self.need:
            self.need = need
            self._grown()
        return result

    def _reserve(self, need: int) -> int:
        """Return how many bytes are left for the setup; if these are ``need``, they count as taken from now on.

        A thread asks the event loop, which answers one after the other: two that want the same room do not both get it.
        """

        async def claim() -> int:
            room = self._find_room(self) - BESIDES
            if need <= room and need + BESIDES > self.need:
                self.need = need + BESIDES
                self._grown()
            return room

        asked = claim()
        try:
            return asyncio.run_coroutine_threadsafe(asked, self._loop).result(ASKING)
        except (RuntimeError, TimeoutError, CancelledError):  # the studio is closing
            asked.close()
            return 0

    def _stir(self, answer: bool = False) -> None:
        self._woken.set()
        for viewer in self.viewers:
            viewer.stir(answer)


class Sessions:
    """All sessions of a studio.

    Parameters
    ----------
    make
        Makes a session; what it is given reserves bytes for its setup, if there are as many.
    most
        How many there may be. Where one more is wanted, the one whose owner is away for longest goes; who is away for
        a moment only keeps the place.
    memory
        How many bytes they may take together. Where more is wanted, those go whose owners are away, and who is there
        may not grow.
    kept
        Seconds that a session waits for its owner.
    most_of_one
        How many there may be of one address; None does not count.
    """

    def __init__(
        self,
        make: Callable[[Room], Session],
        most: int,
        memory: int,
        kept: float = KEPT,
        most_of_one: int | None = None,
    ) -> None:
        self.scheduler = Scheduler()
        self._most_of_one = most_of_one
        self._make, self._most, self._memory, self._kept = make, most, max(memory, NEWCOMER), kept
        self._hosted: dict[str, Hosted] = {}
        self._closed = False
        self._trim: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._hosted)

    def find(self, session_id: str) -> Hosted | None:
        """Return the session with this id, if there is one."""
        return self._hosted.get(session_id)

    def enter(self, session_id: str, viewer: Viewer, address: str = "") -> tuple[Hosted, bool]:
        """Return the session with this id for someone at an address to look at, and whether it is a new one.

        Raises
        ------
        FullError
            There is no place for it.
        """
        hosted = self.find(session_id)
        new = hosted is None
        if hosted is None:
            self._make_room(address)
            ended = partial(self._end, session_id)
            hosted = Hosted(self._make, self.scheduler, ended, self._fit, self._room, address)
            self._hosted[session_id] = hosted
        hosted.enter(viewer)
        return hosted, new

    def leave(self, hosted: Hosted, viewer: Viewer) -> None:
        """Let someone go; the session waits for them to come back."""
        hosted.leave(viewer, self._kept)
        self._fit()

    def close(self) -> None:
        """End every session and take no more."""
        self._closed = True
        if self._trim is not None:
            self._trim.cancel()
        for hosted in list(self._hosted.values()):
            hosted.drop(1001, "closed: The studio was closed.")
        self.scheduler.close()

    def _end(self, session_id: str) -> None:
        self._hosted.pop(session_id, None)
        if self._trim is None and not self._closed:
            self._trim = asyncio.get_running_loop().call_later(TRIM, self._give_back)

    def _give_back(self) -> None:
        """Have the memory of sessions that ended go back to the system, in a thread: it takes milliseconds."""
        self._trim = None
        asyncio.get_running_loop().run_in_executor(None, give_memory_back)

    def _make_room(self, address: str) -> None:
        """Make room for a newcomer, or raise :class:`FullError`."""
        if self._closed:
            raise FullError("closed: The studio is closing.")
        own = [hosted for hosted in self._hosted.values() if hosted.address == address]
        if self._most_of_one is not None and len(own) >= self._most_of_one:
            away = [hosted for hosted in own if hosted.left is not None]
            if not away:  # told in at most 123 bytes
                raise FullError(f"address: From your address {self._most_of_one} sessions are open. Close one of them.")
            _longest_away(away).drop(1001, "away: Another session of yours needed the place.")
        present = [hosted for hosted in self._hosted.values() if hosted.present]
        if len(present) >= self._most:
            raise FullError(f"full: All {self._most} places of this studio are taken. Come back when someone has left.")
        if _together(present) + NEWCOMER > self._memory:
            raise FullError("full: The memory of this studio is taken. Come back when someone has left.")
        while len(self._hosted) >= self._most:
            self._drop_one()
        self._fit(NEWCOMER)

    def _fit(self, more: int = 0) -> None:
        """Let those go who are away, until the others and ``more`` bytes fit the memory, and they their share of it."""
        while _together(self._hosted.values()) + more > self._memory and self._drop_one():
            pass
        while _together(self._away) > AWAY and self._drop_one():
            pass

    def _drop_one(self) -> bool:
        """End the session whose owner is away for longest; return whether there is one."""
        away = self._away
        if away:
            _longest_away(away).drop(1001, "away: Another session needed the place.")
        return bool(away)

    @property
    def _away(self) -> list[Hosted]:
        return [hosted for hosted in self._hosted.values() if not hosted.present]

    def _room(self, asking: Hosted) -> int:
        """Return what a session may take: what it has, or what is left by others whose owners are there."""
        others = [hosted for hosted in self._hosted.values() if hosted.present and hosted is not asking]
        return max(asking.need, self._memory - _together(others))


def give_memory_back() -> None:
    """Ask the C library for what it keeps of memory that is free already; elsewhere than in glibc, do nothing."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _longest_away(away: Iterable[Hosted]) -> Hosted:
    return min(away, key=lambda hosted: hosted.left or 0.0)


def _together(sessions: Iterable[Hosted]) -> int:
    return sum(hosted.need for hosted in sessions)
