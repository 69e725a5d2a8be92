"""What is expected of rows: nothing of what is judged enters, and volume is taken out where both sides show it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.monitoring.why import LossRows, search_rows
from finalmile.monitoring.why.dimensions import category
from finalmile.monitoring.why.expected import VARIANCE, cells_of
from finalmile.monitoring.why.score import volumes
from finalmile.monitoring.why.slices import rows_inside


def shop(seed: int, *, series: int, days: int, late: int, level: float = 6.0) -> LossRows:
    """Sales about as forecast of series in four stores; forecasts lean on the mean of all."""
    rng = np.random.default_rng(seed)
    one, day = (each.ravel() for each in np.meshgrid(np.arange(series), np.arange(days), indexing="ij"))
    mean = level * np.exp(rng.normal(0, 0.5, series))[one]
    sold = rng.poisson(mean).astype(float)
    return told(sold, mean, day >= days - late, one, day)


def told(sold: np.ndarray, forecast: np.ndarray, now: np.ndarray, one: np.ndarray, day: np.ndarray) -> LossRows:
    return LossRows(
        current=now,
        loss=np.abs(forecast - sold),
        exposure=sold,
        error=forecast - sold,
        dimensions=(category("store", (one % 4).tolist()), category("weekday", (day % 7).tolist())),
        series=one.astype(np.int32),
        period=day.astype(np.int64),
    )


def other_forecasts(rows: LossRows, times: np.ndarray) -> LossRows:
    assert rows.error is not None
    error = (rows.exposure + rows.error) * times - rows.exposure
    return replace(rows, error=error, loss=np.abs(error))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10.0))
def test_a_forecast_that_is_wrong_does_not_explain_its_own_error(seed: int, times: float) -> None:
    rows = shop(seed, series=8, days=28, late=7)
    wrong = other_forecasts(rows, np.where(rows.current, times, 1.0))
    assert np.array_equal(cells_of(wrong).expected, cells_of(rows).expected)


@pytest.mark.parametrize(("sales", "forecasts", "moved"), [(3, 3, 3.0), (3, 1, 1.0), (1, 3, 1.0), (0.3, 0.3, 1.0)])
def test_volume_moved_only_where_sales_and_forecasts_both_say_so(sales: float, forecasts: float, moved: float) -> None:
    rows = shop(1, series=40, days=56, late=14)
    assert rows.error is not None
    here = rows.current & (rows.dimensions[0].codes == 2)
    sold, forecast = (
        rows.exposure * np.where(here, sales, 1),
        (rows.exposure + rows.error) * np.where(here, forecasts, 1),
    )
    changed = replace(rows, exposure=sold, error=forecast - sold, loss=np.abs(forecast - sold))
    cells = cells_of(changed)
    mine, others = volumes(cells, cells.codes[0] == 2)
    assert mine == pytest.approx(moved, rel=0.06)
    assert others == pytest.approx(1.0, rel=0.06)


def test_rows_of_one_series_say_equally_much_however_large_their_own_loss() -> None:
    rows = replace(shop(2, series=3, days=200, late=20), dimensions=())
    assert rows.series is not None
    weights = cells_of(rows).weighed[VARIANCE]
    assert all(len(np.unique(weights[rows.series == one])) == 1 for one in range(3))


@pytest.mark.parametrize("series", [5, 500])
def test_a_reference_of_few_days_makes_no_later_day_look_worse(series: int) -> None:
    wrong = [
        seed for seed in range(15) if any(one.sure for one in search_rows(shop(seed, series=series, days=12, late=8)))
    ]
    assert len(wrong) <= 2


@pytest.mark.parametrize("level", [0.4, 6.0])
def test_scrambled_forecasts_of_one_weekday_in_one_store_are_found(level: float) -> None:
    rows = shop(3, series=400, days=56, late=14, level=level)
    store, weekday = (one.codes for one in rows.dimensions)
    scrambled = np.exp(np.random.default_rng(5).normal(0, 1.5, rows.n))
    wrong = other_forecasts(rows, np.where(rows.current & (store == 1) & (weekday == 4), scrambled, 1.0))
    assert search_rows(wrong)[0].words == {"store": "1", "weekday": "4"}


def test_a_series_that_the_reference_does_not_have_is_expected_something_of() -> None:
    rows = shop(4, series=12, days=28, late=7)
    assert rows.series is not None
    kept = rows.take(rows.current | (rows.series != 5))
    assert np.isfinite(cells_of(kept).expected).all()
    assert (cells_of(kept).expected > 0).all()


def test_what_a_slice_lost_beyond_expectation_is_the_sum_over_its_rows() -> None:
    rows = shop(6, series=100, days=56, late=14)
    store, _ = (one.codes for one in rows.dimensions)
    wrong = other_forecasts(rows, np.where(rows.current & (store == 1), 1.6, 1.0))
    (found, *_), cells = search_rows(wrong), cells_of(wrong)
    mine = rows_inside(wrong, found.literals)
    assert (found.rows, found.rows_before) == ((mine & wrong.current).sum(), (mine & ~wrong.current).sum())
    excess: list[float] = []
    for part, grown in zip((mine, ~mine), volumes(cells, cells.codes[0] == 1), strict=True):
        before, now = part & ~wrong.current, part & wrong.current
        level = wrong.loss[before].sum() / cells.expected[before].sum()
        excess.append(float(wrong.loss[now].sum() - level * grown * cells.expected[now].sum()))
    assert found.words == {"store": "1"}
    assert found.excess == pytest.approx(excess[0])
    assert found.share == pytest.approx(excess[0] / (excess[0] + max(excess[1], 0.0)))
