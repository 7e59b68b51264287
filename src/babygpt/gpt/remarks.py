"""Symbols that were perhaps not meant: what a person cannot see in a text, and a GPT takes for something of its own.

Nothing here is wrong, and nothing is changed: a remark names the symbols and what is peculiar about them, for whoever
shows a corpus to say in their own words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from babygpt.gpt.corpus import Corpus
from babygpt.gpt.vocabulary import Vocabulary

RemarkKind = Literal["spellings", "lookalikes", "invisible", "line_breaks", "blanks", "punctuation"]

# Joiners are invisible too, but parts of words in Persian and many scripts of India.
_JOINERS = {"\u200c", "\u200d"}
_LINE_BREAKS = set("\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
# Decompositions that change no more than how broad a sign is, or whether a line may break beside it.
_SAME_LOOK = ("<wide>", "<narrow>", "<noBreak>")

# What ends a word's sentence or clause; before a word it is a part of it, as in ".5".
_STOPS = ",.;:!?…，。、；：！？،؛؟।"


@dataclass(frozen=True)
class Remark:
    """Something peculiar about some symbols of a vocabulary.

    Attributes
    ----------
    kind
        - ``"spellings"``: they are one sign or word, spelled in several ways (Unicode's NFC and NFD); of characters, a
          sign and the letter and the mark that make the same sign.
        - ``"lookalikes"``: they differ in width alone ("1" and "１"), or are blanks that differ in how lines break.
        - ``"invisible"``: it is, or has in it, a character that is not seen, such as U+FEFF, a zero-width space, or a
          control character.
        - ``"line_breaks"``: it is a line break, as a blank line at the end leaves one.
        - ``"blanks"``: it is a blank that is neither a space nor a tab.
        - ``"punctuation"``: they are words that differ in the punctuation around them alone ("rain" and "rain,").
    symbols
        Which, in the vocabulary's order.
    """

    kind: RemarkKind
    symbols: tuple[str, ...]


def remarks(about: Corpus | Vocabulary) -> list[Remark]:
    """Return what is peculiar about the symbols of a corpus or a vocabulary: one remark for each group of symbols.

    >>> remarks(Vocabulary(["rain", "rain,", "sun"]))
    [Remark(kind='punctuation', symbols=('rain', 'rain,'))]
    """
    vocabulary = about.vocabulary if isinstance(about, Corpus) else about
    symbols = tuple(vocabulary.symbols)
    words = vocabulary.tokens == "words"
    found: list[Remark] = [Remark("spellings", group) for group in _groups(symbols, _composed)]
    found += [Remark("spellings", group) for group in _marks(symbols)]
    found += [Remark("lookalikes", group) for group in _groups(symbols, _same_width, _composed)]
    for symbol in symbols:
        if not words and symbol in _LINE_BREAKS:
            found.append(Remark("line_breaks", (symbol,)))
        elif any(_is_invisible(c) and not (words and c in _JOINERS) for c in symbol):
            found.append(Remark("invisible", (symbol,)))
        elif not words and symbol.isspace() and symbol not in " \t":
            found.append(Remark("blanks", (symbol,)))
    if words:
        found += [Remark("punctuation", group) for group in _groups(symbols, _bare, _composed)]
    return found


def _groups(
    symbols: Iterable[str], key: Callable[[str], str], finer: Callable[[str], str] | None = None
) -> list[tuple[str, ...]]:
    """Return the symbols that have a key in common, unless they are all the same to a finer one."""
    found: dict[str, list[str]] = {}
    for symbol in symbols:
        found.setdefault(key(symbol), []).append(symbol)
    return [
        tuple(group)
        for name, group in found.items()
        if name and len(group) > 1 and (finer is None or len({finer(symbol) for symbol in group}) > 1)
    ]


def _marks(symbols: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the characters that others of the vocabulary make together: the sign, a letter, a mark."""
    known = set(symbols)
    apart = ((symbol, unicodedata.normalize("NFD", symbol)) for symbol in symbols if len(symbol) == 1)
    return [(symbol, *parts) for symbol, parts in apart if len(parts) > 1 and set(parts) <= known]


def _composed(symbol: str) -> str:
    return unicodedata.normalize("NFC", symbol)


def _same_width(symbol: str) -> str:
    return "".join(
        unicodedata.normalize("NFKC", c) if unicodedata.decomposition(c).startswith(_SAME_LOOK) else c for c in symbol
    )


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf") and character not in _LINE_BREAKS | {"\t"}


def _bare(word: str) -> str:
    """Return a word without the brackets, quotes and stops around it: "-1", "C#" and "5%" have none."""
    quotes = "".join(c for c in word if c in "\"'¡¿" or unicodedata.category(c) in ("Ps", "Pe", "Pi", "Pf"))
    return word.rstrip(quotes + _STOPS).lstrip(quotes)
