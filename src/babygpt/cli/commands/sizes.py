"""``babygpt sizes``: how large the chains of known models would be."""

from __future__ import annotations

from typing import Annotated

import typer

from babygpt.cli import console
from babygpt.cli.sizes import Size, byte_count, known_models
from babygpt.errors import SettingError

MAX_NUMBER = 10**15


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
    table.add_column("model", no_wrap=True)
    for name in ("tokens", "context", "states", "bits", "bytes", "article says"):
        table.add_column(name, justify="right", no_wrap=True)
    notes = []
    for model in known_models(names or []) if vocab is None or names else ():
        table.add_row(model.name, *_cells(model.article), model.article_says)
        if model.remark:
            table.add_row("  corrected", *_cells(model.actual), "")
            notes.append(f"{model.name}: {model.remark}.")
    if vocab is not None and context_length is not None:
        if not (2 <= vocab <= MAX_NUMBER and 1 <= context_length <= MAX_NUMBER):
            raise SettingError(
                f"A chain needs --vocab of at least 2 and --context of at least 1; here they go up to {MAX_NUMBER:,}."
            )
        table.add_row("yours", *_cells(Size(vocab, context_length)), "")
    console.show(table)
    if notes:
        console.out().print("\n" + "\n".join(notes), markup=False)


def _cells(size: Size) -> tuple[str, ...]:
    return (
        f"{size.vocab_size:,}",
        f"{size.context_length:,}",
        size.states,
        f"{size.bits:,.0f}",
        byte_count(size.bytes),
    )
