"""Fleets that no statistic was made for: each check gives findings, and none raises anything but what it lacks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from finalmile.errors import MissingInputError
from finalmile.frames import Frequency
from finalmile.metrics.volume import VolumeClasses
from finalmile.monitoring.checks.concept_drift import ConceptDriftCheck
from finalmile.monitoring.checks.coverage import CoverageCheck
from finalmile.monitoring.checks.estimated_loss import EstimatedLossCheck
from finalmile.monitoring.checks.fva import FvaCheck
from finalmile.monitoring.checks.loss import LossCheck
from finalmile.monitoring.checks.loss_groups import LossGroupsCheck
from finalmile.monitoring.engine.alarmed import Alarmed, at_least
from finalmile.monitoring.loss.coverage_state import CoverageLook, CoverageReference, counts
from finalmile.monitoring.loss.estimated import SpreadReference
from finalmile.monitoring.loss.paired import PairedLook, PairedReference, paired_sums
from finalmile.monitoring.loss.state import LossLook, LossReference
from finalmile.records import Finding

DAY = Frequency("day")
FIRST = DAY.index_of(date(2023, 1, 2))
N, REFERENCE, LIVE = 8, 200, 6
IDS = np.array([f"p{i}" for i in range(N)], dtype=object)
GROUPS = {"kind": np.array(["a"] * 4 + ["b"] * 4, dtype=object)}
ONE = VolumeClasses(())

Array = np.ndarray


def normal() -> tuple[Array, Array]:
    rng = np.random.default_rng(5_300_200)
    forecast = np.full((N, REFERENCE + LIVE), 5.0)
    return rng.poisson(forecast).astype(float), forecast


def _with(
    value: float, *, actual: bool = True, forecast: bool = False, rows: object = slice(None)
) -> Callable[..., object]:
    def made() -> tuple[Array, Array]:
        a, f = normal()
        for one, wanted in ((a, actual), (f, forecast)):
            if wanted:
                one[rows, :] = value
        return a, f

    return made


def _live_only(value: float, *, forecast: bool = False) -> Callable[..., object]:
    def made() -> tuple[Array, Array]:
        a, f = normal()
        (f if forecast else a)[:, REFERENCE:] = value
        return a, f

    return made


FLEETS = {
    "nothing sold": _with(0.0),
    "nothing sold and nothing forecast": _with(0.0, forecast=True),
    "nothing forecast": _with(0.0, actual=False, forecast=True),
    "one unit every day": _with(1.0),
    "forecasts exactly right": _with(7.0, forecast=True),
    "everything censored": _with(np.nan),
    "everything censored since": _live_only(np.nan),
    "no forecasts": _with(np.nan, actual=False, forecast=True),
    "infinite sales": _with(np.inf),
    "infinite sales since": _live_only(np.inf),
    "infinite forecasts since": _live_only(np.inf, forecast=True),
    "negative forecasts": _with(-3.0, actual=False, forecast=True),
    "returns only": _with(-2.0),
    "huge sales": _with(1e60),
    "sales as large as can be": _with(1.7e308),
    "sales as large as can be since": _live_only(1.7e308),
    "returns as large as can be": _live_only(-1.7e308),
    "forecasts as large as can be since": _live_only(1.7e308, forecast=True),
    "one product whose squares overflow": _with(1e160, rows=0),
    "one product as small as can be": _with(5e-324, rows=0),
    "one product without history": _with(np.nan, rows=0),
    "one product of one unit": _with(1.0, rows=0),
}


def loss(actual: Array, forecast: Array) -> list[list[Finding]]:
    check, told = LossCheck(), []
    before = LossReference(
        ids=IDS, frequency=DAY, first=FIRST, actual=actual[:, :REFERENCE], forecast=forecast[:, :REFERENCE]
    )
    state = check.start(before)
    for t in range(REFERENCE, REFERENCE + LIVE):
        state, found = check.update(
            state, LossLook(period=FIRST + t, ids=IDS, actual=actual[:, t], forecast=forecast[:, t])
        )
        told.append(found)
    return told


def groups(actual: Array, forecast: Array) -> list[list[Finding]]:
    check, told = LossGroupsCheck(), []
    before = LossReference(
        ids=IDS, frequency=DAY, first=FIRST, actual=actual[:, :REFERENCE], forecast=forecast[:, :REFERENCE]
    )
    state = check.start(before, groups=GROUPS)
    for t in range(REFERENCE, REFERENCE + LIVE):
        look = LossLook(period=FIRST + t, ids=IDS, actual=actual[:, t], forecast=forecast[:, t])
        state, found = check.update(state, look, groups=GROUPS)
        told.append(found)
    return told


def coverage(actual: Array, forecast: Array) -> list[list[Finding]]:
    check, told = CoverageCheck(), []
    shape = {"volume": np.zeros(N, dtype=np.int64), "classes": ONE}
    each = [
        counts(actual[:, t], {0.9: np.minimum(forecast[:, t], 1e308) * 1.5}, **shape) for t in range(REFERENCE + LIVE)
    ]
    held, n, lost = (np.stack([one[k] for one in each], axis=1) for k in (2, 3, 4))
    state = check.start(
        CoverageReference(
            frequency=DAY, first=FIRST, kinds=each[0][0], certified=each[0][1],
            held=held[:, :REFERENCE], n=n[:, :REFERENCE], pinball=lost[:, :REFERENCE],
        )
    )  # fmt: skip
    for t in range(REFERENCE, REFERENCE + LIVE):
        look = CoverageLook(period=FIRST + t, kinds=each[t][0], held=held[:, t], n=n[:, t], pinball=lost[:, t])
        state, found = check.update(state, look)
        told.append(found)
    return told


def _paired(check: FvaCheck | ConceptDriftCheck) -> Callable[[Array, Array], list[list[Finding]]]:
    def run(actual: Array, forecast: Array) -> list[list[Finding]]:
        sums = np.array([paired_sums(a, f, np.roll(a, 1)) for a, f in zip(actual.T, forecast.T, strict=True)]).T
        sold, live, baseline = sums
        before = {"sold": sold[:REFERENCE], "live": live[:REFERENCE], "baseline": baseline[:REFERENCE]}
        state, told = check.start(PairedReference(frequency=DAY, first=FIRST, **before)), []
        for t in range(REFERENCE, REFERENCE + LIVE):
            look = PairedLook(period=FIRST + t, sold=sold[t], live=live[t], baseline=baseline[t])
            state, found = check.update(state, look)  # type: ignore[arg-type]
            told.append(found)
        return told

    return run


def estimated(actual: Array, forecast: Array) -> list[list[Finding]]:
    check = EstimatedLossCheck()
    state = check.start(
        SpreadReference(frequency=DAY, first=FIRST, actual=actual[:, :REFERENCE], forecast=forecast[:, :REFERENCE])
    )
    told = []
    for t in range(REFERENCE, REFERENCE + LIVE):
        told.append([check.estimate(state, forecast[:, t], None, period=FIRST + t)])
        state = check.update(state, FIRST + t, actual=actual[:, t], forecast=forecast[:, t], spread=None)
    return told


CHECKS = {
    "loss": loss,
    "groups": groups,
    "coverage": coverage,
    "fva": _paired(FvaCheck()),
    "concept drift": _paired(ConceptDriftCheck()),
    "estimated loss": estimated,
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("fleet", FLEETS)
def test_every_look_of_an_odd_fleet_is_told_of_and_nothing_is_raised_but_what_is_missing(
    fleet: str, check: str
) -> None:
    actual, forecast = FLEETS[fleet]()  # type: ignore[misc]
    try:
        told = CHECKS[check](actual, forecast)
    except MissingInputError:
        return  # said by the check as a finding of what is missing, by whoever starts it
    assert all(found for found in told)
    for one in (one for found in told for one in found):
        assert one.why
        assert one.value is None or np.isfinite(one.value)
        assert one.effect is None or np.isfinite(one.effect)


def test_an_alarm_is_told_by_the_side_that_raised_it_until_it_is_over() -> None:
    rng = np.random.default_rng(5_300_201)
    reference = rng.normal(size=(1, 200))
    streams = Alarmed.start(reference, first=0, frequency=DAY, tolerance=np.array([0.1]))
    for t in range(200, 215):
        streams = streams.step(t, np.array([2.0]), rule=at_least(8.2), span=14)
    assert streams.alarm[0] >= 0
    log_r = streams.watch.log_r.copy()
    log_r[1] = 500.0
    leaning = replace(streams, watch=replace(streams.watch, log_r=log_r))
    assert leaning.effect[0] == streams.effect[0] > 0
    assert leaning.looks[0] == streams.looks[0]
