"""What one session of the studio may take, and how it refuses more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from babygpt.chain.contexts import count_short, count_states, human_bytes
from babygpt.chain.stationary import BASIS
from babygpt.errors import InputError, SettingError
from babygpt.gpt.config import GPTConfig
from babygpt.gpt.room import training_bytes
from babygpt.settings import Setting

# What is kept of a whole table at a time: six chains (the newest, two gone back to, what a decoding makes of one, and
# two pinned), each as logarithms and as probabilities; and the data's shares.
TABLES = 13
# States of which the long run is computed.
LONG_RUN = 2**16
# Examples that one step may draw.
MAX_BATCH = 2**20
# Seeds beside the one on the screen, and the numbers that their chains at one step may hold.
MAX_SEEDS, MAX_OF_SEEDS = 1000, 2**22
# The largest whole number that the library takes.
MOST = 2**63 - 1
# Layers take time to make, however narrow they are.
MAX_LAYERS = 100


class RefusedError(InputError):
    """The studio will not do something; says which setting is meant, and why, for screens in any language.

    Attributes
    ----------
    code
        A name for the reason, by which a screen finds the sentence in its own language.
    field
        The setting that is meant, if one is.
    values
        The numbers and names in the sentence.
    """

    def __init__(self, text: str, code: str, field: str | None = None, **values: str | int | float) -> None:
        super().__init__(text)
        self.code, self.field, self.values = code, field, values

    @classmethod
    def of_setting(cls, error: SettingError, **own: str | int) -> RefusedError:
        """Return the refusal that says what the library says of a setting; its ``own`` bounds, if it has any."""
        return cls(str(error), "setting", error.field, value=f"{error.value!r:.60}", **own)


@dataclass(frozen=True)
class Limits:
    """What one session may take.

    Attributes
    ----------
    states
        N, the states of its chain.
    steps
        Training steps in all.
    text
        Characters of the training text.
    memory
        Bytes for one session's GPT, training and recorded frames together.
    most_seeds
        Seeds beside the one on the screen.
    room
        Where the session shares a machine with others: reserves so many bytes for it if they are there, and returns
        how many are.
    """

    states: int = 2**20
    steps: int = 1_000_000
    text: int = 2_000_000
    memory: int = 2**30
    most_seeds: int = MAX_SEEDS
    room: Callable[[int], int] | None = None

    @classmethod
    def for_a_class(cls) -> Limits:
        """Return limits under which fifty sessions fit one ordinary machine."""
        return cls(states=65_536, steps=20_000, text=200_000, memory=2**28)

    @classmethod
    def for_a_page(cls) -> Limits:
        """Return what a page may take that thinks by itself (:mod:`babygpt.studio.page`), so that a phone bears it.

        Measured: 4,096 states are read in 0.2 s and trained at 7 steps a second, 100,000 symbols are read in 0.04 s.
        """
        return cls(states=4096, steps=100_000, text=100_000, memory=2**27, most_seeds=200)

    @property
    def frames(self) -> int:
        """Bytes for what is recorded: half for chains, half for weights."""
        return self.memory // 4

    @property
    def seeds(self) -> int:
        """Bytes for the chains of many seeds, besides."""
        return self.memory // 8

    def check_text(self, text: str, field: str = "sequence") -> None:
        """Raise :class:`RefusedError` if the text is too long."""
        if len(text) > self.text:
            raise RefusedError(
                f"The text has {len(text):,} characters; the studio's limit is {self.text:,}. Use a shorter one, or "
                "babygpt train FILE, which has no limit.",
                "text", field, length=len(text), limit=self.text,
            )  # fmt: skip

    def check_steps(self, steps: int) -> None:
        """Raise :class:`RefusedError` for too many steps."""
        if steps > self.steps:
            raise RefusedError(
                f"steps={steps:,} is more than the studio's limit of {self.steps:,}.",
                "steps", "steps", steps=steps, limit=self.steps,
            )  # fmt: skip

    def check_most(self, field: str, value: int | None, most: int) -> None:
        """Raise :class:`RefusedError` if a setting is above ``most``."""
        if value is not None and value > most:
            raise RefusedError(
                f"{field}={value:,} is more than the studio's limit of {most:,}.",
                "most", field, value=value, limit=most,
            )  # fmt: skip

    def range_of(self, setting: Setting) -> dict[str, str | int]:
        """Return the least and the most that a setting may be by itself; nothing of one that has no such bounds.

        How long a context may be, :meth:`check_size` says: it depends on the symbols.
        """
        if setting.kind is not int or setting.name == "context_length":
            return {}
        most = {"steps": self.steps, "batch_size": MAX_BATCH, "n_layer": MAX_LAYERS}.get(setting.name, MOST)
        # as a text where a screen has no such number
        return {"least": setting.least or 0, "most": most if most < MOST else f"{most:,}"}

    def check_own(self, setting: Setting, value: object) -> None:
        """Raise :class:`RefusedError` for a number that is more than the studio takes of its setting."""
        if isinstance(value, int) and not isinstance(value, bool):
            if setting.name == "steps":
                self.check_steps(value)
            elif isinstance(most := self.range_of(setting).get("most"), int):
                self.check_most(setting.name, value, most)

    def check_size(self, vocab_size: int, context_length: int) -> None:
        """Raise :class:`RefusedError` for too many states."""
        fits = 0
        while count_states(vocab_size, fits + 1) <= self.states:
            fits += 1
        if context_length <= fits:
            return
        if context_length * vocab_size.bit_length() < 200:
            states = f"{count_states(vocab_size, context_length):,}"
        else:
            states = f"{vocab_size}^{context_length:,}"
        advice = f"Try context_length={fits}." if fits else "Use a text of fewer symbols."
        raise RefusedError(
            f"context_length={context_length:,} over {vocab_size:,} symbols gives {states} states; the studio's limit "
            f"is {self.states:,}. {advice}",
            "states", "context_length",
            context_length=context_length, symbols=vocab_size, states=states, limit=self.states, fits=fits,
        )  # fmt: skip

    def need(self, config: GPTConfig, steps: int) -> int:
        """Return about how many bytes such a GPT, a training of so many steps, and all that is kept of it take."""
        V, K = config.vocab_size, config.block_size
        table, weights = 8 * V * (count_short(V, K) + count_states(V, K)), 4 * config.n_parameters
        recorded = sum(min(self.frames // 2, (steps + 1) * frame) for frame in (table, weights))
        N = count_states(V, K)
        vectors = 8 * BASIS * N if N <= LONG_RUN else 0  # while its long run is computed
        return training_bytes(config) + TABLES * table + recorded + vectors

    def check_seeds(self, config: GPTConfig, asked: int) -> None:
        """Raise :class:`RefusedError` if the chains of so many seeds would be too much."""
        self.check_most("seeds", asked, self.most_seeds)
        arrows = config.vocab_size * count_states(config.vocab_size, config.block_size)
        fits = min(MAX_OF_SEEDS, self.seeds // 8) // arrows  # two steps at least, as float32
        if asked > fits:
            advice = f"Ask for {fits:,} seeds, or use" if fits > 1 else "Use"
            raise RefusedError(
                f"{arrows:,} arrows of {asked:,} seeds are too many to show side by side. {advice} a shorter context.",
                "seeds", "seeds", arrows=arrows, seeds=asked, fits=fits,
            )  # fmt: skip

    def check_memory(self, config: GPTConfig, steps: int, beside: int = 0) -> None:
        """Raise :class:`RefusedError` if the GPT, its training, its chain and ``beside`` would take too much memory.

        A session may train for longer later: what it may take in all is asked for the longest training.
        """
        need, limit, whose = self.need(config, self.steps) + beside, self.memory, "the studio's limit is {} a session"
        if need <= limit and self.room is not None:
            need = self.need(config, steps) + beside
            limit, whose = self.room(need), "the studio has {} left for it"
        if need > limit:
            states = f"{count_states(config.vocab_size, config.block_size):,}"
            shorter = (replace(config, block_size=length) for length in range(config.block_size - 1, 0, -1))
            fits = next((one.block_size for one in shorter if self.need(one, self.steps) + beside <= limit), 0)
            raise RefusedError(
                f"A GPT of {config.n_parameters:,} parameters with {states} states takes about {human_bytes(need)} to "
                f"train here; {whose.format(human_bytes(limit))}. "
                "Use fewer layers, a smaller width, or a shorter context.",
                "memory", "n_embd",
                parameters=config.n_parameters, need=human_bytes(need), limit=human_bytes(limit),
                fits=fits,
            )  # fmt: skip
