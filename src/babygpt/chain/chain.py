"""The Markov chain: all states and all arrows of a GPT, as one table of log-probabilities.

A *state* is a context of K tokens, an *arrow* the probability of one next token there, and the *chain* all of
them. What the next state will be depends on the present state alone, because a GPT with context length K
cannot see further back: that is the Markov property, and here it holds exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from babygpt.chain import compare as comparing
from babygpt.chain import export, information
from babygpt.chain import text as text_module
from babygpt.chain.compare import Comparison, LossDecomposition, NearestNgram
from babygpt.chain.contexts import (
    check_size,
)
from babygpt.chain.decoding import Decoding, by_rules
from babygpt.chain.finite import FiniteChain
from babygpt.chain.ngram import NeverLeft, ngram_table
from babygpt.chain.table import ContextTable
from babygpt.chain.walk import Walk, walk
from babygpt.errors import SettingError
from babygpt.frames import Tabular
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.kinds import explained
from babygpt.gpt.vocabulary import Context, Vocabulary
from babygpt.picture import Picture, drawing_of, shown_as

if TYPE_CHECKING:
    import networkx

    from babygpt.chain.asking import Model


@explained
class MarkovChain(ContextTable, FiniteChain, Tabular):
    """Every state and every arrow of a model with a finite context.

    Parameters
    ----------
    log_probs
        (N, V) natural logarithms of the next-token probabilities, one row per state in order of number, N a
        power of V. ``-inf`` is a true zero.
    vocabulary
        The V symbols; ``"01"`` will do. By default the symbols are "0", "1", …
    short_log_probs
        (n_short, V), the same for contexts of 1 … K−1 tokens in the order of
        :mod:`babygpt.chain.contexts`, if the model speaks after those too.
    copy
        Whether the chain takes a copy of the tables; otherwise float64 ones become its own, and read-only.

    Raises
    ------
    SettingError
        The table has the wrong shape, or a row is not a probability distribution.

    >>> chain = MarkovChain(np.log([[0.9, 0.1], [0.3, 0.7]]), "ab")
    >>> chain.n_states, chain.context_length, chain["b"]
    (2, 1, {'a': 0.3, 'b': 0.7})
    >>> chain.stationary_distribution().round(12).tolist()
    [0.75, 0.25]
    """

    @classmethod
    def from_model(
        cls,
        model: Model,
        vocabulary: Vocabulary | Sequence[str] | None = None,
        *,
        context_length: int | None = None,
        vocab_size: int | None = None,
        short: bool = True,
        batch: int | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> MarkovChain:
        """Return the chain that a model is: its own answer after every context, of K tokens and fewer.

        A GPT knows its sizes, and is read sooner where nothing was changed in how it computes. Any other model is a
        callable that takes contexts, int64 (B, T), and returns the logits of what follows.

        Parameters
        ----------
        model
            A :class:`babygpt.GPT`, or any callable: tokens (B, T) → logits (B, V), (B, T, V) or an object that has
            them as ``.logits``, tensors or NumPy arrays. A module is asked in evaluation mode, without gradients, and
            left as it was found. What comes next may depend on nothing but the context: not on chance, nor on what was
            read before.
        vocabulary
            The V symbols, in the order of the model's logits; by default "0", "1", …
        context_length
            K. A GPT may be read with fewer tokens than it could take; for other models it must be given.
        vocab_size
            V, where no vocabulary is given; by default as many as the model gives logits.
        short
            Whether the model is asked after 1 … K−1 tokens too. Without, it is given contexts of K tokens alone, and
            the chain knows no others.
        batch
            Contexts in one forward pass, where it is run in batches; by default so many that memory stays moderate.
        progress
            Called now and then as ``progress(contexts_read, contexts)``; what it raises ends the reading.

        Raises
        ------
        SizeError
            More states than fit; the message says how many would.
        SettingError
            Sizes are missing or contradict each other.
        ModelError
            The model fails, its answers are no logits, or it predicts something else when asked again.

        >>> flips = np.array([[0.9, 0.1], [0.3, 0.7]])  # what follows 0, what follows 1
        >>> MarkovChain.from_model(lambda idx: np.log(flips[idx]), "ab", context_length=2)["ab"]
        {'a': 0.3, 'b': 0.7}
        """
        from babygpt.chain.asking import Asked  # chains alone need no torch
        from babygpt.chain.extract import context_table

        if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(tuple(vocabulary))  # one that is none is told before the model is asked
        asked = Asked.of(model, vocabulary, context_length, vocab_size, short, batch)
        check_size(asked.vocab_size, asked.context_length)
        table, first = context_table(asked, progress=progress), asked.row(asked.context_length)
        return cls(table[first:], vocabulary, table[:first], copy=False)

    @classmethod
    def from_corpus(cls, corpus: Corpus, order: int | None = None, never_left: NeverLeft | None = None) -> MarkovChain:
        """Return the n-gram chain of a corpus: next tokens as often as the data has them after ``order`` tokens.

        By default the order is K. Where the data lacks a context, the longest end of it that occurs stands in.

        Parameters
        ----------
        never_left
            What becomes of a state in which a sequence ends and that the data never leaves. ``"absorbing"``: its last
            token repeats for ever. ``"backoff"``: it is like any context that the data lacks, and where not even its
            last token is ever followed, the shares of all tokens stand in. By default that last case is an error.

        Raises
        ------
        SettingError
            The order is negative or above K; the data ends in a token that is never followed and ``never_left`` was
            not given; or it is ``"absorbing"``, and a state in which the data ends cannot stay as it is.

        >>> journeys = Corpus.from_sequences(["look buy", "look look buy"], 1, tokens="words")
        >>> chain = MarkovChain.from_corpus(journeys, never_left="absorbing")
        >>> chain["look"]["buy"].__round__(3), chain["buy"]
        (0.667, {'buy': 1.0, 'look': 0.0})
        """
        if not isinstance(corpus, Corpus):
            raise SettingError(
                "from_corpus takes a corpus: MarkovChain.from_corpus(Corpus.from_text(text, context_length))"
            )
        with np.errstate(divide="ignore"):  # what never follows has probability 0
            return cls.from_table(np.log(ngram_table(corpus, order, never_left)), corpus.vocabulary)

    @classmethod
    def ngrams(cls, corpus: Corpus) -> list[MarkovChain]:
        """Return the n-gram chains of every order 0 … K, with ``never_left="backoff"``."""
        return [cls.from_corpus(corpus, order, "backoff") for order in range(corpus.context_length + 1)]

    @classmethod
    def from_table(
        cls, table: NDArray[np.floating], vocabulary: Vocabulary | Sequence[str] | None = None, copy: bool = True
    ) -> MarkovChain:
        """Return the chain of a table (n_short + N, V) with a row for every context, short ones first.

        Without ``copy`` a float64 table becomes the chain's own: it is made read-only, and must not be changed.
        """
        if np.ndim(table) != 2:
            raise SettingError(f"table has shape {np.shape(table)}; it needs (contexts, symbols).")
        rows, V = table.shape
        # rows = V + V² + … + V^K, so N = V^K is what remains after the short contexts: (rows·(V − 1) + V) / V
        N = (rows * (V - 1) + V) // V
        return cls(table[rows - N :], vocabulary, table[: rows - N], copy=copy)

    # -- questions about texts, memory and data (finite.py has those of any finite chain) -----------------

    @by_rules(Decoding)
    def with_decoding(self, decoding: Decoding) -> MarkovChain:
        """Return the chain under rules of decoding: temperature (0 is greedy), then top-k, top-p, min-p.

        Raises
        ------
        SettingError
            A setting that means nothing, such as a negative temperature.
        """
        return self.decoded(decoding)

    def decoded(self, decoding: Decoding) -> MarkovChain:
        """Return the chain under a :class:`babygpt.chain.decoding.Decoding`."""
        short = None if self.short_log_probs is None else decoding.apply(self.short_log_probs)
        return MarkovChain(decoding.apply(self.log_probs), self.vocabulary, short)

    def surprisal(self, text: Context, given: Context = "") -> NDArray[np.float64]:
        """Return −ln p of each token of ``text`` in nats (L,); NaN for those without a context the chain knows."""
        return text_module.surprisal(self, text, given)

    def log_probability(self, text: Context, given: Context = "") -> float:
        """Return ln of the probability of ``text`` after its first token, or after ``given``: nats, at most 0."""
        return text_module.log_probability(self, text, given)

    def perplexity(self, text: Context, given: Context = "") -> float:
        """Return e to the mean surprisal of ``text``: 1 is certainty, V is guessing."""
        return text_module.perplexity(self, text, given)

    def memory_profile(self) -> NDArray[np.float64]:
        """Return what the token at each lag 1 … K adds to the next one, in nats: (K,), the most recent first."""
        return information.memory_profile(self)

    def excess_entropy(self) -> float:
        """Return E = H(π) − K·h, what the whole past tells about the whole future, in nats."""
        return information.excess_entropy(self)

    def compare(self, other: MarkovChain) -> Comparison:
        """Return how ``other`` differs from this chain: divergence and total variation, per arrow and weighted.

        Raises
        ------
        SettingError
            Different vocabularies or context lengths.
        """
        if not isinstance(other, MarkovChain):
            raise SettingError("compare takes another chain; for the data's own use MarkovChain.from_corpus(corpus).")
        return comparing.compare(self, other)

    def loss_decomposition(self, corpus: Corpus) -> LossDecomposition:
        """Return this chain's loss on a corpus as the floor plus each arrow's part.

        Raises
        ------
        SettingError
            Different vocabularies or context lengths.
        """
        return comparing.loss_decomposition(self, corpus)

    def nearest_ngram(self, corpus: Corpus) -> NearestNgram:
        """Return which n-gram of the corpus this chain is most like: −1 uniform, 0 unigram, 1 bigram and so on."""
        return comparing.nearest_ngram(self, corpus, MarkovChain.ngrams(corpus))

    def sample(self, start: Context, n_tokens: int, seed: int = 0) -> str:
        """Return the text of ``n_tokens`` tokens drawn one after another from the prompt ``start``.

        >>> MarkovChain(np.log([[0.5, 0.5], [0.5, 0.5]]), "ab").sample("a", 8, seed=0)
        'baaabbbb'
        """
        return self.walk(start, n_tokens, seed).text

    def walk(self, start: Context, n_tokens: int, seed: int = 0) -> Walk:
        """Return the walk behind :meth:`sample`: every context visited, every token and its probability."""
        return walk(self, start, n_tokens, seed)

    def rows(self, short: bool = False) -> dict[str, NDArray[Any]]:
        """Return the arrows as columns, N·V rows: state, context, token, probability, next_state, next."""
        return export.rows(self, short)

    def to_networkx(self, short: bool = False) -> networkx.DiGraph:
        """Return the chain as a networkx graph: contexts as nodes, ``token`` and ``probability`` on edges."""
        return export.to_networkx(self, short)

    def to_prism(self, path: str | Path) -> tuple[Path, Path]:
        """Write the chain for the model checker PRISM: ``path``.tra and ``path``.sta; return both paths.

        Raises
        ------
        FileError
            The files cannot be written.
        """
        return export.to_prism(self, path)

    # -- showing -----------------------------------------------------------------------------------------

    def plot(self, layout: str | None = None, **options: Any) -> Picture:
        """Return the chain's picture, which notebooks show and ``.save("chain.svg")`` writes.

        The options are those of :func:`babygpt.draw.graph.draw_chain`.

        Raises
        ------
        MissingPackageError
            Graphviz is not installed.
        """
        return drawing_of("chain", self, layout=layout, **options)

    def widget(self, lang: str | None = None, height: int = 480) -> Any:
        """Return the chain as a graph to be looked at state by state, for a cell of a notebook; needs anywidget.

        Its ``selected`` is the context of the state that is selected: set it, read it, observe it. ``lang`` is that of
        what it says, ``"en"`` or ``"zh"``; ``height`` is in pixels.

        Raises
        ------
        SizeError
            It has more than 256 states.
        MissingPackageError
            anywidget is not installed.
        """
        return drawing_of("chain widget", self, lang=lang, height=height)

    def _repr_svg_(self) -> str | None:
        return shown_as(lambda: self.plot().svg)

    def __repr__(self) -> str:
        return (
            f"MarkovChain({self.n_states:,} states, {self.n_arrows:,} arrows, {len(self.vocabulary):,} symbols, "
            f"context length {self.context_length})"
        )
