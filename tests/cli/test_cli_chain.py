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

import babygpt as bg

BABYGPT = str(Path(sys.executable).with_name("babygpt"))
SVG = "{http://www.w3.org/2000/svg}"
PNG = b"\x89PNG\r\n\x1a\n"
CONTEXTS = ["000", "001", "010", "011", "100", "101", "110", "111"]
SHORT = ["0", "1", "00", "01", "10", "11"]
LABELS = {
    *("0(27%)", "1(73%)", "0(22%)", "1(78%)", "0(24%)", "1(76%)", "0(20%)", "1(80%)", "0(25%)", "1(75%)", "0(21%)"),
    *("1(79%)", "0(55%)", "1(45%)"),
}


def svg_texts(data):
    return [element.text for element in ET.fromstring(data).iter(f"{SVG}text")]


@pytest.fixture
def chain(babygpt, kept_article_run):
    """Return ``babygpt chain`` on the article's run, as a function of the options."""

    def call(*arguments):
        result = babygpt("chain", kept_article_run, *arguments)
        assert result.exit_code == 0, result.stderr
        return result

    return call


# -- formats -----------------------------------------------------------------------------------------------


def test_without_options_the_chain_is_a_table(chain, article_run):
    lines = chain().stdout.splitlines()
    assert lines[0].split() == ["context", "0", "1", "the", "model", "in", "the", "data"]
    for line, context, probs in zip(lines[1:], CONTEXTS, article_run.chain.probs, strict=True):
        assert line.split()[:3] == [context, f"{100 * probs[0]:.1f}%", f"{100 * probs[1]:.1f}%"]
    assert chain("--format", "table").stdout.splitlines() == lines


def test_json_has_every_arrow(chain, article_run):
    content = json.loads(chain("--format", "json").stdout)
    assert (content["context_length"], content["vocabulary"], content["tokens"]) == (3, ["0", "1"], "chars")
    assert list(content["contexts"]) == CONTEXTS
    for context, arrows in content["contexts"].items():
        for token, arrow in arrows.items():
            assert arrow["probability"] == article_run.chain[context][token]
            assert arrow["next"] == context[1:] + token


def test_csv_has_a_line_for_each_arrow(chain, article_run):
    rows = list(csv.DictReader(io.StringIO(chain("-f", "csv").stdout)))
    assert [row["context"] + row["token"] for row in rows] == [c + t for c in CONTEXTS for t in "01"]
    for row in rows:
        assert float(row["probability"]) == article_run.chain[row["context"]][row["token"]]
        assert row["next"] == row["context"][1:] + row["token"]
        assert (int(row["state"]), int(row["next_state"])) == (int(row["context"], 2), int(row["next"], 2))


def test_npz_has_the_arrays(chain, article_run):
    with np.load(io.BytesIO(chain("-f", "npz").stdout_bytes), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["log_probs"], article_run.chain.log_probs)
        assert np.array_equal(arrays["probs"], article_run.chain.probs)
        assert np.array_equal(arrays["successors"], article_run.chain.successors())
        assert arrays["vocabulary"].tolist() == ["0", "1"]
        assert "short_log_probs" not in arrays


def test_dot_is_the_graph_with_the_articles_labels(chain, article_run):
    graph = pygraphviz.AGraph(string=chain("-f", "dot").stdout)
    assert graph.graph_attr["layout"] == "circo"
    assert sorted(graph.nodes()) == CONTEXTS
    assert len(graph.edges()) == 16
    for tail, head in graph.edges():
        edge = graph.get_edge(tail, head)
        assert float(edge.attr["probability"]) == article_run.chain[tail][head[-1]]
        assert edge.attr["label"] == f"{head[-1]}({100 * article_run.chain[tail][head[-1]]:.0f}%)"
    assert {edge.attr["label"] for edge in graph.edges()} == LABELS


def test_graphml_has_nodes_and_edges_with_their_attributes(chain, article_run):
    graph = networkx.parse_graphml(chain("-f", "graphml").stdout)
    assert sorted(graph) == CONTEXTS
    assert [graph.nodes[context]["state"] for context in CONTEXTS] == list(range(8))
    assert graph.number_of_edges() == 16
    for tail, head, arrow in graph.edges(data=True):
        assert head == tail[1:] + arrow["token"]
        assert arrow["probability"] == pytest.approx(article_run.chain[tail][arrow["token"]], abs=1e-15)


def test_svg_shows_every_context_and_every_arrow(chain):
    texts = svg_texts(chain("-f", "svg").stdout)
    assert len(texts) == 24
    assert set(texts) == LABELS | set(CONTEXTS)


