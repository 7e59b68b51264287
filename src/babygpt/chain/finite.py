"""A finite chain: its states and arrows with every question that can be asked of them.

The chain of a GPT is one (:class:`babygpt.MarkovChain`), and so is a GPT joined to a finite input device
(:class:`babygpt.chain.input_device.ConnectedChain`): what holds of both is asked here. Each question has a file of its
own, where its words are defined, as functions of :class:`babygpt.chain.states.States`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from babygpt.chain import (
    causal_states,
    cycles,
    export,
    gap,
    information,
    mixing,
    patterns,
    spectrum,
    stationary,
    structure,
)
from babygpt.chain.causal_states import CausalStates
from babygpt.chain.states import States, Target
from babygpt.gpt.kinds import explained

if TYPE_CHECKING:
    import quantecon


@explained
class FiniteChain(States):
    """States, their arrows, and what follows from them: a method for each question, whose answer has its own file."""

    # -- the long run (stationary.py, structure.py) --------------------------------------------------------

    def stationary_distribution(self) -> NDArray[np.float64]:
        """Return π (N,), the share of each state in an endless walk.

        Raises
        ------
        SettingError
            There are several recurrent classes.
        ConvergenceError
            A large chain mixes too slowly to be iterated; the message states the residual.
        """
        return stationary.stationary_distribution(self).copy()

    def stationary_distributions(self) -> list[NDArray[np.float64]]:
        """Return π of each recurrent class, in the order of :meth:`recurrent_classes`: a list of (N,)."""
        return stationary.stationary_distributions(self)

    def entropy_rate(self, base: float = math.e) -> float:
        """Return the mean surprise of the next token in the long run: nats per token, or units of log ``base``."""
        return information.entropy_rate(self, base)

    def recurrent_classes(self) -> list[NDArray[np.int64]]:
        """Return the sets of states that, once entered, are never left: sorted arrays, by first state."""
        return [states.copy() for states in structure.recurrent_classes(self)]

    def transient_states(self) -> NDArray[np.int64]:
        """Return the states outside every recurrent class, each left for good sooner or later."""
        return structure.transient_states(self)

    @property
    def is_irreducible(self) -> bool:
        """Whether every state can be reached from every other."""
        return structure.is_irreducible(self)

    def period(self) -> int:
        """Return the period of the chain: 1 if it is aperiodic.

        Raises
        ------
        SettingError
            There are several recurrent classes; :meth:`periods` gives one for each.
        """
        return structure.period(self)

    def periods(self) -> list[int]:
        """Return the period of each recurrent class."""
        return structure.periods(self)

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
        """``1 − |λ₂|``: the share of what is remembered that is lost with each token, in the long run.

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

        A context of fewer than K tokens is at distance 1 until it has grown to K.

        Raises
        ------
        SizeError
            The worst of more than 4,096 starts.
        """
        if start is None:
            return mixing.distance_to_stationary(self, n)
        return mixing.distance_from(self, n, start)

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

        A target is a text (of K symbols: that state; shorter: every context that ends in it; longer: when all of it
        has come), a state number, or a list of these, any of which will do: of names too, so that one after the other
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
