"""What a session shows, as a Python script and as a command line that give the same."""

from __future__ import annotations

import re
import shlex
from typing import Any

from babygpt.chain.contexts import count_short
from babygpt.chain.decoding import Decoding
from babygpt.gpt.paths import looks_like_path
from babygpt.run.history import FRAME_BUDGET, FramePlan
from babygpt.settings import READING, SCREEN, SETTINGS
from babygpt.studio.links import LONGEST
from babygpt.studio.seed_bands import HIGH, LOW
from babygpt.studio.setup import Setup

# The settings that are only the screen's.
_OF_THE_SCREEN = {setting.name for setting in SCREEN}
# Those that say what a corpus is of.
_OF_THE_CORPUS = ("context_length", *(setting.name for setting in READING))


def python(setup: Setup, steps: int, step: int, decoding: Decoding, state: int | None) -> str:
    """Return a script that trains for ``steps`` steps and prints what a step's chain says, all or after a state."""
    steps, step = _as_recorded(setup, steps, step)
    learnt, lines, given = _begun(setup, ["import babygpt as bg"], _given(setup, steps))
    lines.append(f"run = bg.train({', '.join([learnt, *_said(given)])})")
    chain = "run.chain" if step == steps else f"run.chain_at({step})"
    if not decoding.is_neutral:
        chain += f".with_decoding({decoding})"
    lines += [f"chain = {chain}", "print(chain)" if state is None else f"print(chain[{setup.context(state)!r}])"]
    return "\n".join(lines) + "\n"


def python_of_seeds(setup: Setup, steps: int, step: int, decoding: Decoding, state: int | None, seeds: int) -> str:
    """Return a script that trains many seeds and prints, of a step, what lies between nine in ten of them."""
    imports = ["import numpy as np", "", "import babygpt as bg"]
    imports += [] if decoding.is_neutral else ["from babygpt.chain.decoding import Decoding"]
    learnt, lines, given = _begun(setup, imports, _given(setup, steps))
    given = {"seeds": range(seeds), "at": [step], **given}
    given.pop("seed", None)
    lines.append(f"many = bg.study({', '.join([learnt, *_said(given)])})")
    lines.append(f"probs = many.probs[:, 0{'' if state is None else f', {state}'}]")
    if not decoding.is_neutral:
        lines.append(f"probs = np.exp(Decoding({decoding}).apply(np.log(probs)))")
    lines.append(f"print(np.quantile(probs, {[LOW, 0.5, HIGH]}, axis=0))")
    return "\n".join(lines) + "\n"


def command(setup: Setup, step: int) -> str:
    """Return the command line that trains up to a step, so that it prints the step's chain.

    The command line trains one step at least: of step 0 it says, above it, that the chain before that is meant.
    """
    line = _typed("babygpt train", setup, _given(setup, max(step, 1)))
    return line if step else f"# step 0, before any training: one step is the least that this trains\n{line}"


def command_of_seeds(setup: Setup, steps: int, step: int, seeds: int) -> str:
    """Return the command line that trains many seeds, and finds this one among them at a step."""
    given = _given(setup, steps)
    marked = {"mark": given.pop("seed")} if "seed" in given else {}
    return _typed("babygpt seeds", setup, {"seeds": seeds, "at": step, **marked, **given})


def _begun(setup: Setup, imports: list[str], given: dict[str, Any]) -> tuple[str, list[str], dict[str, Any]]:
    """Return what a script learns from, its first lines, and the settings that are still to be said."""
    by_itself = setup.reading.joined and setup.settings.separator is None and not looks_like_path(setup.text)
    if by_itself and not _is_read(setup):
        return repr(setup.text), [*imports, ""], {name: value for name, value in given.items() if name != "lines"}
    own: dict[str, Any] = {name: given[name] for name in ("vocabulary", "tokens", "separator") if name in given}
    if _is_read(setup):
        made, what = "from_file", repr(setup.name)
        own |= {"lines": True} if not setup.reading.joined else {}
        own |= {"encoding": setup.encoding} if setup.encoding else {}
    elif setup.reading.joined:
        made, what = "from_text", repr(setup.text)
    else:
        made, what = "from_sequences", repr(list(setup.reading.sequences()))
    own = {"context_length": setup.settings.context_length, **own}
    counted = f"corpus = bg.Corpus.{made}({', '.join([what, *_said(own)])})"
    rest = {name: value for name, value in given.items() if name not in _OF_THE_CORPUS}
    return "corpus", [*imports, "", counted], rest


def _said(given: dict[str, Any]) -> list[str]:
    return [f"{name}={value!r}" for name, value in given.items()]


def _typed(babygpt: str, setup: Setup, given: dict[str, Any]) -> str:
    options = []
    for name, value in given.items():
        if name == "lines":
            continue
        option = "--" + (SETTINGS[name].option if name in SETTINGS else name)
        if name == "bias":
            options.append(option)
        else:
            text = str(value)
            options.append(f"{option}={shlex.quote(text)}" if text.startswith("-") else f"{option} {shlex.quote(text)}")
    if not setup.reading.joined:
        options.append("--lines")
    elif setup.settings.lines is False:
        options.append("--no-lines")
    if _is_read(setup):
        options += [f"--encoding {setup.encoding}"] if setup.encoding else []
        source = shlex.quote(re.sub(r"^(?=-)", "./", setup.name))
        return " ".join([babygpt, source, *options])
    if setup.text.startswith("-") or looks_like_path(setup.text) or "\n" in setup.text:
        return " ".join([f"printf '%s\\n' {shlex.quote(setup.text)} | {babygpt} -", *options])
    return " ".join([babygpt, shlex.quote(setup.text), *options])


def _is_read(setup: Setup) -> bool:
    """Whether the text is read from its file; one that is short enough is spelled out, so that it needs no file."""
    return setup.is_file and len(setup.text) > LONGEST


def _given(setup: Setup, steps: int) -> dict[str, Any]:
    given = {name: value for name, value in setup.settings.given.items() if name not in {*_OF_THE_SCREEN, "steps"}}
    return given if steps == 50 else {"steps": steps, **given}


def _as_recorded(setup: Setup, steps: int, step: int) -> tuple[int, int]:
    """Return how many steps to train and which to look at: a step that is not recorded on the way is the last one."""
    V, K = setup.config.vocab_size, setup.config.block_size
    n_contexts = count_short(V, K) + setup.n_states
    plan = FramePlan.within(FRAME_BUDGET, steps, n_contexts * V, n_contexts)
    return (steps, step) if plan.wants(step) or step == steps else (step, step)
