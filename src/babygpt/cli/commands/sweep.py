"""``babygpt sweep``: many trainings over any settings, and a picture of what they gave."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from babygpt.cli import console
from babygpt.cli.language import translated
from babygpt.cli.meant import Command, Commands
from babygpt.cli.options import Replace
from babygpt.cli.outputs import PICTURES, check_out
from babygpt.errors import SettingError


class Backend(StrEnum):
    """Who does the work."""

    loky = "loky"
    threading = "threading"
    dask = "dask"


class SpecOrPlot(Commands):
    """Takes ``sweep SPEC.toml`` for ``sweep run SPEC.toml``; a file called plot is ``./plot``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        near = get_close_matches(args[0], self.commands, n=1, cutoff=0.7) if args else []
        if near and near != args[:1] and not Path(args[0]).exists():
            meant = shlex.join(["babygpt", "sweep", *near, *args[1:]])
            raise SettingError(f"There is no file {args[0]}. Did you mean: {meant}")
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["run", *args]
        return super().parse_args(ctx, args)


sweep = typer.Typer(
    cls=SpecOrPlot,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""Train every combination of the settings in a file, and keep what they give as Parquet.

    babygpt sweep SPEC.toml

    babygpt sweep SPEC.toml --backend dask --scheduler tcp://host:8786

    babygpt sweep plot sweeps/SPEC --x n_layer --y gap

    Ctrl-C stops; the same command goes on.""",
    epilog="All options:  babygpt sweep run --help",
)


@sweep.command(cls=Command)
def run(
    spec: Annotated[
        Path, typer.Argument(metavar="SPEC.toml", help="What to vary and what to ask.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder of the results.", show_default="sweeps/SPEC")
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Workers on this machine.", show_default="its cores")] = None,
    backend: Annotated[
        Backend, typer.Option(help="Processes or threads of this machine, or a Dask cluster.")
    ] = Backend.loky,
    scheduler: Annotated[str | None, typer.Option(help="The Dask scheduler, such as tcp://host:8786.")] = None,
    limit: Annotated[int, typer.Option(help="Refuse more trainings than this.")] = 100_000,
) -> None:
    """Train what SPEC.toml asks for and the folder lacks. The word run may be left out.

    babygpt sweep SPEC.toml --jobs 4
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from babygpt.lab import sweep as lab  # NumPy comes after --help

    folder = Path("sweeps") / spec.stem if out is None else out
    display = Progress(
        TextColumn(translated("training")),
        BarColumn(bar_width=28),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TimeRemainingColumn(compact=True),
        console=console.err(),
    )

    def progress(done: int, total: int) -> None:
        if display.task_ids:
            display.update(display.task_ids[0], completed=done)
        else:  # what was there already took no time, so it begins as done
            for line in _symbols(spec):
                console.say(line)
            display.add_task("", total=total, completed=done)
            shown.enter_context(display)

    try:
        with ExitStack() as shown:
            made = lab.sweep(
                spec, folder, jobs=jobs, backend=backend.value, scheduler=scheduler, limit=limit, progress=progress
            )
    except KeyboardInterrupt:
        console.say(f"Stopped. What was done is kept in {folder}, and the same command goes on from it.")
        raise typer.Exit(130) from None
    said = ", ".join(f"{count:,} {status}" for status, count in made.statuses.items())
    known = f" ({made.n_known:,} known before)" if made.n_known else ""
    console.say(f"{made.n_tasks:,} training{'s' * (made.n_tasks != 1)}: {said}{known}")
    for damage in made.damaged:
        console.say(f"warning: {damage}")
    for reason in sorted(made.failures)[:3]:
        console.say(f"warning: {reason}")
    console.line(str(folder / "results.parquet"))
    if failed := made.statuses.get("failed", 0):
        console.say(f"{failed:,} of {made.n_tasks:,} trainings failed; the same command tries them again.")
        raise typer.Exit(1)


def _symbols(path: Path) -> list[str]:
    """Return what is said of the symbols of a spec's text, if it has one for all trainings."""
    from babygpt.cli.peculiar import peculiar
    from babygpt.cli.source import symbols_line
    from babygpt.lab.settings import SETTINGS, SOURCE, corpus_of
    from babygpt.lab.spec import SweepSpec

    fixed = SweepSpec.read(path).fixed
    settings = {name: fixed.get(name, default) for name, (_, default) in SETTINGS.items()}
    if settings["sequence"] is None or settings["sequence"].startswith(SOURCE):
        return []
    vocabulary = corpus_of(settings | {"context_length": 1}).vocabulary
    return [symbols_line(vocabulary), *peculiar(vocabulary)]


@sweep.command(cls=Command)
def plot(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a sweep.", show_default=False)],
    x: Annotated[str, typer.Option("--x", help="The setting to go along the axis.", show_default=False)],
    y: Annotated[str, typer.Option("--y", help="The outcome to go up it.", show_default=False)],
    by: Annotated[str | None, typer.Option("--by", help="A setting with a line for each value.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture: svg, png, pdf.")] = Path("sweep.svg"),
    replace: Replace = False,
) -> None:
    """Draw an outcome over a setting: a dot for each training, a line through the medians, half of all in the band.

    babygpt sweep plot sweeps/SPEC --x learning_rate --y gap --by n_layer --out gap.svg
    """
    check_out(out, PICTURES, replace)
    import warnings

    from babygpt.draw.sweep import draw_sweep
    from babygpt.lab.store import read_results

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = read_results(folder)
    for warning in caught:
        console.say(f"warning: {warning.message}")
    console.line(str(draw_sweep(results, x, y, by).save(out, replace)))
