"""What a session can be saved as: its chain in many formats, its run as a folder in a zip file, all of it as a page."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from babygpt.draw import formats
from babygpt.errors import SettingError
from babygpt.gpt.forks import lock_across_forks
from babygpt.run.run import Run
from babygpt.studio.page import check_bearable, page, recorded_history
from babygpt.studio.stage import Stage

Export = Callable[[], tuple[bytes, str]]  # makes a file and tells its media type

MEDIA = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
    "dot": "text/vnd.graphviz",
    "json": "application/json",
    "csv": "text/csv",
}
FILES = (*(f"chain.{ending}" for ending in MEDIA), "run.zip", "page.html")

# Graphviz and matplotlib draw one picture at a time, whoever asks.
_drawing = lock_across_forks()


def snapshot(file: str, stage: Stage) -> Export:
    """Return a function that makes one of ``FILES`` of what there is now.

    It may be called in any thread, whatever becomes of the stage meanwhile: drawing takes seconds. It raises a
    :class:`babygpt.BabyGPTError` if this chain cannot be written so.

    Raises
    ------
    SettingError
        There is no such file.
    DivergedError
        A run that is broken cannot be saved.
    """
    if file not in FILES:
        raise SettingError(f"There is no file {file!r:.60} to download. There are: {', '.join(FILES)}.")
    if file == "run.zip":
        run = stage.playback.run()
        return lambda: (_zipped(run), "application/zip")
    if file == "page.html":
        return _page(stage)
    ending, seen, chain = file.removeprefix("chain."), stage.playback.corpus.states, stage.shown.chain

    def make() -> tuple[bytes, str]:
        if ending not in formats.PICTURES:
            return formats.export(chain, ending), MEDIA[ending]
        from babygpt.draw.graph import draw_chain  # drawing loads Graphviz and matplotlib

        with _drawing:
            return draw_chain(chain, seen=seen.tolist()).render(ending), MEDIA[ending]

    return make


def _page(stage: Stage) -> Export:
    check_bearable(stage.setup.config, stage.playback.trained)
    link = stage.link
    if link.pop("too_long", None):
        link["sequence"] = stage.setup.text  # a file has room for it
    run = stage.playback.run() if stage.playback.trained and not stage.training else None
    return lambda: (page(link, None if run is None else recorded_history(run)).encode(), "text/html")


def _zipped(run: Run) -> bytes:
    out = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(run.save(Path(folder) / "run").iterdir()):
            archive.write(path, f"run/{path.name}")
    return out.getvalue()
