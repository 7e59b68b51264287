"""``babygpt sizes``: how large the chains of known models would be."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from babygpt.cli import console
from babygpt.cli.language import translated
from babygpt.cli.options import Replace
from babygpt.cli.outputs import format_of
from babygpt.cli.rows import AsRows, OutRows, RowFormat, write_rows
from babygpt.cli.sizes import Size, byte_count, known_models
from babygpt.errors import SettingError

MAX_NUMBER = 10**15


def sizes(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help="baby-gpt, gpt-2, gpt-3, gpt-4.")] = None,
    vocab: Annotated[int | None, typer.Option(help="Tokens in the vocabulary of a model of your own.")] = None,
    context_length: Annotated[int | None, typer.Option("--context", help="Its context length.")] = None,
    format: AsRows = None,  # noqa: A002  # the option's name
    out: OutRows = None,
    replace: Replace = False,
) -> None:
    """How large the chains of known models are, and how many bytes name one state.

    babygpt sizes

    babygpt sizes --vocab 27 --context 8
    """
    from rich.table import Table  # after --help

    if (vocab is None) != (context_length is None):
        raise SettingError("A size of your own needs both numbers: babygpt sizes --vocab 27 --context 8")
    chosen = format_of(RowFormat, format, out)
    found: list[tuple[str, Size, str]] = []  # of which model, its size, and what the article says of that
    notes = []
    for model in known_models(names or []) if vocab is None or names else ():
        found.append((model.name, model.article, model.article_says))
        if model.remark:
            found.append((f"{model.name} corrected", model.actual, ""))
            notes.append(f"{model.name}: {translated(model.remark)}.")
    if vocab is not None and context_length is not None:
        if not (2 <= vocab <= MAX_NUMBER and 1 <= context_length <= MAX_NUMBER):
            raise SettingError(
                f"A chain needs --vocab of at least 2 and --context of at least 1; here they go up to {MAX_NUMBER:,}."
            )
        found.append(("yours", Size(vocab, context_length), ""))
    if chosen != RowFormat.table:
        columns: dict[str, list[Any]] = {
            "model": [name for name, *_ in found], "tokens": [size.vocab_size for _, size, _ in found],
            "context_length": [size.context_length for _, size, _ in found],
            "bits": [size.bits for _, size, _ in found], "bytes": [size.bytes for _, size, _ in found],
        }  # fmt: skip
        write_rows(columns, chosen, out, replace)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", no_wrap=True)
    for name in ("tokens", "context", "states", "bits", "bytes", "article says"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, size, said in found:
        table.add_row(translated("  corrected") if name.endswith(" corrected") else name, *_cells(size), said)
    console.show(table)
    if notes:
        console.out().print("\n" + "\n".join(notes), markup=False)


def _cells(size: Size) -> tuple[str, ...]:
    return (
        f"{size.vocab_size:,}",
        f"{size.context_length:,}",
        size.states,
        f"{size.bits:,.0f}",
        translated(byte_count(size.bytes)),
    )
