from __future__ import annotations

import errno
import importlib
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import babygpt as bg
from babygpt.run import files

ARTICLE = "111101111011110"
SMALL = ("--layers", "1", "--heads", "2", "--width", "8", "--steps", "4")
POEM = "床前明月光\n疑是地上霜\n举头望明月\n低头思故乡\n"
BABYGPT = str(Path(sys.executable).with_name("babygpt"))


def assert_same_run(a, b):
    assert np.array_equal(a.losses, b.losses)
    assert np.array_equal(a.history.steps, b.history.steps)
    assert np.array_equal(a.history.table, b.history.table)
    assert a.weights.keys() == b.weights.keys()
    assert all(np.array_equal(a.weights[name], b.weights[name]) for name in a.weights)
    assert all(np.array_equal(a.optimizer[name], b.optimizer[name]) for name in a.optimizer)


def names_in(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# -- the article's run -------------------------------------------------------------------------------------


def test_the_defaults_are_the_articles_run(babygpt, article_run):
    result = babygpt("train", ARTICLE)
    assert result.exit_code == 0
    assert_same_run(bg.Run.load("runs/run-1"), article_run)


def test_data_goes_to_standard_output_and_the_rest_to_standard_error(babygpt, article_run):
    result = babygpt("train", ARTICLE)
    lines = result.stdout.splitlines()
    assert len(lines) == 8
    for line, context, probs in zip(lines, article_run.chain.contexts(), article_run.chain.probs, strict=True):
        assert line == f"input [{', '.join(context)}] ---> [{probs[0]:.6f}, {probs[1]:.6f}]"
    assert "12 examples · 4 of 8 contexts seen · 12,656 parameters" in result.stderr
    assert "step 50/50 loss 0.4700 floor 0.3466" in result.stderr
    assert "run: runs/run-1" in result.stderr
    assert "0.1234 nats per token above the floor, the least that the data allows: try --steps 100." in result.stderr


def test_pictures_are_drawn_beside_the_run(babygpt):
    babygpt("train", ARTICLE, *SMALL, "--out", "here")
    assert "1(" in Path("here/chain.svg").read_text()
    assert "guessing" in Path("here/losses.svg").read_text()


def test_a_picture_that_cannot_be_written_is_a_warning(babygpt, monkeypatch):
    from babygpt.picture import Picture

    def full(self, path):
        raise bg.FileError("The picture cannot be written to there: No space left on device.")

    monkeypatch.setattr(Picture, "save", full)
    result = babygpt("train", ARTICLE, *SMALL)
    assert result.exit_code == 0
    assert result.stderr.count("warning: The picture cannot be written") == 2
    assert bg.Run.load("runs/run-1").steps == 4


def test_runs_without_a_name_are_numbered(babygpt):
    for number in (1, 2):
        assert f"run: runs/run-{number}" in babygpt("train", ARTICLE, *SMALL, "--show", "none").stderr
    assert names_in("runs") == ["run-1", "run-2"]


# -- every option ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "where", "expected"),
    [
        (["--context", "2"], "config.block_size", 2),
        (["--steps", "3"], "train_config.steps", 3),
        (["--seed", "7"], "train_config.seed", 7),
        (["--learning-rate", "0.01"], "train_config.learning_rate", 0.01),
        (["--weight-decay", "0"], "train_config.weight_decay", 0.0),
        (["--layers", "2"], "config.n_layer", 2),
        (["--heads", "1"], "config.n_head", 1),
        (["--width", "4"], "config.n_embd", 4),
        (["--bias"], "config.bias", True),
        (["--tokens", "chars"], "corpus.vocabulary.tokens", "chars"),
        (["--vocabulary", "10x"], "corpus.vocabulary.symbols", ("1", "0", "x")),
        (["--positions", "all"], "train_config.positions", "all"),
        (["--batch-size", "5"], "train_config.batch_size", 5),
        (["--device", "cpu"], "train_config.device", "cpu"),
    ],
)
def test_each_option_sets_what_it_names(babygpt, arguments, where, expected):
    assert babygpt("train", ARTICLE, *SMALL, *arguments, "--out", "run", "--show", "none").exit_code == 0
    value = bg.Run.load("run")
    for name in where.split("."):
        value = getattr(value, name)
    assert value == expected