def test_png_and_pdf_are_what_they_say(chain):
    assert chain("-f", "png").stdout_bytes.startswith(PNG)
    data = chain("-f", "pdf").stdout_bytes
    assert data.startswith(b"%PDF-")
    pypdf = pytest.importorskip("pypdf")
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    assert len(pages) == 1
    assert "1(79%)" in pages[0].extract_text()


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_signs_that_no_font_has_are_said_in_one_line(babygpt, kept_article_run, monkeypatch, format):  # noqa: A002
    monkeypatch.setattr("babygpt.draw.figure.families", lambda characters: (["DejaVu Sans"], "晴雨"))
    result = babygpt("chain", kept_article_run, "--out", f"chain.{format}")
    assert result.exit_code == 0
    said, written = result.stderr.splitlines()
    assert said.startswith(
        "warning: The picture shows boxes for 晴 雨: no installed font has them. Install Noto Sans CJK"
    )
    assert written == f"written: chain.{format}"
    assert babygpt("chain", kept_article_run, "--out", "chain.svg").stderr.splitlines() == ["written: chain.svg"]


# -- other options -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["json", "csv", "parquet", "npz", "dot", "svg", "png", "pdf", "graphml", "SVG"])
def test_the_ending_of_a_file_chooses_the_format(chain, ending):
    result = chain("--out", f"chain.{ending}")
    assert result.stdout == ""
    assert f"written: chain.{ending}" in result.stderr
    data = Path(f"chain.{ending}").read_bytes()
    same = chain("-f", ending.lower()).stdout_bytes
    assert data == same or ending == "pdf"  # a PDF has its date
    assert data[:4] == same[:4]


def test_format_chooses_where_the_ending_says_nothing(chain):
    chain("--out", "chain.txt", "--format", "csv")
    assert Path("chain.txt").read_text() == chain("-f", "csv").stdout
    chain("--out", "chain.CSV", "--format", "csv")
    assert Path("chain.CSV").read_text() == Path("chain.txt").read_text()


def test_an_existing_file_is_replaced_on_purpose_only(chain, babygpt, refused, kept_article_run):
    Path("chain.csv").write_text("mine")
    refused(babygpt("chain", kept_article_run, "--out", "chain.csv"), "chain.csv exists already", "--replace.")
    assert Path("chain.csv").read_text() == "mine"
    chain("--out", "chain.csv", "--replace")
    assert Path("chain.csv").read_text() == chain("-f", "csv").stdout
    assert [path.name for path in Path().iterdir()] == ["chain.csv"]


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no name for standard output")
def test_a_file_may_be_standard_output(kept_article_run):
    done = subprocess.run(
        [BABYGPT, "chain", str(kept_article_run), "-f", "dot", "--out", "/dev/stdout"], capture_output=True, check=True
    )
    assert done.stdout.startswith(b"digraph chain {")
    assert done.stdout.endswith(b"}\n")


def test_step_0_is_the_untrained_chain(chain, article_run):
    contexts = json.loads(chain("--step", 0, "-f", "json").stdout)["contexts"]
    p0 = [contexts[c]["0"]["probability"] for c in CONTEXTS]
    expected = [0.4963350, 0.4515704, 0.4964836, 0.4518111, 0.4961162, 0.4517718, 0.4962803, 0.4520468]
    assert p0 == pytest.approx(expected, abs=1e-6)
    assert chain("--step", 50).stdout == chain().stdout != chain("--step", 49).stdout


def test_layouts_place_states_differently_and_label_them_alike(chain):
    default, symmetric, circo, ring = (
        chain("-f", "svg", *more).stdout
        for more in ([], *(["--layout", name] for name in ("symmetric", "circo", "ring")))
    )
    assert default == symmetric
    assert len({symmetric, circo, ring}) == 3
    assert sorted(svg_texts(symmetric)) == sorted(svg_texts(circo)) == sorted(svg_texts(ring))


