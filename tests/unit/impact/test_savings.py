"""Savings: paired, in money, with an interval, and never without a baseline."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.errors import MissingInputError
from finalmile.impact import Economics, compare, total_with_interval
from finalmile.simulation import opening, order_up_to, simulate

MONEY = Economics(
    unit_cost=np.full(8, 2.0),
    unit_price=np.full(8, 5.0),
    holding_rate_per_year=np.full(8, 0.25),
    order_cost=np.full(8, 0.5),
    period_days=1.0,
    currency="EUR",
    assumed=True,
)


def arm(level, *, seed=0):
    demand = np.random.default_rng(seed).poisson(3, (8, 60)).astype(float)
    return simulate(
        opening(np.full(8, 10.0), max_lead=3),
        demand,
        decide=order_up_to(np.full(8, level)),
        leads=np.full(8, 3),
    )


def test_no_baseline_no_saving():
    with pytest.raises(MissingInputError, match="no baseline"):
        compare(arm(15.0), None, economics=MONEY, against="nothing")


def test_an_arm_saves_nothing_against_itself():
    told = compare(arm(15.0), arm(15.0), economics=MONEY, against="itself")
    assert (told.total.value, told.total.low, told.total.high) == (0, 0, 0)


def test_the_saving_of_one_is_the_loss_of_the_other():
    there, back = (
        compare(one, other, economics=MONEY, against="x")
        for one, other in ((arm(18.0), arm(9.0)), (arm(9.0), arm(18.0)))
    )
    assert there.total.value == pytest.approx(-back.total.value)
    assert there.total.low == pytest.approx(-back.total.high)


def test_the_parts_add_up_to_the_whole():
    told = compare(arm(18.0), arm(9.0), economics=MONEY, against="lean")
    assert told.margin + told.holding + told.ordering == pytest.approx(told.total.value)
    assert told.by_period.sum() == pytest.approx(told.total.value)
    assert told.margin > 0 > told.holding


def test_arms_that_faced_different_demand_are_no_pair():
    with pytest.raises(ValueError, match="same items, periods and demand"):
        compare(arm(15.0), arm(15.0, seed=1), economics=MONEY, against="another year")


def test_the_sentence_names_baseline_interval_grade_and_assumption():
    said = compare(arm(18.0), arm(9.0), economics=MONEY, against="the old policy").explain()
    for part in ("against the old policy", "95% interval", "Evidence B: paired replay", "costs assumed", "EUR"):
        assert part in said


def test_the_sentence_says_how_many_items_the_money_is_of():
    partly = replace(MONEY, unit_cost=np.array([2.0] * 6 + [np.nan] * 2))
    told = compare(arm(18.0), arm(9.0), economics=partly, against="lean")
    assert (told.priced, told.items) == (6, 8)
    assert "Of 6 of 8 items" in told.explain()
    assert " of 8 items" not in compare(arm(18.0), arm(9.0), economics=MONEY, against="lean").explain()


def test_where_nothing_is_priced_the_saving_is_unknown():
    told = compare(arm(18.0), arm(9.0), economics=replace(MONEY, unit_price=np.full(8, np.nan)), against="lean")
    assert (told.total.value, told.margin, told.holding, told.ordering) == (None, None, None, None)
    assert "give unit_price and unit_cost" in told.explain()


def test_an_interval_needs_at_least_two_blocks():
    told = total_with_interval(np.array([1.0, 2.0, 3.0]))
    assert (told.value, told.low, told.why) == (6, None, "no interval from 3 periods")


def test_few_blocks_are_said_to_be_few():
    assert "only 3 blocks" in total_with_interval(np.arange(6.0)).why


def test_an_interval_from_batches_covers_a_correlated_series_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        shocks = rng.normal(size=364 + 50)
        series = np.zeros_like(shocks)
        for t in range(1, len(shocks)):
            series[t] = 0.7 * series[t - 1] + shocks[t]
        told = total_with_interval(series[50:])
        covered += told.low <= 0 <= told.high
    assert 0.90 <= covered / 300 <= 0.99


@given(st.lists(st.floats(-1e4, 1e4), min_size=4, max_size=60), st.floats(0.1, 10))
def test_the_interval_holds_the_value_and_scales_with_the_currency(values, rate):
    told = total_with_interval(np.array(values))
    other = total_with_interval(np.array(values) * rate)
    assert told.low <= told.value <= told.high
    assert other.high - other.low == pytest.approx(rate * (told.high - told.low), rel=1e-6, abs=1e-6)
