"""Pictures of chains whose states have names: what a reader measures on the SVG, and nothing of how it was made."""

from __future__ import annotations

import re
import string
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import babygpt as bg

SVG = "{http://www.w3.org/2000/svg}"


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]


def rectangle(xs, ys):
    return min(xs), max(xs), min(ys), max(ys)


def read(picture):
    """Return labels, states by their titles, and arrows: texts, rectangles, points, and how thick a line is."""
    labels, states, arrows = [], {}, []
    for group in ET.fromstring(picture.svg).iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        text = " ".join(each.text for each in group.iter(f"{SVG}text"))
        if group.get("class") == "node":
            ellipse, path = group.find(f"{SVG}ellipse"), group.find(f"{SVG}path")
            if ellipse is not None:
                x, y, rx, ry = (float(ellipse.get(name)) for name in ("cx", "cy", "rx", "ry"))
                box = (x - rx, x + rx, y - ry, y + ry)
            else:
                points = numbers(path.get("d"))
                box = rectangle(points[::2], points[1::2])
            if title.text.startswith("label"):
                labels.append((text, box))
            else:
                states[title.text] = (text, box, ellipse is not None)
        elif group.get("class") == "edge":
            tail, head = title.text.split("->")
            line = next(group.iter(f"{SVG}path"))
            points, thick = numbers(line.get("d")), float(line.get("stroke-width") or 1)
            (polygon,) = group.iter(f"{SVG}polygon")
            corners = np.array(numbers(polygon.get("points"))).reshape(-1, 2)[:-1]
            arrows.append((tail, head, np.array(points).reshape(-1, 2), corners, thick))
    return labels, states, arrows


def overlap(a, b, by=1.0):
    return a[0] < b[1] - by and b[0] < a[1] - by and a[2] < b[3] - by and b[2] < a[3] - by


def outside(point, state):
    """Return how far a point is from the outline of a state, negative inside."""
    _, (left, right, top, bottom), circle = state
    x, y = point[0] - (left + right) / 2, point[1] - (top + bottom) / 2
    if circle:
        return np.hypot(x, y) - (right - left) / 2
    return max(abs(x) - (right - left) / 2, abs(y) - (bottom - top) / 2)


def check(picture, n_states, n_arrows):
    labels, states, arrows = read(picture)
    assert (len(labels), len(states), len(arrows)) == (n_arrows, n_states, n_arrows)
    boxes = [box for _, box in labels]
    for i, (text, box) in enumerate(labels):
        assert not [labels[j][0] for j in range(i) if overlap(box, boxes[j])], text
        assert not [name for name, where, circle in states.values() if not circle and overlap(box, where)], text
        for _, (left, right, top, bottom), circle in states.values():
            if circle:
                x = min(max((left + right) / 2, box[0]), box[1]) - (left + right) / 2
                y = min(max((top + bottom) / 2, box[2]), box[3]) - (top + bottom) / 2
                assert np.hypot(x, y) > (right - left) / 2 - 1
        for tail, head, _, corners, _ in arrows:
            middle = corners.mean(axis=0)
            assert not (box[0] < middle[0] < box[1] and box[2] < middle[1] < box[3]), (text, tail, head)
    named = list(states.values())
    for i, (_, a, circle) in enumerate(named):
        for _, b, other in named[:i]:
            if circle and other:
                assert np.hypot(a[0] - b[0], a[2] - b[2]) > a[1] - a[0]
            else:
                assert not overlap(a, b)
    for tail, head, curve, corners, thick in arrows:  # attached at both ends, also where a box has its round corner
        assert abs(outside(curve[0], states[tail])) < 5
        # the line around a head, with its sharp corner, reaches further than the head's own corner
        assert min(abs(outside(corner, states[head])) for corner in corners) < 5 + 1.5 * thick


def chain(names, matrix):
    with np.errstate(divide="ignore"):
        return bg.MarkovChain(np.log(matrix), bg.Vocabulary(names, tokens="words"))


@st.composite
def chains(draw):
    V, K = draw(
        st.sampled_from([(2, 1), (3, 1), (3, 1), (4, 1), (5, 1), (6, 1), (8, 1), (10, 1), (2, 2), (3, 2), (4, 2)])
    )
    name = st.text(
        string.ascii_letters + string.digits + "-_", min_size=1, max_size=draw(st.sampled_from([1, 8, 20, 40]))
    )
    names = draw(st.lists(name, min_size=V, max_size=V, unique=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    matrix = rng.dirichlet(np.full(V, draw(st.sampled_from([0.05, 1.0, 20.0]))), V**K)
    matrix[rng.random(matrix.shape) < draw(st.sampled_from([0.0, 0.4]))] = 0
    matrix[matrix.sum(axis=1) == 0] = 1 / V
    return chain(names, matrix / matrix.sum(axis=1, keepdims=True))


@given(chains(), st.sampled_from([None, "circo", "ring"]))
@settings(max_examples=15, deadline=None)
def test_nothing_covers_anything_whatever_the_names_and_the_probabilities(c, layout):
    check(c.plot(layout), c.n_states, int((c.probs > 0).sum()))


@pytest.mark.parametrize("layout", ["circo", "ring"])
@pytest.mark.parametrize("V", [3, 8])
def test_eight_names_of_forty_letters_stay_readable(V, layout):
    rng = np.random.default_rng(V)
    names = ["".join(rng.choice(list(string.ascii_lowercase), 40)) for _ in range(V)]
    picture = chain(names, rng.dirichlet(np.ones(V), V)).plot(layout)
    check(picture, V, V * V)
    _, states, _ = read(picture)
    assert sorted(text for text, *_ in states.values()) == sorted(names)
    width, height = numbers(re.search('width="[0-9]+pt" height="[0-9]+pt"', picture.svg)[0])
    assert max(width, height) < (1200 if V == 3 else 2800)  # points, of letters of 11


@pytest.mark.parametrize("layout", ["circo", "ring"])
def test_certain_states_and_states_that_only_stay_are_drawn_whole(layout):
    check(chain(["sunny", "very-cloudy", "rain"], np.eye(3)).plot(layout), 3, 3)
    check(chain(["sunny", "very-cloudy", "rain"], np.roll(np.eye(3), 1, axis=1)).plot(layout), 3, 3)


@pytest.mark.parametrize("V", [5, 6, 7])
@pytest.mark.parametrize("layout", [None, "circo", "ring"])
def test_pairs_of_names_do_not_cover_each_other(V, layout):
    names = ["partly-cloudy", "sun", "rain", "thunderstorm", "snow", "hail", "fog"][:V]
    c = chain(names, np.random.default_rng(V).dirichlet(np.ones(V), V**2))
    if layout == "circo" and c.n_arrows > 160:
        with pytest.raises(bg.SettingError, match="circo"):
            c.plot(layout)
        return
    _, states, arrows = read(c.plot(layout))
    assert (len(states), len(arrows)) == (V**2, V**3)
    boxes = [box for _, box, _ in states.values()]
    assert not [1 for i, a in enumerate(boxes) for b in boxes[:i] if overlap(a, b)]


def test_names_of_several_words_stand_on_several_lines():
    c = bg.MarkovChain(np.log(np.full((27, 3), 1 / 3)), bg.Vocabulary(["partly-cloudy", "sunny", "rain"], "words"))
    root = ET.fromstring(c.plot("ring").svg)
    lines = {
        "\n".join(text.text for text in g.iter(f"{SVG}text")) for g in root.iter(f"{SVG}g") if g.get("class") == "node"
    }
    assert "partly-cloudy\npartly-cloudy\npartly-cloudy" in lines
    assert "rain rain rain" in lines