def test_all_options_together_are_the_librarys_train(babygpt):
    text = "the cat sat on the mat the cat sat"
    babygpt(
        *("train", text, "--context", 2, "--steps", 5, "--seed", 9, "--learning-rate", 0.02, "--weight-decay", 0.5),
        *("--layers", 2, "--heads", 2, "--width", 8, "--bias", "--tokens", "words", "--positions", "all"),
        *("--vocabulary", "mat on sat cat the", "--batch-size", 3, "--device", "cpu", "--out", "run"),
    )
    same = bg.train(
        text, 2, 5, 9, learning_rate=0.02, weight_decay=0.5, n_layer=2, n_head=2, n_embd=8, bias=True,
        tokens="words", positions="all", vocabulary="mat on sat cat the", batch_size=3,
    )  # fmt: skip
    assert_same_run(bg.Run.load("run"), same)


def test_show_table_prints_one_row_a_context(babygpt):
    lines = babygpt("train", ARTICLE, *SMALL, "--show", "table").stdout.splitlines()
    assert lines[0].split() == ["context", "0", "1", "the", "model", "in", "the", "data"]
    assert [line.split()[0] for line in lines[1:]] == ["000", "001", "010", "011", "100", "101", "110", "111"]
    assert lines[1].rstrip().endswith("never seen")
    assert lines[8].rstrip().endswith("0 ×3, 1 ×3")


def test_show_none_prints_nothing(babygpt):
    result = babygpt("train", ARTICLE, *SMALL, "--show", "none")
    assert (result.exit_code, result.stdout) == (0, "")


def test_of_many_contexts_the_most_frequent_are_shown_and_the_rest_is_pointed_to(babygpt):
    result = babygpt("train", "0" * 40 + "1", "--context", 7, *SMALL, "--out", "run")
    assert result.stdout.splitlines()[0].startswith("input [0, 0, 0, 0, 0, 0, 0] --->")
    assert len(result.stdout.splitlines()) == 1  # all the data has
    assert "The most frequent of 128 contexts. All of them: babygpt chain run --format csv" in result.stderr


def test_replace_puts_the_new_run_in_place_of_the_old(babygpt):
    babygpt("train", ARTICLE, *SMALL, "--out", "run")
    assert babygpt("train", "0101", "--context", 1, *SMALL, "--out", "run", "--replace").exit_code == 0
    assert bg.Run.load("run").config.block_size == 1
    assert names_in(".") == ["run"]


# -- where the text comes from -----------------------------------------------------------------------------


@pytest.mark.parametrize("encoded", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order-mark"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old-mac"])
def test_chinese_files_read_the_same_whatever_wrote_them(babygpt, encoded, newline):
    Path("静夜思.txt").write_bytes(encoded + POEM.replace("\n", newline).encode())
    assert babygpt("train", "静夜思.txt", "--context", 1, *SMALL, "--out", "run", "--show", "none").exit_code == 0
    corpus = bg.Run.load("run").corpus
    assert corpus.n_examples == len(POEM) - 2  # the last line break is the file's, not the poem's
    assert corpus.vocabulary.symbols == tuple(sorted(set(POEM)))


def test_standard_input_is_read_for_a_dash(babygpt):
    assert babygpt("train", "-", *SMALL, "--out", "run", stdin=ARTICLE + "\n").exit_code == 0
    assert bg.Run.load("run").corpus.n_examples == 12


def test_words_of_a_file(babygpt):
    Path("text.txt").write_text("to be or\nnot to be\n")
    assert babygpt("train", "text.txt", "--tokens", "words", "--context", 1, *SMALL, "--out", "run").exit_code == 0
    assert bg.Run.load("run").corpus.vocabulary.symbols == ("be", "not", "or", "to")


# -- what cannot be used -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([""], ["The sequence is empty", "111101111011110"]),
        (["   ", "--tokens", "words"], ["The sequence is empty"]),
        (["101"], ["3 tokens", "at least 4", "--context 2"]),
        (["1111"], ["'1'", "'01'"]),
        (["0121", "--vocabulary", "01"], ["'2'", "0 1"]),
        (["0101", "--context", "1", "--vocabulary", "0101"], ["'0', '1'", "more than once"]),
        (["0101", "--context", "1", "--vocabulary", "0"], ["1 symbol", "at least 2"]),
        ([ARTICLE, "--width", "10"], ["10", "4", "12"]),
        ([ARTICLE, "--device", "gpu"], ["'gpu'", "This machine has: cpu"]),
        ([ARTICLE, "--seed", "-1"], ["--seed -1"]),
        ([], ["nothing to learn from", "babygpt train 111101111011110"]),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(babygpt, refused, arguments, words):
    refused(babygpt("train", *arguments), *words)
    assert names_in(".") == []


