"""Lost units: a range, from what was expected before the shelf ran empty."""

import numpy as np
import pytest

from finalmile.forecasters.sold_out import expected_given_at_least
from finalmile.impact import estimate_lost_sales


def test_the_truth_lies_near_the_upper_end_when_the_forecast_is_right():
    rng = np.random.default_rng(2)
    mean = np.full((1, 40_000), 5.0)
    rate = rng.gamma(5.0**2 / (0.4 * 5 + 0.12 * 25), (0.4 * 5 + 0.12 * 25) / 5.0, mean.shape)
    demand = rng.poisson(rate).astype(float)
    sold = np.minimum(demand, 4.0)
    ran_out = demand >= 4
    told = estimate_lost_sales(sold, mean, censored=ran_out)
    assert told.high == pytest.approx((demand - sold).sum(), rel=0.02)
    assert told.low < told.high


def test_a_stock_out_without_a_forecast_is_counted_and_not_guessed():
    told = estimate_lost_sales(np.array([[1.0, 2.0]]), np.array([[np.nan, 3.0]]), censored=np.array([[True, False]]))
    assert (told.low, told.high, told.periods, told.unknown) == (0, 0, 0, 1)


def test_selling_more_than_expected_before_running_out_may_still_have_lost_some():
    told = estimate_lost_sales(np.array([[9.0]]), np.array([[4.0]]), censored=np.array([[True]]))
    assert told.low == 0
    assert told.high > 0


def test_expected_demand_is_never_below_what_was_seen():
    floor = np.array([0.0, 3.0, 500.0, 2.0])
    mean = np.array([4.0, 4.0, 1.0, 0.0])
    told = expected_given_at_least(mean, floor, variance=1.4 * mean)
    assert (told >= floor).all()
    assert told[0] == pytest.approx(4.0)
    assert told[3] == 2.0
