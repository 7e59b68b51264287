"""Whether a run is what it says: everything in it that follows from something else, computed anew and compared.

The weights give the last chain; the seed gives the first; each recorded chain gives the loss of its step; the data give
the floor, below which no loss can be. Numbers are compared within what float32 and another machine's order of summing
leave: whoever changes less than that changes nothing that can be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import count_short
from babygpt.run.history import Table
from babygpt.settings import Positions

if TYPE_CHECKING:
    from babygpt.gpt.corpus import Corpus
    from babygpt.run.run import Run

# Largest difference of two probabilities that rounding explains, and of two losses, in nats per token.
PROBABILITY, LOSS = 1e-5, 1e-5


@dataclass(frozen=True)
class Finding:
    """One thing that was compared.

    Attributes
    ----------
    what
        What follows from what.
    holds
        Whether it does; None where it cannot be told.
    difference
        The largest difference found; None where none was computed.
    remark
        What the difference is of and where it is largest, or why it cannot be told.
    """

    what: str
    holds: bool | None
    difference: float | None
    remark: str


@dataclass(frozen=True)
class RunCheck:
    """What was found in a run.

    Attributes
    ----------
    findings
        One for each thing that was compared.
    """

    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is off."""
        return all(finding.holds is not False for finding in self.findings)

    def __repr__(self) -> str:
        off = [finding.what for finding in self.findings if finding.holds is False]
        return f"RunCheck({'all holds' if not off else 'off: ' + ', '.join(off)})"


def check(run: Run) -> RunCheck:
    """Return what holds in a run, and what does not: see :meth:`babygpt.Run.check`."""
    return RunCheck((_last_chain(run), _first_chain(run), _losses(run), _floor(run)))


def table_loss(table: Table, corpus: Corpus, positions: Positions = "last") -> float:
    """Return the mean loss, in nats per token, on a corpus of a table of log-probabilities (n_short + N, V).

    On ``"all"`` positions the mean runs over the predictions from 1, 2, … K tokens of context.

    >>> from babygpt import Corpus
    >>> round(table_loss(np.log(np.full((14, 2), 0.5)), Corpus.from_text("111101111011110"), "all"), 6)
    0.693147
    """
    V, K = len(corpus.vocabulary), corpus.context_length
    counts = corpus.counts.sum(axis=1) / corpus.counts.sum()  # (M,)
    rows = table[count_short(V, K) + corpus.states].astype(np.float64)
    losses = [-float((corpus.counts / corpus.counts.sum() * rows).sum())]
    if positions == "all":
        for length in range(1, K):
            numbers = corpus.contexts[:, :length] @ V ** np.arange(length - 1, -1, -1, dtype=np.int64)
            said = table[count_short(V, length) + numbers, corpus.contexts[:, length]].astype(np.float64)
            losses.append(-float((counts * said).sum()))
    return float(np.mean(losses))


def _last_chain(run: Run) -> Finding:
    from babygpt.chain.extract import context_table  # torch

    return _same("the last chain, from the weights", context_table(run.gpt), run.history.table[-1])


def _first_chain(run: Run) -> Finding:
    from babygpt.chain.extract import context_table
    from babygpt.gpt.model import seeded_gpt

    what = "the first chain, from the seed"
    table = context_table(seeded_gpt(run.config, run.train_config.seed))
    return _same(what, table, run.history.table[0])


def _same(what: str, computed: Table, recorded: Table) -> Finding:
    off = np.abs(np.exp(computed.astype(np.float64)) - np.exp(recorded.astype(np.float64)))
    largest = float(off.max())
    allowed = PROBABILITY * max(1.0, -float(recorded.min()) / 10)  # larger logits have larger rounding
    return Finding(what, largest <= allowed, largest, f"of {off.size:,} probabilities")


def _losses(run: Run) -> Finding:
    what = "the losses, from the chains"
    how = run.train_config
    if how.batch_size is not None:
        return Finding(what, None, None, "each step's was that of examples drawn for it")
    steps = run.history.steps[run.history.steps < run.steps]
    if not len(steps):
        return Finding(what, None, None, "no step was done")
    computed = np.array([table_loss(run.history.frame(step), run.corpus, how.positions) for step in steps.tolist()])
    off = np.abs(computed - run.losses[steps]) / np.maximum(computed, 1)  # of large losses, their share
    return _largest(what, off, steps, f"of {len(steps):,} of {run.steps:,} steps")


def _largest(what: str, off: NDArray[np.float64], steps: NDArray[np.int64], which: str) -> Finding:
    at = int(np.argmax(off))
    return Finding(what, bool(off[at] <= LOSS), float(off[at]), f"nats, after step {int(steps[at]):,}, {which}")


def _floor(run: Run) -> Finding:
    what = "no loss below the floor of the data"
    how = run.train_config
    last = table_loss(run.history.table[-1], run.corpus, how.positions)
    losses = np.array([last]) if how.batch_size is not None else np.append(run.losses, last)
    below = np.maximum(run.floor - losses, 0)
    return _largest(what, below, np.arange(run.steps + 1)[-len(losses) :], f"the floor is {run.floor:.6f}")
