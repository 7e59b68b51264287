"""What a notebook shows in a cell: the screen's one script, and without a kernel something that is true."""

from __future__ import annotations

import gzip
from functools import cache
from typing import Any

from babygpt.errors import SettingError
from babygpt.extras import package_errors
from babygpt.studio.page import STATIC

with package_errors():
    import anywidget
    import traitlets


@cache
def screen_module() -> str:
    """Return the screen as the module that anywidget loads."""
    script = gzip.decompress((STATIC / "studio.js.gz").read_bytes()).decode()
    return f"{script}\nexport default {{ render: BabyGPT.render }};\n"


class Cell(anywidget.AnyWidget):
    """A widget that is drawn by the screen's script, in a language and at a height."""

    _esm = traitlets.Unicode(default_value=None, allow_none=True).tag(sync=True)
    lang = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    height = traitlets.Int().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(_esm=screen_module(), **traits)

    @staticmethod
    def check_look(lang: object, height: object) -> None:
        """Raise :class:`SettingError` for a language or a height that a cell cannot have."""
        if lang not in (None, "en", "zh"):
            raise SettingError(f"lang={lang!r:.60} is no language of the screen. Use 'en' or 'zh'.")
        if not isinstance(height, int) or not 200 <= height <= 5000:
            raise SettingError(f"height={height!r:.60} must be a whole number of pixels from 200 to 5,000.")

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Return the widget, and what whoever shows the notebook without its kernel may see."""
        shown = super()._repr_mimebundle_(**kwargs)
        if shown is None:
            return shown
        data, metadata = shown if isinstance(shown, tuple) else (shown, {})
        return {**data, "text/html": self._still(), "text/plain": repr(self)}, metadata

    def _still(self) -> str:
        """Return what is shown without a kernel, as HTML."""
        raise NotImplementedError
