"""What holds in every simulated world."""

from dataclasses import replace

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.sandbox import RegimeChange, Retailer

retailers = st.builds(
    Retailer,
    seed=st.integers(0, 10_000),
    products=st.integers(1, 8),
    stores=st.integers(1, 3),
    days=st.integers(1, 200),
    intermittent=st.floats(0, 1),
    new=st.floats(0, 1),
    dying=st.floats(0, 1),
    promotions_per_year=st.floats(0, 20),
    suppliers=st.integers(1, 4),
    service_z=st.floats(0, 3),
)
kinds = st.sampled_from(["level", "promotion", "price", "weekday", "variance"])


@given(retailers)
@settings(max_examples=40, deadline=None)
def test_sales_never_pass_demand_nor_stock_and_demand_is_hidden_only_when_it_passed_stock(retailer: Retailer) -> None:
    world = retailer.simulate()
    shop, demand = world.shop, world.true_demand
    assert (shop.sold <= demand).all()
    assert (shop.sold <= shop.available).all()
    assert (shop.on_hand >= 0).all()
    assert ((shop.sold < demand) == (demand > shop.available)).all()
    assert (shop.on_hand[demand > shop.available] == 0).all()
    assert (demand[~world.listed] == 0).all()


@given(retailers)
@settings(max_examples=25, deadline=None)
def test_units_are_neither_made_nor_lost(retailer: Retailer) -> None:
    world = retailer.simulate()
    received = np.zeros(world.true_demand.shape)
    arrived = world.shop.arrives < world.days
    np.add.at(received, (world.shop.series[arrived], world.shop.arrives[arrived]), world.shop.quantity[arrived])
    before = np.concatenate([np.zeros((len(received), 1)), world.shop.on_hand[:, :-1]], axis=1)
    made = world.shop.available - before - received
    launch = world.assortment.of_product("launch")[:, None] == np.arange(world.days)
    assert (made[~launch] == 0).all()
    assert (made[launch] > 0).all()


@given(retailers, st.integers(0, 150), kinds, st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_a_regime_change_changes_nothing_before_its_day_nor_any_product_it_does_not_touch(
    retailer: Retailer, day: int, kind: str, size: float, share: float
) -> None:
    regime = RegimeChange(day=day, kind=kind, size=size, share=share)  # type: ignore[arg-type]
    plain, changed = retailer.simulate(), replace(retailer, regimes=(regime,)).simulate()
    before = slice(0, min(day, retailer.days))
    assert (plain.true_demand[:, before] == changed.true_demand[:, before]).all()
    assert (plain.shop.on_hand[:, before] == changed.shop.on_hand[:, before]).all()
    spared = ~changed.touched_products[0][changed.assortment.product]
    assert (plain.true_demand[spared] == changed.true_demand[spared]).all()
    assert (plain.shop.sold[spared] == changed.shop.sold[spared]).all()


@given(retailers)
@settings(max_examples=15, deadline=None)
def test_the_same_seed_gives_the_same_world(retailer: Retailer) -> None:
    first, again = retailer.simulate().tables(), retailer.simulate().tables()
    assert all(first[name].equals(again[name]) for name in first)


@given(retailers, st.integers(1, 3), st.integers(1, 2), st.integers(1, 60))
@settings(max_examples=15, deadline=None)
def test_more_products_stores_or_days_leave_what_was_there_as_it_was(
    retailer: Retailer, products: int, stores: int, days: int
) -> None:
    small = retailer.simulate()
    large = replace(
        retailer,
        products=retailer.products + products,
        stores=retailer.stores + stores,
        days=retailer.days + days,
    ).simulate()
    kept = large.sales.filter(pl.col("unique_id").is_in(small.assortment.ids.tolist()) & (pl.col("ds") <= small.end))
    assert kept.equals(small.sales)
