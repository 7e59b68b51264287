"""``babygpt export``: a run as a page that thinks by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from babygpt.cli import console
from babygpt.cli.meant import load
from babygpt.cli.options import Replace
from babygpt.cli.outputs import check_out
from babygpt.errors import SettingError
from babygpt.files import write_file


def export(
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN [PAGE.html]", help="The folder of a run, or its zip; the page to write.", show_default=False
        ),
    ] = None,
    article: Annotated[
        bool, typer.Option("--article", help="Without a run: the page that begins as the article does.")
    ] = False,
    lang: Annotated[
        Literal["en", "zh"] | None, typer.Option(help="The page's language.", show_default="the reader's")
    ] = None,
    replace: Replace = False,
) -> None:
    """Write a run as one HTML file that anyone can open: nothing to install, no connection needed.

    It shows the run, with its film, and goes on: it can be trained further, changed, and trained anew.

    babygpt export runs/run-1 page.html

    babygpt export --article babygpt.html
    """
    given = places or []
    if len(given) > 2 - article or not (given or article):
        wanted = "--article takes the page to write" if article else "Give a run and the page to write"
        raise SettingError(f"{wanted}, such as babygpt export {'--article' if article else 'RUN'} page.html.")
    run = None if article else given[0]
    out = (
        given[-1]
        if len(given) > (run is not None)
        else Path(f"{'babygpt' if run is None else run.resolve().stem}.html")
    )
    check_out(out, (".html", ".htm"), replace)
    loaded = None if run is None else load(run)

    from babygpt.studio import page

    written = page.page(lang=lang) if loaded is None else page.page_of_run(loaded, lang=lang)
    path = write_file(out, written.encode(), "page", replace)
    console.line(str(path))
    console.say(f"{path.stat().st_size / 1000:,.0f} kB. Open it in a browser, or send it: it needs nothing else.")
