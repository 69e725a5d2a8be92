"""Small made-up shops that forecaster tests share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from finalmile.frames import Frequency, Panel

PER_WEEKDAY = np.array([3.0, 2.0, 2.0, 3.0, 5.0, 8.0, 6.0])


def make_shop(*, n: int = 40, periods: int = 200, unit: str = "D", seed: int = 1, ahead: int = 0) -> Panel:
    """Poisson demand with a pattern of seven, from slow to fast sellers, a price and a promotion that doubles it."""
    chance = np.random.default_rng(seed)
    level = np.geomspace(0.1, 10, n)[:, None]
    promo = (chance.random((n, periods + ahead)) < 0.1).astype(np.float32)
    mean = level * PER_WEEKDAY[np.arange(periods + ahead) % 7] / PER_WEEKDAY.mean() * (1 + promo)
    y = chance.poisson(mean)[:, :periods].astype(np.float32)
    frequency = Frequency.parse(unit)
    return Panel(
        ids=np.array([f"item_{at:03d}" for at in range(n)], dtype=object),
        frequency=frequency,
        first=frequency.index_of(date(2020, 1, 6)),
        y=y,
        censored=np.zeros(y.shape, dtype=np.bool_),
        covariates={"promo": promo, "price": np.full((n, periods + ahead), 2.5, dtype=np.float32)},
        statics={"category": np.array([f"c{at % 3}" for at in range(n)], dtype=object)},
    )


@pytest.fixture(scope="session")
def shop() -> Callable[..., Panel]:
    return make_shop
