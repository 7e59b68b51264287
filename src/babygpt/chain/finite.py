"""A finite chain whose arrows say tokens, and every question that can be asked of one.

From each of N states each of V tokens leads to one state, with some probability. The chain of a GPT is of this kind
(:class:`babygpt.MarkovChain`), and so is a GPT joined to a finite input device
(:class:`babygpt.chain.input_device.ConnectedChain`): what holds of both is asked here. Each question has a file of its
own, where its words are defined.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from babygpt.chain import causal_states, cycles, export, gap, mixing, patterns, spectrum, stationary, structure
from babygpt.chain.arrows import Arrows
from babygpt.chain.causal_states import CausalStates
from babygpt.chain.information import entropies
from babygpt.errors import ContextError, SettingError
from babygpt.gpt.checks import check_rate, check_vector
from babygpt.gpt.kinds import explained

if TYPE_CHECKING:
    import quantecon

    from babygpt.gpt.vocabulary import Vocabulary

Target = str | int | Iterable[str | int]


@explained
class FiniteChain(ABC):
    """States, arrows that say tokens, and what follows from them.

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

    # -- what a kind of chain must say of itself ----------------------------------------------------------

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

    def transition_matrix(self) -> sparse.csr_array[np.float64, tuple[int, int]]:
        """Return P with P[s, s′] the probability that state s is followed by s′: sparse (N, N).

        The matrix is the caller's own. An arrow of probability 0.0 stays as a stored zero, missing or underflowed.
        """
        N, V = self.log_probs.shape
        indptr = np.arange(0, N * V + 1, V)
        P = sparse.csr_array((self.probs.flatten(), self.successors().flatten(), indptr), shape=(N, N))
        P.sum_duplicates()
        return P

    def advance(self, distribution: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where a distribution over states is one token later: (N,) → (N,)."""
        moved = np.empty(self.n_states)
        self._advance_into(moved, check_vector("distribution", distribution, self.n_states))
        return moved

    def _advance_into(self, out: NDArray[np.float64], distribution: NDArray[np.float64]) -> None:
        """Write where a distribution (N,) is one token later to ``out`` (N,), another array."""
        flow = distribution[:, None] * self.probs
        out[:] = np.bincount(self.successors().ravel(), flow.ravel(), minlength=self.n_states)

    def pull(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the expected value, one token later, of a function of the state: P f, (N,) → (N,)."""
        values = check_vector("values", values, self.n_states)
        return (self.probs * values[self.successors()]).sum(axis=1)

    # -- the long run (stationary.py, structure.py) --------------------------------------------------------

    @cached_property
    def _classes(self) -> list[NDArray[np.int64]]:
        return structure.recurrent_classes(self)

    @cached_property
    def _pi(self) -> NDArray[np.float64]:
        if len(self._classes) > 1:
            raise SettingError(
                f"This chain has {len(self._classes)} recurrent classes, so where an endless walk spends its time "
                "depends on where it begins. stationary_distributions() gives one for each."
            )
        return stationary.stationary_distributions(self)[0]

    def stationary_distribution(self) -> NDArray[np.float64]:
        """Return π (N,), the share of each state in an endless walk.

        Raises
        ------
        SettingError
            There are several recurrent classes.
        ConvergenceError
            A large chain mixes too slowly to be iterated; the message states the residual.
        """
        return self._pi.copy()

    def stationary_distributions(self) -> list[NDArray[np.float64]]:
        """Return π of each recurrent class, in the order of :meth:`recurrent_classes`: a list of (N,)."""
        return stationary.stationary_distributions(self)

    def entropy_rate(self, base: float = math.e) -> float:
        """Return the mean surprise of the next token in the long run: nats per token, or units of log ``base``."""
        if (base := check_rate("base", base)) <= 1:
            raise SettingError(f"base={base:g} measures nothing; a base is above 1. Use e for nats, 2 for bits.")
        return float(self._pi @ entropies(self.probs, self.log_probs) / np.log(base))

    def recurrent_classes(self) -> list[NDArray[np.int64]]:
        """Return the sets of states that, once entered, are never left: sorted arrays, by first state."""
        return [states.copy() for states in self._classes]

    def transient_states(self) -> NDArray[np.int64]:
        """Return the states outside every recurrent class, each left for good sooner or later."""
        return np.setdiff1d(np.arange(self.n_states), np.concatenate(self._classes))

    @property
    def is_irreducible(self) -> bool:
        """Whether every state can be reached from every other."""
        return len(self._classes[0]) == self.n_states

    def period(self) -> int:
        """Return the period of the chain: 1 if it is aperiodic.

        Raises
        ------
        SettingError
            There are several recurrent classes; :meth:`periods` gives one for each.
        """
        if len(self._classes) > 1:
            raise SettingError(f"This chain has {len(self._classes)} recurrent classes; periods() gives one for each.")
        return structure.period(self.arrows, self._classes[0])

    def periods(self) -> list[int]:
        """Return the period of each recurrent class."""
        return [structure.period(self.arrows, states) for states in self._classes]

    def absorption_probabilities(self) -> NDArray[np.float64]:
        """Return how likely each state ends in each recurrent class: (N, classes); rows sum to 1.

        Raises
        ------
        SizeError
            More states times classes than fit.
        ConvergenceError
            Above 4,096 transient states: the equations could neither be factorised in memory nor iterated.
        """
        return structure.absorption_probabilities(self)

    # -- forgetting (spectrum.py, gap.py, mixing.py) ---------------------------------------------------

    def eigenvalues(self, k: int | None = None) -> NDArray[np.complex128]:
        """Return the ``k`` eigenvalues of P largest in magnitude, or all: complex (k,), largest first.

        Raises
        ------
        SizeError
            All eigenvalues of more than 2,048 different futures.
        ConvergenceError
            The iteration for a large chain did not settle.
        """
        return spectrum.eigenvalues(self, k)

    @property
    def spectral_gap(self) -> float:
        """1 − |λ₂|: the share of what is remembered that is lost with each token, in the long run.

        It has more digits than an eigenvalue near 1 can tell, and is 0 only if the chain is periodic or has several
        recurrent classes (or if it is below 10⁻³⁰⁸).

        Raises
        ------
        ConvergenceError
            More than 1,024 states, and the iteration is too coarse for a gap so small; the message says how coarse.
        """
        return gap.spectral_gap(self)

    def mixing_time(self, epsilon: float = 0.25) -> float:
        """Return the first number of tokens after which every start is within ``epsilon`` of π, or infinity.

        Rounding adds no token: a distance within its bound (about N units in the last place) of ``epsilon`` counts as
        ``epsilon``.

        Raises
        ------
        SizeError
            More than 4,096 states.
        ConvergenceError
            More than 2⁶⁰ tokens; fewer above 2,000 states, as much as takes about a minute.
        """
        return mixing.mixing_time(self, epsilon)

    def distance_to_stationary(self, n: int, start: str | int | None = None) -> float:
        """Return the total variation from π after ``n`` tokens: from the worst start, or from the given one.

        Raises
        ------
        SizeError
            The worst of more than 4,096 starts.
        """
        if start is None:
            return mixing.distance_to_stationary(self, n)
        at = np.zeros(self.n_states)
        at[self.start_state(start)] = 1.0
        return mixing.distance_to_stationary(self, n, at)

    def kemeny_constant(self) -> float:
        """Return the expected number of tokens from any state to one drawn from π: tr(Z) − 1.

        Raises
        ------
        SizeError
            More than 1,024 states.
        SettingError
            Not all states can be reached from all.
        """
        return spectrum.kemeny_constant(self)

    # -- reaching (hitting.py, patterns.py) and repeating (cycles.py) -------------------------------------------------

    @overload
    def hitting_times(self, target: Target, start: None = None) -> NDArray[np.float64]: ...
    @overload
    def hitting_times(self, target: Target, start: str | int) -> float: ...
    def hitting_times(self, target: Target, start: str | int | None = None) -> NDArray[np.float64] | float:
        """Return the expected number of tokens until the target is first reached; being there at the start takes 0.

        A target is a text (of K symbols: that state; shorter: every context that ends in it; longer: when all of it has
        been said), a state number, or a list of these, any of which will do: of names too, so that one after the other
        they are a text with the vocabulary's separator. It takes infinity where it may be missed for ever. From every
        state, of whose past only its own K tokens are known, (N,); from ``start``, a text, a list of symbols or a state
        number, a float.
        A start may be shorter than K if the chain knows short contexts, and longer if a target is.

        Raises
        ------
        ContextError
            The target or the start is none.
        ConvergenceError
            A large chain's iteration did not settle; the message states the residual.
        SizeError
            Texts so long that their automaton does not fit.
        """
        return patterns.hitting_times(self, target, start)

    @overload
    def hitting_probability(self, target: Target, within: int, start: None = None) -> NDArray[np.float64]: ...
    @overload
    def hitting_probability(self, target: Target, within: int, start: str | int) -> float: ...
    def hitting_probability(
        self, target: Target, within: int, start: str | int | None = None
    ) -> float | NDArray[np.float64]:
        """Return how likely the target is reached within ``within`` tokens; being there at the start counts.

        Targets and starts are those of :meth:`hitting_times`: from every state (N,), or from ``start`` a float.

        Raises
        ------
        ContextError
            The target or the start is none.
        SizeError
            Texts so long that their automaton does not fit.
        """
        return patterns.hitting_probability(self, target, within, start)

    def first_of(self, targets: Sequence[Target], start: str | int | None = None) -> NDArray[np.float64]:
        """Return how likely each of several targets is reached before the others: (N, targets).

        Targets and starts are those of :meth:`hitting_times`; from ``start``, (targets,). Where one token reaches two
        of them, the one that is listed first counts. The rest to 1 is that none is ever reached.

        Raises
        ------
        ContextError
            A target or the start is none.
        SizeError
            More states times targets, or longer texts, than fit.
        ConvergenceError
            Above 4,096 states: the equations could neither be factorised in memory nor iterated.
        """
        return patterns.first_of(self, targets, start)

    def causal_states(self, tolerance: float = 1e-9) -> CausalStates:
        """Return the smallest machine with the same futures, its statistical complexity among its attributes."""
        return causal_states.causal_states(self, tolerance)

    def greedy_cycles(self) -> list[cycles.GreedyCycle]:
        """Return the cycles that greedy decoding ends in: states, word and basin of each, largest basin first."""
        return cycles.greedy_cycles(self)

    def to_quantecon(self) -> quantecon.MarkovChain:
        """Return the chain as QuantEcon's Markov chain.

        Raises
        ------
        SettingError
            quantecon is not installed.
        """
        return export.to_quantecon(self)

    def target(self, target: Target) -> NDArray[np.bool_]:
        """Return which states a target means: bool (N,).

        Raises
        ------
        ContextError
            It means none.
        """
        target = patterns.plain(target)
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
        start = patterns.plain(start)
        if isinstance(start, bool) or not isinstance(start, (int, np.integer)):
            raise ContextError(f"{start!r} is no start. Give one context as a text, or one state number.")
        return int(np.flatnonzero(self.target(start))[0])
