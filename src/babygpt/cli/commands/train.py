"""``babygpt train``: train a GPT, save the run, print its chain and draw it."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from babygpt.cli import console, stopping
from babygpt.cli.meant import load
from babygpt.cli.options import learns, runs_folder
from babygpt.errors import BabyGPTError, DivergedError, MissingPackageError, RunError, SettingError
from babygpt.gpt.signs import harmless
from babygpt.settings import SETTINGS

if TYPE_CHECKING:
    from babygpt.cli.stopping import Stop
    from babygpt.picture import Picture
    from babygpt.run.checkpoints import Checkpoints
    from babygpt.run.run import Run
    from babygpt.run.training import Training


# Frames of more bytes are told of, with how many fewer would do for most pictures.
LARGE, FEWER = 50 * 2**20, 100

# Nats per token above the floor from which on a training is said to have reached it.
NEAR = 0.005


class Show(StrEnum):
    """How contexts are printed."""

    lines = "lines"
    table = "table"
    none = "none"


@learns
def train(
    context: typer.Context,
    sequence: Annotated[
        str | None,
        typer.Argument(metavar="SEQUENCE|FILE|-", help="What to learn: a text, a text file, or - for standard input."),
    ] = None,
    *,
    settings: dict[str, Any],
    how: dict[str, Any],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The folder to save the run in; BABYGPT_RUNS names one for all.",
            show_default="runs/run-1, run-2, …",
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a run that is already there.")] = False,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run, to --steps steps in all.", show_default=False)
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(help="How many steps' chains to keep at most.", show_default="all, up to 256 MiB"),
    ] = None,
    show: Annotated[
        Show, typer.Option(help="Print the trained chain as the article does, or as a table.")
    ] = Show.lines,
) -> None:
    """Train a GPT, save the run, print its chain and draw it.

    babygpt train 111101111011110

    babygpt train poem.txt --context 2 --steps 500

    Ctrl-C, or SIGTERM, stops early and keeps what was trained; babygpt train --resume runs/run-1 goes on. A training of
    more than a minute is saved every minute: what ends it otherwise costs no more than that.
    """
    # imported here: --help shows without NumPy, a mistake without torch
    from babygpt.chain.contexts import check_size
    from babygpt.cli.source import HowRead, learnt, symbols_line
    from babygpt.gpt.config import shape_of, training_of
    from babygpt.run.files import broken_off, check_free

    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
    if resume is not None:
        _refuse_with_resume(given)
        target, may_replace = (out or resume), (replace or out is None)
        check_free(target, may_replace)
        earlier = load(resume)
        from babygpt.run.training import Training

        training = Training.resume(earlier, settings["steps"] if "steps" in given else None, frames=frames)
        said = [symbols_line(earlier.corpus.vocabulary)]
    elif sequence is None:
        raise SettingError("There is nothing to learn from. Give a sequence, such as: babygpt train 111101111011110")
    else:
        target, may_replace = (out or _free_name()), replace
        check_free(target, may_replace)
        train_config = training_of(settings)
        shape_of(settings, vocab_size=2)
        data = learnt(sequence, "train", HowRead(**how))
        corpus, said = data.corpus(settings["context_length"]), list(data.said)
        config = shape_of(settings, len(corpus.vocabulary))
        check_size(config.vocab_size, config.block_size)
        from babygpt.run.training import Training

        training = Training(corpus, config, train_config, frames=frames)
    for line in said:
        console.say(line)
    if not target.exists() and (offered := broken_off(target)) is not None:
        console.say(f"{offered} It is removed when this training is saved in its place.")
    _run_training(training, target, may_replace, show, named=out is not None or resume is not None)


def _run_training(training: Training, target: Path, replace: bool, show: Show, named: bool) -> None:
    from babygpt.run.checkpoints import Checkpoints

    corpus, config, total = training.corpus, training.config, training.train_config.steps
    floor = corpus.loss_floor(training.train_config.positions)
    console.say(
        f"{corpus.amount} · {len(corpus.contexts):,} of "
        f"{config.vocab_size**config.block_size:,} contexts seen · {training.trainer.gpt.n_parameters:,} parameters"
    )
    _say_how_large(training)
    checkpoints = Checkpoints(target, replace)
    with stopping.noted() as stop:
        failure = _train(training, checkpoints, stop, floor)
        run = training.result()
        saved = _save(run, checkpoints, named)
    if failure is not None:
        raise DivergedError(f"{failure} Saved so far: {saved}")
    if stop:
        with suppress(OSError):  # the terminal may be what is gone
            if run.steps < total:
                console.say(f"Stopped after step {run.steps:,} of {total:,}. Go on with: {_go_on(saved)}")
            else:
                console.say(f"run: {saved}")
        raise typer.Exit(stop.status)
    try:
        _show(run, saved, show)
    finally:  # even if nobody reads what is printed
        console.say(f"run: {saved}")
        _draw_beside(run, saved)
        _say_what_to_try(run)


def _train(training: Training, checkpoints: Checkpoints, stop: Stop, floor: float) -> DivergedError | None:
    """Do the steps, until something asks to stop; return what was wrong with the last one, if anything was."""
    from babygpt.cli import terminal

    display = terminal.progress()
    done = training.trainer.steps_done
    task = display.add_task("", total=training.train_config.steps, completed=done, loss="–", floor=floor)
    began, told = time.monotonic(), False
    try:
        with suppress(OSError):  # where it cannot be shown (any more), training goes on all the same
            display.start()
        for step in training:
            display.update(task, completed=step.index, loss=f"{step.loss:.4f}")
            if stop:
                break
            try:
                said = None
                if checkpoints.offer(training) and not told:
                    told, left = True, training.train_config.steps - step.index
                    span = duration(left * (time.monotonic() - began) / (step.index - done))
                    said = (
                        f"Saved after step {step.index:,}, and again every minute; about {span} to go. "
                        f"Should this be broken off: {_go_on(checkpoints.path)}"
                    )
            except RunError as error:
                said = f"warning: {error} The training goes on, and it is tried again."
            if said is not None:
                with suppress(OSError):
                    display.console.print(harmless(said), markup=False, soft_wrap=True)
    except DivergedError as error:
        return error
    finally:
        with suppress(OSError):
            display.stop()
    return None


def duration(seconds: float) -> str:
    """Return a time as a person says it.

    >>> duration(0.3), duration(100), duration(3 * 3600), duration(10 * 86400)
    ('1 second', '2 minutes', '3 hours', '10 days')
    """
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        count = max(1, round(seconds / size))
        if seconds >= 1.5 * size or unit == "second":
            break
    return f"{count:,} {unit}{'s' * (count > 1)}"


def _say_how_large(training: Training) -> None:
    """Tell of frames that will take much, unless somebody has said how many there shall be."""
    from babygpt.chain.contexts import human_bytes

    count, size = training.planned_frames()
    if training.frames is not None or size < LARGE:
        return
    fewer = FEWER if count > FEWER else 2
    kept, rest = training.planned_frames(fewer)
    console.say(
        f"The run will take about {human_bytes(size)} for {count:,} frames"
        + (f"; --frames {fewer} keeps {kept:,} of them, {human_bytes(rest)}." if kept < count else ".")
    )


def _go_on(run: Path) -> str:
    return f"babygpt train --resume {shlex.quote(str(run))}"


def _show(run: Run, saved: Path, show: Show) -> None:
    from babygpt.cli import terminal

    states = terminal.shown_states(run.chain, run.corpus)
    if show is Show.lines:
        for line in terminal.article_lines(run.chain, states):
            console.line(line)
    elif show is Show.table:
        console.show(terminal.chain_table(run.chain, states, run.corpus))
    if show is not Show.none:
        terminal.say_what_is_hidden(run.chain, saved)


def _say_what_to_try(run: Run) -> None:
    """Say how near to the floor the last step came, and what brings it nearer."""
    if not run.steps:
        return
    gap = float(run.losses[-1]) - run.floor
    if gap > NEAR:
        steps = 2 * run.steps
        console.say(f"{gap:.4f} nats per token above the floor, the least that the data allows: try --steps {steps}.")
    else:
        console.say("At the floor, the least that the data allows. What other seeds say: babygpt seeds, likewise.")


def _draw_beside(run: Run, saved: Path) -> None:
    from babygpt.draw.graph import draw_chain
    from babygpt.draw.plots import draw_losses

    pictures: dict[str, Callable[[], Picture]] = {
        "chain.svg": lambda: draw_chain(run.chain, seen=run.corpus.states.tolist()),
        "losses.svg": lambda: draw_losses(run),
    }
    for name, draw in pictures.items():
        try:
            console.say(f"picture: {draw().save(saved / name)}")
        except MissingPackageError as error:
            console.say(f"no {name}: {error}")
        except BabyGPTError as error:
            console.say(f"warning: {error}")


def _save(run: Run, checkpoints: Checkpoints, named: bool) -> Path:
    """Save the run; if that place fails, in the system's temporary folder, so that no training is lost.

    Where nobody has ``named`` the place, and another training has taken it meanwhile, the next free one will do.
    """
    while not named and not checkpoints.saved and checkpoints.path.exists():
        checkpoints.path = _free_name()
        with suppress(RunError):
            return checkpoints.save(run)
    try:
        return checkpoints.save(run)
    except RunError as error:
        shelter = Path(tempfile.mkdtemp(prefix="babygpt-"))
        rescue = shelter / checkpoints.path.name
        try:
            run.save(rescue)
        except RunError:
            shelter.rmdir()
            raise error from None
        raise RunError(f"{error} What was trained is safe in {rescue}") from error


def _refuse_with_resume(given: set[str]) -> None:
    own = {name: f"--{setting.option}" for name, setting in SETTINGS.items()} | {"sequence": "SEQUENCE"}
    other = sorted(
        own.get(name, f"--{name}") for name in given - {"resume", "steps", "frames", "out", "replace", "show"}
    )
    if other:
        names = ", ".join(other)
        raise SettingError(
            f"--resume goes on with the run's own data and settings, so {names} cannot be given with it. "
            "Only --steps, --frames, --out, --replace and --show can."
        )


def _free_name() -> Path:
    number = 1
    while (path := runs_folder() / f"run-{number}").exists():
        number += 1
    return path
