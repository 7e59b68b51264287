"""The door: who may talk to the studio, and what a browser is told to keep out.

The studio listens to this machine alone by default, but any page that a browser shows can send requests there. Two
questions keep such pages out. *Which name was called?* A page can give its own name the address 127.0.0.1 (DNS
rebinding [1]_), but it cannot call the studio by a name of this machine: the Host header tells. *Whose page is it?*
Browsers say in the Origin header which page opens a WebSocket.

.. [1] Jackson et al., "Protecting browsers from DNS rebinding attacks", 2009.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_HOST = re.compile(r"(?:\[(?P<digits>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::[0-9]{1,5})?")


def host_name(netloc: str) -> str:
    """Return the host of a Host header, in small letters and without its port; "" if it is none.

    >>> host_name("LocalHost:8765"), host_name("[::1]:8765"), host_name("user@evil")
    ('localhost', '::1', '')
    """
    match = _HOST.fullmatch(netloc)
    return "" if match is None else (match["digits"] or match["name"]).lower().rstrip(".")


class AccessMiddleware:
    """Lets in who calls the studio by a name of this machine, from the studio's own page.

    Parameters
    ----------
    app
        What is behind the door.
    names
        Names by which the studio may be called, besides localhost, this machine's own name and any address in digits,
        which no one else can have given to it.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self._app = app
        own = socket.gethostname().lower()
        self._names = {"localhost", own, f"{own.split('.')[0]}.local", *(name.lower() for name in names)} - {""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the caller in, or say why not."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
        elif scope["type"] == "http":
            await refusal(scope, receive, send_with_headers)
        else:
            await WebSocket(scope, receive, send_with_headers).send_denial_response(refusal)

    def _refusal(self, headers: Headers) -> PlainTextResponse | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        name = host_name(host)
        if not name or (name not in self._names and not _is_address(name)):
            known = ", ".join(sorted(self._names))
            return PlainTextResponse(
                f"The studio is not called {name!r}. Use its address in digits, or one of: {known}.\n", 400
            )
        if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
            return PlainTextResponse(f"A page of {origin} may not use the studio; only its own page may.\n", 403)
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
