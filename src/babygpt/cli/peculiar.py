"""What is peculiar about the symbols of a training, in sentences: see :mod:`babygpt.gpt.remarks`."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babygpt.gpt.remarks import Remark
    from babygpt.gpt.vocabulary import Vocabulary

# More remarks than these nobody reads.
MOST_SAID = 5


def peculiar(vocabulary: Vocabulary) -> list[str]:
    """Return a sentence on each group of symbols that were perhaps not meant, the first few of them.

    >>> from babygpt.gpt.vocabulary import Vocabulary
    >>> peculiar(Vocabulary(["rain", "rain,", "sun"]))
    ['rain rain, differ in their punctuation alone. --separator , parts names at commas.']
    """
    from babygpt.gpt.remarks import remarks

    found = remarks(vocabulary)
    more = [f"{len(found) - MOST_SAID} more of the kind."] * (len(found) > MOST_SAID)
    return [_sentence(remark, vocabulary) for remark in found[:MOST_SAID]] + more


def _sentence(remark: Remark, vocabulary: Vocabulary) -> str:
    symbols = remark.symbols
    named = " ".join(vocabulary.label(vocabulary.encode([s] if vocabulary.tokens == "words" else s)) for s in symbols)
    match remark.kind:
        case "spellings":
            return f"{named} look alike and are {len(symbols)} symbols: {_points(symbols)}. Write them in one way."
        case "lookalikes":
            return f"{named} are {len(symbols)} symbols that differ in their width alone: {_points(symbols)}."
        case "invisible":
            return f"{named} holds what cannot be seen: {_points(symbols, unseen=True)}. Remove it if it was not meant."
        case "line_breaks":
            return (
                f"{named} is a line break, a symbol like any other. --lines reads each line as a sequence of its own."
            )
        case "blanks":
            return f"{named} is a blank that is no space: {_points(symbols)}."
        case "punctuation":
            signs = [sign for sign in ",;" if any(symbol.endswith(sign) for symbol in symbols)]
            advice = {",": " --separator , parts names at commas.", ";": " --separator ';' parts names at semicolons."}
            return f"{named} differ in their punctuation alone." + "".join(advice[sign] for sign in signs[:1])


def _points(symbols: tuple[str, ...], unseen: bool = False) -> str:
    """Return the code points, and their names in Unicode, of what is peculiar in symbols: in words no ASCII is."""
    said = []
    for symbol in symbols:
        told = symbol if len(symbol) == 1 else [c for c in symbol if c > "\x7f" or unicodedata.category(c) == "Cc"]
        shown = [c for c in told if not unseen or unicodedata.category(c) in ("Cc", "Cf")]
        said.append(" + ".join(f"U+{ord(c):04X} {unicodedata.name(c, '')}".strip() for c in shown))
    return ", ".join(filter(None, said))
