"""A level that forgets times a season that series share."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from finalmile.forecasters.seasonal_index import phases_of, seasonal_index
from finalmile.frames import Frequency, Panel
from finalmile.ports import forecasters

WEEK = Frequency("week")


def panel(y, *, first=2600, censored=None, **statics):
    values = np.asarray(y, dtype=np.float32)
    return Panel(
        ids=np.array([f"s{k}" for k in range(len(values))], dtype=object),
        frequency=WEEK,
        first=first,
        y=values,
        censored=np.zeros(values.shape, dtype=np.bool_) if censored is None else censored,
        statics={name: np.array(of, dtype=object) for name, of in statics.items()},
    )


def yearly(n=6, length=157, *, first=2600, peak=3.0):
    phases = phases_of(WEEK, np.arange(first, first + length))
    factor = 1 + (peak - 1) * np.exp(-(((phases - 26) / 5) ** 2))
    return factor * np.arange(4, 4 + n)[:, None], factor


def test_a_summer_peak_is_forecast_before_it_comes():
    y, factor = yearly()
    at = 130
    told = forecasters.make("exponential_level").mean(panel(y[:, :at]), horizon=20)
    assert np.corrcoef(told[0], factor[at : at + 20])[0, 1] > 0.95


def test_a_group_has_a_season_of_its_own():
    winter, _ = yearly(peak=1.0)
    summer, _ = yearly(peak=4.0)
    both = panel(np.vstack([winter, summer]) * 50, department=["flat"] * 6 + ["peaked"] * 6)
    own = forecasters.make("exponential_level", group="department").mean(both, horizon=52)
    assert own[0].max() / own[0].min() < 1.4
    assert own[6].max() / own[6].min() > 2.5


def test_a_stock_out_does_not_pull_the_level_down():
    y = np.full((1, 60), 10.0)
    censored = np.zeros((1, 60), dtype=np.bool_)
    y[:, -3:], censored[:, -3:] = 0.0, True
    told = forecasters.make("exponential_level").mean(panel(y, censored=censored), horizon=1)
    assert told[0, 0] == pytest.approx(10, rel=0.1)


def test_the_level_follows_a_step_within_a_few_half_lives():
    y = np.concatenate([np.full((1, 80), 2.0), np.full((1, 40), 20.0)], axis=1)
    assert forecasters.make("exponential_level", half_life=4).mean(panel(y), horizon=1)[0, 0] > 15


def test_nothing_sold_is_forecast_as_next_to_nothing():
    assert (forecasters.make("exponential_level").mean(panel(np.zeros((2, 60))), horizon=3) < 0.05).all()


def test_a_series_without_known_demand_takes_the_level_of_others():
    y = np.full((4, 60), 8.0)
    y[3] = np.nan
    assert forecasters.make("exponential_level").mean(panel(y), horizon=1)[3, 0] > 1


def test_an_empty_panel_gives_an_empty_forecast():
    assert forecasters.make("exponential_level").mean(panel(np.zeros((0, 60))), horizon=4).shape == (0, 4)


def test_a_phase_that_was_never_seen_is_an_average_one():
    index = seasonal_index(
        np.ones((2, 10), dtype=np.float32),
        phases=np.arange(10),
        frequency=WEEK,
        groups=np.array(["a", "b"], dtype=object),
        shrink=5.0,
    )
    assert index[:, 30] == pytest.approx(1.0)


def test_weeks_are_placed_in_the_year_by_their_thursday():
    days = pl.Series([date(2023, 1, 2), date(2023, 12, 25), date(2024, 1, 1)])
    assert phases_of(WEEK, WEEK.index(days)).tolist() == [0, 51, 0]


@pytest.mark.parametrize(("name", "value"), [("half_life", 0.0), ("shrink", -1.0)])
def test_settings_that_make_no_sense_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        forecasters.make("exponential_level", **{name: value})
