r"""Training: AdamW [1]_ on the cross-entropy between the corpus and the GPT.

By default every step sees the whole corpus (full batch) and asks for the token after each whole context
(``positions="last"``). Since the corpus is its counts, the loss

.. math:: L = -\sum_{c} \sum_{v} \frac{n(c, v)}{n} \log p(v \mid c)

is a sum over *distinct* contexts c, and a step costs the same after 15 tokens or after a billion.
``positions="all"`` also trains the predictions from the first 1, 2, … K−1 tokens of each window, so the GPT
learns what to say when it has read fewer than K.

A *step* is one update; step 0 is the untrained GPT. The loss reported with step i is the one before its
update, that is, the loss of step i − 1.

.. [1] Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, arXiv:1711.05101.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.adamw import adamw

from babygpt.errors import DivergedError, SettingError
from babygpt.gpt.config import TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.device import check_device, threads_for
from babygpt.gpt.model import GPT

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
            [torch.tensor(float(steps_done), device=p.device) for p in parameters],
        )


class Trainer:
    """Trains a GPT in place, one step at a time.

    Parameters
    ----------
    gpt, corpus, config
        What to train, on what, how. The GPT is moved to ``config.device``.
    steps_done, memory
        Where an earlier training stopped: its steps, and :meth:`state` of that time. Together with the GPT's
        weights they continue it exactly.

    Raises
    ------
    SettingError
        GPT and corpus have different vocabulary sizes or context lengths.
    """

    def __init__(
        self,
        gpt: GPT,
        corpus: Corpus,
        config: TrainConfig,
        steps_done: int = 0,
        memory: dict[str, Tensor] | None = None,
    ) -> None:
        if (gpt.config.vocab_size, gpt.config.block_size) != (len(corpus.vocabulary), corpus.context_length):
            raise SettingError(
                f"The GPT reads {gpt.config.block_size} tokens of {gpt.config.vocab_size} symbols, the corpus has "
                f"context_length={corpus.context_length} and {len(corpus.vocabulary)} symbols. Make them the same."
            )
        self.gpt, self.corpus, self.config = gpt.to(check_device(config.device)), corpus, config
        self.steps_done = steps_done
        self._names = [name for name, _ in gpt.named_parameters()]
        self._parameters: list[Tensor] = list(gpt.parameters())
        self._adamw = AdamWState.fresh(self._parameters, steps_done)
        if memory is not None:
            for i, name in enumerate(self._names):
                self._adamw.exp_avg[i].copy_(memory[f"exp_avg.{name}"])
                self._adamw.exp_avg_sq[i].copy_(memory[f"exp_avg_sq.{name}"])
        self._good = [t.detach().clone() for t in self._live()]
        self._good_steps = steps_done

        device = config.device
        self._contexts = torch.from_numpy(corpus.contexts).to(device)
        self._weights = torch.from_numpy((corpus.counts / corpus.n_examples).astype(np.float32)).to(device)
        rows, tokens = np.nonzero(corpus.counts)
        self._pairs, self._pair_ends = (rows, tokens), np.cumsum(corpus.counts[rows, tokens])

    def step(self) -> Step:
        """Do one update and return it.

        Raises
        ------
        DivergedError
            The loss is not finite. The GPT is put back as it was at the last step whose loss was.
        """
        contexts, weights = self._batch()
        with threads_for(contexts.numel() * self.gpt.config.n_embd):
            loss, gradients = 0.0, list[Tensor]()
            for part in self._turns(len(contexts)):
                term = self._loss(contexts[part], weights[part])
                new = torch.autograd.grad(term, self._parameters)
                gradients = [a + b for a, b in zip(gradients, new, strict=True)] if gradients else list(new)
                loss += term.item()
            if not math.isfinite(loss):
                raise self.go_back(loss)
            with torch.no_grad():
                torch._foreach_copy_(self._good, self._live())
                self._good_steps = self.steps_done
                self._update(gradients)
        self.steps_done += 1
        return Step(self.steps_done, loss)

    def verify(self) -> None:
        """Raise :class:`DivergedError`, and go back one step, if the last update broke the GPT."""
        loss = 0.0
        with threads_for(self._contexts.numel() * self.gpt.config.n_embd), torch.no_grad():
            for part in self._turns(len(self._contexts)):
                loss += self._loss(self._contexts[part], self._weights[part]).item()
        if not math.isfinite(loss):
            raise self.go_back(loss)

    def go_back(self, loss: float = math.nan) -> DivergedError:
        """Put GPT and AdamW back as they were before the last update; return the error to raise."""
        with torch.no_grad():
            torch._foreach_copy_(self._live(), self._good)
        self.steps_done = self._good_steps
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

    def _loss(self, contexts: Tensor, weights: Tensor) -> Tensor:
        if self.config.positions == "last":
            return -(weights * F.log_softmax(self.gpt(contexts), dim=-1)).sum()
        log_probs = F.log_softmax(self.gpt.logits(contexts), dim=-1)  # (B, K, V)
        # After the first t tokens of a window comes its token t + 1; only the last place has several outcomes.
        inner = log_probs[:, :-1].gather(2, contexts[:, 1:, None]).sum(dim=(1, 2))  # (B,)
        last = (weights * log_probs[:, -1]).sum()
        return -(last + (weights.sum(dim=1) * inner).sum()) / contexts.shape[1]

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Return the step's distinct contexts (B, K) and the weight of each token after them (B, V)."""
        size = self.config.batch_size
        if size is None:
            return self._contexts, self._weights
        # Each step has its own generator, so that a resumed training draws what an uninterrupted one draws.
        rng = np.random.default_rng((self.config.seed, self.steps_done))
        drawn = np.searchsorted(self._pair_ends, rng.integers(self._pair_ends[-1], size=size), side="right")
        rows, place = np.unique(self._pairs[0][drawn], return_inverse=True)
        weights = np.zeros((len(rows), self._weights.shape[1]), dtype=np.float32)
        np.add.at(weights, (place, self._pairs[1][drawn]), 1 / size)
        device = self.config.device
        return self._contexts[torch.from_numpy(rows).to(device)], torch.from_numpy(weights).to(device)

    def _turns(self, n_contexts: int) -> Iterator[slice]:
        shape = self.gpt.config
        per_token = 20 * shape.n_layer * shape.n_embd + shape.vocab_size  # about 20 values per width are kept
        size = max(1, ACTIVATIONS_PER_TURN // (shape.block_size * per_token))
        return (slice(start, start + size) for start in range(0, n_contexts, size))

    def _update(self, gradients: list[Tensor]) -> None:
        # The function behind torch.optim.AdamW, called directly: the class loads torch's compiler, which takes
        # longer than the article's whole training. fused: one kernel updates all parameters.
        adamw(
            self._parameters,
            gradients,
            self._adamw.exp_avg,
            self._adamw.exp_avg_sq,
            [],
            self._adamw.step,
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
            eps=1e-8,
            maximize=False,
        )

    def _live(self) -> list[Tensor]:
        return [*self._parameters, *self._adamw.exp_avg, *self._adamw.exp_avg_sq, *self._adamw.step]


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
    DivergedError
        The loss is not finite; the GPT is left as it was at the last step whose loss was.
    """
    trainer = Trainer(gpt, corpus, config or TrainConfig())

    def steps() -> Iterator[Step]:
        while trainer.steps_done < trainer.config.steps:
            yield trainer.step()
        trainer.verify()

    return steps()  # a generator of its own, so that settings that do not fit are told at the call
