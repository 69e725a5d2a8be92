"""Several windows asked of the tables on one day are what each would be if it were read alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.config import Config
from finalmile.frames import Panel
from finalmile.workflows.known import TableKnown

START = date(2024, 1, 1)
DAYS = 14


@dataclass
class Rows:
    """A table in memory that counts how often it is read."""

    frame: pl.DataFrame
    reads: list[object] = field(default_factory=list)

    def read(
        self,
        *,
        as_of: datetime | None = None,  # everything is known
        ds_from: date | datetime | None = None,
        columns: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        backfill_known: bool = True,  # nothing is backfilled
    ) -> pl.DataFrame:
        self.reads.append(columns)
        rows = self.frame if ds_from is None else self.frame.filter(pl.col("ds") >= ds_from)
        rows = rows if ids is None else rows.filter(pl.col("unique_id").is_in(list(ids)))
        return rows if columns is None else rows.select(columns)

    def versions(self) -> pl.DataFrame:
        return self.frame


def known(sales: pl.DataFrame, future: pl.DataFrame, *, gaps: str = "zero") -> TableKnown:
    items = pl.DataFrame({"unique_id": ["a", "b", "c"], "category": ["x", "y", "x"]})
    config = Config.model_validate({"frequency": "D", "gaps": gaps})
    return TableKnown(sales=Rows(sales), item_table=Rows(items), future=Rows(future), config=config)


def same(one: Panel, other: Panel) -> None:
    assert one.ids.tolist() == other.ids.tolist()
    assert (one.first, one.cutoff, one.ahead) == (other.first, other.cutoff, other.ahead)
    np.testing.assert_array_equal(one.y, other.y)
    np.testing.assert_array_equal(one.censored, other.censored)
    assert list(one.covariates) == list(other.covariates)
    for name, values in one.covariates.items():
        np.testing.assert_array_equal(values, other.covariates[name])
    assert {name: values.tolist() for name, values in one.statics.items()} == {
        name: values.tolist() for name, values in other.statics.items()
    }


@st.composite
def tables(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sales with holes, also days without any row, and covariates known ahead that overlap them."""
    chosen = draw(st.sets(st.tuples(st.sampled_from("abc"), st.integers(0, DAYS - 1)), min_size=2))
    keys = sorted({*chosen, ("a", 0)})
    units = st.integers(0, 5).map(float)
    price = st.one_of(st.none(), st.floats(1, 9, width=32))
    sales = pl.DataFrame(
        [(one, START + timedelta(day), draw(units), draw(st.booleans()), draw(price)) for one, day in keys],
        schema={"unique_id": pl.String, "ds": pl.Date, "y": pl.Float64, "censored": pl.Boolean, "price": pl.Float64},
        orient="row",
    )
    days = st.tuples(st.sampled_from("abcd"), st.integers(0, DAYS + 5))
    told = sorted(draw(st.sets(days)))
    future = pl.DataFrame(
        [(one, START + timedelta(day), draw(price), draw(st.sampled_from(["", "fair", None]))) for one, day in told],
        schema={"unique_id": pl.String, "ds": pl.Date, "price": pl.Float64, "event": pl.String},
        orient="row",
    )
    return sales, future


@settings(deadline=None, max_examples=30)
@given(
    told=tables(),
    asked=st.lists(
        st.tuples(st.integers(0, DAYS - 1), st.one_of(st.none(), st.integers(1, DAYS)), st.integers(0, 4)),
        min_size=1,
        max_size=5,
    ),
    gaps=st.sampled_from(["zero", "unknown"]),
)
def test_a_window_cut_from_an_earlier_read_is_the_window_read_alone(
    told: tuple[pl.DataFrame, pl.DataFrame], asked: list[tuple[int, int | None, int]], gaps: str
) -> None:
    shared = known(*told, gaps=gaps)
    shared.panel(shared.newest)
    for back, periods, ahead in asked:
        cutoff = shared.newest - back
        same(
            shared.panel(cutoff, periods=periods, ahead=ahead),
            known(*told, gaps=gaps).panel(cutoff, periods=periods, ahead=ahead),
        )


@settings(deadline=None, max_examples=30)
@given(
    told=tables(),
    name=st.sampled_from("abcd"),
    back=st.integers(0, DAYS - 1),
    periods=st.one_of(st.none(), st.integers(1, DAYS)),
    read_before=st.booleans(),
    gaps=st.sampled_from(["zero", "unknown"]),
)
def test_one_series_read_alone_is_what_it_is_among_all(
    told: tuple[pl.DataFrame, pl.DataFrame], name: str, back: int, periods: int | None, read_before: bool, gaps: str
) -> None:
    every, alone = known(*told, gaps=gaps), known(*told, gaps=gaps)
    cutoff = every.newest - back
    everyone = every.panel(cutoff, periods=periods)
    expected = everyone.take(np.flatnonzero(everyone.ids == name))
    if read_before:
        alone.panel(alone.newest)
    found = alone.one(name, cutoff, periods=periods)
    assert found.ids.tolist() == expected.ids.tolist()
    if found.n:
        both_from = max(found.first, expected.first)
        assert np.isnan(expected.y[:, : both_from - expected.first]).all()  # before its own first sales
        assert not np.nan_to_num(found.y[:, : both_from - found.first]).any()  # days on which nobody sold anything
        found, tail = (one.last(found.cutoff - both_from + 1) for one in (found, expected))
        assert (found.first, found.cutoff) == (tail.first, tail.cutoff)
        np.testing.assert_array_equal(found.y, tail.y)
        np.testing.assert_array_equal(found.censored, tail.censored)
        np.testing.assert_array_equal(found.covariates["price"], tail.covariates["price"])
        assert found.statics["category"].tolist() == tail.statics["category"].tolist()


def test_a_second_window_inside_the_first_is_not_read_again() -> None:
    sales = pl.DataFrame(
        {"unique_id": ["a"] * 5, "ds": [START + timedelta(day) for day in range(5)], "y": [1.0, 0, 2, 3, 4]}
    )
    both = known(sales, pl.DataFrame({"unique_id": ["a"], "ds": [START], "price": [1.0]}))
    both.panel(both.newest, periods=4, ahead=2)
    before = len(both.sales.reads)  # type: ignore[attr-defined]  # the table above counts
    assert both.panel(both.newest, periods=3).y.tolist() == [[2, 3, 4]]
    assert len(both.sales.reads) == before  # type: ignore[attr-defined]  # the table above counts
    assert both.panel(both.newest).length == 5
    assert len(both.sales.reads) == before + 1  # type: ignore[attr-defined]  # the table above counts
