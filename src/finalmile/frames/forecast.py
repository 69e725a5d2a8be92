"""What a forecaster gives back: a mean and quantiles per period, and demand over whole windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from finalmile.frames.panel import BoolArray, FloatArray, NameArray
from finalmile.frames.periods import Frequency, IntArray


def quantile_column(level: float) -> str:
    """Name of a quantile column: ``q0.98``.

    Examples
    --------
    >>> quantile_column(0.98), quantile_column(0.5)
    ('q0.98', 'q0.5')
    """
    return f"q{level:g}"


def same_windows(n: int, windows: list[int]) -> IntArray:
    """The same windows for each of ``n`` series, shape (n, len(windows))."""
    return np.tile(np.asarray(windows, dtype=np.int64), (n, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cumulative:
    """Demand over whole windows that start the period after the cutoff.

    Parameters
    ----------
    windows : array of shape (n, w)
        Periods in each window, at least 1; a series may have windows of its own.
    mean : array of shape (n, w)
        Expected units over the window.
    levels
        Probability of each quantile, ascending, each in (0, 1).
    values : array of shape (n, w, len(levels))
        Quantiles of the sum, in units; non-decreasing along the last axis and from a window to a longer one, never
        negative.
    methods : array of shape (n,), str
        Rung of the ladder each series was answered from: ``"cqr"``, ``"paths"``, ``"conformal"``, or
        ``"history (uncalibrated)"``.
    calibration_id
        Which stored calibration corrected the values; ``""`` where none did.
    """

    windows: IntArray
    mean: FloatArray
    levels: tuple[float, ...]
    values: FloatArray
    methods: NameArray
    calibration_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Forecasts of ``n`` series from one cutoff.

    Parameters
    ----------
    ids : array of shape (n,)
        ``unique_id`` of each row.
    frequency, cutoff
        Period length, and number of the last period that was known.
    mean : array of shape (n, horizon)
        Expected units of each period after the cutoff; never negative.
    quantiles
        Level to array of shape (n, horizon).
    cumulative
        Demand over windows, where windows were asked for.
    """

    ids: NameArray
    frequency: Frequency
    cutoff: int
    mean: FloatArray
    quantiles: Mapping[float, FloatArray] = field(default_factory=dict[float, FloatArray])
    cumulative: Cumulative | None = None

    @property
    def horizon(self) -> int:
        """Periods forecast."""
        return int(self.mean.shape[1])

    def to_frame(self) -> pl.DataFrame:
        """Long frame: unique_id, cutoff, ds, mean, then ``q0.05`` and so on."""
        n, horizon = self.mean.shape
        ahead: IntArray = np.tile(np.arange(1, horizon + 1, dtype=np.int64), n) + self.cutoff
        columns: dict[str, object] = {
            "unique_id": pl.Series(np.repeat(self.ids, horizon), dtype=pl.String),
            "cutoff": pl.Series([self.frequency.start_of(self.cutoff)])
            .cast(self.frequency.dtype)
            .new_from_index(0, n * horizon),
            "ds": self.frequency.start(ahead),
            "mean": self.mean.ravel(),
        }
        columns |= {quantile_column(level): values.ravel() for level, values in sorted(self.quantiles.items())}
        return pl.DataFrame(columns)

    def cumulative_frame(self) -> pl.DataFrame:
        """Long frame: unique_id, cutoff, window, mean, level, value, method, calibration_id; a window once a series."""
        told = self.cumulative
        if told is None:
            return pl.DataFrame(schema=dict.fromkeys(("unique_id", "method", "calibration_id"), pl.String))
        n, w, k = told.values.shape
        return pl.DataFrame(
            {
                "unique_id": pl.Series(np.repeat(self.ids, w * k), dtype=pl.String),
                "cutoff": pl.Series([self.frequency.start_of(self.cutoff)])
                .cast(self.frequency.dtype)
                .new_from_index(0, n * w * k),
                "window": np.repeat(told.windows.ravel(), k),
                "mean": np.repeat(told.mean.ravel(), k),
                "level": np.tile(np.asarray(told.levels), n * w),
                "value": told.values.ravel(),
                "method": pl.Series(np.repeat(told.methods, w * k), dtype=pl.String),
                "calibration_id": pl.Series([told.calibration_id]).new_from_index(0, n * w * k),
            }
        ).filter(pl.Series(np.repeat(_once(told.windows).ravel(), k)))


def _once(windows: IntArray) -> BoolArray:
    """Where a row names a window that it has not named further left, of the shape of ``windows``."""
    same = windows[:, :, None] == windows[:, None, :]
    named: BoolArray = np.tril(same, -1).any(axis=2)
    return ~named


@dataclass(frozen=True, slots=True, kw_only=True)
class OneStep:
    """Forecasts of past periods, each made one period before by a model that had not seen it.

    Parameters
    ----------
    ids : array of shape (n,)
        ``unique_id`` of each row.
    first
        Period number of column 0.
    mean : array of shape (n, T)
        Expected units; NaN where a series was not listed the period before.
    """

    ids: NameArray
    first: int
    mean: FloatArray
