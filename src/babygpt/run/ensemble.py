"""An ensemble: the same training from many seeds, all at once.

Which seed drew a GPT's first weights should not matter, and does: what one run says about a context it never saw may
be the data's doing, the architecture's, or that one seed's. An ensemble is what a thousand seeds say.

GPTs of the article's size are trained hundreds at a time (:mod:`babygpt.gpt.stacked`), in blocks that fit the cache and
go to as many threads as torch may use; a block is trained to its end before the next begins, so that memory is
bounded by the threads, not by the seeds. Each GPT is the one that a run with its seed trains alone, within rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Literal

import numpy as np
import psutil
import torch
from numpy.typing import NDArray

from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import all_contexts, check_size, count_short, count_states, human_bytes
from babygpt.chain.extract import FORWARD_TOKENS, context_table, table_of_logits
from babygpt.errors import DivergedError, SettingError, SizeError
from babygpt.gpt.checks import check_count, check_seed
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus, Positions
from babygpt.gpt.device import Job, check_device, side_by_side, threads_for
from babygpt.gpt.model import GPT, seeded_gpt
from babygpt.gpt.stacked import StackedTrainer, Weights, as_modules, draw, logits_of
from babygpt.gpt.vocabulary import TokenKind, Vocabulary

Progress = Callable[[int, int], object]

# Numbers that a block of GPTs keeps at hand, weights, AdamW's memory and activations: 64 MiB.
BLOCK_NUMBERS = 2**24
MAX_BLOCK = 256


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
        sequence: str | Corpus,
        seeds: Iterable[int] = range(1024),
        *,
        context_length: int = 3,
        steps: int = 50,
        record: Literal["last", "all"] | Iterable[int] = "last",
        learning_rate: float = 1e-3,
        weight_decay: float = 0.1,
        n_layer: int = 4,
        n_head: int = 4,
        n_embd: int = 16,
        bias: bool = False,
        positions: Positions = "last",
        batch_size: int | None = None,
        device: str = "cpu",
        vocabulary: Vocabulary | Sequence[str] | None = None,
        tokens: TokenKind = "chars",
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Ensemble:
        """Train a GPT from each of ``seeds`` on ``sequence``; the defaults are the article's.

        Parameters
        ----------
        sequence
            The training text, or a corpus, which brings its own context length and vocabulary.
        seeds
            Whole numbers, each once.
        record
            Whose chains are kept: those after the ``"last"`` step, after ``"all"`` of them, or after those named.
        threads
            CPU threads at work; by default as many as torch has (``torch.get_num_threads()``).
        progress
            Called now and then as ``progress(steps_done, steps)``, summed over the seeds, on the caller's thread. What
            it raises ends the training, as Ctrl-C does.

        The other settings are those of :func:`babygpt.train`.

        Raises
        ------
        InputError
            Something given cannot be used; the message says what, and what to try.
        SizeError
            The chains of all seeds would not fit into memory.

        >>> ensemble = Ensemble.train("111101111011110", seeds=range(3), steps=5)
        >>> ensemble.log_probs.shape, ensemble.losses.shape
        ((3, 8, 2), (3, 5))
        """
        corpus = sequence
        if not isinstance(corpus, Corpus):
            corpus = Corpus.from_text(corpus, context_length, vocabulary, tokens)
        config = GPTConfig(corpus.context_length, len(corpus.vocabulary), n_layer, n_head, n_embd, bias)
        numbers = _checked_seeds(seeds)
        train_config = TrainConfig(steps, learning_rate, weight_decay, positions, batch_size, numbers[0], device)
        check_device(device)
        recorded = _checked_record(record, train_config.steps)
        threads = torch.get_num_threads() if threads is None else check_count("threads", threads)
        _check_fits(config, len(numbers), len(recorded))
        return _train(corpus, config, train_config, numbers, recorded, threads, progress)

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


def _checked_record(record: Literal["last", "all"] | Iterable[int], steps: int) -> list[int]:
    if record == "all":
        return list(range(steps + 1))
    if record == "last":
        return [steps]
    if isinstance(record, str) or not isinstance(record, Iterable):
        raise SettingError(f'record={record!r} is not known. Use "last", "all" or a list of steps.')
    recorded = sorted({check_count("record", step, least=0) for step in record})
    if not recorded or recorded[-1] > steps:
        raise SettingError(f"record={recorded} must name steps from 0 to {steps}, at least one.")
    return recorded


def _check_fits(config: GPTConfig, n_seeds: int, n_frames: int) -> None:
    V, K = config.vocab_size, config.block_size
    check_size(V, K)
    rows = count_short(V, K) + count_states(V, K)
    each = 8 * n_frames * rows * V + 4 * config.n_parameters
    free = psutil.virtual_memory().available
    if n_seeds * each > free:
        raise SizeError(
            f"The chains of {n_seeds:,} seeds at {n_frames:,} steps take {human_bytes(n_seeds * each)}; "
            f"{human_bytes(free)} of memory are free. Try {free // each:,} seeds, or record fewer steps."
        )


def _train(
    corpus: Corpus,
    config: GPTConfig,
    train_config: TrainConfig,
    seeds: list[int],
    recorded: list[int],
    threads: int,
    progress: Progress | None,
) -> Ensemble:
    V, K = config.vocab_size, config.block_size
    rows = count_short(V, K) + count_states(V, K)
    tables = np.empty((len(seeds), len(recorded), rows, V))
    losses = np.empty((len(seeds), train_config.steps))
    weights = {
        name: np.empty((len(seeds), *shape), dtype=np.float32) for name, shape in config.parameter_shapes.items()
    }
    size = _block_size(config, corpus, len(seeds), threads)
    blocks = [range(start, min(start + size, len(seeds))) for start in range(0, len(seeds), size)]
    frame_of = {step: frame for frame, step in enumerate(recorded)}
    stopped = Event()

    def work(block: range) -> tuple[int, list[Job]]:
        """Train the GPTs of a block to the end and write what is asked for of them into the arrays."""
        part = slice(block.start, block.stop)
        first = draw(config, seeds[part], train_config.device)
        trainer = StackedTrainer(first, seeds[part], config, corpus, train_config)
        for step in range(train_config.steps + 1):
            if stopped.is_set():
                return 0, []
            if step in frame_of:
                _read(trainer.weights, config, tables[part, frame_of[step]], threads)
            if step < train_config.steps:
                losses[part, step] = trainer.step().cpu()
        for name, weight in as_modules(trainer.weights).items():
            weights[name][part] = weight.detach().cpu()
        return len(block) * train_config.steps, []

    side = threads if train_config.device == "cpu" else 1
    jobs = [partial(work, block) for block in blocks]
    finished = 0
    with threads_for(0), closing(side_by_side("train", side, jobs, stopped)) as counts:
        for count in counts:
            finished += count
            if progress is not None:
                progress(finished, len(seeds) * train_config.steps)
    return Ensemble(
        corpus,
        config,
        train_config,
        np.array(seeds, dtype=np.int64),
        losses,
        np.array(recorded, dtype=np.int64),
        tables,
        weights,
    )


def _block_size(config: GPTConfig, corpus: Corpus, n_seeds: int, threads: int) -> int:
    per_token = 20 * config.n_layer * config.n_embd + config.vocab_size
    each = 4 * config.n_parameters + len(corpus.contexts) * config.block_size * per_token
    share = -(-n_seeds // threads)  # no thread should be left without
    return max(1, min(MAX_BLOCK, BLOCK_NUMBERS // each, share))


@torch.no_grad()
def _read(stacked: Weights, config: GPTConfig, out: NDArray[np.float64], threads: int) -> None:
    """Write the tables of all GPTs of a block to ``out`` (S, n_short + N, V)."""
    V, K = config.vocab_size, config.block_size
    if K * count_states(V, K) <= FORWARD_TOKENS:
        contexts = torch.from_numpy(all_contexts(V, K)).to(stacked["wte.weight"].device)
        out[:] = table_of_logits(logits_of(stacked, config, contexts, last_only=False))
        return
    gpt = seeded_gpt(config, 0).to(stacked["wte.weight"].device)
    weights = as_modules(stacked)
    for place, table in enumerate(out):
        for name, parameter in gpt.named_parameters():
            parameter.copy_(weights[name][place])
        context_table(gpt, out=table, threads=threads)
