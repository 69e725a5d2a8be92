"""What each leaf would have lost, had nothing changed: the reference's rate for rows like it, times its exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finalmile.frames import BoolArray, IntArray
from finalmile.monitoring.why.accounting import combined
from finalmile.monitoring.why.dimensions import Codes, Doubles, inner
from finalmile.monitoring.why.rows import LossRows
from finalmile.monitoring.why.usual import bins_of, curve, cuts_of, mean_of_series, others, usual_volume

LOSS, EXPECTED, VARIANCE, SIGNED, TOLD, SOLD, COUNT = range(7)
"""Columns of a window's sums."""

_SWEEPS = 4
_SETTLED = 1e-3
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
    whole : array of shape (14,)
        Sums of all cells.
    cell : array of shape (n,), int64
        Cell of each row.
    expected : array of shape (n,)
        Loss of each row in units, had nothing changed.
    weighed : arrays of shape (n,), by column
        What is summed of each row: loss, its expectation and variance, signed error, and the expectation in proportion
        to what was forecast and to what was sold.
    """

    codes: tuple[Codes, ...]
    sums: Doubles
    whole: Doubles
    cell: IntArray
    expected: Doubles
    weighed: tuple[Doubles, ...]

    def of(self, cells: BoolArray, /) -> Doubles:
        """Sums of some cells, shape (14,)."""
        few = 2 * int(np.count_nonzero(cells)) <= len(cells)
        told: Doubles = np.add.reduce(self.sums[np.flatnonzero(cells if few else ~cells)], axis=0)
        return told if few else self.whole - told

    def rows(self, cells: BoolArray, /) -> IntArray:
        """Places of the rows that lie in some cells."""
        return np.flatnonzero(cells[self.cell])


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
    held, series = np.where(rows.current, 0.0, 1.0), None if rows.series is None else rows.series.astype(np.int64)
    owner = np.zeros(size, dtype=np.int64)
    owner[cell] = np.arange(rows.n)
    at = tuple(one.codes[owner] for one in rows.dimensions)
    marks = [(codes.astype(np.int64), len(one.labels)) for codes, one in zip(at, rows.dimensions, strict=True)]
    usual, moved = _moved(rows, cell, marks, series=series, held=held)
    base = curve(rows.loss, usual, series=series, held=held)
    factor = _factors(rows.loss, base, cell, marks, held=held)
    own = _own_factor(rows.loss, base * factor, series=series, held=held)
    own *= base
    expected = np.multiply(own, factor, out=base)
    np.maximum(expected, _LEAST, out=expected)
    alike = _alike(own, series=series, held=held)
    alike *= factor
    weighed = _weighed(rows, expected, moved, alike, held=held)
    sums = _sums(rows, weighed, cell, size)
    return Cells(codes=at, sums=sums, whole=sums.sum(axis=0), cell=cell, expected=expected, weighed=weighed)


def _moved(
    rows: LossRows, cell: IntArray, marks: Sequence[tuple[IntArray, int]], *, series: IntArray | None, held: Doubles
) -> tuple[Doubles, tuple[Doubles, Doubles]]:
    """Usual volume of each row, and how large its forecast and its sales are beside what is expected of them."""
    forecast = rows.exposure.copy() if rows.error is None else rows.exposure + rows.error
    np.maximum(forecast, 0.0, out=forecast)
    both = 0.5 * (rows.exposure + forecast)
    usual = usual_volume(both, np.minimum(rows.exposure, forecast), series=series, held=held)
    volume = usual + _FEW_UNITS
    volume *= _factors(both, volume, cell, marks, held=held)
    np.maximum(volume, _LEAST, out=volume)
    forecast /= volume
    return usual, (forecast, np.divide(rows.exposure, volume, out=volume))


def _cells(rows: LossRows) -> tuple[IntArray, int]:
    cell = combined([(one.codes, len(one.labels)) for one in rows.dimensions], rows.n)
    return cell, int(cell.max()) + 1 if rows.n else 0


def _factors(
    seen: Doubles, base: Doubles, cell: IntArray, marks: Sequence[tuple[IntArray, int]], *, held: Doubles
) -> Doubles:
    """Factor of each row's cell on its base by which the reference is told best, shape (n,).

    ``marks`` holds the codes of all cells by each dimension, and how many codes it has.
    """
    size, own = len(marks[0][0]) if marks else 1, base * held
    total, mean, square = (_added(cell, one, size) for one in (seen * held, own, own * base))
    whole = float(mean.sum())
    factor = np.full(size, float(total.sum()) / whole if whole > 0 else 1.0)
    relative = _relative_variance(seen, held)
    told = [_added(code, total, labels) for code, labels in marks]
    for _ in range(_SWEEPS):
        moved = 0.0
        for (code, labels), known in zip(marks, told, strict=True):
            expected = _added(code, mean * factor, labels)
            spread = _added(code, square * factor**2, labels)
            step = _drawn(known, expected, spread, relative)
            factor *= step[code]
            moved = max(moved, float(np.abs(step - 1.0).max(initial=0.0)))
        if moved < _SETTLED:
            break
    return factor[cell]


def _added(owner: IntArray, values: Doubles, size: int) -> Doubles:
    told: Doubles = np.bincount(owner, weights=values, minlength=size).astype(np.float64, copy=False)
    return told


def _own_factor(loss: Doubles, expected: Doubles, *, series: IntArray | None, held: Doubles) -> Doubles:
    """Factor of each row's series on what is expected of rows like it, by the other rows of the reference."""
    if series is None:
        return np.ones(len(loss))
    seen, mean = others(loss, series, held), others(expected, series, held)
    square = others(expected * expected, series, held)
    return _drawn(seen, mean, square, _relative_variance(loss, held))


