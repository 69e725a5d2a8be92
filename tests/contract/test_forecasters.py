"""What every registered forecaster must do, whoever wrote it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from finalmile.forecasters.artefact import load
from finalmile.frames import Forecast, Frequency, Panel, same_windows
from finalmile.ports import Forecaster, forecasters

LEVELS = [0.5, 0.9, 0.98]
QUICK: dict[str, dict[str, object]] = {
    "lightgbm": {"rounds": 15, "window_rounds": 8, "rows": 4000, "window_rows": 3000, "threads": 1},
}


def a_shop(*, n: int = 25, periods: int = 160, unit: str = "D", ahead: int = 0) -> Panel:
    chance = np.random.default_rng(5)
    week = np.array([1, 1, 1, 1.5, 2, 3, 2])[np.arange(periods) % 7]
    y = chance.poisson(np.geomspace(0.2, 6, n)[:, None] * week).astype(np.float32)
    y[0] = 0
    y[1, : periods // 2] = np.nan
    y[2, -periods // 4 :] = 0
    frequency = Frequency.parse(unit)
    return Panel(
        ids=np.array([f"p{at:02d}" for at in range(n)], dtype=object),
        frequency=frequency,
        first=frequency.index_of(date(2021, 3, 1)),
        y=y,
        censored=np.zeros(y.shape, dtype=np.bool_),
        covariates={"price": np.full((n, periods + ahead), 3.0, dtype=np.float32)},
        statics={"category": np.array([f"c{at % 2}" for at in range(n)], dtype=object)},
    )


def table_for(panel: Panel) -> pl.DataFrame:
    """Flat forecasts from every seventh cutoff, and from the newest."""
    parts: list[pl.DataFrame] = []
    for back in range(0, min(panel.length - 2, 150), 7):
        past = panel.at(panel.cutoff - back)
        mean = np.repeat(np.nanmean(past.y[:, -28:], axis=1)[:, None], 28, axis=1).astype(np.float32)
        parts.append(Forecast(ids=past.ids, frequency=past.frequency, cutoff=past.cutoff, mean=mean).to_frame())
    return pl.concat(parts)


@pytest.fixture(params=sorted(forecasters))
def make(request: pytest.FixtureRequest) -> Callable[[Panel], Forecaster]:
    name: str = request.param

    def build(panel: Panel) -> Forecaster:
        settings = dict(QUICK.get(name, {}))
        if name == "ready_made":
            settings["table"] = table_for(panel)
        return forecasters.make(name, **settings)

    return build


def asked(panel: Panel) -> dict[str, object]:
    return {"horizon": 9, "quantiles": [0.1, 0.9], "windows": same_windows(panel.n, [1, 5, 9]), "levels": LEVELS}


def test_forecasts_have_the_promised_shapes_and_are_never_negative(make):
    panel = a_shop()
    told = make(panel).fit(panel).predict(panel, **asked(panel))
    assert told.mean.shape == told.quantiles[0.9].shape == (panel.n, 9)
    assert told.cumulative.values.shape == (panel.n, 3, 3)
    for values in (told.mean, told.quantiles[0.1], told.cumulative.mean, told.cumulative.values):
        assert np.isfinite(values).all()
        assert (values >= 0).all()


def test_quantiles_never_fall_from_a_level_to_a_higher_one(make):
    panel = a_shop()
    told = make(panel).fit(panel).predict(panel, **asked(panel))
    assert (np.diff(told.cumulative.values, axis=2) >= 0).all()
    assert (told.quantiles[0.1] <= told.quantiles[0.9]).all()


def test_window_means_are_sums_of_period_means(make):
    panel = a_shop()
    told = make(panel).fit(panel).predict(panel, **asked(panel))
    assert told.cumulative.mean == pytest.approx(told.mean.cumsum(axis=1)[:, [0, 4, 8]], rel=1e-4, abs=1e-5)


def test_what_was_saved_answers_the_same(make, tmp_path):
    panel = a_shop()
    fitted = make(panel).fit(panel)
    fitted.save(tmp_path)
    again = load(tmp_path)
    one, other = fitted.predict(panel, **asked(panel)), again.predict(panel, **asked(panel))
    assert np.array_equal(one.mean, other.mean)
    assert np.array_equal(one.cumulative.values, other.cumulative.values)
    assert one.cumulative.calibration_id == other.cumulative.calibration_id
    assert np.array_equal(fitted.reference().mean, again.reference().mean, equal_nan=True)
    assert (again.needs, again.notes) == (fitted.needs, fitted.notes)


def test_nothing_saved_needs_a_pickle(make, tmp_path):
    panel = a_shop()
    make(panel).fit(panel).save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".parquet", ".txt"}


def test_the_history_it_says_it_needs_is_enough(make):
    panel = a_shop()
    fitted = make(panel).fit(panel)
    told = fitted.predict(panel.last(fitted.needs), horizon=9).mean
    assert told == pytest.approx(fitted.predict(panel, horizon=9).mean, rel=1e-4, abs=1e-5)


def test_sales_after_the_cutoff_change_nothing(make):
    whole = a_shop(periods=180)
    past = whole.at(whole.cutoff - 20)
    wild = replace(whole, y=whole.y.copy())
    wild.y[:, -20:] = 1e9
    same = wild.at(wild.cutoff - 20)
    one = make(past).fit(past).predict(past, **asked(past))
    other = make(same).fit(same).predict(same, **asked(same))
    assert np.array_equal(one.mean, other.mean)
    assert np.array_equal(one.cumulative.values, other.cumulative.values)


@pytest.mark.parametrize("left", [0.0, 1e-9])
def test_how_little_a_stock_out_left_to_sell_is_not_learned_from(make, left):
    panel = a_shop()
    told = [
        make(panel).fit(one).predict(one, horizon=9).mean
        for one in (sold_out(panel, units=np.nan), sold_out(panel, units=left))
    ]
    assert np.array_equal(*told)


def test_what_sold_beyond_all_expectation_before_a_stock_out_lowers_no_forecast(make):
    panel = a_shop()
    little, much = (sold_out(panel, units=units) for units in (0.0, 1e6))
    one, other = (make(panel).fit(told).predict(told, horizon=9).mean for told in (little, much))
    assert (other >= one).all()


def sold_out(panel: Panel, *, units: float) -> Panel:
    """The same shop in which everything sold out for five days, after so many units."""
    out, sold = panel.censored.copy(), panel.y.copy()
    out[:, -9:-4], sold[:, -9:-4] = True, units
    return replace(panel, censored=out, y=sold)


def test_recalibrating_keeps_the_mean(make):
    panel = a_shop()
    fitted = make(panel).fit(panel)
    assert np.array_equal(
        fitted.recalibrate(panel).predict(panel, horizon=9).mean, fitted.predict(panel, horizon=9).mean
    )


@pytest.mark.parametrize("unit", ["h", "W", "M"])
def test_other_frequencies_are_answered(make, unit):
    panel = a_shop(n=12, unit=unit, periods=130)
    told = make(panel).fit(panel).predict(panel, **asked(panel))
    assert np.isfinite(told.cumulative.values).all()


def test_a_short_history_is_answered_and_labelled(make):
    panel = a_shop(n=8, periods=5)
    told = make(panel).fit(panel).predict(panel, **asked(panel))
    assert np.isfinite(told.mean).all()
    assert set(told.cumulative.methods) <= {
        "history (uncalibrated)",
        "conformal",
        "conformal (beyond calibrated windows)",
    }


def test_wrong_questions_are_all_named_at_once(make):
    panel = a_shop()
    fitted = make(panel).fit(panel)
    with pytest.raises(ValueError, match=r"horizon is 0.*1\.5 is outside.*window of 0"):
        fitted.predict(panel, horizon=0, windows=same_windows(panel.n, [0]), levels=[1.5])
