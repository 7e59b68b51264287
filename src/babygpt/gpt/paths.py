r"""Names of files among texts: what looks like one, and what is one.

A text to learn from and the name of a file are both texts, and a slip of the pen in a name must not end in training on
its characters. What nobody types as a sequence looks like a name: it is a single line, and

- begins as paths do: "./", "../", "~/", "/", "C:\", "\\\\server\\", or
- has folders and an ending, however it is written: "data/my file.csv", or
- is one word with an ending of letters: "poem.txt", "notes.markdown", or
- is some words with an ending that files are known by: "my poem.txt".
"""

from __future__ import annotations

import re
from pathlib import Path

# Endings that files of texts, tables, programs and runs are known by. Not "org", which ends addresses too.
ENDINGS = (
    *(
        "txt",
        "text",
        "md",
        "markdown",
        "rst",
        "tex",
        "log",
        "csv",
        "tsv",
        "dat",
        "json",
        "jsonl",
        "ndjson",
        "xml",
        "yaml",
    ),
    *("yml", "toml", "ini", "cfg", "html", "htm", "py", "js", "ts", "cpp", "ipynb", "sql", "srt", "pdf", "doc", "docx"),
    *(
        "odt",
        "rtf",
        "epub",
        "xls",
        "xlsx",
        "ods",
        "parquet",
        "feather",
        "arrow",
        "npy",
        "npz",
        "gz",
        "bz2",
        "xz",
        "zst",
    ),
    *("zip", "tar", "tgz", "7z", "fasta", "fastq", "fna", "vcf", "pgn", "mid", "midi", "safetensors", "pth", "ckpt"),
    *("h5", "hdf5", "pkl", "asc", "lst", "tab", "data", "utf8", "fb2", "mobi", "pages", "numbers", "fa", "faa", "seq"),
)

_BEGINS = re.compile(r"(?:\.{1,2}|~\w*)?/|\.{1,2}\\|[A-Za-z]:[\\/]|\\\\[^\s\\]+\\")
_ENDING = r"\.[A-Za-z][A-Za-z0-9]{0,9}"
_WORD_WITH_ENDING = re.compile(rf"(?:\S*[^\s.])?{_ENDING}")
_KNOWN_ENDING = re.compile(rf".*[^\s.]\.(?:{'|'.join(ENDINGS)})", re.IGNORECASE)
_FOLDERS_AND_ENDING = re.compile(rf"[^/\\]+[/\\].*[^\s./\\]{_ENDING}")
# Abbreviations and addresses, which have an ending too: "e.g", "U.S.A", "www.example".
_NO_NAME = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]|www\..*", re.IGNORECASE)

# No system has longer names.
MAX_NAME = 4096


def looks_like_path(text: str) -> bool:
    r"""Return whether a text looks like the name of a file, rather than like a sequence to learn from.

    >>> [looks_like_path(text) for text in ("my poem.txt", "notes.markdown", "C:/poem.txt", "~/poem")]
    [True, True, True, True]
    >>> [looks_like_path(text) for text in ("Hello world. This is fine", "3.14 2.71", "e.g. this", "the end.")]
    [False, False, False, False]
    """
    if not text or len(text) > MAX_NAME or "\n" in text or "\0" in text:
        return False
    text = text.strip(" \t\"'")  # a name that was copied with its quotes
    if _BEGINS.match(text):
        return True
    if _NO_NAME.fullmatch(text):
        return False
    return any(form.fullmatch(text) for form in (_WORD_WITH_ENDING, _KNOWN_ENDING, _FOLDERS_AND_ENDING))


def names_a_file(text: str) -> bool:
    """Return whether there is a file of that name."""
    if not text.strip() or len(text) > MAX_NAME or "\n" in text or "\0" in text:
        return False
    try:
        return Path(text).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):  # too long for this system, no such home, lone surrogates
        return False
