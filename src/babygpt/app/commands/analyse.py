"""``babygpt analyse``: everything that can be known of a run's chain."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import babygpt
from babygpt.app import screen
from babygpt.app.options import AtStep, MinP, RunFolder, Temperature, TopK, TopP, chain_at
from babygpt.errors import ConvergenceError, SettingError, SizeError

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain
    from babygpt.run.run import Run


def analyse(
    run: RunFolder,
    step: AtStep = None,
    temperature: Temperature = 1.0,
    top_k: TopK = None,
    top_p: TopP = None,
    min_p: MinP = None,
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
    from babygpt.gpt.checks import check_count

    if plot is not None and plot.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise SettingError(f"The name {plot} does not end in .svg, .png or .pdf, the formats of this picture.")
    check_count("within", within, least=0)
    loaded = babygpt.Run.load(run)
    decoding = (temperature, top_k, top_p, min_p)
    chain = chain_at(loaded, step).with_decoding(*decoding)
    origin = loaded.corpus.most_frequent if start is None else start
    chain.row(origin)  # tells what is wrong with it, asked for or not

    def label(text: str) -> str:
        return text if as_json else chain.vocabulary.label(chain.vocabulary.encode(text))

    extra: dict[str, dict[str, Any]] = {}
    if target:
        extra[f"reaching, from {label(origin)}"] = {label(word): _reach(chain, word, within, origin) for word in target}
    if text:
        extra["texts"] = {label(word): _score(chain, word) for word in text}
    if over_training or plot is not None:
        names = over_training or ["loss", "entropy_rate", "second_eigenvalue", "nearest_ngram"]
        extra["over training"] = {name: _follow(loaded, name) for name in names}
        if decoding != (1.0, None, None, None):
            screen.say("Over training the chain is followed as the GPT has it, without decoding.")
        if plot is not None:
            from babygpt.draw.plots import draw_traces

            screen.say(f"picture: {draw_traces(loaded, names).save(plot)}")
    answers = analysis.analyse(chain, loaded.corpus, visible=not as_json) | extra
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


def _follow(run: Run, name: str) -> dict[str, float] | str:
    try:
        trace = run.trace(name)
    except (SizeError, ConvergenceError) as error:
        return f"({error})"
    values = [int(v) if math.isfinite(v) and v == int(v) else v for v in trace.values.tolist()]
    return {str(step): value for step, value in zip(trace.steps.tolist(), values, strict=True)}


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
    screen.show(table)


def _say(value: Any) -> str:
    from babygpt.app.analysis import in_words

    if value is None:
        return "–"
    if isinstance(value, complex):
        imaginary = f"{value.imag:+.4f}i" if abs(value.imag) > 1e-12 else ""
        return f"{value.real:.4f}{imaginary}"
    if isinstance(value, float):
        if not math.isfinite(value):
            return in_words(value)
        return f"{value:,.4f}" if 1e-3 <= abs(value) < 1e6 or value == 0 else f"{value:.3g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        shown = list(value.items())
        if len(shown) > 12:  # a history: its beginning, some of its middle, its end
            shown = [shown[round(i * (len(shown) - 1) / 11)] for i in range(12)]
        return "   ".join(f"{key} {_say(inner)}" for key, inner in shown)
    if isinstance(value, list):
        return "   ".join(_say(inner) for inner in value)
    return str(value)
