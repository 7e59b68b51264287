"""What a session shows, as a Python script and as a command line that give the same."""

from __future__ import annotations

import re
import shlex
from dataclasses import asdict
from typing import Any

from babygpt.app.source import LOOKS_LIKE_A_PATH
from babygpt.app.stage.links import LONGEST, Decoding
from babygpt.app.stage.setup import Setup
from babygpt.chain.contexts import count_short
from babygpt.run.history import FRAME_BUDGET, FramePlan

# The settings that are only the screen's.
_OF_THE_SCREEN = {"stop_gap"}
_OPTIONS = {"context_length": "context", "n_layer": "layers", "n_head": "heads", "n_embd": "width"}


def python(setup: Setup, steps: int, step: int, decoding: Decoding, context: str | None) -> str:
    """Return a script that trains for ``steps`` steps and prints what the chain of a step says after a context."""
    steps, step = _as_recorded(setup, steps, step)
    lines = ["import babygpt as bg", ""]
    text = repr(setup.text)
    if _is_read(setup):
        # as the command line reads a file: without its mark and its last line break
        lines[:0] = ["from pathlib import Path", ""]
        lines.append(f'text = Path({setup.name!r}).read_text(encoding="utf-8-sig").removesuffix("\\n")')
        text = "text"
    arguments = [text, *(f"{name}={value!r}" for name, value in _given(setup, steps).items())]
    lines.append(f"run = bg.train({', '.join(arguments)})")
    chain = "run.chain" if step == steps else f"run.chain_at({step})"
    bent = {name: value for name, value in asdict(decoding).items() if value != getattr(Decoding(), name)}
    if bent:
        chain += f".with_decoding({', '.join(f'{name}={value!r}' for name, value in bent.items())})"
    lines += [f"chain = {chain}", "print(chain)" if context is None else f"print(chain[{context!r}])"]
    return "\n".join(lines) + "\n"


def command(setup: Setup, steps: int) -> str:
    """Return the command line that trains the same."""
    options = []
    for name, value in _given(setup, steps).items():
        option = "--" + _OPTIONS.get(name, name).replace("_", "-")
        if name == "bias":
            options.append(option)
        else:
            text = str(value)
            options.append(f"{option}={shlex.quote(text)}" if text.startswith("-") else f"{option} {shlex.quote(text)}")
    if _is_read(setup):
        source = shlex.quote(re.sub(r"^(?=-)", "./", setup.name))
        return " ".join(["babygpt train", source, *options])
    if setup.text.startswith("-") or LOOKS_LIKE_A_PATH.search(setup.text) or "\n" in setup.text:
        return " ".join([f"printf '%s\\n' {shlex.quote(setup.text)} | babygpt train -", *options])
    return " ".join(["babygpt train", shlex.quote(setup.text), *options])


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
