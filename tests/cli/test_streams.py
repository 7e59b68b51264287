from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from babygpt.cli import streams
from babygpt.cli.main import main

ARTICLE = "111101111011110"
TINY = ["--steps", "2", "--layers", "1", "--heads", "1", "--width", "2"]
BABYGPT = [sys.executable, "-m", "babygpt"]
posix = pytest.mark.skipif(os.name == "nt", reason="devices and shells of POSIX")

# Every command, with signs that ASCII, Latin and Chinese encodings lack each in its own way.
COMMANDS = {
    "help": ["--help"],
    "nothing": [],
    **{f"{name} help": [name, "--help"] for name in ("studio", "train", "chain", "analyse", "seeds", "attribute")},
    **{
        f"{name} help": [name, "--help"]
        for name in ("sample", "input-devices", "sources", "sweep", "check", "sizes", "reproduce")
    },
    "train": ["train", "床前明月光😀½≤床前明月é", "--out", "new", "--replace", *TINY],
    "train table": ["train", ARTICLE, "--out", "new", "--replace", "--show", "table", *TINY],
    "chain": ["chain", "run"],
    "chain json": ["chain", "run", "-f", "json"],
    "chain csv": ["chain", "run", "-f", "csv"],
    "chain dot": ["chain", "run", "-f", "dot"],
    "chain svg": ["chain", "run", "-f", "svg"],
    "sample": ["sample", "run"],
    "sample plain": ["sample", "run", "--plain"],
    "analyse": ["analyse", "run"],
    "analyse json": ["analyse", "run", "--json"],
    "input-devices": ["input-devices", "run", "--tokens", "50"],
    "seeds": ["seeds", "床前床明床前", "--seeds", "2", "--context", "1", *TINY],
    "attribute": ["attribute", "床前床明床前", "--context", "1", *TINY],
    "sources": ["sources", "even"],
    "sizes": ["sizes"],
    "a mistake": ["train", "床"],
    "an unknown option": ["chain", "--床"],
    "an unknown command": ["床"],
}


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """Return a folder with a run of signs that few encodings have; shared, so what is written there is replaced."""
    import babygpt as bg

    folder = tmp_path_factory.mktemp("signs")
    bg.train("床前😀é½床前😀é½", 1, 2, n_layer=1, n_head=1, n_embd=2).save(folder / "run")
    return folder


class Pipe(io.BytesIO):
    """What a shell gives a program as its output."""

    def close(self):
        """Keep what was written."""


def run(arguments, encoding, monkeypatch, **environment):
    """Run the command line as a program whose streams have an encoding; return its status and its bytes."""
    out, err = Pipe(), Pipe()
    monkeypatch.setattr(sys, "argv", ["babygpt", *arguments])
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding, "backslashreplace"))
    with pytest.raises(SystemExit) as done:
        main()
    monkeypatch.undo()
    return done.value.code or 0, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "utf-8"])
@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_every_command_survives_every_encoding(run_folder, monkeypatch, encoding, arguments):
    monkeypatch.chdir(run_folder)
    status, out, err = run(arguments, encoding, monkeypatch, PYTHONIOENCODING=encoding)
    assert status == (2 if arguments in ([], ["train", "床"], ["chain", "--床"], ["床"]) else 0), err
    assert b"Traceback" not in err
    data = arguments[0] == "chain" and "-f" in arguments if arguments else False  # UTF-8, whatever the terminal has
    out.decode("utf-8" if data else encoding)
    err.decode(encoding)
    assert out or err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
def test_a_pipe_without_a_named_encoding_is_utf_8(run_folder, monkeypatch, encoding):
    monkeypatch.chdir(run_folder)
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    status, out, _ = run(["analyse", "run", "--json"], encoding, monkeypatch)
    assert status == 0
    assert "床" in json.dumps(json.loads(out.decode()), ensure_ascii=False)


def test_what_an_encoding_lacks_looks_alike_or_is_told_by_its_number(run_folder, monkeypatch):
    monkeypatch.chdir(run_folder)
    _, out, _ = run(["sample", "run", "--tokens", "1", "--start", "床"], "ascii", monkeypatch, PYTHONIOENCODING="ascii")
    assert out.startswith(b"   1  \\u5e8a -> ")
    assert streams._alike(UnicodeEncodeError("ascii", "a─😀b", 1, 3, "")) == ("-\\U0001f600", 3)


