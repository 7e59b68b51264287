"""``babygpt devices``: what becomes of the chain when the GPT is joined to something outside itself."""

from __future__ import annotations

from typing import Annotated

import typer

import babygpt
from babygpt.app import screen
from babygpt.app.options import AtStep, RunFolder, chain_at
from babygpt.errors import BabyGPTError, SettingError


def devices(
    run: RunFolder,
    step: AtStep = None,
    lookup: Annotated[
        list[str] | None, typer.Option(metavar="TEXT=ANSWER", help="A lookup of your own: after TEXT comes ANSWER.")
    ] = None,
    tokens: Annotated[int, typer.Option(help="Tokens said in each measurement.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed measures the same walk.")] = 0,
) -> None:
    """Join the GPT to devices and see where it stops being a finite chain.

    A device reads each token the GPT says and may put tokens of its own into the context. Joined to a finite device
    the GPT is a finite chain still, with more states. Joined to one that is not, the same context and the same token
    lead now here, now there: no list of contexts is a list of states any more.

    babygpt devices runs/run-1 --lookup 11=0
    """
    from rich.table import Table
    from rich.text import Text

    from babygpt.chain.device import Device, connect, context_alone

    loaded = babygpt.Run.load(run)
    chain = chain_at(loaded, step)
    start, symbols = loaded.corpus.most_frequent, chain.vocabulary.symbols
    answers = dict(_pair(entry) for entry in lookup or [])
    twice = chain.vocabulary.separator.join([symbols[-1]] * 2)
    shown: dict[str, Device | None] = {
        "none: the GPT alone": None,
        f"lookup {', '.join(f'{k} → {v}' for k, v in answers.items()) or f'{twice} → {symbols[0]}'}": Device.lookup(
            answers or {twice: symbols[0]}, chain.vocabulary
        ),
        f"clock: {symbols[0]} after every 3 tokens": Device.clock(3, symbols[0]),
        f"counter: {symbols[0]} after 1, 4, 9, 16, … tokens": Device.counter(symbols[0]),
    }
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("device")
    for name in ("states", "entropy rate", "same context and token,\nmore than one outcome"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("for example")
    for name, device in shown.items():
        states, rate = "not finite", "–"
        try:
            joined = chain if device is None else connect(chain, device)
            states, rate = f"{joined.n_states:,}", f"{joined.entropy_rate():.4f}"
        except BabyGPTError as error:
            screen.say(f"{name}: {error}")
        measured = context_alone(chain, device, start, tokens, seed)
        example = ""
        if measured.example is not None:
            context, token, nexts = measured.example
            example = f"{context} says {token}, next is {' or '.join(nexts)}"
        table.add_row(Text(name), states, rate, f"{measured.ambiguous:,} of {measured.questions:,}", Text(example))
    screen.out().print(table)


def _pair(entry: str) -> tuple[str, str]:
    text, equals, answer = entry.partition("=")
    if not (text and equals and answer):
        raise SettingError(f"--lookup {entry!r} is not of the form TEXT=ANSWER, such as 11=0.")
    return text, answer
