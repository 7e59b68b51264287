from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

import babygpt as bg


class Page(HTMLParser):
    """Collects the attributes and the text of a page, and checks that what is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.text, self.attributes = [], [], "", []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag == "img":
            self.images.append(dict(attrs))
        else:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def page(article_run):
    return Page(article_run._repr_html_())


def images(page):
    return [base64.b64decode(image["src"].removeprefix("data:image/svg+xml;base64,")).decode() for image in page.images]


def test_a_run_tells_its_data_model_training_and_loss(page):
    for fact in ("12 examples, 4 of 8 contexts seen", "12,656 parameters", "4 layers, 4 heads, width 16"):
        assert fact in page.text
    for fact in ("50 steps, seed 1337, learning rate 0.001, weight decay 0.1", "0.6635 → 0.4700", "floor 0.3466"):
        assert fact in page.text


def test_a_run_shows_its_chain_and_its_losses(page):
    chain, losses = images(page)
    assert ET.fromstring(chain).tag.endswith("svg")
    assert "1(79%)" in chain
    assert "dasharray" in chain  # what the data lacks
    assert "guessing" in losses
    assert [image["alt"] for image in page.images] == ["the chain", "the loss at each step"]


def test_nothing_is_loaded_from_elsewhere(page, article_run):
    for name, attribute, value in page.attributes:
        assert attribute in ("style", "src", "alt"), (name, attribute)
        assert attribute != "src" or value.startswith("data:")
    for text in [article_run._repr_html_(), article_run.chain._repr_svg_(), *images(page)]:
        assert not re.search(r"""(href|src)\s*=\s*["'](?!#|data:)""", text)
        assert not re.search(r"url\((?!#)|@import|<script", text)


def test_a_run_without_steps_shows_its_untrained_chain(article_run):
    from dataclasses import replace

    history = bg.train("111101111011110", 3, 1).history
    untrained = replace(
        article_run, losses=article_run.losses[:0], history=type(history)(history.steps[:1], history.table[:1], 8)
    )
    page = Page(untrained._repr_html_())
    assert "0 steps" in page.text
    assert "nan" not in page.text
    assert len(page.images) == 1
