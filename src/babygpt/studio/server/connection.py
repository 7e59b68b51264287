"""One screen's WebSocket: commands come in, views go out, and neither ever piles up.

To the studio, as JSON texts: a command, or ``{"ack": n}`` when message n is drawn. To the screen: first
``{"hello": …}``, then ``{"seq": n, "views": {name: view}}``. At most two messages are on their way. Meanwhile nothing
is kept for a slow screen: what it is sent next is worked out when it is sent.

Whoever is sent away is told why: a code that `frontend/src/protocol.ts` lists, a colon, and a sentence.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine
from contextlib import suppress
from time import monotonic
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

import babygpt
from babygpt.studio.server.inbox import FloodError, Inbox
from babygpt.studio.server.scheduler import DRAWN
from babygpt.studio.server.sessions import FullError, GoneError, Hosted, Sessions

ON_THEIR_WAY = 2  # messages
LARGE = 2**16  # characters of a message that is decoded in a thread
NONSENSE = 20  # messages in a row that are no JSON
FAREWELL = 0.5  # seconds for a closing message to be taken

OVER = (WebSocketDisconnect, RuntimeError)  # what sending raises once the other side has gone, or is going

log = logging.getLogger("babygpt.studio")


class Connection:
    """A screen that shows a session.

    Parameters
    ----------
    websocket
        Already accepted.
    most_bytes
        What one message, and all that waits together, may take.
    """

    def __init__(self, websocket: WebSocket, most_bytes: int) -> None:
        self._websocket = websocket
        self._inbox = Inbox(most_bytes)
        self._end: asyncio.Future[tuple[int, str] | None] = asyncio.get_running_loop().create_future()
        self._sent = self._acknowledged = self._nonsense = 0
        self._beat = 0.0  # when the next views may be sent
        self._changed, self._stirred, self._answered = True, asyncio.Event(), asyncio.Event()

    async def serve(self, sessions: Sessions, session_id: str) -> None:
        """Show a session until one of both sides has enough."""
        client = self._websocket.client
        try:
            hosted, new = sessions.enter(session_id, self, "" if client is None else client.host)
        except FullError as error:
            await self._close(1013, str(error))
            return
        tasks = [self._begun(self._handle(hosted))]
        ending: tuple[int, str] | None = None
        try:
            await self._websocket.send_json({"hello": {"new": new, "version": babygpt.__version__}})
            tasks += [self._begun(self._read()), self._begun(self._show(hosted))]
            ending = await self._end
        except OVER:
            pass
        finally:
            sessions.leave(hosted, self)
            for task in tasks[1:]:
                task.cancel()
            if ending is not None:
                self._inbox.clear()
            self._inbox.close()  # who left of their own accord has what they asked for done
        if ending is not None:
            await self._close(*ending)

    def stir(self, answer: bool = False) -> None:
        """Hear that something may have changed, perhaps in answer to a command."""
        self._changed = True
        if answer:
            self._answered.set()
        self._stirred.set()

    def dismiss(self, code: int, reason: str) -> None:
        """Close the connection, telling why in at most 123 bytes, which is what WebSocket allows."""
        if not self._end.done():
            self._end.set_result((code, reason))

    def _begun(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin one side of the conversation; should it fail, by a mistake of ours, the conversation ends."""

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("A connection failed and was closed.", exc_info=error)
                self.dismiss(1011, "failed: The connection failed.")

        task = asyncio.create_task(work)
        task.add_done_callback(ended)
        return task

    # -- in ------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Take in what the screen says, until it leaves or goes too far."""
        while not self._end.done():
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                if not self._end.done():
                    self._end.set_result(None)
                return
            text = message.get("text")
            try:
                said = await decoded(text)
            except ValueError:
                self._nonsense += 1
                if self._nonsense >= NONSENSE:
                    self.dismiss(1003, "nonsense: The studio understands JSON texts only.")
                    return
                said = None if text is None else text[:80]
            else:
                self._nonsense = 0
            if isinstance(said, dict) and "ack" in said and "command" not in said:
                self._acknowledge(said["ack"])
                continue
            try:
                self._inbox.add(said, len(text or ""))
            except FloodError:
                self.dismiss(1008, "flood: Too many commands at once.")

    def _acknowledge(self, seq: object) -> None:
        # What was never sent, or is acknowledged already, cannot be acknowledged.
        if type(seq) is int and self._acknowledged < seq <= self._sent:
            self._acknowledged = seq
            self._stirred.set()

    async def _handle(self, hosted: Hosted) -> None:
        with suppress(EOFError, GoneError):
            while True:
                await hosted.handle(await self._inbox.take())

    # -- out -----------------------------------------------------------------------------------------------------

    async def _show(self, hosted: Hosted) -> None:
        """Send what changed, whenever something did and the screen is ready for it."""
        known: dict[str, int] = {}
        with suppress(GoneError, *OVER):
            while True:
                if self._changed and self._sent - self._acknowledged < ON_THEIR_WAY:
                    self._changed = False
                    self._answered.clear()  # what is answered from here on, the views may lack
                    text, known = await hosted.look(known, self._sent + 1)
                    if text is not None:
                        self._sent += 1
                        await self._websocket.send_text(text)
                        await self._pause(hosted)
                else:
                    self._stirred.clear()
                    await self._stirred.wait()

    async def _pause(self, hosted: Hosted) -> None:
        """Wait until the screen may have more, or has something answered.

        The beat goes by the clock: sixty times a second, however long making the views takes and however late a sleeper
        is woken. Who is late for a beat is not made to wait a whole one for the next.
        """
        now = monotonic()
        self._beat = max(self._beat + DRAWN, now + DRAWN / 2)
        await asyncio.sleep(self._beat - now)
        with suppress(TimeoutError):
            async with asyncio.timeout(hosted.interval - DRAWN):
                await self._answered.wait()

    async def _close(self, code: int, reason: str) -> None:
        # A screen that reads nothing is not waited for.
        with suppress(TimeoutError, *OVER):
            async with asyncio.timeout(FAREWELL):
                await self._websocket.close(code, reason)


async def decoded(text: str | None) -> object:
    """Return what a JSON text says, or raise a ValueError; other loads are read by other threads."""
    if text is None:
        raise ValueError("not a text")
    try:
        return await asyncio.to_thread(json.loads, text) if len(text) > LARGE else json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
