"""Whoever calls, from whichever process or thread, gets an answer: nothing waits for threads that are not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# What a process can ask of the library, small; `everything` computes on every pool that the library keeps.
CALLS = '''
import hashlib, multiprocessing, sys, tempfile, threading
from pathlib import Path
import numpy as np
import torch
import babygpt as bg

TEXT = "111101111011110"
SMALL = dict(steps=2, n_layer=1, n_head=1, n_embd=4)


def everything():
    """Return a hash of what every public function answers on two threads."""
    seen = hashlib.sha256()
    run = bg.train(TEXT, **SMALL)
    with tempfile.TemporaryDirectory() as folder:
        saved = bg.Run.load(run.save(Path(folder) / "run"))
        for name in ("a", "b"):  # twice: the second finds what the first has left
            spec = {"fixed": {"sequence": TEXT, **SMALL}, "grid": {"seed": "0..1"}}
            seen.update(repr(bg.sweep(spec, Path(folder) / name, jobs=1).table["last_loss"].to_pylist()).encode())
    answers = [saved.losses, run.chain.log_probs, run.chain.stationary_distribution()]
    answers.append(bg.study(TEXT, seeds=range(4), threads=2, **SMALL).probs)
    answers.append(bg.attribute(TEXT, seeds=[1, 2], threads=2, **SMALL).changed)
    answers.append(bg.Ensemble.train(TEXT, seeds=range(4), threads=2, **SMALL).tables)
    gpt = bg.train("01" * 20, context_length=14, **SMALL).gpt
    answers.append(bg.context_table(gpt, threads=2))
    chain = bg.MarkovChain.from_model(lambda idx: torch.nn.functional.one_hot(idx[:, -1], 2).float(),
                                      vocabulary="01", context_length=3)
    answers += [chain.log_probs, np.array(chain.sample("0", 50), dtype="S"), chain.eigenvalues()]
    seen.update((run._repr_html_() + run.chain.plot().svg).encode())
    for array in answers:
        seen.update(np.ascontiguousarray(array).tobytes())
    return seen.hexdigest()


def tell(queue):
    try:
        queue.put(everything())
    except BaseException as error:
        queue.put(f"{type(error).__name__}: {error}")


def in_a_process(method):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=tell, args=(queue,))
    process.start()
    answer = queue.get(timeout=200)
    process.join(10)
    assert process.exitcode == 0, process.exitcode
    return answer
'''


def answer_of(tmp_path: Path, script: str) -> str:
    path = tmp_path / "script.py"
    main = "\n".join("    " + line for line in script.splitlines())
    path.write_text(f"{CALLS}\n\nif __name__ == '__main__':\n{main}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=240, cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "2", "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are of POSIX")
def test_every_function_answers_in_a_forked_process_after_all_were_used_before(tmp_path: Path) -> None:
    script = "first = everything()\nprint([first == in_a_process('fork') for _ in range(2)])"
    assert answer_of(tmp_path, script) == "[True, True]"


def test_every_function_answers_in_a_spawned_process(tmp_path: Path) -> None:
    assert answer_of(tmp_path, "print(everything() == in_a_process('spawn'))") == "True"


@pytest.mark.slow
def test_every_function_answers_in_many_threads_at_once(tmp_path: Path) -> None:
    script = """\
from concurrent.futures import ThreadPoolExecutor
first = everything()
with ThreadPoolExecutor(3) as pool:
    print({first} == set(pool.map(lambda _: everything(), range(3))))"""
    assert answer_of(tmp_path, script) == "True"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are of POSIX")
def test_a_fork_while_another_thread_draws_weights_has_the_generator_whole_and_free(tmp_path: Path) -> None:
    script = """\
from babygpt.gpt.model import seeded
torch.manual_seed(5)
wanted = torch.rand(1).item()
torch.manual_seed(5)
inside, go_on = threading.Event(), threading.Event()
def hold():
    with seeded(1):
        inside.set()
        go_on.wait(100)
threading.Thread(target=hold).start()
inside.wait()
threading.Timer(0.5, go_on.set).start()
def draw(queue):
    queue.put((torch.rand(1).item(), bg.train(TEXT, **SMALL).steps))
context = multiprocessing.get_context('fork')
queue = context.Queue()
process = context.Process(target=draw, args=(queue,))
process.start()
print(queue.get(timeout=200) == (wanted, 2))
process.join(10)"""
    assert answer_of(tmp_path, script) == "True"
