"""Demand of single periods that adds up to what was forecast over the time an order must last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import IntArray
from finalmile.inventory.protection import DemandLaw
from finalmile.simulation import UnitsArray
from finalmile.simulation.chance import GOLDEN, KeyArray, draws
from finalmile.simulation.scene import DemandArray

OUTCOMES = 128
_START, _ORDER = 1 << 40, 1 << 41
"""Draws of a key that lead times are not taken from."""
_MOST_SPREAD, _LEAST_SPREAD, _HALVINGS = -7.0, 12.0, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodDemand:
    """Chances of what is asked for in one period, for ``n`` items.

    Parameters
    ----------
    chances : array of shape (n, 128)
        Probability of asking for 0, 1, 2, ... times ``unit`` units.
    unit : array of shape (n,), int
        Units that are counted as one: 1, but more where a period may ask for more than 127.
    """

    chances: UnitsArray
    unit: IntArray

    def shuffled(self, rows: IntArray, keys: KeyArray, *, periods: int) -> DemandArray:
        """A demand of each of some items that has every number of units as often as is likely, in a random order.

        So few periods tell as much as many of independent draws: what is left to chance is which of them follow each
        other. The order comes from each item's key alone.

        Returns
        -------
        array of shape (m, periods), int32
            In multiples of ``unit``.
        """
        reached = np.cumsum(self.chances[rows], axis=1) / self.chances[rows].sum(axis=1, keepdims=True) * periods
        start = draws(keys[rows], _START)[:, None] / 2**32
        upto = np.floor(reached + start).astype(np.int64)
        upto[:, -1] = periods
        often = np.diff(np.minimum(upto, periods), axis=1, prepend=0).ravel()
        each = np.repeat(np.tile(np.arange(OUTCOMES, dtype=np.int32), len(rows)), often).reshape(len(rows), periods)
        return np.take_along_axis(each, _orders(keys[rows], periods), axis=1)


def period_demand(law: DemandLaw, *, periods: UnitsArray, at: UnitsArray) -> PeriodDemand:
    r"""Periods alike and independent, whose sum has the mean of a law and is expected to be short as much as it says.

    A period asks for a negative binomial number of units, so their sum over ``w`` periods is one too,

    .. math:: D_1 \sim NB(\mu / w,\; r / w), \qquad \sum_{t \le w} D_t \sim NB(\mu, r),
        \qquad E[(\textstyle\sum_t D_t - y)^+] = E[(D - y)^+]

    with variance :math:`\mu + \mu^2 / r`, and ``r`` such that the expected shortage at a stock ``y`` is the law's:
    there the distribution counts, and the forecast's corrected quantiles say most. Where ``D`` is steadier than
    Poisson demand, periods ask for Poisson demand. Where a period may ask for more than 127 units, it asks for a gamma
    distributed amount of the same mean and variance.

    Parameters
    ----------
    law
        Demand over one window of each item.
    periods : array of shape (n,)
        Its length.
    at : array of shape (n,)
        The stock ``y``, whole units.

    Notes
    -----
    No mean, or one that is unknown, asks for nothing.

    Examples
    --------
    >>> law = DemandLaw(knots=np.array([[[8.0, 16.0]]]), levels=np.array([0.5, 0.9]), weights=np.ones((1, 1)),
    ...                 mean=np.array([9.0]))
    >>> told = period_demand(law, periods=np.array([3.0]), at=np.array([16.0]))
    >>> (told.chances @ np.arange(128)).round(2), told.unit   # a third of 9 in each period
    (array([3.]), array([1]))
    """
    mean, shape = matched(law, at=at)
    each, steady = mean / periods, shape / periods
    variance = each + each**2 / steady
    far = each + 4.3 * np.sqrt(variance) + 10 * np.where(each > 0, variance / np.where(each > 0, each, 1.0), 0.0)
    unit = np.maximum(np.ceil(far / (OUTCOMES - 1)), 1.0).astype(np.int64)
    chances = np.zeros((len(mean), OUTCOMES))
    fast = unit > 1
    chances[~fast] = _counted(each[~fast], steady[~fast])
    chances[fast] = _measured(each[fast], variance[fast], unit=unit[fast].astype(np.float64))
    return PeriodDemand(chances=chances, unit=unit)


def matched(law: DemandLaw, *, at: UnitsArray) -> tuple[UnitsArray, UnitsArray]:
    r"""Mean :math:`\mu` and shape ``r`` of negative binomial demand of which as much is short at a stock as of a law.

    Its variance is :math:`\mu + \mu^2 / r`.

    Parameters
    ----------
    at : array of shape (n,)
        The stock, whole units.
    """
    mean = np.where(np.isfinite(law.mean), np.maximum(law.mean, 0.0), 0.0)
    stock = np.where(np.isfinite(at), np.maximum(at, 1.0), 1.0)
    return mean, _shape(mean, stock, np.nan_to_num(law.short(stock)))


def _orders(keys: KeyArray, periods: int) -> IntArray:
    """A permutation of the periods for each key, shape (m, periods)."""
    place = np.arange(periods, dtype=np.uint64)
    drawn = draws(keys[:, None] + place * np.uint64(GOLDEN), _ORDER)
    mixed: KeyArray = (drawn << np.uint64(32)) | place
    mixed.sort(axis=1)
    mixed &= np.uint64(2**32 - 1)
    return mixed.view(np.int64)


def _shape(mean: UnitsArray, stock: UnitsArray, short: UnitsArray) -> UnitsArray:
    """The ``r`` of the window's demand, by halving: the more of it, the less is short."""
    low, high = np.full(len(mean), _MOST_SPREAD), np.full(len(mean), _LEAST_SPREAD)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        more = _short(mean, np.exp(middle), stock) > short
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return np.asarray(np.exp(high), dtype=np.float64)


def _short(mean: UnitsArray, shape: UnitsArray, stock: UnitsArray) -> UnitsArray:
    """Expected units above a whole stock of at least 1 of a negative binomial number."""
    from scipy.special import betainc

    failing = mean / (shape + mean)
    return np.asarray(mean * betainc(stock, shape + 1, failing) - stock * betainc(stock + 1, shape, failing))


def _counted(mean: UnitsArray, shape: UnitsArray) -> UnitsArray:
    """Negative binomial chances, each from the one before."""
    chances = np.zeros((len(mean), OUTCOMES))
    failing = mean / (shape + mean)
    chances[:, 0] = np.exp(-shape * np.log1p(mean / shape))
    for k in range(1, OUTCOMES):
        chances[:, k] = chances[:, k - 1] * (k - 1 + shape) / k * failing
    return chances


def _measured(mean: UnitsArray, variance: UnitsArray, *, unit: UnitsArray) -> UnitsArray:
    """Chances that a gamma distributed amount is nearest to each multiple of a unit."""
    from scipy.special import gammainc

    edges = (np.arange(1, OUTCOMES) - 0.5) * unit[:, None]
    below = gammainc((mean**2 / variance)[:, None], edges * (mean / variance)[:, None])
    return np.asarray(np.diff(below, axis=1, prepend=0.0, append=1.0))
