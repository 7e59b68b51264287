"""A picture: something that can be rendered in several formats, saved, and shown by a notebook.

A chain shows itself as its picture and a run as its summary. Both are drawn in ``draw/``, which lies behind them, so
they do not know by whom: the package says it here (:func:`drawn_by`), and it is loaded when it is first needed.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from babygpt.errors import BabyGPTError, MissingPackageError, SettingError
from babygpt.extras import package_errors
from babygpt.files import write_file

_DRAWN_BY: dict[str, str] = {}


def drawn_by(what: str, place: str) -> None:
    """Say which function draws a kind of thing, as ``"module:function"``."""
    _DRAWN_BY[what] = place


def drawing_of(what: str, *drawn: Any, **options: Any) -> Any:
    """Return what the function that draws a kind of thing makes of one; its module is loaded now, Graphviz with it.

    Raises
    ------
    MissingPackageError
        What draws it is not installed.
    """
    module, name = _DRAWN_BY[what].split(":")
    with package_errors():
        return getattr(import_module(module), name)(*drawn, **options)


def shown_as(show: Callable[[], str]) -> str | None:
    """Return what a notebook shows of something, or None where its plain text must do: what draws is not installed."""
    try:
        return show()
    except MissingPackageError:
        return None


@dataclass(frozen=True)
class Picture:
    """A picture that is drawn when it is asked for.

    Attributes
    ----------
    draw
        Returns the bytes of the picture in a format.
    formats
        The formats it can be drawn in.
    """

    draw: Callable[[str], bytes]
    formats: tuple[str, ...] = ("svg", "png", "pdf")

    def render(self, format: str) -> bytes:  # noqa: A002  # the word every drawing library uses
        """Return the picture as bytes in ``"svg"``, ``"png"`` or ``"pdf"``; a chain's graph also in ``"dot"``."""
        if format not in self.formats:
            raise SettingError(f"{format!r} is not a format of this picture. Use one of: {', '.join(self.formats)}.")
        with package_errors():
            return self.draw(format)

    @property
    def svg(self) -> str:
        """The picture as SVG text."""
        return self.render("svg").decode()

    def save(self, path: str | Path, replace: bool = True) -> Path:
        """Write the picture to a file, in the format its name ends in, and return the path.

        A file that is there is replaced once the new one is whole, or kept with ``replace=False``.

        Raises
        ------
        SettingError
            The name ends in no known format.
        FileError
            The file cannot be written; what was there before is untouched.
        """
        data = self.render(Path(path).suffix.removeprefix(".").lower())
        return write_file(path, data, "picture", replace)

    def _repr_svg_(self) -> str:
        return self.svg


class Drawn:
    """A result that has a picture, and shows it in a notebook."""

    _drawn_as: ClassVar[str]  # which of drawn_by's

    def plot(self) -> Picture:
        """Return its picture, which notebooks show and ``.save("found.svg")`` writes.

        Raises
        ------
        SettingError
            There is too much of it for one picture.
        """
        return drawing_of(self._drawn_as, self)

    def _repr_html_(self) -> str:
        told = f"<p>{html.escape(repr(self))}</p>"
        try:
            picture = self.plot().svg
        except BabyGPTError as error:
            return f"{told}<p>{html.escape(str(error))}</p>"
        return f"<figure>{picture[picture.index('<svg') :]}</figure>{told}"
