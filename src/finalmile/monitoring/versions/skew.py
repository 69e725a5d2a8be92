"""Skewed looks: a few large ones on one side make the t statistic too large on the other, and this takes that out."""

from __future__ import annotations

import math

import numpy as np

from finalmile.monitoring.engine.design import Doubles

_CAUTION = 30.0
_MOST = 2.0
_NONE = 1e-6


def skewness(*parts: Doubles) -> float:
    r"""Skewness of residuals, pooled; drawn to 0 as if by thirty looks without any, and at most 2 in size.

    .. math:: g = \frac{m}{m + 30} \frac{\frac1m \sum r^3}{(\frac1m \sum r^2)^{3/2}}

    Parameters
    ----------
    parts : arrays of shape (T,)
        Residuals about a mean of their own; finite. Few, or all alike, have none.

    Examples
    --------
    >>> skewness(np.array([-1.0, 1.0])), round(skewness(np.tile([-1.0, -1.0, 2.0], 10)), 3)
    (0.0, 0.354)
    """
    residuals = np.concatenate(parts)
    m = len(residuals)
    spread = float((residuals**2).mean()) if m else 0.0
    if spread <= 1e-30:
        return 0.0
    raw = float(((residuals / math.sqrt(spread)) ** 3).mean())
    return float(np.clip(raw * m / (m + _CAUTION), -_MOST, _MOST))


def without_skew(z: float, *, skew: float, n: float) -> float:
    r"""A mean over its standard deviation, as if values had been symmetric.

    .. math:: T(z) = z + \frac{g z^2}{3} + \frac{g^2 z^3}{27} + \frac{g}{6 n}

    References
    ----------
    Hall (1992), On the removal of skewness by transformation, JRSS B 54(1).

    Examples
    --------
    >>> without_skew(0.5, skew=0.0, n=30), round(without_skew(0.5, skew=1.0, n=30), 4)
    (0.5, 0.5935)
    """
    if abs(skew) < _NONE:
        return z
    bounded = min(max(z, -1e6), 1e6)
    return ((1.0 + skew * bounded / 3.0) ** 3 - 1.0) / skew + skew / (6.0 * n)


def with_skew(t: float, *, skew: float, n: float) -> float:
    """The inverse of :func:`without_skew`.

    Examples
    --------
    >>> round(with_skew(without_skew(-0.4, skew=-1.5, n=20), skew=-1.5, n=20), 12)
    -0.4
    """
    if abs(skew) < _NONE:
        return t
    inner = 1.0 + skew * (t - skew / (6.0 * n))
    return 3.0 / skew * (math.copysign(abs(inner) ** (1.0 / 3.0), inner) - 1.0)
