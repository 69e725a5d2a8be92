"""Evidence: what it needs, what it ignores, how often it is wrong."""

import numpy as np
import pytest

from finalmile.frames import Frequency
from finalmile.monitoring.engine import Bets, Watch, calibrate, e_bh, shiryaev_roberts, trimmed_mean

DAY = Frequency("day")
ARL = 3650.0


def shocks(rng: np.random.Generator, *, streams: int, looks: int, phi: float = 0.5) -> np.ndarray:
    """Stationary AR(1) with standard deviation 0.1 and a little measurement noise, as of a daily log loss."""
    values = np.empty((streams, looks))
    level = rng.normal(0, 0.1, streams)
    for t in range(looks):
        level = phi * level + rng.normal(0, 0.1 * np.sqrt(1 - phi**2), streams)
        values[:, t] = level
    return values + rng.normal(0, 0.05, values.shape)


def watched(values: np.ndarray, *, reference: int) -> tuple[Watch, np.ndarray]:
    n = len(values)
    periods = np.arange(19_000, 19_000 + values.shape[1])
    start = Watch.start(
        values[:, :reference],
        periods[:reference],
        frequency=DAY,
        source=np.arange(n),
        sign=np.ones(n),
        tolerance=np.full(n, np.log1p(0.02)),
        least_z=0.1,
        bets=Bets(),
    )
    return start, periods


def first_alarms(values: np.ndarray, *, reference: int) -> np.ndarray:
    """Look after the reference at which each stream first alarms, a large number where never."""
    watch, periods = watched(values, reference=reference)
    channels = np.arange(len(values))[:, None]
    first = np.full(len(values), 10**6)
    for t in range(reference, values.shape[1]):
        watch = watch.step(int(periods[t]), values[:, t], span=14)
        hit = watch.evidence(channels) >= np.log(ARL)
        first = np.where(hit & (first == 10**6), t - reference + 1, first)
    return first


@pytest.mark.parametrize("reference", [112, 730])
def test_false_alarms_under_persistent_shocks_stay_within_the_stated_run_length(reference: int) -> None:
    streams, days = 400, 365
    first = first_alarms(shocks(np.random.default_rng(1), streams=streams, looks=reference + days), reference=reference)
    years = np.minimum(first, days).sum() / 365
    alarms = int((first <= days).sum())
    assert alarms + 1.645 * np.sqrt(alarms) <= years * 365 / ARL


@pytest.mark.parametrize(("worse_by", "days"), [(0.25, 20), (0.50, 7)])
def test_a_worse_loss_is_found_within_days(worse_by: float, days: int) -> None:
    values = shocks(np.random.default_rng(2), streams=200, looks=180 + 60 + 60)
    values[:, 240:] += np.log1p(worse_by)
    first = first_alarms(values, reference=180)
    assert (first <= 60).mean() <= 0.02
    assert np.median(first[first > 60] - 60) <= days


def test_a_rise_within_the_tolerance_never_becomes_evidence() -> None:
    values = np.zeros((1, 400))
    values += np.random.default_rng(3).normal(0, 0.05, values.shape)
    values[:, 200:] += 0.003
    assert first_alarms(values, reference=200)[0] == 10**6


def test_missing_looks_neither_add_nor_remove_evidence() -> None:
    log_r = np.array([[1.0, 2.0, 3.0, 4.0]])
    after, pay = shiryaev_roberts(log_r, np.array([np.nan]), tolerance=np.array([0.1]), bets=Bets())
    assert after.tolist() == log_r.tolist()
    assert not pay.any()


def test_one_wild_look_after_a_short_reference_proves_little() -> None:
    rare = np.zeros((1, 60))
    rare[0, 7] = 1.0
    bets = Bets()
    calibration = calibrate((rare - rare.mean()) / rare.std(), bets=bets)
    log_r, _ = shiryaev_roberts(
        np.full((1, 4), -np.inf), np.array([1e9]), tolerance=np.array([0.1]), bets=bets, calibration=calibration
    )
    assert log_r.max() <= np.log(61) + 1e-9


def test_bets_pay_at_most_one_on_their_own_reference() -> None:
    skewed = np.random.default_rng(4).exponential(size=(5, 300)) - 1
    bets = Bets()
    calibration = calibrate(skewed, bets=bets)
    paid = np.exp(np.asarray(bets.sizes) * np.minimum(skewed, bets.clip)[..., None] - calibration.log_norm[:, None, :])
    assert (paid.mean(axis=1) <= 1.0).all()


def test_the_stretch_of_the_evidence_starts_near_the_change() -> None:
    values = shocks(np.random.default_rng(5), streams=50, looks=180 + 120)
    values[:, 240:] += np.log1p(0.5)
    watch, periods = watched(values, reference=180)
    for t in range(180, 260):
        watch = watch.step(int(periods[t]), values[:, t], span=14)
    assert abs(np.median(watch.since) - periods[240]) <= 3
    assert np.median(watch.effect()) == pytest.approx(np.log1p(0.5), abs=0.1)
    assert np.median(watch.recent) == pytest.approx(np.log1p(0.5), abs=0.1)


def test_a_restarted_channel_starts_from_nothing_and_others_keep_their_evidence() -> None:
    values = shocks(np.random.default_rng(6), streams=2, looks=200) + np.r_[np.zeros(150), np.ones(50)]
    watch, periods = watched(values, reference=150)
    for t in range(150, 200):
        watch = watch.step(int(periods[t]), values[:, t], span=14)
    after = watch.restarted(np.array([0]))
    assert np.isneginf(after.log_r[0]).all()
    assert after.log_r[1].tolist() == watch.log_r[1].tolist()


def test_nothing_is_listed_without_evidence_and_missing_streams_do_not_count() -> None:
    assert not e_bh(np.full(4, -np.inf), alpha=0.1).any()
    assert e_bh(np.array([]), alpha=0.1).shape == (0,)
    assert e_bh(np.array([np.nan, np.log(11.0)]), alpha=0.1).tolist() == [False, True]


def test_more_patience_asks_for_more_evidence() -> None:
    log_e = np.log([250.0, 1e6])
    assert e_bh(log_e, alpha=0.1, patience=1).tolist() == [True, True]
    assert e_bh(log_e, alpha=0.1, patience=28).tolist() == [False, True]


def test_a_trimmed_mean_of_nothing_is_missing() -> None:
    assert np.isnan(trimmed_mean(np.array([np.nan])))