def test_short_contexts_make_14_contexts_and_28_arrows(chain, article_run):
    assert [line.split()[0] for line in chain("--short-contexts").stdout.splitlines()[1:]] == SHORT + CONTEXTS
    contexts = json.loads(chain("--short-contexts", "-f", "json").stdout)["contexts"]
    assert list(contexts) == SHORT + CONTEXTS
    for context, arrows in contexts.items():
        for token, arrow in arrows.items():
            assert arrow["next"] == (context + token)[-3:]
            assert arrow["probability"] == np.exp(article_run.chain.row(context))[int(token)]
    assert len(chain("--short-contexts", "-f", "csv").stdout.splitlines()) == 1 + 28
    graph = networkx.parse_graphml(chain("--short-contexts", "-f", "graphml").stdout)
    assert (len(graph), graph.number_of_edges()) == (14, 28)
    assert [graph.nodes[c]["state"] for c in SHORT] == [-1] * 6
    dot = pygraphviz.AGraph(string=chain("--short-contexts", "-f", "dot").stdout)
    assert (len(dot.nodes()), len(dot.edges())) == (14, 28)
    texts = svg_texts(chain("--short-contexts", "-f", "svg").stdout)
    assert set(SHORT + CONTEXTS) <= set(texts)
    assert len(texts) == 14 + 28
    with np.load(io.BytesIO(chain("--short-contexts", "-f", "npz").stdout_bytes)) as arrays:
        assert np.array_equal(arrays["short_log_probs"], article_run.chain.short_log_probs)


# -- other texts -------------------------------------------------------------------------------------------


def test_a_chain_of_chinese_characters(babygpt):
    babygpt("train", "床前明床前明床床", "--context", 1, "--steps", 2, "--out", "run")
    chain = bg.Run.load("run").chain
    assert [line.split()[0] for line in babygpt("chain", "run").stdout.splitlines()[1:]] == ["前", "床", "明"]
    content = json.loads(babygpt("chain", "run", "-f", "json").stdout)["contexts"]
    assert {c: {t: a["probability"] for t, a in arrows.items()} for c, arrows in content.items()} == {
        c: chain[c] for c in "前床明"
    }
    assert "床" in babygpt("chain", "run", "-f", "csv").stdout  # as itself, not as an escape
    assert set(networkx.parse_graphml(babygpt("chain", "run", "-f", "graphml").stdout)) == set("前床明")
    assert set(pygraphviz.AGraph(string=babygpt("chain", "run", "-f", "dot").stdout).nodes()) == set("前床明")
    assert set("前床明") <= set(svg_texts(babygpt("chain", "run", "-f", "svg").stdout))


def test_a_chain_of_words(babygpt):
    babygpt("train", "the cat sat the cat the", "--tokens", "words", "--context", 2, "--steps", 2, "--out", "run")
    content = json.loads(babygpt("chain", "run", "-f", "json").stdout)
    assert content["tokens"] == "words"
    assert content["contexts"]["the cat"]["sat"]["next"] == "cat sat"
    assert "the cat" in svg_texts(babygpt("chain", "run", "-f", "svg").stdout)
    assert "the cat  " in babygpt("chain", "run").stdout
    assert '"the cat","sat",' in babygpt("chain", "run", "-f", "csv").stdout


def test_a_chain_of_signs_with_a_meaning_elsewhere(babygpt):
    Path("signs").write_text('"\n[<&,\'a]>;"')
    assert babygpt("train", "signs", "--context", 1, "--steps", 2, "--out", "run", "--show", "table").exit_code == 0
    symbols = list(bg.Run.load("run").corpus.vocabulary.symbols)
    assert list(json.loads(babygpt("chain", "run", "-f", "json").stdout)["contexts"]) == symbols
    assert list(networkx.parse_graphml(babygpt("chain", "run", "-f", "graphml").stdout)) == symbols
    rows = list(csv.reader(io.StringIO(babygpt("chain", "run", "-f", "csv").stdout)))
    assert [row[1] for row in rows[1 :: len(symbols)]] == symbols
    assert len(pygraphviz.AGraph(string=babygpt("chain", "run", "-f", "dot").stdout).nodes()) == len(symbols)
    for picture in ("svg", "png", "pdf"):
        assert babygpt("chain", "run", "-f", picture).exit_code == 0
    shown = [line.split()[0] for line in babygpt("chain", "run").stdout.splitlines()[1:]]
    assert sorted(shown) == sorted("⏎" if symbol == "\n" else symbol for symbol in symbols)
    assert babygpt("sample", "run", "--start", "[", "--tokens", 9).exit_code == 0


# -- what cannot be done -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--step", "51"], ["no step 51", "0 to 50"]),
        (["--step", "-1"], ["no step -1"]),
        (["--out", "chain.txt"], ["chain.txt", "svg", "--format"]),
        (["--out", "chain"], ["chain", "svg", "--format"]),
        (["--out", "chain.txt", "--format", "table"], ["table", "csv"]),
        (["--out", "no/such/folder/chain.svg"], ["There is no folder no/such/folder", "chain.svg"]),
        (["--out", "chain.json", "--format", "csv"], ["chain.json ends as json does", "--format asks for csv"]),
        (["--out", "chain.svg", "--format", "png"], ["chain.svg ends as svg does", "--format asks for png"]),
        (["--out", ".", "--format", "png"], ["cannot be written to .: Is a directory"]),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_sentence(babygpt, refused, kept_article_run, arguments, words):
    refused(babygpt("chain", kept_article_run, *arguments), *words)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("arguments", [["--format", "gif"], ["--layout", "dot"]])
