"""Units that were wanted and could not be sold, told as a range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.forecasters.sold_out import expected_given_at_least, usual_variance
from finalmile.frames import BoolArray
from finalmile.simulation import UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LostSales:
    """Units lost over a span.

    Parameters
    ----------
    low
        Forecast demand above what was sold, never below zero: what was lost if each stock-out period was an
        ordinary one.
    high
        Expected demand beyond what was sold, given that it reached at least that far.
    periods
        Item-periods that were out of stock and had a forecast.
    unknown
        Item-periods that were out of stock without one; nothing is estimated for them.
    """

    low: float
    high: float
    periods: int
    unknown: int


def estimate_lost_sales(
    sold: UnitsArray, forecast: UnitsArray, *, censored: BoolArray, variance: UnitsArray | None = None
) -> LostSales:
    """Lost units as a range, from the forecast made *before* each stock-out.

    Sales of a period that ran out are a lower bound of its demand, and periods that ran out had more demand than
    others, so neither taking sales for demand nor skipping the period is right.

    Parameters
    ----------
    sold, forecast : arrays of shape (n, T)
        Units sold, and units expected of the same period before it began; NaN where not known.
    censored : array of shape (n, T), bool
        True where the shelf ran empty.
    variance : array of shape (n, T)
        Of demand around the forecast; ``1.4 mean + 0.12 mean^2`` where not given, which is what weekly and daily
        retail demand had when it was measured.

    Examples
    --------
    >>> told = estimate_lost_sales(np.array([[2.0, 5.0]]), np.array([[4.0, 4.0]]), censored=np.array([[True, False]]))
    >>> told.low, round(told.high, 2), told.periods
    (2.0, 2.72, 1)
    """
    known: BoolArray = censored & ~np.isnan(forecast) & ~np.isnan(sold)
    mean, floor = forecast[known].astype(np.float64), np.maximum(sold[known], 0.0)
    spread = usual_variance(mean) if variance is None else variance[known]
    beyond = expected_given_at_least(mean, floor, variance=spread) - floor
    return LostSales(
        low=float(np.maximum(mean - floor, 0.0).sum()),
        high=float(np.maximum(beyond, 0.0).sum()),
        periods=int(known.sum()),
        unknown=int((censored & ~known).sum()),
    )
