"""What each leaf would have lost, had nothing changed: the reference's rate for rows like it, times its exposure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import BoolArray, IntArray
from finalmile.monitoring.why.accounting import combined
from finalmile.monitoring.why.dimensions import Codes, Doubles
from finalmile.monitoring.why.rows import LossRows
from finalmile.monitoring.why.usual import curve, cuts_of, mean_of_series, others, usual_volume

LOSS, EXPECTED, VARIANCE, SIGNED, TOLD, SOLD, COUNT = range(7)
"""Columns of a window's sums."""

_SWEEPS = 4
_PRIOR_SHAPE = 10.0
_CAP = 0.9995
_FEW_UNITS = 0.01
_SPREAD_BINS = 10
_LEAST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Rows added up to cells: combinations of dimensions.

    Parameters
    ----------
    codes
        One array of shape (m,) per dimension.
    sums : array of shape (m, 14)
        Weighed loss, its expectation and variance, weighed signed error, the expectation in proportion to what was
        forecast and to what was sold, and rows: of the reference, then of the current window.
    cell : array of shape (n,), int64
        Cell of each row.
    expected : array of shape (n,)
        Loss of each row in units, had nothing changed.
    weighed : array of shape (6, n)
        What is summed of each row: loss, its expectation and variance, signed error, and the expectation in proportion
        to what was forecast and to what was sold.
    """

    codes: tuple[Codes, ...]
    sums: Doubles
    cell: IntArray
    expected: Doubles
    weighed: Doubles

    def of(self, cells: BoolArray, /) -> Doubles:
        """Sums of some cells, shape (14,)."""
        few = 2 * int(np.count_nonzero(cells)) <= len(cells)
        told: Doubles = np.add.reduce(self.sums[np.flatnonzero(cells if few else ~cells)], axis=0)
        return told if few else np.add.reduce(self.sums, axis=0) - told


def cells_of(rows: LossRows, /) -> Cells:
    """Cells with what their rows lost and what rows like them lost in the reference.

    Expected loss is a curve of the series' usual volume times a factor for each value of each dimension, fitted on
    the reference by iterative proportional scaling, and one for the series; factors of few rows are drawn towards 1.
    Nothing of the current window enters: a forecast that is wrong must not explain its own error. What is expected of
    a row of the reference is read off the others of its series, as it is for a current row; else the reference would
    look better than what comes after. Usual volumes are fitted likewise. By them rows tell how far forecasts and sales
    moved, which is taken out slice by slice (:func:`~finalmile.monitoring.why.score.volume`).
    """
    cell, size = _cells(rows)
    owner = np.zeros(size, dtype=np.int64)
    owner[cell] = np.arange(rows.n)
    at = tuple(one.codes[owner] for one in rows.dimensions)
    forecast = rows.exposure if rows.error is None else np.maximum(rows.exposure + rows.error, 0.0)
    moved = 0.5 * (rows.exposure + forecast)
    usual = usual_volume(rows, moved, np.minimum(rows.exposure, forecast))
    volume = usual + _FEW_UNITS
    volume = volume * _factors(rows, moved, volume, cell, at)
    expected = curve(rows, usual)
    factor = _factors(rows, rows.loss, expected, cell, at)
    own = expected * _own_factor(rows, expected * factor)
    expected = np.maximum(own * factor, _LEAST)
    weighed = _weighed(rows, expected, (forecast / volume, rows.exposure / volume), _alike(rows, own) * factor)
    return Cells(codes=at, sums=_sums(rows, weighed, cell, size), cell=cell, expected=expected, weighed=weighed)


def _cells(rows: LossRows) -> tuple[IntArray, int]:
    cell = combined([(one.codes, len(one.labels)) for one in rows.dimensions], rows.n)
    return cell, int(cell.max()) + 1 if rows.n else 0


def _factors(rows: LossRows, seen: Doubles, base: Doubles, cell: IntArray, at: tuple[Codes, ...]) -> Doubles:
    """Factor of each row's cell on its base by which the reference is told best, shape (n,)."""
    before, size = (~rows.current).astype(np.float64), len(at[0]) if at else 1
    total, mean, square = (_added(cell, one * before, size) for one in (seen, base, base**2))
    whole = float(mean.sum())
    factor = np.full(size, float(total.sum()) / whole if whole > 0 else 1.0)
    relative = _relative_variance(seen[~rows.current])
    for _ in range(_SWEEPS):
        for code, one in zip(at, rows.dimensions, strict=True):
            told, expected, spread = (
                _added(code, sums, len(one.labels)) for sums in (total, mean * factor, square * factor**2)
            )
            factor = factor * _drawn(told, expected, spread, relative)[code]
    return factor[cell]


