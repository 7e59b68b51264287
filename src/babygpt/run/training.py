"""Training as it happens: steps come out one by one, and the run so far can be had at any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import all_contexts, check_size, count_short, count_states
from babygpt.chain.extract import FORWARD_TOKENS, context_table, table_of_logits
from babygpt.errors import DivergedError, SettingError
from babygpt.gpt.checks import check_count
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.given import CONTEXT_LENGTH, Given, corpus_of
from babygpt.gpt.kinds import explained
from babygpt.gpt.model import seeded_gpt
from babygpt.gpt.room import SAVED_COPIES, STEP_BYTES, check_training, step_bytes, training_bytes
from babygpt.gpt.train import Step, Trainer, contexts_at_once
from babygpt.gpt.vocabulary import Vocabulary
from babygpt.run.history import FRAME_BUDGET, FramePlan, Recorder, Table
from babygpt.run.run import Run
from babygpt.settings import Positions, TokenKind, default


class Training:
    """A training under way; iterate for its steps, ask :meth:`result` for the run so far.

    Parameters
    ----------
    corpus, config, train_config
        What to train on, the GPT's shape, how to train.
    earlier
        A run to go on from; its corpus, shape and settings are then the ones given.
    frame_budget
        What the recorded frames may take, in bytes; by default 256 MiB.
    frames
        How many frames may be recorded at most, 2 or more, the first and the last among them; by default as many as
        the budget allows, or, going on, as many as the earlier run was to have.

    Raises
    ------
    SizeError
        The chain would have more states than fit, or the training would take more memory than is free, or years.

    >>> corpus = Corpus.from_text("111101111011110", context_length=3)
    >>> training = Training(corpus, GPTConfig(), TrainConfig(steps=5))
    >>> for step in training:
    ...     if step.index == 2:
    ...         break
    >>> training.result().history.steps.tolist()
    [0, 1, 2]
    """

    def __init__(
        self,
        corpus: Corpus,
        config: GPTConfig,
        train_config: TrainConfig,
        earlier: Run | None = None,
        frame_budget: int | None = None,
        frames: int | None = None,
    ) -> None:
        if frames is None and earlier is not None:
            frames = earlier.frames
        self.frames = None if frames is None else check_count("frames", frames, least=2)
        self._budget = frame_budget or FRAME_BUDGET
        V, K = config.vocab_size, config.block_size
        check_size(V, K)
        self.corpus, self.config, self.train_config = corpus, config, train_config
        # Few enough contexts are read by each step itself, which makes the frame before it free.
        self._reads_all = K * count_states(V, K) <= FORWARD_TOKENS
        n_read = count_states(V, K) if self._reads_all else len(corpus.contexts)

        def need(config: GPTConfig, how: TrainConfig) -> int:
            kept = training_bytes(config) + 4 * SAVED_COPIES * config.n_parameters + STEP_BYTES * how.steps
            recorded = 2 * self.planned_frames(frames, how.steps)[1]  # as they come, and as one array
            return kept + recorded + step_bytes(config, how, n_read, contexts_at_once(config))

        check_training(config, train_config, need, n_read)
        plan = self._plan(self.frames, train_config.steps)
        if earlier is not None and not earlier.history.exact:
            plan = replace(plan, dtype=np.float32)  # what was rounded once stays marked as rounded
        self._recorder = Recorder(plan)
        self._latest: tuple[int, Table] | None = None  # the table of a step that is not recorded, read but once
        extra = all_contexts(V, K) if self._reads_all else None
        if earlier is None:
            self.losses: list[float] = []
            self.trainer = Trainer(seeded_gpt(config, train_config.seed), corpus, train_config, extra_contexts=extra)
        else:
            self.losses = earlier.losses.tolist()
            self._recorder.take_over(earlier.history)
            memory = {name: torch.from_numpy(values) for name, values in earlier.optimizer.items()}
            # built anew from the run's weights: the run stays as it is, and whatever was done to its GPT is left there
            self.trainer = Trainer(replace(earlier).gpt, corpus, train_config, earlier.steps, memory, extra)

    @classmethod
    def resume(
        cls, run: Run, steps: int | None = None, frame_budget: int | None = None, frames: int | None = None
    ) -> Training:
        """Return the training that takes ``run`` on to ``steps`` steps in all, as if never interrupted.

        By default it goes on to the steps that were planned when the run began.

        Raises
        ------
        SettingError
            The run has that many steps already.
        """
        total = run.train_config.steps if steps is None else steps
        train_config = replace(run.train_config, steps=total)
        if total <= run.steps:
            raise SettingError(
                f"The run has {run.steps:,} steps already, and steps={total} in all asks for no more. "
                f"Ask for more, such as steps={2 * run.steps}."
            )
        return cls(run.corpus, run.config, train_config, run, frame_budget, frames)

    def __iter__(self) -> Iterator[Step]:
        """Do the steps, one for each that is asked for.

        Raises
        ------
        DivergedError
            The loss is not finite. The result is then the run up to the last step whose loss was.
        """
        try:
            if not self._reads_all:
                self._record(self.trainer.steps_done)
            while self.trainer.steps_done < self.train_config.steps:
                step = self.trainer.step()
                if self._reads_all:
                    self._record(step.index - 1, self.trainer.last_logits)
                self.losses.append(step.loss)
                if not self._reads_all:
                    self._record(step.index)
                yield step
            self.trainer.verify()
        except DivergedError:
            del self.losses[self.trainer.steps_done :]
            raise

    def planned_frames(self, frames: int | None = None, steps: int | None = None) -> tuple[int, int]:
        """Return how many frames the whole training records if ``frames`` may be kept at most, and their bytes."""
        total = self.train_config.steps if steps is None else steps
        plan = self._plan(frames, total)
        return plan.count(total), plan.bytes(total, self._n_contexts * self.config.vocab_size)

    def _plan(self, frames: int | None, steps: int) -> FramePlan:
        size = self._n_contexts * self.config.vocab_size
        return FramePlan.within(self._budget, steps, size, self._n_contexts, frames)

    @property
    def _n_contexts(self) -> int:
        V, K = self.config.vocab_size, self.config.block_size
        return count_short(V, K) + count_states(V, K)

    @property
    def recorded(self) -> Sequence[int]:
        """The steps recorded so far, in order; it grows while the training goes on."""
        return self._recorder.steps

    def chain_at(self, step: int) -> MarkovChain:
        """Return the chain as it was at a recorded step, or as it is after the last one done.

        Raises
        ------
        SettingError
            The step was not recorded, or the last update broke the GPT, which the next step will find.
        """
        table = self._table() if step == self.trainer.steps_done else self._recorder.frame(step)
        if table is None:
            raise SettingError(f"Step {step} was not recorded.")
        return MarkovChain.from_table(table, self.corpus.vocabulary)

    def settle(self) -> DivergedError | None:
        """Look at the last step's GPT; if its update broke it, go back before it and return what there is to say.

        Raises
        ------
        DivergedError
            The GPT was broken before already.
        """
        if np.isfinite(self._table()).all():
            return None
        self.trainer.rollback()
        error = self.trainer.divergence()
        del self.losses[self.trainer.steps_done :]
        if not np.isfinite(self._table()).all():
            raise error
        return error

    def result(self) -> Run:
        """Return the run as it stands after the last step done.

        If that step's update broke the GPT, the run is that of the step before.

        Raises
        ------
        DivergedError
            The GPT was broken before already.
        """
        self.settle()
        gpt, done = self.trainer.gpt, self.trainer.steps_done
        n_states = count_states(self.config.vocab_size, self.config.block_size)
        return Run(
            corpus=self.corpus,
            config=self.config,
            train_config=self.train_config,
            losses=np.array(self.losses, dtype=np.float64),
            history=self._recorder.history(done, self._table(), n_states),
            weights={n: p.detach().to("cpu", copy=True).numpy() for n, p in gpt.named_parameters()},
            optimizer={n: t.numpy() for n, t in self.trainer.state().items()},
            frames=self.frames,
        )

    def _table(self) -> Table:
        done = self.trainer.steps_done
        recorded = self._recorder.frame(done)
        if recorded is not None:
            return recorded
        if self._latest is None or self._latest[0] != done:
            self._latest = done, context_table(self.trainer.gpt)
        return self._latest[1]

    def _record(self, step: int, logits: Tensor | None = None) -> None:
        """Record the chain of a step if the plan wants it; a chain that is broken ends the training."""
        if self._recorder.plan.wants(step) and self._recorder.frame(step) is None:
            table = context_table(self.trainer.gpt) if logits is None else table_of_logits(logits)
            if not np.isfinite(table).all():
                self.trainer.rollback()
                raise self.trainer.divergence()
            self._recorder.add(step, table)


@explained
def train(
    sequence: Given,
    context_length: int = CONTEXT_LENGTH,
    steps: int = default("steps"),
    seed: int = default("seed"),
    *,
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
    frames: int | None = None,
) -> Run:
    """Train a GPT on ``sequence`` and return the run; the defaults are the article's.

    Parameters
    ----------
    sequence
        What to learn from: a text, a :class:`~pathlib.Path` to a file, a list of tokens or of names, a
        :class:`babygpt.Corpus`, or a source (:mod:`babygpt.lab.sources`), of which that is endless data.
        See :func:`babygpt.gpt.given.corpus_of`.
    context_length, vocabulary, tokens
        K, the symbols and how to read them: see :class:`babygpt.Corpus`, which brings its own.
    n_layer, n_head, n_embd, bias
        The GPT's shape: see :class:`babygpt.GPTConfig`.
    steps, learning_rate, weight_decay, positions, batch_size, seed, device
        How to train: see :class:`babygpt.TrainConfig`.
    frames
        How many of the steps' chains the run keeps at most, 2 or more, evenly spaced; by default all, up to 256 MiB of
        them.

    Raises
    ------
    InputError
        Something given cannot be used; the message says what, and what to try.
    DivergedError
        The loss is not finite.

    >>> run = train("111101111011110", context_length=3, steps=50, seed=1337)
    >>> run.losses[0].round(6), run.losses[-1].round(6), run.chain
    (np.float64(0.663539), np.float64(0.469983), MarkovChain(8 states, 16 arrows, 2 symbols, context length 3))
    """
    check_size(2, context_length)  # before anything is counted: no chain has fewer symbols
    corpus = corpus_of(sequence, context_length, vocabulary, tokens)
    config = GPTConfig(corpus.context_length, len(corpus.vocabulary), n_layer, n_head, n_embd, bias)
    train_config = TrainConfig(steps, learning_rate, weight_decay, positions, batch_size, seed, device)
    training = Training(corpus, config, train_config, frames=frames)
    for _ in training:
        pass
    return training.result()
