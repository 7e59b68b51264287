"""Which installed fonts, taken together, have every character of a picture.

A *family* ("Noto Sans CJK SC") is what a text asks for; characters that the first family lacks come from the next
(matplotlib's font fallback). What a family has is read from its font files, never guessed from its name. ``DejaVu
Sans``, which comes with matplotlib, is always there and always first.
"""

from __future__ import annotations

import os
import subprocess
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

FIRST, FIRST_MONO = "DejaVu Sans", "DejaVu Sans Mono"

# Of several families that have a character, the first of these is taken, then any without serifs.
_PREFERRED = (
    "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei",
    "WenQuanYi Micro Hei", "Noto Sans",
)  # fmt: skip
# They have a sign for every character, but it is a box.
_BOXES = ("Last Resort", "Adobe Blank", "Unifont Upper")


def families(characters: Iterable[str]) -> tuple[list[str], str]:
    """Return the families that a picture with these characters needs, DejaVu Sans first, and what none has.

    Where one is missing, fonts that were installed after matplotlib made its list are looked for, once a process.

    >>> families("abc")
    (['DejaVu Sans'], '')
    """
    chosen, missing = [FIRST], _lacking(_file(FIRST), set(filter(_has_shape, characters)))
    for look_again in (False, True):
        if not missing:
            break
        if look_again and not _find_new_fonts():
            break
        for family, path in _by_preference():
            left = _lacking(path, missing)
            if len(left) < len(missing):
                chosen.append(family)
                missing = left
            if not missing:
                break
    return chosen, "".join(sorted(missing))


def advice(missing: str) -> str:
    """Return what to install so that these characters are drawn, in one line."""
    shown = " ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    names = [unicodedata.name(c, "") for c in missing]
    if any(name.startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO")) for name in names):
        wanted = "Noto Sans CJK (Debian, Ubuntu: apt install fonts-noto-cjk)"
    elif any(ord(c) >= 0x1F000 for c in missing):
        wanted = "Symbola or Noto Emoji, the one without colours (Debian, Ubuntu: apt install fonts-symbola)"
    else:
        wanted = "Noto (Debian, Ubuntu: apt install fonts-noto-core)"
    return f"The picture shows boxes for {shown}: no installed font has them. Install {wanted}, or draw an .svg."


def _has_shape(character: str) -> bool:
    # control and format characters, marks that choose a variant, half surrogates, what is not assigned
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Cn", "Mn", "Zl", "Zp")


def _lacking(path: str | None, characters: set[str]) -> set[str]:
    """Return the characters that a font file has no shape for; all if it cannot be drawn with."""
    if path is None or not characters:
        return characters
    try:
        font = FT2Font(path)
        font.set_size(10, 72)  # fails for fonts that are pictures of one size: colourful emoji
    except (RuntimeError, OSError):
        return characters
    return {c for c in characters if not font.get_char_index(ord(c))}


def _file(family: str) -> str | None:
    return dict(_by_preference()).get(family)


def _by_preference() -> list[tuple[str, str]]:
    """Return the families that may be used, with the file of each one's plainest face, the preferred first."""
    manager, allowed = font_manager.fontManager, _configured_files()
    plainest: dict[str, tuple[float, str]] = {}
    for entry in manager.ttflist:
        path = str(entry.fname)
        if entry.name.startswith(_BOXES) or (allowed is not None and not (_bundled(path) or path in allowed)):
            continue
        plain = manager.score_weight(400, entry.weight) + (entry.style != "normal") + (entry.stretch != "normal")
        if entry.name not in plainest or (plain, path) < plainest[entry.name]:
            plainest[entry.name] = plain, path

    def rank(family: str) -> tuple[int, bool, str]:
        preferred = _PREFERRED.index(family) if family in _PREFERRED else len(_PREFERRED)
        return preferred, "Serif" in family or "Mono" in family or "Sans" not in family, family

    return [(family, plainest[family][1]) for family in sorted(plainest, key=rank)]


def _bundled(path: str) -> bool:
    return Path(path).is_relative_to(mpl.get_data_path())


@cache
def _configured_files() -> frozenset[str] | None:
    """Return the font files that a fontconfig of the user's own allows, None where there is none."""
    if not os.environ.get("FONTCONFIG_FILE"):
        return None
    try:
        listed = subprocess.run(["fc-list", "--format=%{file}\n"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return frozenset(map(os.fsdecode, listed.stdout.splitlines()))


@cache
def _find_new_fonts() -> bool:
    """Add the installed fonts that matplotlib's list lacks; return whether there were any."""
    manager = font_manager.fontManager
    known = {str(entry.fname) for entry in manager.ttflist}
    new = sorted({str(path) for path in font_manager.findSystemFonts()} - known)
    for path in new:
        try:
            manager.addfont(path)
        except (RuntimeError, OSError, ValueError, NotImplementedError):  # a damaged file, or a kind it cannot use
            continue
    return bool(new)
