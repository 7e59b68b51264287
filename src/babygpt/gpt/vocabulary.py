"""The vocabulary: which symbols there are, and the number (token) each one goes by.

A *symbol* is what a person reads: a character ("1", "床") or, with ``tokens="words"``, a word or a name ("New York").
A *token* is the symbol's position in the vocabulary, 0 … V−1, and the only thing a GPT ever sees. Unless it is given, a
vocabulary is the sorted distinct symbols of the training text. How a text is parted into names:
:mod:`babygpt.gpt.separators`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import SizeError, VocabularyError
from babygpt.gpt.checks import check_choice, check_count
from babygpt.gpt.kinds import explained
from babygpt.gpt.separators import core, list_separator, separator_for, split_names
from babygpt.gpt.signs import spelled, visible
from babygpt.settings import TokenKind

# Numbers that stand in for symbols; more are a mistake.
MAX_NUMBERS = 10**7
# Some tokens in a row, as a person gives them: a text, a list of tokens, or a list of symbols.
Context = str | Sequence[int] | Sequence[str]


def code_points(text: str) -> NDArray[np.uint32]:
    """Return the Unicode code point of each character: uint32 (length,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


@explained
@dataclass(frozen=True)
class Vocabulary:
    """The V symbols of a GPT in token order.

    Parameters
    ----------
    symbols
        The symbols. A plain string means its characters (or its words, with ``tokens="words"``).
    tokens
        ``"chars"``: a text is read character by character (Unicode code points).
        ``"words"``: a text is read word by word, or name by name.
        By default words if one of a list of symbols is longer than a character, else characters.
    separator
        What stands between two names of a text: " " for any white space, or a sign such as "," or a tab; a line break
        parts names in any case. By default white space, or, where names have blanks of their own, a sign that none has.

    Raises
    ------
    VocabularyError
        Fewer than two symbols, a symbol twice, or a symbol that a text cannot contain.

    >>> v = Vocabulary("01")
    >>> v.encode("101").tolist(), v.decode([1, 1, 0])
    ([1, 0, 1], '110')
    >>> cities = Vocabulary(["New York", "Rome"])
    >>> cities.encode("Rome, New York").tolist(), cities.encode(["Rome"]).tolist(), cities.decode([0, 1])
    ([1, 0], [1], 'New York, Rome')
    """

    symbols: Sequence[str]  # a tuple once made
    tokens: TokenKind = None  # type: ignore[assignment]  # always one once made
    separator: str = None  # type: ignore[assignment]  # a text once made: nothing between characters

    def __post_init__(self) -> None:
        if self.separator is not None and not isinstance(self.separator, str):
            raise VocabularyError(f"separator={self.separator!r} is not a text. Use one such as ','.")
        if isinstance(self.symbols, Set):  # whose order changes from run to run
            raise VocabularyError(f"A vocabulary has an order, and {self.symbols!r:.60} has none. Give a list.")
        if isinstance(self.symbols, Iterable) and not isinstance(self.symbols, str):
            object.__setattr__(self, "symbols", tuple(self.symbols))
        if self.tokens is None:
            names = isinstance(self.symbols, tuple) and any(isinstance(s, str) and len(s) > 1 for s in self.symbols)
            object.__setattr__(self, "tokens", "words" if names or self.separator else "chars")
        check_choice("tokens", self.tokens, get_args(TokenKind))
        if self.tokens == "chars" and self.separator:
            raise VocabularyError(
                f"Nothing stands between characters, so there is no separator={self.separator!r}. Use tokens='words'."
            )
        if self.tokens == "words" and self.separator is not None:
            core(self.separator)
        given = self._given() if isinstance(self.symbols, str) else self.symbols
        if not isinstance(given, Iterable) or not all(isinstance(symbol, str) for symbol in given):
            raise VocabularyError(f"A vocabulary is a text or a list of texts, not {self.symbols!r}.")
        symbols = tuple(map(str, given))
        object.__setattr__(self, "symbols", symbols)
        if self.separator is None:
            object.__setattr__(self, "separator", "" if self.tokens == "chars" else separator_for(symbols))
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
                raise VocabularyError(f"The symbol {symbol!r} {self._fault(symbol)}, so no text can contain it.")

    def _given(self) -> list[str]:
        """Return the symbols of a plain string, and keep what parts them."""
        if self.tokens == "words" and self.separator is None:
            parted = list_separator(str(self.symbols), least=1)
            object.__setattr__(self, "separator", parted)
        return self.split(str(self.symbols))

    def _fault(self, symbol: str) -> str:
        if self.tokens == "chars":
            return "is not one character"
        if not symbol or symbol != symbol.strip():
            return "is empty or has blanks around it"
        if "\n" in symbol:
            return "has a line break, which parts names"
        return (
            "is not one word without white space" if self.separator == " " else f"has the separator {self.separator!r}"
        )

    @classmethod
    def of(
        cls, given: Vocabulary | Sequence[str], tokens: TokenKind = "chars", separator: str | None = None
    ) -> Vocabulary:
        """Return the vocabulary that is meant by one, by a plain string, or by a list of symbols.

        A string is read as ``tokens`` say, a list that has names of more than a character as names.

        >>> Vocabulary.of("01").tokens, Vocabulary.of(["rain", "sun"]).tokens
        ('chars', 'words')
        """
        if isinstance(given, Vocabulary):
            return given
        check_choice("tokens", tokens, get_args(TokenKind))
        words = tokens == "words" or bool(separator)
        if isinstance(given, str):
            return cls(given, "words" if words else "chars", separator)  # type: ignore[arg-type]
        return cls(given, "words" if words else None, separator)  # type: ignore[arg-type]

    @classmethod
    def from_text(cls, text: str, tokens: TokenKind = "chars", separator: str | None = None) -> Vocabulary:
        """Return the sorted distinct symbols of ``text``.

        Words that are parted by commas, all but the last of a line, are a list: the commas are not theirs.

        >>> Vocabulary.from_text("banana").symbols
        ('a', 'b', 'n')
        >>> Vocabulary.from_text("rain, sun, rain", tokens="words").symbols
        ('rain', 'sun')
        """
        check_choice("tokens", tokens, get_args(TokenKind))
        if tokens == "chars" and not separator:
            return cls(tuple(sorted(set(text))), "chars")
        parted = list_separator(text) if separator is None else separator
        return cls(tuple(sorted(set(split_names(text, parted)))), "words", parted)

    @classmethod
    def numbers(cls, size: int) -> Vocabulary:
        """Return the vocabulary "0" … "size−1" that stands in where a model comes without symbols.

        Raises
        ------
        SizeError
            There would be more than ten million.

        >>> Vocabulary.numbers(3).symbols
        ('0', '1', '2')
        """
        if check_count("size", size) > MAX_NUMBERS:
            raise SizeError(f"size={size} symbols are more than a vocabulary is made of; the limit is {MAX_NUMBERS:,}.")
        return cls(tuple(map(str, range(size))), "chars" if size <= 10 else "words")

    def __len__(self) -> int:
        return len(self.symbols)

    def __iter__(self) -> Iterator[str]:
        return iter(self.symbols)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.symbols

    def split(self, text: str) -> list[str]:
        """Return the symbols that ``text`` is made of, known or not."""
        return list(text) if self.tokens == "chars" else split_names(text, self.separator)

    def encode(self, text: str | Iterable[int] | Iterable[str], what: str = "text") -> NDArray[np.int64]:
        """Return the tokens of ``text`` (length,).

        A sequence of integers, an array or a tensor, is taken as tokens already; a list of texts, where the symbols are
        words, as one name each. What ``text`` is to whoever gave it, ``what``, is for the message.

        Raises
        ------
        VocabularyError
            A symbol or a token is not in the vocabulary.
        """
        if not isinstance(text, str):
            given = listed(text)
            if isinstance(given, np.ndarray):
                return self._check_tokens(given)
            if self.tokens == "chars":
                raise _not_tokens(text)
            return self._tokens_of(given, what)
        if self.tokens == "words":
            return self._tokens_of(self.known_parts(text), what)
        # Characters are looked up all at once by code point: a book takes milliseconds.
        points, token_of_point = code_points(text), self._token_of_point
        tokens = token_of_point[np.minimum(points, len(token_of_point) - 1)]
        if tokens.size and tokens.min() < 0:
            raise self._unknown(dict.fromkeys(chr(p) for p in np.unique(points[tokens < 0])), what)
        return tokens

    def tokens_of(self, context: Context | Iterable[int] | Iterable[str]) -> NDArray[np.int64]:
        """Return the tokens of a context (length,), given as a text, as tokens, or as symbols, characters too.

        Raises
        ------
        VocabularyError
            A symbol or a token is not in the vocabulary.

        >>> Vocabulary("01").tokens_of(["1", "0"]).tolist(), Vocabulary(["New York", "Rome"]).tokens_of("Rome").tolist()
        ([1, 0], [1])
        """
        if isinstance(context, str) or self.tokens == "words":
            return self.encode(context)
        given = listed(context)
        if isinstance(given, np.ndarray):
            return self.encode(given)
        if any(len(symbol) != 1 for symbol in given):
            raise self._unknown(dict.fromkeys(symbol for symbol in given if len(symbol) != 1), "text")
        return self.encode("".join(given))

    def as_text(self, start: str | int | Sequence[str]) -> str | int:
        """Return a list of symbols as the text that they are, and anything else as it is."""
        if isinstance(start, (list, tuple)) and start and all(isinstance(symbol, str) for symbol in start):
            return self.decode(self.tokens_of(start))
        return start  # type: ignore[return-value]  # what is no start is told where it is looked for

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text that the tokens ``ids`` spell.

        >>> Vocabulary("the cat", tokens="words").decode([1, 0, 1])
        'cat the cat'
        """
        return self.separator.join(self.symbols[i] for i in self.encode(ids))

    def label(self, ids: Iterable[int]) -> str:
        r"""Return ``decode(ids)`` for the screen: control characters made visible, and blanks where they are symbols.

        Two contexts never have the same label: a vocabulary whose own signs look like those that make others visible is
        spelled as Python spells it.

        >>> Vocabulary("0\n").label([0, 1]), print(Vocabulary("⏎\n").label([0, 1]))
        ⏎\n
        ('0⏎', None)
        """
        labels, between = self._labels
        return between.join(labels[i] for i in self.encode(ids))

    def known_parts(self, text: str) -> list[str]:
        """Return the names of ``text``, parted by a list's commas or by white space if only so all are known."""
        names = self.split(text)
        if not all(name in self._token_of for name in names):
            listed_by = list_separator(text, least=1)
            for other in (listed_by, " "):
                parts = split_names(text, other)
                if all(part in self._token_of for part in parts):
                    return parts
            if self.separator == " ":
                return split_names(text, listed_by)  # so that an unknown name is named without its comma
        return names

    def _tokens_of(self, names: list[str], what: str) -> NDArray[np.int64]:
        try:
            return np.fromiter((self._token_of[name] for name in names), dtype=np.int64, count=len(names))
        except KeyError:
            unknown = dict.fromkeys(name for name in names if name not in self._token_of)
            raise self._unknown(list(unknown)[:1], what) from None

    @cached_property
    def _labels(self) -> tuple[Sequence[str], str]:
        """How each symbol is shown, and what stands between two, so that whoever reads them can tell them apart."""
        blanks = self.tokens == "chars"
        if self.separator.isprintable() and _shown_as_it_is("".join(self.symbols), blanks):
            return self.symbols, self.separator
        between = self.separator if self.separator.isprintable() else visible(self.separator)
        labels = [visible(symbol, blanks) for symbol in self.symbols]
        if blanks:  # nothing stands between them: none may begin another
            apart = not any(after.startswith(before) for before, after in pairwise(sorted(labels)))
        else:
            apart = len(set(labels)) == len(labels) and not any(between in label for label in labels)
        if apart:
            return labels, between
        between = self.separator if self.separator.isprintable() else spelled(self.separator)
        return [spelled(symbol, blanks) for symbol in self.symbols], between

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
        known = (self.separator.strip() + " ").join(self.label([token]) for token in range(min(20, len(self))))
        return VocabularyError(
            f"The {what} contains {shown}, not in the vocabulary of {len(self)} symbols "
            f"({known}{' …' * (len(self) > 20)}). Remove it from the {what} or add it to the vocabulary."
        )


def _shown_as_it_is(text: str, blanks: bool) -> bool:
    return text.isprintable() and not (blanks and " " in text)


def listed(given: object) -> NDArray[np.generic] | list[str]:
    """Return what is no text as an array, or as a list if all of it are texts.

    Raises
    ------
    VocabularyError
        It is neither a sequence of numbers nor of names.
    """
    if hasattr(given, "detach"):  # a tensor, which may be on a graphics card
        given = given.detach().cpu().numpy()
    if isinstance(given, np.ndarray) and given.dtype.kind not in "OUT":
        return given
    if not isinstance(given, Iterable) or isinstance(given, (bytes, bytearray, Mapping, Set)):
        raise _not_tokens(given)
    items = given if isinstance(given, (list, tuple, range)) else list(given)
    if len(items) and isinstance(items[0], str):
        if not all(isinstance(item, str) for item in items):
            raise _not_tokens(given)
        return [str(item) for item in items]
    if any(isinstance(item, (bool, np.bool_)) for item in items):  # NumPy takes them for numbers beside numbers
        raise _not_tokens(given)
    try:
        return np.asarray(items)
    except (ValueError, TypeError):  # NumPy's, of a ragged list
        raise _not_tokens(given) from None


def _not_tokens(given: object) -> VocabularyError:
    return VocabularyError(
        f"Tokens must be a flat list of whole numbers such as [1, 0, 1], or of names, not {given!r:.60}."
    )
