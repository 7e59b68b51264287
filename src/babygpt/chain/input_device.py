"""Input devices: what becomes of the chain when the GPT is joined to something outside itself.

An *input device* reads each token the GPT draws and may put tokens of its own into the context: a lookup that answers,
a calculator, a clock, a search engine. If it is a finite-state machine, what happens next depends on the context
and on the device's state, both finite, so the two together are again a finite Markov chain, with at most
N · (device states) states, and every question has its exact answer still.

If the device is not finite, because it reads the time or a world outside, the same context may lead to
different contexts, and no list of contexts, however long, is a list of states any more. That is where the argument
that a GPT is a finite chain ends; :func:`context_alone` measures it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.chain import MarkovChain
from babygpt.chain.finite import FiniteChain
from babygpt.chain.states import Listed
from babygpt.chain.walk import draw
from babygpt.errors import ContextError, InputDeviceError
from babygpt.gpt.checks import check_count, check_places, check_seed
from babygpt.gpt.kinds import explained
from babygpt.gpt.vocabulary import Vocabulary

# What a device answers: its next state, and the symbols it puts into the context.
Answer = tuple[Hashable, Sequence[str]]

MAX_STATES = 2**18


@explained
@dataclass(frozen=True)
class InputDevice:
    """Something that reads what the GPT draws and may put symbols into its context.

    Attributes
    ----------
    start
        Its state before anything is drawn.
    read
        ``read(state, symbol)`` returns the next state and the symbols to put into the context (``""`` for none).
    why_not_finite
        Why its states cannot be listed, if they cannot: such a device is refused by :func:`connect`.
    waits_for
        The symbols without which it does nothing, if it has such.
    """

    start: Hashable
    read: Callable[[Hashable, str], Answer]
    why_not_finite: str = ""
    waits_for: frozenset[str] = frozenset()

    @classmethod
    def lookup(cls, answers: Mapping[str, str], vocabulary: Vocabulary | None = None) -> InputDevice:
        """Return the device that puts ``answers[text]`` into the context each time it has read ``text``.

        It reads its own answers too, as the GPT does; they do not make it answer again. The longest text wins. Texts
        are read character by character, or as ``vocabulary`` reads them.

        >>> InputDevice.lookup({"11": "0"}).read(("1",), "1")
        (('0',), ['0'])
        """
        split = list if vocabulary is None else vocabulary.split
        table = {tuple(split(text)): split(answer) for text, answer in answers.items()}
        if not table or not all(table):
            raise InputDeviceError("A lookup needs at least one text to answer to, such as {'11': '0'}.")
        if vocabulary is not None:
            for text, answer in answers.items():
                vocabulary.encode(text), vocabulary.encode(answer)  # tells which symbols the GPT does not know
        longest = max(map(len, table))

        def read(state: Hashable, symbol: str) -> Answer:
            seen = (*state, symbol)  # type: ignore[misc]  # the state is what was read last
            for length in range(min(longest, len(seen)), 0, -1):
                if seen[-length:] in table:
                    answer = table[seen[-length:]]
                    return _last((*seen, *answer), longest - 1), answer
            return _last(seen, longest - 1), []

        return cls((), read, waits_for=frozenset(symbol for text in table for symbol in text))

    @classmethod
    def clock(cls, period: int, symbol: str) -> InputDevice:
        """Return the device that puts ``symbol`` into the context after every ``period`` tokens drawn."""
        check_count("period", period)
        return cls(0, lambda state, _: ((state + 1) % period, [symbol] if state == period - 1 else []))  # type: ignore[operator]

    @classmethod
    def counter(cls, symbol: str) -> InputDevice:
        """Return a device with endless memory: it puts ``symbol`` into the context after 1, 4, 9, 16, … tokens."""

        def read(state: Hashable, _: str) -> Answer:
            count = int(state) + 1  # type: ignore[call-overload]
            return count, [symbol] if round(count**0.5) ** 2 == count else []

        return cls(0, read, why_not_finite="it counts without end")


@explained
class ConnectedChain(Listed, FiniteChain):
    """A GPT's chain joined to a finite device: again a finite chain, exact.

    A state is a context together with the device's state; a token drawn leads on through whatever the device adds.

    Attributes
    ----------
    chain
        The GPT's chain.
    states
        The (state number of the context, device state) of each joint state.
    """

    def __init__(
        self,
        chain: MarkovChain,
        states: list[tuple[int, Hashable]],
        heads: NDArray[np.int64],
        added: list[list[tuple[str, ...]]],
    ) -> None:
        self.chain, self.states, self.vocabulary = chain, states, chain.vocabulary
        self._heads, self._added = heads, added
        self._contexts = np.array([context for context, _ in states])
        self.context_length = chain.context_length
        self.log_probs = chain.log_probs[self._contexts]

    def successors(self) -> NDArray[np.int64]:
        """Return the joint state that each token leads to from each joint state: int64 (N, V)."""
        return self._heads

    @property
    def all_reachable(self) -> bool:
        """Whether every joint state is certain to be reachable: a device may close doors, so it is not."""
        return False

    def context_numbers(self) -> NDArray[np.int64]:
        """Return the number of the context in each joint state: int64 (N,)."""
        return self._contexts

    def follow(self, go: NDArray[np.int64], nodes: NDArray[np.int64], states: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where an automaton ``go`` (nodes, V) at ``nodes`` (n,) is after each token and what it adds."""
        check_places("nodes", nodes, len(go))
        after = go[nodes]
        for i, state in enumerate(states.tolist()):
            for token, symbols in enumerate(self._added[state]):
                for added in _tokens_of(symbols, self.vocabulary):
                    after[i, token] = go[after[i, token], added]
        return after

    def short_contexts(self, start: str) -> Callable[[int], NDArray[np.float64]]:
        """Raise :class:`ContextError`: a joint chain knows only whole contexts."""
        K, n = self.context_length, len(self.vocabulary.encode(start))
        raise ContextError(
            f"{start!r} has {n} token{'s' * (n != 1)}, and a chain with a device knows only contexts of {K}. "
            f"Give {K} tokens."
        )

    def matching(self, pattern: str) -> NDArray[np.bool_]:
        """Return the joint states whose context a text stands for: bool (N,)."""
        return self.chain.matching(pattern)[self._contexts]

    def state(self, context: str) -> int:
        """Return the joint state of a context with the device at its start."""
        return self.chain.state(context)

    def context(self, state: int) -> str:
        """Return the text of a joint state's context."""
        return self.chain.context(int(self._contexts[self.check_state(state)]))

    def added(self, state: int, symbol: str) -> str:
        """Return what the device puts into the context after ``symbol`` is drawn in a joint state."""
        drawn = self.vocabulary.tokens_of(symbol)
        if len(drawn) != 1:
            raise ContextError(f"{symbol!r} has {len(drawn)} tokens; here it is one symbol that is drawn.")
        return self.vocabulary.separator.join(self._added[self.check_state(state)][int(drawn[0])])

    def __repr__(self) -> str:
        devices = len({device for _, device in self.states})
        return f"ConnectedChain({self.n_states:,} states: {self.chain.n_states:,} contexts, {devices:,} device states)"


