from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import networkx
import numpy as np
import pygraphviz
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

import babygpt as bg
from babygpt.draw import formats
from babygpt.gpt.vocabulary import visible

SVG = "{http://www.w3.org/2000/svg}"


def chain_over(symbols, K, tokens="chars"):
    vocabulary = bg.Vocabulary(symbols, tokens)
    V = len(vocabulary)
    table = np.random.default_rng(1).random((sum(V**k for k in range(1, K + 1)), V)) + 0.1
    return bg.MarkovChain.from_table(np.log(table / table.sum(axis=1, keepdims=True)), vocabulary)


# Symbols that one format or another gives a meaning of its own.
CHAINS = {
    "quotes": chain_over("\"'", 2),
    "comma": chain_over(",a", 2),
    "newline": chain_over("\na", 2),
    "tab": chain_over("\t ", 2),
    "brackets": chain_over("[/]", 2),
    "angles": chain_over("<a", 2),
    "ampersand": chain_over("&;", 2),
    "words": chain_over(["the", "[bold]", "a,b"], 2, "words"),
    "chinese": chain_over("床前明", 2),
    "beyond-the-basic-plane": chain_over("😀𠮷", 2),
    "semicolon": chain_over("-> ;", 1),
}
BACKSLASH = {"backslash": chain_over("\\N", 2), "backslash-words": chain_over(["a\\n", "b\\"], 1, "words")}
MARKUP = {"tag": chain_over("<>", 2), "entities": chain_over(["&lt;", "&gt;"], 1, "words")}


def each(*groups):
    return pytest.mark.parametrize(
        "chain",
        [pytest.param(chain, id=name) for group in groups for name, chain in group.items()],
    )


def arrows(chain):
    """Return (context, token, probability, next) of every arrow, from the definition."""
    split = chain.vocabulary.split
    return [
        (context, token, p, chain.vocabulary.separator.join([*split(context), token][1:]))
        for context in chain.contexts()
        for token, p in chain[context].items()
    ]


@each(CHAINS, BACKSLASH, MARKUP)
def test_json_reads_back_as_the_chain(chain):
    content = json.loads(formats.export(chain, "json"))
    assert content["vocabulary"] == list(chain.vocabulary.symbols)
    assert content["tokens"] == chain.vocabulary.tokens
    assert content["separator"] == chain.vocabulary.separator
    assert [
        (context, token, arrow["probability"], arrow["next"])
        for context, out in content["contexts"].items()
        for token, arrow in out.items()
    ] == arrows(chain)


COLUMNS = ["state", "context", "token", "probability", "next_state", "next"]
FORMULAS = {"formulas": chain_over(["=1+1", "-1", "+x", "@y", "007", '"', "a,b"], 1, "words")}


@each(CHAINS, BACKSLASH, MARKUP, FORMULAS)
def test_csv_reads_back_as_the_chain(chain):
    rows = list(csv.reader(io.StringIO(formats.export(chain, "csv").decode(), newline="")))
    assert rows[0] == COLUMNS
    assert [(c, t, float(p), n) for _, c, t, p, _, n in rows[1:]] == arrows(chain)
    for state, context, _, _, next_state, following in rows[1:]:
        assert (int(state), int(next_state)) == (chain.state(context), chain.state(following))


@each(CHAINS, BACKSLASH, MARKUP, FORMULAS)
def test_csv_quotes_every_text_and_no_number(chain):
    text = io.StringIO(formats.export(chain, "csv").decode(), newline="")
    rows = list(csv.reader(text, quoting=csv.QUOTE_NONNUMERIC))  # takes what is not quoted for a number
    assert {tuple(map(type, row)) for row in rows[1:]} == {(float, str, str, float, float, str)}


@each(CHAINS, BACKSLASH, MARKUP, FORMULAS)
@pytest.mark.parametrize("short", [False, True])
def test_csv_and_parquet_are_one_table_that_keeps_its_types(chain, short):
    table = parquet.read_table(io.BytesIO(formats.export(chain, "parquet", short)))
    texts = [str(table.schema.field(name).type) for name in COLUMNS]
    assert texts == ["int64", "string", "string", "double", "int64", "string"]
    columns = table.to_pydict()
    if not short:
        assert list(zip(*(columns[c] for c in ("context", "token", "probability", "next")), strict=True)) == arrows(
            chain
        )
    read = arrow_csv.read_csv(
        io.BytesIO(formats.export(chain, "csv", short)),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(column_types=table.schema, strings_can_be_null=False),
    )
    assert read.to_pydict() == columns


def test_a_short_context_has_no_state():
    columns = chain_over("01", 3).rows(short=True)
    assert columns["state"].tolist() == [-1] * 12 + [state for state in range(8) for _ in "01"]
    for name in ("state", "next_state"):
        contexts = columns["context" if name == "state" else "next"].tolist()
        assert all((state == -1) == (len(c) < 3) for state, c in zip(columns[name].tolist(), contexts, strict=True))


@each(CHAINS, BACKSLASH, MARKUP)
def test_npz_reads_back_as_the_chain(chain):
    with np.load(io.BytesIO(formats.export(chain, "npz")), allow_pickle=False) as arrays:
        same = bg.MarkovChain(
            arrays["log_probs"], bg.Vocabulary(arrays["vocabulary"].tolist(), chain.vocabulary.tokens)
        )
    assert np.array_equal(same.log_probs, chain.log_probs)
    assert list(same) == list(chain)


