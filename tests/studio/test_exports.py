from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

import babygpt as bg
from babygpt.studio.session import Session


def trained(session, steps):
    session.handle({"command": "more", "steps": steps})
    while session.training:
        session.advance(0.0, 1.0)
    return session


@pytest.mark.parametrize("file", ["chain.json", "chain.svg"])
def test_a_file_shows_the_chain_as_it_was_when_it_was_asked_for(file):
    session = Session()
    make, at_once = session.snapshot(file), session.snapshot(file)()
    trained(session, 20)
    session.handle({"command": "seek", "step": 20})
    session.handle({"command": "configure", "sequence": "0110100110010110"})
    assert make() == at_once


def test_a_run_is_kept_as_it_was_when_it_was_asked_for(tmp_path):
    session = trained(Session(), 3)
    make = session.snapshot("run.zip")
    trained(session, 20)
    with zipfile.ZipFile(io.BytesIO(make()[0])) as archive:
        archive.extractall(tmp_path)
    run, other = bg.Run.load(tmp_path / "run"), bg.train("111101111011110", context_length=3, steps=3)
    assert run.losses.tolist() == other.losses.tolist()
    np.testing.assert_array_equal(run.chain.log_probs, other.chain.log_probs)
    for name, memory in other.optimizer.items():
        np.testing.assert_array_equal(run.optimizer[name], memory)
