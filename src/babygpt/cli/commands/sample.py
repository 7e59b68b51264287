"""``babygpt sample``: walk the chain of a run."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from babygpt.chain.decoding import Decoding
from babygpt.cli import console
from babygpt.cli.meant import load
from babygpt.cli.options import AtStep, Replace, RunFolder, chain_at, decodes
from babygpt.cli.rows import AsRows, OutRows, RowFormat, rows_to_write, write_rows
from babygpt.errors import SettingError


@decodes
def sample(
    run: RunFolder,
    start: Annotated[
        str | None, typer.Option(help="The prompt to start from.", show_default="the data's most frequent context")
    ] = None,
    tokens: Annotated[int, typer.Option(help="How many tokens to draw.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed walks the same way.")] = 0,
    step: AtStep = None,
    *,
    decoding: Decoding,
    plain: Annotated[bool, typer.Option("--plain", help="Print only the tokens drawn.")] = False,
    format: AsRows = None,  # noqa: A002  # the option's name
    out: OutRows = None,
    replace: Replace = False,
) -> None:
    """Walk the chain: flip the biased coin, move along the arrow, repeat.

    babygpt sample runs/run-1 --start 101 --tokens 20

    babygpt sample runs/run-1 --tokens 1000 --out walk.csv
    """
    from babygpt.cli import terminal  # NumPy comes after --help

    chosen = rows_to_write(format, out, replace)
    if plain and chosen != RowFormat.table:
        raise SettingError("--plain prints the tokens alone, and --format and --out write rows. Give one of them.")
    loaded = load(run)
    if start is None:
        start = loaded.corpus.most_frequent
    chain = chain_at(loaded, step).decoded(decoding)
    walk = chain.walk(start, tokens, seed)
    if tokens:
        terminal.say_if_not_trained(loaded, start)
    if chosen != RowFormat.table:
        symbols, contexts = walk.vocabulary.symbols, [walk.vocabulary.decode(ids) for ids in walk.contexts]
        columns: dict[str, Any] = {
            "context": contexts[:-1], "token": [symbols[token] for token in walk.tokens.tolist()],
            "probability": walk.probs, "next": contexts[1:],
        }  # fmt: skip
        write_rows(columns, chosen, out, replace)
        return
    if plain:
        console.line(walk.text)
        return
    for line in terminal.walk_lines(walk):
        console.line(line)
    console.line(f"\n{start}{walk.vocabulary.separator}{walk.text}")
