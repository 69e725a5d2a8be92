"""Root cause: the account adds up, the broken slice is named, and neither noise nor volume is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.monitoring.why import LossRows, rows_of, search_rows
from finalmile.monitoring.why.accounting import account, by
from finalmile.monitoring.why.dimensions import category, number

DAYS, STORES, KINDS = 56, 6, ("drinks", "bread", "fruit", "soap")


def shop(seed: int, *, fault: float = 1.0, volume: float = 1.0, days: int = DAYS) -> LossRows:
    """Sales of 48 series; in the last 14 days those of drinks in store 3 are multiplied, and soap's volume too."""
    rng = np.random.default_rng(seed)
    series, day = (one.ravel() for one in np.meshgrid(np.arange(48), np.arange(days), indexing="ij"))
    store, kind = series % STORES, series // 12
    now = day >= days - 14
    mean = (8.0 + series % 5) * np.where(now & (kind == 3), volume, 1.0)
    sold = rng.poisson(mean * np.where(now & (kind == 0) & (store == 3), fault, 1.0)).astype(float)
    return LossRows(
        current=now,
        loss=np.abs(mean - sold),
        exposure=sold,
        error=mean - sold,
        dimensions=(category("category", np.array(KINDS)[kind].tolist()), category("store", store.tolist())),
        series=series.astype(np.int32),
        period=day.astype(np.int64),
    )


def test_the_slice_that_broke_comes_first_and_for_sure() -> None:
    found = search_rows(shop(1, fault=2.0))[0]
    assert found.words == {"category": "drinks", "store": "3"}
    assert found.sure
    assert found.bias is not None
    assert found.bias == pytest.approx(-0.5, abs=0.1)
    assert found.share > 0.7


@pytest.mark.parametrize("volume", [1.0, 3.0, 0.4])
def test_neither_noise_nor_volume_alone_is_a_finding(volume: float) -> None:
    wrong = [seed for seed in range(20) if any(one.sure for one in search_rows(shop(seed, volume=volume)))]
    assert len(wrong) <= 2


def test_a_fault_is_named_beside_a_volume_that_moved_elsewhere() -> None:
    assert search_rows(shop(2, fault=2.0, volume=3.0))[0].words == {"category": "drinks", "store": "3"}


def test_a_narrow_part_of_a_wide_slice_is_told_after_it_where_it_rose_unlike_the_rest_of_it() -> None:
    rows = shop(3)
    assert rows.error is not None
    inside = [{"category": "drinks"}, {"category": "drinks", "store": "3"}]
    kind, store = (one.codes for one in rows.dimensions)
    drinks = rows.current & (kind == sorted(KINDS).index("drinks"))
    times = np.where(drinks, np.where(store == 3, 6.0, 2.0), 1.0)
    worse = replace(rows, loss=rows.loss * times, error=rows.error * times)
    assert [one.words for one in search_rows(worse)] == inside


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_the_account_adds_up_whatever_the_rows(seed: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    sold = rng.poisson(rng.choice([0.1, 5.0], n)).astype(float)
    error = rng.normal(0, 3, n)
    current = np.arange(n) % 2 == 0
    rows = LossRows(current=current, loss=np.abs(error), exposure=sold, error=error)
    told = account(rows, leaf=rng.integers(0, 7, n), group=rng.integers(0, groups, n))
    if told.change is None:
        assert not told.effects.any()
    else:
        assert told.effects.sum() == pytest.approx(told.change, abs=1e-9)


def test_the_account_by_a_dimension_shares_out_all_of_the_change() -> None:
    rows = shop(3, fault=2.0)
    table = by(rows, rows.dimensions[0])
    assert table["share"].sum() == pytest.approx(1.0)
    assert table["category"][0] == "drinks"


def test_volume_that_moved_to_what_is_hard_is_mix_and_no_rate() -> None:
    loss, sold = np.array([1.0, 3.0, 4.0, 12.0]), np.array([10.0, 10.0, 10.0, 30.0])
    rows = LossRows(current=np.array([False, True, False, True]), loss=np.array([1.0, 1.0, 4.0, 12.0]), exposure=sold)
    told = account(rows, leaf=np.array([0, 0, 1, 1])).totals
    assert told["mix"] == pytest.approx(13 / 40 - 5 / 20)
    assert told["noise"] == pytest.approx(0.0)
    assert loss.sum() == 20


@pytest.mark.parametrize(
    "rows",
    [
        rows_of(pl.DataFrame({"y": [], "mean": []}), pl.DataFrame({"y": [], "mean": []})),
        rows_of(pl.DataFrame({"y": [0.0] * 30, "mean": [0.0] * 30}), pl.DataFrame({"y": [0.0] * 9, "mean": [0.0] * 9})),
        rows_of(pl.DataFrame({"y": [None, 1.0], "mean": [1.0, None]}), pl.DataFrame({"y": [1.0], "mean": [1.0]})),
        rows_of(
            pl.DataFrame({"y": [1.0] * 40, "mean": [float("inf")] * 40, "a": [None] * 40}),
            pl.DataFrame({"y": [1.0] * 40, "mean": [9.0] * 40, "a": [None] * 40}),
        ),
        rows_of(
            pl.DataFrame({"y": [0.0] * 40, "mean": [1.0] * 40, "a": [1.0] * 40, "b": ["x"] * 40}),
            pl.DataFrame({"y": [0.0] * 40, "mean": [9.0] * 40, "a": [np.nan] * 40, "b": [None] * 40}),
        ),
    ],
    ids=["no rows", "nothing sold or forecast", "nulls", "infinite and null", "constant, then gone"],
)
def test_rows_that_say_nothing_bring_no_error(rows: LossRows) -> None:
    search_rows(rows)
    account(rows)


def test_a_number_is_told_as_a_range() -> None:
    rng = np.random.default_rng(4)
    price = rng.uniform(0, 80, 6000)
    now = np.arange(6000) % 2 == 1
    error = rng.normal(0, 1, 6000) * np.where(now & (price < 20), 4.0, 1.0)
    found = search_rows(
        LossRows(
            current=now,
            loss=np.abs(error),
            exposure=np.full(6000, 5.0),
            error=error,
            dimensions=(number("price", price), category("x", rng.integers(0, 4, 6000).tolist())),
        )
    )[0]
    assert list(found.words) == ["price"]
    assert found.words["price"].startswith("below ")


@pytest.mark.parametrize(("before", "now"), [(1e300, 1e300), (1, 1e300), (1e300, 1), (1e-300, 1), (1, 1e99), (1e99, 1)])
def test_figures_that_are_no_numbers_of_units_break_no_search(before: float, now: float):
    def sold(scale: float) -> pl.DataFrame:
        chance = np.random.default_rng(0)
        units = chance.poisson(5, 400) * float(scale)
        day, series = np.divmod(np.arange(400), 20)
        told = pl.DataFrame({"unique_id": [f"s{one}" for one in series], "ds": day, "y": units})
        return told.with_columns(
            mean=units * chance.uniform(0.5, 1.5, 400), store=pl.Series(series % 4).cast(pl.String)
        )

    assert isinstance(search_rows(rows_of(sold(before), sold(now))), list)
