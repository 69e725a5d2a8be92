"""A profile says the same of the same data however it comes, and parts make up the whole."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.errors import CorruptError, MissingInputError
from finalmile.monitoring.profile import CategoryColumn, NumberColumn, OtherColumn, Profile, Table


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(5_000_010)
    n = 5000
    x = rng.lognormal(0, 1, n)
    return pl.DataFrame(
        {
            "amount": pl.Series(x).set(pl.Series(rng.random(n) < 0.05), None),
            "units": rng.poisson(2.0, n),
            "city": pl.Series(rng.choice(["Ulm", "Bonn", "Köln", "x"], n)).set(pl.Series(rng.random(n) < 0.02), None),
            "promo": rng.random(n) < 0.2,
            "day": [dt.date(2024, 1, 1) + dt.timedelta(days=int(k)) for k in rng.integers(0, 90, n)],
        }
    )


def _said(profile: Profile) -> list[tuple[object, ...]]:
    told: list[tuple[object, ...]] = []
    for column in profile.columns:
        if isinstance(column, NumberColumn):
            figures = (column.mean, column.sd, column.low, column.high)
            told.append(
                (
                    column.name,
                    column.rows,
                    column.missing,
                    column.zeros,
                    *np.round(figures, 9),
                    *column.table.upto.tolist(),
                )
            )
        elif isinstance(column, CategoryColumn):
            told.append((column.name, column.missing, column.names, *column.counts.tolist()))
        else:
            told.append((column.name, column.missing))
    return told


@pytest.mark.parametrize("form", ["path", "folder", "lazy", "pandas", "arrow", "reader", "duckdb", "arrays"])
def test_every_form_of_the_same_data_gives_the_same_numbers(frame: pl.DataFrame, tmp_path: Path, form: str) -> None:
    path = tmp_path / "data.parquet"
    frame.write_parquet(path, row_group_size=1000)
    if form == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        data = duckdb.connect().sql(f"select * from read_parquet('{path}')")
    elif form == "reader":
        pytest.importorskip("pyarrow")
        data = frame.to_arrow().to_reader(max_chunksize=700)
    else:
        made = {
            "path": lambda: path,
            "folder": lambda: tmp_path,
            "lazy": lambda: frame.lazy().filter(pl.col("units") >= 0),
            "pandas": frame.to_pandas,
            "arrow": frame.to_arrow,
            "arrays": lambda: {name: frame[name].to_list() for name in frame.columns},
        }
        data = made[form]()
    assert _said(Profile.of(data)) == _said(Profile.of(frame))


def test_kinds_follow_types(frame: pl.DataFrame) -> None:
    kinds = {column.name: column.kind for column in Profile.of(frame).columns}
    assert kinds == {"amount": "number", "units": "number", "city": "category", "promo": "category", "day": "other"}


def test_what_is_saved_is_what_is_loaded(frame: pl.DataFrame, tmp_path: Path) -> None:
    profile = Profile.of(frame)
    loaded = Profile.load(profile.save(tmp_path / "reference.npz"))
    assert _said(loaded) == _said(profile)
    assert loaded.digest == profile.digest
    assert loaded.digest != Profile.of(frame.head(4999)).digest


def test_bytes_that_are_no_profile_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptError, match="profile the reference again"):
        Profile.from_bytes(b"nothing")


@pytest.mark.parametrize("family", ["normal", "lognormal", "counts"])
def test_merged_parts_are_the_whole_to_within_the_stated_error(family: str) -> None:
    rng = np.random.default_rng(5_000_011)
    x = {"normal": rng.standard_normal(40_000), "lognormal": rng.lognormal(0, 2, 40_000)}.get(
        family, rng.poisson(3.0, 40_000).astype(float)
    )
    x = np.append(x, np.sort(x)[:5000] + 3)
    merged = Profile.of({"x": x[:1000]})
    for start in range(1000, len(x), 11_000):
        merged = merged.merged(Profile.of({"x": x[start : start + 11_000]}))
    (column,) = merged.columns
    assert isinstance(column, NumberColumn)
    assert column.n == len(x)
    assert column.table.n == pytest.approx(len(x))
    assert column.mean == pytest.approx(x.mean(), rel=1e-12)
    assert column.sd == pytest.approx(x.std(ddof=1), rel=1e-12)
    true = np.searchsorted(np.sort(x), column.table.knots, "right")
    assert np.abs(column.table.upto - true).max() <= column.table.error + 1e-6
    assert column.table.error < 0.006 * len(x)
    assert column.table.sums.sum() + column.table.at @ column.table.knots == pytest.approx(x.sum(), rel=1e-9)


@given(values=st.lists(st.integers(-5, 5), min_size=1, max_size=60), knots=st.integers(1, 12))
@settings(deadline=None)
def test_ranks_and_sums_at_knots_are_exact(values: list[int], knots: int) -> None:
    ordered = np.sort(np.array(values, dtype=float))
    table = Table.of(ordered, knots=knots)
    assert table.upto.tolist() == np.searchsorted(ordered, table.knots, "right").tolist()
    assert table.below.tolist() == np.searchsorted(ordered, table.knots, "left").tolist()
    assert table.n == len(values)
    thin = Table.exact(ordered).thinned(knots)
    assert thin.upto.tolist() == np.searchsorted(ordered, thin.knots, "right").tolist()
    assert thin.sums.sum() + thin.at @ thin.knots == pytest.approx(ordered.sum())


def test_observing_slices_is_observing_the_whole(frame: pl.DataFrame) -> None:
    pytest.importorskip("pyarrow")
    profile = Profile.of(frame)
    whole = profile.observe(frame)
    parts = profile.observe(pl.concat([frame] * 3).to_arrow().to_reader(max_chunksize=500))
    assert parts.rows == 3 * whole.rows
    for one, three in zip(whole.columns, parts.columns, strict=True):
        assert three.missing == 3 * one.missing
        if isinstance(one, NumberColumn) and isinstance(three, NumberColumn):
            assert three.table.at.tolist() == (3 * one.table.at).tolist()


def test_odd_columns_are_profiled_and_never_raise() -> None:
    odd = pl.DataFrame(
        {
            "gone": pl.Series([None, None], dtype=pl.Float64),
            "null": [None, None],
            "wild": [float("inf"), 2.0],
            "nan": [float("nan"), float("nan")],
            "list": [[1], [2]],
            "huge": [1e308, -1e308],
        }
    )
    for data in (odd, odd.head(0), odd.head(1)):
        profile = Profile.of(data)
        assert [c.name for c in profile.columns] == odd.columns
        assert Profile.from_bytes(profile.to_bytes()).rows == data.height
        profile.observe(data)
        profile.merged(profile)
    wild = Profile.of(odd).column("wild")
    assert isinstance(wild, NumberColumn)
    assert (wild.infinite, wild.n, wild.mean) == (1, 1, 2.0)
    assert isinstance(Profile.of(odd).column("null"), OtherColumn)


def test_many_names_are_cut_and_said() -> None:
    (column,) = Profile.of({"id": [f"p{k}" for k in range(500)] + ["p7"]}, names=10).columns
    assert isinstance(column, CategoryColumn)
    assert (column.names[0], len(column.names), column.other, column.complete) == ("p7", 10, 490, False)


def test_what_cannot_be_read_says_what_can() -> None:
    with pytest.raises(MissingInputError, match="give a Parquet path"):
        Profile.of(42)
    with pytest.raises(MissingInputError, match="give a path"):
        Profile.of("nowhere.parquet")
    with pytest.raises(MissingInputError, match="no column y"):
        Profile.of({"x": [1.0]}, columns=["y"])
