"""Whether surprises come in clusters, and how much less each then proves."""

from __future__ import annotations

import numpy as np

from finalmile.monitoring.engine.design import Doubles

_SPAN = 7
_STANDARD_ERRORS = 2.0


def steadiness(series: Doubles) -> Doubles:
    r"""Share of its face value that each look of a stream proves, in (0, 1], shape (s,); 1 for independent looks.

    .. math:: w = 1 / VR, \quad VR = \frac{\mathrm{var}(x_{t+1} + \dots + x_{t+7})}{7 \, \mathrm{var}(x)}

    where the variance ratio is more than two standard errors above 1, which independent looks seldom are; else 1.

    Parameters
    ----------
    series : array of shape (s, T)
        NaN where a look is missing, which counts as the mean.

    References
    ----------
    Lo & MacKinlay (1988), Stock market prices do not follow random walks, Review of Financial Studies 1: the standard
    error with overlapping sums.

    Examples
    --------
    >>> steadiness(np.array([np.repeat([0.0, 1.0], 70), np.tile([0.0, 1.0], 70)])).round(2)
    array([0.15, 1.  ])
    """
    known = np.isfinite(series)
    looks = np.maximum(known.sum(axis=1), 1)
    if series.shape[1] <= _SPAN:
        return np.ones(len(series))
    mean = np.where(known, series, 0.0).sum(axis=1) / looks
    off = np.where(known, series - mean[:, None], 0.0)
    total = np.cumsum(np.pad(off, ((0, 0), (1, 0))), axis=1)
    sums = total[:, _SPAN:] - total[:, :-_SPAN]
    ratio = (sums**2).mean(axis=1) / np.maximum(_SPAN * (off**2).mean(axis=1), 1e-300)
    error = np.sqrt(2 * (2 * _SPAN - 1) * (_SPAN - 1) / (3 * _SPAN * looks))
    return np.where(ratio > 1.0 + _STANDARD_ERRORS * error, 1.0 / np.maximum(ratio, 1.0), 1.0)
