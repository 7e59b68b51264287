from __future__ import annotations

import doctest
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pygraphviz
import pytest

import babygpt as bg
from babygpt.draw import graph as graphs
from babygpt.draw.graph import MAX_DRAWN_ARROWS, _quiet_graphviz, arrow_label, draw_chain

SVG = "{http://www.w3.org/2000/svg}"


def groups(picture, kind):
    """Return the names of the groups of a kind ("node", "edge"), and their elements."""
    found = [g for g in ET.fromstring(picture.svg).iter(f"{SVG}g") if g.get("class") == kind]
    return {g.find(f"{SVG}title").text + f"#{i}": g for i, g in enumerate(found)}


def texts(picture):
    return [text.text for text in ET.fromstring(picture.svg).iter(f"{SVG}text")]


def dot(picture):
    return pygraphviz.AGraph(string=picture.render("dot").decode())


# -- by size -----------------------------------------------------------------------------------------------


def test_the_articles_picture_names_every_context_and_every_arrow(article_run):
    chain = article_run.chain
    labels = [f"{token}({100 * p:.0f}%)" for context in chain for token, p in chain[context].items()]
    assert sorted(texts(draw_chain(chain))) == sorted([*chain.contexts(), *labels])
    assert {"1(79%)", "0(21%)", "1(45%)", "0(55%)", "1(73%)"} <= set(labels)


@pytest.mark.parametrize(("V", "K"), [(2, 1), (2, 2), (3, 1), (2, 4), (4, 2)])
@pytest.mark.parametrize("layout", ["circo", "ring"])
def test_up_to_16_states_every_arrow_carries_its_label(chain_of, V, K, layout):
    chain = chain_of(V, K)
    picture = draw_chain(chain, layout)
    assert len(groups(picture, "edge")) == V ** (K + 1)
    assert len(texts(picture)) == V**K + V ** (K + 1)


@pytest.mark.parametrize(("V", "K"), [(2, 5), (2, 6), (4, 3)])
def test_up_to_64_states_every_arrow_is_drawn_and_its_label_is_a_tooltip(chain_of, V, K):
    picture = draw_chain(chain_of(V, K))
    edges = groups(picture, "edge")
    assert len(edges) == V ** (K + 1)
    assert len(texts(picture)) == V**K
    first = next(iter(edges.values()))
    tips = [a.get("{http://www.w3.org/1999/xlink}title") for a in first.iter(f"{SVG}a")]
    assert tips
    assert "→" in tips[0]
    assert "%" in tips[0]


@pytest.mark.parametrize(("V", "K"), [(2, 8), (16, 2), (256, 1)])
def test_up_to_256_states_the_likeliest_arrows_are_drawn_and_every_state_keeps_a_way_out(chain_of, V, K):
    chain = chain_of(V, K)
    graph = dot(draw_chain(chain))
    assert len(graph.nodes()) == 256
    edges = graph.edges()
    assert len(edges) <= min(chain.n_arrows, MAX_DRAWN_ARROWS + 256)
    assert len(edges) == chain.n_arrows or len(edges) >= MAX_DRAWN_ARROWS
    assert {int(tail) for tail, _ in edges} == set(range(256))
    for state in range(256):
        likeliest = int(chain.successors()[state, chain.probs[state].argmax()])
        assert graph.has_edge(str(state), str(likeliest))


@pytest.mark.parametrize(("V", "K"), [(2, 9), (17, 2)])
def test_more_than_256_states_are_a_map(chain_of, V, K):
    picture = draw_chain(chain_of(V, K))
    assert groups(picture, "edge") == {}
    assert f"{V**K:,} states" in picture.svg
    assert list(ET.fromstring(picture.svg).iter(f"{SVG}image"))


# -- what it shows -----------------------------------------------------------------------------------------


def test_short_contexts_are_drawn_when_asked_for(article_run):
    picture = draw_chain(article_run.chain, short=True)
    assert len(groups(picture, "edge")) == 28
    assert {"0", "1", "00", "01", "10", "11", "000"} <= set(texts(picture))
    assert len(groups(draw_chain(article_run.chain, "ring", short=True), "edge")) == 28


def test_short_contexts_of_a_chain_without_them_are_refused():
    with pytest.raises(bg.ContextError, match="without short ones"):
        draw_chain(bg.MarkovChain(np.full((8, 2), np.log(0.5))), short=True).render("svg")


@pytest.mark.parametrize("short", [False, True])
def test_unseen_contexts_and_their_arrows_are_dashed(article_run, short):
    graph = dot(draw_chain(article_run.chain, seen=[3, 5, 6, 7], short=short))
    states = {"011", "101", "110", "111"}
    assert states <= {node.attr["label"] for node in graph.nodes()}
    for node in graph.nodes():
        if not node.startswith("label"):
            assert ("dashed" in node.attr["style"]) == (node.attr["label"] not in states)
    for edge in graph.edges():
        tail = graph.get_node(edge[0]).attr["label"]
        assert (edge.attr["style"] == "dashed") == (tail not in states)


