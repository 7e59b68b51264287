"""The page that thinks by itself, as a file: what is in it, and what may run in it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

import babygpt as bg
from babygpt.errors import RunError
from babygpt.lab.sources import golden_mean
from babygpt.studio.page import HISTORY_BYTES, page, page_of_run

ARTICLE = "111101111011110"


def beginning(written: str) -> dict:
    return json.loads(re.search(r'id="beginning">(.*?)</script>', written)[1])


def test_only_the_pages_own_scripts_may_run():
    written = page()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', written)[1]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; ")
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    loader = re.search(r"<script>(.*?)</script>", written, re.DOTALL)[1]
    script = gzip.decompress(base64.b64decode(re.search(r'id="packed">(.*?)</script>', written)[1]))
    hashes = {base64.b64encode(hashlib.sha256(text).digest()).decode() for text in (loader.encode(), script)}
    assert allowed == hashes
    assert not re.search(r"https?://(?!www\.w3\.org)", written)


def test_the_page_in_docs_is_the_one_that_is_built_now():
    there = Path(__file__).parents[2] / "docs" / "babygpt.html"
    assert there.read_text(encoding="utf-8") == page(), "run make screen"


def test_the_articles_page_is_small():
    assert len(page_of_run(bg.train(ARTICLE)).encode()) <= 250_000


def test_a_page_of_a_run_begins_with_its_film():
    run = bg.train(ARTICLE, steps=5, seed=2, n_layer=1)
    begun = beginning(run.to_html())
    assert begun["link"] == {"steps": "5", "seed": "2", "n_layer": "1", "trained": "5", "sequence": ARTICLE}
    film = begun["recorded"]
    assert film["steps"] == [0, 1, 2, 3, 4, 5]
    assert film["losses"] == run.losses.tolist()
    table = np.frombuffer(base64.b64decode(film["table"]), "<f4").reshape(6, 14, 2)
    np.testing.assert_array_equal(table, run.history.table.astype("f4"))


@pytest.mark.parametrize(
    "corpus",
    [
        bg.Corpus.from_text("the cat the dog the cat", 1, tokens="words"),
        bg.Corpus.from_text("rain, sun, rain, sun, rain", 1, tokens="words"),
        bg.Corpus.from_text("a b,c,a b,c", 1, tokens="words", separator=","),
        bg.Corpus.from_sequences(["0110", "10", "0011"], 1),
        bg.Corpus.from_sequences(["go stop", "stop go go"], 1, tokens="words"),
        bg.Corpus.from_text("0101", 1, "012"),
        bg.Corpus.from_text("one two\nthree one two", 1, tokens="words"),
        bg.Corpus.from_tokens([0, 1, 1, 0, 1], 1, "01"),
        bg.Corpus.from_tokens(["New York", "Rome", "New York"], 1, ["New York", "Rome"]),
        bg.Corpus.from_sequences([[0, 1, 1], [1, 0]], 1),
    ],
    ids=range(10),
)
def test_a_page_reads_the_text_as_the_run_did(corpus, tmp_path):
    from babygpt.studio import links
    from babygpt.studio.limits import Limits

    run = bg.train(corpus, steps=1, n_layer=1)
    run.save(tmp_path / "run")
    begun = beginning(bg.Run.load(tmp_path / "run").to_html())
    told = links.read(begun["link"], Limits())
    assert told.mistake is None
    assert told.setup.corpus.vocabulary == corpus.vocabulary
    np.testing.assert_array_equal(told.setup.corpus.counts, corpus.counts)


@pytest.mark.parametrize("learnt", [golden_mean(), bg.Corpus.from_distribution(["a", "b"], [[1, 2], [3, 0]], "ab")])
def test_a_run_without_a_text_says_so(learnt):
    run = bg.train(learnt, context_length=1, steps=1, n_layer=1)
    with pytest.raises(RunError, match="does not hold the text"):
        run.to_html()


def test_a_long_text_is_not_kept():
    corpus = bg.Corpus.from_text("01" * 60_000, 1)
    assert corpus.text is None
    assert bg.Corpus.from_text("01" * 50_000, 1).text == "01" * 50_000


def test_a_long_film_is_thinned():
    run = bg.train("01" * 20, context_length=9, steps=600, n_layer=1, n_embd=4, n_head=1)
    film = beginning(run.to_html())["recorded"]
    assert len(film["table"]) * 3 / 4 <= HISTORY_BYTES
    assert (film["steps"][0], film["steps"][-1]) == (0, 600)
    assert len(film["losses"]) == 600


def test_a_run_that_a_page_cannot_bear_is_refused():
    run = bg.train("01" * 20, context_length=13, steps=1, n_layer=1, n_embd=4, n_head=1)
    with pytest.raises(RunError, match=r"8,192 states; a page's limit is 4,096\. The studio takes more"):
        run.to_html()
