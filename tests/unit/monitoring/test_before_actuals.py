"""What can be told before actuals arrive: an estimate of the loss, and how fresh things are."""

from datetime import date

import numpy as np
import pytest

from finalmile.errors import MissingInputError
from finalmile.frames import Frequency
from finalmile.monitoring.checks.estimated_loss import EstimatedLossCheck
from finalmile.monitoring.checks.freshness import FreshnessCheck, Source
from finalmile.monitoring.loss.estimated import EstimatedState, SpreadReference

DAY = Frequency("day")
FIRST = DAY.index_of(date(2023, 1, 2))
CHECK = EstimatedLossCheck()


def world(seed: int, *, looks: int, n: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mean = rng.lognormal(1.0, 1.0, n)[:, None] * np.ones(looks)
    spread = 1.3 * np.sqrt(mean)
    return rng.poisson(mean).astype(float), mean, spread


@pytest.mark.parametrize("quantiles", [True, False])
def test_the_estimate_is_near_the_loss_that_comes_and_its_interval_holds(*, quantiles: bool) -> None:
    actual, mean, spread = world(71, looks=200)
    told = spread if quantiles else None
    state = CHECK.start(
        SpreadReference(
            frequency=DAY,
            first=FIRST,
            actual=actual[:, :100],
            forecast=mean[:, :100],
            spread=None if told is None else told[:, :100],
        )
    )
    inside = []
    for t in range(100, 200):
        at_look = None if told is None else told[:, t]
        found = CHECK.estimate(state, mean[:, t], at_look, period=FIRST + t)
        wape = np.abs(mean - actual)[:, t].sum() / mean[:, t].sum()
        low, high = np.exp(np.quantile(state.off, [0.05, 0.95])) * found.value
        inside.append(low <= wape <= high)
        assert found.value == pytest.approx(wape, rel=0.35)
        assert found.why.startswith("An estimate, before actuals")
        state = CHECK.update(state, FIRST + t, actual=actual[:, t], forecast=mean[:, t], spread=at_look)
    assert 0.8 <= np.mean(inside) <= 0.98
    assert EstimatedState.from_bytes(state.to_bytes()).last == FIRST + 199


def test_the_interval_holds_for_forecasts_that_it_was_not_learned_from_even_after_a_short_reference() -> None:
    inside = []
    for seed in range(5_300_100, 5_300_160):
        actual, mean, _ = world(seed, looks=60, n=12)
        state = CHECK.start(SpreadReference(frequency=DAY, first=FIRST, actual=actual[:, :40], forecast=mean[:, :40]))
        for t in range(40, 60):
            value = CHECK.estimate(state, mean[:, t], None, period=FIRST + t).value or np.nan
            low, high = (value * np.exp(one) for one in CHECK._interval(state))
            inside.append(low <= np.abs(mean - actual)[:, t].sum() / mean[:, t].sum() <= high)
    assert 0.88 <= np.mean(inside) <= 0.97


def test_wider_quantiles_raise_the_estimate_before_anything_has_come_true() -> None:
    actual, mean, spread = world(72, looks=100)
    state = CHECK.start(SpreadReference(frequency=DAY, first=FIRST, actual=actual, forecast=mean, spread=spread))
    usual = CHECK.estimate(state, mean[:, 0], spread[:, 0], period=FIRST + 100)
    wide = CHECK.estimate(state, mean[:, 0], 2 * spread[:, 0], period=FIRST + 100)
    assert not usual.breached
    assert wide.breached
    assert wide.value == pytest.approx(2 * usual.value)


def test_what_cannot_be_estimated_is_a_finding_that_says_why() -> None:
    actual, mean, spread = world(73, looks=30)
    state = CHECK.start(SpreadReference(frequency=DAY, first=FIRST, actual=actual, forecast=mean, spread=spread))
    without = CHECK.estimate(state, mean[:, 0], np.full(200, np.nan), period=FIRST + 30)
    assert without.value is None
    assert "forecast with quantiles" in without.why
    nothing = CHECK.estimate(state, np.zeros(200), np.zeros(200), period=FIRST + 30)
    assert nothing.value is None
    unknown = CHECK.update(state, FIRST + 30, actual=np.full(200, np.nan), forecast=mean[:, 0], spread=spread[:, 0])
    assert unknown.off.tolist() == state.off.tolist()
    with pytest.raises(MissingInputError, match="20 periods"):
        CHECK.start(SpreadReference(frequency=DAY, first=FIRST, actual=actual[:, :5], forecast=mean[:, :5]))


def test_a_feed_older_than_it_ever_was_is_late_and_one_that_is_gone_is_missing() -> None:
    check = FreshnessCheck()
    usual = np.tile(np.arange(7), 6)
    sources = [
        Source(name="price", newest=FIRST - 6, usual=usual),
        Source(name="weather", newest=FIRST - 9, usual=usual),
        Source(name="stock", newest=None, usual=usual),
        Source(name="promo", newest=FIRST, usual=np.array([], dtype=np.int64)),
    ]
    price, weather, stock, promo = check.compare(sources, period=FIRST, frequency=DAY)
    assert [one.breached for one in (price, weather, stock, promo)] == [False, True, True, False]
    assert stock.value is None
    assert weather.since == date(2022, 12, 31)
    with pytest.raises(ValueError, match="usual_share"):
        FreshnessCheck(usual_share=0.0)
