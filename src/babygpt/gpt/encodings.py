"""Which encoding the bytes of a text are in: by the mark they begin with, by name, or by what makes a text of them.

A *byte order mark*, U+FEFF at the very beginning, leaves no doubt: UTF-8, UTF-16, UTF-32 and GB18030 write it each in
its own way. Of bytes without one that are no UTF-8, :func:`proposed` finds the encoding under which they are most
likely: each encoding is taken as a source that draws characters at random, the usual ones of its language far more
often than the rest, and the source with the greatest likelihood wins [1]_. That tells apart what a line of text is in,
and is a proposal, no proof.

.. [1] Shanjian Li and Katsuhiko Momoi, "A composite approach to language/encoding detection", 19th International
   Unicode Conference, 2001: the "character distribution" method.
"""

from __future__ import annotations

import codecs
import difflib
import encodings.aliases
import math
import operator
from collections.abc import Callable, Iterable
from functools import lru_cache

from babygpt.errors import SettingError

# The marks, the longer ones first: that of UTF-32 begins with that of UTF-16.
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    "\ufeff".encode("gb18030"): "gb18030",
}

GZIP = b"\x1f\x8b"

# What a file is that is no text, by its first bytes.
_MAGIC = {
    b"PK\x03\x04": "a ZIP archive (as .docx, .xlsx and .odt are)",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Office file (.doc, .xls)",
    b"{\\rtf": "a rich text file (.rtf)",
    b"%PDF": "a PDF file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard (.zst)",
    b"BZh": "compressed with bzip2 (.bz2)",
    b"\xfd7zXZ\0": "compressed with xz (.xz)",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive (.7z)",
    b"PAR1": "a Parquet table",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"SQLite format 3\0": "an SQLite database",
    b"\x7fELF": "a program",
    b"MZ\x90\0": "a program",
}


def checked(name: str) -> str:
    """Return the encoding that a name names, by Python's name for it.

    >>> checked("GB18030"), checked("latin-1")
    ('gb18030', 'iso8859-1')

    Raises
    ------
    SettingError
        Python knows no such encoding of texts.
    """
    if _is_of_texts(name):
        return codecs.lookup(name).name
    known = sorted({*encodings.aliases.aliases, *encodings.aliases.aliases.values()})
    asked = str(name).lower().replace("-", "_").replace(" ", "_")
    near = [other for other in difflib.get_close_matches(asked, known, 5, 0.7) if _is_of_texts(other)]
    close = list(dict.fromkeys(codecs.lookup(other).name for other in near))[:3]
    hint = f"Did you mean {' or '.join(close)}?" if close else "There are utf-8, gb18030, big5, shift_jis, cp1252, …"
    raise SettingError(f"encoding={name} is no encoding of texts that Python knows. {hint}")


def _is_of_texts(name: str) -> bool:
    """Whether Python knows the encoding, and it makes bytes of texts: hex, say, makes bytes of bytes."""
    try:
        "".encode(name)
        b"".decode(name)
    except (LookupError, ValueError, TypeError):
        return False
    return True


def marked(head: bytes) -> tuple[str, int] | None:
    """Return the encoding that a byte order mark names and the bytes of the mark, or None where there is none."""
    return next(((name, len(mark)) for mark, name in MARKS.items() if head.startswith(mark)), None)


def kind_of_binary(head: bytes) -> str | None:
    """Return what bytes are that are no text, if their first ones tell."""
    if head[257:262] == b"ustar":
        return "a tar archive"
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def proposed(sample: bytes, whole: bool = True) -> str | None:
    """Return the encoding that most likely makes a text of the bytes, or None where none does.

    UTF-8 it is wherever it can be: what is not seldom decodes as it by chance.

    ``whole``: the last character is whole; else it may be cut.

    >>> proposed("晴雨晴阴雨晴阴阴雨晴雨晴".encode("gb18030")), proposed("Ελλάδα".encode("cp1253"))
    ('gb18030', 'cp1253')
    """
    if b"\0" not in sample and _decodes(sample, "utf-8", whole) is not None:
        return "utf-8"
    best, found = -math.inf, None
    for name, likelihood in _sources().items():
        text = _decodes(sample, name, whole)
        if text is None:
            continue
        value, usual = likelihood(text.removeprefix("\ufeff"))
        value += _MORE_USUAL.get(name, 0)
        if usual >= 0.5 and value > best:
            best, found = value, name
    return found


def in_question() -> tuple[str, ...]:
    """Return the encodings among which :func:`proposed` finds one."""
    return tuple(_sources())


