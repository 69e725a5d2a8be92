"""What each leaf would have lost, had nothing changed: the reference's rate for rows like it, times its exposure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import IntArray
from finalmile.monitoring.why.accounting import combined
from finalmile.monitoring.why.dimensions import Codes, Doubles
from finalmile.monitoring.why.rows import LossRows

LOSS, EXPECTED, VARIANCE, SIGNED, COUNT = range(5)
"""Columns of a window's sums."""

_CURVE_BINS = 20
_SWEEPS = 4
_PRIOR_SHAPE = 10.0
_CAP = 0.998
_FEW_UNITS = 2.0
_LEAST_VOLUME = 0.1
_SPREAD_BINS = 10
_LEAST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Rows added up to cells: combinations of dimensions (and of series, where that makes fewer than rows).

    Parameters
    ----------
    codes
        One array of shape (m,) per dimension.
    sums : array of shape (m, 10)
        Weighed loss, its expectation and variance, weighed signed error, and rows: of the reference, then of the
        current window.
    cell : array of shape (n,), int64
        Cell of each row.
    expected : array of shape (n,)
        Expected loss of each row, in units.
    weighed : array of shape (4, n)
        What is summed of each row: loss, its expectation and variance, signed error.
    """

    codes: tuple[Codes, ...]
    sums: Doubles
    cell: IntArray
    expected: Doubles
    weighed: Doubles


def cells_of(rows: LossRows, /) -> Cells:
    """Cells with what their rows lost and what rows like them lost in the reference.

    Expected loss is a curve of the volume times a factor for each value of each dimension (and for the series),
    fitted on the reference by iterative proportional scaling, factors of thin cells drawn towards 1. So neither more
    volume nor a mix that moved within a slice looks like excess.
    """
    cell, columns = _cells(rows)
    size = int(cell.max()) + 1 if rows.n else 0
    owner = np.zeros(size, dtype=np.int64)
    owner[cell] = np.arange(rows.n)
    at = [column[owner] for column, _ in columns]
    base = _curve(rows)
    factor = _factors(rows, base, cell, at, [count for _, count in columns])
    expected = base * factor[cell]
    weighed = _weighed(rows, expected)
    return Cells(
        codes=tuple(at[: len(rows.dimensions)]),
        sums=_sums(rows, weighed, cell, size),
        cell=cell,
        expected=expected,
        weighed=weighed,
    )


def _cells(rows: LossRows) -> tuple[IntArray, list[tuple[Codes, int]]]:
    columns = [(one.codes, len(one.labels)) for one in rows.dimensions]
    if rows.series is not None and rows.n:
        columns.append((rows.series, int(rows.series.max()) + 1))
    return combined(columns, rows.n), columns


def _curve(rows: LossRows) -> Doubles:
    """Loss expected of each row by its volume alone: the reference's mean loss of rows of like volume, interpolated.

    Where a series' volume rose, its loss may have grown in proportion although larger series lose less of theirs: the
    larger of both is expected, so that volume alone never looks like a fault.
    """
    volume, before = _volume(rows), ~rows.current
    if not before.any():
        return np.maximum(volume, _LEAST)
    cuts = np.unique(np.quantile(volume[before], np.arange(1, _CURVE_BINS) / _CURVE_BINS))
    x, y = _bin_means(volume[before], rows.loss[before], cuts)
    y = np.maximum(y, _LEAST)
    told = _read(volume, x, y)
    if rows.series is None:
        return told
    size = int(rows.series.max()) + 1
    count = np.maximum(np.bincount(rows.series[before], minlength=size), 1)
    usual: Doubles = np.bincount(rows.series[before], weights=volume[before], minlength=size) / count
    rate = np.divide(_read(usual, x, y), usual, out=np.zeros_like(usual), where=usual > 0)
    return np.maximum(told, volume * rate[rows.series])


def _volume(rows: LossRows) -> Doubles:
    """What a row's loss is expected by: its forecast, less where the series' forecasts are above its sales throughout.

    The day's own noise must not explain the day's loss, nor a forecast that is far too high itself.
    """
    if rows.error is None:
        return rows.exposure
    forecast = np.maximum(rows.exposure + rows.error, 0.0)
    if rows.series is None:
        return forecast
    key = rows.series.astype(np.int64) * 2 + rows.current
    sold, told = (np.bincount(key, weights=one) + _FEW_UNITS for one in (rows.exposure, forecast))
    return forecast * np.minimum(sold / told, 1.0)[key]


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


def _factors(rows: LossRows, base: Doubles, cell: IntArray, codes: list[Codes], counts: list[int]) -> Doubles:
    """Factor of each cell on the curve, shape (m,)."""
    size, before = len(codes[0]) if codes else int(cell.max()) + 1, ~rows.current
    loss, mean, square = (
        np.bincount(cell[before], weights=one[before], minlength=size) for one in (rows.loss, base, base**2)
    )
    whole = float(mean.sum())
    factor = np.full(size, float(loss.sum()) / whole if whole > 0 else 1.0)
    relative = _relative_variance(rows)
    for _ in range(_SWEEPS):
        for code, count in zip(codes, counts, strict=True):
            expected = np.bincount(code, weights=mean * factor, minlength=count)
            spread = relative * np.bincount(code, weights=square * factor**2, minlength=count)
            seen = np.bincount(code, weights=loss, minlength=count)
            shape = expected**2 / np.maximum(spread, _LEAST)
            ratio = seen / np.maximum(expected, _LEAST)
            factor = factor * (1.0 + (ratio - 1.0) * shape / (shape + _PRIOR_SHAPE))[code]
    told: Doubles = np.maximum(factor, _LEAST)
    return told


def _relative_variance(rows: LossRows) -> float:
    """Variance of a row's loss over its mean squared, in the reference, roughly: enough to weigh priors by."""
    before = rows.loss[~rows.current]
    if not len(before) or not before.mean() > 0:
        return 1.0
    return float(np.clip(before.var() / before.mean() ** 2, 0.01, 10.0))


