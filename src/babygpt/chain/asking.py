"""Asking a model what comes next: any callable from tokens to logits, in batches, its answers checked.

A *model* takes contexts, B of them with T tokens each, as an int64 tensor (B, T), and returns the *logits* of the token
that follows: (B, V), or (B, T, V) after every token, of which the last ones count, or an object with these as
``.logits`` (as Hugging Face's models return), or a tuple that begins with them; tensors or NumPy arrays, of any
precision, on any device. What a model predicts after fewer tokens than K is asked for by itself: nobody can see from
outside whether a model is causal.

A model that is a chain predicts the same whenever it is asked. So a few contexts are asked again once all are read,
twice in the same batch and in another batch than at first: one that draws random numbers, remembers what it read
before, or lets the contexts of a batch see each other, has no chain and is told so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from babygpt.chain.contexts import check_size, contexts_between, count_short, count_states
from babygpt.errors import ModelError, SettingError
from babygpt.gpt.answers import (
    check_finite,
    evaluating,
    furthest,
    last_logits,
    log_softmax,
    numbers,
    other_columns,
    softmax,
)
from babygpt.gpt.checks import check_count
from babygpt.gpt.model import GPT

Model = Callable[[Tensor], Any]
Progress = Callable[[int, int], object]

# A forward pass reads about so many tokens, and gives no more logits than this, unless a batch size is given.
BATCH_TOKENS = 2**14
BATCH_LOGITS = 2**24
# So many contexts of a length are asked again, the first of them alone, of at most so many lengths.
SAMPLE = 16
ALONE = 4
SAMPLED_LENGTHS = 3
# How far two answers may lie apart, in probability. The same question in the same batch: as good as not at all. In
# other company, products are summed in another order, which shows more in half precision.
SAME_BATCH = 1e-6
OTHER_BATCH = {torch.float16: 2e-2, torch.bfloat16: 1e-1}
OTHER_BATCH_ELSE = 1e-4
# What rounding does, it does to few contexts; chance, memory and company show in most.
SHARE_TOLD = 1 / 4
# How far a fast reading may lie from the GPT itself: rounding of single precision, and of double.
FAST_SINGLE = 1e-4
FAST_DOUBLE = 1e-6


@dataclass(frozen=True)
class Asked:
    """A model and how it is asked.

    Attributes
    ----------
    model
        Tokens (B, T) → logits.
    vocab_size, context_length
        V and K.
    short
        Whether it is asked after fewer than K tokens too.
    batch
        How many contexts one forward pass reads; with None so many that memory stays moderate.
    """

    model: Model
    vocab_size: int
    context_length: int
    short: bool = True
    batch: int | None = None

    @classmethod
    def of(
        cls,
        model: Model | Asked,
        vocabulary: Sized | None = None,
        context_length: int | None = None,
        vocab_size: int | None = None,
        short: bool = True,
        batch: int | None = None,
    ) -> Asked:
        """Return the model with all that is known of it: a GPT knows its sizes, any other model shows its V.

        Raises
        ------
        SettingError
            It is no model, or its sizes are unknown or contradict each other.
        ModelError
            It has to be asked for V, and fails.
        """
        if isinstance(model, Asked):
            return model
        if not callable(model) or isinstance(model, type):
            raise SettingError(
                f"{model!r:.80} is no model. Give a bg.GPT, or any function or module that takes tokens (B, T) and "
                "returns logits (B, V) or (B, T, V)."
            )
        if batch is not None:
            batch = check_count("batch", batch)
        K = _context_length(model, context_length)
        n_symbols = None if vocabulary is None else len(vocabulary)
        if vocab_size is not None:
            vocab_size = check_count("vocab_size", vocab_size, least=2)
            if n_symbols not in (None, vocab_size):
                raise SettingError(f"vocab_size={vocab_size:,} and a vocabulary of {n_symbols:,} symbols: give one.")
        V = model.config.vocab_size if isinstance(model, GPT) else vocab_size or n_symbols
        if V is None:
            check_size(2, K, limit=2**62)  # of any vocabulary, before contexts of so many tokens are made
            unknown = cls(model, 0, K, short, batch)
            with unknown.at_rest():
                V = unknown.logits(np.zeros((2, K), dtype=np.int64)).shape[1]
        elif n_symbols not in (None, V):
            raise other_columns(V, n_symbols or 0)
        elif vocab_size not in (None, V):
            raise SettingError(f"vocab_size={vocab_size:,} was given; this GPT has {V:,} symbols.")
        return cls(model, check_count("vocab_size", V, least=2), K, bool(short), batch)

    @property
    def lengths(self) -> range:
        """The numbers of tokens it is asked after."""
        return range(1 if self.short else self.context_length, self.context_length + 1)

    @property
    def n_rows(self) -> int:
        """How many contexts that makes: N, and n_short more."""
        V, K = self.vocab_size, self.context_length
        return count_states(V, K) + self.short * count_short(V, K)

    def row(self, length: int) -> int:
        """Return the row of the first context of so many tokens in a table of all that are asked."""
        V, K = self.vocab_size, self.context_length
        return count_short(V, length) - (0 if self.short else count_short(V, K))

    # -- asking ------------------------------------------------------------------------------------------------

    def logits(self, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the logits of the token after each of some contexts, int64 (B, T): float64 (B, V).

        Raises
        ------
        ModelError
            The model fails, or what it returns are no logits of these contexts.
        """
        return numbers(self._answer(tokens))[: len(tokens)]

    def read(self, table: NDArray[np.floating], progress: Progress | None = None) -> None:
        """Write the log-probabilities after every context to ``table`` (n_rows, V), each length asked by itself.

        Raises
        ------
        ModelError
            The model fails, its answers are no logits, or it predicts something else when asked again.
        """
        V, done = self.vocab_size, 0
        with self.at_rest():
            self.logits(np.zeros((2, self.context_length), dtype=np.int64))  # what is wrong here is wrong everywhere
            for length in self.lengths:
                n, first = count_states(V, length), self.row(length)
                n_batches = -(-n // self._batch(length))
                ends = [i * n // n_batches for i in range(n_batches + 1)]
                for start, stop in pairwise(ends):
                    tokens = contexts_between(start, stop, V, length)
                    logits = self.logits(tokens)
                    if not isinstance(self.model, GPT):  # one that training broke gives NaN, which its reader refuses
                        check_finite(logits, tokens)
                    table[first + start : first + stop] = log_softmax(logits)
                    done += stop - start
                    if progress is not None and done < self.n_rows:
                        progress(done, self.n_rows)
            self._ask_again(table)
        if progress is not None:
            progress(done, self.n_rows)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Let a module be in evaluation mode inside the block, without dropout, and leave it as it was found."""
        with evaluating(self._module):
            yield

    def _batch(self, length: int) -> int:
        return self.batch or max(1, min(BATCH_TOKENS // length, BATCH_LOGITS // (length * self.vocab_size)))

    @property
    def _module(self) -> nn.Module | None:
        """The module that answers, if there is one to be seen: the model, or what a method of it belongs to."""
        model: Any = self.model
        while isinstance(model, partial):
            model = model.func
        owner = getattr(model, "__self__", model)
        return owner if isinstance(owner, nn.Module) else None

    def _answer(self, tokens: NDArray[np.int64]) -> Tensor | NDArray[Any]:
        """Return the model's own logits of the token after each of some contexts: (B, V)."""
        (_, T), module = tokens.shape, self._module
        if tokens.size == 1:  # a tensor of one number is an index to NumPy, not an array of indices
            tokens = np.repeat(tokens, 2, axis=0)
        idx = torch.from_numpy(tokens.copy())  # the model's own
        if module is not None:
            idx = idx.to(next((t.device for t in (*module.parameters(), *module.buffers())), "cpu"))
        try:
            with torch.no_grad():
                given = self.model(idx)
        except Exception as error:
            if self.context_length > T:
                advice = (
                    f"If it reads {self.context_length} tokens and no fewer, leave the short contexts out: short=False."
                )
            else:
                advice = "It is given tokens as an int64 tensor (B, T), and should return logits (B, V) or (B, T, V)."
            raise ModelError(
                f"The model failed on {len(idx):,} contexts of {T} token{'s' * (T != 1)}: {type(error).__name__}: "
                f"{error}. {advice}"
            ) from error
        return last_logits(given, len(idx), T, self.vocab_size)

    # -- asking again ------------------------------------------------------------------------------------------

    def _ask_again(self, table: NDArray[np.floating]) -> None:
        again, elsewhere = [], []
        for tokens, rows in self._samples():
            first = self._answer(tokens)
            once, twice = softmax(numbers(first)), softmax(self.logits(tokens))
            alone = softmax(np.concatenate([self.logits(tokens[i : i + 1]) for i in range(min(ALONE, len(tokens)))]))
            near = OTHER_BATCH.get(first.dtype, OTHER_BATCH_ELSE) if isinstance(first, Tensor) else OTHER_BATCH_ELSE
            again += (furthest(once, twice) > SAME_BATCH).tolist()
            for found in (once, alone):
                elsewhere += (furthest(found, np.exp(table[rows[: len(found)]])) > near).tolist()
        changed, mixed = sum(again), sum(elsewhere)
        if changed > SHARE_TOLD * len(again):
            raise ModelError(
                f"The model predicts something else when asked the same again, {changed} times out of {len(again)}: "
                "it draws random numbers, or remembers what it read before, and so is no Markov chain. Switch off "
                "dropout (model.eval()), or begin every answer anew."
            )
        if mixed > SHARE_TOLD * len(elsewhere):
            raise ModelError(
                f"What the model predicts after a context depends on what else is in the batch, {mixed} times out of "
                f"{len(elsewhere)}, or on what it read before. Each row of tokens (B, T) is a context of its own: see "
                "that the first dimension is the batch (batch_first=True), and that nothing is kept from call to call."
            )

    def _samples(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Iterate over some contexts of several lengths, the longest first: tokens (B, T) and rows of the table."""
        rng, V = np.random.default_rng(1337), self.vocab_size
        *shorter, whole = self.lengths
        for length in [whole, *rng.permutation(shorter)[: SAMPLED_LENGTHS - 1]]:
            n, length = count_states(V, int(length)), int(length)
            size = min(SAMPLE, max(2, n // 2))  # another number of them than were read at once
            numbers = rng.permutation(n)[:size] if n <= 4 * SAMPLE else np.unique(rng.integers(n, size=size))
            numbers = np.sort(numbers)[::-1]  # and in another order
            powers = V ** np.arange(length - 1, -1, -1, dtype=np.int64)
            yield numbers[:, None] // powers % V, self.row(length) + numbers

    def check_fast(self, table: NDArray[np.floating]) -> None:
        """Hold a table read from the weights of a GPT against what the GPT itself predicts after some contexts.

        Where the GPT predicts what is no number, the table does so too from now on.

        Raises
        ------
        ModelError
            They lie further apart than rounding explains.
        """
        gpt = self.model
        assert isinstance(gpt, GPT)
        double = gpt.lm_head.weight.dtype == torch.float64
        allowed = FAST_DOUBLE if double else FAST_SINGLE
        samples = list(self._samples())
        own = [softmax(self.logits(tokens)) for tokens, _ in samples]
        worst, where = 0.0, ""
        for (tokens, rows), predicted in zip(samples, own, strict=True):
            broken = ~np.isfinite(predicted).all(axis=1)
            table[rows[broken]] = np.nan
            apart = furthest(predicted, np.exp(table[rows]))
            if apart.max() > worst:
                worst, where = float(apart.max()), " ".join(map(str, tokens[apart.argmax()]))
        if worst > allowed and not double:
            # weights as loud as this let rounding grow: how far is the GPT from itself in double precision?
            exact = Asked(deepcopy(gpt).to("cpu", torch.float64), self.vocab_size, self.context_length)
            rounding = [
                furthest(softmax(exact.logits(tokens)), predicted).max()
                for (tokens, _), predicted in zip(samples, own, strict=True)
            ]
            allowed += 30 * max(rounding)
        if worst > allowed:
            raise ModelError(
                f"The GPT itself predicts something else than what was read from its weights: after the tokens {where} "
                f"a probability differs by {worst:.1g}, and rounding explains {allowed:.1g}. Something changed what it "
                "computes that its modules do not show. Let it be asked: context_table(lambda idx: gpt(idx), "
                f"context_length={self.context_length})."
            )


def _context_length(model: Model, given: int | None) -> int:
    # nanoGPT calls it block_size too; what other libraries' configs say is how much their models could read
    most = getattr(getattr(model, "config", None), "block_size", None)
    if given is None:
        if not isinstance(most, int):
            raise SettingError(
                f"How many tokens are a state of this {type(model).__name__} is for you to say: "
                "from_model(model, vocabulary, context_length=3)."
            )
        return most
    K = check_count("context_length", given)
    if isinstance(most, int) and most < K:
        raise SettingError(f"context_length={K:,} was given; this model reads {most:,} tokens. Give no more than that.")
    return K
