"""The class code: who may use a studio that others than this machine can reach.

A code of six characters is part of the link that the studio prints. Whoever opens that link is given it as a cookie and
is sent on to the plain address, so that no screen that is projected shows it; whoever comes without it is asked for it.
A wrong code is answered late, so that trying them all takes longer than any lesson.
"""

from __future__ import annotations

import asyncio
import html
import secrets
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what is taken for something else: i, l, o, 0, 1
LENGTH = 6
COOKIE = "babygpt-code"
LATE = 1.0  # seconds until a wrong code is answered
OPEN = ("/static/icon.svg",)  # what a browser asks for by itself


def new_code() -> str:
    """Return a class code, drawn from about 9·10⁸.

    >>> len(new_code()), set(new_code()) <= set(ALPHABET)
    (6, True)
    """
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


class ClassCode:
    """Lets in who knows the code.

    Parameters
    ----------
    app
        What is behind it.
    code
        The code; None lets everyone in.
    """

    def __init__(self, app: ASGIApp, code: str | None = None) -> None:
        self._app, self._code = app, code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the caller in, or ask for the code."""
        if self._code is None or scope["type"] not in ("http", "websocket") or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        told = _told(scope)
        if self._is_code(told):
            if scope["type"] == "http" and scope["path"] == "/":
                answer: Response = RedirectResponse(".", 303)  # what stands behind # goes along
                answer.set_cookie(COOKIE, self._code, httponly=True, samesite="lax")
                await answer(scope, receive, send)
                return
        elif not self._is_code(HTTPConnection(scope).cookies.get(COOKIE)):
            if told is not None:
                await asyncio.sleep(LATE)
            await _refuse(told, scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_code(self, told: str | None) -> bool:
        given = "".join((told or "").split()).lower().encode()
        return secrets.compare_digest(given, (self._code or "").lower().encode())


def _told(scope: Scope) -> str | None:
    """Return the code in the address, if there is one."""
    return next(iter(parse_qs(scope["query_string"].decode("latin-1")).get("code", [])), None)


async def _refuse(told: str | None, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        refusal = PlainTextResponse("This studio asks for its class code. Open the link that you were given.\n", 403)
        await WebSocket(scope, receive, send).send_denial_response(refusal)
    elif scope["path"] == "/":
        page = HTMLResponse(_page(told), 403, headers={"Cache-Control": "no-store"})
        page.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'"
        )
        await page(scope, receive, send)
    else:
        answer = PlainTextResponse("This studio asks for its class code. Open the link that you were given.\n", 403)
        await answer(scope, receive, send)


def _page(told: str | None) -> str:
    """Return the page that asks for the code, in both languages."""
    wrong = "" if told is None else (
        f'<p role="alert">“{html.escape(told[:20])}” is not the code. · '
        f'<span lang="zh-CN">“{html.escape(told[:20])}”不是课堂码。</span></p>'
    )  # fmt: skip
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>BabyGPT: class code</title>
<link rel="icon" type="image/svg+xml" href="static/icon.svg">
<style>
body {{ font: 1.125rem/1.5 system-ui, sans-serif; margin: 20vh auto 0; max-width: 24rem; padding: 0 1rem }}
label span {{ display: block }}
input {{ font: 1.75rem ui-monospace, monospace; letter-spacing: .2em; width: 8em; padding: .2em .4em; margin: .5em 0 }}
button {{ font: inherit; padding: .5em 1.2em }}
</style>
</head>
<body>
<main>
<h1>BabyGPT</h1>
<form>
<label><span>The class code, as the board shows it</span><span lang="zh-CN">请输入老师给出的课堂码</span>
<input name="code" required autofocus autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="40">
</label>
{wrong}
<p><button>Enter · <span lang="zh-CN">进入</span></button></p>
</form>
</main>
</body>
</html>
"""
