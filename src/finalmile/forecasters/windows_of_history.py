"""The last resort for window demand: windows of the past, rescaled to the forecast. Not calibrated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finalmile.forecasters.spans import spans_of
from finalmile.frames import FloatArray, IntArray, Panel

METHOD = "history (uncalibrated)"


def window_sums(demand: FloatArray, window: int) -> FloatArray:
    """Sum of every run of ``window`` periods, shape (n, T - window + 1); NaN where one of them is unknown.

    Examples
    --------
    >>> window_sums(np.array([[1.0, 2.0, np.nan, 4.0, 5.0]], dtype=np.float32), 2)
    array([[ 3., nan, nan,  9.]], dtype=float32)
    """
    unknown = np.isnan(demand)
    total = np.pad(np.where(unknown, 0, demand).cumsum(axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    holes = np.pad(unknown.cumsum(axis=1), ((0, 0), (1, 0)))
    sums = total[:, window:] - total[:, :-window]
    return np.where(holes[:, window:] > holes[:, :-window], np.nan, sums).astype(np.float32)


def historical_quantiles(panel: Panel, *, windows: IntArray, mean: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Quantiles of past windows times forecast over past mean, shape (n, w, levels).

    A series with fewer than eight whole past windows, or none that sold anything, gets
    ``mean + z sqrt(mean)`` instead, as counts that vary like Poisson would.

    Parameters
    ----------
    windows, mean : arrays of shape (n, w)
        Window lengths and the forecast of demand over each.
    """
    from scipy.special import ndtri

    z = np.asarray(ndtri(np.asarray(levels, dtype=np.float64)))
    values = np.maximum(mean[..., None] + z * np.sqrt(mean)[..., None], 0.0).astype(np.float32)
    demand = panel.last(2 * spans_of(panel.frequency).recent).demand()
    for window in np.unique(windows).tolist():
        if window <= demand.shape[1]:
            rows, columns = np.nonzero(windows == window)
            _overwrite(values, rows, columns, sums=window_sums(demand, window), mean=mean, levels=levels)
    return np.maximum.accumulate(values, axis=2)


def _overwrite(
    values: FloatArray,
    rows: IntArray,
    columns: IntArray,
    *,
    sums: FloatArray,
    mean: FloatArray,
    levels: Sequence[float],
) -> None:
    known = np.isfinite(sums)
    centre = np.where(known, sums, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    good = ((known.sum(axis=1) >= 8) & (centre > 0))[rows]
    rows, columns = rows[good], columns[good]
    if len(rows):
        past = np.nanquantile(sums[rows], levels, axis=1).T
        values[rows, columns] = past * (mean[rows, columns] / centre[rows])[:, None]
