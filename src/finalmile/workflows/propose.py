"""From a forecast to what a policy would order: the same function for today's plan, a replay and a counterfactual."""

from __future__ import annotations

from typing import Any

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import Forecast, Panel
from finalmile.inventory import Demand, NegativeBinomialPaths, PointDemand, Policy, Position, Proposal
from finalmile.simulation import UnitsArray

SEASONS_OF_ERROR = 13
"""Seasons whose spread of demand the textbook formula is given: a quarter of days."""


def propose(policy: Policy, at: Position, *, told: Forecast, panel: Panel, seed: int = 0) -> Proposal:
    """What a policy orders at the panel's cutoff, told a forecast made there for the same series.

    Raises
    ------
    MissingInputError
        If the forecast lacks what the policy reads.
    """
    return policy(at, demand_for(policy, told=told, panel=panel, seed=seed))


def demand_for(policy: Policy, *, told: Forecast, panel: Panel, seed: int) -> Demand:
    """The forecast in the form that a policy reads."""
    mean: UnitsArray = told.mean.astype(np.float64)
    if policy.needs == "point":
        return PointDemand(mean=mean, sd=spread(panel))
    if policy.needs == "paths":
        return NegativeBinomialPaths()(mean, ids=told.ids, seed=seed)
    if told.cumulative is None:
        raise MissingInputError("the forecast tells nothing of demand over whole windows, which this policy orders by")
    return told.cumulative


def spread(panel: Panel) -> UnitsArray:
    """Standard deviation of one period's demand over the last quarter, shape (n,); 0 for fewer than two periods."""
    recent = panel.demand()[:, -SEASONS_OF_ERROR * panel.frequency.season_length :].astype(np.float64)
    known = ~np.isnan(recent)
    n = known.sum(axis=1)
    mean = np.where(known, recent, 0).sum(axis=1) / np.maximum(n, 1)
    square: np.ndarray[Any, np.dtype[np.float64]] = np.where(known, (recent - mean[:, None]) ** 2, 0).sum(axis=1)
    return np.where(n > 1, np.sqrt(square / np.maximum(n - 1, 1)), 0.0)
