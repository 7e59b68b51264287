r"""Training: AdamW [1]_ on the cross-entropy between the corpus and the GPT.

By default every step sees the whole corpus (full batch) and asks for the token after each whole context
(``positions="last"``). Since the corpus is its counts, the loss

.. math:: L = -\sum_{c} \sum_{v} \frac{n(c, v)}{n} \log p(v \mid c)

is a sum over *distinct* contexts c, and a step costs the same after 15 tokens or after a billion.
``positions="all"`` also trains the predictions from the first 1, 2, … K−1 tokens of each window, so the GPT
learns what to predict when it has read fewer than K.

A *step* is one update; step 0 is the untrained GPT. The loss reported with step i is the one before its
update, that is, the loss of step i − 1.

.. [1] Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, arXiv:1711.05101.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.adamw import adamw

from babygpt.errors import DivergedError, ModelError, SettingError
from babygpt.gpt.answers import last_logits
from babygpt.gpt.compute import check_device, threads_for
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.fast.supports import changed
from babygpt.gpt.kinds import explained
from babygpt.gpt.model import GPT
from babygpt.gpt.room import EXAMPLE_BYTES, check_memory, in_digits, per_token
from babygpt.gpt.weights import Counts

# A step keeps its activations for the backward pass. More numbers than this, 256 MiB, are taken in turns.
ACTIVATIONS_PER_TURN = 2**26


@dataclass(frozen=True)
class Step:
    """One update: its index (1, 2, …) and the loss, in nats per token, before it."""

    index: int
    loss: float


@dataclass(frozen=True)
class AdamWState:
    """AdamW's memory: running means of each parameter's gradient and squared gradient, and its step count."""

    exp_avg: list[Tensor]
    exp_avg_sq: list[Tensor]
    step: list[Tensor]

    @classmethod
    def fresh(cls, parameters: list[Tensor], steps_done: int = 0) -> AdamWState:
        """Return the memory of an AdamW that has seen no gradient."""
        return cls(
            [torch.zeros_like(p) for p in parameters],
            [torch.zeros_like(p) for p in parameters],
            [torch.tensor(float(steps_done), dtype=torch.float32, device=p.device) for p in parameters],
        )

    def update(self, parameters: list[Tensor], gradients: Sequence[Tensor | None], config: TrainConfig) -> None:
        """Do one step of AdamW on those ``parameters`` that have a gradient, in place."""
        has = [gradient is not None for gradient in gradients]
        # The function behind torch.optim.AdamW, called directly: the class loads torch's compiler, which takes
        # longer than the article's whole training. fused: one kernel updates all parameters.
        adamw(
            list(compress(parameters, has)),
            # the fused kernel pairs numbers by place in memory
            [gradient.contiguous() for gradient in gradients if gradient is not None],
            list(compress(self.exp_avg, has)),
            list(compress(self.exp_avg_sq, has)),
            [],
            list(compress(self.step, has)),
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            eps=1e-8,
            maximize=False,
        )


class Batches:
    """Draws the examples of a step, with replacement, in proportion to counts or weights (M, V)."""

    def __init__(self, counts: Counts, size: int) -> None:
        self._size, self._vocab_size = size, counts.shape[1]
        self._rows, self._tokens = np.nonzero(counts)
        self._ends = np.cumsum(counts[self._rows, self._tokens])

    def draw(self, seed: int, step: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return which contexts of the table are drawn, (B,), and the share of each token after them, (B, V).

        Each step has its own generator, so that a resumed training draws what an uninterrupted one draws.
        """
        rng = np.random.default_rng((seed, step))
        if self._ends.dtype.kind == "f":
            places = rng.random(self._size) * self._ends[-1]
            drawn = np.minimum(np.searchsorted(self._ends, places, side="right"), len(self._ends) - 1)
        else:
            drawn = np.searchsorted(self._ends, rng.integers(self._ends[-1], size=self._size), side="right")
        rows, place = np.unique(self._rows[drawn], return_inverse=True)
        shares = np.zeros((len(rows), self._vocab_size))
        np.add.at(shares, (place, self._tokens[drawn]), 1 / self._size)
        return rows, shares


