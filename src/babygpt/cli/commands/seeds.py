"""``babygpt seeds``: what many seeds say about every arrow, and where one run lies among them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from babygpt.cli import console
from babygpt.cli.language import translated
from babygpt.cli.options import Replace, Sequence, learns
from babygpt.cli.rows import AsRows, OutRowsOrPicture, RowFormat, what_to_write, write_rows
from babygpt.errors import DivergedError, SettingError
from babygpt.settings import default

if TYPE_CHECKING:
    from rich.table import Table

    from babygpt.lab.seed_study import Mark, SeedStudy

# Beyond this a list of seeds alone is large; a sweep is the way.
MAX_SEEDS = 10**6
# More rows than this are not read by people.
MAX_ROWS = 64
BAR = 32


@partial(learns, leave_out=("seed",))
def seeds(
    sequence: Sequence,
    seeds: Annotated[int, typer.Option(help="How many seeds: 0, 1, 2, …")] = 1000,
    at: Annotated[
        str | None, typer.Option(metavar="STEPS", help="Steps to look at, such as 0,10,50.", show_default="the last")
    ] = None,
    mark: Annotated[int, typer.Option(help="The seed of the run to find among them.")] = default("seed"),
    *,
    settings: dict[str, Any],
    how: dict[str, Any],
    format: AsRows = None,  # noqa: A002  # the option's name
    out: OutRowsOrPicture = None,
    replace: Replace = False,
    each: Annotated[bool, typer.Option("--each", help="Write every seed's arrows, not a summary of them.")] = False,
) -> None:
    """Train a GPT from each of many seeds: what all of them say is not one seed's doing.

    babygpt seeds 111101111011110

    babygpt seeds 111101111011110 --at 0,10,50 --out seeds.svg

    babygpt seeds 111101111011110 --at all --each --out seeds.parquet
    """
    # imported here: --help shows without NumPy, a mistake without torch
    from babygpt.cli.progress import training_shown
    from babygpt.cli.source import HowRead, learnt
    from babygpt.gpt.checks import check_count, check_seed

    if check_count("seeds", seeds) > MAX_SEEDS:
        raise SettingError(f"seeds={seeds} is more than this command takes, {MAX_SEEDS:,}. Ask for fewer.")
    check_seed(check_count("mark", mark, least=0))
    steps = check_count("steps", settings["steps"])
    named = _steps(at, steps)
    chosen = what_to_write(format, out, replace)
    drawn = chosen == "picture"
    if each and chosen in ("picture", RowFormat.table):
        raise SettingError("--each writes a row for every seed, which takes a table. Add --out seeds.parquet, say.")
    data = learnt(sequence, "seeds", HowRead(**how))
    corpus = data.corpus(settings["context_length"])
    from babygpt.lab.seed_study import check_steps, study

    frames = None if named is None else check_steps(named, steps)
    if drawn:  # asked before the training rather than after it
        from babygpt.draw.seed_hills import check_columns

        check_columns(len(corpus.vocabulary), steps + 1 if frames is None else len(frames))
    with training_shown(f"{seeds:,} seeds", data.said) as progress:
        found = study(corpus, range(seeds), at=frames, progress=progress, **settings)
    if len(found.diverged):
        console.say(f"{len(found.diverged):,} of {seeds:,} seeds did not stay finite and are left out.")
    try:
        marked: Mark | None = found.mark(mark)
    except DivergedError:
        marked = None
        console.say(f"The GPT of seed {mark} did not stay finite, so no run is marked. --mark names another.")
    try:
        if drawn and out is not None:
            from babygpt.draw.seed_hills import draw_seeds

            draw_seeds(found, found.steps.tolist(), marked).save(out, replace)
            console.say(f"written: {out}")
        elif chosen != RowFormat.table:
            write_rows(found.rows() if each else found.summary(marked), chosen, out, replace)
    finally:  # printed even if no file can be written, and written even if nobody reads what is printed
        if out is not None or chosen == RowFormat.table:
            _print(found, marked)


def _steps(at: str | None, steps: int) -> list[int] | None:
    """Return the steps that ``--at`` names; None is all of them."""
    if at is None:
        return [steps]
    if at == "all":
        return None
    try:
        return [int(step) for step in at.split(",")]
    except ValueError:
        raise SettingError(f"--at {at} is no list of steps. Write --at 0,10,{steps}, say, or --at all.") from None


def _print(found: SeedStudy, marked: Mark | None) -> None:
    from babygpt.lab.seed_study import some_states

    shown = list(range(len(found.steps)))
    if len(shown) > 6:  # a history: its beginning, its end, and some between
        shown = sorted({round(i * (len(shown) - 1) / 5) for i in range(6)})
        console.say(f"Six of {len(found.steps):,} steps. All of them: --out seeds.csv")
    V = len(found.corpus.vocabulary)
    states = some_states(found.corpus, max(1, MAX_ROWS // (V if V > 2 else 1)))
    for i, frame in enumerate(shown):
        if len(shown) > 1:
            console.line(("\n" if i else "") + translated(f"step {found.steps[frame]}"))
        console.show(_table(found, marked, frame, states))
    label = found.corpus.vocabulary.label
    if V == 2:
        console.say(f"After each context {label([0])} takes the rest.")
    if len(states) < len(found.seen):
        console.say(f"Some of {len(found.seen):,} contexts. All of them: --out seeds.csv")


def _table(found: SeedStudy, marked: Mark | None, frame: int, states: list[int]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from babygpt.chain.contexts import contexts_between
    from babygpt.lab.seed_study import QUANTILES

    vocabulary, V = found.corpus.vocabulary, len(found.corpus.vocabulary)
    quantiles, above = found.quantiles()[:, frame], found.share_above()[frame]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("arrow", no_wrap=True)
    for q in QUANTILES[::2]:  # the others are in the bar
        table.add_column("median" if q == 0.5 else f"{q:.0%}", justify="right", no_wrap=True)
    table.add_column("0%" + "100%".rjust(BAR - 2), no_wrap=True)
    table.add_column("above ½", justify="right", no_wrap=True)
    if marked is not None:
        table.add_column(f"seed {marked.seed}", justify="right", no_wrap=True)
        table.add_column("below it", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for state in states:
        context = vocabulary.label(contexts_between(state, state + 1, V, found.config.block_size)[0])
        for token in [1] if V == 2 else range(V):
            spread = quantiles[:, state, token].tolist()
            own = [] if marked is None else [float(p[frame, state, token]) for p in (marked.probs, marked.below)]
            table.add_row(
                Text(f"{context} → {vocabulary.label([token])}"),
                *(_percent(p) for p in spread[::2]),
                Text(bar(spread, *own[:1])),
                _percent(float(above[state, token])),
                *(_percent(p) for p in own),
                Text("" if found.seen[state] else translated("never seen"), style="dim"),
            )
    return table


def bar(spread: list[float], own: float | None = None) -> str:
    """Return five quantiles and one probability, if there is one, on a line from 0 to 1: ``──━━┃━━◆──``.

    >>> bar([0.1, 0.2, 0.3, 0.4, 0.5], 0.9)
    '  ──━━━┃━━───        ◆  '
    """
    low, left, middle, right, high = (min(BAR - 1, int(p * BAR)) for p in spread)
    cells = [" "] * BAR
    cells[low : high + 1] = "─" * (high + 1 - low)
    cells[left : right + 1] = "━" * (right + 1 - left)
    cells[middle] = "┃"
    if own is not None:
        cells[min(BAR - 1, int(own * BAR))] = "◆"
    return "".join(cells)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if share == share else "–"
