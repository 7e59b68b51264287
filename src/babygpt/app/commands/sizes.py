"""``babygpt sizes``: how large the chains of known models would be."""

from __future__ import annotations

from typing import Annotated

import typer

from babygpt.app import screen
from babygpt.app.sizes import Size, byte_count, known_models
from babygpt.errors import SettingError


def sizes(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help="baby-gpt, gpt-2, gpt-3, gpt-4.")] = None,
    vocab: Annotated[int | None, typer.Option(help="Tokens in the vocabulary of a model of your own.")] = None,
    context_length: Annotated[int | None, typer.Option("--context", help="Its context length.")] = None,
) -> None:
    """How large the chains of known models are, and how many bytes name one state.

    babygpt sizes

    babygpt sizes --vocab 27 --context 8
    """
    from rich.table import Table  # after --help

    if (vocab is None) != (context_length is None):
        raise SettingError("A size of your own needs both numbers: babygpt sizes --vocab 27 --context 8")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("model", ""):
        table.add_column(name, no_wrap=True)
    for name in ("tokens", "context", "states", "bits of state", "bytes"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("the article says / why corrected")
    for model in known_models(names or []) if vocab is None or names else ():
        table.add_row(model.name, "article", *_cells(model.article), model.article_says)
        table.add_row("", "corrected", *_cells(model.actual), model.remark)
    if vocab is not None and context_length is not None:
        if vocab < 2 or context_length < 1:
            raise SettingError(
                f"--vocab {vocab} --context {context_length}: a chain needs 2 tokens and a context of 1."
            )
        table.add_row("yours", "", *_cells(Size(vocab, context_length)), "")
    screen.out().print(table)


def _cells(size: Size) -> tuple[str, ...]:
    return (
        f"{size.vocab_size:,}",
        f"{size.context_length:,}",
        size.states,
        f"{size.bits:,.0f}",
        byte_count(size.bytes),
    )
