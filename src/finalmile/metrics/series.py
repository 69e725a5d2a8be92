"""Averages over series of errors that were made comparable first."""

from __future__ import annotations

import numpy as np

from finalmile.metrics.scored import Doubles, Floats, ratio, total


def mean_over_series(errors: Doubles, scales: Floats | None, *, weights: Floats | None = None) -> float | None:
    """Mean of ``errors / scales`` over the series that have both and a scale above zero; ``None`` where none has.

    Parameters
    ----------
    errors, scales, weights : array of shape (n,)
        NaN marks a series that has none. Weights that are not above zero leave their series out.

    Examples
    --------
    >>> mean_over_series(np.array([1.0, 9.0]), np.array([2.0, 0.0]))
    0.5
    """
    if scales is None:
        return None
    keep = np.isfinite(errors) & np.isfinite(scales) & (scales > 0)
    share = np.ones(len(errors)) if weights is None else weights.astype(np.float64)
    keep &= np.isfinite(share) & (share > 0)
    with np.errstate(over="ignore"):
        return ratio(total(share[keep] * (errors[keep] / scales[keep])), total(share[keep]))
