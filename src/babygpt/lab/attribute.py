"""The effect of each part of the data on each arrow: retrain without it, and see.

The *effect* of a token on an arrow is the arrow's probability as trained, less what it is when the very same GPT is
trained, from the same first weights, on the text with that token *changed* to another symbol; or, for a *window*
(a context and the token after it), on the text's windows without this one. A part of the data with a positive effect
raises the arrow's probability, one with a negative effect lowers it.

Nothing here is estimated: influence functions [1]_ ask the same question of one gradient, which small trainings make
unnecessary, since all of them fit side by side (:mod:`babygpt.run.many`).

.. [1] Koh and Liang, "Understanding black-box predictions via influence functions", ICML 2017.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from babygpt.chain.contexts import all_contexts, check_size, count_states, human_bytes, number_of
from babygpt.errors import ContextError, DivergedError, SequenceError, SettingError, SizeError
from babygpt.frames import Tabular
from babygpt.gpt.checks import check_choice, check_count, check_seed
from babygpt.gpt.compute import check_device
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.counting import window_numbers
from babygpt.gpt.given import CONTEXT_LENGTH, Given, sequence_of
from babygpt.gpt.kinds import explained
from babygpt.gpt.reading import BORDER, windows_within
from babygpt.gpt.room import free_memory
from babygpt.gpt.vocabulary import Context, Vocabulary
from babygpt.lab.seed_study import some_states
from babygpt.picture import Drawn
from babygpt.run.blocks import check_kept
from babygpt.run.many import Progress, train_many
from babygpt.settings import Positions, TokenKind, default

By = Literal["token", "window"]

# A training for each change of a token: more than these would take an hour, and nobody would read them.
MAX_CHANGES = 2**14


@dataclass(frozen=True)
class Influence:
    """What one part of the data does to one arrow.

    Attributes
    ----------
    position
        The place of the token that was changed, or of the left-out window's first; the text's first token is 0.
    was, became
        The symbol there and the one put in its place; or the window's text, and None.
    changed
        The arrow's probability without that part of the data.
    effect
        Its probability with it, less ``changed``: positive if that part raises the arrow.
    """

    position: int
    was: str
    became: str | None
    changed: float
    effect: float


@explained
@dataclass(frozen=True, eq=False)
class Attribution(Drawn, Tabular):
    """The effect of every part of the data on every arrow: P changes, N states, V tokens; see :func:`attribute`.

    Attributes
    ----------
    corpus, config, train_config
        The data as it is, the GPTs' shape, how they were trained.
    seeds
        int64 (S,): all probabilities here are means over these seeds.
    by
        ``"token"`` or ``"window"``.
    tokens
        int64 (L,): the text, with a :data:`~babygpt.gpt.reading.BORDER` between two sequences.
    positions
        int64 (P,): where each change is; for a window, where its first token is.
    replacements
        int64 (P,): the token put there; −1 where a window is left out.
    base
        float64 (N, V): every arrow as trained on the data as it is.
    changed
        float64 (P, N, V): every arrow as trained on the changed data.
    """

    _drawn_as = "Attribution"

    corpus: Corpus
    config: GPTConfig
    train_config: TrainConfig
    seeds: NDArray[np.int64]
    by: By
    tokens: NDArray[np.int64]
    positions: NDArray[np.int64]
    replacements: NDArray[np.int64]
    base: NDArray[np.float64]
    changed: NDArray[np.float64]

    @property
    def effects(self) -> NDArray[np.float64]:
        """float64 (P, N, V): ``base`` − ``changed``. Over the tokens after a state they sum to 0."""
        return self.base - self.changed

    @property
    def by_position(self) -> NDArray[np.float64]:
        """float64 (positions, N, V): the effects, with those of several replacements at one position averaged."""
        each = max(1, len(self.positions) // len(np.unique(self.positions)))
        return self.effects.reshape(-1, each, *self.base.shape).mean(axis=1)

    def strongest(self, context: Context, token: str | int, n: int | None = None) -> list[Influence]:
        """Return the strongest effects on an arrow, strongest first: of ``n`` changes, by default of all.

        Raises
        ------
        ContextError
            The context does not have K tokens.
        VocabularyError
            It has a symbol that the vocabulary lacks, or the token is none.
        """
        state, next_token = self.arrow(context, token)
        effects = self.base[state, next_token] - self.changed[:, state, next_token]
        order = np.argsort(-np.abs(effects), kind="stable")[: None if n is None else check_count("n", n)]
        was, became = self._names()
        return [
            Influence(
                int(self.positions[i]), was[i], became[i], float(self.changed[i, state, next_token]), float(effects[i])
            )
            for i in order.tolist()
        ]

    def arrow(self, context: Context, token: str | int) -> tuple[int, int]:
        """Return the state and the token of an arrow, its place in :attr:`base`: see :func:`arrow_of`."""
        return arrow_of(self.corpus, context, token)

    def rows(self) -> dict[str, Sequence[Any] | NDArray[Any]]:
        """Return a table of all effects, as columns: P·N·V rows, by change, state and token."""
        vocabulary, P = self.corpus.vocabulary, len(self.positions)
        N, V = self.base.shape
        contexts = [vocabulary.decode(ids) for ids in all_contexts(V, self.config.block_size)]
        was, became = self._names()
        return {
            "position": np.repeat(self.positions, N * V),
            "was": np.repeat(np.array(was, dtype=object), N * V),
            "became": np.repeat(np.array(["" if symbol is None else symbol for symbol in became], dtype=object), N * V),
            "state": np.tile(np.repeat(np.arange(N), V), P),
            "context": np.tile(np.repeat(np.array(contexts, dtype=object), V), P),
            "token": np.tile(np.array(vocabulary.symbols, dtype=object), P * N),
            "base": np.tile(self.base.ravel(), P),
            "changed": self.changed.ravel(),
            "effect": self.effects.ravel(),
        }

    def _names(self) -> tuple[list[str], list[str | None]]:
        decode, K = self.corpus.vocabulary.decode, self.config.block_size
        if self.by == "window":
            return [decode(self.tokens[at : at + K + 1]) for at in self.positions.tolist()], [None] * len(
                self.positions
            )
        was = [decode([token]) for token in self.tokens[self.positions].tolist()]
        return was, [decode([token]) for token in self.replacements.tolist()]

    def __repr__(self) -> str:
        seeds = f"seed {self.seeds[0]}" if len(self.seeds) == 1 else f"mean of {len(self.seeds):,} seeds"
        N, V = self.base.shape
        return f"Attribution({len(self.positions):,} changes by {self.by}, {N * V:,} arrows, {seeds})"


@explained
def attribute(
    sequence: Given,
    by: By = "token",
    *,
    seeds: Iterable[int] = (default("seed"),),
    context_length: int = CONTEXT_LENGTH,
    steps: int = default("steps"),
    learning_rate: float = default("learning_rate"),
    weight_decay: float = default("weight_decay"),
    n_layer: int = default("n_layer"),
    n_head: int = default("n_head"),
    n_embd: int = default("n_embd"),
    bias: bool = default("bias"),
    positions: Positions = default("positions"),
    batch_size: int | None = default("batch_size"),
    device: str = default("device"),
    vocabulary: Vocabulary | Sequence[str] | None = None,
    tokens: TokenKind = default("tokens"),
    threads: int | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """Retrain with each part of ``sequence`` changed and return every arrow of every retraining.

    Settings that are not listed are those of :func:`babygpt.train`. The vocabulary is
    that of the whole text throughout.

    Parameters
    ----------
    sequence
        What to learn from, as for :func:`babygpt.train`; but a sequence, or many as a
        :class:`~babygpt.gpt.reading.Reading`, not a corpus or a source, which have no order.
    by
        ``"token"``: each token is replaced by each other symbol; of two symbols, flipped. ``"window"``: each window,
        a context and the token after it, is left out. What gives the same counts is trained once.
    seeds
        One or more; of several, means are returned.
    progress
        Called now and then as ``progress(steps_done, steps)``, summed over all trainings.

    Raises
    ------
    InputError
        Something given cannot be used; the message says what, and what to try.
    SizeError
        There would be more than 16,384 changed tokens, or the result would not fit into memory.
    DivergedError
        A GPT's loss did not stay finite.

    >>> found = attribute("111101111011110", by="window", steps=20)
    >>> found.changed.shape, [(i.position, i.was) for i in found.strongest("000", "1", n=2)]
    ((12, 8, 2), [(0, '1111'), (5, '1111')])
    """
    check_choice("by", by, get_args(By))
    check_size(2, context_length)  # before anything is counted: no chain has fewer symbols
    ids, symbols = sequence_of(sequence, vocabulary, tokens)
    sequences = [part[part != BORDER] for part in np.split(ids, np.flatnonzero(ids == BORDER))]
    corpus = (
        Corpus.from_sequences(sequences, context_length, symbols)
        if len(sequences) > 1
        else (Corpus.from_tokens(ids, context_length, symbols))
    )
    V, K = len(corpus.vocabulary), corpus.context_length
    config = GPTConfig(K, V, n_layer, n_head, n_embd, bias)
    if isinstance(seeds, Sized):  # before they are listed: nobody has room for range(10**12)
        check_kept(config, len(seeds), 1, keep_weights=False)
    numbers = _checked_seeds(seeds)
    train_config = TrainConfig(steps, learning_rate, weight_decay, positions, batch_size, numbers[0], device)
    check_device(device)
    places, replacements = changes_of(ids, V, K, by)
    _check_fits(len(places) * count_states(V, K) * V)
    variants, variant_of = corpora_of(corpus, ids, places, replacements)
    corpora = [corpus, *variants]
    trained = train_many(
        [one for one in corpora for _ in numbers], numbers * len(corpora), config, train_config, [train_config.steps],
        threads, progress, keep_weights=False,
    )  # fmt: skip
    tables = np.exp(trained.tables[:, 0, -count_states(V, K) :])
    lost = int((~np.isfinite(tables).all(axis=(1, 2)) | ~np.isfinite(trained.losses).all(axis=1)).sum())
    if lost:
        raise DivergedError(
            f"{lost:,} of {len(tables):,} trainings did not stay finite with learning_rate={learning_rate:g}. "
            "Try a smaller learning rate."
        )
    means = tables.reshape(len(corpora), len(numbers), *tables.shape[1:]).mean(axis=1)
    return Attribution(
        corpus, config, train_config, np.array(numbers), by, ids, places, replacements, means[0], means[1:][variant_of]
    )


def arrow_of(corpus: Corpus, context: Context, token: str | int) -> tuple[int, int]:
    """Return the state that a context of K tokens is, and the token that an arrow leads to.

    Raises
    ------
    ContextError
        The context does not have K tokens, or the token is not one.
    VocabularyError
        There is a symbol that the vocabulary lacks.
    """
    if isinstance(context, (list, tuple)):
        context = corpus.vocabulary.tokens_of(context).tolist()
    ids, K = corpus.vocabulary.encode(context, "arrow"), corpus.context_length
    if len(ids) != K:
        raise ContextError(f"{context!r} has {len(ids)} token{'s' * (len(ids) != 1)}; a state here has {K}.")
    following = corpus.vocabulary.encode(token if isinstance(token, str) else [token], "arrow")
    if len(following) != 1:
        raise ContextError(f"{token!r} has {len(following)} tokens; an arrow's head is one, such as '1'.")
    return number_of(ids.tolist(), len(corpus.vocabulary)), int(following[0])


def default_arrows(corpus: Corpus, limit: int = 64) -> list[tuple[int, int]]:
    """Return arrows to show, at most ``limit``, as (state, token): of two symbols those to the second, else all."""
    V = len(corpus.vocabulary)
    each = [1] if V == 2 else range(V)
    states = some_states(corpus, max(1, min(32, limit // len(each))))
    return [(state, token) for state in states for token in each][:limit]


def changes_of(ids: NDArray[np.int64], V: int, K: int, by: By) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each change of a text (L,) is, and the token put there, −1 for none: (P,) each.

    Raises
    ------
    SequenceError
        There is but one window.
    SizeError
        There are too many.
    """
    if by == "window":
        windows = np.flatnonzero(windows_within(ids, K + 1))
        if len(windows) < 2:
            raise SequenceError(
                f"The text has {len(windows)} window of {K + 1} tokens; without it nothing is left. Give more."
            )
        return windows, np.full(len(windows), -1)
    places = np.flatnonzero(ids != BORDER)
    L = len(places)
    if L * (V - 1) > MAX_CHANGES:
        raise SizeError(
            f"{L:,} tokens, each changed to every other symbol, make {L * (V - 1):,} texts; the limit is "
            f"{MAX_CHANGES:,}. Use by=window, whose equal windows are trained once, or a shorter text."
        )
    # to each token every other: s+1, s+2, … around the vocabulary, in order
    others = np.sort((ids[places, None] + np.arange(1, V)) % V, axis=1)
    return np.repeat(places, V - 1), others.ravel()


