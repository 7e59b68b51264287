"""Signs for what has none, so that it can be seen, and so that no text does anything where it is shown."""

from __future__ import annotations

import json
import re
import unicodedata

# What cannot be seen is drawn as something that can.
_VISIBLE = {" ": "␣", "\n": "⏎", "\t": "⇥", "\u3000": "␣"}


def visible(text: str, blanks: bool = True) -> str:
    r"""Return ``text`` with control characters, and the ``blanks`` too, drawn as visible signs.

    A blank that looks like a space and is none, such as U+00A0, has its number.

    >>> visible("a b\n"), visible("New York\n", blanks=False), visible("5\u00a0%")
    ('a␣b⏎', 'New York⏎', '5\\xa0%')
    """
    return "".join(
        c if c == " " and not blanks else _VISIBLE.get(c) or (f"\\x{ord(c):02x}" if _has_no_sign(c) else c)
        for c in text
    )


def spelled(text: str, blanks: bool = True) -> str:
    r"""Return ``text`` with what :func:`visible` draws as a sign, and backslashes, as Python escapes them.

    Of symbols spelled so none begins another, however they follow each other.

    >>> print(spelled("\\n\n ␣"))
    \\n\n\x20␣
    """
    return "".join(_spelled(c) if c == "\\" or visible(c, blanks) != c else c for c in text)


def _spelled(character: str) -> str:
    return "\\x20" if character == " " else character.encode("unicode_escape").decode()


# What moves the cursor, colours, hides or reorders the text around it: control characters but for the tab and the line
# feed, what ends a line or a paragraph, and what sets the direction of writing.
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    r"""Return a text as it is but for what could harm where it is shown, which is drawn as visible signs.

    >>> harmless("\tred: \x1b[31m")
    '\tred: \\x1b[31m'
    """
    return HARMFUL.sub(lambda match: visible(match[0]), text)


def _has_no_sign(character: str) -> bool:
    # blanks other than the space, what controls or ends a line, half surrogates, and the two last of each plane, which
    # are no characters
    category = unicodedata.category(character)
    return character != " " and (category in ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs") or ord(character) & 0xFFFE == 0xFFFE)


def json_text(content: object) -> str:
    r"""Return JSON that reads back as ``content`` and is harmless where it is shown.

    >>> json_text(["床", "\x9b"])
    '[\n "床",\n "\\u009b"\n]'
    """
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    return HARMFUL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)  # all below U+FFFF
