"""Whether a slice's rise is more than the noise of its days and of its series, counted by clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import BoolArray, IntArray
from finalmile.monitoring.why.dimensions import Codes, Doubles
from finalmile.monitoring.why.expected import COUNT, EXPECTED, LOSS, SIGNED, Cells
from finalmile.monitoring.why.rows import LossRows
from finalmile.monitoring.why.score import NOW, volumes

_FEWEST = 4
_FEWEST_SERIES = 5
_LAGS = 3
_LEAST = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviations:
    """Of the rows of a slice, each of mean zero if nothing changed in there but what changed everywhere.

    Parameters
    ----------
    values : array of shape (n,)
        Weighed loss or signed error beyond what was expected; of reference rows with the opposite sign and weighed
        so that both windows are worth the same.
    current : array of shape (n,), bool
        Window of each row.
    expected : array of shape (n,)
        Weighed expected loss of each row: an effect is taken to be in proportion to it.
    series, period
        Clusters of each row; ``None`` where not known.
    """

    values: Doubles
    current: npt.NDArray[np.bool_]
    expected: Doubles
    series: Codes | None
    period: IntArray | None


def deviations(rows: LossRows, cells: Cells, inside: BoolArray, *, signed: bool) -> Deviations:
    """What rows of a slice lost, or were off by, beyond their own level in the reference and the rest's change.

    ``inside`` tells which cells lie in the slice, shape (m,).
    """
    column = SIGNED if signed else LOSS
    mine, inner, outer = cells.rows(inside), cells.of(inside), cells.of(~inside)
    level, rest_before = (_level(of[:NOW], column) for of in (inner, outer))
    grown, rest_grown = volumes(cells, inside)
    rest_now = _level(outer[NOW:], column) / rest_grown
    scale = 1.0 if signed else max(rest_now / max(rest_before, _LEAST), 1.0)
    after = grown * (level + rest_now - rest_before if signed else level * scale)
    current, expected = rows.current[mine], cells.weighed[EXPECTED][mine]
    weight = float(expected[current].sum()) / max(float(expected[~current].sum()), _LEAST)
    values = cells.weighed[column][mine] - np.where(current, after, level) * expected
    values[~current] *= -weight * scale * grown
    return Deviations(
        values=values,
        current=current,
        expected=expected,
        series=None if rows.series is None else rows.series[mine],
        period=None if rows.period is None else rows.period[mine],
    )


def log_p(told: Deviations, /) -> float:
    """Natural logarithm of the chance of a sum so large, one-sided, by the most doubtful way of counting clusters.

    Student's t of the sum over its clusters: series, and periods with their autocorrelation up to three apart. Fewer
    than five series say nothing of series, and periods decide; fewer than four periods in a window prove nothing. Rows
    are clusters where neither is known. 0 where nothing can be said.
    """
    if not len(told.values) or not told.current.any():
        return 0.0
    kinds: list[float] = []
    if told.series is not None:
        kinds += _by_series(told)
    if told.period is not None:
        kinds += _by_period(told)
    if told.series is None and told.period is None:
        kinds += _windows(told, np.arange(len(told.values)), correlated=False)
    return max(kinds, default=0.0)


def log_tail(t: float, df: float) -> float:
    """Natural logarithm of the upper tail of Student's t.

    Examples
    --------
    >>> round(math.exp(log_tail(2.0, 10.0)), 4)
    0.0367
    """
    from scipy.special import betainc

    tail = 0.5 * float(betainc(df / 2, 0.5, df / (df + t * t)))
    return math.log(max(tail if t > 0 else 1.0 - tail, _LEAST))


def _by_series(told: Deviations) -> list[float]:
    assert told.series is not None
    _, owner = np.unique(told.series, return_inverse=True)
    sums = np.bincount(owner, weights=told.values)
    size = np.bincount(owner, weights=told.expected * told.current)
    count = int((size > 0).sum())
    whole = float(sums.sum())
    if count < _FEWEST_SERIES:
        return []
    centred = sums - whole * size / max(float(size.sum()), _LEAST)
    variance = float((centred**2).sum()) * count / (count - 1)
    return [log_tail(whole / math.sqrt(max(variance, _LEAST)), count - 1)]


def _by_period(told: Deviations) -> list[float]:
    assert told.period is not None
    _, owner = np.unique(told.period, return_inverse=True)
    return _windows(told, owner, correlated=True)


def _windows(told: Deviations, owner: IntArray, *, correlated: bool) -> list[float]:
    """Welch's t: each window has a variance of its own."""
    variances: list[float] = []
    freedoms: list[int] = []
    for window in (told.current, ~told.current):
        if not window.any():
            continue
        _, place = np.unique(owner[window], return_inverse=True)
        sums = np.bincount(place, weights=told.values[window])
        size = np.bincount(place, weights=told.expected[window])
        count = len(sums)
        if count < _FEWEST:
            return [0.0]
        centred = sums - float(sums.sum()) * size / max(float(size.sum()), _LEAST)
        variances.append(float((centred**2).sum()) * count / (count - 1) * (_inflation(centred) if correlated else 1.0))
        freedoms.append(count - 1)
    whole = sum(variances)
    freedom = whole**2 / max(sum(v**2 / f for v, f in zip(variances, freedoms, strict=True)), _LEAST)
    return [log_tail(float(told.values.sum()) / math.sqrt(max(whole, _LEAST)), max(freedom, 1.0))]


def _inflation(days: Doubles) -> float:
    """How much wider a sum of autocorrelated days is spread than one of independent days; at least 1."""
    power = float((days**2).sum())
    if len(days) < 4 * _LAGS or not power > 0:
        return 1.0
    correlations = [float((days[lag:] * days[:-lag]).sum()) / power for lag in range(1, _LAGS + 1)]
    return max(1.0, 1.0 + 2.0 * sum((1 - lag / (_LAGS + 1)) * c for lag, c in enumerate(correlations, 1)))


def _level(window: Doubles, column: int) -> float:
    """Loss or signed error over what was expected, by a window's sums; what nothing tells of is as it should be."""
    if not (window[COUNT] > 0 and window[EXPECTED] > 0):
        return 0.0 if column == SIGNED else 1.0
    return float(window[column] / window[EXPECTED])