def corpora_of(
    corpus: Corpus, ids: NDArray[np.int64], places: NDArray[np.int64], replacements: NDArray[np.int64]
) -> tuple[list[Corpus], NDArray[np.int64]]:
    """Return the distinct corpora that P changes of a text make, and which of them each change makes (P,).

    ``corpus`` and ``ids`` (L,) are the text as it is; ``places`` and ``replacements`` as from :func:`changes_of`.
    """
    V, K = len(corpus.vocabulary), corpus.context_length
    within, ids = windows_within(ids, K + 1), np.maximum(ids, 0)  # a border is in no window that is counted
    windows = window_numbers(ids, K + 1, V).astype(np.int64)
    numbers, counts = np.unique(windows[within], return_counts=True)
    found: dict[bytes, int] = {}
    variants: list[Corpus] = []
    variant_of = np.empty(len(places), dtype=np.int64)
    for i, (place, replacement) in enumerate(zip(places.tolist(), replacements.tolist(), strict=True)):
        if replacement < 0:
            gone, come = windows[place : place + 1], windows[:0]
        else:
            # a token is in the K + 1 windows that begin at it or up to K before it
            first, last = max(0, place - K), min(place, len(windows) - 1)
            changed, part = within[first : last + 1], ids[first : last + K + 1].copy()
            part[place - first] = replacement
            gone = windows[first : last + 1][changed]
            come = window_numbers(part, K + 1, V).astype(np.int64)[changed]
        all_numbers, row = np.unique(np.concatenate([numbers, gone, come]), return_inverse=True)
        new = np.zeros(len(all_numbers), dtype=np.int64)
        np.add.at(new, row, np.concatenate([counts, np.full(len(gone), -1), np.full(len(come), 1)]))
        kept = new > 0
        key = np.concatenate([all_numbers[kept], new[kept]]).tobytes()
        if key not in found:
            found[key] = len(variants)
            variants.append(_corpus(corpus.vocabulary, K, all_numbers[kept], new[kept]))
        variant_of[i] = found[key]
    return variants, variant_of


def _corpus(vocabulary: Vocabulary, K: int, numbers: NDArray[np.int64], counts: NDArray[np.int64]) -> Corpus:
    """Return the corpus of distinct windows, given by number, and how often each occurs."""
    V = len(vocabulary)
    states, row = np.unique(numbers // V, return_inverse=True)
    table = np.zeros((len(states), V), dtype=np.int64)
    table[row, numbers % V] = counts
    contexts = states[:, None] // V ** np.arange(K - 1, -1, -1, dtype=np.int64) % V
    return Corpus(vocabulary, K, contexts, table)


def _check_fits(numbers: int) -> None:
    free = free_memory()
    if 3 * 8 * numbers > free:  # the result, its effects, and room to make them
        raise SizeError(
            f"The arrows of all changes take {human_bytes(8 * numbers)}; {human_bytes(free)} of memory are free. "
            "Use a shorter text or a shorter context."
        )


def _checked_seeds(seeds: Iterable[int]) -> list[int]:
    try:
        numbers = sorted({check_seed(seed) for seed in seeds})
    except TypeError:
        raise SettingError(f"seeds={seeds!r} is no list of seeds. Use [1337], say.") from None
    if not numbers:
        raise SettingError("There are no seeds. Use [1337], say.")
    return numbers
