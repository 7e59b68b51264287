"""A run: the trained GPT, the corpus it saw, its settings, its losses, and the history of its chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.chain import MarkovChain
from babygpt.frames import Tabular
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.kinds import explained
from babygpt.picture import drawing_of, shown_as
from babygpt.run.history import History

if TYPE_CHECKING:
    from babygpt.gpt.model import GPT
    from babygpt.picture import Picture
    from babygpt.run.check import RunCheck
    from babygpt.run.trace import Trace


@explained
@dataclass(frozen=True, eq=False)
class Run(Tabular):
    """Everything one training left behind.

    Attributes
    ----------
    corpus
        The training data, as counts.
    config, train_config
        The shape of the GPT; how it was (to be) trained.
    losses
        float64 (steps,), nats per token: ``losses[i]`` is the loss before update i + 1.
    history
        The chain at every recorded step.
    weights
        The trained parameters by name, float32.
    optimizer
        AdamW's memory by name, with which training can go on.
    frames
        How many frames were to be recorded at most; None if as many as fit.
    """

    corpus: Corpus
    config: GPTConfig
    train_config: TrainConfig
    losses: NDArray[np.float64]
    history: History
    weights: dict[str, NDArray[np.float32]]
    optimizer: dict[str, NDArray[np.float32]]
    frames: int | None = None

    @property
    def steps(self) -> int:
        """How many updates were done."""
        return len(self.losses)

    @property
    def floor(self) -> float:
        """The lowest loss the data allows, in nats per token, for the positions trained on."""
        return self.corpus.loss_floor(self.train_config.positions)

    @cached_property
    def gpt(self) -> GPT:
        """The trained GPT, a torch module on the CPU."""
        import torch  # a run can be read and drawn without torch

        from babygpt.gpt.model import seeded_gpt

        gpt = seeded_gpt(self.config, self.train_config.seed)
        with torch.no_grad():
            for name, parameter in gpt.named_parameters():
                parameter.copy_(torch.from_numpy(self.weights[name]))
        return gpt

    @cached_property
    def chain(self) -> MarkovChain:
        """The chain of the trained GPT."""
        if self.history.exact:
            return self.chain_at(self.steps)
        return MarkovChain.from_model(self.gpt, self.corpus.vocabulary)

    def chain_at(self, step: int) -> MarkovChain:
        """Return the chain as it was at a recorded step; 0 is the untrained GPT.

        Raises
        ------
        SettingError
            The step was not recorded; the message names the nearest that was.
        """
        return MarkovChain.from_table(self.history.frame(step), self.corpus.vocabulary)

    def trace(self, name: str | Callable[[MarkovChain], float]) -> Trace:
        """Return a scalar of the chain at every recorded step, such as ``run.trace("entropy_rate").values``.

        A function of a chain will do: ``run.trace(lambda chain: chain["101"]["1"])``.

        Raises
        ------
        SettingError
            There is no such scalar; the message lists them.
        """
        from babygpt.run.trace import trace  # trace.py knows Run

        return trace(self, name)

    def check(self) -> RunCheck:
        """Return whether what is saved fits together, computed anew.

        The last chain from the weights, the first from the seed, the losses from the recorded chains and the data, and
        that no loss is below the floor. Where batches were drawn a step's loss follows from no chain: that is said.

        >>> from babygpt import train
        >>> train("0110110", context_length=2, steps=3).check()
        RunCheck(all holds)
        """
        from babygpt.run.check import check  # check.py knows Run

        return check(self)

    def save(self, path: str | Path, replace: bool = False) -> Path:
        """Write the run to the new folder ``path``, whole or not at all, and return the path.

        With ``replace`` a run that is already there gives way once this one is safely written.

        Raises
        ------
        RunError
            The path is taken, or the run could not be written; nothing is left half done.
        """
        from babygpt.run.files import save_run  # files.py knows Run

        return save_run(self, Path(path), replace)

    def to_html(self) -> str:
        """Return the run as a page that anyone can open, and that trains on by itself: see ``babygpt export``.

        One file: its chain at every step, the losses, and all that the studio does with them, in English and Chinese.

        Raises
        ------
        RunError
            The run does not hold the text that it learnt from.

        >>> from babygpt import train
        >>> train("0110110", context_length=2, steps=3).to_html()[:15]
        '<!doctype html>'
        """
        return drawing_of("page", self)

    def plot(self) -> Picture:
        """Return the picture of its losses, which notebooks show and ``.save("losses.svg")`` writes."""
        return cast("Picture", drawing_of("losses", self))

    def rows(self) -> dict[str, NDArray[Any]]:
        """Return a row for each update: the ``step`` before it, and the ``loss`` of that step, in nats per token."""
        return {"step": np.arange(self.steps), "loss": self.losses}

    def widget(self, lang: str | None = None, height: int = 720) -> Any:
        """Return the studio of this run, for a cell of a notebook: a :class:`babygpt.Studio`; needs anywidget.

        ``lang`` is that of its screen, ``"en"`` or ``"zh"``; ``height`` is in pixels.

        Raises
        ------
        RunError
            The run does not hold the text that it learnt from.
        MissingPackageError
            anywidget is not installed.
        """
        return drawing_of("widget", self, lang=lang, height=height)

    @classmethod
    def load(cls, path: str | Path) -> Run:
        """Read a run from its folder, or from the zip file that a page or the studio saves, and check it through.

        Raises
        ------
        RunError
            No run there, or one that is damaged, changed, or written by a newer version.
        """
        from babygpt.run.files import load_run

        return load_run(Path(path))

    def __repr__(self) -> str:
        return (
            f"Run({self.steps:,} steps, loss {self.losses[0]:.4f} → {self.losses[-1]:.4f}, "
            f"floor {self.floor:.4f}, {self.history.n_states:,} states)"
            if self.steps
            else f"Run(untrained, {self.history.n_states:,} states)"
        )

    def _repr_html_(self) -> str | None:
        return shown_as(lambda: drawing_of("run", self))
