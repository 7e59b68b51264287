"""The sockets of a studio: how many there are, from where, and how long they may keep the studio waiting.

A stranger can open sockets and say nothing, say half a request, or not read what is sent. Each of that ends by itself
here, so that others are served: a request whose head is not there in time is hung up on, one address has a bounded
number of sockets, and so have all together, fewer than the system lets this process have.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import PayloadTooBig
from websockets.frames import Close, CloseCode, Frame, Opcode

HEAD = 10.0  # seconds for the head of a request to come
KEEP_ALIVE = 20  # seconds that a socket waits for the next request
MOST, MOST_OF_ONE = 1024, 96  # sockets, and those of one address (a browser's tab has up to seven)
SPARE = 40  # files that are left for everything else
QUIET = 60.0  # seconds between two remarks that no more sockets can be had

log = logging.getLogger("babygpt.studio")


class Gate:
    """Counts the sockets of a server.

    Parameters
    ----------
    most, most_of_one
        How many there may be, and how many of one address; a proxy on this machine speaks for many.
    """

    def __init__(self, most: int | None = None, most_of_one: int = MOST_OF_ONE) -> None:
        self._most = sockets_allowed() if most is None else most
        self._most_of_one = most_of_one
        self._address_of: dict[asyncio.BaseTransport, str] = {}
        self._of_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._address_of)

    def let_in(self, transport: asyncio.BaseTransport) -> bool:
        """Count a socket, unless there are too many; return whether it is counted."""
        peer = transport.get_extra_info("peername")
        address = peer[0] if isinstance(peer, tuple) else ""
        if len(self) >= self._most or (self._of_address[address] >= self._most_of_one and not _is_local(address)):
            return False
        self._address_of[transport] = address
        self._of_address[address] += 1
        return True

    def let_out(self, transport: asyncio.BaseTransport) -> None:
        """Count a socket no more."""
        address = self._address_of.pop(transport, None)
        if address is not None:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]


def _is_local(address: str) -> bool:
    return address in ("127.0.0.1", "::1", "")


def sockets_allowed() -> int:
    """Return how many sockets this process may have, once it has asked the system for as many as it will give."""
    try:
        import resource
    except ImportError:  # Windows, which has other limits
        return MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + SPARE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST if soft == resource.RLIM_INFINITY else max(4, min(MOST, soft - SPARE))


class HttpProtocol(H11Protocol):
    """HTTP with a gate, and with a clock for the head of each request."""

    gate: Gate
    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let a socket in, or hang up."""
        super().connection_made(transport)
        if self.gate.let_in(transport):
            self._wind()
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take in what came; while a head is not complete, the clock goes on."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is None:
            self._wind()
        else:
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the socket no more."""
        self._stop()
        self.gate.let_out(self.transport)
        super().connection_lost(exc)

    def _wind(self) -> None:
        if self._clock is None:
            self._clock = self.loop.call_later(HEAD, self.transport.abort)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that keeps nothing for a peer who does not read, and lets go of one who does not answer."""

    gate: Gate

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the socket no more."""
        self.gate.let_out(self.transport)
        super().connection_lost(exc)

    def handle_parser_exception(self) -> None:
        """Hang up on what cannot be taken in; if it is too large, with the studio's own reason."""
        if isinstance(self.conn.parser_exc, PayloadTooBig):
            self.conn.data_to_send()  # the reason of the library, which no screen knows
            told = Close(CloseCode.MESSAGE_TOO_BIG, "large: A message was larger than the studio takes.")
            self.transport.write(Frame(Opcode.CLOSE, told.serialize()).serialize(mask=False))
        super().handle_parser_exception()

    def handle_ping(self) -> None:
        """Answer a ping, unless the peer leaves its answers unread."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        """Hang up: closing in order would wait until the peer has read everything."""
        super().keepalive_timeout()
        self.transport.abort()


def with_gate(gate: Gate) -> tuple[type[HttpProtocol], type[WebSocketProtocol]]:
    """Return the two protocols of a server, which uvicorn makes itself, with its gate."""

    class Http(HttpProtocol):
        pass

    class WebSockets(WebSocketProtocol):
        pass

    Http.gate = WebSockets.gate = gate
    return Http, WebSockets


def quiet_about_sockets() -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Return what an event loop does about errors: one line a minute where no more sockets can be had.

    asyncio reports each socket that it cannot accept, a thousand a second, with a traceback.
    """
    told = -QUIET

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal told
        error = context.get("exception")
        if isinstance(error, OSError) and "socket" in context and "accept" in str(context.get("message", "")):
            if time.monotonic() - told >= QUIET:
                told = time.monotonic()
                log.error("No more sockets can be had (%s); some who come have to wait.", error.strerror)
            return
        if isinstance(error, (ConnectionError, TimeoutError)):
            return  # the other side went away in the middle of something
        loop.default_exception_handler(context)

    return handle
