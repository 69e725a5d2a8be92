"""What is usual of a series: its volume, and the loss that comes with it; read off the reference alone."""

from __future__ import annotations

import numpy as np

from finalmile.frames import IntArray
from finalmile.monitoring.why.dimensions import Doubles, inner

_CURVE_BINS = 20
_LEAST_VOLUME = 0.1
_MANY = 50_000
_LEAST = 1e-12


def others(values: Doubles, owner: IntArray, held: Doubles) -> Doubles:
    """Sum over the reference rows of each row's series but for the row itself; shape (n,).

    ``held`` is 1 for the rows of the reference, else 0: to multiply is many times faster than to choose.
    """
    own = values * held
    told = np.bincount(owner, weights=own).astype(np.float64, copy=False)[owner]
    told -= own
    return told


def mean_of_series(values: Doubles, owner: IntArray, held: Doubles) -> Doubles:
    """Mean of each row's series over the rows that count, 0 where there is none; shape (n,)."""
    count = np.maximum(np.bincount(owner, weights=held), 1.0)
    total = np.bincount(owner, weights=values * held)
    return np.asarray((total / count)[owner], dtype=np.float64)


def usual_volume(moved: Doubles, least: Doubles, *, series: IntArray | None, held: Doubles) -> Doubles:
    """Mean volume of the reference's other rows of each row's series, of all where series are not known; shape (n,).

    Where there is none, the smaller of what the series sells and what is forecast for it.
    """
    if series is None:
        known = float(held.sum())
        return np.full(len(moved), inner(moved, held) / known if known else 0.0)
    count, told = others(np.ones(len(moved)), series, held), others(moved, series, held)
    told /= np.maximum(count, 1.0)
    alone = np.flatnonzero(count <= 0)
    if len(alone):
        told[alone] = mean_of_series(least, series, np.ones(len(moved)))[alone]
    return told


def cuts_of(values: Doubles, bins: int, /) -> Doubles:
    """Inner ends of so many bins that hold about equally many values, read off every so many-th where they are many."""
    told: Doubles = np.unique(np.quantile(values[:: len(values) // _MANY + 1], np.arange(1, bins) / bins))
    return told


def bins_of(values: Doubles, cuts: Doubles, /) -> IntArray:
    """How many cuts lie at or below each value; few cuts are counted many times faster than searched."""
    told = np.zeros(len(values), dtype=np.uint8)
    for cut in cuts:
        told += values >= cut
    return told.astype(np.int64)


def curve(loss: Doubles, usual: Doubles, *, series: IntArray | None, held: Doubles) -> Doubles:
    """Loss expected of each row by its usual volume: the reference's mean loss of series of like volume, interpolated.

    Series are told apart by their mean volume, never rows of one series: what the others of its series sold tells
    where there are few series, what the row itself did.
    """
    if not held.any():
        return np.maximum(usual, _LEAST)
    known = usual if series is None else mean_of_series(usual, series, held)
    x, y = _bin_means(known, loss, cuts_of(known[np.flatnonzero(held)], _CURVE_BINS), held=held)
    return _read(usual, x, np.maximum(y, _LEAST))


def _read(volume: Doubles, x: Doubles, y: Doubles) -> Doubles:
    """The curve through x and y, in proportion beyond its end and by the square root before its begin."""
    told = np.interp(volume, x, y)
    below, beyond = np.flatnonzero(volume < x[0]), np.flatnonzero(volume > x[-1])
    told[below] *= np.sqrt(np.maximum(volume[below] / x[0], _LEAST_VOLUME))
    told[beyond] *= volume[beyond] / max(x[-1], _LEAST)
    return np.maximum(told, _LEAST, out=told)


def _bin_means(x: Doubles, y: Doubles, cuts: Doubles, *, held: Doubles) -> tuple[Doubles, Doubles]:
    """Means of both, over the rows that count, in each bin of x that holds any."""
    bins = bins_of(x, cuts)
    count = np.bincount(bins, weights=held, minlength=len(cuts) + 1)
    told = [
        np.bincount(bins, weights=one * held, minlength=len(cuts) + 1)[count > 0] / count[count > 0] for one in (x, y)
    ]
    return told[0], told[1]