def _decodes(data: bytes, encoding: str, whole: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except ValueError:
        return None


# Of one letter that several encodings have at the same place, this one is the guess.
_MORE_USUAL = {"cp1252": math.log(20)}

# What texts are made of beyond ASCII: signs; characters that are about a third of any Chinese or Korean text; letters
# in the order of how often they are used.
SIGNS = "，。、；：？！“”‘’（）《》「」『』【】〈〉…—～·　々〇１２３４５６７８９０"
OFTEN = "的一是不了人我在有他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家"
TRADITIONALLY = "的一是不了人我在有他這中大來上個國到說們為子和你地出道也時年得就那要下以生會自著去之過家"
SYLLABLES = "이다는의에을가고지하은를니서기어나도사해인시자리일아로한요있"
CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґў"
WESTERN = "éèàüäöñóíáçêôßåøæâîïëúãõûùòìœ"
CENTRAL = "łóąęíáżśćčěřéňýžšůúťďńźőűăîșțşţ"
GREEK = "αοιετσνηυρπκμλςγδωχθφβξζψάίόέήύώϊϋΐΰ"
HEBREW = "יולהאתרמבשנעדכקפםחגטןזסצךףץ"
ARABIC = "اليمنرتوبهدعفسكقحةأجشطىصخذزضثغإئظءآؤپچژگکی"
TURKISH = "ışüğçöâîû"
THAI = "านรอกเง่มยลว้ดทสตะปบคหัแีจพชขิใุูธไ์็ื"
MARKS_OF_TEXTS = "“”‘’«»–—…°§№·„¿¡"

# A source: the log likelihood of a text, and which share of its characters beyond ASCII are usual in its language.
_Source = Callable[[str], tuple[float, float]]
_CONTROLS = "\n\r\t\f\x1a"  # which texts have
_MIXED, _ACCENTED = math.log(0.002), math.log(0.1)  # of two alphabets in one word; of two accented letters in a row


@lru_cache(maxsize=1)
def _sources() -> dict[str, _Source]:
    """Return the encodings in question, each with what it is likely to hold; of equals the first one wins."""
    kana = [chr(point) for point in (*range(0x3041, 0x3094), *range(0x30A1, 0x30F7), 0x30FC)]
    chinese, traditional = _rows("gb2312", 0xB0, 0xD7), _rows("big5", 0xA4, 0xC6, 0x40)
    kanji, hangul = _rows("euc_jp", 0xB0, 0xCF), _rows("euc_kr", 0xB0, 0xC8)
    japanese = _many((0.55, kana), (0.3, kanji), (0.1, SIGNS))
    korean = _many((0.3, SYLLABLES), (0.63, hangul), (0.05, SIGNS))
    taiwanese = _many((0.3, TRADITIONALLY), (0.55, traditional), (0.1, SIGNS))
    any_script = {*chinese, *traditional, *kanji, *hangul, *kana}
    wide = _many((0.8, any_script), (0.1, SIGNS), (0.05, CYRILLIC + WESTERN + CENTRAL))
    return {
        **dict.fromkeys(("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"), wide),
        "gb18030": _many((0.3, OFTEN), (0.55, chinese), (0.1, SIGNS)),
        **dict.fromkeys(("big5", "cp950"), taiwanese),
        **dict.fromkeys(("shift_jis", "cp932", "euc_jp"), japanese),
        **dict.fromkeys(("euc_kr", "cp949"), korean),
        **dict.fromkeys(("cp1251", "koi8-r", "cp866"), _alphabet(CYRILLIC)),
        "cp1253": _alphabet(GREEK),
        "cp1255": _alphabet(HEBREW),
        "cp1256": _alphabet(ARABIC),
        "cp874": _alphabet(THAI + "".join(map(chr, range(0x0E01, 0x0E4F)))),
        "cp1252": _alphabet(WESTERN, beside_ascii=True),
        "cp1250": _alphabet(CENTRAL, beside_ascii=True),
        "cp1254": _alphabet(TURKISH, beside_ascii=True),
    }


def _rows(codec: str, first: int, last: int, low: int = 0xA1) -> list[str]:
    """Return the characters of a two-byte encoding whose first byte is within a range: the usual ones of a language."""
    pairs = (bytes((lead, trail)) for lead in range(first, last + 1) for trail in range(low, 0xFF))
    return [character for pair in pairs for character in [pair.decode(codec, "ignore")] if len(character) == 1]


def _many(*shares: tuple[float, Iterable[str]]) -> _Source:
    """Return the source of a script of many characters: groups with their shares, those within a group alike."""
    weights: dict[str, float] = {}
    for share, characters in shares:
        group = set(characters)
        for character in group:
            weights[character] = max(weights.get(character, -math.inf), math.log(share / len(group)))
    return _source(weights, math.log(0.03 / 10_000))


def _alphabet(letters: str, beside_ascii: bool = False) -> _Source:
    """Return the source of an alphabet, its letters in the order of how often they are used, falling evenly.

    ``beside_ascii``: its words are of ASCII letters, with one of these here and there.
    """
    lower = list(dict.fromkeys(letters))
    total = len(lower) * (len(lower) + 1) / 2
    weights = {letter: math.log(0.85 * (len(lower) - i) / total) for i, letter in enumerate(lower)}
    for letter in lower:
        weights.setdefault(letter.upper(), weights[letter] + math.log(0.06))
    for sign in MARKS_OF_TEXTS:
        weights[sign] = math.log(0.05 / 16)
    if beside_ascii:
        return _source(weights, math.log(0.03 / 100), operator.and_, _ACCENTED)
    return _source(weights, math.log(0.03 / 100), operator.ne, _MIXED)


def _source(
    weights: dict[str, float],
    other: float,
    seldom: Callable[[bool, bool], bool] = lambda *_: False,
    how_seldom: float = 0.0,
) -> _Source:
    """Return the source that draws characters beyond ASCII by log weights, of ``other`` for those that have none.

    ``seldom`` says whether two letters in a row seldom are, given which of them are beyond ASCII.
    """

    def likelihood(text: str) -> tuple[float, float]:
        value, usual, beyond = 0.0, 0, 0
        for before, character in zip(" " + text, text, strict=False):
            if character < "\x80":
                if not character.isprintable() and character not in _CONTROLS:
                    return -math.inf, 0.0
                value -= math.log(96)
            else:
                beyond += 1
                usual += character in weights
                value += weights.get(character, other)
            if character.isalpha() and before.isalpha() and seldom(before >= "\x80", character >= "\x80"):
                value += how_seldom
        return value, usual / beyond if beyond else 1.0

    return likelihood
