"""``babygpt chain``: print, draw or export the chain of a run."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from babygpt.cli import console
from babygpt.cli.meant import load
from babygpt.cli.options import AtStep, Replace, RunFolder, ShortContexts, chain_at
from babygpt.cli.outputs import check_free, format_of
from babygpt.cli.progress import busy
from babygpt.errors import SettingError
from babygpt.files import write_file


class Layout(StrEnum):
    """How states are placed."""

    symmetric = "symmetric"
    circo = "circo"
    ring = "ring"


class Format(StrEnum):
    """What a chain is written as."""

    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"
    npz = "npz"
    dot = "dot"
    svg = "svg"
    png = "png"
    pdf = "pdf"
    graphml = "graphml"


def chain(
    run: RunFolder,
    format: Annotated[  # noqa: A002  # the option's name
        Format | None, typer.Option("--format", "-f", help="How to write it.", show_default="table")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A file; its ending chooses the format.")] = None,
    replace: Replace = False,
    step: AtStep = None,
    layout: Annotated[
        Layout | None,
        typer.Option(
            help="Where states go.",
            show_default="symmetric for two symbols and K ≤ 3, else circo up to 16 states, ring above",
        ),
    ] = None,
    short_contexts: ShortContexts = False,
) -> None:
    """Print, draw or export the chain of a run.

    babygpt chain runs/run-1

    babygpt chain runs/run-1 --out chain.svg

    babygpt chain runs/run-1 --step 0 --format json

    A row of csv and parquet is an arrow: state, context, token, probability, next_state, next. Spreadsheets read the
    context 000 as 0: there, go by the number of the state.
    """
    from babygpt.cli import terminal  # NumPy comes after --help
    from babygpt.draw import formats
    from babygpt.gpt.signs import harmless

    chosen = format_of(Format, format, out)
    if layout is not None and chosen not in formats.PICTURES:
        raise SettingError(f"--layout places the states of a picture; {chosen} is none. Add --out chain.svg, say.")
    if out is not None:
        check_free(out, "picture" if chosen in formats.PICTURES else "file", replace)
    loaded = load(run)
    the_chain = chain_at(loaded, step)
    if chosen == "table":
        states = terminal.shown_states(the_chain, loaded.corpus)
        console.show(terminal.chain_table(the_chain, states, loaded.corpus, short_contexts))
        terminal.say_what_is_hidden(the_chain, run)
        return
    if chosen in formats.PICTURES:
        from babygpt.draw.graph import draw_chain  # drawing loads Graphviz and matplotlib

        place = None if layout is None else layout.value
        with busy("drawing"):
            data = draw_chain(the_chain, place, loaded.corpus.states.tolist(), short_contexts).render(chosen)
    else:
        with busy("exporting"):
            data = formats.export(the_chain, chosen, short_contexts)
        formula = next((s for s in the_chain.vocabulary.symbols if s.startswith(("=", "+", "-", "@"))), None)
        if chosen == "csv" and formula is not None:
            console.say(
                f"A spreadsheet takes a text that begins as {formula} does for a formula, unless it is told that "
                "context, token and next are text."
            )
    if out is not None:
        write_file(out, data, "picture" if chosen in formats.PICTURES else "file", replace)
        console.say(f"written: {out}")
    elif chosen in formats.BINARY and sys.stdout.isatty():
        raise SettingError(f"{chosen} is not text and would garble the terminal. Add --out chain.{chosen}")
    else:
        terminal.write(data if chosen in formats.BINARY else harmless(data.decode()).encode())
