"""The ball that walks the chain, and the tape of the tokens it drew."""

from __future__ import annotations

import numpy as np

from babygpt.chain.chain import MarkovChain
from babygpt.chain.walk import draw
from babygpt.studio import protocol
from babygpt.studio.figures import context_of

# Seconds between two moves of a ball that wanders.
PACE = 0.8
# Tokens on the tape.
LENGTH = 64


class Tape:
    """Where the ball is, where it came from, and what it said on its way.

    Attributes
    ----------
    wandering
        Whether it draws a token now and then by itself.
    state
        The state it is in.
    """

    def __init__(self, seed: int) -> None:
        self.wandering, self.state = True, 0
        self._rng = np.random.default_rng(seed)
        self._next: float | None = None  # when it moves next
        self._tokens: list[int] = []
        self._fresh = 0
        self._arrow: tuple[int, int, float] | None = None  # from which state, by which token, how likely

    def begin(self, state: int, vocab_size: int, context_length: int) -> None:
        """Put the ball in a state and begin the tape anew, with that context."""
        self._tokens = context_of(state, vocab_size, context_length)
        self.state, self._fresh, self._arrow, self._next = state, 0, None, None

    def take(self, token: int, chain: MarkovChain) -> None:
        """Let the ball take the arrow of a token, 0 … V − 1, from where it is in this chain, however unlikely.

        Only the last tokens stay on the tape.
        """
        V, N = len(chain.vocabulary), chain.n_states
        self._arrow = self.state, token, float(chain.probs[self.state, token])
        self.state = self.state % (N // V) * V + token
        self._tokens = [*self._tokens, token][-LENGTH:]
        self._fresh += 1

    def wander(self, on: bool) -> None:
        """Let the ball move by itself, or not."""
        self.wandering, self._next = on, None

    def due(self, now: float) -> float | None:
        """Return when the ball moves next by itself."""
        if not self.wandering:
            return None
        return now if self._next is None else max(now, self._next)

    def advance(self, now: float, chain: MarkovChain) -> None:
        """Draw a token if it is time to."""
        if not self.wandering:
            return
        if self._next is not None and now >= self._next:
            self.take(draw(chain.probs[self.state], self._rng.random()), chain)
            self._next = None
        if self._next is None:
            self._next = now + PACE

    def view(self) -> protocol.Tape:
        """Return the tape for the screen."""
        start, token, p = self._arrow or (None, None, None)
        return {
            "tokens": self._tokens, "fresh": self._fresh, "state": self.state, "from": start, "token": token, "p": p,
            "wandering": self.wandering,
        }  # fmt: skip