def _added(owner: IntArray | Codes, values: Doubles, size: int) -> Doubles:
    told: Doubles = np.bincount(owner, weights=values, minlength=size).astype(np.float64, copy=False)
    return told


def _own_factor(rows: LossRows, expected: Doubles) -> Doubles:
    """Factor of each row's series on what is expected of rows like it, by the other rows of the reference."""
    if rows.series is None:
        return np.ones(rows.n)
    before = ~rows.current
    seen, mean, square = (others(one, rows.series, before) for one in (rows.loss, expected, expected**2))
    return _drawn(seen, mean, square, _relative_variance(rows.loss[before]))


def _drawn(seen: Doubles, expected: Doubles, square: Doubles, relative: float) -> Doubles:
    """What was seen over what was expected, drawn towards 1 the more the fewer rows say so."""
    shape = expected**2 / np.maximum(relative * square, _LEAST)
    told: Doubles = 1.0 + (seen / np.maximum(expected, _LEAST) - 1.0) * shape / (shape + _PRIOR_SHAPE)
    return told


def _relative_variance(seen: Doubles) -> float:
    """Variance over the mean squared, roughly: enough to weigh priors by."""
    if not len(seen) or not seen.mean() > 0:
        return 1.0
    return float(np.clip(seen.var() / seen.mean() ** 2, 0.01, 10.0))


def _alike(rows: LossRows, own: Doubles) -> Doubles:
    """The mean of each series in the reference, so that no row of it tells its own loss; as it is where not known."""
    usual = own if rows.series is None else mean_of_series(own, rows.series, ~rows.current)
    return np.where(usual > 0, usual, own)


def _weighed(rows: LossRows, expected: Doubles, moved: tuple[Doubles, Doubles], usual: Doubles) -> Doubles:
    """What slices are scored by: relative losses, the largest cut off, weighed by how much a row says; shape (6, n).

    A row's relative loss is its loss over what was expected. Its weight is the inverse of its variance, by how much
    is usually expected of its series: heavy tails and a few large series then decide nothing alone.
    """
    before = ~rows.current
    relative = rows.loss / expected
    cap = max(float(np.quantile(relative[before], _CAP)), 1.0) if before.any() else np.inf
    relative = np.minimum(relative, cap)
    signed = np.zeros(rows.n) if rows.error is None else np.sign(rows.error) * relative
    mean, variance = _moments(relative, usual, before)
    weighed = np.empty((COUNT, rows.n))
    np.divide(1.0, variance, out=weighed[VARIANCE])
    np.multiply(mean, weighed[VARIANCE], out=weighed[EXPECTED])
    for column, values in ((LOSS, relative), (SIGNED, signed)):
        np.multiply(values, weighed[VARIANCE], out=weighed[column])
    for column, values in zip((TOLD, SOLD), moved, strict=True):
        np.multiply(np.minimum(values, cap), weighed[EXPECTED], out=weighed[column])
    return weighed


def _sums(rows: LossRows, weighed: Doubles, cell: IntArray, size: int) -> Doubles:
    """Sums by cell of both windows, shape (m, 14)."""
    key = cell + size * rows.current
    told = [np.bincount(key, weights=values, minlength=2 * size) for values in weighed]
    count = np.bincount(key, minlength=2 * size).astype(np.float64)
    both = np.stack([*told, count], axis=1).reshape(2, size, COUNT + 1)
    return np.concatenate([both[0], both[1]], axis=1)


def _moments(relative: Doubles, expected: Doubles, before: npt.NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
    """Mean and variance of the relative loss of rows of which as much was expected, in the reference; of every row."""
    if not before.any():
        return np.ones(len(relative)), np.ones(len(relative))
    cuts = cuts_of(expected[before], _SPREAD_BINS)
    bins = np.searchsorted(cuts, expected, side="right")
    mine, values = bins[before], relative[before]
    count = np.maximum(np.bincount(mine, minlength=len(cuts) + 1), 1)
    mean = np.bincount(mine, weights=values, minlength=len(cuts) + 1) / count
    square = np.bincount(mine, weights=values**2, minlength=len(cuts) + 1) / count
    variance = np.maximum(square - mean**2, 1e-3 * np.maximum(square, _LEAST))
    return np.maximum(mean, _LEAST)[bins], np.maximum(variance, _LEAST)[bins]
