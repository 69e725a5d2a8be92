"""Service and stock figures: one shop, four service levels, and what is undefined."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.impact import Economics, cycles_ended, kpis_of
from finalmile.impact.kpis import cycle_service, fill_rate, gmroi, in_stock_share, no_shortage_share, turnover
from finalmile.simulation import follow, opening, simulate

DEMAND = np.array([[10.0, 12, 0, 8, 15, 9, 0]])
AVAILABLE = np.array([[20.0, 10, 0, 0, 5, 30, 0]])
SOLD = np.minimum(DEMAND, AVAILABLE)
LOST = DEMAND - SOLD


def test_one_week_has_four_service_levels():
    assert fill_rate(SOLD, LOST) == pytest.approx(34 / 54)
    assert no_shortage_share(LOST) == pytest.approx(4 / 7)
    assert no_shortage_share(LOST, demand=DEMAND) == pytest.approx(2 / 5)
    assert in_stock_share(AVAILABLE) == pytest.approx(4 / 7)


def test_without_demand_cycles_or_stock_there_is_no_figure_rather_than_a_perfect_one():
    nothing = np.zeros((2, 3))
    assert fill_rate(nothing, nothing) is None
    assert cycle_service(nothing, nothing) is None
    assert no_shortage_share(nothing, demand=nothing) is None
    assert turnover(0.0, 0.0, days=30) is None
    assert gmroi(10.0, 0.0) is None
    assert in_stock_share(np.full((1, 2), np.nan)) is None


def test_a_cycle_with_two_stock_outs_counts_once():
    received = np.array([[5.0, 0, 0, 0, 5, 0, 5]])
    lost = np.array([[0.0, 0, 1, 1, 0, 0, 0]])
    assert cycle_service(received, lost) == 0.5


def test_losses_before_the_first_receipt_belong_to_no_cycle():
    assert cycle_service(np.array([[0.0, 0, 5, 0, 5]]), np.array([[3.0, 3, 0, 0, 0]])) == 1.0


def test_a_cycle_that_still_runs_is_neither_kept_nor_broken():
    received = np.array([[5.0, 0, 5, 0, 0]])
    for lost_at_last in (0.0, 2.0):
        assert cycle_service(received, np.array([[0.0, 0, 0, 0, lost_at_last]])) == 1.0
    assert cycle_service(received[:, 1:], np.zeros((1, 4))) is None


@given(st.integers(0, 10_000))
def test_cycle_service_of_a_span_is_that_of_its_periods_together(seed):
    rng = np.random.default_rng(seed)
    received, lost = rng.integers(0, 2, (3, 12)).astype(float), rng.poisson(0.2, (3, 12)).astype(float)
    kept, ended = cycles_ended(received, lost)
    assert ended.sum() == np.maximum((received > 0).sum(axis=1) - 1, 0).sum()
    assert cycle_service(received, lost) == (kept.sum() / ended.sum() if ended.sum() else None)


def economics(*, n=1, assumed=False, period_days=1.0):
    return Economics(
        unit_cost=np.full(n, 2.0),
        unit_price=np.full(n, 5.0),
        holding_rate_per_year=np.full(n, 0.365),
        order_cost=np.full(n, 4.0),
        period_days=period_days,
        currency="EUR",
        assumed=assumed,
    )


def flow():
    orders = np.array([[6.0, 0, 0, 0]])
    return simulate(
        opening(np.array([3.0]), max_lead=0),
        np.array([[2.0, 4, 5, 1]]),
        decide=follow(orders),
        leads=np.array([0]),
    )


def test_money_can_be_checked_by_hand():
    told = kpis_of(flow(), economics())  # shelf after each day: 1, 3, 0, 0; sold 2, 4, 3, 0
    assert told.margin == pytest.approx(9 * 3)
    assert told.holding == pytest.approx(4 * 2 * 0.001)
    assert told.ordering == 4
    assert told.average_inventory == pytest.approx(2.0)
    assert told.turnover == pytest.approx(18 * 365 / 4 / 2)
    assert told.days_of_supply == pytest.approx(365 / told.turnover)
    assert told.gmroi == pytest.approx(27 * 365 / 4 / 2)
    assert (told.lost_units, told.stock_outs, told.demand_units) == (3, 2, 12)


@pytest.mark.parametrize("missing", ["unit_cost", "unit_price"])
def test_where_nothing_is_priced_money_is_unknown_and_not_nothing(missing):
    told = kpis_of(flow(), replace(economics(), **{missing: np.full(1, np.nan)}))
    assert (told.margin, told.holding, told.ordering, told.average_inventory) == (None, None, None, None)
    assert (told.turnover, told.gmroi, told.days_of_supply) == (None, None, None)
    assert (told.priced, told.items) == (0, 1)
    assert told.fill_rate is not None


def test_items_without_a_price_are_left_out_of_every_amount_and_counted():
    one, two = flow(), simulate(
        opening(np.array([3.0, 3.0, 0.0]), max_lead=0),
        np.array([[2.0, 4, 5, 1], [2, 4, 5, 1], [0, 0, 0, 0]]),
        decide=follow(np.array([[6.0, 0, 0, 0], [6, 0, 0, 0], [0, 0, 0, 0]])),
        leads=np.zeros(3, dtype=np.int64),
    )  # fmt: skip
    partly = replace(economics(n=3), unit_price=np.array([5.0, np.nan, np.nan]))
    told, alone = kpis_of(two, partly), kpis_of(one, economics())
    assert (told.margin, told.holding, told.ordering) == (alone.margin, alone.holding, alone.ordering)
    assert (told.average_inventory, told.turnover) == (alone.average_inventory, alone.turnover)
    assert (told.priced, told.items) == (1, 2)


def test_assumed_costs_are_said_to_be_assumed():
    assert kpis_of(flow(), economics(assumed=True)).to_dict()["assumed"] is True


def test_turnover_is_per_year_whatever_the_period():
    weekly = kpis_of(flow(), economics(period_days=7.0))
    assert weekly.turnover == pytest.approx(kpis_of(flow(), economics()).turnover / 7)


def test_prices_may_change_from_day_to_day_and_an_unknown_one_of_an_unsold_day_does_not_matter():
    prices = np.array([[5.0, 6.0, 7.0, np.nan]])
    moving = Economics(
        unit_cost=np.array([2.0]),
        unit_price=prices,
        holding_rate_per_year=np.zeros(1),
        order_cost=np.zeros(1),
        period_days=1.0,
        currency="EUR",
    )
    assert moving.margin(flow()).tolist() == [[6, 16, 15, 0]]
