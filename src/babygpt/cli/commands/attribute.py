"""``babygpt attribute``: the effect of each part of the data on each arrow."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from babygpt.cli import console
from babygpt.cli.language import translated
from babygpt.cli.options import Replace, Sequence, learns
from babygpt.cli.rows import AsRows, OutRowsOrPicture, RowFormat, what_to_write, write_rows
from babygpt.errors import SettingError

if TYPE_CHECKING:
    from rich.table import Table

    from babygpt.lab.attribute import Attribution, Influence

# How many parts of the data are named for each arrow.
NAMED = 3


class By(StrEnum):
    """What is changed."""

    token = "token"
    window = "window"


@learns
def attribute(
    context: typer.Context,
    sequence: Sequence,
    by: Annotated[
        By, typer.Option(help="Change each token, or leave out each window: a context and the token after it.")
    ] = By.token,
    arrow: Annotated[
        list[str] | None,
        typer.Option(metavar="CONTEXT:TOKEN", help="Only these arrows, with every change.", show_default="all"),
    ] = None,
    *,
    seeds: Annotated[
        int | None, typer.Option(help="Instead of --seed the mean of so many: 0, 1, 2, …", show_default=False)
    ] = None,
    settings: dict[str, Any],
    how: dict[str, Any],
    format: AsRows = None,  # noqa: A002  # the option's name
    out: OutRowsOrPicture = None,
    replace: Replace = False,
) -> None:
    """Retrain with each part of the data changed: which part raises which arrow, and which lowers it.

    babygpt attribute 111101111011110

    babygpt attribute 111101111011110 --by window --arrow 000:1

    babygpt attribute 111101111011110 --seeds 100 --out attribution.svg
    """
    # imported here: --help shows without NumPy, a mistake without torch
    from babygpt.cli.progress import training_shown
    from babygpt.cli.source import HowRead, learnt
    from babygpt.gpt.checks import check_count

    chosen = what_to_write(format, out, replace)
    drawn = chosen == "picture"
    context_length, seed = settings["context_length"], settings.pop("seed")
    source = context.get_parameter_source("seed")
    if seeds is not None and source is not None and source.name == "COMMANDLINE":
        raise SettingError(f"--seed {seed} is one seed and --seeds {seeds} the mean of many. Give one of them.")
    numbers = [seed] if seeds is None else range(check_count("seeds", seeds))
    data = learnt(sequence, "attribute", HowRead(**how))
    wanted = [_parted(name) for name in arrow or ()]
    corpus = data.corpus(context_length)
    from babygpt.lab.attribute import arrow_of, changes_of, default_arrows
    from babygpt.lab.attribute import attribute as retrain

    arrows = [arrow_of(corpus, context, token) for context, token in wanted]
    if drawn:  # asked before the training rather than after it
        from babygpt.draw.attribute import check_map

        places, _ = changes_of(data.reading.tokens(), len(corpus.vocabulary), context_length, by.value)
        check_map(len(set(places.tolist())), len(arrows or default_arrows(corpus)))
    what = "with each token changed" if by is By.token else "with each window left out"
    with training_shown(what, data.said) as progress:
        found = retrain(data.reading, by.value, seeds=numbers, progress=progress, **settings)
    try:
        if drawn and out is not None:
            from babygpt.draw.attribute import draw_attribution

            draw_attribution(found, arrows or None).save(out, replace)
            console.say(f"written: {out}")
        elif chosen != RowFormat.table:
            write_rows(found.rows(), chosen, out, replace)
    finally:  # printed even if no file can be written, and written even if nobody reads what is printed
        if out is not None or chosen == RowFormat.table:
            _print(found, arrows)


def _print(found: Attribution, arrows: list[tuple[int, int]]) -> None:
    for i, (state, token) in enumerate(arrows):
        console.line(("\n" if i else "") + f"{_name(found, state, token)}  {_percent(found.base[state, token])}")
        console.show(_changes(found, state, token))
    if not arrows:
        console.show(_overview(found))
        example = f"{found.corpus.most_frequent}:{found.corpus.vocabulary.symbols[-1]}"
        console.say(
            f"The {NAMED} strongest each way, in percentage points; positions count from 0. "
            f'One arrow with every change: --arrow "{example}"'
        )


def _parted(name: str) -> tuple[str, str]:
    context, colon, token = name.rpartition(":")
    if not colon or not context or not token:
        raise SettingError(f"--arrow {name} is no arrow. Write its context and the next token, such as --arrow 101:1")
    return context, token


def _overview(found: Attribution) -> Table:
    from rich.table import Table
    from rich.text import Text

    from babygpt.lab.attribute import default_arrows

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("arrow", "now", "raised by", "lowered by"):
        table.add_column(name, justify="right" if name == "now" else "left", no_wrap=True)
    for state, token in default_arrows(found.corpus):
        context, symbol = _texts(found, state, token)
        strongest = found.strongest(context, symbol)
        up = [influence for influence in strongest if influence.effect > 0][:NAMED]
        down = [influence for influence in strongest if influence.effect < 0][:NAMED]
        table.add_row(
            Text(_name(found, state, token)),
            _percent(found.base[state, token]),
            Text(", ".join(_said(found, influence) for influence in up)),
            Text(", ".join(_said(found, influence) for influence in down)),
        )
    return table


def _changes(found: Attribution, state: int, token: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    what = "token" if found.by == "token" else "window"
    for name in ("position", what, "without it", "effect"):
        table.add_column(name, justify="left" if name == what else "right", no_wrap=True)
    for influence in found.strongest(*_texts(found, state, token)):
        table.add_row(
            str(influence.position),
            Text(_part(found, influence)),
            _percent(influence.changed),
            _points(influence.effect),
        )
    return table


def _texts(found: Attribution, state: int, token: int) -> tuple[str, str]:
    from babygpt.chain.contexts import contexts_between

    V, decode = len(found.corpus.vocabulary), found.corpus.vocabulary.decode
    return decode(contexts_between(state, state + 1, V, found.config.block_size)[0]), decode([token])


def _name(found: Attribution, state: int, token: int) -> str:
    encode, label = found.corpus.vocabulary.encode, found.corpus.vocabulary.label
    return " → ".join(label(encode(text)) for text in _texts(found, state, token))


def _said(found: Attribution, influence: Influence) -> str:
    return translated(f"{_part(found, influence)} at {influence.position} {_points(influence.effect)}")


def _part(found: Attribution, influence: Influence) -> str:
    """Return the part of the data and, of several, what took its place: "0", "b (not c)", "1110"."""
    encode, label = found.corpus.vocabulary.encode, found.corpus.vocabulary.label
    was = label(encode(influence.was))
    if influence.became is None or len(found.corpus.vocabulary) == 2:
        return was
    return translated(f"{was} (not {label(encode(influence.became))})")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _points(effect: float) -> str:
    return f"{100 * effect:+.1f}".replace("-", "−")
