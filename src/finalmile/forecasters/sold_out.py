"""Demand of periods that sold out: what was sold then is a lower bound, and more than nothing is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from finalmile.frames import BoolArray, FloatArray, Panel

Values = npt.NDArray[np.float64]
_TOO_LITTLE = 0.5
_SLOWER = 5.0


def demand_with_estimates(
    panel: Panel, season: Values, *, half_life: float, slower: float = _SLOWER, least: float = 0.5
) -> FloatArray:
    r"""Demand of each period, estimated where the shelf ran empty, shape (n, T); NaN where nothing can be learned.

    Leaving such periods out forgets that they were the good ones, and taking sales for demand is low as well, so a
    series that sells out often would be forecast, and ordered, lower each time. A censored period with sales ``s``
    therefore counts as

    .. math:: E[D \mid D \ge s], \qquad s \le \cdot \le s + 3\mu + 1

    around the mean :math:`\mu` that level and season before that period expected, as :func:`expected_given_at_least`
    tells it. Where less than half of :math:`\mu` was sold, or nothing, the shelf says too little, and the period stays
    unknown.

    Parameters
    ----------
    season : array of shape (n, T)
        Seasonal factor of each period.
    half_life
        Periods after which a sale counts half in the level; it leans on one ``slower`` times as slow.
    least
        Small level that a series without any history leans on.

    Examples
    --------
    Ten a week, then a week that sold out at 12, and one that sold out at 2: it had hardly anything to sell.

    >>> from finalmile.frames import Frequency
    >>> y = np.array([[10.0] * 20 + [12, 2]], dtype=np.float32)
    >>> out = np.zeros(y.shape, dtype=np.bool_); out[0, -2:] = True
    >>> panel = Panel(ids=np.array(["a"], dtype=object), frequency=Frequency("week"), first=0, y=y, censored=out)
    >>> demand_with_estimates(panel, np.ones(y.shape), half_life=8)[0, -3:].round(1)
    array([10. , 15.7,  nan], dtype=float32)
    """
    demand = panel.demand()
    partial: BoolArray = panel.censored & (panel.y > 0)
    rows = np.flatnonzero(partial.any(axis=1))
    if not len(rows):
        return demand
    some, factors, lower = demand[rows], season[rows], panel.y[rows].astype(np.float64)
    level = _Levels(n=len(rows), half_life=half_life, slower=slower, least=least)
    for t in range(panel.length):
        short = partial[rows, t]
        if short.any():
            some[short, t] = _estimate(level.now()[short] * factors[short, t], lower[short, t])
        level.see(some[:, t], factors[:, t])
    demand[rows] = some
    return demand


class _Levels:
    """Two exponentially forgetting levels a series, one leaning on the other, as of the newest period seen."""

    def __init__(self, *, n: int, half_life: float, slower: float, least: float) -> None:
        self._keep: Values = 0.5 ** (1 / np.array([half_life, half_life * slower], dtype=np.float64))[:, None]
        self._sold, self._due = np.zeros((2, n)), np.zeros((2, n))
        self._least = least

    def see(self, demand: FloatArray, season: Values) -> None:
        known = np.isfinite(demand)
        self._sold = self._keep * (self._sold + np.where(known, demand, 0.0))
        self._due = self._keep * (self._due + np.where(known, season, 0.0))

    def now(self) -> Values:
        slow = (self._sold[1] + self._least) / (self._due[1] + 1.0)
        return np.asarray((self._sold[0] + 2.0 * slow) / (self._due[0] + 2.0))


def _estimate(mean: Values, sold: Values) -> Values:
    likely = expected_given_at_least(mean, sold, variance=1.4 * mean + 0.12 * mean**2)
    enough = sold >= _TOO_LITTLE * mean
    return np.where(enough, np.clip(likely, sold, sold + 3.0 * mean + 1.0), np.nan)


def expected_given_at_least(mean: Values, floor: Values, *, variance: Values) -> Values:
    r"""Expected demand given that it is at least ``floor``, for negative binomial demand.

    .. math:: E[D \mid D \ge s] = \mu\, \frac{\bar F_{NB(r+1, p)}(s - 2)}{\bar F_{NB(r, p)}(s - 1)}

    with :math:`r = \mu^2 / (v - \mu)`, :math:`p = \mu / v`; Poisson where the variance is not above the mean. Where the
    tail is too thin to divide by, ``floor``.

    Examples
    --------
    Nothing known but that some was wanted, of Poisson(1): 1 / (1 - 1/e).

    >>> one = np.ones(1)
    >>> expected_given_at_least(one, one, variance=one).round(3)
    array([1.582])
    """
    positive = np.where(mean > 0, mean, 1.0)
    wider = np.maximum(variance, positive * (1 + 1e-6))
    r, p = positive**2 / (wider - positive), positive / wider
    tail = _more_than(floor - 1, r, p)
    above = _more_than(floor - 2, r + 1, p)
    usable = (mean > 0) & (tail > 1e-12)
    return np.where(usable, positive * above / np.where(usable, tail, 1.0), floor)


def _more_than(units: Values, r: Values, p: Values) -> Values:
    """Chance that a negative binomial count exceeds ``units``: the regularised incomplete beta function."""
    from scipy.special import betainc

    whole = np.floor(units)
    chance: Values = np.where(whole < 0, 1.0, betainc(np.maximum(whole + 1, 1.0), r, 1 - p))
    return chance
