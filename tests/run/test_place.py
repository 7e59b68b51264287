"""Saving a run while programs are killed, and while others save to the same place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

import babygpt as bg
from babygpt.files import whole_file, write_file
from babygpt.leftovers import abandoned, claim, leftovers, release, unfinished
from babygpt.run import place

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks, signals and locks of POSIX")

# Kills a forked copy of itself before each line in turn that puts a run in its place, and before each 20th of those
# that write it, and looks at what is there then.
KILLED = '''
import json, os, shutil, signal, sys
from pathlib import Path
import babygpt
from babygpt import RunError
from babygpt.run import place
from babygpt.run.run import Run

home, kind = Path(sys.argv[1]), sys.argv[2]
old, new = Run.load(home / "a"), Run.load(home / "b")
if kind == "apart":
    place.exchange = lambda *_: False
top = os.path.dirname(babygpt.__file__)
WATCHED = {os.path.join(top, *name) for name in (("run", "files.py"), ("run", "place.py"), ("leftovers.py",))}
PLACE = place.__file__
WATCHED.add(os.path.join(top, "files.py"))

def save(run, path):
    run.save(path, replace=kind != "new")

def killed_before_line(n, path):
    """Return whether a child was killed before the n-th line of the save."""
    child = os.fork()
    if child == 0:
        left, others = n, 0
        def trace(frame, event, arg):
            nonlocal left, others
            if frame.f_code.co_filename not in WATCHED:
                return None
            if event == "line":
                others += frame.f_code.co_filename != PLACE
                if frame.f_code.co_filename == PLACE or others % 20 == 0:
                    left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace
        sys.settrace(trace)
        save(new, path)
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0

def steps(path):
    return Run.load(path).steps

n, found = 0, {}
while True:
    folder = home / f"{n}"
    folder.mkdir()
    path = folder / "run"
    if kind != "new":
        shutil.copytree(home / "a", path)
        (path / "thesis.txt").write_text("mine")
    was_killed = killed_before_line(n, path)
    if path.exists():
        state = {old.steps: "old", new.steps: "new"}[steps(path)]
    else:
        try:
            steps(path)
        except RunError as error:
            state = "offered" if "left a whole one in" in str(error) else "nothing"
    found[state] = found.get(state, 0) + 1
    try:
        save(new, path)
    except RunError as error:
        assert kind == "new" and state == "new" and "exists already" in str(error), error
    assert steps(path) == new.steps
    left = sorted(os.listdir(folder))
    if kind == "new" and state == "new":  # nothing was saved since
        left = [name for name in left if not name.endswith(".partial")]
    assert left == ["run"], (n, left)
    if kind != "new":
        assert (path / "thesis.txt").read_text() == "mine", n
    shutil.rmtree(folder)
    if not was_killed:
        break
    n += 1
print(json.dumps([n, found]))
'''


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    home = tmp_path_factory.mktemp("runs")
    for name, steps in (("a", 2), ("b", 3)):
        bg.train("0110101", context_length=1, steps=steps, n_layer=1, n_head=1, n_embd=2).save(home / name)
    return home


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["new", "exchanged", "apart"])
def test_a_program_killed_before_any_line_of_a_save_leaves_one_whole_run(two_runs, tmp_path, kind):
    for name in "ab":
        (tmp_path / name).symlink_to(two_runs / name)
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path, kind], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    places, found = json.loads(done.stdout)
    assert places >= 50
    assert (
        set(found)
        == {
            "new": {"nothing", "offered", "new"},
            "exchanged": {"old", "new"},
            "apart": {"old", "offered", "new"},
        }[kind]
    )


@pytest.mark.skipif(not sys.platform.startswith(("linux", "darwin")), reason="no exchange there")
def test_two_folders_change_places_in_one_act(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert place.exchange(tmp_path / "a", tmp_path / "b")
    assert [path.name for name in "ab" for path in (tmp_path / name).iterdir()] == ["b", "a"]
    assert not place.exchange(tmp_path / "a", tmp_path / "nowhere")


def test_of_many_who_save_to_one_free_place_one_wins_and_the_others_are_told(two_runs, tmp_path):
    code = (
        "import sys\n"
        "from babygpt.errors import RunError\n"
        "from babygpt.run.run import Run\n"
        "run = Run.load(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "for number in range(20):\n"
        "    try:\n"
        "        run.save(f'{sys.argv[2]}/{number}')\n"
        "        print('won', number)\n"
        "    except RunError as error:\n"
        "        print(error)\n"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, two_runs / name, tmp_path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in "ab"
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    said = [writer.communicate(timeout=60)[0].splitlines() for writer in writers]
    for number in range(20):
        lines = [lines[number] for lines in said]
        winner = lines.index(f"won {number}")
        assert f"{number} exists already. Choose another name" in lines[1 - winner]
        assert bg.Run.load(tmp_path / str(number)).steps == (2, 3)[winner]
    assert len(list(tmp_path.iterdir())) == 20


def test_a_place_taken_while_the_run_was_written_is_refused(two_runs, tmp_path, monkeypatch):
    from babygpt.run import files

    run, write = bg.Run.load(two_runs / "a"), files._write

    def write_meanwhile(run, folder):
        write(run, folder)
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "thesis.txt").write_text("mine")

    monkeypatch.setattr(files, "_write", write_meanwhile)
    with pytest.raises(bg.RunError, match="exists already"):
        run.save(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert (tmp_path / "run" / "thesis.txt").read_text() == "mine"


def test_what_another_program_is_still_writing_is_left_alone(two_runs, tmp_path):
    run = bg.Run.load(two_runs / "a")
    with place.unfinished_folder(tmp_path / "run") as partial:
        (partial / "weights.safetensors").write_bytes(b"half")
        assert not abandoned(partial)
        run.save(tmp_path / "run")
        run.save(tmp_path / "run", replace=True)
        assert (partial / "weights.safetensors").read_bytes() == b"half"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_leftovers_are_those_of_the_same_name_only(tmp_path):
    long = "n" * 60
    for name in ("run", "run2", "r.un", long + "a", long + "b"):
        left = unfinished(tmp_path / name)
        left.mkdir()
        assert leftovers(tmp_path / name) == [left]
    assert leftovers(tmp_path / "nowhere" / "run") == []


def test_a_claim_ends_with_who_made_it(tmp_path):
    (tmp_path / "a").touch()
    claimed = claim(tmp_path / "a")
    with pytest.raises(BlockingIOError):
        claim(tmp_path / "a")
    release(claimed)
    assert abandoned(tmp_path / "a")
    os.mkfifo(tmp_path / "pipe")
    assert not abandoned(tmp_path / "pipe")


def test_a_lock_that_a_stranger_holds_on_the_folder_above_does_not_stop_a_save(two_runs, tmp_path, monkeypatch):
    monkeypatch.setattr(place, "PATIENCE", 0.1)
    claimed = claim(tmp_path)
    saving = threading.Thread(target=lambda: bg.Run.load(two_runs / "a").save(tmp_path / "run"))
    saving.start()
    saving.join()
    release(claimed)
    assert bg.Run.load(tmp_path / "run").steps == 2


def test_a_table_that_was_being_written_when_its_program_was_killed_is_cleared_away_by_the_next(tmp_path):
    code = (
        "import os, sys, signal\n"
        "from babygpt.files import whole_file\n"
        "with whole_file(sys.argv[1]) as part:\n"
        "    part.write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.csv"])
    assert len(leftovers(tmp_path / "a.csv")) == 1
    with whole_file(tmp_path / "a.csv") as first:  # one who is still at it
        first.write_bytes(b"first")
        write_file(tmp_path / "a.csv", b"second")
        assert first.read_bytes() == b"first"
        assert leftovers(tmp_path / "a.csv") == [first]
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == b"first"