@pytest.mark.parametrize("option", ["--steps", "--context", "--layers", "--heads", "--width", "--batch-size"])
@pytest.mark.parametrize("value", ["0", "-3"])
def test_counts_that_are_not_positive_are_refused(babygpt, refused, option, value):
    refused(babygpt("train", ARTICLE, option, value), f"{option} {value} is not a whole number of at least 1")
    assert names_in(".") == []


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-0.1"])
@pytest.mark.parametrize("option", ["--learning-rate", "--weight-decay"])
def test_rates_that_are_no_rates_are_refused(babygpt, refused, option, value):
    refused(babygpt("train", ARTICLE, option, value), f"{option} {value} is not a finite number")


def test_a_learning_rate_of_zero_is_refused(babygpt, refused):
    refused(babygpt("train", ARTICLE, "--learning-rate", "0"), "--learning-rate 0.0 is not a finite number above 0")


def test_too_many_states_are_refused_with_what_would_fit(babygpt, refused):
    result = babygpt("train", ARTICLE * 3, "--context", 30)
    refused(result, "1,073,741,824 states", "16.0 GiB", "1.0 GiB", "--context 26")
    assert names_in(".") == []


@pytest.mark.parametrize("command", ["train", "seeds", "attribute"])
@pytest.mark.parametrize(
    ("arguments", "advised"),
    [
        (["--width", 10**6], r"Try --width \d+, the largest that fits"),
        (["--heads", 10**6, "--width", 10**6], r"Try --heads 4 and --width \d+, the largest that fits"),
        (["--layers", 10**5], "Try --layers 20000, the most"),
        (["--steps", 10**12], r"Try --steps \d+, the largest that fits"),
        (["--batch-size", 10**12], r"Try --batch-size \d+, the largest that fits"),
    ],
)
def test_what_neither_memory_nor_time_holds_is_refused_with_what_would_fit(
    babygpt, refused, command, arguments, advised
):
    result = babygpt(command, ARTICLE, *arguments)
    refused(result)
    assert re.search(advised, result.stderr)
    assert names_in(".") == []


@pytest.mark.parametrize("command", ["train", "seeds", "attribute"])
def test_a_context_that_no_chain_has_is_refused_before_the_text_is_counted(babygpt, refused, command, monkeypatch):
    from babygpt.gpt.counting import WindowCounter

    monkeypatch.setattr(WindowCounter, "result", lambda *_: pytest.fail("windows are counted"))
    result = babygpt(command, "012" * 40, "--context", 100)
    refused(result, "--context 100 over 3 symbols", "Try --context 16, the largest that fits")


@pytest.mark.parametrize("arguments", [["--steps", "many"], ["--tokens", "syllables"], ["--show", "picture"]])
def test_values_of_the_wrong_kind_are_usage_errors(babygpt, arguments):
    result = babygpt("train", ARTICLE, *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.stderr
    assert "Traceback" not in result.stderr


def test_a_name_that_is_taken_is_refused_before_training_and_left_alone(babygpt, refused):
    babygpt("train", ARTICLE, *SMALL, "--out", "run")
    before = contents(Path("run"))
    refused(babygpt("train", ARTICLE, "--steps", 9, "--out", "run"), "run exists already", "--replace")
    assert contents(Path("run")) == before


def test_replace_does_not_take_a_folder_that_is_no_run(babygpt, refused):
    Path("thesis").mkdir()
    Path("thesis/chapter.txt").write_text("years of work")
    refused(babygpt("train", ARTICLE, "--out", "thesis", "--replace"), "thesis exists and is not a run")
    assert contents(Path("thesis")) == {Path("chapter.txt"): b"years of work"}


def test_a_loss_that_diverges_leaves_the_last_good_state(babygpt, refused):
    result = babygpt("train", ARTICLE, "--learning-rate", "1e30", "--steps", 20, "--out", "run")
    refused(result, "The loss became", "1e+30", "smaller learning rate", "Saved so far: run", after_training=True)
    run = bg.Run.load("run")
    assert run.steps < 20
    assert np.isfinite(run.losses).all()
    assert np.isfinite(run.chain.log_probs).all()


# -- going on ----------------------------------------------------------------------------------------------


def test_a_resumed_run_equals_one_never_interrupted(babygpt):
    babygpt("train", ARTICLE, *SMALL, "--batch-size", 3, "--out", "run")
    assert babygpt("train", "--resume", "run", "--steps", 11).exit_code == 0
    same = bg.train(ARTICLE, 3, 11, n_layer=1, n_head=2, n_embd=8, batch_size=3)
    assert_same_run(bg.Run.load("run"), same)


def test_a_resumed_run_may_be_saved_elsewhere(babygpt):
    babygpt("train", ARTICLE, *SMALL, "--out", "run")
    before = contents(Path("run"))
    assert babygpt("train", "--resume", "run", "--steps", 6, "--out", "longer").exit_code == 0
    assert contents(Path("run")) == before
    assert bg.Run.load("longer").steps == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "3"], ["--seed"]),
        (["0101"], ["SEQUENCE"]),
        (["--context", "2", "--learning-rate", "0.1"], ["--context", "--learning-rate"]),
        (["--context", "3"], ["--context"]),  # even the same: it was asked for
        (["--steps", "4"], ["4 steps already", "--steps 8"]),
        (["--steps", "2"], ["4 steps already", "--steps 8"]),
        ([], ["4 steps already"]),
        (["--steps", "0"], ["--steps 0"]),
    ],
)
def test_resume_refuses_what_would_not_go_on(babygpt, refused, arguments, words):
    babygpt("train", ARTICLE, *SMALL, "--out", "run")
    before = contents(Path("run"))
    refused(babygpt("train", "--resume", "run", *arguments), *words)
    assert contents(Path("run")) == before


