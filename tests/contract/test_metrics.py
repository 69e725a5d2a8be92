"""What every registered metric promises."""

import math

import numpy as np
import pytest

from finalmile.metrics import Scored, metrics, reasons, score

NAMES = list(metrics)
SHAPE = (3, 8)


def perfect(actual: np.ndarray) -> Scored:
    return Scored(
        actual=actual,
        forecast=actual.copy(),
        quantiles={0.5: actual.copy(), 0.98: actual.copy()},
        naive_mae=np.ones(len(actual)),
        naive_rmse=np.ones(len(actual)),
        weights=np.ones(len(actual)),
        baseline=actual + 1,
    )


AWKWARD = {
    "empty": np.empty((0, 0)),
    "no periods": np.empty((3, 0)),
    "no series": np.empty((0, 5)),
    "all zero": np.zeros(SHAPE),
    "all missing": np.full(SHAPE, np.nan),
    "constant": np.full(SHAPE, 4.0),
    "returns": np.full(SHAPE, -2.0),
    "infinite": np.full(SHAPE, np.inf),
    "enormous": np.full(SHAPE, 1e308),
    "tiny": np.full(SHAPE, 5e-324),
    "one gap": np.where(np.eye(3, 8) > 0, np.nan, 1.0),
}


@pytest.mark.parametrize("kind", AWKWARD)
@pytest.mark.parametrize("name", NAMES)
def test_awkward_demand_gives_a_finite_number_or_none(name: str, kind: str) -> None:
    actual = AWKWARD[kind]
    for forecast in (actual, np.zeros_like(actual), np.full_like(actual, -1e308)):
        seen = Scored(
            actual=actual,
            forecast=forecast,
            quantiles={0.9: forecast},
            naive_mae=np.zeros(len(actual)),
            naive_rmse=np.ones(len(actual)),
            weights=np.ones(len(actual)),
            baseline=np.ones_like(actual),
        )
        value = metrics.make(name)(seen)
        assert value is None or (isinstance(value, float) and math.isfinite(value))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_given_beyond_the_forecast_is_no_error(name: str) -> None:
    value = metrics.make(name)(Scored(actual=np.ones(SHAPE), forecast=np.ones(SHAPE)))
    assert value is None or math.isfinite(value)


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_says_when_it_is_undefined(name: str) -> None:
    assert len(metrics.make(name).undefined) > 10
    assert reasons(score(Scored(actual=np.empty((0, 0)), forecast=np.empty((0, 0))), [name]))[name]


@pytest.mark.parametrize("name", NAMES)
def test_missing_and_censored_cells_change_nothing(name: str) -> None:
    rng = np.random.default_rng(5)
    actual = rng.poisson(3, SHAPE).astype(float) + 1
    forecast = rng.gamma(2, 2, SHAPE)
    kept = _everything(actual, forecast)
    wide = _everything(np.hstack([actual, np.full((3, 4), np.nan)]), np.hstack([forecast, rng.gamma(2, 2, (3, 4))]))
    assert metrics.make(name)(wide) == pytest.approx(metrics.make(name)(kept))


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_series_does_not_matter(name: str) -> None:
    rng = np.random.default_rng(6)
    actual, forecast = rng.poisson(3, SHAPE).astype(float) + 1, rng.gamma(2, 2, SHAPE)
    assert metrics.make(name)(_everything(actual[::-1], forecast[::-1])) == pytest.approx(
        metrics.make(name)(_everything(actual, forecast))
    )


@pytest.mark.parametrize(
    "name", ["wape", "wape_total", "bias", "mae", "rmse", "mase", "rmsse", "wrmsse", "mape", "pinball"]
)
def test_a_perfect_forecast_has_no_error(name: str) -> None:
    assert metrics.make(name)(perfect(np.full(SHAPE, 4.0))) == 0.0


def test_a_perfect_forecast_adds_all_the_value_there_is() -> None:
    assert score(perfect(np.full(SHAPE, 4.0)), ["fva", "coverage", "mape_rows"]) == {
        "fva": 1.0,
        "coverage": 1.0,
        "mape_rows": 1.0,
    }


def _everything(actual: np.ndarray, forecast: np.ndarray) -> Scored:
    return Scored(
        actual=actual,
        forecast=forecast,
        quantiles={0.5: forecast, 0.9: forecast * 2},
        naive_mae=np.full(len(actual), 2.0),
        naive_rmse=np.full(len(actual), 3.0),
        weights=np.full(len(actual), 0.5),
        baseline=forecast + 1,
    )
