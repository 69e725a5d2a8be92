"""Metrics against numbers worked out by hand."""

import numpy as np
import pytest

from finalmile.errors import UnknownNameError
from finalmile.metrics import Scored, metrics, naive_scales, score

ACTUAL = np.array([[2.0, 0.0, 4.0], [np.nan, 10.0, 0.0]])
FORECAST = np.array([[3.0, 1.0, 2.0], [5.0, 8.0, 1.0]])


def test_figures_of_a_small_table() -> None:
    seen = Scored(actual=ACTUAL, forecast=FORECAST)
    assert score(seen, ["wape", "bias", "mae", "mape", "mape_rows"]) == {
        "wape": pytest.approx(7 / 16),
        "bias": pytest.approx(-1 / 16),
        "mae": pytest.approx(7 / 5),
        "mape": pytest.approx((1 / 2 + 2 / 4 + 2 / 10) / 3),
        "mape_rows": pytest.approx(3 / 5),
    }
    assert score(seen, ["wape_total"])["wape_total"] == pytest.approx((1 + 1 + 1) / 16)


def test_a_series_that_never_moved_has_no_say_in_scaled_errors() -> None:
    seen = Scored(actual=ACTUAL, forecast=FORECAST, naive_mae=np.array([2.0, 0.0]), naive_rmse=np.array([np.nan, 1.0]))
    assert score(seen, ["mase"])["mase"] == pytest.approx((4 / 3) / 2)
    assert score(seen, ["rmsse"])["rmsse"] == pytest.approx(np.sqrt(5 / 2))


def test_naive_errors_are_counted_from_the_first_sale() -> None:
    scales = naive_scales(np.array([[0.0, 0, 0, 3, 1, 3], [np.nan, np.nan, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]]))
    assert scales.mae[:2] == pytest.approx([2.0, 0.0])
    assert np.isnan(scales.mae[2])


def test_a_season_of_seven_looks_back_a_week() -> None:
    week = np.arange(7.0)
    assert naive_scales(np.array([np.r_[week + 1, week + 3]]), season=7).rmse == pytest.approx([2.0])


def test_a_season_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="season is 0"):
        naive_scales(np.ones((1, 3)), season=0)


def test_history_shorter_than_a_season_has_no_scale() -> None:
    assert np.isnan(naive_scales(np.ones((1, 3)), season=7).mae).all()


def test_a_wrong_name_suggests_the_right_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'wape'"):
        score(Scored(actual=ACTUAL, forecast=FORECAST), ["wap"])


def test_shapes_that_do_not_fit_are_named_together() -> None:
    with pytest.raises(ValueError, match=r"forecast has shape \(1, 3\).*weights has shape \(3,\)"):
        Scored(actual=ACTUAL, forecast=FORECAST[:1], weights=np.ones(3))


def test_one_series_must_be_given_as_a_row() -> None:
    with pytest.raises(ValueError, match="series, periods"):
        Scored(actual=np.ones(3), forecast=np.ones(3))


def test_coverage_and_pinball_of_a_level_that_was_not_forecast_are_undefined() -> None:
    seen = Scored(actual=ACTUAL, forecast=FORECAST, quantiles={0.9: FORECAST})
    assert metrics.make("coverage", level=0.5)(seen) is None
    assert metrics.make("pinball", level=0.5)(seen) is None
    assert metrics.make("coverage", level=0.9)(seen) == pytest.approx(3 / 5)
