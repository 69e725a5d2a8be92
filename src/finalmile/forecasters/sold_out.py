"""Demand of periods that sold out: what was sold then is a lower bound, and more than nothing is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from finalmile.forecasters.chance import keys_of, uniform
from finalmile.frames import BoolArray, FloatArray, IntArray, Panel

Values = npt.NDArray[np.float64]
_TOO_LITTLE = 0.5
_BEYOND = 50.0  # times what was expected: no forecast says anything of such a period
_HALVINGS = 40  # of the span that is searched: enough for a million million units
_SOMETHING = 1e-6  # hidden where nothing was expected nor sold: an empty shelf says nothing
_SLOWER = 5.0
_DRAW = 7919  # the seed of draws: the same period is drawn alike at every origin and in every fit


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
    return np.where(sold >= _TOO_LITTLE * mean, expected_behind(sold, mean), np.nan)


def usual_variance(mean: Values) -> Values:
    """Variance of a period's demand around a mean that a forecast knew: somewhat wider than Poisson."""
    return np.asarray(1.4 * mean + 0.12 * mean**2)


def expected_behind(sold: Values, mean: Values) -> Values:
    """Demand to be expected behind the sales of periods that sold out, at most three means and a unit above them."""
    likely = expected_given_at_least(mean, sold, variance=usual_variance(mean))
    return np.clip(likely, sold, sold + 3.0 * mean + 1.0)


def drawn_behind(sold: Values, mean: Values, chance: Values) -> Values:
    r"""Demand that may have been behind the sales of periods that sold out: drawn from what is above them.

    The smallest ``d`` with :math:`P(D > d) \le (1 - u)\, P(D \ge s)`, for negative binomial ``D`` around the mean and a
    chance ``u``: expected demand in place of unknown demand would make sums of it look surer than they are.

    Parameters
    ----------
    sold, mean, chance : arrays of one shape
        Sales; what the period was expected to sell; numbers in [0, 1).

    Examples
    --------
    Ten expected, and the shelf was empty after 4 or after 14.

    >>> drawn_behind(np.array([4.0, 14.0]), np.array([10.0, 10.0]), np.array([0.5, 0.5]))
    array([10., 16.])
    """
    r, p = _shape(mean, usual_variance(mean))
    first = np.ceil(sold)
    beyond = (1.0 - chance) * _more_than(first - 1, r, p)
    low, high = first.copy(), np.where(mean > 0, np.ceil(first + 3.0 * mean + 1.0), first)
    for _ in range(_HALVINGS):
        middle = np.floor((low + high) / 2)
        enough = (_more_than(middle, r, p) <= beyond) | (low >= high)
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return np.maximum(low, sold)


def drawn_and_hidden(
    panel: Panel, mean: FloatArray, *, rows: IntArray, columns: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Demand drawn for cells that sold out, and how much less of it was seen than not; shape (m,).

    Hidden is what was expected and no sale shows, less what was sold. A span over which hidden sums to more than 0 was
    for the greater part not seen on the shelf, and its demand would be the model's own opinion.

    Parameters
    ----------
    mean : array of shape (m,)
        What each cell was expected to sell.
    rows, columns : arrays of shape (m,)
        The cells. Draws go by the series' name and the period, not by their place.
    """
    sold = np.nan_to_num(panel.y[rows, columns]).astype(np.float64)
    around = np.maximum(mean.astype(np.float64), 0.0)
    chance = uniform(keys_of(panel.ids)[rows], columns + panel.first, seed=_DRAW).astype(np.float64)
    drawn = np.where(sold <= _BEYOND * np.maximum(around, 1.0), drawn_behind(sold, around, chance), np.nan)
    hidden = np.maximum(around - sold, _SOMETHING) - sold
    return drawn.astype(np.float32), hidden.astype(np.float32)


def mostly_seen(hidden: npt.NDArray[np.floating]) -> BoolArray:
    """Of which spans, by their sums of hidden demand, the greater part was seen on the shelf."""
    return np.asarray(hidden < _SOMETHING / 2)


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
    r, p = _shape(mean, variance)
    tail = _more_than(floor - 1, r, p)
    above = _more_than(floor - 2, r + 1, p)
    usable = (mean > 0) & (tail > 1e-12)
    return np.where(usable, mean * above / np.where(usable, tail, 1.0), floor)


def _shape(mean: Values, variance: Values) -> tuple[Values, Values]:
    """``r`` and ``p`` of a negative binomial; of means that are not above 0 those of a mean of 1."""
    positive = np.where(mean > 0, mean, 1.0)
    wider = np.maximum(variance, positive * (1 + 1e-6))
    return positive**2 / (wider - positive), positive / wider


def _more_than(units: Values, r: Values, p: Values) -> Values:
    """Chance that a negative binomial count exceeds ``units``: the regularised incomplete beta function."""
    from scipy.special import betainc

    whole = np.floor(units)
    chance: Values = np.where(whole < 0, 1.0, betainc(np.maximum(whole + 1, 1.0), r, 1 - p))
    return chance