def test_resume_needs_a_run(babygpt, refused):
    refused(babygpt("train", "--resume", "nowhere"), "There is no run at nowhere")


def test_where_graphviz_cannot_be_loaded_the_training_is_kept_and_a_sentence_says_what_to_install(
    babygpt, tmp_path, monkeypatch
):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "pygraphviz.py").write_text("raise ImportError('libglib-2.0.so.0: cannot open shared object file')")
    monkeypatch.syspath_prepend(broken)
    monkeypatch.delitem(sys.modules, "pygraphviz", raising=False)
    result = babygpt("train", ARTICLE, *SMALL, "--out", "run")
    assert result.exit_code == 0
    assert "warning: Graphviz, which draws graphs, cannot be loaded" in result.stderr
    assert "sudo apt install libglib2.0-0" in result.stderr
    assert sorted(path.name for path in (tmp_path / "run").glob("*.svg")) == ["losses.svg"]
    assert bg.Run.load(tmp_path / "run").steps == 4


# -- Ctrl-C ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["INT", "TERM", "HUP"],
)
def test_a_signal_keeps_what_was_trained_and_resume_goes_on_exactly(babygpt, tmp_path, number, status):
    screen, terminal = pty.openpty()  # a terminal, so that progress shows when training has begun
    with subprocess.Popen(
        [BABYGPT, "train", ARTICLE, *SMALL, "--steps", "1000000", "--out", "runs/long"],
        stdout=subprocess.PIPE, stderr=terminal, cwd=tmp_path,
    ) as process:  # fmt: skip
        os.close(terminal)
        shown = ""
        while not re.search(r"step [1-9][\d,]*/1,000,000", shown):
            shown += os.read(screen, 65536).decode(errors="replace")
        process.send_signal(number)
        try:  # whoever does not read a terminal holds up what writes to it
            while piece := os.read(screen, 65536):
                shown += piece.decode(errors="replace")
        except OSError:  # the other end is closed
            pass
        out = process.stdout.read()
    os.close(screen)
    assert process.returncode == status
    assert out == b""
    assert "Traceback" not in shown
    assert re.search(r"Stopped after step [\d,]+ of 1,000,000", shown)
    assert "Go on with: babygpt train --resume runs/long" in shown

    steps = bg.Run.load(tmp_path / "runs/long").steps
    assert babygpt("train", "--resume", "runs/long", "--steps", steps + 5).exit_code == 0
    same = bg.train(ARTICLE, 3, steps + 5, n_layer=1, n_head=2, n_embd=8)
    assert_same_run(bg.Run.load("runs/long"), same)


def test_resume_without_steps_goes_on_to_the_steps_first_planned(babygpt):
    run = bg.train(ARTICLE, 3, 9, n_layer=1, n_head=2, n_embd=8)
    from babygpt.run.training import Training

    training = Training(run.corpus, run.config, run.train_config)
    for step in training:
        if step.index == 4:
            break
    training.result().save("run")
    assert babygpt("train", "--resume", "run").exit_code == 0
    assert_same_run(bg.Run.load("run"), run)


