"""Which weeks, weekdays or months sell more than others, learned from many series together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from finalmile.frames import FloatArray, Frequency, IntArray, NameArray

Values = npt.NDArray[np.float64]
LEAST = 0.2
_PHASES = {"hour": 168, "day": 7, "week": 52, "month": 12}


def phases_of(frequency: Frequency, periods: IntArray) -> IntArray:
    """Place of each period in its season: hour of the week, weekday, week of the year (0 to 51) or month.

    Examples
    --------
    >>> phases_of(Frequency("day"), np.array([0, 6, 7])), phases_of(Frequency("month"), np.array([13]))
    (array([0, 6, 0]), array([1]))
    """
    if frequency.unit != "week":
        return periods % _PHASES[frequency.unit]
    middle = frequency.start(periods).to_numpy().astype("datetime64[D]") + np.timedelta64(3, "D")
    new_year = middle.astype("datetime64[Y]").astype("datetime64[D]")
    days: IntArray = (middle - new_year).astype(np.int64)
    return np.minimum(days // 7, 51)


def seasonal_index(
    demand: FloatArray, *, phases: IntArray, frequency: Frequency, groups: NameArray, shrink: float
) -> Values:
    r"""Factor of each phase for each series, shape (n, number of phases), 1 being an average phase.

    Sales of a group over what its series sell in the season around, shrunk to all series together and those to 1:

    .. math:: S_p = \max\left(0.2,\; \frac{\sum y + k\,S^{\text{prior}}_p}{\sum e + k}\right)

    with sums over the known periods of phase :math:`p`, :math:`e` the mean of a season-long window around each period
    (centred where it fits), and :math:`k` = ``shrink`` units. Weeks are smoothed over their neighbours 1:2:1. A phase
    that was never seen has factor 1; so have all when nothing was ever sold.

    Parameters
    ----------
    demand : array of shape (n, T)
        NaN where unknown or censored.
    phases : array of shape (T,)
        As :func:`phases_of` gives.
    groups : array of shape (n,)
        Series with equal names share an index.
    shrink
        Units of expected demand at which data and prior weigh the same.
    """
    count = _PHASES[frequency.unit]
    sold, expected = _sold_and_expected(demand, window=count)
    everything = _by_phase(sold.sum(axis=0), expected.sum(axis=0), phases=phases, count=count)
    smooth = frequency.unit == "week"
    common = _shrunk(*everything, prior=np.ones(count), shrink=shrink, smooth=smooth)
    index = np.empty((len(demand), count))
    for name in np.unique(groups.astype(str)):
        rows = groups.astype(str) == name
        own = _by_phase(sold[rows].sum(axis=0), expected[rows].sum(axis=0), phases=phases, count=count)
        index[rows] = _shrunk(*own, prior=common, shrink=shrink, smooth=smooth)
    return index


def _sold_and_expected(demand: FloatArray, *, window: int) -> tuple[Values, Values]:
    known = np.isfinite(demand)
    sold = np.where(known, demand, 0.0).astype(np.float64)
    length = demand.shape[1]
    width = min(window, length)
    columns: IntArray = np.arange(length, dtype=np.int64)
    low: IntArray = np.minimum(np.maximum(columns - width // 2, 0), length - width)
    units, seen = _rolled(sold, low, width), _rolled(known.astype(np.float64), low, width)
    return sold, np.where(known, units / np.maximum(seen, 1.0), 0.0)


def _rolled(values: Values, low: IntArray, width: int) -> Values:
    running = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    rolled: Values = running[:, low + width] - running[:, low]
    return rolled


def _by_phase(sold: Values, expected: Values, *, phases: IntArray, count: int) -> tuple[Values, Values]:
    units, seen = np.zeros(count), np.zeros(count)
    np.add.at(units, phases, sold)
    np.add.at(seen, phases, expected)
    return units, seen


def _shrunk(sold: Values, expected: Values, *, prior: Values, shrink: float, smooth: bool) -> Values:
    if smooth:
        sold, expected = (
            0.5 * values + 0.25 * (np.roll(values, 1) + np.roll(values, -1)) for values in (sold, expected)
        )
    return np.maximum(LEAST, (sold + shrink * prior) / np.maximum(expected + shrink, 1e-9))
