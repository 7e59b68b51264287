"""``babygpt analyse``: everything that can be known of a run's chain."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from babygpt.chain.decoding import Decoding
from babygpt.cli import console
from babygpt.cli.meant import load
from babygpt.cli.options import AtStep, Replace, RunFolder, chain_at, decodes
from babygpt.cli.outputs import PICTURES, check_out
from babygpt.cli.progress import busy
from babygpt.cli.rows import AsRows, OutRows, RowFormat, rows_to_write, write_rows
from babygpt.errors import ConvergenceError, SettingError, SizeError
from babygpt.files import write_file

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain
    from babygpt.run.run import Run


@decodes
def analyse(
    run: RunFolder,
    step: AtStep = None,
    *,
    decoding: Decoding,
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
    format: AsRows = None,  # noqa: A002  # the option's name
    out: OutRows = None,
    replace: Replace = False,
    whole: Annotated[bool, typer.Option("--all", help="Lists whole: every state, eigenvalue, cycle.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; docs/analysis.md lists its keys.")] = False,
) -> None:
    """Answer every question about the chain of a run, exactly.

    babygpt analyse runs/run-1

    babygpt analyse runs/run-1 --target 000 --within 20 --start 101

    babygpt analyse runs/run-1 --over-training loss --over-training entropy_rate --plot training.svg

    babygpt analyse runs/run-1 --out answers.csv

    A row is an answer: section, question, value, note; a value that is no number is JSON. --format json is --json.
    """
    from babygpt.cli import analysis, terminal  # NumPy comes after --help
    from babygpt.gpt.checks import check_count
    from babygpt.gpt.signs import json_text

    chosen = rows_to_write(format, out, replace)
    if as_json and chosen not in (RowFormat.table, RowFormat.json):
        raise SettingError(f"--json and --format {chosen} are two formats. Give one of them.")
    if plot is not None:
        check_out(plot, PICTURES, replace)
    check_count("within", within, least=0)
    loaded = load(run)
    chain = chain_at(loaded, step).decoded(decoding)
    origin = loaded.corpus.most_frequent if start is None else start
    tail = _last_context(chain, origin) if any(_is_long(chain, word) for word in target or ()) else origin
    chain.row(tail)  # tells what is wrong with it, asked for or not
    targets = [_reach(chain, word, within, origin if _is_long(chain, word) else tail) for word in target or ()]
    if target or start is not None:
        terminal.say_if_not_trained(loaded, tail)
    texts = [_score(chain, word) for word in text or ()]
    followed: dict[str, Any] = {}
    if over_training or plot is not None:
        names = over_training or ["loss", "entropy_rate", "second_eigenvalue", "nearest_ngram"]
        followed = {name: _follow(loaded, name) for name in names}
        if not decoding.is_neutral:
            console.say("Over training the chain is followed as the GPT has it, without decoding.")
        if plot is not None:
            from babygpt.draw.plots import draw_traces

            console.say(f"picture: {draw_traces(loaded, names).save(plot, replace)}")
    limit = None if whole else analysis.MAX_LISTED
    programs = as_json or chosen != RowFormat.table
    with busy("analysing"):
        answers = analysis.analyse(chain, loaded.corpus, limit, visible=not programs)
    if as_json or chosen == RowFormat.json:
        every = {"schema": analysis.SCHEMA, **answers, "targets": targets, "texts": texts, "over_training": followed}
        text_of_all = json_text(analysis.plain(every))
        if out is None:
            console.line(text_of_all)
        else:
            write_file(out, f"{text_of_all}\n".encode(), "table", replace)
            console.say(f"written: {out}")
        return
    if chosen != RowFormat.table:
        write_rows(_rows(answers), chosen, out, replace)
        return
    from babygpt.cli import report

    def label(text: str) -> str:
        return chain.vocabulary.label(chain.vocabulary.encode(text))

    sections = report.sections(answers)
    sections += report.targets(targets, label) + report.texts(texts, label) + report.followed(followed, limit)
    report.show(sections)


def _rows(answers: dict[str, dict[str, Any]]) -> dict[str, list[Any]]:
    """Return each answer as a row; one that is no number is JSON, and so are all in their column."""
    from babygpt.cli import analysis

    rows: dict[str, list[Any]] = {"section": [], "question": [], "value": [], "note": []}
    for section, found in answers.items():
        for question, value in found.items():
            if question != "notes":
                said = json.dumps(analysis.plain(value), ensure_ascii=False)
                for name, cell in zip(rows, (section, question, said, found["notes"].get(question, "")), strict=True):
                    rows[name].append(cell)
    return rows


def _is_long(chain: MarkovChain, word: str) -> bool:
    return len(chain.vocabulary.encode(word)) > chain.context_length


def _last_context(chain: MarkovChain, text: str) -> str:
    """Return what the chain sees of a text: all of it, or its last K tokens."""
    tokens = chain.vocabulary.encode(text)
    return text if len(tokens) <= chain.context_length else chain.vocabulary.decode(tokens[-chain.context_length :])


def _reach(chain: MarkovChain, word: str, within: int, start: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"target": word, "start": start, "within": within}
    answer["probability"] = chain.hitting_probability(word, within, start)
    notes = {}
    try:
        answer["expected_tokens"] = chain.hitting_times(word, start)
    except (SizeError, ConvergenceError) as error:
        answer["expected_tokens"], notes["expected_tokens"] = None, str(error)
    else:
        if not math.isfinite(answer["expected_tokens"]):
            notes["expected_tokens"] = "infinite: the target may be missed for ever, or longer than any float can say"
    return answer | {"notes": notes}


def _score(chain: MarkovChain, text: str) -> dict[str, Any]:
    surprisal = [None if s != s else float(s) for s in chain.surprisal(text)]
    answer: dict[str, Any] = {
        "text": text,
        "log_probability": chain.log_probability(text),
        "perplexity": chain.perplexity(text),
        "surprisal": surprisal,
    }
    notes = {}
    if None in surprisal:
        notes["surprisal"] = "null where nothing precedes the token that the chain knows"
    for key, sign in (("log_probability", "minus infinite"), ("perplexity", "infinite")):
        if not math.isfinite(answer[key]):
            notes[key] = f"{sign}: the chain never says this text"
            notes["surprisal"] = "null for a token that nothing precedes, and for one that never follows"
    return answer | {"notes": notes}


def _follow(run: Run, name: str) -> dict[str, Any]:
    try:
        trace = run.trace(name)
    except (SizeError, ConvergenceError) as error:
        return {"steps": None, "values": None, "notes": {"values": str(error)}}
    values = [int(v) if math.isfinite(v) and v == int(v) else v for v in trace.values.tolist()]
    notes = {} if all(map(math.isfinite, values)) else {"values": "null where it is no finite number"}
    return {"steps": trace.steps.tolist(), "values": values, "notes": notes}
