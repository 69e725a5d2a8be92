"""From a forecast to what a policy would order: the same function for today's plan, a replay and a counterfactual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from finalmile.frames import Cumulative, Forecast, IntArray, NameArray, Panel
from finalmile.inventory import (
    Demand,
    NegativeBinomialPaths,
    PointDemand,
    Policy,
    Position,
    Proposal,
)
from finalmile.inventory.demand_ahead import with_means_ahead
from finalmile.inventory.ladder import KnownDemand, window_demand
from finalmile.inventory.proposal import LooksAhead, windows_for
from finalmile.simulation import UnitsArray

SEASONS_OF_ERROR = 13
"""Seasons whose spread of demand the textbook formula is given: a quarter of days."""

SERIES_IN_A_GROUP = 8
"""Series that a category must have on average to stand in for one that is new."""


def propose(policy: Policy, at: Position, *, told: Forecast, panel: Panel, seed: int = 0) -> Proposal:
    """What a policy orders at the panel's cutoff, told a forecast made there for the same series.

    An item of which the forecast knows nothing is planned from its past, or from its category where it is new; its
    ``method`` says so. It stays unplanned by policies that read a mean or paths.

    Raises
    ------
    MissingInputError
        If the forecast lacks what the policy reads.
    """
    return policy(at, demand_for(policy, at, told=told, panel=panel, seed=seed))


def demand_for(policy: Policy, at: Position, *, told: Forecast, panel: Panel, seed: int) -> Demand:
    """The forecast in the form that a policy reads."""
    mean: UnitsArray = told.mean.astype(np.float64)
    if policy.needs == "point":
        return PointDemand(mean=mean, sd=spread(panel))
    if policy.needs == "paths":
        return NegativeBinomialPaths()(mean, ids=told.ids, seed=seed)
    there = over_windows(told, windows_for(policy, at), panel=panel, levels=policy.levels)
    if not isinstance(policy, LooksAhead):
        return there
    return with_means_ahead(there, policy.ahead(at), path=mean, season=told.frequency.season_length)


def over_windows(told: Forecast, windows: IntArray, *, panel: Panel, levels: Sequence[float]) -> Cumulative:
    """Demand over each item's windows, shape (n, w): as forecast where it was, else by the next best that is known."""
    there = told.cumulative
    if there is not None and not np.isnan(there.mean).any():
        return there
    wanted = levels if there is None else sorted({*there.levels, *levels})
    known = KnownDemand(
        told=there,
        mean=told.mean.astype(np.float64),
        past=panel.demand().astype(np.float64),
        category=category_of(panel),
    )
    return window_demand(known, windows, levels=wanted)


def category_of(panel: Panel) -> NameArray | None:
    """What each series is alike to: the finest of its attributes whose groups hold eight series on average."""
    groups = {name: len(set(values.tolist())) for name, values in panel.statics.items()}
    usable = {name: count for name, count in groups.items() if count * SERIES_IN_A_GROUP <= panel.n}
    return panel.statics[max(usable, key=lambda name: (usable[name], name))] if usable else None


def spread(panel: Panel) -> UnitsArray:
    """Standard deviation of one period's demand over the last quarter, shape (n,); 0 for fewer than two periods."""
    recent = panel.demand()[:, -SEASONS_OF_ERROR * panel.frequency.season_length :].astype(np.float64)
    known = ~np.isnan(recent)
    n = known.sum(axis=1)
    mean = np.where(known, recent, 0).sum(axis=1) / np.maximum(n, 1)
    square: np.ndarray[Any, np.dtype[np.float64]] = np.where(known, (recent - mean[:, None]) ** 2, 0).sum(axis=1)
    return np.where(n > 1, np.sqrt(square / np.maximum(n - 1, 1)), 0.0)
