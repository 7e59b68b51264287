"""Many seeds: what all of them say, and what only one does.

A GPT's first weights are drawn at random, by its *seed*. What every seed says alike after training is the data's and
the architecture's doing; where seeds differ, one run is one draw of many. A :class:`SeedStudy` holds every arrow of
the chains of many seeds, exact, so that a single run can be judged among them: it is *marked* with the share of seeds
that give the arrow less.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import all_contexts, check_size, count_states
from babygpt.errors import DivergedError, SettingError
from babygpt.frames import Tabular
from babygpt.gpt.checks import check_count, check_rate, check_seed
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.given import CONTEXT_LENGTH, Given, corpus_of
from babygpt.gpt.kinds import explained
from babygpt.gpt.vocabulary import Vocabulary
from babygpt.picture import Drawn
from babygpt.run.ensemble import Ensemble
from babygpt.run.many import Progress, train_many
from babygpt.settings import Positions, TokenKind, default

# The quantiles that tables and pictures show.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, eq=False)
class Mark:
    """One run among many: F recorded steps, N states, V tokens.

    Attributes
    ----------
    seed
        The run's seed.
    probs
        float64 (F, N, V): its own arrows.
    below
        float64 (F, N, V): the share of the other seeds whose arrow is weaker, equal ones counted half; 0.5 is the
        middle. NaN where there is no other.
    """

    seed: int
    probs: NDArray[np.float64]
    below: NDArray[np.float64]


@explained
@dataclass(frozen=True, eq=False)
class SeedStudy(Drawn, Tabular):
    """Every arrow of the chains of S seeds at F steps; made by :func:`study`.

    Attributes
    ----------
    corpus, config, train_config
        The data, the GPTs' shape, how they were trained.
    seeds
        int64 (S,): the seeds whose training stayed finite.
    diverged
        int64: the seeds that were left out, because theirs did not.
    losses
        float64 (S, steps), nats per token: ``losses[:, i]`` are the losses before update i + 1.
    steps
        int64 (F,): the recorded steps, in order; 0 is untrained.
    probs
        float64 (S, F, N, V): the probability of every token after every state.
    """

    _drawn_as = "SeedStudy"

    corpus: Corpus
    config: GPTConfig
    train_config: TrainConfig
    seeds: NDArray[np.int64]
    diverged: NDArray[np.int64]
    losses: NDArray[np.float64]
    steps: NDArray[np.int64]
    probs: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """float64 (F, N, V): the mean of every arrow over the seeds; each row of it sums to 1."""
        return self.probs.mean(axis=0)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Whether each state's context occurs in the data: bool (N,)."""
        seen = np.zeros(self.probs.shape[2], dtype=bool)
        seen[self.corpus.states] = True
        return seen

    def quantiles(self, q: float | Sequence[float] = QUANTILES) -> NDArray[np.float64]:
        """Return quantiles of every arrow over the seeds, linear between two seeds: float64 (len(q), F, N, V).

        Raises
        ------
        SettingError
            A quantile is not between 0 and 1.
        """
        wanted = [check_rate("q", value, zero=True) for value in np.atleast_1d(np.asarray(q)).tolist()]
        if not wanted or max(wanted) > 1:
            raise SettingError(f"q={q!r} must name shares from 0 to 1, such as 0.5 for the median.")
        return np.quantile(self.probs, wanted, axis=0)

    def share_above(self, p: float = 0.5) -> NDArray[np.float64]:
        """Return the share of seeds that give each arrow more than ``p``: float64 (F, N, V)."""
        above: NDArray[np.float64] = np.mean(self.probs > p, axis=0)
        return above

    def frame(self, step: int | None = None) -> int:
        """Return the place of a recorded step in :attr:`steps`, by default of the last.

        Raises
        ------
        SettingError
            The step was not recorded.
        """
        if step is None:
            return len(self.steps) - 1
        found = np.flatnonzero(self.steps == step)
        if not len(found):
            steps = ", ".join(map(str, self.steps[:8])) + " …" * (len(self.steps) > 8)
            raise SettingError(f"Step {step!r} was not recorded; those that were are {steps}. Name it in at=[…].")
        return int(found[0])

    def mark(self, seed: int = default("seed")) -> Mark:
        """Return where the run with a seed lies among the seeds, by default the article's.

        A seed that is not among them is trained now, on the same data in the same way.

        Raises
        ------
        DivergedError
            The GPT of this seed did not stay finite.
        """
        seed = check_seed(seed)
        diverged = _diverged(f"The GPT of seed {seed} did not", self.train_config)
        if seed in self.diverged:
            raise diverged
        among = self.seeds == seed
        if among.any():
            probs = self.probs[np.flatnonzero(among)[0]]
        else:
            steps = self.steps.tolist()
            alone = train_many(self.corpus, [seed], self.config, self.train_config, steps, threads=1)
            probs = np.exp(alone.tables[0, :, -self.probs.shape[2] :])
            if not (np.isfinite(probs).all() and np.isfinite(alone.losses).all()):
                raise diverged
        others = self.probs[~among]
        if not len(others):
            return Mark(seed, probs, np.full_like(probs, np.nan))
        return Mark(seed, probs, ((others < probs).mean(axis=0) + (others <= probs).mean(axis=0)) / 2)

    def summary(self, mark: int | Mark | None = default("seed")) -> dict[str, NDArray[Any]]:
        """Return a table of every arrow at every recorded step, as columns: F·N·V rows, by step, state and token.

        ``seen`` tells whether the data has the context, ``q05`` … ``q95`` are quantiles, ``above_half`` is a share of
        the seeds; ``marked`` is the arrow of the marked run and ``marked_below`` the share of seeds below it.
        """
        quantiles = self.quantiles()
        columns = self._arrows() | {
            "seen": np.broadcast_to(self.seen[:, None], self.probs.shape[1:]).ravel(),
            "mean": self.mean.ravel(),
            **{f"q{round(100 * q):02}": values.ravel() for q, values in zip(QUANTILES, quantiles, strict=True)},
            "above_half": self.share_above().ravel(),
        }
        if mark is not None:
            marked = mark if isinstance(mark, Mark) else self.mark(mark)
            columns |= {"marked": marked.probs.ravel(), "marked_below": marked.below.ravel()}
        return columns

    def rows(self) -> dict[str, NDArray[Any]]:
        """Return every arrow of every seed at every recorded step, as columns: S·F·N·V rows."""
        S = len(self.seeds)
        once = self._arrows()
        arrows = {name: np.tile(values, S) for name, values in once.items()}
        return {
            "seed": np.repeat(self.seeds, len(once["step"])),
            **arrows,
            "probability": self.probs.ravel(),
        }

    def _arrows(self) -> dict[str, NDArray[Any]]:
        """Return step, state, context and token of each arrow: (F·N·V,) each."""
        _, F, N, V = self.probs.shape
        vocabulary = self.corpus.vocabulary
        contexts = np.array([vocabulary.decode(ids) for ids in all_contexts(V, self.config.block_size)], dtype=object)
        symbols = np.array(vocabulary.symbols, dtype=object)
        return {
            "step": np.repeat(self.steps, N * V),
            "state": np.tile(np.repeat(np.arange(N), V), F),
            "context": np.tile(np.repeat(contexts, V), F),
            "token": np.tile(symbols, F * N),
        }

    def __len__(self) -> int:
        return len(self.seeds)

    def __repr__(self) -> str:
        _, F, N, _ = self.probs.shape
        left_out = f", {len(self.diverged):,} diverged" if len(self.diverged) else ""
        return f"SeedStudy({len(self):,} seeds{left_out}, {F:,} of {self.train_config.steps + 1:,} steps, {N:,} states)"


