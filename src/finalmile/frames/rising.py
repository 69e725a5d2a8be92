"""Quantiles that never fall from a window to a longer one: demand over more periods is not less."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from finalmile.frames.periods import IntArray

Floats = npt.NDArray[np.floating[Any]]


def rising_windows(windows: IntArray, values: Floats, *, whole: bool = False) -> Floats:
    r"""The values, mended where a longer window was told less than a shorter one; shape and order as given.

    .. math:: \tilde q(w) = \tfrac12 \bigl(\max_{u \le w} q(u) + \min_{u \ge w} q(u)\bigr)

    over the windows of a row. What rises already stays as it is, and a fall is met in its middle. The order of levels
    stays, for both halves keep it. A quantile is mended by the windows told with it: a row with one is never changed.

    Parameters
    ----------
    windows : array of shape (n, w)
        Periods in each window, in any order and repeated where some rows have fewer.
    values : array of shape (n, w, levels)
        Quantiles in units; the same window has the same values. NaN where a row has no forecast.
    whole
        Whether halves are rounded up to whole units.

    References
    ----------
    Mukarjee & Stern (1994), Feasible nonparametric estimation of multiargument monotone functions, Journal of the
    American Statistical Association 89(425).

    Examples
    --------
    Ten periods were told 12 and eleven 10; they meet at 11:

    >>> told = np.array([[[12.0], [10.0], [14.0]]])
    >>> rising_windows(np.array([[10, 11, 12]]), told).ravel().tolist()
    [11.0, 11.0, 14.0]
    """
    order = np.argsort(windows, axis=1, kind="stable")[:, :, None]
    told = np.take_along_axis(values, order, axis=1)
    falls = (np.diff(told, axis=1) < 0).any(axis=(1, 2))
    if not falls.any():
        return values
    most = np.maximum.accumulate(told[falls], axis=1)
    least = np.minimum.accumulate(told[falls, ::-1], axis=1)[:, ::-1]
    middle = (most + least) / 2
    risen, mended = np.empty_like(middle), values.copy()
    np.put_along_axis(risen, order[falls], np.ceil(middle) if whole else middle, axis=1)
    mended[falls] = risen
    return mended
