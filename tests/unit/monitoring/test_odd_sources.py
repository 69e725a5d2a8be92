"""Files and frames as they really come: every one is read, or said to be unreadable and why."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import finalmile as fm
from finalmile.errors import CorruptError, MissingInputError
from finalmile.monitoring.profile import Column, NumberColumn, OtherColumn, Profile


def column(profile: Profile, name: str) -> Column:
    told = profile.column(name)
    assert told is not None
    return told


def test_a_file_that_lacks_a_column_has_nulls_there_and_one_that_brings_a_column_is_read(tmp_path: Path) -> None:
    pl.DataFrame({"price": [1.0, 2.0], "city": ["Ulm", "Bonn"]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"price": [3.0], "size": [4]}).write_parquet(tmp_path / "2.parquet")
    profile = Profile.of(tmp_path)
    assert [(c.name, c.missing) for c in profile.columns] == [("price", 0), ("city", 1), ("size", 2)]


def test_a_column_of_two_types_has_the_one_that_holds_both(tmp_path: Path) -> None:
    pl.DataFrame({"price": [1.5, 2.5]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"price": [3]}, schema={"price": pl.Int32}).write_parquet(tmp_path / "2.parquet")
    pl.DataFrame({"price": [4.0]}, schema={"price": pl.Float32}).write_parquet(tmp_path / "3.parquet")
    price = column(Profile.of(tmp_path), "price")
    assert isinstance(price, NumberColumn)
    assert (price.dtype, price.rows, price.mean) == ("Float64", 4, 2.75)


@pytest.mark.parametrize("harm", ["empty", "cut", "bytes"])
def test_a_damaged_file_is_named_as_what_cannot_be_read(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "sales.parquet"
    pl.DataFrame({"price": np.random.default_rng(5_000_020).normal(size=1000)}).write_parquet(path)
    blob = path.read_bytes()
    middle = len(blob) // 4
    damaged = {"empty": b"", "cut": blob[:middle], "bytes": blob[:middle] + b"x" * 200 + blob[middle + 200 :]}
    path.write_bytes(damaged[harm])
    with pytest.raises(MissingInputError, match=r"sales\.parquet cannot be read as Parquet"):
        Profile.of(path)


def test_text_late_in_a_csv_makes_its_column_text(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("units\n" + "1\n" * 2000 + "none\n")
    units = column(Profile.of(path), "units")
    assert (units.kind, units.rows) == ("category", 2001)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n4,5,6\n"])
def test_a_csv_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(text)
    with pytest.raises(MissingInputError, match=r"sales\.csv cannot be read as CSV"):
        Profile.of(path)
    with pytest.raises(MissingInputError, match=r"none\.csv cannot be read as CSV"):
        Profile.of(tmp_path / "none.csv")


@pytest.mark.parametrize("unit", ["h", "s"])
def test_times_in_seconds_or_hours_are_read(unit: str) -> None:
    pd = pytest.importorskip("pandas")
    seconds = np.array(["2024-01-01", "2024-01-02", "NaT"], dtype=f"datetime64[{unit}]")
    for data in ({"seen": seconds}, pd.DataFrame({"seen": seconds.astype("datetime64[s]")})):
        seen = column(Profile.of(data), "seen")
        assert isinstance(seen, OtherColumn)
        assert (seen.missing, seen.low[:10], seen.high[:10]) == (1, "2024-01-01", "2024-01-02")


def test_columns_of_one_name_are_told_apart() -> None:
    pd = pytest.importorskip("pandas")
    twice = pd.DataFrame([[1.0, 5.0, 9.0]], columns=["price", "price", "price (2)"])
    means = {c.name: c.mean for c in Profile.of(twice).columns if isinstance(c, NumberColumn)}
    assert means == {"price": 1.0, "price (2)": 5.0, "price (2) (2)": 9.0}


def test_types_that_polars_has_not_got_become_text() -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"wide": pa.array([Decimal("1.10"), None], pa.decimal256(60, 2)), "units": [1, 2]})
    for data in (table, pa.RecordBatchReader.from_batches(table.schema, table.to_batches())):
        profile = Profile.of(data)
        assert (column(profile, "wide").kind, column(profile, "wide").missing) == ("category", 1)
        assert column(profile, "units").kind == "number"


def test_infinite_dates_and_intervals_of_a_database_harm_no_other_column() -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    query = (
        "select * from (values (date 'infinity', interval 1 day, 1.0), (date '2024-01-01', interval 2 day, 2.0)) "
        "as t(valid_to, lead, price)"
    )
    with duckdb.connect() as connection:
        profile = Profile.of(connection.sql(query))
    valid_to = column(profile, "valid_to")
    assert isinstance(valid_to, OtherColumn)
    assert (valid_to.low, valid_to.high) == ("2024-01-01", "2024-01-01")
    assert column(profile, "lead").kind == "category"
    assert column(profile, "price").rows == 2


def test_flipped_bytes_of_a_profile_are_damage_and_no_other_fault() -> None:
    rng = np.random.default_rng(5_000_021)
    blob = Profile.of({"x": rng.normal(size=50), "c": ["a", "b"] * 25}).to_bytes()
    for _ in range(300):
        flipped = bytearray(blob)
        for at in rng.integers(0, len(blob), 3):
            flipped[at] = int(rng.integers(256))
        try:
            told = Profile.from_bytes(bytes(flipped))
        except CorruptError:
            continue
        assert told.rows >= 0


def test_hostile_names_are_text_on_the_page_in_json_and_in_xml() -> None:
    from xml.etree import ElementTree

    names = ["<script>alert(1)</script>", "\"'&", "\u202eabc", "x" * 10_000, "a\nb\r\tc", "\x00\x01\x1b[31m", "]]>", ""]
    rng = np.random.default_rng(5_000_022)
    report = fm.drift_report(
        pl.DataFrame({name: rng.normal(size=40) for name in names}),
        pl.DataFrame({name: rng.normal(size=40) + 3 for name in names}),
        thresholds={"ks": 0.2},
    )
    assert len(report.columns) == len(names)
    page = report.to_html()
    assert "<script>alert" not in page
    assert not set("\x00\x1b\u202e") & set(page)
    assert len(ElementTree.fromstring(report.to_junit()).findall("testcase/failure")) >= len(names)