@explained
def study(
    sequence: Given,
    seeds: Iterable[int] = range(1000),
    steps: int = default("steps"),
    at: Iterable[int] | None = None,
    *,
    context_length: int = CONTEXT_LENGTH,
    learning_rate: float = default("learning_rate"),
    weight_decay: float = default("weight_decay"),
    n_layer: int = default("n_layer"),
    n_head: int = default("n_head"),
    n_embd: int = default("n_embd"),
    bias: bool = default("bias"),
    positions: Positions = default("positions"),
    batch_size: int | None = default("batch_size"),
    device: str = default("device"),
    vocabulary: Vocabulary | Sequence[str] | None = None,
    tokens: TokenKind = default("tokens"),
    threads: int | None = None,
    progress: Progress | None = None,
) -> SeedStudy:
    """Train a GPT from each of ``seeds`` and return every arrow of all of them; the defaults are the article's.

    Settings that are not listed are those of :func:`babygpt.train`.

    Parameters
    ----------
    sequence
        What to learn from, as for :func:`babygpt.train`.
    seeds
        Whole numbers, each once.
    steps, at
        How many steps to train, and which of them to record; by default all, 0 … ``steps``.
    progress
        Called now and then as ``progress(steps_done, steps)``, summed over the seeds.

    Raises
    ------
    InputError
        Something given cannot be used; the message says what, and what to try.
    DivergedError
        No seed's loss stayed finite. (If some did, the others are left out and named in ``diverged``.)

    >>> few = study("111101111011110", seeds=range(8), at=[0, 50])
    >>> few.probs.shape, few.seen.tolist()
    ((8, 2, 8, 2), [False, False, False, True, False, True, True, True])
    >>> few.share_above(0.5)[1, 0].tolist()  # after 000: how many of them find 0 likelier, and 1
    [0.125, 0.875]
    """
    record: Literal["all"] | list[int] = "all" if at is None else check_steps(at, check_count("steps", steps))
    check_size(2, context_length)  # before anything is counted: no chain has fewer symbols
    corpus = corpus_of(sequence, context_length, vocabulary, tokens)
    config = GPTConfig(corpus.context_length, len(corpus.vocabulary), n_layer, n_head, n_embd, bias)
    how = TrainConfig(steps, learning_rate, weight_decay, positions=positions, batch_size=batch_size, device=device)
    ensemble = Ensemble.of(corpus, seeds, config, how, record=record, threads=threads, progress=progress)
    lost = ensemble.diverged
    if lost.all():
        raise _diverged(f"Not one GPT of {len(ensemble):,} did", ensemble.train_config)
    N = count_states(ensemble.config.vocab_size, ensemble.config.block_size)
    # in place: nobody else has this ensemble, and its tables may be most of the memory
    np.exp(ensemble.tables, out=ensemble.tables)
    probs = ensemble.tables[:, :, -N:]
    return SeedStudy(
        ensemble.corpus,
        ensemble.config,
        ensemble.train_config,
        ensemble.seeds[~lost],
        ensemble.seeds[lost],
        ensemble.losses[~lost] if lost.any() else ensemble.losses,
        ensemble.steps,
        probs[~lost] if lost.any() else probs,
    )


