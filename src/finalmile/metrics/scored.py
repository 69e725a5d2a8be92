"""Forecasts beside what came true: the one thing every metric reads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Doubles: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Forecasts of ``n`` series over ``T`` periods beside what came true.

    A cell counts where both its actual and its forecast are finite numbers; everything else (a stock-out, a period
    before listing, a gap, an infinity) is left out by every metric.

    Parameters
    ----------
    actual : array of shape (n, T)
        Units; NaN where a period may not be judged: missing or censored.
    forecast : array of shape (n, T)
        Expected units.
    quantiles
        Level in (0, 1) to array of shape (n, T).
    naive_mae, naive_rmse : array of shape (n,)
        In-sample error of a naive forecast of each series (:func:`finalmile.metrics.naive_scales`): what MASE and
        RMSSE divide by.
    weights : array of shape (n,)
        Importance of each series, for example its revenue; need not sum to 1.
    baseline : array of shape (n, T)
        The cheap forecast that forecast value added compares with.
    censored, missing
        How many cells were left out as stock-outs, and because nothing was known.
    """

    actual: Floats
    forecast: Floats
    quantiles: Mapping[float, Floats] = field(default_factory=dict[float, Floats])
    naive_mae: Floats | None = None
    naive_rmse: Floats | None = None
    weights: Floats | None = None
    baseline: Floats | None = None
    censored: int = 0
    missing: int = 0

    def __post_init__(self) -> None:
        shape = self.actual.shape
        if len(shape) != 2:
            raise ValueError(
                f"actual has shape {shape}; it must be (series, periods): use actual[None, :] for one series"
            )
        wide = {"forecast": self.forecast, "baseline": self.baseline}
        wide |= {f"quantile {level:g}": values for level, values in self.quantiles.items()}
        narrow = {"naive_mae": self.naive_mae, "naive_rmse": self.naive_rmse, "weights": self.weights}
        faults = [
            f"{name} has shape {values.shape}, it must be {wanted}"
            for fields, wanted in ((wide, shape), (narrow, shape[:1]))
            for name, values in fields.items()
            if values is not None and values.shape != wanted
        ]
        if faults:
            raise ValueError("; ".join(faults))

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Cells that count, shape (n, T)."""
        return np.isfinite(self.actual) & np.isfinite(self.forecast)

    def pairs(self) -> tuple[Doubles, Doubles]:
        """Actual and forecast of every cell that counts, each one-dimensional, in double precision."""
        keep = self.usable
        return self.actual[keep].astype(np.float64), self.forecast[keep].astype(np.float64)

    def quantile(self, level: float) -> Floats | None:
        """Quantile forecast at a level, ``None`` where none was given."""
        for known, values in self.quantiles.items():
            if math.isclose(known, level, rel_tol=0.0, abs_tol=1e-9):
                return values
        return None

    def errors_by_series(self, *, power: int) -> Doubles:
        """Mean of ``|forecast - actual| ** power`` of each series, shape (n,); NaN for a series without a cell."""
        keep = self.usable
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            error = np.where(keep, np.subtract(self.forecast, self.actual, dtype=np.float64), 0.0)
            total = (np.abs(error) ** power).sum(axis=1)
            mean: Doubles = np.where(keep.any(axis=1), total / keep.sum(axis=1), np.nan)
        return mean


def ratio(top: float, bottom: float) -> float | None:
    """``top / bottom`` where that is a finite number, else ``None``.

    Examples
    --------
    >>> ratio(1.0, 4.0), ratio(1.0, 0.0), ratio(float("inf"), 1.0)
    (0.25, None, None)
    """
    if bottom == 0 or not math.isfinite(bottom) or not math.isfinite(top):
        return None
    value = top / bottom
    return value if math.isfinite(value) else None


def total(values: Doubles) -> float:
    """Sum of an array as a float; an overflow gives infinity without a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(values.sum())
