"""Conformal correction by volume: how far demand went past the forecast, measured among series alike and added."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil

import numpy as np

from finalmile.forecasters.levels_between import at_levels
from finalmile.forecasters.outcomes import Outcomes
from finalmile.frames import FloatArray, IntArray
from finalmile.metrics.volume import VolumeClasses

Rung = str
CQR: Rung = "cqr"
CONFORMAL: Rung = "conformal"
PERIOD: Rung = "period"
_BLEND = 0.5
CLASSES = 20
NEIGHBOURS = 1 / CLASSES  # of the classes, on each side, that a class is measured with: corrections follow volume
_ENOUGH = 32  # times the fewest scores: what a class is measured on where there are so many
_PLENTY = 1600  # scores that are enough at any level: a hundred series from 16 origins
_TIE = 1e-4  # a demand exactly at its corrected quantile counts as covered


def scores_needed(level: float) -> int:
    """Scores a class must have before the level can be read from them: 49 at 98 %.

    Below a half the lower tail decides.

    Examples
    --------
    >>> scores_needed(0.98), scores_needed(0.5), scores_needed(0.02)
    (49, 1, 49)
    """
    far = max(level, 1 - level)
    return ceil(far / (1 - far) - 1e-9)


def conformal_quantile(scores: FloatArray, level: float) -> float:
    """The ``ceil((m + 1) level)``-th smallest of ``m`` scores, the last where that is beyond them.

    References
    ----------
    Vovk, Gammerman & Shafer (2005), Algorithmic learning in a random world, section 2.2.

    Examples
    --------
    >>> conformal_quantile(np.arange(1, 50, dtype=np.float32), 0.98), conformal_quantile(np.ones(1), 0.5)
    (49.0, 1.0)
    """
    rank = min(max(ceil((len(scores) + 1) * level - 1e-9), 1), len(scores))
    return float(np.partition(scores, rank - 1)[rank - 1])


def spread_scale(mean: FloatArray, spread: FloatArray, window: IntArray | int) -> FloatArray:
    """What errors over windows are divided by: ``max(sd sqrt(L), sqrt(mean))``, at least 0.1."""
    wide: FloatArray = (spread * np.sqrt(window)).astype(np.float32)
    counts: FloatArray = np.sqrt(np.maximum(mean, 0)).astype(np.float32)
    return np.maximum(np.maximum(wide, counts), np.float32(0.1))


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Outcomes of past forecasts, read as corrections by volume class, window and level.

    Parameters
    ----------
    outcomes
        Rows of rolling origins, out of sample.
    classes
        Volume classes, set on those rows.
    levels
        Levels of the window model whose quantiles the rows hold; empty without one.
    """

    outcomes: Outcomes
    classes: VolumeClasses
    levels: tuple[float, ...] = ()
    _known: dict[tuple[Rung, float], tuple[IntArray, FloatArray]] = field(
        default_factory=dict[tuple[Rung, float], tuple[IntArray, FloatArray]], init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, outcomes: Outcomes, *, levels: Sequence[float] = ()) -> Calibration:
        """Calibration with volume classes set on the rows' own levels of demand."""
        classes = VolumeClasses.of_means(outcomes.level, count=CLASSES)
        return cls(outcomes=outcomes, classes=classes, levels=tuple(levels))

    @property
    def identity(self) -> str:
        """Twelve hexadecimal digits that change whenever a row does; ``""`` without rows."""
        if len(self.outcomes) == 0:
            return ""
        rows = self.outcomes
        hasher = hashlib.sha256(repr((self.classes, self.levels)).encode())
        for values in (rows.origin, rows.window, rows.whole, rows.actual, rows.mean, rows.spread, rows.quantiles):
            hasher.update(np.ascontiguousarray(values).tobytes())
        return hasher.hexdigest()[:12]

    @cached_property
    def whole_units(self) -> bool:
        """Whether all demand seen was whole units: then so are corrected quantiles."""
        return bool(np.all(self.outcomes.actual % 1 == 0))

    def rounded(self, values: FloatArray) -> FloatArray:
        """Corrected quantiles as they are told: rounded up to whole units where demand is whole, never negative."""
        told = np.ceil(values + np.float32(_TIE)) if self.whole_units else values
        return np.maximum(told, 0).astype(np.float32)

    def longest(self, rung: Rung, level: float) -> int:
        """Longest window (or farthest period) with enough scores at a level; 0 where there is none."""
        windows, _ = self.corrections(rung, level)
        return int(windows.max(initial=0))

    def correct(self, rung: Rung, level: float, *, windows: IntArray, level_of_series: FloatArray) -> FloatArray:
        """Corrections in units of the rung's scale, of the shape of ``windows`` (n, w).

        Between calibrated windows they run straight over the logarithm of the window; past the ends the last holds.

        Parameters
        ----------
        level_of_series : array of shape (n,)
            Recent mean demand per period: chooses the volume class.
        """
        grid, table = self.corrections(rung, level)
        group = self.classes.of(level_of_series)
        asked, inverse = np.unique(windows, return_inverse=True)
        lines = np.empty((len(table), len(asked)), dtype=np.float32)
        for at, row in enumerate(table):
            lines[at] = np.interp(np.log(asked), np.log(grid), row)
        return lines[np.broadcast_to(group[:, None], windows.shape), inverse.reshape(windows.shape)]

    def before_correction(
        self,
        level: float,
        *,
        quantiles: FloatArray,
        mean: FloatArray,
        spread: FloatArray,
        windows: IntArray,
        level_of_series: FloatArray,
    ) -> FloatArray:
        """What the rung ``"cqr"`` says of windows before it is corrected, shape (n, w).

        Half of it is the window model's quantile, half the corrected mean of the rung ``"conformal"``. Their errors
        differ (one knows the shape of a series' demand, the other the days ahead), so the middle is nearer than
        either.

        Parameters
        ----------
        quantiles : array of shape (n, w, k)
            The window model's, at its trained levels.
        mean : array of shape (n, w)
            Expected demand over each window.
        spread, level_of_series : arrays of shape (n,)
            Standard deviation and mean of recent demand per period.
        """
        direct = at_levels(quantiles, trained=self.levels, wanted=(level,))[..., 0]
        if not self.longest(CONFORMAL, level):
            return direct
        step = self.correct(CONFORMAL, level, windows=windows, level_of_series=level_of_series)
        around = mean + step * spread_scale(mean, spread[:, None], windows)
        blended: FloatArray = ((1 - _BLEND) * direct + _BLEND * around).astype(np.float32)
        return blended

    def corrections(self, rung: Rung, level: float) -> tuple[IntArray, FloatArray]:
        """Windows with enough scores, and the correction of every class at each, shape (classes, windows)."""
        key = (rung, float(level))
        if key not in self._known:
            self._known[key] = self._measure(rung, float(level))
        return self._known[key]

    def _measure(self, rung: Rung, level: float) -> tuple[IntArray, FloatArray]:
        rows = self.outcomes
        usable = rows.whole if rung != PERIOD else ~rows.whole
        if rung == CQR and not self.levels:
            usable = np.zeros(len(rows), dtype=np.bool_)
        rows = rows.take(usable)
        score, group = self._scores(rows, rung, level), self.classes.of(rows.level)
        windows = [w for w in np.unique(rows.window).tolist() if (rows.window == w).sum() >= scores_needed(level)]
        table = np.zeros((self.classes.count, len(windows)), dtype=np.float32)
        for at, window in enumerate(windows):
            here = rows.window == window
            table[:, at] = _by_class(score[here], group[here], count=self.classes.count, level=level)
        return np.asarray(windows, dtype=np.int64), table

    def _scores(self, rows: Outcomes, rung: Rung, level: float) -> FloatArray:
        """How far demand went past what was said, in units of the rung's scale.

        Where quantiles are rounded up, ``y <= ceil(v)`` is ``y - 1 < v``: demand less one is what must be covered.
        """
        came = rows.actual - np.float32(self.whole_units)
        if rung == CQR:
            said = self.before_correction(
                level,
                quantiles=rows.quantiles[:, None],
                mean=rows.mean[:, None],
                spread=rows.spread,
                windows=rows.window[:, None],
                level_of_series=rows.level,
            )
            return (came - said[:, 0]) / spread_scale(rows.mean, rows.spread, rows.window)
        length = rows.window if rung == CONFORMAL else 1
        return (came - rows.mean) / spread_scale(rows.mean, rows.spread, length)


def _by_class(scores: FloatArray, group: IntArray, *, count: int, level: float) -> FloatArray:
    """Conformal quantile of each class and those beside it; with few scores it takes in more, up to all of them."""
    found = np.zeros(count, dtype=np.float32)
    ordered = scores[np.argsort(group, kind="stable")]
    begins = np.searchsorted(np.sort(group), np.arange(count + 1)).tolist()
    enough = min(_ENOUGH * scores_needed(level), _PLENTY, len(scores))
    for one in range(count):
        reach = round(NEIGHBOURS * count)
        while (near := ordered[begins[max(one - reach, 0)] : begins[min(one + reach + 1, count)]]).size < enough:
            reach += 1
        found[one] = conformal_quantile(near, level)
    return found
