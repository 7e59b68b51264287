"""``babygpt train``: train a GPT, save the run, print its chain and draw it."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import babygpt
from babygpt.app import screen
from babygpt.app.options import (
    BatchSize,
    Bias,
    Column,
    ContextLength,
    Encoding,
    Heads,
    Layers,
    LearningRate,
    Lines,
    OnDevice,
    Positions,
    ReadAs,
    Seed,
    Separator,
    Steps,
    Symbols,
    Tokens,
    Trained,
    WeightDecay,
    Width,
)
from babygpt.errors import DivergedError, FileError, RunError, SettingError

if TYPE_CHECKING:
    from babygpt.draw.picture import Picture
    from babygpt.run.run import Run
    from babygpt.run.training import Training


class Show(StrEnum):
    """How contexts are printed."""

    lines = "lines"
    table = "table"
    none = "none"


def train(
    context: typer.Context,
    sequence: Annotated[
        str | None,
        typer.Argument(metavar="SEQUENCE|FILE|-", help="What to learn: a text, a text file, or - for standard input."),
    ] = None,
    context_length: ContextLength = 3,
    steps: Steps = 50,
    seed: Seed = 1337,
    learning_rate: LearningRate = 1e-3,
    weight_decay: WeightDecay = 0.1,
    layers: Layers = 4,
    heads: Heads = 4,
    width: Width = 16,
    bias: Bias = False,
    tokens: ReadAs = Tokens.chars,
    vocabulary: Symbols = None,
    separator: Separator = None,
    lines: Lines = None,
    column: Column = None,
    encoding: Encoding = None,
    positions: Trained = Positions.last,
    batch_size: BatchSize = None,
    device: OnDevice = "cpu",
    out: Annotated[
        Path | None, typer.Option(help="The folder to save the run in.", show_default="runs/run-1, run-2, …")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a run that is already there.")] = False,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run, to --steps steps in all.", show_default=False)
    ] = None,
    show: Annotated[
        Show, typer.Option(help="Print the trained chain as the article does, or as a table.")
    ] = Show.lines,
) -> None:
    """Train a GPT, save the run, print its chain and draw it.

    babygpt train 111101111011110

    babygpt train poem.txt --context 2 --steps 500

    Ctrl-C stops early and keeps what was trained; babygpt train --resume runs/run-1 goes on.
    """
    # imported here: --help shows without NumPy, a mistake without torch
    from babygpt.app.source import HowRead, learnt, symbols_line
    from babygpt.chain.contexts import check_size
    from babygpt.gpt.config import GPTConfig, TrainConfig
    from babygpt.run.files import check_free

    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
    if resume is not None:
        _refuse_with_resume(given)
        target, may_replace = (out or resume), (replace or out is None)
        check_free(target, may_replace)
        earlier = babygpt.Run.load(resume)
        from babygpt.run.training import Training

        training = Training.resume(earlier, steps if "steps" in given else None)
        said = [symbols_line(earlier.corpus.vocabulary)]
    elif sequence is None:
        raise SettingError("There is nothing to learn from. Give a sequence, such as: babygpt train 111101111011110")
    else:
        target, may_replace = (out or _free_name()), replace
        check_free(target, may_replace)
        train_config = TrainConfig(steps, learning_rate, weight_decay, positions.value, batch_size, seed, device)
        GPTConfig(context_length, 2, layers, heads, width, bias)
        data = learnt(sequence, "train", HowRead(tokens.value, vocabulary, separator, lines, column, encoding))
        corpus, said = data.corpus(context_length), list(data.said)
        config = GPTConfig(context_length, len(corpus.vocabulary), layers, heads, width, bias)
        check_size(config.vocab_size, config.block_size)
        from babygpt.run.training import Training

        training = Training(corpus, config, train_config)
    for line in said:
        screen.say(line)
    _run_training(training, target, may_replace, show)


def _run_training(training: Training, target: Path, replace: bool, show: Show) -> None:
    from babygpt.app import terminal

    corpus, config, total = training.corpus, training.config, training.train_config.steps
    floor = corpus.loss_floor(training.train_config.positions)
    screen.say(
        f"{corpus.amount} · {len(corpus.contexts):,} of "
        f"{config.vocab_size**config.block_size:,} contexts seen · {training.trainer.gpt.n_parameters:,} parameters"
    )
    failure: DivergedError | None = None
    with _interruptible() as stopped, terminal.progress() as display:
        task = display.add_task("", total=total, completed=training.trainer.steps_done, loss="–", floor=floor)
        try:
            for step in training:
                display.update(task, completed=step.index, loss=f"{step.loss:.4f}")
                if stopped():
                    break
        except DivergedError as error:
            failure = error
        interrupted = stopped()
    run = training.result()
    saved = _save(run, target, replace)
    if failure is not None:
        raise DivergedError(f"{failure} Saved so far: {saved}")
    if interrupted and run.steps < total:
        screen.say(f"Stopped after step {run.steps:,} of {total:,}. Go on with: babygpt train --resume {saved}")
        raise typer.Exit(130)
    _show(run, saved, show)
    screen.say(f"run: {saved}")
    _draw_beside(run, saved)


def _show(run: Run, saved: Path, show: Show) -> None:
    from babygpt.app import terminal

    states = terminal.shown_states(run.chain, run.corpus)
    if show is Show.lines:
        for line in terminal.article_lines(run.chain, states):
            typer.echo(line)
    elif show is Show.table:
        screen.show(terminal.chain_table(run.chain, states, run.corpus))
    if show is not Show.none:
        terminal.say_what_is_hidden(run.chain, saved)


def _draw_beside(run: Run, saved: Path) -> None:
    from babygpt.draw.graph import draw_chain
    from babygpt.draw.plots import draw_losses

    pictures: dict[str, Picture] = {
        "chain.svg": draw_chain(run.chain, seen=run.corpus.states.tolist()),
        "losses.svg": draw_losses(run),
    }
    for name, picture in pictures.items():
        try:
            screen.say(f"picture: {picture.save(saved / name)}")
        except FileError as error:
            screen.say(f"warning: {error}")


def _save(run: Run, target: Path, replace: bool) -> Path:
    """Save the run; if that place fails, in the system's temporary folder, so that no training is lost."""
    try:
        run.save(target, replace)
    except RunError as error:
        shelter = Path(tempfile.mkdtemp(prefix="babygpt-"))
        rescue = shelter / target.name
        try:
            run.save(rescue)
        except RunError:
            shelter.rmdir()
            raise error from None
        raise RunError(f"{error} What was trained is safe in {rescue}") from error
    return target


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C be noticed between two steps instead of breaking one; the second one breaks."""
    pressed = False

    def press(signum: int, frame: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _refuse_with_resume(given: set[str]) -> None:
    other = sorted(given - {"resume", "steps", "out", "replace", "show"})
    if other:
        names = ", ".join(
            "SEQUENCE" if n == "sequence" else "--" + n.replace("_length", "").replace("_", "-") for n in other
        )
        raise SettingError(
            f"--resume goes on with the run's own data and settings, so {names} cannot be given with it. "
            "Only --steps, --out, --replace and --show can."
        )


def _free_name() -> Path:
    number = 1
    while (path := Path("runs") / f"run-{number}").exists():
        number += 1
    return path