def _weighed(rows: LossRows, expected: Doubles) -> Doubles:
    """What slices are scored by: relative losses, the largest cut off, weighed by how much a row says; shape (4, n).

    A row's relative loss is its loss over what was expected. Its weight is the inverse of its variance, by how much
    is usually expected of its series: heavy tails and a few large series then decide nothing alone.
    """
    before = ~rows.current
    relative = rows.loss / expected
    cap = float(np.quantile(relative[before], _CAP)) if before.any() else np.inf
    relative = np.minimum(relative, max(cap, 1.0))
    signed = np.zeros(rows.n) if rows.error is None else np.sign(rows.error) * relative
    mean, variance = _moments(relative, _usual(rows, expected), before)
    return np.stack([relative / variance, mean / variance, 1.0 / variance, signed / variance])


def _usual(rows: LossRows, expected: Doubles) -> Doubles:
    """Mean loss expected of a row's series in the reference; of the row itself where either is not known."""
    if rows.series is None or not rows.n:
        return expected
    before, size = ~rows.current, int(rows.series.max()) + 1
    count = np.bincount(rows.series[before], minlength=size)
    mean = np.bincount(rows.series[before], weights=expected[before], minlength=size) / np.maximum(count, 1)
    return np.where(count[rows.series] > 0, mean[rows.series], expected)


def _sums(rows: LossRows, weighed: Doubles, cell: IntArray, size: int) -> Doubles:
    """Sums by cell of both windows, shape (m, 10)."""
    key = cell + size * rows.current
    told = [np.bincount(key, weights=values, minlength=2 * size) for values in weighed]
    count = np.bincount(key, minlength=2 * size).astype(np.float64)
    both = np.stack([*told, count], axis=1).reshape(2, size, 5)
    return np.concatenate([both[0], both[1]], axis=1)


def _moments(relative: Doubles, expected: Doubles, before: npt.NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
    """Mean and variance of the relative loss of rows of which as much was expected, in the reference; of every row."""
    if not before.any():
        return np.ones(len(relative)), np.ones(len(relative))
    cuts = np.unique(np.quantile(expected[before], np.arange(1, _SPREAD_BINS) / _SPREAD_BINS))
    bins = np.searchsorted(cuts, expected, side="right")
    mine, values = bins[before], relative[before]
    count = np.maximum(np.bincount(mine, minlength=len(cuts) + 1), 1)
    mean = np.bincount(mine, weights=values, minlength=len(cuts) + 1) / count
    square = np.bincount(mine, weights=values**2, minlength=len(cuts) + 1) / count
    variance = np.maximum(square - mean**2, 1e-3 * np.maximum(square, _LEAST))
    return np.maximum(mean, _LEAST)[bins], np.maximum(variance, _LEAST)[bins]
