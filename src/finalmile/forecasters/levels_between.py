"""Quantiles at levels nobody trained, from those that were."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finalmile.frames import FloatArray


def at_levels(values: FloatArray, *, trained: Sequence[float], wanted: Sequence[float]) -> FloatArray:
    """Quantiles at the wanted levels, by straight lines between trained ones on the normal-quantile axis.

    Past the outermost trained levels the nearest line goes on; a single trained level is used for all. The result
    is never negative and never falls from one level to a higher one.

    Parameters
    ----------
    values : array of shape (..., len(trained))
    trained, wanted
        Levels in (0, 1), each ascending.

    Examples
    --------
    >>> at_levels(np.array([0.0, 2.0], dtype=np.float32), trained=(0.1, 0.9), wanted=(0.1, 0.5, 0.9)).round(3)
    array([0., 1., 2.], dtype=float32)
    """
    from scipy.special import ndtri

    rising = np.maximum.accumulate(values, axis=-1)
    at = np.asarray(ndtri(np.asarray(trained, dtype=np.float64)))
    to = np.asarray(ndtri(np.asarray(wanted, dtype=np.float64)))
    if len(at) == 1:
        return np.repeat(np.maximum(rising, 0), len(to), axis=-1)
    right = np.clip(np.searchsorted(at, to, side="left"), 1, len(at) - 1)
    share = ((to - at[right - 1]) / np.maximum(at[right] - at[right - 1], 1e-6)).astype(np.float32)
    low, high = rising[..., right - 1], rising[..., right]
    between = low + share * (high - low)
    return np.maximum.accumulate(np.maximum(between, 0), axis=-1).astype(np.float32)
