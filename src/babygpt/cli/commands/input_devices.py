"""``babygpt input-devices``: what becomes of the chain when the GPT is joined to something outside itself."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from babygpt.cli import console
from babygpt.cli.language import translated
from babygpt.cli.meant import load
from babygpt.cli.options import AtStep, Replace, RunFolder, chain_at
from babygpt.cli.progress import busy
from babygpt.cli.rows import AsRows, OutRows, RowFormat, rows_to_write, write_rows
from babygpt.errors import SettingError

COLUMNS = ("device", "states", "entropy_rate", "ambiguous", "questions", "context", "token", "next")


def input_devices(
    run: RunFolder,
    step: AtStep = None,
    lookup: Annotated[
        list[str] | None, typer.Option(metavar="TEXT=ANSWER", help="A lookup of your own: after TEXT comes ANSWER.")
    ] = None,
    tokens: Annotated[int, typer.Option(help="Tokens said in each measurement.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed measures the same walk.")] = 0,
    format: AsRows = None,  # noqa: A002  # the option's name
    out: OutRows = None,
    replace: Replace = False,
) -> None:
    """Join the GPT to devices and see where it stops being a finite chain.

    A device reads each token the GPT says and may put tokens of its own into the context. Joined to a finite device
    the GPT is a finite chain still, with more states. Joined to one that is not, the same context and the same token
    lead now here, now there: no list of contexts is a list of states any more.

    babygpt input-devices runs/run-1 --lookup 11=0
    """
    from rich.table import Table
    from rich.text import Text

    from babygpt.chain.input_device import InputDevice, connect, context_alone
    from babygpt.gpt.signs import visible

    chosen = rows_to_write(format, out, replace)
    loaded = load(run)
    chain = chain_at(loaded, step)
    vocabulary, start = chain.vocabulary, loaded.corpus.most_frequent
    first, last = vocabulary.symbols[0], vocabulary.symbols[-1]
    answers = dict(_pair(entry) for entry in lookup or [vocabulary.separator.join([last, last]) + "=" + first])

    def label(text: str) -> str:
        return vocabulary.label(vocabulary.encode(text))

    lookup_device = InputDevice.lookup(answers, vocabulary)
    shown: dict[str, InputDevice | None] = {
        "none: the GPT alone": None,
        f"lookup {', '.join(f'{label(text)} → {label(answer)}' for text, answer in answers.items())}": lookup_device,
        f"clock: {visible(first)} after every 3 tokens": InputDevice.clock(3, first),
        f"counter: {visible(first)} after 1, 4, 9, 16, … tokens": InputDevice.counter(first),
    }
    measured: list[tuple[Any, ...]] = []
    with busy("measuring"):
        for name, device in shown.items():
            joined = chain if device is None else None if device.why_not_finite else connect(chain, device)
            size = (None, None) if joined is None else (joined.n_states, joined.entropy_rate())
            alone = context_alone(chain, device, start, tokens, seed)
            measured.append((name, *size, alone.ambiguous, alone.questions, *(alone.example or (None, None, ()))))
    if chosen != RowFormat.table:
        columns = {column: [row[i] for row in measured] for i, column in enumerate(COLUMNS)}
        columns["next"] = [", ".join(nexts) or None for nexts in columns["next"]]
        write_rows(columns, chosen, out, replace)
        return
    for name, device in shown.items():
        if device is not None and device.why_not_finite:
            console.say(f"{name}: not finite, because {device.why_not_finite}.")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("device", min_width=20)
    for name in ("states", "entropy rate", "same context and token,\nmore than one outcome"):
        table.add_column(name, justify="right")
    table.add_column("for example", min_width=20)
    for name, states, rate, ambiguous, questions, context, token, nexts in measured:
        example = ""
        if context is not None:
            example = translated(f"{label(context)} says {visible(token)}, next is {' or '.join(map(label, nexts))}")
        known = (translated("not finite"), "–") if states is None else (f"{states:,}", f"{rate:.4f}")
        table.add_row(Text(translated(name)), *known, translated(f"{ambiguous:,} of {questions:,}"), Text(example))
    console.show(table)


def _pair(entry: str) -> tuple[str, str]:
    text, equals, answer = entry.partition("=")
    if not (text and equals and answer):
        raise SettingError(f"--lookup {entry!r} is not of the form TEXT=ANSWER, such as 11=0.")
    return text, answer
