"""Demand as policies read it."""

import numpy as np
import pytest

from finalmile.errors import MissingInputError
from finalmile.frames import Cumulative
from finalmile.inventory.demand import NegativeBinomialPaths, mean_at, quantile_at, sum_ahead

TOLD = Cumulative(
    windows=np.array([[3, 7], [7, 3]]),
    mean=np.array([[1.0, 2.0], [30.0, 10.0]], dtype=np.float32),
    levels=(0.5, 0.98),
    values=np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], dtype=np.float32),
    methods=np.array(["cqr", "cqr"], dtype=object),
)


def test_each_item_is_read_at_its_own_window():
    assert quantile_at(TOLD, np.array([3, 3]), level=0.98).tolist() == [2, 8]
    assert mean_at(TOLD, np.array([7, 7])).tolist() == [2, 30]


def test_a_level_that_was_not_forecast_is_refused_with_those_that_were():
    with pytest.raises(MissingInputError, match=r"quantile 0.95 .*levels there: 0.5, 0.98"):
        quantile_at(TOLD, np.array([3, 3]), level=0.95)


def test_a_window_that_was_not_forecast_is_refused():
    with pytest.raises(
        MissingInputError,
        match=r"1 of 2 items .* over 3 or 7 periods, and .* must last 4 \(review",
    ):
        mean_at(TOLD, np.array([3, 4]))


def test_a_window_past_the_horizon_is_refused():
    with pytest.raises(MissingInputError, match="past the 2 periods forecast"):
        sum_ahead(np.ones((1, 2)), np.array([3]))


def test_paths_have_the_mean_and_variance_they_are_named_for():
    mean = np.full((40, 3), 6.0)
    told = NegativeBinomialPaths(paths=4000)(mean, ids=np.array([str(k) for k in range(40)], dtype=object), seed=3)
    assert told.paths.mean() == pytest.approx(6.0, rel=0.01)
    assert told.paths.var() == pytest.approx((1 + 0.4) * 6 + (0.07 + 0.05 + 0.07 * 0.05) * 36, rel=0.05)


def test_periods_of_one_path_err_together():
    told = NegativeBinomialPaths(paths=20_000)(np.full((1, 2), 50.0), ids=np.array(["a"], dtype=object), seed=3)
    covariance = np.cov(told.paths[0].T)[0, 1]
    assert covariance == pytest.approx(0.05 * 50**2, rel=0.15)


def test_an_item_draws_the_same_paths_in_any_company():
    draw = NegativeBinomialPaths(paths=20)
    mean = np.array([[2.0, 3.0], [5.0, 5.0]])
    both = draw(mean, ids=np.array(["a", "b"], dtype=object), seed=7)
    alone = draw(mean[1:], ids=np.array(["b"], dtype=object), seed=7)
    assert np.array_equal(both.paths[1], alone.paths[0])


def test_without_spread_paths_are_poisson():
    draw = NegativeBinomialPaths(extra=0, proportional=0, common=0, paths=20_000)
    told = draw(np.full((1, 1), 4.0), ids=np.array(["a"], dtype=object), seed=1)
    assert told.paths.var() == pytest.approx(4.0, rel=0.05)


def test_no_demand_has_only_empty_paths():
    told = NegativeBinomialPaths(paths=5)(np.zeros((1, 2)), ids=np.array(["a"], dtype=object), seed=1)
    assert not told.paths.any()
