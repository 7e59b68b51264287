"""What of a text may be there for the eye alone: line breaks, and a first line that is no part of it."""

from __future__ import annotations

from typing import Literal

# What can be left out.
Part = Literal["breaks", "header"]
# Characters of a header that are told.
MAX_HEADER = 60


def header(text: str) -> str | None:
    r"""Return how the first line begins, if most of its characters are found nowhere else, or None.

    >>> header(">chr1 human\nACGTA\nCCGTA"), header("ACGTA\nCCGTA\nCAGTA")
    ('>chr1 human', None)
    """
    first, _, rest = text.partition("\n")
    own = set(first).difference(rest)
    return first[:MAX_HEADER] if "\n" in rest.strip("\n") and 2 * len(own) > len(set(first)) else None


def without(text: str, part: Part) -> str:
    r"""Return a text without one of these; where it has blanks, one takes the place of a line break.

    >>> without("ACG\nTTA", "breaks"), without("a rose is\na rose", "breaks"), without("x\n01\n10", "header")
    ('ACGTTA', 'a rose is a rose', '01\n10')
    """
    if part == "header":
        return text.partition("\n")[2]
    return (" " if " " in text else "").join(line for line in text.split("\n") if line)
