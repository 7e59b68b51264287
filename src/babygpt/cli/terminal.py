"""What the command line prints: data to standard output, everything else to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from babygpt.chain.contexts import all_contexts, contexts_between, count_short
from babygpt.cli import console
from babygpt.cli.language import translated

if TYPE_CHECKING:
    from pathlib import Path

    from babygpt.chain.chain import MarkovChain
    from babygpt.chain.walk import Walk
    from babygpt.gpt.corpus import Corpus
    from babygpt.run.run import Run

# More contexts than this are not read by people: the most frequent ones are shown.
MAX_SHOWN = 64
# More symbols than this have no column each: the likeliest few are named.
MAX_COLUMNS, TOP = 6, 5


def progress() -> Progress:
    """Return the live display of a training, on standard error."""
    return Progress(
        TextColumn(translated("training")),
        BarColumn(bar_width=28),
        TextColumn(translated("step {task.completed:,.0f}/{task.total:,.0f}")),
        TextColumn(translated("loss {task.fields[loss]}")),
        TextColumn(translated("[dim]floor {task.fields[floor]:.4f}")),
        TimeRemainingColumn(compact=True),
        console=console.err(),
    )


def shown_states(chain: MarkovChain, corpus: Corpus | None) -> list[int]:
    """Return the states to print: all of few, else the most frequent in the data."""
    if chain.n_states <= MAX_SHOWN:
        return list(range(chain.n_states))
    if corpus is None:
        return list(range(MAX_SHOWN))
    often = np.argsort(-corpus.counts.sum(axis=1), kind="stable")[: MAX_SHOWN // 2]
    return sorted(corpus.states[often].tolist())


def article_lines(chain: MarkovChain, states: list[int]) -> Iterator[str]:
    """Yield each state the way the article prints it: ``input [1, 0, 1] ---> [0.207145, 0.792855]``."""
    V, K = len(chain.vocabulary), chain.context_length
    for state in states:
        ids = contexts_between(state, state + 1, V, K)[0]
        names = ", ".join(chain.vocabulary.label([i]) for i in ids)
        if V <= MAX_COLUMNS:
            arrows = ", ".join(f"{p:.6f}" for p in chain.probs[state])
        else:
            arrows = _likeliest(chain, chain.probs[state])
        yield f"input [{names}] ---> [{arrows}]"


def chain_table(chain: MarkovChain, states: list[int], corpus: Corpus | None, short: bool = False) -> Table:
    """Return the states as a table: the model's next token, and the data's own where the data has it.

    A context in which the data ends, and from which it never goes on, is "never left", not "never seen".
    """
    vocabulary, V = chain.vocabulary, len(chain.vocabulary)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("context", no_wrap=True)
    wide = V > MAX_COLUMNS
    if wide:
        table.add_column("most likely next", no_wrap=True)
    else:
        for token in range(V):
            table.add_column(Text(vocabulary.label([token])), justify="right")
    table.add_column("the model" if not wide else "", no_wrap=True)
    table.add_column("in the data", no_wrap=True)
    rows = {} if corpus is None else {int(s): i for i, s in enumerate(corpus.states)}
    ends = set() if corpus is None else set(corpus.end_states.tolist())

    def add(label: str, probs: NDArray[np.float64], data: Text) -> None:
        cells = [_likeliest(chain, probs)] if wide else [_percent(p) for p in probs]
        best = int(np.argmax(probs))
        bar = "" if wide else f"{vocabulary.label([best])} {'█' * round(20 * float(probs[best]))}"
        table.add_row(Text(label), *(Text(cell) for cell in cells), Text(bar), data)

    if short:
        for length in range(1, chain.context_length):
            for ids in all_contexts(V, length) if count_short(V, chain.context_length) <= MAX_SHOWN else ():
                add(
                    vocabulary.label(ids),
                    np.exp(chain.row(ids.tolist())),
                    Text(translated("start-up only"), style="dim"),
                )
    for state in states:
        label = chain.label(state)
        if state in rows and corpus is not None:
            counts = corpus.counts[rows[state]]
            likely = np.argsort(-counts, kind="stable")[:3]
            data = ", ".join(f"{vocabulary.label([t])} ×{_times(counts[t])}" for t in likely if counts[t])
            add(label, chain.probs[state], Text(data + (" …" if np.count_nonzero(counts) > 3 else "")))
        else:
            unseen = "never left" if state in ends else "never seen"
            add(label, chain.probs[state], Text("" if corpus is None else translated(unseen), style="dim"))
    return table


def walk_lines(walk: Walk) -> Iterator[str]:
    """Yield each step of a walk: where it stood, the token drawn and how likely it was, where it went."""
    label = walk.vocabulary.label
    for i, (token, probability) in enumerate(zip(walk.tokens.tolist(), walk.probs.tolist(), strict=True)):
        here, there = label(walk.contexts[i]), label(walk.contexts[i + 1])
        yield f"{i + 1:>4}  {here} → {label([token])} ({_percent(probability)}) → {there}"


def write(data: bytes) -> None:
    """Write bytes to standard output."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _times(count: np.number) -> str:
    """Return a count as it is, and a weight to six digits."""
    return f"{count:,}" if isinstance(count, np.integer) else f"{count:,.6g}"


def _percent(probability: float) -> str:
    return "<0.1%" if 0 < probability < 0.0005 else f"{100 * probability:.1f}%"


def _likeliest(chain: MarkovChain, probs: NDArray[np.float64]) -> str:
    best = np.argsort(-probs, kind="stable")[:TOP]
    return ", ".join(f"{chain.vocabulary.label([t])} {_percent(float(probs[t]))}" for t in best) + ", …"


def say_what_is_hidden(chain: MarkovChain, run: Path) -> None:
    """Tell, on standard error, that only some contexts were printed, and how to have all."""
    if chain.n_states > MAX_SHOWN:
        console.say(f"The most frequent of {chain.n_states:,} contexts. All of them: babygpt chain {run} --format csv")


def say_if_not_trained(run: Run, start: str) -> None:
    """Tell, on standard error, that a start has fewer tokens than any context the GPT was trained after."""
    vocabulary, K = run.corpus.vocabulary, run.config.block_size
    n = len(vocabulary.encode(start))
    if n >= K or run.train_config.positions != "last":
        return

    def named(text: str) -> str:
        return vocabulary.label(vocabulary.encode(text))

    console.say(
        f"{named(start)} has {n} token{'s' * (n != 1)}; this GPT was trained after {K} (positions last), so its first "
        + ("token comes from a context " if K - n == 1 else f"{K - n} tokens come from contexts ")
        + f"it never learned: start from {K} tokens, such as {named(run.corpus.most_frequent)}, or train with "
        "--positions all."
    )