def test_ctrl_c_between_steps_stops_after_that_step_and_is_handled_as_before_afterwards(babygpt, monkeypatch):
    from babygpt.gpt.train import Trainer

    real = Trainer.step

    def step(self):
        done = real(self)
        if done.index == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return done

    monkeypatch.setattr(Trainer, "step", step)
    before = signal.getsignal(signal.SIGINT)
    result = babygpt("train", ARTICLE, *SMALL, "--out", "run")
    assert result.exit_code == 130
    assert "Stopped after step 2 of 4" in result.stderr
    assert bg.Run.load("run").steps == 2
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("presses", [1, 40], ids=["once", "held"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("file", range(5))
def test_a_signal_while_the_run_is_saved_loses_nothing(babygpt, monkeypatch, article_run, file, number, presses):
    real, written = files.write_new, []

    def write(path, data):
        if len(written) == file:
            for _ in range(presses):
                os.kill(os.getpid(), number)
        written.append(path)
        real(path, data)

    monkeypatch.setattr(files, "write_new", write)
    result = babygpt("train", ARTICLE, "--out", "run")
    assert result.exit_code == 128 + number
    assert result.stderr.splitlines()[-1] == "run: run"
    assert_same_run(bg.Run.load("run"), article_run)
    assert names_in(".") == ["run"]


def test_a_terminal_that_is_closed_loses_nothing(tmp_path):
    process, screen = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        os.execv(BABYGPT, [BABYGPT, "train", ARTICLE, *SMALL, "--steps", "1000000", "--out", "run"])
    shown = ""
    while not re.search(r"step [1-9][\d,]*/1,000,000", shown):
        shown += os.read(screen, 65536).decode(errors="replace")
    os.close(screen)  # who reads and writes there is told so, and cannot any more
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 129
    assert 0 < bg.Run.load(tmp_path / "run").steps < 1_000_000


# -- frames ------------------------------------------------------------------------------------------------


def test_a_run_that_will_be_large_says_how_large_and_how_to_make_it_smaller(babygpt, monkeypatch):
    module = importlib.import_module("babygpt.cli.commands.train")
    large = ("train", "0110100110010110", "--context", 3, *SMALL, "--steps", 300)
    assert "frames" not in babygpt(*large, "--out", "small").stderr
    monkeypatch.setattr(module, "LARGE", 301 * 14 * 2 * 8)  # what all of them take
    said = babygpt(*large, "--out", "all").stderr
    kept, size = re.search(
        r"The run will take about 65.8 KiB for 301 frames; --frames 100 keeps (\d+) of them, (\S+ KiB)\.", said
    ).groups()
    result = babygpt(*large, "--frames", 100, "--out", "fewer")
    assert "The run will take" not in result.stderr  # it was asked for
    history = bg.Run.load("fewer").history
    assert (len(history), f"{history.table.nbytes / 1024:.1f} KiB") == (int(kept), size)
    assert len(bg.Run.load("all").history) == 301


def test_frames_are_kept_when_going_on_and_may_be_changed_then(babygpt):
    babygpt("train", ARTICLE, *SMALL, "--steps", 30, "--frames", 8, "--out", "run")
    babygpt("train", "--resume", "run", "--steps", 60)
    same = bg.train(ARTICLE, 3, 60, n_layer=1, n_head=2, n_embd=8, frames=8)
    assert_same_run(bg.Run.load("run"), same)
    babygpt("train", "--resume", "run", "--steps", 61, "--frames", 2)
    assert bg.Run.load("run").history.steps.tolist() == [0, 61]


def test_one_frame_is_too_few(babygpt, refused):
    refused(babygpt("train", ARTICLE, "--frames", 1), "--frames 1 is not a whole number of at least 2")


# -- checkpoints -------------------------------------------------------------------------------------------


def test_a_long_training_is_saved_on_the_way_and_says_how_to_go_on(babygpt, monkeypatch):
    from babygpt.gpt.train import Trainer
    from babygpt.run import checkpoints

    real, found = Trainer.step, []

    def step(self):
        if self.steps_done:
            found.append(bg.Run.load("my run").steps)
        return real(self)

    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)
    monkeypatch.setattr(Trainer, "step", step)
    result = babygpt("train", ARTICLE, *SMALL, "--out", "my run")
    assert result.exit_code == 0
    assert found == [1, 2, 3]
    assert result.stderr.count("babygpt train --resume 'my run'") == 1
    assert re.search(r"Saved after step 1, and again every minute; about \d+ \w+ to go\.", result.stderr)
    same = bg.train(ARTICLE, 3, 4, n_layer=1, n_head=2, n_embd=8)
    assert_same_run(bg.Run.load("my run"), same)
    assert names_in(".") == ["my run"]


def test_a_checkpoint_that_cannot_be_saved_is_a_warning_and_training_goes_on(babygpt, monkeypatch):
    from babygpt.run import checkpoints

    real, calls = files.write_new, []

    def write(path, data):
        calls.append(path)
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, data)

    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)
    monkeypatch.setattr(files, "write_new", write)
    result = babygpt("train", ARTICLE, *SMALL, "--out", "run")
    assert result.exit_code == 0
    assert result.stderr.count("warning: The run could not be saved") == 1
    assert "No space left on device" in result.stderr
    assert bg.Run.load("run").steps == 4


