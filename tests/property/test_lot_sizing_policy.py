"""Lots of a plan are those of the textbook's schedules, for each item at once."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.frames import Cumulative, Forecast, Frequency
from finalmile.inventory import lot_sizing, order_lines, position
from finalmile.inventory.demand_ahead import means_ahead, with_means_ahead
from finalmile.inventory.lot_sizing import carried, costs_of_rest, mean_costs
from finalmile.inventory.policies import policies
from finalmile.workflows.order_reasons import reason
from finalmile.workflows.propose import propose

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
    told = told_of(np.cumsum([now, *ahead]), review=review)
    return policies.make("lot_sizing", method=method, look_ahead=len(ahead))(at, told)


def told_of(reached, *, review=1):
    """Demand of an item until the end of each of its cycles, all of it certain."""
    return Cumulative(
        windows=review * np.arange(1, len(reached) + 1)[None, :],
        mean=reached[None, :].astype(np.float32),
        levels=(0.98,),
        values=reached[None, :, None].astype(np.float32),
        methods=np.array(["cqr"], dtype=object),
    )


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=50, deadline=None)
@given(demands, st.floats(0.5, 200.0), st.floats(0.05, 5.0))
def test_many_items_at_once_cost_what_each_costs_alone(ahead, order_cost, held):
    rows = np.array([ahead, ahead[::-1], [2 * units for units in ahead]])
    fixed, holding = order_cost * np.ones(3), held * np.array([1.0, 2.0, 0.5])
    rest = costs_of_rest(rows, fixed_cost=fixed, holding_cost=holding)
    least = (fixed[:, None] + holding[:, None] * carried(rows) + rest).min(axis=1)
    alone = [
        lot_sizing.wagner_whitin([1.0, *row], fixed_cost=order_cost, holding_cost=cost).cost
        for row, cost in zip(rows.tolist(), holding, strict=True)
    ]
    assert least == pytest.approx(alone, rel=1e-9)
    together = mean_costs(rows, fixed_cost=fixed, holding_cost=holding)
    for k, row in enumerate(rows):
        one = mean_costs(row[None], fixed_cost=fixed[:1], holding_cost=holding[k : k + 1])[0]
        assert np.array_equal(together[k], one, equal_nan=True)


def rolled(demand, *, order_cost, held, each_time):
    """What ordering and holding cost where every period begins with a review, and all demand is met."""
    stock = spent = 0.0
    for t, units in enumerate(demand):
        got = each_time(t, stock)
        stock, spent = stock + got - units, spent + order_cost * (got > 0)
        assert stock >= 0
        spent += held * stock
    return spent


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 30), min_size=3, max_size=7),
    st.sampled_from(["silver_meal", "wagner_whitin"]),
    st.floats(1.0, 80.0),
    st.floats(0.05, 2.0),
)
def test_rolled_on_over_a_season_that_is_known_it_costs_no_more_than_order_up_to(season, method, order_cost, held):
    demand = [float(units) for units in 2 * season]
    costs = {"order_cost": order_cost, "held": held}

    def lot(t, stock):
        ahead = [*demand[t + 1 :], 0.0]
        return float(ordered(ahead, method=method, now=demand[t], on_hand=stock, **costs).quantity[0])

    lots = rolled(demand, **costs, each_time=lot)
    level = rolled(demand, **costs, each_time=lambda t, stock: order_up_to(now=demand[t], on_hand=stock))
    assert lots <= level + 1e-9
    if method == "wagner_whitin":
        exact = lot_sizing.wagner_whitin(demand, fixed_cost=order_cost, holding_cost=held).cost
        assert lots == pytest.approx(exact, rel=1e-6)


def order_up_to(*, now, on_hand):
    at = position(np.array(["a"], dtype=object), on_hand=on_hand * ONE, lead_periods=np.array([0]))
    return policies.make("order_up_to")(at, told_of(np.array([now]))).quantity[0]


def test_what_lasts_until_the_next_review_is_not_ordered():
    assert ordered([5.0, 5.0], method="silver_meal", on_hand=6.0).quantity == 0
    assert ordered([5.0, 5.0], method="silver_meal", on_hand=5.0).quantity > 0


def test_without_the_cost_of_an_order_one_cycle_is_ordered():
    assert ordered([5.0, 5.0], method="wagner_whitin", order_cost=0.0).quantity == 6
    assert ordered([5.0, 5.0], method="silver_meal", order_cost=np.nan).quantity == 6


def test_holding_is_counted_by_the_cycle_whatever_its_length():
    days, weeks = (ordered([5.0, 9.0], method="silver_meal", review=review).quantity for review in (1, 7))
    assert days == weeks


@pytest.mark.parametrize(
    "wrong",
    [{"cycle_service": 1.0}, {"method": "least"}, *({"look_ahead": number} for number in (0, 60, 2.5, "a"))],
    ids=str,
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="it must"):
        policies.make("lot_sizing", **wrong)


def test_what_comes_after_the_windows_is_seen_in_the_forecast_of_single_periods():
    """Two items of the same week; of one the forecast says that the weeks after sell nothing."""
    at = position(
        np.array(["a", "b"], dtype=object),
        on_hand=np.zeros(2),
        lead_periods=np.array([0, 0]),
        review_periods=np.array([7, 7]),
        unit_cost=np.ones(2),
        order_cost=np.full(2, 10.0),
    )
    path = np.array([[1.0] * 28, [1.0] * 7 + [0.0] * 21])
    week = np.full((2, 1), 7.0, dtype=np.float32)
    told = Cumulative(
        windows=np.full((2, 1), 7),
        mean=week,
        levels=(0.98,),
        values=week[:, :, None],
        methods=np.full(2, "cqr", dtype=object),
    )
    wanted = policies.make("lot_sizing", holding_rate_per_period=0.001)
    level = wanted(at, told)
    forecast = Forecast(
        ids=at.ids, frequency=Frequency("day"), cutoff=99, mean=path.astype(np.float32), quantiles={}, cumulative=told
    )
    seen = propose(wanted, at, told=forecast, panel=None)
    assert level.quantity[0] == level.quantity[1] == seen.quantity[0] > 7
    assert seen.quantity[1] == 7


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.0, 9.0), min_size=1, max_size=12), st.integers(1, 5), st.integers(1, 7))
def test_means_ahead_go_on_from_what_is_told_and_keep_to_single_periods(path, first, season):
    windows = first + np.arange(0, 20, 2)[None, :]
    told = with_means_ahead(told_of(np.arange(3.0, 8.0)), windows, path=np.array([path]), season=season)
    long = np.array([*path, *[np.mean(path[-season:])] * 40])
    for window, mean in zip(windows[0], told.mean[0, -10:], strict=True):
        assert mean == pytest.approx(first + 2 + long[first:window].sum(), rel=1e-5)
    assert np.isnan(told.values[0, -10:]).all()
    assert np.array_equal(told.values[0, :5, 0], np.arange(3.0, 8.0))


def test_the_sentence_of_a_line_says_for_how_many_cycles_more_it_is():
    at = position(
        np.array(["a"], dtype=object),
        on_hand=np.zeros(1),
        lead_periods=np.array([0]),
        unit_cost=ONE,
        order_cost=10 * ONE,
        holding_rate=ONE,
    )
    wanted = policies.make("lot_sizing", look_ahead=2)(at, told_of(np.array([5.0, 10.0, 20.0])))
    (line,) = order_lines(at, wanted, ordered_at=date(2024, 5, 1), frequency=Frequency("day"), currency="EUR")
    assert line.reason["cycles_ahead"] == 1
    assert "aims at 10 in stock and on the way, for 1 cycle more, and 0 are in stock" in reason(line)


def test_cycles_of_level_demand_are_alike_where_the_forecast_of_a_window_differs_from_that_of_its_days():
    told = Cumulative(
        windows=np.array([[3, 6]]),
        mean=np.array([[30.0, 54.0]], dtype=np.float32),
        levels=(0.98,),
        values=np.array([[[40.0], [70.0]]], dtype=np.float32),
        methods=np.array(["cqr"], dtype=object),
    )
    windows = np.array([[3, 4, 5, 6, 7, 8]])
    ahead = with_means_ahead(told, windows, path=np.full((1, 20), 10.0), season=7)
    assert np.diff(means_ahead(ahead, windows)).ravel() == pytest.approx([10.0] * 5)


def test_windows_that_are_not_told_lie_on_lines_and_go_on_as_over_the_longest():
    told = Cumulative(
        windows=np.array([[1, 2, 3]]),
        mean=np.array([[10.0, 12.0, 14.0]], dtype=np.float32),
        levels=(),
        values=np.empty((1, 3, 0), dtype=np.float32),
        methods=np.array(["cqr"], dtype=object),
    )
    assert means_ahead(told, np.array([[2, 3, 6]])).ravel() == pytest.approx([12.0, 14.0, 28.0])
