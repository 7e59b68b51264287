"""A number followed through training: any scalar of the chain, at every recorded step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.chain import MarkovChain
from babygpt.chain.compare import nearest_ngram
from babygpt.errors import SettingError
from babygpt.frames import Tabular
from babygpt.gpt.corpus import Corpus
from babygpt.picture import Drawn

if TYPE_CHECKING:
    from babygpt.run.run import Run

Scalar = Callable[[MarkovChain, Corpus], float]

# What can be followed: a unit, and how to ask it of a chain and the corpus it is trained on.
SCALARS: dict[str, tuple[str, Scalar]] = {
    "loss": ("nats, last position", lambda chain, corpus: chain.loss_decomposition(corpus).loss),
    "floor_gap": ("nats, loss − floor", lambda chain, corpus: float(chain.loss_decomposition(corpus).terms.sum())),
    "perplexity": ("on the data", lambda chain, corpus: float(np.exp(chain.loss_decomposition(corpus).loss))),
    "entropy_rate": ("nats per token", lambda chain, _: chain.entropy_rate()),
    "excess_entropy": ("nats", lambda chain, _: chain.excess_entropy()),
    "second_eigenvalue": ("|λ₂|", lambda chain, _: 1 - chain.spectral_gap),
    "spectral_gap": ("1 − |λ₂|", lambda chain, _: chain.spectral_gap),
    "mixing_time": ("tokens", lambda chain, _: chain.mixing_time()),
    "kemeny_constant": ("tokens", lambda chain, _: chain.kemeny_constant()),
    "causal_states": ("states that differ by 0.01", lambda chain, _: chain.causal_states(0.01).n_states),
    "statistical_complexity": ("nats, at 0.01", lambda chain, _: chain.causal_states(0.01).statistical_complexity),
    "greedy_cycles": ("cycles", lambda chain, _: len(chain.greedy_cycles())),
    "recurrent_classes": ("classes", lambda chain, _: len(chain.recurrent_classes())),
    "period": ("tokens", lambda chain, _: chain.period()),
    "nearest_ngram": ("order, −1 is uniform", lambda chain, corpus: chain.nearest_ngram(corpus).order),
}


@dataclass(frozen=True, eq=False)
class Trace(Drawn, Tabular):
    """One scalar over training.

    Attributes
    ----------
    name, unit
        What it is, and of what.
    steps
        int64 (frames,): the recorded steps.
    values
        float64 (frames,): its value at each.
    """

    _drawn_as = "Trace"

    name: str
    unit: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]

    def __repr__(self) -> str:
        shown = f", {self.values[0]:.4g} → {self.values[-1]:.4g}" if len(self.values) else ""
        return f"Trace({self.name}, {len(self.steps):,} steps{shown})"

    def rows(self) -> dict[str, NDArray[Any]]:
        """Return a row for each recorded step: ``step``, and the scalar under its name."""
        return {"step": self.steps, self.name: self.values}


def trace(run: Run, name: str | Callable[[MarkovChain], float]) -> Trace:
    """Return a scalar of the chain at every recorded step of a run: one of :data:`SCALARS`, or any function of a chain.

    Raises
    ------
    SettingError
        There is no such scalar; the message lists them. Or what a function answers is no number.
    """
    if not isinstance(name, str):
        own = []
        for step in run.history.steps.tolist():
            answer = name(run.chain_at(step))
            try:
                own.append(float(answer))
            except (TypeError, ValueError):
                raise SettingError(
                    f"The function answers {answer!r:.60} for the chain of step {step}, which is no number. "
                    "Give one that returns a number for a chain."
                ) from None
        return Trace(getattr(name, "__name__", "your own"), "", run.history.steps, np.array(own))
    if name not in SCALARS:
        raise SettingError(f"{name!r} is not followed through training. There are: {', '.join(SCALARS)}.")
    unit, ask = SCALARS[name]
    if name == "nearest_ngram":  # the data's own chains are the same at every step
        ngrams = MarkovChain.ngrams(run.corpus)

        def ask(chain: MarkovChain, corpus: Corpus) -> float:
            return nearest_ngram(chain, corpus, ngrams).order

    values = [float(ask(run.chain_at(step), run.corpus)) for step in run.history.steps.tolist()]
    return Trace(name, unit, run.history.steps, np.array(values))
