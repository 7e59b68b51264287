"""A run on disk: a folder of plain data.

::

    runs/first/
      run.json                 settings, vocabulary, losses, versions, a short text, and a checksum of every file here
      weights.safetensors      the trained parameters
      optimizer.safetensors    AdamW's memory, with which training goes on
      history.safetensors      the recorded frames
      corpus.safetensors       the distinct contexts and their counts

The folder is written under another name and renamed when it is whole, so a crash or a full disk leaves either
the run or nothing. Loading recomputes the checksums and holds shapes against settings. Nothing is ever
unpickled: a run from a stranger is data, not code.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
import zipfile
import zlib
from contextlib import suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save

from babygpt.chain.contexts import count_short, count_states
from babygpt.errors import BabyGPTError, RunError
from babygpt.files import read_file, write_new
from babygpt.gpt.checks import check_count, human_bytes
from babygpt.gpt.config import GPTConfig, TrainConfig
from babygpt.gpt.corpus import Corpus
from babygpt.gpt.room import free_memory
from babygpt.gpt.signs import visible
from babygpt.gpt.vocabulary import Vocabulary
from babygpt.leftovers import UNFINISHED, leftovers
from babygpt.run.history import History
from babygpt.run.place import REPLACED, put, unfinished_folder
from babygpt.run.run import Run
from babygpt.run.sound import Arrays, arrays_in, check_memory, check_shape, check_values
from babygpt.version import __version__

# Raised when a folder written now could not be read by the version before. What the first format can hold is written
# in it; weights, separators of names and the ends of sequences came with the second.
FORMAT = 2

FILES = ("weights.safetensors", "optimizer.safetensors", "history.safetensors", "corpus.safetensors")


def save_run(run: Run, path: Path, replace: bool = False) -> Path:
    """Write ``run`` to the folder ``path``; see :meth:`babygpt.Run.save`."""
    path = Path(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow a link standing at the path itself
    check_free(path, replace)
    try:
        with unfinished_folder(path) as partial:
            _write(run, partial)
            put(partial, path, (*FILES, "run.json"), lambda: check_free(path, replace))
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        raise RunError(
            f"The run could not be saved to {path}: {getattr(error, 'strerror', None) or error}. "
            "Nothing was left behind there. Free some space or choose another folder."
        ) from error
    return path


def check_free(path: Path, replace: bool = False) -> None:
    """Raise :class:`RunError` if ``path`` is taken by anything but a run that may be replaced."""
    if not os.path.lexists(path):
        parent = next(folder for folder in path.absolute().parents if folder.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise RunError(f"Nothing can be written in {parent}, where {path} would go. Choose another place.")
        if leftovers(path, REPLACED) and not replace:
            raise RunError(f"{path} is about to be replaced, or was when that was broken off. {broken_off(path) or ''}")
        return
    if replace:
        try:
            _read_header(path)
        except RunError as error:
            raise RunError(
                f"{path} exists and is not a run that can be replaced: {error} Choose another name."
            ) from None
        return
    raise RunError(f"{path} exists already. Choose another name, or replace it on purpose (--replace).")


def load_run(path: Path) -> Run:
    """Read the run in the folder or the zip file ``path``; see :meth:`babygpt.Run.load`."""
    if os.path.isfile(path) and zipfile.is_zipfile(path):  # noqa: PTH113  # a name too long for a file is none
        with tempfile.TemporaryDirectory() as folder:
            try:
                return load_run(_unpacked(path, Path(folder)))
            except RunError as error:
                raise RunError(str(error).replace(folder, str(path))) from None
    try:
        check_memory(path, ("run.json", *FILES))
        header = _read_header(path)
        files = {name: _read_arrays(path / name, digest) for name, digest in header["files"].items()}
        return _assemble(header, files)
    except RunError:
        raise
    except MemoryError as error:
        raise RunError(f"The run in {path} does not fit into memory. Free some, or train a smaller one.") from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, BabyGPTError) as error:
        why = _sentence(error)
        raise RunError(f"The run in {path} does not fit together: {why}. Restore it or train again.") from error


def load_outline(path: Path) -> tuple[dict[str, Any], Corpus]:
    """Return what a run's ``run.json`` says, and what it learnt from; nothing large is read.

    Raises
    ------
    RunError
        It is no run, or damaged.
    """
    try:
        header = _read_header(path)
        name = "corpus.safetensors"
        return header, _corpus(header, _read_arrays(path / name, header["files"][name]))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, BabyGPTError) as error:
        if isinstance(error, RunError):
            raise
        raise RunError(f"The run in {path} does not fit together: {_sentence(error)}.") from error


def _unpacked(path: Path, folder: Path) -> Path:
    """Unpack the files of a run, wherever in a zip file they lie, into ``folder``, and return it."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = {name: one for one in archive.infolist() for name in [one.filename.rsplit("/", 1)[-1]]}
            wanted = [found[name] for name in ("run.json", *FILES) if name in found]
            takes = sum(one.file_size for one in wanted)
            if takes > (free := free_memory()):
                raise RunError(f"{path} unpacks to {human_bytes(takes)}; {human_bytes(free)} of memory are free.")
            for one in wanted:
                with archive.open(one) as packed:  # no more than it says: a few bytes may unpack to any number
                    write_new(folder / one.filename.rsplit("/", 1)[-1], packed.read(one.file_size))
    except (OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, f"cannot be unpacked ({_sentence(error)})") from error
    return folder


