"""Where one more figure like those seen is to be expected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure and where one more like it is to be expected.

    Parameters
    ----------
    centre
        Geometric mean of those seen.
    low, high
        Bounds for one more.
    """

    centre: float
    low: float
    high: float
    level: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def log_prediction_interval(values: Sequence[float], /, *, level: float, least_spread: float = 0.0) -> Interval:
    r"""Where one more figure lies, told by n of them that are above zero and skewed.

    .. math:: \exp\left(m \pm t_{n-1,\,(1+level)/2} \; s \, \sqrt{1 + 1/n}\right)

    with m and s the mean and the standard deviation of the logarithms.

    Parameters
    ----------
    values : of shape (n,)
        In any unit; at least two.
    level
        Share of times that one more lies inside, in (0, 1).
    least_spread
        Least standard deviation of the logarithms, for figures that were rounded.

    Examples
    --------
    >>> told = log_prediction_interval([1.0, 1.1, 0.9, 1.05, 0.95], level=0.95)
    >>> round(told.centre, 3), round(told.low, 2), round(told.high, 2)
    (0.997, 0.78, 1.27)

    Raises
    ------
    ValueError
        For fewer than two, or one that is not above zero.

    References
    ----------
    Hahn and Meeker, Statistical Intervals, 1991, section 4.7: a prediction interval for one future observation.
    """
    from scipy.special import stdtrit

    told = np.asarray(values, dtype=np.float64).reshape(-1)
    if told.size < 2 or not (np.isfinite(told) & (told > 0)).all():
        raise ValueError(f"an interval needs at least two figures above zero; {told.size} were given")
    logs = np.log(told)
    n, spread = told.size, max(float(logs.std(ddof=1)), least_spread)
    half = float(stdtrit(n - 1, (1 + level) / 2)) * spread * math.sqrt(1 + 1 / n)
    centre = float(logs.mean())
    low, high = (math.exp(min(bound, 700.0)) for bound in (centre - half, centre + half))
    return Interval(centre=math.exp(centre), low=low, high=high, level=level)