# -- a full disk -------------------------------------------------------------------------------------------


@pytest.fixture
def full_disk(tmp_path, monkeypatch):
    """Let every file under the working folder's "disk" fail, and rescue into a folder of the test's own."""
    real = files.write_new

    def write(path, data):
        if "disk" in path.parts:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, data)

    rescue = tmp_path / "rescue"
    rescue.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(rescue))
    return lambda: monkeypatch.setattr(files, "write_new", write)


def test_a_full_disk_moves_the_run_to_the_temporary_folder(babygpt, refused, full_disk, tmp_path):
    full_disk()
    result = babygpt("train", ARTICLE, *SMALL, "--out", "disk/run")
    refused(result, "No space left on device", "What was trained is safe in", after_training=True)
    assert names_in("disk") == []
    (saved,) = tmp_path.glob("rescue/*/run")
    assert str(saved) in result.stderr
    assert bg.Run.load(saved).steps == 4


def test_a_full_disk_leaves_the_old_run_where_it_was(babygpt, full_disk):
    babygpt("train", ARTICLE, *SMALL, "--out", "disk/run")
    before = contents(Path("disk"))
    full_disk()
    assert babygpt("train", "0101", "--context", 1, *SMALL, "--out", "disk/run", "--replace").exit_code == 2
    assert contents(Path("disk")) == before


def test_where_nothing_can_be_written_that_is_said_and_nothing_is_left(tmp_path):
    (tmp_path / "temp").mkdir()
    done = subprocess.run(
        [BABYGPT, "train", ARTICLE, *SMALL, "--out", "runs/run"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "TMPDIR": str(tmp_path / "temp"), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "error: The run could not be saved to" in done.stderr
    assert "File too large" in done.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


# -- the program itself ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_program_trains_from_a_pipe(tmp_path):
    done = subprocess.run(
        [BABYGPT, "train", "-", *SMALL, "--out", "run"],
        cwd=tmp_path, input=ARTICLE + "\n", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("input [0, 0, 0] ---> [0.")
    assert json.loads((tmp_path / "run/run.json").read_text())["train"]["steps"] == 4


def test_a_whole_run_that_a_killed_save_left_is_offered(babygpt):
    babygpt("train", ARTICLE, *SMALL, "--out", "x", "--show", "none")
    left = Path(".x.0123abcd.partial")
    Path("x").rename(left)
    result = babygpt("chain", "x")
    assert result.exit_code == 2
    assert f"left a whole one in {left.absolute()}: rename it to x" in result.stderr
    result = babygpt("train", ARTICLE, *SMALL, "--out", "x", "--show", "none")
    assert f"left a whole one in {left.absolute()}" in result.stderr
    assert names_in(".") == ["x"]


def test_a_name_of_its_own_that_another_training_took_meanwhile_is_the_next_free_one(babygpt, monkeypatch, small_run):
    train = importlib.import_module("babygpt.cli.commands.train")
    run_training = train._run_training

    def after_another(training, target, *more, **named):
        small_run.save(target)
        run_training(training, target, *more, **named)

    monkeypatch.setattr(train, "_run_training", after_another)
    result = babygpt("train", ARTICLE, *SMALL, "--show", "none")
    assert result.exit_code == 0
    assert names_in("runs") == ["run-1", "run-2"]
    assert bg.Run.load("runs/run-2").steps == 4
    result = babygpt("train", ARTICLE, *SMALL, "--show", "none", "--out", "mine")
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert "is safe in" in result.stderr


def test_at_the_floor_other_seeds_are_what_is_left_to_try(babygpt):
    result = babygpt(
        "train", "0101010101", "--context", "1", "--steps", "200", "--learning-rate", "0.01", "--show", "none"
    )
    assert "At the floor, the least that the data allows. What other seeds say: babygpt seeds" in result.stderr