def some_states(corpus: Corpus, limit: int) -> list[int]:
    """Return states to show: all of few; of more than ``limit`` the most frequent and the first that do not occur."""
    N = len(corpus.vocabulary) ** corpus.context_length
    if limit >= N:
        return list(range(N))
    often = np.argsort(-corpus.counts.sum(axis=1), kind="stable")[: (limit + 1) // 2]
    seen = set(corpus.states.tolist())
    unseen = islice((state for state in range(N) if state not in seen), limit // 2)
    return sorted([*corpus.states[often].tolist(), *unseen])


def check_steps(at: Iterable[int], steps: int) -> list[int]:
    """Return the steps in order, each once, or raise :class:`SettingError` unless all are from 0 to ``steps``."""
    if isinstance(at, str) or not isinstance(at, Iterable):
        raise SettingError(f"at={at!r} is no list of steps. Use at=[0, 10, 50], say.")
    wanted = sorted({check_count("at", step, least=0) for step in at})
    if not wanted:
        raise SettingError(f"at names no step. Use at=[0, {steps}], say, or leave it out for all.")
    if wanted[-1] > steps:
        raise SettingError(f"at={wanted[-1]} is beyond the last step, steps={steps}. Train longer, or name an earlier.")
    return wanted


def _diverged(what: str, config: TrainConfig) -> DivergedError:
    return DivergedError(
        f"{what} stay finite with learning_rate={config.learning_rate:g}. Try a smaller learning rate."
    )
