from __future__ import annotations

import csv
import errno
import io

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from babygpt.errors import FileError, SettingError
from babygpt.lab.tables import check_ending, read_table, write_table

COLUMNS = {
    "context": ["000", "a b", '"', "床\n", ","],
    "seed": np.array([0, 1, 2**62, -1, 7]),
    "probability": np.array([0.1, 1 / 3, 1e-300, 0.0, 1.0]),
    "seen": np.array([True, False, True, True, False]),
}


def test_parquet_keeps_types_and_every_bit(tmp_path):
    path = write_table(tmp_path / "t.parquet", COLUMNS)
    back = read_table(path)
    assert list(back) == list(COLUMNS)
    assert back["context"].tolist() == COLUMNS["context"]
    for name in ("seed", "probability", "seen"):
        assert back[name].dtype == COLUMNS[name].dtype
        assert np.array_equal(back[name], COLUMNS[name])


def test_csv_reads_back_to_the_same_numbers_and_texts(tmp_path):
    text = write_table(tmp_path / "t.csv", COLUMNS).read_text()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["context"] for row in rows] == COLUMNS["context"]
    assert [float(row["probability"]) for row in rows] == COLUMNS["probability"].tolist()
    assert [int(row["seed"]) for row in rows] == COLUMNS["seed"].tolist()


def test_an_arrow_table_is_written_as_it_is(tmp_path):
    table = pyarrow.table({"a": pyarrow.array([1, None], pyarrow.int32())}, metadata={"of": "this"})
    back = parquet.read_table(write_table(tmp_path / "t.parquet", table))
    assert back.schema.field("a").type == pyarrow.int32()
    assert back.schema.metadata[b"of"] == b"this"


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, name):
    from pyarrow import csv as arrow_csv

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / name
    path.write_text("old")
    monkeypatch.setattr(arrow_csv, "write_csv", full)
    monkeypatch.setattr(parquet, "write_table", full)
    with pytest.raises(FileError, match=r"cannot be written to .*: No space left on device"):
        write_table(path, COLUMNS)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert path.read_text() == "old"


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileError, match="No such file or directory"):
        write_table(tmp_path / "none" / "t.csv", COLUMNS)


def test_other_endings_and_ragged_columns_are_refused(tmp_path):
    with pytest.raises(SettingError, match=r"t\.xlsx does not end in \.csv or \.parquet"):
        write_table(tmp_path / "t.xlsx", COLUMNS)
    with pytest.raises(SettingError, match="a 1, b 2"):
        write_table(tmp_path / "t.csv", {"a": [1], "b": [1, 2]})
    check_ending("t.SVG", also=[".svg"])
    with pytest.raises(SettingError, match=r"\.csv, \.parquet, \.svg or \.png"):
        check_ending("t", also=[".svg", ".png"])


def test_what_is_no_parquet_is_told(tmp_path):
    (tmp_path / "t.parquet").write_text("not so")
    with pytest.raises(FileError, match="no whole Parquet file"):
        read_table(tmp_path / "t.parquet")
    with pytest.raises(FileError, match=r"none.parquet cannot be read: No such file"):
        read_table(tmp_path / "none.parquet")


def test_tables_are_read_by_no_thread_that_outlives_the_interpreter(tmp_path, monkeypatch):
    from babygpt.lab import store

    name = tmp_path / "a.parquet"
    write_table(name, {"x": np.arange(3)})
    monkeypatch.setattr(parquet, "read_table", lambda *_, **__: pytest.fail("Arrow's threads may hold Python's bytes"))
    assert read_table(name)["x"].tolist() == [0, 1, 2]
    assert store._table(name.read_bytes()).to_pydict() == {"x": [0, 1, 2]}
