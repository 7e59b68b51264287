"""What a session can be saved as: its chain in many formats, its run as a folder in a zip file."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from threading import Lock

from babygpt.app import formats
from babygpt.app.stage.film import Film
from babygpt.chain.chain import MarkovChain
from babygpt.errors import SettingError

MEDIA = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
    "dot": "text/vnd.graphviz",
    "json": "application/json",
    "csv": "text/csv",
}
FILES = (*(f"chain.{ending}" for ending in MEDIA), "run.zip")

# Graphviz and matplotlib draw one picture at a time, whoever asks.
_drawing = Lock()


def export(file: str, chain: MarkovChain, film: Film) -> tuple[bytes, str]:
    """Return one of ``FILES`` and its media type.

    Raises
    ------
    SettingError
        There is no such file.
    BabyGPTError
        This chain cannot be written so.
    """
    if file not in FILES:
        raise SettingError(f"There is no file {file!r:.60} to download. There are: {', '.join(FILES)}.")
    if file == "run.zip":
        return _zipped(film), "application/zip"
    ending = file.removeprefix("chain.")
    if ending not in formats.PICTURES:
        return formats.export(chain, ending), MEDIA[ending]
    from babygpt.draw.graph import draw_chain  # drawing loads Graphviz and matplotlib

    with _drawing:
        return draw_chain(chain, seen=film.corpus.states.tolist()).render(ending), MEDIA[ending]


def _zipped(film: Film) -> bytes:
    out = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(film.run().save(Path(folder) / "run").iterdir()):
            archive.write(path, f"run/{path.name}")
    return out.getvalue()