def _write(run: Run, folder: Path) -> None:
    contents: tuple[Arrays, ...] = (
        dict(run.weights),
        dict(run.optimizer),
        {"steps": run.history.steps, "table": run.history.table},
        {"contexts": run.corpus.contexts, "counts": run.corpus.counts},
    )
    vocabulary = run.corpus.vocabulary
    described: dict[str, Any] = {"symbols": list(vocabulary.symbols), "tokens": vocabulary.tokens}
    first = vocabulary.separator in ("", " ") and not run.corpus.weighted and not len(run.corpus.ends)
    if not first:
        described["separator"] = vocabulary.separator
        contents[-1]["ends"] = run.corpus.ends
    digests = {}
    for name, content in zip(FILES, contents, strict=True):
        data = save({key: np.ascontiguousarray(value) for key, value in content.items()})
        digests[name] = hashlib.sha256(data).hexdigest()
        write_new(folder / name, data)
    header: dict[str, Any] = {
        "format": 1 if first else FORMAT,
        "versions": {
            "python": platform.python_version(),
            "babygpt": __version__,
            **{package: metadata.version(package) for package in ("torch", "numpy")},
        },
        "gpt": asdict(run.config),
        "train": asdict(run.train_config),
        "vocabulary": described,
        "losses": run.losses.tolist(),
        "files": digests,
    }
    # versions that do not know these go on as if there were none
    if run.frames is not None:
        header["frames"] = run.frames
    if run.corpus.text is not None:
        header["text"] = run.corpus.text
    header["checksum"] = _checksum(header)
    write_new(folder / "run.json", json.dumps(header, indent=1).encode())


