"""In-sample errors of a naive forecast: what makes errors of fast and slow sellers comparable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.metrics.scored import Doubles, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveScales:
    """Errors of repeating the value one season before, per series, shape (n,); NaN where it cannot be known."""

    mae: Doubles
    rmse: Doubles


def naive_scales(history: Floats, *, season: int = 1) -> NaiveScales:
    """Mean absolute and root mean square error of repeating the value ``season`` periods before.

    Counted from each series' first sale on, as the M5 competition does, so that the time before a product was
    listed does not make it look easy. Pairs with a missing value are left out; a series that never sold, or has no
    pair, gets NaN. A constant series gets 0, which MASE and RMSSE leave out.

    Parameters
    ----------
    history : array of shape (n, T)
        Units sold before the periods that are judged; NaN where unknown.
    season
        1 for the naive forecast (RMSSE of M5), 7 for the weekday before.

    References
    ----------
    Hyndman & Koehler (2006), Another look at measures of forecast accuracy; M5 participants guide (2020).

    Examples
    --------
    >>> naive_scales(np.array([[0.0, 0.0, 2.0, 4.0, 2.0]])).mae
    array([2.])
    """
    if season < 1:
        raise ValueError(f"season is {season}; it must be at least 1 period")
    values = history.astype(np.float64)
    sold = np.logical_or.accumulate(np.nan_to_num(values) != 0, axis=1)
    step = values[:, season:] - values[:, :-season]
    keep = np.isfinite(step) & sold[:, :-season]
    n = keep.sum(axis=1)
    step = np.where(keep, step, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return NaiveScales(mae=np.abs(step).sum(axis=1) / n, rmse=np.sqrt((step**2).sum(axis=1) / n))
