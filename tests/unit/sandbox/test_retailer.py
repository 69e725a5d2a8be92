"""The simulated retailer: a world whose truth is known and whose tables hide it honestly."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from finalmile.sandbox import RegimeChange, Retailer, World

SMALL = Retailer(seed=4, products=12, stores=2, days=400)


@pytest.fixture(scope="module")
def world() -> World:
    return SMALL.simulate()


def test_the_shop_loses_sales_to_stock_outs_but_not_most_of_them(world: World) -> None:
    assert world.fill_rate is not None
    assert 0.7 < world.fill_rate < 0.99
    assert world.demand["lost"].sum() > 0


def test_sales_rows_have_one_key_each_and_are_sorted(world: World) -> None:
    keys = world.sales.select("unique_id", "ds")
    assert keys.is_unique().all()
    assert keys.equals(keys.sort("unique_id", "ds"))


def test_a_product_is_listed_from_launch_to_a_while_after_its_death() -> None:
    world = Retailer(seed=1, products=30, stores=1, days=912, new=0.5, dying=0.5).simulate()
    span = world.sales.group_by("unique_id").agg(pl.col("ds").min().alias("first"), pl.col("ds").max().alias("last"))
    assert (span["first"] > world.start).any()
    assert (span["last"] < world.end).any()
    gone = world.demand.join(span, on="unique_id").filter(
        (pl.col("last") < world.end) & (pl.col("ds") > pl.col("last") - timedelta(days=15))
    )
    before = world.demand.join(span, on="unique_id").filter(
        (pl.col("last") < world.end) & (pl.col("ds") < pl.col("last") - timedelta(days=65))
    )
    assert gone["expected"].mean() < 0.05 * before["expected"].mean()  # type: ignore[operator]


def test_promotions_and_lower_prices_sell_more(world: World) -> None:
    rows = world.demand.with_columns(world.sales["promo"]).group_by("unique_id", "promo")
    means = rows.agg(pl.col("expected").mean()).pivot("promo", index="unique_id", values="expected").drop_nulls()
    assert (means["true"] > means["false"]).mean() > 0.9


def test_orders_received_and_open_are_all_orders_and_late_ones_are_open(world: World) -> None:
    assert (world.receipts["received_at"] > world.receipts["ordered_at"]).all()
    assert (world.receipts["received_at"] <= world.end).all()
    assert world.receipts.height + world.open_orders.height == len(world.shop.series)
    assert (world.open_orders["ordered_at"] <= world.end).all()
    pack = world.items.select("unique_id", "pack_size")
    packed = world.receipts.join(pack, on="unique_id")
    assert (packed["quantity"] % packed["pack_size"] == 0).all()


def test_offers_are_known_four_weeks_ahead_and_agree_with_what_was_charged(world: World) -> None:
    future = world.future
    assert future["ds"].max() == world.end + timedelta(days=28)
    ahead = future["ds"].cast(pl.Datetime("us", "UTC")) - future["known_at"]
    assert ahead.unique().to_list() == [timedelta(days=28)]
    both = world.sales.join(future, on=["unique_id", "ds"], suffix="_told")
    assert both.height == world.sales.height
    assert (both["price"] == both["price_told"]).all()
    assert (both["promo"] == both["promo_told"]).all()


def test_items_hold_the_price_of_the_first_day_not_of_the_last(world: World) -> None:
    first = world.sales.filter(~pl.col("promo")).group_by("unique_id").agg(pl.col("price", "ds").sort_by("ds").first())
    told = first.filter(pl.col("ds") == world.start).join(world.items, on="unique_id")
    assert told.height > 0
    assert np.allclose(told["price"], told["unit_price"], atol=0.006)


def test_items_have_every_series_that_was_listed_and_no_other(world: World) -> None:
    assert set(world.items["unique_id"]) == set(world.sales["unique_id"])
    assert (world.items["unit_cost"] < world.items["unit_price"]).all()


@pytest.mark.parametrize(
    ("kind", "size"), [("level", 1.6), ("promotion", 3.0), ("price", 2.0), ("weekday", 1.0), ("variance", 4.0)]
)
def test_each_kind_of_regime_change_shows_after_its_day(kind: str, size: float) -> None:
    changed = replace(SMALL, regimes=(RegimeChange(day=300, kind=kind, size=size),)).simulate()  # type: ignore[arg-type]
    plain = SMALL.simulate()
    after = (plain.true_demand[:, 300:] != changed.true_demand[:, 300:]).any(axis=1)
    assert after.mean() > 0.7
    assert changed.regime_dates == (SMALL.start + timedelta(days=300),)


def test_a_level_change_multiplies_expected_demand_of_its_category_only() -> None:
    regime = RegimeChange(day=200, kind="level", size=1.5, category="drinks")
    plain, changed = SMALL.simulate(), replace(SMALL, regimes=(regime,)).simulate()
    drinks = set(plain.items.filter(pl.col("category") == "drinks")["unique_id"])
    assert changed.touched == (frozenset(drinks),)
    ratio = changed.demand.with_columns(ratio=pl.col("expected") / plain.demand["expected"]).filter(
        pl.col("ratio").is_finite()
    )
    day = SMALL.start + timedelta(days=200)
    late = ratio.filter(pl.col("unique_id").is_in(drinks) & (pl.col("ds") >= day))["ratio"]
    rest = ratio.filter(~(pl.col("unique_id").is_in(drinks) & (pl.col("ds") >= day)))["ratio"]
    assert np.allclose(late, 1.5, rtol=1e-5)
    assert (rest == 1).all()


def test_a_heat_wave_comes_within_days_and_goes() -> None:
    regime = RegimeChange(day=200, size=1.5, category="drinks", rise_days=4, lasts_days=20)
    plain, changed = SMALL.simulate(), replace(SMALL, regimes=(regime,)).simulate()
    ratio = changed.expected.sum(axis=0) / plain.expected.sum(axis=0)
    assert (ratio[:200] == 1).all()
    assert (np.diff(ratio[199:203]) > 0).all()
    assert np.allclose(ratio[220:], 1)
    assert ratio[200:220].argmax() in range(3, 17)


def test_demand_is_overdispersed() -> None:
    world = Retailer(products=20, stores=1, days=600, intermittent=0).simulate()
    z = (world.true_demand - world.expected) / np.sqrt(np.maximum(world.expected, 1e-6))
    assert np.nanvar(z[world.expected > 1]) > 1.2


def test_saved_tables_read_back_as_they_were(world: World, tmp_path) -> None:  # type: ignore[no-untyped-def]
    paths = world.save(tmp_path)
    assert set(paths) == {"sales", "items", "stock", "receipts", "open_orders", "future", "demand"}
    assert pl.read_parquet(paths["sales"]).equals(world.sales)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"products": 0}, "at least 1"),
        ({"intermittent": 1.5}, "share in"),
        ({"lead_time_days": (5, 2)}, "range"),
    ],
)
def test_settings_out_of_range_are_named(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Retailer(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "says"), [({"kind": "levle"}, "Known: level"), ({"share": 2}, "share"), ({"kind": "weekday"}, "share")]
)
def test_a_wrong_regime_change_is_named(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RegimeChange(day=1, **wrong)  # type: ignore[arg-type]


def test_a_world_of_one_day_and_one_product_is_a_world() -> None:
    world = Retailer(products=1, stores=1, days=1, new=0).simulate()
    assert world.sales["ds"].to_list() == [date(2024, 1, 1)]
    assert world.receipts.height == 0
