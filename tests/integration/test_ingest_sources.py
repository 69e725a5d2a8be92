"""Real files, databases and other libraries' frames, read the way people leave them."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from finalmile.adapters.sources import load, read_source
from finalmile.errors import SchemaError

CSV = "unique_id,ds,y\n007,2024-01-01,1\n007,2024-01-02,2.5\n"
ROWS = [("007", "2024-01-01", "1"), ("007", "2024-01-02", "2.5")]


def fault(source: object, **how: str) -> str:
    with pytest.raises(SchemaError) as caught:
        load(source, **how)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("plain.csv", CSV.encode()),
        ("bom.csv", b"\xef\xbb\xbf" + CSV.encode()),
        ("utf16.csv", CSV.encode("utf-16")),
        ("semicolon.csv", CSV.replace(",", ";").encode()),
        ("tab.tsv", CSV.replace(",", "\t").encode()),
        ("windows.csv", CSV.replace("\n", "\r\n").encode()),
        ("blank_end.csv", (CSV + "\n\n").encode()),
        ("packed.csv.gz", gzip.compress(CSV.encode(), mtime=0)),
        ("quoted.csv", b'"unique_id","ds","y"\n"007","2024-01-01","1"\n"007","2024-01-02","2.5"\n'),
    ],
)
def test_a_csv_file_is_read_as_text_however_it_was_saved(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    loaded = load(path)
    assert loaded.frame.columns == ["unique_id", "ds", "y"]
    assert loaded.frame.rows() == ROWS
    assert loaded.label == name
    assert loaded.untyped


def test_a_semicolon_file_keeps_its_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "de.csv"
    path.write_text("unique_id;ds;y\na;2024-01-01;1,5\n")
    assert read_source(path)["y"].to_list() == ["1,5"]


def test_parquet_and_arrow_files_keep_their_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"unique_id": [7], "y": [1.5]})
    frame.write_parquet(tmp_path / "without_suffix")
    frame.write_ipc(tmp_path / "a.arrow")
    assert read_source(tmp_path / "without_suffix").equals(frame)
    assert read_source(str(tmp_path / "a.arrow")).equals(frame)


def test_a_glob_is_its_files_in_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("unique_id,y\nb,2\n")
    (tmp_path / "a.csv").write_text("y,unique_id\n1,a\n3,a\n")
    loaded = load(str(tmp_path / "*.csv"))
    assert loaded.frame["unique_id"].to_list() == ["a", "a", "b"]
    assert loaded.parts == (("a.csv", 2), ("b.csv", 1))


def test_a_glob_of_differing_types_becomes_text(tmp_path: Path) -> None:
    pl.DataFrame({"unique_id": [7], "y": [1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"unique_id": ["x"], "y": [1.5]}).write_parquet(tmp_path / "b.parquet")
    assert read_source(str(tmp_path / "*.parquet"))["unique_id"].to_list() == ["7", "x"]


def test_files_of_a_glob_that_differ_in_their_columns_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("unique_id,y\na,1\n")
    (tmp_path / "b.csv").write_text("unique_id,qty\na,1\n")
    told = fault(str(tmp_path / "*.csv"))
    assert "b.csv lacks y and has also qty, compared with a.csv; give all files the same columns" in told


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\n", "the file is empty"),
        (b"PAR1nonsense", "cannot be read"),
        (b"PK\x03\x04sheet", "save it as CSV (UTF-8) or Parquet"),
        (b"\x1f\x8bnonsense", "cannot be read"),
        ("unique_id,y\nä,1\n".encode("latin-1"), "CSV (UTF-8)"),
        (b"unique_id,y,y\na,1,2\n", "'y' heads two columns"),
        (b"unique_id,y\na,1,2,3\n", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_mend(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(data)
    message = fault(path)
    assert message.startswith("bad.csv: ")
    assert told in message


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    assert "there is no such file" in fault(tmp_path / "none.csv")
    assert "no file matches" in fault(str(tmp_path / "*.csv"))
    assert "is a folder" in fault(tmp_path)
    assert "neither a path nor a frame" in fault(7)


def test_frames_of_every_arrow_library_are_taken() -> None:
    pandas = pd.DataFrame({"unique_id": ["a", "b"], "y": [1.0, 2.0]}, index=[5, 6])
    arrow = pa.table({"unique_id": ["a", "b"], "y": [1.0, 2.0]})
    polars = pl.DataFrame({"unique_id": ["a", "b"], "y": [1.0, 2.0]})
    relation = duckdb.sql("select * from (values ('a', 1.0::double), ('b', 2.0::double)) t(unique_id, y) order by y")
    for frame in (pandas, arrow, polars, polars.lazy(), relation):
        loaded = load(frame, label="mine")  # type: ignore[arg-type]
        assert loaded.frame.equals(polars), type(frame)
        assert not loaded.untyped


def database(folder: Path) -> str:
    path = folder / "shop.db"
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("create table sales (sku integer, day text, qty real)")
        connection.executemany("insert into sales values (?, ?, ?)", [(1, "2024-01-01", 2.0), (2, "2024-01-01", None)])
    connection.close()
    return f"sqlite:///{path}"


def test_a_query_is_read_over_a_url(tmp_path: Path) -> None:
    loaded = load(database(tmp_path), query="select sku, day as ds, qty as y from sales order by sku")
    assert loaded.frame.rows() == [(1, "2024-01-01", 2.0), (2, "2024-01-01", None)]


def test_a_query_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    assert read_source(database(tmp_path), query="select * from sales where 1 = 0").columns == ["sku", "day", "qty"]


def test_a_query_changes_nothing(tmp_path: Path) -> None:
    url = database(tmp_path)
    assert "use a select" in fault(url, query="delete from sales")
    assert read_source(url, query="select * from sales").height == 2


def test_a_url_that_does_not_work_says_what_to_do(tmp_path: Path) -> None:
    url = database(tmp_path)
    assert "say which rows: query=" in fault(url)
    assert "no such table: nowhere" in fault(url, query="select * from nowhere")
    assert "no such database file" in fault(f"sqlite:///{tmp_path}/typo.db", query="select 1")
    assert not (tmp_path / "typo.db").exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+nodriver://bob:hunter2@localhost/shop",
        "nosuch://bob:hunter2@localhost/shop?password=hunter2",
        "sqlite+pysqlite://bob:hunter2@localhost/shop.db",
        "http://bob:hunter2@:x:/",
    ],
)
def test_secrets_are_never_shown(url: str) -> None:
    assert "hunter2" not in fault(url, query="select 1")
    assert "hunter2" not in fault(url)