class Trainer:
    """Trains a GPT in place, one step at a time.

    Parameters
    ----------
    gpt, corpus, config
        What to train, on what, how. The GPT is moved to ``config.device``. It may be changed in any way, a subclass
        too: its own forward pass gives the loss, and what requires no gradient, or had no part in it, stays as it is.
    steps_done, memory
        Where an earlier training stopped: its steps, and :meth:`state` of that time. Together with the GPT's
        weights they continue it exactly.
    extra_contexts
        Contexts (N, K), the corpus' own among them, that each step reads anyway: its forward pass then tells what
        the GPT predicted after each of their tokens (:attr:`last_logits`).

    Raises
    ------
    SettingError
        GPT and corpus have different vocabulary sizes or context lengths, or the GPT has nothing to train.
    """

    def __init__(
        self,
        gpt: GPT,
        corpus: Corpus,
        config: TrainConfig,
        steps_done: int = 0,
        memory: dict[str, Tensor] | None = None,
        extra_contexts: NDArray[np.int64] | None = None,
    ) -> None:
        if (gpt.config.vocab_size, gpt.config.block_size) != (len(corpus.vocabulary), corpus.context_length):
            raise SettingError(
                f"The GPT reads {gpt.config.block_size} tokens of {gpt.config.vocab_size} symbols, the corpus has "
                f"context_length={corpus.context_length} and {len(corpus.vocabulary)} symbols. Make them the same."
            )
        self.gpt, self.corpus, self.config = gpt.to(check_device(config.device)), corpus, config
        self.steps_done = steps_done
        # one pass gives the answers after every position where nobody changed how they come about
        self._one_pass = changed(gpt, logits=True) is None
        trained = {name: p for name, p in gpt.named_parameters() if p.requires_grad}
        if not trained:
            raise SettingError("No parameter of this GPT requires a gradient. Try gpt.requires_grad_().")
        self._names = list(trained)
        self._parameters: list[Tensor] = list(trained.values())
        self._adamw = AdamWState.fresh(self._parameters, steps_done)
        if memory is not None:
            for i, name in enumerate(self._names):
                self._adamw.exp_avg[i].copy_(memory[f"exp_avg.{name}"])
                self._adamw.exp_avg_sq[i].copy_(memory[f"exp_avg_sq.{name}"])
        self._good = [t.detach().clone() for t in self._live()]
        self._good_steps = steps_done

        shares = corpus.counts / corpus.n_examples
        self._batches = None if config.batch_size is None else Batches(corpus.counts, config.batch_size)
        self._reads_extra = extra_contexts is not None
        self._last_logits: list[Tensor] = []
        contexts = corpus.contexts
        if extra_contexts is not None:
            # a context that the corpus lacks has no share in the loss
            self._place = _places(corpus.contexts, extra_contexts)
            contexts, seen = extra_contexts, shares
            shares = np.zeros((len(extra_contexts), seen.shape[1]))
            shares[self._place] = seen
        self._contexts = torch.from_numpy(contexts).to(config.device)
        self._shares = self._on_device(shares)

    def step(self) -> Step:
        """Do one update and return it.

        Raises
        ------
        DivergedError
            The loss is not finite. The GPT is put back as it was at the last step whose loss was.
        """
        contexts, shares = self._batch()
        with threads_for(contexts.numel() * self.gpt.config.n_embd), torch.enable_grad():
            loss, gradients = 0.0, list[Tensor | None]()
            self._last_logits.clear()
            for part in self._turns(len(contexts)):
                term = self._loss(contexts[part], shares[part])
                new = torch.autograd.grad(term, self._parameters, allow_unused=True)
                gradients = list(map(_sum, gradients, new)) if gradients else list(new)
                loss += term.item()
            if not math.isfinite(loss) or not all(logits.isfinite().all() for logits in self._last_logits):
                self.rollback()
                raise self.divergence(loss)
            with torch.no_grad():
                torch._foreach_copy_(self._good, self._live())
                self._good_steps = self.steps_done
                self._adamw.update(self._parameters, gradients, self.config)
        self.steps_done += 1
        return Step(self.steps_done, loss)

    @property
    def last_logits(self) -> Tensor:
        """What the GPT predicted before the last update after each token of the contexts it reads: (N, K, V) logits."""
        return torch.cat(self._last_logits)

    def verify(self) -> None:
        """Raise :class:`DivergedError`, and go back one step, if the last update broke the GPT."""
        loss = 0.0
        with threads_for(self._contexts.numel() * self.gpt.config.n_embd), torch.no_grad():
            for part in self._turns(len(self._contexts)):
                loss += self._loss(self._contexts[part], self._shares[part]).item()
        if not math.isfinite(loss):
            self.rollback()
            raise self.divergence(loss)

    def rollback(self) -> None:
        """Put GPT and AdamW back as they were before the last update."""
        with torch.no_grad():
            torch._foreach_copy_(self._live(), self._good)
        self.steps_done = self._good_steps

    def divergence(self, loss: float = math.nan) -> DivergedError:
        """Return the error that says that the next step broke the GPT, to be raised after :meth:`rollback`."""
        return DivergedError(
            f"The loss became {loss} after step {self.steps_done + 1} with learning_rate="
            f"{self.config.learning_rate:g}; the GPT of step {self.steps_done} is kept. Try a smaller learning rate."
        )

    def state(self) -> dict[str, Tensor]:
        """Return a copy of AdamW's memory on the CPU: ``exp_avg.NAME`` and ``exp_avg_sq.NAME`` per parameter."""
        memory = {}
        for name, mean, square in zip(self._names, self._adamw.exp_avg, self._adamw.exp_avg_sq, strict=True):
            memory[f"exp_avg.{name}"] = mean.to("cpu", copy=True)
            memory[f"exp_avg_sq.{name}"] = square.to("cpu", copy=True)
        return memory

    def _loss(self, contexts: Tensor, shares: Tensor) -> Tensor:
        if self.config.positions == "last" and not self._reads_extra:
            return -(shares * F.log_softmax(self._next(contexts), dim=-1)).sum()
        logits = self._logits(contexts)  # (B, K, V)
        if self._reads_extra:
            self._last_logits.append(logits.detach())
        if self.config.positions == "last":
            return -(shares * F.log_softmax(logits[:, -1], dim=-1)).sum()
        return loss_of_all_positions(F.log_softmax(logits, dim=-1), contexts, shares)

    def _logits(self, contexts: Tensor) -> Tensor:
        """Return what the GPT predicts after the first 1, 2, … K tokens of contexts (B, K): (B, K, V)."""
        if self._one_pass:
            return self.gpt.logits(contexts)
        return torch.stack([self._next(contexts[:, :t]) for t in range(1, contexts.shape[1] + 1)], dim=1)

    def _next(self, contexts: Tensor) -> Tensor:
        """Return what the GPT predicts after contexts (B, T): (B, V)."""
        given = self.gpt(contexts)
        if self._one_pass:
            return given
        logits = last_logits(given, len(contexts), contexts.shape[1], self.gpt.config.vocab_size)
        if not isinstance(logits, Tensor):
            raise ModelError("The GPT answers with NumPy arrays, which have no gradient. Give tensors.")
        return logits

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Return the step's distinct contexts (B, K) and the share of each token after them (B, V)."""
        if self._batches is None:
            return self._contexts, self._shares
        rows, shares = self._batches.draw(self.config.seed, self.steps_done)
        if self._reads_extra:
            every = np.zeros(self._shares.shape)
            every[self._place[rows]] = shares
            return self._contexts, self._on_device(every)
        return self._contexts[torch.from_numpy(rows).to(self.config.device)], self._on_device(shares)

    def _on_device(self, shares: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(shares).to(self._parameters[0].dtype).to(self.config.device)

    def _turns(self, n_contexts: int) -> Iterator[slice]:
        size = contexts_at_once(self.gpt.config)
        return (slice(start, start + size) for start in range(0, n_contexts, size))

    def _live(self) -> list[Tensor]:
        return [*self._parameters, *self._adamw.exp_avg, *self._adamw.exp_avg_sq, *self._adamw.step]


def contexts_at_once(config: GPTConfig) -> int:
    """Return how many contexts a step reads in one go, so that their activations stay within bounds."""
    return max(1, ACTIVATIONS_PER_TURN // (config.block_size * per_token(config)))


def _sum(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    return b if a is None else a if b is None else a + b


def loss_of_all_positions(log_probs: Tensor, contexts: Tensor, shares: Tensor) -> Tensor:
    """Return the mean loss of the predictions from 1, 2, … K tokens, in nats per token.

    ``log_probs`` (…, B, K, V) after each token of ``contexts`` (B, K); ``shares`` (…, B, V) of the token after them.
    The result has what dimensions come before.
    """
    # After the first t tokens of a window comes its token t + 1; only the last place has several outcomes.
    following = contexts[:, 1:, None].expand(*log_probs.shape[:-2], -1, 1)
    inner = log_probs[..., :-1, :].gather(-1, following).sum(dim=(-1, -2))  # (…, B)
    last = (shares * log_probs[..., -1, :]).sum(dim=(-1, -2))
    return -(last + (shares.sum(dim=-1) * inner).sum(dim=-1)) / contexts.shape[1]


def _places(contexts: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each of ``contexts`` stands in ``among``, both in order: (M,)."""
    _, place = np.unique(np.concatenate([among, contexts]), axis=0, return_inverse=True)
    return place.ravel()[len(among) :]


@explained
def fit(gpt: GPT, corpus: Corpus, config: TrainConfig | None = None) -> Iterator[Step]:
    """Train ``gpt`` in place on ``corpus``, yielding each step as it is done.

    Quiet and lazy: training happens as the steps are asked for, and stops where the caller stops asking.

    >>> from babygpt.gpt.model import GPTConfig, seeded_gpt
    >>> corpus = Corpus.from_text("111101111011110", context_length=3)
    >>> gpt = seeded_gpt(GPTConfig(), seed=1337)
    >>> [f"{step.index}: {step.loss:.4f}" for step in fit(gpt, corpus, TrainConfig(steps=2))]
    ['1: 0.6635', '2: 0.6394']

    Raises
    ------
    SizeError
        The batches do not fit into memory.
    DivergedError
        The loss is not finite; the GPT is left as it was at the last step whose loss was.
    """
    config = config or TrainConfig()
    check_memory(
        EXAMPLE_BYTES * (config.batch_size or 0), f"A batch of {in_digits(config.batch_size or 0)} examples",
        "Try a smaller batch_size.",
    )  # fmt: skip
    trainer = Trainer(gpt, corpus, config)

    def steps() -> Iterator[Step]:
        while trainer.steps_done < trainer.config.steps:
            yield trainer.step()
        trainer.verify()

    return steps()  # a generator of its own, so that settings that do not fit are told at the call