def test_a_named_way_to_replace_signs_is_kept(run_folder, monkeypatch):
    monkeypatch.chdir(run_folder)
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:replace")
    out = Pipe()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, "ascii", "replace"))
    monkeypatch.setattr(sys, "argv", ["babygpt", "sample", "run", "--plain", "--tokens", "5"])
    with pytest.raises(SystemExit):
        main()
    assert out.getvalue() == b"?????\n"


# -- full and closed --------------------------------------------------------------------------------------------


class Failing(Pipe):
    """A stream that takes so many bytes and then fails."""

    def __init__(self, number, room=0):
        super().__init__()
        self.number, self.room = number, room

    def write(self, data):
        """Write, while there is room."""
        self.room -= len(data)
        if self.room < 0:
            raise OSError(self.number, os.strerror(self.number))
        return super().write(data)


@pytest.mark.parametrize("room", [0, 30])
@pytest.mark.parametrize("arguments", [["--help"], ["sizes"], ["chain", "run", "-f", "json"], ["sample", "run"]])
@pytest.mark.parametrize(("number", "status"), [(28, 2), (5, 2), (9, 2), (32, 141)])
def test_an_output_that_fails_is_told_once_and_a_reader_that_has_gone_not_at_all(
    run_folder, monkeypatch, capsys, arguments, number, status, room
):
    monkeypatch.chdir(run_folder)
    err = Pipe()
    monkeypatch.setattr(sys, "argv", ["babygpt", *arguments])
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Failing(number, room), "utf-8"))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err, "utf-8"))
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == status
    told = f"error: Standard output cannot be written to: {os.strerror(number)}.\n" if status == 2 else ""
    assert err.getvalue().decode() == told


def test_remarks_that_cannot_be_written_stop_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = Pipe()
    monkeypatch.setattr(sys, "argv", ["babygpt", "train", ARTICLE, "--out", "run", *TINY])
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, "utf-8"))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(Failing(32), "utf-8"))
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code
    assert out.getvalue().startswith(b"input [0, 0, 0] --->")
    assert Path("run/chain.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["train", ARTICLE, "--out", "run"], ["run/run.json", "run/chain.svg", "run/losses.svg"]),
        (["seeds", ARTICLE, "--seeds", "2", "--out", "a.csv"], ["a.csv"]),
        (["attribute", ARTICLE, "--out", "a.parquet"], ["a.parquet"]),
    ],
)
def test_nothing_that_was_trained_is_lost_where_nobody_reads_on(tmp_path, monkeypatch, arguments, kept):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["babygpt", *arguments, *TINY])
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Failing(32), "utf-8"))
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 141
    assert all(Path(name).exists() for name in kept)


@pytest.mark.slow
@posix
def test_the_program_ends_in_silence_or_one_sentence_at_every_kind_of_output(run_folder):
    call = f"{sys.executable} -m babygpt chain run -f json"
    sentence = "error: Standard output cannot be written to: "
    for redirected, status, told in (
        (">/dev/full", 2, sentence + "No space left on device.\n"),
        (">&-", 2, sentence + "Bad file descriptor.\n"),
        (">&- 2>&- <&-", 2, ""),
        (">/dev/null 2>&- <&-", 0, ""),
    ):
        done = subprocess.run(["sh", "-c", f"{call} {redirected}"], cwd=run_folder, capture_output=True)
        assert (done.returncode, done.stderr.decode()) == (status, told), redirected
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*BABYGPT, "sizes"], cwd=run_folder, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@posix
def test_an_unset_locale_is_no_reason_to_fail(run_folder):
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment |= {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    done = subprocess.run([*BABYGPT, "chain", "run"], cwd=run_folder, env=environment, capture_output=True, check=True)
    assert "床" in done.stdout.decode()
    assert done.stderr == b""


def test_closed_standard_input_is_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", None)
    status, _, err = run(["train", "-"], "utf-8", monkeypatch)
    assert status == 2
    assert err.startswith(b"error: The sequence is empty.")


def test_the_module_is_the_program():
    done = subprocess.run([*BABYGPT, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("babygpt ")
