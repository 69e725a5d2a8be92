"""Expected demand further ahead than an order must last, from the forecast of single periods."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from finalmile.frames import Cumulative, IntArray
from finalmile.inventory.demand import as_read
from finalmile.simulation import UnitsArray


def with_means_ahead(told: Cumulative, windows: IntArray, *, path: UnitsArray, season: int) -> Cumulative:
    """The forecast of windows with further ones, of which the mean alone is told.

    Parameters
    ----------
    windows : array of shape (n, w)
        Periods of each further window, ascending; the first may be one that is told already and is then kept to.
    path : array of shape (n, horizon)
        Expected units of each period from now. Beyond its end demand goes on as in its last season; where it is NaN,
        as over the first window told.
    season
        Periods of a season, such as 7 for days.

    Returns
    -------
    Cumulative
        With ``w`` windows more, whose quantiles are NaN.

    Examples
    --------
    Two periods are told as 5 units together; 2 and 4 follow in single periods, and then as in the last two.

    >>> told = Cumulative(windows=np.array([[2]]), mean=np.array([[5.0]], dtype=np.float32), levels=(),
    ...                   values=np.empty((1, 1, 0), dtype=np.float32), methods=np.array(["cqr"], dtype=object))
    >>> path = np.array([[2.0, 2.0, 2.0, 4.0]])
    >>> with_means_ahead(told, np.array([[2, 3, 4, 5]]), path=path, season=2).mean
    array([[ 5.,  5.,  7., 11., 14.]], dtype=float32)
    """
    reached = np.take_along_axis(np.cumsum(_lengthened(told, windows, path, season), axis=1), windows - 1, axis=1)
    same = told.windows == windows[:, :1]
    first = np.take_along_axis(told.mean, same.argmax(axis=1)[:, None], axis=1)
    start = np.where(same.any(axis=1)[:, None], first, reached[:, :1])
    unknown = np.full((*windows.shape, len(told.levels)), np.nan, dtype=np.float32)
    return replace(
        told,
        windows=np.hstack([told.windows, windows]),
        mean=np.hstack([told.mean, (start + reached - reached[:, :1]).astype(np.float32)]),
        values=np.concatenate([told.values, unknown], axis=1),
    )


def means_ahead(told: Cumulative, windows: IntArray) -> UnitsArray:
    """Expected demand over further windows, all from one source, shape (n, w).

    As :func:`with_means_ahead` told them; else on straight lines between the windows that are told, and beyond the
    longest as over it. Never some from here and some from there: their differences are the demand of single cycles.

    Parameters
    ----------
    windows : array of shape (n, w)
        Periods of each window, ascending.

    Examples
    --------
    >>> told = Cumulative(windows=np.array([[1, 3]]), mean=np.array([[5.0, 9.0]], dtype=np.float32), levels=(),
    ...                   values=np.empty((1, 2, 0), dtype=np.float32), methods=np.array(["cqr"], dtype=object))
    >>> means_ahead(told, np.array([[1, 2, 3, 6]]))
    array([[ 5.,  7.,  9., 18.]])
    """
    count: int = windows.shape[1]
    if told.windows.shape[1] >= count and np.array_equal(told.windows[:, -count:], windows):
        return as_read(told.mean[:, -count:])
    reached: UnitsArray = np.empty(windows.shape, dtype=np.float64)
    for row, (known, mean) in enumerate(zip(told.windows, told.mean.astype(np.float64), strict=True)):
        last = int(known.argmax())
        lengths, at = np.unique(np.append(0, known), return_index=True)
        reached[row] = np.interp(windows[row], lengths, np.append(0.0, mean)[at])
        further = windows[row] > known[last]
        reached[row, further] = mean[last] / known[last] * windows[row, further]
    return reached


def _lengthened(told: Cumulative, windows: IntArray, path: UnitsArray, season: int) -> UnitsArray:
    """Expected units of each period as far as the longest window, shape (n, longest)."""
    count, horizon = path.shape
    longest = max(int(windows.max(initial=1)), horizon)
    ahead: UnitsArray = np.empty((count, longest), dtype=np.float64)
    ahead[:, :horizon] = path
    ahead[:, horizon:] = path[:, -season:].mean(axis=1, keepdims=True)
    level = told.mean[:, :1] / told.windows[:, :1]
    return np.maximum(np.where(np.isnan(ahead).any(axis=1, keepdims=True), level, ahead), 0.0)
