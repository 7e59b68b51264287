"""Checkpoints: the run so far, saved while its training goes on.

A checkpoint is a run like any other, at the place where the whole one will be, with fewer steps than were planned:
:meth:`babygpt.run.training.Training.resume` goes on from it to the numbers of a training that was never broken off.
Whatever ends a program (``kill -9``, a power cut) then costs what was trained since the last one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babygpt.run.run import Run
    from babygpt.run.training import Training

# Seconds from one checkpoint to the next, and the most of its time that a training spends on them.
EVERY = 60.0
SHARE = 0.05


class Checkpoints:
    """Saves a training's run to one place, again and again.

    Parameters
    ----------
    path, replace
        Where, and whether a run that is there at first may be replaced.
    every
        Seconds between two checkpoints; by default a minute. It is longer where saving takes long.
    clock
        Tells the time in seconds.

    >>> import tempfile
    >>> from babygpt import Corpus, GPTConfig, Run, TrainConfig
    >>> from babygpt.run.training import Training
    >>> training = Training(Corpus.from_text("0110110", 2), GPTConfig(2, 2, 1, 1, 4), TrainConfig(steps=5))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoints = Checkpoints(Path(folder) / "run")
    ...     for step in training:
    ...         if checkpoints.offer(training):
    ...             print("a minute has passed")
    ...     Run.load(checkpoints.save(training.result())).steps
    5
    """

    def __init__(
        self,
        path: Path,
        replace: bool = False,
        every: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.replace = path, replace
        self._every, self._clock = EVERY if every is None else every, clock
        self._due = clock() + self._every
        self._own: tuple[int, int, int] | None = None

    def offer(self, training: Training) -> bool:
        """Save the run so far if it is time to, and return whether it was.

        Raises
        ------
        RunError
            It could not be saved. The training may go on: the next checkpoint tries again.
        """
        began = self._clock()
        if began < self._due:
            return False
        try:
            self.save(training.result())
        finally:
            ended = self._clock()
            self._due = ended + max(self._every, (ended - began) / SHARE)
        return True

    def save(self, run: Run) -> Path:
        """Save a run in the place of the last checkpoint and return its path.

        Raises
        ------
        RunError
            It could not be saved, or something that is not this training's has come there.
        """
        run.save(self.path, self.replace or (self._own is not None and self._own == self._there()))
        self._own = self._there()
        return self.path

    @property
    def saved(self) -> bool:
        """Whether there is a checkpoint."""
        return self._own is not None

    def _there(self) -> tuple[int, int, int] | None:
        """Return what tells the header of the run that is there from any other file."""
        try:
            header = (self.path / "run.json").stat()
        except OSError:
            return None
        return header.st_dev, header.st_ino, header.st_mtime_ns
