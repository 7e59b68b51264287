"""``babygpt sources``: sources whose truth is known, what can be known of them, samples, and chains judged by them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from babygpt.cli import console
from babygpt.cli.language import translated
from babygpt.cli.meant import load
from babygpt.cli.options import Replace
from babygpt.cli.outputs import format_of
from babygpt.cli.progress import busy
from babygpt.cli.rows import AsRows, OutRows, RowFormat, write_rows
from babygpt.errors import SettingError, SizeError

if TYPE_CHECKING:
    from babygpt.lab.hidden_markov import Source

# The context lengths whose optimal loss is shown.
LENGTHS = range(1, 7)


def sources(
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="One of them, such as 'mess3(x=0.05,a=0.85)' or even for short."),
    ] = None,
    tokens: Annotated[int | None, typer.Option(help="Print a sample of this many tokens.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed says the same.")] = 0,
    run: Annotated[
        Path | None, typer.Option("--judge", metavar="RUN", help="Hold the chain of a run against the source.")
    ] = None,
    format: AsRows = None,  # noqa: A002  # the option's name
    out: OutRows = None,
    replace: Replace = False,
) -> None:
    """List sources whose truth is known: entropy rate, and the lowest loss that each context length allows.

    babygpt sources

    babygpt train "$(babygpt sources even --tokens 2000)" --out runs/even

    babygpt sources even --judge runs/even
    """
    from babygpt.lab.sources import EXAMPLES, named  # NumPy comes after --help

    if source is None and (tokens is not None or run is not None):
        raise SettingError(
            f"{'--tokens' if run is None else '--judge'} needs a source, such as: babygpt sources even --tokens 2000"
        )
    if tokens is not None and run is not None:
        raise SettingError("--tokens prints a sample and --judge a judgement. Ask for one at a time.")
    rows = format_of(RowFormat, format, out)
    if rows != RowFormat.table and (tokens is not None or run is not None):
        raise SettingError("--format and --out write the list of sources. Leave out --tokens and --judge.")
    chosen = [named(name) for name in (EXAMPLES if source is None else (source,))]
    if tokens is not None:
        console.line(chosen[0].sample(tokens, seed))
    elif run is not None:
        _judge(run, chosen[0])
    elif rows != RowFormat.table:
        write_rows(_columns(chosen), rows, out, replace)
    else:
        _list(chosen)


def _columns(chosen: list[Source]) -> dict[str, list[Any]]:
    def loss(source: Source, context_length: int) -> float:
        try:
            return source.optimal_loss(context_length)
        except SizeError:
            return math.nan

    bounds = [source.entropy_bounds for source in chosen]
    return {
        "source": [source.name for source in chosen], "hidden_states": [source.n_states for source in chosen],
        "entropy_rate": [each.value for each in bounds], "known_to": [each.error for each in bounds],
        **{f"optimal_loss_{K}": [loss(source, K) for source in chosen] for K in LENGTHS},
    }  # fmt: skip


def _list(chosen: list[Source]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("source", overflow="fold", min_width=20)
    table.add_column("hidden\nstates", justify="right")
    table.add_column("entropy\nrate", justify="right", no_wrap=True)
    table.add_column("known\nto", justify="right", no_wrap=True)
    for K in LENGTHS:
        table.add_column(f"{'optimal loss' if K == 1 else ''}\nK={K}", justify="right")
    with busy("computing"):
        for source in chosen:
            bounds = source.entropy_bounds
            table.add_row(
                Text(source.name),
                f"{source.n_states:,}",
                f"{bounds.value:.4f}",
                f"{bounds.error:.0e}" if bounds.error else translated("exact"),
                *(_loss(source, K) for K in LENGTHS),
            )
    console.show(table)
    console.say("Nats per token; ln 2 = 0.6931 is a bit.")


def _loss(source: Source, context_length: int) -> str:
    try:
        return f"{source.optimal_loss(context_length):.4f}"
    except SizeError:
        return "–"


def _judge(run: Path, source: Source) -> None:
    from rich.table import Table
    from rich.text import Text

    from babygpt.lab.judge import judge

    loaded = load(run)
    with busy("computing"):
        found, best = judge(loaded, source), source.chain(loaded.chain.context_length)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    table.add_column()
    for name, value, remark in (
        ("cross-entropy", found.cross_entropy, "what the chain loses on endless data, nats per token"),
        ("optimal loss", found.optimal_loss, f"what the best chain with context length {found.context_length} loses"),
        ("excess", found.excess, "the difference: the mean divergence from the truth"),
        ("entropy rate", found.entropy_rate.value, "what a context without end would leave"),
    ):
        table.add_row(translated(name), f"{value:.4f}", Text(translated(remark), style="dim"))
    console.show(table)
    if found.has_shortcut:
        more = found.excess < found.copy_excess / 2
        console.say(
            f"One token alone, {found.best_lag} back, tells so much that a mere copy of it has an excess of "
            f"{found.copy_excess:.4f}: this chain "
            + ("has learnt more than that." if more else "need have learnt no more than that.")
        )
    worst = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("worst contexts", "how often", "excess", "the truth", "the chain"):
        worst.add_column(name, justify="left" if name == "worst contexts" else "right", no_wrap=True)
    for part in found.worst(8):
        token = max(best[part.context], key=best[part.context].__getitem__)
        label = loaded.chain.vocabulary.label
        truth, model = best[part.context][token], loaded.chain[part.context][token]
        said = label(loaded.chain.vocabulary.encode(token))
        worst.add_row(
            Text(label(loaded.chain.vocabulary.encode(part.context))),
            f"{part.weight:.2%}",
            f"{part.excess:.4f}",
            Text(f"{said} {truth:.1%}"),
            Text(f"{said} {model:.1%}"),
        )
    console.out().print()
    console.show(worst)