def _read_header(path: Path) -> dict[str, Any]:
    if not os.path.exists(path):  # noqa: PTH110  # a name too long for a file is no run either
        raise RunError(f"There is no run at {path}. {broken_off(path) or 'Give the folder that babygpt train wrote.'}")
    try:
        header = json.loads(read_file(path / "run.json"))
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{path} is not a run: it has no run.json. Give the folder that babygpt train wrote.") from None
    except OSError as error:
        raise _damaged(path / "run.json", f"cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError):
        raise _damaged(path / "run.json", "is cut off or not JSON") from None
    if not isinstance(header, dict) or not isinstance(header.get("format"), int):
        raise _damaged(path / "run.json", "does not describe a run")
    if header["format"] > FORMAT:
        versions = header.get("versions")
        version = versions.get("babygpt", "of a newer version") if isinstance(versions, dict) else "of a newer version"
        raise RunError(
            f"The run in {path} was written by BabyGPT {version} in format {header['format']}; this one "
            f"reads up to format {FORMAT}. Update BabyGPT to open it."
        )
    if header.pop("checksum", None) != _checksum(header) or _names(header) != set(FILES):
        raise _damaged(path / "run.json", "is not as it was saved")
    return header


def broken_off(path: Path) -> str | None:
    """Return a sentence that offers the whole run which a program killed while it saved has left beside ``path``."""
    path = Path(os.path.abspath(path))  # noqa: PTH100  # where a link stands, beside it
    for left in (*leftovers(path, REPLACED), *leftovers(path, UNFINISHED)):
        with suppress(RunError):
            _read_header(left)
            return f"A save that was broken off left a whole one in {left}: rename it to {path.name}, or train again."
    return None


def _names(header: dict[str, Any]) -> set[str]:
    files = header.get("files")
    return set(files) if isinstance(files, dict) else set()


def _read_arrays(path: Path, digest: str) -> Arrays:
    try:
        data = read_file(path)
    except OSError as error:
        raise _damaged(path, f"cannot be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise _damaged(path, "is not as it was saved")
    try:
        return arrays_in(data, path.name)
    except (SafetensorError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(path, f"is no safetensors file of a run ({_sentence(error)})") from error


def _assemble(header: dict[str, Any], files: dict[str, Arrays]) -> Run:
    config, train_config = GPTConfig(**header["gpt"]), TrainConfig(**header["train"])
    V, K = config.vocab_size, config.block_size
    weights, optimizer = files["weights.safetensors"], files["optimizer.safetensors"]
    check_shape(config, files["corpus.safetensors"], weights, len(header["vocabulary"]["symbols"]))
    corpus = _corpus(header, files["corpus.safetensors"])
    vocabulary = corpus.vocabulary
    history = History(**files["history.safetensors"], n_states=count_states(V, K))
    if not all(type(loss) in (float, int) for loss in header["losses"]):
        raise ValueError("the losses are not all numbers")
    losses = np.array(header["losses"], dtype=np.float64)
    rows, frames = len(corpus.contexts), len(history.steps)
    shapes = config.parameter_shapes
    moments = {f"{kind}.{name}": shape for kind in ("exp_avg", "exp_avg_sq") for name, shape in shapes.items()}
    for what, got, expected in (
        ("the vocabulary", len(vocabulary), V),
        ("the contexts", corpus.contexts.shape, (rows, K)),
        ("the counts", corpus.counts.shape, (rows, V)),
        ("the history", history.table.shape, (frames, count_short(V, K) + history.n_states, V)),
        ("the losses", losses.shape, (int(history.steps[-1]),)),
        ("the weights", {name: array.shape for name, array in weights.items()}, shapes),
        ("the optimizer's memory", {name: array.shape for name, array in optimizer.items()}, moments),
    ):
        if got != expected:
            raise ValueError(f"{what} should have the shape {expected!s:.100} and has {got!s:.100}")
    check_values(corpus, files["corpus.safetensors"]["contexts"], history, losses, weights, optimizer)
    wanted = header.get("frames")
    if wanted is not None:
        check_count("frames", wanted, least=2)
    return Run(corpus, config, train_config, losses, history, weights, optimizer, wanted)


def _corpus(header: dict[str, Any], arrays: Arrays) -> Corpus:
    described, text = header["vocabulary"], header.get("text")
    vocabulary = Vocabulary(tuple(described["symbols"]), described["tokens"], described.get("separator"))
    if not isinstance(text, str | None):
        raise TypeError("its text is none")
    return Corpus(vocabulary, header["gpt"]["block_size"], **arrays, text=text)


def _checksum(header: dict[str, Any]) -> str:
    canonical = json.dumps(header, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _sentence(error: Exception) -> str:
    """Return what an error says, in a line that can be printed: it may quote what a stranger wrote."""
    said = visible(str(error), blanks=False).rstrip(".")
    return said if len(said) <= 300 else said[:300] + "…"


def _damaged(path: Path, what: str) -> RunError:
    return RunError(f"{path} {what}, so the run is not loaded. Restore the folder from a copy or train again.")