def _drawn(seen: Doubles, expected: Doubles, square: Doubles, relative: float) -> Doubles:
    """What was seen over what was expected, drawn towards 1 the more the fewer rows say so."""
    weight, prior = expected * expected, np.maximum(relative * square, _LEAST)
    prior *= _PRIOR_SHAPE
    prior += weight
    weight /= prior
    told = seen / np.maximum(expected, _LEAST, out=prior)
    told -= 1.0
    told *= weight
    told += 1.0
    return told


def _relative_variance(seen: Doubles, held: Doubles) -> float:
    """Variance over the mean squared of the rows that count, roughly: enough to weigh priors by."""
    count, own = float(held.sum()), seen * held
    mean = float(own.sum()) / max(count, 1.0)
    if not mean**2 > 0:
        return 1.0
    return float(np.clip(inner(own, own) / count / mean**2 - 1.0, 0.01, 10.0))


def _alike(own: Doubles, *, series: IntArray | None, held: Doubles) -> Doubles:
    """The mean of each series in the reference, so that no row of it tells its own loss; as it is where not known."""
    if series is None:
        return own.copy()
    usual = mean_of_series(own, series, held)
    unknown = np.flatnonzero(usual <= 0)
    usual[unknown] = own[unknown]
    return usual


def _weighed(
    rows: LossRows, expected: Doubles, moved: tuple[Doubles, Doubles], usual: Doubles, *, held: Doubles
) -> tuple[Doubles, ...]:
    """What slices are scored by: relative losses, the largest cut off, weighed by how much a row says; by column.

    A row's relative loss is its loss over what was expected. Its weight is the inverse of its variance, by how much
    is usually expected of its series: heavy tails and a few large series then decide nothing alone. ``moved`` is
    worked on in its place: memory that is new costs more than all sums.
    """
    relative = rows.loss / expected
    cap = max(float(np.quantile(relative[np.flatnonzero(held)], _CAP)), 1.0) if held.any() else np.inf
    np.minimum(relative, cap, out=relative)
    mean, variance = _moments(relative, usual, held)
    weight = np.divide(1.0, variance, out=variance)
    mean *= weight
    relative *= weight
    signed = np.zeros(rows.n) if rows.error is None else np.sign(rows.error)
    signed *= relative
    for one in moved:
        np.multiply(np.minimum(one, cap, out=one), mean, out=one)
    return relative, mean, weight, signed, *moved


def _sums(rows: LossRows, weighed: Sequence[Doubles], cell: IntArray, size: int) -> Doubles:
    """Sums by cell of both windows, shape (m, 14)."""
    key, told = cell + size * rows.current, np.empty((size, 2 * (COUNT + 1)))
    for column in range(COUNT + 1):
        both = np.bincount(key, weights=weighed[column] if column < COUNT else None, minlength=2 * size)
        told[:, column], told[:, COUNT + 1 + column] = both[:size], both[size:]
    return told


def _moments(relative: Doubles, expected: Doubles, held: Doubles) -> tuple[Doubles, Doubles]:
    """Mean and variance of the relative loss of rows of which as much was expected, in the reference; of every row."""
    if not held.any():
        return np.ones(len(relative)), np.ones(len(relative))
    cuts = cuts_of(expected[np.flatnonzero(held)], _SPREAD_BINS)
    bins, own = bins_of(expected, cuts), relative * held
    count = np.maximum(np.bincount(bins, weights=held, minlength=len(cuts) + 1), 1)
    mean = np.bincount(bins, weights=own, minlength=len(cuts) + 1) / count
    square = np.bincount(bins, weights=own * own, minlength=len(cuts) + 1) / count
    variance = np.maximum(square - mean**2, 1e-3 * np.maximum(square, _LEAST))
    return np.maximum(mean, _LEAST)[bins], np.maximum(variance, _LEAST)[bins]
