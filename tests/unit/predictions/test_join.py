"""Forecasts beside what came true."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from finalmile.frames import Forecast, Frequency, Panel
from finalmile.metrics import score
from finalmile.predictions.join import join, join_frame, made_before

DAY = Frequency("day")
FIRST = DAY.index_of(date(2024, 1, 1))


def ids(*names: str) -> np.ndarray:
    return np.array(names, dtype=object)


PANEL = Panel(
    ids=ids("a", "b"),
    frequency=DAY,
    first=FIRST,
    y=np.array([[1, 2, 3, 4], [np.nan, 6, 7, 8]], dtype=np.float32),
    censored=np.array([[False, False, True, False], [False, False, False, False]]),
)


def forecast(*names: str, cutoff: int, mean: list[list[float]]) -> Forecast:
    values = np.array(mean, dtype=np.float32)
    return Forecast(ids=ids(*names), frequency=DAY, cutoff=cutoff, mean=values, quantiles={0.9: values * 2})


def test_stock_outs_are_left_out_and_counted() -> None:
    joined = join(forecast("a", "b", cutoff=FIRST, mean=[[2, 3, 5], [6, 6, 8]]), PANEL)
    assert joined.first == FIRST + 1
    assert np.isnan(joined.scored.actual[0, 1])
    assert (joined.scored.censored, joined.scored.missing) == (1, 0)
    assert score(joined.scored, ["mae"])["mae"] == pytest.approx(2 / 5)


def test_periods_and_series_that_are_not_known_are_missing() -> None:
    joined = join(forecast("b", "z", cutoff=FIRST + 2, mean=[[7, 9], [1, 1]]), PANEL)
    assert np.isfinite(joined.scored.actual).tolist() == [[True, False], [False, False]]
    assert joined.scored.missing == 3


def test_a_baseline_is_lined_up_by_id() -> None:
    base = forecast("b", "a", cutoff=FIRST + 2, mean=[[6], [2]])
    joined = join(forecast("a", "b", cutoff=FIRST + 2, mean=[[4], [8]]), PANEL, baseline=base)
    assert joined.scored.baseline.tolist() == [[2.0], [6.0]]
    assert score(joined.scored, ["fva"])["fva"] == 1.0


def test_a_baseline_of_another_cutoff_is_refused() -> None:
    with pytest.raises(ValueError, match="baseline is from cutoff"):
        join(forecast("a", cutoff=FIRST, mean=[[1]]), PANEL, baseline=forecast("a", cutoff=FIRST + 1, mean=[[1]]))


def test_weekly_forecasts_do_not_meet_daily_sales() -> None:
    weekly = Forecast(ids=ids("a"), frequency=Frequency("week"), cutoff=3, mean=np.ones((1, 1), dtype=np.float32))
    with pytest.raises(ValueError, match="per W-MON, sales per D"):
        join(weekly, PANEL)


def test_a_frame_gives_what_the_forecast_gave() -> None:
    told = forecast("a", "b", cutoff=FIRST, mean=[[2, 3, 5], [6, 6, 8]])
    frame = told.to_frame().sample(fraction=1.0, shuffle=True, seed=1)
    joined = join_frame(frame, PANEL, first=FIRST + 1, length=3, levels=[0.9])
    straight = join(told, PANEL)
    assert joined.scored.forecast.tolist() == straight.scored.forecast.tolist()
    assert score(joined.scored, ["wape", "coverage"]) == score(straight.scored, ["wape", "coverage"])
    assert (joined.scored.censored, joined.scored.missing) == (1, 0)


def test_two_forecasts_of_one_day_must_be_told_apart() -> None:
    frame = pl.concat([forecast("a", cutoff=FIRST + c, mean=[[1, 1, 1]]).to_frame() for c in (0, 1)])
    with pytest.raises(ValueError, match="made_before"):
        join_frame(frame, PANEL, first=FIRST, length=4)


def test_the_newest_forecast_made_early_enough_counts() -> None:
    frames = [forecast("a", cutoff=FIRST + c, mean=[[c, c, c]]).to_frame() for c in (0, 1, 2)]
    newest = made_before(pl.concat(frames), frequency=DAY)
    assert newest["mean"].to_list() == [0, 1, 2, 2, 2]
    assert newest["ds"].to_list() == [date(2024, 1, 2) + timedelta(days=n) for n in range(5)]
    assert made_before(pl.concat(frames), frequency=DAY, lead=3)["mean"].to_list() == [0, 1, 2]


def test_no_forecasts_join_to_nothing() -> None:
    empty = forecast("a", cutoff=FIRST, mean=[[1]]).to_frame().clear()
    joined = join_frame(empty, PANEL, first=FIRST, length=2)
    assert joined.scored.actual.shape == (0, 2)
    assert made_before(empty, frequency=DAY).height == 0
