"""The vocabulary: which symbols there are, and the number (token) each one goes by.

A *symbol* is what a person reads: a character ("1", "床") or, with ``tokens="words"``, a word. A *token* is
the symbol's position in the vocabulary, 0 … V−1, and the only thing a GPT ever sees. Unless it is given, a
vocabulary is the sorted distinct symbols of the training text.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import VocabularyError
from babygpt.gpt.checks import check_choice

TokenKind = Literal["chars", "words"]

# What cannot be seen is drawn as something that can.
_VISIBLE = {" ": "␣", "\n": "⏎", "\t": "⇥", "\u3000": "␣"}


def visible(text: str) -> str:
    r"""Return ``text`` with blanks and control characters drawn as visible signs.

    >>> visible("a b\n")
    'a␣b⏎'
    """
    return "".join(
        _VISIBLE.get(c) or (f"\\x{ord(c):02x}" if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c) for c in text
    )


def code_points(text: str) -> NDArray[np.uint32]:
    """Return the Unicode code point of each character: uint32 (length,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


@dataclass(frozen=True)
class Vocabulary:
    """The V symbols of a GPT in token order.

    Parameters
    ----------
    symbols
        The symbols. A plain string means its characters (or its words, with ``tokens="words"``).
    tokens
        ``"chars"``: a text is read character by character (Unicode code points).
        ``"words"``: a text is read word by word, split at white space.

    Raises
    ------
    VocabularyError
        Fewer than two symbols, a symbol twice, or a symbol that a text cannot contain.

    >>> v = Vocabulary("01")
    >>> v.encode("101").tolist(), v.decode([1, 1, 0])
    ([1, 0, 1], '110')
    """

    symbols: Sequence[str]  # a tuple once made
    tokens: TokenKind = "chars"

    def __post_init__(self) -> None:
        check_choice("tokens", self.tokens, get_args(TokenKind))
        given = self.split(self.symbols) if isinstance(self.symbols, str) else self.symbols
        if not isinstance(given, Iterable) or not all(isinstance(symbol, str) for symbol in given):
            raise VocabularyError(f"A vocabulary is a text or a list of texts, not {self.symbols!r}.")
        symbols = tuple(given)
        object.__setattr__(self, "symbols", symbols)
        repeated = [symbol for symbol, times in Counter(symbols).items() if times > 1]
        if repeated:
            raise VocabularyError(
                f"The vocabulary names {', '.join(map(repr, repeated[:5]))} more than once. Give each symbol once."
            )
        if len(symbols) < 2:
            raise VocabularyError(
                f"The vocabulary has {len(symbols)} symbol{'s' * (len(symbols) != 1)}; a chain needs at least 2. "
                "Give a vocabulary such as '01'."
            )
        for symbol in symbols:
            if self.split(symbol) != [symbol]:
                one = "one character" if self.tokens == "chars" else "one word without white space"
                raise VocabularyError(f"The symbol {symbol!r} is not {one}, so no text can contain it.")

    @classmethod
    def from_text(cls, text: str, tokens: TokenKind = "chars") -> Vocabulary:
        """Return the sorted distinct symbols of ``text``.

        >>> Vocabulary.from_text("banana").symbols
        ('a', 'b', 'n')
        """
        check_choice("tokens", tokens, get_args(TokenKind))
        return cls(tuple(sorted(set(text if tokens == "chars" else text.split()))), tokens)

    @classmethod
    def numbers(cls, size: int) -> Vocabulary:
        """Return the vocabulary "0" … "size−1" that stands in where a model comes without symbols.

        >>> Vocabulary.numbers(3).symbols
        ('0', '1', '2')
        """
        return cls(tuple(map(str, range(size))), "chars" if size <= 10 else "words")

    def __len__(self) -> int:
        return len(self.symbols)

    def __iter__(self) -> Iterator[str]:
        return iter(self.symbols)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.symbols

    @property
    def separator(self) -> str:
        """What stands between two symbols of a text: nothing, or a space."""
        return "" if self.tokens == "chars" else " "

    def split(self, text: str) -> list[str]:
        """Return the symbols that ``text`` is made of, known or not."""
        return list(text) if self.tokens == "chars" else text.split()

    def encode(self, text: str | Sequence[int] | NDArray[np.integer], what: str = "text") -> NDArray[np.int64]:
        """Return the tokens of ``text`` (length,). A sequence of integers is taken as tokens already.

        ``what`` the text is to whoever gave it is for the message.

        Raises
        ------
        VocabularyError
            A symbol or a token is not in the vocabulary.
        """
        if not isinstance(text, str):
            try:
                return self._check_tokens(np.asarray(text))
            except ValueError as error:  # NumPy's, of a ragged list
                raise error if isinstance(error, VocabularyError) else _not_tokens(text) from None
        if self.tokens == "words":
            try:
                return np.fromiter((self._token_of[word] for word in text.split()), dtype=np.int64)
            except KeyError as unknown:
                raise self._unknown([unknown.args[0]], what) from None
        # Characters are looked up all at once by code point: a book takes milliseconds.
        points, token_of_point = code_points(text), self._token_of_point
        tokens = token_of_point[np.minimum(points, len(token_of_point) - 1)]
        if tokens.size and tokens.min() < 0:
            raise self._unknown(dict.fromkeys(chr(p) for p in np.unique(points[tokens < 0])), what)
        return tokens

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text that the tokens ``ids`` spell.

        >>> Vocabulary("the cat", tokens="words").decode([1, 0, 1])
        'cat the cat'
        """
        return self.separator.join(self.symbols[i] for i in self.encode(_listed(ids)))

    def label(self, ids: Iterable[int]) -> str:
        """Return ``decode(ids)`` for the screen: blanks and control characters made visible."""
        return self.separator.join(visible(self.symbols[i]) for i in self.encode(_listed(ids)))

    @cached_property
    def _token_of(self) -> dict[str, int]:
        return {symbol: token for token, symbol in enumerate(self.symbols)}

    @cached_property
    def _token_of_point(self) -> NDArray[np.int64]:
        """The token of each code point, −1 where it is no symbol's; one place more stands for all larger ones."""
        points = np.array([ord(symbol) for symbol in self.symbols])
        tokens = np.full(points.max() + 2, -1, dtype=np.int64)
        tokens[points] = np.arange(len(points))
        return tokens

    def _check_tokens(self, ids: NDArray[np.generic]) -> NDArray[np.int64]:
        if ids.size == 0:
            return np.zeros(0, dtype=np.int64)
        if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
            raise _not_tokens(ids)
        tokens = ids.astype(np.int64)
        if tokens.min() < 0 or tokens.max() >= len(self):
            bad = tokens[(tokens < 0) | (tokens >= len(self))][0]
            raise VocabularyError(f"Token {bad} is not in 0 … {len(self) - 1}, the tokens of this vocabulary.")
        return tokens

    def _unknown(self, symbols: Iterable[str], what: str) -> VocabularyError:
        unknown = [repr(s) for s in symbols]
        shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        known = " ".join(visible(s) for s in self.symbols[:20]) + (" …" if len(self) > 20 else "")
        return VocabularyError(
            f"The {what} contains {shown}, not in the vocabulary of {len(self)} symbols ({known}). "
            f"Remove it from the {what} or add it to the vocabulary."
        )


def _listed(ids: Iterable[int]) -> Sequence[int] | NDArray[np.integer]:
    return ids if isinstance(ids, np.ndarray) else [int(i) for i in ids]


def _not_tokens(given: object) -> VocabularyError:
    return VocabularyError(f"Tokens must be a flat list of whole numbers such as [1, 0, 1], not {given!r:.60}.")
