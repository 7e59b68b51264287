"""The studio: one page, and behind it a session for each browser tab.

The session (:mod:`babygpt.studio.session`) thinks, the page draws, and this module carries commands and views between
them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import psutil
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from starlette.websockets import WebSocket

import babygpt
from babygpt.errors import BabyGPTError
from babygpt.studio.limits import Limits
from babygpt.studio.server.access import AccessMiddleware
from babygpt.studio.server.code import ClassCode
from babygpt.studio.server.connection import Connection
from babygpt.studio.server.serving import Server
from babygpt.studio.server.sessions import GoneError, Room, Session, Sessions

STATIC, SCRIPT = Path(__file__).parents[2] / "static", "studio.js"
SESSIONS, CLASS_SESSIONS = 256, 50  # on one's own machine, where a closed tab counts for a minute; in a class
SESSIONS_OF_ONE = 8  # of one address, in a class
SHARE = 0.5  # of the memory that is free when the studio starts: for all sessions together

# Seconds after which a computing thread lets another one run: less than Python's 5 ms, so that a click does not wait
# for several trainings in a row.
SWITCH = 0.001
PATIENCE = 20  # times 50 ms, for computations under way when the studio is closed

log = logging.getLogger("babygpt.studio")

_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


def studio_app(
    limits: Limits | None = None,
    most_sessions: int = SESSIONS,
    names: Sequence[str] = (),
    make: Callable[[Room], Session] | None = None,
    memory: int | None = None,
    most_of_one: int | None = None,
    code: str | None = None,
    think: Literal["here", "there"] = "there",
) -> Starlette:
    """Return the studio as an ASGI application; its sessions are ``app.state.sessions``.

    Parameters
    ----------
    limits
        What one session may take.
    most_sessions
        How many there may be at once.
    names
        Names by which the studio may be called, besides this machine's own.
    make
        Makes a session; by default a :class:`babygpt.studio.session.Session`.
    memory
        Bytes for all sessions together; by default half of what is free now.
    most_of_one
        How many sessions there may be of one address; by default that is not counted.
    code
        What one must know to use it; by default nothing.
    think
        Who thinks for a page at first: ``"there"``, a session of this program; or ``"here"``, the page itself, which
        comes to this program only for what is too much for it.
    """
    limits = limits or Limits()
    if make is None:
        from babygpt.studio.session import Session as TheSession

        def make_one(room: Room) -> Session:
            return TheSession(replace(limits, room=room))

        make = make_one
    if think == "here":
        from babygpt.studio import page as pages  # which need no torch

        thinking = pages.page(site={"there": "there"})
        policy = f"{pages.policy(beside=True)}; frame-ancestors 'none'"
    memory = int(SHARE * psutil.virtual_memory().available) if memory is None else memory
    sessions = Sessions(make, most_sessions, memory, most_of_one=most_of_one)

    async def screen(request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers=_ASKED_ANEW)

    async def page(request: Request) -> Response:
        return HTMLResponse(thinking, headers=_ASKED_ANEW | {"Content-Security-Policy": policy})

    async def health(request: Request) -> Response:
        return JSONResponse({"version": babygpt.__version__, "sessions": len(sessions)}, headers=_UNKEPT)

    async def download(request: Request) -> Response:
        hosted = sessions.find(request.query_params.get("session", ""))
        if hosted is None:
            return PlainTextResponse("There is no such session any more. Load the studio's page again.\n", 404)
        file = request.path_params["file"]
        try:
            content, media_type = await hosted.export(file)
        except GoneError:
            return PlainTextResponse("The session ended meanwhile. Load the studio's page again.\n", 404)
        except BabyGPTError as error:
            return PlainTextResponse(f"{error}\n", 400)
        except Exception:  # a mistake of ours, or of Graphviz: it costs this file alone
            log.exception("A file could not be made.")
            return PlainTextResponse("The file could not be made.\n", 500)
        return Response(
            content,
            media_type=media_type,
            headers=_UNKEPT | {"Content-Disposition": f'attachment; filename="babygpt-{file}"'},
        )

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        session_id = websocket.query_params.get("session", "")
        if _ID.fullmatch(session_id) is None:
            await websocket.close(1008, "id: A session's id has 16 to 64 letters, digits, - and _.")
            return
        await Connection(websocket, most_bytes(limits)).serve(sessions, session_id)

    app = Starlette(
        routes=[
            Route("/", screen if think == "there" else page),
            Route("/there", screen),
            Route("/health", health),
            Route("/download/{file}", download),
            WebSocketRoute("/ws", socket),
            Mount("/static", Static(directory=STATIC)),
        ],
        middleware=[Middleware(AccessMiddleware, names=names), Middleware(ClassCode, code=code)],
    )
    app.state.sessions = sessions
    return app


_ASKED_ANEW = {"Cache-Control": "no-cache"}
_UNKEPT = {"Cache-Control": "no-store"}


class Static(StaticFiles):
    """Files that a browser asks about each time, so that a new version is never mixed with an old one.

    The script lies there packed, and travels so: every browser unpacks it.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, or what there is to say instead."""
        if path != SCRIPT:
            return await super().get_response(path, scope)
        response = await super().get_response(f"{SCRIPT}.gz", scope)
        if response.status_code == 200:
            response.headers["Content-Type"] = "text/javascript; charset=utf-8"
            response.headers["Content-Encoding"] = "gzip"
        return response

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return a file, or word that the browser has it already."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


def most_bytes(limits: Limits) -> int:
    """Return how large a message may be: the longest text, and what else a command says."""
    return 4 * limits.text + 2**16


def studio_server(
    app: Starlette, limits: Limits, started: Callable[[], object] = lambda: None, proxied: bool = False
) -> Server:
    """Return the server of a studio.

    Parameters
    ----------
    app
        Of :func:`studio_app`.
    limits
        Those of its sessions: they say how large a message may be.
    started
        Called once it can be reached.
    proxied
        Whether a proxy on this machine hands requests on.
    """
    return Server(app, most_bytes(limits), started, app.state.sessions.close, proxied)


def run_studio(
    listener: socket.socket, app: Starlette, limits: Limits, started: Callable[[], object], proxied: bool = False
) -> None:
    """Serve the studio in this process until Ctrl-C or a termination signal.

    Parameters
    ----------
    listener
        Where it is reached.
    app, limits, started, proxied
        As for :func:`studio_server`.
    """
    sys.setswitchinterval(SWITCH)

    async def serve() -> None:
        await studio_server(app, limits, started, proxied).serve([listener])
        for _ in range(PATIENCE):
            if not app.state.sessions.scheduler.in_use:
                return
            await asyncio.sleep(0.05)
        # A thread that computes cannot be stopped, nor need it end: nothing that it does is kept.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    asyncio.run(serve())
