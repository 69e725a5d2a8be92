"""Group-sequential boundaries: a test may be looked at as often as one likes before a fixed last day."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np

from finalmile.monitoring.engine.design import Doubles

Spending = Literal["log_logistic", "kim_demets", "obrien_fleming", "pocock"]
HALF_SPENT = 28.0
"""Looks after which a comparison without a last one has spent half of its error."""
_HALF = 0.4
_HIGHEST = 9.0
_PER_STEP = 5.0
_MOST_POINTS = 4001
_AT_ONCE = 100


def spent(fraction: float, *, alpha: float, spending: Spending = "obrien_fleming") -> float:
    r"""Error that may have been spent, of ``alpha``, when a fraction in [0, 1] of the time is over.

    O'Brien-Fleming, :math:`4 - 4 \Phi(z_{\alpha/4} / \sqrt t)`, keeps almost all for the end; Pocock,
    :math:`\alpha \ln(1 + (e - 1) t)`, spends evenly; Kim-DeMets, :math:`\alpha t^2`, lies between them. The
    log-logistic, :math:`\alpha (1 + c^2) t^2 / (t^2 + c^2)` with :math:`c = 0.4`, spends little on the first looks,
    which are too few to prove anything, and most in the second quarter of the time: it finds a clear difference days
    before Kim-DeMets does, and at the end a small one a little less often. Both sides together.

    References
    ----------
    Lan & DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika 70(3); Kim & DeMets (1987),
    Design and analysis of group sequential tests based on the type I error spending rate function, Biometrika 74(1);
    Anderson & Clark (2010), Fitting spending functions, Statistics in Medicine 29(3), for those of distributions.

    Examples
    --------
    >>> [round(spent(t, alpha=0.05), 5) for t in (0.25, 0.5, 1.0)]
    [1e-05, 0.00305, 0.05]
    """
    t = min(max(fraction, 0.0), 1.0)
    if t == 0.0:
        return 0.0
    if spending == "log_logistic":
        return alpha * (1.0 + _HALF**2) * t**2 / (t**2 + _HALF**2)
    if spending == "kim_demets":
        return alpha * t**2
    if spending == "pocock":
        return alpha * math.log1p((math.e - 1.0) * t)
    from scipy.special import ndtr, ndtri

    return float(4.0 * ndtr(ndtri(alpha / 4.0) / math.sqrt(t)))


def spent_without_end(looks: float, *, alpha: float) -> float:
    r"""Error that may have been spent, of ``alpha``, after so many looks with data where no last look is fixed.

    .. math:: \alpha n^2 / (n^2 + 28^2)

    All looks that there will ever be come to ``alpha`` together: half of it in the first four weeks of days, nine
    tenths within twelve.

    Examples
    --------
    >>> spent_without_end(0, alpha=0.05), spent_without_end(28, alpha=0.05)
    (0.0, 0.025)
    """
    return alpha * looks**2 / (looks**2 + HALF_SPENT**2)


def boundary(information: Sequence[float], errors: Sequence[float]) -> float:
    """Size that the z statistic of the newest look must reach, given all looks so far; two-sided.

    The density of the score process that has stayed inside all boundaries is carried from look to look by numerical
    integration. Only ratios of information matter.

    Parameters
    ----------
    information
        Of each look, increasing: looks with data, or one over the estimate's variance.
    errors
        Error that may have been spent by each look (:func:`spent`), not decreasing.

    References
    ----------
    Armitage, McPherson & Rowe (1969), Repeated significance tests on accumulating data, JRSS A 132(2); Jennison &
    Turnbull (2000), Group Sequential Methods with Applications to Clinical Trials, chapter 19.

    Examples
    --------
    >>> errors = [spent(k / 5, alpha=0.05) for k in range(1, 6)]
    >>> [round(boundary(range(1, k + 1), errors[:k]), 2) for k in range(1, 6)]
    [4.88, 3.36, 2.68, 2.29, 2.03]
    """
    if len(information) != len(errors) or not information:
        raise ValueError(f"{len(information)} looks have information and {len(errors)} have errors; give both alike")
    scale = float(information[0])
    looks = tuple((float(v) / scale, float(e)) for v, e in zip(information, errors, strict=True))
    for upto in range(_AT_ONCE, len(looks), _AT_ONCE):
        _carried(looks[:upto])
    return _carried(looks)[0]


@lru_cache(maxsize=1024)
def _carried(looks: tuple[tuple[float, float], ...]) -> tuple[float, Doubles, Doubles]:
    """Boundary of the last look; grid and weighted density of the score among those that did not cross."""
    from scipy.special import ndtri

    v, error = looks[-1]
    if len(looks) == 1:
        z = float(min(-ndtri(max(error, 1e-300) / 2.0), _HIGHEST))
        grid, weights = _grid(z * math.sqrt(v), step=math.sqrt(v))
        return z, grid, weights * _normal(grid, math.sqrt(v))
    before, (_, grid, density) = looks[-2], _carried(looks[:-1])
    step = math.sqrt(max(v - before[0], 1e-6 * v))
    z = _solved(_crossing(grid, density, step=step, scale=math.sqrt(v)), error - before[1])
    fresh, weights = _grid(z * math.sqrt(v), step=step)
    moved = np.exp(-0.5 * ((fresh[:, None] - grid[None, :]) / step) ** 2) @ density
    return z, fresh, weights * moved / (step * math.sqrt(2.0 * math.pi))


def _crossing(grid: Doubles, density: Doubles, *, step: float, scale: float) -> Callable[[float], float]:
    from scipy.special import ndtr

    def crossed(z: float) -> float:
        """Probability of leaving at either side of ``z``, having stayed inside before."""
        return float(2.0 * (density * ndtr((grid - z * scale) / step)).sum())

    return crossed


def _solved(crossed: Callable[[float], float], error: float) -> float:
    """Boundary that is crossed with a given probability, by bisection."""
    low, high = 0.0, _HIGHEST
    if crossed(high) >= error:
        return high
    for _ in range(45):
        middle = (low + high) / 2.0
        low, high = (middle, high) if crossed(middle) > error else (low, middle)
    return (low + high) / 2.0


def _grid(edge: float, *, step: float) -> tuple[Doubles, Doubles]:
    """Points between minus and plus ``edge``, fine beside ``step``, and their Simpson weights."""
    intervals = int(np.clip(2 * math.ceil(_PER_STEP * edge / step), 40, _MOST_POINTS - 1))
    points: Doubles = np.linspace(-edge, edge, intervals + 1)
    weights = np.full(intervals + 1, 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    return points, weights * (points[1] - points[0]) / 3.0


def _normal(x: Doubles, sd: float) -> Doubles:
    density: Doubles = np.exp(-0.5 * (x / sd) ** 2) / (sd * math.sqrt(2.0 * math.pi))
    return density