@explained
def connect(chain: MarkovChain, device: InputDevice, max_states: int = MAX_STATES) -> ConnectedChain:
    """Return ``chain`` joined to ``device``, as a finite chain over all joint states that can be reached.

    Walks may begin in any context, with the device at its start.

    Raises
    ------
    InputDeviceError
        The device is not finite, gives two answers to the same question, has more states than ``max_states``, or
        puts symbols into the context that the GPT does not know.
    """
    if not isinstance(chain, MarkovChain) or not isinstance(device, InputDevice):
        raise InputDeviceError(
            "connect(chain, device) joins a GPT's own chain to one device. For two devices write one that does both; "
            "for decoding, decode the chain first: connect(chain.with_decoding(…), device)."
        )
    unheard = sorted(device.waits_for - set(chain.vocabulary.symbols))
    if unheard:
        raise InputDeviceError(
            f"The lookup waits for {unheard[0]!r}, which the GPT never says, so it would never answer. If its "
            "texts are to be read as words, give it the vocabulary: InputDevice.lookup(answers, chain.vocabulary)."
        )
    if device.why_not_finite:
        raise InputDeviceError(
            f"This device is not finite: {device.why_not_finite}. The next state is then no function of the context, "
            "and there is no finite chain."
        )
    if not isinstance(device.start, Hashable):
        raise InputDeviceError(
            f"The device starts in {device.start!r}, which is not hashable. Use a tuple, a number, a text."
        )
    V, N = len(chain.vocabulary), chain.n_states
    answers: dict[tuple[Hashable, int], tuple[Hashable, tuple[str, ...]]] = {}

    def ask(state: Hashable, token: int) -> tuple[Hashable, tuple[str, ...]]:
        if (state, token) not in answers:
            answers[state, token] = _ask_twice(device, state, chain.vocabulary.symbols[token])
        return answers[state, token]

    number = {(context, device.start): context for context in range(N)}
    states = list(number)
    heads: list[list[int]] = []
    added: list[list[tuple[str, ...]]] = []
    for context, state in states:  # grows as new joint states come up
        row_heads, row_added = [], []
        for token in range(V):
            after, symbols = ask(state, token)
            new = (_push(context, (token, *_tokens_of(symbols, chain.vocabulary)), V, N), after)
            if new not in number:
                if len(number) >= max_states:
                    raise InputDeviceError(
                        f"With this device more than {max_states:,} joint states came up, the limit: it is not finite, "
                        "or too large to be listed."
                    )
                number[new] = len(states)
                states.append(new)
            row_heads.append(number[new])
            row_added.append(symbols)
        heads.append(row_heads)
        added.append(row_added)
    return ConnectedChain(chain, states, np.array(heads, dtype=np.int64), added)


