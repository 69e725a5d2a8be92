"""Residuals: calendar and persistence taken out."""

import numpy as np
import pytest

from finalmile.frames import Frequency
from finalmile.monitoring.engine import Residualiser
from finalmile.monitoring.engine.design import design, lags_for

DAY, WEEK, MONTH, HOUR = (Frequency(unit) for unit in ("day", "week", "month", "hour"))


def test_a_weekday_pattern_leaves_no_residual() -> None:
    periods = np.arange(19_000, 19_140)
    values = np.array([[1.0, 2, 3, 4, 5, 6, 9]])[:, periods % 7]
    fitted, _ = Residualiser.fit(values[:, :112], periods[:112], frequency=DAY)
    for column in range(112, 140):
        fitted, _, residual = fitted.step(int(periods[column]), values[:, column])
        assert residual == pytest.approx([0.0], abs=1e-9)


def test_weeks_and_months_have_no_weekday() -> None:
    for frequency in (WEEK, MONTH):
        assert design(np.arange(5), frequency=frequency, looks=30).shape == (5, 1)


def test_hours_have_a_time_of_day() -> None:
    x = design(np.arange(48), frequency=HOUR, looks=24 * 30)
    assert x.shape == (48, 1 + 6 + 6)
    assert x[0] == pytest.approx(x[24][[0, *range(1, 13)]], abs=2.0)


def test_a_year_has_harmonics_only_when_a_year_was_seen() -> None:
    assert (
        design(np.arange(3), frequency=DAY, looks=399).shape[1] + 4
        == design(np.arange(3), frequency=DAY, looks=400).shape[1]
    )
    assert design(np.arange(3), frequency=WEEK, looks=60).shape[1] == 5


def test_a_season_is_a_lag_only_when_eight_were_seen() -> None:
    assert lags_for(DAY, looks=56) == (1, 7)
    assert lags_for(DAY, looks=55) == (1,)
    assert lags_for(WEEK, looks=120) == (1,)


def test_persistence_is_found_and_white_noise_has_none() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(2, 600))
    values = noise.copy()
    for t in range(1, 600):
        values[0, t] = 0.6 * values[0, t - 1] + noise[0, t]
    fitted, z = Residualiser.fit(values, np.arange(600), frequency=WEEK)
    assert fitted.phi[0, 0] == pytest.approx(0.6, abs=0.1)
    assert abs(fitted.phi[1, 0]) < 0.1
    assert np.nanstd(z, axis=1) == pytest.approx([1.0, 1.0], abs=0.05)


def test_stepping_gives_what_fitting_gave() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(3, 50)).cumsum(axis=1) * 0.1 + rng.normal(size=(3, 50))
    fitted, _ = Residualiser.fit(values, np.arange(50), frequency=WEEK)
    again, z, _ = fitted.step(50, np.array([1.0, 2.0, 3.0]))
    by_hand = np.array([1.0, 2.0, 3.0]) - fitted.beta[:, 0]
    assert z * fitted.sd == pytest.approx(by_hand - fitted.phi[:, 0] * fitted.recent[:, 0])
    assert again.recent[:, 0] == pytest.approx(by_hand)


def test_a_missing_look_leaves_no_trace_in_its_stream() -> None:
    rng = np.random.default_rng(5)
    fitted, _ = Residualiser.fit(rng.normal(size=(2, 60)), np.arange(60), frequency=WEEK)
    _, z, residual = fitted.step(60, np.array([np.nan, 1.0]))
    assert np.isnan(z[0])
    assert np.isnan(residual[0])
    assert np.isfinite(z[1])


def test_gaps_in_the_reference_do_not_shift_the_level() -> None:
    rng = np.random.default_rng(6)
    values = 5 + rng.normal(size=(1, 200))
    gappy = np.where(rng.random(values.shape) < 0.3, np.nan, values)
    fitted, z = Residualiser.fit(gappy, np.arange(200), frequency=DAY)
    assert fitted.beta[0, 0] == pytest.approx(5.0, abs=0.3)
    assert np.isnan(z[np.isnan(gappy)]).all()


def test_a_known_event_explains_its_day() -> None:
    periods = np.arange(200)
    event = (periods % 50 == 0).astype(float)[:, None]
    values = 1.0 + 8 * event.T
    fitted, _ = Residualiser.fit(values, periods, frequency=WEEK, calendar=event)
    _, _, residual = fitted.step(200, np.array([9.0]), calendar=np.array([1.0]))
    assert residual == pytest.approx([0.0], abs=1e-6)


def test_skipped_periods_are_forgotten_like_missing_looks() -> None:
    values = np.cumsum(np.random.default_rng(7).normal(size=(1, 50)), axis=1)
    fitted, _ = Residualiser.fit(values, np.arange(50), frequency=WEEK)
    later, _, _ = fitted.step(55, np.array([1.0]))
    assert later.last == 55
    _, z, _ = fitted.step(55, np.array([float(fitted.beta[0, 0])]))
    assert z == pytest.approx([0.0], abs=1e-6)


def test_streams_without_a_single_look_are_harmless() -> None:
    fitted, z = Residualiser.fit(np.full((2, 40), np.nan), np.arange(40), frequency=DAY, least_sd=0.5)
    assert np.isnan(z).all()
    assert np.isfinite(fitted.step(40, np.array([1.0, 2.0]))[1]).all()


def test_a_rare_kind_of_day_that_was_not_learned_proves_nothing() -> None:
    rng = np.random.default_rng(0)
    periods = np.arange(200)
    met, never = (periods % 50 == 0).astype(float), np.zeros(200)
    values = rng.normal(size=(1, 200)) + 5 * met
    values[0, 50] = np.nan  # thrown out
    calendar = np.column_stack([met, never])
    fitted, _ = Residualiser.fit(values, periods, frequency=WEEK, calendar=calendar)
    for day in ([1.0, 0.0], [0.0, 1.0]):
        assert np.isnan(fitted.step(200, np.array([9.0]), calendar=np.array(day))[2]).all()
    assert np.isfinite(fitted.step(200, np.array([9.0]), calendar=np.zeros(2))[2]).all()