def test_without_knowledge_of_the_data_nothing_is_dashed(article_run):
    assert "dasharray" not in draw_chain(article_run.chain).svg
    assert "dasharray" in draw_chain(article_run.chain, seen=[3]).svg


def test_arrows_of_probability_zero_are_not_drawn():
    chain = bg.MarkovChain([[0.0, -np.inf], [np.log(0.25), np.log(0.75)]], "ab")
    picture = draw_chain(chain)
    assert sorted(texts(picture)) == sorted(["a", "b", "a(100%)", "a(25%)", "b(75%)"])
    assert len(groups(picture, "edge")) == 3


def test_likelier_arrows_are_wider():
    graph = dot(draw_chain(bg.MarkovChain(np.log([[0.9, 0.1], [0.5, 0.5]]), "ab")))
    width = {(t, h): float(graph.get_edge(t, h).attr["penwidth"]) for t, h in [("0", "0"), ("0", "1"), ("1", "0")]}
    assert width["0", "0"] > width["1", "0"] > width["0", "1"]


def test_tokens_have_colours_of_their_own(article_run):
    graph = dot(draw_chain(article_run.chain))
    colours = {0: set(), 1: set()}
    for edge in graph.edges():
        colours[int(edge[1]) % 2].add(edge.attr["color"])
    assert [len(c) for c in colours.values()] == [1, 1]
    assert colours[0] != colours[1]


def test_a_title_stands_above(article_run):
    assert "at step 50" in texts(draw_chain(article_run.chain, title="at step 50"))


@pytest.mark.parametrize(
    ("probability", "label"),
    [
        (0.0, "a(0%)"),
        (1e-9, "a(<1%)"),
        (0.0049, "a(<1%)"),
        (0.0051, "a(1%)"),
        (0.5, "a(50%)"),
        (0.7928, "a(79%)"),
        (0.9949, "a(99%)"),
        (0.996, "a(>99%)"),
        (1 - 1e-9, "a(>99%)"),
        (1.0, "a(100%)"),
    ],
)
def test_labels_never_call_the_possible_impossible_or_certain(probability, label):
    assert arrow_label("a", probability) == label


# -- what it refuses ---------------------------------------------------------------------------------------


def test_unknown_layouts_are_refused(article_run):
    with pytest.raises(bg.SettingError, match=r"'dot' is not known. Use 'symmetric', 'circo' or 'ring'"):
        draw_chain(article_run.chain, "dot")


def test_circo_with_many_arrows_is_refused(chain_of):
    with pytest.raises(bg.SettingError, match=r"256 arrows; its limit is 160. Use layout='ring'"):
        draw_chain(chain_of(2, 7), "circo")


def test_unknown_formats_are_refused(article_run):
    with pytest.raises(bg.SettingError, match=r"'gif' is not a format of this picture. Use one of: svg, png, pdf, dot"):
        draw_chain(article_run.chain).render("gif")


# -- how it behaves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("V", "K"), [(2, 3), (4, 2), (2, 6), (2, 9)])
def test_the_same_chain_gives_the_same_bytes(chain_of, V, K):
    assert draw_chain(chain_of(V, K)).render("svg") == draw_chain(chain_of(V, K)).render("svg")


def test_another_process_gives_the_same_bytes(article_run, tmp_path):
    article_run.save(tmp_path / "run")
    code = f"import babygpt as bg; print(bg.Run.load({str(tmp_path / 'run')!r}).chain.plot().svg, end='')"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert out == article_run.chain.plot().render("svg")


def test_drawing_leaves_the_chain_and_standard_error_as_they_were(article_run, capfd):
    before = os.fstat(2)
    table = article_run.chain.log_probs.copy()
    draw_chain(article_run.chain).render("svg")
    after = os.fstat(2)
    assert (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino)
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"
    assert np.array_equal(article_run.chain.log_probs, table)


def test_standard_error_is_given_back_after_a_failure_too(capfd):
    def fail():
        with _quiet_graphviz():
            os.write(2, b"Fontconfig warning: held back\nsomething else\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "something else\nstill here\n"


def test_drawing_leaks_no_file_descriptor(article_run):
    draw_chain(article_run.chain).render("svg")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        draw_chain(article_run.chain).render("svg")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_chain_shows_itself_in_a_notebook(article_run):
    svg = article_run.chain._repr_svg_()
    assert ET.fromstring(svg).tag == f"{SVG}svg"
    assert "1(79%)" in svg
    assert article_run.chain.plot()._repr_svg_() == svg


def test_examples_in_docstrings_hold():
    assert doctest.testmod(graphs).failed == 0