@dataclass(frozen=True)
class ContextAlone:
    """What a walk with a device tells of the context as a state.

    Attributes
    ----------
    n_tokens
        How many tokens the GPT drew.
    questions
        How many different pairs of a context and the token drawn in it came up more than once.
    ambiguous
        How many of these were followed by more than one next context. In a chain of contexts there are none.
    example
        One of them: context, token, and the next contexts that followed.
    """

    n_tokens: int
    questions: int
    ambiguous: int
    example: tuple[str, str, tuple[str, ...]] | None = field(default=None)


def context_alone(
    chain: MarkovChain, device: InputDevice | None, start: str, n_tokens: int = 20_000, seed: int = 0
) -> ContextAlone:
    """Measure, on one walk, whether context and token drawn still determine the next context.

    Any device will do, finite or not; None measures the chain by itself.
    """
    check_count("n_tokens", n_tokens)
    V, N = len(chain.vocabulary), chain.n_states
    context, state = chain.state(start), None if device is None else device.start
    followed: dict[tuple[int, int], dict[int, int]] = {}
    for u in np.random.default_rng(check_seed(seed)).random(n_tokens):
        token = draw(chain.probs[context], u)
        symbols: Sequence[str] = []
        if device is not None:
            assert state is not None
            state, symbols = device.read(state, chain.vocabulary.symbols[token])
        after = _push(context, (token, *_tokens_of(symbols, chain.vocabulary)), V, N)
        outcomes = followed.setdefault((context, token), {})
        outcomes[after] = outcomes.get(after, 0) + 1
        context = after
    asked = {pair: outcomes for pair, outcomes in followed.items() if sum(outcomes.values()) > 1}
    ambiguous = {pair: outcomes for pair, outcomes in asked.items() if len(outcomes) > 1}
    example = None
    if ambiguous:
        often = max(ambiguous, key=lambda pair: sum(ambiguous[pair].values()))
        nexts = tuple(chain.context(after) for after in sorted(ambiguous[often]))
        example = (chain.context(often[0]), chain.vocabulary.symbols[often[1]], nexts)
    return ContextAlone(n_tokens, len(asked), len(ambiguous), example)


def _ask_twice(device: InputDevice, state: Hashable, symbol: str) -> tuple[Hashable, tuple[str, ...]]:
    first, second = (device.read(state, symbol) for _ in range(2))
    for answer in (first, second):
        pair = isinstance(answer, tuple) and len(answer) == 2
        if not pair or not isinstance(answer[0], Hashable) or not isinstance(answer[1], Sequence):
            raise InputDeviceError(
                f"In state {state!r} the device answered {answer!r} to {symbol!r}; an answer is a pair: its next "
                "state, which must be hashable, and the symbols it adds, such as (0, ['1']) or (0, [])."
            )
    if (first[0], tuple(first[1])) != (second[0], tuple(second[1])):
        raise InputDeviceError(
            f"In state {state!r} the device answered {symbol!r} in two ways. It depends on more than what it has "
            "read, so it is no finite-state machine, and there is no finite chain."
        )
    return first[0], tuple(first[1])


def _tokens_of(symbols: Sequence[str], vocabulary: Vocabulary) -> tuple[int, ...]:
    unknown = [s for s in symbols if s not in vocabulary.symbols]
    if unknown:
        raise InputDeviceError(f"The device puts {unknown[0]!r} into the context, a symbol that the GPT does not know.")
    return tuple(vocabulary.encode(vocabulary.separator.join(symbols)).tolist())


def _push(context: int, tokens: tuple[int, ...], V: int, N: int) -> int:
    """Return the context after tokens were appended on the right and the oldest dropped."""
    for token in tokens:
        context = (context * V + int(token)) % N
    return context


def _last(symbols: tuple[str, ...], n: int) -> tuple[str, ...]:
    return symbols[-n:] if n else ()
