"""A drawing on a matplotlib figure as a picture: no window, nobody's settings, and fonts that have its characters."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.text import Text

from babygpt.draw.fonts import FIRST, FIRST_MONO, advice, families
from babygpt.errors import MissingGlyphWarning
from babygpt.gpt.forks import lock_across_forks
from babygpt.picture import Picture

_LOCK = lock_across_forks()  # matplotlib's settings and Python's warnings are one for all threads
_NO_DATE: dict[str, dict[str, str | None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


def figure_picture(
    draw: Callable[[Figure], None], size: tuple[float, float], layout: str | None = "constrained", dpi: float = 150
) -> Picture:
    """Return the picture of what ``draw`` puts on a figure of so many inches.

    A PNG or PDF with characters that no installed font has comes with a
    :class:`~babygpt.errors.MissingGlyphWarning`; in an SVG they are text, and its reader has fonts too.
    """

    def render(format: str) -> bytes:  # noqa: A002
        with _LOCK, _own_settings():
            figure = _drawn(draw, size, layout)
            chosen, missing = families(set("".join(_texts(figure))))
            if len(chosen) > 1:  # texts take their families as they are made
                mpl.rcParams["font.family"] = [*chosen, "sans-serif"]
                figure = _drawn(draw, size, layout)
            out = io.BytesIO()
            with warnings.catch_warnings():
                # each missing character, in matplotlib's words; ours says all at once, and what to do
                warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing from")
                # no date: the same data gives the same file
                figure.savefig(out, format=format, dpi=dpi, metadata=_NO_DATE[format])
        if missing and format != "svg":
            warnings.warn(advice(missing), MissingGlyphWarning, stacklevel=3)
        return out.getvalue()

    return Picture(render)


def mono() -> list[str]:
    """Return the families of a text in a typewriter's face, inside ``draw``: those of other texts come after it."""
    return [FIRST_MONO, "monospace", *mpl.rcParams["font.family"]]


@contextmanager
def _own_settings() -> Iterator[None]:
    """Draw by matplotlib's own defaults: a style or TeX that the user has set is for the user's figures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mpl.MatplotlibDeprecationWarning)  # of settings that go, at their defaults
        settings: dict[Any, Any] = {
            name: mpl.rcParamsDefault[name] for name in mpl.rcParamsDefault if name != "backend"
        }
        # in an SVG the generic name is what a browser without the others takes
        settings |= {"font.family": [FIRST, "sans-serif"], "font.sans-serif": [FIRST], "font.monospace": [FIRST_MONO]}
        settings |= {"svg.fonttype": "none", "svg.hashsalt": "babygpt"}
        settings["text.parse_math"] = False  # a symbol $ is a symbol
        with mpl.rc_context(settings):
            yield


def _drawn(draw: Callable[[Figure], None], size: tuple[float, float], layout: str | None) -> Figure:
    figure = Figure(figsize=size, layout=layout)  # type: ignore[arg-type]
    draw(figure)
    return figure


def _texts(figure: Figure) -> Iterator[str]:
    for axes in figure.axes:
        axes.get_xticklabels(), axes.get_yticklabels()  # they are written when they are asked for
    for text in figure.findobj(Text):
        yield text.get_text()
