r"""Separators: what stands between two names of a text, and how a text is parted into names.

Words are parted by white space. Names may have blanks of their own ("New York"); then something that is in none of
them stands between two: a comma, a tab, a line break. Blanks around a name are no part of it, a line break parts names
whatever else does, and nothing after the last separator of a line is no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from babygpt.errors import VocabularyError

# What may stand between names that come as a list, in the order in which it is tried.
SEPARATORS = (" ", ", ", "; ", " | ", " / ", "\t", " · ", " ¦ ", " ‖ ", " ␟ ")

# The signs by which people part a list, and what is then said to part it.
_SIGNS = {",": ", ", ";": "; ", "，": "，", "、": "、", "；": "；"}
# What no list has: two words in a line with no sign between them, a sign with no word before it.
_UNPARTED = {sign: re.compile(rf"[^\s{sign}][^\S\n]+[^\s{sign}]|[\n{sign}][^\S\n]*{sign}") for sign in _SIGNS}
# A number with a decimal comma, or one for its thousands, is no list.
_NUMBER = re.compile(r"(?<![\d,])\d+,\d+(?![\d,])")


def core(separator: str) -> str:
    """Return the separator without the blanks around it, unless it is nothing but blanks.

    Raises
    ------
    VocabularyError
        It is empty, and so parts nothing.
    """
    if not separator:
        raise VocabularyError("separator='' parts no words. Use ' ' for white space, or a sign such as ','.")
    return separator.strip() or separator


def split_names(text: str, separator: str = " ") -> list[str]:
    r"""Return the names that ``text`` is made of, as ``separator`` parts them; " " stands for any white space.

    >>> split_names("New York, Rome,\nNew York\n", ",")
    ['New York', 'Rome', 'New York']
    """
    if separator == " ":
        return text.split()
    names = []
    for line in text.split("\n"):
        parts = [part.strip() for part in line.split(core(separator))]
        names += parts if parts[-1] else parts[:-1]
    return names


def separator_for(names: Sequence[str]) -> str:
    """Return what may stand between names, so that each is read as one: a blank, else ", ", else others.

    >>> separator_for(["rain", "sun"]), separator_for(["heavy rain", "sun"]), separator_for(["Rome, Italy", "Oslo"])
    (' ', ', ', '; ')
    """
    fitting = (s for s in SEPARATORS if all(split_names(name, s) == [name] for name in names))
    return next(fitting, " ")


class ListFinder:
    """Finds out whether a text is a list of words: all but the last of a line end in one sign, such as a comma.

    It takes ``least`` signs to be one: "Hello, world" is none.

    >>> finder = ListFinder()
    >>> finder.look("rain, sun, rain")
    >>> finder.separator
    ', '
    """

    def __init__(self, least: int = 2) -> None:
        self._least = least
        self._last = "\n"
        self._signs = dict.fromkeys(_SIGNS, 0)  # those that may still part it, and how often they occur

    def look(self, text: str) -> None:
        """Take in the next piece of the text; pieces begin and end where words do."""
        whole = self._last + text
        for sign in list(self._signs):
            if _UNPARTED[sign].search(whole) or (sign == "," and _NUMBER.search(whole)):
                del self._signs[sign]
            else:
                self._signs[sign] += text.count(sign)
        self._last = whole[-1]

    def watch(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield the pieces of a text as they are, looking at each."""
        for piece in pieces:
            self.look(piece)
            yield piece

    @property
    def separator(self) -> str:
        """What parts the words of the text so far: a sign if it is a list, else white space."""
        return next((_SIGNS[sign] for sign, times in self._signs.items() if times >= self._least), " ")


def list_separator(text: str, least: int = 2) -> str:
    """Return what parts the words of a whole text: see :class:`ListFinder`.

    >>> list_separator("rain, sun, rain"), list_separator("晴、雨、晴"), list_separator("Well, it rains")
    (', ', '、', ' ')
    """
    finder = ListFinder(least)
    finder.look(text)
    return finder.separator


def whole_names(pieces: Iterable[str], separator: str = " ") -> Iterator[str]:
    """Yield the same text in pieces that end where a name does.

    >>> list(whole_names(["a b", "c d", " e"]))
    ['a', ' bc', ' d', ' e']
    >>> list(whole_names(["New ", "York,Ro", "me"], ","))
    ['New York,', 'Rome']
    """
    held, sign = "", core(separator)
    for piece in pieces:
        text = held + piece
        if separator == " ":
            cut = len(text)
            while cut and not text[cut - 1].isspace():
                cut -= 1
            cut = max(0, cut - 1)  # the space goes with the word after it
        else:
            at = text.rfind(sign)
            cut = max(at + len(sign) if at >= 0 else 0, text.rfind("\n") + 1)
        held = text[cut:]
        if cut:
            yield text[:cut]
    if held:
        yield held
