"""``babygpt studio``: the page on which a GPT is trained and seen."""

from __future__ import annotations

from typing import Annotated

import typer

from babygpt.app import screen


def studio(
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 lets a class on the same network in.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="The port.", show_default="8765, or the next free one")] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
) -> None:
    """Open the studio: type a sequence, press Train, watch the whole GPT change.

    babygpt studio

    Everything happens on this machine. With --host, others reach it too: each gets a session with limits for a class.
    """
    from babygpt.app.hosting.server import addresses, is_loopback, listen

    listener = listen(host, port)  # before torch is loaded: a mistake shows at once
    from babygpt.app.hosting.server import open_browser
    from babygpt.app.stage.limits import Limits
    from babygpt.app.studio import CLASS_SESSIONS, SESSIONS, run_studio

    alone = is_loopback(listener)
    limits, most_sessions = (Limits(), SESSIONS) if alone else (Limits.for_a_class(), CLASS_SESSIONS)
    urls = addresses(listener)

    def started() -> None:
        screen.say(f"BabyGPT studio: {urls[0]}  (Ctrl-C stops it)")
        if not alone:
            screen.say(
                f"Open to the network, for up to {most_sessions} at once, each with up to {limits.states:,} states, "
                f"{limits.steps:,} steps and {limits.text:,} characters. To type in a browser: {' or '.join(urls)}"
            )
        if not no_open:
            open_browser(urls[-1])

    run_studio(listener, limits, most_sessions, [host], started)
