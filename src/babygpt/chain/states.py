"""The states of a finite chain and its arrows: what every question is asked of.

From each of N states each of V tokens leads to one state, with some probability. What a kind of chain must know of
itself stands here (:class:`States`), and what follows at once. Questions are functions of it, in files of their own;
:mod:`babygpt.chain.finite` gathers them as methods. Nothing here knows a question.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import cached_property, wraps
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from babygpt.chain.arrows import Arrows
from babygpt.errors import ContextError
from babygpt.gpt.checks import check_vector
from babygpt.gpt.kinds import explained
from babygpt.gpt.vocabulary import Vocabulary

Target = str | int | Iterable[str | int]
Answer = TypeVar("Answer")


@explained
class States(ABC):
    """States, and the arrow of each token in each of them.

    Attributes
    ----------
    log_probs
        float64 (N, V): the log-probability of each token in each state.
    vocabulary
        The V symbols.
    context_length
        K, how many tokens a state's context has.
    """

    log_probs: NDArray[np.float64]
    vocabulary: Vocabulary
    context_length: int

    # -- what a kind of chain must know of itself ---------------------------------------------------------

    @abstractmethod
    def successors(self) -> NDArray[np.int64]:
        """Return the state that each token leads to from each state: int64 (N, V)."""

    @abstractmethod
    def state(self, context: str) -> int:
        """Return the number of the state that a context (K symbols) stands for."""

    @abstractmethod
    def matching(self, pattern: str) -> NDArray[np.bool_]:
        """Return which states a text stands for: bool (N,)."""

    @abstractmethod
    def context_numbers(self) -> NDArray[np.int64]:
        """Return the number of the context that each state carries: int64 (N,)."""

    @abstractmethod
    def follow(self, go: NDArray[np.int64], nodes: NDArray[np.int64], states: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where an automaton, at ``nodes`` (n,) while the chain is in ``states`` (n,), is after each token.

        ``go`` (nodes, V) is the node that a token leads to, and what comes back int64 (n, V).
        """

    @abstractmethod
    def short_contexts(self, start: str) -> Callable[[int], NDArray[np.float64]]:
        """Return the function that gives the log-probabilities after all contexts of n < K tokens: (V^n, V).

        Raises
        ------
        ContextError
            ``start`` is none of them, or the chain knows none.
        """

    @property
    @abstractmethod
    def all_reachable(self) -> bool:
        """Whether every state is reachable from every other if no arrow is missing."""

    @abstractmethod
    def _advance_into(self, out: NDArray[np.float64], distribution: NDArray[np.float64]) -> None:
        """Write where a distribution (N,) is one token later to ``out`` (N,), another array."""

    @abstractmethod
    def pull(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the expected value, one token later, of a function of the state: P f, (N,) → (N,)."""

    @abstractmethod
    def transition_matrix(self) -> sparse.csr_array[np.float64, tuple[int, int]]:
        """Return P with P[s, s′] the probability that state s is followed by s′: sparse (N, N), the caller's own."""

    # -- states and arrows -------------------------------------------------------------------------------

    @property
    def n_states(self) -> int:
        """N, the number of states."""
        return len(self.log_probs)

    @property
    def n_arrows(self) -> int:
        """N·V, the number of next-token probabilities."""
        return self.log_probs.size

    @cached_property
    def probs(self) -> NDArray[np.float64]:
        """float64 (N, V): the probability of each next token in each state; rows sum to 1."""
        probs = np.exp(self.log_probs)
        probs.flags.writeable = False  # kept, and shared by every question
        return probs

    def advance(self, distribution: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where a distribution over states is one token later: (N,) → (N,)."""
        moved = np.empty(self.n_states)
        self._advance_into(moved, check_vector("distribution", distribution, self.n_states))
        return moved

    @property
    def arrows(self) -> Arrows:
        """The arrows as a graph and as matrices."""
        return Arrows(self.log_probs, self.successors())

    @cached_property
    def n_missing_arrows(self) -> int:
        """How many arrows are not there: their log-probability is −∞, made so by decoding or by the data."""
        return int(np.count_nonzero(self.log_probs == -np.inf))

    @cached_property
    def n_underflowed_arrows(self) -> int:
        """How many arrows are there and too small for a float64: their entries in ``probs`` are 0.0.

        They count as arrows in everything that is a matter of structure (classes, periods, what can be reached). Up to
        1,024 states π, hitting times, absorption, Kemeny's constant and the spectral gap are computed with them.
        """
        return self.n_zero_arrows - self.n_missing_arrows

    @cached_property
    def n_zero_arrows(self) -> int:
        """How many entries of ``probs`` are 0.0: the arrows that are missing and those that underflowed."""
        return int(np.count_nonzero(self.probs == 0.0))

    def target(self, target: Target) -> NDArray[np.bool_]:
        """Return which states a target means: bool (N,).

        Raises
        ------
        ContextError
            It means none.
        """
        target = plain(target)
        if isinstance(target, str):
            return self.matching(target)
        if isinstance(target, (int, np.integer)) and not isinstance(target, bool):
            mask = np.zeros(self.n_states, dtype=bool)
            if not 0 <= target < self.n_states:
                raise ContextError(f"There is no state {target}; this chain has the states 0 to {self.n_states - 1:,}.")
            mask[target] = True
            return mask
        if (
            isinstance(target, np.ndarray)
            and target.dtype == bool
            and target.shape == (self.n_states,)
            and target.any()
        ):
            return target.copy()
        if not isinstance(target, Iterable) or not (parts := list(target)):
            raise ContextError(f"{target!r} is no target. Give a text, a state number, or a list of these.")
        return np.logical_or.reduce([self.target(part) for part in parts])

    def check_state(self, state: object) -> int:
        """Return the number of a state, or raise :class:`ContextError` if there is none such."""
        if isinstance(state, bool) or not isinstance(state, (int, np.integer)) or not 0 <= state < self.n_states:
            raise ContextError(f"There is no state {state!r}; this chain has the states 0 to {self.n_states - 1:,}.")
        return int(state)

    def start_state(self, start: str | int) -> int:
        """Return the state that a context (K symbols) or a state number means.

        Raises
        ------
        ContextError
            It means none.
        """
        start = self.vocabulary.as_text(start)
        if isinstance(start, str):
            return self.state(start)
        start = plain(start)
        if isinstance(start, bool) or not isinstance(start, (int, np.integer)):
            raise ContextError(f"{start!r} is no start. Give one context as a text, or one state number.")
        return int(np.flatnonzero(self.target(start))[0])


class Listed(States):
    """States whose successors are a list like any other, so that nothing is known of how arrows meet."""

    def transition_matrix(self) -> sparse.csr_array[np.float64, tuple[int, int]]:
        """Return P with P[s, s′] the probability that state s is followed by s′: sparse (N, N).

        The matrix is the caller's own. An arrow of probability 0.0 stays as a stored zero, missing or underflowed.
        """
        N, V = self.log_probs.shape
        indptr = np.arange(0, N * V + 1, V)
        P = sparse.csr_array((self.probs.flatten(), self.successors().flatten(), indptr), shape=(N, N))
        P.sum_duplicates()
        return P

    def _advance_into(self, out: NDArray[np.float64], distribution: NDArray[np.float64]) -> None:
        """Write where a distribution (N,) is one token later to ``out`` (N,), another array."""
        flow = distribution[:, None] * self.probs
        out[:] = np.bincount(self.successors().ravel(), flow.ravel(), minlength=self.n_states)

    def pull(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the expected value, one token later, of a function of the state: P f, (N,) → (N,)."""
        values = check_vector("values", values, self.n_states)
        return (self.probs * values[self.successors()]).sum(axis=1)


def plain(target: Any) -> Any:
    """Return a tensor, or an array of a single number, as what NumPy or Python has for it; anything else as it is."""
    if hasattr(target, "detach"):  # it may be on a graphics card, and its numbers are tensors again
        target = target.detach().cpu().numpy()
    return target.item() if isinstance(target, np.ndarray) and target.ndim == 0 else target


def kept(question: Callable[[States], Answer]) -> Callable[[States], Answer]:
    """Return a question that is answered once of each chain: the answer is kept, and must not be changed."""

    @wraps(question)
    def ask(states: States) -> Answer:
        answers: dict[str, Any] = states.__dict__.setdefault("_answers", {})
        if question.__name__ not in answers:
            answers[question.__name__] = question(states)
        return answers[question.__name__]

    return ask
