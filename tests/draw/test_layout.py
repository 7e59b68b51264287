from __future__ import annotations

import doctest
import json
from pathlib import Path

import numpy as np
import pygraphviz
import pytest

from babygpt.draw import layout
from babygpt.draw.graph import draw_chain
from babygpt.draw.layout import FONT_SIZE, RADIUS, de_bruijn_order, ring, route, text_width
from babygpt.errors import SettingError


@pytest.mark.parametrize("V", [2, 3, 4])
@pytest.mark.parametrize("K", [1, 2, 3, 4])
def test_around_the_ring_every_state_is_followed_by_a_successor(V, K):
    order = de_bruijn_order(V, K)
    assert sorted(order) == list(range(V**K))
    for state, after in zip(order, [*order[1:], order[0]], strict=True):
        assert after // V == state % V ** (K - 1)


def test_a_ring_of_equal_states_is_a_circle_clockwise_from_the_top():
    order = [2, 0, 1, 3]
    positions = ring(order, np.full(4, RADIUS), gap=80.0)[order]
    radius = np.hypot(*positions[0])
    assert positions == pytest.approx(radius * np.array([[0, 1], [1, 0], [0, -1], [-1, 0]]), abs=1e-9)


@pytest.mark.parametrize("n", [2, 8, 64, 256])
def test_states_on_a_ring_do_not_touch(n):
    positions = ring(list(range(n)), np.full(n, RADIUS), gap=10.0)
    distances = np.hypot(*(positions[:, None] - positions[None]).transpose(2, 0, 1))
    assert distances[~np.eye(n, dtype=bool)].min() > 2 * RADIUS


RINGS = json.loads((Path(__file__).parent / "rings.json").read_text())  # the screen's tests read the same file


@pytest.mark.parametrize("expected", RINGS, ids=lambda each: f"V={each['V']} K={each['K']}")
def test_states_stand_around_a_ring_in_the_order_and_from_the_place_that_the_screen_has(chain_of, expected):
    V, K = expected["V"], expected["K"]
    graph = pygraphviz.AGraph(string=draw_chain(chain_of(V, K), "ring").render("dot").decode())
    places = np.array([[float(v) for v in graph.get_node(i).attr["pos"].split(",")] for i in range(V**K)])
    clockwise = -np.arctan2(places[:, 1], places[:, 0])  # from the right, as y points down on a screen
    turns = (clockwise - np.radians(expected["start"])) / (2 * np.pi)
    turns = (turns + 0.25 / V**K) % 1
    assert turns.argsort().tolist() == expected["order"]
    assert turns[expected["order"][0]] == pytest.approx(0.25 / V**K, abs=0.1 / V**K)


@pytest.mark.parametrize("K", [1, 2, 3])
def test_two_symbols_stand_where_they_stand_on_the_screen(chain_of, K):
    graph = pygraphviz.AGraph(string=draw_chain(chain_of(2, K)).render("dot").decode())
    places = np.array([[float(v) for v in graph.get_node(i).attr["pos"].split(",")] for i in range(2**K)])
    screen = np.array(layout.SYMMETRIC[str(K)]) * [1, -1]  # y points down on a screen
    for axis in (0, 1):  # drawn out evenly, if labels need the room
        far = np.abs(screen[:, axis]).max()
        assert places[:, axis] / (np.abs(places[:, axis]).max() or 1) == pytest.approx(
            screen[:, axis] / (far or 1), abs=1e-3
        )


def test_what_has_no_symmetric_drawing_is_told_of_those_that_it_has(chain_of):
    for V, K, short in ((3, 2, False), (2, 4, False), (2, 3, True)):
        with pytest.raises(SettingError, match="at most three tokens"):
            draw_chain(chain_of(V, K), "symmetric", short=short)


def test_wide_states_get_more_of_the_ring():
    wide = np.array([RADIUS, 5 * RADIUS, RADIUS, RADIUS])
    positions = ring([0, 1, 2, 3], wide, gap=10.0)
    angles = np.arctan2(positions[:, 0], positions[:, 1]) % (2 * np.pi)
    assert angles[1] - angles[0] > angles[3] - angles[2]


def test_chinese_characters_take_about_twice_the_room():
    assert text_width("床") > 1.5 * text_width("a")
    assert text_width("ab") == pytest.approx(2 * text_width("a"))
    assert text_width("a", 22) == pytest.approx(2 * text_width("a", 11))


# -- the article's picture ---------------------------------------------------------------------------------


def drawn(chain, place):
    """Return states {context: (x, y, radius)}, label boxes [(x, y, half width, half height)] and arrows as drawn."""
    graph = pygraphviz.AGraph(string=chain.plot(place).render("dot").decode())
    states, labels = {}, []
    for node in graph.nodes():
        x, y = map(float, node.attr["pos"].split(","))
        width, height = (72 * float(node.attr[side]) for side in ("width", "height"))
        if node.startswith("label"):
            labels.append((x, y, width / 2, height / 2))
        else:
            assert node.attr["shape"] == "circle"
            states[node] = (x, y, width / 2)
    arrows = []
    for edge in graph.edges():
        tip, *curve = edge.attr["pos"].split(" ")
        points = np.array([[float(v) for v in point.split(",")] for point in curve])
        arrows.append((edge[0], edge[1], points, np.array([float(v) for v in tip.split(",")[1:]])))
    return states, labels, arrows


