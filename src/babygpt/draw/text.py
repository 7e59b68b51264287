"""How much room a text takes, and where a long one is broken into lines."""

from __future__ import annotations

import re
import unicodedata
from itertools import combinations

FONT_SIZE = 11.0  # points; of arrows' labels
NODE_FONT_SIZE = 14.0  # of states' names
LINE_HEIGHT = 1.2  # in font sizes
MAX_LINES = 3
MAX_LINE = 13.0  # in font sizes: a wider text is broken, if it can be
_BREAKS = " ␣,;|⇥"  # a line may end with one of these: blanks, and what stands between names

# Widths in DejaVu Sans, in font sizes; that of Helvetica and its like is a little less.
_THIN, _NARROW, _USUAL, _CAPITAL, _BROAD, _WIDE, _FULL = 0.3, 0.41, 0.635, 0.72, 0.84, 1.0, 1.05


def text_width(text: str, font_size: float = FONT_SIZE) -> float:
    """Return about how wide a text is drawn, never much too little: wide (East Asian) characters take the most room."""
    return font_size * sum(map(_width, text))


def wrapped(text: str, font_size: float) -> list[str]:
    """Return a text as one line or, if it is long and has blanks or commas, as two or three of about the same width.

    >>> wrapped("partly cloudy with showers", 11)
    ['partly cloudy', 'with showers']
    """
    pieces = re.findall(f"[^{_BREAKS}]+[{_BREAKS}]*|[{_BREAKS}]+", text)
    best = [text]
    for n in range(2, min(MAX_LINES, len(pieces)) + 1):
        if max(text_width(line, font_size) for line in best) <= MAX_LINE * font_size:
            break
        broken = [
            ["".join(pieces[i:j]).strip(" ") for i, j in zip((0, *cuts), (*cuts, len(pieces)), strict=True)]
            for cuts in combinations(range(1, len(pieces)), n - 1)
        ]
        best = min(broken, key=lambda lines: max(text_width(line, font_size) for line in lines))
    return best


def _width(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return _FULL
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf"):  # drawn over what comes before, or not at all
        return 0.0
    if character in "ijlI'":
        return _THIN
    if character in "frt|!.,:;()[]{}/\\ ":
        return _NARROW
    if character in "mwMWQO%@&+<>=~^…—–" or ord(character) >= 0x2190:
        return _WIDE
    if ord(character) > 0x24F:  # other scripts
        return _BROAD
    return _CAPITAL if category == "Lu" else _USUAL
