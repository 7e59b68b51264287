"""``babygpt analyse``: everything that can be known of a run's chain."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import babygpt
from babygpt.app import screen
from babygpt.app.options import AtStep, RunFolder, chain_at

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain
    from babygpt.run.run import Run


def analyse(
    run: RunFolder,
    step: AtStep = None,
    temperature: Annotated[float, typer.Option(help="Decode with this temperature; 0 is greedy.")] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Keep the k likeliest tokens.", show_default="all")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Keep the likeliest up to this share.", show_default="all")
    ] = None,
    min_p: Annotated[
        float | None, typer.Option(help="Keep tokens this likely, as a share of the likeliest.", show_default="all")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Also: how long until this is said, how likely within --within tokens.")
    ] = None,
    within: Annotated[int, typer.Option(help="Tokens for --target.")] = 20,
    start: Annotated[
        str | None, typer.Option(help="Where --target is asked from.", show_default="the data's most frequent context")
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="Also: how likely this text is, token by token.")] = None,
    over_training: Annotated[
        list[str] | None, typer.Option(help="Also: a scalar at every recorded step, such as entropy_rate.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw --over-training to a file: svg, png, pdf.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Answer every question about the chain of a run, exactly.

    babygpt analyse runs/run-1

    babygpt analyse runs/run-1 --target 000 --within 20 --start 101

    babygpt analyse runs/run-1 --over-training loss --over-training entropy_rate --plot training.svg
    """
    from babygpt.app import analysis  # NumPy comes after --help

    loaded = babygpt.Run.load(run)
    chain = chain_at(loaded, step).with_decoding(temperature, top_k, top_p, min_p)
    extra: dict[str, dict[str, Any]] = {}
    if target:
        origin = start if start is not None else loaded.corpus.most_frequent
        extra[f"reaching, from {origin}"] = {word: _reach(chain, word, within, origin) for word in target}
    if text:
        extra["texts"] = {word: _score(chain, word) for word in text}
    if over_training or plot is not None:
        names = over_training or ["loss", "entropy_rate", "second_eigenvalue", "nearest_ngram"]
        extra["over training"] = {name: _follow(loaded, name) for name in names}
        if plot is not None:
            from babygpt.draw.plots import draw_traces

            screen.say(f"picture: {draw_traces(loaded, names).save(plot)}")
    answers = analysis.analyse(chain, loaded.corpus) | extra
    if as_json:
        typer.echo(json.dumps(analysis.plain(answers), ensure_ascii=False, indent=1, allow_nan=False))
    else:
        _print(answers)


def _reach(chain: MarkovChain, word: str, within: int, start: str) -> dict[str, Any]:
    answer: dict[str, Any] = {f"probability within {within}": chain.hitting_probability(word, within, start)}
    if len(chain.vocabulary.encode(start)) == chain.context_length:
        answer["expected tokens"] = float(chain.hitting_times(word)[chain.state(start)])
    return answer


def _score(chain: MarkovChain, text: str) -> dict[str, Any]:
    return {
        "log-probability (nats)": chain.log_probability(text),
        "perplexity": chain.perplexity(text),
        "surprisal of each token": [None if s != s else float(s) for s in chain.surprisal(text)],
    }


def _follow(run: Run, name: str) -> dict[str, float]:
    trace = run.trace(name)
    return {str(step): value for step, value in zip(trace.steps.tolist(), trace.values.tolist(), strict=True)}


def _print(answers: dict[str, dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for i, (section, named) in enumerate(answers.items()):
        if i:
            table.add_row("", "")
        table.add_row(Text(section, style="bold"), "")
        for name, value in named.items():
            table.add_row(Text(f"  {name}"), Text(_say(value)))
    screen.out().print(table)


def _say(value: Any) -> str:
    from babygpt.gpt.vocabulary import visible

    if value is None:
        return "–"
    if isinstance(value, complex):
        imaginary = f"{value.imag:+.4f}i" if abs(value.imag) > 1e-12 else ""
        return f"{value.real:.4f}{imaginary}"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "infinite" if value > 0 else "not a number"
        return f"{value:,.4f}" if abs(value) >= 1e-3 or value == 0 else f"{value:.3g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        shown = list(value.items())
        if len(shown) > 12:  # a history: its beginning, some of its middle, its end
            shown = [shown[round(i * (len(shown) - 1) / 11)] for i in range(12)]
        return "   ".join(f"{visible_words(key)} {_say(inner)}" for key, inner in shown)
    if isinstance(value, list):
        return "   ".join(_say(inner) for inner in value)
    return visible_words(str(value)) if "\n" in str(value) else visible(str(value)).replace("␣", " ")


def visible_words(text: str) -> str:
    """Return a text with its line breaks and controls drawn as signs, and its spaces left alone."""
    from babygpt.gpt.vocabulary import visible

    return " ".join(visible(part) for part in text.split(" "))
