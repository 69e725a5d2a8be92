"""Losses of several forecasts of the same series and periods, summed per look: what the paired checks are given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import Frequency
from finalmile.metrics.scored import Floats
from finalmile.monitoring.engine.bounds import bounded
from finalmile.monitoring.engine.design import Doubles

_SMOOTHING = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedReference:
    """How the live version and others did on the same series before it went live, shape (T,) each.

    Parameters
    ----------
    frequency, first
        Period length, and period number of the first entry.
    sold
        Units sold of the series judged.
    live, baseline, refit, previous
        Sums of |forecast - actual| over those series: of the version itself, of a simple recipe, of a model fitted
        anew each time, of the version before. NaN where there is none; the last two may be missing altogether.
    calendar : array of shape (T, k)
        Regressors that explain good and bad days.
    """

    frequency: Frequency
    first: int
    sold: Floats
    live: Floats
    baseline: Floats
    refit: Floats | None = None
    previous: Floats | None = None
    calendar: Doubles | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedLook:
    """The same sums of one period; NaN where a forecast was not made. All must be over the same series."""

    period: int
    sold: float
    live: float
    baseline: float
    refit: float = np.nan
    previous: float = np.nan
    calendar: Doubles | None = None


def paired_sums(actual: Floats, *forecasts: Floats) -> tuple[float, ...]:
    """Units sold, then the sum of |error| of each forecast, over the series that all of them and the actual know.

    NaN all over where there is no such series.

    Examples
    --------
    >>> paired_sums(np.array([4.0, 2.0]), np.array([5.0, 2.0]), np.array([1.0, np.nan]))
    (4.0, 1.0, 3.0)
    """
    actual, forecasts = bounded(actual), tuple(bounded(one) for one in forecasts)
    known = np.isfinite(actual)
    for forecast in forecasts:
        known = known & np.isfinite(forecast)
    if not known.any():
        return (float("nan"),) * (1 + len(forecasts))
    return (float(actual[known].sum()), *(float(np.abs(one - actual)[known].sum()) for one in forecasts))


def smoothing_of(values: Floats) -> float:
    """What is added to both sides of a ratio, so that a look without loss stays finite: 5 % of a normal look."""
    known = values[np.isfinite(values)]
    return max(_SMOOTHING * float(np.maximum(known, 0.0).mean()), 1e-9) if len(known) else 1e-9


def log_ratio(above: Floats, below: Floats, *, more: float, share: float = 1.0) -> Doubles:
    """Log of ``above`` over ``below``, ``more`` added below and ``share`` times as much above; NaN where one is.

    Examples
    --------
    >>> log_ratio(np.array([1.0, np.nan]), np.array([1.0, 2.0]), more=1.0)
    array([ 0., nan])
    """
    known = np.isfinite(above) & np.isfinite(below)
    a, b = np.where(known, np.maximum(above, 0.0), 0.0), np.where(known, np.maximum(below, 0.0), 0.0)
    ratio: Doubles = np.where(known, np.log((a + share * more) / (b + more)), np.nan)
    return ratio
