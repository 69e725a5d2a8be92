"""Lots of a plan are those of the textbook's schedules, for each item at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.frames import Cumulative
from finalmile.inventory import lot_sizing, position
from finalmile.inventory.lot_sizing import least_costs, mean_costs
from finalmile.inventory.policies import policies

demands = st.lists(st.floats(0.0, 50.0).map(lambda units: round(units, 2)), min_size=1, max_size=8)
ONE = np.ones(1)


def ordered(ahead, *, method, order_cost=20.0, held=0.5, now=6.0, on_hand=0.0, review=1):
    """What is ordered of an item that needs ``now`` at once and then what is ``ahead``, all of it certain."""
    at = position(
        np.array(["a"], dtype=object),
        on_hand=on_hand * ONE,
        lead_periods=np.array([0]),
        review_periods=np.array([review]),
        unit_cost=ONE,
        order_cost=order_cost * ONE,
        holding_rate=held / review * ONE,
    )
    reached = np.cumsum([now, *ahead])
    told = Cumulative(
        windows=review * np.arange(1, len(reached) + 1)[None, :],
        mean=reached[None, :].astype(np.float32),
        levels=(0.98,),
        values=reached[None, :, None].astype(np.float32),
        methods=np.array(["cqr"], dtype=object),
    )
    return policies.make("lot_sizing", method=method, look_ahead=len(ahead))(at, told)


@settings(max_examples=150, deadline=None)
@given(demands, st.floats(0.5, 200.0), st.floats(0.05, 5.0))
def test_the_lot_of_now_is_the_first_of_the_schedule(ahead, order_cost, held):
    for method in ("silver_meal", "wagner_whitin"):
        schedule = getattr(lot_sizing, method)([6.0, *ahead], fixed_cost=order_cost, holding_cost=held)
        told = ordered(ahead, method=method, order_cost=order_cost, held=held)
        sums = np.cumsum([6.0, *ahead])
        costs = np.array([told.details[f"cost_{k}"][0] for k in range(len(ahead) + 1)])
        chosen = float(told.level[0])
        first = schedule.order_quantities[0]
        if abs(chosen - np.ceil(first - 1e-6)) > 1:  # as cheap as the other
            at = [int(np.abs(np.ceil(sums - 1e-6) - units).argmin()) for units in (chosen, np.ceil(first - 1e-6))]
            assert costs[at[0]] == pytest.approx(costs[at[1]], rel=1e-5)


@settings(max_examples=100, deadline=None)
@given(demands, st.floats(0.5, 200.0), st.floats(0.05, 5.0))
def test_many_items_at_once_cost_what_each_costs_alone(ahead, order_cost, held):
    rows = np.array([ahead, ahead[::-1], [2 * units for units in ahead]])
    fixed, holding = order_cost * np.ones(3), held * np.array([1.0, 2.0, 0.5])
    least = least_costs(rows, fixed_cost=fixed, holding_cost=holding).min(axis=1)
    alone = [
        lot_sizing.wagner_whitin([1.0, *row], fixed_cost=order_cost, holding_cost=cost).cost
        for row, cost in zip(rows.tolist(), holding, strict=True)
    ]
    assert least == pytest.approx(alone, rel=1e-9)
    together = mean_costs(rows, fixed_cost=fixed, holding_cost=holding)
    for k, row in enumerate(rows):
        one = mean_costs(row[None], fixed_cost=fixed[:1], holding_cost=holding[k : k + 1])[0]
        assert np.array_equal(together[k], one, equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=4, max_size=14), st.floats(1.0, 80.0), st.floats(0.05, 2.0))
def test_rolled_on_over_demand_that_is_known_it_costs_no_more_than_an_order_each_cycle(demand, order_cost, held):
    def rolled(lots):
        stock = spent = 0.0
        for t, units in enumerate(demand):
            if stock < units:
                ahead = [*map(float, demand[t + 1 :]), 0.0]
                got = (
                    float(ordered(ahead, method="wagner_whitin", order_cost=order_cost, held=held, now=float(units),
                                  on_hand=stock).quantity[0])
                    if lots else units - stock
                )  # fmt: skip
                stock, spent = stock + got, spent + order_cost
            stock -= units
            assert stock >= 0
            spent += held * stock
        return spent

    exact = lot_sizing.wagner_whitin([float(units) for units in demand], fixed_cost=order_cost, holding_cost=held).cost
    assert rolled(lots=True) == pytest.approx(exact, rel=1e-6)
    assert exact <= rolled(lots=False) + 1e-9


def test_what_lasts_until_the_next_review_is_not_ordered():
    assert ordered([5.0, 5.0], method="silver_meal", on_hand=6.0).quantity == 0
    assert ordered([5.0, 5.0], method="silver_meal", on_hand=5.0).quantity > 0


def test_without_the_cost_of_an_order_one_cycle_is_ordered():
    assert ordered([5.0, 5.0], method="wagner_whitin", order_cost=0.0).quantity == 6
    assert ordered([5.0, 5.0], method="silver_meal", order_cost=np.nan).quantity == 6


def test_holding_is_counted_by_the_cycle_whatever_its_length():
    days, weeks = (ordered([5.0, 9.0], method="silver_meal", review=review).quantity for review in (1, 7))
    assert days == weeks


@pytest.mark.parametrize("wrong", [{"cycle_service": 1.0}, {"method": "least"}, {"look_ahead": 0}, {"look_ahead": 60}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="it must"):
        policies.make("lot_sizing", **wrong)
