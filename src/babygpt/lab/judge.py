"""Judging a chain by the truth: how far it is from the best that its context length allows on a known source.

On data, a loss is compared with the floor, which the data itself set: sampling noise and all. On a source the truth
is known after every context, and so is how often each comes up. The *cross-entropy* of a chain q on a source p is what
it would lose per token on endless data,

    −Σ_c p(c) Σ_x p(x | c) ln q(x | c)  =  H(X_{K+1} | X_1 … X_K)  +  Σ_c p(c) KL(p(· | c) ‖ q(· | c)),

exactly: the optimal loss at its context length plus its *excess*, the part that training and architecture answer for.
What remains between optimal loss and entropy rate is the price of a finite context.

A loss that has fallen may have fallen for a cheap reason: one token alone, at some lag, may tell much of what all K
tell together. What a *copy* loses that looks at that token only says whether a chain does more than that: with K >
length, a chain that has the copy's excess on :func:`babygpt.lab.sources.parity` has learnt a copy, not a parity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.chain import MarkovChain
from babygpt.chain.contexts import contexts_between
from babygpt.errors import SettingError
from babygpt.gpt.checks import check_count
from babygpt.gpt.kinds import explained
from babygpt.gpt.vocabulary import Vocabulary
from babygpt.lab.entropy_rate import EntropyRate
from babygpt.lab.hidden_markov import Source
from babygpt.run.run import Run


@dataclass(frozen=True)
class JudgedContext:
    """A context and what a chain loses there.

    Attributes
    ----------
    context
        Its text.
    weight
        How often the source says it.
    kl
        The divergence of the chain from the truth there, in nats.
    excess
        weight · kl: its part of the chain's excess, in nats per token.
    """

    context: str
    weight: float
    kl: float
    excess: float


@explained
@dataclass(frozen=True, eq=False)
class Judgement:
    """How good a chain is on a source, in nats per token.

    Attributes
    ----------
    cross_entropy
        What the chain loses on endless data; infinite if it rules out what the source says.
    optimal_loss
        What the best chain of its context length loses.
    entropy_rate
        What is lost with a context without end, with bounds.
    weights
        float64 (N,): how often the source says each context.
    kl
        float64 (N,): the divergence of the chain from the truth after each, in nats; NaN where it never comes up.
    vocabulary, context_length
        The chain's.
    lag_losses
        float64 (K,): what is lost by the best that looks at one token alone, 1, 2, … K back.
    """

    cross_entropy: float
    optimal_loss: float
    entropy_rate: EntropyRate
    weights: NDArray[np.float64]
    kl: NDArray[np.float64]
    vocabulary: Vocabulary
    context_length: int
    lag_losses: NDArray[np.float64]

    @property
    def best_lag(self) -> int:
        """How far back the one token is that alone tells most about the next: 1 … K, the nearest of equals."""
        return int(np.argmin(self.lag_losses.round(12))) + 1

    @property
    def copy_excess(self) -> float:
        """The excess of the best that looks at that one token only: what a chain at it, or above, may have learnt."""
        return max(0.0, float(self.lag_losses[self.best_lag - 1]) - self.optimal_loss)

    @property
    def has_shortcut(self) -> bool:
        """Whether one token that is not the last tells, alone, a third or more of all that K tokens tell together."""
        unseen = float(self.lag_losses.max())  # at most what no token tells anything of
        told = unseen - float(self.lag_losses[self.best_lag - 1])
        return self.best_lag > 1 and self.copy_excess > 1e-9 and told > (unseen - self.optimal_loss) / 3

    @property
    def excess(self) -> float:
        """The mean divergence from the truth, Σ weight · kl: cross-entropy less optimal loss, without cancellation."""
        return _weighted(self.weights, self.kl)

    def worst(self, n: int = 5) -> tuple[JudgedContext, ...]:
        """Return the ``n`` contexts that add most to the excess, the worst first."""
        parts = np.where(self.weights > 0, self.weights * self.kl, -1.0)
        order = np.argsort(-parts, kind="stable")[: check_count("n", n)]
        return tuple(
            JudgedContext(self._text(state), float(self.weights[state]), float(self.kl[state]), float(parts[state]))
            for state in order[parts[order] >= 0].tolist()
        )

    def __repr__(self) -> str:
        return (
            f"Judgement(cross-entropy {self.cross_entropy:.4f} = optimal {self.optimal_loss:.4f} + excess "
            f"{self.excess:.4f}; entropy rate {self.entropy_rate.value:.4f})"
        )

    def _text(self, state: int) -> str:
        return self.vocabulary.decode(contexts_between(state, state + 1, len(self.vocabulary), self.context_length)[0])


@explained
def judge(model: MarkovChain | Run, source: Source) -> Judgement:
    """Return how good a chain, or the trained chain of a run, is on a source.

    Raises
    ------
    SettingError
        The chain has other symbols than the source.
    SizeError
        The source has more hidden states than fit for so many contexts.

    >>> from babygpt.lab.sources import golden_mean
    >>> judge(MarkovChain(np.log([[0.5, 0.5], [0.5, 0.5]])), golden_mean()).worst(1)[0].context
    '0'
    """
    chain = model.chain if isinstance(model, Run) else model
    if not isinstance(chain, MarkovChain) or not isinstance(source, Source):
        raise SettingError("judge takes a chain or a run, and a source: judge(run, sources.golden_mean()).")
    K = chain.context_length
    if chain.vocabulary.symbols != source.vocabulary.symbols:
        own = source.vocabulary
        theirs, asked = (" ".join(one) if one.separator in ("", " ") else one.decode(range(len(one)))
                         for one in (chain.vocabulary, own))  # fmt: skip
        words = ", tokens='words'" if own.tokens == "words" else ""
        words += f", separator={own.separator!r}" if own.separator not in ("", " ") else ""
        raise SettingError(
            f"The chain has the symbols {theirs}, the source {asked}. Judge a GPT that was trained on this source with "
            f"all of its symbols: vocabulary={own.decode(range(len(own)))!r}{words}."
        )
    weights = source.context_weights(K)
    truth = source.context_probs(K)
    said = ~np.isnan(truth[:, 0])
    p, log_q = truth[said], chain.log_probs[said]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * (np.log(p) - log_q), 0.0)
        losses = np.where(p > 0, -p * log_q, 0.0).sum(axis=1)
    kl = np.full(len(weights), np.nan)
    kl[said] = np.maximum(terms.sum(axis=1), 0.0)
    return Judgement(
        _weighted(weights[said], losses),
        source.optimal_loss(K),
        source.entropy_bounds,
        weights,
        kl,
        chain.vocabulary,
        K,
        source.lag_losses(K),
    )


def _weighted(weights: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Return Σ weight · value: (N,), (N,) → a float; what has no weight counts for nothing, infinite or not."""
    counted = weights > 0
    return float(weights[counted] @ values[counted])
