"""The studio in a notebook: the widget, as a notebook's front end would talk to it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import babygpt as bg

anywidget = pytest.importorskip("anywidget")


class Front:
    """What a screen would see and say: traits that arrive, messages that go."""

    def __init__(self, studio):
        self.studio, self.heard, self.revisions = studio, [], []
        studio.send = lambda content, buffers=None: self.heard.append((content, buffers))
        studio.observe(lambda change: self.revisions.append(change["new"]), "revision")

    def say(self, **content):
        self.studio._hear(self.studio, content, [])


def in_a_loop(story):
    """Tell a story where a notebook's loop runs."""

    async def told():
        return await asyncio.wait_for(story(), 30)

    return asyncio.run(told())


def test_it_trains_and_is_read_back():
    studio = bg.Studio("111101111011110")
    assert (studio.step, studio.selected, repr(studio)) == (0, None, "Studio(8 states, untrained)")
    assert studio.train() is studio
    assert studio.step == 50
    assert repr(studio) == "Studio(8 states, step 50)"
    run = bg.train("111101111011110")
    assert np.array_equal(studio.chain.probs, run.chain.probs)
    assert np.array_equal(studio.run.losses, run.losses)


def test_step_and_selection_are_set_from_python_and_seen_by_the_screen():
    studio = bg.Studio("111101111011110").train()
    studio.step = 20
    assert studio.view_player["step"] == 20
    assert np.array_equal(studio.chain.probs, bg.train("111101111011110").chain_at(20).probs)
    studio.selected = "101"
    assert studio.view_selected["state"] == 5
    studio.selected = None
    assert studio.view_selected is None
    with pytest.raises(bg.BabyGPTError, match="'2'"):
        studio.selected = "102"
    assert studio.selected is None


def test_what_the_screen_does_can_be_observed():
    studio = bg.Studio("111101111011110").train()
    seen = []
    studio.observe(lambda change: seen.append((change["name"], change["new"])), ["step", "selected"])
    front = Front(studio)
    front.say(command="select", state=5)
    studio.wait()
    front.say(command="seek", step=10)
    studio.wait()
    assert seen == [("selected", "101"), ("step", 10)]


def test_a_run_brings_its_film():
    run = bg.train("0110110", context_length=2, steps=7, seed=3)
    studio = run.widget()
    assert studio.step == 7
    assert np.array_equal(studio.chain.probs, run.chain.probs)
    chinese = run.widget(lang="zh", height=500)
    assert (chinese.lang, chinese.height) == ("zh", 500)


def test_arrays_travel_as_bytes():
    studio = bg.Studio("01" * 40, context_length=10)
    assert isinstance(studio.view_setup["seen"], bytes)
    assert isinstance(studio.view_frame["map"], bytes)


def test_a_text_is_taken_from_a_path(tmp_path):
    path = tmp_path / "song.txt"
    path.write_text("abcabc")
    studio = bg.Studio(path, context_length=2)
    assert studio.view_setup["text"] == "abcabc"
    assert studio.view_setup["name"] == "song.txt"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sequence": 12}, "text or the path"),
        ({"steps": -1}, "steps"),
        ({"learning_speed": 1}, "no setting of the studio"),
        ({"lang": "fr"}, "no language"),
        ({"height": "tall"}, "pixels"),
        ({"height": 10}, "pixels"),
        ({"sequence": "0101", "context_length": 9}, "9"),
        ({"sequence": Path("/nowhere/at/all")}, "nowhere"),
    ],
)
def test_what_cannot_be_is_one_sentence(given, said):
    with pytest.raises(bg.BabyGPTError, match=said):
        bg.Studio(**given)


def test_without_anywidget_it_says_what_to_install():
    code = "import sys; sys.modules['anywidget'] = None\nimport babygpt as bg\nbg.Studio('01')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stderr.strip().endswith("pip install 'babygpt-markov[notebook]'")
    star = "import sys; sys.modules['anywidget'] = None\nfrom babygpt import *\ntrain"
    subprocess.run([sys.executable, "-c", star], check=True)


def test_in_a_notebook_it_goes_on_by_itself():
    async def story():
        studio = bg.Studio("111101111011110")
        front = Front(studio)
        front.say(hello=True)
        front.say(command="train")
        while studio._session.training or studio.step < 50:
            front.say(ack=studio.revision)
            await asyncio.sleep(0.01)
        return studio

    studio = in_a_loop(story)
    assert studio.view_player["trained"] == 50


def test_a_screen_that_draws_slowly_is_sent_no_more_than_it_takes():
    async def story():
        studio = bg.Studio("111101111011110", steps=5000)
        front = Front(studio)
        front.say(hello=True)
        front.say(command="train")
        await asyncio.sleep(0.6)
        studio.close()
        return front

    front = in_a_loop(story)
    assert 1 <= len(front.revisions) <= 2  # and no more until it says that they are drawn


def test_no_more_than_twenty_messages_a_second():
    async def story():
        studio = bg.Studio("111101111011110", steps=20_000)
        front = Front(studio)
        studio.observe(lambda change: front.say(ack=change["new"]), "revision")
        front.say(hello=True)
        front.say(command="train")
        await asyncio.sleep(1.0)
        studio.close()
        return front

    assert 3 <= len(in_a_loop(story).revisions) <= 22


def test_nobody_is_entertained_who_does_not_look(monkeypatch):
    from babygpt.studio import notebook

    monkeypatch.setattr(notebook, "ABSENCE", 0.3)

    async def story():
        studio = bg.Studio("111101111011110").train()
        front = Front(studio)
        front.say(hello=True)
        front.say(command="wander", on=True)
        while not studio._task.done():
            await asyncio.sleep(0.02)
        rested = studio.revision
        front.say(hello=True)  # somebody opens it again
        front.say(ack=studio.revision)
        while studio.revision == rested:
            await asyncio.sleep(0.02)

    in_a_loop(story)


def test_files_are_fetched_through_the_kernel():
    studio = bg.Studio("111101111011110").train()
    front = Front(studio)
    front.say(download="chain.csv", file=1)
    front.say(download="chain.exe", file=2)
    (kept, buffers), (refused, _) = front.heard
    assert kept == {"file": 1, "name": "chain.csv", "media": "text/csv"}
    assert buffers[0].startswith(b'"state",')
    assert "chain.exe" in refused["refused"]


def test_nonsense_harms_nothing():
    studio = bg.Studio("111101111011110")
    front = Front(studio)
    for said in (None, 3, [], {}, {"command": 5}, {"ack": "x"}, {"ack": 10**9}, {"download": None}, {"command": "no"}):
        studio._hear(studio, said, [])
    assert front.heard
    assert studio._acknowledged <= studio.revision
    assert studio.train().step == 50


def test_a_saved_notebook_shows_the_page_and_a_large_one_its_picture_or_a_sentence():
    data, _ = bg.Studio("111101111011110").train()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == "Studio(8 states, step 50)"
    assert "srcdoc=" in data["text/html"]
    assert "image/svg+xml;base64" in data["text/html"]
    large, _ = bg.Studio("0123456789" * 3, context_length=4)._repr_mimebundle_()
    assert "srcdoc=" not in large["text/html"]
    assert "Studio(10,000 states, untrained)" in large["text/html"]