@each(CHAINS, BACKSLASH, MARKUP)
def test_graphml_reads_back_as_the_chain(chain):
    graph = networkx.parse_graphml(formats.export(chain, "graphml").decode())
    assert list(graph) == list(chain)
    read = {(tail, data["token"]): (data["probability"], head) for tail, head, data in graph.edges(data=True)}
    assert read == {(c, t): (p, n) for c, t, p, n in arrows(chain)}


@each(CHAINS, BACKSLASH, MARKUP)
def test_dot_has_the_arrows_of_the_chain(chain):
    graph = pygraphviz.AGraph(string=formats.export(chain, "dot").decode())
    names = dict(zip(chain.contexts(), graph.nodes(), strict=True))
    for context, _, p, head in arrows(chain):
        assert float(graph.get_edge(names[context], names[head]).attr["probability"]) == p
    assert len(graph.edges()) == chain.n_arrows


def test_a_probability_that_is_written_with_an_exponent_is_read_back():
    chain = bg.MarkovChain(np.log([[1e-5, 1 - 1e-5], [0.5, 0.5]]), ["a", "b"])
    graph = pygraphviz.AGraph(string=formats.export(chain, "dot").decode())
    assert float(graph.get_edge("a", "a").attr["probability"]) == pytest.approx(1e-5)


@each(
    {name: chain for name, chain in CHAINS.items() if name != "newline"},  # a line break in a name is one in a label
    BACKSLASH,
    MARKUP,
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # pygraphviz passes on what Graphviz says of fonts
def test_graphviz_draws_the_exported_dot_with_the_contexts_as_they_are(chain, tmp_path):
    graph = pygraphviz.AGraph(string=formats.export(chain, "dot").decode())
    texts = [t.text for t in ET.fromstring(graph.draw(format="svg", prog="circo")).iter(f"{SVG}text")]
    spaced = {(text or "").replace("\xa0", " ").strip() for text in texts}
    assert {context.replace("\t", " ").strip() for context in chain.contexts()} <= spaced


def drawn_elsewhere(chain):
    """Return the chain's picture as SVG, drawn in another process: what Graphviz misreads can end it."""
    given = (chain.vocabulary.symbols, chain.context_length, chain.vocabulary.tokens)
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_formats as t"
    code = f"{code}; sys.stdout.write(t.chain_over(*{given!r}).plot().svg)"
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@each(
    CHAINS,
    BACKSLASH,
    MARKUP,
)
def test_the_picture_shows_contexts_and_arrows_as_they_are(chain):
    shown = [chain.vocabulary.label(chain.vocabulary.encode(context)) for context in chain.contexts()]
    labels = [f"{visible(token)}({100 * p:.0f}%)" for _, token, p, _ in arrows(chain)]
    svg = chain.plot().svg if chain in CHAINS.values() else drawn_elsewhere(chain)
    texts = [text.text.replace("\xa0", " ") for text in ET.fromstring(svg).iter(f"{SVG}text")]
    assert sorted(texts) == sorted(shown + labels)


def test_csv_keeps_a_carriage_return():
    chain = chain_over("\ra", 1)
    rows = list(csv.reader(io.StringIO(formats.export(chain, "csv").decode(), newline="")))
    assert [row[1:3] for row in rows[1:]] == [[c, t] for c in "\ra" for t in "\ra"]


@pytest.mark.parametrize("symbol", ["\x01", "\x1b"])
def test_graphml_of_control_characters_is_still_xml_or_is_refused(symbol):
    try:
        text = formats.export(chain_over(symbol + "a", 1), "graphml").decode()
    except bg.BabyGPTError:
        return
    assert len(networkx.parse_graphml(text)) == 2


@pytest.mark.parametrize("format", ["json", "csv", "dot", "parquet"])
def test_a_half_surrogate_is_written_or_refused(format):  # noqa: A002
    try:
        formats.export(chain_over("\udcffa", 1), format)
    except bg.BabyGPTError:
        return


def test_zero_arrows_are_exported_as_zero():
    chain = bg.MarkovChain([[0.0, -np.inf], [-np.inf, 0.0]], "ab")
    assert [p for *_, p, _ in arrows(chain)] == [1.0, 0.0, 0.0, 1.0]
    content = json.loads(formats.export(chain, "json"))["contexts"]
    assert content["a"]["b"] == {"probability": 0.0, "next": "b"}
    assert "0(" not in formats.export(chain, "dot").decode()
    assert 'label="b(0%)"' in formats.export(chain, "dot").decode()


def test_text_formats_refuse_millions_of_arrows_and_npz_does_not(monkeypatch):
    monkeypatch.setattr(formats, "MAX_TEXT_ARROWS", 15)
    chain = chain_over("01", 3)
    for format in ("json", "csv", "dot", "graphml"):  # noqa: A001
        with pytest.raises(bg.SizeError, match=rf"{format} .* 16 arrows; the limit is 15. Use --format parquet or npz"):
            formats.export(chain, format)
    assert formats.export(chain, "parquet").startswith(b"PAR1")
    assert formats.export(chain, "npz").startswith(b"PK")


def test_every_format_is_either_a_table_data_or_a_picture():
    assert set(formats.FORMATS) == {"table", *formats.DATA, *formats.PICTURES}
    from babygpt.cli.commands.chain import Format

    assert set(Format) == set(formats.FORMATS)
