"""An ensemble: the same training from many seeds, all at once.

Which seed drew a GPT's first weights should not matter, and does: what one run says about a context it never saw may
be the data's doing, the architecture's, or that one seed's. An ensemble is what a thousand seeds say.

How they are trained together: :mod:`babygpt.run.many`. Each GPT is the one that a run with its seed trains alone,
within rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import check_size, count_states
from babygpt.errors import DivergedError, SettingError
from babygpt.gpt.checks import check_count, check_seed
from babygpt.gpt.compute import check_device
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.given import CONTEXT_LENGTH, Given, corpus_of
from babygpt.gpt.kinds import explained
from babygpt.gpt.model import GPT, seeded_gpt
from babygpt.gpt.vocabulary import Vocabulary
from babygpt.run.blocks import check_kept, check_many
from babygpt.run.many import Progress, train_many
from babygpt.settings import Positions, TokenKind, default


@explained
@dataclass(frozen=True, eq=False)
class Ensemble:
    """What many trainings left behind that differ in their seeds alone: S seeds, F recorded steps.

    Attributes
    ----------
    corpus, config, train_config
        The data, the GPTs' shape, how they were trained (``train_config.seed`` is the first seed).
    seeds
        int64 (S,).
    losses
        float64 (S, steps), nats per token: ``losses[:, i]`` are the losses before update i + 1.
    steps
        int64 (F,): the recorded steps, in order; 0 is untrained.
    tables
        float64 (S, F, n_short + N, V): log-probabilities after every context, short ones first. NaN where a GPT's
        loss was no longer a number.
    weights
        The trained parameters by name, float32 (S, …).
    """

    corpus: Corpus
    config: GPTConfig
    train_config: TrainConfig
    seeds: NDArray[np.int64]
    losses: NDArray[np.float64]
    steps: NDArray[np.int64]
    tables: NDArray[np.float64]
    weights: dict[str, NDArray[np.float32]]

    @classmethod
    def train(
        cls,
        sequence: Given,
        seeds: Iterable[int] = range(1024),
        *,
        context_length: int = CONTEXT_LENGTH,
        steps: int = default("steps"),
        record: Literal["last", "all"] | Iterable[int] = "last",
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
    ) -> Ensemble:
        """Train a GPT from each of ``seeds`` on ``sequence``; the defaults are the article's.

        Settings that are not listed are those of :func:`babygpt.train`.

        Parameters
        ----------
        sequence
            What to learn from, as for :func:`babygpt.train`.
        seeds
            Whole numbers, each once.
        record
            Whose chains are kept: those after the ``"last"`` step, after ``"all"`` of them, or after those named.
        threads
            CPU threads at work; by default as many as torch has (``torch.get_num_threads()``).
        progress
            Called now and then as ``progress(steps_done, steps)``, summed over the seeds, on the caller's thread. What
            it raises ends the training, as Ctrl-C does.

        Raises
        ------
        InputError
            Something given cannot be used; the message says what, and what to try.
        SizeError
            The chains and GPTs of all seeds would not fit into memory, or their training would take years.

        >>> ensemble = Ensemble.train("111101111011110", seeds=range(3), steps=5)
        >>> ensemble.log_probs.shape, ensemble.losses.shape
        ((3, 8, 2), (3, 5))
        """
        check_size(2, context_length)  # before anything is counted: no chain has fewer symbols
        corpus = corpus_of(sequence, context_length, vocabulary, tokens)
        config = GPTConfig(corpus.context_length, len(corpus.vocabulary), n_layer, n_head, n_embd, bias)
        how = TrainConfig(steps, learning_rate, weight_decay, positions=positions, batch_size=batch_size, device=device)
        return cls.of(corpus, seeds, config, how, record=record, threads=threads, progress=progress)

    @classmethod
    def of(
        cls,
        corpus: Corpus,
        seeds: Iterable[int],
        config: GPTConfig,
        train_config: TrainConfig,
        *,
        record: Literal["last", "all"] | Iterable[int] = "last",
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Ensemble:
        """Train a GPT from each of ``seeds`` with these settings (``train_config.seed`` is not looked at).

        Everything else is as in :meth:`train`. Whatever trains many GPTs comes here, with the settings as a whole: one
        that is new arrives without being named on the way.
        """
        check_device(train_config.device)
        recorded = _checked_record(record, train_config.steps)
        if isinstance(seeds, Sized):  # before they are listed: nobody has room for range(10**12)
            check_many(config, train_config, len(corpus.contexts), 1)
            check_kept(config, len(seeds), len(recorded))
        numbers = _checked_seeds(seeds)
        train_config = replace(train_config, seed=numbers[0])
        trained = train_many(corpus, numbers, config, train_config, recorded, threads, progress)
        return cls(
            corpus,
            config,
            train_config,
            np.array(numbers, dtype=np.int64),
            trained.losses,
            np.array(recorded, dtype=np.int64),
            trained.tables,
            trained.weights,
        )

    @property
    def log_probs(self) -> NDArray[np.float64]:
        """float64 (S, N, V): the log-probabilities of every state's arrows after the last recorded step."""
        return self.tables[:, -1, -count_states(self.config.vocab_size, self.config.block_size) :]

    @property
    def probs(self) -> NDArray[np.float64]:
        """float64 (S, N, V): the probabilities of every state's arrows after the last recorded step."""
        return np.exp(self.log_probs)

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """Whose loss, or chain, did not stay a number: bool (S,)."""
        losses, chains = self.losses, self.tables[:, -1].reshape(len(self), -1)
        return np.array(
            [not (np.isfinite(a).all() and np.isfinite(b).all()) for a, b in zip(losses, chains, strict=True)]
        )

    def log_probs_at(self, step: int) -> NDArray[np.float64]:
        """Return the log-probabilities of every state's arrows after a recorded step: float64 (S, N, V).

        Raises
        ------
        SettingError
            The step was not recorded.
        """
        return self.tables[:, self._frame(step), -count_states(self.config.vocab_size, self.config.block_size) :]

    def chain(self, seed: int, step: int | None = None) -> MarkovChain:
        """Return the chain of one seed after a recorded step, by default the last.

        Raises
        ------
        SettingError
            The seed is not in this ensemble, or the step was not recorded.
        DivergedError
            The GPT of this seed did not stay finite.
        """
        table = self.tables[self._place(seed), -1 if step is None else self._frame(step)]
        if not np.isfinite(table).all():
            raise DivergedError(
                f"The GPT of seed {seed} did not stay finite with learning_rate={self.train_config.learning_rate:g}. "
                "Try a smaller learning rate."
            )
        return MarkovChain.from_table(table, self.corpus.vocabulary)

    def gpt(self, seed: int) -> GPT:
        """Return the trained GPT of one seed.

        Raises
        ------
        SettingError
            The seed is not in this ensemble.
        """
        place = self._place(seed)
        gpt = seeded_gpt(self.config, int(seed))
        with torch.no_grad():
            for name, parameter in gpt.named_parameters():
                parameter.copy_(torch.from_numpy(self.weights[name][place]))
        return gpt

    def __len__(self) -> int:
        return len(self.seeds)

    def __repr__(self) -> str:
        return (
            f"Ensemble({len(self):,} seeds, {self.train_config.steps:,} steps, median loss "
            f"{np.median(self.losses[:, 0]):.4f} → {np.median(self.losses[:, -1]):.4f}, floor "
            f"{self.corpus.loss_floor(self.train_config.positions):.4f}, {self.log_probs.shape[1]:,} states)"
        )

    def _place(self, seed: int) -> int:
        place = np.flatnonzero(self.seeds == seed)
        if not len(place):
            raise SettingError(f"There is no seed {seed!r} in this ensemble of {len(self):,}.")
        return int(place[0])

    def _frame(self, step: int) -> int:
        frame = np.flatnonzero(self.steps == step)
        if not len(frame):
            raise SettingError(
                f"Step {step!r} was not recorded, {', '.join(map(str, self.steps[:8]))}{' …' * (len(self.steps) > 8)} "
                "were. Name the steps you want: Ensemble.train(…, record=[0, 10, 50])."
            )
        return int(frame[0])


def _checked_seeds(seeds: Iterable[int]) -> list[int]:
    try:
        numbers = [check_seed(seed) for seed in seeds]
    except TypeError:
        raise SettingError(f"seeds={seeds!r} is no list of seeds. Use range(1024), say.") from None
    if not numbers:
        raise SettingError("There are no seeds. Use range(1024), say.")
    if len(set(numbers)) < len(numbers):
        raise SettingError("A seed is named more than once; it would train the same GPT again. Name each once.")
    return numbers


def _checked_record(record: Literal["last", "all"] | Iterable[int], steps: int) -> Sequence[int]:
    if isinstance(record, str) and record in ("all", "last"):
        return range(steps + 1) if record == "all" else [steps]
    if isinstance(record, str) or not isinstance(record, Iterable):
        raise SettingError(f'record={record!r} is not known. Use "last", "all" or a list of steps.')
    recorded = sorted({check_count("record", step, least=0) for step in record})
    if not recorded or recorded[-1] > steps:
        raise SettingError(f"record={recorded} must name steps from 0 to {steps}, at least one.")
    return recorded
