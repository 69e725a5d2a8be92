"""What is usual of a series: its volume, and the loss that comes with it; read off the reference alone."""

from __future__ import annotations

import numpy as np

from finalmile.frames import BoolArray
from finalmile.monitoring.why.dimensions import Codes, Doubles
from finalmile.monitoring.why.rows import LossRows

_CURVE_BINS = 20
_LEAST_VOLUME = 0.1
_MANY = 50_000
_LEAST = 1e-12


def others(values: Doubles, owner: Codes, before: BoolArray) -> Doubles:
    """Sum over the reference rows of each row's series but for the row itself; shape (n,)."""
    size = int(owner.max()) + 1 if len(owner) else 0
    own = np.where(before, values, 0.0)
    told: Doubles = np.bincount(owner, weights=own, minlength=size).astype(np.float64, copy=False)[owner]
    return told - own


def mean_of_series(values: Doubles, owner: Codes, of: BoolArray) -> Doubles:
    """Mean of some rows of each row's series, 0 where there is none; shape (n,)."""
    size = int(owner.max()) + 1 if len(owner) else 0
    count = np.maximum(np.bincount(owner[of], minlength=size), 1)
    total = np.bincount(owner[of], weights=values[of], minlength=size).astype(np.float64, copy=False)
    return (total / count)[owner]


def usual_volume(rows: LossRows, moved: Doubles, least: Doubles) -> Doubles:
    """Mean volume of the reference's other rows of each row's series, of all where series are not known; shape (n,).

    Where there is none, the smaller of what the series sells and what is forecast for it.
    """
    before = ~rows.current
    if rows.series is None:
        return np.full(rows.n, float(moved[before].mean()) if before.any() else 0.0)
    count, total = (others(values, rows.series, before) for values in (np.ones(rows.n), moved))
    both = mean_of_series(least, rows.series, np.ones(rows.n, dtype=np.bool_))
    return np.where(count > 0, total / np.maximum(count, 1.0), both)


def cuts_of(values: Doubles, bins: int, /) -> Doubles:
    """Inner ends of so many bins that hold about equally many values, read off every so many-th where they are many."""
    told: Doubles = np.unique(np.quantile(values[:: len(values) // _MANY + 1], np.arange(1, bins) / bins))
    return told


def curve(rows: LossRows, usual: Doubles) -> Doubles:
    """Loss expected of each row by its usual volume: the reference's mean loss of series of like volume, interpolated.

    Series are told apart by their mean volume, never rows of one series: what the others of its series sold tells
    where there are few series, what the row itself did.
    """
    before = ~rows.current
    if not before.any():
        return np.maximum(usual, _LEAST)
    known = (usual if rows.series is None else mean_of_series(usual, rows.series, before))[before]
    x, y = _bin_means(known, rows.loss[before], cuts_of(known, _CURVE_BINS))
    return _read(usual, x, np.maximum(y, _LEAST))


def _read(volume: Doubles, x: Doubles, y: Doubles) -> Doubles:
    """The curve through x and y, in proportion beyond its end and by the square root before its begin."""
    told = np.interp(volume, x, y)
    below = volume < x[0]
    told[below] *= np.sqrt(np.maximum(volume[below] / x[0], _LEAST_VOLUME))
    beyond = volume > x[-1]
    told[beyond] *= volume[beyond] / max(x[-1], _LEAST)
    return np.maximum(told, _LEAST)


def _bin_means(x: Doubles, y: Doubles, cuts: Doubles) -> tuple[Doubles, Doubles]:
    """Means of both in each bin of x that holds anything."""
    bins = np.searchsorted(cuts, x, side="right")
    count = np.bincount(bins, minlength=len(cuts) + 1)
    told = [np.bincount(bins, weights=one, minlength=len(cuts) + 1)[count > 0] / count[count > 0] for one in (x, y)]
    return told[0], told[1]
