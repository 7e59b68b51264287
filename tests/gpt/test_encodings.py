from __future__ import annotations

import codecs
import gzip
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import babygpt as bg
from babygpt.errors import FileError, SettingError
from babygpt.gpt import encodings, texts
from babygpt.gpt.encodings import checked, proposed
from babygpt.gpt.texts import decoded

POEM = "晴雨晴阴雨晴阴阴雨晴\r\n床前明月光\r\n"
READ = POEM.replace("\r\n", "\n").removesuffix("\n")

# A few lines in each language: an encoding's own are what it is recognised by.
LANGUAGES = {
    "gb18030": [
        "床前明月光，疑是地上霜。",
        "晴雨晴阴雨晴阴阴雨晴雨晴",
        "你好",
        "人之初性本善\n",
        "hello 世界",
        "晴 雨 雨 晴\n",
    ],
    "big5": ["床前明月光，疑是地上霜。", "晴雨晴陰雨晴陰", "今天天氣很好"],
    "shift_jis": ["今日は天気がいい。", "古池や蛙飛びこむ水の音", "カタカナ", "晴れ 雨 曇り"],
    "euc_jp": ["今日は天気がいい。", "古池や蛙飛びこむ水の音"],
    "euc_kr": ["안녕하세요", "오늘 날씨가 좋다", "맑음 비 흐림 비"],
    "cp1251": ["Мама мыла раму", "дождь солнце дождь облако", "Привет, мир!", "дом кот"],
    "koi8-r": ["Мама мыла раму"],
    "cp866": ["Мама мыла раму"],
    "cp1252": ["café crème", "El niño", "Über den Wolken", "naïve “quotes”", "à côté", "sol lluvia nublado día"],
    "cp1250": ["Zażółć gęślą jaźń", "Příliš žluťoučký kůň", "słońce deszcz"],
    "cp1253": ["Καλημέρα κόσμε"],
    "cp1254": ["güneş yağmur bulutlu ışık"],
    "cp1255": ["שלום עולם", "שמש גשם שמש"],
    "cp1256": ["مرحبا بالعالم"],
    "cp874": ["สวัสดีชาวโลก"],
    "utf-16-le": ["01101\n", "床前明月光\r\n疑是地上霜", "Привет мир"],
    "utf-16-be": ["01101\n", "床前明月光\r\n"],
    "utf-32-le": ["0110", "床前"],
    "utf-32-be": ["0110"],
}


def read(data, **options):
    return "".join(decoded(io.BytesIO(data), "it", **options))


@pytest.mark.parametrize(
    ("codec", "text"), [(codec, text) for codec, some in LANGUAGES.items() for text in some], ids=repr
)
def test_a_text_in_its_languages_encoding_is_recognised(codec, text):
    assert proposed(text.encode(codec)) == codec
    with pytest.raises(FileError, match=rf"^it .*Try encoding={codec}, or save it as UTF-8\.$"):
        read(text.encode(codec))
    assert read(text.encode(codec), encoding=codec) == text.replace("\r\n", "\n").removesuffix("\n")


def test_what_is_no_text_in_any_encoding_is_given_no_name():
    rng = random.Random(0)
    for _ in range(20):
        assert proposed(bytes(rng.choices(range(256), k=200))) is None
    with pytest.raises(FileError, match=r"Save it as UTF-8, or name the encoding that it is in\.$"):
        read(bytes(range(1, 256)))


@pytest.mark.parametrize("piece", [1, 3, 7, 2**20])
@pytest.mark.parametrize(
    ("codec", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
        ("gb18030", b"\x84\x31\x95\x33"),
    ],
)
def test_a_mark_says_the_encoding_and_is_no_part_of_the_text(monkeypatch, codec, mark, piece):
    monkeypatch.setattr(texts, "PIECE", piece)
    monkeypatch.setattr(texts, "LOOKED_AT", 8)
    assert read(mark + POEM.encode(codec)) == READ
    assert read(mark + POEM.encode(codec), encoding=codec) == READ
    assert read(gzip.compress(mark + POEM.encode(codec), mtime=0)) == READ


