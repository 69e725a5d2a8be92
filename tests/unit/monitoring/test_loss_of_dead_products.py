"""Products that hardly sell any more: what their tiny errors do is nobody's matter."""

from datetime import date

import numpy as np

from finalmile.frames import Frequency
from finalmile.monitoring.checks.loss import LossCheck
from finalmile.monitoring.loss.state import LossLook, LossReference
from finalmile.records import Finding

DAY = Frequency("day")
FIRST = DAY.index_of(date(2023, 1, 2))
REFERENCE, LIVE, N, DEAD = 120, 40, 80, 30
IDS = np.array([f"p{i:02d}" for i in range(N)], dtype=object)


def listed(actual: np.ndarray, forecast: np.ndarray) -> set[str]:
    check = LossCheck()
    reference = LossReference(
        ids=IDS, frequency=DAY, first=FIRST, actual=actual[:, :REFERENCE], forecast=forecast[:, :REFERENCE]
    )
    state, found = check.start(reference), list[Finding]()
    for t in range(REFERENCE, REFERENCE + LIVE):
        look = LossLook(period=FIRST + t, ids=IDS, actual=actual[:, t], forecast=forecast[:, t])
        state, told = check.update(state, look)
        found += told
    return {one.subject for one in found if one.subject.startswith("product ")}


def fleet(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Products of which the first thirty stopped selling long ago; the model goes on to forecast next to nothing."""
    rng = np.random.default_rng(seed)
    forecast = rng.lognormal(1.2, 0.6, N)[:, None] * np.ones(REFERENCE + LIVE)
    actual = rng.poisson(forecast).astype(float)
    actual[:DEAD] = 0.0
    forecast[:DEAD] = rng.uniform(0.005, 0.015, (DEAD, 1)) * np.ones(REFERENCE + LIVE)
    return actual, forecast


def test_a_dead_product_whose_tiny_forecast_trebles_is_not_listed() -> None:
    actual, forecast = fleet(5_000_101)
    forecast[:DEAD, REFERENCE:] *= 3.0
    assert not listed(actual, forecast)


def test_a_dead_product_that_is_forecast_to_sell_again_is_listed() -> None:
    actual, forecast = fleet(5_000_102)
    forecast[3, REFERENCE:] = 4.0
    assert listed(actual, forecast) == {"product p03"}
