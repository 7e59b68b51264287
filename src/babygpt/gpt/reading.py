r"""How a text is read: which symbols it is made of, and whether it is one sequence or each of its lines is one.

Read by characters a text is one sequence, line breaks and all, unless it is said to be otherwise. Read by words, line
breaks are white space; but where lines hold several words each, such as journeys, one a line, the step from the last
word of a line to the first of the next is none that anybody took. So a text of several such lines is read as a
sequence a line unless someone says that they are one. One word a line, or lines that end in the comma of a list that
goes on, are one sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from babygpt.gpt.corpus import Corpus
from babygpt.gpt.separators import core, whole_names
from babygpt.gpt.sequences import Sequenced, check_symbols, lines_of
from babygpt.gpt.texts import found_vocabulary
from babygpt.gpt.vocabulary import Vocabulary
from babygpt.settings import TokenKind

# In place of a token: the border between two sequences.
BORDER = -1
# Lines that are looked at to tell what they are.
LOOKED_AT = 1000


@dataclass(frozen=True, eq=False)
class Reading:
    """What there is to learn from, as symbols.

    Attributes
    ----------
    vocabulary
        The V symbols.
    sequences
        Returns them from the beginning: texts, or lists of names.
    joined
        Whether they are pieces of one sequence, whose windows reach across.
    """

    vocabulary: Vocabulary
    sequences: Callable[[], Iterable[Sequenced]]
    joined: bool

    @classmethod
    def of(
        cls,
        pieces: Callable[[], Iterable[str]],
        tokens: TokenKind = "chars",
        vocabulary: Vocabulary | Sequence[str] | None = None,
        separator: str | None = None,
        lines: bool | None = None,
    ) -> Reading:
        r"""Return how a text is read, which ``pieces`` returns from its beginning.

        Parameters
        ----------
        tokens, vocabulary, separator
            As for :meth:`babygpt.Corpus.from_text`.
        lines
            Whether each line is a sequence of its own; None: if they are several, of words, and not one word each.

        Raises
        ------
        SequenceError
            The text is empty, or made of a single symbol.
        VocabularyError
            The vocabulary is none.

        >>> journeys = Reading.of(lambda: ["start look\nstart ask buy"], "words")
        >>> journeys.joined, journeys.corpus(1).counts.tolist()
        (False, [[0, 1, 0, 0], [1, 0, 1, 0]])
        """
        if vocabulary is None:
            kind: TokenKind = "words" if separator else tokens
            own = (lambda: lines_of(pieces())) if lines and kind == "chars" else pieces  # without the line breaks
            found, parted = found_vocabulary(own, kind, separator)
            check_symbols(found)
            symbols = Vocabulary(found, kind, parted)  # type: ignore[arg-type]  # None: what characters have
        else:
            symbols = Vocabulary.of(vocabulary, tokens, separator)
        if lines is None:
            lines = symbols.tokens == "words" and _are_sequences(pieces, symbols)
        if lines:
            return cls(symbols, lambda: lines_of(pieces()), joined=False)
        if symbols.tokens == "words":
            return cls(symbols, lambda: whole_names(pieces(), symbols.separator), joined=True)
        return cls(symbols, pieces, joined=True)

    def corpus(self, context_length: int) -> Corpus:
        """Return the counts, at a context length.

        Raises
        ------
        SequenceError
            No sequence is longer than the context.
        VocabularyError
            There is a symbol that the vocabulary lacks.
        """
        make = Corpus.from_pieces if self.joined else Corpus.from_sequences
        return make(self.sequences(), context_length, self.vocabulary)

    def tokens(self) -> NDArray[np.int64]:
        """Return all tokens (L,) in their order, with a :data:`BORDER` between two sequences.

        Raises
        ------
        VocabularyError
            There is a symbol that the vocabulary lacks.
        """
        parts = [self.vocabulary.encode(sequence) for sequence in self.sequences()]
        if not self.joined:
            border = np.array([BORDER])
            parts = [part for each in parts if len(each) for part in (border, each)][1:]
        return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def windows_within(tokens: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
    """Return which of the windows of a length, by their first token (L − length + 1,), have no border in them.

    >>> windows_within(np.array([0, 1, BORDER, 1, 0, 0]), 2).tolist()
    [True, False, False, True, True]
    """
    borders = np.concatenate([[0], np.cumsum(tokens == BORDER)])
    return borders[length:] == borders[: max(0, len(borders) - length)]


def _are_sequences(pieces: Callable[[], Iterable[str]], vocabulary: Vocabulary) -> bool:
    """Whether the lines of a text of words are sequences: several, of several words, none of which goes on."""
    lines = list(islice(lines_of(pieces()), LOOKED_AT))
    sign = core(vocabulary.separator)
    goes_on = sign.strip() != "" and any(line.rstrip().endswith(sign) for line in lines[:-1])
    return len(lines) > 1 and not goes_on and any(len(vocabulary.split(line)) > 1 for line in lines)
