"""Demand over whole windows from the best that is known of each item, and the name of what that was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finalmile.frames import BoolArray, Cumulative, IntArray, NameArray, rising_windows
from finalmile.inventory.demand import PathDemand
from finalmile.simulation import UnitsArray

PATHS = "paths"
BINOMIAL = "negative binomial (uncalibrated)"
HISTORY = "history (no forecast)"
CATEGORY = "category (no forecast)"

FEWEST = 8
"""Whole past windows from which an item's own spread is read; with fewer, its category's is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDemand:
    """What there may be to tell demand over windows from; every item needs only one of them.

    Parameters
    ----------
    told
        Quantiles over windows, as forecast; NaN for items it does not know.
    paths
        Sample paths.
    mean : array of shape (n, horizon)
        Expected units of each period; NaN where there is no forecast.
    past : array of shape (n, T)
        Demand of past periods; NaN where it is unknown or the item was not listed.
    category : array of shape (n,), str
        What is alike; all items where not given.
    """

    past: UnitsArray
    told: Cumulative | None = None
    paths: PathDemand | None = None
    mean: UnitsArray | None = None
    category: NameArray | None = None


def window_demand(known: KnownDemand, windows: IntArray, *, levels: Sequence[float]) -> Cumulative:
    r"""Quantiles of each item's demand over its windows, from the first of these that is there.

    1. Quantiles over whole windows, as forecast: their own method.
    2. Sample paths, summed: ``"paths"``.
    3. The forecast's mean as a negative binomial whose variance over the mean is that of the item's past windows, or
       of its category's with fewer than eight: ``"negative binomial (uncalibrated)"``.
    4. Past windows, at least eight: ``"history (no forecast)"``.
    5. Past windows of all items of its category, for what is new: ``"category (no forecast)"``.

    What has none of them stays NaN. The last three carry no promise: no past forecast was held against what came.
    No window is told less than a shorter one.

    .. math:: D \sim NB(\mu, d\mu), \qquad d = \max(1, \operatorname{Var}/\operatorname{E} \text{ of past windows})

    Parameters
    ----------
    windows : array of shape (n, w)
        Periods in each.
    levels
        Probabilities, ascending.

    Examples
    --------
    A new item has no forecast; others of its kind sold 3 in a period, always:

    >>> past = np.array([[3.0] * 20, [np.nan] * 19 + [1.0]])
    >>> told = window_demand(KnownDemand(past=past), np.array([[2], [2]]), levels=[0.5, 0.98])
    >>> told.values[:, 0].tolist(), told.methods.tolist()
    ([[6.0, 6.0], [6.0, 6.0]], ['history (no forecast)', 'category (no forecast)'])
    """
    ladder = _Ladder(known, windows, tuple(levels))
    for rung in (ladder.as_told, ladder.from_paths, ladder.from_mean, ladder.from_history, ladder.from_category):
        rung(ladder.left())
    return Cumulative(
        windows=windows,
        mean=ladder.mean.astype(np.float32),
        levels=ladder.levels,
        values=np.maximum.accumulate(ladder.values, axis=2).astype(np.float32),
        methods=ladder.methods,
        calibration_id="" if known.told is None else known.told.calibration_id,
    )


class _Past:
    """Sums of past windows, by length, made once each."""

    def __init__(self, known: KnownDemand) -> None:
        self.demand = known.past
        self.category = known.category if known.category is not None else np.full(len(known.past), "", dtype=object)
        self._sums: dict[int, UnitsArray] = {}

    def sums(self, window: int) -> UnitsArray:
        """Every run of so many known periods, shape (n, T - window + 1); NaN where one of them is unknown."""
        if window not in self._sums:
            if window > self.demand.shape[1]:
                self._sums[window] = np.full((len(self.demand), 0), np.nan)
            else:
                runs = np.lib.stride_tricks.sliding_window_view(self.demand, window, axis=1)
                self._sums[window] = runs.sum(axis=2)
        return self._sums[window]

    def alike(self, row: int) -> BoolArray:
        """Rows of the same category."""
        return np.asarray(self.category == self.category[row])


