"""``babygpt studio``: the page on which a GPT is trained and seen."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from babygpt.cli import console
from babygpt.errors import SettingError


def studio(
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 lets a class on the same network in.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="The port.", show_default="8765, or the next free one")] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
    code: Annotated[
        str | None, typer.Option(help="The class code.", show_default="a new one where others can reach the studio")
    ] = None,
    no_code: Annotated[bool, typer.Option("--no-code", help="Let in whoever reaches it.")] = False,
    think: Annotated[
        Literal["here", "there"] | None,
        typer.Option(
            help="Who trains: each browser by itself (here), or this program for all (there).",
            show_default="here for a class, there for yourself",
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="DOMAIN", help="A name it is called by, where a proxy on this machine serves it."),
    ] = None,
) -> None:
    """Open the studio: type a sequence, press Train, watch the whole GPT change.

    babygpt studio

    Everything happens on this machine. With --host, others who have the link, or its code, reach it too: each gets a
    page that trains by itself, and comes to this machine only for what is too large for it.
    """
    from babygpt.studio.server.serving import addresses, is_loopback, listen

    if code is not None and (no_code or not code.strip()):
        raise SettingError("--code names the class code and --no-code asks for none. Give one of them.")
    listener = listen(host, port)  # before torch is loaded: a mistake shows at once
    from babygpt.studio.limits import Limits
    from babygpt.studio.server.app import CLASS_SESSIONS, SESSIONS, SESSIONS_OF_ONE, run_studio, studio_app
    from babygpt.studio.server.code import new_code
    from babygpt.studio.server.serving import open_browser

    alone, names = is_loopback(listener) and not name, name or []
    limits, most_sessions, most_of_one = (
        (Limits(), SESSIONS, None) if alone else (Limits.for_a_class(), CLASS_SESSIONS, SESSIONS_OF_ONE)
    )
    think = think or ("there" if alone else "here")
    if code is None and not alone and not no_code:
        code = new_code()
    behind = f"?code={code}" if code else ""
    here = [url + behind for url in addresses(listener)]
    urls = [f"https://{domain}/{behind}" for domain in names] or here

    def started() -> None:
        console.say(f"BabyGPT studio: {urls[0]}  (Ctrl-C stops it)")
        if not alone:
            if think == "here":
                console.say("Each browser trains by itself; what is too large for it, it hands on to this machine.")
            console.say(
                f"Open to the network, for up to {most_sessions} at once, {most_of_one} from one address, each with up "
                f"to {limits.states:,} states, {limits.steps:,} steps and {limits.text:,} characters. "
                f"To open in a browser: {' or '.join(urls)}"
            )
            if code:
                console.say(f"Class code: {code}  (who opens the address without it is asked for it)")
            _show_as_qr(urls[0])
        if not no_open:
            open_browser(here[-1])

    app = studio_app(limits, most_sessions, [host, *names], most_of_one=most_of_one, code=code, think=think)
    run_studio(listener, app, limits, started, proxied=bool(names))


def _show_as_qr(url: str) -> None:
    """Draw a link as a QR code where standard error is a terminal that can show one."""
    if sys.stderr.isatty() and "utf" in (sys.stderr.encoding or "").lower():
        import segno

        segno.make(url, micro=False).terminal(out=sys.stderr, compact=True)