@pytest.mark.parametrize("piece", [1, 5, 2**20])
@pytest.mark.parametrize("codec", ["gb18030", "big5", "shift_jis", "iso2022_jp", "utf-16", "utf-7", "cp1251"])
def test_any_encoding_that_python_knows_is_read_in_pieces(monkeypatch, codec, piece):
    monkeypatch.setattr(texts, "PIECE", piece)
    text = "дом\r\nкот" if codec == "cp1251" else "天地 人\r\n日月"
    assert read(text.encode(codec), encoding=codec) == text.replace("\r\n", "\n")
    assert read(gzip.compress(text.encode(codec), mtime=0), encoding=codec) == text.replace("\r\n", "\n")


@given(st.text(max_size=40), st.sampled_from(["utf-8", "utf-16", "utf-32", "gb18030"]))
def test_what_a_codec_wrote_with_its_mark_is_read_back(text, codec):
    text = text.replace("\0", "")
    data = (text if codec in ("utf-16", "utf-32") else "\ufeff" + text).encode(codec)
    assert read(data) == text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


def test_a_mark_that_contradicts_the_encoding_asked_for_is_refused():
    with pytest.raises(FileError, match=r"begins with the mark of UTF-16-LE, not of gb18030\. Leave the encoding out"):
        read(POEM.encode("utf-16"), encoding="gb18030")


def test_the_wrong_encoding_asked_for_is_answered_with_the_right_one():
    with pytest.raises(FileError, match=r"not ASCII text \(byte 0 is 0xc7\). Try encoding=gb18030"):
        read(POEM.encode("gb18030"), encoding="ascii")
    with pytest.raises(FileError, match="Leave the encoding out: it is UTF-8"):
        read(POEM.encode(), encoding="ascii")


@pytest.mark.parametrize("piece", [1000, 2**20])
@pytest.mark.parametrize("before", ["", "a" * 99_999, "a line\n" * 30_000])
def test_a_late_character_is_enough_to_recognise_the_encoding(monkeypatch, before, piece):
    monkeypatch.setattr(texts, "PIECE", piece)
    with pytest.raises(FileError, match=rf"byte {len(before):,} is 0xc7\). Try encoding=gb18030"):
        read((before + POEM).encode("gb18030"))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\3\4....", "a ZIP archive"),
        (b"%PDF-1.7\n", "a PDF file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture"),
        (b"\x28\xb5\x2f\xfd....", "Zstandard"),
        (b"BZh91AY", "bzip2"),
        (b"\xd0\xcf\x11\xe0....", "an old Office file"),
        (gzip.compress(b"name".ljust(257, b"\0") + b"ustar\0", mtime=0), "a tar archive"),
    ],
)
def test_what_is_no_text_is_named_by_its_first_bytes(data, what):
    with pytest.raises(FileError, match=f"it is a binary file, .*{what}.*, not text"):
        read(data)


@pytest.mark.parametrize("cut", [2, 9, 25])
def test_a_damaged_gzip_file_says_so(cut):
    with pytest.raises(FileError, match="it is damaged: it cannot be unpacked by gzip"):
        read(gzip.compress(POEM.encode(), mtime=0)[:cut])


def test_zero_bytes_are_no_text_in_any_encoding():
    for data, options in ((b"a\0b", {"encoding": "latin-1"}), ("a\0b".encode("utf-16"), {})):
        with pytest.raises(FileError, match="it has zero bytes"):
            read(data, **options)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("gb1803", "Did you mean gb18030"), ("cp12522", "Did you mean cp1252"), ("hex", "There are"), ("", "There are")],
)
def test_an_unknown_encoding_is_answered_with_near_names(name, hint):
    with pytest.raises(SettingError, match=rf"encoding={name} is no encoding .*{hint}"):
        checked(name)


def test_encodings_go_by_pythons_names():
    assert [checked(name) for name in ("GBK", "UTF8", "Shift-JIS")] == ["gbk", "utf-8", "shift_jis"]
    for codec in LANGUAGES:
        assert codecs.lookup(codec).name == codecs.lookup(checked(codec)).name
    assert set(encodings.MARKS.values()) <= {"utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "gb18030"}


def test_a_corpus_is_read_in_any_encoding(tmp_path):
    path = tmp_path / "poem.txt"
    path.write_bytes(POEM.encode("gb18030"))
    corpus = bg.Corpus.from_file(path, 1, encoding="gb18030")
    assert corpus.counts.tolist() == bg.Corpus.from_text(READ, 1).counts.tolist()
