"""Results are had as Arrow tables, and as frames of pandas and polars."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

import babygpt as bg
from babygpt import frames
from babygpt.frames import arrow_table

SMALL = {"n_layer": 1, "n_head": 1, "n_embd": 4}
TEXT = "0110100110010110"


@pytest.fixture(scope="module")
def run():
    return bg.train(TEXT, 2, steps=3, **SMALL)


@pytest.fixture(scope="module")
def results(run):
    return {
        "run": run,
        "chain": run.chain,
        "trace": run.trace("entropy_rate"),
        "comparison": run.chain.compare(run.chain_at(0)),
        "study": bg.study(TEXT, context_length=2, seeds=range(2), steps=2, **SMALL),
        "attribution": bg.attribute("0110100", context_length=1, steps=2, **SMALL),
    }


@pytest.mark.parametrize("name", ["run", "chain", "trace", "comparison", "study", "attribution"])
def test_every_result_is_the_same_table_in_each_library(results, name):
    result = results[name]
    table = result.to_arrow()
    assert table.num_rows > 0
    assert table.column_names == list(result.rows())
    pandas, polars = result.to_frame("pandas"), result.to_frame("polars")
    assert isinstance(pandas, pd.DataFrame)
    assert isinstance(polars, pl.DataFrame)
    assert pandas.to_dict("list") == table.to_pydict() == polars.to_dict(as_series=False)


def test_a_row_of_a_chain_is_an_arrow(run):
    frame = run.chain.to_frame()
    assert len(frame) == run.chain.n_arrows
    for row in frame.itertuples():
        assert run.chain[row.context][row.token] == row.probability
        assert row.next == (row.context + row.token)[1:]


def test_a_run_is_its_losses(run):
    assert run.to_frame("polars").to_dict(as_series=False) == {"step": [0, 1, 2], "loss": run.losses.tolist()}
    assert "loss, nats per token" in run.plot().svg


def test_a_trace_has_its_own_name(run):
    assert run.trace("loss").to_frame("polars").columns == ["step", "loss"]


@pytest.mark.parametrize(
    ("library", "words"), [(None, "pandas or polars: pip install pandas"), ("polars", "needs polars")]
)
def test_what_is_not_installed_is_told(run, monkeypatch, library, words):
    monkeypatch.setattr(frames, "find_spec", lambda name: None)
    with pytest.raises(bg.SettingError, match=words):
        run.chain.to_frame(library)


def test_where_only_polars_is_installed_it_is_taken(run, monkeypatch):
    monkeypatch.setattr(frames, "find_spec", lambda name: name == "polars" or None)
    assert isinstance(run.chain.to_frame(), pl.DataFrame)


def test_an_unknown_library_is_refused(run):
    with pytest.raises(bg.SettingError, match="Use 'pandas' or 'polars'"):
        run.chain.to_frame("excel")


def test_columns_of_several_lengths_are_no_table():
    with pytest.raises(bg.SettingError, match="one length"):
        arrow_table({"a": [1], "b": [1, 2]})
