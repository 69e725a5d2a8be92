"""Forecast: the live version answers for every series from the newest cutoff, and the answer is logged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import Forecast, IntArray, Panel, same_windows
from finalmile.inventory.policies import policies
from finalmile.inventory.proposal import windows_for
from finalmile.records import Version
from finalmile.simulation import UnitsArray
from finalmile.workflows.shop import Shop, known_cutoff, live_version
from finalmile.workflows.terms import positions
from finalmile.workflows.train import load_version

LEVELS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
"""Levels of demand over whole windows that every forecast tells, beside those the policy asks for."""


def forecast(shop: Shop, model: str, *, cutoff: int | None = None, brief: bool = False) -> Forecast:
    """Forecast every listed series and log it under the live version; what was logged before at the cutoff stays.

    Parameters
    ----------
    cutoff
        Last period that counts as known; by default the newest one that has sales.
    brief
        Only the next period, which is all that monitoring needs of a day on which nothing is ordered.

    Raises
    ------
    MissingInputError
        If no version is live.
    """
    version = live_version(shop, model)
    cutoff = known_cutoff(shop, cutoff)
    told = next_period(shop, version, cutoff) if brief else predict(shop, version, cutoff)
    fresh = shop.forecasts.put(version, told, issued_at=shop.clock.now())
    return told if fresh else shop.forecasts.told(model, cutoff, version=version.number) or told


def predict(shop: Shop, version: Version, cutoff: int) -> Forecast:
    """What a version says from a cutoff: every period of the horizon, and demand over each protection interval."""
    fitted = load_version(shop, version)
    settings = shop.model(version.model)
    horizon = shop.horizon(version.model)
    panel = shop.known.panel(cutoff, periods=fitted.needs, ahead=horizon)
    return fitted.predict(
        panel,
        horizon=horizon,
        quantiles=settings.quantiles,
        windows=windows_of(shop, panel, horizon=horizon),
        levels=levels_of(shop),
    )


def next_period(shop: Shop, version: Version, cutoff: int) -> Forecast:
    """What a version says of the period after a cutoff."""
    fitted = load_version(shop, version)
    return fitted.predict(shop.known.panel(cutoff, periods=fitted.needs, ahead=1), horizon=1)


def windows_of(shop: Shop, panel: Panel, *, horizon: int) -> IntArray:
    """What each protection interval may turn out to be, shape (n, w); the review period without a lead time."""
    nothing: UnitsArray = np.zeros(panel.n)
    try:
        at = positions(shop, panel, on_hand=nothing)
    except MissingInputError:
        return same_windows(panel.n, [min(shop.periods(shop.config.plan.review_period_days), horizon)])
    return windows_for(policies.make(shop.config.plan.policy, **dict(shop.config.plan.settings)), at)


def levels_of(shop: Shop) -> Sequence[float]:
    """Levels to forecast for windows: the usual ones and those the policy asks for."""
    wanted = policies.make(shop.config.plan.policy, **dict(shop.config.plan.settings)).levels
    return tuple(sorted({*LEVELS, *wanted}))