class _Ladder:
    """What is known of each item's windows so far; each rung fills in rows that are left."""

    def __init__(self, known: KnownDemand, windows: IntArray, levels: tuple[float, ...]) -> None:
        self.known, self.windows, self.levels = known, windows, levels
        self.values = np.full((*windows.shape, len(levels)), np.nan)
        self.mean = np.full(windows.shape, np.nan)
        self.methods: NameArray = np.full(len(windows), "", dtype=object)
        self.past = _Past(known)

    def left(self) -> list[int]:
        """Rows of which nothing is known yet."""
        return list(map(int, np.flatnonzero(self.methods == "")))

    def as_told(self, rows: Sequence[int]) -> None:
        """Quantiles that were forecast for these windows and levels."""
        told = self.known.told
        if told is None or not set(self.levels) <= set(told.levels):
            return
        columns = [told.levels.index(level) for level in self.levels]
        for row in rows:
            at = [np.flatnonzero(told.windows[row] == window) for window in self.windows[row]]
            if all(len(one) for one in at):
                first = [int(one[0]) for one in at]
                self._tell(row, told.values[row][first][:, columns], told.mean[row][first], str(told.methods[row]))

    def from_paths(self, rows: Sequence[int]) -> None:
        """Quantiles of whole paths."""
        if self.known.paths is None:
            return
        total = self.known.paths.paths.cumsum(axis=2)
        for row in rows:
            if self.windows[row].max() <= total.shape[2]:
                sums = total[row][:, self.windows[row] - 1]
                values = np.quantile(sums, self.levels, axis=0, method="inverted_cdf").T
                self._tell(row, values, sums.mean(axis=0), PATHS)

    def from_mean(self, rows: Sequence[int]) -> None:
        """A negative binomial around the mean."""
        if self.known.mean is None:
            return
        total = self.known.mean.cumsum(axis=1)
        for row in rows:
            windows = self.windows[row]
            if windows.max() <= total.shape[1] and not np.isnan(expected := total[row, windows - 1]).any():
                wide = [_dispersion(self.past, row, window) for window in windows.tolist()]
                values = [_binomial(float(one), over, self.levels) for one, over in zip(expected, wide, strict=True)]
                self._tell(row, _rising(windows, np.array(values), whole=True), expected, BINOMIAL)

    def from_history(self, rows: Sequence[int]) -> None:
        """The item's own past windows."""
        for row in rows:
            self._empirical(
                row, [_known(self.past.sums(window)[row]) for window in self.windows[row].tolist()], HISTORY
            )

    def from_category(self, rows: Sequence[int]) -> None:
        """Past windows of what is alike."""
        for row in rows:
            alike = self.past.alike(row)
            theirs = [_known(self.past.sums(window)[alike]) for window in self.windows[row].tolist()]
            self._empirical(row, theirs, CATEGORY)

    def _empirical(self, row: int, sums: Sequence[UnitsArray], method: str) -> None:
        if all(len(one) >= FEWEST for one in sums):
            values = [np.quantile(one, self.levels, method="inverted_cdf") for one in sums]
            mean = np.array([one.mean() for one in sums])
            self._tell(row, _rising(self.windows[row], np.array(values)), mean, method)

    def _tell(self, row: int, values: UnitsArray, mean: UnitsArray, method: str) -> None:
        if not (np.isnan(values).any() or np.isnan(mean).any()):
            self.values[row], self.mean[row], self.methods[row] = values, mean, method


def _known(sums: UnitsArray) -> UnitsArray:
    return np.asarray(sums[~np.isnan(sums)])


def _rising(windows: IntArray, values: UnitsArray, *, whole: bool = False) -> UnitsArray:
    """Quantiles of one item, shape (w, levels), none less than that of a shorter window."""
    return np.asarray(rising_windows(windows[None], values[None], whole=whole)[0], dtype=np.float64)


def _dispersion(past: _Past, row: int, window: int) -> float:
    """Variance over mean of an item's past windows, or of its category's, each about its own mean; at least 1."""
    sums = past.sums(window)
    if len(own := _known(sums[row])) >= FEWEST and own.mean() > 0:
        return max(1.0, float(own.var() / own.mean()))
    others = [own for one in np.flatnonzero(past.alike(row)) if len(own := _known(sums[one])) >= FEWEST]
    total = sum(float(own.mean()) for own in others)
    return max(1.0, sum(float(own.var()) for own in others) / total) if total > 0 else 1.0


def _binomial(expected: float, dispersion: float, levels: Sequence[float]) -> UnitsArray:
    """Quantiles of a negative binomial, of a Poisson where nothing is left over."""
    from scipy import stats

    if expected <= 0:
        return np.zeros(len(levels))
    if dispersion <= 1.0 + 1e-9:
        return np.asarray(stats.poisson.ppf(levels, expected), dtype=np.float64)
    return np.asarray(stats.nbinom.ppf(levels, expected / (dispersion - 1), 1 / dispersion), dtype=np.float64)
