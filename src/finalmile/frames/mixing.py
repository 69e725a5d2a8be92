"""Are all series of a set on one time grid? Holes are fine; daily rows among weekly ones are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finalmile.frames.periods import Frequency, IntArray

_ROWS = 4
_RUN = 7
_SHARE = 0.1
_COARSER = {"hour": (("day", 24, 24),), "day": (("week", 7, 7), ("month", 28, 31)), "week": (), "month": ()}


@dataclass(frozen=True, slots=True)
class Mixed:
    """Rows of a coarser frequency among finer ones."""

    fine: str
    coarse: str
    rows: IntArray


def mixed(series: IntArray, number: IntArray, *, frequency: Frequency) -> Mixed | None:
    """The first coarser frequency that some rows clearly follow, while the set as a whole is finer.

    A series follows it if it has at least four rows and each step is exactly one coarser period, or if eight rows
    in a row are so; whole series count only where they are a tenth of those with four rows, so that a slow seller
    whose empty days are left out is not taken for a weekly one.

    Parameters
    ----------
    series, number : arrays of shape (n,)
        Number of the series and of the period of each row, sorted by both.
    frequency
        The set's own frequency: the finest grid on which all rows fall.
    """
    if len(number) < _ROWS:
        return None
    inside = series[1:] == series[:-1]
    step = np.where(inside, np.diff(number), 0)
    for coarse, low, high in _COARSER[frequency.unit]:
        on = (step >= low) & (step <= high)
        if coarse == "month" and on.any():
            on &= _first_of_month(number[1:]) & _first_of_month(number[:-1])
        rows = _followers(series, inside, on)
        if len(rows):
            return Mixed(frequency.unit, coarse, rows)
    return None


def _followers(series: IntArray, inside: npt.NDArray[np.bool_], on: npt.NDArray[np.bool_]) -> IntArray:
    total = np.bincount(series[1:], weights=inside)
    fits = np.bincount(series[1:], weights=on)
    long = total >= _ROWS - 1
    whole = long & (total == fits)
    if whole.sum() >= max(1.0, _SHARE * long.sum()):
        return np.flatnonzero(whole[series]).astype(np.int64)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], on, [False])).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    found = starts[ends - starts >= _RUN]
    return found.astype(np.int64)


def _first_of_month(days: IntArray) -> npt.NDArray[np.bool_]:
    stamps = days.astype("datetime64[D]")
    first: npt.NDArray[np.bool_] = stamps == stamps.astype("datetime64[M]").astype("datetime64[D]")
    return first


def off_grid(ds: pl.Series, frequency: Frequency) -> pl.Series:
    """True where a stamp is not the start of a period of this frequency."""
    stamps = ds.cast(pl.Datetime("us"))
    return stamps != frequency.start(frequency.index(stamps)).cast(pl.Datetime("us"))


def one_time_of_day(ds: pl.Series) -> str | None:
    """The time of day that all of several stamps share, unless it is midnight: days told in another time zone."""
    clock = ds.dt.time().unique()
    if len(clock) != 1 or ds.n_unique() < 2:
        return None
    told = str(clock[0])
    return None if told == "00:00:00" else told