@pytest.fixture(params=[(step, place) for step in (0, 50) for place in ("symmetric", "circo", "ring")], ids=str)
def picture(request, article_run):
    step, place = request.param
    return drawn(article_run.chain_at(step), place)


def test_the_picture_has_8_states_16_labels_and_16_arrows(picture):
    assert [len(part) for part in picture] == [8, 16, 16]


def test_no_label_covers_another(picture):
    _, labels, _ = picture
    for i, (x, y, w, h) in enumerate(labels):
        for x2, y2, w2, h2 in labels[:i]:
            assert abs(x - x2) >= w + w2 or abs(y - y2) >= h + h2


def test_no_label_covers_a_state(picture):
    states, labels, _ = picture
    for x, y, w, h in labels:
        for sx, sy, radius in states.values():
            nearest = np.hypot(max(abs(x - sx) - w, 0), max(abs(y - sy) - h, 0))
            assert nearest >= radius


def test_labels_are_wide_enough_for_their_text(picture):
    _, labels, _ = picture
    assert min(w for *_, w, _ in labels) >= text_width("0(50%)") / 2
    assert min(h for *_, h in labels) >= FONT_SIZE / 2


def test_states_do_not_touch(picture):
    states, _, _ = picture
    places = list(states.values())
    for i, (x, y, r) in enumerate(places):
        for x2, y2, r2 in places[:i]:
            assert np.hypot(x - x2, y - y2) > r + r2


def test_arrows_run_from_outline_to_outline(picture):
    states, _, arrows = picture
    for tail, head, curve, tip in arrows:
        for point, (x, y, radius) in ((curve[0], states[tail]), (tip, states[head])):
            assert np.hypot(point[0] - x, point[1] - y) == pytest.approx(radius, abs=2.0)
        assert np.hypot(*(curve[-1] - tip)) == pytest.approx(layout.ARROW, abs=1.5)  # room for the head


def test_arrows_pass_no_state_on_their_way(picture):
    states, _, arrows = picture
    for tail, head, curve, _ in arrows:
        trace = layout._bezier(curve, 200)
        for name, (x, y, radius) in states.items():
            if name not in (tail, head):
                assert np.hypot(*(trace - (x, y)).T).min() > radius


def test_two_arrows_between_the_same_states_part_from_each_other(picture):
    _, _, arrows = picture
    middles = {(tail, head): layout._bezier(curve, 3)[1] for tail, head, curve, _ in arrows}
    both = [(t, h) for t, h in middles if t < h and (h, t) in middles]
    assert both  # 010 and 101
    for tail, head in both:
        assert np.hypot(*(middles[tail, head] - middles[head, tail])) > 5


# -- routing by itself -------------------------------------------------------------------------------------


def test_a_straight_arrow_is_cut_at_both_outlines():
    positions = np.array([[0.0, 0.0], [200.0, 0.0]])
    (arrow,) = route(positions, np.full(2, RADIUS), [(0, 1)], ["x"])
    assert arrow.curve[0] == pytest.approx([RADIUS, 0], abs=1)
    assert arrow.tip == pytest.approx([200 - RADIUS, 0], abs=2)
    assert arrow.curve[:, 1] == pytest.approx(np.zeros(4))


def test_an_arrow_bows_around_a_state_in_its_way():
    positions = np.array([[0.0, 0.0], [300.0, 0.0], [150.0, 0.0]])
    (arrow,) = route(positions, np.full(3, RADIUS), [(0, 1)], None)
    trace = layout._bezier(arrow.curve, 100)
    assert np.hypot(*(trace - positions[2]).T).min() > RADIUS


def test_a_loop_points_away_from_the_middle_and_returns_to_its_state():
    positions = np.array([[0.0, 100.0], [0.0, -100.0]])
    (arrow,) = route(positions, np.full(2, RADIUS), [(0, 0)], ["x"])
    assert arrow.curve.shape == (7, 2)
    assert arrow.curve[:, 1].min() > 100
    assert np.hypot(*(arrow.tip - positions[0])) == pytest.approx(RADIUS, abs=2)


def test_wide_states_are_left_at_their_outline():
    positions, wide = np.array([[0.0, 0.0], [300.0, 0.0]]), np.array([80.0, 60.0])
    (arrow,) = route(positions, wide, [(0, 1)], None)
    assert arrow.curve[0, 0] == pytest.approx(80, abs=1)
    assert arrow.tip[0] == pytest.approx(300 - 60, abs=2)


def test_examples_in_docstrings_hold():
    assert doctest.testmod(layout).failed == 0