def test_unknown_formats_and_layouts_are_refused_with_the_known_ones(babygpt, kept_article_run, arguments):
    result = babygpt("chain", kept_article_run, *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    for known in ("svg", "png", "json") if arguments[0] == "--format" else ("circo", "ring"):
        assert known in result.stderr


def test_a_step_that_was_not_recorded_names_its_neighbours(babygpt, refused, monkeypatch):
    monkeypatch.setattr("babygpt.run.training.FRAME_BUDGET", 2000)
    bg.train("1111011110", 3, 60, n_layer=1, n_head=1, n_embd=4).save("thin")
    recorded = bg.Run.load("thin").history.steps.tolist()
    missing = next(s for s in range(60) if s not in recorded)
    above = next(s for s in recorded if s > missing)
    refused(babygpt("chain", "thin", "--step", missing), f"Step {missing} was not recorded", str(above))


@pytest.mark.parametrize("format", ["png", "pdf", "npz", "parquet"])
def test_binary_formats_do_not_go_to_a_terminal(babygpt, refused, kept_article_run, monkeypatch, format):  # noqa: A002
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda self: True)
    refused(babygpt("chain", kept_article_run, "-f", format), f"{format} is not text", f"--out chain.{format}")


def test_text_formats_do_go_to_a_terminal(babygpt, kept_article_run, monkeypatch):
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda self: True)
    assert babygpt("chain", kept_article_run, "-f", "csv").stdout.startswith('"state","context","token"')


def damage(folder, how):
    header = folder / "run.json"
    if how == "truncated":
        header.write_bytes(header.read_bytes()[:-40])
    elif how == "truncated weights":
        (folder / "weights.safetensors").write_bytes((folder / "weights.safetensors").read_bytes()[:-1])
    elif how == "missing history":
        (folder / "history.safetensors").unlink()
    elif how == "missing header":
        header.unlink()
    elif how == "tampered":
        header.write_text(header.read_text().replace('"seed": 1337', '"seed": 1338'))
    elif how == "newer":
        header.write_text(json.dumps({**json.loads(header.read_text()), "format": 99}))


@pytest.mark.parametrize("command", [["chain"], ["sample"], ["train", "--resume"]])
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("truncated", ["run.json", "cut off"]),
        ("truncated weights", ["weights.safetensors", "not as it was saved"]),
        ("missing history", ["history.safetensors", "No such file"]),
        ("missing header", ["not a run", "run.json"]),
        ("tampered", ["run.json", "not as it was saved"]),
        ("newer", ["written by", "format 99", "Update BabyGPT"]),
    ],
)
def test_damaged_runs_are_refused_by_every_command(babygpt, refused, article_folder, command, how, words):
    damage(article_folder, how)
    before = {path.name: path.read_bytes() for path in article_folder.iterdir()}
    refused(babygpt(*command, article_folder), *words)
    assert {path.name: path.read_bytes() for path in article_folder.iterdir()} == before


def test_what_is_no_run_is_refused(babygpt, refused):
    refused(babygpt("chain", "nowhere"), "There is no run at nowhere", "babygpt train")
    Path("file").write_text("01")
    refused(babygpt("chain", "file"), "file is not a run")


# -- the program itself ------------------------------------------------------------------------------------


def test_a_picture_goes_through_a_pipe_unharmed(kept_article_run, tmp_path):
    with (tmp_path / "chain.png").open("wb") as file:
        subprocess.run([BABYGPT, "chain", str(kept_article_run), "-f", "png"], stdout=file, check=True)
    data = (tmp_path / "chain.png").read_bytes()
    assert data.startswith(PNG)
    assert data.endswith(b"IEND\xaeB`\x82")


def test_nothing_but_the_chain_is_on_standard_output_and_nothing_on_standard_error(kept_article_run):
    done = subprocess.run([BABYGPT, "chain", str(kept_article_run), "-f", "svg"], capture_output=True, check=True)
    ET.fromstring(done.stdout)
    assert done.stderr == b""


def test_drawing_chinese_says_nothing_on_standard_error(babygpt):
    bg.train("床前床前明床", 1, 1, n_layer=1, n_head=1, n_embd=4).save("run")
    assert babygpt("chain", "run", "-f", "svg").stderr == ""
