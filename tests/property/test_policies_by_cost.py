"""Policies by cost order as the exact formulas say, item by item, and nothing near by costs less."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.errors import MissingInputError
from finalmile.frames import Cumulative
from finalmile.inventory import min_max_levels, position, reorder_quantity
from finalmile.inventory.distributions import counts
from finalmile.inventory.policies import policies
from finalmile.inventory.protection import LAW_LEVELS

few = settings(max_examples=25, deadline=None)
means = st.floats(0.3, 60.0)
spreads = st.floats(1.2, 6.0)


def item(*, order_cost=6.0, unit_cost=2.0, unit_price=5.0, review=1, lead=2, on_hand=0.0, rate=0.05):
    one = np.ones(1)
    return position(
        np.array(["a"], dtype=object),
        on_hand=on_hand * one,
        lead_periods=np.array([lead]),
        review_periods=np.array([review]),
        unit_cost=unit_cost * one,
        unit_price=unit_price * one,
        order_cost=order_cost * one,
        holding_rate=rate * one,
    )


def told(at, *, mean, spread):
    """Quantiles of negative binomial demand over review and lead time, of so much a period."""
    window = int((at.review_periods + at.lead_periods)[0])
    law = counts(mean * window, mean * window * spread)
    values = np.array([[[law.quantile(level) for level in LAW_LEVELS]]], dtype=np.float32)
    return Cumulative(
        windows=np.array([[window]]),
        mean=np.array([[mean * window]], dtype=np.float32),
        levels=LAW_LEVELS,
        values=values,
        methods=np.array(["cqr"], dtype=object),
    )


def behind(wanted):
    """Demand of a review, that of all reviews to be covered, and the costs, from the numbers that a line tells."""
    number = {name: float(values[0]) for name, values in wanted.details.items()}
    number |= {step.name: float(step.values[0]) for step in wanted.steps}
    covered = number["reviews_covered"]
    each, whole = (counts(number["demand_per_review"] * n, number["variance_per_review"] * n) for n in (1.0, covered))
    costs = reorder_quantity.Costs(
        fixed_cost=number["order_cost"],
        holding_cost=number["cost_of_one_held"],
        stockout_cost=number["cost_of_one_short"],
    )
    return number, each, whole, costs


@few
@given(means, spreads, st.floats(0.0, 400.0), st.integers(1, 3), st.integers(0, 5))
def test_least_and_most_are_the_cheapest_of_all_that_never_wait_for_what_is_owed(mean, spread, fixed, review, lead):
    at = item(order_cost=fixed, review=review, lead=lead)
    wanted = policies.make("min_max_by_cost")(at, told(at, mean=mean, spread=spread))
    number, each, whole, costs = behind(wanted)
    free = min_max_levels.exact(each, costs=costs, window=whole)
    low = max(free.reorder_level, 0.0)
    cheapest = free.cost_rate if free.reorder_level >= 0 else least_cost(each, whole, costs, low=low)
    lost = number["cost_of_one_short"] * number["demand_per_review"]
    if wanted.bound[0] == "not_stocked":
        assert (number["reorder_point"], number["tried_0"], wanted.quantity[0]) == (0, 0, 0)
        assert number["cost_0"] == pytest.approx(lost)
        assert number["cost_1"] == pytest.approx(cheapest, rel=1e-6)
        assert lost < cheapest
        return
    found = min_max_levels.MinMaxLevels(reorder_level=number["reorder_point"] - 1, order_up_to=number["tried_0"])
    assert found.reorder_level == low
    assert min_max_levels.cost_of(each, found, costs=costs, window=whole) == pytest.approx(cheapest, rel=1e-6)
    assert cheapest <= lost * (1 + 1e-6)
    for k in (k for k in range(5) if number[f"tried_{k}"] == number[f"tried_{k}"]):
        other = min_max_levels.MinMaxLevels(reorder_level=found.reorder_level, order_up_to=number[f"tried_{k}"])
        cost = min_max_levels.cost_of(each, other, costs=costs, window=whole)
        assert number[f"cost_{k}"] == pytest.approx(cost, rel=1e-6)


def least_cost(each, whole, costs, *, low):
    """The least cost of any most above a reorder level, each tried until ten times the economic lot."""
    lot = (2 * costs.fixed_cost * each.mean / costs.holding_cost) ** 0.5
    highs = np.unique(np.linspace(low + 1, low + 20 + 3 * lot + 3 * whole.mean, 400).astype(int))
    rough = [cost_at(each, whole, costs, low, high) for high in highs]
    near = int(highs[int(np.argmin(rough))])
    step = int(highs[1] - highs[0]) + 1
    return min(cost_at(each, whole, costs, low, high) for high in range(max(near - step, int(low) + 1), near + step))


def cost_at(each, whole, costs, low, high):
    levels = min_max_levels.MinMaxLevels(reorder_level=float(low), order_up_to=float(high))
    return min_max_levels.cost_of(each, levels, costs=costs, window=whole)


@few
@given(means, spreads, st.floats(0.0, 400.0), st.integers(1, 3), st.integers(0, 5))
def test_point_and_lot_are_the_cheapest_of_all_with_a_point_of_nothing_or_more(mean, spread, fixed, review, lead):
    at = item(order_cost=fixed, review=review, lead=lead)
    demand = told(at, mean=mean, spread=spread)
    wanted = policies.make("reorder_point_by_cost")(at, demand)
    number, _, whole, costs = behind(wanted)
    rate = number["demand_per_review"]
    free = reorder_quantity.exact(whole, demand_rate=rate, costs=costs)
    cheapest = free.cost_rate
    if free.reorder_point < 0:
        stock, lots = 0.0, []
        for lot in range(1, 3000):
            stock += costs.of_stock(whole, float(lot))
            lots.append((costs.fixed_cost * rate + stock) / lot)
            if lot > 50 and lots[-1] > 1.2 * min(lots):
                break
        cheapest = min(lots)
    lost = number["cost_of_one_short"] * rate
    if wanted.bound[0] == "not_stocked":
        assert (number["tried_0"], wanted.quantity[0]) == (0, 0)
        assert number["cost_0"] == pytest.approx(lost)
        assert number["cost_1"] == pytest.approx(cheapest, rel=1e-6)
        return
    assert number["cost_0"] == pytest.approx(cheapest, rel=1e-6)
    assert cheapest <= lost * (1 + 1e-6)
    if free.reorder_point >= 0:
        assert (number["reorder_point"] - 1, number["lot"]) == (free.reorder_point, free.order_quantity)


@few
@given(means, spreads, st.floats(0.0, 40.0), st.integers(1, 3), st.integers(0, 5))
def test_the_approximate_lot_is_at_most_an_eighth_dearer(mean, spread, fixed, review, lead):
    at = item(order_cost=fixed, review=review, lead=lead)
    demand = told(at, mean=mean, spread=spread)
    exact, near = (policies.make("reorder_point_by_cost", method=one)(at, demand) for one in ("exact", "approximate"))
    least, paid = (one.details["cost_0"][0] for one in (exact, near))
    assert least * (1 - 1e-6) <= paid <= least * 1.15


@pytest.mark.parametrize("name", ["min_max_by_cost", "reorder_point_by_cost"])
@pytest.mark.parametrize("order_cost", [20.0, 50.0, 150.0])
def test_an_empty_shelf_is_filled_however_dear_an_order_is_as_long_as_it_pays(name, order_cost):
    at = item(order_cost=order_cost, unit_cost=1.0, unit_price=21.0, rate=0.1, lead=1)
    wanted = policies.make(name)(at, told(at, mean=1.0, spread=1.2))
    assert wanted.quantity[0] > 0
    assert wanted.bound[0] == ""
    assert wanted.details["reorder_point"][0] >= 1


@pytest.mark.parametrize("name", ["min_max_by_cost", "reorder_point_by_cost"])
def test_what_costs_more_to_stock_than_it_brings_is_named(name):
    dear = item(order_cost=500.0)
    wanted = policies.make(name)(dear, told(dear, mean=0.4, spread=1.2))
    assert (wanted.quantity[0], wanted.bound[0]) == (0, "not_stocked")
    assert wanted.level[0] >= 0


@pytest.mark.parametrize("name", ["min_max_by_cost", "reorder_point_by_cost"])
@pytest.mark.parametrize("mean", [1e-18, 1e-9, 1e-6, 1e-3])
def test_a_forecast_of_hardly_anything_stops_no_item(name, mean):
    at = item()
    wanted = policies.make(name)(at, told(at, mean=mean, spread=1.2))
    assert wanted.quantity[0] == 0


@pytest.mark.parametrize("name", ["min_max_by_cost", "reorder_point_by_cost"])
def test_demand_of_many_thousands_is_counted_in_parts_that_change_little(name, monkeypatch):
    at = item(order_cost=200.0, rate=0.01)
    demand = told(at, mean=1_500.0, spread=40.0)
    parts = policies.make(name)(at, demand)
    monkeypatch.setattr("finalmile.inventory.review_costs.MOST_COUNTED", 10**9)
    each = policies.make(name)(at, demand)
    assert parts.details["counted_in"] > 1
    assert "counted_in" not in each.details
    assert parts.details["cost_0"] == pytest.approx(each.details["cost_0"], rel=0.01)
    assert parts.details["reorder_point"] == pytest.approx(each.details["reorder_point"], rel=0.02)


@pytest.mark.parametrize("name", ["min_max_by_cost", "reorder_point_by_cost"])
def test_a_dearer_order_is_larger_and_a_dearer_shortage_keeps_more(name):
    plain = item()
    demand = told(plain, mean=4.0, spread=2.0)
    larger = policies.make(name)(item(order_cost=60.0), demand)
    usual = policies.make(name)(plain, demand)
    assert larger.raw > usual.raw
    kept = [policies.make(name, shortage_cost=cost)(plain, demand).details["reorder_point"][0] for cost in (1, 5, 50)]
    assert kept == sorted(kept)
    assert kept[0] < kept[-1]


@pytest.mark.parametrize("name", ["min_max_by_cost", "reorder_point_by_cost"])
def test_what_brings_nothing_or_nobody_asks_for_is_not_ordered(name):
    loss = item(unit_price=1.0)
    assert policies.make(name)(loss, told(loss, mean=4.0, spread=2.0)).quantity == 0
    idle = item()
    none = told(idle, mean=4.0, spread=2.0)
    none = Cumulative(
        windows=none.windows, mean=0 * none.mean, levels=none.levels, values=0 * none.values, methods=none.methods
    )
    assert policies.make(name)(idle, none).quantity == 0
    unknown = Cumulative(
        windows=none.windows,
        mean=np.nan * none.mean,
        levels=none.levels,
        values=np.nan * none.values,
        methods=none.methods,
    )
    assert policies.make(name)(idle, unknown).bound == "no_forecast"


@pytest.mark.parametrize("name", ["min_max_by_cost", "reorder_point_by_cost"])
def test_unknown_money_is_refused_with_the_items_and_what_to_do(name):
    at = item(unit_price=np.nan)
    with pytest.raises(MissingInputError, match=r"1 of 1 items \('a'\).*give unit_price, unit_cost"):
        policies.make(name)(at, told(at, mean=4.0, spread=2.0))
    assert policies.make(name, shortage_cost=3.0)(at, told(at, mean=4.0, spread=2.0)).quantity > 0


@pytest.mark.parametrize("name", ["min_max_by_cost", "reorder_point_by_cost"])
@pytest.mark.parametrize("wrong", [{"shortage_cost": 0.0}, {"holding_rate_per_period": -1.0}])
def test_costs_that_are_not_above_nothing_are_refused(name, wrong):
    with pytest.raises(ValueError, match="it must be above 0, or left out"):
        policies.make(name, **wrong)


@pytest.mark.parametrize("name", ["min_max_by_cost", "reorder_point_by_cost"])
def test_other_quantities_are_told_once_each_however_small_the_best_is(name):
    at = item(order_cost=0.0)
    wanted = policies.make(name)(at, told(at, mean=4.0, spread=2.0))
    others = [values[0] for key, values in wanted.details.items() if key.startswith("tried_")]
    known = [units for units in others if not np.isnan(units)]
    assert len(set(known)) == len(known) >= 3


@pytest.mark.parametrize("name", ["min_max_by_cost", "reorder_point_by_cost"])
def test_one_far_quantile_that_a_few_windows_gave_does_not_set_the_spread(name):
    at = item(order_cost=0.0, unit_price=300.0)
    usual = told(at, mean=30.0, spread=1.3)
    values = usual.values.copy()
    values[..., -1] *= 1.1
    wild = Cumulative(windows=usual.windows, mean=usual.mean, levels=usual.levels, values=values, methods=usual.methods)
    one, other = (policies.make(name)(at, demand).details["variance_per_review"] for demand in (usual, wild))
    assert other <= 1.6 * one
