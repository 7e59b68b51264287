"""The language that the command line speaks: English, or Chinese where someone asks for it or the system is in Chinese.

Everywhere in the package texts are English. Here, on their way out, they are looked up in a catalogue by the English,
in which ``{}`` stands for each value put in; what the catalogue lacks is said in English. A test holds the catalogue to
what the source says (tests/cli/test_chinese.py).
"""

from __future__ import annotations

import locale
import os
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

from babygpt.errors import SettingError

Language = Literal["en", "zh"]

VAGUE = 8  # characters of a text, beside its values
_HOLE = re.compile(r"\{(\d*)\}")
_WORDS = re.compile(r"[A-Za-z]{2,}.* .*[A-Za-z]|\d [a-z]")  # what may be a text of ours, inside another
_SENTENCES = re.compile(r"(?<=[.?!]) (?=[A-Z-])")

_language: Language = "en"


def set_language(language: Language) -> None:
    """Say from now on everything in a language."""
    global _language  # the process has one command line
    _language = language


def current_language() -> Language:
    """Return the chosen language."""
    return _language


def choose_language(
    arguments: Sequence[str], environment: Mapping[str, str] = os.environ
) -> tuple[Language, list[str]]:
    """Return the language to speak, and the arguments without ``--lang``; where a command has one of its own it stays.

    It is what ``--lang`` says, else ``BABYGPT_LANG``, else the system's.

    Raises
    ------
    SettingError
        ``--lang`` or ``BABYGPT_LANG`` names another.

    >>> choose_language(["train", "--lang", "zh", "0101"])
    ('zh', ['train', '0101'])
    """
    rest: list[str] = []
    said: str | None = None
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word == "--lang" or word.startswith("--lang="):
            said = word.removeprefix("--lang").removeprefix("=") or next(words, "")
        else:
            rest.append(word)
    if said is not None:
        if rest[:1] == ["export"]:  # of the page, too
            rest[1:1] = ["--lang", said]
        return _checked(said, "--lang"), rest
    if named := environment.get("BABYGPT_LANG"):
        return _checked(named, "BABYGPT_LANG"), rest
    return ("zh" if _system_language(environment).lower().startswith(("zh", "chinese")) else "en"), rest


def _checked(name: str, by: str) -> Language:
    if name == "zh":
        return "zh"
    if name == "en":
        return "en"
    raise SettingError(f"{by} {name} is no language of the command line. It speaks en and zh.")


def _system_language(environment: Mapping[str, str]) -> str:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return value
    if sys.platform == "win32":
        import ctypes

        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    return ""


def translated(text: str) -> str:
    """Return a text in the chosen language; in English if the catalogue lacks it.

    >>> translated("written: chain.svg")
    'written: chain.svg'
    """
    return text if _language == "en" else to_chinese(text)


def to_chinese(text: str) -> str:
    """Return a text in Chinese: as a whole, or line by line, or sentence by sentence, as far as it is known.

    >>> to_chinese("Stopped after step 12 of 50. Go on with: babygpt train --resume a")
    '已在第 12 步后停止，共 50 步。继续：babygpt train --resume a'
    """
    if (whole := _looked_up(text)) is not None:
        return whole
    for parting, joint in (("\n", "\n"), (_SENTENCES, "")):
        parts = text.split(parting) if isinstance(parting, str) else parting.split(text)
        if len(parts) > 1:
            return joint.join(_spaced(to_chinese(part)) if joint == "" else to_chinese(part) for part in parts)
    return text


def _spaced(part: str) -> str:
    return part if part.endswith(("。", "？", "！", "：")) else f"{part} "


def _looked_up(text: str) -> str | None:
    exact, patterns = _catalogue()
    core = text.strip()
    if core in exact:
        return text.replace(core, exact[core])
    for pieces, chinese in patterns:
        if (values := _values(pieces, core)) is not None:
            return text.replace(core, _filled(chinese, [_inner(value) for value in values]))
    return None


def _inner(value: str) -> str:
    return to_chinese(value) if _WORDS.search(value) else value


def _values(pieces: Sequence[str], text: str) -> list[str] | None:
    """Return what stands between the pieces of a text, each as short as may be; None if it has them not."""
    first, last = pieces[0], pieces[-1]
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return None
    values, at, end = [], len(first), len(text) - len(last)
    for piece in pieces[1:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return None
        values.append(text[at:found])
        at = found + len(piece)
    values.append(text[at:end])
    vague = not first and sum(map(len, pieces)) < VAGUE  # "{} of {}" may be anything
    return None if vague and any(" " in value for value in values) else values


def _filled(template: str, values: Sequence[str]) -> str:
    numbers = iter(range(len(values)))
    return _HOLE.sub(lambda hole: values[int(hole[1]) if hole[1] else next(numbers)], template)


@cache
def _catalogue() -> tuple[dict[str, str], list[tuple[list[str], str]]]:
    """Return the texts without values, and those with some: the longest first, which say most of what they match."""
    from babygpt.cli.chinese import TEXTS

    exact = {english.strip(): chinese.strip() for english, chinese in TEXTS.items() if "{}" not in english}
    patterns = [(english.strip().split("{}"), chinese.strip()) for english, chinese in TEXTS.items() if "{}" in english]
    return exact, sorted(patterns, key=lambda pattern: -sum(map(len, pattern[0])))
