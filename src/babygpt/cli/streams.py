"""Standard output and error as they come: in any encoding, full, or closed.

What goes to a file or a pipe is UTF-8, as every file of BabyGPT, unless PYTHONIOENCODING names another encoding. Where
an encoding lacks a sign, one that looks alike stands for it, or its number. A remark that cannot be written is no
reason to stop; a result that cannot be written is told, and if its reader has gone (``babygpt … | head``), silently.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

# The exit status of a program that SIGPIPE ends, which is what a shell expects of one whose reader has gone.
READER_GONE = 141

_ALIKE = {
    "→": "->", "–": "-", "−": "-", "…": "...", "·": "|", "×": "x", "≤": "<=", "≥": ">=", "½": "1/2", "±": "+-",
    "█": "#", "─": "-", "━": "=", "┃": "|", "◆": "*", "✓": "+", "✗": "x", "“": '"', "”": '"', "‘": "'", "’": "'",
}  # fmt: skip


class UnwritableError(Exception):
    """Standard output takes nothing; not an OSError, which would pass for one about a file."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason.strerror or str(reason))
        self.reader_gone = reason.errno == errno.EPIPE or (os.name == "nt" and reason.errno == errno.EINVAL)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Let the block print whatever it likes; if that cannot be written, exit with 2 and a sentence, or 141."""
    codecs.register_error("babygpt.alike", _alike)
    before = sys.stdin, sys.stdout, sys.stderr
    opened = []
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # closed; anything opened later would take its number
            opened.append(_null(number))
            setattr(sys, name, opened[-1])
    out, err = _Sink(sys.stdout), _Sink(sys.stderr, forgiving=True)
    sys.stdout, sys.stderr = _text(sys.stdout, out, out.isatty()), _text(sys.stderr, err, True)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except UnwritableError as error:
        out.forgiving = True  # what is left is flushed once more at the end
        if error.reader_gone:
            sys.exit(READER_GONE)
        print(f"error: Standard output cannot be written to: {error}.", file=sys.stderr)
        sys.exit(2)
    finally:
        sys.stderr.flush()
        sys.stdin, sys.stdout, sys.stderr = before
        for stream in opened:
            stream.close()


class _Sink(io.RawIOBase):
    """Writes to what a stream wrote to; what fails is forgiven, or told as :class:`UnwritableError`."""

    def __init__(self, stream: TextIO, forgiving: bool = False) -> None:
        stream.flush()
        self._stream = stream  # which closes its file once it is forgotten
        self._raw: Any = getattr(stream.buffer, "raw", stream.buffer)
        self.forgiving = forgiving

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def write(self, data: Any) -> int | None:
        try:
            written: int | None = self._raw.write(data)
        except (OSError, ValueError) as error:  # ValueError: closed since
            if self.forgiving:
                return len(data)
            if isinstance(error, OSError):
                raise UnwritableError(error) from error
            raise
        return written


def _text(stream: TextIO, sink: _Sink, by_lines: bool) -> TextIO:
    encoding, errors = stream.encoding, stream.errors or "strict"
    if not sink.isatty() and not os.environ.get("PYTHONIOENCODING", "").partition(":")[0]:
        encoding = "utf-8"
    if errors in ("strict", "surrogateescape", "backslashreplace"):  # what nobody asked for by name
        errors = "babygpt.alike"
    return io.TextIOWrapper(io.BufferedWriter(sink), encoding, errors, line_buffering=by_lines)


def _alike(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_ALIKE.get(s) or s.encode("ascii", "backslashreplace").decode() for s in signs), error.end


def _null(number: int) -> TextIO:
    # standard output for reading only: what is written to it fails, as it does where it is closed
    flags = os.O_WRONLY if number == 2 else os.O_RDONLY
    return open(os.open(os.devnull, flags), "r" if number == 0 else "w", encoding="utf-8")  # noqa: PTH123
